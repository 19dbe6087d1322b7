//! How the range of the selected layer's output is chosen: what every threshold would cost, which one is in use.

use egui::{ScrollArea, Ui};
use quantlens_analysis::calibrate::Method;

use super::layer_page::{LayerPage, chart_height, heading_ui, layer_page, stamp};
use crate::{
    command::{Command, Commands},
    document::Document,
    figure::{
        FigureSpec, ScreenOptions, figure_ui,
        threshold::{ThresholdCurve, threshold_spec},
    },
    format::method as method_name,
    widgets::{EmptyState, empty_state},
};

/// What this view remembers between frames: nothing, the curve is the page.
#[derive(Clone, Debug, Default)]
pub struct ThresholdState {}

/// Draws the view.
pub fn threshold_ui(ui: &mut Ui, doc: &Document, _state: &mut ThresholdState, send: &mut Commands) {
    let Some(page) = layer_page(ui, doc, send) else { return };
    let Some(spec) = spec_of(doc, &page) else {
        let in_use = in_use(&page);
        let title = match in_use {
            Some(_) => "There is no curve to show".to_owned(),
            None => format!("The output of {} is float", page.name),
        };
        let reason = match (&page.detail.threshold_note, in_use) {
            (Some(note), _) => note.as_str(),
            (None, Some(_)) => "No threshold was weighed for this layer.",
            (None, None) => "A float tensor has no range to choose. Give the output a bit width to weigh thresholds.",
        };
        empty_state(ui, EmptyState { title: &title, reason }, |ui| {
            if in_use.is_some() {
                methods_ui(ui, &page, send);
            }
        });
        return;
    };
    heading_ui(ui, &spec.title, &page, send);
    ui.horizontal_wrapped(|ui| methods_ui(ui, &page, send));
    ScrollArea::vertical().show(ui, |ui| {
        let height = chart_height(ui, 1.0, 84.0);
        figure_ui(ui, &spec, ScreenOptions { height, summary: true });
    });
}

/// The figure on the page, for saving; `None` while there is none.
pub fn threshold_figure(doc: &Document) -> Option<FigureSpec> {
    spec_of(doc, &LayerPage::of(doc)?)
}

/// The method that chose the range in use; `None` where the output is float.
fn in_use(page: &LayerPage<'_>) -> Option<Method> {
    page.row.and_then(|row| row.activation.as_ref()).map(|quantizer| quantizer.method)
}

fn methods_ui(ui: &mut Ui, page: &LayerPage<'_>, send: &mut Commands) {
    let now = in_use(page);
    for method in Method::AUTOMATIC {
        let button = ui.add_enabled(now != Some(method), egui::Button::new(format!("Use {}", method_name(method))));
        if button.on_disabled_hover_text("In use").clicked() {
            send.push(Command::SetMethod { layers: vec![page.name.to_owned()], method });
        }
    }
}

fn spec_of(doc: &Document, page: &LayerPage<'_>) -> Option<FigureSpec> {
    let curve = &ThresholdCurve::of(page.detail.threshold.as_ref()?, Method::Kl)?;
    let title = format!("Threshold of {}", page.name);
    // The histogram behind the curve is of every sample, unlike what the other pages show.
    let all = doc.report.value.as_ref().map_or(page.detail.samples, |report| report.samples_total);
    Some(threshold_spec(curve, in_use(page)?, title, stamp(doc, all)))
}
