//! A segment's sessions: the ONNX model of the segment, built for the float run or for a plan, and run on values.
//!
//! The two differ only in a weighted layer: its constants are the file's own, or the bits that DequantizeLinear would
//! make of the plan's integers, and its batch norm is folded or not. A segment without weights has one session for both.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    kernel::{OwnKernel, Proven},
    late::LateSession,
    run::Shapes,
    session::{Runtime, SessionKind},
    watch::{Look, watch},
};
use crate::{
    error::{Error, Result},
    graph::{Graph, LayerId, Naming, Segment, Source, TensorId},
    job::CancelToken,
    onnx::{
        float_proto,
        proto::{GraphProto, ModelProto, TensorProto, TensorType, TypeProto, TypeValue, ValueInfoProto},
    },
    plan::{LayerWeights, QuantPlan},
    say,
    text::Text,
};

/// One input of a segment's session: the tensor, and the layer that reads it in a format of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Feed {
    pub(super) name: String,
    pub(super) tensor: TensorId,
    pub(super) reader: Option<LayerId>,
}

/// A session with what it is fed.
#[derive(Debug)]
pub(super) struct Variant {
    pub(super) session: LateSession,
    pub(super) feeds: Vec<Feed>,
    pub(super) shapes: Shapes,
    /// What may compute the segment in the session's place.
    pub(super) kernel: Option<OwnKernel>,
}

/// The sessions of one segment, built when first needed.
#[derive(Debug, Default)]
pub(super) struct SegmentSessions {
    float: Option<Variant>,
    /// For quantized weights or own read formats.
    planned: Option<Planned>,
}

/// A session for a plan, and what it was built for.
#[derive(Debug)]
struct Planned {
    weights: Arc<LayerWeights>,
    folds: bool,
    reads: Reads,
    variant: Variant,
}

/// Tensors that layers read in formats of their own.
pub(super) type Reads = BTreeSet<(LayerId, TensorId)>;

impl SegmentSessions {
    /// Builds what is missing: the session of the float model's own nodes, and the one that `plan` asks for.
    pub(super) fn prepare(
        &mut self,
        runtime: &Runtime,
        graph: &Arc<Graph>,
        segment: &Segment,
        plan: Option<&QuantPlan>,
        cancel: &CancelToken,
    ) -> Result<()> {
        if self.float.is_none() {
            self.float = Some(build(runtime, Recipe::new(graph, segment, None, Reads::new()), cancel)?);
        }
        let Some(plan) = plan.filter(|plan| is_changed_inside(segment, plan)) else { return Ok(()) };
        let none = Arc::new(LayerWeights { operands: Vec::new(), warnings: Vec::new() });
        let weights = segment.weighted.map_or(none, |l| Arc::clone(&plan.weights[l]));
        let reads: Reads = plan.reads.keys().filter(|(l, _)| segment.layers.contains(l)).copied().collect();
        let folds = segment.weighted.is_some_and(|l| plan.formats.layers[l].folds_batch_norm);
        let holds = self.planned.as_ref().is_some_and(|p| {
            (Arc::ptr_eq(&p.weights, &weights) || p.weights == weights) && p.folds == folds && p.reads == reads
        });
        if !holds {
            let inside = (!weights.operands.is_empty()).then(|| (Arc::clone(&weights), folds));
            // The old one goes first: two at a time are one too many for the memory.
            self.planned = None;
            let variant = build(runtime, Recipe::new(graph, segment, inside, reads.clone()), cancel)?;
            self.planned = Some(Planned { weights, folds, reads, variant });
        }
        Ok(())
    }

    /// The session of the float model's own nodes.
    pub(super) fn float(&self) -> Result<&Variant> {
        self.float.as_ref().ok_or_else(unprepared)
    }

    /// The session that the plan asks for; the float one where the plan changes nothing inside the segment.
    pub(super) fn planned(&self, segment: &Segment, plan: &QuantPlan) -> Result<&Variant> {
        if is_changed_inside(segment, plan) {
            self.planned.as_ref().map(|p| &p.variant).ok_or_else(unprepared)
        } else {
            self.float()
        }
    }
}

impl SegmentSessions {
    /// What was built.
    pub(super) fn variants(&self) -> impl Iterator<Item = &Variant> {
        self.float.iter().chain(self.planned.as_ref().map(|planned| &planned.variant))
    }

    /// What is known of the loops of ours that stand for nodes here.
    pub(super) fn proofs(&self) -> impl Iterator<Item = &Arc<Proven>> {
        self.variants().filter_map(|variant| variant.kernel.as_ref()).map(OwnKernel::proof)
    }
}

pub(super) fn unprepared() -> Error {
    Error::model("a session is missing")
}

