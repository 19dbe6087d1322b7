//! From formats and statistics to the scale and zero-point of every quantizer, layer by layer in graph order: a layer's
//! bias needs the scale of what it reads, and the output of a lookup has the scale of its table.

use std::{collections::BTreeMap, sync::Arc};

use rayon::prelude::*;

use super::{FormatPlan, GridRule, LayerWeights, OperandValue, RangeRule, TensorFormat, WeightKey};
use crate::{
    calibrate::{DEFAULT_PERCENTILE, Method, Statistics, choose},
    error::Result,
    graph::{Graph, LayerId, Owner, TensorId},
    job::Warning,
    quant::{QuantParams, Quantizer, Range},
    say,
};

/// The quantizer of a tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TensorQuantizer {
    /// What values are sent through.
    pub quantizer: Quantizer,
    /// The chosen range, before it was widened to contain 0.
    pub range: Range,
    /// How it was chosen.
    pub method: Method,
}

/// Everything the engine and the export need, nothing left to decide.
#[derive(Clone, Debug)]
pub struct QuantPlan {
    /// The widths.
    pub formats: Arc<FormatPlan>,
    /// By tensor; `None` where it stays float.
    pub tensors: Vec<Option<TensorQuantizer>>,
    /// Second quantizers of single consumers.
    pub reads: BTreeMap<(LayerId, TensorId), TensorQuantizer>,
    /// Constants by layer; no operands where they stay float.
    pub weights: Vec<Arc<LayerWeights>>,
    /// Degenerate ranges, raised scales, methods that could not be used.
    pub warnings: Vec<Warning>,
}

/// Weights quantized before, so that an edit elsewhere does not quantize them again.
pub type WeightCache = BTreeMap<LayerId, Vec<(WeightKey, Arc<LayerWeights>)>>;

/// Settings of one layer that are kept in a [`WeightCache`]; a toggle back and forth needs two.
const KEPT_PER_LAYER: usize = 3;

impl QuantPlan {
    /// Works out every quantizer.
    ///
    /// # Errors
    /// [`crate::Error::Model`] where a constant cannot be read or quantized.
    pub fn resolve(
        graph: &Graph,
        formats: Arc<FormatPlan>,
        statistics: &Statistics,
        cache: &mut WeightCache,
    ) -> Result<Self> {
        let mut plan = Self {
            tensors: vec![None; graph.tensors.len()],
            reads: BTreeMap::new(),
            weights: Vec::new(),
            warnings: formats.warnings.clone(),
            formats,
        };
        let mut keys = Vec::with_capacity(graph.layers.len());
        for id in 0..graph.layers.len() {
            plan.add_reads(graph, id, statistics)?;
            let key = LayerWeights::key(&plan.formats.layers[id], plan.input_scale(graph, id));
            keys.push(key);
            for &tensor in &graph.layers[id].outputs {
                if let Some(format) = plan.formats.tensors[tensor] {
                    let quantizer = match plan.owner_quantizer(graph, id, tensor, format, key, cache)? {
                        Some(owned) => owned,
                        None => plan.quantizer_for(graph, tensor, format, statistics),
                    };
                    plan.tensors[tensor] = Some(quantizer);
                }
            }
        }
        plan.weights = all_weights(graph, &keys, cache)?;
        plan.warnings.extend(plan.weights.iter().flat_map(|weights| weights.warnings.iter().cloned()));
        plan.warnings.sort();
        plan.warnings.dedup();
        Ok(plan)
    }

    /// The quantizer through which `layer` reads `tensor`, own read formats included.
    pub fn as_read_by(&self, layer: LayerId, tensor: TensorId) -> Option<&TensorQuantizer> {
        self.reads.get(&(layer, tensor)).or_else(|| self.tensors.get(tensor)?.as_ref())
    }

