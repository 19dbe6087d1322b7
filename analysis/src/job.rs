//! What a long job needs from its caller: a way to be stopped, a place to report progress, a place for soft problems.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{
    error::{Error, Result},
    text::Text,
};

/// What a hook is called with nothing and returns nothing.
type Hook = Box<dyn Fn() + Send>;

/// Asks a running job to stop. Clones share one flag; once cancelled it stays so.
#[derive(Clone, Default)]
pub struct CancelToken(Arc<CancelState>);

#[derive(Default)]
struct CancelState {
    is_cancelled: AtomicBool,
    hooks: Mutex<Hooks>,
}

/// What must be told at once, because it is inside a call that does not look at the flag.
#[derive(Default)]
struct Hooks {
    by_number: BTreeMap<u64, Hook>,
    next: u64,
}

/// Takes its hook away again when dropped.
#[must_use = "the hook is removed when this is dropped"]
#[derive(Debug)]
pub struct HookGuard<'a> {
    token: &'a CancelToken,
    number: u64,
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CancelToken").field(&self.is_cancelled()).finish()
    }
}

impl CancelToken {
    /// A token that has not been cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks every holder of this token to stop.
    pub fn cancel(&self) {
        self.0.is_cancelled.store(true, Ordering::SeqCst);
        self.hooks().by_number.values().for_each(|hook| hook());
    }

    /// Whether [`CancelToken::cancel`] was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.is_cancelled.load(Ordering::SeqCst)
    }

    /// `Err(Error::Cancelled)` once cancelled; call it between samples and between segments.
    ///
    /// # Errors
    /// [`Error::Cancelled`], and nothing else.
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() { Err(Error::Cancelled) } else { Ok(()) }
    }

    /// Has `hook` called when the token is cancelled (at once if it already is), until the guard is dropped. Samples that
    /// run at the same time each have their own.
    pub fn on_cancel(&self, hook: impl Fn() + Send + 'static) -> HookGuard<'_> {
        // Under the lock, so that a cancel between the test and the store cannot be lost.
        let mut hooks = self.hooks();
        if self.is_cancelled() {
            hook();
        }
        let number = hooks.next;
        hooks.next += 1;
        hooks.by_number.insert(number, Box::new(hook));
        HookGuard { token: self, number }
    }

    fn hooks(&self) -> MutexGuard<'_, Hooks> {
        // A hook that panicked poisons nothing worth protecting: each is replaced as a whole.
        self.0.hooks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for HookGuard<'_> {
    fn drop(&mut self) {
        self.token.hooks().by_number.remove(&self.number);
    }
}

/// What a long job is given: how it is stopped and where it reports.
pub struct Job<'a> {
    /// Asks the job to stop.
    pub cancel: CancelToken,
    /// Receives progress; called often, so it must be quick.
    pub progress: &'a mut dyn FnMut(Progress),
}

impl fmt::Debug for Job<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").field("cancel", &self.cancel).finish_non_exhaustive()
    }
}

impl Job<'_> {
    /// Reports that `done` of `total` units of `stage` are finished, and stops if asked to.
    ///
    /// # Errors
    /// [`Error::Cancelled`] once the job was cancelled.
    pub fn step(&mut self, stage: &'static str, unit: &'static str, done: usize, total: usize) -> Result<()> {
        (self.progress)(Progress { stage, done, total: Some(total), unit });
        self.cancel.check()
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
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Warning {
    /// A stable machine name: `data-constant`, `range-degenerate`, `image-skipped`, …
    pub code: String,
    /// One sentence for the user that names the file, node or tensor.
    pub message: Text,
}

impl Warning {
    /// A warning with a machine name and a sentence.
    pub fn new(code: impl Into<String>, message: impl Into<Text>) -> Self {
        Self { code: code.into(), message: message.into() }
    }
}
