//! The window: a document, its views, a worker, and the loop that joins them.
//!
//! A frame is: take in what jobs and dialogs report, turn keys into commands, draw, carry the commands out. Views draw the
//! document as it was when the frame began; what their commands change is drawn in the next frame, which is asked for.
//! Nothing here repaints on its own: the worker's events, a notice that expires and a value about to be dimmed ask for the
//! one frame they need.

mod effects;
mod layout;
mod panes;
mod trace;

use std::{path::PathBuf, time::Instant};

use egui::{Context, Rect, ViewportCommand};
use quantlens_analysis::text;

pub use self::{
    layout::LayoutRects,
    trace::{ExitAfter, Outcome, Trace},
};
use crate::{
    apply::{self, Effect, Effects},
    command::{Command, Commands, Dialog},
    dialogs::Dialogs,
    document::{Document, FloatCopies, Narrow, ThemeChoice},
    keys,
    layout_thread::LayoutThread,
    session::Session,
    theme,
    views::{ViewStates, notices},
    worker::{Event, Happening, Worker},
};

/// What the window starts with.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// The model to open.
    pub model: Option<PathBuf>,
    /// Its samples.
    pub data: Option<quantlens_analysis::data::DataSource>,
    /// Its configuration.
    pub config: Option<PathBuf>,
    /// Open the sample whatever the history.
    pub sample: bool,
    /// Show the welcome page whatever the history.
    pub welcome: bool,
    /// Most bytes for cached tensors, whatever the settings say.
    pub memory: Option<u64>,
}

/// The clock that ages are measured with.
#[derive(Clone, Copy, Debug)]
enum Clock {
    /// The system's; it also runs while the window is hidden, where egui's stands still.
    System(Instant),
    /// egui's, which tests control.
    Ui,
}

/// The program with a window.
#[derive(Debug)]
pub struct App {
    doc: Document,
    views: ViewStates,
    commands: Commands,
    worker: Worker,
    dialogs: Dialogs,
    layouts: LayoutThread,
    clock: Clock,
    trace: Trace,
    /// Whatever is asked now, the window closes.
    closing: bool,
    /// The document's filter box wants the keyboard in the next frame.
    focus_filter: bool,
    shown_title: String,
    shown_theme: Option<ThemeChoice>,
    rects: LayoutRects,
    float_copies: FloatCopies,
}

impl App {
    /// A window on nothing, with this worker and these dialogs; its clock is egui's. [`App::start`] opens something.
    pub fn new(worker: Worker, dialogs: Dialogs) -> Self {
        Self {
            doc: Document::new(),
            views: ViewStates::default(),
            commands: Commands::default(),
            worker,
            dialogs,
            layouts: LayoutThread::default(),
            clock: Clock::Ui,
            trace: Trace::default(),
            closing: false,
            focus_filter: false,
            shown_title: String::new(),
            shown_theme: None,
            rects: LayoutRects::default(),
            float_copies: FloatCopies::default(),
        }
    }

    /// Measures with the system's clock and reports times as `trace` says: the real program.
    pub fn with_trace(mut self, trace: Trace) -> Self {
        self.clock = Clock::System(Instant::now());
        self.trace = trace;
        self
    }

    /// Takes up the last session, and opens what `start` says: the sample at the very first start.
    pub fn start(&mut self, ctx: &Context, start: Start, session: Option<&Session>) {
        if let Some(session) = session {
            session.restore(&mut self.doc);
        }
        self.doc.memory_given = start.memory;
        let first = match (&start.model, start.sample, start.welcome, session) {
            (Some(path), ..) => Some(Command::OpenModel(path.clone())),
            (None, true, ..) | (None, false, false, None) => Some(Command::OpenSample),
            (None, false, ..) => None,
        };
        if let Some(unsaved) = session.and_then(|session| session.unsaved.clone()).filter(|_| first.is_none()) {
            self.doc.unsaved = Some(unsaved);
            self.doc.dialog = Some(Dialog::Restore);
        }
        self.doc.wanted_data = start.data.map(crate::worker::DataChoice::Source);
        self.trace.expects_analysis = first.is_some();
        // The configuration first: it is read at once and waits for the model.
        self.commands_now(ctx, start.config.map(Command::OpenConfig).into_iter().chain(first));
    }

