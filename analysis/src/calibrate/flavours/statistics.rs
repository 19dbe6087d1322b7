//! What the flavours need to know of one tensor: three histograms, the largest magnitudes, two numbers a sample.
//!
//! Counts, extremes and a multiset: the order of samples changes nothing, to the last bit. About 136 KB a
//! tensor, however many values it has, and eight bytes a sample.

use rayon::prelude::*;

use super::{
    count::{Sign, count_numpy, count_torch},
    numpy::NumpyBins,
    tail::Tail,
    torch::TorchBins,
};
use crate::quant::{Range, fake::BLOCK, wide::wide};

/// Bins of onnxruntime's signed histogram, and of PPQ's for the MSE.
pub(super) const SIGNED_BINS: usize = 2048;
/// Bins of PPQ's histogram of |r|; its halves are the 2048 bins of PPQ's symmetric MSE and of the TensorRT style.
pub(super) const MAGNITUDE_BINS: usize = 4096;
/// Largest magnitudes kept, which the percentile needs: 99.999 % of 800 million values lie below this many.
const LARGEST: usize = 8192;
/// The share of a sample that PPQ's percentile leaves below its maximum.
const PPQ_PERCENTILE: f64 = 0.9999;

/// What the flavours need to know of one tensor, collected in a pass after its final minimum and maximum are known.
#[derive(Clone, Debug)]
pub struct FlavourStatistics {
    range: Range,
    finite: u64,
    nan: u64,
    /// min |r|, where onnxruntime's histogram of |r| begins; +∞ before there is a value.
    smallest: f32,
    largest: Tail,
    signed: Counted<NumpyBins>,
    magnitude: Counted<TorchBins>,
    offset: Counted<TorchBins>,
    samples: Vec<SamplePercentiles>,
}

/// The values of one sample that PPQ's percentile averages over the samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct SamplePercentiles {
    pub(super) low: f32,
    pub(super) high: f32,
}

/// A histogram; without bins where the tool that counts so stops with an error.
#[derive(Clone, Debug)]
struct Counted<Bins> {
    bins: Option<Bins>,
    counts: Vec<u64>,
}

impl<Bins> Counted<Bins> {
    fn new(bins: Option<Bins>, len: usize) -> Self {
        Self { counts: vec![0; if bins.is_some() { len } else { 0 }], bins }
    }

    fn seen(&self) -> Option<(&Bins, &[u64])> {
        self.bins.as_ref().map(|bins| (bins, self.counts.as_slice()))
    }
}

impl Counted<NumpyBins> {
    fn observe(&mut self, values: &[f32]) {
        if let Some(bins) = &self.bins {
            count_numpy(&mut self.counts, bins, values);
        }
    }
}

impl Counted<TorchBins> {
    fn observe(&mut self, values: &[f32], sign: Sign) {
        if let Some(bins) = &self.bins {
            count_torch(&mut self.counts, bins, values, sign);
        }
    }
}

impl FlavourStatistics {
    /// Empty, for a tensor whose observed minimum and maximum are `range`.
    pub fn new(range: Range) -> Self {
        let amax = range.amax();
        Self {
            range,
            finite: 0,
            nan: 0,
            smallest: f32::INFINITY,
            largest: Tail::new(LARGEST),
            signed: Counted::new(NumpyBins::symmetric(amax, SIGNED_BINS), SIGNED_BINS),
            magnitude: Counted::new(TorchBins::new(0.0, amax, MAGNITUDE_BINS), MAGNITUDE_BINS),
            offset: Counted::new(TorchBins::new(range.low, range.high, SIGNED_BINS), SIGNED_BINS),
            samples: Vec::new(),
        }
    }

    /// Adds the tensor of one sample. What counts as a sample matters to PPQ's percentile, which averages over them.
    pub fn observe_sample(&mut self, values: &[f32]) {
        let odd = values.par_chunks(BLOCK).map(odd_block).reduce(Odd::default, Odd::merged);
        self.nan += odd.nan;
        self.finite += values.len() as u64 - odd.nan - odd.infinite;
        self.smallest = self.smallest.min(odd.smallest);
        self.largest.observe(values, f32::abs);
        self.signed.observe(values);
        self.magnitude.observe(values, Sign::Dropped);
        self.offset.observe(values, Sign::Kept);
        self.samples.extend(percentiles_of(values, values.len() - usize::try_from(odd.nan).unwrap_or(0)));
    }

