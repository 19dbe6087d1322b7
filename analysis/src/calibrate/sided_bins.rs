//! A histogram of magnitudes that keeps the two signs apart.
//!
//! The place of a value is `⌊|r|·4096/amax⌋` of the real quotient, not of a rounded one: a value on an edge is in the
//! bin that begins there. A float64 product can fall a bit short of the integer that it should be (for amax = 49 and
//! r = 49/4096 it is 0.9999999999999999), so the factor is 2⁻⁵⁰ too large. That moves no value over an edge: if the
//! quotient `|r|·4096/amax` of float32 is below an integer `k ≤ 4096`, it is below `k·(1 − 2⁻³⁶)`.

use rayon::prelude::*;

use super::bins::{LANES, Places, count};
use crate::quant::{fake::BLOCK, wide::wide};

/// Bins on each side of 0.
pub const SIDE_BINS: usize = 4096;

/// [`SIDE_BINS`] bins over `[0, amax]` for `r ≥ 0` and as many over `|r|` for `r < 0`. −0.0 is not below 0.
#[derive(Clone, Debug, PartialEq)]
pub struct SidedBins {
    amax: f32,
    positive: Vec<u64>,
    negative: Vec<u64>,
    nan: u64,
}

impl SidedBins {
    /// Empty, for a tensor whose `max|r|` is `amax`. Without a finite `amax > 0` values are not told apart, only signs.
    pub fn new(amax: f32) -> Self {
        Self { amax, positive: vec![0; SIDE_BINS], negative: vec![0; SIDE_BINS], nan: 0 }
    }

    /// Adds values; those beyond `amax`, infinities included, are in the last bin of their side.
    pub fn observe(&mut self, values: &[f32]) {
        let rule = Sided::new(self.amax);
        if values.len() <= BLOCK {
            self.add(&block(values, &rule));
            return;
        }
        let blocks: Vec<Vec<u32>> = values.par_chunks(BLOCK).map(|values| block(values, &rule)).collect();
        blocks.iter().for_each(|counts| self.add(counts));
    }

    /// Adds another histogram of the same tensor.
    ///
    /// # Panics
    /// If it is over another `amax`.
    pub fn merge(&mut self, other: &Self) {
        assert_eq!(self.amax.to_bits(), other.amax.to_bits(), "histograms are merged over one range");
        self.positive.iter_mut().zip(&other.positive).for_each(|(total, count)| *total += count);
        self.negative.iter_mut().zip(&other.negative).for_each(|(total, count)| *total += count);
        self.nan += other.nan;
    }

    /// Values `r ≥ 0` in each bin; bin `i` is `[i, i+1)·amax/4096`, the last one with its right end.
    pub fn positive(&self) -> &[u64] {
        &self.positive
    }

    /// Values `r < 0` in each bin of `|r|`.
    pub fn negative(&self) -> &[u64] {
        &self.negative
    }

    /// NaNs seen, which are in no bin.
    pub fn nan(&self) -> u64 {
        self.nan
    }

    /// `max|r|` that it was made for.
    pub fn amax(&self) -> f32 {
        self.amax
    }

    fn add(&mut self, block: &[u32]) {
        let totals = self.positive.iter_mut().chain(&mut self.negative).chain([&mut self.nan]);
        totals.zip(block).for_each(|(total, count)| *total += u64::from(*count));
    }
}

wide! {
    /// Counts of at most [`BLOCK`] values: the positive side, the negative side, the NaNs.
    fn block(values: &[f32], rule: &Sided) -> Vec<u32> = block_body;
}

#[inline(always)]
fn block_body(values: &[f32], rule: &Sided) -> Vec<u32> {
    count(values, 2 * SIDE_BINS + 1, rule)
}

/// The places of [`SidedBins`].
struct Sided {
    per_unit: f64,
}

impl Sided {
    fn new(amax: f32) -> Self {
        let usable = amax > 0.0 && amax.is_finite();
        let per_unit = SIDE_BINS as f64 / f64::from(amax) * (1.0 + 4.0 * f64::EPSILON);
        Self { per_unit: if usable { per_unit } else { 0.0 } }
    }
}

