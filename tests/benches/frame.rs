//! What a frame of each page costs with a model of 5,000 layers while the pointer moves over it, and how many blocks of
//! memory it takes; then of the two most expensive pages side by side.
//!
//! `cargo bench --bench frame` prints the median, the 95th percentile and the worst of layout and of tessellation, in
//! milliseconds; the budget is 4 ms at the 95th percentile for either.

#![expect(clippy::print_stdout, reason = "what a benchmark is for")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use egui::pos2;
use quantlens::{action::Action, command::Command, document::Page};
use quantlens_tests::{
    frames::measure,
    window::{Window, large, settle},
};

const LAYERS: usize = 5000;
const SIZE: [f32; 2] = [1280.0, 800.0];

/// The system's allocator, with a count.
struct Counting;

static BLOCKS: AtomicUsize = AtomicUsize::new(0);

#[expect(unsafe_code, reason = "an allocator is unsafe by nature; this one only counts and hands on")]
// SAFETY: every call is the system allocator's own, with the same arguments.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BLOCKS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block came from `System`, with this layout.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() {
    let mut window = large(LAYERS, SIZE);
    let ctx = window.ctx.clone();
    let layer = window.state().document().layers()[LAYERS / 2].name.clone();
    window.state_mut().apply(&ctx, Command::SelectMany(vec![layer]));
    settle(&mut window);
    let mut costs: Vec<(Duration, Page)> = Vec::new();
    for page in Page::MODEL.into_iter().chain(Page::LAYER).chain([Page::Help]) {
        window.state_mut().apply(&ctx, Command::ShowPage(page));
        costs.push((cost(page.title(), &mut window), page));
    }
    costs.sort_unstable_by_key(|(cost, _)| std::cmp::Reverse(*cost));
    let [(_, left), (_, right), ..] = costs.as_slice() else { return };
    for command in [Command::ShowPage(*left), Command::Run(Action::Split)] {
        window.state_mut().apply(&ctx, command);
    }
    // The other of the two comes into use, takes the page it shall have, and the first is used again.
    for command in [Command::Run(Action::OtherPage), Command::ShowPage(*right), Command::Run(Action::OtherPage)] {
        window.state_mut().apply(&ctx, command);
    }
    cost(&format!("{} beside {}", left.title(), right.title()), &mut window);
    let shown: Vec<Page> = window.state().document().pages.shown().collect();
    assert_eq!(shown, [*left, *right]);
    assert!(!window.state().document().pages.narrow.split, "both are drawn");
}

/// Measures what is on screen, once it is at rest.
fn cost(what: &str, window: &mut Window) -> Duration {
    for _ in 0..20 {
        settle(window);
    }
    let before = BLOCKS.load(Ordering::Relaxed);
    // Over the table's rows, the list and the charts.
    let cost = measure(what, window, |window, frame| {
        window.hover_at(pos2(100.0 + 8.0 * frame as f32, 300.0 + 3.0 * frame as f32));
    });
    println!("    {} blocks of memory a frame", (BLOCKS.load(Ordering::Relaxed) - before) / 120);
    cost
}
