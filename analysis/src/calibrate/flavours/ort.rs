//! The ranges of onnxruntime 1.32's `quantize_static` (`quantization/calibrate.py`).
//!
//! The samples are taken as one collection, as the tool does unless `CalibStridedMinMax` is set: its histograms then
//! never grow. Scale and zero-point follow from the range as everywhere else here: [`crate::quant::affine`] is
//! `compute_scale_zp`.

use super::{
    FlavourChoice,
    numpy::{NumpyBins, clamped, pairwise_sum, search_sorted},
    statistics::{FlavourStatistics, MAGNITUDE_BINS},
    torch::linspace_from_zero,
};
use crate::{
    calibrate::{Curve, Side},
    mark,
    quant::{Grid, Range, Scheme, SymmetricRule, affine, symmetric},
    say,
    text::Text,
};

/// `num_bins` and `num_quantized_bins` of `EntropyCalibrater`, which `quantize_static` cannot change.
const ENTROPY_BINS: usize = 128;
/// `num_bins` of `PercentileCalibrater`.
const PERCENTILE_BINS: usize = 2048;
/// `percentile` of `PercentileCalibrater`, in per cent.
const PERCENTILE: f64 = 99.999;
/// `smooth_distribution`'s `eps`: what an empty bin is raised to, in values.
const SMOOTHING: f64 = 0.0001;

const NUMPY_RAISES: &str = mark!(
    "the values are too close together, too small or too large for NumPy's histogram, where \
                            onnxruntime stops with an error; min–max is used"
);

/// `MinMax`: the observed minimum and maximum.
///
/// Oddity: with its moving average on, samples of one collection are averaged plainly; it is off by default.
pub(super) fn min_max(statistics: &FlavourStatistics, grid: Grid, scheme: Scheme) -> FlavourChoice {
    chosen(statistics.range(), None, grid, scheme)
}

/// Entropy as `quantize_static` runs it.
///
/// Oddity: 128 bins for 128 quantized bins leave exactly one candidate, the whole of `[-max|r|, max|r|]`. Both
/// distributions are then the same 128 counts and the divergence is 0 whatever the data, so the result is min–max.
pub(super) fn entropy_of_128_bins(statistics: &FlavourStatistics, grid: Grid, scheme: Scheme) -> FlavourChoice {
    let observed = statistics.range();
    let amax = observed.amax();
    if NumpyBins::symmetric(amax, ENTROPY_BINS).is_none() {
        return FlavourChoice::fallback(observed, Text::of(NUMPY_RAISES));
    }
    let curve = Curve { side: Side::Both, thresholds: vec![amax], costs: vec![0.0], best: 0 };
    let note = say!("onnxruntime has one candidate here, max|r|, so its entropy is min–max");
    FlavourChoice { note: Some(note), ..chosen(clamped(-amax, amax, observed), Some(curve), grid, scheme) }
}

/// Entropy with `num_bins=2048`, which only a direct `create_calibrator` call can ask for: a search of 961 candidates.
pub(super) fn entropy_of_2048_bins(statistics: &FlavourStatistics, grid: Grid, scheme: Scheme) -> FlavourChoice {
    let observed = statistics.range();
    let searched = statistics.signed().and_then(|(bins, counts)| entropy(counts, bins.edges(), 128, observed));
    match searched {
        Some((range, curve)) => chosen(range, Some(curve), grid, scheme),
        None => FlavourChoice::fallback(observed, Text::of(NUMPY_RAISES)),
    }
}

