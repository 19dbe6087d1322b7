//! The float pass and the quantized pass over one sample, segment by segment, re-running only what a new plan changes.
//!
//! The tricky part is staleness. A segment's cached result still holds if its constants, its own read formats, the
//! quantizers of its outputs and the bits of its inputs are the same; a recomputed tensor that comes out bit-identical
//! keeps its old `Arc`, so the wave stops there. Every error of a layer is recomputed exactly when something it depends
//! on was: local errors do not depend on the quantized inputs, inherited ones not on the layer's own quantizers.

use std::{sync::Arc, time::Instant};

use super::{
    Value,
    fused::{quantize_and_sum, quantized_error},
    segment::{SegmentSessions, Variant, is_changed_inside},
    session::Runtime,
    spare::Spare,
};
use crate::{
    error::{Error, Result},
    graph::{Graph, LayerId, Segment, TensorId},
    job::CancelToken,
    metrics::ErrorSums,
    plan::{QuantPlan, TensorQuantizer},
    quant::Clipping,
};

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
    /// Values that passed the output quantizer.
    pub quantized_values: u64,
}

/// One sample's cached tensors and sums.
#[derive(Clone, Debug, Default)]
pub struct SampleRun {
    /// The float run.
    pub float: Store,
    /// The quantized run under `plan`.
    pub quantized: Store,
    /// By layer, under `plan`.
    pub layers: Vec<LayerSums>,
    /// What `quantized` and `layers` were computed with; `None` before the first quantized pass.
    pub plan: Option<Arc<QuantPlan>>,
}

impl SampleRun {
    /// Bytes of the cached tensors; one shared by both runs is counted once.
    pub fn bytes(&self) -> u64 {
        let float: u64 = self.float.iter().flatten().map(|v| v.bytes()).sum();
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

    /// Forgets the tensors and keeps the sums.
    pub fn drop_tensors(&mut self) {
        self.float = Vec::new();
        self.quantized = Vec::new();
    }
}

/// How much work a pass was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PassCount {
    /// Segments run for the quantized run.
    pub run: u64,
    /// Segments whose cached result still held.
    pub reused: u64,
}

/// The sessions of one model.
#[derive(Debug)]
pub struct Engine {
    pub(super) runtime: Runtime,
    pub(super) graph: Arc<Graph>,
    pub(super) sessions: Vec<SegmentSessions>,
    pub(super) spare: Spare,
    pub(super) seconds: Seconds,
}

/// Where the engine's time went, for the timing that users read; no result depends on it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Seconds {
    /// Building sessions.
    pub load_s: f64,
    /// Quantizing tensors and summing errors.
    pub metrics_s: f64,
}

impl Engine {
    /// For a graph with its segments; sessions are built when first needed.
    pub fn new(runtime: Runtime, graph: Arc<Graph>) -> Self {
        let sessions = graph.segments.iter().map(|_| SegmentSessions::default()).collect();
        Self { runtime, graph, sessions, spare: Spare::default(), seconds: Seconds::default() }
    }

    /// The seconds since this was last asked.
    pub fn take_seconds(&mut self) -> Seconds {
        std::mem::take(&mut self.seconds)
    }

    /// Runs the float model on one sample; `inputs` in the model's order.
    ///
    /// # Errors
    /// [`Error::Runtime`] that names the segment, [`Error::Cancelled`].
    pub fn float_pass(&mut self, inputs: Vec<Value>, cancel: &CancelToken) -> Result<Store> {
        let graph = Arc::clone(&self.graph);
        let mut store: Store = vec![None; graph.tensors.len()];
        for (&tensor, value) in graph.inputs.iter().zip(inputs) {
            store[tensor] = Some(Arc::new(value));
        }
        for (index, segment) in graph.segments.iter().enumerate() {
            let variant = self.sessions[index].float(&self.runtime, &graph, segment)?;
            self.seconds.load_s += variant.take_load_s();
            let outputs = run(variant, &graph, cancel, &|tensor, _| store[tensor].clone())?;
            for (&tensor, value) in segment.outputs.iter().zip(outputs) {
                store[tensor] = Some(Arc::new(value).detached());
            }
        }
        Ok(store)
    }

