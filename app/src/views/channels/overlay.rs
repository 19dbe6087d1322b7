//! Two to four selected layers in one figure: the errors of their channels, sorted.

use egui::{ScrollArea, Ui};
use quantlens_analysis::{report::LayerDetail, t};

use super::{ChannelsState, output_data, parts_of, weight_data};
use crate::{
    command::{Commands, Part},
    document::Document,
    figure::{
        FigureSpec,
        sorted_channels::{SortedLayer, sorted_spec},
    },
    views::{
        figures::figure_ui,
        layer_page::{LayerPage, chart_height, heading_ui, stamp},
        overlaid,
    },
};

/// The switch between the anchor's own channels and those of all selected layers, where several are selected.
pub(super) fn switch_ui(ui: &mut Ui, doc: &Document, state: &mut ChannelsState) {
    let hint = t!("The errors of every selected layer's channels in one figure, sorted");
    overlaid::switch_ui(ui, doc, hint, &mut state.overlaid);
}

/// Draws the page with the one figure.
pub(super) fn overlay_ui(
    ui: &mut Ui,
    doc: &Document,
    page: &LayerPage<'_>,
    spec: &FigureSpec,
    state: &mut ChannelsState,
    send: &mut Commands,
) {
    heading_ui(ui, &spec.title, page, send);
    ui.horizontal_wrapped(|ui| {
        parts_of(page).switch_ui(ui, &mut state.part);
        switch_ui(ui, doc, state);
    });
    ScrollArea::vertical().show(ui, |ui| {
        let height = chart_height(ui, 1.0, 84.0);
        figure_ui(ui, spec, height, 0, doc, send);
    });
}

/// The figure; `None` where one layer is to be shown, or only one has channels or is here already.
pub(super) fn overlaid(doc: &Document, page: &LayerPage<'_>, part: Part, state: &ChannelsState) -> Option<FigureSpec> {
    let names = overlaid::names(doc, state.overlaid)?;
    let layer = |name: &'_ String| {
        let detail: &LayerDetail = overlaid::detail_of(doc, page, name)?;
        let channels = if part == Part::Weights { weight_data(detail, doc.row_of(name)) } else { output_data(detail) };
        (!channels.is_empty()).then_some(channels)
    };
    let layers: Vec<SortedLayer<'_>> =
        names.iter().filter_map(|name| Some(SortedLayer { name, channels: layer(name)? })).collect();
    if layers.len() < 2 {
        return None;
    }
    let drawn: Vec<&str> = layers.iter().map(|layer| layer.name).collect();
    let shown = drawn.join(t!(", "));
    let (title, stamp) = if part == Part::Weights {
        (t!("Weights of {} by channel", shown), String::new())
    } else {
        (t!("Outputs of {} by channel", shown), stamp(doc, page.detail.samples))
    };
    let mut spec = sorted_spec(title, stamp, &layers);
    spec.summary.push_str(&overlaid::missing(&names, &drawn));
    Some(spec)
}
