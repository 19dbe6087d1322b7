//! What the pages about one layer share: which layer, whether its values are here, from how many samples, and what stands
//! there while they are not. The values always belong to the layer in the heading, never to the one before it.

use egui::{RichText, Ui};
use quantlens_analysis::{
    report::{LayerDetail, LayerRow},
    t,
};

use crate::{
    action::Action,
    command::{Commands, Part},
    document::Document,
    format, theme,
    widgets::{EmptyState, empty_state},
};

/// A layer with the values its pages draw.
#[derive(Clone, Copy, Debug)]
pub struct LayerPage<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its distributions, channels and curve.
    pub detail: &'a LayerDetail,
    /// Its row of the report; `None` until there is one.
    pub row: Option<&'a LayerRow>,
}

impl<'a> LayerPage<'a> {
    /// The selected layer, once its values are here.
    pub fn of(doc: &'a Document) -> Option<Self> {
        let name = doc.selection.anchor.as_deref()?;
        let detail = doc.detail.value.as_deref().filter(|detail| detail.layer == name)?;
        Some(Self { name, detail, row: doc.row_of(name) })
    }
}

/// The selected layer; or draws what is missing and gives `None`. Values whose successor is slow are dimmed,
/// but not while a range is moved, nor while only more is on its way: what is looked at then is of now.
pub fn layer_page<'a>(ui: &mut Ui, doc: &'a Document, send: &mut Commands) -> Option<LayerPage<'a>> {
    let page = LayerPage::of(doc);
    if page.is_none() {
        missing_ui(ui, doc, doc.detail.pending_since.is_some(), send);
    } else if doc.detail.is_dimmed(doc.now) && doc.weighed.is_none() && page.as_ref().is_some_and(|p| p.detail.is_whole)
    {
        ui.set_opacity(theme::DIM);
    }
    page
}

/// What stands on a layer's page without its values; `is_asked` while they are on their way.
pub(super) fn missing_ui(ui: &mut Ui, doc: &Document, is_asked: bool, send: &mut Commands) {
    if doc.model.is_none() {
        let words =
            EmptyState { title: t!("No model is open"), reason: t!("This page shows the values of one layer.") };
        empty_state(ui, words, |ui| buttons(ui, send, &[Action::OpenModel, Action::OpenSample]));
        return;
    }
    let Some(name) = &doc.selection.anchor else {
        let words = EmptyState {
            title: t!("No layer is selected"),
            reason: t!("Click a layer in the list, or go to the one with the largest error."),
        };
        empty_state(ui, words, |ui| buttons(ui, send, &[Action::NextWorse]));
        return;
    };
    if doc.data.is_none() && !is_asked {
        let title = t!("{} has no values yet", name);
        let words = EmptyState {
            title: &title,
            reason: t!("The values of a layer come from running samples through the model."),
        };
        empty_state(ui, words, |ui| buttons(ui, send, &[Action::OpenImages, Action::OpenArrays, Action::UseSynthetic]));
        return;
    }
    let title = t!("Reading {}", name);
    let words = EmptyState { title: &title, reason: t!("Its values are shown as soon as the samples have run.") };
    empty_state(ui, words, |_| {});
}

fn buttons(ui: &mut Ui, send: &mut Commands, actions: &[Action]) {
    for action in actions {
        if ui.button(action.title()).clicked() {
            send.run(*action);
        }
    }
}

/// The page's layer as the pinned baseline has it, and the baseline's name; `None` without one, until it was measured, and
/// where the configuration of now is the baseline.
pub(super) fn pinned_detail<'a>(doc: &'a Document, page: &LayerPage<'_>) -> Option<(&'a str, &'a LayerDetail)> {
    let pin = doc.pins.baseline().filter(|pin| pin.config != doc.config)?;
    Some((&pin.name, doc.pins.detail_of(page.name)?))
}

/// What limits the reading of values from `samples` samples.
pub fn stamp(doc: &Document, samples: usize) -> String {
    let total = doc.report.value.as_ref().map_or(samples, |report| report.samples_total.max(samples));
    let mut parts = Vec::new();
    if samples > 0 && samples < total {
        parts.push(t!("values of {} of {}", format::count(samples as u64), format::plural(total, "sample")));
    } else if samples > 0 {
        parts.push(t!("values of {}", format::plural(samples, "sample")));
    }
    if doc.data.as_ref().is_some_and(|data| data.synthetic) {
        parts.push(t!("synthetic ranges").into());
    }
    parts.join(" · ")
}

/// The page's heading: what is shown, of which layer and operator, and the button that saves the figure.
pub fn heading_ui(ui: &mut Ui, title: &str, page: &LayerPage<'_>, send: &mut Commands) {
    row_heading_ui(ui, title, page.row, send);
}

/// [`heading_ui`] of a page that has values of its own.
pub(super) fn row_heading_ui(ui: &mut Ui, title: &str, row: Option<&LayerRow>, send: &mut Commands) {
    ui.horizontal(|ui| {
        // The button first, from the right: a long name is cut, never the button.
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if ui.button(Action::ExportFigure.title()).clicked() {
                send.run(Action::ExportFigure);
            }
            ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                let op = row.map_or(String::new(), |row| format!("  {}", row.info.op));
                let mut job = egui::text::LayoutJob::default();
                RichText::new(title).heading().append_to(
                    &mut job,
                    ui.style(),
                    egui::FontSelection::Default,
                    egui::Align::Center,
                );
                RichText::new(op).weak().append_to(
                    &mut job,
                    ui.style(),
                    egui::FontSelection::Default,
                    egui::Align::Center,
                );
                ui.add(egui::Label::new(job).truncate());
            });
        });
    });
}

/// Which values of a layer a page can show.
#[derive(Clone, Copy)]
pub(super) struct Parts {
    /// Those of its weights.
    pub(super) weights: bool,
    /// Those of its output.
    pub(super) output: bool,
}

impl Parts {
    /// The chosen part, or the other where the layer lacks it.
    pub(super) fn shown(self, chosen: Part) -> Part {
        if self.weights && (chosen == Part::Weights || !self.output) { Part::Weights } else { Part::Activations }
    }

    /// The switch between them; greyed where the layer has none.
    pub(super) fn switch_ui(self, ui: &mut Ui, chosen: &mut Part) {
        let shown = self.shown(*chosen);
        for (part, text, there) in
            [(Part::Weights, t!("Weights"), self.weights), (Part::Activations, t!("Output"), self.output)]
        {
            let button = ui.add_enabled(there, egui::Button::selectable(shown == part, text));
            if button.on_disabled_hover_text(t!("This layer has none")).clicked() {
                *chosen = part;
            }
        }
    }
}

/// Height for a chart that shares the page with `others` points of text and further charts.
pub fn chart_height(ui: &Ui, share: f32, others: f32) -> f32 {
    let free = share * (ui.available_height() - others);
    if free.is_finite() { free.clamp(140.0, 560.0) } else { 240.0 }
}
