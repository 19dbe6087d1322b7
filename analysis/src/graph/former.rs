//! The rules of the `onnxruntime` target as they were written in code before targets became data, read from onnxruntime
//! 1.32's `quantization/operators/*.py`: the second opinion that `onnxruntime.toml` is held against.

use super::{ConstantOperand, Graph, Node, NodeId, OperandRole, Owner, Place, TensorId};

/// Outputs carry the input's quantizer, if the input has one.
const PASS_THROUGH: [&str; 15] = [
    "Reshape",
    "Transpose",
    "Squeeze",
    "Unsqueeze",
    "Flatten",
    "Resize",
    "MaxPool",
    "AveragePool",
    "Slice",
    "TopK",
    "Gather",
    "GatherElements",
    "Identity",
    "Dropout",
    "Split",
];

/// Every floating-point input and output is quantized.
const ALL_TENSORS: [&str; 10] = [
    "Add",
    "Mul",
    "Concat",
    "Softmax",
    "Sigmoid",
    "LeakyRelu",
    "GlobalAveragePool",
    "ArgMax",
    "CumSum",
    "EmbedLayerNormalization",
];

const NORMALIZATIONS: [&str; 3] = ["InstanceNormalization", "LayerNormalization", "BatchNormalization"];

fn is_linear(op: &str) -> bool {
    matches!(op, "Conv" | "ConvTranspose" | "Gemm" | "MatMul")
}

/// Whether the operator's output is quantized whatever its inputs are, so that a following ReLU can share the quantizer.
pub(super) fn always_quantizes_output(node: &Node) -> bool {
    let op = node.op.as_str();
    node.domain.is_empty() && (is_linear(op) || ALL_TENSORS.contains(&op) || NORMALIZATIONS.contains(&op))
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
    let node = &graph.nodes[id];
    let rank = graph.tensors[tensor].dims.as_ref().map_or(0, Vec::len);
    let op = node.op.as_str();
    if !node.domain.is_empty() {
        return None;
    }
    match (op, position) {
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
        ("Gather" | "GatherElements", 0) => Some(OperandRole::Elementwise),
        ("Pad", 2) => Some(OperandRole::Elementwise),
        _ if NORMALIZATIONS.contains(&op) => match position {
            1 => Some(OperandRole::Weight { axis: None }),
            2 if rank == 1 => Some(OperandRole::Bias),
            _ => None,
        },
        _ if ALL_TENSORS.contains(&op) => Some(OperandRole::Elementwise),
        _ => None,
    }
}

/// The places. The graph has its layers.
pub(super) fn places(graph: &Graph) -> Vec<Option<Place>> {
    let captured = graph.nodes.iter().flat_map(|n| n.captured.iter().copied()).collect();
    let mut marks = Marks { graph, captured, places: vec![None; graph.tensors.len()] };
    for (id, node) in graph.nodes.iter().enumerate() {
        let layer = graph.layer_of(id).map(|l| &graph.layers[l]);
        let is_inner = layer.is_some_and(|l| l.nodes.first() != Some(&id));
        if node.is_constant || is_inner || !node.domain.is_empty() {
            continue;
        }
        let outputs = layer.map(|l| l.outputs.clone()).unwrap_or_default();
        marks.node(id, &outputs);
    }
    marks.places
}

/// The marking pass: nodes mark the tensors they want quantized, in topological order.
struct Marks<'a> {
    graph: &'a Graph,
    /// Tensors that subgraphs read by their own names.
    captured: std::collections::BTreeSet<TensorId>,
    places: Vec<Option<Place>>,
}

