//! The smallest and largest value seen, streamed.
//!
//! Minimum, maximum and counts do not depend on the order of values, samples or threads, so merging needs no care. NaNs
//! are counted and left out; infinities are counted and kept, and make the range unusable further on, with a warning.

use rayon::prelude::*;
use serde::Serialize;

use crate::{
    parallel::grain,
    quant::{ChannelLayout, Range, fake::BLOCK, wide::wide},
};

/// Values handled together by the vector loop.
const LANES: usize = 16;

/// What was seen of a tensor or of one of its channels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct MinMax {
    /// The smallest value that is no NaN; +∞ before there is one.
    pub low: f32,
    /// The largest value that is no NaN; −∞ before there is one.
    pub high: f32,
    /// Values seen, of every kind.
    pub count: u64,
    /// How many of them were NaN.
    pub nan: u64,
    /// How many of them were infinite.
    pub inf: u64,
}

impl Default for MinMax {
    fn default() -> Self {
        Self { low: f32::INFINITY, high: f32::NEG_INFINITY, count: 0, nan: 0, inf: 0 }
    }
}

impl MinMax {
    /// Nothing seen yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What `values` show.
    pub fn of(values: &[f32]) -> Self {
        let mut seen = Self::new();
        seen.observe(values);
        seen
    }

    /// Adds a tensor, or a part of one.
    pub fn observe(&mut self, values: &[f32]) {
        let seen = if values.len() <= BLOCK {
            block(values)
        } else {
            values.par_chunks(BLOCK).with_min_len(grain()).map(block).reduce(Self::new, Self::merged)
        };
        self.merge(&seen);
    }

    /// Adds what another observer saw. Order-independent.
    pub fn merge(&mut self, other: &Self) {
        // + 0.0 makes a −0.0 positive: which of the two zeros is met first depends on the order.
        self.low = self.low.min(other.low) + 0.0;
        self.high = self.high.max(other.high) + 0.0;
        self.count += other.count;
        self.nan += other.nan;
        self.inf += other.inf;
    }

    fn merged(mut self, other: Self) -> Self {
        self.merge(&other);
        self
    }

    /// The observed range, not widened to 0. `None` if every value was NaN or none was seen.
    pub fn range(&self) -> Option<Range> {
        (self.low <= self.high).then_some(Range { low: self.low, high: self.high })
    }

    /// `max|r|`; `None` as in [`MinMax::range`].
    pub fn amax(&self) -> Option<f32> {
        self.range().map(Range::amax)
    }

    /// Adds a tensor to the observers of its channels.
    ///
    /// # Panics
    /// If `layout` is not the layout of `values` or has not one channel for each observer.
    pub fn observe_channels(observers: &mut [Self], values: &[f32], layout: ChannelLayout) {
        assert_eq!(values.len(), layout.len(), "min–max: the layout is the tensor's");
        assert_eq!(observers.len(), layout.channels, "min–max: an observer for each channel");
        if values.is_empty() {
            return;
        }
        if layout.has_long_runs() {
            for (run, index) in values.chunks_exact(layout.inner).zip((0..observers.len()).cycle()) {
                observers[index].observe(run);
            }
        } else {
            let mut scratch = Vec::new();
            for rows in values.chunks(layout.rows_per_block(BLOCK) * layout.row()) {
                for (channel, observer) in observers.iter_mut().enumerate() {
                    layout.gather(rows, channel, &mut scratch);
                    observer.observe(&scratch);
                }
            }
        }
    }

    fn observe_one(&mut self, value: f32) {
        self.low = if value < self.low { value } else { self.low };
        self.high = if value > self.high { value } else { self.high };
        self.count += 1;
        self.nan += u64::from(value.is_nan());
        self.inf += u64::from(value.is_infinite());
    }
}

wide! {
    fn block(values: &[f32]) -> MinMax = block_body;
}

