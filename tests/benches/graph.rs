//! What a frame of the Graph page costs with a large model: layout and accessibility tree (`step`), and tessellation.
//!
//! `cargo bench --bench graph` prints the median, the 95th percentile and the worst of each, in milliseconds, for the view
//! at rest, panned, zoomed out to the whole and where most cards have text. The budget is 4 ms at the 95th percentile for
//! either.

use std::time::{Duration, Instant};

use egui::{Event, Modifiers, MouseWheelSource, MouseWheelUnit, TouchPhase, pos2, vec2};
use quantlens::{
    command::Command,
    document::Page,
    graph_layout::{Edge, Net, Work, lay_out},
};
use quantlens_analysis::job::CancelToken;
use quantlens_tests::{
    frames::measure,
    window::{Window, large, settle},
};

const LAYERS: usize = 5000;

fn main() {
    layouts();
    for size in [[1280.0, 800.0], [2560.0, 1440.0]] {
        frames(size);
    }
}

/// Time of the layout itself.
fn layouts() {
    let chain = |n: usize| (1..n).map(|i| (i - 1, i)).collect::<Vec<_>>();
    let residual = |n: usize| {
        let skips = (0..n.saturating_sub(3)).step_by(3).map(|i| (i, i + 3));
        chain(n).into_iter().chain(skips).collect::<Vec<_>>()
    };
    let nets = [
        ("chain", chain(LAYERS)),
        ("residual", residual(LAYERS)),
        ("residual with a mask", residual(LAYERS).into_iter().chain((8..LAYERS).step_by(8).map(|i| (0, i))).collect()),
        ("dense", (1..LAYERS).flat_map(|i| (i.saturating_sub(12)..i).map(move |j| (j, i))).collect()),
    ];
    for (name, pairs) in nets {
        let mut edges: Vec<Edge> = pairs.into_iter().map(|(from, to)| Edge { from, to, through: false }).collect();
        edges.sort_unstable();
        edges.dedup();
        let net = Net { cards: LAYERS, edges };
        let mut work = Work { cancel: CancelToken::new(), progress: &mut |_, _| (), quick: false };
        let start = Instant::now();
        let drawing = lay_out(&net, &mut work);
        let lines = drawing.map_or(0, |drawing| drawing.links.len());
        println!("layout of {LAYERS} cards, {name}: {} ms, {lines} lines", start.elapsed().as_millis());
    }
}

fn frames(size: [f32; 2]) {
    let mut window = large(LAYERS, size);
    let ctx = window.ctx.clone();
    window.state_mut().apply(&ctx, Command::ShowPage(Page::Graph));
    let start = Instant::now();
    while window.state().document().graph.drawn.is_none() && start.elapsed() < Duration::from_secs(60) {
        window.step();
    }
    settle(&mut window);
    let label = format!("{} × {}", size[0], size[1]);
    measure(&format!("{label}, at rest"), &mut window, |_, _| ());
    let middle = pos2(0.5 * size[0], 0.6 * size[1]);
    measure(&format!("{label}, panned"), &mut window, |window, frame| {
        let to = middle + vec2(0.0, -((frame % 40) as f32) * 4.0);
        if frame % 40 == 0 {
            window.drag_at(middle);
        }
        window.hover_at(to);
        if frame % 40 == 39 {
            window.drop_at(to);
        }
    });
    let wheel = |window: &mut Window, points: f32| {
        window.hover_at(middle);
        let (unit, phase, source) = (MouseWheelUnit::Point, TouchPhase::Move, MouseWheelSource::Wheel);
        window.event(Event::MouseWheel { unit, delta: vec2(0.0, points), modifiers: Modifiers::NONE, phase, source });
    };
    measure(&format!("{label}, zoomed out and in"), &mut window, |window, frame| {
        wheel(window, if frame % 60 < 30 { -60.0 } else { 60.0 });
    });
    window.state_mut().apply(&ctx, Command::Run(quantlens::action::Action::FrameAll));
    settle(&mut window);
    measure(&format!("{label}, whole graph"), &mut window, |_, _| ());
}
