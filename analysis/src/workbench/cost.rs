//! What a configuration costs: bytes of constants, multiply-accumulates, bit operations.

use super::info::layer_constants;
use crate::{
    graph::{Graph, LayerId, TensorId},
    plan::{LayerWeights, OperandValue, QuantPlan},
    tensor::ElementType,
};

/// Cost of one layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LayerCost {
    pub(super) float_bytes: u64,
    pub(super) quantized_bytes: u64,
    pub(super) macs: u64,
    pub(super) bops: u64,
}

/// The cost of `layer` under `plan`; `shapes` are those of the first sample.
pub(super) fn of_layer(graph: &Graph, layer: LayerId, plan: &QuantPlan, shapes: &[Option<Vec<usize>>]) -> LayerCost {
    let float_bytes: u64 = layer_constants(graph, layer).into_iter().map(|t| stored_bytes(graph, t)).sum();
    let macs = macs(graph, layer, shapes);
    let weight_bits = plan.formats.layers[layer].weight_bits.map_or(32, |b| u64::from(b.width()));
    LayerCost {
        float_bytes,
        quantized_bytes: quantized_bytes(graph, layer, &plan.weights[layer], float_bytes),
        macs,
        bops: macs * weight_bits_or_second_input(graph, layer, plan, weight_bits) * input_bits(graph, layer, plan, 0),
    }
}

/// Bytes of a floating-point constant in the file.
fn stored_bytes(graph: &Graph, constant: TensorId) -> u64 {
    let size = match graph.tensors[constant].element_type {
        Some(ElementType::Float32) => 4,
        Some(ElementType::Float16 | ElementType::BFloat16) => 2,
        Some(ElementType::Float64) => 8,
        _ => 0,
    };
    graph.constants.dims(constant).map_or(0, |dims| (crate::tensor::elements(&dims) as u64).saturating_mul(size))
}

/// Bytes of the layer's constants in the export: codes in their containers, a scale and a zero-point for each quantizer.
fn quantized_bytes(graph: &Graph, layer: LayerId, weights: &LayerWeights, float_bytes: u64) -> u64 {
    if weights.operands.is_empty() {
        return float_bytes;
    }
    let row = &graph.layers[layer];
    let has_fold = weights.operands.iter().any(|o| o.position == 2 && o.source.is_none());
    let replaced: Vec<TensorId> = weights.operands.iter().filter_map(|o| o.source).collect();
    let folded_away: Vec<TensorId> = match row.batch_norm {
        Some(norm) if has_fold || weights.operands.iter().any(|o| o.position == 2) => {
            graph.nodes[norm].inputs.iter().skip(1).flatten().copied().collect()
        }
        _ => Vec::new(),
    };
    let kept: u64 = layer_constants(graph, layer)
        .into_iter()
        .filter(|t| !replaced.contains(t) && !folded_away.contains(t))
        .map(|t| stored_bytes(graph, t))
        .sum();
    kept + weights.operands.iter().map(|o| operand_bytes(&o.value, o.float.len() as u64)).sum::<u64>()
}

fn operand_bytes(value: &OperandValue, elements: u64) -> u64 {
    match value {
        OperandValue::Float => 4 * elements,
        OperandValue::Bias { scales, .. } => 4 * elements + 8 * scales.len() as u64,
        OperandValue::Small { format, scales, .. } => {
            let bytes = u64::from(format.bits() / 8);
            let quantizers = if format.has_scale() { scales.len() as u64 } else { 0 };
            elements * bytes + quantizers * (4 + bytes)
        }
        OperandValue::Integer { params, .. } | OperandValue::Groups { params, .. } => {
            let bits = params.first().map_or(8, |p| u64::from(storage_bits(p.grid.bits())));
            let quantizers = params.len() as u64;
            (elements * bits).div_ceil(8) + quantizers * 4 + (quantizers * bits).div_ceil(8)
        }
    }
}

/// Bits that a code of a weight takes in the file: int4, int8 or int16 hold every width.
pub(crate) fn storage_bits(bits: u8) -> u8 {
    match bits {
        0..=4 => 4,
        5..=8 => 8,
        _ => 16,
    }
}

fn input_bits(graph: &Graph, layer: LayerId, plan: &QuantPlan, position: usize) -> u64 {
    let node = graph.layers[layer].nodes.first();
    let tensor = node.and_then(|&n| graph.nodes[n].inputs.get(position).copied().flatten());
    tensor.and_then(|t| plan.as_read_by(layer, t)).map_or(32, |q| u64::from(q.quantizer.bits()))
}

fn weight_bits_or_second_input(graph: &Graph, layer: LayerId, plan: &QuantPlan, weight_bits: u64) -> u64 {
    if graph.layers[layer].weights().next().is_some() { weight_bits } else { input_bits(graph, layer, plan, 1) }
}

/// Multiply-accumulates of a linear operator on the first sample: for every output value, the products it sums.
pub(super) fn macs(graph: &Graph, layer: LayerId, shapes: &[Option<Vec<usize>>]) -> u64 {
    let row = &graph.layers[layer];
    let Some(&node) = row.nodes.first() else { return 0 };
    let shape = |tensor: Option<TensorId>| -> Option<Vec<usize>> {
        let tensor = tensor?;
        shapes.get(tensor).cloned().flatten().or_else(|| graph.constants.dims(tensor))
    };
    let input = |position: usize| graph.nodes[node].inputs.get(position).copied().flatten();
    let elements = |shape: Option<Vec<usize>>| shape.map_or(0, |s| crate::tensor::elements(&s) as u64);
    let outputs = elements(shape(row.outputs.first().copied()));
    let product = |dims: &[usize]| crate::tensor::elements(dims) as u64;
    match row.op.as_str() {
        // Weight [out, in/groups, k…]: each output value sums in/groups × k… products.
        "Conv" => outputs * shape(input(1)).map_or(0, |w| product(w.get(1..).unwrap_or_default())),
        // Weight [in, out/groups, k…]: each input value goes into out/groups × k… sums.
        "ConvTranspose" => {
            elements(shape(input(0))) * shape(input(1)).map_or(0, |w| product(w.get(1..).unwrap_or_default()))
        }
        "Gemm" | "MatMul" => {
            let transposed =
                graph.proto(node).attribute.iter().any(|a| a.name.as_deref() == Some("transA") && a.i == Some(1));
            let a = shape(input(0)).unwrap_or_default();
            let inner = if transposed { a.first() } else { a.last() };
            outputs * inner.copied().unwrap_or(0) as u64
        }
        _ => 0,
    }
}
