//! The KL threshold of QUANTIZATION.md §3, with the divergence of every candidate.
//!
//! For a candidate that keeps `n` raw bins, `P` is the kept counts with the outliers added to the edge bins, `Q` the
//! kept counts merged into L levels (bin `j` of `n` belongs to level `⌊j·L/n⌋`) and spread evenly over each level's
//! non-empty bins; both are normalised. `Q` must not contain the outliers: with them the first candidate, which has one
//! bin a level, equals `P` and costs 0, and the tightest clipping always wins. Prefix sums make a candidate cost L
//! steps, not n. What that costs in precision is [`RESOLUTION`].

use super::{
    curve::{Curve, NoCandidate, Side, candidate, cheapest},
    histogram::{BINS, TensorHistogram, real},
};
use crate::quant::{IntegerFormat, Scheme};

/// Costs closer than this are a tie: rounding errors of the sums stay below it (nats).
pub const RESOLUTION: f64 = 1e-11;

/// The divergence of every threshold that keeps at least as many bins as `format` has levels. O(bins·levels).
///
/// Two-sided data on an affine grid are searched on `r`, `[-T, T]` cut to what was observed; all others on `|r|`.
///
/// # Errors
/// [`NoCandidate`] when there is no threshold to choose between.
pub fn kl_curve(histogram: &TensorHistogram, format: IntegerFormat) -> Result<Curve, NoCandidate> {
    if let Some(why) = histogram.unusable() {
        return Err(why);
    }
    let is_two_sided = format.scheme == Scheme::Affine && histogram.is_two_sided();
    let (counts, half) = if is_two_sided { (histogram.signed(), BINS / 2) } else { (histogram.magnitudes(), 0) };
    search(&counts, half, histogram.range().amax(), format.levels() as usize)
}

/// The search over `counts`, whose bin `half` begins at 0.
fn search(counts: &[u64], half: usize, amax: f32, levels: usize) -> Result<Curve, NoCandidate> {
    let sums = Sums::new(counts);
    // Two-sided data leave the bins beyond their shorter side empty; no candidate reaches there.
    let (first, end) = if half > 0 { occupied(counts, half) } else { (0, counts.len()) };
    if levels >= end - first {
        return Err(NoCandidate::TooManyLevels);
    }
    let steps = counts.len() - half;
    let mut curve = Curve { side: Side::Both, thresholds: Vec::new(), costs: Vec::new(), best: 0 };
    for step in 1..=steps {
        let (from, to) = ((half - step.min(half)).max(first), (half + step).min(end));
        if to - from >= levels {
            curve.thresholds.push(candidate(amax, step, steps));
            curve.costs.push(sums.divergence(from, to, levels));
        }
    }
    curve.best = cheapest(&curve.costs, RESOLUTION);
    Ok(curve)
}

/// From the first to one past the last bin that holds something, widened to contain the edge at `half`.
fn occupied(counts: &[u64], half: usize) -> (usize, usize) {
    let first = counts.iter().position(|count| *count > 0).unwrap_or(half);
    let last = counts.iter().rposition(|count| *count > 0).map_or(half, |last| last + 1);
    (first.min(half), last.max(half))
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

#[cfg(test)]
#[path = "kl_tests.rs"]
mod tests;
