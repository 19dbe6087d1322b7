//! What another plan makes of one sample: only the tensors that come out with other bits, from the first segment that
//! the plan changes on. Nothing is stored and no sums are taken; a sweep asks for many plans and keeps none.
//!
//! It starts from a run that is in memory, the float one or a quantized one. Sessions that only this plan needs are the
//! caller's, so that a sweep leaves the engine's own as they are and the next click finds them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    Engine, Runtime, Store, Value,
    run::Ground,
    segment::{Reads, Recipe, Variant, build, is_changed_inside},
};
use crate::{
    error::Result,
    graph::{Graph, Segment, TensorId},
    job::CancelToken,
    plan::QuantPlan,
};

/// Tensors whose bits differ from those of the run that was started from.
pub type Changed = BTreeMap<TensorId, Arc<Value>>;

/// A run of one sample that is in memory.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    /// The float run.
    pub float: &'a Store,
    /// The run to start from: the float one, or one under `plan`.
    pub run: &'a Store,
    /// What `run` was computed with; `None` for the float run.
    pub plan: Option<&'a QuantPlan>,
}

/// Sessions that one plan needs and the engine does not keep, by segment; valid for that plan alone. Samples share them.
#[derive(Debug, Default)]
pub struct OwnSessions(Mutex<BTreeMap<usize, Arc<Variant>>>);

impl OwnSessions {
    /// The session of a segment, built by the first that asks for it; the others wait.
    fn of(&self, segment: usize, build: impl FnOnce() -> Result<Variant>) -> Result<Arc<Variant>> {
        // Whole sessions are put in: one that a panic kept from being built is not there.
        let mut built = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = built.get(&segment) {
            return Ok(Arc::clone(kept));
        }
        let variant = Arc::new(build()?);
        built.insert(segment, Arc::clone(&variant));
        Ok(variant)
    }
}

impl Engine {
    /// The tensors that `plan` changes in the segments before `end`. Of the inner ones only those are kept that a later
    /// segment reads, or the caller as outputs of the model; with `keeps_all` every one. [`Engine::prepare`] comes first,
    /// with the plan that is started from.
    ///
    /// # Errors
    /// [`crate::Error::Runtime`] that names the segment, [`crate::Error::Cancelled`].
    pub fn wave(
        &self,
        start: Start<'_>,
        plan: &QuantPlan,
        own: &OwnSessions,
        end: usize,
        keeps_all: bool,
        cancel: &CancelToken,
    ) -> Result<Changed> {
        let graph = &self.graph;
        let last_read = if keeps_all { Vec::new() } else { last_reads(graph) };
        let mut wave = Wave { ground: self.ground(cancel), start, plan, changed: Changed::new() };
        wave.inputs();
        for (index, segment) in graph.segments.iter().enumerate().take(end) {
            cancel.check()?;
            let inside = wave.differs_inside(segment);
            let inputs = segment.inputs.iter().any(|t| wave.changed.contains_key(t));
            let outputs = segment.outputs.iter().any(|&t| wave.requantizes(t));
            if !inside && !inputs && !outputs {
                continue;
            }
            let raw = if !inside && !inputs && start.plan.is_none() {
                // The float run has computed what stands before the quantizers.
                segment.outputs.iter().map(|&t| start.float[t].clone()).collect()
            } else {
                let raw = if inside && is_changed_inside(segment, plan) {
                    let build = || build_own(&self.runtime, graph, segment, plan, cancel);
                    wave.run(&*own.of(index, build)?)?
                } else if let (false, Some(base)) = (inside, start.plan) {
                    wave.run(self.sessions[index].planned(segment, base)?)?
                } else {
                    wave.run(self.sessions[index].float()?)?
                };
                raw.into_iter().map(Some).collect::<Vec<_>>()
            };
            for (&tensor, raw) in segment.outputs.iter().zip(&raw) {
                raw.iter().for_each(|raw| wave.put(tensor, raw));
            }
            wave.drop_read(index, &last_read);
        }
        Ok(wave.changed)
    }

    /// The first segment behind everything that `plan` itself changes in the float run.
    pub fn first_untouched(&self, plan: &QuantPlan) -> usize {
        let graph = &self.graph;
        let touches = |segment: &Segment| {
            is_changed_inside(segment, plan) || segment.outputs.iter().any(|&t| plan.tensors[t].is_some())
        };
        graph.segments.iter().rposition(touches).map_or(0, |index| index + 1)
    }

