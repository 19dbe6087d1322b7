//! The quantized pass over one sample, segment by segment, re-running only what a new plan changes.
//!
//! The tricky part is staleness. A segment's cached result still holds if its constants, its own read formats, the
//! quantizers of its outputs and the bits of its inputs are the same; a recomputed tensor that comes out bit-identical
//! keeps its old `Arc`, so the wave stops there. Every error of a layer is recomputed exactly when something it depends
//! on was: local errors do not depend on the quantized inputs, inherited ones not on the layer's own quantizers.

mod runs;

use std::{sync::Arc, time::Instant};

use super::{
    Value,
    fused::{quantize_and_sum, quantized_error},
    pass::Clocks,
    run::Ground,
    sample::{LayerSums, SampleRun},
    segment::{SegmentSessions, is_changed_inside},
    vanished::vanished,
};
use crate::{
    error::Result,
    graph::{LayerId, Segment, TensorId},
    metrics::ErrorSums,
    plan::{QuantPlan, TensorQuantizer},
    quant::Clipping,
};

/// A segment's outputs before any quantizer.
type Raw = Vec<Arc<Value>>;

/// The quantized pass over one sample, under way.
pub(super) struct Pass<'a> {
    ground: Ground<'a>,
    clocks: &'a Clocks,
    plan: &'a Arc<QuantPlan>,
    /// What the sums were computed with.
    previous: Option<Arc<QuantPlan>>,
    /// Whether the former tensors are there too.
    has_tensors: bool,
    /// Whether the tensors stay in memory after the pass: then as integers, where they are quantized to some.
    keeps: bool,
    /// Tensors whose quantized value has other bits than before, or may have.
    changed: Vec<bool>,
    sample: &'a mut SampleRun,
}

/// What a plan changed for a segment.
#[derive(Clone, Copy)]
struct Changes {
    /// Constants, read formats or output quantizers.
    own: bool,
    /// Bits of the inputs.
    inputs: bool,
}

/// Sums over two values of one tensor; `None` where they are no floating-point numbers or differ in shape (a shape that
/// depends on the values, as `NonZero` makes).
fn sums(float: &Value, other: &Value) -> Option<ErrorSums> {
    let (f, q) = (float.widened()?, other.widened()?);
    (f.len() == q.len()).then(|| ErrorSums::of(&f, &q))
}

impl<'a> Pass<'a> {
    pub(super) fn new(
        ground: Ground<'a>,
        clocks: &'a Clocks,
        plan: &'a Arc<QuantPlan>,
        keeps: bool,
        sample: &'a mut SampleRun,
    ) -> Self {
        // Taken, so that an error half way leaves a sample that claims nothing.
        let previous = sample.plan.take();
        let has_tensors = previous.is_some() && !sample.quantized.is_empty();
        if previous.is_none() {
            sample.layers = vec![LayerSums::default(); ground.graph.layers.len()];
        }
        if !has_tensors {
            sample.quantized = vec![None; ground.graph.tensors.len()];
        }
        let changed = vec![false; ground.graph.tensors.len()];
        Self { ground, clocks, plan, previous, has_tensors, keeps, changed, sample }
    }

    /// Whether the plan changes nothing, neither for the data nor for any segment.
    pub(super) fn is_idle(&self) -> bool {
        let Some(previous) = &self.previous else { return false };
        let mut inputs = self.ground.graph.layers.iter().filter(|row| row.is_input()).flat_map(|row| &row.outputs);
        inputs.all(|&tensor| previous.tensors[tensor] == self.plan.tensors[tensor])
            && self.ground.graph.segments.iter().all(|segment| !self.changes(segment).own)
    }

    /// Takes leave of tensors that nobody reads any more in this pass.
    pub(super) fn end(&mut self, tensors: &[TensorId]) {
        for &tensor in tensors {
            if self.keeps {
                self.sample.quantized[tensor].as_mut().into_iter().for_each(Value::rest);
            } else {
                self.sample.float[tensor] = None;
                self.sample.quantized[tensor] = None;
            }
        }
    }

