//! The squared error that a grid makes of a tensor, from its histogram alone.
//!
//! Values are taken as uniform within their bin, exact zeros as exactly zero. The integral over a bin has a closed form:
//! with `u = x/S`, `k = round(u)`, `f = u − k`, the primitive of the squared rounding error is `S³·(k/12 + f³/3)`, and
//! beyond the last code `(x − top)³/3` is added. So a grid costs one evaluation an edge, whatever its step: no sampling
//! of the bins, and a step finer than a bin is no special case.

use super::{
    count::ROUND,
    histogram::{TensorHistogram, real},
};
use crate::quant::{QuantParams, wide::wide};

/// float64 sums kept side by side.
const LANES: usize = 8;

/// One side of a histogram, prepared for many grids.
#[derive(Clone, Debug)]
struct Side {
    /// Values in each bin, exact zeros left out.
    counts: Vec<f64>,
    /// At edge `i`: the density before it minus the density behind it, up to the last edge with a value before it.
    steps: Vec<f64>,
}

/// A histogram prepared for asking about many grids.
#[derive(Clone, Debug)]
pub struct HistogramError {
    positive: Side,
    negative: Side,
    width: f64,
    total: f64,
}

/// What a grid does to a tensor, as the histogram tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RangeEffect {
    /// Share of the values outside the range: further than half a step beyond the last code.
    pub clipped_share: f64,
    /// Mean over all values of the squared error of those inside.
    pub rounding_mse: f64,
    /// Mean over all values of the squared error of those outside.
    pub clipping_mse: f64,
    /// Mean square of the values.
    pub signal: f64,
}

impl RangeEffect {
    /// The squared error, averaged over all values.
    pub fn mse(&self) -> f64 {
        self.rounding_mse + self.clipping_mse
    }

    /// `10·log10(signal/MSE)`; `None` where either is 0.
    pub fn sqnr_db(&self) -> Option<f64> {
        let ratio = self.signal / self.mse();
        (ratio.is_finite() && ratio > 0.0).then(|| 10.0 * ratio.log10())
    }

    /// Share of the squared error that clipping makes; 0 without an error.
    pub fn clipping_share(&self) -> f64 {
        if self.mse() > 0.0 { self.clipping_mse / self.mse() } else { 0.0 }
    }
}

impl HistogramError {
    /// Prepares `histogram`; `None` where it holds nothing finite but zeros.
    pub fn new(histogram: &TensorHistogram) -> Option<Self> {
        if histogram.unusable().is_some() {
            return None;
        }
        let width = histogram.bin_width();
        let side = |counts: &[u64], zeros: u64| {
            let mut counts: Vec<f64> = counts.iter().map(|c| real(*c)).collect();
            counts[0] -= real(zeros);
            let last = counts.iter().rposition(|c| *c > 0.0).map_or(0, |last| last + 1);
            counts.truncate(last);
            let before = std::iter::once(0.0).chain(counts.iter().copied());
            let behind = counts.iter().copied().chain(std::iter::once(0.0));
            let steps = before.zip(behind).map(|(b, a)| (b - a) / width).collect();
            Side { counts, steps }
        };
        Some(Self {
            positive: side(histogram.positive(), histogram.zeros()),
            negative: side(histogram.negative(), 0),
            width,
            total: real(histogram.total()),
        })
    }

    /// The mean squared error of sending the values through `params`.
    pub fn mse(&self, params: &QuantParams) -> f64 {
        let scale = f64::from(params.scale);
        let energy = |side: &Side, codes: i32| energy(&side.steps, self.width / scale, f64::from(codes.max(0)));
        let [low, high] = codes(params);
        (energy(&self.positive, high) + energy(&self.negative, low)) * scale.powi(3) / self.total
    }

    /// The error of sending the values through `params`, taken apart.
    pub fn effect(&self, params: &QuantParams) -> RangeEffect {
        let [low, high] = codes(params);
        let mut effect = RangeEffect::default();
        for (side, codes) in [(&self.positive, high), (&self.negative, low)] {
            self.add_side(side, f64::from(codes.max(0)), f64::from(params.scale), &mut effect);
        }
        let mean = |sum: f64| (sum / self.total).max(0.0);
        RangeEffect {
            clipped_share: mean(effect.clipped_share),
            rounding_mse: mean(effect.rounding_mse),
            clipping_mse: mean(effect.clipping_mse),
            signal: mean(effect.signal),
        }
    }

    /// Adds sums over one side, in whose bins the range ends half a step beyond the last code.
    fn add_side(&self, side: &Side, codes: f64, scale: f64, sums: &mut RangeEffect) {
        let border = (codes + 0.5) * scale;
        for (bin, count) in side.counts.iter().enumerate().filter(|(_, count)| **count > 0.0) {
            let (a, b) = (real(bin as u64) * self.width, real(bin as u64 + 1) * self.width);
            let density = count / self.width;
            let split = border.clamp(a, b);
            let square = |from: f64, to: f64| {
                let at = |x: f64| primitive(x / scale, codes);
                density * (at(to) - at(from)) * scale.powi(3)
            };
            sums.clipped_share += density * (b - split);
            sums.rounding_mse += square(a, split);
            sums.clipping_mse += square(split, b);
            sums.signal += density * (b.powi(3) - a.powi(3)) / 3.0;
        }
    }
}