    /// Brings `sample` to `plan`: its quantized tensors and every layer's sums. Needs its float tensors.
    ///
    /// # Errors
    /// [`Error::Runtime`] that names the segment, [`Error::Cancelled`]; the sample then has no plan, and its next pass
    /// starts from nothing.
    pub fn quantized_pass(
        &mut self,
        sample: &mut SampleRun,
        plan: &Arc<QuantPlan>,
        cancel: &CancelToken,
    ) -> Result<PassCount> {
        let graph = Arc::clone(&self.graph);
        // Taken, so that an error half way leaves a sample that claims nothing.
        let previous = sample.plan.take().filter(|_| !sample.quantized.is_empty());
        if previous.is_none() {
            sample.quantized = vec![None; graph.tensors.len()];
            sample.layers = vec![LayerSums::default(); graph.layers.len()];
        }
        let mut pass = Pass {
            graph: &graph,
            plan,
            previous,
            cancel,
            changed: vec![false; graph.tensors.len()],
            spare: &mut self.spare,
            seconds: Seconds::default(),
            sample,
        };
        pass.inputs();
        let mut count = PassCount::default();
        for (index, segment) in graph.segments.iter().enumerate() {
            cancel.check()?;
            if pass.segment(segment, &mut self.sessions[index], &self.runtime)? {
                count.run += 1;
            } else {
                count.reused += 1;
            }
        }
        let seconds = pass.seconds;
        self.seconds.load_s += seconds.load_s;
        self.seconds.metrics_s += seconds.metrics_s;
        sample.plan = Some(Arc::clone(plan));
        Ok(count)
    }
}

/// Feeds a session and runs it; `value_of` gives the value of a tensor for the layer that reads it.
pub(super) fn run(
    variant: &mut Variant,
    graph: &Graph,
    cancel: &CancelToken,
    value_of: &dyn Fn(TensorId, Option<LayerId>) -> Option<Arc<Value>>,
) -> Result<Vec<Value>> {
    let mut held = Vec::with_capacity(variant.feeds.len());
    for feed in &variant.feeds {
        let value = value_of(feed.tensor, feed.reader).ok_or_else(|| {
            Error::model(format!("tensor `{}` was not computed before it is read", graph.name(feed.tensor)))
        })?;
        held.push(value);
    }
    let feeds: Vec<(&str, &Value)> =
        variant.feeds.iter().zip(&held).map(|(feed, value)| (feed.name.as_str(), value.as_ref())).collect();
    variant.session.run(&feeds, cancel)
}

/// A float32 value through a quantizer; other values pass.
fn quantized(value: &Arc<Value>, quantizer: Option<&TensorQuantizer>) -> (Arc<Value>, Option<Clipping>) {
    match (value.floats(), quantizer) {
        (Some(data), Some(quantizer)) => {
            let mut out = vec![0.0; data.len()];
            let clipping = quantizer.quantizer.fake_quantize(data, &mut out);
            (Arc::new(Value::Float { shape: value.dims(), data: out }), Some(clipping))
        }
        _ => (Arc::clone(value), None),
    }
}

/// Sums over two values of one tensor; `None` where they are no floating-point numbers or differ in shape (a shape that
/// depends on the values, as `NonZero` makes).
fn sums(float: &Value, other: &Value) -> Option<ErrorSums> {
    let (f, q) = (float.widened()?, other.widened()?);
    (f.len() == q.len()).then(|| ErrorSums::of(&f, &q))
}

/// The quantized pass over one sample, under way.
struct Pass<'a> {
    graph: &'a Graph,
    plan: &'a Arc<QuantPlan>,
    previous: Option<Arc<QuantPlan>>,
    cancel: &'a CancelToken,
    /// Tensors whose quantized value has other bits than before.
    changed: Vec<bool>,
    spare: &'a mut Spare,
    seconds: Seconds,
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

