//! Looking at tensors without changing what onnxruntime computes.
//!
//! onnxruntime's CPU computes most float16 operators in float32 between casts of its own, and takes casts away that only
//! lead back: inside a stretch of float16 nothing is rounded. A cast whose tensor is an output stays, and then what is
//! behind it may read the rounded value. So merely looking at such a tensor can change the numbers. How it is looked at
//! instead was measured with onnxruntime 1.32, and is tested by running exported files as they are.

use crate::{
    graph::{Graph, NodeId, Source, TensorId},
    onnx::proto::{AttributeProto, GraphProto, ModelProto, NodeProto, ValueInfoProto},
    tensor::ElementType,
};

/// What an observed tensor's own output is called; no file uses such a name.
const SEEN: &str = "\u{1}seen:";
/// `AttributeProto.AttributeType`: INT.
const INT: i32 = 2;

/// How a tensor is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// As an output.
    Plain,
    /// Through an Identity: it is computed as if nobody looked.
    Identity,
    /// A 16-bit float whose float32 cast, named here, is an output of the model: an Identity would make that cast round.
    /// Cast back to this type, the output gives the same bits.
    Narrowed(String, ElementType),
}

impl Look {
    /// How to look at `tensor` where the nodes of which `is_here` says so are run. `output_name` gives the name of an
    /// output of the model that is one there too.
    pub fn at(
        graph: &Graph,
        tensor: TensorId,
        is_here: &dyn Fn(NodeId) -> bool,
        output_name: &dyn Fn(TensorId) -> Option<String>,
    ) -> Self {
        let info = &graph.tensors[tensor];
        if info.is_output {
            return Self::Plain;
        }
        if !graph.is_half(tensor) {
            return if graph.is_cast_half(tensor) { Self::Identity } else { Self::Plain };
        }
        let casts = info.consumers.iter().filter(|&&n| graph.nodes[n].op == "Cast" && is_here(n));
        let mut outputs = casts.flat_map(|&n| graph.nodes[n].outputs.iter().flatten());
        let cast = outputs.find_map(|&t| output_name(t).filter(|_| graph.tensors[t].is_output && !graph.is_half(t)));
        match (cast, info.element_type) {
            (Some(cast), Some(element)) => Self::Narrowed(cast, element),
            _ => Self::Identity,
        }
    }
}

/// Makes these tensors the outputs, in this order.
pub(super) fn watch(graph: &mut GraphProto, tensors: impl IntoIterator<Item = (String, Look)>) {
    graph.output.clear();
    for (name, look) in tensors {
        let seen = format!("{SEEN}{name}");
        let node = |op: &str, from: String, attribute| NodeProto {
            op_type: Some(op.into()),
            input: vec![from],
            output: vec![seen.clone()],
            attribute,
            ..NodeProto::default()
        };
        let output = match look {
            Look::Plain => name,
            Look::Identity => {
                graph.node.push(node("Identity", name, Vec::new()));
                seen
            }
            Look::Narrowed(cast, element) => {
                let to = AttributeProto {
                    name: Some("to".into()),
                    i: Some(i64::from(element.onnx_code())),
                    r#type: Some(INT),
                    ..AttributeProto::default()
                };
                graph.node.push(node("Cast", cast, vec![to]));
                seen
            }
        };
        graph.output.push(ValueInfoProto { name: Some(output), ..ValueInfoProto::default() });
    }
}

/// A copy of `model` with these outputs, in this order.
pub fn watched(model: &ModelProto, tensors: impl IntoIterator<Item = (String, Look)>) -> ModelProto {
    let mut model = model.clone();
    if let Some(graph) = &mut model.graph {
        watch(graph, tensors);
    }
    model
}

impl Graph {
    /// Whether the tensor holds 16-bit floats.
    pub(crate) fn is_half(&self, tensor: TensorId) -> bool {
        matches!(self.tensors[tensor].element_type, Some(ElementType::Float16 | ElementType::BFloat16))
    }

    /// Whether a Cast makes the tensor of 16-bit floats.
    fn is_cast_half(&self, tensor: TensorId) -> bool {
        let Source::Node(node) = self.tensors[tensor].source else { return false };
        let node = &self.nodes[node];
        node.op == "Cast" && node.inputs.iter().flatten().any(|&t| self.is_half(t))
    }
}
