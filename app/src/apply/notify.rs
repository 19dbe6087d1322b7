//! Notices: short messages in the corner that end up in the list of notices.

use quantlens_analysis::text::Text;

use crate::document::{Document, Level, Notice};

/// Notices kept; older ones are forgotten.
const KEPT: usize = 100;

/// Adds a notice. The same text again only becomes new again.
pub(super) fn notice(doc: &mut Document, level: Level, text: impl Into<Text>, details: impl Into<Text>) {
    let (text, details) = (text.into(), details.into());
    doc.notices.retain(|old| old.text != text);
    let id = 1 + doc.notices.iter().map(|notice| notice.id).max().unwrap_or(0);
    doc.notices.push(Notice { id, level, text, details, since: doc.now, dismissed: false });
    if doc.notices.len() > KEPT {
        doc.notices.remove(0);
    }
}

/// Takes a notice off the corner; the list keeps it.
pub(super) fn dismiss(doc: &mut Document, id: u64) {
    for notice in doc.notices.iter_mut().filter(|notice| notice.id == id) {
        notice.dismissed = true;
    }
}
