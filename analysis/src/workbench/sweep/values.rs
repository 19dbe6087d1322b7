//! From the error sums of samples to the rows of a sweep.

use super::{Ground, Item};
use crate::{
    engine::Value,
    metrics::{ErrorSums, Errors},
    report::{SampleEnergy, SweepOutput, SweepRow},
    workbench::Workbench,
};

/// As the scores of an evaluation compare outputs.
pub(super) fn sums(float: &Value, other: &Value) -> Option<ErrorSums> {
    let (f, q) = (float.widened()?, other.widened()?);
    (f.len() == q.len()).then(|| ErrorSums::of(&f, &q))
}

impl Ground {
    pub(super) fn row(&self, workbench: &Workbench, item: &Item) -> SweepRow {
        let layer = &workbench.graph.layers[item.layer];
        let is_relief = self.base.is_some();
        let outputs = if item.plan.is_ok() {
            self.outputs(workbench, &item.sums, &item.estimates, is_relief)
        } else {
            Vec::new()
        };
        SweepRow {
            index: item.layer,
            name: layer.name.clone(),
            op: layer.op.clone(),
            bits: item.bits,
            outputs,
            refused: item.plan.as_ref().err().cloned(),
        }
    }

    /// `sums` by sample and output, as values.
    pub(super) fn outputs(
        &self,
        workbench: &Workbench,
        sums: &[Vec<Option<ErrorSums>>],
        estimates: &[bool],
        has_gain: bool,
    ) -> Vec<SweepOutput> {
        if sums.is_empty() {
            return Vec::new();
        }
        let names = workbench.graph.outputs.iter().map(|&t| workbench.graph.name(t).to_owned());
        let of = |sums: &[Vec<Option<ErrorSums>>], position: usize| -> Option<Vec<ErrorSums>> {
            sums.iter().map(|outputs| outputs.get(position).copied().flatten()).collect()
        };
        let output = |(position, name): (usize, String)| {
            let own = of(sums, position);
            let errors = super::super::report::errors(own.as_ref().map(|own| ErrorSums::merge_samples(own)));
            let has_number = errors.sqnr_db.value().is_some();
            let energies = own.filter(|_| has_number).map(energies_of);
            let base = of(&self.base_sums, position).filter(|_| has_gain);
            let base_db = base.as_ref().and_then(|base| Errors::from(&ErrorSums::merge_samples(base)).sqnr_db.value());
            SweepOutput {
                name,
                interval: energies.as_ref().and_then(|energies| self.resamples.sqnr(energies)),
                gain_db: errors.sqnr_db.value().zip(base_db).map(|(own, base)| own - base),
                gain_interval: energies
                    .zip(base.filter(|_| base_db.is_some()).map(energies_of))
                    .and_then(|(own, base)| self.resamples.gain(&own, &base)),
                estimate: estimates.get(position).copied().unwrap_or(false),
                errors,
            }
        };
        names.enumerate().map(output).collect()
    }
}

fn energies_of(sums: Vec<ErrorSums>) -> Vec<SampleEnergy> {
    sums.iter().map(|s| SampleEnergy { signal: s.sum_f2, noise: s.sum_e2 }).collect()
}
