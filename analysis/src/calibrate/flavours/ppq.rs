//! The scales of PPQ 0.6.6's calibration observers (`quantization/observer/range.py`), as it runs without CUDA.
//!
//! They are PPQ's for the tensors they are given. In a whole model PPQ observes other tensors than the float ones: it
//! quantizes the constants first and calibrates activations with quantized weights, which can move a KL threshold by
//! several of its 32 steps.
//!
//! PPQ has no ranges, only scales and offsets; the range reported here is the interval that its search settled on. Its
//! offset is a code of a grid from 0; on a grid from `q_min` the zero-point is `q_min + offset`.

use super::{
    FlavourChoice,
    statistics::{FlavourStatistics, MAGNITUDE_BINS, SIGNED_BINS},
    torch::halved,
};
use crate::{
    calibrate::{Curve, Side},
    mark,
    quant::{Grid, Range, Scheme},
    say,
    text::Text,
};

/// `OBSERVER_MIN_SCALE`: no scale is smaller.
const MIN_SCALE: f64 = 1e-8;
/// Bins next to 0 that the KL search empties: 0.2 % of 4096.
const IGNORED_BINS: usize = 8;
/// What is added before a logarithm.
const LOG_EPSILON: f64 = 1e-30;

pub(super) const TORCH_FAILS: &str =
    mark!("the values are too large for torch's float32 histogram, where the tool fails; min–max is used");

/// KL (`TorchHistObserver`): 4096 bins of |r|, thresholds at multiples of 2^(b−1) bins.
///
/// Oddities: only 32 thresholds for 8 bits; see [`kl_search`] for the rest. PPQ refuses asymmetric quantization with an
/// error; here an affine grid gets the symmetric threshold, cut to the observed range, and no scale.
pub(super) fn kl(statistics: &FlavourStatistics, grid: Grid, scheme: Scheme) -> FlavourChoice {
    let observed = statistics.range();
    let Some(counts) = statistics.magnitude() else { return FlavourChoice::fallback(observed, Text::of(TORCH_FAILS)) };
    let amax = f64::from(observed.amax());
    let Some((curve, undefined)) = kl_search(counts, amax, 1 << (grid.bits() - 1)) else {
        let why = say!("PPQ's 4096 bins are fewer than the grid's levels, and it fails; min–max is used");
        return FlavourChoice::fallback(observed, why);
    };
    let threshold = curve.thresholds[curve.best];
    let levels = f64::from(1_u32 << (grid.bits() - 1));
    let scale = stored((f64::from(threshold) / levels).max(MIN_SCALE));
    let note = undefined.then(|| {
        say!("PPQ empties the 8 bins next to 0, so its first candidate has no quantized values; the undefined divergence \
         wins its comparison and is shown as the lowest")
    });
    let choice = FlavourChoice {
        range: Range::symmetric(threshold),
        scale: Some((scale, middle(grid))),
        curve: Some(curve),
        is_fallback: false,
        note,
    };
    match scheme {
        Scheme::Symmetric => choice,
        Scheme::Affine => {
            choice.cut_to(observed, say!("PPQ's KL refuses asymmetric grids; its symmetric threshold is used"))
        }
    }
}

/// `hist_to_scale_offset` of the KL observer, on counts of |r| over `[0, amax]`: the divergence of every multiple of
/// `levels` bins, and the first of the smallest. The flag says that the first candidate won without being a number.
/// `None` where there are fewer bins than levels.
///
/// Oddities: the 8 bins next to 0 are emptied and the ninth set to **one value** first, so zeros do not count; `P` is
/// normalised by the whole sum and `Q` by its own; logarithms have base 10 and 1e-30 added, so an impossible value
/// costs 30 p and not ∞; counts and shares are float32. With up to 8 levels (4 bits and below) the first candidate has
/// nothing but emptied bins, its divergence is 0/0, and Python's sort leaves a NaN at the front, so it is chosen.
pub(super) fn kl_search(counts: &[u64], amax: f64, levels: usize) -> Option<(Curve, bool)> {
    let bins = counts.len();
    if levels == 0 || bins < levels || bins <= IGNORED_BINS {
        return None;
    }
    let sums = KlSums::of(counts);
    let mut curve = Curve { side: Side::Both, thresholds: Vec::new(), costs: Vec::new(), best: 0 };
    let mut undefined = false;
    for kept in (levels..=bins).step_by(levels) {
        let cost = sums.divergence(kept, levels);
        undefined |= curve.costs.is_empty() && cost.is_none();
        #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "thresholds are float32")]
        curve.thresholds.push((kept as f64 / bins as f64 * amax) as f32);
        curve.costs.push(cost.unwrap_or(0.0));
        let last = curve.costs.len() - 1;
        if !undefined && curve.costs[last] < curve.costs[curve.best] {
            curve.best = last;
        }
    }
    if undefined {
        // Float32 shares do not add up to 1, so other costs may be a little below 0.
        curve.costs[0] = curve.costs.iter().copied().fold(0.0, f64::min);
    }
    Some((curve, undefined))
}

