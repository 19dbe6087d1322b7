//! The page while the float model is shown: the layer without its integers, and what the float values span, so that the
//! scales that come back with the quantized model can be held against them.

use egui::{RichText, Ui};
use quantlens_analysis::{
    report::{BiasForm, IntegerArithmetic},
    t,
};

use super::lines_ui;
use crate::{
    document::Document,
    format::{plural, significant},
    theme,
    views::layer_page::{LayerPage, stamp},
    widgets::section,
};

/// Draws what stands in the place of the integers.
pub(super) fn float_ui(ui: &mut Ui, doc: &Document, found: &IntegerArithmetic) {
    ui.label(t!(
        "The float model computes this layer in floating point: without scales, zero-points and multipliers, and \
         without an accumulator that could overflow."
    ));
    section(ui, t!("Formula in float"));
    lines_ui(ui, formula(found));
    let Some(page) = LayerPage::of(doc) else { return };
    let ends = [("w:", t!("weights"), page.detail.weight_ends()), ("y:", t!("output"), page.detail.output_ends())];
    let spans: Vec<_> =
        ends.into_iter().filter_map(|(sign, name, ends)| Some((sign.into(), span(name, ends?)))).collect();
    if spans.is_empty() {
        return;
    }
    section(ui, t!("Float values"));
    lines_ui(ui, spans);
    let text = t!("The quantized model puts these on the grids whose scales this page shows without the float view.");
    let text = t!("{} ({})", text, stamp(doc, page.detail.samples));
    ui.label(RichText::new(text).small().color(theme::tokens(ui).weak));
}

/// As [`super::words::formula`] has it, without a grid.
fn formula(found: &IntegerArithmetic) -> Vec<(String, String)> {
    let alpha = if found.alpha.to_bits() == 1.0_f32.to_bits() { "" } else { "alpha·" };
    let bias = if found.bias == BiasForm::None { "" } else { " + b" };
    let sum = format!("{alpha}Σ x·w{bias}");
    let products = t!("{} an output", plural(found.taps, "product"));
    match &found.fused {
        Some(op) => vec![(format!("a = {sum}"), products), (format!("y = {op}(a)"), String::new())],
        None => vec![(format!("y = {sum}"), products)],
    }
}

/// "weights from −0.5 to 0.7".
fn span(name: &str, (low, high): (f32, f32)) -> String {
    let number = |value: f32| significant(f64::from(value), 5).replace('-', "−");
    t!("{} from {} to {}", name, number(low), number(high))
}