    /// The scale of what the computing node reads on input 0, on which a bias rests.
    pub(super) fn input_scale(&self, graph: &Graph, layer: LayerId) -> Option<f32> {
        let node = *graph.layers[layer].nodes.first()?;
        let input = graph.nodes[node].inputs.first().copied().flatten()?;
        // A small float has no integers that a bias could be added to.
        self.as_read_by(layer, input)?.quantizer.integer().map(|params| params.scale)
    }

    fn add_reads(&mut self, graph: &Graph, layer: LayerId, statistics: &Statistics) -> Result<()> {
        for (&tensor, &bits) in &self.formats.layers[layer].reads.clone() {
            let Some(number) = self.own_grid(graph, tensor).number(bits, &graph.target.activations)? else { continue };
            // A tensor that its maker leaves float is read over what was observed.
            let min_max = RangeRule { method: Method::MinMax, percentile: DEFAULT_PERCENTILE, manual: None };
            let range = self.formats.tensors[tensor].map_or(min_max, |format| format.range);
            let quantizer = self.quantizer_for(graph, tensor, TensorFormat { number, range }, statistics);
            self.reads.insert((layer, tensor), quantizer);
        }
        Ok(())
    }

    /// Codes of the layer that makes `tensor`, but for their width.
    fn own_grid(&self, graph: &Graph, tensor: TensorId) -> GridRule {
        let maker = graph.maker(tensor).unwrap_or_default();
        self.formats.layers[maker].activation_grid
    }

    /// The quantizer of an output that another tensor or a lookup's table owns, where that has one.
    fn owner_quantizer(
        &self,
        graph: &Graph,
        layer: LayerId,
        tensor: TensorId,
        format: TensorFormat,
        key: WeightKey,
        cache: &mut WeightCache,
    ) -> Result<Option<TensorQuantizer>> {
        Ok(match graph.quantizable.place(tensor).map(|p| p.owner) {
            Some(Owner::Tensor(owner)) => self.tensors[owner],
            Some(Owner::Constant(table)) => table_quantizer(&*cached_weights(graph, layer, key, cache)?, table, format),
            _ => None,
        })
    }

    /// The quantizer of `tensor` in `format`, from its fixed or observed range.
    fn quantizer_for(
        &mut self,
        graph: &Graph,
        tensor: TensorId,
        format: TensorFormat,
        statistics: &Statistics,
    ) -> TensorQuantizer {
        let name = graph.name(tensor);
        let place = graph.quantizable.place(tensor);
        if let (Some((scale, zero_point)), Some(integer)) =
            (place.and_then(|p| p.fixed_params), format.number.integer())
        {
            let params = QuantParams { scale, zero_point, grid: integer.grid };
            let quantizer = Quantizer::Integer(params);
            return TensorQuantizer { quantizer, range: quantizer.representable(), method: Method::MinMax };
        }
        let fixed = place.and_then(|p| p.fixed_range);
        let observed = statistics.joined_range(&graph.quantizable.joined(tensor));
        let (range, method) = match (fixed, format.range.manual, observed) {
            (Some((low, high)), _, _) => (Range::new(low, high), Method::MinMax),
            (None, Some(range), _) => (range, Method::Manual),
            // A tensor that an operator only hands on holds the values of its owner.
            (None, None, Some(range)) => {
                match statistics.histograms.get(&graph.quantizable.owner(tensor).unwrap_or(tensor)) {
                    Some(data) if format.range.method.needs_histogram() => {
                        let choice = choose(format.range.method, data, format.number, format.range.percentile);
                        // Under its own name a method has notes too, which are no fallback.
                        if choice.method != format.range.method
                            && let Some(note) = choice.note
                        {
                            self.warnings.push(Warning::new("method-fell-back", say!("`{}`: {}", name, note)));
                        }
                        (choice.range, choice.method)
                    }
                    _ => (range, Method::MinMax),
                }
            }
            (None, None, None) => (Range::new(0.0, 0.0), Method::MinMax),
        };
        let range = widened(range, graph.target.minimum_real_range);
        let (quantizer, reason) = format.number.quantizer(range);
        if let Some(reason) = reason {
            let message = say!("the range of `{}` {}: S = 1, Z = 0", name, reason.reason());
            self.warnings.push(Warning::new("range-degenerate", message));
        }
        TensorQuantizer { quantizer, range, method }
    }
}

