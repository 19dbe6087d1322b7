//! One density is not enough where a few values lie far out: the whole range squeezes all others into one bin.
//!
//! So there are three: over the whole range, over what holds most of the values, and over bins of every size. What is most
//! is found by counting values under the upper half of their bits, which keeps two digits of each whatever its size.

use rayon::prelude::*;

use super::density::{Bins, Density};
use crate::{
    parallel,
    quant::{QuantParams, Range},
};

/// Share of the values that must be seen well.
const CORE: f64 = 0.95;
/// Shares that a narrower range may keep, the largest that serves is taken.
const SHARES: [f64; 3] = [0.999, 0.99, CORE];
/// The core is seen well on this share of the axis, and squeezed on less.
const LEAST: f32 = 0.125;
/// Room left and right of what is kept, as a share of its width: the tails of the many belong to them.
const ROOM: f32 = 0.25;
/// Values that differ in the lower half of their bits are one.
const KEYS: usize = 1 << 16;

/// The same pairs over three ranges of bins.
#[derive(Clone, Debug, PartialEq)]
pub struct Densities {
    /// Over the whole range.
    pub whole: Density,
    /// Over what holds most of the values; `None` where the whole range shows them well.
    pub most: Option<Density>,
    /// Over the whole range with bins of every size.
    pub log: Option<Density>,
}

impl Densities {
    /// Counts pairs of equally long slices; `None` where no range contains them.
    pub fn of(tensor: &str, range: Range, params: Option<QuantParams>, pairs: &[(&[f32], &[f32])]) -> Option<Self> {
        let whole = Density::of(tensor, Bins { range, unit: None }, params, pairs)?;
        let sizes = pairs.par_iter().with_min_len(parallel::grain()).map(|(f, q)| [Sizes::of(f), Sizes::of(q)]);
        let [float, quantized] =
            sizes.reduce(|| [Sizes::empty(), Sizes::empty()], |[a, b], [c, d]| [a.and(&c), b.and(&d)]);
        let kept = |share: f64| union(float.holding(share), quantized.holding(share)).map(|kept| within(kept, range));
        let width = |range: Range| range.high - range.low;
        // The core may be a single value: of an output that is mostly 0 for instance.
        let core = SHARES.into_iter().rev().filter_map(kept).find(|kept| width(*kept) > 0.0);
        let serves = |kept: &Range| core.is_some_and(|core| width(core) >= LEAST * width(*kept));
        let most = SHARES.into_iter().filter_map(kept).find(serves).filter(|_| !serves(&range));
        let most = most.map(|kept| {
            let room = ROOM * width(kept);
            within(Range { low: kept.low - room, high: kept.high + room }, range)
        });
        let over = |range: Range, unit: Option<f32>| Density::of(tensor, Bins { range, unit }, params, pairs);
        let step = params.map_or(f32::INFINITY, |params| params.scale);
        let unit = step.min(core.unwrap_or(range).amax() / 16.0);
        let log = (unit.is_normal() && unit > 0.0).then(|| over(range, Some(unit))).flatten();
        Some(Self { whole, most: most.and_then(|range| over(range, None)), log })
    }

    /// What they would be of the float run against itself.
    pub(super) fn as_float(&self) -> Self {
        Self {
            whole: self.whole.as_float(),
            most: self.most.as_ref().map(Density::as_float),
            log: self.log.as_ref().map(Density::as_float),
        }
    }
}

/// How many values there are of each size, sign included.
struct Sizes {
    counts: Vec<u64>,
    total: u64,
}

impl Sizes {
    fn empty() -> Self {
        Self { counts: vec![0; KEYS], total: 0 }
    }

    fn of(values: &[f32]) -> Self {
        let mut sizes = Self::empty();
        for value in values.iter().filter(|value| value.is_finite()) {
            sizes.counts[(ordered(*value) >> 16) as usize] += 1;
            sizes.total += 1;
        }
        sizes
    }

    fn and(mut self, other: &Self) -> Self {
        self.counts.iter_mut().zip(&other.counts).for_each(|(all, one)| *all += one);
        self.total += other.total;
        self
    }

