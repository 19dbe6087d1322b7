//! Two to four selected layers in one histogram.

use std::sync::Arc;

use egui::Ui;
use quantlens_analysis::{
    report::{Distribution, LayerDetail},
    t,
};

use super::HistogramState;
use crate::{
    command::Part,
    document::{Document, MOST_LAYERS},
    figure::{
        FigureSpec,
        overlay::{OverlaidLayer, OverlayOptions, overlay_spec},
    },
    format,
    views::layer_page::{LayerPage, stamp},
};

/// The switch between the anchor's own histogram and all selected ones, where several are selected.
pub(super) fn switch_ui(ui: &mut Ui, doc: &Document, state: &mut HistogramState) {
    let selected = doc.selection.selected.len();
    if selected < 2 {
        return;
    }
    ui.separator();
    let can = selected <= MOST_LAYERS;
    let name = t!("Overlay {} layers", selected);
    let mut is_on = can && state.overlaid;
    let toggle = ui.add_enabled(can, egui::Checkbox::new(&mut is_on, name));
    let toggle = toggle.on_hover_text(t!("Every selected layer in one figure, each by its share of values"));
    if toggle.on_disabled_hover_text(t!("Up to {} layers can be told apart in one figure", MOST_LAYERS)).changed() {
        state.overlaid = is_on;
    }
    if is_on {
        ui.selectable_value(&mut state.overlaid_quantized, false, t!("Float"));
        ui.selectable_value(&mut state.overlaid_quantized, true, t!("Quantized"));
    }
}

/// The figure; `None` where one layer is to be shown, or only one has the values asked for or is here already.
pub(super) fn overlaid(doc: &Document, page: &LayerPage<'_>, part: Part, state: &HistogramState) -> Option<FigureSpec> {
    let selected = &doc.selection.selected;
    if !state.overlaid || !(2..=MOST_LAYERS).contains(&selected.len()) {
        return None;
    }
    let names = doc.selected_names();
    let layers: Vec<OverlaidLayer<'_>> =
        names.iter().filter_map(|name| layer_of(name, detail_of(doc, page, name)?, part, doc)).collect();
    if layers.len() < 2 {
        return None;
    }
    let shown = layers.iter().map(|layer| layer.name).collect::<Vec<_>>().join(t!(", "));
    let title = match (part, state.overlaid_quantized) {
        (Part::Weights, false) => t!("Weights of {}", shown),
        (Part::Weights, true) => t!("Quantized weights of {}", shown),
        (_, false) => t!("Outputs of {}", shown),
        (_, true) => t!("Quantized outputs of {}", shown),
    };
    let stamp = if part == Part::Weights { String::new() } else { stamp(doc, page.detail.samples) };
    let options = OverlayOptions {
        log_counts: state.log_counts,
        log_values: state.log_values,
        quantized: state.overlaid_quantized,
    };
    let mut spec = overlay_spec(title, stamp, &layers, options);
    let missing: Vec<&str> =
        names.iter().filter(|name| layers.iter().all(|l| l.name != *name)).map(String::as_str).collect();
    if !missing.is_empty() {
        spec.summary.push_str(&t!(" Not shown: {}.", missing.join(t!(", "))));
    }
    Some(spec)
}

/// The layer's data, if they are of the same configuration as the anchor's: two generations never stand in one figure.
fn detail_of<'a>(doc: &'a Document, page: &LayerPage<'a>, name: &str) -> Option<&'a LayerDetail> {
    if name == page.name {
        return Some(page.detail);
    }
    let (config, detail) = doc.companions.details.get(name)?;
    let is_old_as_well = doc.detail.pending_since.is_some();
    (is_old_as_well || Arc::ptr_eq(config, &doc.config) || *config == doc.config).then_some(&**detail)
}

fn layer_of<'a>(name: &'a str, detail: &'a LayerDetail, part: Part, doc: &Document) -> Option<OverlaidLayer<'a>> {
    let row = doc.row_of(name);
    let data: &Distribution =
        if part == Part::Weights { detail.weights.as_ref()? } else { detail.activation.as_ref()? };
    let format = if part == Part::Weights {
        let weight = row.and_then(|row| row.weight.as_ref());
        weight.map(|weight| format!("{}, {}", format::bits_words(weight.bits), format::granularity(weight.granularity)))
    } else {
        row.and_then(|row| {
            let method = row.activation.as_ref()?.method;
            Some(format!("{}, {}", format::bits_words(row.activation_bits?), format::method(method)))
        })
    };
    Some(OverlaidLayer { name, data, format })
}
