//! Conv, Gemm and MatMul in integers, as a machine without floats computes them (QUANTIZATION.md Q11, Q14, Q15): what the
//! accumulator holds, how it is requantized, and how far that is from fake quantization.
//!
//! A layer is three things: a [`Geometry`] that says which products an output adds up, [`WeightRows`] with its weights
//! in the order of that sum, and a [`Bias`]. [`IntegerLayer`] runs them on the codes of a sample. These are reference
//! kernels: accumulation is exact in 64 bits, and what an int32 would have made of it is reported, not suffered.
//! Large layers are computed on a part of their outputs, see [`positions`].

mod bounds;
mod compare;
mod conv;
mod matmul;
mod pairs;
mod run;
mod sampling;
mod weights;

#[cfg(test)]
mod kernel_tests;

pub use bounds::{Extent, bits_of, worst_cases};
pub use compare::{LsbDifferences, Requantizer};
pub use conv::{AutoPad, ConvGeometry, ConvSettings};
pub use matmul::{MatrixGeometry, MatrixSettings};
pub use pairs::{PairCheck, most_negative};
pub use run::{ChannelTally, Expected, FloatScale, IntegerLayer};
pub use sampling::positions;
pub use weights::{Bias, WeightRows};

/// Which products each output element adds up.
///
/// Outputs are numbered by *position* (a pixel, a row) and *channel*; the channels of one *group* read the same inputs
/// at a position, their *patch*. A position and a channel have one *row* of weights.
pub trait Geometry: std::fmt::Debug + Sync {
    /// Output channels: rows of the table that a user sees.
    fn channels(&self) -> usize;
    /// Outputs of each channel.
    fn positions(&self) -> usize;
    /// Groups of channels; channel `c` is in group `c / (channels / groups)`.
    fn groups(&self) -> usize {
        1
    }
    /// Products that an output adds up, padding included.
    fn taps(&self) -> usize;
    /// Rows of weights: one a channel, times the matrices of a batched constant.
    fn rows(&self) -> usize {
        self.channels()
    }
    /// The row of weights that `channel` has at `position`.
    fn row(&self, position: usize, channel: usize) -> usize;
    /// The element of the constant that multiplies tap `tap` of `row`.
    fn weight_element(&self, row: usize, tap: usize) -> usize;
    /// The element of the output tensor.
    fn output_element(&self, position: usize, channel: usize) -> usize;
    /// Writes the inputs that `group` reads at `position` to `patch`, which holds [`Geometry::taps`] elements; padding
    /// is 0. `steps` are the input's codes minus its zero-point.
    fn gather(&self, steps: &[i32], position: usize, group: usize, patch: &mut [i32]);
}
