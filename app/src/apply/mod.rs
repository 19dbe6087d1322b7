//! The only code that changes a [`Document`]: [`apply`] for what the user does, [`absorb`] for what jobs report.
//!
//! Both are plain functions of document and value; what has to happen outside the document (a job, a dialog of the
//! system, the clipboard, closing) is returned as [`Effect`]s, which the window carries out. So a test can walk every
//! command without a window.

mod absorb;
mod ask;
mod companions;
mod edit;
mod figure;
mod graph;
mod navigate;
mod notify;
mod open;
pub(crate) mod pins;
mod previews;
mod run;
mod scope;
mod session_file;
mod sweep;
mod trouble;

use std::{path::PathBuf, sync::Arc};

pub use absorb::{absorb, config_read, config_saved, started};
use ask::{ask_detail, forget_asked, layer_request, settle_layer};
pub use figure::{figure_copied, figure_data_copied, figure_saved};
pub use graph::drafted;
use quantlens_analysis::{config::QuantConfig, say, text::Text};
pub use session_file::{session_read, session_saved};

use crate::{
    command::{CloseAnswer, Command, Dialog},
    dialogs::Ask,
    document::{Document, ExportPhase, Level, Page},
    graph_layout::Net,
    tour::TourStep,
    worker::Request,
};

/// Something that has to happen outside the document.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Start a job.
    Start(Request),
    /// Stop the running job and forget the waiting ones.
    CancelJobs,
    /// Put text on the clipboard.
    CopyText(String),
    /// Open a dialog of the system.
    Ask(Ask),
    /// Write a configuration.
    SaveConfig {
        /// Where to.
        path: PathBuf,
        /// What.
        config: Arc<QuantConfig>,
        /// Close the window when that worked.
        then_close: bool,
    },
    /// Read a configuration.
    ReadConfig(PathBuf),
    /// Read a session from this file, and tell [`session_read`].
    ReadSession(PathBuf),
    /// Write the session to this file, and tell [`session_saved`].
    SaveSession(PathBuf),
    /// Write a figure of the page on screen.
    SaveFigure {
        /// Which one.
        place: usize,
        /// Where to.
        path: PathBuf,
    },
    /// Put the pixels of a figure of the page on screen on the clipboard.
    CopyFigure(usize),
    /// Put the numbers of a figure of the page on screen on the clipboard.
    CopyFigureData(usize),
    /// Write the picture to share.
    SaveShare(PathBuf),
    /// Draw this graph on a thread of its own, instead of what it draws now.
    LayOut {
        /// The graph.
        net: Arc<Net>,
        /// Without the search for few crossings.
        quick: bool,
    },
    /// Stop drawing the graph.
    StopLayout,
    /// Put the keyboard into the filter box.
    FocusFilter,
    /// Close the window, now.
    Close,
}

/// What the document's changes ask for, in order.
pub type Effects = Vec<Effect>;

/// Carries out one command.
pub fn apply(doc: &mut Document, command: Command, out: &mut Effects) {
    match command {
        Command::Run(action) => run::run(doc, action, out),
        Command::OpenModel(_)
        | Command::OpenAny(_)
        | Command::OpenSample
        | Command::OpenData(_)
        | Command::OpenConfig(_)
        | Command::SaveConfig(_)
        | Command::OpenSession(_)
        | Command::SaveSession(_)
        | Command::ForgetRecent(_)
        | Command::SetRecipe(_)
        | Command::ConfirmRecipe
        | Command::SetSamples(_)
        | Command::TryRecipes => open::apply(doc, command, out),
        Command::SetBits { .. }
        | Command::SetGranularity { .. }
        | Command::SetMethod { .. }
        | Command::SetFormat { .. }
        | Command::SetRange { .. }
        | Command::SetFold { .. }
        | Command::ResetLayers(_)
        | Command::SetTarget(_)
        | Command::SetDefaults(_)
        | Command::GoToStep(_) => edit::apply(doc, command, out),
        Command::Pin(command) => pins::apply(doc, command, out),
        Command::Select { .. }
        | Command::SelectMany(_)
        | Command::ClearSelection
        | Command::Hover(_)
        | Command::SetFilter(_)
        | Command::Brush(_)
        | Command::SortBy(_)
        | Command::ColumnWidth(..)
        | Command::Resort
        | Command::ListMetric(_)
        | Command::ShowPage(_)
        | Command::TogglePanel(_)
        | Command::Divide(_)
        | Command::HoldFloat(_)
        | Command::Target(_) => navigate::apply(doc, command, out),
        Command::Graph(command) => graph::apply(doc, command, out),
        Command::Sweep(command) => sweep::apply(doc, command, out),
        Command::ScopeSample(index) => {
            scope::show(doc, index, out);
            ask_detail(doc, out);
        }
        Command::Preview(samples) => previews::ask(doc, samples, out),
        Command::MapsSample(sample) => {
            doc.maps_sample = sample;
            ask_detail(doc, out);
        }
        other => window(doc, other, out),
    }
}

