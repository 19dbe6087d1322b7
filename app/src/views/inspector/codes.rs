//! Which codes stand for a tensor: with or without a zero-point, signed or not, with or without the most negative one.

use egui::Ui;
use quantlens_analysis::{
    config::LayerSettings,
    mark,
    plan::GridRule,
    quant::{Codes, Scheme, Sign},
    t,
};

use super::settings::setting_ui;
use crate::{
    command::Part,
    views::bits_editor::{InForce, choice_row_ui},
};

/// What was chosen, and how the undo entry calls it.
pub(crate) struct Chosen {
    /// What to set.
    pub(crate) settings: LayerSettings,
    /// Completes "make weights of conv1 …".
    pub(crate) words: &'static str,
}

/// Draws the three choices for the quantizers in `rules`; `what` names the layers for screen readers.
pub(crate) fn codes_ui(ui: &mut Ui, what: &str, part: Part, rules: &[GridRule]) -> Option<Chosen> {
    let mut chosen = None;
    if rules.is_empty() {
        return None;
    }
    let noun = if part == Part::Weights { t!("weights") } else { t!("output") };
    setting_ui(ui, t!("Scheme"), |ui| {
        let choices = [
            (Scheme::Symmetric, t!("Symmetric"), t!("The range is the same on both sides of 0, which has code 0")),
            (
                Scheme::Affine,
                t!("Affine"),
                t!("The range has two ends of its own, and 0 a code of its own, the zero-point"),
            ),
        ];
        let now = InForce::of(rules.iter().map(|rule| rule.scheme));
        if let Some(scheme) = choice_row_ui(ui, &t!("{} {} scheme", what, noun), now, &choices) {
            let words = if scheme == Scheme::Affine { mark!("affine") } else { mark!("symmetric") };
            chosen = Some(settings(part, words, Some(scheme), None, None));
        }
    });
    let sign = InForce::of(rules.iter().map(|rule| rule.sign));
    setting_ui(ui, t!("Codes"), |ui| {
        let choices = [
            (Sign::Signed, t!("Signed"), t!("Codes on both sides of 0, as int8 has them")),
            (Sign::Unsigned, t!("Unsigned"), t!("Codes from 0 up, as uint8 has them")),
        ];
        if let Some(sign) = choice_row_ui(ui, &t!("{} {} codes", what, noun), sign, &choices) {
            let is_narrow = rules.iter().any(|rule| rule.codes == Codes::Narrow);
            // Unsigned codes have no most negative one that could be left out.
            let codes = (sign == Sign::Unsigned && is_narrow).then_some(Codes::Full);
            let words = if sign == Sign::Unsigned { mark!("unsigned") } else { mark!("signed") };
            chosen = Some(settings(part, words, None, Some(sign), codes));
        }
    });
    if sign == InForce::One(Sign::Signed) {
        setting_ui(ui, t!("Lowest code"), |ui| {
            let choices = [
                (Codes::Full, t!("Full"), t!("With the most negative code: −128 … 127 at 8 bits")),
                (
                    Codes::Narrow,
                    t!("Narrow"),
                    t!("Without it: −127 … 127 at 8 bits, as many codes on either side of 0"),
                ),
            ];
            let now = InForce::of(rules.iter().map(|rule| rule.codes));
            if let Some(codes) = choice_row_ui(ui, &t!("{} {} lowest code", what, noun), now, &choices) {
                let words = if codes == Codes::Narrow { mark!("narrow") } else { mark!("full") };
                chosen = Some(settings(part, words, None, None, Some(codes)));
            }
        });
    }
    chosen
}

fn settings(
    part: Part,
    words: &'static str,
    scheme: Option<Scheme>,
    sign: Option<Sign>,
    codes: Option<Codes>,
) -> Chosen {
    let nothing = LayerSettings::default();
    let settings = if part == Part::Weights {
        LayerSettings { weight_scheme: scheme, weight_sign: sign, weight_codes: codes, ..nothing }
    } else {
        LayerSettings { activation_scheme: scheme, activation_sign: sign, activation_codes: codes, ..nothing }
    };
    Chosen { settings, words }
}
