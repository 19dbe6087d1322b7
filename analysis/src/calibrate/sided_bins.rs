//! A histogram of magnitudes that keeps the two signs apart.
//!
//! The place of a value is `⌊|r|·4096/amax⌋` of the real quotient, not of a rounded one: a value on an edge is in the
//! bin that begins there. A float64 product can fall a bit short of the integer that it should be (for amax = 49 and
//! r = 49/4096 it is 0.9999999999999999), so the factor is 2⁻⁵⁰ too large. That moves no value over an edge: if the
//! quotient `|r|·4096/amax` of float32 is below an integer `k ≤ 4096`, it is below `k·(1 − 2⁻³⁶)`.

use super::count::{ROUND, Rule, low_bits, observe};
use crate::quant::wide::wide;

/// Bins on each side of 0.
pub const SIDE_BINS: usize = SIDE as usize;
/// The same number as a place.
const SIDE: u32 = 4096;

/// [`SIDE_BINS`] bins over `[0, amax]` for `r ≥ 0` and as many over `|r|` for `r < 0`. −0.0 is not below 0.
#[derive(Clone, Debug, PartialEq)]
pub struct SidedBins {
    amax: f32,
    /// [`SIDE_BINS`] of the values `r ≥ 0`, then as many of the others.
    counts: Vec<u64>,
    /// NaNs seen, which are in no bin.
    pub(super) nan: u64,
}

impl SidedBins {
    /// Empty, for a tensor whose `max|r|` is `amax`. Without a finite `amax > 0` values are not told apart, only signs.
    pub fn new(amax: f32) -> Self {
        Self { amax, counts: vec![0; 2 * SIDE_BINS], nan: 0 }
    }

    /// Adds values; those beyond `amax`, infinities included, are in the last bin of their side.
    pub fn observe(&mut self, values: &[f32]) {
        self.nan += observe(values, &Sided::new(self.amax), &mut self.counts);
    }

    /// Values `r ≥ 0` in each bin; bin `i` is `[i, i+1)·amax/4096`, the last one with its right end.
    pub fn positive(&self) -> &[u64] {
        &self.counts[..SIDE_BINS]
    }

    /// Values `r < 0` in each bin of `|r|`.
    pub fn negative(&self) -> &[u64] {
        &self.counts[SIDE_BINS..]
    }
}

/// The places of [`SidedBins`].
#[derive(Clone, Copy)]
struct Sided {
    per_unit: f64,
    /// Inside the last bin that is used.
    last: f64,
}

impl Sided {
    fn new(amax: f32) -> Self {
        let usable = amax > 0.0 && amax.is_finite();
        let per_unit = SIDE_BINS as f64 / f64::from(amax) * (1.0 + 4.0 * f64::EPSILON);
        if usable { Self { per_unit, last: SIDE_BINS as f64 - 0.5 } } else { Self { per_unit: 0.0, last: 0.5 } }
    }
}

impl Rule for Sided {
    fn bins(&self) -> usize {
        2 * SIDE_BINS
    }

    fn fill(&self, values: &[f32], places: &mut [u32]) {
        sided_places(values, places, *self);
    }
}

wide! {
    fn sided_places(values: &[f32], places: &mut [u32], rule: Sided) = sided_body;
}

#[inline(always)]
fn sided_body(values: &[f32], places: &mut [u32], rule: Sided) {
    // Rounding to nearest after taking this away is the floor: an integer stays, and nothing else comes within 2⁻³⁶.
    const ALMOST_HALF: f64 = 0.5 - 1.0 / (1_u64 << 40) as f64;
    for (value, slot) in values.iter().zip(places) {
        let place = f64::from(value.abs()) * rule.per_unit;
        // Also for ∞·0, which is NaN.
        let place = if place < rule.last { place } else { rule.last };
        let side = if *value < 0.0 { SIDE } else { 0 };
        let place = low_bits(place - ALMOST_HALF + ROUND).wrapping_add(side);
        *slot = if value.is_nan() { 2 * SIDE } else { place };
    }
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "bins and floats of known size")]
mod tests {
    use super::*;
    use crate::quant::{fake::BLOCK, lanes::odd_values, wide::with_each};

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
        assert_eq!((bins.nan, bins.amax), (2, 4.0));
    }

    #[test]
    fn without_a_width_only_the_sign_is_known() {
        for amax in [0.0, -1.0, f32::NAN, f32::INFINITY] {
            let mut bins = SidedBins::new(amax);
            bins.observe(&[0.0, 1.0, -1.0, f32::INFINITY]);
            assert_eq!((filled(bins.positive()), filled(bins.negative())), (vec![(0, 3)], vec![(0, 1)]), "{amax}");
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
    fn blocks_and_order_change_nothing() {
        let values: Vec<f32> = (0..2 * BLOCK + 77).map(|i| (i * 7919 % 10_007) as f32 / 10_007.0 - 0.3).collect();
        let mut whole = SidedBins::new(0.7);
        whole.observe(&values);
        let mut parts = SidedBins::new(0.7);
        values.rchunks(333).for_each(|chunk| parts.observe(chunk));
        assert_eq!(whole, parts);
        let negative = values.iter().filter(|v| **v < 0.0).count() as u64;
        assert_eq!(whole.negative().iter().sum::<u64>(), negative);
        assert_eq!(whole.positive().iter().sum::<u64>(), values.len() as u64 - negative);
    }

    #[test]
    fn every_extension_equals_the_scalar_twin() {
        for (len, one_in) in [(0, 1), (1, 1), (255, 7), (1003, 1), (1003, 7), (20_000, 600)] {
            let values = odd_values(len, one_in);
            let mut twin = SidedBins::new(15.0);
            for value in &values {
                if value.is_nan() {
                    twin.nan += 1;
                    continue;
                }
                // Exact: a product by 2^12, and one rounding that no float32 quotient can cross an integer with.
                let place = ((f64::from(value.abs()) * 4096.0 / 15.0) as usize).min(SIDE_BINS - 1);
                twin.counts[place + if *value < 0.0 { SIDE_BINS } else { 0 }] += 1;
            }
            let seen = with_each(|| {
                let mut seen = SidedBins::new(15.0);
                seen.observe(&values);
                seen
            });
            for (extension, seen) in seen {
                assert_eq!(seen, twin, "{extension:?}, {len} values");
            }
        }
    }

    proptest::proptest! {
        /// Near every edge of any `amax`: floats as integers times a power of two, and integer division.
        #[test]
        fn any_edge_is_exact(amax in 1_u64 << 23..(1 << 24) - 1, bin in 0..=SIDE_BINS as u64, ulps in -1_i64..=1) {
            // r = m·2^−down, with m of 24 bits as near to the edge as it can be.
            let edge = |down: u32| ((bin * amax) << down) / SIDE_BINS as u64;
            let down = (0..=12).rev().find(|down| edge(*down) + 1 < 1 << 24).unwrap();
            let m = edge(down).saturating_add_signed(ulps);
            let mut bins = SidedBins::new(amax as f32);
            bins.observe(&[-(m as f32) * 0.5_f32.powi(down as i32)]);
            let place = ((m * SIDE_BINS as u64) / (amax << down)).min(SIDE_BINS as u64 - 1);
            let expected = if m == 0 { (0, 1) } else { (place as usize, 1) };
            let side = if m == 0 { bins.positive() } else { bins.negative() };
            proptest::prop_assert_eq!(filled(side), vec![expected]);
        }
    }
}
