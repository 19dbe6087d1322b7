//! One entry's wishes for a layer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Granularity;
use crate::{
    calibrate::Method,
    quant::{Bits, Codes, Range, Scheme, Sign},
};

/// Settings of a layer, each `None` where this entry leaves the matter to an earlier one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerSettings {
    /// Format of the layer's constant operands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_bits: Option<Bits>,
    /// Format of the layer's output tensor, after its fused ReLU or Clip.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation_bits: Option<Bits>,
    /// One weight scale, or one for each output channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub granularity: Option<Granularity>,
    /// How the range of the output tensor is chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<Method>,
    /// Per cent of the output's mass that [`Method::Percentile`] keeps inside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percentile: Option<f64>,
    /// The output's range under [`Method::Manual`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<Range>,
    /// Whether the output has a zero-point of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation_scheme: Option<Scheme>,
    /// Whether the output's codes are signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation_sign: Option<Sign>,
    /// Whether the output's codes include the most negative one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation_codes: Option<Codes>,
    /// Whether the weights have zero-points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_scheme: Option<Scheme>,
    /// Whether the weights' codes are signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_sign: Option<Sign>,
    /// Whether the weights' codes include the most negative one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_codes: Option<Codes>,
    /// Whether a following batch norm is folded into the weights before they are quantized.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fold_batch_norm: Option<bool>,
    /// Formats in which this layer reads tensors otherwise than their producers hold them, by tensor name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reads: BTreeMap<String, ReadSettings>,
}

/// How one consumer reads one tensor.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadSettings {
    /// The consumer's own format for the tensor.
    pub bits: Bits,
}

impl LayerSettings {
    /// What of these settings speaks of the output tensor's quantizer, and so belongs to the owner of a shared scale.
    pub fn of_output(&self) -> Self {
        Self {
            activation_bits: self.activation_bits,
            method: self.method,
            percentile: self.percentile,
            range: self.range,
            activation_scheme: self.activation_scheme,
            activation_sign: self.activation_sign,
            activation_codes: self.activation_codes,
            ..Self::default()
        }
    }

    /// Whether these settings say how the output's range is found.
    pub fn chooses_range(&self) -> bool {
        self.method.is_some() || self.percentile.is_some() || self.range.is_some()
    }

    /// What of these settings speaks of the weights' quantizers.
    pub fn of_weights(&self) -> Self {
        Self {
            weight_bits: self.weight_bits,
            granularity: self.granularity,
            weight_scheme: self.weight_scheme,
            weight_sign: self.weight_sign,
            weight_codes: self.weight_codes,
            ..Self::default()
        }
    }

    /// Lays `later` over `self`: what `later` says wins.
    pub fn overlay(&mut self, later: &Self) {
        fn put<T: Clone>(slot: &mut Option<T>, value: &Option<T>) {
            if value.is_some() {
                slot.clone_from(value);
            }
        }
        put(&mut self.weight_bits, &later.weight_bits);
        put(&mut self.activation_bits, &later.activation_bits);
        put(&mut self.granularity, &later.granularity);
        put(&mut self.method, &later.method);
        put(&mut self.percentile, &later.percentile);
        put(&mut self.range, &later.range);
        put(&mut self.activation_scheme, &later.activation_scheme);
        put(&mut self.activation_sign, &later.activation_sign);
        put(&mut self.activation_codes, &later.activation_codes);
        put(&mut self.weight_scheme, &later.weight_scheme);
        put(&mut self.weight_sign, &later.weight_sign);
        put(&mut self.weight_codes, &later.weight_codes);
        put(&mut self.fold_batch_norm, &later.fold_batch_norm);
        self.reads.extend(later.reads.iter().map(|(k, v)| (k.clone(), *v)));
    }

    /// Whether this entry says nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
