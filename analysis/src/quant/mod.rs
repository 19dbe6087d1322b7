//! Number formats and the arithmetic of fake quantization.
//!
//! [`grid`] says which integers exist, [`params`] turns a range of reals into a scale and a zero-point, [`fake`] sends
//! tensors through them. The clamp grid and the rule that gives a symmetric scale are separate things on purpose:
//! onnxruntime's int8 weights take their scale from 127 and still saturate at −128.

pub mod channel;
pub mod clipping;
pub mod fake;
mod float_kernel;
pub mod floats;
pub mod grid;
pub mod group;
pub mod integer_format;
pub(crate) mod kernel;
pub(crate) mod lanes;
pub(crate) mod packed;
pub mod params;
pub mod power_of_two;
pub mod quantizer;
pub mod requant;
mod runs;
pub(crate) mod wide;

#[cfg(test)]
mod property_tests;

pub use channel::ChannelLayout;
pub use clipping::Clipping;
pub use fake::{
    dequantize, dequantize_channels, fake_quantize, fake_quantize_channels, fake_quantize_channels_in_place,
    fake_quantize_in_place, fake_quantize_values, quantize_to_int, quantize_to_int_channels,
};
pub use floats::FloatFormat;
pub use grid::{Bits, Grid, Scheme};
pub use group::GroupLayout;
pub use integer_format::{Codes, IntegerFormat, Sign};
pub use params::{Degenerate, QuantParams, Range, SymmetricRule, affine, symmetric};
pub use quantizer::{NumberFormat, Quantizer};
pub use requant::{Multiplier, Rounding};
