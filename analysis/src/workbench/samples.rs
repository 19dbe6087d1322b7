//! The samples of one model: where they come from, their cached tensors, and what the float pass saw of them.
//!
//! A sample is *resident* when its tensors of both runs are in memory. The live samples are, as far as the budget allows,
//! and of the others what adds up to little; the rest is run from the start each time and keeps only its sums. Keeping
//! all would make the last stage of a change faster, but memory that the system has yet to give costs more than running
//! them: one sample of MobileNetV2 is 80 MB, which took 50 to 100 ms to touch for the first time, and 20 ms to compute.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU64, Ordering},
};

use super::{
    Workbench,
    account::{Account, both_runs, float_share},
    score::SampleScore,
};
use crate::{
    calibrate::{MinMax, Statistics},
    data::{DataOptions, DataSource, Dataset},
    engine::{Engine, SampleRun, Store, Value},
    error::{Error, Result},
    graph::{Graph, TensorId},
    job::{CancelToken, Job, Warning},
    parallel, say,
};

/// Up to here samples beyond the live ones are kept too, if that may be enough for all of them.
const CHEAP_BYTES: u64 = 64 << 20;
/// The part of the memory budget that inputs may take.
const INPUTS_SHARE: u64 = 8;

/// The samples of one model and what is known about them.
#[derive(Debug)]
pub struct EvaluationData {
    pub(super) dataset: Dataset,
    /// Samples for the ranges, where they are not the evaluated ones.
    pub(super) calibration: Option<Dataset>,
    pub(super) samples: Vec<SampleRun>,
    pub(super) inputs: Inputs,
    pub(super) scores: Vec<SampleScore>,
    /// By sample, the bytes that its tensors of both runs may take; 0 where it is not resident.
    pub(super) reserved: Vec<u64>,
    pub(super) account: Account,
    /// Shapes of the tensors between segments, for the first sample.
    pub(super) shapes: Vec<Option<Vec<usize>>>,
    pub(super) statistics: Statistics,
    /// The float pass over every sample is done.
    pub(super) is_referenced: bool,
    pub(super) warnings: Vec<Warning>,
}

impl Workbench {
    /// Takes new data; everything known about other data is forgotten.
    ///
    /// # Errors
    /// [`Error::Data`] and others that name the input, file or array that does not fit.
    pub fn set_data(&mut self, source: &DataSource, options: &DataOptions) -> Result<()> {
        let dataset = Dataset::open_with(source, &self.info.inputs, options)?;
        self.use_dataset(dataset, None);
        Ok(())
    }

    /// Takes the ranges from other samples than the evaluated ones.
    ///
    /// # Errors
    /// As [`Workbench::set_data`]; [`Error::Data`] when there are no samples to evaluate yet.
    pub fn set_calibration(&mut self, source: &DataSource, options: &DataOptions) -> Result<()> {
        let calibration = Dataset::open_with(source, &self.info.inputs, options)?;
        let data = self.data.take().ok_or_else(no_data)?;
        self.use_dataset(data.dataset, Some(calibration));
        Ok(())
    }

    pub(super) fn use_dataset(&mut self, dataset: Dataset, calibration: Option<Dataset>) {
        let count = dataset.len();
        self.finished.clear();
        self.kept_sweeps.clear();
        self.data = Some(EvaluationData {
            dataset,
            calibration,
            samples: vec![SampleRun::default(); count],
            inputs: Inputs::new(count, self.memory_budget_bytes / INPUTS_SHARE),
            scores: vec![SampleScore::default(); count],
            reserved: vec![0; count],
            account: self.account(),
            shapes: Vec::new(),
            statistics: Statistics::default(),
            is_referenced: false,
            warnings: Vec::new(),
        });
    }

    /// What the inputs leave of the budget.
    pub(super) fn tensors_budget(&self) -> u64 {
        self.memory_budget_bytes - self.memory_budget_bytes / INPUTS_SHARE
    }

    /// An account in which nothing is reserved.
    pub(super) fn account(&self) -> Account {
        Account::new(self.tensors_budget())
    }

    /// The samples in use.
    ///
    /// # Errors
    /// [`Error::Data`] before any were given.
    pub fn dataset(&self) -> Result<&Dataset> {
        self.data.as_ref().map(|d| &d.dataset).ok_or_else(no_data)
    }