impl Places for Sided {
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "clamped to the bins of a side")]
    #[expect(clippy::cast_sign_loss, reason = "a magnitude")]
    fn of(&self, values: &[f32; LANES]) -> [u32; LANES] {
        const LAST: f64 = (SIDE_BINS - 1) as f64;
        let mut places = [0; LANES];
        for lane in 0..LANES {
            let value = values[lane];
            let place = f64::from(value.abs()) * self.per_unit;
            let place = (if place < LAST { place } else { LAST }) as i32 as u32;
            let place = place + if value < 0.0 { SIDE_BINS as u32 } else { 0 };
            places[lane] = if value.is_nan() { 2 * SIDE_BINS as u32 } else { place };
        }
        places
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(counts: &[u64]) -> Vec<(usize, u64)> {
        counts.iter().copied().enumerate().filter(|(_, count)| *count > 0).collect()
    }

    #[test]
    fn places_by_hand() {
        // amax = 4: bins of 1/1024. 1 → 1024, 3.999 → 4094.98 → 4094, 4 → 4096 → the last, −0.5 → 512 of the negative.
        let mut bins = SidedBins::new(4.0);
        bins.observe(&[1.0, 3.999, 4.0, -0.5, 0.0, -0.0, -4.0, f32::NAN, -f32::NAN, f32::INFINITY, -9.0, -1e-40]);
        assert_eq!(filled(bins.positive()), [(0, 2), (1024, 1), (4094, 1), (4095, 2)]);
        assert_eq!(filled(bins.negative()), [(0, 1), (512, 1), (4095, 2)]);
        assert_eq!((bins.nan(), bins.amax()), (2, 4.0));
    }

    #[test]
    fn without_a_width_only_the_sign_is_known() {
        for amax in [0.0, -1.0, f32::NAN, f32::INFINITY] {
            let mut bins = SidedBins::new(amax);
            bins.observe(&[0.0, 1.0, -1.0]);
            assert_eq!((filled(bins.positive()), filled(bins.negative())), (vec![(0, 2)], vec![(0, 1)]), "{amax}");
        }
    }

    #[test]
    fn edges_are_those_of_the_real_quotient() {
        // Numerators and denominators as integers: ⌊m·4096/a⌋ with m, a below 2^24, both exact in float32.
        let last = u64::from(u32::MAX >> 8);
        for amax in [3_u64, 7, 4095, 4097, 10_000_019, 12_582_917, last] {
            let mut expected = vec![0_u64; SIDE_BINS];
            let mut values = Vec::new();
            for bin in 0..=SIDE_BINS as u64 {
                // The edge itself where it is a float32, and its neighbours.
                let edge = bin * amax / SIDE_BINS as u64;
                values.extend([edge, edge + 1, edge.saturating_sub(1)].into_iter().filter(|m| *m <= amax));
            }
            for m in &values {
                expected[((m * SIDE_BINS as u64 / amax) as usize).min(SIDE_BINS - 1)] += 1;
            }
            for scale in [1.0, 2.0_f32.powi(-149), 2.0_f32.powi(100)] {
                let mut bins = SidedBins::new(amax as f32 * scale);
                bins.observe(&values.iter().map(|m| *m as f32 * scale).collect::<Vec<_>>());
                assert_eq!(bins.positive(), expected, "{amax} · {scale}");
            }
        }
    }

    #[test]
    fn blocks_order_and_instruction_set_change_nothing() {
        let values: Vec<f32> = (0..2 * BLOCK + 77).map(|i| (i * 7919 % 10_007) as f32 / 10_007.0 - 0.3).collect();
        let mut whole = SidedBins::new(0.7);
        whole.observe(&values);
        let mut parts = SidedBins::new(0.7);
        for chunk in values.rchunks(333) {
            let mut part = SidedBins::new(0.7);
            part.add(&block_body(chunk, &Sided::new(0.7)));
            parts.merge(&part);
        }
        assert_eq!(whole, parts);
        let negative = values.iter().filter(|v| **v < 0.0).count() as u64;
        assert_eq!(whole.negative().iter().sum::<u64>(), negative);
        assert_eq!(whole.positive().iter().sum::<u64>(), values.len() as u64 - negative);
    }
}
