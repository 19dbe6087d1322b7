//! Runs a layer in integers on the codes of one sample and counts what it meets. Every count is free of order, so neither
//! the number of threads nor the order of samples shows.

use rayon::prelude::*;

use super::{Bias, Extent, Geometry, LsbDifferences, PairCheck, Requantizer, WeightRows};
use crate::quant::{QuantParams, Rounding, wide::wide};

/// A layer, ready to run in integers.
#[derive(Debug)]
pub struct IntegerLayer<'a> {
    geometry: &'a dyn Geometry,
    weights: &'a WeightRows,
    bias: &'a Bias,
    pairs: Option<&'a PairCheck>,
    /// No accumulator without its bias can leave int32.
    is_narrow: bool,
}

/// What the float engine made of the same outputs, to compare with. Elements are those of the output tensor.
#[derive(Clone, Copy, Debug)]
pub enum Expected<'a> {
    /// Codes of a quantized output, and how each channel is requantized to it.
    Codes {
        /// Codes by element.
        codes: &'a [i32],
        /// By channel.
        requantizers: &'a [Requantizer],
    },
    /// Values of a float output.
    Floats {
        /// Values by element.
        values: &'a [f32],
        /// By channel.
        scales: &'a [FloatScale],
    },
}

/// What an accumulator means in a float output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FloatScale {
    /// One step of the accumulator: `S_x·S_w`.
    pub scale: f64,
    /// Lower bound of a fused ReLU or Clip; −∞ where there is none.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
    /// How far the integer bias may be from the float one, in steps: ½ where a float bias was rounded.
    pub bias_rounding: f64,
}

/// What one channel met.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ChannelTally {
    /// Outputs computed.
    pub outputs: u64,
    /// Their accumulators, bias included.
    pub accumulators: Extent,
    /// Accumulators that an int32 cannot hold.
    pub beyond_int32: u64,
    /// Pairs of products that an int16 could not hold.
    pub saturated_pairs: u64,
    /// Difference from fake quantization, in the order of [`Rounding::ALL`].
    pub differences: [LsbDifferences; 3],
    /// Largest distance between accumulator and float output, in steps of the accumulator.
    pub float_difference: f64,
    /// The same as a share of what float32 sums may be off by.
    pub float_share: f64,
}

impl ChannelTally {
    /// Adds what another run of the channel met.
    pub fn merge(&mut self, other: &Self) {
        self.outputs += other.outputs;
        self.accumulators.merge(&other.accumulators);
        self.beyond_int32 += other.beyond_int32;
        self.saturated_pairs += other.saturated_pairs;
        for (own, other) in self.differences.iter_mut().zip(&other.differences) {
            own.merge(other);
        }
        self.float_difference = self.float_difference.max(other.float_difference);
        self.float_share = self.float_share.max(other.float_share);
    }
}

impl<'a> IntegerLayer<'a> {
    /// For inputs on the grid of `input`.
    pub fn new(
        geometry: &'a dyn Geometry,
        weights: &'a WeightRows,
        bias: &'a Bias,
        pairs: Option<&'a PairCheck>,
        input: &QuantParams,
    ) -> Self {
        let reach = i64::from(input.grid.q_min().abs_diff(input.zero_point))
            .max(i64::from(input.grid.q_max().abs_diff(input.zero_point)));
        let fits = |row| weights.row(row).iter().map(|w| i64::from(w.unsigned_abs())).sum::<i64>() * reach;
        let is_narrow = (0..weights.rows()).all(|row| fits(row) <= i64::from(i32::MAX));
        Self { geometry, weights, bias, pairs, is_narrow }
    }

    /// The accumulators of all channels at one position, bias included. `steps` are the input's codes minus its zero-point.
    pub fn accumulators(&self, steps: &[i32], position: usize) -> Vec<i64> {
        let mut sums = vec![0; self.geometry.channels()];
        let mut patch = vec![0; self.geometry.taps()];
        let per_group = self.geometry.channels() / self.geometry.groups().max(1);
        for (group, sums) in sums.chunks_mut(per_group.max(1)).enumerate() {
            self.geometry.gather(steps, position, group, &mut patch);
            self.group(position, group * per_group, &patch, sums);
        }
        sums
    }

    /// The accumulators of the channels of one group, which starts at channel `first`.
    fn group(&self, position: usize, first: usize, patch: &[i32], sums: &mut [i64]) {
        let rows = self.weights.rows_after(self.geometry.row(position, first));
        if patch.is_empty() {
            sums.fill(0);
        } else if self.is_narrow {
            narrow_sums(patch, rows, sums);
        } else {
            wide_sums(patch, rows, sums);
        }
        for (channel, sum) in (first..).zip(sums) {
            *sum += self.bias.at(position, channel);
        }
    }

