//! What the constants that an operator reads are to it, which decides how they are quantized.

use super::{ConstantOperand, Graph, NodeId, OperandRole, TensorId};
use crate::target::OperatorClass;

impl Graph {
    /// What the target does with the node; `None`: nothing, as with all that is not of ONNX's own domain.
    pub(super) fn class(&self, id: NodeId) -> Option<OperatorClass> {
        let node = &self.nodes[id];
        self.target.operators.class(&node.op, self.opset).filter(|_| node.domain.is_empty())
    }
}

/// Whether a ReLU or Clip behind the node shares its quantizer: the node's output is a matter of its own, not of what its
/// input has.
pub(super) fn shares_with_activation(graph: &Graph, id: NodeId) -> bool {
    graph.class(id).is_some_and(OperatorClass::is_computing)
}

/// Whether a float input is data. The others (sizes, limits, a ratio) say what to do with it, and are never quantized.
pub(super) fn is_data(op: &str, position: usize) -> bool {
    position == 0 || !matches!(op, "Resize" | "Upsample" | "Clip" | "Dropout")
}

/// The constants that `node`'s operator class quantizes.
pub(super) fn constant_operands(graph: &Graph, id: NodeId) -> Vec<ConstantOperand> {
    let node = &graph.nodes[id];
    let mut operands = Vec::new();
    for (position, &input) in node.inputs.iter().enumerate() {
        let Some(tensor) = input.filter(|&t| graph.tensors[t].is_constant && graph.tensors[t].is_float32()) else {
            continue;
        };
        if let Some(role) = role_of(graph, id, position, tensor) {
            operands.push(ConstantOperand { tensor, position, role });
        }
    }
    // A bias is quantized with its weight's scale; without a constant weight there is none.
    if !operands.iter().any(|o| matches!(o.role, OperandRole::Weight { .. })) {
        operands.retain(|o| o.role != OperandRole::Bias);
    }
    operands
}

fn role_of(graph: &Graph, id: NodeId, position: usize, tensor: TensorId) -> Option<OperandRole> {
    let rank = graph.tensors[tensor].dims.as_ref().map_or(0, Vec::len);
    let op = graph.nodes[id].op.as_str();
    match graph.class(id)? {
        OperatorClass::Linear => linear_role(graph, id, position, rank),
        OperatorClass::Normalization => match position {
            1 => Some(OperandRole::Weight { axis: None }),
            2 if rank == 1 => Some(OperandRole::Bias),
            _ => None,
        },
        OperatorClass::AllTensors => is_data(op, position).then_some(OperandRole::Elementwise),
        OperatorClass::PassThrough | OperatorClass::PassThroughAlways => match (op, position) {
            ("Gather" | "GatherElements", 0) | ("Pad", 2) => Some(OperandRole::Elementwise),
            _ => None,
        },
        OperatorClass::FollowsInput | OperatorClass::Float => None,
    }
}

fn linear_role(graph: &Graph, id: NodeId, position: usize, rank: usize) -> Option<OperandRole> {
    match (graph.nodes[id].op.as_str(), position) {
        ("Conv", 1) => Some(OperandRole::Weight { axis: Some(0) }),
        ("ConvTranspose", 1) => Some(OperandRole::Weight { axis: Some(1) }),
        ("Gemm", 1) => {
            let transposed =
                graph.proto(id).attribute.iter().any(|a| a.name.as_deref() == Some("transB") && a.i == Some(1));
            Some(OperandRole::Weight { axis: Some(usize::from(!transposed)) })
        }
        ("MatMul", 1) => Some(OperandRole::Weight { axis: (rank >= 2).then(|| rank - 1) }),
        ("MatMul", 0) => Some(OperandRole::Weight { axis: None }),
        ("Conv" | "ConvTranspose" | "Gemm", 2) if rank == 1 => Some(OperandRole::Bias),
        ("Gemm" | "Conv" | "ConvTranspose", 0) => Some(OperandRole::Elementwise),
        _ => None,
    }
}
