//! The selected layer's values in the quantized run against those of the float run, one against one.

use egui::{ScrollArea, Ui};
use quantlens_analysis::t;

use super::{
    figures::figure_ui,
    layer_page::{LayerPage, Parts, chart_height, heading_ui, layer_page, stamp},
};
use crate::{
    command::{Commands, Part},
    document::Document,
    figure::{
        FigureSpec,
        scatter::{ScatterFacts, scatter_spec},
    },
    widgets::{EmptyState, empty_state},
};

/// What this view remembers between frames.
#[derive(Clone, Copy, Debug)]
pub struct ScatterState {
    /// Weights or activations; a layer without the chosen one shows the other.
    pub part: Part,
}

impl Default for ScatterState {
    fn default() -> Self {
        Self { part: Part::Activations }
    }
}

/// Draws the view.
pub fn scatter_ui(ui: &mut Ui, doc: &Document, state: &mut ScatterState, send: &mut Commands) {
    let Some(page) = layer_page(ui, doc, send) else { return };
    let Some(spec) = spec_of(doc, &page, *state) else {
        let title = t!("{} has no values to compare", page.name);
        let words = EmptyState {
            title: &title,
            reason: t!("It has no weights, and its output holds no float numbers, or only one and the same."),
        };
        empty_state(ui, words, |_| {});
        return;
    };
    heading_ui(ui, &spec.title, &page, send);
    ui.horizontal_wrapped(|ui| {
        parts(&page).switch_ui(ui, &mut state.part);
    });
    ScrollArea::vertical().show(ui, |ui| {
        let height = chart_height(ui, 1.0, 84.0);
        let _ = figure_ui(ui, &spec, height, 0, doc, send);
    });
}

/// The figure on the page, for saving; `None` while there is none.
pub fn scatter_figure(doc: &Document, state: &ScatterState) -> Option<FigureSpec> {
    spec_of(doc, &LayerPage::of(doc)?, *state)
}

fn parts(page: &LayerPage<'_>) -> Parts {
    Parts { weights: page.detail.weight_density.is_some(), output: page.detail.density.is_some() }
}

fn spec_of(doc: &Document, page: &LayerPage<'_>, state: ScatterState) -> Option<FigureSpec> {
    let (density, distribution, title, stamp) = match parts(page).shown(state.part) {
        Part::Weights => {
            let title = t!("Weights of {}, quantized against float", page.name);
            (&page.detail.weight_density, &page.detail.weights, title, String::new())
        }
        _ => {
            let title = t!("Output of {}, quantized against float", page.name);
            (&page.detail.density, &page.detail.activation, title, stamp(doc, page.detail.samples))
        }
    };
    let facts = ScatterFacts {
        title,
        stamp,
        ends: distribution.as_ref().and_then(|d| d.thresholds),
        step: distribution.as_ref().and_then(|d| d.step).map(|(scale, _)| scale),
    };
    Some(scatter_spec(density.as_deref()?, &facts))
}