    /// Runs the float model on every sample that it has not been run on: ranges, float outputs, cached tensors.
    pub(super) fn reference(&mut self, job: &mut Job<'_>) -> Result<()> {
        if self.data.as_ref().ok_or_else(no_data)?.is_referenced {
            return Ok(());
        }
        self.engine.prepare(None, &job.cancel)?;
        let observed = self.observed_tensors();
        let (graph, engine, resident) = (Arc::clone(&self.graph), &self.engine, self.resident_samples);
        let data = self.data.as_mut().ok_or_else(no_data)?;
        let EvaluationData { dataset, calibration, samples, inputs, scores, reserved, account, .. } = data;
        let count = samples.len();
        let observes_evaluated = calibration.is_none();
        let (mut statistics, mut shapes, mut done) = (Statistics::default(), Vec::new(), 0);
        let cancel = job.cancel.clone();
        let each = samples.iter_mut().zip(scores).zip(reserved).enumerate();
        job.step("float reference", "samples", 0, count)?;
        let reference = Reference {
            engine,
            graph: &graph,
            dataset,
            inputs,
            observed: &observed,
            account,
            resident,
            cancel: &cancel,
        };
        let work = |(index, ((run, score), reserved))| reference.sample(index, run, score, reserved);
        parallel::for_each(each, work, |seen| {
            if observes_evaluated {
                merge(&mut statistics, &seen.ends);
            }
            if seen.index == 0 {
                shapes = seen.shapes;
            }
            done += 1;
            job.step("float reference", "samples", done, count)
        })?;
        if let Some(calibration) = calibration {
            let (count, mut done) = (calibration.len(), 0);
            job.step("ranges", "samples", 0, count)?;
            let work = |index| {
                let mut seen = Seen::default();
                let mut see = |tensor, value: &Arc<Value>| seen.observe(&observed, tensor, value);
                engine.float_pass(input_values(calibration, index)?, 0, &mut see, &cancel)?;
                Ok(seen)
            };
            parallel::for_each(0..count, work, |seen| {
                merge(&mut statistics, &seen.ends);
                done += 1;
                job.step("ranges", "samples", done, count)
            })?;
        }
        data.warnings = broken_values(&graph, &statistics);
        data.statistics = statistics;
        data.shapes = shapes;
        data.is_referenced = true;
        Ok(())
    }

    /// The float tensors of a sample, cached or run now; the float sessions must have been prepared.
    pub(super) fn float_run(&self, index: usize, cancel: &CancelToken) -> Result<Store> {
        let data = self.data.as_ref().ok_or_else(no_data)?;
        let cached = &data.samples[index].float;
        if !cached.is_empty() {
            return Ok(cached.clone());
        }
        let values = data.inputs.of(&data.dataset, index)?;
        Ok(self.engine.float_pass(values, u64::MAX, &mut |_, _| (), cancel)?.store)
    }

    /// Tensors whose ranges are needed: every owner of a quantizer, and every row's output for its page.
    fn observed_tensors(&self) -> Vec<bool> {
        let graph = &self.graph;
        let mut observed = vec![false; graph.tensors.len()];
        for &tensor in graph.layers.iter().flat_map(|l| &l.outputs) {
            observed[tensor] = graph.tensors[tensor].is_float32() && !graph.tensors[tensor].is_constant;
        }
        observed
    }
}

pub(super) fn no_data() -> Error {
    Error::data(say!("there are no samples yet; give the model data first"))
}

/// The inputs of a sample as the engine takes them.
pub(super) fn input_values(dataset: &Dataset, index: usize) -> Result<Vec<Arc<Value>>> {
    dataset.sample(index)?.tensors.iter().map(|tensor| Value::from_tensor(tensor).map(Arc::new)).collect()
}

/// Inputs that were read already: decoding and resizing a picture takes as long as half a run of a small network.
#[derive(Debug)]
pub(super) struct Inputs {
    by_sample: Vec<OnceLock<Vec<Arc<Value>>>>,
    /// Bytes that may still be taken.
    left_bytes: AtomicU64,
}

impl Inputs {
    fn new(count: usize, most_bytes: u64) -> Self {
        let by_sample = (0..count).map(|_| OnceLock::new()).collect();
        Self { by_sample, left_bytes: AtomicU64::new(most_bytes) }
    }

