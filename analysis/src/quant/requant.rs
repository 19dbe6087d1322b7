//! From an accumulator to an output code in integers alone: the real multiplier `M` as `M0·2^(−n)` (QUANTIZATION.md
//! Q14), and the three ways in which machines apply it.
//!
//! A requantization is where two integer programs with equal scales come to differ, so each way is bit-exact with the
//! code it stands for: ties and the order of roundings included.

use crate::t;

/// How a multiplier is applied to an accumulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rounding {
    /// Saturating rounding doubling high multiply, then a rounding right shift: two roundings. As gemmlowp, and `TFLite`'s
    /// `MultiplyByQuantizedMultiplier` without `TFLITE_SINGLE_ROUNDING`. The multiply rounds ties up, the shift away
    /// from zero.
    Gemmlowp,
    /// The 64-bit product rounded once, ties up, as `TFLite` with `TFLITE_SINGLE_ROUNDING`.
    Single,
    /// `M` replaced by the nearest power of two: a shift, rounded once, ties up. Exact where all scales are powers of two;
    /// elsewhere it is off by as much as a third.
    Shift,
}

impl Rounding {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Gemmlowp, Self::Single, Self::Shift];

    /// As users read it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gemmlowp => t!("gemmlowp (two roundings)"),
            Self::Single => t!("single rounding"),
            Self::Shift => t!("pure shift"),
        }
    }
}

/// `M = M0·2^(−n)`, `M0` in [0.5, 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Multiplier {
    /// `M0` in Q0.31: `2^30 ≤ m0 < 2^31`, and `M0 = m0·2^(−31)`.
    pub m0: i32,
    /// `n`: how far the product is shifted right; negative shifts left.
    pub shift: i32,
}

/// Shifts of more bits leave nothing of an int32. `TFLite` flushes such multipliers to zero.
const LONGEST_SHIFT: i32 = 31;

impl Multiplier {
    /// The multiplier nearest to `real`, with `|M0·2^(−n) − M| ≤ 2^(−31)·M`; `None` unless `real` is finite and above 0.
    ///
    /// As `TFLite`'s `QuantizeMultiplier`: `M0` is rounded half away from zero, and one that rounds up to 2^31 becomes
    /// 2^30 with one bit less of shift.
    pub fn from_real(real: f64) -> Option<Self> {
        if !(real.is_finite() && real > 0.0) {
            return None;
        }
        let (fraction, exponent) = split(real);
        #[expect(clippy::cast_possible_truncation, reason = "2^30 ≤ fraction·2^31 ≤ 2^31")]
        let m0 = (fraction * exp2(LONGEST_SHIFT)).round() as i64;
        // 1 − 2^(−40) rounds to 2^31, which is no int32.
        let (m0, exponent) = if m0 == 1 << 31 { (m0 / 2, exponent + 1) } else { (m0, exponent) };
        Some(Self { m0: i32::try_from(m0).ok()?, shift: -exponent })
    }

    /// `M0` as a fraction.
    pub fn fraction(self) -> f64 {
        f64::from(self.m0) * exp2(-31)
    }

    /// `M0·2^(−n)`. Below 2^(−1022) it is rounded to a denormal, above 2^1023 to infinity.
    pub fn to_real(self) -> f64 {
        // In two steps: 2^(−n) alone can leave the range where the product does not.
        let half = -self.shift / 2;
        self.fraction() * exp2(half) * exp2(-self.shift - half)
    }

    /// `(M0·2^(−n) − M)/M`.
    pub fn relative_error(self, real: f64) -> f64 {
        // Scaled by the same power of two first: a denormal M would round the difference away.
        let (fraction, exponent) = split(real);
        (self.fraction() * exp2(-self.shift - exponent) - fraction) / fraction
    }

    /// The power of two nearest to `M`, as its right shift: `n` for `M0 ≥ 0.75`, else `n + 1`.
    pub fn nearest_shift(self) -> i32 {
        if self.m0 >= 3 << 29 { self.shift } else { self.shift + 1 }
    }

    /// `round(M·accumulator)`, saturated to int32.
    pub fn apply(self, accumulator: i32, rounding: Rounding) -> i32 {
        match rounding {
            Rounding::Gemmlowp => self.gemmlowp(accumulator),
            Rounding::Single => shift_half_up(i64::from(accumulator) * i64::from(self.m0), 31 + self.shift),
            Rounding::Shift => shift_half_up(i64::from(accumulator), self.nearest_shift()),
        }
    }

    fn gemmlowp(self, accumulator: i32) -> i32 {
        if self.shift > LONGEST_SHIFT {
            return 0;
        }
        let left = (-self.shift).clamp(0, LONGEST_SHIFT);
        // The reference shifts an int32 and leaves overflow undefined; here it saturates, before the multiply.
        let shifted = saturate(i64::from(accumulator) << left);
        rounding_divide_by_power_of_two(high_multiply(shifted, self.m0), self.shift.max(0))
    }
}

/// gemmlowp's `SaturatingRoundingDoublingHighMul`: `a·b/2^31`, to nearest, ties up.
fn high_multiply(a: i32, b: i32) -> i32 {
    if a == i32::MIN && b == i32::MIN {
        return i32::MAX;
    }
    let product = i64::from(a) * i64::from(b);
    // The division truncates towards zero, which the smaller nudge of a negative product makes up for.
    let nudge: i64 = if product >= 0 { 1 << 30 } else { 1 - (1 << 30) };
    saturate((product + nudge) / (1 << 31))
}

/// gemmlowp's `RoundingDivideByPOT`: `value/2^exponent`, to nearest, ties away from zero; `exponent` in 0..=31.
fn rounding_divide_by_power_of_two(value: i32, exponent: i32) -> i32 {
    let value = i64::from(value);
    let mask = (1_i64 << exponent) - 1;
    let threshold = (mask >> 1) + i64::from(value < 0);
    saturate((value >> exponent) + i64::from(value & mask > threshold))
}

/// `value/2^shift`, to nearest, ties up, saturated; a negative shift multiplies. `|value| ≤ 2^62`.
fn shift_half_up(value: i64, shift: i32) -> i32 {
    match shift {
        // Of 62 bits a shift of 63 leaves a half at most, and only of −2^62, which rounds up to 0.
        63.. => 0,
        1..=62 => saturate((value + (1 << (shift - 1))) >> shift),
        // A left shift of 32 leaves int32 whatever it is of, but for 0.
        _ => saturate(value.saturating_mul(1 << (-shift).min(32))),
    }
}

fn saturate(value: i64) -> i32 {
    // Clamped to int32.
    i32::try_from(value.clamp(i64::from(i32::MIN), i64::from(i32::MAX))).unwrap_or_default()
}

/// `(f, e)` with `value = f·2^e` and `f` in [0.5, 1), exact; `value` is finite and above 0.
fn split(value: f64) -> (f64, i32) {
    const BIAS: i32 = 1022;
    const FRACTION: u64 = (1 << 52) - 1;
    // A denormal has no exponent of its own: 2^64 times it has.
    let (value, extra) = if value < f64::MIN_POSITIVE { (value * exp2(64), 64) } else { (value, 0) };
    let bits = value.to_bits();
    // The sign is 0, so 11 bits are left.
    let exponent = i32::try_from(bits >> 52).unwrap_or_default() - BIAS;
    (f64::from_bits((bits & FRACTION) | (1022 << 52)), exponent - extra)
}

/// `2^exponent`, exact where it is a float64.
fn exp2(exponent: i32) -> f64 {
    2.0_f64.powi(exponent)
}

#[cfg(test)]
#[path = "requant_tests.rs"]
mod tests;
