//! The threshold at which the error of quantization has the least Shannon entropy (QUANTIZATION.md §3, the minimum
//! error-entropy criterion).
//!
//! A value is uniform within its histogram bin, an exact zero has no error. The error's mass is counted in cells of one
//! width for all candidates, 1/16 of the min–max step: cells that shrank with the step would make every threshold look
//! alike. How large errors are does not matter here, only how spread they are, so it clips harder than MSE.

use rayon::prelude::*;

use super::{
    curve::{Curve, NoCandidate, Side, candidate, cheapest, cut},
    histogram::{BINS, TensorHistogram, real},
    sided_bins::SIDE_BINS,
};
use crate::quant::{IntegerFormat, QuantParams};

/// Cells to one step of the min–max grid.
const CELLS_PER_STEP: f64 = 16.0;
/// Costs closer than this are a tie (nats).
const RESOLUTION: f64 = 1e-9;

/// The entropy of every threshold, in nats.
///
/// # Errors
/// [`NoCandidate`] when there is no threshold to choose between; a grid with as many levels as the histogram has bins
/// is one: its errors are finer than what a bin tells.
pub fn entropy_curve(histogram: &TensorHistogram, format: IntegerFormat) -> Result<Curve, NoCandidate> {
    if let Some(why) = histogram.unusable() {
        return Err(why);
    }
    if format.grid.levels() as usize >= BINS {
        return Err(NoCandidate::TooManyLevels);
    }
    let observed = histogram.range();
    let cell = f64::from(format.params(observed).0.scale) / CELLS_PER_STEP;
    let data = Data::new(histogram, cell);
    let thresholds: Vec<f32> = (1..=BINS).map(|step| candidate(observed.amax(), step, BINS)).collect();
    let costs: Vec<f64> = thresholds
        .par_iter()
        .with_min_len(32)
        .map_init(Cells::default, |cells, t| data.entropy(&format.params(cut(observed, *t)).0, cells))
        .collect();
    let best = cheapest(&costs, RESOLUTION);
    Ok(Curve { side: Side::Both, thresholds, costs, best })
}

/// The histogram in units of a cell.
struct Data {
    /// Occupied bins of the side at and above 0: index and values, exact zeros left out.
    positive: Vec<(usize, f64)>,
    negative: Vec<(usize, f64)>,
    zeros: f64,
    total: f64,
    /// Width of a bin, in cells.
    width: f64,
    /// Width of a cell, in the tensor's unit.
    cell: f64,
}

impl Data {
    fn new(histogram: &TensorHistogram, cell: f64) -> Self {
        const STEP: usize = SIDE_BINS / BINS;
        let side = |counts: &[u64], zeros: u64| {
            let merged = counts.chunks(STEP).map(|bins| bins.iter().sum::<u64>()).enumerate();
            let rest = merged.map(|(bin, count)| (bin, real(count - if bin == 0 { zeros } else { 0 })));
            rest.filter(|(_, count)| *count > 0.0).collect()
        };
        Self {
            positive: side(histogram.positive(), histogram.zeros()),
            negative: side(histogram.negative(), 0),
            zeros: real(histogram.zeros()),
            total: real(histogram.total()),
            width: histogram.bin_width() * real(STEP as u64) / cell,
            cell,
        }
    }

    fn entropy(&self, params: &QuantParams, cells: &mut Cells) -> f64 {
        let step = f64::from(params.scale) / self.cell;
        let codes = |codes: i32| f64::from(codes.max(0));
        let high = codes(params.grid.q_max() - params.zero_point);
        let low = codes(params.zero_point - params.grid.q_min());
        cells.clear();
        // Above 0 the error r′ − r falls as r grows; below 0 it is mirrored.
        self.add_side(&self.positive, step, high, &mut |from, to, mass| cells.add(-to, -from, mass));
        self.add_side(&self.negative, step, low, &mut |from, to, mass| cells.add(from, to, mass));
        cells.add_point(0.0, self.zeros);
        cells.entropy(self.total)
    }

    /// Hands on every stretch of `|r| − |r′|`, in cells, over which a bin's mass is uniform.
    fn add_side(&self, bins: &[(usize, f64)], step: f64, codes: f64, add: &mut impl FnMut(f64, f64, f64)) {
        for &(bin, mass) in bins {
            let (mut from, end) = (real(bin as u64) * self.width, real(bin as u64 + 1) * self.width);
            while from < end {
                // A stretch belongs to one code: up to half a step above it, without end for the last.
                let code = (from / step + 0.5).floor().min(codes);
                let border = if code < codes { (code + 0.5) * step } else { end };
                // Rounding may put `from` on the border already.
                let to = if border > from { border.min(end) } else { (from + step).min(end) };
                add(from - code * step, to - code * step, mass * (to - from) / self.width);
                from = to;
            }
        }
    }
}

/// Mass of the error by cell; cell `k` is `[k, k+1)`.
#[derive(Default)]
struct Cells {
    /// Cells at and above 0.
    above: Vec<f64>,
    /// Cell −1, −2, ….
    below: Vec<f64>,
}

impl Cells {
    fn clear(&mut self) {
        self.above.clear();
        self.below.clear();
    }

