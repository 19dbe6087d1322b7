//! Histograms over a range that is already final, filled in a second pass over the data.
//!
//! A first pass finds minimum and maximum, so no histogram ever grows or is rebinned, and counts are integers: the
//! result does not depend on how the data were batched or ordered. Where bins grow with the data, as in some tools, the
//! batch size changes the scale.

use rayon::prelude::*;
use serde::Serialize;

use super::{
    bins::Bins,
    curve::NoCandidate,
    minmax::MinMax,
    sided_bins::{SIDE_BINS, SidedBins},
};
use crate::quant::{Range, fake::BLOCK};

/// Bins in which KL and entropy are searched, and candidates of a threshold on the magnitude.
pub const BINS: usize = 2048;
/// Bins of a histogram that is drawn, and of those that divergences are taken from.
pub const DISPLAY_BINS: usize = 256;

/// How often each magnitude occurs, values below 0 and others apart: [`SIDE_BINS`] bins over `[0, amax]` a side.
///
/// Every method searches in this one. 0 is an edge between the sides, and `amax` the outer edge of both, so a symmetric
/// threshold always falls on edges.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorHistogram {
    range: Range,
    bins: SidedBins,
    zeros: u64,
}

impl TensorHistogram {
    /// Empty, for a tensor whose observed minimum and maximum are `range`.
    pub fn new(range: Range) -> Self {
        Self { range, bins: SidedBins::new(range.amax()), zeros: 0 }
    }

    /// Of all `values`, over their own range; `None` where none is a number.
    pub fn of(values: &[f32]) -> Option<Self> {
        let mut histogram = Self::new(MinMax::of(values).range()?);
        histogram.observe(values);
        Some(histogram)
    }

    /// Adds values, each inside the range.
    pub fn observe(&mut self, values: &[f32]) {
        self.bins.observe(values);
        self.zeros += count_zeros(values);
    }

    /// The observed minimum and maximum it was made for.
    pub fn range(&self) -> Range {
        self.range
    }

    /// Whether there are values on both sides of 0.
    pub fn is_two_sided(&self) -> bool {
        self.range.low < 0.0 && self.range.high > 0.0
    }

    /// Values at and above 0; bin `i` is `[i, i+1)·amax/4096`.
    pub fn positive(&self) -> &[u64] {
        self.bins.positive()
    }

    /// Values below 0, by magnitude.
    pub fn negative(&self) -> &[u64] {
        self.bins.negative()
    }

    /// Values that are exactly 0, which every grid holds exactly. They are in the first bin of [`Self::positive`] too.
    pub fn zeros(&self) -> u64 {
        self.zeros
    }

    /// Values in the bins.
    pub fn total(&self) -> u64 {
        self.positive().iter().chain(self.negative()).sum()
    }

    /// Width of a bin.
    pub fn bin_width(&self) -> f64 {
        f64::from(self.range.amax()) / real(SIDE_BINS as u64)
    }

    /// Counts of `|r|` in [`BINS`] bins over `[0, amax]`.
    pub fn magnitudes(&self) -> Vec<u64> {
        let sides = self.positive().iter().zip(self.negative()).map(|(p, n)| p + n);
        merged(sides, SIDE_BINS / BINS)
    }

    /// Counts of `r` in [`BINS`] bins over `[-amax, amax]`. A value on an edge is in the bin further from 0.
    pub fn signed(&self) -> Vec<u64> {
        let step = 2 * SIDE_BINS / BINS;
        let mut counts = merged(self.negative().iter().copied(), step);
        counts.reverse();
        counts.extend(merged(self.positive().iter().copied(), step));
        counts
    }

    /// Why no threshold can be searched in it; `None` if one can.
    pub(super) fn unusable(&self) -> Option<NoCandidate> {
        let amax = self.range.amax();
        if !amax.is_finite() {
            Some(NoCandidate::NotFinite)
        } else if amax == 0.0 || self.total() == 0 {
            Some(NoCandidate::NoData)
        } else {
            None
        }
    }
}

/// Sums of `step` neighbours.
fn merged(counts: impl Iterator<Item = u64>, step: usize) -> Vec<u64> {
    let counts: Vec<u64> = counts.collect();
    counts.chunks(step).map(|bins| bins.iter().sum()).collect()
}

fn count_zeros(values: &[f32]) -> u64 {
    let count = |values: &[f32]| values.iter().map(|v| u32::from(*v == 0.0)).sum::<u32>();
    if values.len() <= BLOCK {
        return u64::from(count(values));
    }
    values.par_chunks(BLOCK).map(|block| u64::from(count(block))).sum()
}

/// A count as a real number.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
pub(super) fn real(count: u64) -> f64 {
    count as f64
}

