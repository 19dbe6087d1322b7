//! What the table can show before there is any data.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    graph::{Graph, LayerId, TensorId},
    job::Warning,
    onnx::Loaded,
    plan::{ScaleAxes, activation_fixed, format_owner, range_fixed, weight_fixed},
    report::{LayerInfo, ModelInfo, TargetInfo},
    tensor::{Dim, ElementType, ModelInput},
};

pub(super) fn describe(loaded: &Loaded, graph: &Graph, warnings: Vec<Warning>) -> ModelInfo {
    let model = &loaded.model;
    let mut operators: BTreeMap<&str, usize> = BTreeMap::new();
    for node in &graph.nodes {
        *operators.entry(node.op.as_str()).or_default() += 1;
    }
    let mut operators: Vec<(String, usize)> = operators.into_iter().map(|(op, n)| (op.to_owned(), n)).collect();
    operators.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let producer = [&model.producer_name, &model.producer_version].map(|p| p.clone().unwrap_or_default());
    ModelInfo {
        path: loaded.path.clone(),
        sha256: loaded.sha256.clone(),
        file_bytes: loaded.bytes,
        opsets: model
            .opset_import
            .iter()
            .map(|o| (o.domain.clone().unwrap_or_default(), o.version.unwrap_or(0)))
            .collect(),
        ir_version: model.ir_version.unwrap_or(0),
        producer: producer.join(" ").trim().to_owned(),
        inputs: graph.inputs.iter().map(|&t| declared_input(graph, t)).collect(),
        outputs: graph.outputs.iter().map(|&t| graph.name(t).to_owned()).collect(),
        nodes: graph.nodes.len(),
        operators,
        parameters: parameters(graph, graph.constants.iter().map(|(&t, _)| t)),
        target: target(graph, &graph.target.name),
        layers: layers(graph),
        warnings,
    }
}

/// An input with its symbolic names, which the inferred types do not keep.
fn declared_input(graph: &Graph, tensor: TensorId) -> ModelInput {
    use crate::onnx::proto::{DimensionValue, TypeValue};
    let name = graph.name(tensor).to_owned();
    let info = graph.model.graph.iter().flat_map(|g| &g.input).find(|i| i.name.as_deref() == Some(&name));
    let declared = info.and_then(|i| i.r#type.as_ref()).and_then(|t| t.value.as_ref());
    let dims = match declared {
        Some(TypeValue::TensorType(declared)) => declared.shape.as_ref().map(|shape| {
            let dim = |d: &crate::onnx::proto::TensorShapeDimension| match &d.value {
                Some(DimensionValue::DimValue(n)) => usize::try_from(*n).map_or(Dim::Unknown, Dim::Fixed),
                Some(DimensionValue::DimParam(p)) => Dim::Symbolic(p.clone()),
                None => Dim::Unknown,
            };
            shape.dim.iter().map(dim).collect()
        }),
        _ => None,
    };
    ModelInput { name, element_type: graph.tensors[tensor].element_type.unwrap_or(ElementType::Float32), dims }
}

/// The same model with the rows that another target makes, which the configuration calls `name`.
pub(super) fn retargeted(info: &ModelInfo, graph: &Graph, name: &str) -> ModelInfo {
    ModelInfo { target: target(graph, name), layers: layers(graph), ..info.clone() }
}

fn target(graph: &Graph, name: &str) -> Arc<TargetInfo> {
    Arc::new(TargetInfo::of(name, &graph.target))
}

/// Floating-point values among these constants that are stored in the file.
fn parameters(graph: &Graph, constants: impl Iterator<Item = TensorId>) -> u64 {
    use ElementType as E;
    let is_float = |t: &TensorId| {
        matches!(graph.tensors[*t].element_type, Some(E::Float32 | E::Float16 | E::BFloat16 | E::Float64))
    };
    constants.filter(is_float).map(|t| elements(graph, t)).sum()
}

fn elements(graph: &Graph, constant: TensorId) -> u64 {
    graph.constants.dims(constant).map_or(0, |dims| crate::tensor::elements(&dims) as u64)
}

/// Constants that the layer's nodes read.
pub(super) fn layer_constants(graph: &Graph, layer: LayerId) -> BTreeSet<TensorId> {
    let nodes = graph.layers[layer].nodes.iter();
    nodes.flat_map(|&n| graph.nodes[n].reads()).filter(|&t| graph.tensors[t].is_constant).collect()
}

fn layers(graph: &Graph) -> Vec<LayerInfo> {
    let mut sharing: BTreeMap<LayerId, Vec<LayerId>> = BTreeMap::new();
    let mut by_weight: BTreeMap<TensorId, Vec<LayerId>> = BTreeMap::new();
    for (id, layer) in graph.layers.iter().enumerate() {
        if activation_fixed(graph, id).is_none() {
            sharing.entry(format_owner(graph, id)).or_default().push(id);
        }
        for operand in layer.weights() {
            by_weight.entry(operand.tensor).or_default().push(id);
        }
    }
    let names = |ids: &[LayerId]| -> Vec<String> {
        if ids.len() < 2 { Vec::new() } else { ids.iter().map(|&l| graph.layers[l].name.clone()).collect() }
    };
    let describe = |(id, layer): (LayerId, &crate::graph::Layer)| {
        let main = layer.weights().max_by_key(|o| elements(graph, o.tensor)).map(|o| o.tensor);
        let fused = layer.nodes.iter().skip(1).map(|&n| {
            let name = graph.proto(n).name.clone().unwrap_or_default();
            if name.is_empty() { graph.nodes[n].op.clone() } else { name }
        });
        let maker = |t: TensorId| graph.maker(t).map_or_else(String::new, |l| graph.layers[l].name.clone());
        LayerInfo {
            index: id,
            name: layer.name.clone(),
            op: layer.op.clone(),
            output: layer.outputs.first().map_or_else(String::new, |&t| graph.name(t).to_owned()),
            fused: fused.collect(),
            inputs: layer.reads.iter().map(|&t| (graph.name(t).to_owned(), maker(t))).collect(),
            through: graph.read_through(id).into_iter().map(|l| graph.layers[l].name.clone()).collect(),
            weight: main.map(|t| (graph.name(t).to_owned(), graph.constants.dims(t).unwrap_or_default())),
            parameters: parameters(graph, layer_constants(graph, id).into_iter()),
            weight_fixed: weight_fixed(graph, id),
            weight_axes: ScaleAxes::of(graph, id),
            activation_fixed: activation_fixed(graph, id),
            range_fixed: range_fixed(graph, id),
            shares_activation_with: sharing.get(&format_owner(graph, id)).map(|ids| names(ids)).unwrap_or_default(),
            shares_weight_with: main.and_then(|t| by_weight.get(&t)).map(|ids| names(ids)).unwrap_or_default(),
        }
    };
    graph.layers.iter().enumerate().map(describe).collect()
}
