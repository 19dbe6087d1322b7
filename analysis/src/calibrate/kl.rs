//! The KL threshold of QUANTIZATION.md §3, with the divergence of every candidate.
//!
//! For a candidate that keeps `n` raw bins, `P` is the kept counts with the outliers added to the edge bins, `Q` the
//! kept counts merged into L levels (bin `j` of `n` belongs to level `⌊j·L/n⌋`) and spread evenly over each level's
//! non-empty bins; both are normalised. `Q` must not contain the outliers: with them the first candidate, which has one
//! bin a level, equals `P` and costs 0, and the tightest clipping always wins. Prefix sums make a candidate cost L
//! steps, not n. What that costs in precision is [`RESOLUTION`].

use serde::Serialize;

use super::histogram::{AbsHistogram, BINS, SignedHistogram};
use crate::quant::Range;

/// Costs closer than this are a tie: rounding errors of the sums stay below it (nats).
pub const RESOLUTION: f64 = 1e-11;

/// The cost of every threshold that was considered.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Curve {
    /// Candidate thresholds T > 0, ascending.
    pub thresholds: Vec<f32>,
    /// What each costs; for KL in nats. ∞ where the quantized tensor cannot produce a value that occurs.
    pub costs: Vec<f64>,
    /// Index of the chosen one: the cheapest, the largest T among equals.
    pub best: usize,
}

impl Curve {
    /// The chosen threshold.
    pub fn threshold(&self) -> Option<f32> {
        self.thresholds.get(self.best).copied()
    }
}

/// Why there is no curve; min–max is used then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoCandidate {
    /// The grid has as many levels as the data have bins, so every threshold would be free.
    TooManyLevels,
    /// Nothing was observed, or nothing but zeros.
    NoData,
    /// An infinity was observed.
    NotFinite,
}

impl NoCandidate {
    /// The reason in words, as a note beside the min–max range that is used instead.
    pub fn reason(self) -> &'static str {
        match self {
            Self::TooManyLevels => {
                "KL needs more bins than the grid has levels, and the histogram has not; min–max is used"
            }
            Self::NoData => "nothing but zeros was observed; min–max is used",
            Self::NotFinite => "an infinite value was observed; min–max is used",
        }
    }
}

/// What a threshold is searched in.
#[derive(Clone, Copy, Debug)]
pub enum Search<'a> {
    /// On `|r|`: signed symmetric grids with `2^(b−1)` levels, one-sided data with `2^b`.
    Magnitude(&'a AbsHistogram),
    /// On `r`, each candidate `[-T, T]` cut to the observed range: two-sided affine grids with `2^b` levels.
    TwoSided(&'a SignedHistogram),
}

impl Search<'_> {
    /// The range that threshold `t` stands for: `[-t, t]` cut to what was observed.
    pub fn range(&self, t: f32) -> Range {
        let seen = match self {
            Self::Magnitude(histogram) => histogram.range(),
            Self::TwoSided(histogram) => histogram.range(),
        };
        Range { low: seen.low.max(-t), high: seen.high.min(t) }
    }
}

/// The divergence of every threshold that keeps at least `levels` bins. O(bins·levels).
///
/// # Errors
/// [`NoCandidate`] when there is no threshold to choose between.
pub fn kl_curve(search: Search<'_>, levels: u32) -> Result<Curve, NoCandidate> {
    let levels = levels.max(1) as usize;
    let (counts, amax, half) = match search {
        Search::Magnitude(histogram) => (histogram.counts(), histogram.range().amax(), 0),
        Search::TwoSided(histogram) => (histogram.counts(), histogram.range().amax(), BINS / 2),
    };
    let sums = Sums::new(counts);
    if !amax.is_finite() {
        return Err(NoCandidate::NotFinite);
    }
    if amax == 0.0 || sums.total() == 0 {
        return Err(NoCandidate::NoData);
    }
    // Two-sided data leave the bins beyond their shorter side empty; no candidate reaches there.
    let (first, end) = match search {
        Search::Magnitude(_) => (0, counts.len()),
        Search::TwoSided(_) => occupied(counts, half),
    };
    if levels >= end - first {
        return Err(NoCandidate::TooManyLevels);
    }
    let steps = counts.len() - half;
    let mut curve = Curve { thresholds: Vec::new(), costs: Vec::new(), best: 0 };
    for step in 1..=steps {
        let (from, to) = ((half - step.min(half)).max(first), (half + step).min(end));
        if to - from >= levels {
            curve.thresholds.push(threshold(amax, step, steps));
            curve.costs.push(sums.divergence(from, to, levels));
        }
    }
    curve.best = cheapest(&curve.costs);
    Ok(curve)
}

