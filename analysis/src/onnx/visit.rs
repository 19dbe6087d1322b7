//! Walks over the parts of a model that may stand anywhere in it: graphs inside nodes, and tensors.
//!
//! Tensors hide in six places (initializers, sparse initializers, attributes of nodes, of nodes in subgraphs, of
//! functions and their defaults, training graphs); whoever looks for all of them comes here.

use std::collections::BTreeSet;

use super::proto::{AttributeProto, GraphProto, ModelProto, NodeProto, SparseTensorProto, TensorProto};

/// The graphs in a node's attributes (the branches of `If`, the body of `Loop` and `Scan`), in the order written.
pub fn subgraphs(node: &NodeProto) -> impl Iterator<Item = &GraphProto> {
    node.attribute.iter().flat_map(attribute_graphs)
}

fn attribute_graphs(attribute: &AttributeProto) -> impl Iterator<Item = &GraphProto> {
    attribute.g.as_deref().into_iter().chain(&attribute.graphs)
}

/// Calls `visit` with `graph` and every graph inside it, a graph before those in its nodes.
pub fn visit_graphs<'a>(graph: &'a GraphProto, visit: &mut dyn FnMut(&'a GraphProto)) {
    visit(graph);
    for inner in graph.node.iter().flat_map(subgraphs) {
        visit_graphs(inner, visit);
    }
}

/// Calls `visit` with every node of the model: of the graph, its subgraphs, and the functions.
pub fn visit_nodes<'a>(model: &'a ModelProto, visit: &mut dyn FnMut(&'a NodeProto)) {
    if let Some(graph) = &model.graph {
        visit_graphs(graph, &mut |graph| graph.node.iter().for_each(&mut *visit));
    }
    for node in model.functions.iter().flat_map(|function| &function.node) {
        visit(node);
        for inner in subgraphs(node) {
            visit_graphs(inner, &mut |graph| graph.node.iter().for_each(&mut *visit));
        }
    }
}

/// The names that a node's subgraphs take from the scope around the node. The node reads them as surely as its
/// inputs: a pass that renames or removes tensors must look here too. Names are visible inside from everywhere in the
/// graph that defines them (ONNX forbids to shadow them), so the order of nodes does not matter.
pub fn outer_references(node: &NodeProto) -> BTreeSet<String> {
    subgraphs(node).flat_map(free_names).map(str::to_owned).collect()
}

/// Names used in `graph`, or in graphs inside it, that it does not define.
fn free_names(graph: &GraphProto) -> BTreeSet<&str> {
    let mut names: BTreeSet<&str> = graph.output.iter().map(|value| value.name()).collect();
    for node in &graph.node {
        names.extend(node.input.iter().map(String::as_str));
        names.extend(subgraphs(node).flat_map(free_names));
    }
    names.remove("");
    for defined in defined_names(graph) {
        names.remove(defined);
    }
    names
}

/// Names that `graph` defines: its inputs, constants, and what its nodes make.
fn defined_names(graph: &GraphProto) -> impl Iterator<Item = &str> {
    let sparse = graph.sparse_initializer.iter().filter_map(|sparse| sparse.values.as_ref());
    let constants = graph.initializer.iter().chain(sparse).map(|tensor| tensor.name());
    let made = graph.node.iter().flat_map(|node| &node.output).map(String::as_str);
    graph.input.iter().map(|value| value.name()).chain(constants).chain(made)
}

/// Whether `test` holds for any tensor of the model, without the copy that changing one needs.
pub(super) fn any_tensor(model: &ModelProto, test: fn(&TensorProto) -> bool) -> bool {
    let trained = model.training_info.iter().flat_map(|t| t.initialization.iter().chain(&t.algorithm));
    let mut attributes = model.functions.iter().flat_map(|function| {
        function.attribute_proto.iter().chain(function.node.iter().flat_map(|node| &node.attribute))
    });
    model.graph.iter().chain(trained).any(|graph| graph_has(graph, test)) || attributes.any(|a| attribute_has(a, test))
}

