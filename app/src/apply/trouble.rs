//! Jobs that failed or were cancelled.

use std::sync::Arc;

use quantlens_analysis::say;

use super::{Effects, edit, layer_request, notify::notice, pins, settle_layer};
use crate::{
    document::{Document, ExportPhase, Failure, Level},
    worker::{ModelSource, Request, Slot, Trouble, TroubleKind},
};

/// The last good values are right again.
pub(super) fn settle(doc: &mut Document, slot: Slot) {
    match slot {
        Slot::Open => {
            doc.opening = None;
            doc.previews.asked.clear();
        }
        Slot::Data | Slot::Evaluate => {
            doc.report.settle();
            // An edit drops the detail that waits behind it, and the previews.
            settle_layer(doc);
            doc.previews.asked.clear();
        }
        Slot::OneSample => doc.report.settle(),
        Slot::Detail => settle_layer(doc),
        Slot::Previews => doc.previews.asked.clear(),
        Slot::Sweep => doc.sweep.running = None,
        Slot::Baseline | Slot::Memory | Slot::Companion => {}
        Slot::Recipes => doc.recipes.settle(),
        Slot::Export => {
            if let Some(export) = doc.export.as_mut().filter(|export| export.is_running()) {
                export.phase = ExportPhase::Before;
            }
        }
    }
}

/// What a job that failed leaves: its last good values, and what can be done.
pub(super) fn failed(doc: &mut Document, slot: Slot, trouble: Trouble, out: &mut Effects) {
    let opening = doc.opening.clone();
    settle(doc, slot);
    if slot == Slot::Evaluate && trouble.kind == TroubleKind::Refused && take_back(doc, out) {
        return notice(doc, Level::Failure, say!("Not changed: {}", trouble.what), trouble.details);
    }
    if let (Slot::Export, Some(export)) = (slot, doc.export.as_mut()) {
        export.phase = ExportPhase::Failed(trouble.what.clone());
        return notice(doc, Level::Failure, say!("Export failed: {}", trouble.what), trouble.details);
    }
    if slot == Slot::Baseline {
        return pins::failed(doc, &trouble.what, trouble.details, out);
    }
    if slot == Slot::Data && doc.data.is_none() {
        doc.data_choice = None;
    }
    doc.previews.failed |= slot == Slot::Previews;
    let retry = retry_for(doc, slot, &trouble, opening);
    doc.failure = Some(Failure { what: trouble.what, details: trouble.details, retry });
}

/// Undoes the edit that was refused. `false` where there is none, as after opening a model with a bad configuration.
fn take_back(doc: &mut Document, out: &mut Effects) -> bool {
    let shown = doc.report.value.as_ref().map(|report| Arc::clone(&report.config));
    let Some(good) = shown.filter(|good| *good != doc.config) else { return false };
    let Some(step) = doc.history.undo(&doc.config) else { return false };
    // Several edits may have come together while the first was still under way; all of them go.
    let mut config = step.config;
    while config != good {
        match doc.history.undo(&config) {
            Some(step) => config = step.config,
            None => break,
        }
    }
    edit::replace(doc, config, out);
    true
}

/// The request that a button may send again.
fn retry_for(doc: &Document, slot: Slot, trouble: &Trouble, opening: Option<ModelSource>) -> Option<Request> {
    let open = |source| Request::Open { source, memory_budget_bytes: doc.memory_budget_bytes() };
    if trouble.kind == TroubleKind::Panic || slot == Slot::Open {
        let current = || doc.model.as_ref().map(|model| ModelSource::Path(model.path.clone()));
        let source = opening.or_else(|| if doc.is_sample { Some(ModelSource::Sample) } else { current() });
        return source.map(open);
    }
    match slot {
        Slot::Evaluate => Some(Request::Evaluate { config: Arc::clone(&doc.config), weight_only: doc.data.is_none() }),
        Slot::Detail => {
            let wanted = (doc.selection.anchor.clone()?, Arc::clone(&doc.config));
            // After it the other of two pages is asked for.
            let page = doc.pages.shown().find(|page| page.follows_layer()).unwrap_or(doc.pages.page);
            Some(layer_request(doc, page, &wanted))
        }
        Slot::OneSample => {
            let config = Arc::clone(&doc.whole.as_ref()?.config);
            Some(Request::OneSample { config, index: doc.scope? })
        }
        Slot::Sweep => Some(Request::Sweep { config: Arc::clone(&doc.config), request: doc.sweep.request() }),
        Slot::Recipes => Some(Request::Recipes),
        Slot::Data => {
            let source = doc.data_choice.clone()?;
            Some(Request::Data { source, recipe: doc.recipe_given.clone(), samples: doc.settings.samples })
        }
        Slot::Open | Slot::Export | Slot::Baseline | Slot::Companion | Slot::Memory | Slot::Previews => None,
    }
}