    /// The document, as of the last frame.
    pub fn document(&self) -> &Document {
        &self.doc
    }

    /// Where the panels were drawn in the last frame.
    pub fn rects(&self) -> LayoutRects {
        self.rects
    }

    /// Puts a whole document in place: for tests of views and for pictures.
    pub fn set_document(&mut self, doc: Document) {
        self.doc = doc;
    }

    /// Takes in an event, as if the worker had sent it.
    pub fn absorb(&mut self, ctx: &Context, event: Event) {
        let mut effects = Effects::new();
        apply::absorb(&mut self.doc, event, &mut effects);
        self.carry_out(ctx, effects);
    }

    /// Carries out a command, as if a view had sent it.
    pub fn apply(&mut self, ctx: &Context, command: Command) {
        self.commands_now(ctx, std::iter::once(command));
    }

    fn commands_now(&mut self, ctx: &Context, commands: impl IntoIterator<Item = Command>) {
        let mut effects = Effects::new();
        for command in commands {
            // The pointer moves all the time; drawing its row again is enough when the row is another one.
            let is_news = match &command {
                Command::Hover(layer) => *layer != self.doc.selection.hovered,
                _ => true,
            };
            apply::apply(&mut self.doc, command, &mut effects);
            if is_news {
                ctx.request_repaint();
            }
        }
        self.carry_out(ctx, effects);
    }

    /// Takes in everything that has come since the last frame.
    fn listen(&mut self, ctx: &Context) {
        while let Some(happening) = self.worker.poll(self.doc.now) {
            match happening {
                Happening::Started(request) => apply::started(&mut self.doc, &request),
                Happening::News(event) => self.absorb(ctx, event),
            }
        }
        while let Some(news) = self.layouts.poll() {
            apply::drafted(&mut self.doc, news);
            ctx.request_repaint();
        }
        while let Some(answer) = self.dialogs.poll() {
            self.answered(ctx, answer);
        }
        let focused = ctx.input(|input| input.focused);
        if self.dialogs.advice_due(self.doc.now, focused) {
            apply::advise(&mut self.doc, text::Text::of(crate::dialogs::ADVICE));
        }
    }

    fn dropped(&mut self, ctx: &Context) {
        let dropped = ctx.input(|input| input.raw.dropped_files.clone());
        let paths: Vec<PathBuf> = dropped.iter().map(|file| file.path().to_path_buf()).collect();
        self.commands_now(ctx, paths.into_iter().map(Command::OpenAny));
    }

    /// A click on the window's own close button: not before the question about unsaved edits is answered.
    fn close_request(&mut self, ctx: &Context) {
        if self.closing || !ctx.input(|input| input.viewport().close_requested()) {
            return;
        }
        let mut effects = Effects::new();
        apply::request_close(&mut self.doc, &mut effects);
        if effects.contains(&Effect::Close) {
            self.closing = true;
        } else {
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
        }
    }

    fn show_title_and_theme(&mut self, ctx: &Context) {
        let edited = if self.doc.has_unsaved_edits() { " *" } else { "" };
        let title = if self.doc.title.is_empty() {
            "Quantlens".to_owned()
        } else {
            format!("{}{edited} – Quantlens", self.doc.title)
        };
        if title != self.shown_title {
            self.shown_title.clone_from(&title);
            ctx.send_viewport_cmd(ViewportCommand::Title(title));
        }
        // What a screen reader calls the window; the system's title is not told to it.
        ctx.accesskit_node_builder(egui::accesskit_root_id(), |node| node.set_label(self.shown_title.as_str()));
        let choice = self.doc.settings.theme;
        if self.shown_theme != Some(choice) {
            self.shown_theme = Some(choice);
            ctx.set_theme(match choice {
                ThemeChoice::System => egui::ThemePreference::System,
                ThemeChoice::Dark => egui::ThemePreference::Dark,
                ThemeChoice::Light => egui::ThemePreference::Light,
            });
        }
    }