    /// The inputs of a sample, kept for the next time if there is room.
    pub(super) fn of(&self, dataset: &Dataset, index: usize) -> Result<Vec<Arc<Value>>> {
        if let Some(kept) = self.by_sample[index].get() {
            return Ok(kept.clone());
        }
        let values = input_values(dataset, index)?;
        let bytes: u64 = values.iter().map(|value| value.bytes()).sum();
        let take = |left: u64| left.checked_sub(bytes);
        if self.left_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
            // Another thread cannot have been at the same sample, and if it was, it read the same.
            let _ = self.by_sample[index].set(values.clone());
        }
        Ok(values)
    }
}

/// What the float pass over one sample saw.
#[derive(Debug, Default)]
struct Seen {
    index: usize,
    ends: Vec<(TensorId, MinMax)>,
    /// Of the first sample only.
    shapes: Vec<Option<Vec<usize>>>,
}

impl Seen {
    fn observe(&mut self, observed: &[bool], tensor: TensorId, value: &Value) {
        if let Some(values) = value.floats().filter(|_| observed[tensor]) {
            let mut ends = MinMax::default();
            ends.observe(values);
            self.ends.push((tensor, ends));
        }
    }
}

/// The float pass over samples, side by side.
struct Reference<'a> {
    engine: &'a Engine,
    graph: &'a Graph,
    dataset: &'a Dataset,
    inputs: &'a Inputs,
    /// Tensors whose ends are wanted.
    observed: &'a [bool],
    account: &'a Account,
    /// The first samples, which are kept however large they are.
    resident: usize,
    cancel: &'a CancelToken,
}

impl Reference<'_> {
    /// What the float tensors of a sample beyond the live ones may take. One kept of many would cost more than it saves.
    fn cheap_room_bytes(&self) -> u64 {
        let others = self.dataset.len().saturating_sub(self.resident) as u64;
        if both_runs(self.engine.least_bytes()).saturating_mul(others) > CHEAP_BYTES {
            return 0;
        }
        float_share(CHEAP_BYTES.saturating_sub(self.account.used_bytes()))
    }

    /// Runs a sample, unless its tensors are there, and keeps its float outputs, and its tensors where the budget allows
    /// both runs to be kept.
    fn sample(&self, index: usize, run: &mut SampleRun, score: &mut SampleScore, reserved: &mut u64) -> Result<Seen> {
        let mut seen = Seen { index, ..Seen::default() };
        if index == 0 {
            seen.shapes = vec![None; self.graph.tensors.len()];
        }
        let mut see = |tensor: TensorId, value: &Arc<Value>| {
            seen.observe(self.observed, tensor, value);
            if index == 0 {
                seen.shapes[tensor] = Some(value.shape());
            }
        };
        if run.float.is_empty() {
            let values = self.inputs.of(self.dataset, index)?;
            let room = if index < self.resident { u64::MAX } else { self.cheap_room_bytes() };
            let room = room.min(self.account.room_bytes());
            let float = self.engine.float_pass(values, room, &mut see, self.cancel)?;
            score.take_float(self.graph, &float.store);
            let bytes = both_runs(float.bytes);
            if float.is_whole && self.account.reserve(bytes) {
                *reserved = bytes;
                run.float = float.store;
            }
        } else {
            let made = run.float.iter().enumerate();
            made.filter_map(|(tensor, value)| Some((tensor, value.as_ref()?))).for_each(|(t, value)| see(t, value));
        }
        Ok(seen)
    }
}

fn merge(statistics: &mut Statistics, seen: &[(TensorId, MinMax)]) {
    for (tensor, ends) in seen {
        statistics.ends.entry(*tensor).or_default().merge(ends);
    }
}

/// Tensors in which the float model itself makes NaN or infinity.
fn broken_values(graph: &Graph, statistics: &Statistics) -> Vec<Warning> {
    let broken = statistics.ends.iter().filter(|(_, ends)| ends.nan > 0 || ends.inf > 0);
    broken
        .map(|(&tensor, ends)| {
            Warning::new(
                "activation-not-finite",
                say!(
                    "the float model makes {} NaN and {} infinite values in `{}`; look at the data first",
                    ends.nan,
                    ends.inf,
                    graph.name(tensor)
                ),
            )
        })
        .collect()
}