/// Codes below and above the one for 0.
fn codes(params: &QuantParams) -> [i32; 2] {
    [params.zero_point - params.grid.q_min(), params.grid.q_max() - params.zero_point]
}

/// The primitive of the squared error from 0 to `u`, both in steps; cubic steps.
#[inline(always)]
fn primitive(u: f64, codes: f64) -> f64 {
    let inside = if u < codes { u } else { codes };
    // Half to even; `round_ties_even` is a library call on baseline x86-64.
    let k = (inside + ROUND) - ROUND;
    let (f, beyond) = (inside - k, u - inside);
    k / 12.0 + (f * f * f + beyond * beyond * beyond) / 3.0
}

wide! {
    /// `Σ density·∫error²` of one side in cubic steps: summed by parts, edge by edge.
    fn energy(steps: &[f64], width: f64, codes: f64) -> f64 = energy_body;
}

#[inline(always)]
fn energy_body(steps: &[f64], width: f64, codes: f64) -> f64 {
    let mut lanes = [0.0; LANES];
    let mut edge = [0.0; LANES];
    for (lane, edge) in edge.iter_mut().enumerate() {
        *edge = real(lane as u64);
    }
    let (eights, rest) = steps.as_chunks::<LANES>();
    for eight in eights {
        for lane in 0..LANES {
            lanes[lane] += primitive(edge[lane] * width, codes) * eight[lane];
            edge[lane] += real(LANES as u64);
        }
    }
    for (lane, step) in rest.iter().enumerate() {
        lanes[lane] += primitive(edge[lane] * width, codes) * step;
    }
    lanes.iter().sum()
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "test data of known size")]
mod tests {
    use super::*;
    use crate::quant::{Grid, Range, affine, fake_quantize};

    #[test]
    fn a_bin_by_hand() {
        // One value in the last bin [4095, 4096)·1/4096 of [0, 1]; a grid of S = 1, codes 0 … 7: r′ = 1, and
        // ∫(1 − r)² over the bin is w³/3 at density 1/w: w²/3.
        let histogram = TensorHistogram::of(&[1.0]).unwrap();
        let error = HistogramError::new(&histogram).unwrap();
        let params = QuantParams { scale: 1.0, zero_point: 0, grid: Grid::unsigned(3).unwrap() };
        let w = 1.0 / 4096.0;
        assert!((error.mse(&params) / (w * w / 3.0) - 1.0).abs() < 1e-6, "{}", error.mse(&params));
        // S = 1/16, last code 7/16: clipped, error 1 − 7/16 = 9/16 less the spread within the bin.
        let params = QuantParams { scale: 0.0625, ..params };
        let effect = error.effect(&params);
        let expected = ((0.5625_f64).powi(3) - (0.5625 - w).powi(3)) / 3.0 / w;
        assert!((effect.clipping_mse / expected - 1.0).abs() < 1e-9);
        assert_eq!((effect.clipped_share, effect.rounding_mse), (1.0, 0.0));
    }

    #[test]
    fn the_two_ways_and_the_data_agree() {
        let values: Vec<f32> = (0..200_000)
            .map(|i| {
                let u = (f64::from(i) * 0.618_033_988_75).fract() - 0.5;
                (u * u * u * 40.0 + 0.4) as f32
            })
            .chain(vec![0.0; 50_000])
            .collect();
        let histogram = TensorHistogram::of(&values).unwrap();
        let error = HistogramError::new(&histogram).unwrap();
        for (range, bits) in [
            (Range::new(-4.6, 5.4), 8),
            (Range::new(-1.0, 2.0), 8),
            (Range::new(-2.0, 0.5), 4),
            (Range::new(0.0, 3.0), 3),
        ] {
            let (params, _) = affine(range, Grid::signed(bits).unwrap());
            let mut out = vec![0.0; values.len()];
            let clipping = fake_quantize(&values, &mut out, &params);
            let n = values.len() as f64;
            let (rounding, clipped) = (clipping.rounding_error_energy / n, clipping.clipped_error_energy / n);
            let effect = error.effect(&params);
            assert!((effect.mse() / error.mse(&params) - 1.0).abs() < 1e-9);
            // Uniform within a bin is an approximation: 2 % of the error, here.
            assert!((effect.rounding_mse - rounding).abs() < 0.02 * (rounding + clipped), "{effect:?} {rounding}");
            assert!((effect.clipping_mse - clipped).abs() < 0.02 * (rounding + clipped), "{effect:?} {clipped}");
            assert!((effect.clipped_share - clipping.clipped as f64 / n).abs() < 1e-3);
            let signal = values.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / n;
            assert!((effect.signal / signal - 1.0).abs() < 1e-3);
        }
    }

    #[test]
    fn nothing_but_zeros_has_no_error() {
        assert!(HistogramError::new(&TensorHistogram::of(&[0.0, 0.0]).unwrap()).is_none());
        assert_eq!(RangeEffect::default().sqnr_db(), None);
        assert_eq!(RangeEffect::default().clipping_share(), 0.0);
    }
}
