//! From a range of reals to a scale and a zero-point (QUANTIZATION.md §1), equal to onnxruntime to the last bit.
//!
//! The tricky part is precision. onnxruntime 1.32's `compute_scale_zp` subtracts the float32 ends **in float64**,
//! divides in float64, takes the zero-point from that float64 scale and only then rounds the scale to float32. On uint8
//! [−0.1, 0.5] has Z = 43, and 42 if computed in float32; [−1, 1] has Z = 128, and 127 if computed from the stored
//! scale. Whether a scale is too small is asked while it is still a float64.

use crate::{say, text::Text};
use serde::{Deserialize, Serialize};

use super::grid::Grid;

/// An interval of reals that a grid shall cover. Not yet widened to contain 0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Range {
    /// The smallest value.
    pub low: f32,
    /// The largest value.
    pub high: f32,
}

impl Range {
    /// From `low` to `high`.
    pub fn new(low: f32, high: f32) -> Self {
        Self { low, high }
    }

    /// From `-amax` to `amax`.
    pub fn symmetric(amax: f32) -> Self {
        Self { low: -amax, high: amax }
    }

    /// The larger of `|low|` and `|high|`; NaN if either is.
    pub fn amax(self) -> f32 {
        if self.low.is_nan() || self.high.is_nan() { f32::NAN } else { self.low.abs().max(self.high.abs()) }
    }

    /// The smallest range that contains this one and 0, so that padding and ReLU zeros are exact.
    #[must_use]
    pub fn with_zero(self) -> Self {
        // Comparisons, not f32::min: min would drop a NaN and hide a broken range.
        let low = if self.low > 0.0 { 0.0 } else { self.low };
        let high = if self.high < 0.0 { 0.0 } else { self.high };
        Self { low, high }
    }
}

/// Why a range gave no scale of its own; the parameters are then `S = 1, Z = 0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Degenerate {
    /// An end is NaN or infinite, or the ends are in the wrong order.
    NotFinite,
    /// Everything observed is 0.
    ZeroWidth,
    /// The scale would fall below the smallest normal float32, 2⁻¹²⁶.
    TooSmall,
}

impl Degenerate {
    /// The reason in words, to follow "the range of TENSOR".
    pub fn reason(self) -> Text {
        match self {
            Self::NotFinite => say!("is not a finite interval"),
            Self::ZeroWidth => say!("has no width: every value is 0"),
            Self::TooSmall => say!("is so small that its scale is no normal float32"),
        }
    }
}

/// How reals and codes correspond: `r′ = S·(q − Z)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QuantParams {
    /// `S > 0`, finite.
    pub scale: f32,
    /// `Z`, a code of the grid's container.
    pub zero_point: i32,
    /// The codes that values are clamped to.
    pub grid: Grid,
}

impl QuantParams {
    /// `S = 1, Z = 0`, what a degenerate range gets.
    pub fn unit(grid: Grid) -> Self {
        Self { scale: 1.0, zero_point: 0, grid }
    }

    /// The reals that the first and the last code stand for, in float32 as `DequantizeLinear` computes them. They are
    /// also the bounds of the exported Clip.
    pub fn representable(&self) -> Range {
        Range { low: self.dequantize_code(self.grid.q_min()), high: self.dequantize_code(self.grid.q_max()) }
    }

    /// `S·(q − Z)`, rounded once: `q − Z` has at most 17 bits and is exact in float32.
    pub fn dequantize_code(&self, code: i32) -> f32 {
        #[expect(clippy::cast_precision_loss, reason = "|q − Z| < 2^17 by the grid's invariant")]
        let steps = (code - self.zero_point) as f32;
        steps * self.scale
    }
}

/// How a symmetric scale follows from `amax`. It is independent of where codes are clamped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SymmetricRule {
    /// `S = amax / (2^(b−1) − 1)`, `Z = 0`: 127 for int8 even where the grid reaches −128. Signed grids only.
    MaxCode,
    /// `S = 2·amax / (q_max − q_min)`, `Z = round_half_even((q_min + q_max)/2)`: onnxruntime's int4 (amax/7.5, Z = 0)
    /// and its symmetric uint8 (amax/127.5, Z = 128).
    Span,
    /// `S = amax / q_max`, `Z = 0` for data that are never negative. Unsigned grids.
    Positive,
}

