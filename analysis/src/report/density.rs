//! How the values of a quantized run lie over those of the float run: counts over pairs of bins, small enough to draw.

use rayon::prelude::*;

use crate::{
    parallel,
    quant::{QuantParams, Range},
};

/// Bins a side.
pub const DENSITY_BINS: usize = 96;

/// The bins of both axes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bins {
    /// Lower edge of the first and upper edge of the last one.
    pub range: Range,
    /// `None`: equally wide. Else equally wide in `sign(v)·ln(1 + |v|/unit)`: values of every size have bins of their own.
    pub unit: Option<f32>,
}

/// Counts of pairs `(float, quantized)` over the same bins for both.
#[derive(Clone, Debug, PartialEq)]
pub struct Density {
    /// What is counted: a tensor name.
    pub tensor: String,
    /// The bins of both axes.
    pub bins: Bins,
    /// `counts[DENSITY_BINS · row + column]`: the row is the quantized value's bin, the column the float value's.
    pub counts: Vec<u64>,
    /// By column, the pairs whose float value fell into it, also those in no bin.
    pub columns: Vec<u64>,
    /// By column, the mean of the quantized values, also those outside; `None` where no float value fell.
    pub means: Vec<Option<f64>>,
    /// All pairs; those with a value that is not finite are left out.
    pub values: u64,
    /// Pairs of which a value lies outside the bins: in no bin.
    pub outside: u64,
    /// Share of the pairs that differ by at most half a step of the output's quantizer, which is all that rounding may
    /// do; `None` where there is no one step.
    pub rounding_share: Option<f64>,
}

/// Counts of one stretch of values.
#[derive(Clone)]
struct Part {
    counts: Vec<u64>,
    sums: Vec<f64>,
    by_column: Vec<u64>,
    near: u64,
    values: u64,
    outside: u64,
}

impl Bins {
    /// Where a value stands among equally wide bins.
    fn place(self, value: f32) -> f32 {
        match self.unit {
            None => value,
            Some(unit) => (value.abs() / unit).ln_1p().copysign(value),
        }
    }

    /// The value at this share of the way from the first edge to the last.
    fn value(self, share: f64) -> f64 {
        let (low, high) = (f64::from(self.place(self.range.low)), f64::from(self.place(self.range.high)));
        let placed = low + share * (high - low);
        match self.unit {
            None => placed,
            Some(unit) => (placed.abs().exp_m1() * f64::from(unit)).copysign(placed),
        }
    }

    /// The edges, one more than there are bins.
    pub fn edges(self) -> Vec<f64> {
        #[expect(clippy::cast_precision_loss, reason = "96 bins")]
        let share = |edge: usize| edge as f64 / DENSITY_BINS as f64;
        (0..=DENSITY_BINS).map(|edge| self.value(share(edge))).collect()
    }

    /// The middle of a bin, as it is drawn.
    pub fn middle(self, bin: usize) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "96 bins")]
        let share = (bin as f64 + 0.5) / DENSITY_BINS as f64;
        self.value(share)
    }
}

impl Density {
    /// Counts pairs of equally long slices; `None` where no range contains them.
    pub fn of(tensor: &str, bins: Bins, params: Option<QuantParams>, pairs: &[(&[f32], &[f32])]) -> Option<Self> {
        let (low, high) = (bins.range.low, bins.range.high);
        if !(low.is_finite() && high.is_finite() && low < high) {
            return None;
        }
        let half = params.map(|params| 0.5 * params.scale);
        // Parts of one sample are merged in order: sums of floats are the same whatever the threads do.
        let parts: Vec<Part> =
            pairs.par_iter().with_min_len(parallel::grain()).map(|(f, q)| Part::of(f, q, bins, half)).collect();
        let mut all = Part::empty();
        parts.into_iter().for_each(|part| all.add(&part));
        let columns = (0..DENSITY_BINS).map(|column| {
            let count = all.by_column[column];
            #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
            (count > 0).then(|| all.sums[column] / count as f64)
        });
        let means = columns.collect();
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
        let rounding_share = half.filter(|_| all.values > 0).map(|_| all.near as f64 / all.values as f64);
        Some(Self {
            tensor: tensor.to_owned(),
            bins,
            counts: all.counts,
            columns: all.by_column,
            means,
            values: all.values,
            outside: all.outside,
            rounding_share,
        })
    }

