//! What onnxruntime runs in one piece. The graph is cut at every tensor that may carry a quantizer, so that a change of
//! settings never changes the cuts, and around every layer with weights, so that its weights can change alone and so
//! that one layer's error can be told from another's.
//!
//! A 16-bit float tensor is rounded only where it is handed from one session to another (see `engine/watch.rs`), which the
//! whole model does nowhere, and a sequence or an optional cannot be handed on at all. So the nodes that make one which
//! another segment reads are run again in that segment.
//!
//! Cutting elsewhere would be just as exact (unoptimized, cut and uncut agree in every bit); merging would not: two
//! layers in one session share one prepacking switch, and a float layer needs it on, a quantized one off.

use std::collections::BTreeSet;

use super::{Graph, LayerId, NodeId, Source, TensorId};

/// A piece of the graph with its own onnxruntime session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Nodes in topological order; no constants. First those of other segments that are run again here.
    pub nodes: Vec<NodeId>,
    /// Layers whose nodes are here, those run again included.
    pub layers: Vec<LayerId>,
    /// The layer with quantizable constants, which is then the only one here.
    pub weighted: Option<LayerId>,
    /// Non-constant tensors made elsewhere.
    pub inputs: Vec<TensorId>,
    /// Tensors that other segments, the rows or the model's outputs need.
    pub outputs: Vec<TensorId>,
}

/// A layer, or a node of shape arithmetic: what cannot be cut.
struct Unit {
    nodes: Vec<NodeId>,
    layer: Option<LayerId>,
    is_weighted: bool,
}

/// The segments of a graph, in an order in which each finds its inputs made.
pub(super) fn cut(graph: &Graph) -> Vec<Segment> {
    let mut segments: Vec<Vec<Unit>> = Vec::new();
    let mut is_closed: Vec<bool> = Vec::new();
    let mut segment_of: Vec<Option<usize>> = vec![None; graph.tensors.len()];
    for unit in units(graph) {
        let reads = outside_reads(graph, &unit.nodes);
        let latest = reads.iter().filter_map(|&t| segment_of[t]).max();
        // A unit may join only the segment it reads from last: then every segment still depends on earlier ones alone.
        let joins = latest.filter(|&s| {
            let from_latest = reads.iter().filter(|&&t| segment_of[t] == Some(s));
            !unit.is_weighted && !is_closed[s] && from_latest.copied().all(|t| !is_cut(graph, t))
        });
        let index = joins.unwrap_or_else(|| {
            segments.push(Vec::new());
            is_closed.push(unit.is_weighted);
            segments.len() - 1
        });
        for &node in &unit.nodes {
            for &output in graph.nodes[node].outputs.iter().flatten() {
                segment_of[output] = Some(index);
            }
        }
        segments[index].push(unit);
    }
    let mut segments: Vec<Segment> = segments.into_iter().map(|units| finish(graph, units)).collect();
    // What is run again elsewhere may read what only its own segment needed so far.
    let needed: BTreeSet<TensorId> = segments.iter().flat_map(|s| s.inputs.iter().copied()).collect();
    for tensor in needed {
        if let Some(index) = segment_of[tensor]
            && !segments[index].outputs.contains(&tensor)
        {
            segments[index].outputs.push(tensor);
        }
    }
    segments
}

/// Whether the engine must be able to change the tensor's value.
fn is_cut(graph: &Graph, tensor: TensorId) -> bool {
    graph.quantizable.place(tensor).is_some()
}

fn units(graph: &Graph) -> Vec<Unit> {
    let mut units = Vec::new();
    let mut done: BTreeSet<NodeId> = BTreeSet::new();
    for (id, node) in graph.nodes.iter().enumerate() {
        if node.is_constant || done.contains(&id) {
            continue;
        }
        let layer = graph.layer_of(id);
        // A layer's later nodes read nothing but its own tensors and constants, so all of it can stand here.
        let nodes = layer.map_or_else(|| vec![id], |l| graph.layers[l].nodes.clone());
        done.extend(&nodes);
        let is_weighted = layer.is_some_and(|l| !graph.layers[l].operands.is_empty());
        units.push(Unit { nodes, layer, is_weighted });
    }
    units
}

fn outside_reads(graph: &Graph, nodes: &[NodeId]) -> BTreeSet<TensorId> {
    let made: BTreeSet<TensorId> =
        nodes.iter().flat_map(|&n| graph.nodes[n].outputs.iter().flatten()).copied().collect();
    let reads = nodes.iter().flat_map(|&n| graph.nodes[n].reads());
    reads.filter(|t| !made.contains(t) && !graph.tensors[*t].is_constant).collect()
}

/// Whether the tensor is a sequence, an optional, or of a type that is not computed with between segments.
fn is_container(graph: &Graph, tensor: TensorId) -> bool {
    graph.tensors[tensor].element_type.is_none()
}

/// Units of other segments that make the 16-bit floats and containers which `nodes` read, and those that they read in turn.
fn repeated(graph: &Graph, nodes: &[NodeId]) -> (Vec<NodeId>, Vec<LayerId>) {
    let mut layers = BTreeSet::new();
    // Ids of nodes are in topological order.
    let mut again: BTreeSet<NodeId> = BTreeSet::new();
    let mut waiting: Vec<TensorId> = outside_reads(graph, nodes).into_iter().collect();
    while let Some(tensor) = waiting.pop() {
        let Source::Node(node) = graph.tensors[tensor].source else { continue };
        let layer = graph.layer_of(node);
        let is_weighted = layer.is_some_and(|l| !graph.layers[l].operands.is_empty());
        if !(graph.is_half(tensor) || is_container(graph, tensor))
            || is_weighted
            || graph.nodes[node].is_random()
            || again.contains(&node)
        {
            continue;
        }
        let unit = layer.map_or_else(|| vec![node], |l| graph.layers[l].nodes.clone());
        waiting.extend(outside_reads(graph, &unit));
        again.extend(unit);
        layers.extend(layer);
    }
    (again.into_iter().collect(), layers.into_iter().collect())
}

fn finish(graph: &Graph, units: Vec<Unit>) -> Segment {
    let nodes: Vec<NodeId> = units.iter().flat_map(|u| u.nodes.iter().copied()).collect();
    let inside: BTreeSet<NodeId> = nodes.iter().copied().collect();
    let layers: Vec<LayerId> = units.iter().filter_map(|u| u.layer).collect();
    let rows: BTreeSet<TensorId> = layers.iter().flat_map(|&l| graph.layers[l].outputs.iter().copied()).collect();
    let outputs = nodes
        .iter()
        .flat_map(|&n| graph.nodes[n].outputs.iter().flatten().copied())
        .filter(|&t| {
            let info = &graph.tensors[t];
            let is_read_elsewhere = || info.consumers.iter().any(|c| !inside.contains(c));
            rows.contains(&t) || info.is_output || !is_container(graph, t) && is_read_elsewhere()
        })
        .collect();
    let (again, repeated_layers) = repeated(graph, &nodes);
    let nodes = [again, nodes].concat();
    Segment {
        inputs: outside_reads(graph, &nodes).into_iter().collect(),
        weighted: units.iter().filter(|u| u.is_weighted).find_map(|u| u.layer),
        outputs,
        nodes,
        layers: [repeated_layers, layers].concat(),
    }
}
