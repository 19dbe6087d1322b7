//! The numbers of one sample, from the sums that its pass has left.

use std::sync::Arc;

use super::{Workbench, samples::no_data};
use crate::{
    config::QuantConfig,
    error::{Error, Result},
    job::Job,
    plan::QuantPlan,
    report::{Report, SampleScope, Timing},
    say,
};

impl Workbench {
    /// The report of one sample, counted from 0. Where the sample was evaluated under this configuration, nothing runs.
    ///
    /// # Errors
    /// [`Error::Data`] where there is no such sample; as [`Workbench::evaluate`].
    pub fn report_of_sample(
        &mut self,
        config: &Arc<QuantConfig>,
        index: usize,
        job: &mut Job<'_>,
    ) -> Result<Arc<Report>> {
        let plan = self.plan_of(config, job)?;
        let data = self.data.as_ref().ok_or_else(no_data)?;
        let of = data.samples.len();
        let run = data
            .samples
            .get(index)
            .ok_or_else(|| Error::data(say!("there is no sample {}; the data have {}", index.saturating_add(1), of)))?;
        if !run.plan.as_ref().is_some_and(|known| says_the_same(known, &plan)) {
            self.bring(index..index + 1, &plan, job)?;
        }
        let mut report = self.report_over(config, &plan, index..index + 1, Timing::default())?;
        report.samples_total = 1;
        let name = report.sample_names.first().cloned().unwrap_or_default();
        report.scope = Some(SampleScope { index, of, name });
        Ok(Arc::new(report))
    }
}

/// Whether two plans of one graph give the same numbers. Weights are shared as long as nothing changes them.
fn says_the_same(a: &QuantPlan, b: &QuantPlan) -> bool {
    let weights = a.weights.iter().zip(&b.weights).all(|(x, y)| Arc::ptr_eq(x, y) || x == y);
    weights
        && a.weights.len() == b.weights.len()
        && a.tensors == b.tensors
        && a.reads == b.reads
        && a.formats.layers == b.formats.layers
}
