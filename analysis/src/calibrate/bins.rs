//! Uniform bins and the loop that fills them.
//!
//! A bin holds its left end and not its right one, except the last, which holds both. Places are computed in float64 by
//! vector code; counting them cannot be vector code and is in [`super::count`].

use super::count::{ROUND, Rule, low_bits, observe};
use crate::quant::wide::wide;

/// Uniform bins over `[low, high]`; values outside are counted in the first or last bin.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bins {
    low: f64,
    per_unit: f64,
    counts: Vec<u64>,
    /// NaNs seen, which are in no bin.
    nan: u64,
}

impl Bins {
    pub(super) fn new(low: f64, high: f64, bins: usize) -> Self {
        let width = high - low;
        // Without a width everything goes to the first bin: (r − low)·0 = 0.
        #[expect(clippy::cast_precision_loss, reason = "a few thousand bins")]
        let per_unit = if width > 0.0 && width.is_finite() { bins as f64 / width } else { 0.0 };
        Self { low, per_unit, counts: vec![0; bins], nan: 0 }
    }

    pub(super) fn observe(&mut self, values: &[f32]) {
        let rule = Uniform { low: self.low, per_unit: self.per_unit, bins: self.counts.len() };
        self.nan += observe(values, &rule, &mut self.counts);
    }

    /// Values in each bin.
    pub(super) fn counts(&self) -> &[u64] {
        &self.counts
    }
}

/// The places of [`Bins`].
#[derive(Clone, Copy)]
struct Uniform {
    low: f64,
    per_unit: f64,
    bins: usize,
}

impl Rule for Uniform {
    fn bins(&self) -> usize {
        self.bins
    }

    fn fill(&self, values: &[f32], places: &mut [u32]) {
        uniform_places(values, places, *self);
    }
}

wide! {
    fn uniform_places(values: &[f32], places: &mut [u32], rule: Uniform) = uniform_body;
}

#[inline(always)]
fn uniform_body(values: &[f32], places: &mut [u32], rule: Uniform) {
    // Invariant: at least one bin, so `bins − 1` is the last one.
    #[expect(clippy::cast_precision_loss, reason = "a few thousand bins")]
    let last = (rule.bins - 1) as f64;
    #[expect(clippy::cast_possible_truncation, reason = "a few thousand bins")]
    let nan = rule.bins as u32;
    for (value, slot) in values.iter().zip(places) {
        let place = (f64::from(*value) - rule.low) * rule.per_unit;
        let place = if place > 0.0 { place } else { 0.0 };
        let place = if place < last { place } else { last };
        let nearest = place + ROUND;
        // What was rounded up is one too large.
        let above = u32::from(nearest - ROUND > place);
        *slot = if value.is_nan() { nan } else { low_bits(nearest).wrapping_sub(above) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quant::{lanes::odd_values, wide::with_each};

    /// One value at a time, with a cast for the floor.
    fn twin(low: f64, high: f64, bins: usize, values: &[f32]) -> Bins {
        let mut twin = Bins::new(low, high, bins);
        for value in values.iter().copied() {
            if value.is_nan() {
                twin.nan += 1;
                continue;
            }
            let place = (f64::from(value) - low) * twin.per_unit;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "casts of floats saturate")]
            let place = (place as usize).min(bins - 1);
            twin.counts[place] += 1;
        }
        twin
    }

    #[test]
    fn every_extension_equals_the_scalar_twin() {
        for (low, high, bins) in
            [(-4.0, 4.0, 2048), (0.0, 15.0, 2048), (-0.3, 15.0, 256), (2.0, 2.0, 16), (0.0, 1e-44, 7)]
        {
            for (len, one_in) in [(0, 1), (1, 1), (3, 2), (255, 7), (256, 7), (1003, 1), (1003, 7), (20_000, 600)] {
                let values = odd_values(len, one_in);
                let expected = twin(low, high, bins, &values);
                let seen = with_each(|| {
                    let mut seen = Bins::new(low, high, bins);
                    seen.observe(&values);
                    seen
                });
                for (extension, seen) in seen {
                    assert_eq!(seen, expected, "{extension:?}, {len} values in {low}..{high}");
                }
            }
        }
    }

    #[test]
    fn values_on_and_beside_every_edge() {
        // Edges of 2048 bins over [0, 3] and their float32 neighbours: many quotients are integers or just below.
        #[expect(clippy::cast_possible_truncation, reason = "edges as float32")]
        let edge = |i: u32| (f64::from(i) * 3.0 / 2048.0) as f32;
        let values: Vec<f32> = (0..=2048).flat_map(|i| [edge(i).next_down(), edge(i), edge(i).next_up()]).collect();
        let mut seen = Bins::new(0.0, 3.0, 2048);
        seen.observe(&values);
        assert_eq!(seen, twin(0.0, 3.0, 2048, &values));
    }

    #[test]
    fn no_counter_overflows() {
        // Half a million equal values: more than 16 bits hold, in one bin.
        for bins in [1, 2048, 8192] {
            let mut seen = Bins::new(0.0, 1.0, bins);
            seen.observe(&vec![1.0; 500_003]);
            assert_eq!(seen.counts().last(), Some(&500_003), "{bins} bins");
            seen.observe(&vec![f32::NAN; 500_003]);
            assert_eq!((seen.nan, seen.counts().iter().sum::<u64>()), (500_003, 500_003), "{bins} bins");
        }
    }
}
