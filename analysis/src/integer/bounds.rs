//! How large an accumulator can become, and how many bits that takes.

use super::{Bias, Geometry, WeightRows};
use crate::quant::QuantParams;

/// The smallest and the largest value that something takes. Starts empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The smallest; above `high` while nothing was seen.
    pub low: i64,
    /// The largest.
    pub high: i64,
}

impl Default for Extent {
    fn default() -> Self {
        Self { low: i64::MAX, high: i64::MIN }
    }
}

impl Extent {
    /// Takes in one value.
    pub fn observe(&mut self, value: i64) {
        (self.low, self.high) = (self.low.min(value), self.high.max(value));
    }

    /// Takes in another extent.
    pub fn merge(&mut self, other: &Self) {
        (self.low, self.high) = (self.low.min(other.low), self.high.max(other.high));
    }

    /// The largest magnitude; 0 while nothing was seen.
    pub fn magnitude(&self) -> u64 {
        if self.low > self.high { 0 } else { self.low.unsigned_abs().max(self.high.unsigned_abs()) }
    }

    /// Bits of the narrowest two's complement integer that holds every value; 1 while nothing was seen.
    pub fn bits(&self) -> u32 {
        if self.low > self.high { 1 } else { bits_of(self.low).max(bits_of(self.high)) }
    }
}

/// Bits of the narrowest two's complement integer that holds `value`: 8 for −128, 9 for 128, 1 for 0 and −1.
pub fn bits_of(value: i64) -> u32 {
    // The leading bits that only repeat the sign are not needed, but for one.
    let magnitude = if value < 0 { !value } else { value };
    65 - magnitude.leading_zeros()
}

/// What the accumulator of each channel can reach with any input: every tap at the end of the input's grid that drives the
/// sum furthest, plus the bias. It holds for every partial sum too, in whatever order the taps are added, since each tap
/// only ever widens it; and for padding, which adds 0.
pub fn worst_cases(geometry: &dyn Geometry, weights: &WeightRows, bias: &Bias, input: &QuantParams) -> Vec<Extent> {
    let low_step = i64::from(input.grid.q_min() - input.zero_point).min(0);
    let high_step = i64::from(input.grid.q_max() - input.zero_point).max(0);
    let mut extents = vec![Extent { low: 0, high: 0 }; geometry.channels()];
    for row in 0..weights.rows() {
        let channel = row % geometry.channels().max(1);
        let (mut low, mut high) = (0_i64, 0_i64);
        for &weight in weights.row(row) {
            let ends = [low_step * i64::from(weight), high_step * i64::from(weight)];
            low += ends[0].min(ends[1]);
            high += ends[0].max(ends[1]);
        }
        let (bias_low, bias_high) = bias.ends(channel);
        if let Some(extent) = extents.get_mut(channel) {
            // Without the bias too: it may be added first or last.
            extent.merge(&Extent { low: low.min(low + bias_low), high: high.max(high + bias_high) });
            extent.merge(&Extent { low: bias_low.min(0), high: bias_high.max(0) });
        }
    }
    extents
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        integer::{MatrixGeometry, MatrixSettings},
        quant::Grid,
    };

    #[test]
    fn bits_by_hand() {
        for (value, bits) in [
            (0, 1),
            (-1, 1),
            (1, 2),
            (127, 8),
            (128, 9),
            (-128, 8),
            (-129, 9),
            (i64::from(i32::MAX), 32),
            (i64::from(i32::MAX) + 1, 33),
            (i64::from(i32::MIN), 32),
            (i64::MAX, 64),
            (i64::MIN, 64),
        ] {
            assert_eq!(bits_of(value), bits, "{value}");
        }
        assert_eq!((Extent::default().bits(), Extent::default().magnitude()), (1, 0));
        // −300 needs 10 bits (−512…511), 255 only 9.
        let extent = Extent { low: -300, high: 255 };
        assert_eq!((extent.bits(), extent.magnitude()), (10, 300));
    }

    #[test]
    fn the_worst_case_by_hand() {
        // Codes −128…127 with zero-point −28: steps −100…155. Weights 3 and −2:
        // high = 155·3 + (−100)·(−2) = 665, low = −100·3 + 155·(−2) = −610; bias 1000 moves the high end.
        let geometry = MatrixGeometry::new(MatrixSettings::default(), &[1, 2], &[2, 1]).unwrap();
        let weights = WeightRows::new(&geometry, &[3, -2], &[0]).unwrap();
        let input = QuantParams { scale: 1.0, zero_point: -28, grid: Grid::signed(8).unwrap() };
        let worst = worst_cases(&geometry, &weights, &Bias::by_channel(vec![1000]), &input);
        assert_eq!(worst, [Extent { low: -610, high: 1665 }]);
        let none = worst_cases(&geometry, &weights, &Bias::none(), &input);
        assert_eq!(none, [Extent { low: -610, high: 665 }]);
    }
}
