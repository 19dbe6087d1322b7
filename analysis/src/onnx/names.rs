//! Names for what is added to a model, none of which the file uses already.

use std::collections::BTreeSet;

use super::{proto::GraphProto, visit_graphs};

/// Names in use.
#[derive(Debug, Default)]
pub(crate) struct Names(BTreeSet<String>);

impl Names {
    /// Every tensor and node name of `graph`, subgraphs included.
    pub(crate) fn of(graph: &GraphProto) -> Self {
        let mut used = BTreeSet::new();
        visit_graphs(graph, &mut |graph| {
            used.extend(graph.initializer.iter().filter_map(|t| t.name.clone()));
            used.extend(graph.input.iter().chain(&graph.output).filter_map(|v| v.name.clone()));
            for node in &graph.node {
                used.extend(node.input.iter().chain(&node.output).cloned());
                used.extend(node.name.clone());
            }
        });
        Self(used)
    }

    /// `wanted`, or the first of `wanted_2`, `wanted_3`, … that is free; it is taken from now on.
    pub(crate) fn fresh(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        let mut number = 2;
        while !self.0.insert(name.clone()) {
            name = format!("{wanted}_{number}");
            number += 1;
        }
        name
    }
}
