//! Kernels of our own where onnxruntime's unoptimized one is slow: they give its bits or are not used.
//!
//! Without graph optimization onnxruntime computes a depthwise convolution as one matrix product a channel, over a copy of
//! the input nine times its size: four tenths of MobileNetV2's time go there, for a fifteenth of its multiplications.
//! Optimized kernels are no way out, since they round otherwise than the exported model does when it is verified. A
//! product with a matrix it computes as fast as can be, but one at a time, and packs the matrix each time where the export
//! would make it by `DequantizeLinear`: an analysis wants several with one matrix. Other convolutions it lays out anew for
//! each set of weights, and a batch norm and a bound behind them read and write the whole tensor once more each.
//!
//! Nothing is taken on trust. A kernel adds in the order in which onnxruntime's does on x86-64; before it computes its first
//! tensor of a shape, both compute one of made-up values with made-up weights, and only where all bits agree does the kernel
//! do the work. Made up, because data and weights may tell nothing: sums of zeros are equal in any order. An order of additions depends
//! on nodes and shapes and not on values, so one tensor of thousands of sums tells, and tells it for every segment that is
//! the same but for its weights. Where a value is not finite (the bits of a NaN
//! depend on the order of operands) onnxruntime computes the tensor.

mod alike;
mod convolution;
mod depthwise;
mod geometry;
mod plane;
mod product;
mod recognize;
mod tail;
mod turn;

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{Runtime, SessionKind, Value, lend::reads_in_place};
use crate::{
    buffer::{Buffer, Pool},
    error::Result,
    onnx::proto::ModelProto,
    quant::wide::fuses,
};
pub(super) use alike::{Proofs, with_made_up_constants};
use convolution::Convolution;
use depthwise::Depthwise;
use product::Dense;
pub(super) use turn::{Turn, take};

/// A kernel for a segment, and what is known of its agreement with onnxruntime.
#[derive(Debug)]
pub(super) struct OwnKernel {
    operation: Operation,
    proof: Arc<Proven>,
}

/// What a kernel computes.
#[derive(Debug)]
enum Operation {
    Depthwise(Depthwise),
    Convolution(Convolution),
    Dense(Dense),
}

