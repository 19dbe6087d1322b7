//! The samples that the window shows the numbers of: all of them, or a single one.
//!
//! The one sample's report stands where the whole one stood, so that table, strip and scoreboard show one and the same
//! sample; the whole one waits in [`Document::whole`]. After an edit the sample's numbers are asked for again.

use std::sync::Arc;

use quantlens_analysis::{report::Report, say};

use super::{Effects, begin, navigate, notify::notice};
use crate::{
    document::{Document, Level},
    worker::Request,
};

/// Shows one sample, or all of them.
pub(super) fn show(doc: &mut Document, index: Option<usize>, out: &mut Effects) {
    let Some(index) = index else { return leave(doc) };
    let Some(whole) = doc.whole_report().cloned() else {
        return notice(doc, Level::Info, say!("There are no numbers of single samples yet"), "");
    };
    if index >= whole.samples {
        return notice(doc, Level::Info, say!("That sample has not run yet"), "");
    }
    let config = Arc::clone(&whole.config);
    doc.scope = Some(index);
    doc.whole = Some(whole);
    begin(doc, Request::OneSample { config, index }, out);
}

/// Back to the numbers of all samples, which are still there.
pub(super) fn leave(doc: &mut Document) {
    doc.scope = None;
    if let Some(whole) = doc.whole.take() {
        let pending_since = doc.report.pending_since;
        doc.report.set(whole);
        // An evaluation that is under way still is.
        doc.report.pending_since = pending_since.filter(|_| doc.job.is_some());
        navigate::new_values(doc);
    }
}

/// A report of all samples has come; whether it waits behind the one sample that is shown.
pub(super) fn keeps_aside(doc: &mut Document, report: &Arc<Report>, complete: bool, out: &mut Effects) -> bool {
    let Some(index) = doc.scope else { return false };
    if index >= report.samples_total {
        doc.scope = None;
        doc.whole = None;
        return false;
    }
    doc.whole = Some(Arc::clone(report));
    if complete {
        begin(doc, Request::OneSample { config: Arc::clone(&report.config), index }, out);
    }
    true
}

/// Whether this is the sample that is wanted, under the configuration of the report that waits.
pub(super) fn is_wanted(doc: &Document, report: &Report) -> bool {
    let is_of_now = doc.whole.as_ref().is_some_and(|whole| whole.config == report.config);
    is_of_now && doc.scope.is_some() && report.scope.as_ref().map(|scope| scope.index) == doc.scope
}

#[cfg(test)]
#[path = "scope_tests.rs"]
mod tests;
