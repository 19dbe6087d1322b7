//! The model as a graph of values: nodes in topological order, tensors with one producer and many consumers, and the
//! *layers* that the window shows as rows.
//!
//! Ids are indices and die with the graph; names are the identity that files, undo steps and exports use. Subgraphs of
//! control flow stay opaque: a node that has them reads, besides its inputs, the outer tensors they capture.

mod axes;
mod blocks;
mod build;
mod constants;
mod emit;
mod fold;
mod joins;
mod layers;
mod marks;
mod placement;
#[cfg(test)]
mod placement_golden_tests;
#[cfg(test)]
mod placement_tests;
mod roles;
mod segments;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

pub use build::InferredType;
pub use constants::Constants;
pub use emit::Naming;
pub use fold::{FoldedAffine, fold_batch_norm};
pub use layers::{ConstantOperand, Layer, OperandRole};
pub use placement::{Owner, Place, Quantizable};
pub use segments::Segment;

use crate::{
    onnx::proto::{ModelProto, NodeProto},
    target::Target,
    tensor::ElementType,
};

/// Index of a node in [`Graph::nodes`].
pub type NodeId = usize;
/// Index of a tensor in [`Graph::tensors`].
pub type TensorId = usize;
/// Index of a layer in [`Graph::layers`].
pub type LayerId = usize;

/// Where a tensor's value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Data feed it.
    Input,
    /// The file holds it. `overridable`: it is listed among the graph inputs too (IR version 4 and later), so that
    /// onnxruntime does not treat it as constant.
    Initializer {
        /// Listed among the graph inputs.
        overridable: bool,
    },
    /// A node computes it.
    Node(NodeId),
}

/// A value that flows through the graph.
#[derive(Clone, Debug)]
pub struct TensorInfo {
    /// Unique in the graph.
    pub name: String,
    /// Where it comes from.
    pub source: Source,
    /// Nodes that read it, ascending; a node that reads it twice is listed once.
    pub consumers: Vec<NodeId>,
    /// Whether it is an output of the model.
    pub is_output: bool,
    /// Whether its value depends on no input: an initializer, a Constant node, or computed from such alone.
    pub is_constant: bool,
    /// Element type; `None` where it is no tensor (a sequence, an optional) or nothing is known.
    pub element_type: Option<ElementType>,
    /// Declared or inferred shape, `None` for a length that depends on the data; `None` where the rank is unknown.
    pub dims: Option<Vec<Option<usize>>>,
}

impl TensorInfo {
    /// Whether this is a float32 tensor, the only kind that carries quantizers.
    pub fn is_float32(&self) -> bool {
        self.element_type == Some(ElementType::Float32)
    }
}

/// One node of the model's main graph.
#[derive(Clone, Debug)]
pub struct Node {
    /// Position in the file's node list.
    pub position: usize,
    /// Operator.
    pub op: String,
    /// Domain of the operator; empty for ONNX's own.
    pub domain: String,
    /// Inputs in order; `None` where an optional one is left out.
    pub inputs: Vec<Option<TensorId>>,
    /// Outputs in order; `None` where one is left out.
    pub outputs: Vec<Option<TensorId>>,
    /// Outer tensors that the node's subgraphs capture; some may be among `inputs` too.
    pub captured: Vec<TensorId>,
    /// Whether every output is constant.
    pub is_constant: bool,
}

impl Node {
    /// Every tensor the node reads, captured ones included; one that is an input and captured comes twice.
    pub fn reads(&self) -> impl Iterator<Item = TensorId> + '_ {
        self.inputs.iter().flatten().chain(&self.captured).copied()
    }
}

/// The model, its values and its layers.
#[derive(Debug)]
pub struct Graph {
    /// The model as loaded; nodes and initializers of the main graph are looked up in it.
    pub model: Arc<ModelProto>,
    /// Version of ONNX's own operators.
    pub opset: i64,
    /// In topological order.
    pub nodes: Vec<Node>,
    /// All values of the main graph.
    pub tensors: Vec<TensorInfo>,
    /// By name.
    pub by_name: BTreeMap<String, TensorId>,
    /// Inputs that data must feed, in the model's order.
    pub inputs: Vec<TensorId>,
    /// Outputs, in the model's order.
    pub outputs: Vec<TensorId>,
    /// Whose rules decide about rows, places and segments.
    pub target: Arc<Target>,
    /// Rows, in graph order; one `Input` row for each input first.
    pub layers: Vec<Layer>,
    /// The layer each node belongs to; `None` for constants and shape arithmetic.
    pub layer_of_node: Vec<Option<LayerId>>,
    /// Which tensors may carry a quantizer under the target.
    pub quantizable: Quantizable,
    /// The cuts: what onnxruntime runs in one piece, in an order in which each finds its inputs ready.
    pub segments: Vec<Segment>,
    /// Values of the constants.
    pub constants: Constants,
}

impl Graph {
    /// The node as the file has it.
    pub fn proto(&self, node: NodeId) -> &NodeProto {
        let position = self.nodes[node].position;
        // `position` was taken from this very list when the graph was built, which refuses a model without a graph.
        &self.model.graph.as_ref().expect("built from a graph").node[position]
    }

    /// The name of a tensor.
    pub fn name(&self, tensor: TensorId) -> &str {
        &self.tensors[tensor].name
    }

    /// The layer with this name.
    pub fn layer_named(&self, name: &str) -> Option<LayerId> {
        self.layers.iter().position(|layer| layer.name == name)
    }
}
