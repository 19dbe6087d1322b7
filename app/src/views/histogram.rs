//! The values of the selected layer, float against quantized, with the quantizer's ends and what they clip.

mod overlay;

use egui::{ScrollArea, Ui};
use quantlens_analysis::{metrics::Measure, report::Distribution, t};

use super::{
    figures::figure_ui,
    layer_page::{LayerPage, Parts, chart_height, heading_ui, layer_page, pinned_detail, stamp},
    threshold::Choices,
};
use crate::{
    command::{Commands, Part},
    document::Document,
    figure::{
        FigureSpec,
        histogram::{HistogramFacts, HistogramOptions, histogram_spec},
        pinned::onto_histogram,
    },
    format,
    widgets::{EmptyState, empty_state},
};

/// What this view remembers between frames.
#[derive(Clone, Debug)]
pub struct HistogramState {
    /// Weights or activations; a layer without the chosen one shows the other.
    pub part: Part,
    /// Counts on a logarithmic axis.
    pub log_counts: bool,
    /// Values on a signed logarithmic axis.
    pub log_values: bool,
    /// Several selected layers stand in one figure.
    pub overlaid: bool,
    /// There the quantized run's values are drawn, not the float run's.
    pub overlaid_quantized: bool,
}

impl Default for HistogramState {
    fn default() -> Self {
        Self { part: Part::Activations, log_counts: true, log_values: false, overlaid: true, overlaid_quantized: false }
    }
}

/// Draws the view.
pub fn histogram_ui(ui: &mut Ui, doc: &Document, state: &mut HistogramState, send: &mut Commands) {
    let Some(page) = layer_page(ui, doc, send) else { return };
    let Some(spec) = spec_of(doc, &page, state) else {
        let title = t!("{} has no values to count", page.name);
        let words =
            EmptyState { title: &title, reason: t!("It has no weights, and its output holds no float numbers.") };
        empty_state(ui, words, |_| {});
        return;
    };
    heading_ui(ui, &spec.title, &page, send);
    controls_ui(ui, doc, &page, state);
    ScrollArea::vertical().show(ui, |ui| {
        let height = chart_height(ui, 1.0, 84.0);
        let moved = figure_ui(ui, &spec, height, 0, doc, send);
        if let (Some(moved), Some(choices)) = (moved, Choices::of(doc, &page)) {
            choices.move_to(moved, send);
        }
    });
}

/// The figure on the page, for saving; `None` while there is none.
pub fn histogram_figure(doc: &Document, state: &HistogramState) -> Option<FigureSpec> {
    spec_of(doc, &LayerPage::of(doc)?, state)
}

fn controls_ui(ui: &mut Ui, doc: &Document, page: &LayerPage<'_>, state: &mut HistogramState) {
    ui.horizontal_wrapped(|ui| {
        parts(page).switch_ui(ui, &mut state.part);
        ui.separator();
        ui.checkbox(&mut state.log_counts, t!("Log counts"));
        ui.checkbox(&mut state.log_values, t!("Log values"));
        overlay::switch_ui(ui, doc, state);
    });
}

fn parts(page: &LayerPage<'_>) -> Parts {
    Parts { weights: page.detail.weights.is_some(), output: page.detail.activation.is_some() }
}

fn spec_of(doc: &Document, page: &LayerPage<'_>, state: &HistogramState) -> Option<FigureSpec> {
    if let Some(spec) = overlay::overlaid(doc, page, parts(page).shown(state.part), state) {
        return Some(spec);
    }
    let options = HistogramOptions { log_counts: state.log_counts, log_values: state.log_values };
    if parts(page).shown(state.part) == Part::Weights {
        let data: &Distribution = page.detail.weights.as_ref()?;
        let weight = page.row.and_then(|row| row.weight.as_ref());
        let facts = HistogramFacts {
            title: t!("Weights of {}", page.name),
            stamp: String::new(),
            format: weight.map(|w| format!("{}, {}", format::bits_words(w.bits), format::granularity(w.granularity))),
            scales: weight.map(|w| w.scale_range),
            clipped: None,
            in_use: None,
        };
        let pinned = pinned_detail(doc, page).and_then(|(name, detail)| Some((name, detail.weights.as_ref()?)));
        return Some(with_pinned(histogram_spec(data, &facts, options), data, pinned));
    }
    let data = page.detail.activation.as_ref()?;
    let row = page.row;
    let choices = Choices::of(doc, page);
    let format = row.and_then(|row| {
        let quantizer = row.activation.as_ref()?;
        let method = choices.map_or(quantizer.method, |choices| choices.current.method);
        Some(format!("{}, {}", format::bits_words(row.activation_bits?), format::method(method)))
    });
    // A range just set is known by its histogram before anything has run with it.
    let weighed = choices.filter(|choices| choices.is_set).and_then(|choices| choices.current.effect.as_ref());
    let clipped = weighed
        .map(|effect| Measure::Value(effect.clipped_share))
        .or_else(|| row.map(|row| row.clipped_fraction))
        .filter(|_| format.is_some());
    let facts = HistogramFacts {
        title: t!("Output of {}", page.name),
        stamp: stamp(doc, page.detail.samples),
        clipped,
        in_use: choices.filter(|_| format.is_some()).map(|choices| (choices.detail, choices.current)),
        format,
        scales: None,
    };
    let pinned = pinned_detail(doc, page).and_then(|(name, detail)| Some((name, detail.activation.as_ref()?)));
    Some(with_pinned(histogram_spec(data, &facts, options), data, pinned))
}

fn with_pinned(mut spec: FigureSpec, now: &Distribution, pinned: Option<(&str, &Distribution)>) -> FigureSpec {
    if let Some((name, pinned)) = pinned {
        onto_histogram(&mut spec, now, pinned, name);
    }
    spec
}
