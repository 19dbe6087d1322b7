//! PPQ's search for the range of least mean squared error, on a histogram instead of the values.
//!
//! A candidate begins at bin `start` and gives every quantization level `step` whole bins. Sums are formed in the order
//! and precision of the tool, so that its choice among almost equal candidates is met: each bin's term is divided by
//! the number of values before it is added.

use rayon::prelude::*;

use crate::calibrate::{Curve, Side};

/// `OBSERVER_MSE_COMPUTE_INTERVAL`: bins between two starts that are tried.
const START_STRIDE: usize = 8;

/// A histogram in float64.
struct Histogram {
    counts: Vec<f64>,
    total: f64,
}

/// One candidate: the bins `start..=end`, `step` bins a level.
#[derive(Clone, Copy)]
struct Candidate {
    start: usize,
    step: usize,
    end: usize,
}

impl Histogram {
    #[expect(clippy::cast_precision_loss, reason = "Python divides integer counts in float64")]
    fn new(counts: &[u64]) -> Self {
        let total = counts.iter().sum::<u64>() as f64;
        Self { counts: counts.iter().map(|count| *count as f64).collect(), total }
    }

    /// `compute_mse_loss`: squared errors in bins². Outside the candidate the distance from the middle of the bin to
    /// its end; inside, the distance to the nearer end of the level.
    ///
    /// Oddities: the representable values are taken to be the **ends** of the levels, `start + k·step`; a bin that is
    /// exactly in the middle of its level has error `l + 0.25`; the bin at `end` counts as inside.
    #[expect(clippy::cast_precision_loss, reason = "distances of a few thousand bins")]
    fn loss(&self, candidate: Candidate) -> f64 {
        let Candidate { start, step, end } = candidate;
        let errors: Vec<f64> = (0..step)
            .map(|left| {
                let right = step - left - 1;
                if left == right { left as f64 + 0.25 } else { left.min(right) as f64 + 0.5 }
            })
            .collect();
        let term = |count: &f64, error: f64| count * error * error / self.total;
        let (below, rest) = self.counts.split_at(start.min(self.counts.len()));
        let (inside, above) = rest.split_at((end + 1 - start).min(rest.len()));
        let mut loss = 0.0;
        for (index, count) in below.iter().enumerate() {
            loss += term(count, (start - index) as f64 - 0.5);
        }
        for level in inside.chunks(step) {
            for (count, error) in level.iter().zip(&errors) {
                loss += term(count, *error);
            }
        }
        for (index, count) in above.iter().enumerate() {
            loss += term(count, (index + 1) as f64 + 0.5);
        }
        loss
    }
}

/// The symmetric search on counts of |r|, `bin` wide: low, high and the curve.
///
/// Oddities: |r| is spread over **all** levels, 256 for int8, although only half of them are positive, so a candidate
/// of `step` bins covers `levels·step` bins where the real grid has twice that step; 8 bits leave 8 candidates and one
/// of 9 bins a step, 12.5 % beyond the data. The first of the cheapest wins, and that one is tried first.
#[expect(clippy::cast_precision_loss, reason = "a few thousand bins")]
pub(super) fn symmetric(counts: &[u64], bin: f64, levels: usize) -> (f64, f64, Curve) {
    let mut candidates = vec![beyond(counts.len(), levels)];
    let steps = 1..=counts.len() / levels;
    candidates.extend(steps.map(|step| Candidate { start: 0, step, end: levels * step }));
    let threshold = |candidate: &Candidate| candidate.end as f64 * bin;
    let (best, curve) = search(counts, &candidates, threshold);
    let threshold = threshold(&best);
    (-threshold, threshold, curve)
}

/// The affine search on counts over `[low, low + bins·bin]`: low, high and the curve, each candidate at the larger
/// magnitude of its ends.
///
/// Oddities: starts are tried every 8 bins and only up to 0; the ends of a candidate are whole bins, `levels·step`
/// after its start, and may lie beyond the data; the first of the cheapest wins, and min–max is not tried but for a
/// candidate of one bin a step more than fits.
#[expect(clippy::cast_precision_loss, reason = "a few thousand bins")]
pub(super) fn affine(counts: &[u64], bin: f64, low: f64, levels: usize) -> (f64, f64, Curve) {
    let at = |index: usize| index as f64 * bin + low;
    let mut candidates = vec![beyond(counts.len(), levels)];
    for start in (0..counts.len()).step_by(START_STRIDE).take_while(|start| at(*start) <= 0.0) {
        let steps = 1..=counts.len() / levels;
        let tried = steps.map(|step| Candidate { start, step, end: start + levels * step });
        candidates.extend(tried.take_while(|c| c.end <= counts.len() + levels));
    }
    let (best, curve) = search(counts, &candidates, |c| at(c.start).abs().max(at(c.end).abs()));
    (at(best.start), at(best.end), curve)
}

/// The candidate that is tried first: one bin a step more than fits, so it covers everything.
fn beyond(bins: usize, levels: usize) -> Candidate {
    let step = bins / levels + 1;
    Candidate { start: 0, step, end: levels * step }
}

/// The first candidate of the least loss, and all of them by threshold.
#[expect(clippy::cast_possible_truncation, reason = "thresholds are float32")]
fn search(counts: &[u64], candidates: &[Candidate], threshold: impl Fn(&Candidate) -> f64) -> (Candidate, Curve) {
    let histogram = Histogram::new(counts);
    let losses: Vec<f64> = candidates.par_iter().map(|candidate| histogram.loss(*candidate)).collect();
    let chosen = (0..losses.len()).fold(0, |best, index| if losses[index] < losses[best] { index } else { best });
    let thresholds: Vec<f32> = candidates.iter().map(|candidate| threshold(candidate) as f32).collect();
    let mut order: Vec<usize> = (0..losses.len()).collect();
    order.sort_by(|a, b| thresholds[*a].total_cmp(&thresholds[*b]));
    let curve = Curve {
        side: Side::Both,
        thresholds: order.iter().map(|index| thresholds[*index]).collect(),
        costs: order.iter().map(|index| losses[*index]).collect(),
        best: order.iter().position(|index| *index == chosen).unwrap_or(0),
    };
    (candidates[chosen], curve)
}
