//! One element through `[Clip →] QuantizeLinear → DequantizeLinear`, with no branch, so that loops over it vectorise.
//!
//! Bit-exact with onnxruntime's CPU kernels, which clamp the quotient as a float *before* rounding and adding Z. What
//! is easy to get wrong: a NaN passes the Clip and then becomes the **container's** smallest code (−128 even for a
//! 4-bit grid), and a code equal to Z gives +0.0, never the −0.0 that `round(-0.3)·S` would.

use super::{clipping::Clipping, params::QuantParams};

/// Elements handled together. Sums are kept per lane and added in lane order, so that their value does not depend on
/// the width of the machine's registers.
pub(super) const LANES: usize = 8;

/// 1.5·2²³: adding and subtracting it rounds a float32 of magnitude below 2²² half to even, and turns −0.0 into +0.0.
/// `f32::round_ties_even` is a library call on baseline x86-64.
const ROUND: f32 = 12_582_912.0;

/// The constants of one quantizer, derived once per call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kernel {
    scale: f32,
    /// Bounds of the Clip; infinite where the grid fills its container.
    clip_low: f32,
    clip_high: f32,
    /// The container's ends minus Z, where `QuantizeLinear` saturates.
    first: f32,
    last: f32,
    /// A value below `inside_low` or above `inside_high` counts as clipped.
    inside_low: f32,
    inside_high: f32,
}

/// What one element became, and what that cost.
pub(super) struct Outcome {
    /// `S·(q − Z)`.
    pub(super) value: f32,
    /// `(r̂ − r)²` inside the range, else 0.
    pub(super) rounding: f64,
    /// `(r̂ − r)²` of a finite value outside it, else 0.
    pub(super) clipping: f64,
    /// 1 outside the range.
    pub(super) clipped: u32,
    /// 1 for NaN.
    pub(super) nan: u32,
}

impl Kernel {
    pub(super) fn new(params: &QuantParams) -> Self {
        let (grid, zero) = (params.grid, params.zero_point);
        let container = grid.container();
        let clip = params.representable();
        let (clip_low, clip_high) =
            if grid.is_narrower_than_container() { (clip.low, clip.high) } else { (f32::NEG_INFINITY, f32::INFINITY) };
        // Half-integers of at most 18 bits times a float32 of 24 bits: exact in float64.
        let edge = |steps: i32, half: f64| (f64::from(steps) + half) * f64::from(params.scale);
        Self {
            scale: params.scale,
            clip_low,
            clip_high,
            first: steps(container.q_min() - zero),
            last: steps(container.q_max() - zero),
            inside_low: -round_down(-edge(grid.q_min() - zero, -0.5)),
            inside_high: round_down(edge(grid.q_max() - zero, 0.5)),
        }
    }

    /// `q − Z` as a float32 integer.
    #[inline(always)]
    pub(super) fn steps(&self, value: f32) -> f32 {
        // The order of the operands decides about NaN: these two let it through, the next two replace it by `first`.
        let value = if self.clip_low > value { self.clip_low } else { value };
        let value = if self.clip_high < value { self.clip_high } else { value };
        let quotient = value / self.scale;
        let quotient = if quotient > self.first { quotient } else { self.first };
        let quotient = if quotient < self.last { quotient } else { self.last };
        (quotient + ROUND) - ROUND
    }

    /// `S·(q − Z)` with its error.
    #[inline(always)]
    pub(super) fn outcome(&self, value: f32) -> Outcome {
        let result = self.steps(value) * self.scale;
        let error = f64::from(result) - f64::from(value);
        let square = error * error;
        let outside = (value < self.inside_low) | (value > self.inside_high);
        // False for NaN and ±inf, whose error is no number.
        let finite = value.abs() <= f32::MAX;
        Outcome {
            value: result,
            rounding: if finite & !outside { square } else { 0.0 },
            clipping: if finite & outside { square } else { 0.0 },
            clipped: u32::from(outside),
            nan: u32::from(value.is_nan()),
        }
    }
}

/// A difference of two codes as a float; exact, since it has at most 17 bits.
#[expect(clippy::cast_precision_loss, reason = "differences of codes have at most 17 bits")]
fn steps(difference: i32) -> f32 {
    difference as f32
}

/// The largest float32 not above `bound`, so that `x > bound` can be asked in float32 without losing exactness.
fn round_down(bound: f64) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "corrected on the next line")]
    let near = bound as f32;
    if f64::from(near) > bound { near.next_down() } else { near }
}

/// Running sums, one a lane.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    rounding: [f64; LANES],
    clipping: [f64; LANES],
    clipped: [u32; LANES],
    nan: [u32; LANES],
}

impl Tally {
    /// Eight elements at once.
    #[inline(always)]
    pub(super) fn eight(&mut self, kernel: &Kernel, values: [f32; LANES]) -> [f32; LANES] {
        let mut out = [0.0; LANES];
        for lane in 0..LANES {
            out[lane] = self.one(kernel, values[lane], lane);
        }
        out
    }

    /// One element, counted in `lane`, which is below [`LANES`].
    #[inline(always)]
    pub(super) fn one(&mut self, kernel: &Kernel, value: f32, lane: usize) -> f32 {
        let outcome = kernel.outcome(value);
        self.rounding[lane] += outcome.rounding;
        self.clipping[lane] += outcome.clipping;
        self.clipped[lane] += outcome.clipped;
        self.nan[lane] += outcome.nan;
        outcome.value
    }

    /// The lanes added in order. At most 2³² elements may have been counted per lane; blocks are far smaller.
    pub(super) fn total(&self) -> Clipping {
        Clipping {
            clipped: self.clipped.iter().map(|n| u64::from(*n)).sum(),
            nan: self.nan.iter().map(|n| u64::from(*n)).sum(),
            clipped_error_energy: self.clipping.iter().sum(),
            rounding_error_energy: self.rounding.iter().sum(),
        }
    }
}