/// `amax·step/steps`, and exactly `amax` for the last one.
fn threshold(amax: f32, step: usize, steps: usize) -> f32 {
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "2048 steps; rounded to float32")]
    let value = (f64::from(amax) * step as f64 / steps as f64) as f32;
    value
}

/// From the first to one past the last bin that holds something, widened to contain the edge at `half`.
fn occupied(counts: &[u64], half: usize) -> (usize, usize) {
    let first = counts.iter().position(|count| *count > 0).unwrap_or(half);
    let last = counts.iter().rposition(|count| *count > 0).map_or(half, |last| last + 1);
    (first.min(half), last.max(half))
}

/// The last index whose cost is within [`RESOLUTION`] of the smallest.
fn cheapest(costs: &[f64]) -> usize {
    let least = costs.iter().copied().fold(f64::INFINITY, f64::min);
    costs.iter().rposition(|cost| *cost <= least + RESOLUTION).unwrap_or(0)
}

/// Prefix sums over the raw bins; entry `i` is over the bins before `i`.
struct Sums<'a> {
    counts: &'a [u64],
    mass: Vec<u64>,
    filled: Vec<u32>,
    /// `Σ h·ln h`.
    entropy: Vec<f64>,
}

impl<'a> Sums<'a> {
    fn new(counts: &'a [u64]) -> Self {
        let (mut mass, mut filled, mut entropy) = (vec![0], vec![0], vec![0.0]);
        let (mut m, mut n, mut e) = (0_u64, 0_u32, 0.0);
        for count in counts {
            m += count;
            n += u32::from(*count > 0);
            e += x_ln_x(*count);
            mass.push(m);
            filled.push(n);
            entropy.push(e);
        }
        Self { counts, mass, filled, entropy }
    }

    fn total(&self) -> u64 {
        self.mass.last().copied().unwrap_or(0)
    }

    /// KL(P‖Q) of keeping the bins `from..to` in `levels` levels, `from < to`, in nats.
    ///
    /// With h the counts, N their sum, M the kept sum and p = h but for the edge bins,
    /// `KL = 1/N · [Σ p·ln p − Σ_levels p_l·ln(m_l/n_l)] − ln N + ln M`.
    fn divergence(&self, from: usize, to: usize, levels: usize) -> f64 {
        let (below, above) = (self.mass[from], self.total() - self.mass[to]);
        let (left, right) = (self.counts[from], self.counts[to - 1]);
        if (below > 0 && left == 0) || (above > 0 && right == 0) {
            return f64::INFINITY;
        }
        let kept = self.mass[to] - self.mass[from];
        if kept == 0 {
            return f64::INFINITY;
        }
        let mut own = self.entropy[to] - self.entropy[from];
        own += if to - from == 1 {
            x_ln_x(left + below + above) - x_ln_x(left)
        } else {
            x_ln_x(left + below) - x_ln_x(left) + x_ln_x(right + above) - x_ln_x(right)
        };
        let n = to - from;
        let mut spread = 0.0;
        for level in 0..levels {
            // ⌊j·L/n⌋ = level for j from ⌈level·n/L⌉ to ⌈(level+1)·n/L⌉ − 1.
            let a = from + (level * n).div_ceil(levels);
            let b = from + ((level + 1) * n).div_ceil(levels);
            let mass = self.mass[b] - self.mass[a];
            if mass == 0 {
                continue;
            }
            let tails = if level == 0 { below } else { 0 } + if level + 1 == levels { above } else { 0 };
            let height = real(mass) / f64::from(self.filled[b] - self.filled[a]);
            spread += real(mass + tails) * height.ln();
        }
        let total = real(self.total());
        // Rounding may leave −1e-16 where the two distributions are equal; no divergence is negative.
        ((own - spread) / total - total.ln() + real(kept).ln()).max(0.0)
    }
}

fn x_ln_x(count: u64) -> f64 {
    if count == 0 { 0.0 } else { real(count) * real(count).ln() }
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn real(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
#[path = "kl_tests.rs"]
mod tests;