/// A range that, once it contains 0, is at least as wide as the target wants: the upper end moves, as onnxruntime's
/// `MinimumRealRange` moves it.
fn widened(range: Range, least: Option<f64>) -> Range {
    let with_zero = range.with_zero();
    let Some(least) = least.map(|least| f64::from(with_zero.low) + least) else { return range };
    if f64::from(with_zero.high) >= least {
        return range;
    }
    #[expect(clippy::cast_possible_truncation, reason = "an end of a range is a float32")]
    let high = least as f32;
    Range { high, ..with_zero }
}

/// The quantizer of a lookup's output: its table's, if the table is quantized to the same width.
fn table_quantizer(weights: &LayerWeights, table: TensorId, format: TensorFormat) -> Option<TensorQuantizer> {
    let operand = weights.operands.iter().find(|o| o.source == Some(table))?;
    let OperandValue::Integer { params, axis: None, .. } = &operand.value else { return None };
    let grid = format.number.integer()?.grid;
    let params = *params.first().filter(|p| p.grid == grid)?;
    let low = operand.float.iter().copied().fold(f32::INFINITY, f32::min);
    let high = operand.float.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    Some(TensorQuantizer {
        quantizer: Quantizer::Integer(params),
        range: Range::new(low, high),
        method: Method::MinMax,
    })
}

/// The weights of all layers, those that are not kept quantized side by side.
fn all_weights(graph: &Graph, keys: &[WeightKey], cache: &mut WeightCache) -> Result<Vec<Arc<LayerWeights>>> {
    let is_kept = |layer: &LayerId, key: &WeightKey| {
        cache.get(layer).is_some_and(|kept| kept.iter().any(|(other, _)| other == key))
    };
    let missing: Vec<(LayerId, WeightKey)> =
        keys.iter().copied().enumerate().filter(|(layer, key)| !is_kept(layer, key)).collect();
    let quantize = |&(layer, key): &(LayerId, WeightKey)| LayerWeights::quantize(graph, layer, key);
    let made: Vec<Result<LayerWeights>> = missing.par_iter().map(quantize).collect();
    for ((layer, key), weights) in missing.into_iter().zip(made) {
        keep(cache.entry(layer).or_default(), key, Arc::new(weights?));
    }
    keys.iter().enumerate().map(|(layer, &key)| cached_weights(graph, layer, key, cache)).collect()
}

pub(super) fn cached_weights(
    graph: &Graph,
    layer: LayerId,
    key: WeightKey,
    cache: &mut WeightCache,
) -> Result<Arc<LayerWeights>> {
    let kept = cache.entry(layer).or_default();
    let weights = match kept.iter().position(|(k, _)| *k == key) {
        Some(position) => kept.remove(position).1,
        None => Arc::new(LayerWeights::quantize(graph, layer, key)?),
    };
    keep(kept, key, Arc::clone(&weights));
    Ok(weights)
}

/// Keeps weights as those used last.
fn keep(kept: &mut Vec<(WeightKey, Arc<LayerWeights>)>, key: WeightKey, weights: Arc<LayerWeights>) {
    kept.push((key, weights));
    if kept.len() > KEPT_PER_LAYER {
        kept.remove(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_in_the_range_before_it_is_widened() {
        let constant = Range::new(0.5, 0.5);
        assert_eq!(widened(constant, Some(1.0)), Range::new(0.0, 1.0), "as onnxruntime's compute_scale_zp");
        assert_eq!(widened(constant, Some(0.25)), constant, "0 to 0.5 is wide enough");
        assert_eq!(widened(constant, None), constant);
        assert_eq!(widened(Range::new(-0.5, -0.25), Some(1.0)), Range::new(-0.5, 0.5));
    }
}