/// A histogram to look at, and to take divergences from: [`DISPLAY_BINS`] bins over the float tensor's range. Values
/// beyond it, which a quantized run may have, are in the edge bins.
#[derive(Clone, Debug, PartialEq)]
pub struct DisplayHistogram {
    range: Range,
    bins: Bins,
}

/// What a drawn histogram is saved as.
#[derive(Serialize)]
struct DisplayRecord<'a> {
    low: f32,
    high: f32,
    counts: &'a [u64],
}

impl DisplayHistogram {
    /// Empty, over `range`, which the float and the quantized values share.
    pub fn new(range: Range) -> Self {
        Self { range, bins: Bins::new(f64::from(range.low), f64::from(range.high), DISPLAY_BINS) }
    }

    /// Adds values.
    pub fn observe(&mut self, values: &[f32]) {
        self.bins.observe(values);
    }

    /// What the bins span.
    pub fn range(&self) -> Range {
        self.range
    }

    /// Values in each bin.
    pub fn counts(&self) -> &[u64] {
        self.bins.counts()
    }
}

impl Serialize for DisplayHistogram {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        DisplayRecord { low: self.range.low, high: self.range.high, counts: self.counts() }.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quant::fake::BLOCK;

    fn filled(counts: &[u64]) -> Vec<(usize, u64)> {
        counts.iter().copied().enumerate().filter(|(_, count)| *count > 0).collect()
    }

    #[test]
    fn bins_by_hand() {
        // amax = 4: bins of 4/4096 = 1/1024 a side. 1 → 1024, 3.999 → 4094.98 → 4094, 4 → the last, 0 and −0 → 0.
        let mut h = TensorHistogram::new(Range::new(-4.0, 3.999));
        h.observe(&[1.0, -1.0, 3.999, -4.0, 0.0, -0.0, f32::NAN]);
        assert_eq!(filled(h.positive()), [(0, 2), (1024, 1), (4094, 1)]);
        assert_eq!(filled(h.negative()), [(1024, 1), (4095, 1)]);
        assert_eq!((h.bins.nan, h.zeros(), h.total()), (1, 2, 6));
        // Magnitudes in bins of 1/512, values in bins of 1/256: 1 → 512 and 1024 + 256, −1 → 1023 − 256.
        assert_eq!(filled(&h.magnitudes()), [(0, 2), (512, 2), (2047, 2)]);
        assert_eq!(filled(&h.signed()), [(0, 1), (767, 1), (1024, 2), (1280, 1), (2047, 1)]);
        // 256 bins over [0, 2]: what lies beyond is in the edge bins.
        let mut h = DisplayHistogram::new(Range::new(0.0, 2.0));
        h.observe(&[-5.0, 0.0, 1.0, 2.0, 9.0, f32::INFINITY, f32::NEG_INFINITY]);
        assert_eq!(filled(h.counts()), [(0, 3), (128, 1), (255, 3)]);
    }

    #[test]
    fn a_range_without_width_fills_the_first_bin() {
        let mut h = TensorHistogram::new(Range::new(0.0, 0.0));
        h.observe(&[0.0, 0.0]);
        assert_eq!(filled(h.positive()), [(0, 2)]);
        let mut h = DisplayHistogram::new(Range::new(3.0, 3.0));
        h.observe(&[3.0, f32::INFINITY]);
        assert_eq!(h.counts().iter().sum::<u64>(), 2);
    }

    #[test]
    fn the_widest_range_does_not_overflow() {
        let mut h = TensorHistogram::new(Range::symmetric(f32::MAX));
        h.observe(&[f32::MIN, 0.0, f32::MAX]);
        assert_eq!(filled(&h.signed()), [(0, 1), (1024, 1), (2047, 1)]);
    }

    #[test]
    fn blocks_and_order_change_nothing() {
        let values: Vec<f32> = (0..2 * BLOCK + 77).map(|i| (i * 7919 % 10_007) as f32 / 10_007.0 - 0.3).collect();
        let range = Range::new(-0.3, 0.7);
        let mut whole = TensorHistogram::new(range);
        whole.observe(&values);
        let mut parts = TensorHistogram::new(range);
        values.rchunks(333).for_each(|chunk| parts.observe(chunk));
        assert_eq!(whole, parts);
        assert_eq!(whole.total(), values.len() as u64);
        let mut slow = [vec![0_u64; SIDE_BINS], vec![0_u64; SIDE_BINS]];
        for value in &values {
            #[expect(clippy::cast_possible_truncation, reason = "at most 4096")]
            let bin = (f64::from(value.abs()) * (4096.0 / f64::from(0.7_f32))) as usize;
            slow[usize::from(*value < 0.0)][bin.min(SIDE_BINS - 1)] += 1;
        }
        assert_eq!((whole.positive(), whole.negative()), (&*slow[0], &*slow[1]));
        assert_eq!(whole.zeros(), values.iter().filter(|v| **v == 0.0).count() as u64);
    }
}
