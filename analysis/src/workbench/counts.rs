//! Counting what the range methods need of tensors, in another look at the samples.

use std::{collections::BTreeMap, sync::Arc};

use rayon::prelude::*;

use super::{
    Workbench,
    samples::{input_values, no_data},
};
use crate::{
    calibrate::TensorValues,
    engine::{Store, Value},
    error::Result,
    graph::TensorId,
    job::Job,
    parallel,
};

impl Workbench {
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
        let owned: Vec<Vec<TensorId>> = added.iter().map(|(t, _)| self.graph.quantizable.joined(*t)).collect();
        let mut owner_of: Vec<Option<usize>> = vec![None; self.graph.tensors.len()];
        owned.iter().enumerate().flat_map(|(i, all)| all.iter().map(move |&t| (t, i))).for_each(|(t, i)| {
            owner_of[t] = Some(i);
        });
        if let ([(_, values)], [joined]) = (&mut added[..], &owned[..]) {
            self.count_alone(values, joined, job)?;
            return self.add_histograms(added);
        }
        let from_calibration = data.calibration.is_some();
        let dataset = data.calibration.as_ref().unwrap_or(&data.dataset);
        let count = dataset.len();
        for index in 0..count {
            job.step("histograms", "samples", index, count)?;
            let resident = (!from_calibration).then(|| &data.samples[index].float).filter(|store| !store.is_empty());
            if let Some(store) = resident {
                added
                    .par_iter_mut()
                    .zip(&owned)
                    .for_each(|((_, values), joined)| observe_joined(values, joined, store));
                continue;
            }
            // Tensors with a scale of their own are counted as they come; those that share one are held until all are.
            let mut held: Store = vec![None; owner_of.len()];
            let mut see =
                |tensor: TensorId, value: &Arc<Value>| match owner_of[tensor].filter(|_| !job.cancel.is_cancelled()) {
                    Some(i) if owned[i].len() == 1 => {
                        value.floats().into_iter().for_each(|values| added[i].1.observe_sample(values));
                    }
                    Some(_) => held[tensor] = Some(Arc::clone(value)),
                    None => {}
                };
            let values = if from_calibration { input_values(dataset, index) } else { data.inputs.of(dataset, index) };
            self.engine.float_pass(values?, 0, &mut see, &job.cancel)?;
            let joined = added.par_iter_mut().zip(&owned).filter(|(_, joined)| joined.len() > 1);
            joined.for_each(|((_, values), joined)| observe_joined(values, joined, &held));
        }
        // Cancelled in the last sample, a count may lack tensors.
        job.cancel.check()?;
        self.add_histograms(added)
    }

    fn add_histograms(&mut self, added: Vec<(TensorId, TensorValues)>) -> Result<()> {
        let data = self.data.as_mut().ok_or_else(no_data)?;
        data.statistics.histograms.extend(added.into_iter().map(|(t, h)| (t, Arc::new(h))));
        Ok(())
    }

    /// Counts one distribution: few tensors can be held for several samples at a time, so samples are run side by side,
    /// and nothing is run that those tensors do not need. Samples are counted in their order.
    fn count_alone(&self, values: &mut TensorValues, joined: &[TensorId], job: &mut Job<'_>) -> Result<()> {
        let data = self.data.as_ref().ok_or_else(no_data)?;
        let (engine, calibration, cancel) = (&self.engine, data.calibration.as_ref(), job.cancel.clone());
        let count = calibration.unwrap_or(&data.dataset).len();
        let made = |index: usize| {
            let resident = data.samples.get(index).map(|run| &run.float).filter(|store| !store.is_empty());
            if let (None, Some(store)) = (calibration, resident) {
                return Ok(joined.iter().map(|&tensor| store[tensor].clone()).collect());
            }
            let inputs = match calibration {
                Some(calibration) => input_values(calibration, index)?,
                None => data.inputs.of(&data.dataset, index)?,
            };
            engine.float_values(inputs, joined, &cancel)
        };
        let indices: Vec<usize> = (0..count).collect();
        for together in indices.chunks(rayon::current_num_threads()) {
            job.step("histograms", "samples", together[0], count)?;
            let mut found: Vec<Vec<Option<Arc<Value>>>> = vec![Vec::new(); together.len()];
            let work = |(place, &index): (usize, &usize)| Ok((place, made(index)?));
            parallel::for_each(together.iter().enumerate(), work, |(place, one)| {
                found[place] = one;
                Ok(())
            })?;
            for one in &found {
                observe_together(values, one.iter().filter_map(|value| value.as_ref()?.floats()));
            }
        }
        job.cancel.check()
    }
}

/// Counts the values of tensors that share a scale: one tensor to the methods that look at a sample as a whole.
fn observe_joined(distribution: &mut TensorValues, joined: &[TensorId], store: &Store) {
    observe_together(distribution, joined.iter().filter_map(|&t| store[t].as_ref()?.floats()));
}

fn observe_together<'a>(distribution: &mut TensorValues, parts: impl Iterator<Item = &'a [f32]>) {
    let mut parts = parts.peekable();
    match (parts.next(), parts.peek()) {
        (Some(values), None) => distribution.observe_sample(values),
        (Some(first), Some(_)) => {
            let all: Vec<f32> = first.iter().chain(parts.flatten()).copied().collect();
            distribution.observe_sample(&all);
        }
        (None, _) => {}
    }
}
