//! How the values of a quantized run lie over those of the float run: counts over pairs of bins, small enough to draw.

use rayon::prelude::*;

use crate::{
    parallel,
    quant::{QuantParams, Range},
};

/// Bins a side.
pub const DENSITY_BINS: usize = 96;

/// Counts of pairs `(float, quantized)` over one range for both.
#[derive(Clone, Debug, PartialEq)]
pub struct Density {
    /// What is counted: a tensor name.
    pub tensor: String,
    /// Lower edge of the first bin, of both axes.
    pub low: f32,
    /// Upper edge of the last bin.
    pub high: f32,
    /// `counts[DENSITY_BINS · row + column]`: the row is the quantized value's bin, the column the float value's.
    pub counts: Vec<u64>,
    /// By column, the mean of the quantized values; `None` where no float value fell.
    pub means: Vec<Option<f64>>,
    /// Pairs counted; those with a value that is not finite are not.
    pub values: u64,
    /// Share of the pairs that differ by at most half a step of the output's quantizer, which is all that rounding may
    /// do; `None` where there is no one step.
    pub rounding_share: Option<f64>,
}

/// Counts of one stretch of values.
#[derive(Clone)]
struct Part {
    counts: Vec<u64>,
    sums: Vec<f64>,
    near: u64,
    values: u64,
}

impl Density {
    /// Counts pairs of equally long slices; `None` where no range contains them.
    pub fn of(tensor: &str, range: Range, params: Option<QuantParams>, pairs: &[(&[f32], &[f32])]) -> Option<Self> {
        let (low, high) = (range.low, range.high);
        if !(low.is_finite() && high.is_finite() && low < high) {
            return None;
        }
        let half = params.map(|params| 0.5 * params.scale);
        // Parts of one sample are merged in order: sums of floats are the same whatever the threads do.
        let parts: Vec<Part> =
            pairs.par_iter().with_min_len(parallel::grain()).map(|(f, q)| Part::of(f, q, range, half)).collect();
        let mut all = Part::empty();
        parts.into_iter().for_each(|part| all.add(&part));
        let columns = (0..DENSITY_BINS).map(|column| {
            let count: u64 = (0..DENSITY_BINS).map(|row| all.counts[DENSITY_BINS * row + column]).sum();
            #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
            (count > 0).then(|| all.sums[column] / count as f64)
        });
        let means = columns.collect();
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
        let rounding_share = half.filter(|_| all.values > 0).map(|_| all.near as f64 / all.values as f64);
        Some(Self {
            tensor: tensor.to_owned(),
            low,
            high,
            counts: all.counts,
            means,
            values: all.values,
            rounding_share,
        })
    }

    /// The middle of a bin.
    pub fn middle(&self, bin: usize) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "96 bins")]
        let place = (bin as f64 + 0.5) / DENSITY_BINS as f64;
        f64::from(self.low) + place * (f64::from(self.high) - f64::from(self.low))
    }
}

impl Part {
    fn empty() -> Self {
        Self { counts: vec![0; DENSITY_BINS * DENSITY_BINS], sums: vec![0.0; DENSITY_BINS], near: 0, values: 0 }
    }

    fn of(float: &[f32], quantized: &[f32], range: Range, half: Option<f32>) -> Self {
        let mut part = Self::empty();
        #[expect(clippy::cast_precision_loss, reason = "96 bins")]
        let per_unit = DENSITY_BINS as f32 / (range.high - range.low);
        // A saturating cast: what lies outside is counted in the edge bins, and NaN was left out.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "saturates, then is cut to the bins"
        )]
        let bin = |value: f32| (((value - range.low) * per_unit) as usize).min(DENSITY_BINS - 1);
        // A float32 step apart is still half a step: the values are multiples of S computed in float32.
        let near = half.map_or(f32::NEG_INFINITY, |half| half * (1.0 + 1e-5));
        for (&f, &q) in float.iter().zip(quantized) {
            if !(f.is_finite() && q.is_finite()) {
                continue;
            }
            let column = bin(f);
            part.counts[DENSITY_BINS * bin(q) + column] += 1;
            part.sums[column] += f64::from(q);
            part.near += u64::from((q - f).abs() <= near);
            part.values += 1;
        }
        part
    }

    fn add(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(all, one)| *all += one);
        self.sums.iter_mut().zip(&other.sums).for_each(|(all, one)| *all += one);
        self.near += other.near;
        self.values += other.values;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quant::Grid;

    #[test]
    fn pairs_by_hand() {
        // 0…96 in 96 bins: bin n holds n … n + 1. S = 2: half a step is 1.
        let params = QuantParams { scale: 2.0, zero_point: 0, grid: Grid::signed(8).unwrap() };
        let float = [0.5, 10.25, 10.75, 95.0, f32::NAN, 200.0];
        let quantized = [0.0, 10.0, 12.0, 90.0, 1.0, -5.0];
        let density = Density::of("t", Range::new(0.0, 96.0), Some(params), &[(&float, &quantized)]).unwrap();
        assert_eq!(density.values, 5, "the NaN is left out");
        let at = |row: usize, column: usize| density.counts[DENSITY_BINS * row + column];
        assert_eq!((at(0, 0), at(10, 10), at(12, 10), at(90, 95)), (1, 1, 1, 1));
        assert_eq!(at(0, 95), 1, "what lies outside is in the edge bins");
        assert_eq!(density.means[10], Some(11.0));
        assert_eq!(density.means[95], Some((90.0 - 5.0) / 2.0));
        assert_eq!(density.means[50], None);
        // 0.5, 0.25 are within 1; 1.25, 5 and 205 are not.
        assert_eq!(density.rounding_share, Some(2.0 / 5.0));
        assert!((density.middle(10) - 10.5).abs() < 1e-12);
    }

    #[test]
    fn without_a_range_there_is_nothing_to_draw() {
        assert_eq!(Density::of("t", Range::new(1.0, 1.0), None, &[]), None);
        assert_eq!(Density::of("t", Range::new(0.0, f32::INFINITY), None, &[]), None);
    }
}