    /// What it would be of the float run against itself: every value on the diagonal.
    pub(super) fn as_float(&self) -> Self {
        let mut counts = vec![0; DENSITY_BINS * DENSITY_BINS];
        for (bin, count) in self.columns.iter().enumerate() {
            counts[(DENSITY_BINS + 1) * bin] = *count;
        }
        let mean = |(bin, mean): (usize, &Option<f64>)| mean.map(|_| self.bins.middle(bin));
        Self {
            counts,
            means: self.means.iter().enumerate().map(mean).collect(),
            outside: self.values - self.columns.iter().sum::<u64>(),
            rounding_share: None,
            ..self.clone()
        }
    }
}

impl Part {
    fn empty() -> Self {
        Self {
            counts: vec![0; DENSITY_BINS * DENSITY_BINS],
            sums: vec![0.0; DENSITY_BINS],
            by_column: vec![0; DENSITY_BINS],
            near: 0,
            values: 0,
            outside: 0,
        }
    }

    fn of(float: &[f32], quantized: &[f32], bins: Bins, half: Option<f32>) -> Self {
        let mut part = Self::empty();
        let Range { low, high } = bins.range;
        let first = bins.place(low);
        #[expect(clippy::cast_precision_loss, reason = "96 bins")]
        let per_unit = DENSITY_BINS as f32 / (bins.place(high) - first);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not below the first edge, then is cut to the bins"
        )]
        let bin = |value: f32| {
            let is_inside = low <= value && value <= high;
            is_inside.then(|| (((bins.place(value) - first) * per_unit) as usize).min(DENSITY_BINS - 1))
        };
        // A float32 step apart is still half a step: the values are multiples of S computed in float32.
        let near = half.map_or(f32::NEG_INFINITY, |half| half * (1.0 + 1e-5));
        for (&f, &q) in float.iter().zip(quantized) {
            if !(f.is_finite() && q.is_finite()) {
                continue;
            }
            let (column, row) = (bin(f), bin(q));
            if let Some(column) = column {
                part.sums[column] += f64::from(q);
                part.by_column[column] += 1;
            }
            match (row, column) {
                (Some(row), Some(column)) => part.counts[DENSITY_BINS * row + column] += 1,
                _ => part.outside += 1,
            }
            part.near += u64::from((q - f).abs() <= near);
            part.values += 1;
        }
        part
    }

    fn add(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(all, one)| *all += one);
        self.sums.iter_mut().zip(&other.sums).for_each(|(all, one)| *all += one);
        self.by_column.iter_mut().zip(&other.by_column).for_each(|(all, one)| *all += one);
        self.outside += other.outside;
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
        let bins = Bins { range: Range::new(0.0, 96.0), unit: None };
        let density = Density::of("t", bins, Some(params), &[(&float, &quantized)]).unwrap();
        assert_eq!(density.values, 5, "the NaN is left out");
        let at = |row: usize, column: usize| density.counts[DENSITY_BINS * row + column];
        assert_eq!((at(0, 0), at(10, 10), at(12, 10), at(90, 95)), (1, 1, 1, 1));
        assert_eq!((density.outside, density.counts.iter().sum::<u64>()), (1, 4), "200 is in no bin");
        assert_eq!(density.means[10], Some(11.0));
        assert_eq!(density.means[95], Some(90.0));
        assert_eq!(density.means[50], None);
        let float = density.as_float();
        assert_eq!((float.counts[97 * 10], float.outside, float.means[10]), (2, 1, Some(10.5)));
        // 0.5, 0.25 are within 1; 1.25, 5 and 205 are not.
        assert_eq!(density.rounding_share, Some(2.0 / 5.0));
        assert!((bins.middle(10) - 10.5).abs() < 1e-12);
        assert_eq!(bins.edges()[..3], [0.0, 1.0, 2.0]);
    }

    #[test]
    fn bins_of_every_size_hold_what_their_edges_say() {
        let bins = Bins { range: Range::new(-1.0, 1000.0), unit: Some(0.01) };
        let edges = bins.edges();
        assert!((edges[0] + 1.0).abs() < 1e-6 && (edges[DENSITY_BINS] / 1000.0 - 1.0).abs() < 1e-5, "{edges:?}");
        for value in [-0.9_f32, -0.02, 0.0, 0.003, 0.7, 40.0, 999.0] {
            let density = Density::of("t", bins, None, &[(&[value], &[value])]).unwrap();
            let bin = density.counts.iter().position(|count| *count == 1).unwrap() % DENSITY_BINS;
            assert!(edges[bin] <= f64::from(value) && f64::from(value) <= edges[bin + 1], "{value}: bin {bin}");
        }
    }

    #[test]
    fn without_a_range_there_is_nothing_to_draw() {
        for range in [Range::new(1.0, 1.0), Range::new(0.0, f32::INFINITY)] {
            assert_eq!(Density::of("t", Bins { range, unit: None }, None, &[]), None);
        }
    }
}
