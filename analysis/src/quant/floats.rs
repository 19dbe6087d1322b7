//! Floating-point formats narrower than float32, as quantizers: float16, bfloat16, float8 E4M3FN and E5M2.
//!
//! What an exported pair of nodes computes, bit-exact with onnxruntime 1.32's CPU kernels (with and without graph
//! optimization: they do not differ here): `Cast → Cast` for the 16-bit formats, which have no scale and overflow to
//! infinity; `QuantizeLinear → DequantizeLinear` with zero-point 0 and `saturate = 1` for the 8-bit ones, which divide
//! by a scale, saturate at the largest finite value (infinities too) and multiply by it again. A NaN stays a NaN, and
//! zero keeps its sign, unlike on integer grids.

use std::{fmt, str::FromStr};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    channel::ChannelLayout,
    clipping::Clipping,
    fake::BLOCK,
    float_kernel::FloatKernel,
    params::{Degenerate, store},
    runs,
};
use crate::{
    error::{Error, Result},
    parallel::grain,
    say,
};

/// A floating-point format of 16 or 8 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FloatFormat {
    /// 4 exponent and 3 mantissa bits, no infinity, one NaN of each sign: ONNX `FLOAT8E4M3FN`.
    Float8E4M3,
    /// 5 exponent and 2 mantissa bits: ONNX `FLOAT8E5M2`.
    Float8E5M2,
    /// 8 exponent and 7 mantissa bits: the upper half of a float32.
    BFloat16,
    /// 5 exponent and 10 mantissa bits: IEEE 754 binary16.
    Float16,
}

impl FloatFormat {
    /// Every format.
    pub const ALL: [Self; 4] = [Self::Float8E4M3, Self::Float8E5M2, Self::BFloat16, Self::Float16];

    /// The name in configurations and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Float8E4M3 => "float8e4m3",
            Self::Float8E5M2 => "float8e5m2",
            Self::BFloat16 => "bfloat16",
            Self::Float16 => "float16",
        }
    }

    /// Bits an element takes.
    pub fn bits(self) -> u32 {
        1 + self.exponent_bits() + self.mantissa_bits()
    }

    /// The value of ONNX's `TensorProto.DataType`.
    pub fn onnx_data_type(self) -> i32 {
        match self {
            Self::Float8E4M3 => 17,
            Self::Float8E5M2 => 19,
            Self::BFloat16 => 16,
            Self::Float16 => 10,
        }
    }

    /// Whether a scale belongs to it: the 8-bit formats go through `QuantizeLinear`, the others through `Cast`.
    pub fn has_scale(self) -> bool {
        matches!(self, Self::Float8E4M3 | Self::Float8E5M2)
    }

    /// Bits of the exponent field.
    pub fn exponent_bits(self) -> u32 {
        match self {
            Self::Float8E4M3 => 4,
            Self::Float8E5M2 | Self::Float16 => 5,
            Self::BFloat16 => 8,
        }
    }

    /// Bits of the stored part of the significand.
    pub fn mantissa_bits(self) -> u32 {
        match self {
            Self::Float8E4M3 => 3,
            Self::Float8E5M2 => 2,
            Self::BFloat16 => 7,
            Self::Float16 => 10,
        }
    }

    /// What the exponent field is reduced by: `2^(exponent_bits − 1) − 1`.
    pub fn exponent_bias(self) -> u32 {
        (1 << (self.exponent_bits() - 1)) - 1
    }

    /// 448, 57 344, (2 − 2⁻⁷)·2¹²⁷ and 65 504.
    pub fn largest_finite(self) -> f32 {
        match self {
            // All exponent bits set is an ordinary binade here; only its last significand is a NaN.
            Self::Float8E4M3 => 448.0,
            Self::Float8E5M2 => 57_344.0,
            Self::BFloat16 => f32::from_bits(0x7F7F_0000),
            Self::Float16 => 65_504.0,
        }
    }

    /// The smallest positive value of full precision: 2⁻⁶, 2⁻¹⁴, 2⁻¹²⁶ and 2⁻¹⁴.
    pub fn smallest_normal(self) -> f32 {
        f32::from_bits((128 - self.exponent_bias()) << 23)
    }

    /// The smallest positive value, which is the step below [`FloatFormat::smallest_normal`]: 2⁻⁹, 2⁻¹⁶, 2⁻¹³³, 2⁻²⁴.
    pub fn smallest_subnormal(self) -> f32 {
        // Powers of two, the quotient not below 2^-133: exact.
        #[expect(clippy::cast_precision_loss, reason = "a power of two")]
        let steps = (1_u32 << self.mantissa_bits()) as f32;
        self.smallest_normal() / steps
    }

    /// The scale that puts `amax = max|r|` on the largest finite value: `S = amax / 448` or `amax / 57 344`, in float64
    /// and then rounded. For a min–max range as for one that a threshold cut. 1 for the formats without a scale.
    ///
    /// onnxruntime's own rule is another (`compute_scale_zp_float8` in its `quant_utils.py`, which the calibration method
    /// "Distribution" needs): `S = std(r) / std(all finite values of E4M3FN)`, whatever the largest value is. It has
    /// none for E5M2.
    ///
    /// An `amax` without a usable scale gives 1 and the reason, as in [`super::params`].
    pub fn scale(self, amax: f32) -> (f32, Option<Degenerate>) {
        if !self.has_scale() {
            return (1.0, None);
        }
        let made = if !amax.is_finite() || amax < 0.0 {
            Err(Degenerate::NotFinite)
        } else if amax == 0.0 {
            Err(Degenerate::ZeroWidth)
        } else {
            store(f64::from(amax) / f64::from(self.largest_finite()))
        };
        made.map_or_else(|reason| (1.0, Some(reason)), |scale| (scale, None))
    }
}

