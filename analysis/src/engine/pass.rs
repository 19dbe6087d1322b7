//! The sessions of one model, and the passes over a sample that use them.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use rayon::prelude::*;

use super::{
    Value,
    kernel::OwnKernels,
    quantized::Pass,
    run::Ground,
    sample::{PassCount, SampleRun, Store, from_inputs, store_bytes},
    segment::SegmentSessions,
    session::Runtime,
};
use crate::{
    buffer::Pool,
    error::Result,
    graph::{Graph, TensorId},
    job::CancelToken,
    plan::QuantPlan,
};

/// The sessions of one model.
#[derive(Debug)]
pub struct Engine {
    pub(super) runtime: Runtime,
    pub(super) graph: Arc<Graph>,
    pub(super) sessions: Vec<SegmentSessions>,
    /// By segment, the tensors that nobody needs after it.
    ends: Vec<Vec<TensorId>>,
    pub(super) pool: Pool,
    clocks: Clocks,
}

/// Where the engine's time went, for the timing that users read; no result depends on it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Seconds {
    /// Building sessions.
    pub load_s: f64,
    /// Quantizing tensors and summing errors, of all threads together.
    pub metrics_s: f64,
}

#[derive(Debug, Default)]
pub(super) struct Clocks {
    load_ns: AtomicU64,
    metrics_ns: AtomicU64,
}

/// What the float pass over a sample leaves.
#[derive(Debug)]
pub struct FloatRun {
    /// The tensors: all of them, or where they took more than was allowed the model's inputs and outputs.
    pub store: Store,
    /// Whether they are all there.
    pub is_whole: bool,
    /// Bytes of all of them.
    pub bytes: u64,
}

impl Engine {
    /// For a graph with its segments; sessions are built by [`Engine::prepare`].
    pub fn new(runtime: Runtime, graph: Arc<Graph>) -> Self {
        let sessions = graph.segments.iter().map(|_| SegmentSessions::default()).collect();
        let ends = ends(&graph);
        Self { runtime, graph, sessions, ends, pool: Pool::default(), clocks: Clocks::default() }
    }

    /// The seconds since this was last asked.
    pub fn take_seconds(&mut self) -> Seconds {
        self.clocks.take()
    }

    /// Which kernels of our own stand beside the sessions.
    pub fn own_kernels(&self) -> OwnKernels {
        OwnKernels::count(self.sessions.iter().flat_map(SegmentSessions::proofs))
    }

    /// Bytes of a sample's float tensors, as far as the file tells their shapes.
    pub fn least_bytes(&self) -> u64 {
        let made = self.graph.segments.iter().flat_map(|segment| &segment.outputs);
        let floats = made.map(|&tensor| &self.graph.tensors[tensor]).filter(|tensor| tensor.is_float32());
        let bytes = |dims: &Vec<Option<usize>>| {
            dims.iter().fold(4_u64, |bytes, dim| bytes.saturating_mul(dim.map_or(1, |dim| dim as u64)))
        };
        floats.filter_map(|tensor| tensor.dims.as_ref()).map(bytes).fold(0, u64::saturating_add)
    }

    /// Gives memory that no tensor uses back to the system.
    pub fn release_memory(&self) {
        self.pool.release();
    }

    /// Builds the sessions that are missing: the float model's, and those for `plan`.
    ///
    /// # Errors
    /// [`crate::Error::Runtime`] that names the segment, [`crate::Error::Cancelled`].
    pub fn prepare(&mut self, plan: Option<&QuantPlan>, cancel: &CancelToken) -> Result<()> {
        let started = Instant::now();
        let (runtime, graph) = (&self.runtime, &self.graph);
        let ground = Ground { graph, pool: &self.pool, cancel };
        let built: Result<()> =
            (self.sessions.par_iter_mut().zip(&graph.segments)).try_for_each(|(sessions, segment)| {
                cancel.check()?;
                sessions.prepare(runtime, graph, segment, plan, cancel)?;
                sessions.variants().try_for_each(|variant| ground.prove(variant))
            });
        self.clocks.load(started.elapsed());
        built
    }

    /// Runs the float model on one sample; `inputs` in the model's order. `see` is shown every tensor between segments
    /// once. Where all tensors together take more than `most_bytes`, each is let go once nobody needs it.
    ///
    /// # Errors
    /// [`crate::Error::Runtime`] that names the segment, [`crate::Error::Cancelled`].
    pub fn float_pass(
        &self,
        inputs: Vec<Arc<Value>>,
        most_bytes: u64,
        see: &mut dyn FnMut(TensorId, &Arc<Value>),
        cancel: &CancelToken,
    ) -> Result<FloatRun> {
        let ground = self.ground(cancel);
        let mut store = from_inputs(self.graph.tensors.len(), &self.graph.inputs, inputs);
        for &tensor in &self.graph.inputs {
            store[tensor].iter().for_each(|value| see(tensor, value));
        }
        let (mut bytes, mut freed) = (store_bytes(&store), 0);
        // Tensors that will not stay are let go from the first on: memory is soon used again, and others never touched.
        let most_bytes = if self.least_bytes() > most_bytes { 0 } else { most_bytes };
        for (index, (segment, sessions)) in self.graph.segments.iter().zip(&self.sessions).enumerate() {
            cancel.check()?;
            let outputs = ground.run(sessions.float()?, &|tensor, _| store[tensor].clone())?;
            for (&tensor, value) in segment.outputs.iter().zip(outputs) {
                see(tensor, &value);
                bytes += value.bytes();
                store[tensor] = Some(value);
            }
            if bytes > most_bytes {
                for &tensor in self.ends[freed..=index].iter().flatten() {
                    store[tensor] = None;
                }
                freed = index + 1;
            }
        }
        Ok(FloatRun { store, is_whole: bytes <= most_bytes, bytes })
    }

