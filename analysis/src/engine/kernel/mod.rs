//! Kernels of our own where onnxruntime's unoptimized one is slow: they give its bits or are not used.
//!
//! Without graph optimization onnxruntime computes a depthwise convolution as one matrix product a channel, over a copy of
//! the input nine times its size: four tenths of MobileNetV2's time go there, for a fifteenth of its multiplications.
//! Optimized kernels are no way out, since they round otherwise than the exported model does when it is verified.
//!
//! Nothing is taken on trust. A kernel adds in the order in which onnxruntime's does on x86-64; the first run of every
//! session on inputs of a shape is done by both, and only where all bits agree does the kernel do the later ones. An
//! order of additions depends on shapes and not on values, so one tensor of thousands of sums tells. Where a value is not
//! finite (the bits of a NaN depend on the order of operands) onnxruntime computes the tensor.

mod after;
mod depthwise;
mod geometry;
mod plane;
mod recognize;
mod tail;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};

use super::{Value, buffer::Pool};
use crate::onnx::proto::ModelProto;
pub(super) use after::After;
use depthwise::Depthwise;

/// A kernel for a segment, and what is known of its agreement with onnxruntime.
#[derive(Debug)]
pub(super) struct OwnKernel {
    depthwise: Depthwise,
    proof: Proven,
}

/// Sessions that have a kernel of ours beside them, by what the comparison with onnxruntime said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OwnKernels {
    /// All bits agreed: the kernel computes.
    pub used: usize,
    /// They did not: onnxruntime computes, as on a processor for which it adds in another order.
    pub refused: usize,
    /// Not run yet, or never on finite values.
    pub untried: usize,
}

impl OwnKernels {
    /// By the state of each.
    pub(super) fn count<'a>(proofs: impl Iterator<Item = &'a Proven>) -> Self {
        proofs.fold(Self::default(), |mut count, proof| {
            match proof.state() {
                Proof::Equal(_) => count.used += 1,
                Proof::Refused => count.refused += 1,
                Proof::Open => count.untried += 1,
            }
            count
        })
    }
}

/// What the comparison with onnxruntime said, which every thread may learn.
#[derive(Debug, Default)]
pub(super) struct Proven(Mutex<Proof>);

/// What the comparison with onnxruntime said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Proof {
    /// Not compared yet.
    #[default]
    Open,
    /// Equal in every bit, on an input of this shape.
    Equal(Vec<i64>),
    /// Another order of additions, as on another processor.
    Refused,
}

impl Proven {
    fn state(&self) -> Proof {
        // It is replaced as a whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether equality is known for an input of this shape.
    fn holds_for(&self, shape: &[i64]) -> bool {
        matches!(self.state(), Proof::Equal(known) if known == shape)
    }

    /// Whether a comparison on an input of this shape would tell something new.
    fn is_open_for(&self, shape: &[i64]) -> bool {
        match self.state() {
            Proof::Open => true,
            Proof::Equal(known) => known != shape,
            Proof::Refused => false,
        }
    }

    fn conclude(&self, is_equal: bool, shape: Vec<i64>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
            if is_equal { Proof::Equal(shape) } else { Proof::Refused };
    }
}

impl OwnKernel {
    /// The kernel that can stand for the whole model, where there is one.
    pub(super) fn of(model: &ModelProto) -> Option<Self> {
        Some(Self { depthwise: recognize::depthwise(model)?, proof: Proven::default() })
    }

    /// The output, where equality is proven for the input's shape and all values are finite.
    pub(super) fn run(&self, input: &Value, pool: &Pool) -> Option<Value> {
        self.proof.holds_for(&input.dims()).then(|| self.compute(input, pool)).flatten()
    }

    /// Compares with what onnxruntime made of `input`, unless that was done for its shape.
    pub(super) fn prove(&self, input: &Value, outputs: &[Arc<Value>], pool: &Pool) {
        if self.proof.is_open_for(&input.dims()) {
            // Values that are not finite prove nothing: another input may.
            let Some(own) = self.compute(input, pool) else { return };
            self.proof.conclude(matches!(outputs, [one] if one.same_bits(&own)), input.dims());
        }
    }

    /// What is known so far.
    pub(super) fn proof(&self) -> &Proven {
        &self.proof
    }

    fn compute(&self, input: &Value, pool: &Pool) -> Option<Value> {
        let (data, shape) = (input.floats()?, input.shape());
        let geometry = self.depthwise.geometry(&shape)?;
        let mut out = pool.take(geometry.output_len());
        let is_finite = self.depthwise.run(&geometry, data, &mut out);
        is_finite.then(|| Value::Float { shape: geometry.output_shape(), data: out })
    }
}
