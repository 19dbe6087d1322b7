//! Which nodes form one row of the table: a computing node with the batch norm that can be folded into it and the ReLU
//! or Clip that its quantizer comes after.
//!
//! Shape arithmetic and constants are no rows; nodes that make floating-point tensors are.

use std::collections::BTreeSet;

use super::{Graph, LayerId, NodeId, Source, TensorId, roles};
use crate::tensor::ElementType;

/// What a constant operand is to its layer, which decides how it is quantized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperandRole {
    /// Weights of Conv, Gemm, MatMul or a normalisation's scale: symmetric, one scale or one for each index of `axis`.
    Weight {
        /// The output-channel axis; `None` where the operand has none.
        axis: Option<usize>,
    },
    /// A constant operand of an element-wise operator: quantized like an activation, affine, one scale.
    Elementwise,
    /// Added onto the accumulator: int32 with the scale of input times weight.
    Bias,
}

/// A constant that a layer's computing node reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConstantOperand {
    /// The constant.
    pub tensor: TensorId,
    /// Which input of the computing node it is.
    pub position: usize,
    /// How it is quantized.
    pub role: OperandRole,
}

/// One row of the table.
#[derive(Clone, Debug)]
pub struct Layer {
    /// Unique among the layers.
    pub name: String,
    /// Operator of the computing node, or `Input`.
    pub op: String,
    /// The computing node first, then batch norm and activation; empty for an `Input` row.
    pub nodes: Vec<NodeId>,
    /// The batch norm among `nodes` that can be folded into the weights.
    pub batch_norm: Option<NodeId>,
    /// The activation among `nodes`.
    pub activation: Option<NodeId>,
    /// The floating-point tensors that consumers read; the first is the row's output.
    pub outputs: Vec<TensorId>,
    /// Tensors from other layers that the nodes read, constants left out.
    pub reads: Vec<TensorId>,
    /// Constants that can be quantized.
    pub operands: Vec<ConstantOperand>,
}

