//! The clicked layer's integer arithmetic: what a machine without floats would accumulate and write, computed from the
//! codes of the live samples and compared with their fake-quantized run.
//!
//! The integers are those of this plan's own run: the input's codes are read back from the tensor that the engine fed
//! to the layer, the expected codes from the tensor that came out. So the difference shown is the requantization's
//! alone; no error of an earlier layer is in it.

mod attributes;
mod fixed;
mod parts;
mod remarks;
mod summary;

use std::sync::Arc;

use self::{fixed::Fixed, parts::Parts};
use super::{LIVE_SAMPLES, Workbench, samples::no_data};
use crate::{
    config::QuantConfig,
    error::{Error, Result},
    graph::{Graph, TensorId},
    integer::{ChannelTally, positions},
    job::Job,
    plan::QuantPlan,
    report::{ArithmeticContent, Coverage, IntegerArithmetic, LayerArithmetic},
    say,
};

/// What may be computed for one sample, in multiply-accumulates: about a hundredth of a second.
const BUDGET: usize = 1 << 23;

impl Workbench {
    /// The integer arithmetic of one layer under `config`, from at most [`LIVE_SAMPLES`] samples.
    ///
    /// # Errors
    /// [`Error::Config`] for an unknown layer; as [`Workbench::evaluate`].
    pub fn layer_arithmetic(
        &mut self,
        config: &Arc<QuantConfig>,
        layer: &str,
        job: &mut Job<'_>,
    ) -> Result<Arc<LayerArithmetic>> {
        // The plan first: it may bring another graph, and ids are those of one graph.
        let plan = self.plan_of(config, job)?;
        let id = self.layer_id(layer)?;
        let content = match Parts::of(&self.graph, &plan, id) {
            Err(reason) => ArithmeticContent::NotApplicable(reason),
            Ok(parts) => ArithmeticContent::Integer(Box::new(self.integer_arithmetic(&parts, &plan, job)?)),
        };
        Ok(Arc::new(LayerArithmetic { layer: layer.to_owned(), content }))
    }

    fn integer_arithmetic(
        &mut self,
        parts: &Parts,
        plan: &Arc<QuantPlan>,
        job: &mut Job<'_>,
    ) -> Result<IntegerArithmetic> {
        let data = self.data.as_ref().ok_or_else(no_data)?;
        let shape = data.shapes.get(parts.input).cloned().flatten();
        let count = data.samples.len().min(LIVE_SAMPLES);
        let shape = shape.ok_or_else(|| not_kept(&self.graph, parts.input))?;
        let fixed = Fixed::of(parts, &*parts.geometry(&shape)?)?;
        let mut tallies = vec![ChannelTally::default(); fixed.channels];
        let mut coverage = Coverage::default();
        for index in 0..count {
            job.step("integer arithmetic", "samples", index, count)?;
            let (_, quantized) = self.tensors_of(index, plan, job)?;
            let (Some(input), Some(output)) = (&quantized[parts.input], &quantized[parts.output]) else { continue };
            let geometry = parts.geometry(&input.shape())?;
            let chosen = positions(&*geometry, BUDGET, index);
            let Some(found) = fixed.run(parts, &*geometry, input, output, &chosen) else { continue };
            tallies.iter_mut().zip(&found).for_each(|(all, one)| all.merge(one));
            coverage.samples += 1;
            coverage.outputs += (chosen.len() * fixed.channels) as u64;
            coverage.of += (geometry.positions() * fixed.channels) as u64;
        }
        job.step("integer arithmetic", "samples", count, count)?;
        Ok(summary::of(&fixed, parts, &self.graph, &tallies, coverage))
    }
}

fn not_kept(graph: &Graph, tensor: TensorId) -> Error {
    Error::model(say!("the values of `{}` are not kept between runs", graph.name(tensor)))
}
