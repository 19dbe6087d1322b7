//! The small states of a document: filter, job, notices, failure, export, library.

use std::sync::Arc;

use quantlens_analysis::{report::ExportReport, text::Text};

use crate::{filter::Query, worker::Request};

/// The layer filter: the text as typed, and the last one that was understood.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// As typed.
    pub text: String,
    /// What is in force: the parsed text, or while that is wrong the last right one.
    pub query: Query,
    /// What is wrong with the text.
    pub error: Option<Text>,
}

/// The running job, for the status bar.
#[derive(Clone, Debug, PartialEq)]
pub struct JobStatus {
    /// What is being done ("float reference").
    pub stage: Text,
    /// Units finished.
    pub done: usize,
    /// Units in all; `None` while unknown.
    pub total: Option<usize>,
    /// What a unit is ("samples").
    pub unit: Text,
    /// Estimate of what is left, in seconds; `None` while there is none.
    pub seconds_left: Option<f64>,
    /// Whether Cancel can stop it (not once it is stopping).
    pub cancellable: bool,
}

/// A message that does not stop anything.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// Its identity, for dismissing.
    pub id: u64,
    /// How urgent it is.
    pub level: Level,
    /// One or two sentences.
    pub text: Text,
    /// More, shown on demand; may be empty.
    pub details: Text,
    /// When it came, in seconds of the window's clock.
    pub since: f64,
    /// Taken off the window's corner; still in the list of notices.
    pub dismissed: bool,
}

/// How urgent a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Good to know; goes away by itself.
    Info,
    /// Numbers may mislead.
    Warning,
    /// Something did not work.
    Failure,
}

/// The last thing that failed; the values before it stay on screen.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// One sentence with the file, node or tensor.
    pub what: Text,
    /// The chain of causes, for "Details".
    pub details: Text,
    /// What can be started again with Retry.
    pub retry: Option<Request>,
}

/// The export dialog.
#[derive(Clone, Debug)]
pub struct ExportState {
    /// Where to; editable before writing.
    pub path: String,
    /// How far it is.
    pub phase: ExportPhase,
}

/// How far an export is.
#[derive(Clone, Debug)]
pub enum ExportPhase {
    /// What will be written is shown.
    Before,
    /// The file is being written and verified.
    Running,
    /// Written; the report says whether it holds.
    Done(Arc<ExportReport>),
    /// Not written.
    Failed(Text),
}

/// The onnxruntime library in use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuntimeInfo {
    /// `1.32.0`; empty until it is loaded.
    pub version: String,
    /// Where it was found, in words.
    pub how: Text,
}

impl ExportState {
    /// Whether the file is being written.
    pub fn is_running(&self) -> bool {
        matches!(self.phase, ExportPhase::Running)
    }
}
