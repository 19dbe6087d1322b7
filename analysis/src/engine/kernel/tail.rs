//! What follows a convolution in its segment: bias, batch norm, and a bound below and above.

use super::plane::oddness;
use crate::quant::wide::wide;

/// For one channel, in this order: `+ bias`, `· scale`, `+ shift`, then [`bounded`]. Where a part is absent its values
/// change no bit of a sum that began with `+ 0`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tail {
    pub(super) bias: f32,
    pub(super) scale: f32,
    pub(super) shift: f32,
    pub(super) low: f32,
    pub(super) high: f32,
}

impl Default for Tail {
    fn default() -> Self {
        // −0 is what changes nothing when it is added.
        Self { bias: -0.0, scale: 1.0, shift: -0.0, low: f32::NEG_INFINITY, high: f32::INFINITY }
    }
}

impl Tail {
    /// Takes a batch norm in: scale and shift as onnxruntime computes them, which is in float32 and in this order.
    pub(super) fn with_norm(self, gamma: f32, beta: f32, mean: f32, variance: f32, epsilon: f32) -> Self {
        let scale = 1.0 / (variance + epsilon).sqrt() * gamma;
        Self { scale, shift: beta - mean * scale, ..self }
    }

    pub(super) fn is_finite(&self) -> bool {
        self.bias.is_finite() && self.scale.is_finite() && self.shift.is_finite()
    }

    /// Bias and batch norm.
    #[inline(always)]
    pub(super) fn affine(&self, sum: f32) -> f32 {
        (sum + self.bias) * self.scale + self.shift
    }

    /// As Relu and Clip do it: −0 is not less than 0 and stays.
    #[inline(always)]
    pub(super) fn bounded(&self, value: f32) -> f32 {
        let value = if value < self.low { self.low } else { value };
        if self.high < value { self.high } else { value }
    }
}

wide! {
    /// What follows a convolution, onto its outputs in one channel; false where a value is not finite.
    pub(super) fn finish_in_place(values: &mut [f32], tail: &Tail) -> bool = in_place_body;
}

#[inline(always)]
fn in_place_body(values: &mut [f32], tail: &Tail) -> bool {
    let (tail, mut odd) = (*tail, 0);
    for value in values {
        let affine = tail.affine(*value);
        odd |= oddness(affine);
        *value = tail.bounded(affine);
    }
    odd == 0
}