/// `get_entropy_threshold` on a signed histogram over `[-max|r|, max|r|]`: the interval about the middle bin whose
/// divergence is least, the first among equals, cut to `observed`. `None` where there are fewer bins than
/// `quantized_bins`.
///
/// Oddities: the interval ends one bin later on the right than on the left, so the thresholds are `-i` and `i + 1` bins
/// (the last two candidates share their right end); costs are float32. The curve has the right ends.
pub(super) fn entropy(counts: &[u64], edges: &[f32], quantized_bins: usize, observed: Range) -> Option<(Range, Curve)> {
    let (middle, first) = (counts.len() / 2, quantized_bins / 2);
    if middle < first || quantized_bins == 0 || edges.len() != counts.len() + 1 {
        return None;
    }
    let mut scratch = Scratch::default();
    let mut curve = Curve { side: Side::Both, thresholds: Vec::new(), costs: Vec::new(), best: 0 };
    for half in first..=middle {
        let (from, to) = (middle - half, (middle + half + 1).min(counts.len()));
        let cost = scratch.divergence(counts, from..to, quantized_bins);
        curve.thresholds.push(edges[to]);
        curve.costs.push(f64::from(cost));
        if curve.costs[curve.best] > f64::from(cost) {
            curve.best = curve.costs.len() - 1;
        }
    }
    let (low, high) = (edges[middle - first - curve.best], curve.thresholds[curve.best]);
    Some((clamped(low, high, observed), curve))
}

/// The arrays of one candidate, kept for the next one.
#[derive(Default)]
struct Scratch {
    counts: Vec<u64>,
    quantized: Vec<u64>,
    p: Vec<f32>,
    q: Vec<f32>,
}

impl Scratch {
    /// What keeping the bins `window` costs, in nats, computed in float32 like the tool's `entropy`.
    ///
    /// Oddities: `q` is an integer array, so the even share of a level is truncated; it is spread over empty bins too;
    /// bins that do not fill a level (`window mod levels`) add their mass to the last level and stay 0 in `q`.
    fn divergence(&mut self, counts: &[u64], window: std::ops::Range<usize>, levels: usize) -> f32 {
        let kept = &counts[window.clone()];
        self.counts.clear();
        self.counts.extend_from_slice(kept);
        if let Some(first) = self.counts.first_mut() {
            *first += counts[..window.start].iter().sum::<u64>();
        }
        if let Some(last) = self.counts.last_mut() {
            *last += counts[window.end..].iter().sum::<u64>();
        }
        self.quantized.clear();
        self.quantized.resize(kept.len(), 0);
        let per_level = kept.len() / levels;
        for level in 0..levels {
            let members = level * per_level..(level + 1) * per_level;
            let filled = self.counts[members.clone()].iter().filter(|count| **count != 0).count() as u64;
            let rest = if level + 1 == levels { levels * per_level..kept.len() } else { 0..0 };
            let mass: u64 = kept[members.clone()].iter().chain(&kept[rest]).sum();
            if let Some(share) = mass.checked_div(filled) {
                self.quantized[members].fill(share);
            }
        }
        if !(smooth(&self.counts, &mut self.p) && smooth(&self.quantized, &mut self.q)) {
            return f32::INFINITY;
        }
        let (p_sum, q_sum) = (pairwise_sum(&self.p), pairwise_sum(&self.q));
        for (p, q) in self.p.iter_mut().zip(&self.q) {
            let share = *p / p_sum;
            *p = share * (share / (q / q_sum)).ln();
        }
        pairwise_sum(&self.p)
    }
}

/// `smooth_distribution`: empty bins become 0.0001 values, which the others give up in equal parts. `false` where all
/// are empty; the tool's divergence is infinite then.
#[expect(clippy::cast_precision_loss, reason = "counts become float32 in the tool")]
#[expect(clippy::cast_possible_truncation, reason = "NumPy rounds a Python float to float32 beside a float32 array")]
fn smooth(counts: &[u64], smoothed: &mut Vec<f32>) -> bool {
    let filled = counts.iter().filter(|count| **count != 0).count();
    if filled == 0 {
        return false;
    }
    let taken = (SMOOTHING * (counts.len() - filled) as f64 / filled as f64) as f32;
    smoothed.clear();
    smoothed.extend(counts.iter().map(|count| if *count == 0 { SMOOTHING as f32 } else { *count as f32 - taken }));
    true
}