/// Jobs, dialogs, notices, settings.
fn window(doc: &mut Document, command: Command, out: &mut Effects) {
    match command {
        Command::Cancel => cancel(doc, out),
        Command::Retry => retry(doc, out),
        Command::Export { path } => start_export(doc, path, out),
        Command::BrowseExport => out.push(Effect::Ask(Ask::SaveExport)),
        Command::CloseExport => doc.export = None,
        Command::DismissNotice(id) => notify::dismiss(doc, id),
        Command::DismissFailure => doc.failure = None,
        Command::ShowDialog(dialog) => doc.dialog = Some(dialog),
        Command::CloseDialog => doc.dialog = None,
        Command::CloseAnswer(answer) => close_answer(doc, answer, out),
        Command::RestoreUnsaved(wanted) => restore(doc, wanted, out),
        Command::SetSettings(settings) => set_settings(doc, settings, out),
        Command::Tour(step) => tour(doc, step, out),
        Command::Copy(text) => out.push(Effect::CopyText(text)),
        Command::Figure(command) => figure::apply(doc, command, out),
        Command::SaveShare(path) => out.push(Effect::SaveShare(path)),
        // `apply` handles the rest; a new command that reaches this arm does nothing, which the test that walks all
        // commands would show.
        _ => {}
    }
}

/// Tells the user something that is good to know.
pub fn advise(doc: &mut Document, text: Text) {
    notify::notice(doc, Level::Info, text, "");
}

/// The picture to share was written to `path`, or could not be. Its path goes to the clipboard: what comes next is to send it.
pub fn share_saved(doc: &mut Document, path: &std::path::Path, result: Result<(), Text>, out: &mut Effects) {
    match result {
        Ok(()) => {
            let path = path.display().to_string();
            notify::notice(doc, Level::Info, say!("Saved {}; its path is on the clipboard", path), "");
            out.push(Effect::CopyText(path));
        }
        Err(error) => notify::notice(doc, Level::Failure, say!("The picture was not saved: {}", error), ""),
    }
}

/// The window is to close: at once, or after a question where edits are not saved.
pub fn request_close(doc: &mut Document, out: &mut Effects) {
    // The sample is there to be played with; nobody wants to be asked about it.
    if doc.has_unsaved_edits() && !doc.is_sample {
        doc.dialog = Some(Dialog::ConfirmClose);
    } else {
        out.push(Effect::Close);
    }
}

fn close_answer(doc: &mut Document, answer: CloseAnswer, out: &mut Effects) {
    doc.dialog = None;
    match (answer, doc.config_path.clone()) {
        (CloseAnswer::Stay, _) => {}
        (CloseAnswer::Discard, _) => out.push(Effect::Close),
        (CloseAnswer::Save, Some(path)) => {
            out.push(Effect::SaveConfig { path, config: Arc::clone(&doc.config), then_close: true });
        }
        (CloseAnswer::Save, None) => out.push(Effect::Ask(Ask::SaveConfig { then_close: true })),
    }
}

/// Opens the model of the lost edits with them, or forgets them.
fn restore(doc: &mut Document, wanted: bool, out: &mut Effects) {
    doc.dialog = None;
    let Some(unsaved) = doc.unsaved.take().filter(|_| wanted) else { return };
    doc.wanted_config = unsaved.read();
    apply(doc, Command::OpenModel(unsaved.model), out);
}