impl fmt::Display for FloatFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for FloatFormat {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|format| format.name() == text);
        found.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::config(say!("number format"), say!("`{}` is none of {}", text, names))
        })
    }
}

/// Sends every element of `input` through `format` and back, into `output`. `scale` is ignored where the format has
/// none; else it is positive and finite.
///
/// # Panics
/// If the two differ in length, which the caller rules out by allocating `output` from `input`.
pub fn round_trip(format: FloatFormat, scale: f32, input: &[f32], output: &mut [f32]) -> Clipping {
    assert_eq!(input.len(), output.len(), "round_trip: input and output are the same tensor's");
    let kernel = FloatKernel::new(format, scale);
    let blocks: Vec<Clipping> = (input.par_chunks(BLOCK).zip(output.par_chunks_mut(BLOCK)))
        .with_min_len(grain())
        .map(|(input, output)| {
            output.copy_from_slice(input);
            kernel.block(output)
        })
        .collect();
    Clipping::merged(&blocks)
}

/// [`round_trip`] onto the input itself.
pub fn round_trip_in_place(format: FloatFormat, scale: f32, values: &mut [f32]) -> Clipping {
    let kernel = FloatKernel::new(format, scale);
    let blocks: Vec<Clipping> = values.par_chunks_mut(BLOCK).map(|block| kernel.block(block)).collect();
    Clipping::merged(&blocks)
}

/// [`round_trip_in_place`] with a scale, and a result, for each channel.
///
/// # Panics
/// If `layout` is not the layout of `values` or has not one channel for each of `scales`.
pub fn round_trip_channels_in_place(
    format: FloatFormat,
    scales: &[f32],
    layout: ChannelLayout,
    values: &mut [f32],
) -> Vec<Clipping> {
    assert_eq!(scales.len(), layout.channels, "round_trip: a scale for each channel");
    let kernels: Vec<FloatKernel> = scales.iter().map(|scale| FloatKernel::new(format, *scale)).collect();
    runs::channels_in_place(values, layout, |channel, run| kernels[channel].block(run))
}

/// The codes of every element, in the low bits: what an initializer of this type holds, see [`raw_data`].
///
/// # Panics
/// If the two differ in length.
pub fn encode(format: FloatFormat, scale: f32, input: &[f32], codes: &mut [u16]) {
    assert_eq!(input.len(), codes.len(), "encode: input and output are the same tensor's");
    let kernel = FloatKernel::new(format, scale);
    codes.iter_mut().zip(input).for_each(|(code, value)| *code = kernel.code(*value));
}

/// [`encode`] with a scale for each channel.
///
/// # Panics
/// If `layout` is not the layout of `input` and `codes`, or has not one channel for each of `scales`.
pub fn encode_channels(format: FloatFormat, scales: &[f32], layout: ChannelLayout, input: &[f32], codes: &mut [u16]) {
    assert_eq!((input.len(), codes.len()), (layout.len(), layout.len()), "encode: the layout is the tensor's");
    assert_eq!(scales.len(), layout.channels, "encode: a scale for each channel");
    let inner = layout.inner.max(1);
    let runs = input.chunks(inner).zip(codes.chunks_mut(inner));
    runs.zip(scales.iter().cycle()).for_each(|((input, codes), scale)| encode(format, *scale, input, codes));
}

/// What `Cast` or `DequantizeLinear` makes of the codes.
///
/// # Panics
/// If the two differ in length.
pub fn decode(format: FloatFormat, scale: f32, codes: &[u16], output: &mut [f32]) {
    assert_eq!(codes.len(), output.len(), "decode: input and output are the same tensor's");
    let kernel = FloatKernel::new(format, scale);
    output.iter_mut().zip(codes).for_each(|(value, code)| *value = kernel.decoded(*code));
}

/// Codes as ONNX's `raw_data`: little-endian, as many bytes an element as the format takes.
pub fn raw_data(format: FloatFormat, codes: &[u16]) -> Vec<u8> {
    let bytes = if format.bits() == 16 { 2 } else { 1 };
    codes.iter().flat_map(|code| code.to_le_bytes().into_iter().take(bytes)).collect()
}

#[cfg(test)]
#[path = "floats_tests.rs"]
mod tests;