fn graph_has(graph: &GraphProto, test: fn(&TensorProto) -> bool) -> bool {
    graph.initializer.iter().any(test)
        || graph.sparse_initializer.iter().any(|sparse| sparse_has(sparse, test))
        || graph.node.iter().flat_map(|node| &node.attribute).any(|attribute| attribute_has(attribute, test))
}

fn attribute_has(attribute: &AttributeProto, test: fn(&TensorProto) -> bool) -> bool {
    attribute.t.as_deref().into_iter().chain(&attribute.tensors).any(test)
        || attribute.sparse_tensor.as_deref().into_iter().chain(&attribute.sparse_tensors).any(|s| sparse_has(s, test))
        || attribute_graphs(attribute).any(|graph| graph_has(graph, test))
}

fn sparse_has(sparse: &SparseTensorProto, test: fn(&TensorProto) -> bool) -> bool {
    sparse.values.iter().chain(&sparse.indices).any(test)
}

/// How [`visit_tensors_mut`] says that a tensor is a graph's named constant.
pub(super) const INITIALIZER: &str = "initializer";

/// Calls `visit` with every tensor of the model and a phrase that says where it is, until `visit` fails.
///
/// # Errors
/// The first error of `visit`.
pub(super) fn visit_tensors_mut<E>(
    model: &mut ModelProto,
    visit: &mut dyn FnMut(&str, &mut TensorProto) -> Result<(), E>,
) -> Result<(), E> {
    if let Some(graph) = &mut model.graph {
        graph_tensors(graph, visit)?;
    }
    for function in &mut model.functions {
        node_tensors(&mut function.node, visit)?;
        let place = format!("function `{}`", function.name());
        attribute_tensors(&mut function.attribute_proto, &place, visit)?;
    }
    for training in &mut model.training_info {
        for graph in training.initialization.iter_mut().chain(&mut training.algorithm) {
            graph_tensors(graph, visit)?;
        }
    }
    Ok(())
}

fn graph_tensors<E>(
    graph: &mut GraphProto,
    visit: &mut dyn FnMut(&str, &mut TensorProto) -> Result<(), E>,
) -> Result<(), E> {
    for tensor in &mut graph.initializer {
        visit(INITIALIZER, tensor)?;
    }
    for sparse in &mut graph.sparse_initializer {
        sparse_tensors(sparse, "sparse initializer", visit)?;
    }
    node_tensors(&mut graph.node, visit)
}

fn node_tensors<E>(
    nodes: &mut [NodeProto],
    visit: &mut dyn FnMut(&str, &mut TensorProto) -> Result<(), E>,
) -> Result<(), E> {
    for node in nodes.iter_mut().filter(|node| !node.attribute.is_empty()) {
        let place = format!("{} node `{}`", node.op_type(), node_label(node));
        attribute_tensors(&mut node.attribute, &place, visit)?;
    }
    Ok(())
}

fn attribute_tensors<E>(
    attributes: &mut [AttributeProto],
    place: &str,
    visit: &mut dyn FnMut(&str, &mut TensorProto) -> Result<(), E>,
) -> Result<(), E> {
    for attribute in attributes {
        for tensor in attribute.t.as_deref_mut().into_iter().chain(&mut attribute.tensors) {
            visit(place, tensor)?;
        }
        for sparse in attribute.sparse_tensor.as_deref_mut().into_iter().chain(&mut attribute.sparse_tensors) {
            sparse_tensors(sparse, place, visit)?;
        }
        for graph in attribute.g.as_deref_mut().into_iter().chain(&mut attribute.graphs) {
            graph_tensors(graph, visit)?;
        }
    }
    Ok(())
}

fn sparse_tensors<E>(
    sparse: &mut SparseTensorProto,
    place: &str,
    visit: &mut dyn FnMut(&str, &mut TensorProto) -> Result<(), E>,
) -> Result<(), E> {
    sparse.values.iter_mut().chain(&mut sparse.indices).try_for_each(|tensor| visit(place, tensor))
}

/// What to call a node in a message: its name, or the first thing it makes.
fn node_label(node: &NodeProto) -> &str {
    match node.name() {
        "" => node.output.first().map_or("", String::as_str),
        name => name,
    }
}

#[cfg(test)]
mod tests;
