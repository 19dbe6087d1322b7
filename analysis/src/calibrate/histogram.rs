//! Histograms over a range that is already final, filled in a second pass over the data.
//!
//! A first pass finds minimum and maximum, so no histogram ever grows or is rebinned, and counts are integers: the
//! result does not depend on how the data were batched or ordered. Where bins grow with the data, as in some tools, the
//! batch size changes the scale.

use serde::Serialize;

use super::bins::{Bins, Sign};
use crate::quant::Range;

/// Bins of the histograms that thresholds are searched in.
pub const BINS: usize = 2048;
/// Bins of a histogram that is drawn, and of those that divergences are taken from.
pub const DISPLAY_BINS: usize = 256;

/// How often each `|r|` occurs: [`BINS`] bins over `[0, amax]`.
#[derive(Clone, Debug, PartialEq)]
pub struct AbsHistogram {
    range: Range,
    bins: Bins,
}

impl AbsHistogram {
    /// Empty, for a tensor whose observed minimum and maximum are `range`.
    pub fn new(range: Range) -> Self {
        Self { range, bins: Bins::new(0.0, f64::from(range.amax()), BINS) }
    }

    /// Adds values, each inside the range.
    pub fn observe(&mut self, values: &[f32]) {
        self.bins.observe(values, Sign::Dropped);
    }

    /// Adds another histogram of the same tensor.
    ///
    /// # Panics
    /// If it is over another range.
    pub fn merge(&mut self, other: &Self) {
        self.bins.merge(&other.bins);
    }

    /// The observed minimum and maximum it was made for.
    pub fn range(&self) -> Range {
        self.range
    }

    /// Values in each bin; bin `i` is `[i, i+1)·amax/2048`.
    pub fn counts(&self) -> &[u64] {
        self.bins.counts()
    }

    /// NaNs seen, which are in no bin.
    pub fn nan(&self) -> u64 {
        self.bins.nan()
    }
}

/// How often each `r` occurs: [`BINS`] bins over `[-amax, amax]`, so that 0 is always an edge between two bins and a
/// symmetric threshold always falls on edges. Bins beyond the observed minimum or maximum stay empty.
#[derive(Clone, Debug, PartialEq)]
pub struct SignedHistogram {
    range: Range,
    bins: Bins,
}

impl SignedHistogram {
    /// Empty, for a tensor whose observed minimum and maximum are `range`.
    pub fn new(range: Range) -> Self {
        let amax = f64::from(range.amax());
        Self { range, bins: Bins::new(-amax, amax, BINS) }
    }

    /// Adds values, each inside the range.
    pub fn observe(&mut self, values: &[f32]) {
        self.bins.observe(values, Sign::Kept);
    }

    /// Adds another histogram of the same tensor.
    ///
    /// # Panics
    /// If it is over another range.
    pub fn merge(&mut self, other: &Self) {
        self.bins.merge(&other.bins);
    }

    /// The observed minimum and maximum it was made for.
    pub fn range(&self) -> Range {
        self.range
    }

    /// Values in each bin; bin `i` is `[i − 1024, i − 1023)·amax/1024`.
    pub fn counts(&self) -> &[u64] {
        self.bins.counts()
    }

    /// NaNs seen, which are in no bin.
    pub fn nan(&self) -> u64 {
        self.bins.nan()
    }
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
        self.bins.observe(values, Sign::Kept);
    }

    /// Adds another histogram over the same range.
    ///
    /// # Panics
    /// If it is over another range.
    pub fn merge(&mut self, other: &Self) {
        self.bins.merge(&other.bins);
    }

    /// What the bins span.
    pub fn range(&self) -> Range {
        self.range
    }

    /// Values in each bin.
    pub fn counts(&self) -> &[u64] {
        self.bins.counts()
    }

    /// NaNs seen, which are in no bin.
    pub fn nan(&self) -> u64 {
        self.bins.nan()
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
        // amax = 4: |r| bins of 4/2048 = 1/512. 1 → 512, 3.999 → 2047.4 → 2047, 4 → 2048 → the last, 0 and −0 → 0.
        let mut h = AbsHistogram::new(Range::new(-4.0, 3.0));
        h.observe(&[1.0, -1.0, 3.999, -4.0, 0.0, -0.0, f32::NAN]);
        assert_eq!(filled(h.counts()), [(0, 2), (512, 2), (2047, 2)]);
        assert_eq!(h.nan(), 1);
        // Signed bins of 1/256 from −4: −4 → 0, −1 → 768, 0 and −0 → 1024, just below 0 → 1023, 3 → 1792.
        let mut h = SignedHistogram::new(Range::new(-4.0, 3.0));
        h.observe(&[-4.0, -1.0, 0.0, -0.0, -1e-3, 3.0]);
        assert_eq!(filled(h.counts()), [(0, 1), (768, 1), (1023, 1), (1024, 2), (1792, 1)]);
        // 256 bins over [0, 2]: what lies beyond is in the edge bins.
        let mut h = DisplayHistogram::new(Range::new(0.0, 2.0));
        h.observe(&[-5.0, 0.0, 1.0, 2.0, 9.0, f32::INFINITY, f32::NEG_INFINITY]);
        assert_eq!(filled(h.counts()), [(0, 3), (128, 1), (255, 3)]);
    }

    #[test]
    fn a_range_without_width_fills_the_first_bin() {
        let mut h = AbsHistogram::new(Range::new(0.0, 0.0));
        h.observe(&[0.0, 0.0]);
        assert_eq!(filled(h.counts()), [(0, 2)]);
        let mut h = DisplayHistogram::new(Range::new(3.0, 3.0));
        h.observe(&[3.0, f32::INFINITY]);
        assert_eq!(h.counts().iter().sum::<u64>(), 2);
    }

    #[test]
    fn the_widest_range_does_not_overflow() {
        let mut h = SignedHistogram::new(Range::symmetric(f32::MAX));
        h.observe(&[f32::MIN, 0.0, f32::MAX]);
        assert_eq!(filled(h.counts()), [(0, 1), (1024, 1), (2047, 1)]);
    }

    #[test]
    fn blocks_and_order_change_nothing() {
        let values: Vec<f32> = (0..2 * BLOCK + 77).map(|i| (i * 7919 % 10_007) as f32 / 10_007.0 - 0.3).collect();
        let range = Range::new(-0.3, 0.7);
        let mut whole = SignedHistogram::new(range);
        whole.observe(&values);
        let mut parts = SignedHistogram::new(range);
        for chunk in values.rchunks(333) {
            let mut part = SignedHistogram::new(range);
            part.observe(chunk);
            parts.merge(&part);
        }
        assert_eq!(whole, parts);
        assert_eq!(whole.counts().iter().sum::<u64>(), values.len() as u64);
        let mut slow = vec![0_u64; BINS];
        let amax = f64::from(0.7_f32);
        for value in &values {
            #[expect(clippy::cast_possible_truncation, reason = "below 2048")]
            let bin = ((f64::from(*value) + amax) * (2048.0 / (2.0 * amax))) as usize;
            slow[bin] += 1;
        }
        assert_eq!(whole.counts(), slow);
    }
}
