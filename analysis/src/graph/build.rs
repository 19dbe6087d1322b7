//! From the file's lists to a graph: names to ids, topological order, and what is constant.
//!
//! The file's node order cannot be trusted (onnxruntime sorts it itself), names can be missing or used twice, and
//! initializers may or may not be listed among the inputs, depending on the IR version.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{Constants, Graph, LayerId, Node, NodeId, Quantizable, Source, TensorId, TensorInfo, layers};
use crate::{
    error::{Error, Result},
    onnx::{
        outer_references,
        proto::{DimensionValue, GraphProto, ModelProto, NodeProto, TypeValue},
    },
    say,
    target::Target,
    tensor::ElementType,
    text::Text,
};

/// What onnxruntime's own inference says about a tensor: element type and shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InferredType {
    /// `None` for a sequence, an optional or a type this program does not compute with.
    pub element_type: Option<ElementType>,
    /// `None` for a length that depends on the data; `None` where the rank is unknown.
    pub dims: Option<Vec<Option<usize>>>,
}

/// Operators whose outputs differ from run to run although their inputs are constant.
const RANDOM_OPS: [&str; 5] = ["RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Multinomial"];

impl Node {
    /// Whether its outputs differ from run to run.
    pub(super) fn is_random(&self) -> bool {
        RANDOM_OPS.contains(&self.op.as_str())
    }
}

impl Graph {
    /// Nodes, tensors and constness of `model`, without types, layers or segments; [`Graph::finish`] adds those.
    ///
    /// # Errors
    /// [`Error::Model`] that names the node or tensor where the graph is not one: an unknown input, two producers of one
    /// tensor, a cycle.
    pub fn skeleton(model: Arc<ModelProto>) -> Result<Self> {
        let graph = model.graph.as_ref().ok_or_else(|| Error::model(say!("the model has no graph")))?;
        let opset = model
            .opset_import
            .iter()
            .find(|o| matches!(o.domain.as_deref(), None | Some("" | "ai.onnx")))
            .and_then(|o| o.version)
            .unwrap_or(0);
        let mut names = Names::default();
        let inputs = names.add_inputs_and_initializers(graph, model.ir_version.unwrap_or(0));
        let order = topological_order(graph)?;
        let mut nodes = Vec::with_capacity(order.len());
        for (id, &position) in order.iter().enumerate() {
            nodes.push(names.add_node(id, position, &graph.node[position])?);
        }
        let Names { mut tensors, by_name } = names;
        mark_constants(&mut nodes, &mut tensors, graph);
        for (id, node) in nodes.iter().enumerate() {
            for tensor in node.reads().collect::<BTreeSet<_>>() {
                tensors[tensor].consumers.push(id);
            }
        }
        let mut outputs = Vec::new();
        for output in &graph.output {
            let name = output.name.as_deref().unwrap_or_default();
            let id = *by_name.get(name).ok_or_else(|| {
                Error::model(say!("output `{}` of the model is made by no node; the file is damaged", name))
            })?;
            tensors[id].is_output = true;
            outputs.push(id);
        }
        Ok(Self {
            opset,
            nodes,
            tensors,
            by_name,
            inputs,
            outputs,
            target: Arc::clone(&Target::builtins()[0]),
            layers: Vec::new(),
            layer_of_node: Vec::new(),
            quantizable: Quantizable::default(),
            segments: Vec::new(),
            constants: Constants::default(),
            model: Arc::clone(&model),
        })
    }

    /// Adds types, constant values, layers, quantizer places and segments, these for the default target.
    ///
    /// # Errors
    /// [`Error::Model`] where a constant cannot be read.
    pub fn finish(mut self, types: &BTreeMap<String, InferredType>, constants: Constants) -> Result<Self> {
        for tensor in &mut self.tensors {
            if let Some(found) = types.get(&tensor.name) {
                tensor.element_type = found.element_type;
                tensor.dims.clone_from(&found.dims);
            }
        }
        for (&id, value) in constants.iter() {
            self.tensors[id].element_type = value.data_type.and_then(ElementType::from_onnx);
            self.tensors[id].dims = Some(value.dims.iter().map(|&d| usize::try_from(d).ok()).collect());
        }
        self.constants = constants;
        self.arrange();
        Ok(self)
    }