impl Pass<'_> {
    /// The `Input` rows: the data, through the input's quantizer.
    fn inputs(&mut self) {
        for (layer, row) in self.graph.layers.iter().enumerate().filter(|(_, row)| row.is_input()) {
            for &tensor in &row.outputs {
                let quantizer = self.plan.tensors[tensor];
                if self.previous.as_ref().is_some_and(|p| p.tensors[tensor] == quantizer) {
                    continue;
                }
                let Some(float) = self.sample.float[tensor].clone() else { continue };
                let clipping = self.store(tensor, &float, quantizer.as_ref());
                let errors = self.sample.quantized[tensor].as_ref().and_then(|q| sums(&float, q));
                self.sample.layers[layer] = LayerSums {
                    local: errors,
                    accumulated: errors,
                    inherited: sums(&float, &float),
                    introduced: errors,
                    quantized_values: float.floats().map_or(0, |f| f.len() as u64),
                    clipping,
                };
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
        let mut out = self.spare.take(r.len());
        let sums = quantize_and_sum(f, r, l, &quantizer.quantizer, &mut out);
        let slot = &mut self.sample.layers[layer];
        slot.accumulated = Some(sums.accumulated);
        slot.inherited = Some(sums.inherited);
        slot.introduced = Some(sums.introduced);
        slot.clipping = Some(sums.clipping);
        slot.quantized_values = out.len() as u64;
        self.keep(tensor, Arc::new(Value::Float { shape: raw.dims(), data: out }), true);
        true
    }

    /// Stores `raw` through `quantizer`; an unchanged value keeps its `Arc`.
    fn store(&mut self, tensor: TensorId, raw: &Arc<Value>, quantizer: Option<&TensorQuantizer>) -> Option<Clipping> {
        let (value, clipping) = quantized(raw, quantizer);
        self.keep(tensor, value, quantizer.is_some());
        clipping
    }

    /// Puts a value in its place, unless the one there has the same bits.
    fn keep(&mut self, tensor: TensorId, value: Arc<Value>, is_quantized: bool) {
        let slot = &mut self.sample.quantized[tensor];
        if slot.as_ref().is_some_and(|old| Arc::ptr_eq(old, &value) || old.same_bits(&value)) {
            self.spare.give(value);
            return;
        }
        self.changed[tensor] = true;
        // Nothing upstream is quantized: hold the float tensor itself, not a copy.
        let float = self.sample.float[tensor].as_ref();
        let shared = float.filter(|f| !is_quantized && f.same_bits(&value)).cloned();
        let old = slot.replace(shared.unwrap_or_else(|| value.detached()));
        old.into_iter().for_each(|old| self.spare.give(old));
    }

    /// Brings one segment up to date; whether it had to be run.
    fn segment(&mut self, segment: &Segment, sessions: &mut SegmentSessions, runtime: &Runtime) -> Result<bool> {
        let changes = self.changes(segment);
        if self.previous.is_some() && !changes.own && !changes.inputs {
            return Ok(false);
        }
        let is_new = self.previous.is_none();
        let is_special = is_changed_inside(segment, self.plan);
        if is_new || changes.own {
            self.local(segment, sessions, runtime, is_special)?;
        }
        let variant = sessions.planned(runtime, self.graph, segment, self.plan)?;
        self.seconds.load_s += variant.take_load_s();
        let raw = self.run_quantized(variant, true)?;
        let reference = if is_special {
            let variant = sessions.float(runtime, self.graph, segment)?;
            self.seconds.load_s += variant.take_load_s();
            self.run_quantized(variant, false)?
        } else {
            raw.clone()
        };
        let started = Instant::now();
        for (position, &tensor) in segment.outputs.iter().enumerate() {
            let quantizer = self.plan.tensors[tensor];
            let layer = self.row_of(segment, tensor);
            if let (Some(layer), Some(quantizer)) = (layer, &quantizer)
                && self.quantize_and_sum(layer, tensor, &raw[position], &reference[position], quantizer)
            {
                continue;
            }
            let clipping = self.store(tensor, &raw[position], quantizer.as_ref());
            if let Some(layer) = layer {
                self.sum_layer(layer, tensor, &reference[position], clipping);
            }
        }
        self.seconds.metrics_s += started.elapsed().as_secs_f64();
        Ok(true)
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
        segment.layers.iter().copied().find(|&l| self.graph.layers[l].outputs.first() == Some(&tensor))
    }

    /// Local errors: the layer's quantizers on float inputs. Without constants or read formats of its own, the float
    /// run has already computed what stands before the output quantizer.
    fn local(
        &mut self,
        segment: &Segment,
        sessions: &mut SegmentSessions,
        runtime: &Runtime,
        is_special: bool,
    ) -> Result<()> {
        let raw: Vec<Arc<Value>> = if is_special {
            let variant = sessions.planned(runtime, self.graph, segment, self.plan)?;
            self.seconds.load_s += variant.take_load_s();
            let float = &self.sample.float;
            let values = run(variant, self.graph, self.cancel, &|tensor, reader| {
                let value = float[tensor].as_ref()?;
                let own = reader.and_then(|l| self.plan.reads.get(&(l, tensor)));
                Some(quantized(value, own).0)
            })?;
            values.into_iter().map(Arc::new).collect()
        } else {
            segment.outputs.iter().filter_map(|&t| self.sample.float[t].clone()).collect()
        };
        let started = Instant::now();
        for (raw, &tensor) in raw.iter().zip(&segment.outputs) {
            let Some(layer) = self.row_of(segment, tensor) else { continue };
            let Some(float) = &self.sample.float[tensor] else { continue };
            self.sample.layers[layer].local = match (self.plan.tensors[tensor], raw.floats(), float.floats()) {
                (Some(quantizer), Some(raw), Some(float)) if raw.len() == float.len() => {
                    Some(quantized_error(float, raw, &quantizer.quantizer))
                }
                _ => sums(float, raw),
            };
        }
        self.seconds.metrics_s += started.elapsed().as_secs_f64();
        Ok(())
    }

    /// Runs a session on the quantized run's tensors, through the readers' own formats where `with_reads`.
    fn run_quantized(&self, variant: &mut Variant, with_reads: bool) -> Result<Vec<Arc<Value>>> {
        let store = &self.sample.quantized;
        let values = run(variant, self.graph, self.cancel, &|tensor, reader| {
            let value = store[tensor].as_ref()?;
            let own = reader.filter(|_| with_reads).and_then(|l| self.plan.reads.get(&(l, tensor)));
            Some(quantized(value, own).0)
        })?;
        Ok(values.into_iter().map(Arc::new).collect())
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
    }
}