#[inline(always)]
fn block_body(values: &[f32]) -> MinMax {
    let (chunks, rest) = values.as_chunks::<LANES>();
    let (mut low, mut high) = ([f32::INFINITY; LANES], [f32::NEG_INFINITY; LANES]);
    let mut odd = [0_u32; LANES];
    for chunk in chunks {
        for lane in 0..LANES {
            let value = chunk[lane];
            // A comparison with NaN is false, which keeps what is there.
            low[lane] = if value < low[lane] { value } else { low[lane] };
            high[lane] = if value > high[lane] { value } else { high[lane] };
            odd[lane] += u32::from(!value.is_finite());
        }
    }
    let whole = chunks.as_flattened();
    let odd = odd.into_iter().map(u64::from).sum::<u64>();
    // Few tensors hold a NaN, and few an infinity: a second look tells them apart.
    let nan = if odd == 0 { 0 } else { whole.iter().filter(|value| value.is_nan()).count() as u64 };
    let mut seen = MinMax {
        low: low.into_iter().fold(f32::INFINITY, f32::min),
        high: high.into_iter().fold(f32::NEG_INFINITY, f32::max),
        count: whole.len() as u64,
        nan,
        inf: odd - nan,
    };
    rest.iter().for_each(|value| seen.observe_one(*value));
    seen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quant::{lanes::odd_values, wide::with_each};

    #[test]
    fn odd_values_are_counted_and_nans_left_out() {
        let seen = MinMax::of(&[f32::NAN, 2.0, -1.0, f32::NAN, 0.5]);
        assert_eq!(seen, MinMax { low: -1.0, high: 2.0, count: 5, nan: 2, inf: 0 });
        let seen = MinMax::of(&[f32::NEG_INFINITY, 2.0, f32::INFINITY]);
        assert_eq!((seen.low, seen.high, seen.inf), (f32::NEG_INFINITY, f32::INFINITY, 2));
        assert_eq!(MinMax::of(&[]).range(), None);
        assert_eq!(MinMax::of(&[f32::NAN; 40]).range(), None);
        assert_eq!(MinMax::of(&[3.0]).range(), Some(Range::new(3.0, 3.0)));
        assert_eq!(MinMax::of(&[-3.0, 1.0]).amax(), Some(3.0));
    }

    #[test]
    fn the_extremes_are_found_at_every_place() {
        for len in [1, 15, 16, 17, 33, 100] {
            for place in 0..len {
                let mut values = vec![0.25_f32; len];
                values[place] = -7.0;
                values[(place + 1) % len] = if len > 1 { 9.0 } else { -7.0 };
                let seen = MinMax::of(&values);
                assert_eq!((seen.low, seen.high), (-7.0, if len > 1 { 9.0 } else { -7.0 }), "{place} of {len}");
            }
        }
    }

    #[test]
    fn a_zero_has_no_sign() {
        for zeros in [[0.0, -0.0], [-0.0, 0.0]] {
            let seen = MinMax::of(&zeros);
            assert_eq!((seen.low.to_bits(), seen.high.to_bits()), (0, 0));
        }
    }

    #[test]
    fn every_extension_equals_the_scalar_twin() {
        for (len, one_in) in [(0, 1), (1, 1), (15, 2), (33, 1), (1003, 1), (1003, 7), (1003, 600)] {
            let values = odd_values(len, one_in);
            let mut twin = MinMax::new();
            values.iter().for_each(|value| twin.observe_one(*value));
            for (extension, seen) in with_each(|| MinMax::of(&values)) {
                assert_eq!(seen, twin, "{extension:?}, {len} values");
            }
        }
    }

    #[test]
    fn streams_blocks_and_order_give_the_same() {
        let values: Vec<f32> = (0..3 * BLOCK + 5).map(|i| (i * 7919 % 10_007) as f32 - 2000.0).collect();
        let whole = MinMax::of(&values);
        let mut parts: Vec<MinMax> = values.chunks(1000).map(MinMax::of).collect();
        parts.reverse();
        assert_eq!(parts.into_iter().fold(MinMax::new(), MinMax::merged), whole);
        assert_eq!((whole.low, whole.high, whole.count), (-2000.0, 8006.0, values.len() as u64));
    }

    #[test]
    fn channels_of_both_kinds_of_layout() {
        // Rows (1, 20), (2, −10), (3, 30) of two interleaved channels.
        let mut observers = [MinMax::new(); 2];
        let layout = ChannelLayout { outer: 3, channels: 2, inner: 1 };
        MinMax::observe_channels(&mut observers, &[1.0, 20.0, 2.0, -10.0, 3.0, 30.0], layout);
        assert_eq!(observers.map(|o| (o.low, o.high, o.count)), [(1.0, 3.0, 3), (-10.0, 30.0, 3)]);
        // Runs of 50: sample 0 holds channels 0 and 1, then sample 1.
        let values: Vec<f32> = (0..200).map(|i| i as f32).collect();
        let mut observers = [MinMax::new(); 2];
        MinMax::observe_channels(&mut observers, &values, ChannelLayout { outer: 2, channels: 2, inner: 50 });
        assert_eq!(observers.map(|o| (o.low, o.high)), [(0.0, 149.0), (50.0, 199.0)]);
    }
}
