//! Number formats and the arithmetic of fake quantization.
//!
//! [`grid`] says which integers exist, [`params`] turns a range of reals into a scale and a zero-point. The clamp grid
//! and the rule that gives a symmetric scale are separate things on purpose: onnxruntime's int8 weights take their
//! scale from 127 and still saturate at −128.

pub mod grid;
pub mod params;

pub use grid::{Bits, Grid, Scheme};
pub use params::{Degenerate, QuantParams, Range, SymmetricRule, affine, symmetric};
