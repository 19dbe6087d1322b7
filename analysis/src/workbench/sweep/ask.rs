//! Asking plans about samples: from the float tensors at the first segment that a plan changes, by the engine's own segments
//! up to a checkpoint, and for an estimate by optimized pieces of the float network from there.

use std::{collections::BTreeMap, sync::Arc};

use super::{Ground, Item, values::sums};
use crate::{
    engine::{Changed, OwnSessions, Reference, Start, Store, Suffix},
    error::{Error, Result},
    graph::TensorId,
    job::{CancelToken, Job},
    metrics::ErrorSums,
    parallel,
    plan::QuantPlan,
    sensitivity::segment_work,
    workbench::{Workbench, cost, samples::no_data},
};

/// Pieces of the float network behind a layer: with fewer the way to the next checkpoint is longer, which runs without
/// optimization; with more, more of them reorder their inputs.
const PIECES: usize = 12;

/// What one item says about one output of one sample.
#[derive(Clone)]
struct Answer {
    /// `None` where the output holds no floating-point values.
    sums: Option<ErrorSums>,
    is_estimate: bool,
}

impl Workbench {
    /// The float network in optimized pieces.
    pub(super) fn prepare_suffix(&mut self, ground: &mut Ground, job: &mut Job<'_>) -> Result<()> {
        let data = self.data.as_ref().ok_or_else(no_data)?;
        let macs: Vec<u64> = (0..self.graph.layers.len()).map(|l| cost::macs(&self.graph, l, &data.shapes)).collect();
        let work = segment_work(&self.graph, &data.shapes, &macs);
        job.step("preparing estimates", "steps", 0, 1)?;
        let Some(suffix) = self.engine.suffix(&work, &data.shapes, PIECES, &job.cancel)? else { return Ok(()) };
        self.engine.prepare(None, &job.cancel)?;
        ground.suffix = Some(suffix);
        Ok(())
    }

    /// What the pieces make of a sample in float.
    fn reference_of<'a>(
        &self,
        ground: &'a Ground,
        index: usize,
        float: &Store,
        cancel: &CancelToken,
    ) -> Result<Option<(&'a Suffix, &'a Reference)>> {
        let Some(suffix) = &ground.suffix else { return Ok(None) };
        let slot = &ground.references[index];
        if slot.get().is_none() {
            let made = match suffix.reference(float, cancel) {
                Err(Error::Cancelled) => return Err(Error::Cancelled),
                // Where a piece cannot be run the engine's own segments answer.
                made => made.ok(),
            };
            let _ = slot.set(made);
        }
        Ok(slot.get().and_then(Option::as_ref).map(|reference| (suffix, reference)))
    }

    pub(super) fn are_resident(&self, ground: &Ground) -> Result<bool> {
        let samples = &self.data.as_ref().ok_or_else(no_data)?.samples[..ground.samples];
        let needs_quantized = ground.base.is_some();
        Ok(samples.iter().all(|run| !run.float.is_empty() && (!needs_quantized || !run.quantized.is_empty())))
    }

    /// Asks the items about every sample, side by side.
    pub(super) fn ask_all(
        &mut self,
        ground: &Ground,
        items: &mut [Item],
        job: &mut Job<'_>,
        layers_done: &dyn Fn(usize) -> (usize, usize),
    ) -> Result<()> {
        let cancel = &job.cancel.clone();
        self.engine.prepare(ground.base.as_deref(), cancel)?;
        let mut by_sample = vec![Vec::new(); ground.samples];
        let (bench, asked) = (&*self, &*items);
        let ask = |index| Ok((index, bench.ask(ground, index, asked, cancel)?));
        let mut step = |samples_done| {
            let (done, total) = layers_done(samples_done);
            job.step("sensitivity", "layers", done, total)
        };
        step(0)?;
        let mut samples_done = 0;
        parallel::for_each(0..ground.samples, ask, |(index, answers)| {
            by_sample[index] = answers;
            samples_done += 1;
            step(samples_done)
        })?;
        for answers in by_sample {
            for (item, answer) in items.iter_mut().filter(|item| item.plan.is_ok()).zip(answers) {
                item.estimates.iter_mut().zip(&answer).for_each(|(all, one)| *all |= one.is_estimate);
                item.sums.push(answer.into_iter().map(|one| one.sums).collect());
            }
        }
        Ok(())
    }

    /// Asks the items that have a plan about one sample: by item, by output.
    fn ask(&self, ground: &Ground, index: usize, items: &[Item], cancel: &CancelToken) -> Result<Vec<Vec<Answer>>> {
        let float = self.float_run(index, cancel)?;
        let run = match &ground.base {
            Some(base) => Some(self.quantized_store(index, &float, base, cancel)?),
            None => None,
        };
        let estimates = self.reference_of(ground, index, &float, cancel)?;
        let mut answers = Vec::with_capacity(items.len());
        for item in items {
            cancel.check()?;
            let Ok(plan) = &item.plan else { continue };
            let start = match (&run, &ground.base) {
                (Some(run), Some(base)) => Start { float: &float, run, plan: Some(base) },
                _ => Start { float: &float, run: &float, plan: None },
            };
            let end = self.engine.segments();
            let checkpoint = match (estimates, start.plan) {
                (Some((suffix, _)), None) => suffix.checkpoint(self.engine.first_untouched(plan)),
                _ => None,
            };
            let to = checkpoint.unwrap_or(end);
            let mut changed = self.engine.wave(start, plan, &item.sessions, to, false, cancel)?;
            let mut pairs = BTreeMap::new();
            if let (Some(from), Some((suffix, reference))) = (checkpoint, estimates)
                && !changed.is_empty()
            {
                match suffix.finish(reference, from, &changed, &float, cancel) {
                    Ok(found) => pairs = found,
                    // Values that decide on a shape made one that a piece was not built for.
                    Err(Error::Runtime { .. }) => {
                        changed = self.engine.wave(start, plan, &item.sessions, end, false, cancel)?;
                    }
                    Err(other) => return Err(other),
                }
            }
            let answer = |tensor: &TensorId| match pairs.get(tensor) {
                Some((reference, value)) => Answer { sums: sums(reference, value), is_estimate: true },
                None => {
                    let value = changed.get(tensor).or(start.run[*tensor].as_ref());
                    let sums = float[*tensor].as_ref().zip(value).and_then(|(f, v)| sums(f, v));
                    Answer { sums, is_estimate: false }
                }
            };
            answers.push(self.graph.outputs.iter().map(answer).collect());
        }
        Ok(answers)
    }

    /// The quantized tensors of a sample under `base`: cached, or from the float ones.
    fn quantized_store(
        &self,
        index: usize,
        float: &Store,
        base: &Arc<QuantPlan>,
        cancel: &CancelToken,
    ) -> Result<Store> {
        let run = &self.data.as_ref().ok_or_else(no_data)?.samples[index];
        if !run.quantized.is_empty() && run.plan.as_ref().is_some_and(|plan| Arc::ptr_eq(plan, base)) {
            return Ok(run.quantized_store());
        }
        let start = Start { float, run: float, plan: None };
        let end = self.engine.segments();
        let changed: Changed = self.engine.wave(start, base, &OwnSessions::default(), end, true, cancel)?;
        let mut store = float.clone();
        changed.into_iter().for_each(|(tensor, value)| store[tensor] = Some(value));
        Ok(store)
    }
}
