//! The samples of one model: where they come from, their cached tensors, and what the float pass saw of them.
//!
//! A sample is *resident* when its tensors of both runs are in memory. As many as the budget allows are, the first ones
//! first, so the live samples almost always are; the others are run from the start each time and keep only their sums.

use std::{collections::BTreeMap, sync::Arc};

use super::{Workbench, score::SampleScore};
use crate::{
    calibrate::{Statistics, TensorValues},
    data::{DataOptions, DataSource, Dataset},
    engine::{SampleRun, Store, Value},
    error::{Error, Result},
    graph::TensorId,
    job::{Job, Warning},
};

/// The samples of one model and what is known about them.
#[derive(Debug)]
pub struct EvaluationData {
    pub(super) dataset: Dataset,
    /// Samples for the ranges, where they are not the evaluated ones.
    pub(super) calibration: Option<Dataset>,
    pub(super) samples: Vec<SampleRun>,
    pub(super) scores: Vec<SampleScore>,
    /// Shapes of the tensors between segments, for the first sample.
    pub(super) shapes: Vec<Option<Vec<usize>>>,
    pub(super) statistics: Statistics,
    /// The float pass over every sample is done.
    pub(super) is_referenced: bool,
    pub(super) used_bytes: u64,
    pub(super) peak_bytes: u64,
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
            scores: vec![SampleScore::default(); count],
            shapes: Vec::new(),
            statistics: Statistics::default(),
            is_referenced: false,
            used_bytes: 0,
            peak_bytes: 0,
            warnings: Vec::new(),
        });
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
        let data = self.data.as_ref().ok_or_else(no_data)?;
        if data.is_referenced {
            return Ok(());
        }
        let count = data.dataset.len();
        let observes_evaluated = data.calibration.is_none();
        let observed = self.observed_tensors();
        let mut statistics = Statistics::default();
        for index in 0..count {
            job.step("float reference", "samples", index, count)?;
            let store = self.float_store(index, job)?;
            if observes_evaluated {
                observe(&mut statistics, &observed, &store);
            }
            self.keep_reference(index, store)?;
        }
        if let Some(calibration) = self.data.as_ref().and_then(|d| d.calibration.as_ref()).map(Dataset::len) {
            for index in 0..calibration {
                job.step("ranges", "samples", index, calibration)?;
                let store = self.calibration_store(index, job)?;
                observe(&mut statistics, &observed, &store);
            }
        }
        let graph = Arc::clone(&self.graph);
        let data = self.data.as_mut().ok_or_else(no_data)?;
        data.warnings = broken_values(&graph, &statistics);
        data.statistics = statistics;
        data.is_referenced = true;
        job.step("float reference", "samples", count, count)
    }

    /// What the methods need of `tensors` over their final ranges, where it was not counted yet, in one look at the
    /// samples; where the flag is set, what other tools' methods need too.
    pub(super) fn histograms(&mut self, tensors: &BTreeMap<TensorId, bool>, job: &mut Job<'_>) -> Result<()> {
        self.reference(job)?;
        let data = self.data.as_ref().ok_or_else(no_data)?;
        let mut added: Vec<(TensorId, TensorValues)> = tensors
            .iter()
            .filter(|(t, for_flavours)| {
                let counted = data.statistics.histograms.get(t);
                counted.is_none_or(|values| **for_flavours && values.flavours.is_none())
            })
            .filter_map(|(&t, &for_flavours)| {
                let range = data.statistics.joined_range(&self.graph.quantizable.joined(t))?;
                let empty = if for_flavours { TensorValues::new } else { TensorValues::without_flavours };
                Some((t, empty(range)))
            })
            .collect();
        if added.is_empty() {
            return Ok(());
        }
        let from_calibration = data.calibration.is_some();
        let count = data.calibration.as_ref().unwrap_or(&data.dataset).len();
        for index in 0..count {
            job.step("histograms", "samples", index, count)?;
            let store =
                if from_calibration { self.calibration_store(index, job)? } else { self.float_store(index, job)? };
            for (tensor, distribution) in &mut added {
                let joined = self.graph.quantizable.joined(*tensor);
                let mut parts = joined.iter().filter_map(|&t| store[t].as_ref()?.floats()).peekable();
                match (parts.next(), parts.peek()) {
                    (Some(values), None) => distribution.observe_sample(values),
                    // Tensors of one scale are one tensor to the methods that look at a sample as a whole.
                    (Some(first), Some(_)) => {
                        let all: Vec<f32> = first.iter().chain(parts.flatten()).copied().collect();
                        distribution.observe_sample(&all);
                    }
                    (None, _) => {}
                }
            }
        }
        let data = self.data.as_mut().ok_or_else(no_data)?;
        data.statistics.histograms.extend(added.into_iter().map(|(t, h)| (t, Arc::new(h))));
        Ok(())
    }

    /// The float tensors of a sample, cached or run now.
    pub(super) fn float_store(&mut self, index: usize, job: &Job<'_>) -> Result<Store> {
        let data = self.data.as_ref().ok_or_else(no_data)?;
        let cached = &data.samples[index].float;
        if !cached.is_empty() {
            return Ok(cached.clone());
        }
        let values = input_values(&data.dataset, index)?;
        self.engine.float_pass(values, &job.cancel)
    }

    fn calibration_store(&mut self, index: usize, job: &Job<'_>) -> Result<Store> {
        let data = self.data.as_ref().ok_or_else(no_data)?;
        let calibration = data.calibration.as_ref().ok_or_else(no_data)?;
        let values = input_values(calibration, index)?;
        self.engine.float_pass(values, &job.cancel)
    }

    /// Remembers a sample's float outputs, and its tensors where the budget allows both runs to be kept.
    fn keep_reference(&mut self, index: usize, store: Store) -> Result<()> {
        let graph = Arc::clone(&self.graph);
        let budget = self.memory_budget_bytes;
        let data = self.data.as_mut().ok_or_else(no_data)?;
        if data.shapes.is_empty() {
            data.shapes = store.iter().map(|v| v.as_ref().map(|v| v.shape())).collect();
        }
        let run = &mut data.samples[index];
        if !run.float.is_empty() {
            return Ok(());
        }
        run.float = store;
        let bytes = run.bytes();
        data.scores[index].take_float(&graph, &run.float);
        // The quantized run of the sample will take as much again.
        if data.used_bytes + 2 * bytes > budget {
            run.drop_tensors();
        } else {
            data.used_bytes += bytes;
            data.peak_bytes = data.peak_bytes.max(data.used_bytes);
        }
        Ok(())
    }

    /// Tensors whose ranges are needed: every owner of a quantizer, and every row's output for its page.
    fn observed_tensors(&self) -> Vec<TensorId> {
        let graph = &self.graph;
        let wanted = |t: &TensorId| graph.tensors[*t].is_float32() && !graph.tensors[*t].is_constant;
        let rows = graph.layers.iter().flat_map(|l| l.outputs.iter().copied());
        rows.filter(wanted).collect()
    }
}

pub(super) fn no_data() -> Error {
    Error::data("there are no samples yet; give the model data first")
}

/// The inputs of a sample as the engine takes them.
pub(super) fn input_values(dataset: &Dataset, index: usize) -> Result<Vec<Value>> {
    dataset.sample(index)?.tensors.iter().map(Value::from_tensor).collect()
}

fn observe(statistics: &mut Statistics, tensors: &[TensorId], store: &Store) {
    for &tensor in tensors {
        if let Some(values) = store[tensor].as_ref().and_then(|v| v.floats()) {
            statistics.ends.entry(tensor).or_default().observe(values);
        }
    }
}

/// Tensors in which the float model itself makes NaN or infinity.
fn broken_values(graph: &crate::graph::Graph, statistics: &Statistics) -> Vec<Warning> {
    let broken = statistics.ends.iter().filter(|(_, ends)| ends.nan > 0 || ends.inf > 0);
    broken
        .map(|(&tensor, ends)| {
            Warning::new(
                "activation-not-finite",
                format!(
                    "the float model makes {} NaN and {} infinite values in `{}`; look at the data first",
                    ends.nan,
                    ends.inf,
                    graph.name(tensor)
                ),
            )
        })
        .collect()
}
