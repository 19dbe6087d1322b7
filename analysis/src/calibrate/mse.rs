//! The range of least mean squared error (QUANTIZATION.md §3), searched with the very grid that the range would give.
//!
//! A symmetric grid, or data of one sign, has one threshold, and all 2048 are weighed. An affine grid over data of two
//! signs has two ends, whose 4 million pairs would be too many: from the best cut `[-T, T]` the ends are moved in turn,
//! coarsely first, then each over every candidate, until neither moves. The two curves are those last, full looks: the
//! cost of each end while the other stays where it was chosen.

use rayon::prelude::*;

use super::{
    curve::{Curve, NoCandidate, Side, candidate, cheapest, cut},
    histogram::{BINS, TensorHistogram},
    histogram_error::HistogramError,
};
use crate::quant::{IntegerFormat, Range, Scheme};

/// Costs this close to the smallest, relatively, are a tie.
const RESOLUTION: f64 = 1e-9;
/// Candidates left out between two in the coarse search.
const STRIDE: usize = 16;
/// Turns of a search that will not settle; each turn lowers the cost or ends it, so this is a guard, not a limit met.
const MOST_TURNS: usize = 32;

/// The chosen range and the curve of the threshold, or of each end.
///
/// # Errors
/// [`NoCandidate`] when there is no threshold to choose between.
pub fn mse_curves(histogram: &TensorHistogram, format: IntegerFormat) -> Result<(Range, Vec<Curve>), NoCandidate> {
    let error = HistogramError::new(histogram).ok_or_else(|| histogram.unusable().unwrap_or(NoCandidate::NoData))?;
    let search = Search { error: &error, format, observed: histogram.range() };
    if format.scheme == Scheme::Affine && histogram.is_two_sided() {
        return Ok(search.two_ends());
    }
    let curve = search.threshold(1);
    let range = curve.threshold().map_or(search.observed, |t| cut(search.observed, t));
    Ok((range, vec![curve]))
}

struct Search<'a> {
    error: &'a HistogramError,
    format: IntegerFormat,
    observed: Range,
}

impl Search<'_> {
    fn cost(&self, range: Range) -> f64 {
        self.error.mse(&self.format.params(range).0)
    }

    /// Every `stride`th candidate `[-T, T]`, the last one included.
    fn threshold(&self, stride: usize) -> Curve {
        let amax = self.observed.amax();
        let steps: Vec<usize> = (1..=BINS).rev().step_by(stride).collect();
        let thresholds: Vec<f32> = steps.into_iter().rev().map(|step| candidate(amax, step, BINS)).collect();
        self.curve(Side::Both, thresholds, |t| cut(self.observed, t))
    }

    /// Every `stride`th candidate of one end, the observed one and 0 included, while the other end stays.
    fn end(&self, side: Side, range: Range, stride: usize) -> Curve {
        let (amax, end) =
            (self.observed.amax(), if side == Side::Low { -self.observed.low } else { self.observed.high });
        let inside = (0..BINS).step_by(stride).map(|step| candidate(amax, step, BINS)).take_while(|t| *t < end);
        let magnitudes = inside.chain([end]);
        if side == Side::Low {
            let thresholds: Vec<f32> = magnitudes.map(|t| -t).collect();
            // Larger magnitudes last, so that a tie goes to the wider range; turned round afterwards.
            let mut curve = self.curve(side, thresholds, |low| Range { low, ..range });
            curve.thresholds.reverse();
            curve.costs.reverse();
            curve.best = curve.costs.len() - 1 - curve.best;
            curve
        } else {
            self.curve(side, magnitudes.collect(), |high| Range { high, ..range })
        }
    }

    fn curve(&self, side: Side, thresholds: Vec<f32>, range_of: impl Fn(f32) -> Range + Sync) -> Curve {
        let costs: Vec<f64> = thresholds.par_iter().with_min_len(64).map(|t| self.cost(range_of(*t))).collect();
        let least = costs.iter().copied().fold(f64::INFINITY, f64::min);
        let best = cheapest(&costs, RESOLUTION * least.max(0.0));
        Curve { side, thresholds, costs, best }
    }

    fn two_ends(&self) -> (Range, Vec<Curve>) {
        let coarse = self.threshold(STRIDE);
        let mut range = coarse.threshold().map_or(self.observed, |t| cut(self.observed, t));
        self.settle(&mut range, STRIDE);
        let curves = self.settle(&mut range, 1);
        (range, curves)
    }

    /// Moves the ends in turn until neither moves; the curves of the last turn belong to the range that stays.
    fn settle(&self, range: &mut Range, stride: usize) -> Vec<Curve> {
        let mut curves = Vec::new();
        for _ in 0..MOST_TURNS {
            let before = *range;
            let low = self.end(Side::Low, *range, stride);
            range.low = self.better(*range, low.threshold().map(|low| Range { low, ..*range })).low;
            let high = self.end(Side::High, *range, stride);
            range.high = self.better(*range, high.threshold().map(|high| Range { high, ..*range })).high;
            curves = vec![low, high];
            if *range == before {
                break;
            }
        }
        curves
    }

    /// The candidate, unless it costs more than what is there: a coarse search may not contain the range it starts from.
    fn better(&self, now: Range, candidate: Option<Range>) -> Range {
        let is_better = |c: &Range| self.cost(*c) <= self.cost(now);
        candidate.filter(is_better).unwrap_or(now)
    }
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "test data of known size")]
mod tests {
    use super::*;
    use crate::quant::{Codes, Sign, fake_quantize};

