//! What is kept of a sample: its tensors between segments in both runs, and the error sums of its layers.

use std::sync::Arc;

use super::Value;
use crate::{graph::TensorId, metrics::ErrorSums, plan::QuantPlan, quant::Clipping};

/// Values of one sample in one run, by tensor; only tensors between segments are kept.
pub type Store = Vec<Option<Arc<Value>>>;

/// The error sums of one layer for one sample.
#[derive(Clone, Debug, Default)]
pub struct LayerSums {
    /// Only this layer's quantizers act.
    pub local: Option<ErrorSums>,
    /// Every quantizer acts.
    pub accumulated: Option<ErrorSums>,
    /// The layer's float function on quantized inputs.
    pub inherited: Option<ErrorSums>,
    /// The layer's quantizers on quantized inputs, against its float function on the same.
    pub introduced: Option<ErrorSums>,
    /// What the output quantizer clips in the quantized run; `None` where there is none.
    pub clipping: Option<Clipping>,
    /// Values that the output quantizer makes 0 without its SQNR telling of them (see `vanished`).
    pub vanished: u64,
    /// Values that passed the output quantizer.
    pub quantized_values: u64,
}

/// One sample's cached tensors and sums.
#[derive(Clone, Debug, Default)]
pub struct SampleRun {
    /// The float run; empty where the sample's tensors are not kept.
    pub float: Store,
    /// The quantized run under `plan`.
    pub quantized: Store,
    /// By layer, under `plan`.
    pub layers: Vec<LayerSums>,
    /// What `quantized` and `layers` were computed with; `None` before the first quantized pass.
    pub plan: Option<Arc<QuantPlan>>,
}

impl SampleRun {
    /// A sample of which only the inputs are known, in the model's order.
    pub fn from_inputs(tensors: usize, inputs: &[TensorId], values: Vec<Arc<Value>>) -> Self {
        Self { float: from_inputs(tensors, inputs, values), ..Self::default() }
    }

    /// Bytes of the cached tensors; one shared by both runs is counted once.
    pub fn bytes(&self) -> u64 {
        let float = store_bytes(&self.float);
        let quantized = self.quantized.iter().zip(self.float.iter().chain(std::iter::repeat(&None)));
        float
            + quantized
                .filter_map(|(q, f)| match (q, f) {
                    (Some(q), Some(f)) if Arc::ptr_eq(q, f) => None,
                    (Some(q), _) => Some(q.bytes()),
                    _ => None,
                })
                .sum::<u64>()
    }

    /// The quantized run, for readers that ask for values: these are not kept for longer than what this returns.
    pub fn quantized_store(&self) -> Store {
        let copy = |value: &Arc<Value>| value.resting().map_or_else(|| Arc::clone(value), Arc::new);
        self.quantized.iter().map(|value| value.as_ref().map(copy)).collect()
    }

    /// Lets go of values that can be made of the integers beside them.
    pub fn rest(&mut self) {
        self.quantized.iter_mut().flatten().for_each(Value::rest);
    }

    /// Forgets the tensors and keeps the sums.
    pub fn drop_tensors(&mut self) {
        self.float = Vec::new();
        self.quantized = Vec::new();
    }
}

/// A store that holds the model's inputs alone.
pub(super) fn from_inputs(tensors: usize, inputs: &[TensorId], values: Vec<Arc<Value>>) -> Store {
    let mut store: Store = vec![None; tensors];
    for (&tensor, value) in inputs.iter().zip(values) {
        store[tensor] = Some(value);
    }
    store
}

/// Bytes of a store's tensors.
pub(super) fn store_bytes(store: &Store) -> u64 {
    store.iter().flatten().map(|value| value.bytes()).sum()
}

/// How much work a pass was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PassCount {
    /// Segments run for the quantized run.
    pub run: u64,
    /// Segments whose cached result still held.
    pub reused: u64,
}
