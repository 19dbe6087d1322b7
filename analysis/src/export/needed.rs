//! What a runtime must support to run an export: the opset and the domain of its quantizers, decided from the plan alone.
//! The writer asks here, and so does whoever wants to know before anything is written.

use super::{
    constants::{BLOCKED, weight_type},
    narrow::is_pushed_on,
    opset::{FLOAT_BIAS, LOWEST, ROUND},
    pairs::activation_type,
    qdq::MICROSOFT,
};
use crate::{
    graph::{Graph, LayerId, NodeId, TensorId},
    onnx::{
        proto::DataType,
        raise::{FLOAT8, is_standard},
    },
    plan::{OperandValue, QuantPlan, TensorQuantizer},
    quant::Quantizer,
};

/// `(domain, version)` of what an export of `plan` needs: the model's own, raised where they must be, and onnxruntime's
/// domain where ONNX's Q/DQ of that opset lack a type or an axis.
pub fn needed_opsets(graph: &Graph, plan: &QuantPlan) -> Vec<(String, i64)> {
    let own = graph.model.opset_import.iter();
    let mut opsets: Vec<(String, i64)> =
        own.map(|o| (o.domain.clone().unwrap_or_default(), o.version.unwrap_or(0))).collect();
    if is_float(plan) {
        return opsets;
    }
    // Whether Q/DQ lack a type is decided by the opset that the writer sees, before 8-bit floats raise it.
    let lowest = lowest_opset(graph, plan);
    let raised = if has_float8(plan) { lowest.max(FLOAT8) } else { lowest };
    for (_, version) in opsets.iter_mut().filter(|(domain, _)| is_standard(Some(domain))) {
        *version = raised.max(*version);
    }
    let needs_more = needs_microsoft(graph, plan, graph.opset.max(lowest));
    if needs_more && !opsets.iter().any(|(domain, _)| domain == MICROSOFT) {
        opsets.push((MICROSOFT.to_owned(), 1));
    }
    opsets
}

/// Whether nothing is quantized, so that the file is the model's.
pub(super) fn is_float(plan: &QuantPlan) -> bool {
    plan.tensors.iter().all(Option::is_none)
        && plan.reads.is_empty()
        && plan.weights.iter().all(|w| w.operands.is_empty())
}

/// The opset that the file needs at least, but for 8-bit floats.
pub(super) fn lowest_opset(graph: &Graph, plan: &QuantPlan) -> i64 {
    let needs = (0..graph.layers.len()).any(|layer| match float_bias(graph, plan, layer) {
        Some(Beside::Integers) => true,
        Some(Beside::Floats) => graph.opset < ROUND,
        None => false,
    });
    if needs { FLOAT_BIAS } else { LOWEST }
}

/// What a float bias stands beside.
enum Beside {
    Integers,
    Floats,
}

/// The float bias of a layer that onnxruntime would quantize: one whose input is dequantized. Groups put back into shape
/// hide the weight from it.
fn float_bias(graph: &Graph, plan: &QuantPlan, layer: LayerId) -> Option<Beside> {
    let row = &graph.layers[layer];
    let node = row.nodes.first().map(|&node| &graph.nodes[node]).filter(|node| node.domain.is_empty())?;
    let input = node.inputs.first().copied().flatten()?;
    plan.as_read_by(layer, input)?.quantizer.integer()?;
    let value = |position| plan.weights[layer].operands.iter().find(|o| o.position == position).map(|o| &o.value);
    let is_float = match node.op.as_str() {
        "Conv" | "ConvTranspose" | "Gemm" => {
            value(2).map_or_else(|| row.bias().is_some(), |bias| *bias == OperandValue::Float)
        }
        "MatMul" => is_added_to(graph, plan, node.outputs.first().copied().flatten()?),
        _ => false,
    };
    match value(1) {
        _ if !is_float => None,
        Some(OperandValue::Groups { .. }) => None,
        Some(OperandValue::Integer { .. }) => Some(Beside::Integers),
        _ => Some(Beside::Floats),
    }
}

/// Whether a float constant is added to this product as it is: onnxruntime makes one Gemm of the two.
fn is_added_to(graph: &Graph, plan: &QuantPlan, product: TensorId) -> bool {
    let is_float = |id: NodeId| {
        let added = graph.nodes[id].reads().find(|&t| graph.tensors[t].is_constant);
        let operands = graph.layer_of(id).map_or(&[][..], |layer| &plan.weights[layer].operands[..]);
        let operand = added.and_then(|t| operands.iter().find(|o| o.source == Some(t)));
        added.is_some() && operand.is_none_or(|o| o.value == OperandValue::Float)
    };
    let mut sums = graph.tensors[product].consumers.iter().filter(|&&id| graph.nodes[id].op == "Add");
    plan.tensors[product].is_none() && sums.any(|&id| is_float(id))
}

fn has_float8(plan: &QuantPlan) -> bool {
    let is_float8 = |q: &TensorQuantizer| matches!(q.quantizer, Quantizer::Float { format, .. } if format.has_scale());
    let mut operands = plan.weights.iter().flat_map(|w| &w.operands);
    plan.tensors.iter().flatten().chain(plan.reads.values()).any(is_float8)
        || operands.any(|o| matches!(o.value, OperandValue::Small { format, .. } if format.has_scale()))
}

fn needs_microsoft(graph: &Graph, plan: &QuantPlan, opset: i64) -> bool {
    let lacks = |quantizer: &TensorQuantizer, tensor: TensorId, reader: Option<LayerId>| {
        let grid = quantizer.quantizer.grid();
        grid.is_some_and(|grid| {
            !is_own_pair(opset, activation_type(grid), || is_pushed_on(graph, plan, tensor, reader))
        })
    };
    let quantizers = plan.tensors.iter().enumerate().filter_map(|(tensor, q)| Some((q.as_ref()?, tensor, None)));
    let reads = plan.reads.iter().map(|(&(layer, tensor), quantizer)| (quantizer, tensor, Some(layer)));
    quantizers.chain(reads).any(|(quantizer, tensor, reader)| lacks(quantizer, tensor, reader))
        || plan.weights.iter().flat_map(|w| &w.operands).any(|operand| match &operand.value {
            OperandValue::Integer { axis, params, .. } => !is_own(opset, weight_type(params), axis.is_some()),
            // Groups without a form of their own are rows.
            OperandValue::Groups { params, .. } => opset < BLOCKED && !is_own(opset, weight_type(params), true),
            OperandValue::Bias { scales, .. } => !is_own(opset, DataType::Int32, scales.len() > 1),
            OperandValue::Float | OperandValue::Small { .. } => false,
        })
}

/// Whether ONNX's own Q/DQ of this opset do for an activation; `is_pushed_on` tells whether onnxruntime would push the
/// quantizer on.
pub(super) fn is_own_pair(opset: i64, kind: DataType, is_pushed_on: impl FnOnce() -> bool) -> bool {
    let is_eight = matches!(kind, DataType::Int8 | DataType::Uint8);
    if opset >= 21 && is_eight { !is_pushed_on() } else { is_own(opset, kind, false) }
}

/// Whether ONNX's own Q/DQ of this opset know the type, along an axis or not.
pub(super) fn is_own(opset: i64, kind: DataType, along_axis: bool) -> bool {
    let is_wide = matches!(kind, DataType::Int4 | DataType::Uint4 | DataType::Int16 | DataType::Uint16);
    match opset {
        21.. => true,
        13..=20 => !is_wide,
        10..=12 => !is_wide && !along_axis,
        _ => false,
    }
}