    /// The float run's values of a few tensors for one sample, from the segments alone that they need; `None` where no
    /// segment makes the tensor.
    ///
    /// # Errors
    /// As [`Engine::float_pass`].
    pub fn float_values(
        &self,
        inputs: Vec<Arc<Value>>,
        wanted: &[TensorId],
        cancel: &CancelToken,
    ) -> Result<Vec<Option<Arc<Value>>>> {
        let ground = self.ground(cancel);
        let mut store = from_inputs(self.graph.tensors.len(), &self.graph.inputs, inputs);
        let needed = needed(&self.graph, wanted);
        for ((segment, sessions), ends) in self.graph.segments.iter().zip(&self.sessions).zip(&self.ends) {
            cancel.check()?;
            if segment.outputs.iter().any(|&tensor| needed[tensor]) {
                let outputs = ground.run(sessions.float()?, &|tensor, _| store[tensor].clone())?;
                for (&tensor, value) in segment.outputs.iter().zip(outputs) {
                    store[tensor] = Some(value).filter(|_| needed[tensor]);
                }
            }
            for tensor in ends.iter().filter(|tensor| !wanted.contains(tensor)) {
                store[*tensor] = None;
            }
        }
        Ok(wanted.iter().map(|&tensor| store[tensor].clone()).collect())
    }

    /// Brings `sample` to `plan`: its quantized tensors and every layer's sums. Float tensors that it lacks are computed;
    /// without `keeps` all tensors but the model's outputs are let go on the way. [`Engine::prepare`] comes first.
    ///
    /// # Errors
    /// [`crate::Error::Runtime`] that names the segment, [`crate::Error::Cancelled`]; the sample then has no plan, and its
    /// next pass starts from nothing.
    pub fn quantized_pass(
        &self,
        sample: &mut SampleRun,
        plan: &Arc<QuantPlan>,
        keeps: bool,
        cancel: &CancelToken,
    ) -> Result<PassCount> {
        let mut pass = Pass::new(self.ground(cancel), &self.clocks, plan, keeps, sample);
        let mut count = PassCount::default();
        if !keeps && pass.is_idle() {
            count.reused = self.graph.segments.len() as u64;
            sample.plan = Some(Arc::clone(plan));
            return Ok(count);
        }
        pass.inputs();
        for ((segment, sessions), ends) in self.graph.segments.iter().zip(&self.sessions).zip(&self.ends) {
            cancel.check()?;
            if pass.segment(segment, sessions)? {
                count.run += 1;
            } else {
                count.reused += 1;
            }
            pass.end(ends);
        }
        sample.plan = Some(Arc::clone(plan));
        Ok(count)
    }

    pub(super) fn ground<'a>(&'a self, cancel: &'a CancelToken) -> Ground<'a> {
        Ground { graph: &self.graph, pool: &self.pool, cancel }
    }
}

impl Clocks {
    fn load(&self, time: Duration) {
        self.load_ns.fetch_add(nanoseconds(time), Ordering::Relaxed);
    }

    pub(super) fn metrics(&self, time: Duration) {
        self.metrics_ns.fetch_add(nanoseconds(time), Ordering::Relaxed);
    }

    fn take(&mut self) -> Seconds {
        let seconds = |ns: &mut AtomicU64| Duration::from_nanos(std::mem::take(ns.get_mut())).as_secs_f64();
        Seconds { load_s: seconds(&mut self.load_ns), metrics_s: seconds(&mut self.metrics_ns) }
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// By tensor, whether any of `wanted` depends on it or is it.
fn needed(graph: &Graph, wanted: &[TensorId]) -> Vec<bool> {
    let mut needed = vec![false; graph.tensors.len()];
    wanted.iter().for_each(|&tensor| needed[tensor] = true);
    for segment in graph.segments.iter().rev() {
        if segment.outputs.iter().any(|&tensor| needed[tensor]) {
            segment.inputs.iter().for_each(|&tensor| needed[tensor] = true);
        }
    }
    needed
}

/// By segment, the tensors that no later segment reads and that are neither inputs nor outputs of the model.
fn ends(graph: &Graph) -> Vec<Vec<TensorId>> {
    let mut ends = vec![Vec::new(); graph.segments.len()];
    let mut is_done: BTreeSet<TensorId> = graph.outputs.iter().chain(&graph.inputs).copied().collect();
    for (index, segment) in graph.segments.iter().enumerate().rev() {
        for &tensor in segment.inputs.iter().chain(&segment.outputs) {
            if is_done.insert(tensor) {
                ends[index].push(tensor);
            }
        }
    }
    ends
}