    /// Computes the outputs at `positions` and compares them with what is `expected`; one tally a channel.
    pub fn run(&self, steps: &[i32], expected: Expected<'_>, positions: &[usize]) -> Vec<ChannelTally> {
        let channels = self.geometry.channels();
        let per_group = (channels / self.geometry.groups().max(1)).max(1);
        let empty = || (vec![ChannelTally::default(); channels], vec![0; self.geometry.taps()], vec![0; per_group]);
        let tallies = positions.par_iter().fold(empty, |(mut tallies, mut patch, mut sums), &position| {
            for (group, tallies) in tallies.chunks_mut(per_group).enumerate() {
                self.geometry.gather(steps, position, group, &mut patch);
                self.group(position, group * per_group, &patch, &mut sums);
                for (offset, (tally, &sum)) in tallies.iter_mut().zip(&sums).enumerate() {
                    self.count(tally, &patch, (position, group * per_group + offset), sum, &expected);
                }
            }
            (tallies, patch, sums)
        });
        tallies.map(|(tallies, ..)| tallies).reduce(
            || vec![ChannelTally::default(); channels],
            |mut all, one| {
                all.iter_mut().zip(&one).for_each(|(all, one)| all.merge(one));
                all
            },
        )
    }

    fn count(
        &self,
        tally: &mut ChannelTally,
        patch: &[i32],
        (position, channel): (usize, usize),
        sum: i64,
        expected: &Expected<'_>,
    ) {
        tally.outputs += 1;
        tally.accumulators.observe(sum);
        tally.beyond_int32 += u64::from(i32::try_from(sum).is_err());
        let row = self.geometry.row(position, channel);
        if let Some(pairs) = self.pairs {
            tally.saturated_pairs += pairs.saturated(self.weights, row, patch);
        }
        let element = self.geometry.output_element(position, channel);
        match expected {
            Expected::Codes { codes, requantizers } => {
                let (Some(&code), Some(requantizer)) = (codes.get(element), requantizers.get(channel)) else { return };
                for (differences, rounding) in tally.differences.iter_mut().zip(Rounding::ALL) {
                    differences.observe(requantizer.apply(sum, rounding), code);
                }
            }
            Expected::Floats { values, scales } => {
                let (Some(&value), Some(scale)) = (values.get(element), scales.get(channel)) else { return };
                let bias = self.bias.at(position, channel);
                let (difference, allowed) = scale.check(value, sum, bias, patch, self.weights.row(row));
                tally.float_difference = tally.float_difference.max(difference);
                // What is allowed is 0 only where every product is, and then there is nothing to be off by.
                let share = if difference == 0.0 { 0.0 } else { difference / allowed };
                tally.float_share = tally.float_share.max(share);
            }
        }
    }
}

impl FloatScale {
    /// How far `value` is from the accumulator, and how far float32 arithmetic may be, both in steps of the accumulator.
    ///
    /// Of `n` summands every one passes at most `n` roundings in the sum, one in its product, one in each of its two
    /// dequantized factors, and two more for Gemm's alpha and beta (Higham 2002, §3.1): `γ(n + 5)·Σ|x·w|`.
    fn check(&self, value: f32, sum: i64, bias: i64, patch: &[i32], row: &[i32]) -> (f64, f64) {
        let products: i64 =
            patch.iter().zip(row).map(|(x, w)| i64::from(x.unsigned_abs()) * i64::from(w.unsigned_abs())).sum();
        #[expect(clippy::cast_precision_loss, reason = "magnitudes far below 2^53")]
        let (magnitude, sum) = ((products + bias.abs()) as f64, sum as f64);
        let roundings = (patch.len() + 6) as f64 * f64::from(f32::EPSILON) / 2.0;
        let exact = (sum * self.scale).max(self.low).min(self.high);
        let difference = (f64::from(value) - exact).abs() / self.scale;
        (difference, roundings / (1.0 - roundings).max(0.5) * magnitude + self.bias_rounding)
    }
}

wide! {
    /// Sums that fit an int32.
    fn narrow_sums(patch: &[i32], rows: &[i32], sums: &mut [i64]) = narrow_body;
}

wide! {
    /// Sums of any size.
    fn wide_sums(patch: &[i32], rows: &[i32], sums: &mut [i64]) = wide_body;
}

#[inline(always)]
fn narrow_body(patch: &[i32], rows: &[i32], sums: &mut [i64]) {
    for (row, sum) in rows.chunks_exact(patch.len()).zip(sums) {
        let products = patch.iter().zip(row).map(|(x, w)| x.wrapping_mul(*w));
        *sum = i64::from(products.fold(0, i32::wrapping_add));
    }
}

#[inline(always)]
fn wide_body(patch: &[i32], rows: &[i32], sums: &mut [i64]) {
    for (row, sum) in rows.chunks_exact(patch.len()).zip(sums) {
        *sum = patch.iter().zip(row).map(|(x, w)| i64::from(*x) * i64::from(*w)).sum();
    }
}