    /// The same model for another target: rows, quantizer places and segments are worked out anew, nothing else is.
    ///
    /// Ids of nodes and tensors stay what they are; those of layers and segments do not, and neither need the rows: which
    /// ReLU belongs to the row before it is the target's affair. Names are the identity across both.
    #[must_use]
    pub fn with_target(&self, target: &Arc<Target>) -> Self {
        let mut graph = Self {
            model: Arc::clone(&self.model),
            opset: self.opset,
            nodes: self.nodes.clone(),
            tensors: self.tensors.clone(),
            by_name: self.by_name.clone(),
            inputs: self.inputs.clone(),
            outputs: self.outputs.clone(),
            target: Arc::clone(target),
            layers: Vec::new(),
            layer_of_node: Vec::new(),
            quantizable: Quantizable::default(),
            segments: Vec::new(),
            constants: self.constants.clone(),
        };
        graph.arrange();
        graph
    }

    /// Works out all that depends on the target.
    fn arrange(&mut self) {
        self.layers = layers::find(self);
        self.layer_of_node = vec![None; self.nodes.len()];
        for (id, layer) in self.layers.iter().enumerate() {
            for &node in &layer.nodes {
                self.layer_of_node[node] = Some(id);
            }
        }
        self.quantizable = Quantizable::of(self);
        self.segments = super::segments::cut(self);
    }

    /// The layer that `node` belongs to, if it belongs to one.
    pub fn layer_of(&self, node: NodeId) -> Option<LayerId> {
        self.layer_of_node.get(node).copied().flatten()
    }
}

/// Names met so far.
#[derive(Default)]
struct Names {
    tensors: Vec<TensorInfo>,
    by_name: BTreeMap<String, TensorId>,
}

impl Names {
    fn add(&mut self, name: &str, source: Source) -> TensorId {
        let id = self.tensors.len();
        self.tensors.push(TensorInfo {
            name: name.to_owned(),
            source,
            consumers: Vec::new(),
            is_output: false,
            is_constant: matches!(source, Source::Initializer { .. }),
            element_type: None,
            dims: None,
        });
        self.by_name.insert(name.to_owned(), id);
        id
    }

