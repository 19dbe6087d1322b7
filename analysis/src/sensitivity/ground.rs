//! Whether values measured under one configuration still hold under another one.

use super::Question;
use crate::config::{LayerSettings, QuantConfig};

/// Whether the answers to `question` are the same for both. A relief depends on everything. A sensitivity does not depend
/// on the widths, since it brings its own; all else counts, even where it is another layer's, to be on the safe side.
pub fn is_same_ground(question: &Question, one: &QuantConfig, other: &QuantConfig) -> bool {
    match question {
        Question::Relief => one == other,
        Question::Sensitivity(_) => one == other || without_widths(one) == without_widths(other),
    }
}

fn without_widths(config: &QuantConfig) -> QuantConfig {
    let strip =
        |settings: &LayerSettings| LayerSettings { weight_bits: None, activation_bits: None, ..settings.clone() };
    let mut bare = config.clone();
    bare.defaults = strip(&bare.defaults);
    bare.rules.iter_mut().for_each(|rule| rule.settings = strip(&rule.settings));
    bare.rules.retain(|rule| !rule.settings.is_empty());
    bare.layers.values_mut().for_each(|settings| *settings = strip(settings));
    bare.layers.retain(|_, settings| !settings.is_empty());
    bare
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{calibrate::Method, quant::Bits};

    #[test]
    fn a_sensitivity_outlives_edits_of_widths_alone() {
        let sensitivity = Question::Sensitivity(vec![Bits::Int(8)]);
        let plain = QuantConfig::default();
        let mut widths = plain.clone();
        widths.defaults.weight_bits = Some(Bits::Int(4));
        widths.edit_layer("a", |s| s.activation_bits = Some(Bits::Float));
        assert!(is_same_ground(&sensitivity, &plain, &widths));
        assert!(!is_same_ground(&Question::Relief, &plain, &widths));
        let mut method = widths.clone();
        method.edit_layer("a", |s| s.method = Some(Method::Kl));
        assert!(!is_same_ground(&sensitivity, &plain, &method));
        assert!(is_same_ground(&sensitivity, &method, &method.clone()));
    }
}