/// Whether the plan's session of this segment is not the float one.
pub(super) fn is_changed_inside(segment: &Segment, plan: &QuantPlan) -> bool {
    segment.weighted.is_some_and(|l| !plan.weights[l].operands.is_empty())
        || plan.reads.keys().any(|(l, _)| segment.layers.contains(l))
}

/// A name that no file uses for a replaced constant.
fn operand_name(position: usize) -> String {
    format!("\u{1}operand{position}")
}

fn read_name(graph: &Graph, tensor: TensorId, reader: LayerId) -> String {
    format!("\u{1}read{reader}:{}", graph.name(tensor))
}

/// What the session of a segment is built of.
#[derive(Debug)]
pub(super) struct Recipe {
    graph: Arc<Graph>,
    segment: Segment,
    /// Quantized constants and whether the batch norm is folded into them; `None` for the file's own.
    weights: Option<(Arc<LayerWeights>, bool)>,
    reads: Reads,
}

impl Recipe {
    pub(super) fn new(
        graph: &Arc<Graph>,
        segment: &Segment,
        weights: Option<(Arc<LayerWeights>, bool)>,
        reads: Reads,
    ) -> Self {
        Self { graph: Arc::clone(graph), segment: segment.clone(), weights, reads }
    }

    /// The segment as a model of its own, and its inputs.
    pub(super) fn model(&self, runtime: &Runtime) -> Result<(ModelProto, Vec<Feed>)> {
        let weights = self.weights.as_ref().map(|(weights, folds)| (weights.as_ref(), *folds));
        segment_model(runtime, &self.graph, &self.segment, weights, &self.reads)
    }

    pub(super) fn kind(&self) -> SessionKind {
        if self.weights.is_some() || !weight_is_stored_constant(&self.graph, &self.segment) {
            SessionKind::Dequantized
        } else {
            SessionKind::Float
        }
    }

    /// How errors name it.
    pub(super) fn place(&self) -> Text {
        segment_place(&self.graph, &self.segment)
    }
}

/// A segment ready to run: by a kernel of ours, or by onnxruntime.
pub(super) fn build(runtime: &Runtime, recipe: Recipe, cancel: &CancelToken) -> Result<Variant> {
    let (model, feeds) = recipe.model(runtime)?;
    let (kind, shapes) = (recipe.kind(), Shapes::default());
    let kernel = OwnKernel::of(runtime, &model, kind);
    let session = if kernel.is_some() {
        LateSession::later(runtime, recipe)
    } else {
        LateSession::now(runtime.lending_session(&model, kind, &recipe.place(), cancel)?)
    };
    Ok(Variant { session, feeds, shapes, kernel })
}

/// How errors name the segment: its layers, or its first node.
fn segment_place(graph: &Graph, segment: &Segment) -> Text {
    let names: Vec<&str> = segment.layers.iter().map(|&l| graph.layers[l].name.as_str()).take(3).collect();
    match (names.as_slice(), segment.nodes.first()) {
        ([], Some(&node)) => say!("node `{}`", graph.proto(node).name.as_deref().unwrap_or(&graph.nodes[node].op)),
        ([], None) => "an empty segment".into(),
        ([one], _) => say!("layer `{}`", one),
        (several, _) => say!("layers `{}`…", several.join("`, `")),
    }
}

/// onnxruntime prepacks a float weight only where the file itself holds it as a constant: not one that a node computes,
/// and not one that is listed among the inputs and could be overridden.
fn weight_is_stored_constant(graph: &Graph, segment: &Segment) -> bool {
    let Some(layer) = segment.weighted else { return true };
    graph.layers[layer].weights().all(|operand| match graph.tensors[operand.tensor].source {
        Source::Initializer { overridable } => !overridable,
        // onnxruntime turns Constant nodes into initializers when it loads a graph.
        Source::Node(node) => graph.nodes[node].op == "Constant",
        Source::Input => false,
    })
}

