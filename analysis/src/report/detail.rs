//! What the pages of one layer show.

use std::sync::Arc;

use super::{Densities, ThresholdDetail};
use crate::metrics::Measure;
use crate::text::Text;

/// What the clicked layer's pages show, taken from the samples whose tensors are in memory.
#[derive(Clone, Debug)]
pub struct LayerDetail {
    /// The layer.
    pub layer: String,
    /// Samples these values come from.
    pub samples: usize,
    /// Output tensor, float run against the quantized run.
    pub activation: Option<Distribution>,
    /// Weights, float against dequantized (batch norm folded in both where it is).
    pub weights: Option<Distribution>,
    /// The output's values, one against one; `None` where there are none, or all are the same.
    pub density: Option<Arc<Densities>>,
    /// The weights', likewise.
    pub weight_density: Option<Arc<Densities>>,
    /// One entry an output channel of the weights; empty without weights.
    pub weight_channels: Vec<WeightChannel>,
    /// One entry a channel (axis 1, or the last where the tensor is a sequence of tokens) of the output.
    pub activation_channels: Vec<ActivationChannel>,
    /// Range choices of the output tensor; `None` where it has none, see `threshold_note`.
    pub threshold: Option<Arc<ThresholdDetail>>,
    /// Why there is no choice.
    pub threshold_note: Option<Text>,
    /// False while what all samples decide, the range's choices, is still being counted.
    pub is_whole: bool,
}

/// Two histograms over the same bins.
#[derive(Clone, Debug)]
pub struct Distribution {
    /// What is counted: a tensor name.
    pub tensor: String,
    /// Lower edge of the first bin.
    pub low: f32,
    /// Upper edge of the last bin.
    pub high: f32,
    /// Counts of the float values.
    pub float_counts: Vec<u64>,
    /// Counts of the quantized run's values, same bins.
    pub quantized_counts: Vec<u64>,
    /// The quantizer's range `((q_min−Z)·S, (q_max−Z)·S)`; `None` where the tensor is float or has a scale per channel.
    pub thresholds: Option<(f32, f32)>,
    /// Scale and zero-point, where there is one of each.
    pub step: Option<(f32, i32)>,
}

/// One output channel of a weight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WeightChannel {
    /// Channel index.
    pub index: usize,
    /// Smallest weight.
    pub low: f32,
    /// Largest weight.
    pub high: f32,
    /// The scale used for this channel; `None` where the weights are float.
    pub scale: Option<f32>,
    /// Error of the dequantized weights of this channel.
    pub sqnr_db: Measure,
}

/// One channel of an output tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ActivationChannel {
    /// Channel index.
    pub index: usize,
    /// Smallest float value.
    pub low: f32,
    /// Largest float value.
    pub high: f32,
    /// Accumulated error of this channel.
    pub sqnr_db: Measure,
}
