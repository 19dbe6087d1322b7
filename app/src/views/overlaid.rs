//! What the pages share that draw two to four selected layers in one figure: the switch, and the layers' data.

use std::sync::Arc;

use egui::{Checkbox, Ui};
use quantlens_analysis::{report::LayerDetail, t};

use super::layer_page::LayerPage;
use crate::document::{Document, MOST_LAYERS};

/// The switch between the anchor alone and all selected layers, where several are selected; whether it is on.
pub(super) fn switch_ui(ui: &mut Ui, doc: &Document, hint: &str, overlaid: &mut bool) -> bool {
    let selected = doc.selection.selected.len();
    if selected < 2 {
        return false;
    }
    ui.separator();
    let can = selected <= MOST_LAYERS;
    let name = t!("Overlay {} layers", selected);
    let mut is_on = can && *overlaid;
    let toggle = ui.add_enabled(can, Checkbox::new(&mut is_on, name)).on_hover_text(hint);
    if toggle.on_disabled_hover_text(t!("Up to {} layers can be told apart in one figure", MOST_LAYERS)).changed() {
        *overlaid = is_on;
    }
    is_on
}

/// Names of the layers to draw, in graph order; `None` where one alone is to be shown.
pub(super) fn names(doc: &Document, overlaid: bool) -> Option<Vec<String>> {
    let is_several = (2..=MOST_LAYERS).contains(&doc.selection.selected.len());
    (overlaid && is_several).then(|| doc.selected_names())
}

/// The layer's data, if they are of the same configuration as the anchor's: two generations never stand in one figure.
pub(super) fn detail_of<'a>(doc: &'a Document, page: &LayerPage<'a>, name: &str) -> Option<&'a LayerDetail> {
    if name == page.name {
        return Some(page.detail);
    }
    let (config, detail) = doc.companions.details.get(name)?;
    let is_old_as_well = doc.detail.pending_since.is_some();
    (is_old_as_well || Arc::ptr_eq(config, &doc.config) || *config == doc.config).then_some(&**detail)
}

/// What stands below a figure that lacks some of `names`; empty where none is missing.
pub(super) fn missing(names: &[String], shown: &[&str]) -> String {
    let missing: Vec<&str> = names.iter().map(String::as_str).filter(|name| !shown.contains(name)).collect();
    if missing.is_empty() { String::new() } else { t!(" Not shown: {}.", missing.join(t!(", "))) }
}
