//! Kernels of our own where onnxruntime's unoptimized one is slow: they give its bits or are not used.
//!
//! Without graph optimization onnxruntime computes a depthwise convolution as one matrix product a channel, over a copy of
//! the input nine times its size: four tenths of MobileNetV2's time go there, for a fifteenth of its multiplications.
//! Optimized kernels are no way out, since they round otherwise than the exported model does when it is verified.
//!
//! Nothing is taken on trust. A kernel adds in the order in which onnxruntime's does on x86-64; before a session's kernel
//! computes its first tensor of a shape, both compute one of made-up values, and only where all bits agree does the kernel
//! do the work. Made up, because data may tell nothing: sums of zeros are equal in any order. An order of additions depends
//! on shapes and not on values, so one tensor of thousands of sums tells. Where a value is not finite (the bits of a NaN
//! depend on the order of operands) onnxruntime computes the tensor.

mod after;
mod depthwise;
mod geometry;
mod plane;
mod recognize;
mod tail;

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{Value, buffer::Pool};
use crate::{error::Result, onnx::proto::ModelProto};
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
            match &*proof.state() {
                Proof::Equal(shapes) if shapes.is_empty() => count.untried += 1,
                Proof::Equal(_) => count.used += 1,
                Proof::Refused => count.refused += 1,
            }
            count
        })
    }
}

/// What the comparison with onnxruntime said, which every thread may learn.
#[derive(Debug, Default)]
pub(super) struct Proven(Mutex<Proof>);

/// What the comparison with onnxruntime said.
#[derive(Debug, PartialEq, Eq)]
enum Proof {
    /// Equal in every bit, on inputs of these shapes.
    Equal(BTreeSet<Vec<i64>>),
    /// Another order of additions, as on another processor.
    Refused,
}

impl Default for Proof {
    fn default() -> Self {
        Self::Equal(BTreeSet::new())
    }
}

impl Proven {
    fn state(&self) -> MutexGuard<'_, Proof> {
        // Between any two statements under the lock it is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the loops give onnxruntime's bits on inputs of this shape; found out where it is not known, by what both
    /// `own` and `theirs` make of made-up values.
    fn holds_for(
        &self,
        shape: &[i64],
        pool: &Pool,
        own: impl FnOnce(&Value) -> Option<Value>,
        theirs: impl FnOnce(Arc<Value>) -> Result<Arc<Value>>,
    ) -> Result<bool> {
        match &*self.state() {
            Proof::Equal(shapes) if shapes.contains(shape) => return Ok(true),
            Proof::Equal(_) => {}
            Proof::Refused => return Ok(false),
        }
        let probe = Arc::new(made_up(shape, pool));
        // Weights so large that sums of such values are not finite: nothing is known, and nothing is used.
        let Some(own) = own(&probe) else { return Ok(false) };
        let is_equal = theirs(probe)?.same_bits(&own);
        let mut state = self.state();
        match (&mut *state, is_equal) {
            (Proof::Equal(shapes), true) => drop(shapes.insert(shape.to_vec())),
            (state, false) => *state = Proof::Refused,
            (Proof::Refused, true) => {}
        }
        Ok(matches!(*state, Proof::Equal(_)))
    }
}

/// Values in −1..1 that have nothing to do with each other, the same at every call.
fn made_up(shape: &[i64], pool: &Pool) -> Value {
    let mut data = pool.take(shape.iter().map(|&d| usize::try_from(d).unwrap_or(0)).product());
    let mut state = 1_u32;
    for value in &mut data[..] {
        // Numerical Recipes' generator; its upper 24 bits are exact in float32.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        #[expect(clippy::cast_precision_loss, reason = "24 bits are exact in float32")]
        let share = (state >> 8) as f32 / 8_388_608.0;
        *value = share - 1.0;
    }
    Value::Float { shape: shape.to_vec(), data }
}

impl OwnKernel {
    /// The kernel that can stand for the whole model, where there is one.
    pub(super) fn of(model: &ModelProto) -> Option<Self> {
        Some(Self { depthwise: recognize::depthwise(model)?, proof: Proven::default() })
    }

    /// The output, where the kernel gives the bits of `theirs` on inputs of this shape and all values are finite.
    ///
    /// # Errors
    /// Those of `theirs`, which is what onnxruntime makes of an input.
    pub(super) fn run(
        &self,
        input: &Value,
        pool: &Pool,
        theirs: impl FnOnce(Arc<Value>) -> Result<Arc<Value>>,
    ) -> Result<Option<Value>> {
        let own = |probe: &Value| self.compute(probe, pool);
        let is_used = input.floats().is_some() && self.proof.holds_for(&input.dims(), pool, own, theirs)?;
        Ok(is_used.then(|| self.compute(input, pool)).flatten())
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
