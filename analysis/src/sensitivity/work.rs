//! How much work each segment is, roughly: where to put checkpoints follows from it, and no value does.

use crate::{graph::Graph, graph::Segment, graph::TensorId};

/// One multiply-accumulate is counted as one, one element written as this many.
const PER_ELEMENT: u64 = 8;

/// By segment; `shapes` are those of a sample, `macs` the multiply-accumulates by layer.
pub(crate) fn segment_work(graph: &Graph, shapes: &[Option<Vec<usize>>], macs: &[u64]) -> Vec<u64> {
    let elements = |tensor: &TensorId| -> u64 {
        shapes.get(*tensor).cloned().flatten().map_or(0, |dims| dims.iter().product::<usize>() as u64)
    };
    let work = |segment: &Segment| {
        let products: u64 = segment.layers.iter().map(|&l| macs[l]).sum();
        let written: u64 = segment.outputs.iter().map(elements).sum();
        1 + products + PER_ELEMENT * written
    };
    graph.segments.iter().map(work).collect()
}
