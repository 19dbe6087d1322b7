//! The QDQ format: float operators between QuantizeLinear/DequantizeLinear pairs, integer weights behind a
//! DequantizeLinear, int32 biases. A model in which nothing is quantized comes out as it went in.
//!
//! The nodes of a layer come from [`Graph::emit_layer`], as the engine's do. What is tricky is who reads what: a
//! consumer reads the dequantized tensor under a new name, except where the old name must keep its meaning (an output of
//! the model, a tensor that a subgraph captures); there the producer writes under a new name instead.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    guard,
    names::{DEQUANTIZED, QUANTIZER_INPUT},
    narrow::{is_on_grid, is_pushed_on},
    needed::{is_float, lowest_opset},
    opset,
};
use crate::{
    error::Result,
    graph::{Graph, LayerId, Naming, Source, TensorId},
    onnx::{
        Names, integer_tensor, outer_references,
        proto::{DataType, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto, TensorProto},
        raise, tensor_proto,
    },
    plan::{Operand, QuantPlan},
    tensor::Tensor,
};

/// Domain in which Q/DQ exist for every opset, for 16- and 4-bit types and along an axis.
pub(super) const MICROSOFT: &str = "com.microsoft";

/// An exported model and where its tensors are.
#[derive(Debug)]
pub struct Qdq {
    /// The model.
    pub model: ModelProto,
    /// The name under which consumers read each tensor that has a quantizer.
    pub read_names: BTreeMap<TensorId, String>,
    /// Every quantizer written: its DequantizeLinear's output, and what it must read back as.
    pub quantizers: Vec<WrittenQuantizer>,
}

/// A quantizer in the file, for verification.
#[derive(Clone, Debug, PartialEq)]
pub struct WrittenQuantizer {
    /// Output of its DequantizeLinear.
    pub output: String,
    /// One scale, or one a channel.
    pub scales: Vec<f32>,
    /// One zero-point a scale; empty for floats, whose zero-point is 0.
    pub zero_points: Vec<i32>,
    /// Type of the zero-point and of the integers.
    pub kind: DataType,
}

/// Writes `plan` into a copy of the graph's model. `metadata` is added to the model's properties.
///
/// # Errors
/// [`crate::Error::Model`] where a value does not fit the format.
pub fn qdq(graph: &Graph, plan: &QuantPlan, metadata: &[(String, String)]) -> Result<Qdq> {
    let mut model = ModelProto::clone(&graph.model);
    if is_float(plan) {
        // A float model stays as it is, in its own opset.
        return Ok(Qdq { model, read_names: BTreeMap::new(), quantizers: Vec::new() });
    }
    let lowest = lowest_opset(graph, plan);
    let mut writer = Writer::new(graph, plan, lowest);
    writer.inputs()?;
    let mut done = BTreeSet::new();
    for id in 0..graph.nodes.len() {
        match graph.layer_of(id) {
            Some(layer) => {
                if done.insert(layer) {
                    writer.layer(layer)?;
                }
            }
            None => writer.plain_node(id),
        }
    }
    let Writer { nodes, initializers, read_names, quantizers, uses_microsoft, uses_int4, uses_float8, .. } = writer;
    let before = model.graph.as_ref().map(|g| read_names_of(&g.node)).unwrap_or_default();
    if let Some(proto) = &mut model.graph {
        proto.node = nodes;
        proto.initializer.extend(initializers);
        drop_unread(proto, &before);
        if model.ir_version.is_none_or(|v| v < 4) {
            opset::unlist_initializers(proto);
        }
    }
    // Constants of the quantizers are no inputs, which IR version 4 allows first; int4 came with version 10.
    let needed = match (uses_int4, uses_float8) {
        (true, _) => 10,
        (_, true) => 9,
        _ => 4,
    };
    model.ir_version = Some(model.ir_version.unwrap_or(needed).max(needed));
    let tensor_of = |name: &str| {
        let tensor = read_names.iter().find(|(_, read)| *read == name).map(|(&t, _)| t);
        tensor.or_else(|| graph.by_name.get(name).copied()).map(|tensor| &graph.tensors[tensor])
    };
    opset::raise(&mut model, graph.opset, lowest, &tensor_of)?;
    if uses_float8 {
        raise::to_float8(&mut model)?;
    }
    guard::keep_floats(&mut model);
    if uses_microsoft && !model.opset_import.iter().any(|o| o.domain.as_deref() == Some(MICROSOFT)) {
        model.opset_import.push(OperatorSetIdProto { domain: Some(MICROSOFT.into()), version: Some(1) });
    }
    model
        .metadata_props
        .extend(metadata.iter().map(|(k, v)| StringStringEntryProto { key: Some(k.clone()), value: Some(v.clone()) }));
    Ok(Qdq { model, read_names, quantizers })
}

