//! Number formats and the arithmetic of fake quantization.
//!
//! [`grid`] says which integers exist, [`params`] turns a range of reals into a scale and a zero-point, [`fake`] sends
//! tensors through them. The clamp grid and the rule that gives a symmetric scale are separate things on purpose:
//! onnxruntime's int8 weights take their scale from 127 and still saturate at −128.

pub mod channel;
pub mod clipping;
pub mod fake;
pub mod grid;
mod kernel;
pub mod params;
pub mod requant;
pub(crate) mod wide;

pub use channel::ChannelLayout;
pub use clipping::Clipping;
pub use fake::{
    dequantize, dequantize_channels, fake_quantize, fake_quantize_channels, fake_quantize_channels_in_place,
    fake_quantize_in_place, quantize_to_int, quantize_to_int_channels,
};
pub use grid::{Bits, Grid, Scheme};
pub use params::{Degenerate, QuantParams, Range, SymmetricRule, affine, symmetric};
pub use requant::{Multiplier, Rounding};
