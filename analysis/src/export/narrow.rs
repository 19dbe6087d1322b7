//! Where a Clip before a quantizer is needed, and where onnxruntime stumbles over one.
//!
//! The tricky part is not ours. With optimization on, onnxruntime (1.32) pushes a quantizer through operators that only
//! pick values, towards whatever follows that is no quantizer: our Clip. From opset 21 on it writes the integer type
//! into the node that it adds, then turns int8 into uint8 and forgets what it wrote, and refuses the file. So a Clip
//! that changes nothing is left out, and where one is needed the pair in front stands in the domain whose nodes have no
//! such entry.

use crate::{
    graph::{Graph, LayerId, Node, TensorId},
    plan::QuantPlan,
};

/// Operators whose every output value is one of their first input's. Pad is none (its fill), nor are averages and
/// interpolations, which round.
const PICKS: [&str; 13] = [
    "MaxPool",
    "Reshape",
    "Transpose",
    "Squeeze",
    "Unsqueeze",
    "Flatten",
    "Slice",
    "Gather",
    "GatherElements",
    "TopK",
    "Identity",
    "Dropout",
    "Split",
];

/// The node of a layer that does nothing but pick values of its first input.
fn picking_node(graph: &Graph, layer: LayerId) -> Option<&Node> {
    let &[node] = graph.layers[layer].nodes.as_slice() else { return None };
    let node = &graph.nodes[node];
    (node.domain.is_empty() && PICKS.contains(&node.op.as_str())).then_some(node)
}

/// Whether `tensor`, an output of `layer`, lies on its quantizer's grid before it passes the quantizer, so that a Clip
/// would change nothing.
pub(super) fn is_on_grid(graph: &Graph, plan: &QuantPlan, layer: LayerId, tensor: TensorId) -> bool {
    let first = picking_node(graph, layer).and_then(|node| node.inputs.first().copied().flatten());
    let read = first.and_then(|t| plan.as_read_by(layer, t));
    let own = plan.tensors.get(tensor).and_then(Option::as_ref);
    matches!((read, own), (Some(read), Some(own)) if read.quantizer == own.quantizer)
}

/// Whether onnxruntime would push a quantizer of `tensor` through one of its readers: `reader` alone where the
/// quantizer is that layer's own, else all that have none of their own.
pub(super) fn is_pushed_on(graph: &Graph, plan: &QuantPlan, tensor: TensorId, reader: Option<LayerId>) -> bool {
    let consumers = graph.tensors[tensor].consumers.iter().filter_map(|&node| graph.layer_of(node));
    let mut readers = consumers.filter(|layer| match reader {
        Some(reader) => *layer == reader,
        None => !plan.reads.contains_key(&(*layer, tensor)),
    });
    readers.any(|layer| {
        let picks = picking_node(graph, layer).is_some_and(|node| node.inputs.first() == Some(&Some(tensor)));
        let ends_in_no_quantizer = |output: &TensorId| match plan.tensors[*output] {
            // A small float's casts and divisions are no quantizer to onnxruntime.
            Some(own) if own.quantizer.integer().is_none() => true,
            Some(own) => own.quantizer.is_narrower_than_container() && !is_on_grid(graph, plan, layer, *output),
            None => true,
        };
        picks && graph.layers[layer].outputs.iter().any(ends_in_no_quantizer)
    })
}