/// Names that nodes read, those captured by subgraphs included.
fn read_names_of(nodes: &[NodeProto]) -> BTreeSet<String> {
    nodes.iter().flat_map(|n| n.input.iter().cloned().chain(outer_references(n))).filter(|n| !n.is_empty()).collect()
}

/// Removes constants that somebody read before and nobody reads now, and descriptions of tensors that are gone.
fn drop_unread(graph: &mut crate::onnx::proto::GraphProto, before: &BTreeSet<String>) {
    loop {
        let outputs: BTreeSet<String> = graph.output.iter().filter_map(|o| o.name.clone()).collect();
        let now = read_names_of(&graph.node);
        let is_dropped = |name: &str| before.contains(name) && !now.contains(name) && !outputs.contains(name);
        let count = graph.node.len() + graph.initializer.len();
        let gone: BTreeSet<String> =
            graph.initializer.iter().filter_map(|t| t.name.clone()).filter(|n| is_dropped(n)).collect();
        graph.initializer.retain(|t| t.name.as_ref().is_none_or(|n| !gone.contains(n)));
        graph.input.retain(|i| i.name.as_ref().is_none_or(|n| !gone.contains(n)));
        // Only constant nodes can have lost their readers: every other node was written because a layer needs it.
        graph.node.retain(|n| n.output.is_empty() || !n.output.iter().all(|o| o.is_empty() || is_dropped(o)));
        if graph.node.len() + graph.initializer.len() == count {
            break;
        }
    }
    let made: BTreeSet<&String> = graph.node.iter().flat_map(|n| &n.output).collect();
    graph.value_info.retain(|v| v.name.as_ref().is_none_or(|n| made.contains(n)));
}

/// Where a quantizer and its dequantizer stand.
pub(super) struct Pair {
    /// What names of its nodes and constants begin with.
    pub(super) base: String,
    /// What it reads.
    pub(super) from: String,
    /// What the dequantizer writes.
    pub(super) output: String,
    /// What it reads lies on its grid already.
    pub(super) on_grid: bool,
    /// onnxruntime would push it through a reader.
    pub(super) pushed_on: bool,
    /// A Clip of the model makes what it reads.
    pub(super) after_clip: bool,
}

pub(super) struct Writer<'a> {
    pub(super) graph: &'a Graph,
    pub(super) plan: &'a QuantPlan,
    pub(super) names: Names,
    pub(super) nodes: Vec<NodeProto>,
    pub(super) initializers: Vec<TensorProto>,
    read_names: BTreeMap<TensorId, String>,
    pub(super) quantizers: Vec<WrittenQuantizer>,
    /// Constants written already, so that layers with equal settings share them.
    pub(super) written: BTreeMap<TensorId, Vec<(Operand, String)>>,
    /// Tensors whose own name stays with the dequantized value.
    keeps_name: BTreeSet<TensorId>,
    pub(super) uses_microsoft: bool,
    pub(super) uses_int4: bool,
    pub(super) uses_float8: bool,
    /// The opset of the exported model.
    pub(super) opset: i64,
}

impl<'a> Writer<'a> {
    fn new(graph: &'a Graph, plan: &'a QuantPlan, lowest: i64) -> Self {
        let captured = graph.nodes.iter().flat_map(|n| n.captured.iter().copied());
        let outputs = graph.outputs.iter().copied();
        Self {
            graph,
            plan,
            names: graph.model.graph.as_ref().map(Names::of).unwrap_or_default(),
            nodes: Vec::new(),
            initializers: Vec::new(),
            read_names: BTreeMap::new(),
            quantizers: Vec::new(),
            written: BTreeMap::new(),
            keeps_name: captured.chain(outputs).collect(),
            uses_microsoft: false,
            uses_int4: false,
            uses_float8: false,
            opset: graph.opset.max(lowest),
        }
    }

    fn inputs(&mut self) -> Result<()> {
        for &tensor in &self.graph.inputs {
            if let Some(quantizer) = self.plan.tensors[tensor] {
                let name = self.graph.name(tensor).to_owned();
                let output = self.names.fresh(&format!("{name}{DEQUANTIZED}"));
                let pushed_on = is_pushed_on(self.graph, self.plan, tensor, None);
                let (base, from) = (name.clone(), name);
                let place = Pair { base, from, output: output.clone(), on_grid: false, pushed_on, after_clip: false };
                self.pair(&place, &quantizer)?;
                self.read_names.insert(tensor, output);
            }
        }
        Ok(())
    }

