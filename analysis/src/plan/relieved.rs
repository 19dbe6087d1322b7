//! A plan with fewer quantizers than another one. Every quantizer that stays is taken over, so that a sweep over the
//! layers of a model does not search the same thresholds once a layer.

use std::sync::Arc;

use super::{FormatPlan, LayerWeights, QuantPlan, WeightCache, ranges::cached_weights};
use crate::{
    calibrate::Statistics,
    error::Result,
    graph::{Graph, Owner},
};

impl QuantPlan {
    /// What [`QuantPlan::resolve`] would make of `formats`, which are those of this plan but for tensors, weights and
    /// reads that are float.
    ///
    /// # Errors
    /// As [`QuantPlan::resolve`].
    pub fn relieved(
        &self,
        graph: &Graph,
        formats: Arc<FormatPlan>,
        statistics: &Statistics,
        cache: &mut WeightCache,
    ) -> Result<Self> {
        if !self.covers(graph, &formats) {
            return Self::resolve(graph, formats, statistics, cache);
        }
        let stays = |(layer, tensor): &(usize, usize)| formats.layers[*layer].reads.contains_key(tensor);
        let kept = self.tensors.iter().zip(&formats.tensors).map(|(own, format)| own.filter(|_| format.is_some()));
        let mut plan = Self {
            tensors: kept.collect(),
            reads: self.reads.iter().filter(|(key, _)| stays(key)).map(|(key, q)| (*key, *q)).collect(),
            weights: Vec::with_capacity(graph.layers.len()),
            warnings: formats.warnings.clone(),
            formats,
        };
        for id in 0..graph.layers.len() {
            let key = LayerWeights::key(&plan.formats.layers[id], plan.input_scale(graph, id));
            plan.weights.push(cached_weights(graph, id, key, cache)?);
        }
        Ok(plan)
    }

    /// Whether every quantizer that `formats` ask for is one of this plan's.
    fn covers(&self, graph: &Graph, formats: &FormatPlan) -> bool {
        let old = &self.formats;
        let tensors = formats.tensors.iter().zip(&old.tensors).all(|(new, old)| new.is_none() || new == old);
        let layers = formats.layers.iter().zip(&old.layers).zip(&graph.layers);
        let is_layer_covered =
            |((new, old), row): ((&super::LayerFormat, &super::LayerFormat), &crate::graph::Layer)| {
                // A tensor whose maker became float is read over another range.
                let reads = new.reads.iter().all(|(tensor, bits)| {
                    old.reads.get(tensor) == Some(bits) && formats.tensors[*tensor] == self.formats.tensors[*tensor]
                });
                // A lookup's output has the scale of its table, as long as that has one.
                let looks_up = row.outputs.iter().any(|&t| {
                    graph.quantizable.place(t).is_some_and(|place| matches!(place.owner, Owner::Constant(_)))
                });
                reads && (!looks_up || new.weight_bits == old.weight_bits)
            };
        tensors && layers.into_iter().all(is_layer_covered)
    }
}
