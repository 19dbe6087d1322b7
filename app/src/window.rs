//! Opens the real window: with wgpu, and where that has no adapter with OpenGL.
//!
//! Nothing slow happens before the first frame: onnxruntime is looked for, and fetched if need be, on the analysis thread.

use std::{process::ExitCode, sync::Arc, time::Instant};

use eframe::{NativeOptions, Renderer};
use egui::{Context, ViewportBuilder};

use crate::{
    app::{App, Outcome, Trace},
    cli::WindowArgs,
    dialogs::{self, Dialogs},
    engine::Engine,
    session::Session,
    theme,
    worker::{Runner, Worker},
};

/// Runs the window until it is closed.
pub fn run(args: &WindowArgs, started: Instant) -> ExitCode {
    if !has_display() {
        return no_display("there is no display");
    }
    let trace = Trace::new(args.trace_startup.then_some(started), args.exit_after);
    let outcome = Arc::clone(&trace.outcome);
    let first = attempt(args, &trace, Renderer::Wgpu);
    let result = match first {
        Err(error) if may_try_opengl(&error) => {
            eprintln!("note: no adapter for wgpu ({error}); trying OpenGL (mesa-vulkan-drivers has one in software)");
            attempt(args, &trace, Renderer::Glow)
        }
        other => other,
    };
    match (result, outcome.get()) {
        (Err(error), _) => no_display(&error.to_string()),
        (Ok(()), Some(Outcome::Failed(why))) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
        (Ok(()), _) => ExitCode::SUCCESS,
    }
}

/// One attempt with one renderer; the app is made anew for each.
fn attempt(args: &WindowArgs, trace: &Trace, renderer: Renderer) -> eframe::Result {
    let options = NativeOptions {
        renderer,
        viewport: ViewportBuilder::default()
            .with_title("Quantlens")
            .with_app_id("quantlens")
            .with_inner_size([1440.0, 900.0])
            .with_min_inner_size([800.0, 600.0])
            .with_drag_and_drop(true),
        ..NativeOptions::default()
    };
    let (args, trace) = (args.clone(), trace.clone());
    eframe::run_native("quantlens", options, Box::new(move |cc| Ok(Box::new(make(cc, &args, trace)?))))
}

/// The app, its thread and its fonts.
fn make(cc: &eframe::CreationContext<'_>, args: &WindowArgs, trace: Trace) -> std::io::Result<App> {
    theme::install(&cc.egui_ctx);
    let wake = waker(&cc.egui_ctx);
    let (library, threads) = (args.onnxruntime.clone(), args.threads);
    let worker = Worker::start(move || Runner::new(Box::new(Engine::new(library, threads))), Arc::clone(&wake))?;
    let mut app = App::new(worker, Dialogs::new(dialogs::native, wake)).with_trace(trace);
    app.start(&cc.egui_ctx, args.start(), cc.storage.and_then(Session::load).as_ref());
    Ok(app)
}

/// Makes the window look for what other threads have sent.
fn waker(ctx: &Context) -> Arc<dyn Fn() + Send + Sync> {
    let ctx = ctx.clone();
    Arc::new(move || ctx.request_repaint())
}

/// Whether another renderer may help: not when there is no window system at all.
fn may_try_opengl(error: &eframe::Error) -> bool {
    matches!(error, eframe::Error::Wgpu(_))
}

/// On other systems than those of X11 and Wayland there is always one.
fn has_display() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(all(unix, not(target_os = "macos")))
        || is_set("DISPLAY")
        || is_set("WAYLAND_DISPLAY")
        || is_set("WAYLAND_SOCKET")
}

fn no_display(why: &str) -> ExitCode {
    eprintln!(
        "error: no window: {why}. Use `xvfb-run -a quantlens …` for a virtual display, or `quantlens analyze …` \
         without one"
    );
    ExitCode::FAILURE
}
