//! Sessions written to files and read back.

use std::path::Path;

use quantlens_analysis::{say, text::Text};

use super::{Effects, notify::notice, open};
use crate::{
    document::{Document, Level},
    session_file::SessionFile,
    worker::ModelSource,
};

/// The session was written to `path`, or could not be.
pub fn session_saved(doc: &mut Document, path: &Path, result: Result<(), Text>) {
    match result {
        Ok(()) => notice(doc, Level::Info, say!("Saved {}", path.display()), ""),
        Err(error) => notice(doc, Level::Failure, say!("The session was not saved: {}", error), ""),
    }
}

/// A session was read, or could not be: opens its model, and keeps the rest until that is open.
pub fn session_read(doc: &mut Document, result: Result<SessionFile, Text>, out: &mut Effects) {
    let session = match result {
        Ok(session) => session,
        Err(error) => return notice(doc, Level::Failure, say!("The session was not opened: {}", error), ""),
    };
    let source = session.model.clone().map_or(ModelSource::Sample, ModelSource::Path);
    open::open(doc, source, out);
    doc.wanted_session = Some(Box::new(session));
}

/// Before the samples are read: what they and the configuration shall be.
pub(super) fn prepare(doc: &mut Document, session: &SessionFile) {
    doc.settings.samples = session.samples;
    doc.recipe_given.clone_from(&session.recipe);
    doc.recipe_confirmed = session.recipe.is_some();
    doc.wanted_data = session.choice();
    // It was read before, so it is one.
    doc.wanted_config = session.config().ok();
    doc.pins = session.pins.restored();
}

/// Once the model is open: what was looked at, by name.
pub(super) fn finish(doc: &mut Document, session: &SessionFile, out: &mut Effects) {
    let is_other = doc.model.as_ref().is_some_and(|model| model.sha256 != session.sha256);
    if is_other {
        let text = say!("The model is another one than when the session was saved; layers are matched by name");
        notice(doc, Level::Warning, text, "");
    }
    super::apply(doc, crate::command::Command::SetFilter(session.filter.clone()), out);
    doc.pages.show_as(session.page, session.beside);
    super::apply(doc, crate::command::Command::ShowPage(session.page), out);
    super::apply(doc, crate::command::Command::SelectMany(session.selected.clone()), out);
}
