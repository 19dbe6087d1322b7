//! The choices of the Sensitivity page, and its start.

use std::sync::Arc;

use quantlens_analysis::quant::Bits;

use super::{Effects, begin};
use crate::{
    command::SweepCommand,
    document::{Document, Page, SweepView},
    worker::Request,
};

pub(super) fn apply(doc: &mut Document, command: SweepCommand, out: &mut Effects) {
    let sweep = &mut doc.sweep;
    match command {
        SweepCommand::Start => start(doc, out),
        SweepCommand::View(view) => sweep.view = view,
        SweepCommand::Kind(kind) => sweep.kind = kind,
        SweepCommand::Exact(exact) => sweep.exact = exact,
        SweepCommand::Show(bits) => sweep.shown = bits,
        SweepCommand::Width(bits, is_wanted) => {
            let wanted = |width: &Bits| if *width == bits { is_wanted } else { sweep.widths.contains(width) };
            let widths: Vec<Bits> = Bits::ALL.into_iter().filter(|width| !width.is_float() && wanted(width)).collect();
            // The last one stays: without a width nothing could be asked.
            if !widths.is_empty() {
                sweep.widths = widths;
            }
        }
    }
}

fn start(doc: &mut Document, out: &mut Effects) {
    if doc.data.is_none() {
        return;
    }
    doc.pages.show(Page::Sensitivity);
    let request = doc.sweep.request();
    let config = Arc::clone(&doc.config);
    // What is on screen would be other values under the same heading.
    if doc.sweep.is_stale(&config) {
        match doc.sweep.view {
            SweepView::Sensitivity => doc.sweep.sensitivity = None,
            SweepView::Relief => doc.sweep.relief = None,
        }
    }
    begin(doc, Request::Sweep { config, request }, out);
}