/// Sums over the bins below each bin, which make a candidate cost `levels` steps.
struct KlSums {
    /// The histogram as the tool searches it.
    histogram: Vec<f32>,
    /// Values.
    mass: Vec<f64>,
    /// Filled bins.
    filled: Vec<u32>,
    /// Float32 shares P.
    share: Vec<f64>,
    /// `P log10 P`.
    log_share: Vec<f64>,
}

impl KlSums {
    #[expect(clippy::cast_precision_loss, reason = "float32 counts are the tool's")]
    fn of(counts: &[u64]) -> Self {
        let mut histogram: Vec<f32> = counts.iter().map(|count| *count as f32).collect();
        histogram[..IGNORED_BINS].fill(0.0);
        histogram[IGNORED_BINS] = 1.0;
        let total = stored(histogram.iter().copied().map(f64::from).sum());
        let (mut mass, mut filled, mut share, mut log_share) = (vec![0.0], vec![0], vec![0.0], vec![0.0]);
        for (index, bin) in histogram.iter().enumerate() {
            let p = f64::from(bin / total);
            mass.push(mass[index] + f64::from(*bin));
            filled.push(filled[index] + u32::from(*bin > 0.0));
            share.push(share[index] + p);
            log_share.push(log_share[index] + p * log10(p));
        }
        Self { histogram, mass, filled, share, log_share }
    }

    /// `Σ P (log10 P − log10 Q)` of the first `kept` bins merged into `levels`; `None` for 0/0.
    #[expect(clippy::cast_precision_loss, reason = "a few thousand bins")]
    fn divergence(&self, kept: usize, levels: usize) -> Option<f64> {
        let bins = self.histogram.len();
        let merged = kept / levels;
        let level = |index: usize| {
            let (from, to) = (index * merged, (index + 1) * merged);
            let filled = (self.filled[to] - self.filled[from]) as f32;
            let even = stored(self.mass[to] - self.mass[from]) / filled.max(1.0);
            (even, f64::from(filled), self.share[to] - self.share[from])
        };
        let spread = stored((0..levels).map(level).map(|(even, filled, _)| f64::from(even) * filled).sum());
        if spread == 0.0 {
            return None;
        }
        // The last bin alone holds more in P than in the histogram: it is taken out of the sums and added by itself.
        let last = f64::from(self.histogram[kept - 1] / stored(self.mass[bins]));
        let outliers = stored(self.mass[bins] - self.mass[kept]);
        let folded = f64::from((self.histogram[kept - 1] + outliers) / stored(self.mass[bins]));
        let mut divergence = self.log_share[kept] - last * log10(last) + folded * log10(folded);
        for (even, _, share) in (0..levels).map(level) {
            divergence -= share * log10(f64::from(even / spread));
        }
        // Where the last bin is empty it has no part in the spread, and `last` is 0.
        let own = if last > 0.0 { f64::from(level(levels - 1).0 / spread) } else { 0.0 };
        Some(divergence + last * log10(own) - folded * log10(own))
    }
}

/// `log10(share + 1e-30)`.
fn log10(share: f64) -> f64 {
    (share + LOG_EPSILON).log10()
}

