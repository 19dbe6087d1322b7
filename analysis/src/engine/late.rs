//! A session that is built when it is first run. Where a kernel of ours computes a segment, onnxruntime's is needed for
//! values that are not finite and for shapes that the kernel leaves to it, which is mostly never.

use std::sync::{Mutex, OnceLock, PoisonError};

use super::{
    kernel::{OwnKernel, with_made_up_constants},
    segment::{Recipe, unprepared},
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

    /// A kernel and a session of a segment that is alike, with made-up constants, to compare the two.
    ///
    /// # Errors
    /// As [`LateSession::get`].
    pub(super) fn stand_in(&self, cancel: &CancelToken) -> Result<(OwnKernel, Session)> {
        let (runtime, recipe) = self.later.as_ref().ok_or_else(unprepared)?;
        let (model, _) = recipe.model(runtime)?;
        let (model, kind) = (with_made_up_constants(&model, runtime.constants()), recipe.kind());
        let kernel = OwnKernel::of(runtime, &model, kind).ok_or_else(unprepared)?;
        Ok((kernel, runtime.lending_session(&model, kind, &recipe.place(), cancel)?))
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
            (session, _) => session.ok_or_else(unprepared),
        }
    }
}
