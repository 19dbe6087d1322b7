//! Names in an exported model: onnxruntime's own suffixes, so that its debugging tools recognise the pairs, and never a
//! name that the file already uses.

use std::collections::BTreeSet;

use crate::onnx::{
    proto::{GraphProto, ModelProto},
    visit_graphs,
};

/// Suffix of a quantizer's output.
pub(super) const QUANTIZED: &str = "_QuantizeLinear_Output";
/// Suffix of what a quantizer reads, where the tensor's own name must stay with the dequantized value.
pub(super) const QUANTIZER_INPUT: &str = "_QuantizeLinear_Input";
/// Suffix of a dequantizer's output.
pub(super) const DEQUANTIZED: &str = "_DequantizeLinear_Output";

/// Names in use.
#[derive(Debug)]
pub(super) struct Names(BTreeSet<String>);

impl Names {
    /// Every tensor and node name of `model`, subgraphs included.
    pub(super) fn of(model: &ModelProto) -> Self {
        let mut used = BTreeSet::new();
        if let Some(graph) = &model.graph {
            collect(graph, &mut used);
        }
        Self(used)
    }

    /// Every name of `graph` alone, for a pass that makes few names.
    pub(super) fn taken(graph: &GraphProto) -> BTreeSet<String> {
        let mut used = BTreeSet::new();
        collect(graph, &mut used);
        used
    }

    /// `wanted`, or the first of `wanted_2`, `wanted_3`, … that is free; it is taken from now on.
    pub(super) fn fresh(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        let mut number = 2;
        while !self.0.insert(name.clone()) {
            name = format!("{wanted}_{number}");
            number += 1;
        }
        name
    }
}

/// Every tensor and node name in `graph` and its subgraphs.
fn collect(graph: &GraphProto, used: &mut BTreeSet<String>) {
    visit_graphs(graph, &mut |graph| {
        used.extend(graph.initializer.iter().filter_map(|t| t.name.clone()));
        used.extend(graph.input.iter().chain(&graph.output).filter_map(|v| v.name.clone()));
        for node in &graph.node {
            used.extend(node.input.iter().chain(&node.output).cloned());
            used.extend(node.name.clone());
        }
    });
}