/// Percentile (`TorchPercentileObserver`): the 0.01 % and 99.99 % values of each batch, averaged over the batches.
///
/// Oddities: an average of percentiles is no percentile, and it depends on how the samples are batched; a batch is one
/// sample here. Infinities beyond the percentiles do no harm, so this flavour alone can answer where there are any.
pub(super) fn percentile(statistics: &FlavourStatistics, grid: Grid, scheme: Scheme) -> FlavourChoice {
    let samples = statistics.samples();
    let low = mean(samples.iter().map(|sample| sample.low));
    let high = mean(samples.iter().map(|sample| sample.high));
    match (low, high) {
        (Some(low), Some(high)) if low <= high => {
            let scale = Some(scale_and_zero_point(f64::from(low), f64::from(high), grid, scheme));
            FlavourChoice { range: Range { low, high }, scale, curve: None, is_fallback: false, note: None }
        }
        _ => FlavourChoice::fallback(statistics.range(), say!("a percentile is infinite; min–max is used")),
    }
}

/// The mean as a float32; `None` where it is not finite or there are no values. The values come sorted, so the float64
/// sum is the same for every order of samples.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "rounding to float32 is the tool's")]
fn mean(values: impl ExactSizeIterator<Item = f32>) -> Option<f32> {
    let count = values.len() as f64;
    let mean = (values.map(f64::from).sum::<f64>() / count) as f32;
    mean.is_finite().then_some(mean)
}

/// MSE (`TorchMSEObserver`): 2048 bins, an error for each bin as if its values were uniform. See [`super::ppq_mse`].
pub(super) fn mse(statistics: &FlavourStatistics, grid: Grid, scheme: Scheme) -> FlavourChoice {
    let observed = statistics.range();
    let search = match scheme {
        Scheme::Symmetric => statistics.magnitude().map(|counts| {
            let bin = f64::from(observed.amax()) / SIGNED_BINS as f64;
            super::ppq_mse::symmetric(&halved(counts), bin, grid.levels() as usize)
        }),
        Scheme::Affine => statistics.offset().map(|counts| {
            let bin = (f64::from(observed.high) - f64::from(observed.low)) / SIGNED_BINS as f64;
            super::ppq_mse::affine(counts, bin, f64::from(observed.low), grid.levels() as usize)
        }),
    };
    let Some((low, high, curve)) = search else { return FlavourChoice::fallback(observed, Text::of(TORCH_FAILS)) };
    let range = Range { low: stored(low), high: stored(high) };
    FlavourChoice {
        range,
        scale: Some(scale_and_zero_point(low, high, grid, scheme)),
        curve: Some(curve),
        is_fallback: false,
        note: (grid.levels() as usize > SIGNED_BINS).then(|| {
            say!(
                "PPQ has 2048 bins for more levels than that: its only candidate is one bin a step, far beyond the data"
            )
        }),
    }
}

/// The scale of a tensor of zeros: the smallest that PPQ allows.
pub(super) fn zeros(grid: Grid, scheme: Scheme) -> (f32, i32) {
    scale_and_zero_point(0.0, 0.0, grid, scheme)
}

/// `minmax_to_scale_offset`: widened to contain 0, at least 1e-8. Oddity: the symmetric scale is `2·max|r|/(q_max −
/// q_min)`, max|r|/127.5 for int8, so the largest value is half a step beyond the grid.
fn scale_and_zero_point(low: f64, high: f64, grid: Grid, scheme: Scheme) -> (f32, i32) {
    let (low, high) = (low.min(0.0), high.max(0.0));
    let steps = f64::from(grid.q_max()) - f64::from(grid.q_min());
    match scheme {
        Scheme::Symmetric => (stored((2.0 * high.max(-low) / steps).max(MIN_SCALE)), middle(grid)),
        Scheme::Affine => {
            let scale = ((high - low) / steps).max(MIN_SCALE);
            let offset = (-low / scale).round_ties_even().min(steps);
            #[expect(clippy::cast_possible_truncation, reason = "between 0 and the steps of the grid")]
            let offset = offset as i32;
            (stored(scale), grid.q_min() + offset)
        }
    }
}

/// The zero-point of a symmetric grid: 0, or the middle of an unsigned one, which PPQ does not have.
fn middle(grid: Grid) -> i32 {
    if grid.is_signed() { 0 } else { 1 << (grid.bits() - 1) }
}

/// A float64 as the float32 that is kept.
#[expect(clippy::cast_possible_truncation, reason = "rounding to float32 is the point")]
fn stored(value: f64) -> f32 {
    (value as f32).clamp(f32::MIN, f32::MAX)
}

/// How many bins the KL search has; [`MAGNITUDE_BINS`] is that number.
const _: () = assert!(MAGNITUDE_BINS == 4096 && IGNORED_BINS == MAGNITUDE_BINS * 2 / 1000);
