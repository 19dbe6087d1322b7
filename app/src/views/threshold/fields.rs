//! The range as numbers to type, and what it does.

use egui::{RichText, Ui};
use quantlens_analysis::{
    calibrate::Side,
    metrics::Measure,
    quant::{Range, Scheme},
    t, text,
};

use super::{Choices, table::shares};
use crate::{
    command::Commands,
    figure::Moved,
    format, theme,
    widgets::{Fact, fact, number_label, typed_field},
};

/// Width of a field, in points: all digits of a float32.
const WIDTH: f32 = 96.0;

/// Draws the fields: one for each end, or one for the threshold of a symmetric grid.
pub(super) fn fields_ui(ui: &mut Ui, choices: Choices<'_>, send: &mut Commands) {
    let Range { low, high } = choices.current.range;
    if choices.detail.format.scheme == Scheme::Symmetric {
        field_ui(ui, choices, (t!("Threshold"), Side::Both, choices.current.range.amax()), send);
    } else {
        field_ui(ui, choices, (t!("Low"), Side::Low, low), send);
        field_ui(ui, choices, (t!("High"), Side::High, high), send);
    }
}

/// Draws what follows from the range.
pub(super) fn facts_ui(ui: &mut Ui, choices: Choices<'_>) {
    ui.horizontal_wrapped(|ui| {
        for Fact { what, value, why } in facts(choices) {
            ui.label(RichText::new(what).color(theme::tokens(ui).weak)).on_hover_text(&why);
            number_label(ui, value).on_hover_text(why);
            ui.add_space(theme::GRID);
        }
    });
}

fn field_ui(ui: &mut Ui, choices: Choices<'_>, field: (&str, Side, f32), send: &mut Commands) {
    let (name, side, value) = field;
    crate::widgets::name_label(ui, name);
    // From 0 to 0 there is no scale.
    let has_width = |typed: &f32| choices.detail.moved(choices.current.range, side, *typed).amax() > 0.0;
    let read = |text: &str| format::parse_real(text).filter(has_width);
    let (response, typed) = typed_field(ui, name, &format::exact(value), WIDTH, read);
    response.on_hover_text(t!("Type a number and press Enter; the float32 nearest to it is kept to the last bit"));
    if let Some(value) = typed {
        choices.move_to(Moved { side, value, done: true }, send);
    }
}

/// Scale, zero-point and the error that the range makes.
fn facts(choices: Choices<'_>) -> Vec<Fact<'static>> {
    let current = choices.current;
    let scale = format::significant(f64::from(current.scale), 4);
    let zero_point = format::number(f64::from(current.zero_point), 0);
    let step = t!("The step between two codes: a code q stands for {}·(q − {})", scale, zero_point);
    let mut facts = vec![
        fact(t!("Scale"), &scale, step),
        fact(t!("Zero-point"), &zero_point, t!("The code that stands for 0 exactly")),
    ];
    if let Some(effect) = &current.effect {
        let db = effect.sqnr_db();
        let sqnr = db.map_or_else(|| text::text(format::EXACT).into(), |db| format!("{} dB", format::number(db, 1)));
        let words = db.and_then(|db| format::noise_words(Measure::Value(db))).unwrap_or_default();
        let of_quantizer = t!("Of this quantizer alone, from the histogram of the float values. {}", words);
        facts.push(fact("SQNR", sqnr, of_quantizer));
        let clipped = format!("{} %", format::number(100.0 * effect.clipped_share, 3));
        facts.push(fact(t!("Clipped"), clipped, t!("Share of the float values outside this range")));
        let split =
            t!("Of this quantizer's squared error: what rounding inside the range makes, and what clipping makes");
        facts.push(fact(t!("Rounding : clipping %"), shares(effect), split));
    }
    facts
}