/// Percentile with `symmetric=True`, which `create_calibrator` defaults to: 99.999 % of |r|.
///
/// Oddities: the histogram of |r| begins at min|r|, not at 0; the result is the **left** edge of the bin in which the
/// percentile lies, so slightly less than the percentile is kept; ±T is cut to the observed range afterwards, so a
/// tensor after ReLU becomes `[0, T]`.
///
/// Only the largest magnitudes are counted bin by bin. All others lie in the bins below, and are counted in the first:
/// the sum over the bins below the percentile is the same.
pub(super) fn percentile(statistics: &FlavourStatistics, grid: Grid, scheme: Scheme) -> FlavourChoice {
    let observed = statistics.range();
    let Some(bins) = NumpyBins::new(statistics.smallest(), observed.amax(), PERCENTILE_BINS) else {
        return FlavourChoice::fallback(observed, Text::of(NUMPY_RAISES));
    };
    let largest = statistics.largest();
    let others = statistics.finite().saturating_sub(largest.len() as u64);
    if others > 0 && !reaches(others, statistics.finite()) {
        return coarse_percentile(statistics, grid, scheme);
    }
    let mut counts = vec![0; PERCENTILE_BINS];
    counts[0] = others;
    largest.iter().filter_map(|value| bins.place(*value)).for_each(|place| counts[place] += 1);
    chosen(percentile_range(&counts, bins.edges(), PERCENTILE, true, observed), None, grid, scheme)
}

/// Whether the kept magnitudes reach down to the percentile, with the rounding of the tool's running sum to spare.
#[expect(clippy::cast_precision_loss, reason = "a share of counts below 2^53")]
fn reaches(others: u64, all: u64) -> bool {
    others as f64 / (all as f64) < PERCENTILE / 100.0 - 1e-9
}

/// The same on bins of max|r|/4096 from 0, for tensors of more than 800 million values.
pub(super) fn coarse_percentile(statistics: &FlavourStatistics, grid: Grid, scheme: Scheme) -> FlavourChoice {
    let observed = statistics.range();
    let Some(counts) = statistics.magnitude() else {
        return FlavourChoice::fallback(observed, Text::of(NUMPY_RAISES));
    };
    let edges: Vec<f32> =
        (0..=MAGNITUDE_BINS).map(|i| linspace_from_zero(observed.amax(), MAGNITUDE_BINS, i)).collect();
    let note = say!("more values than onnxruntime's bins can be recounted for: within max|r|/2048 of its threshold");
    let range = percentile_range(counts, &edges, PERCENTILE, true, observed);
    FlavourChoice { note: Some(note), ..chosen(range, None, grid, scheme) }
}

/// `compute_percentile` for one tensor: `percentage` in per cent; `counts` of |r| if `symmetric`, else of r, where half
/// of the rest is cut from each side.
#[expect(clippy::cast_precision_loss, reason = "NumPy divides counts in float64")]
pub(super) fn percentile_range(
    counts: &[u64],
    edges: &[f32],
    percentage: f64,
    symmetric: bool,
    observed: Range,
) -> Range {
    let total = counts.iter().sum::<u64>() as f64;
    let mut running = 0.0;
    let shares: Vec<f64> = counts
        .iter()
        .map(|count| {
            running += *count as f64 / total;
            running
        })
        .collect();
    let left_edge = |share: f64| edges[search_sorted(&shares, share)];
    if symmetric {
        let threshold = left_edge(percentage / 100.0);
        clamped(-threshold, threshold, observed)
    } else {
        let cut = (100.0 - percentage) / 200.0;
        clamped(left_edge(cut), left_edge(1.0 - cut), observed)
    }
}

/// The range with the scale and zero-point that `compute_scale_zp` gives it.
fn chosen(range: Range, curve: Option<Curve>, grid: Grid, scheme: Scheme) -> FlavourChoice {
    let (params, degenerate) = match scheme {
        Scheme::Affine => affine(range, grid),
        Scheme::Symmetric => symmetric(range.with_zero().amax(), grid, SymmetricRule::onnxruntime(grid)),
    };
    let note = degenerate.map(|why| say!("the range {}; onnxruntime uses scale 1, zero-point 0", why.reason()));
    FlavourChoice { range, scale: Some((params.scale, params.zero_point)), curve, is_fallback: false, note }
}