/// The segment as a model of its own.
pub(super) fn segment_model(
    runtime: &Runtime,
    graph: &Graph,
    segment: &Segment,
    weights: Option<(&LayerWeights, bool)>,
    reads: &Reads,
) -> Result<(ModelProto, Vec<Feed>)> {
    let operand = |position: usize| {
        let (weights, _) = weights?;
        weights.operands.iter().any(|o| o.position == position).then(|| operand_name(position))
    };
    let write = |tensor: TensorId| graph.name(tensor).to_owned();
    let mut nodes = Vec::new();
    let mut done = BTreeSet::new();
    for &id in segment.nodes.iter() {
        let layer = graph.layer_of(id);
        let read = |tensor: TensorId| match layer {
            Some(l) if reads.contains(&(l, tensor)) => read_name(graph, tensor, l),
            _ => write(tensor),
        };
        let is_weighted = layer.is_some() && layer == segment.weighted;
        let nothing = |_: usize| None;
        let naming = Naming { read: &read, write: &write, operand: if is_weighted { &operand } else { &nothing } };
        match layer {
            Some(layer) => {
                if done.insert(layer) {
                    nodes.extend(graph.emit_layer(
                        layer,
                        is_weighted && weights.is_some_and(|(_, folds)| folds),
                        &naming,
                    ));
                }
            }
            None => nodes.push(graph.emit_node(id, &naming)),
        }
    }
    let feeds = feeds(graph, segment, reads);
    let inputs = feeds.iter().map(|feed| value_info(graph, &feed.name, feed.tensor)).collect::<Result<_>>()?;
    let mut initializer = stored_constants(graph, segment, &nodes)?;
    if let Some((weights, _)) = weights {
        initializer.extend(weights.operands.iter().map(|o| {
            let values = runtime.constant(o.float.len(), |out| o.dequantize(out));
            float_proto(&operand_name(o.position), &o.shape, &values)
        }));
    }
    let mut proto =
        GraphProto { name: Some("segment".into()), node: nodes, input: inputs, initializer, ..GraphProto::default() };
    let is_here = |node| segment.nodes.contains(&node);
    let looks = segment.outputs.iter().map(|&tensor| {
        let look = Look::at(graph, tensor, &is_here, &|output| Some(write(output)));
        (write(tensor), look)
    });
    watch(&mut proto, looks);
    let model = ModelProto {
        // Before version 4 every initializer had to be an input too; a segment's are plain constants.
        ir_version: graph.model.ir_version.map(|v| v.max(4)),
        opset_import: graph.model.opset_import.clone(),
        functions: graph.model.functions.clone(),
        graph: Some(proto),
        ..ModelProto::default()
    };
    Ok((model, feeds))
}

fn feeds(graph: &Graph, segment: &Segment, reads: &Reads) -> Vec<Feed> {
    let mut feeds: Vec<Feed> = reads
        .iter()
        .map(|&(layer, tensor)| Feed { name: read_name(graph, tensor, layer), tensor, reader: Some(layer) })
        .collect();
    for &tensor in &segment.inputs {
        // Left out where every reader in the segment has a format of its own: an unused input is refused by nobody,
        // but would be copied for nothing.
        let plain = segment.nodes.iter().any(|&n| {
            let own = graph.layer_of(n).is_some_and(|l| reads.contains(&(l, tensor)));
            !own && graph.nodes[n].reads().any(|t| t == tensor)
        });
        if plain {
            feeds.push(Feed { name: graph.name(tensor).to_owned(), tensor, reader: None });
        }
    }
    feeds
}

fn value_info(graph: &Graph, name: &str, tensor: TensorId) -> Result<ValueInfoProto> {
    let element = graph.tensors[tensor].element_type.ok_or_else(|| {
        Error::model(say!(
            "tensor `{}` is a sequence or of a type this program cannot hold between two layers",
            graph.name(tensor)
        ))
    })?;
    let tensor_type = TensorType { elem_type: Some(element.onnx_code()), shape: None };
    let value_type = TypeProto { value: Some(TypeValue::TensorType(tensor_type)), denotation: None };
    Ok(ValueInfoProto { name: Some(name.to_owned()), r#type: Some(value_type), ..ValueInfoProto::default() })
}

/// The constants that the emitted nodes still read under their own names.
fn stored_constants(
    graph: &Graph,
    segment: &Segment,
    nodes: &[crate::onnx::proto::NodeProto],
) -> Result<Vec<TensorProto>> {
    let by_input: BTreeSet<&str> = nodes.iter().flat_map(|n| n.input.iter().map(String::as_str)).collect();
    let captured = segment.nodes.iter().flat_map(|&n| graph.nodes[n].captured.iter().copied());
    let named = by_input.iter().filter_map(|name| graph.by_name.get(*name).copied());
    let wanted: BTreeSet<TensorId> = named.chain(captured).filter(|&t| graph.tensors[t].is_constant).collect();
    let mut constants = Vec::with_capacity(wanted.len());
    for tensor in wanted {
        let proto = graph.constants.get(tensor).ok_or_else(|| {
            Error::model(say!("constant `{}` is sparse or of a type that cannot be read", graph.name(tensor)))
        })?;
        constants.push(TensorProto {
            name: Some(graph.name(tensor).to_owned()),
            external_data: Vec::new(),
            data_location: None,
            ..TensorProto::clone(proto)
        });
    }
    Ok(constants)
}