impl Marks<'_> {
    fn node(&mut self, id: NodeId, outputs: &[TensorId]) {
        let node = &self.graph.nodes[id];
        let input = |position: usize| node.inputs.get(position).copied().flatten();
        let op = node.op.as_str();
        match op {
            _ if is_linear(op) => {
                self.own(input(0));
                self.own(input(1));
                self.own_all(outputs);
            }
            _ if NORMALIZATIONS.contains(&op) => {
                self.own(input(0));
                self.own_all(outputs);
            }
            _ if ALL_TENSORS.contains(&op) => {
                for tensor in node.inputs.iter().flatten() {
                    self.own(Some(*tensor));
                }
                self.own_all(outputs);
                if op == "Softmax" {
                    self.fix_range(outputs, (0.0, 1.0));
                }
            }
            "Relu" | "Clip" if self.is_marked(input(0)) => self.own_all(outputs),
            "Where" if self.is_marked(input(1)) && self.is_marked(input(2)) => self.own_all(outputs),
            "Pad" => {
                self.own(input(0));
                if self.pads_with_own_values(id) { self.share(input(0), outputs) } else { self.own_all(outputs) }
            }
            "Split" => {
                self.own(input(0));
                self.share(input(0), outputs);
            }
            _ if PASS_THROUGH.contains(&op) && self.hands_on(id) => self.share(input(0), outputs),
            _ => {}
        }
    }

    /// Whether a pass-through operator is one in this opset, and its input has a quantizer to hand on.
    fn hands_on(&self, id: NodeId) -> bool {
        let node = &self.graph.nodes[id];
        let known = match node.op.as_str() {
            "MaxPool" => self.graph.opset >= 12,
            "Resize" => self.graph.opset >= 11,
            _ => true,
        };
        let first = node.inputs.first().copied().flatten();
        let from_table = matches!(node.op.as_str(), "Gather" | "GatherElements")
            && first.is_some_and(|t| self.graph.tensors[t].is_constant && self.graph.tensors[t].is_float32());
        known && (from_table || self.is_marked(first))
    }

    /// Whether Pad's output holds nothing that its input's range does not: zeros are in every range.
    fn pads_with_own_values(&self, id: NodeId) -> bool {
        let proto = self.graph.proto(id);
        let mode = proto.attribute.iter().find(|a| a.name.as_deref() == Some("mode")).and_then(|a| a.s.as_deref());
        if !matches!(mode, None | Some(b"constant")) {
            return true;
        }
        let value = match self.graph.nodes[id].inputs.get(2).copied().flatten() {
            Some(tensor) => self.graph.constants.float_values(tensor).and_then(|v| v.first().copied()),
            None => {
                let attribute = proto.attribute.iter().find(|a| a.name.as_deref() == Some("value"));
                Some(attribute.and_then(|a| a.f).unwrap_or(0.0))
            }
        };
        value == Some(0.0)
    }

    fn is_marked(&self, tensor: Option<TensorId>) -> bool {
        tensor.is_some_and(|t| self.places[t].is_some())
    }

    fn own(&mut self, tensor: Option<TensorId>) {
        let Some(tensor) = tensor else { return };
        let info = &self.graph.tensors[tensor];
        // An input that is an output too, or that a subgraph captures, would be read past its quantizer: the name of an
        // input cannot be given to the dequantized tensor.
        let is_read_by_name = info.is_output || self.captured.contains(&tensor);
        let is_input = info.source == super::Source::Input;
        if info.is_float32() && !info.is_constant && self.places[tensor].is_none() && !(is_input && is_read_by_name) {
            self.places[tensor] = Some(Place { owner: Owner::Itself, fixed_range: None, fixed_params: None });
        }
    }

    fn own_all(&mut self, tensors: &[TensorId]) {
        for &tensor in tensors {
            self.own(Some(tensor));
        }
    }

    fn fix_range(&mut self, tensors: &[TensorId], range: (f32, f32)) {
        for &tensor in tensors {
            if let Some(place) = &mut self.places[tensor] {
                place.fixed_range = Some(range);
            }
        }
    }

    fn share(&mut self, from: Option<TensorId>, tensors: &[TensorId]) {
        let Some(from) = from else { return };
        let owner = if self.graph.tensors[from].is_constant {
            Owner::Constant(from)
        } else {
            match &self.places[from] {
                Some(Place { owner: Owner::Itself, .. }) => Owner::Tensor(from),
                Some(place) => place.owner,
                None => return,
            }
        };
        let fixed_range = self.places[from].and_then(|p| p.fixed_range);
        for &tensor in tensors.iter().filter(|&&t| self.graph.tensors[t].is_float32()) {
            self.places[tensor] = Some(Place { owner, fixed_range, fixed_params: None });
        }
    }
}
