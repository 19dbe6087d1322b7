//! The values between which a given share of the mass lies (QUANTIZATION.md §3).
//!
//! Each end is the outer edge of the histogram bin that its quantile falls into, so at least the share asked for lies
//! inside, and an end is too wide by at most `amax/4096`: the bound that the window states.

use super::{
    curve::{Curve, NoCandidate, Side, candidate},
    histogram::{TensorHistogram, real},
    sided_bins::SIDE_BINS,
};
use crate::quant::Range;

/// Per cent of the mass inside, where nothing else is said.
pub const DEFAULT_PERCENTILE: f64 = 99.99;

/// The chosen range and the curve of each end that has values: the share of all values beyond each candidate.
///
/// # Errors
/// [`NoCandidate`] when there is no threshold to choose between.
pub fn percentile_curves(histogram: &TensorHistogram, percentile: f64) -> Result<(Range, Vec<Curve>), NoCandidate> {
    if let Some(why) = histogram.unusable() {
        return Err(why);
    }
    let beyond = share_beyond(percentile);
    let observed = histogram.range();
    let total = real(histogram.total());
    let high = tail(histogram.positive(), total, beyond, observed.amax(), observed.high);
    let mut low = tail(histogram.negative(), total, beyond, observed.amax(), -observed.low);
    low.side = Side::Low;
    low.thresholds.iter_mut().for_each(|t| *t = -*t);
    low.thresholds.reverse();
    low.costs.reverse();
    low.best = low.costs.len() - 1 - low.best;
    let range = Range {
        low: if observed.low < 0.0 { low.threshold().unwrap_or(observed.low) } else { observed.low },
        high: if observed.high > 0.0 { high.threshold().unwrap_or(observed.high) } else { observed.high },
    };
    let mut curves = Vec::new();
    if observed.low < 0.0 {
        curves.push(low);
    }
    if observed.high > 0.0 {
        curves.push(high);
    }
    Ok((range, curves))
}

/// The share of the mass that may lie beyond each end.
pub fn share_beyond(percentile: f64) -> f64 {
    (100.0 - percentile.clamp(0.0, 100.0)) / 200.0
}

/// Every edge of one side up to the observed end, what lies beyond it, and the innermost with at most `beyond`.
fn tail(counts: &[u64], total: f64, beyond: f64, amax: f32, end: f32) -> Curve {
    let mut mass: u64 = counts.iter().sum();
    let mut curve = Curve { side: Side::High, thresholds: vec![0.0], costs: vec![real(mass) / total], best: 0 };
    for (bin, count) in counts.iter().enumerate() {
        let edge = candidate(amax, bin + 1, SIDE_BINS);
        if edge >= end && mass == *count {
            break;
        }
        mass -= count;
        curve.thresholds.push(edge);
        curve.costs.push(real(mass) / total);
    }
    if end > 0.0 {
        curve.thresholds.push(end);
        curve.costs.push(0.0);
    }
    // Costs fall along the way; the first that is small enough is the innermost.
    curve.best = curve.costs.iter().position(|cost| *cost <= beyond).unwrap_or(curve.costs.len() - 1);
    curve
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "test data of known size")]
mod tests {
    use super::*;

    fn range(values: &[f32], percentile: f64) -> Range {
        percentile_curves(&TensorHistogram::of(values).unwrap(), percentile).unwrap().0
    }

    #[test]
    fn quantiles_by_hand() {
        // 1 … 1000 and one outlier 4096: bins of exactly 1; 1001 values. 99 % inside: 0.5 % of 1001 = 5.005 may lie
        // beyond the upper end: the outlier, 1000, 999, 998, 997. 997 lies in [997, 998), so beyond 997 there are five.
        let mut values: Vec<f32> = (1..=1000_u16).map(f32::from).collect();
        values.push(4096.0);
        assert_eq!(range(&values, 99.0), Range::new(1.0, 997.0));
        assert_eq!(range(&values, 100.0), Range::new(1.0, 4096.0));
        // Negated: the same on the other side.
        let negated: Vec<f32> = values.iter().map(|v| -v).collect();
        assert_eq!(range(&negated, 99.0), Range::new(-997.0, -1.0));
    }

    #[test]
    fn at_least_the_share_asked_for_lies_inside_and_hardly_more() {
        let values: Vec<f32> =
            (0..100_000_u32).map(|i| ((f64::from(i) * 0.618_033_988_75).fract() - 0.3).powi(3) as f32).collect();
        let histogram = TensorHistogram::of(&values).unwrap();
        let mut sorted = values.clone();
        sorted.sort_by(f32::total_cmp);
        for percentile in [90.0, 99.0, 99.9, 99.99, 100.0] {
            let chosen = percentile_curves(&histogram, percentile).unwrap().0;
            let outside = values.iter().filter(|v| **v < chosen.low || **v > chosen.high).count();
            assert!(outside as f64 <= (1.0 - percentile / 100.0) * 1e5 + 1e-6, "{percentile}: {outside}");
            let rank = (share_beyond(percentile) * 1e5).floor() as usize;
            let bound = histogram.range().amax() / 4096.0 * 1.0001;
            assert!(sorted[99_999 - rank] <= chosen.high && chosen.high - sorted[99_999 - rank] <= bound);
            assert!(sorted[rank] >= chosen.low && sorted[rank] - chosen.low <= bound);
        }
    }

    #[test]
    fn the_curve_is_the_share_beyond() {
        let values: Vec<f32> = (0..=100_u16).map(|v| f32::from(v) - 50.0).collect();
        let (chosen, curves) = percentile_curves(&TensorHistogram::of(&values).unwrap(), 90.0).unwrap();
        let [low, high] = curves.as_slice() else { panic!("two curves") };
        assert_eq!((low.threshold(), high.threshold()), (Some(chosen.low), Some(chosen.high)));
        assert!(low.thresholds.is_sorted() && high.thresholds.is_sorted());
        assert_eq!((low.costs[0], *high.costs.last().unwrap()), (0.0, 0.0));
        // Above 0 lie 50 of 101, and 0 itself in the first bin.
        assert_eq!((high.thresholds[0], high.costs[0]), (0.0, 51.0 / 101.0));
    }
}