    /// Adds all that exists before the first node runs; returns the inputs that data must feed.
    fn add_inputs_and_initializers(&mut self, graph: &GraphProto, ir_version: i64) -> Vec<TensorId> {
        let listed: BTreeSet<&str> = graph.input.iter().filter_map(|i| i.name.as_deref()).collect();
        let dense = graph.initializer.iter().filter_map(|t| t.name.as_deref());
        let sparse = graph.sparse_initializer.iter().filter_map(|t| t.values.as_ref()?.name.as_deref());
        for name in dense.chain(sparse) {
            if !self.by_name.contains_key(name) {
                // Before IR version 4 every initializer had to be listed among the inputs and meant a constant.
                let overridable = ir_version >= 4 && listed.contains(name);
                self.add(name, Source::Initializer { overridable });
            }
        }
        let mut inputs = Vec::new();
        for input in &graph.input {
            let name = input.name.as_deref().unwrap_or_default();
            if self.by_name.contains_key(name) {
                continue;
            }
            let id = self.add(name, Source::Input);
            let declared = declared_type(input.r#type.as_ref().and_then(|t| t.value.as_ref()));
            self.tensors[id].element_type = declared.element_type;
            self.tensors[id].dims = declared.dims;
            inputs.push(id);
        }
        inputs
    }

    fn add_node(&mut self, id: NodeId, position: usize, proto: &NodeProto) -> Result<Node> {
        let label = node_label(proto);
        let mut inputs = Vec::with_capacity(proto.input.len());
        for name in &proto.input {
            let known = if name.is_empty() { None } else { Some(self.resolve(name, &label)?) };
            inputs.push(known);
        }
        let captured: Vec<TensorId> =
            outer_references(proto).iter().map(|name| self.resolve(name, &label)).collect::<Result<_>>()?;
        let mut outputs = Vec::with_capacity(proto.output.len());
        for name in &proto.output {
            if name.is_empty() {
                outputs.push(None);
            } else if self.by_name.contains_key(name) {
                return Err(Error::model(say!(
                    "tensor `{}` is made twice, the second time by {}; names must be unique in an ONNX graph",
                    name,
                    label
                )));
            } else {
                outputs.push(Some(self.add(name, Source::Node(id))));
            }
        }
        Ok(Node {
            position,
            op: proto.op_type.clone().unwrap_or_default(),
            domain: proto.domain.clone().filter(|d| d != "ai.onnx").unwrap_or_default(),
            inputs,
            outputs,
            captured,
            is_constant: false,
        })
    }

    fn resolve(&self, name: &str, reader: &str) -> Result<TensorId> {
        self.by_name.get(name).copied().ok_or_else(|| {
            Error::model(say!("{} reads tensor `{}`, which no input, initializer or node provides", reader, name))
        })
    }
}

/// What a graph input declares.
fn declared_type(value: Option<&TypeValue>) -> InferredType {
    let Some(TypeValue::TensorType(tensor)) = value else {
        return InferredType { element_type: None, dims: None };
    };
    let length = |value: &Option<DimensionValue>| match value {
        Some(DimensionValue::DimValue(length)) => usize::try_from(*length).ok(),
        _ => None,
    };
    InferredType {
        element_type: tensor.elem_type.and_then(ElementType::from_onnx),
        dims: tensor.shape.as_ref().map(|shape| shape.dim.iter().map(|d| length(&d.value)).collect()),
    }
}

/// How errors and rows name a node: its name, else its operator and first output.
pub(super) fn node_label(proto: &NodeProto) -> Text {
    let op = proto.op_type.as_deref().unwrap_or_default();
    match proto.name.as_deref() {
        Some(name) if !name.is_empty() => say!("node `{}` ({})", name, op),
        _ => say!("the {} node that makes `{}`", op, proto.output.first().map_or("", String::as_str)),
    }
}

/// Positions of the nodes in an order in which each comes after the nodes it reads from; ties keep the file's order.
fn topological_order(graph: &GraphProto) -> Result<Vec<usize>> {
    let producer: BTreeMap<&str, usize> = graph
        .node
        .iter()
        .enumerate()
        .flat_map(|(i, n)| n.output.iter().filter(|o| !o.is_empty()).map(move |o| (o.as_str(), i)))
        .collect();
    let mut waits = vec![0_usize; graph.node.len()];
    let mut unblocks = vec![Vec::new(); graph.node.len()];
    for (i, node) in graph.node.iter().enumerate() {
        let outer = outer_references(node);
        let names: BTreeSet<&str> = node.input.iter().chain(&outer).map(String::as_str).collect();
        for producer in names.iter().filter_map(|name| producer.get(name)) {
            waits[i] += 1;
            unblocks[*producer].push(i);
        }
    }
    let mut ready: BTreeSet<usize> = (0..waits.len()).filter(|&i| waits[i] == 0).collect();
    let mut order = Vec::with_capacity(waits.len());
    while let Some(i) = ready.pop_first() {
        order.push(i);
        for &next in &unblocks[i] {
            waits[next] -= 1;
            if waits[next] == 0 {
                ready.insert(next);
            }
        }
    }
    match (0..waits.len()).find(|&i| waits[i] > 0) {
        Some(stuck) => Err(Error::model(say!(
            "{} is part of a cycle; an ONNX graph has none, so the file is damaged",
            node_label(&graph.node[stuck])
        ))),
        None => Ok(order),
    }
}

/// A node is constant when all it reads is, it has something to read (or is a Constant), and it is no dice.
fn mark_constants(nodes: &mut [Node], tensors: &mut [TensorInfo], graph: &GraphProto) {
    for node in nodes {
        let is_source = node.op == "Constant" && node.domain.is_empty();
        let has_subgraph = graph.node[node.position].attribute.iter().any(|a| a.g.is_some() || !a.graphs.is_empty());
        let reads_constants = node.reads().next().is_some() && node.reads().all(|t| tensors[t].is_constant);
        node.is_constant = is_source
            || (reads_constants
                && node.domain.is_empty()
                && !has_subgraph
                && !RANDOM_OPS.contains(&node.op.as_str())
                && node.op != "DequantizeLinear");
        if node.is_constant {
            for output in node.outputs.iter().flatten() {
                tensors[*output].is_constant = true;
            }
        }
    }
}