    /// The name under which anybody but a reader with a format of its own reads a tensor.
    fn read_name(&self, tensor: TensorId) -> String {
        self.read_names.get(&tensor).cloned().unwrap_or_else(|| self.graph.name(tensor).to_owned())
    }

    fn is_made_by_clip(&self, tensor: TensorId) -> bool {
        matches!(self.graph.tensors[tensor].source, Source::Node(node) if self.graph.nodes[node].op == "Clip")
    }

    fn plain_node(&mut self, id: usize) {
        let node = {
            let read = |tensor| self.read_name(tensor);
            let write = |tensor: TensorId| self.graph.name(tensor).to_owned();
            self.graph.emit_node(id, &Naming { read: &read, write: &write, operand: &|_| None })
        };
        self.nodes.push(node);
    }

    fn layer(&mut self, layer: LayerId) -> Result<()> {
        let row = &self.graph.layers[layer];
        let mut own_reads = BTreeMap::new();
        for (&(_, tensor), quantizer) in self.plan.reads.range((layer, 0)..(layer + 1, 0)) {
            let from = self.read_name(tensor);
            let base = format!("{}_{}", self.graph.name(tensor), row.name);
            let output = self.names.fresh(&format!("{base}{DEQUANTIZED}"));
            let pushed_on = is_pushed_on(self.graph, self.plan, tensor, Some(layer));
            let after_clip = self.is_made_by_clip(tensor);
            let place = Pair { base, from, output: output.clone(), on_grid: false, pushed_on, after_clip };
            self.pair(&place, quantizer)?;
            own_reads.insert(tensor, output);
        }
        let mut operands = BTreeMap::new();
        for operand in &self.plan.weights[layer].operands {
            operands.insert(operand.position, self.constant(operand, &row.name)?);
        }
        let mut pairs = Vec::new();
        let mut written = BTreeMap::new();
        for &tensor in &row.outputs {
            if let Some(quantizer) = self.plan.tensors[tensor] {
                let name = self.graph.name(tensor).to_owned();
                let keeps = self.keeps_name.contains(&tensor);
                let (from, output) = if keeps {
                    (self.names.fresh(&format!("{name}{QUANTIZER_INPUT}")), name.clone())
                } else {
                    (name.clone(), self.names.fresh(&format!("{name}{DEQUANTIZED}")))
                };
                written.insert(tensor, from.clone());
                let on_grid = is_on_grid(self.graph, self.plan, layer, tensor);
                let pushed_on = is_pushed_on(self.graph, self.plan, tensor, None);
                let after_clip = self.is_made_by_clip(tensor);
                pairs.push((tensor, Pair { base: name, from, output, on_grid, pushed_on, after_clip }, quantizer));
            }
        }
        let emitted = {
            let read = |tensor| own_reads.get(&tensor).cloned().unwrap_or_else(|| self.read_name(tensor));
            let write = |tensor| written.get(&tensor).cloned().unwrap_or_else(|| self.graph.name(tensor).to_owned());
            let operand = |position: usize| operands.get(&position).cloned();
            let naming = Naming { read: &read, write: &write, operand: &operand };
            self.graph.emit_layer(layer, self.plan.formats.layers[layer].folds_batch_norm, &naming)
        };
        self.nodes.extend(emitted);
        for (tensor, place, quantizer) in pairs {
            self.pair(&place, &quantizer)?;
            self.read_names.insert(tensor, place.output);
        }
        Ok(())
    }

    pub(super) fn float_initializer(&mut self, wanted: &str, values: &[f32], is_vector: bool) -> String {
        let name = self.names.fresh(wanted);
        let shape = if is_vector { vec![values.len()] } else { Vec::new() };
        self.initializers.push(tensor_proto(&name, &Tensor::float32(shape, values.to_vec())));
        name
    }

    pub(super) fn integer_initializer(
        &mut self,
        wanted: &str,
        values: &[i32],
        kind: DataType,
        is_vector: bool,
    ) -> Result<String> {
        let name = self.names.fresh(wanted);
        let shape = if is_vector { vec![values.len()] } else { Vec::new() };
        self.initializers.push(integer_tensor(&name, &shape, kind, values)?);
        Ok(name)
    }
}
