//! What a long job needs from its caller: a way to be stopped, a place to report progress, a place for soft problems.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crate::error::{Error, Result};

/// Asks a running job to stop. Clones share one flag; once cancelled it stays so.
#[derive(Clone, Debug, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// A token that has not been cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks every holder of this token to stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether [`CancelToken::cancel`] was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// `Err(Error::Cancelled)` once cancelled; call it between samples and between segments.
    ///
    /// # Errors
    /// [`Error::Cancelled`], and nothing else.
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() { Err(Error::Cancelled) } else { Ok(()) }
    }
}

/// How far a job is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done, in words for the status bar ("float reference").
    pub stage: &'static str,
    /// Units finished.
    pub done: usize,
    /// Units in all; `None` while unknown.
    pub total: Option<usize>,
    /// What a unit is ("samples").
    pub unit: &'static str,
}

/// What went wrong without stopping the work.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Warning {
    /// A stable machine name: `data-constant`, `range-degenerate`, `image-skipped`, …
    pub code: String,
    /// One sentence for the user that names the file, node or tensor.
    pub message: String,
}

impl Warning {
    /// A warning with a machine name and a sentence.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into() }
    }
}