impl Layer {
    /// Whether the row is a model input.
    pub fn is_input(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The constant operands that carry weights (all but the bias).
    pub fn weights(&self) -> impl Iterator<Item = &ConstantOperand> {
        self.operands.iter().filter(|o| o.role != OperandRole::Bias)
    }

    /// The bias operand.
    pub fn bias(&self) -> Option<&ConstantOperand> {
        self.operands.iter().find(|o| o.role == OperandRole::Bias)
    }
}

/// All layers of a graph whose tensors have their types: `Input` rows, then computing nodes in topological order.
pub(super) fn find(graph: &Graph) -> Vec<Layer> {
    let mut layers: Vec<Layer> = graph.inputs.iter().map(|&input| input_row(graph, input)).collect();
    let mut taken: BTreeSet<NodeId> = BTreeSet::new();
    for (id, node) in graph.nodes.iter().enumerate() {
        let makes_float = node.outputs.iter().flatten().any(|&t| is_floating(graph.tensors[t].element_type));
        if node.is_constant || taken.contains(&id) || !makes_float {
            continue;
        }
        let layer = row(graph, id);
        taken.extend(&layer.nodes);
        layers.push(layer);
    }
    make_names_unique(&mut layers);
    layers
}

fn is_floating(element_type: Option<ElementType>) -> bool {
    use ElementType as E;
    matches!(element_type, Some(E::Float32 | E::Float16 | E::BFloat16 | E::Float64))
}

fn input_row(graph: &Graph, input: TensorId) -> Layer {
    Layer {
        name: graph.name(input).to_owned(),
        op: "Input".into(),
        nodes: Vec::new(),
        batch_norm: None,
        activation: None,
        outputs: vec![input],
        reads: Vec::new(),
        operands: Vec::new(),
    }
}

fn row(graph: &Graph, id: NodeId) -> Layer {
    let node = &graph.nodes[id];
    let mut nodes = vec![id];
    let batch_norm = next_alone(graph, id).filter(|&next| is_foldable_batch_norm(graph, id, next));
    nodes.extend(batch_norm);
    let last = batch_norm.unwrap_or(id);
    let activation = next_alone(graph, last).filter(|&next| is_fused_activation(graph, id, next));
    nodes.extend(activation);
    let last = activation.unwrap_or(last);
    let outputs: Vec<TensorId> = graph.nodes[last]
        .outputs
        .iter()
        .flatten()
        .copied()
        .filter(|&t| is_floating(graph.tensors[t].element_type))
        .collect();
    let inner: BTreeSet<TensorId> =
        nodes.iter().flat_map(|&n| graph.nodes[n].outputs.iter().flatten()).copied().collect();
    let mut reads = Vec::new();
    for tensor in nodes.iter().flat_map(|&n| graph.nodes[n].reads()) {
        if !graph.tensors[tensor].is_constant && !inner.contains(&tensor) && !reads.contains(&tensor) {
            reads.push(tensor);
        }
    }
    let proto_name = graph.proto(id).name.clone().filter(|n| !n.is_empty());
    Layer {
        name: proto_name.unwrap_or_else(|| outputs.first().map_or(String::new(), |&t| graph.name(t).to_owned())),
        op: node.op.clone(),
        nodes,
        batch_norm,
        activation,
        outputs,
        reads,
        operands: roles::constant_operands(graph, id),
    }
}

/// The only reader of the node's only output, if there is one and the output is not the model's.
fn next_alone(graph: &Graph, id: NodeId) -> Option<NodeId> {
    let mut outputs = graph.nodes[id].outputs.iter().flatten();
    let (Some(&output), None) = (outputs.next(), outputs.next()) else { return None };
    let tensor = &graph.tensors[output];
    match tensor.consumers.as_slice() {
        [only] if !tensor.is_output && tensor.is_float32() => Some(*only),
        _ => None,
    }
}

/// Whether `next` is a batch norm in inference form, with constant statistics, after a linear node with constant weights.
fn is_foldable_batch_norm(graph: &Graph, linear: NodeId, next: NodeId) -> bool {
    let (before, norm) = (&graph.nodes[linear], &graph.nodes[next]);
    let weight_is_constant = before.inputs.get(1).copied().flatten().is_some_and(|w| graph.tensors[w].is_constant);
    let bias_is_constant = before.inputs.get(2).copied().flatten().is_none_or(|b| graph.tensors[b].is_constant);
    let statistics = (1..5).all(|i| {
        let tensor = norm.inputs.get(i).copied().flatten();
        tensor.is_some_and(|t| graph.tensors[t].is_constant && graph.tensors[t].is_float32())
    });
    let proto = graph.proto(next);
    // With beta ≠ 1 the bias would have to be divided by it; nobody exports that before a batch norm.
    let scales_bias =
        graph.proto(linear).attribute.iter().any(|a| a.name.as_deref() == Some("beta") && a.f != Some(1.0));
    let training = proto.attribute.iter().any(|a| a.name.as_deref() == Some("training_mode") && a.i == Some(1));
    // BatchNormalization-7 and 8 know `spatial`; 0 means statistics for each position, which no weight can hold.
    let per_position = proto.attribute.iter().any(|a| a.name.as_deref() == Some("spatial") && a.i == Some(0));
    before.domain.is_empty()
        && matches!(before.op.as_str(), "Conv" | "ConvTranspose" | "Gemm")
        && norm.domain.is_empty()
        && norm.op == "BatchNormalization"
        && norm.inputs.first().copied().flatten() == before.outputs.first().copied().flatten()
        && norm.outputs.iter().flatten().count() == 1
        && weight_is_constant
        && bias_is_constant
        && statistics
        && !scales_bias
        && !training
        && !per_position
}

/// Whether `next` is a ReLU or Clip that shares the quantizer of the row that starts at `first`.
fn is_fused_activation(graph: &Graph, first: NodeId, next: NodeId) -> bool {
    let node = &graph.nodes[next];
    let limits_are_constant = node.inputs.iter().skip(1).flatten().all(|&t| graph.tensors[t].is_constant);
    node.domain.is_empty()
        && matches!(node.op.as_str(), "Relu" | "Clip")
        && limits_are_constant
        && roles::shares_with_activation(graph, first)
}

/// Gives rows with the same name (or none) a distinct one: the output tensor's, which is unique.
fn make_names_unique(layers: &mut [Layer]) {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for layer in layers {
        if layer.name.is_empty() || seen.contains(&layer.name) {
            let base = if layer.name.is_empty() { layer.op.clone() } else { layer.name.clone() };
            let mut number = 2;
            while seen.contains(&format!("{base}#{number}")) {
                number += 1;
            }
            layer.name = format!("{base}#{number}");
        }
        seen.insert(layer.name.clone());
    }
}

impl Graph {
    /// The layer that makes `tensor`; `None` for constants and shape arithmetic.
    pub fn maker(&self, tensor: TensorId) -> Option<LayerId> {
        match self.tensors[tensor].source {
            Source::Input => self.layers.iter().position(|l| l.is_input() && l.outputs.contains(&tensor)),
            Source::Node(node) => self.layer_of(node),
            Source::Initializer { .. } => None,
        }
    }

    /// Layers that reach `layer` only by way of nodes that belong to none: the shape of an early tensor that a late
    /// Reshape obeys, the indices that a Gather takes.
    pub fn read_through(&self, layer: LayerId) -> BTreeSet<LayerId> {
        let mut open: Vec<TensorId> = Vec::new();
        let mut direct = BTreeSet::new();
        for &tensor in &self.layers[layer].reads {
            match self.maker(tensor) {
                Some(maker) => _ = direct.insert(maker),
                None => open.push(tensor),
            }
        }
        let (mut seen, mut found) = (BTreeSet::new(), BTreeSet::new());
        while let Some(tensor) = open.pop() {
            if !seen.insert(tensor) {
                continue;
            }
            match (self.maker(tensor), self.tensors[tensor].source) {
                (Some(maker), _) => _ = found.insert(maker),
                (None, Source::Node(node)) => open.extend(self.nodes[node].reads()),
                (None, _) => {}
            }
        }
        found.retain(|maker| *maker != layer && !direct.contains(maker));
        found
    }
}