    /// The range that leaves out at most half of the rest on either side.
    fn holding(&self, share: f64) -> Option<Range> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            clippy::cast_sign_loss,
            reason = "counts stay far below 2^53, and a part of them is no larger"
        )]
        let most_out = (0.5 * (1.0 - share) * self.total as f64) as u64;
        let first = beyond(self.counts.iter(), most_out)?;
        let last = KEYS - 1 - beyond(self.counts.iter().rev(), most_out)?;
        Some(Range { low: nearest_zero(first)?, high: nearest_zero(last)? })
    }
}

/// Of the values with this upper half of their ordered bits the one nearest to 0: for 0 itself 0, not its neighbour.
fn nearest_zero(key: usize) -> Option<f32> {
    let lower = if key < KEYS / 2 { 0xffff } else { 0 };
    u32::try_from(key).ok().map(|key| value((key << 16) | lower))
}

/// The place at which more than `most` have come.
fn beyond<'a>(counts: impl Iterator<Item = &'a u64>, most: u64) -> Option<usize> {
    let mut sum = 0;
    counts
        .enumerate()
        .find(|(_, count)| {
            sum += **count;
            sum > most
        })
        .map(|(place, _)| place)
}

/// Bits in the order of the values.
fn ordered(value: f32) -> u32 {
    let bits = value.to_bits();
    if bits >> 31 == 1 { !bits } else { bits | (1 << 31) }
}

/// The value with these ordered bits.
fn value(ordered: u32) -> f32 {
    f32::from_bits(if ordered >> 31 == 1 { ordered & !(1 << 31) } else { !ordered })
}

fn union(a: Option<Range>, b: Option<Range>) -> Option<Range> {
    let (a, b) = (a?, b?);
    Some(Range { low: a.low.min(b.low), high: a.high.max(b.high) })
}

fn within(inner: Range, outer: Range) -> Range {
    Range { low: inner.low.max(outer.low), high: inner.high.min(outer.high) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(float: &[f32], quantized: &[f32]) -> Densities {
        let all = || float.iter().chain(quantized).copied();
        let range = Range { low: all().fold(f32::INFINITY, f32::min), high: all().fold(f32::NEG_INFINITY, f32::max) };
        Densities::of("t", range, None, &[(float, quantized)]).unwrap()
    }

    /// −1 … 1 in 1000 steps.
    fn many() -> Vec<f32> {
        (0..1000_u16).map(|i| f32::from(i) / 500.0 - 1.0).collect()
    }

    #[test]
    fn one_value_far_out_does_not_squeeze_the_others() {
        let mut values = many();
        assert_eq!(of(&values, &values).most, None, "nothing lies far out");
        values.push(1000.0);
        let most = of(&values, &values).most.unwrap();
        // 99.9 % of 1001 leave none out, 99 % at most 5 at either end: −0.99 … 0.992, to two digits, and a quarter more.
        let Range { low, high } = most.bins.range;
        assert_eq!(low, -1.0, "no wider than the whole");
        assert!((1.4..1.6).contains(&high), "{high}");
        assert_eq!((most.outside, most.values), (1, 1001));
    }

    #[test]
    fn a_channel_far_out_does_not_either() {
        let mut values = many();
        values.extend([500.0; 20]);
        let most = of(&values, &values).most.unwrap();
        assert_eq!((most.outside, most.values), (20, 1020), "2 % lie outside");
        // Where the quantized run leaves the float run's range it is shown.
        let quantized: Vec<f32> = values.iter().map(|value| 10.0 * value).collect();
        assert!(of(&values, &quantized).most.unwrap().bins.range.high > 10.0);
    }

    #[test]
    fn an_output_that_is_mostly_zero_shows_its_tail() {
        let mut values = vec![0.0; 9_900];
        values.extend((1..=100_u8).map(f32::from));
        let densities = of(&values, &values);
        assert_eq!(densities.most, None, "the tail is what there is to see");
        assert!(densities.log.is_some());
        assert_eq!(of(&[1.0, 2.0], &[1.0, 2.0]).whole.values, 2);
    }

    #[test]
    fn bits_are_in_the_order_of_values() {
        let values = [f32::MIN, -1.0, -1e-30, -0.0, 0.0, 1e-30, 2.0, f32::MAX];
        assert!(values.windows(2).all(|pair| ordered(pair[0]) < ordered(pair[1])));
        assert!(values.iter().all(|v| value(ordered(*v)).to_bits() == v.to_bits()));
    }
}