    /// The observed minimum and maximum it was made for.
    pub fn range(&self) -> Range {
        self.range
    }

    /// How many finite values were seen.
    pub(super) fn finite(&self) -> u64 {
        self.finite
    }

    /// How many NaNs were seen.
    pub(super) fn nan(&self) -> u64 {
        self.nan
    }

    /// `min |r|`.
    pub(super) fn smallest(&self) -> f32 {
        self.smallest
    }

    /// The largest magnitudes, in descending order: all of them, or the first few thousand.
    pub(super) fn largest(&self) -> Vec<f32> {
        self.largest.descending()
    }

    /// NumPy's histogram of r over `[-max|r|, max|r|]`.
    pub(super) fn signed(&self) -> Option<(&NumpyBins, &[u64])> {
        self.signed.seen()
    }

    /// torch's histogram of |r| over `[0, max|r|]`, [`MAGNITUDE_BINS`] bins.
    pub(super) fn magnitude(&self) -> Option<&[u64]> {
        self.magnitude.seen().map(|(_, counts)| counts)
    }

    /// torch's histogram of r over `[min, max]`, [`SIGNED_BINS`] bins.
    pub(super) fn offset(&self) -> Option<&[u64]> {
        self.offset.seen().map(|(_, counts)| counts)
    }

    /// The percentiles of every sample, in an order of their own.
    pub(super) fn samples(&self) -> Vec<SamplePercentiles> {
        let mut samples = self.samples.clone();
        samples.sort_unstable_by(|a, b| a.low.total_cmp(&b.low).then(a.high.total_cmp(&b.high)));
        samples
    }
}

/// Values that are no numbers, and the smallest magnitude.
#[derive(Clone, Copy)]
struct Odd {
    nan: u64,
    infinite: u64,
    smallest: f32,
}

impl Default for Odd {
    fn default() -> Self {
        Self { nan: 0, infinite: 0, smallest: f32::INFINITY }
    }
}

impl Odd {
    fn merged(self, other: Self) -> Self {
        Self {
            nan: self.nan + other.nan,
            infinite: self.infinite + other.infinite,
            smallest: self.smallest.min(other.smallest),
        }
    }
}

wide! {
    fn odd_block(values: &[f32]) -> Odd = odd_block_body;
}

#[inline(always)]
fn odd_block_body(values: &[f32]) -> Odd {
    const LANES: usize = 16;
    let (mut nan, mut infinite, mut smallest) = ([0_u32; LANES], [0_u32; LANES], [f32::INFINITY; LANES]);
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut last = [f32::INFINITY; LANES];
    last[..rest.len()].copy_from_slice(rest);
    for chunk in chunks.iter().chain([&last]) {
        for lane in 0..LANES {
            let magnitude = chunk[lane].abs();
            nan[lane] += u32::from(magnitude.is_nan());
            infinite[lane] += u32::from(magnitude == f32::INFINITY);
            // A comparison with NaN is false, which keeps what is there.
            smallest[lane] = if magnitude < smallest[lane] { magnitude } else { smallest[lane] };
        }
    }
    let sum = |lanes: [u32; LANES]| lanes.into_iter().map(u64::from).sum::<u64>();
    Odd {
        nan: sum(nan),
        // Without the infinities that the last chunk was filled up with.
        infinite: sum(infinite) - (LANES - rest.len()) as u64,
        smallest: smallest.into_iter().fold(f32::INFINITY, f32::min),
    }
}

