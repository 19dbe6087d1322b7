//! What the nodes of a layer say: attributes of the computing node and bounds of a fused activation.

use crate::{
    graph::{Graph, LayerId, NodeId},
    integer::{AutoPad, ConvSettings},
    onnx::proto::AttributeProto,
};

fn attribute<'a>(graph: &'a Graph, node: NodeId, name: &str) -> Option<&'a AttributeProto> {
    graph.proto(node).attribute.iter().find(|a| a.name.as_deref() == Some(name))
}

/// An integer attribute that is not negative.
fn lengths(graph: &Graph, node: NodeId, name: &str) -> Vec<usize> {
    let values = attribute(graph, node, name).map(|a| a.ints.as_slice()).unwrap_or_default();
    // A negative stride is refused by onnxruntime; 0 is refused by the geometry.
    values.iter().map(|&v| usize::try_from(v).unwrap_or(0)).collect()
}

/// Whether an attribute is 1.
pub(super) fn flag(graph: &Graph, node: NodeId, name: &str) -> bool {
    attribute(graph, node, name).and_then(|a| a.i) == Some(1)
}

/// A float attribute, 1 where absent.
pub(super) fn factor(graph: &Graph, node: NodeId, name: &str) -> f32 {
    attribute(graph, node, name).and_then(|a| a.f).unwrap_or(1.0)
}

/// The attributes of a Conv.
pub(super) fn conv(graph: &Graph, node: NodeId) -> ConvSettings {
    let auto_pad = match attribute(graph, node, "auto_pad").and_then(|a| a.s.as_deref()) {
        Some(b"SAME_UPPER") => AutoPad::SameUpper,
        Some(b"SAME_LOWER") => AutoPad::SameLower,
        Some(b"VALID") => AutoPad::Valid,
        _ => AutoPad::NotSet,
    };
    let groups = attribute(graph, node, "group").and_then(|a| a.i).and_then(|g| usize::try_from(g).ok());
    ConvSettings {
        strides: lengths(graph, node, "strides"),
        dilations: lengths(graph, node, "dilations"),
        pads: attribute(graph, node, "pads").map(|a| a.ints.clone()).unwrap_or_default(),
        auto_pad,
        groups: groups.unwrap_or(1),
    }
}

/// The bounds of the layer's fused activation: `(−∞, ∞)` where there is none.
pub(super) fn activation_bounds(graph: &Graph, layer: LayerId) -> (f32, f32) {
    let Some(node) = graph.layers[layer].activation else { return (f32::NEG_INFINITY, f32::INFINITY) };
    if graph.nodes[node].op == "Relu" {
        return (0.0, f32::INFINITY);
    }
    let bound = |position: usize, name: &str| {
        let constant = graph.nodes[node].inputs.get(position).copied().flatten();
        let values = constant.and_then(|t| graph.constants.float_values(t));
        // Before opset 11 a Clip's bounds are attributes.
        values.and_then(|v| v.first().copied()).or_else(|| attribute(graph, node, name).and_then(|a| a.f))
    };
    (bound(1, "min").unwrap_or(f32::NEG_INFINITY), bound(2, "max").unwrap_or(f32::INFINITY))
}