    /// The `Input` rows: the data, through the input's quantizer.
    pub(super) fn inputs(&mut self) {
        for (layer, row) in self.ground.graph.layers.iter().enumerate().filter(|(_, row)| row.is_input()) {
            for &tensor in &row.outputs {
                let quantizer = self.plan.tensors[tensor];
                let is_same = self.previous.as_ref().is_some_and(|p| p.tensors[tensor] == quantizer);
                if is_same && self.has_tensors {
                    continue;
                }
                let Some(float) = self.sample.float[tensor].clone() else { continue };
                let clipping = self.store(tensor, &float, quantizer.as_ref());
                if is_same {
                    self.changed[tensor] = false;
                    continue;
                }
                let errors = self.sample.quantized[tensor].as_ref().and_then(|q| sums(&float, q));
                let vanished = match (errors, quantizer, float.floats(), &self.sample.quantized[tensor]) {
                    (Some(errors), Some(quantizer), Some(float), Some(quantized)) => {
                        quantized.floats().map_or(0, |q| vanished(&errors, &quantizer.quantizer, float, q))
                    }
                    _ => 0,
                };
                self.sample.layers[layer] = LayerSums {
                    local: errors,
                    accumulated: errors,
                    inherited: sums(&float, &float),
                    introduced: errors,
                    quantized_values: float.floats().map_or(0, |f| f.len() as u64),
                    clipping,
                    vanished,
                };
            }
        }
    }

    /// Brings one segment up to date; whether it had to be run.
    pub(super) fn segment(&mut self, segment: &Segment, sessions: &SegmentSessions) -> Result<bool> {
        let changes = self.changes(segment);
        let is_same = !changes.own && !changes.inputs;
        if is_same && self.has_tensors {
            return Ok(false);
        }
        if is_same {
            self.float_outputs(segment, sessions)?;
            return self.repeat(segment, sessions);
        }
        let is_local_stale = self.previous.is_none() || changes.own;
        let planned = sessions.planned(segment, self.plan)?;
        // Without constants or read formats of its own a layer's function is the float one in every run.
        let (raw, reference, local) = if is_changed_inside(segment, self.plan) {
            self.run_all(segment, sessions, planned, is_local_stale)?
        } else {
            self.float_outputs(segment, sessions)?;
            let raw = self.run_quantized(planned)?;
            let float = segment.outputs.iter().filter_map(|&t| self.sample.float[t].clone()).collect();
            (raw.clone(), raw, is_local_stale.then_some(float))
        };
        let started = Instant::now();
        if let Some(local) = local {
            self.sum_local(segment, &local);
        }
        self.sum_and_store(segment, &raw, &reference);
        self.clocks.metrics(started.elapsed());
        Ok(true)
    }

    /// Makes a segment's outputs again, whose sums are known.
    fn repeat(&mut self, segment: &Segment, sessions: &SegmentSessions) -> Result<bool> {
        let raw = self.run_quantized(sessions.planned(segment, self.plan)?)?;
        for (raw, &tensor) in raw.iter().zip(&segment.outputs) {
            let quantizer = self.plan.tensors[tensor];
            self.store(tensor, raw, quantizer.as_ref());
            self.changed[tensor] = false;
        }
        Ok(true)
    }

    fn sum_local(&mut self, segment: &Segment, local: &Raw) {
        for (raw, &tensor) in local.iter().zip(&segment.outputs) {
            let Some(layer) = self.row_of(segment, tensor) else { continue };
            let Some(float) = &self.sample.float[tensor] else { continue };
            self.sample.layers[layer].local = match (self.plan.tensors[tensor], raw.floats(), float.floats()) {
                (Some(quantizer), Some(raw), Some(float)) if raw.len() == float.len() => {
                    Some(quantized_error(float, raw, &quantizer.quantizer))
                }
                _ => sums(float, raw),
            };
        }
    }

    fn sum_and_store(&mut self, segment: &Segment, raw: &Raw, reference: &Raw) {
        for ((raw, reference), &tensor) in raw.iter().zip(reference).zip(&segment.outputs) {
            let quantizer = self.plan.tensors[tensor];
            let layer = self.row_of(segment, tensor);
            if let (Some(layer), Some(quantizer)) = (layer, &quantizer)
                && self.quantize_and_sum(layer, tensor, raw, reference, quantizer)
            {
                continue;
            }
            let clipping = self.store(tensor, raw, quantizer.as_ref());
            if let Some(layer) = layer {
                self.sum_layer(layer, tensor, reference, clipping);
            }
        }
    }

