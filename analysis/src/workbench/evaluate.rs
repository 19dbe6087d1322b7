//! An evaluation: ranges to a plan, the plan to every sample, one sample first so that the answer is there at once.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use super::{Finished, KEPT_REPORTS, LIVE_SAMPLES, Workbench, samples::no_data};
use crate::{
    calibrate::Statistics,
    config::QuantConfig,
    error::Result,
    graph::TensorId,
    job::Job,
    plan::{FormatPlan, QuantPlan},
    report::{Report, Timing},
    target::Target,
};

/// Seconds since `start`: for the timing that users read, never part of a result.
fn seconds(start: Instant) -> f64 {
    start.elapsed().as_secs_f64()
}

impl Workbench {
    /// Refuses what cannot take effect, without running anything.
    ///
    /// # Errors
    /// [`crate::Error::Config`] that names the layer or rule.
    pub fn check(&self, config: &QuantConfig) -> Result<()> {
        let target = Target::load(&config.target)?;
        if target == self.graph.target {
            return FormatPlan::resolve(&self.graph, config).map(drop);
        }
        FormatPlan::resolve(&self.graph.with_target(&target), config).map(drop)
    }

    /// Evaluates a configuration. `on_stage` receives the report from one sample and from the live samples, unless none are
    /// kept ([`OpenOptions::resident_samples`](super::OpenOptions)), and the final one is returned; a configuration
    /// evaluated before returns at once.
    ///
    /// # Errors
    /// [`crate::Error::Config`] for a configuration that cannot take effect, [`crate::Error::Data`] without samples,
    /// [`crate::Error::Runtime`], [`crate::Error::Cancelled`].
    pub fn evaluate(
        &mut self,
        config: &Arc<QuantConfig>,
        job: &mut Job<'_>,
        on_stage: &mut dyn FnMut(Arc<Report>),
    ) -> Result<Arc<Report>> {
        let started = Instant::now();
        let target = Target::load(&config.target)?;
        if let Some(kept) = self.finished.iter().find(|kept| kept.config == *config && kept.target == target) {
            return Ok(Arc::clone(&kept.report));
        }
        self.use_target(&target, &config.target);
        let mut timing = Timing::default();
        let was_referenced = self.data.as_ref().is_some_and(|d| d.is_referenced);
        let formats = Arc::new(FormatPlan::resolve(&self.graph, config)?);
        self.reference(job)?;
        if !was_referenced {
            timing.reference_s = seconds(started);
        }
        let ranges_started = Instant::now();
        let plan = self.plan(formats, job)?;
        timing.calibrate_s = seconds(ranges_started);
        let count = self.data.as_ref().ok_or_else(no_data)?.samples.len();
        let mut done = 0;
        let passes_started = Instant::now();
        // Whoever keeps no live samples waits for the end: sooner numbers would only take the cores from it.
        let stages = if self.resident_samples == 0 { [count; 3] } else { [1, LIVE_SAMPLES.min(count), count] };
        for stage in stages {
            let pass = self.bring(done..stage, &plan, job)?;
            timing.segments_run += pass.run;
            timing.segments_reused += pass.reused;
            if stage > done && stage < count {
                timing.quantized_s = seconds(passes_started);
                timing.total_s = seconds(started);
                on_stage(Arc::new(self.report(config, &plan, stage, timing)?));
            }
            done = done.max(stage);
        }
        timing.quantized_s = seconds(passes_started);
        let spent = self.engine.take_seconds();
        timing.load_s = spent.load_s;
        timing.metrics_s = spent.metrics_s;
        let mut report = self.report(config, &plan, count, timing)?;
        report.timing.total_s = seconds(started);
        let report = Arc::new(report);
        self.finished.push_back(Finished { config: Arc::clone(config), target, report: Arc::clone(&report) });
        if self.finished.len() > KEPT_REPORTS {
            self.finished.pop_front();
        }
        Ok(report)
    }

    /// What can be said without any sample: formats, sizes and the error of the weights.
    ///
    /// # Errors
    /// [`crate::Error::Config`] for a configuration that cannot take effect.
    pub fn weight_only(&mut self, config: &Arc<QuantConfig>) -> Result<Arc<Report>> {
        self.use_target_named(&config.target)?;
        let formats = FormatPlan::resolve(&self.graph, config)?;
        // Without ranges no activation can be quantized, and a bias has no scale to rest on.
        let float = FormatPlan { tensors: vec![None; formats.tensors.len()], ..formats };
        let statistics = Statistics::default();
        let plan = QuantPlan::resolve(&self.graph, Arc::new(float), &statistics, &mut self.weight_cache)?;
        Ok(Arc::new(self.report_without_data(config, &plan)))
    }

    /// Every quantizer of these formats, with the histograms that their methods need.
    pub(super) fn plan(&mut self, formats: Arc<FormatPlan>, job: &mut Job<'_>) -> Result<Arc<QuantPlan>> {
        self.histograms(&self.counted_tensors(&formats), job)?;
        let statistics = &self.data.as_ref().ok_or_else(no_data)?.statistics;
        Ok(Arc::new(QuantPlan::resolve(&self.graph, formats, statistics, &mut self.weight_cache)?))
    }

    /// The tensors whose values must be counted for these formats, and whether as other tools count them: the owners of
    /// the quantizers, whose methods look at more than the ends.
    pub(super) fn counted_tensors(&self, formats: &FormatPlan) -> BTreeMap<TensorId, bool> {
        let mut counted = BTreeMap::new();
        for (tensor, format) in formats.tensors.iter().enumerate() {
            let Some(format) = format.filter(|f| f.range.method.needs_histogram()) else { continue };
            let Some(place) = self.graph.quantizable.place(tensor) else { continue };
            // A fixed range is not chosen. Fixed codes are for integers: a small float has a range all the same.
            let is_read_apart = || formats.layers.iter().any(|layer| layer.reads.contains_key(&tensor));
            let has_fixed_codes = place.fixed_params.is_some() && format.number.integer().is_some();
            if place.fixed_range.is_some() || has_fixed_codes && !is_read_apart() {
                continue;
            }
            let owner = self.graph.quantizable.owner(tensor).unwrap_or(tensor);
            *counted.entry(owner).or_default() |= format.range.method.flavour().is_some();
        }
        counted
    }

    /// The plan of a configuration, as [`Workbench::evaluate`] would use it.
    pub(super) fn plan_of(&mut self, config: &QuantConfig, job: &mut Job<'_>) -> Result<Arc<QuantPlan>> {
        self.use_target_named(&config.target)?;
        let formats = Arc::new(FormatPlan::resolve(&self.graph, config)?);
        self.reference(job)?;
        self.plan(formats, job)
    }
}
