//! Looking at the data before believing a number: what the model receives, what the float model makes of it, and what it
//! would make of it under other preprocessing.

use std::{collections::BTreeMap, sync::Arc};

use super::{Workbench, samples::no_data};
use crate::{
    data::{
        self, ClassNames, DataOptions, DataSource, Dataset, RecipeTrials, Sample,
        info::{DataInfo, Preview},
    },
    engine::{Engine, Value},
    error::{Error, Result},
    graph::Graph,
    job::Job,
    metrics::ClassScores,
    say,
};

/// Samples whose values are looked at for ranges, means and banners.
const CHECKED_SAMPLES: usize = 32;
/// Samples that the float model is asked about.
const SANITY_SAMPLES: usize = 64;

impl Workbench {
    /// Takes new data and looks at them: ranges, means, banners, the float model's answers. Everything known about other
    /// data is forgotten, but only once the new ones are known to fit.
    ///
    /// # Errors
    /// [`Error::Data`] and others that name the input, file or array that does not fit; [`Error::Runtime`],
    /// [`Error::Cancelled`].
    pub fn set_data_checked(
        &mut self,
        source: &DataSource,
        options: &DataOptions,
        names: Option<&ClassNames>,
        job: &mut Job<'_>,
    ) -> Result<Arc<DataInfo>> {
        job.step("opening the data", "steps", 0, 3)?;
        let options = DataOptions { tables: tables(&self.graph), ..options.clone() };
        let dataset = Dataset::open_with(source, &self.info.inputs, &options)?;
        job.step("checking the data", "steps", 1, 3)?;
        let check = data::check(&dataset, CHECKED_SAMPLES)?;
        job.step("asking the float model", "steps", 2, 3)?;
        let graph = Arc::clone(&self.graph);
        let sanity = if self.has_class_scores(&dataset, job)? {
            let names = names.or_else(|| dataset.class_names());
            let engine = &mut self.engine;
            let mut runner = |sample: &Sample| class_scores(engine, &graph, sample, job);
            Some(data::float_sanity(&dataset, SANITY_SAMPLES, names, &mut runner)?)
        } else {
            None
        };
        let available = dataset.len();
        let info = Arc::new(DataInfo::gather(source, &dataset, available, check, sanity)?);
        job.step("asking the float model", "steps", 3, 3)?;
        self.use_dataset(dataset, None);
        Ok(info)
    }

    /// Previews of these samples, counted from 0, in this order.
    ///
    /// # Errors
    /// [`Error::Data`] where there is no such sample, and those of [`Dataset::sample`]; [`Error::Cancelled`].
    pub fn previews(&self, samples: &[usize], job: &mut Job<'_>) -> Result<Vec<(usize, Preview)>> {
        let dataset = self.dataset()?;
        let mut previews = Vec::with_capacity(samples.len());
        for (done, &index) in samples.iter().enumerate() {
            job.step("reading samples", "samples", done, samples.len())?;
            previews.push((index, Preview::of(dataset, index)?));
        }
        job.step("reading samples", "samples", samples.len(), samples.len())?;
        Ok(previews)
    }

    /// The float model under every preprocessing that its input can take.
    ///
    /// # Errors
    /// [`Error::Data`] when there is none to try or no output holds class scores; [`Error::Runtime`],
    /// [`Error::Cancelled`].
    pub fn try_recipes(&mut self, job: &mut Job<'_>) -> Result<RecipeTrials> {
        let held = self.data.take().ok_or_else(no_data)?;
        let result = self.try_recipes_on(&held.dataset, job);
        self.data = Some(held);
        result
    }

    fn try_recipes_on(&mut self, dataset: &Dataset, job: &mut Job<'_>) -> Result<RecipeTrials> {
        if !self.has_class_scores(dataset, job)? {
            return Err(Error::data(say!(
                "no output of this model holds class scores, so recipes cannot be ranked; compare its outputs yourself"
            )));
        }
        let graph = Arc::clone(&self.graph);
        let engine = &mut self.engine;
        let mut done = 0;
        let mut runner = |sample: &Sample| {
            done += 1;
            (job.progress)(crate::job::Progress { stage: "trying recipes", done, total: None, unit: "runs" });
            class_scores(engine, &graph, sample, job)
        };
        data::try_recipes(dataset, &mut runner)
    }

    /// Whether the first sample gives an output with one class axis.
    fn has_class_scores(&mut self, dataset: &Dataset, job: &Job<'_>) -> Result<bool> {
        let graph = Arc::clone(&self.graph);
        let sample = dataset.sample(0)?;
        Ok(!class_scores(&mut self.engine, &graph, &sample, job)?.is_empty())
    }
}

/// By the name of an input, the rows of the table that its numbers choose from: an embedding's.
fn tables(graph: &Graph) -> BTreeMap<String, usize> {
    let mut tables = BTreeMap::new();
    for &input in &graph.inputs {
        let casts = graph.tensors[input].consumers.iter().filter(|node| graph.nodes[**node].op == "Cast");
        let cast = casts.filter_map(|node| graph.nodes[*node].outputs.first().copied().flatten());
        for tensor in cast.chain([input]) {
            for node in graph.tensors[tensor].consumers.iter().map(|node| &graph.nodes[*node]) {
                let [Some(table), Some(rows)] = node.inputs[..] else { continue };
                let length = graph.tensors[table].dims.as_ref().and_then(|dims| dims.first().copied().flatten());
                if let (true, "Gather", true, Some(length)) =
                    (rows == tensor, node.op.as_str(), graph.tensors[table].is_constant, length)
                {
                    tables.insert(graph.name(input).to_owned(), length);
                }
            }
        }
    }
    tables
}

/// The float model's class scores for one sample: of the first output that has one decision; empty if none has.
fn class_scores(engine: &mut Engine, graph: &Graph, sample: &Sample, job: &Job<'_>) -> Result<Vec<f32>> {
    job.cancel.check()?;
    let inputs = sample.tensors.iter().map(|tensor| Value::from_tensor(tensor).map(Arc::new)).collect::<Result<_>>()?;
    engine.prepare(None, &job.cancel)?;
    let store = engine.float_pass(inputs, 0, &mut |_, _| (), &job.cancel)?.store;
    for &output in &graph.outputs {
        let Some(value) = &store[output] else { continue };
        if let Some(values) = value.widened()
            && let Some(classes) = ClassScores::of_values(&value.shape(), &values)
            && classes.decisions() == 1
        {
            return Ok(classes.rows(&values).next().unwrap_or_default());
        }
    }
    Ok(Vec::new())
}
