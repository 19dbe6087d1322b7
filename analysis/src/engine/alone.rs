//! One layer alone with some of its quantizers: what splits its error by source.
//!
//! The segment is built anew for each choice of operands, by the code that builds the engine's own sessions, so a layer
//! with its weights alone quantized computes the bits that a configuration with only those weights would give.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Engine, Store, Value,
    segment::{Recipe, Variant, build},
    session::Runtime,
};
use crate::{
    error::{Error, Result},
    graph::{Graph, LayerId, TensorId},
    job::CancelToken,
    plan::{LayerWeights, Operand, OperandValue, QuantPlan},
    say,
};

/// Which of a layer's constants are quantized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Constants {
    /// None: the file's own nodes.
    Float,
    /// All that the plan quantizes.
    Planned,
    /// The weights alone; a quantized bias is float.
    Weights,
    /// The bias alone; the weights are float, with the batch norm folded in where the plan folds it.
    Bias,
}

/// A layer's segment as a session of its own.
#[derive(Debug)]
pub struct Alone {
    variant: Variant,
}

impl Alone {
    /// The layer with these constants; a run gives `outputs`, which its nodes make. With `reads`, what the plan has it
    /// read in formats of its own is fed apart, see [`Alone::run`].
    ///
    /// # Errors
    /// [`Error::Model`] for a layer without nodes, [`Error::Runtime`] where onnxruntime refuses the segment.
    pub fn new(
        runtime: &Runtime,
        graph: &Arc<Graph>,
        plan: &QuantPlan,
        layer: LayerId,
        constants: Constants,
        outputs: &[TensorId],
        cancel: &CancelToken,
    ) -> Result<Self> {
        let segment =
            graph.segments.iter().find(|s| s.layers.contains(&layer)).ok_or_else(|| {
                Error::model(say!("layer `{}` has no nodes of its own to run", graph.layers[layer].name))
            })?;
        let segment = crate::graph::Segment { outputs: outputs.to_vec(), ..segment.clone() };
        let planned = &plan.weights[layer];
        let weights = match constants {
            Constants::Float => None,
            _ if planned.operands.is_empty() => None,
            chosen => Some(chosen_operands(planned, chosen)),
        };
        let folds = plan.formats.layers[layer].folds_batch_norm;
        let reads: BTreeSet<(LayerId, TensorId)> =
            plan.reads.keys().filter(|(l, _)| segment.layers.contains(l)).copied().collect();
        let variant =
            build(runtime, Recipe::new(graph, &segment, weights.map(|w| (Arc::new(w), folds)), reads), cancel)?;
        Ok(Self { variant })
    }

    /// Runs the layer on the tensors of `store`, read through the formats of its own where `plan` is given; the outputs
    /// in the order in which they were asked for.
    ///
    /// # Errors
    /// [`Error::Runtime`], [`Error::Cancelled`]; [`Error::Model`] where a tensor is not in the store.
    pub fn run(
        &self,
        engine: &Engine,
        store: &Store,
        plan: Option<&QuantPlan>,
        cancel: &CancelToken,
    ) -> Result<Vec<Arc<Value>>> {
        let ground = engine.ground(cancel);
        ground.run(&self.variant, &|tensor, reader| {
            let own = reader.zip(plan).and_then(|(layer, plan)| plan.reads.get(&(layer, tensor)));
            Some(ground.quantized(store.get(tensor)?.as_ref()?, own).0)
        })
    }
}

fn chosen_operands(planned: &LayerWeights, chosen: Constants) -> LayerWeights {
    let keep = |operand: &Operand| {
        let is_bias = matches!(operand.value, OperandValue::Bias { .. });
        let is_kept = match chosen {
            Constants::Planned => true,
            Constants::Weights => !is_bias,
            Constants::Bias => is_bias,
            Constants::Float => false,
        };
        if is_kept { operand.clone() } else { Operand { value: OperandValue::Float, ..operand.clone() } }
    };
    LayerWeights { operands: planned.operands.iter().map(keep).collect(), warnings: Vec::new() }
}
