//! How the error travels through the layers: what each makes of what it receives, and why the curve falls again.
//!
//! Everything here follows from the sums of a finished pass; nothing runs a model. What takes runs of its own, the split
//! of a layer's error by its source, is measured for the clicked layer alone.

mod flow;
mod notes;

pub use flow::{correlation, flow, nmse};
pub use notes::{FALL_DB, drift_note};

use crate::{
    graph::{Graph, LayerId},
    metrics::ErrorSums,
};

/// The error sums of one layer over the samples of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Totals {
    /// Every quantizer acts.
    pub accumulated: Option<ErrorSums>,
    /// The layer's float function on quantized inputs, against the float run.
    pub inherited: Option<ErrorSums>,
    /// The quantized output against the layer's float function on the same inputs.
    pub introduced: Option<ErrorSums>,
}

/// A tensor that a layer reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Received {
    /// The layer that makes it.
    pub from: LayerId,
    /// The error in it; `None` where there are no sums of it: it is not the first output of its layer.
    pub sums: Option<ErrorSums>,
}

/// The floating-point tensors that `layer` reads from others, in order. Tokens, masks and shapes carry no error.
pub fn received(graph: &Graph, layer: LayerId, totals: &[Totals]) -> Vec<Received> {
    let of = |&tensor: &usize| {
        let from = graph.maker(tensor)?;
        if graph.layers[from].outputs.first() != Some(&tensor) {
            return graph.layers[from].outputs.contains(&tensor).then_some(Received { from, sums: None });
        }
        Some(Received { from, sums: Some(totals.get(from)?.accumulated?) })
    };
    graph.layers[layer].reads.iter().filter_map(of).collect()
}
