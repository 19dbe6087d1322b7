//! What the target holds where nothing is said, and what it does not have.

use std::collections::BTreeMap;

use serde::Serialize;

use super::formats::{GridRule, LayerFormat};
use crate::{
    calibrate::DEFAULT_PERCENTILE,
    config::{Granularity, LayerSettings},
    mark,
    quant::{Bits, Sign},
    say,
    target::{self, Choice, NumberFormat, Target},
    text::Text,
};

/// The target's own settings, all of them.
pub(crate) fn target_defaults(target: &Target) -> LayerSettings {
    let (activations, weights) = (&target.activations, &target.weights);
    LayerSettings {
        weight_bits: Some(weights.bits.default),
        activation_bits: Some(activations.bits.default),
        granularity: Some(target.granularity()),
        method: Some(target.method),
        percentile: Some(DEFAULT_PERCENTILE),
        range: None,
        activation_scheme: Some(activations.scheme.default),
        activation_sign: Some(activations.sign.default),
        activation_codes: Some(activations.codes.default),
        weight_scheme: Some(weights.scheme.default),
        weight_sign: Some(weights.sign.default),
        weight_codes: Some(weights.codes.default),
        fold_batch_norm: Some(true),
        reads: BTreeMap::new(),
    }
}

impl Target {
    /// How finely weights are scaled where nothing is said.
    pub fn granularity(&self) -> Granularity {
        match self.weights.granularity.default {
            target::Granularity::PerTensor => Granularity::PerTensor,
            target::Granularity::PerChannel => Granularity::PerChannel,
            target::Granularity::PerGroup => {
                Granularity::PerGroup(self.weights.group_sizes.as_ref().map_or(32, |sizes| sizes.default))
            }
        }
    }

    /// The scales of weights to choose from, coarse to fine.
    pub fn granularities(&self) -> Vec<Granularity> {
        const USUAL: [u32; 4] = [16, 32, 64, 128];
        let has = |granularity| self.weights.granularity.allows(&granularity);
        let mut all = vec![Granularity::PerTensor];
        if has(target::Granularity::PerChannel) {
            all.push(Granularity::PerChannel);
        }
        if has(target::Granularity::PerGroup) {
            let sizes = self.weights.group_sizes.as_ref();
            let mut sizes: Vec<u32> = sizes.map_or(USUAL.to_vec(), |sizes| sizes.iter().copied().collect());
            sizes.sort_unstable();
            all.extend(sizes.into_iter().map(Granularity::PerGroup));
        }
        all
    }
}

/// Refuses, in words, what the target does not have.
pub(super) fn check(target: &Target, format: &LayerFormat) -> Result<(), Text> {
    let title = &target.title;
    if let Some(bits) = format.weight_bits {
        check_format(title, say!("weights"), bits, format.weight_grid, &target.weights)?;
    }
    if let Some(bits) = format.activation_bits {
        check_format(title, say!("activations"), bits, format.activation_grid, &target.activations)?;
    }
    format.reads.values().try_for_each(|bits| allowed(title, say!("activations of"), &target.activations.bits, bits))
}

fn check_format(title: &str, what: Text, bits: Bits, grid: GridRule, target: &NumberFormat) -> Result<(), Text> {
    allowed(title, say!("{} in", what), &target.bits, &bits)?;
    if !matches!(bits, Bits::Int(_)) {
        return Ok(());
    }
    allowed(title, say!("{} with the scheme", what), &target.scheme, &grid.scheme)?;
    allowed(title, say!("{} that are", what), &target.sign, &grid.sign)?;
    // Unsigned codes are all there, whatever is said of signed ones.
    if grid.sign == Sign::Signed {
        allowed(title, say!("{} with codes that are", what), &target.codes, &grid.codes)?;
    }
    Ok(())
}

