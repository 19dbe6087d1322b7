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
use depthwise::Depthwise;

/// A kernel for a segment, and what is known of its agreement with onnxruntime.
#[derive(Debug)]
pub(super) struct OwnKernel {
    depthwise: Depthwise,
    proof: Mutex<Proof>,
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
    pub(super) fn count<'a>(kernels: impl Iterator<Item = &'a OwnKernel>) -> Self {
        kernels.fold(Self::default(), |mut count, kernel| {
            match kernel.proof() {
                Proof::Equal(_) => count.used += 1,
                Proof::Refused => count.refused += 1,
                Proof::Open => count.untried += 1,
            }
            count
        })
    }
}

/// What the comparison with onnxruntime said.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Proof {
    /// Not compared yet.
    Open,
    /// Equal in every bit, on an input of this shape.
    Equal(Vec<i64>),
    /// Another order of additions, as on another processor.
    Refused,
}

impl OwnKernel {
    /// The kernel that can stand for the whole model, where there is one.
    pub(super) fn of(model: &ModelProto) -> Option<Self> {
        Some(Self { depthwise: recognize::depthwise(model)?, proof: Mutex::new(Proof::Open) })
    }

    /// The output, where equality is proven for the input's shape and all values are finite.
    pub(super) fn run(&self, input: &Value, pool: &Pool) -> Option<Value> {
        match self.proof() {
            Proof::Equal(shape) if shape == input.dims() => self.compute(input, pool),
            _ => None,
        }
    }

    /// Compares with what onnxruntime made of `input`, unless that was done for its shape.
    pub(super) fn prove(&self, input: &Value, outputs: &[Arc<Value>], pool: &Pool) {
        let shape = input.dims();
        match self.proof() {
            Proof::Refused => return,
            Proof::Equal(known) if known == shape => return,
            Proof::Equal(_) | Proof::Open => {}
        }
        // Values that are not finite prove nothing: another input may.
        let Some(own) = self.compute(input, pool) else { return };
        let is_equal = matches!(outputs, [one] if one.same_bits(&own));
        *self.proof.lock().unwrap_or_else(PoisonError::into_inner) =
            if is_equal { Proof::Equal(shape) } else { Proof::Refused };
    }

    /// What is known so far.
    fn proof(&self) -> Proof {
        // It is replaced as a whole.
        self.proof.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn compute(&self, input: &Value, pool: &Pool) -> Option<Value> {
        let (data, shape) = (input.floats()?, input.shape());
        let geometry = self.depthwise.geometry(&shape)?;
        let mut out = pool.take(geometry.output_len());
        let is_finite = self.depthwise.run(&geometry, data, &mut out);
        is_finite.then(|| Value::Float { shape: geometry.output_shape(), data: out })
    }
}
