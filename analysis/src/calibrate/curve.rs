//! What a method weighed: every candidate with its cost, and the one it chose.

use serde::Serialize;

use crate::{quant::Range, say, text::Text};

/// Which end of a range the candidates of a curve move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Both: candidate `T > 0` stands for `[-T, T]` cut to what was observed.
    Both,
    /// The lower one: a candidate is the end itself, at most 0.
    Low,
    /// The upper one: a candidate is the end itself, at least 0.
    High,
}

/// The cost of every threshold that was considered.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Curve {
    /// What the candidates move.
    pub side: Side,
    /// Candidates, ascending; see [`Side`].
    pub thresholds: Vec<f32>,
    /// What each costs, in the method's unit. ∞ where the quantized tensor cannot produce a value that occurs.
    pub costs: Vec<f64>,
    /// Index of the chosen one.
    pub best: usize,
}

impl Curve {
    /// The chosen candidate.
    pub fn threshold(&self) -> Option<f32> {
        self.thresholds.get(self.best).copied()
    }

    /// The cost of the candidate nearest to `threshold`; `None` without candidates.
    pub fn cost_near(&self, threshold: f32) -> Option<f64> {
        let pairs = self.thresholds.iter().zip(&self.costs);
        pairs.min_by(|a, b| (a.0 - threshold).abs().total_cmp(&(b.0 - threshold).abs())).map(|(_, cost)| *cost)
    }
}

/// Why a method found nothing to choose between; min–max is used then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoCandidate {
    /// The grid has as many levels as the data have bins, so every threshold would be free.
    TooManyLevels,
    /// Nothing was observed, or nothing but zeros.
    NoData,
    /// An infinity was observed.
    NotFinite,
    /// The format is no integer grid.
    NoGrid,
    /// What another tool's algorithm needs was not counted.
    NotCounted,
}

impl NoCandidate {
    /// The reason in words, as a note beside the min–max range that is used instead.
    pub fn reason(self) -> Text {
        match self {
            Self::TooManyLevels => {
                say!("the method needs more bins than the grid has levels, and the histogram has not; min–max is used")
            }
            Self::NoData => say!("nothing but zeros was observed; min–max is used"),
            Self::NotFinite => say!("an infinite value was observed; min–max is used"),
            Self::NotCounted => say!("the data were not counted as that tool counts them; min–max is used"),
            Self::NoGrid => say!("the method compares integer grids, and this format is none; min–max is used"),
        }
    }
}

/// `[-t, t]` cut to what was observed. Data that stay further from 0 than `t` leave the one end that they all clip to.
pub(super) fn cut(observed: Range, t: f32) -> Range {
    let high = observed.high.clamp(-t, t);
    Range { low: observed.low.clamp(-t, t).min(high), high }
}

/// The last index whose cost is within `resolution` of the smallest: of equals the larger threshold, which clips less.
pub(super) fn cheapest(costs: &[f64], resolution: f64) -> usize {
    let least = costs.iter().copied().fold(f64::INFINITY, f64::min);
    costs.iter().rposition(|cost| *cost <= least + resolution).unwrap_or(0)
}

/// Candidate `step` of `steps` evenly spaced ones up to `amax`, and exactly `amax` for the last.
pub(super) fn candidate(amax: f32, step: usize, steps: usize) -> f32 {
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "2048 steps; rounded to float32")]
    let value = (f64::from(amax) * step as f64 / steps as f64) as f32;
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_go_to_the_larger_threshold() {
        assert_eq!(cheapest(&[0.5, 0.2, 0.3, 0.2, 0.4], 1e-11), 3);
        assert_eq!(cheapest(&[f64::INFINITY, f64::INFINITY], 1e-11), 1);
        assert_eq!(cheapest(&[0.0, 0.0, f64::INFINITY], 1e-11), 1);
        // The rounding of sums is no reason to prefer the smaller one.
        assert_eq!(cheapest(&[0.2, 0.2 + 1e-13, 0.3], 1e-11), 1);
    }

    #[test]
    fn the_last_candidate_is_the_largest_value_itself() {
        // 0.1·2048/2048 in float32 is 0.1; 0.1·1024/2048 = 0.05.
        assert_eq!(candidate(0.1, 2048, 2048), 0.1);
        assert_eq!(candidate(0.1, 1024, 2048), 0.05);
        assert_eq!(cut(Range::new(-1.0, 3.0), 2.0), Range::new(-1.0, 2.0));
        assert_eq!(cut(Range::new(5.0, 9.0), 3.0), Range::new(3.0, 3.0));
        assert_eq!(cut(Range::new(-9.0, -5.0), 3.0), Range::new(-3.0, -3.0));
    }
}
