//! The other selected layers of a page that draws several: their data are asked for one after the other, behind the
//! anchor's, which is what is looked at first.

use std::sync::Arc;

use quantlens_analysis::report::LayerDetail;

use super::{Effects, begin};
use crate::{
    document::{Document, MOST_LAYERS, Page},
    worker::Request,
};

/// Asks for the next layer that is missing, if the page on screen draws several and nothing else is on its way.
pub(super) fn ask(doc: &mut Document, out: &mut Effects) {
    let selected = &doc.selection.selected;
    doc.companions.details.retain(|layer, _| selected.contains(layer));
    let is_on_screen = doc.pages.shows(Page::Histogram) || doc.pages.shows(Page::Channels);
    let is_drawn = is_on_screen && (2..=MOST_LAYERS).contains(&selected.len());
    let waits = doc.report.pending_since.is_some() || doc.detail.pending_since.is_some() || doc.pins.asked.is_some();
    let Some(anchor) = doc.selection.anchor.clone().filter(|_| is_drawn && !waits && doc.data.is_some()) else {
        return;
    };
    // Without the anchor's own there is nothing to draw them beside.
    if doc.detail_of.as_ref() != Some(&(anchor.clone(), Arc::clone(&doc.config))) {
        return;
    }
    let is_missing = |layer: &&String| **layer != anchor && !doc.companions.has(layer, &doc.config);
    let Some(layer) = selected.iter().find(is_missing).cloned() else { return };
    let wanted = (layer.clone(), Arc::clone(&doc.config));
    if doc.companions.asked.as_ref() != Some(&wanted) {
        doc.companions.asked = Some(wanted);
        begin(doc, Request::Companion { config: Arc::clone(&doc.config), layer }, out);
    }
}

/// The anchor has moved on to another selected layer: what is known of the last one is not asked for again.
pub(super) fn keep(doc: &mut Document) {
    let is_other = |layer: &String| doc.selection.contains(layer) && doc.selection.anchor.as_ref() != Some(layer);
    let of = doc.detail_of.as_ref().filter(|(layer, _)| is_other(layer));
    let is_settled = doc.detail.pending_since.is_none();
    if let (Some((layer, config)), Some(detail), true) = (of, &doc.detail.value, is_settled)
        && detail.layer == *layer
    {
        doc.companions.details.insert(layer.clone(), (Arc::clone(config), Arc::clone(detail)));
    }
}

/// A layer's data are there: of the configuration they were asked for under.
pub(super) fn came(doc: &mut Document, detail: Arc<LayerDetail>, out: &mut Effects) {
    if let Some((layer, config)) = doc.companions.asked.take_if(|(layer, _)| *layer == detail.layer) {
        doc.companions.details.insert(layer, (config, detail));
    }
    ask(doc, out);
}

#[cfg(test)]
mod tests {
    use super::super::{
        Effect,
        test_steps::{act, hear, select},
    };
    use super::*;
    use crate::{
        action::Action,
        command::Command,
        testing::{apply as run, detail, document, report_of},
        worker::{News, Slot},
    };

    fn asked(effects: &Effects) -> Vec<&str> {
        let layer = |effect: &Effect| match effect {
            Effect::Start(Request::Companion { layer, .. }) => Some(layer.clone()),
            _ => None,
        };
        let names: Vec<String> = effects.iter().filter_map(layer).collect();
        // The fixture's names are few.
        names.iter().filter_map(|name| ["conv1", "conv2", "conv3"].into_iter().find(|known| known == name)).collect()
    }

    #[test]
    fn the_others_are_asked_for_one_by_one_once_the_anchor_is_there() {
        let mut doc = document(6);
        run(&mut doc, Command::ShowPage(Page::Histogram));
        select(&mut doc, &["conv1", "conv3", "conv2"]);
        let effects = hear(&mut doc, Slot::Detail, News::Detail(Arc::new(detail("conv1"))));
        assert_eq!(asked(&effects), ["conv2"]);
        let effects = hear(&mut doc, Slot::Companion, News::Companion(Arc::new(detail("conv2"))));
        assert_eq!(asked(&effects), ["conv3"]);
        let effects = hear(&mut doc, Slot::Companion, News::Companion(Arc::new(detail("conv3"))));
        assert!(asked(&effects).is_empty());
        assert_eq!(doc.companions.details.keys().collect::<Vec<_>>(), ["conv2", "conv3"]);
        select(&mut doc, &["conv1", "conv3"]);
        assert_eq!(doc.companions.details.keys().collect::<Vec<_>>(), ["conv3"], "what is not selected is let go");
    }

    #[test]
    fn an_edit_measures_them_again_and_other_pages_do_not_need_them() {
        let mut doc = document(6);
        select(&mut doc, &["conv1", "conv2"]);
        run(&mut doc, Command::ShowPage(Page::Scatter));
        let effects = hear(&mut doc, Slot::Detail, News::Detail(Arc::new(detail("conv1"))));
        assert!(asked(&effects).is_empty());
        assert_eq!(asked(&run(&mut doc, Command::ShowPage(Page::Histogram))), ["conv2"]);
        hear(&mut doc, Slot::Companion, News::Companion(Arc::new(detail("conv2"))));
        act(&mut doc, Action::PerChannel);
        let report = Arc::new(report_of(6, &doc.config));
        hear(&mut doc, Slot::Evaluate, News::Report(report));
        let effects = hear(&mut doc, Slot::Detail, News::Detail(Arc::new(detail("conv1"))));
        assert_eq!(asked(&effects), ["conv2"]);
    }
}
