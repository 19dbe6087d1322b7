//! Random settings on random layers, as a user's clicks would make them.

use quantlens_analysis::{
    calibrate::{Flavour, Method},
    config::{Granularity, LayerSettings, QuantConfig, ReadSettings, Rule},
    quant::{Bits, Codes, Range, Scheme, Sign},
    report::{LayerInfo, ModelInfo},
    workbench::Workbench,
};

use crate::seeded::Seeded;

/// Scales of weights, coarse to fine.
pub const GRANULARITIES: [Granularity; 4] =
    [Granularity::PerTensor, Granularity::PerChannel, Granularity::PerGroup(2), Granularity::PerGroup(4)];
/// Methods of every kind: they look at ends, at a histogram, at what other tools count.
pub const METHODS: [Method; 6] = [
    Method::Kl,
    Method::Percentile,
    Method::Entropy,
    Method::Mse,
    Method::Flavour(Flavour::TensorRt),
    Method::Flavour(Flavour::PpqPercentile),
];

/// Puts one random setting on one random layer; false where the layer cannot have it, and then nothing is changed.
pub fn edit(config: &mut QuantConfig, workbench: &Workbench, model: &ModelInfo, seeded: &mut Seeded) -> bool {
    let layer = seeded.one(&model.layers).clone();
    let mut edited = config.clone();
    let what = seeded.below(14);
    if what < 12 {
        let set = setting(what, &layer, seeded);
        edited.edit_layer(&layer.name, |s| s.overlay(&set));
    } else if what == 12 {
        edited.layers.remove(&layer.name);
    } else {
        let settings = LayerSettings { activation_bits: Some(*seeded.one(&Bits::ALL)), ..LayerSettings::default() };
        edited.rules.push(Rule { op: Some(layer.op.clone()), name: None, settings });
    }
    takes(config, edited, workbench)
}

/// Puts `edited` in place of `config` where it differs and is not refused.
pub fn takes(config: &mut QuantConfig, edited: QuantConfig, workbench: &Workbench) -> bool {
    let takes = edited != *config && workbench.check(&edited).is_ok();
    if takes {
        *config = edited;
    }
    takes
}

fn setting(what: usize, layer: &LayerInfo, seeded: &mut Seeded) -> LayerSettings {
    let mut s = LayerSettings::default();
    let bits = *seeded.one(&Bits::ALL);
    let scheme = *seeded.one(&[Scheme::Affine, Scheme::Symmetric]);
    let sign = *seeded.one(&[Sign::Signed, Sign::Unsigned]);
    match what {
        0 => s.weight_bits = Some(bits),
        1 => s.activation_bits = Some(bits),
        2 => s.granularity = Some(*seeded.one(&GRANULARITIES)),
        3 => s.method = Some(*seeded.one(&METHODS)),
        4 => s.fold_batch_norm = Some(seeded.chance(1, 2)),
        5 => s.activation_scheme = Some(scheme),
        6 => s.activation_sign = Some(sign),
        7 => s.activation_codes = Some(Codes::Narrow),
        8 => (s.weight_scheme, s.weight_sign) = (Some(scheme), Some(sign)),
        9 => s.weight_codes = Some(Codes::Narrow),
        10 => {
            let reach = 0.25 + seeded.below(8) as f32 * 0.25;
            (s.method, s.range) = (Some(Method::Manual), Some(Range::new(-reach, 0.7 * reach)));
        }
        _ => s.reads.extend(layer.inputs.first().map(|(tensor, _)| (tensor.clone(), ReadSettings { bits }))),
    }
    s
}