    fn format(bits: u8, scheme: Scheme) -> IntegerFormat {
        IntegerFormat::onnxruntime(bits, scheme, Sign::Signed, Codes::Full).unwrap()
    }

    /// Two-sided, long tails: cubes of evenly spread values.
    fn tails(len: u32, shift: f64) -> Vec<f32> {
        (0..len)
            .map(|i| ((f64::from(i) * 0.618_033_988_75).fract() - 0.5).powi(3) as f32 * 80.0 + shift as f32)
            .collect()
    }

    fn true_mse(values: &[f32], format: IntegerFormat, range: Range) -> f64 {
        let mut out = vec![0.0; values.len()];
        fake_quantize(values, &mut out, &format.params(range).0);
        values.iter().zip(&out).map(|(f, q)| (f64::from(*q) - f64::from(*f)).powi(2)).sum::<f64>() / values.len() as f64
    }

    #[test]
    fn one_threshold_weighs_every_candidate_and_takes_the_least() {
        let values = tails(50_000, 0.0);
        let histogram = TensorHistogram::of(&values).unwrap();
        let four = format(4, Scheme::Symmetric);
        let (range, curves) = mse_curves(&histogram, four).unwrap();
        let [curve] = curves.as_slice() else { panic!("one curve") };
        assert_eq!((curve.side, curve.costs.len()), (Side::Both, BINS));
        assert_eq!(range.amax(), curve.threshold().unwrap());
        assert!(curve.costs.iter().all(|c| *c >= curve.costs[curve.best] * (1.0 - 1e-9)));
        // The data agree: no threshold of a hundred is better by more than the histogram blurs.
        let chosen = true_mse(&values, four, range);
        for step in 1..=100 {
            let other = true_mse(&values, four, Range::symmetric(range.amax() * step as f32 / 50.0));
            assert!(chosen <= other * 1.02, "{step}: {chosen} {other}");
        }
    }

    #[test]
    fn two_ends_settle_where_neither_can_be_moved_for_less() {
        let values = tails(50_000, 1.0);
        let histogram = TensorHistogram::of(&values).unwrap();
        let three = format(3, Scheme::Affine);
        let (range, curves) = mse_curves(&histogram, three).unwrap();
        let [low, high] = curves.as_slice() else { panic!("two curves") };
        assert_eq!((low.side, low.threshold()), (Side::Low, Some(range.low)));
        assert_eq!((high.side, high.threshold()), (Side::High, Some(range.high)));
        assert!(low.thresholds.is_sorted() && high.thresholds.is_sorted());
        assert_eq!(low.thresholds.first(), Some(&histogram.range().low), "the observed end is a candidate");
        assert_eq!(high.thresholds.last(), Some(&histogram.range().high));
        for curve in [low, high] {
            let least = curve.costs.iter().copied().fold(f64::INFINITY, f64::min);
            assert!(curve.costs[curve.best] <= least * (1.0 + 1e-9));
        }
        assert!(true_mse(&values, three, range) < 0.9 * true_mse(&values, three, histogram.range()));
    }

    #[test]
    fn many_levels_leave_nothing_to_clip() {
        let histogram = TensorHistogram::of(&tails(20_000, 0.5)).unwrap();
        let (range, _) = mse_curves(&histogram, format(16, Scheme::Affine)).unwrap();
        assert_eq!(range, histogram.range());
    }

    #[test]
    fn broken_data_say_why() {
        let of =
            |values: &[f32]| mse_curves(&TensorHistogram::of(values).unwrap(), format(8, Scheme::Affine)).map(|c| c.0);
        assert_eq!(of(&[0.0, 0.0]), Err(NoCandidate::NoData));
        assert_eq!(of(&[1.0, f32::INFINITY]), Err(NoCandidate::NotFinite));
        let one = of(&[3.0]).unwrap();
        assert!(one.high > 2.9 && one.high <= 3.0, "{one:?}");
    }
}
