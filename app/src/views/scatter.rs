//! The selected layer's values in the quantized run against those of the float run, one against one.

use egui::{ScrollArea, Ui};
use quantlens_analysis::{
    report::{Densities, Density},
    t,
};

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
    /// Which of the values, on which scale.
    pub view: ScatterView,
}

/// Which values the axes hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScatterView {
    /// What holds most of them; all, where none lies far out.
    #[default]
    Most,
    /// All.
    Whole,
    /// All, on a scale that has room for every size.
    Log,
}

impl ScatterView {
    /// The density of this view, where there is one, with the view that is shown.
    fn of(self, densities: &Densities) -> (Self, &Density) {
        let found = match self {
            Self::Most => densities.most.as_ref(),
            Self::Whole => None,
            Self::Log => densities.log.as_ref(),
        };
        found.map_or((Self::Whole, &densities.whole), |density| (self, density))
    }
}

impl Default for ScatterState {
    fn default() -> Self {
        Self { part: Part::Activations, view: ScatterView::default() }
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
        ui.separator();
        view_ui(ui, &page, state);
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

/// The choice of axes; greyed where it would change nothing.
fn view_ui(ui: &mut Ui, page: &LayerPage<'_>, state: &mut ScatterState) {
    let Some(densities) = densities(page, state.part) else { return };
    let (shown, _) = state.view.of(densities);
    let views = [
        (
            ScatterView::Most,
            densities.most.is_some(),
            t!("Most values"),
            t!("The axes end where values become rare; how many lie outside is said below"),
        ),
        (ScatterView::Whole, true, t!("All values"), t!("The axes reach from the least value to the greatest")),
        (
            ScatterView::Log,
            densities.log.is_some(),
            t!("Log values"),
            t!("All values, near 0 as well as far out: equal distances are equal ratios"),
        ),
    ];
    for (view, is_there, name, hint) in views {
        let button = ui.add_enabled(is_there, egui::Button::selectable(view == shown, name));
        let button = button.on_hover_text(hint).on_disabled_hover_text(t!("No value lies far from the others"));
        if button.clicked() {
            state.view = view;
        }
    }
}

fn densities<'a>(page: &LayerPage<'a>, part: Part) -> Option<&'a Densities> {
    match parts(page).shown(part) {
        Part::Weights => page.detail.weight_density.as_deref(),
        _ => page.detail.density.as_deref(),
    }
}

fn spec_of(doc: &Document, page: &LayerPage<'_>, state: ScatterState) -> Option<FigureSpec> {
    let (distribution, title, stamp) = match parts(page).shown(state.part) {
        Part::Weights => {
            let title = t!("Weights of {}, quantized against float", page.name);
            (&page.detail.weights, title, String::new())
        }
        _ => {
            let title = t!("Output of {}, quantized against float", page.name);
            (&page.detail.activation, title, stamp(doc, page.detail.samples))
        }
    };
    let densities = densities(page, state.part)?;
    let (_, density) = state.view.of(densities);
    let facts = ScatterFacts {
        title,
        stamp,
        ends: distribution.as_ref().and_then(|d| d.thresholds),
        step: distribution.as_ref().and_then(|d| d.step).map(|(scale, _)| scale),
        reach: Some(densities.whole.bins.range),
    };
    Some(scatter_spec(density, &facts))
}