    /// Asks for the next frame that is needed by time alone.
    fn schedule(&self, ctx: &Context) {
        let now = self.doc.now;
        let dims = [self.doc.report.pending_since, self.doc.detail.pending_since];
        let dim = dims.into_iter().flatten().map(|since| since + theme::DIM_AFTER_S - now).filter(|left| *left >= 0.0);
        let due = self.worker.queue().due().map(|due| due - now);
        let slow = self.doc.graph.running.as_ref().and_then(|running| running.slow_in(now));
        let others = [due, slow, notices::next_change(&self.doc), self.dialogs.advice_in(now)];
        if let Some(left) = dim.chain(others.into_iter().flatten()).min_by(f64::total_cmp) {
            // A little later than due, or the frame comes just too early and asks again.
            ctx.request_repaint_after(std::time::Duration::from_secs_f64(left.max(0.0) + 0.01));
        }
    }

    fn tick(&mut self, ctx: &Context) {
        self.doc.now = match self.clock {
            Clock::System(start) => start.elapsed().as_secs_f64(),
            Clock::Ui => ctx.input(|input| input.time),
        };
    }

    /// Takes in the news, before a frame or without one.
    pub fn take_in(&mut self, ctx: &Context) {
        self.tick(ctx);
        self.listen(ctx);
    }

    /// Draws one frame and carries out what it asks for; needs no window, so that a benchmark can draw too.
    pub fn draw(&mut self, ui: &mut egui::Ui) {
        let ctx = ui.ctx().clone();
        text::set_language(self.doc.settings.language);
        self.dropped(&ctx);
        self.close_request(&ctx);
        self.doc.pages.narrow =
            Narrow { split: !panes::has_room(self.rects.pages_width), ..Narrow::at(ui.available_width()) };
        for action in keys::actions(&ctx) {
            self.commands.run(action);
        }
        let held = keys::holds_float(&ctx);
        if held != self.doc.float_view.held && self.doc.report.value.is_some() {
            self.commands.push(Command::HoldFloat(held));
        }
        let float = self.doc.float_view.is_shown().then(|| self.float_copies.of(&self.doc));
        let shown = float.as_ref().unwrap_or(&self.doc);
        layout::window_ui(ui, shown, &mut self.views, &mut self.commands, &mut self.rects);
        if std::mem::take(&mut self.focus_filter) {
            ctx.memory_mut(|memory| memory.request_focus(crate::views::layer_list::filter_id()));
        }
        let commands = self.commands.take();
        self.commands_now(&ctx, commands);
        self.listen(&ctx);
        self.show_title_and_theme(&ctx);
        self.schedule(&ctx);
        let is_idle = self.worker.queue().is_idle();
        if self.trace.frame_drawn(&self.doc, is_idle) {
            self.closing = true;
            ctx.send_viewport_cmd(ViewportCommand::Close);
        }
    }

    /// Whether nothing runs and nothing waits to be run.
    pub fn is_idle(&self) -> bool {
        self.worker.queue().is_idle()
    }
}

impl eframe::App for App {
    /// Also runs while the window is hidden, so that jobs finish while it is minimised.
    fn logic(&mut self, ctx: &Context, _frame: &mut eframe::Frame) {
        self.take_in(ctx);
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        self.draw(ui);
    }

    fn save(&mut self, storage: &mut dyn eframe::Storage) {
        Session::of(&self.doc, self.closing).save(storage);
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        visuals.panel_fill.to_normalized_gamma_f32()
    }
}

impl Default for LayoutRects {
    fn default() -> Self {
        Self { list: None, inspector: None, centre: Rect::NOTHING, pages_width: 0.0 }
    }
}
