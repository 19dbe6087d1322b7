//! Colours that stand for values: how bad an error is, by how much something changed, how wide a format is; and how well
//! two colours can be told apart.

use egui::{Color32, Theme};

use super::{BAD_DB, GOOD_DB, of, rgb};

/// Ten samples of cividis (Nuñez, Anderton, Renslow 2018), dark to bright.
const CIVIDIS: [Color32; 10] = [
    rgb(0x00_224E),
    rgb(0x12_3570),
    rgb(0x3B_496C),
    rgb(0x57_5D6D),
    rgb(0x70_7173),
    rgb(0x8A_8678),
    rgb(0xA5_9C74),
    rgb(0xC3_B369),
    rgb(0xE1_CC55),
    rgb(0xFE_E838),
];

/// How bad an error is, 0 at [`GOOD_DB`] and above, 1 at [`BAD_DB`] and below.
#[expect(clippy::cast_possible_truncation, reason = "a share of 0 to 1 for a colour")]
pub fn badness(db: f64) -> f32 {
    let share = (GOOD_DB - db) / (GOOD_DB - BAD_DB);
    if share.is_nan() { 1.0 } else { share.clamp(0.0, 1.0) as f32 }
}

/// The colour of an error of `db`: towards the bright end of cividis for bad in the dark theme, towards the dark end in
/// the light one.
pub fn error_colour(theme: Theme, db: f64) -> Color32 {
    let bad = badness(db);
    cividis(if theme == Theme::Dark { bad } else { 1.0 - bad })
}

/// The tint of a card whose value is `share` bad, 0 to 1: the panel's own colour for good, so that what is bad is seen.
pub fn heat_colour(theme: Theme, share: f32) -> Color32 {
    let share = share.clamp(0.0, 1.0);
    let full = cividis(if theme == Theme::Dark { share } else { 1.0 - share });
    of(theme).panel.lerp_to_gamma(full, share.powf(0.75))
}

/// The tint of a card that is better (`share` up to 1) or worse (down to −1) than the pinned baseline's.
pub fn change_colour(theme: Theme, share: f32) -> Color32 {
    let t = of(theme);
    let full = if share < 0.0 { t.worse } else { t.better };
    t.panel.lerp_to_gamma(full, share.abs().clamp(0.0, 1.0))
}

/// The colour of a line that carries an error `share` bad.
pub fn flow_colour(theme: Theme, share: f32) -> Color32 {
    let worst = cividis(if theme == Theme::Dark { 1.0 } else { 0.0 });
    of(theme).local.lerp_to_gamma(worst, share.clamp(0.0, 1.0))
}

/// Cividis at `t` in 0..=1, dark to bright, linear between the samples.
pub fn cividis(t: f32) -> Color32 {
    let last = CIVIDIS.len() - 1;
    let place = t.clamp(0.0, 1.0) * last as f32;
    #[expect(clippy::cast_possible_truncation, reason = "0 to 9")]
    let below = (place.floor() as usize).min(last - 1);
    // `below` is at most `last - 1`.
    CIVIDIS[below].lerp_to_gamma(CIVIDIS[below + 1], place - below as f32)
}

/// The grey of a value at `t` in 0..=1 of its range, black to white: pictures of values, where no end is the bad one.
pub fn value_colour(t: f32) -> Color32 {
    Color32::BLACK.lerp_to_gamma(Color32::WHITE, t.clamp(0.0, 1.0))
}

/// The colour of a signed value at `t` in −1..=1 of the largest: blue below, orange above, the card's colour at zero.
pub fn signed_colour(theme: Theme, t: f32) -> Color32 {
    let tokens = of(theme);
    let end = if t < 0.0 { tokens.better } else { tokens.worse };
    tokens.faint.lerp_to_gamma(end, t.abs().min(1.0))
}

/// Black or white, whichever reads better on `back`.
pub fn text_on(back: Color32) -> Color32 {
    if luminance(back) < 0.18 { Color32::WHITE } else { Color32::BLACK }
}

/// The colour of a bit width: a category, so that 4 and 8 are told apart at a glance; the digit always stands beside it.
pub fn bits_colour(theme: Theme, bits: quantlens_analysis::quant::Bits) -> Color32 {
    use quantlens_analysis::quant::Bits;
    let (dark, light) = match bits {
        Bits::Float => (0xA3_AAB3, 0x55_5D66),
        Bits::Int(16) | Bits::Small(_) => (0x56_B4E9, 0x00_72B2),
        Bits::Int(7 | 8) => (0x33_B98F, 0x00_7A5A),
        Bits::Int(5 | 6) => (0xE6_9F00, 0x8F_6000),
        Bits::Int(_) => (0xF0_8A4B, 0xB8_4A00),
    };
    rgb(if theme == Theme::Dark { dark } else { light })
}

/// Relative luminance as WCAG 2 defines it, 0..=1.
pub fn luminance(colour: Color32) -> f32 {
    let linear = |c: u8| {
        let c = f32::from(c) / 255.0;
        if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(colour.r()) + 0.7152 * linear(colour.g()) + 0.0722 * linear(colour.b())
}

/// Contrast ratio as WCAG 2 defines it, 1..=21.
pub fn contrast(a: Color32, b: Color32) -> f32 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}
