//! One element through `[Clip →] QuantizeLinear → DequantizeLinear`, with no branch, so that loops over it vectorise.
//!
//! Bit-exact with onnxruntime's CPU kernels, which clamp the quotient as a float *before* rounding and adding Z. What
//! is easy to get wrong: a NaN passes the Clip and then becomes the **container's** smallest code (−128 even for a
//! 4-bit grid), and a code equal to Z gives +0.0, never the −0.0 that `round(-0.3)·S` would.

use super::{
    clipping::Clipping,
    lanes::{Column, GROUP, LANES, ROWS, lanes_sum, products_sum, rows_sum},
    params::QuantParams,
};

/// 1.5·2²³: adding and subtracting it rounds a float32 of magnitude below 2²² half to even, and turns −0.0 into +0.0.
/// `f32::round_ties_even` is a library call on baseline x86-64.
const ROUND: f32 = 12_582_912.0;

/// The constants of one quantizer, derived once per call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kernel {
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

impl Kernel {
    pub(crate) fn new(params: &QuantParams) -> Self {
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
    pub(crate) fn steps(&self, value: f32) -> f32 {
        // The order of the operands decides about NaN: these two let it through, the next two replace it by `first`.
        let value = if self.clip_low > value { self.clip_low } else { value };
        let value = if self.clip_high < value { self.clip_high } else { value };
        let quotient = value / self.scale;
        let quotient = if quotient > self.first { quotient } else { self.first };
        let quotient = if quotient < self.last { quotient } else { self.last };
        (quotient + ROUND) - ROUND
    }

    /// `S·(q − Z)`.
    #[inline(always)]
    pub(crate) fn value(&self, value: f32) -> f32 {
        self.of_steps(self.steps(value))
    }

    /// `S` times so many steps.
    #[inline(always)]
    pub(crate) fn of_steps(&self, steps: f32) -> f32 {
        steps * self.scale
    }

    /// The steps of the container's smallest code.
    #[inline(always)]
    pub(crate) fn first(&self) -> f32 {
        self.first
    }

    /// Whether the value is in the range; false for NaN.
    #[inline(always)]
    fn is_inside(&self, value: f32) -> bool {
        (value >= self.inside_low) & (value <= self.inside_high)
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

/// Running sums of what a quantizer does to a block, in the order of [`super::lanes`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    rounding: Column,
    clipping: Column,
    clipped: u64,
    nan: u64,
}

impl Tally {
    /// Quantizes a group into `out`.
    #[inline(always)]
    pub(crate) fn group<const FUSES: bool>(&mut self, kernel: &Kernel, values: &[f32; GROUP], out: &mut [f32; GROUP]) {
        let (mut outside, mut errors) = (0, [0.0; GROUP]);
        for i in 0..GROUP {
            let (before, after) = (values[i], kernel.value(values[i]));
            out[i] = after;
            // Exact in float32 for a value inside the range: it lies between half and twice its result (Sterbenz), or
            // its result is 0. Only such errors are used here, and float64 subtraction would cost twice as much.
            errors[i] = after - before;
            outside |= u32::from(!kernel.is_inside(before));
        }
        if outside != 0 {
            self.mixed(kernel, values, out);
            return;
        }
        for lane in 0..LANES {
            let mut rows = [0.0; ROWS];
            for row in 0..ROWS {
                rows[row] = f64::from(errors[row * LANES + lane]);
            }
            self.rounding[lane] += products_sum::<FUSES>(rows, rows);
        }
    }

    /// Quantizes the rest of a block, shorter than a group.
    #[inline(always)]
    pub(crate) fn rest(&mut self, kernel: &Kernel, values: &[f32], out: &mut [f32]) {
        values.iter().zip(out.iter_mut()).for_each(|(value, out)| *out = kernel.value(*value));
        self.mixed(kernel, values, out);
    }

    /// Adds at most a group of which some values may be outside the range.
    #[inline(always)]
    fn mixed(&mut self, kernel: &Kernel, values: &[f32], out: &[f32]) {
        let (mut rounding, mut clipping) = ([0.0; GROUP], [0.0; GROUP]);
        let (mut clipped, mut nan) = (0_u32, 0_u32);
        let slots = rounding.iter_mut().zip(&mut clipping);
        for ((value, out), (rounding, clipping)) in values.iter().zip(out).zip(slots) {
            let error = f64::from(*out) - f64::from(*value);
            let (square, inside) = (error * error, kernel.is_inside(*value));
            *rounding = if inside { square } else { 0.0 };
            // False for NaN and ±inf, whose error is no number.
            let finite = value.abs() <= f32::MAX;
            *clipping = if finite & !inside { square } else { 0.0 };
            clipped += u32::from(!inside);
            nan += u32::from(value.is_nan());
        }
        self.clipped += u64::from(clipped - nan);
        self.nan += u64::from(nan);
        for lane in 0..LANES {
            let rows = |of: &[f64; GROUP]| [of[lane], of[LANES + lane], of[2 * LANES + lane], of[3 * LANES + lane]];
            self.rounding[lane] += rows_sum(rows(&rounding));
            self.clipping[lane] += rows_sum(rows(&clipping));
        }
    }

    /// The lanes added in order.
    pub(crate) fn total(&self) -> Clipping {
        Clipping {
            clipped: self.clipped,
            nan: self.nan,
            clipped_error_energy: lanes_sum(&self.clipping),
            rounding_error_energy: lanes_sum(&self.rounding),
        }
    }
}
