//! Counting how many values have each place of a histogram.
//!
//! Places are computed for a few hundred values at a time, then counted one by one. A tensor after ReLU would wait for
//! one counter half of the time, so values take turns in several counters of the same place. More of them are no help:
//! once the counters leave the first-level cache, counting takes twice as long. So they have 16 bits.

use rayon::prelude::*;

/// Places computed before they are counted.
const STRIP: usize = 256;
/// Values counted before the counters are added up: of two counters of a place neither can overflow.
const SHARE: usize = 2 * u16::MAX as usize / STRIP * STRIP;
/// Shares that are worth a thread.
const SHARES_PER_TASK: usize = 4;
/// From so many bins on two counters a place are faster than four.
const MANY_BINS: usize = 4096;

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

/// Adds `values` to `counts`, which has [`Rule::bins`] places, and returns how many were NaN. Counts are integers, so how
/// the work is divided shows in no result.
pub(super) fn observe(values: &[f32], rule: &impl Rule, counts: &mut [u64]) -> u64 {
    // The last place is NaN's.
    let fresh = || vec![0; rule.bins() + 1];
    let total = if values.len() <= SHARE {
        counted(fresh(), values, rule)
    } else {
        let tasks = values.par_chunks(SHARE).with_min_len(SHARES_PER_TASK);
        tasks.fold(fresh, |total, values| counted(total, values, rule)).reduce(fresh, |mut total, other| {
            total.iter_mut().zip(&other).for_each(|(total, count)| *total += count);
            total
        })
    };
    counts.iter_mut().zip(&total).for_each(|(sum, count)| *sum += count);
    total[rule.bins()]
}

/// `total` with at most [`SHARE`] values more.
fn counted(total: Vec<u64>, values: &[f32], rule: &impl Rule) -> Vec<u64> {
    if rule.bins() < MANY_BINS { in_turns::<4>(total, values, rule) } else { in_turns::<2>(total, values, rule) }
}

fn in_turns<const TURNS: usize>(mut total: Vec<u64>, values: &[f32], rule: &impl Rule) -> Vec<u64> {
    let mut counts = vec![[0_u16; TURNS]; total.len()];
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
        rest.iter().for_each(|place| total[*place as usize] += 1);
    }
    for (total, turns) in total.iter_mut().zip(&counts) {
        *total += turns.iter().map(|n| u64::from(*n)).sum::<u64>();
    }
    total
}
