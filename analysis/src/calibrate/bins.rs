//! Uniform bins and the loop that fills them.
//!
//! A bin holds its left end and not its right one, except the last, which holds both. Places are computed in float64,
//! eight at a time; counting them cannot be vector code, and a tensor after ReLU would wait for one counter half of
//! the time, so the values take turns in [`TURNS`] tables.

use rayon::prelude::*;

use crate::quant::{fake::BLOCK, wide::wide};

/// Uniform bins over `[low, high]`; values outside are counted in the first or last bin.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bins {
    low: f64,
    per_unit: f64,
    counts: Vec<u64>,
    nan: u64,
}

/// Tables that the values take turns in.
const TURNS: usize = 4;
/// Values whose places are computed together.
pub(super) const LANES: usize = 8;

impl Bins {
    pub(super) fn new(low: f64, high: f64, bins: usize) -> Self {
        let width = high - low;
        // Without a width everything goes to the first bin: (r − low)·0 = 0.
        #[expect(clippy::cast_precision_loss, reason = "a few thousand bins")]
        let per_unit = if width > 0.0 && width.is_finite() { bins as f64 / width } else { 0.0 };
        Self { low, per_unit, counts: vec![0; bins], nan: 0 }
    }

    pub(super) fn observe(&mut self, values: &[f32], sign: Sign) {
        if values.len() <= BLOCK {
            self.add(&block(self, values, sign));
            return;
        }
        let blocks: Vec<Vec<u32>> = values.par_chunks(BLOCK).map(|values| block(self, values, sign)).collect();
        blocks.iter().for_each(|counts| self.add(counts));
    }

    /// Values in each bin.
    pub(super) fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// NaNs seen, which are in no bin.
    pub(super) fn nan(&self) -> u64 {
        self.nan
    }

    fn add(&mut self, block: &[u32]) {
        self.counts.iter_mut().zip(block).for_each(|(total, count)| *total += u64::from(*count));
        self.nan += block.last().map_or(0, |nan| u64::from(*nan));
    }

    pub(super) fn merge(&mut self, other: &Self) {
        assert!(
            self.low == other.low && self.per_unit == other.per_unit && self.counts.len() == other.counts.len(),
            "histograms are merged over one range"
        );
        self.counts.iter_mut().zip(&other.counts).for_each(|(total, count)| *total += count);
        self.nan += other.nan;
    }
}

/// Which bits of a value count, as a mask over its float32 pattern, so that `|r|` and `r` share a loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Sign {
    Kept = u32::MAX,
    Dropped = u32::MAX >> 1,
}

wide! {
    /// Counts of at most [`BLOCK`] values: the bins, then the NaNs.
    fn block(bins: &Bins, values: &[f32], sign: Sign) -> Vec<u32> = block_body;
}

#[inline(always)]
fn block_body(bins: &Bins, values: &[f32], sign: Sign) -> Vec<u32> {
    // Invariant: at least one bin, so `count − 1` is the last one and a clamped place is inside the table.
    #[expect(clippy::cast_precision_loss, reason = "a few thousand bins")]
    let (last, nan) = ((bins.counts.len() - 1) as f64, bins.counts.len() as f64);
    count(values, bins.counts.len() + 1, &Uniform { low: bins.low, per_unit: bins.per_unit, last, nan, sign })
}

/// Where values are counted.
pub(super) trait Places {
    /// A place for each value, inside the table.
    fn of(&self, values: &[f32; LANES]) -> [u32; LANES];
}

/// How many of `values` have each of `places` places.
#[inline(always)]
pub(super) fn count(values: &[f32], places: usize, rule: &impl Places) -> Vec<u32> {
    let mut tables = vec![0_u32; places * TURNS];
    let (eights, rest) = values.as_chunks::<LANES>();
    for eight in eights {
        // Places first, counts after: the first half is vector code, the second cannot be.
        for (lane, place) in rule.of(eight).into_iter().enumerate() {
            tables[(lane % TURNS) * places + place as usize] += 1;
        }
    }
    let mut last = [0.0; LANES];
    last.iter_mut().zip(rest).for_each(|(slot, value)| *slot = *value);
    for place in &rule.of(&last)[..rest.len()] {
        tables[*place as usize] += 1;
    }
    let (total, others) = tables.split_at_mut(places);
    for other in others.chunks_exact(places) {
        total.iter_mut().zip(other).for_each(|(total, count)| *total += count);
    }
    tables.truncate(places);
    tables
}

/// The places of [`Bins`]; for NaN the one after the last bin.
struct Uniform {
    low: f64,
    per_unit: f64,
    last: f64,
    nan: f64,
    sign: Sign,
}

impl Places for Uniform {
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "clamped to the few thousand bins")]
    #[expect(clippy::cast_sign_loss, reason = "clamped to 0 and above")]
    fn of(&self, values: &[f32; LANES]) -> [u32; LANES] {
        let mut places = [0; LANES];
        for lane in 0..LANES {
            let value = f32::from_bits(values[lane].to_bits() & self.sign as u32);
            let place = (f64::from(value) - self.low) * self.per_unit;
            let place = if place > 0.0 { place } else { 0.0 };
            let place = if place < self.last { place } else { self.last };
            let place = if value.is_nan() { self.nan } else { place };
            places[lane] = place as i32 as u32;
        }
        places
    }
}