impl Operation {
    fn of(model: &ModelProto, pool: &Pool) -> Option<Self> {
        let convolution = || recognize::convolution(model, pool).map(Self::Convolution);
        let dense = || recognize::dense(model, pool).map(Self::Dense);
        let product = || fuses().then(|| convolution().or_else(dense)).flatten();
        recognize::depthwise(model).map(Self::Depthwise).or_else(product)
    }
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
    pub(super) fn count<'a>(proofs: impl Iterator<Item = &'a Arc<Proven>>) -> Self {
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

/// What the comparison with onnxruntime said, which every thread may learn. Two threads may compare at the same time: one
/// that waited for the other could be what the other's loops wait for.
#[derive(Debug, Default)]
pub(super) struct Proven(Mutex<Proof>);

/// What the comparison with onnxruntime said.
#[derive(Debug, PartialEq, Eq)]
enum Proof {
    /// Equal in every bit on inputs of these shapes, in this order of additions (see [`Operation::orders`]).
    Equal(BTreeMap<Vec<i64>, usize>),
    /// Another order of additions, as on another processor.
    Refused,
}

impl Default for Proof {
    fn default() -> Self {
        Self::Equal(BTreeMap::new())
    }
}

impl Proven {
    fn state(&self) -> MutexGuard<'_, Proof> {
        // Between any two statements under the lock it is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of inputs of this shape.
    fn known(&self, shape: &[i64]) -> Option<Option<usize>> {
        match &*self.state() {
            Proof::Equal(shapes) => shapes.get(shape).copied().map(Some),
            Proof::Refused => Some(None),
        }
    }

    /// Finds out in which of `orders` the loops give onnxruntime's bits on inputs of this shape, by what both `own` and
    /// `theirs` make of made-up values.
    fn compare(
        &self,
        shape: &[i64],
        pool: &Pool,
        orders: &[usize],
        own: impl Fn(&Value, usize) -> Option<Value>,
        theirs: impl FnOnce(Arc<Value>) -> Result<Arc<Value>>,
    ) -> Result<Option<usize>> {
        let probe = Arc::new(Value::Float { shape: shape.to_vec(), data: made_up(1, shape, pool) });
        let mut theirs = Some(theirs);
        let (mut expected, mut found) = (None, None);
        for &order in orders {
            // Weights so large that sums of such values are not finite: nothing is known, and nothing is used.
            let Some(own) = own(&probe, order) else { return Ok(None) };
            if let Some(theirs) = theirs.take() {
                expected = Some(theirs(Arc::clone(&probe))?);
            }
            if expected.as_ref().is_some_and(|expected| expected.same_bits(&own)) {
                found = Some(order);
                break;
            }
        }
        let mut state = self.state();
        match (&mut *state, found) {
            (Proof::Equal(shapes), Some(order)) => {
                shapes.insert(shape.to_vec(), order);
                Ok(Some(order))
            }
            (state, _) => {
                *state = Proof::Refused;
                Ok(None)
            }
        }
    }
}

/// Values in −1..1 that have nothing to do with each other, the same at every call with one `seed`.
fn made_up(seed: u32, shape: &[i64], pool: &Pool) -> Buffer {
    let mut data = pool.take(shape.iter().map(|&d| usize::try_from(d).unwrap_or(0)).product());
    let mut state = seed;
    for value in &mut data[..] {
        // Numerical Recipes' generator; its upper 24 bits are exact in float32.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        #[expect(clippy::cast_precision_loss, reason = "24 bits are exact in float32")]
        let share = (state >> 8) as f32 / 8_388_608.0;
        *value = share - 1.0;
    }
    data
}

impl OwnKernel {
    /// The kernel that can stand for the whole model, where there is one.
    pub(super) fn of(runtime: &Runtime, model: &ModelProto, kind: SessionKind) -> Option<Self> {
        let operation = Operation::of(model, runtime.constants())?;
        // What no session prepares ahead is the same computation in both kinds.
        let is_prepared = matches!(operation, Operation::Dense(_)) || !reads_in_place("Conv", "");
        let kind = if is_prepared { kind } else { SessionKind::Float };
        Some(Self { operation, proof: runtime.proofs().of(model, kind) })
    }

    /// What is known so far.
    pub(super) fn proof(&self) -> &Arc<Proven> {
        &self.proof
    }

    /// The order in which it gives onnxruntime's bits on float32 inputs of this shape; `None` where onnxruntime has to
    /// compute. Where that is not known, `stand_in` makes a kernel that is alike, but with made-up constants, and a run of
    /// onnxruntime's of the same: the file's own may be zeros, whose sums are equal in any order.
    ///
    /// # Errors
    /// Those of `stand_in` and of its run.
    pub(super) fn order<T: FnOnce(Arc<Value>) -> Result<Arc<Value>>>(
        &self,
        dims: &[i64],
        pool: &Pool,
        stand_in: impl FnOnce() -> Result<(Self, T)>,
    ) -> Result<Option<usize>> {
        let Ok(shape) = dims.iter().map(|&dim| usize::try_from(dim)).collect::<std::result::Result<Vec<_>, _>>() else {
            return Ok(None);
        };
        let orders = self.operation.orders(&shape);
        if orders.is_empty() {
            return Ok(None);
        }
        if let Some(known) = self.proof.known(dims) {
            return Ok(known);
        }
        let (kernel, theirs) = stand_in()?;
        let own = |probe: &Value, order| Turn { kernel: &kernel, input: probe, order }.alone(pool);
        self.proof.compare(dims, pool, &orders, own, theirs)
    }
}
