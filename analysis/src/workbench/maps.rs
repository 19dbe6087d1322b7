//! The feature maps of one layer for one sample. Any sample: one whose tensors are not kept is run again for them.

use std::sync::Arc;

use super::{Workbench, samples::no_data};
use crate::{
    config::QuantConfig,
    error::{Error, Result},
    job::Job,
    mark,
    report::FeatureMaps,
    say,
};

impl Workbench {
    /// The output of one layer under `config` for one sample, counted from 0, as maps.
    ///
    /// # Errors
    /// [`Error::Config`] for an unknown layer, [`Error::Data`] where there is no such sample; as [`Workbench::evaluate`].
    pub fn feature_maps(
        &mut self,
        config: &Arc<QuantConfig>,
        layer: &str,
        sample: usize,
        job: &mut Job<'_>,
    ) -> Result<Arc<FeatureMaps>> {
        // The plan first: it may bring another graph, and ids are those of one graph.
        let plan = self.plan_of(config, job)?;
        let id = self.layer_id(layer)?;
        let data = self.data.as_ref().ok_or_else(no_data)?;
        let count = data.samples.len();
        if sample >= count {
            return Err(Error::data(say!("there is no sample {}; the data have {}", sample.saturating_add(1), count)));
        }
        let none = |why| FeatureMaps::none(layer, sample, data.dataset.name(sample), why);
        let nothing = none(mark!("its output holds no floating-point values"));
        let unlike = none(mark!("the two runs' outputs have different shapes"));
        let Some(output) = self.graph.layers[id].outputs.first().copied() else { return Ok(Arc::new(nothing)) };
        job.step("feature maps", "samples", 0, 1)?;
        let (mut float, mut quantized) = self.tensors_of(sample, &plan, job)?;
        let (Some(float), Some(quantized)) = (float[output].take(), quantized[output].take()) else {
            return Ok(Arc::new(nothing));
        };
        let (Some(f), Some(q)) = (float.widened(), quantized.widened()) else { return Ok(Arc::new(nothing)) };
        let shape = float.shape();
        if shape != quantized.shape() {
            return Ok(Arc::new(unlike));
        }
        let maps = nothing.with_values(self.graph.name(output), shape, &f, &q);
        job.step("feature maps", "samples", 1, 1)?;
        Ok(Arc::new(maps))
    }
}