/// Refuses a fineness of weights' scales that the target does not have. It is the one that was asked for: weights without
/// the axis have a coarser one whatever the target prefers.
pub(super) fn check_granularity(target: &Target, wanted: Granularity) -> Result<(), Text> {
    let (title, weights) = (&target.title, &target.weights);
    let kind = match wanted {
        Granularity::PerTensor => target::Granularity::PerTensor,
        Granularity::PerChannel => target::Granularity::PerChannel,
        Granularity::PerGroup(_) => target::Granularity::PerGroup,
    };
    allowed(title, say!("weights scaled"), &weights.granularity, &kind)?;
    match (wanted, &weights.group_sizes) {
        (Granularity::PerGroup(group), Some(sizes)) => allowed(title, say!("weights in groups of"), sizes, &group),
        _ => Ok(()),
    }
}

/// Whether `value` is among the choices; else what there is.
fn allowed<T: PartialEq + Serialize>(title: &str, what: Text, choices: &Choice<T>, value: &T) -> Result<(), Text> {
    if choices.allows(value) {
        return Ok(());
    }
    let list: Vec<String> = choices.iter().map(word).collect();
    Err(say!("{} has no {} {}; it has {}", title, what, word(value), Text::joined(mark!(", "), list)))
}

/// A value as files spell it.
fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => text,
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        calibrate::Method,
        plan::RangeRule,
        quant::{Codes, Scheme},
    };

    fn format(target: &Target) -> LayerFormat {
        let defaults = target_defaults(target);
        LayerFormat {
            weight_bits: defaults.weight_bits,
            granularity: defaults.granularity.unwrap(),
            weight_grid: GridRule {
                scheme: defaults.weight_scheme.unwrap(),
                sign: defaults.weight_sign.unwrap(),
                codes: defaults.weight_codes.unwrap(),
            },
            activation_bits: defaults.activation_bits,
            activation_grid: GridRule {
                scheme: defaults.activation_scheme.unwrap(),
                sign: defaults.activation_sign.unwrap(),
                codes: defaults.activation_codes.unwrap(),
            },
            range: RangeRule { method: Method::MinMax, percentile: DEFAULT_PERCENTILE, manual: None },
            folds_batch_norm: false,
            reads: BTreeMap::new(),
            is_edited: false,
        }
    }

    #[test]
    fn every_target_has_its_own_defaults() {
        for target in Target::builtins() {
            let format = format(target);
            assert_eq!(check(target, &format), Ok(()), "{}", target.name);
            assert_eq!(check_granularity(target, format.granularity), Ok(()), "{}", target.name);
        }
    }

    #[test]
    fn what_a_target_lacks_is_refused_with_what_it_has() {
        let tensorrt = Target::builtin("tensorrt").unwrap();
        let whole = format(&tensorrt);
        let affine = GridRule { scheme: Scheme::Affine, ..whole.activation_grid };
        let why = check(&tensorrt, &LayerFormat { activation_grid: affine, ..whole.clone() }).unwrap_err();
        assert_eq!(why, "TensorRT style has no activations with the scheme affine; it has symmetric");
        let why = check(&tensorrt, &LayerFormat { activation_bits: Some(Bits::Int(3)), ..whole.clone() }).unwrap_err();
        assert!(why.contains("no activations in 3; it has 8,"), "{why}");
        let dsp = Target::builtin("dsp-pow2").unwrap();
        let why = check_granularity(&dsp, Granularity::PerGroup(32)).unwrap_err();
        assert!(why.contains("weights scaled per-group; it has per-tensor, per-channel"), "{why}");
        let narrow = GridRule { codes: Codes::Narrow, ..format(&dsp).weight_grid };
        assert!(check(&dsp, &LayerFormat { weight_grid: narrow, ..format(&dsp) }).is_err());
    }

    #[test]
    fn a_single_fineness_is_the_only_one() {
        let mut target = Target::clone(&Target::builtin("dsp-pow2").unwrap());
        target.weights.granularity = Choice { default: target::Granularity::PerChannel, others: Vec::new() };
        assert_eq!(check_granularity(&target, Granularity::PerChannel), Ok(()));
        let why = check_granularity(&target, Granularity::PerTensor).unwrap_err();
        assert!(why.ends_with("has no weights scaled per-tensor; it has per-channel"), "{why}");
    }
}