    /// [`Pass::store`] and [`Pass::sum_layer`] in one look at a float32 tensor; false where it is none, or its shape
    /// differs between the runs.
    fn quantize_and_sum(
        &mut self,
        layer: LayerId,
        tensor: TensorId,
        raw: &Arc<Value>,
        reference: &Arc<Value>,
        quantizer: &TensorQuantizer,
    ) -> bool {
        let Some(float) = self.sample.float[tensor].clone() else { return false };
        let (Some(f), Some(r), Some(l)) = (float.floats(), raw.floats(), reference.floats()) else { return false };
        if f.len() != r.len() || f.len() != l.len() {
            return false;
        }
        let mut out = self.ground.pool.take(r.len());
        let sums = quantize_and_sum(f, r, l, &quantizer.quantizer, &mut out);
        let slot = &mut self.sample.layers[layer];
        slot.vanished = vanished(&sums.introduced, &quantizer.quantizer, r, &out);
        slot.accumulated = Some(sums.accumulated);
        slot.inherited = Some(sums.inherited);
        slot.introduced = Some(sums.introduced);
        slot.clipping = Some(sums.clipping);
        slot.quantized_values = out.len() as u64;
        self.keep(tensor, Value::Float { shape: raw.dims(), data: out }.into(), Some(quantizer));
        true
    }

    /// Stores `raw` through `quantizer`; an unchanged value keeps its `Arc`.
    fn store(&mut self, tensor: TensorId, raw: &Arc<Value>, quantizer: Option<&TensorQuantizer>) -> Option<Clipping> {
        let (value, clipping) = self.ground.quantized(raw, quantizer);
        self.keep(tensor, value, quantizer);
        clipping
    }

    /// Puts a value in its place, unless the one there has the same bits.
    fn keep(&mut self, tensor: TensorId, value: Arc<Value>, quantizer: Option<&TensorQuantizer>) {
        let value = match quantizer.and_then(|q| q.quantizer.integer()).filter(|_| self.keeps) {
            // One that somebody else holds too is no quantizer's output.
            Some(params) => Arc::try_unwrap(value).map_or_else(|shared| shared, |value| value.packed(*params).into()),
            None => value,
        };
        let slot = &mut self.sample.quantized[tensor];
        if slot.as_ref().is_some_and(|old| Arc::ptr_eq(old, &value) || old.same_bits(&value)) {
            return;
        }
        self.changed[tensor] = true;
        // Nothing upstream is quantized: hold the float tensor itself, not a copy.
        let float = self.sample.float[tensor].as_ref();
        let shared = float.filter(|f| quantizer.is_none() && f.same_bits(&value)).cloned();
        *slot = Some(shared.unwrap_or(value));
    }

    fn changes(&self, segment: &Segment) -> Changes {
        let Some(previous) = &self.previous else { return Changes { own: true, inputs: true } };
        let weights = segment.weighted.is_some_and(|l| {
            let (old, new) = (&previous.weights[l], &self.plan.weights[l]);
            !Arc::ptr_eq(old, new) && old.operands != new.operands
        });
        let folds = segment.weighted.is_some_and(|l| {
            previous.formats.layers[l].folds_batch_norm != self.plan.formats.layers[l].folds_batch_norm
        });
        let of_segment = |plan: &QuantPlan| {
            let own = plan.reads.iter().filter(|((layer, _), _)| segment.layers.contains(layer));
            own.map(|(key, quantizer)| (*key, *quantizer)).collect::<Vec<_>>()
        };
        let reads = of_segment(previous) != of_segment(self.plan);
        let outputs = segment.outputs.iter().any(|&t| previous.tensors[t] != self.plan.tensors[t]);
        Changes { own: weights || folds || reads || outputs, inputs: segment.inputs.iter().any(|&t| self.changed[t]) }
    }

    /// The layer of which `tensor` is the first output.
    fn row_of(&self, segment: &Segment, tensor: TensorId) -> Option<LayerId> {
        segment.layers.iter().copied().find(|&l| self.ground.graph.layers[l].outputs.first() == Some(&tensor))
    }

    /// Accumulated, inherited and introduced errors of a layer whose quantized output is stored.
    fn sum_layer(&mut self, layer: LayerId, tensor: TensorId, reference: &Value, clipping: Option<Clipping>) {
        let (Some(float), Some(value)) = (&self.sample.float[tensor], &self.sample.quantized[tensor]) else { return };
        let slot = &mut self.sample.layers[layer];
        slot.accumulated = sums(float, value);
        slot.inherited = sums(float, reference);
        slot.introduced = sums(reference, value);
        slot.quantized_values = value.floats().map_or(0, |f| f.len() as u64);
        slot.clipping = clipping;
        // Only tensors other than float32, and those whose shape depends on the values, come here with a quantizer.
        slot.vanished = 0;
    }
}
