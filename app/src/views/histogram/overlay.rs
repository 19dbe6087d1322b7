//! Two to four selected layers in one histogram.

use egui::Ui;
use quantlens_analysis::{
    report::{Distribution, LayerDetail},
    t,
};

use super::HistogramState;
use crate::{
    command::Part,
    document::Document,
    figure::{
        FigureSpec,
        overlay::{OverlaidLayer, OverlayOptions, overlay_spec},
    },
    format,
    views::{
        layer_page::{LayerPage, stamp},
        overlaid,
    },
};

/// The switch between the anchor's own histogram and all selected ones, where several are selected.
pub(super) fn switch_ui(ui: &mut Ui, doc: &Document, state: &mut HistogramState) {
    let hint = t!("Every selected layer in one figure, each by its share of values");
    if overlaid::switch_ui(ui, doc, hint, &mut state.overlaid) {
        ui.selectable_value(&mut state.overlaid_quantized, false, t!("Float"));
        ui.selectable_value(&mut state.overlaid_quantized, true, t!("Quantized"));
    }
}

/// The figure; `None` where one layer is to be shown, or only one has the values asked for or is here already.
pub(super) fn overlaid(doc: &Document, page: &LayerPage<'_>, part: Part, state: &HistogramState) -> Option<FigureSpec> {
    let names = overlaid::names(doc, state.overlaid)?;
    let layers: Vec<OverlaidLayer<'_>> =
        names.iter().filter_map(|name| layer_of(name, overlaid::detail_of(doc, page, name)?, part, doc)).collect();
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
    let drawn: Vec<&str> = layers.iter().map(|layer| layer.name).collect();
    spec.summary.push_str(&overlaid::missing(&names, &drawn));
    Some(spec)
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
