//! Bringing samples to a plan, side by side, within the memory that is allowed.

use std::{ops::Range, sync::Arc};

use super::{
    EvaluationData, Workbench,
    account::Account,
    samples::{Inputs, no_data},
    score::SampleScore,
};
use crate::{
    data::Dataset,
    engine::{Engine, PassCount, SampleRun, Store},
    error::Result,
    graph::Graph,
    job::{CancelToken, Job},
    parallel,
    plan::QuantPlan,
};

impl Workbench {
    /// Brings samples to `plan`; one that is not resident is run from the start and keeps only its sums.
    pub(super) fn bring(&mut self, range: Range<usize>, plan: &Arc<QuantPlan>, job: &mut Job<'_>) -> Result<PassCount> {
        let mut total = PassCount::default();
        if range.is_empty() {
            return Ok(total);
        }
        self.engine.prepare(Some(plan), &job.cancel)?;
        let (graph, engine, cancel) = (&self.graph, &self.engine, job.cancel.clone());
        let data = self.data.as_mut().ok_or_else(no_data)?;
        let EvaluationData { dataset, inputs, samples, scores, reserved, account, .. } = data;
        let (count, mut done) = (samples.len(), range.start);
        let each = samples[range.clone()].iter_mut().zip(&mut scores[range.clone()]).zip(&mut reserved[range.clone()]);
        let keeps = self.resident_samples > 0;
        let bringing = Bringing { engine, graph, dataset, inputs, account, plan, keeps, cancel: &cancel };
        job.step("quantized run", "samples", done, count)?;
        let work = |(index, ((run, score), reserved))| bringing.sample(index, run, score, reserved);
        parallel::for_each(range.clone().zip(each), work, |pass: PassCount| {
            total.run += pass.run;
            total.reused += pass.reused;
            done += 1;
            job.step("quantized run", "samples", done, count)
        })?;
        Ok(total)
    }

    /// Both runs' tensors of a sample at `plan`, whether it is resident or not: float, quantized.
    pub(super) fn tensors_of(
        &mut self,
        index: usize,
        plan: &Arc<QuantPlan>,
        job: &mut Job<'_>,
    ) -> Result<(Store, Store)> {
        if !self.data.as_ref().ok_or_else(no_data)?.samples[index].float.is_empty() {
            self.bring(index..index + 1, plan, job)?;
            let run = &self.data.as_ref().ok_or_else(no_data)?.samples[index];
            if !run.quantized.is_empty() {
                return Ok((run.float.clone(), run.quantized_store()));
            }
        }
        self.engine.prepare(Some(plan), &job.cancel)?;
        let data = self.data.as_ref().ok_or_else(no_data)?;
        let values = data.inputs.of(&data.dataset, index)?;
        let mut alone = SampleRun::from_inputs(self.graph.tensors.len(), &self.graph.inputs, values);
        self.engine.quantized_pass(&mut alone, plan, true, &job.cancel)?;
        Ok((alone.float, alone.quantized))
    }
}

/// Samples on their way to a plan, side by side.
struct Bringing<'a> {
    engine: &'a Engine,
    graph: &'a Graph,
    dataset: &'a Dataset,
    inputs: &'a Inputs,
    account: &'a Account,
    plan: &'a Arc<QuantPlan>,
    /// Whether what is resident stays so, for the next plan.
    keeps: bool,
    cancel: &'a CancelToken,
}

impl Bringing<'_> {
    fn sample(
        &self,
        index: usize,
        run: &mut SampleRun,
        score: &mut SampleScore,
        reserved: &mut u64,
    ) -> Result<PassCount> {
        let is_resident = !run.float.is_empty();
        if !is_resident {
            let values = self.inputs.of(self.dataset, index)?;
            run.float = SampleRun::from_inputs(self.graph.tensors.len(), &self.graph.inputs, values).float;
        }
        let keeps = is_resident && self.keeps;
        let pass = self.engine.quantized_pass(run, self.plan, keeps, self.cancel);
        match &pass {
            Ok(count) if count.run > 0 => score.take_quantized(self.graph, &run.float, &run.quantized),
            Ok(_) => {}
            // Half a pass is worth nothing.
            Err(_) => run.quantized = Vec::new(),
        }
        run.rest();
        // A shape that depends on the values can be larger in the quantized run than the room that was kept for it.
        let beyond = run.bytes().saturating_sub(*reserved);
        if keeps && beyond > 0 && self.account.reserve(beyond) {
            *reserved += beyond;
        } else if !keeps || beyond > 0 {
            run.drop_tensors();
            self.account.release(std::mem::take(reserved));
        }
        pass
    }
}