    /// How many segments there are.
    pub fn segments(&self) -> usize {
        self.graph.segments.len()
    }
}

/// One wave under way.
struct Wave<'a> {
    ground: Ground<'a>,
    start: Start<'a>,
    plan: &'a QuantPlan,
    changed: Changed,
}

impl Wave<'_> {
    fn value(&self, tensor: TensorId) -> Option<&Arc<Value>> {
        self.changed.get(&tensor).or(self.start.run[tensor].as_ref())
    }

    /// Runs a session on the tensors of the wave, through the readers' own formats.
    fn run(&self, variant: &Variant) -> Result<Vec<Arc<Value>>> {
        self.ground.run(variant, &|tensor, reader| {
            let own = reader.and_then(|l| self.plan.reads.get(&(l, tensor)));
            Some(self.ground.quantized(self.value(tensor)?, own).0)
        })
    }

    /// The `Input` rows: the data, through the input's quantizer.
    fn inputs(&mut self) {
        for &tensor in &self.ground.graph.inputs {
            if self.requantizes(tensor)
                && let Some(float) = self.start.float[tensor].clone()
            {
                self.put(tensor, &float);
            }
        }
    }

    /// Whether the tensor's quantizer is another one than before.
    fn requantizes(&self, tensor: TensorId) -> bool {
        self.plan.tensors[tensor] != self.start.plan.and_then(|p| p.tensors[tensor])
    }

    /// Whether the session of a segment is another one than before.
    fn differs_inside(&self, segment: &Segment) -> bool {
        let Some(old) = self.start.plan else { return is_changed_inside(segment, self.plan) };
        let differs = segment.weighted.is_some_and(|l| {
            let (before, now) = (&old.weights[l], &self.plan.weights[l]);
            let folds = |plan: &QuantPlan| plan.formats.layers[l].folds_batch_norm;
            !Arc::ptr_eq(before, now) && before.operands != now.operands || folds(old) != folds(self.plan)
        });
        let reads = |plan: &QuantPlan| -> Vec<_> {
            let own = plan.reads.iter().filter(|((layer, _), _)| segment.layers.contains(layer));
            own.map(|(key, quantizer)| (*key, *quantizer)).collect()
        };
        differs || reads(old) != reads(self.plan)
    }

    /// Sends a value through its quantizer and keeps it where its bits are others than before.
    fn put(&mut self, tensor: TensorId, raw: &Arc<Value>) {
        let (value, _) = self.ground.quantized(raw, self.plan.tensors[tensor].as_ref());
        let before = self.start.run[tensor].as_ref();
        if !before.is_some_and(|before| Arc::ptr_eq(before, &value) || before.same_bits(&value)) {
            self.changed.insert(tensor, value);
        }
    }

    /// Forgets inner tensors that no segment after this one reads.
    fn drop_read(&mut self, index: usize, last_read: &[usize]) {
        for tensor in &self.ground.graph.segments[index].inputs {
            let is_last = last_read.get(*tensor).is_some_and(|&last| last <= index);
            if is_last && !self.ground.graph.tensors[*tensor].is_output {
                self.changed.remove(tensor);
            }
        }
    }
}

/// The last segment that reads each tensor.
fn last_reads(graph: &Graph) -> Vec<usize> {
    let mut last = vec![0; graph.tensors.len()];
    for (index, segment) in graph.segments.iter().enumerate() {
        segment.inputs.iter().for_each(|&t| last[t] = index);
    }
    last
}

/// The session of a segment under `plan`, beside the engine's own.
fn build_own(
    runtime: &Runtime,
    graph: &Arc<Graph>,
    segment: &Segment,
    plan: &QuantPlan,
    cancel: &CancelToken,
) -> Result<Variant> {
    let reads: Reads = plan.reads.keys().filter(|(l, _)| segment.layers.contains(l)).copied().collect();
    let weights = segment.weighted.map(|l| (Arc::clone(&plan.weights[l]), plan.formats.layers[l].folds_batch_norm));
    let inside = weights.filter(|(weights, _)| !weights.operands.is_empty());
    build(runtime, Recipe::new(graph, segment, inside, reads), cancel)
}
