//! A session that is built when it is first run. Where a kernel of ours computes a segment, onnxruntime's is needed once to
//! prove it, or never: another segment of the same nodes and shapes has proven it, or one before the last change did.

use std::sync::{Mutex, OnceLock, PoisonError};

use super::{
    segment::Recipe,
    session::{Runtime, Session},
};
use crate::{error::Result, job::CancelToken};

/// A session, or what it takes to build it.
#[derive(Debug)]
pub(super) struct LateSession {
    session: OnceLock<Session>,
    later: Option<(Runtime, Recipe)>,
    building: Mutex<()>,
}

impl LateSession {
    /// One that is there already.
    pub(super) fn now(session: Session) -> Self {
        Self { session: session.into(), later: None, building: Mutex::new(()) }
    }

    /// One that the first who asks for it builds.
    pub(super) fn later(runtime: &Runtime, recipe: Recipe) -> Self {
        Self { session: OnceLock::new(), later: Some((runtime.clone(), recipe)), building: Mutex::new(()) }
    }

    /// The session; who asks while it is built waits.
    ///
    /// # Errors
    /// [`crate::Error::Runtime`] that names the segment, [`crate::Error::Cancelled`]; the next that asks tries again.
    pub(super) fn get(&self, cancel: &CancelToken) -> Result<&Session> {
        if let Some(session) = self.session.get() {
            return Ok(session);
        }
        let _building = self.building.lock().unwrap_or_else(PoisonError::into_inner);
        match (self.session.get(), &self.later) {
            (None, Some((runtime, recipe))) => {
                let (model, _) = recipe.model(runtime)?;
                let session = runtime.lending_session(&model, recipe.kind(), &recipe.place(), cancel)?;
                Ok(self.session.get_or_init(|| session))
            }
            (session, _) => session.ok_or_else(super::segment::unprepared),
        }
    }
}