fn cancel(doc: &mut Document, out: &mut Effects) {
    let evaluates = doc.report.pending_since.is_some() || doc.is_refining();
    doc.cancelled = evaluates && doc.data.is_some();
    if let Some(job) = doc.job.as_mut().filter(|job| job.cancellable) {
        job.cancellable = false;
        out.push(Effect::CancelJobs);
    }
    // Nothing is on its way any more; the values on screen are the last good ones again.
    (doc.pins.asked, doc.companions.asked) = (None, None);
    doc.previews.asked.clear();
    doc.report.settle();
    settle_layer(doc);
    doc.recipes.settle();
    doc.sweep.running = None;
}

fn retry(doc: &mut Document, out: &mut Effects) {
    if let Some(request) = doc.failure.take().and_then(|failure| failure.retry) {
        begin(doc, request, out);
    }
}

fn start_export(doc: &mut Document, path: PathBuf, out: &mut Effects) {
    if let Some(state) = &mut doc.export {
        state.path = path.display().to_string();
        state.phase = ExportPhase::Running;
        begin(doc, Request::Export { config: Arc::clone(&doc.config), path }, out);
    }
}

fn set_settings(doc: &mut Document, settings: crate::document::Settings, out: &mut Effects) {
    let samples_changed = settings.samples != doc.settings.samples;
    let memory_changed = settings.memory_budget_mib != doc.settings.memory_budget_mib;
    doc.settings = settings;
    if memory_changed {
        doc.memory_given = None;
        if doc.model.is_some() {
            begin(doc, Request::Memory { budget_bytes: doc.memory_budget_bytes() }, out);
        }
    }
    if samples_changed {
        open::reread_data(doc, None, out);
    }
}

/// Shows a step of the tour with the page and the layer it speaks of.
fn tour(doc: &mut Document, step: Option<TourStep>, out: &mut Effects) {
    doc.tour = step;
    match step {
        Some(TourStep::Cliff) => {
            doc.pages.strip = true;
            doc.pages.show(Page::Table);
        }
        Some(TourStep::Channel) => {
            if let Some(layer) = doc.cliff().map(|layer| layer.name.clone()) {
                doc.selection.replace([layer]);
                doc.selection.reveal += 1;
            }
            navigate::show_page(doc, Page::Channels, out);
        }
        Some(TourStep::Fix) => doc.pages.inspector = true,
        Some(TourStep::Export) | None => {}
    }
}

/// Marks what the job will replace as pending, and starts it.
fn begin(doc: &mut Document, request: Request, out: &mut Effects) {
    let now = doc.now;
    match &request {
        Request::Evaluate { .. } | Request::Data { .. } | Request::OneSample { .. } => {
            if matches!(request, Request::Evaluate { .. }) {
                // The queue drops them: they are asked for again by the view.
                doc.previews.asked.clear();
            }
            doc.cancelled = false;
            doc.report.ask(now);
        }
        Request::Detail { .. } => doc.detail.ask(now),
        Request::Arithmetic { .. } => doc.arithmetic.ask(now),
        Request::LayerErrors { .. } => doc.errors.ask(now),
        Request::FeatureMaps { .. } => doc.maps.ask(now),
        Request::Recipes => doc.recipes.ask(now),
        // The page knows itself what it waits for.
        Request::Sweep { config, request } => doc.sweep.running = Some((Arc::clone(config), request.clone())),
        Request::Open { .. }
        | Request::Export { .. }
        | Request::Memory { .. }
        | Request::Previews { .. }
        | Request::Baseline { .. }
        | Request::BaselineDetail { .. }
        | Request::Companion { .. } => {}
    }
    out.push(Effect::Start(request));
}

/// Evaluates the configuration of now, unless evaluation is paused.
fn evaluate(doc: &mut Document, out: &mut Effects) {
    if doc.model.is_none() {
        return;
    }
    doc.edits_waiting = 0;
    // The queue drops a detail that waits or runs; it is asked for again when the numbers are there.
    forget_asked(doc);
    (doc.pins.asked, doc.companions.asked) = (None, None);
    let request = Request::Evaluate { config: Arc::clone(&doc.config), weight_only: doc.data.is_none() };
    begin(doc, request, out);
}

#[cfg(test)]
mod pins_tests;
#[cfg(test)]
mod test_steps;
#[cfg(test)]
#[path = "tests.rs"]
mod tests;
