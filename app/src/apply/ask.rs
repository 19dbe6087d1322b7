//! What the pages of the anchor layer need, asked for once and only while such a page is on screen.

use std::sync::Arc;

use quantlens_analysis::config::QuantConfig;

use super::{Effects, begin, companions};
use crate::{
    document::{Document, Loaded, Page},
    worker::Request,
};

/// What was asked of the anchor layer is to be asked again.
pub(super) fn forget_asked(doc: &mut Document) {
    (doc.detail_of, doc.arithmetic_of, doc.errors_of, doc.maps_of) = (None, None, None, None);
}

/// Nothing of the anchor layer is on its way any more.
pub(super) fn settle_layer(doc: &mut Document) {
    doc.detail.settle();
    doc.arithmetic.settle();
    doc.errors.settle();
    doc.maps.settle();
    forget_asked(doc);
}

/// Fetches the pages' data of the anchor layer, if such a page is on screen: it makes an evaluation pause, so it is not
/// asked for without need, nor twice for the same configuration.
pub(super) fn ask_detail(doc: &mut Document, out: &mut Effects) {
    let Some(layer) = doc.selection.anchor.clone() else {
        (doc.detail, doc.arithmetic, doc.errors, doc.maps) = Default::default();
        return;
    };
    companions::keep(doc);
    // Another layer's histogram under this layer's name would be worse than none.
    keep_of(&layer, &mut doc.detail, &mut doc.detail_of, |detail| &detail.layer);
    keep_of(&layer, &mut doc.arithmetic, &mut doc.arithmetic_of, |arithmetic| &arithmetic.layer);
    keep_of(&layer, &mut doc.errors, &mut doc.errors_of, |errors| &errors.layer);
    keep_of(&layer, &mut doc.maps, &mut doc.maps_of, |maps| &maps.layer);
    let sample = maps_sample(doc, &layer);
    let wanted = (layer, Arc::clone(&doc.config));
    let Some(page) = page_to_ask(doc, &wanted, sample).filter(|_| doc.data.is_some()) else { return };
    // It drops what is asked of the baseline, which is asked for again after it.
    (doc.pins.asked, doc.companions.asked) = (None, None);
    // They share a slot: what this request puts aside is to be asked for again when its page is shown.
    put_aside(&mut doc.detail, &mut doc.detail_of);
    put_aside(&mut doc.arithmetic, &mut doc.arithmetic_of);
    put_aside(&mut doc.errors, &mut doc.errors_of);
    put_aside(&mut doc.maps, &mut doc.maps_of);
    let request = layer_request(doc, page, &wanted);
    match page {
        Page::Arithmetic => doc.arithmetic_of = Some(wanted),
        Page::Errors => doc.errors_of = Some(wanted),
        Page::Maps => doc.maps_of = Some((wanted, sample)),
        _ => doc.detail_of = Some(wanted),
    }
    begin(doc, request, out);
}

/// Forgets what is known, and was asked, of another layer.
fn keep_of<T, A>(layer: &str, known: &mut Loaded<Arc<T>>, asked: &mut Option<A>, of: impl Fn(&T) -> &String) {
    if known.value.as_ref().is_some_and(|value| of(value) != layer) {
        (*known, *asked) = (Loaded::default(), None);
    }
}

/// Gives up what is on its way.
fn put_aside<T, A>(known: &mut Loaded<Arc<T>>, asked: &mut Option<A>) {
    if known.pending_since.is_some() {
        known.settle();
        *asked = None;
    }
}

/// The first page on screen that lacks its values of this layer; `None` while those of the other one are on their way,
/// which would be put aside: they share a slot.
fn page_to_ask(doc: &Document, wanted: &(String, Arc<QuantConfig>), sample: usize) -> Option<Page> {
    let asked = |page: Page| {
        let maps_of = || doc.maps_of.as_ref().filter(|(_, asked)| *asked == sample).map(|(wanted, _)| wanted);
        let (asked, pending) = match page {
            Page::Arithmetic => (doc.arithmetic_of.as_ref(), doc.arithmetic.pending_since),
            Page::Errors => (doc.errors_of.as_ref(), doc.errors.pending_since),
            Page::Maps => (maps_of(), doc.maps.pending_since),
            _ => (doc.detail_of.as_ref(), doc.detail.pending_since),
        };
        (asked == Some(wanted)).then_some(pending)
    };
    let pages = || doc.pages.shown().filter(|page| page.follows_layer());
    let is_busy = pages().any(|page| matches!(asked(page), Some(Some(_))));
    pages().find(|page| !is_busy && asked(*page).is_none())
}

/// The sample whose maps are shown: the one that the window shows alone, else the chosen one, else the layer's worst.
fn maps_sample(doc: &Document, layer: &str) -> usize {
    let whole = doc.whole_report();
    let row = || whole?.rows.iter().find(|row| row.info.name == layer)?.worst_sample();
    let count = doc.data.as_ref().map_or(0, |data| data.samples);
    let chosen = doc.scope.or(doc.maps_sample).filter(|sample| *sample < count);
    chosen.or_else(|| row().map(|worst| worst.index)).unwrap_or(0)
}

/// What a page asks for of this layer under this configuration.
pub(super) fn layer_request(doc: &Document, page: Page, (layer, config): &(String, Arc<QuantConfig>)) -> Request {
    let (layer, config) = (layer.clone(), Arc::clone(config));
    match page {
        Page::Arithmetic => Request::Arithmetic { config, layer },
        Page::Errors => Request::LayerErrors { config, layer },
        Page::Maps => Request::FeatureMaps { sample: maps_sample(doc, &layer), config, layer },
        _ => Request::Detail { config, layer },
    }
}
