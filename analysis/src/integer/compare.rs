//! From accumulators to output codes, and how far these are from fake quantization.

use crate::quant::{Multiplier, Rounding};

/// `q_y = clamp(round(M·a) + Z_y)` for one channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requantizer {
    /// `M = S_x·S_w/S_y`.
    pub multiplier: Multiplier,
    /// `Z_y`.
    pub zero_point: i32,
    /// The smallest code: of the grid, or that of a fused ReLU's or Clip's lower bound.
    pub low: i32,
    /// The largest code.
    pub high: i32,
}

impl Requantizer {
    /// The output code of an accumulator. One that int32 cannot hold wraps around, as it does in a machine.
    pub fn apply(&self, accumulator: i64, rounding: Rounding) -> i32 {
        #[expect(clippy::cast_possible_truncation, reason = "wrapping is what an int32 accumulator does")]
        let wrapped = accumulator as i32;
        let code = i64::from(self.multiplier.apply(wrapped, rounding)) + i64::from(self.zero_point);
        let clamped = code.max(i64::from(self.low)).min(i64::from(self.high));
        // Between two int32.
        i32::try_from(clamped).unwrap_or(self.low)
    }
}

/// Differences between two codes of the same outputs, in steps of the output grid, by size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LsbDifferences {
    /// −2 and less.
    pub far_below: u64,
    /// −1.
    pub one_below: u64,
    /// 0.
    pub equal: u64,
    /// 1.
    pub one_above: u64,
    /// 2 and more.
    pub far_above: u64,
    /// The largest magnitude.
    pub largest: u32,
}

impl LsbDifferences {
    /// Takes in one output.
    pub fn observe(&mut self, integer: i32, fake: i32) {
        let slot = match i64::from(integer) - i64::from(fake) {
            ..=-2 => &mut self.far_below,
            -1 => &mut self.one_below,
            0 => &mut self.equal,
            1 => &mut self.one_above,
            2.. => &mut self.far_above,
        };
        *slot += 1;
        self.largest = self.largest.max(integer.abs_diff(fake));
    }

    /// Adds the outputs of another count.
    pub fn merge(&mut self, other: &Self) {
        self.far_below += other.far_below;
        self.one_below += other.one_below;
        self.equal += other.equal;
        self.one_above += other.one_above;
        self.far_above += other.far_above;
        self.largest = self.largest.max(other.largest);
    }

    /// Outputs compared.
    pub fn outputs(&self) -> u64 {
        self.counts().iter().sum()
    }

    /// `[≤ −2, −1, 0, 1, ≥ 2]`.
    pub fn counts(&self) -> [u64; 5] {
        [self.far_below, self.one_below, self.equal, self.one_above, self.far_above]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_clamped_after_the_zero_point() {
        // M = 0.5: 101 → 50.5 → 51 (ties up), −3 added.
        let multiplier = Multiplier::from_real(0.5).unwrap();
        let relu = Requantizer { multiplier, zero_point: -3, low: -3, high: 127 };
        assert_eq!(relu.apply(101, Rounding::Single), 48);
        assert_eq!(relu.apply(-101, Rounding::Single), -3);
        assert_eq!(relu.apply(5000, Rounding::Gemmlowp), 127);
        // 2^31 wraps to −2^31.
        assert_eq!(relu.apply(1 << 31, Rounding::Single), -3);
    }

    #[test]
    fn differences_are_counted_by_size() {
        let mut seen = LsbDifferences::default();
        for (integer, fake) in [(0, 0), (1, 0), (5, 7), (-128, 127), (3, 2), (2, 3)] {
            seen.observe(integer, fake);
        }
        assert_eq!((seen.counts(), seen.largest, seen.outputs()), ([2, 1, 1, 2, 0], 255, 6));
        let mut twice = seen;
        twice.merge(&seen);
        assert_eq!((twice.counts(), twice.largest), ([4, 2, 2, 4, 0], 255));
    }
}
