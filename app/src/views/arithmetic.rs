//! What a machine without floats computes for the selected layer: the formula with the layer's own numbers, how far it
//! is from what was shown everywhere else, and what could overflow.

mod float;
mod table;
#[cfg(test)]
mod tests;
mod words;

use egui::{ScrollArea, Ui};
use quantlens_analysis::{
    report::{ArithmeticContent, IntegerArithmetic, LayerArithmetic, LayerRow, Remark, RemarkLevel},
    t,
};

use super::{
    figures::figure_ui,
    layer_page::{missing_ui, row_heading_ui, stamp},
};
use crate::{
    command::Commands,
    document::Document,
    figure::{FigureSpec, arithmetic::difference_spec},
    theme,
    widgets::{EmptyState, Tone, banner, empty_state, section},
};

/// Height of the chart, in points: five groups of bars need no more.
const CHART_HEIGHT: f32 = 200.0;

/// What this view remembers between frames.
#[derive(Clone, Debug, Default)]
pub struct ArithmeticState {
    /// The channel whose numbers stand in the formula; one that the layer has not is 0.
    pub channel: usize,
}

/// The selected layer's arithmetic, once it is here.
fn shown(doc: &Document) -> Option<(&LayerArithmetic, Option<&LayerRow>)> {
    let name = doc.selection.anchor.as_deref()?;
    let arithmetic = doc.arithmetic.value.as_deref().filter(|arithmetic| arithmetic.layer == name)?;
    Some((arithmetic, doc.row_of(name)))
}

/// Draws the view.
pub fn arithmetic_ui(ui: &mut Ui, doc: &Document, state: &mut ArithmeticState, send: &mut Commands) {
    let Some((arithmetic, row)) = shown(doc) else {
        return missing_ui(ui, doc, doc.arithmetic.pending_since.is_some(), send);
    };
    if doc.arithmetic.is_dimmed(doc.now) {
        ui.set_opacity(theme::DIM);
    }
    let name = &arithmetic.layer;
    let found = match &arithmetic.content {
        ArithmeticContent::Integer(found) => found,
        ArithmeticContent::NotApplicable(reason) => {
            let title = t!("{} has no integer arithmetic", name);
            return empty_state(ui, EmptyState { title: &title, reason }, |_| {});
        }
    };
    row_heading_ui(ui, &title(name), row, send);
    if doc.float_view.is_shown() {
        return float::float_ui(ui, doc, found);
    }
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.label(words::reach(found));
        for remark in &found.remarks {
            banner(ui, tone(remark), &words::remark(remark), |_| {});
        }
        state.channel = if state.channel < found.channels.len() { state.channel } else { 0 };
        formula_ui(ui, found, state.channel);
        section(ui, t!("Against fake quantization"));
        ui.label(words::coverage(found));
        if let Some(spec) = spec_of(doc, name, found) {
            figure_ui(ui, &spec, CHART_HEIGHT, 0, doc, send);
        }
        section(ui, t!("Channels"));
        table::table_ui(ui, found, &mut state.channel);
    });
}

/// The figure on the page, for saving; `None` while there is none.
pub fn arithmetic_figure(doc: &Document) -> Option<FigureSpec> {
    let (arithmetic, _) = shown(doc)?;
    match &arithmetic.content {
        ArithmeticContent::Integer(found) => spec_of(doc, &arithmetic.layer, found),
        ArithmeticContent::NotApplicable(_) => None,
    }
}

fn title(layer: &str) -> String {
    t!("Integer arithmetic of {}", layer)
}

fn spec_of(doc: &Document, layer: &str, found: &IntegerArithmetic) -> Option<FigureSpec> {
    let stamp = stamp(doc, found.coverage.samples);
    (!found.roundings.is_empty()).then(|| difference_spec(&found.roundings, title(layer), stamp))
}

fn tone(remark: &Remark) -> Tone {
    match remark.level {
        RemarkLevel::Wrong => Tone::Failure,
        RemarkLevel::Risk => Tone::Warning,
        RemarkLevel::Note => Tone::Info,
    }
}

/// The formula, general on the left of each line and with the channel's numbers on the right.
fn formula_ui(ui: &mut Ui, found: &IntegerArithmetic, channel: usize) {
    section(ui, &t!("Formula, with the numbers of channel {}", channel));
    lines_ui(ui, words::formula(found, channel));
}

/// Lines of a formula: what holds for every layer, and beside it this one's numbers.
fn lines_ui(ui: &mut Ui, lines: Vec<(String, String)>) {
    let weak = theme::tokens(ui).weak;
    ui.scope(|ui| {
        // Lines are read, not clicked: they may stand closer than controls do.
        ui.spacing_mut().interact_size.y = 18.0;
        for (general, own) in lines {
            ui.horizontal_wrapped(|ui| {
                if !own.starts_with('=') {
                    // What is no equation's other side is a remark beside it.
                    ui.spacing_mut().item_spacing.x = 20.0;
                }
                let signs = t!(
                    "S are scales, Z zero-points; x is read, w the weights, b the bias, a the accumulator, y the output"
                );
                let general = egui::RichText::new(general).font(theme::number_font(ui)).color(weak);
                ui.label(general).on_hover_text(signs);
                ui.label(egui::RichText::new(own).font(theme::number_font(ui))).on_hover_text(signs);
            });
        }
    });
}