    /// Spreads `mass` evenly over `[from, to]`.
    fn add(&mut self, from: f64, to: f64, mass: f64) {
        let density = mass / (to - from);
        if !density.is_finite() {
            return self.add_point(from, mass);
        }
        let (first, last) = (from.floor(), to.floor());
        if first >= last {
            return self.add_point(from, mass);
        }
        self.add_point(from, density * (first + 1.0 - from));
        let mut cell = first + 1.0;
        while cell < last {
            self.add_point(cell, density);
            cell += 1.0;
        }
        if to > last {
            self.add_point(last, density * (to - last));
        }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a non-negative number of cells")]
    fn add_point(&mut self, at: f64, mass: f64) {
        let cell = at.floor();
        let (side, index) =
            if cell < 0.0 { (&mut self.below, (-1.0 - cell) as usize) } else { (&mut self.above, cell as usize) };
        if index >= side.len() {
            side.resize(index + 1, 0.0);
        }
        side[index] += mass;
    }

    fn entropy(&self, total: f64) -> f64 {
        let mass = self.above.iter().chain(&self.below).filter(|m| **m > 0.0);
        mass.map(|m| -(m / total) * (m / total).ln()).sum()
    }
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "test data of known size")]
mod tests {
    use super::*;
    use crate::quant::{Codes, Range, Scheme, Sign, fake_quantize};

    fn format(bits: u8, scheme: Scheme) -> IntegerFormat {
        IntegerFormat::onnxruntime(bits, scheme, Sign::Signed, Codes::Full).unwrap()
    }

    #[test]
    fn a_spread_by_hand() {
        // 4 over [−0.5, 1.5]: density 2: 1 in cell −1, 2 in cell 0, 1 in cell 1; and a point. −Σp ln p of ½, ¼, ¼.
        let mut cells = Cells::default();
        cells.add(-0.5, 1.5, 4.0);
        assert_eq!((cells.below.clone(), cells.above.clone()), (vec![1.0], vec![2.0, 1.0]));
        let expected = 0.5 * 2.0_f64.ln() + 0.5 * 4.0_f64.ln();
        assert!((cells.entropy(4.0) - expected).abs() < 1e-12);
        cells.clear();
        cells.add(0.25, 0.5, 3.0);
        cells.add_point(-1.0, 1.0);
        assert_eq!((cells.below, cells.above), (vec![1.0], vec![3.0]));
    }

    #[test]
    fn uniform_data_on_an_even_grid_fill_the_sixteen_cells_of_a_step() {
        // Uniform over [0, 1], 2 bits: S = 1/3, cells of 1/48; every error in (−S/2, S/2) equally likely: ln 16, but for
        // the half steps at both ends, which keep to one side each: −S/2…0 and 0…S/2 are one whole step together.
        let values: Vec<f32> = (0..96_000_u32).map(|i| i as f32 / 95_999.0).collect();
        let histogram = TensorHistogram::of(&values).unwrap();
        let curve = entropy_curve(&histogram, format(2, Scheme::Affine)).unwrap();
        let last = *curve.costs.last().unwrap();
        assert!((last - 16.0_f64.ln()).abs() < 1e-3, "{last} {}", 16.0_f64.ln());
        assert_eq!(curve.costs.len(), BINS, "every candidate is kept");
    }

    /// Many points a bin through the real kernel, counted in cells.
    fn sampled(values: &[f32], params: &QuantParams, cell: f64) -> f64 {
        let mut out = vec![0.0; values.len()];
        fake_quantize(values, &mut out, params);
        let mut counts = std::collections::BTreeMap::new();
        for (f, q) in values.iter().zip(&out) {
            let index = ((f64::from(*q) - f64::from(*f)) / cell).floor() as i64;
            *counts.entry(index).or_insert(0_u32) += 1;
        }
        let n = values.len() as f64;
        counts.values().map(|c| -(f64::from(*c) / n) * (f64::from(*c) / n).ln()).sum()
    }

    #[test]
    fn the_curve_agrees_with_sampling_the_kernel() {
        // Evenly spread over [−1, 3], so uniform within a bin is what the data are.
        let values: Vec<f32> = (0..2_000_003_u32).map(|i| (f64::from(i) / 500_000.5 - 1.0) as f32).collect();
        let histogram = TensorHistogram::of(&values).unwrap();
        let form = format(4, Scheme::Affine);
        let curve = entropy_curve(&histogram, form).unwrap();
        let cell = f64::from(form.params(Range::new(-1.0, 3.0)).0.scale) / 16.0;
        for index in [200, 700, 1500, 2000] {
            let range = cut(histogram.range(), curve.thresholds[index]);
            let expected = sampled(&values, &form.params(range).0, cell);
            assert!((curve.costs[index] - expected).abs() < 5e-3, "{index}: {} {expected}", curve.costs[index]);
        }
    }

    #[test]
    fn it_clips_an_outlier_and_says_when_it_cannot() {
        let mut values: Vec<f32> = (0..40_000_u32).map(|i| ((f64::from(i) * 0.618_034).fract() - 0.5) as f32).collect();
        values.push(10.0);
        let histogram = TensorHistogram::of(&values).unwrap();
        let curve = entropy_curve(&histogram, format(4, Scheme::Symmetric)).unwrap();
        assert!(curve.threshold().unwrap() < 1.0, "{:?}", curve.threshold());
        assert_eq!(entropy_curve(&histogram, format(16, Scheme::Affine)), Err(NoCandidate::TooManyLevels));
        let zeros = TensorHistogram::of(&[0.0]).unwrap();
        assert_eq!(entropy_curve(&zeros, format(8, Scheme::Affine)), Err(NoCandidate::NoData));
    }
}