/// `torch.kthvalue` at both ends of the `n` values that are no NaN, as PPQ asks: the `⌊n·(1−p)⌋+1`-th smallest and the
/// `min(⌊n·p⌋, n−1)+1`-th smallest, products in float64. `None` without a value.
#[expect(clippy::cast_precision_loss, reason = "a tensor has fewer than 2^53 elements")]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "truncation is PPQ's; between 0 and n")]
fn percentiles_of(values: &[f32], n: usize) -> Option<SamplePercentiles> {
    let last = n.checked_sub(1)?;
    let from_below = ((n as f64 * (1.0 - PPQ_PERCENTILE)) as usize).min(last);
    let from_above = last - ((n as f64 * PPQ_PERCENTILE) as usize).min(last);
    let rank = |from_end: usize, sign: f32| {
        let mut tail = Tail::new(from_end + 1);
        tail.observe(values, |value| sign * value);
        // A tail drops −∞, the smallest key there is: where it is short, the rest is −∞.
        sign * tail.descending().get(from_end).copied().unwrap_or(f32::NEG_INFINITY)
    };
    Some(SamplePercentiles { low: rank(from_below, -1.0), high: rank(from_above, 1.0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::cast_possible_truncation, reason = "test data")]
    fn values() -> Vec<f32> {
        (0..200_000).map(|i| ((i as f64 * 0.618_034).fract() as f32 - 0.4).powi(3) * 40.0).collect()
    }

    /// Everything that a flavour can see.
    fn seen(s: &FlavourStatistics) -> String {
        format!(
            "{:?}",
            (s.range, s.finite, s.nan, s.smallest, s.largest(), s.signed(), s.magnitude(), s.offset(), s.samples())
        )
    }

    #[test]
    fn the_order_of_samples_changes_nothing() {
        let values = values();
        let range = crate::calibrate::MinMax::of(&values).range().unwrap();
        let mut forward = FlavourStatistics::new(range);
        values.chunks(1000).for_each(|sample| forward.observe_sample(sample));
        let mut backward = FlavourStatistics::new(range);
        // What a sample is matters to one flavour, so only their order may change.
        values.chunks(1000).rev().for_each(|sample| backward.observe_sample(sample));
        assert_eq!(seen(&forward), seen(&backward));
        assert_eq!(forward.finite(), 200_000);
        for counts in [forward.signed().unwrap().1, forward.magnitude().unwrap(), forward.offset().unwrap()] {
            assert_eq!(counts.iter().sum::<u64>(), 200_000);
        }
    }

    #[test]
    fn ranks_of_a_sample_by_hand() {
        // n = 30 000: ⌊30000·0.0001⌋ is 2 (1 − 0.9999 is a little below 0.0001 in float64), so the 3rd smallest;
        // ⌊30000·0.9999⌋ = 29997, so the 29998th smallest.
        let sample: Vec<f32> = (0..30_000).map(|i| ((i * 7919) % 30_000) as f32).collect();
        assert_eq!(percentiles_of(&sample, 30_000), Some(SamplePercentiles { low: 2.0, high: 29_997.0 }));
        // n = 3: the 1st and, ⌊2.9997⌋ = 2, the 3rd. n = 1: ⌊0.9999⌋ = 0.
        assert_eq!(percentiles_of(&[5.0, -1.0, 2.0], 3), Some(SamplePercentiles { low: -1.0, high: 5.0 }));
        assert_eq!(percentiles_of(&[5.0], 1), Some(SamplePercentiles { low: 5.0, high: 5.0 }));
        assert_eq!(percentiles_of(&[], 0), None);
        let infinite = percentiles_of(&[f32::NEG_INFINITY; 2], 2).unwrap();
        assert_eq!((infinite.low, infinite.high), (f32::NEG_INFINITY, f32::NEG_INFINITY));
    }

    #[test]
    fn odd_values_are_counted_apart() {
        let mut statistics = FlavourStatistics::new(Range::new(f32::NEG_INFINITY, 2.0));
        statistics.observe_sample(&[f32::NAN, f32::NEG_INFINITY, 2.0, -1.0]);
        assert_eq!((statistics.finite(), statistics.nan(), statistics.smallest()), (2, 1, 1.0));
        assert!(statistics.signed().is_none() && statistics.magnitude().is_none() && statistics.offset().is_none());
        assert_eq!(statistics.samples(), [SamplePercentiles { low: f32::NEG_INFINITY, high: 2.0 }]);
    }
}