impl SymmetricRule {
    /// What onnxruntime 1.32 does on `grid` (`get_qmin_qmax_for_qType(symmetric=True)`): its symmetric int8 and int16
    /// grids are narrow, its int4 grid and the unsigned ones are not. Widths it does not know follow int8.
    pub fn onnxruntime(grid: Grid) -> Self {
        if grid.is_signed() && grid.bits() != 4 { Self::MaxCode } else { Self::Span }
    }
}

/// Scale and zero-point of the affine scheme: the range is widened to contain 0, `S = (r_max − r_min)/(q_max − q_min)`
/// and `Z = round_half_even(q_min − r_min/S)` in float64, then `S` is rounded to float32.
///
/// A range without a usable scale gives [`QuantParams::unit`] and the reason.
pub fn affine(range: Range, grid: Grid) -> (QuantParams, Option<Degenerate>) {
    if let Some(reason) = check(range) {
        return (QuantParams::unit(grid), Some(reason));
    }
    let range = range.with_zero();
    let (low, high) = (f64::from(range.low), f64::from(range.high));
    let (q_min, q_max) = (f64::from(grid.q_min()), f64::from(grid.q_max()));
    let scale = (high - low) / (q_max - q_min);
    match store(scale) {
        Ok(stored) => {
            let zero_point = (q_min - low / scale).round_ties_even().clamp(q_min, q_max);
            (QuantParams { scale: stored, zero_point: code(zero_point), grid }, None)
        }
        Err(reason) => (QuantParams::unit(grid), Some(reason)),
    }
}

/// Scale and zero-point of the symmetric scheme for `amax = max|r|`, by `rule`.
///
/// An `amax` without a usable scale gives [`QuantParams::unit`] and the reason; a negative one, which no data have,
/// is refused like NaN.
pub fn symmetric(amax: f32, grid: Grid, rule: SymmetricRule) -> (QuantParams, Option<Degenerate>) {
    if let Some(reason) = check(Range { low: 0.0, high: amax }) {
        return (QuantParams::unit(grid), Some(reason));
    }
    let (q_min, q_max) = (f64::from(grid.q_min()), f64::from(grid.q_max()));
    let (divisor, zero_point) = match rule {
        SymmetricRule::MaxCode => (f64::from((1_i32 << (grid.bits() - 1)) - 1), 0.0),
        // amax/(w/2) and 2·amax/w are the same float64: doubling is exact.
        SymmetricRule::Span => ((q_max - q_min) / 2.0, f64::midpoint(q_min, q_max).round_ties_even()),
        SymmetricRule::Positive => (q_max, 0.0),
    };
    match store(f64::from(amax) / divisor) {
        Ok(scale) => (QuantParams { scale, zero_point: code(zero_point), grid }, None),
        Err(reason) => (QuantParams::unit(grid), Some(reason)),
    }
}

/// Whether `range` is an interval of finite ends with a width once it contains 0.
fn check(range: Range) -> Option<Degenerate> {
    if !(range.low.is_finite() && range.high.is_finite() && range.low <= range.high) {
        Some(Degenerate::NotFinite)
    } else if range.low == 0.0 && range.high == 0.0 {
        Some(Degenerate::ZeroWidth)
    } else {
        None
    }
}

/// The float32 that is written for a float64 scale.
pub(super) fn store(scale: f64) -> Result<f32, Degenerate> {
    // onnxruntime compares before rounding: 2^-126·(1 − 2^-30) is refused although it would round up to 2^-126.
    if scale < f64::from(f32::MIN_POSITIVE) {
        return Err(Degenerate::TooSmall);
    }
    #[expect(clippy::cast_possible_truncation, reason = "rounding to float32 is the point")]
    let stored = scale as f32;
    if stored.is_finite() { Ok(stored) } else { Err(Degenerate::NotFinite) }
}

/// An integral float64 inside a grid as a code.
#[expect(clippy::cast_possible_truncation, reason = "clamped to a grid of at most 16 bits")]
fn code(value: f64) -> i32 {
    value as i32
}

#[cfg(test)]
#[path = "params_tests.rs"]
mod tests;
