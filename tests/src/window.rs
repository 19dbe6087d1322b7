//! A window without a screen, with a bench that computes nothing and dialogs that are never answered.

use std::sync::Arc;

use egui::Role;
use egui_kittest::{
    Harness,
    kittest::{NodeT as _, Queryable as _},
};
use quantlens::{
    app::App,
    command::Command,
    dialogs::{Ask, Dialogs, Reply, Suggestion},
    engine::Engine,
    testing::FakeBench,
    theme,
    worker::{Runner, Worker},
};
use quantlens_analysis::quant::Bits;

/// The window under test.
pub type Window = Harness<'static, App>;

fn silent(_: Ask, _: &Suggestion, _: Reply) {}

/// A window on nothing, `width` × `height` points.
pub fn fixture(width: f32, height: f32) -> Window {
    let worker = Worker::inline(Runner::new(Box::new(FakeBench { layers: 23 })));
    with_worker(worker, width, height)
}

/// A window on nothing with this worker.
pub fn with_worker(worker: Worker, width: f32, height: f32) -> Window {
    let app = App::new(worker, Dialogs::new(silent, Arc::new(|| {})));
    let builder = Harness::builder().with_size([width, height]).with_step_dt(0.05).with_context_setup(theme::install);
    let mut window = builder.build_eframe(|_| app);
    settle(&mut window);
    window
}

/// A window on the fixture's sample, evaluated.
pub fn open(width: f32, height: f32) -> Window {
    let mut window = fixture(width, height);
    let ctx = window.ctx.clone();
    window.state_mut().apply(&ctx, Command::OpenSample);
    settle(&mut window);
    window
}

/// A window on a made-up model of `layers` layers with skips, evaluated.
pub fn large(layers: usize, [width, height]: [f32; 2]) -> Window {
    let mut window = fixture(width, height);
    window.state_mut().set_document(quantlens::testing::branched_document(layers));
    settle(&mut window);
    window
}

/// A window whose jobs really compute, on this thread; `None`, with the line that says so, where no onnxruntime is found.
pub fn real(test: &str, width: f32, height: f32) -> Option<Window> {
    if let Err(missing) = quantlens::runtime::locate(None) {
        println!("skipped: {test}: {}", missing.to_string().replace('\n', " "));
        return None;
    }
    let worker = Worker::inline(Runner::new(Box::new(Engine::new(None, Some(2)))));
    Some(with_worker(worker, width, height))
}

/// Lets the window come to rest: jobs, bursts of edits, animations. Notices that wait to expire do not count.
pub fn settle(window: &mut Window) {
    window.run_steps(12);
}

/// Carries out a command, as if a view had sent it, and lets the window come to rest.
pub fn send(window: &mut Window, command: Command) {
    let ctx = window.ctx.clone();
    window.state_mut().apply(&ctx, command);
    settle(window);
}

/// What a screen reader says of everything in this role.
pub fn labels(window: &Window, role: Role) -> Vec<String> {
    window.query_all_by_role(role).filter_map(|node| node.accesskit_node().label()).collect()
}

/// A layer's own widths: weights, activations.
pub fn bits_of(window: &Window, layer: &str) -> (Option<Bits>, Option<Bits>) {
    let own = window.state().document().config.layers.get(layer).cloned().unwrap_or_default();
    (own.weight_bits, own.activation_bits)
}
