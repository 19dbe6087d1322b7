//! Any quantizer of a tensor: integers on a grid, or floats of fewer bits.

use super::{
    clipping::Clipping,
    fake::fake_quantize,
    floats::{FloatFormat, round_trip},
    grid::Grid,
    integer_format::IntegerFormat,
    params::{Degenerate, QuantParams, Range},
};

/// A number format before it has a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NumberFormat {
    /// Integers.
    Integer(IntegerFormat),
    /// Floats of 16 or 8 bits.
    Float(FloatFormat),
}

impl NumberFormat {
    /// The quantizer for data in `range`, and why it is `S = 1` where the range gives no scale.
    pub fn quantizer(self, range: Range) -> (Quantizer, Option<Degenerate>) {
        match self {
            Self::Integer(format) => {
                let (params, reason) = format.params(range);
                (Quantizer::Integer(params), reason)
            }
            Self::Float(format) => {
                let (scale, reason) = format.scale(range.amax());
                (Quantizer::Float { format, scale }, reason)
            }
        }
    }

    /// The integers, if it is a format of those.
    pub fn integer(self) -> Option<IntegerFormat> {
        if let Self::Integer(format) = self { Some(format) } else { None }
    }
}

/// What stands between a tensor and its readers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Quantizer {
    /// `QuantizeLinear → DequantizeLinear` on integers.
    Integer(QuantParams),
    /// A pair of Casts; for the 8-bit formats `QuantizeLinear → DequantizeLinear` with a scale.
    Float {
        /// The format.
        format: FloatFormat,
        /// 1 for the formats that have none.
        scale: f32,
    },
}

impl Quantizer {
    /// Sends every element of `input` through, into `output`.
    ///
    /// # Panics
    /// If the two differ in length, which the caller rules out by allocating `output` from `input`.
    pub fn fake_quantize(&self, input: &[f32], output: &mut [f32]) -> Clipping {
        match self {
            Self::Integer(params) => fake_quantize(input, output, params),
            Self::Float { format, scale } => round_trip(*format, *scale, input, output),
        }
    }

    /// The integers' parameters, if it is a quantizer of those.
    pub fn integer(&self) -> Option<&QuantParams> {
        if let Self::Integer(params) = self { Some(params) } else { None }
    }

    /// The codes, if they are integers.
    pub fn grid(&self) -> Option<Grid> {
        self.integer().map(|params| params.grid)
    }

    /// Bits an element takes.
    pub fn bits(&self) -> u32 {
        match self {
            Self::Integer(params) => u32::from(params.grid.bits()),
            Self::Float { format, .. } => format.bits(),
        }
    }

    /// Scale S; 1 where the format has none.
    pub fn scale(&self) -> f32 {
        match self {
            Self::Integer(params) => params.scale,
            Self::Float { scale, .. } => *scale,
        }
    }

    /// Zero-point Z; 0 for floats.
    pub fn zero_point(&self) -> i32 {
        self.integer().map_or(0, |params| params.zero_point)
    }

    /// The smallest and the largest real number that comes out.
    pub fn representable(&self) -> Range {
        match self {
            Self::Integer(params) => params.representable(),
            Self::Float { format, scale } => Range::symmetric(format.largest_finite() * scale),
        }
    }

    /// Whether the exported QuantizeLinear needs a Clip before it.
    pub fn is_narrower_than_container(&self) -> bool {
        self.grid().is_some_and(Grid::is_narrower_than_container)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quant::{Codes, Scheme, Sign};

    #[test]
    fn both_kinds_by_hand() {
        let integer = IntegerFormat::onnxruntime(8, Scheme::Symmetric, Sign::Signed, Codes::Full).unwrap();
        let (quantizer, reason) = NumberFormat::Integer(integer).quantizer(Range::new(-1.0, 127.0));
        assert_eq!((quantizer.scale(), quantizer.zero_point(), quantizer.bits(), reason), (1.0, 0, 8, None));
        assert_eq!(quantizer.representable(), Range::new(-128.0, 127.0));
        let mut out = [0.0; 3];
        // 300 saturates at 127: one value clipped, error 173².
        let clipping = quantizer.fake_quantize(&[0.4, -1.6, 300.0], &mut out);
        assert_eq!((out, clipping.clipped, clipping.clipped_error_energy), ([0.0, -2.0, 127.0], 1, 173.0 * 173.0));
        // E4M3FN over ±448: S = 1, steps of 32 up there: 430 lies between 416 and 448.
        let (quantizer, reason) = NumberFormat::Float(FloatFormat::Float8E4M3).quantizer(Range::new(-448.0, 1.0));
        assert_eq!((quantizer.scale(), quantizer.bits(), reason), (1.0, 8, None));
        quantizer.fake_quantize(&[430.0, 0.3, 1e9], &mut out);
        assert_eq!(out, [416.0, 0.3125, 448.0]);
        assert!(!quantizer.is_narrower_than_container() && quantizer.grid().is_none());
    }
}
