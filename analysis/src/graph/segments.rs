//! What onnxruntime runs in one piece. The graph is cut at every tensor that may carry a quantizer, so that a change of
//! settings never changes the cuts, and around every layer with weights, so that its weights can change alone and so
//! that one layer's error can be told from another's.
//!
//! Cutting elsewhere would be just as exact (unoptimized, cut and uncut agree in every bit); merging would not: two
//! layers in one session share one prepacking switch, and a float layer needs it on, a quantized one off.

use std::collections::BTreeSet;

use super::{Graph, LayerId, NodeId, TensorId};

/// A piece of the graph with its own onnxruntime session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Nodes in topological order; no constants.
    pub nodes: Vec<NodeId>,
    /// Layers whose nodes are here, ascending.
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
    segments.into_iter().map(|units| finish(graph, units)).collect()
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
            rows.contains(&t) || info.is_output || info.consumers.iter().any(|c| !inside.contains(c))
        })
        .collect();
    Segment {
        inputs: outside_reads(graph, &nodes).into_iter().collect(),
        weighted: units.iter().filter(|u| u.is_weighted).find_map(|u| u.layer),
        outputs,
        nodes,
        layers,
    }
}
