//! Counting how many values have each place of a histogram.
//!
//! Places are computed for a few hundred values at a time, then counted one by one. A tensor after ReLU would wait for
//! one counter half of the time, so the values take turns in [`TURNS`] counters of the same place.

use rayon::prelude::*;

/// Counters of a place.
const TURNS: usize = 4;
/// Places computed before they are counted.
const STRIP: usize = 256;
/// Values counted by one thread before its counters are added up; 2 MiB of float32. Counts are integers, so this number
/// shows in no result.
const SHARE: usize = 1 << 19;

/// 1.5·2⁵²: adding it rounds a float64 of magnitude below 2⁵¹ to an integer, half to even, and leaves that integer in
/// the low bits. A cast would do, but it saturates, which the compiler does not vectorise.
pub(super) const ROUND: f64 = 6_755_399_441_055_744.0;

/// The integer in a sum with [`ROUND`], modulo 2³².
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "the low half is what is asked for")]
pub(super) fn low_bits(rounded: f64) -> u32 {
    rounded.to_bits() as u32
}

/// Where values are counted.
pub(super) trait Rule: Sync {
    /// Number of places of a value that is no NaN.
    fn bins(&self) -> usize;

    /// The place of each value, below [`Rule::bins`]; for NaN it is [`Rule::bins`] itself.
    fn fill(&self, values: &[f32], places: &mut [u32]);
}

/// Adds `values` to `counts`, which has [`Rule::bins`] places, and returns how many were NaN.
pub(super) fn observe(values: &[f32], rule: &impl Rule, counts: &mut [u64]) -> u64 {
    let add = |counts: &mut [u64], share: &[[u32; TURNS]]| {
        let sum = |turns: &[u32; TURNS]| turns.iter().map(|n| u64::from(*n)).sum::<u64>();
        counts.iter_mut().zip(share).for_each(|(total, turns)| *total += sum(turns));
        share.get(rule.bins()).map_or(0, sum)
    };
    if values.len() <= SHARE {
        return add(counts, &share(values, rule));
    }
    let shares: Vec<_> = values.par_chunks(SHARE).map(|values| share(values, rule)).collect();
    shares.iter().map(|share| add(counts, share)).sum()
}

/// Counts of at most [`SHARE`] values.
fn share(values: &[f32], rule: &impl Rule) -> Vec<[u32; TURNS]> {
    let mut counts = vec![[0; TURNS]; rule.bins() + 1];
    let mut places = [0; STRIP];
    for strip in values.chunks(STRIP) {
        let places = &mut places[..strip.len()];
        rule.fill(strip, places);
        let (turns, rest) = places.as_chunks::<TURNS>();
        for places in turns {
            for turn in 0..TURNS {
                counts[places[turn] as usize][turn] += 1;
            }
        }
        rest.iter().for_each(|place| counts[*place as usize][0] += 1);
    }
    counts
}
