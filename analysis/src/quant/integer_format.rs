//! An integer number format before it has a range: which codes, and how scale and zero-point follow.

use serde::{Deserialize, Serialize};

use super::{
    grid::{Grid, Scheme},
    params::{Degenerate, QuantParams, Range, SymmetricRule, affine, symmetric},
    power_of_two::{affine_power_of_two, symmetric_power_of_two},
};
use crate::error::Result;

/// Whether codes are two's complement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sign {
    /// `−2^(b−1) …`
    Signed,
    /// `0 …`
    Unsigned,
}

/// Whether a signed grid has its most negative code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Codes {
    /// −128 … 127.
    Full,
    /// −127 … 127: symmetric about zero, and no product of two codes leaves int16 when two are added.
    Narrow,
}

/// Codes and rule of an integer format; with a range it gives [`QuantParams`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IntegerFormat {
    /// The codes.
    pub grid: Grid,
    /// With or without a zero-point of its own.
    pub scheme: Scheme,
    /// How a symmetric scale follows from the largest magnitude.
    pub rule: SymmetricRule,
    /// Whether the scale is rounded up to a power of two.
    pub power_of_two: bool,
}

impl IntegerFormat {
    /// The codes of `bits` bits, with the rule for their symmetric scales.
    ///
    /// # Errors
    /// [`crate::Error::Config`] unless `bits` is 2 to 8 or 16.
    pub fn new(bits: u8, scheme: Scheme, sign: Sign, codes: Codes, rule: SymmetricRule) -> Result<Self> {
        let grid = match (sign, codes) {
            (Sign::Signed, Codes::Full) => Grid::signed(bits)?,
            (Sign::Signed, Codes::Narrow) => Grid::signed_narrow(bits)?,
            (Sign::Unsigned, _) => Grid::unsigned(bits)?,
        };
        Ok(Self { grid, scheme, rule, power_of_two: false })
    }

    /// A format as onnxruntime's quantizer would have it.
    ///
    /// # Errors
    /// [`crate::Error::Config`] unless `bits` is 2 to 8 or 16.
    pub fn onnxruntime(bits: u8, scheme: Scheme, sign: Sign, codes: Codes) -> Result<Self> {
        let mut format = Self::new(bits, scheme, sign, codes, SymmetricRule::Span)?;
        format.rule = SymmetricRule::onnxruntime(format.grid);
        Ok(format)
    }

    /// Scale and zero-point for data in `range`.
    pub fn params(self, range: Range) -> (QuantParams, Option<Degenerate>) {
        match (self.scheme, self.power_of_two) {
            (Scheme::Affine, false) => affine(range, self.grid),
            (Scheme::Affine, true) => affine_power_of_two(range, self.grid),
            (Scheme::Symmetric, false) => symmetric(range.amax(), self.grid, self.rule),
            (Scheme::Symmetric, true) => symmetric_power_of_two(range.amax(), self.grid, self.rule),
        }
    }

    /// Levels that KL merges the kept bins into (QUANTIZATION.md §3): those of one side for a grid that spends half of
    /// its codes on the other, all of them else.
    pub fn levels(self) -> u32 {
        let bits = self.grid.bits();
        let is_halved = self.scheme == Scheme::Symmetric && self.rule != SymmetricRule::Positive;
        1 << if is_halved { bits - 1 } else { bits }
    }
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "scales are rounded to float32")]
mod tests {
    use super::*;

    fn format(bits: u8, scheme: Scheme, sign: Sign, codes: Codes) -> IntegerFormat {
        IntegerFormat::onnxruntime(bits, scheme, sign, codes).unwrap()
    }

    #[test]
    fn the_switches_by_hand() {
        let range = Range::new(-1.0, 3.0);
        let of = |scheme, sign, codes| {
            let (params, degenerate) = format(8, scheme, sign, codes).params(range);
            assert_eq!(degenerate, None);
            (params.scale, params.zero_point, params.grid.q_min(), params.grid.q_max())
        };
        // 4/255, Z = −128 + 63.75 → −64; 4/254, Z = −127 + 63.5 → −64 (to even); uint8: Z = 63.75 → 64.
        assert_eq!(of(Scheme::Affine, Sign::Signed, Codes::Full), ((4.0_f64 / 255.0) as f32, -64, -128, 127));
        assert_eq!(of(Scheme::Affine, Sign::Signed, Codes::Narrow), ((4.0_f64 / 254.0) as f32, -64, -127, 127));
        assert_eq!(of(Scheme::Affine, Sign::Unsigned, Codes::Full), ((4.0_f64 / 255.0) as f32, 64, 0, 255));
        // Symmetric: 3/127 whatever the clamp; uint8 3/127.5 with Z = 128.
        assert_eq!(of(Scheme::Symmetric, Sign::Signed, Codes::Full), ((3.0_f64 / 127.0) as f32, 0, -128, 127));
        assert_eq!(of(Scheme::Symmetric, Sign::Signed, Codes::Narrow), ((3.0_f64 / 127.0) as f32, 0, -127, 127));
        assert_eq!(of(Scheme::Symmetric, Sign::Unsigned, Codes::Full), ((3.0_f64 / 127.5) as f32, 128, 0, 255));
        // int4: −8…7 over amax/7.5, −7…7 over amax/7.
        let four = |codes| format(4, Scheme::Symmetric, Sign::Signed, codes).params(range).0.scale;
        assert_eq!((four(Codes::Full), four(Codes::Narrow)), ((3.0_f64 / 7.5) as f32, (3.0_f64 / 7.0) as f32));
    }

    #[test]
    fn levels_of_the_search() {
        assert_eq!(format(8, Scheme::Symmetric, Sign::Signed, Codes::Full).levels(), 128);
        assert_eq!(format(8, Scheme::Symmetric, Sign::Unsigned, Codes::Full).levels(), 128);
        assert_eq!(format(8, Scheme::Affine, Sign::Signed, Codes::Full).levels(), 256);
        let positive = IntegerFormat {
            rule: SymmetricRule::Positive,
            ..format(8, Scheme::Symmetric, Sign::Unsigned, Codes::Full)
        };
        assert_eq!(positive.levels(), 256);
    }
}
