//! One layer's settings of one configuration, said in another.

use crate::{
    config::{LayerSettings, QuantConfig},
    plan::target_defaults,
    target::Target,
};

/// The entry that makes `layer` in `to` what it is in `from`, its own entry there aside: only what `to`'s defaults and
/// rules say otherwise. What `from` leaves to its target is said with that target's value where `to` does not leave it.
pub fn own_settings(
    (from, from_target): (&QuantConfig, &Target),
    to: &QuantConfig,
    layer: &str,
    op: &str,
) -> LayerSettings {
    let wanted = from.settings_for(layer, op);
    let mut without = to.clone();
    without.layers.remove(layer);
    let base = without.settings_for(layer, op);
    let left = target_defaults(from_target);
    LayerSettings {
        weight_bits: pick(wanted.weight_bits, base.weight_bits, left.weight_bits),
        activation_bits: pick(wanted.activation_bits, base.activation_bits, left.activation_bits),
        granularity: pick(wanted.granularity, base.granularity, left.granularity),
        method: pick(wanted.method, base.method, left.method),
        percentile: pick(wanted.percentile, base.percentile, left.percentile),
        range: pick(wanted.range, base.range, left.range),
        activation_scheme: pick(wanted.activation_scheme, base.activation_scheme, left.activation_scheme),
        activation_sign: pick(wanted.activation_sign, base.activation_sign, left.activation_sign),
        activation_codes: pick(wanted.activation_codes, base.activation_codes, left.activation_codes),
        weight_scheme: pick(wanted.weight_scheme, base.weight_scheme, left.weight_scheme),
        weight_sign: pick(wanted.weight_sign, base.weight_sign, left.weight_sign),
        weight_codes: pick(wanted.weight_codes, base.weight_codes, left.weight_codes),
        fold_batch_norm: pick(wanted.fold_batch_norm, base.fold_batch_norm, left.fold_batch_norm),
        reads: wanted.reads.into_iter().filter(|(tensor, read)| base.reads.get(tensor) != Some(read)).collect(),
    }
}

fn pick<T: Copy + PartialEq>(wanted: Option<T>, base: Option<T>, left: Option<T>) -> Option<T> {
    if wanted == base { None } else { wanted.or(left) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{calibrate::Method, quant::Bits};

    #[test]
    fn only_what_defaults_and_rules_say_otherwise_becomes_an_entry() {
        let target = Target::builtins().first().unwrap();
        let mut from = QuantConfig::default();
        from.defaults.weight_bits = Some(Bits::Int(4));
        from.edit_layer("a", |s| s.method = Some(Method::Mse));
        let mut to = QuantConfig::default();
        to.defaults.weight_bits = Some(Bits::Int(4));
        to.defaults.activation_bits = Some(Bits::Int(16));
        // The entry that is there is replaced, so it is not in the way.
        to.edit_layer("a", |s| s.weight_bits = Some(Bits::Float));
        let own = own_settings((&from, target), &to, "a", "Conv");
        // 4 bits are `to`'s default; 16 bits are not what `from` has: its target's 8 are.
        let expected = LayerSettings {
            method: Some(Method::Mse),
            activation_bits: Some(Bits::Int(8)),
            ..LayerSettings::default()
        };
        assert_eq!(own, expected);
        to.edit_layer("a", |s| *s = own);
        let in_force = |config: &QuantConfig| {
            let mut settings = target_defaults(target);
            settings.overlay(&config.settings_for("a", "Conv"));
            settings
        };
        assert_eq!(in_force(&to), in_force(&from));
    }
}
