//! Raising a model to opset 19, the first whose QuantizeLinear knows 8-bit floats.
//!
//! From opset 13 on few operators changed their form, and those that can be rewritten are; the others are refused by
//! name. The kernels behind them are the same, which verification of every export confirms bit for bit.

use super::{
    proto::{AttributeProto, ModelProto, NodeProto},
    tensor_proto,
};
use crate::{
    error::{Error, Result},
    tensor::{Tensor, TensorData},
};

/// The opset of 8-bit floats.
pub const FLOAT8: i64 = 19;
/// The oldest that can be raised: Softmax and others mean something else before.
const OLDEST: i64 = 13;
/// Took its axes as an attribute until opset 17, as an input from 18 on.
const REDUCTIONS: [&str; 9] = [
    "ReduceMax",
    "ReduceMean",
    "ReduceMin",
    "ReduceProd",
    "ReduceL1",
    "ReduceL2",
    "ReduceLogSum",
    "ReduceLogSumExp",
    "ReduceSumSquare",
];

/// Raises `model` to [`FLOAT8`] if it is older.
///
/// # Errors
/// [`Error::Model`] that names the node that has no equal there.
pub fn to_float8(model: &mut ModelProto) -> Result<()> {
    let opset = opset(model);
    if opset >= FLOAT8 {
        return Ok(());
    }
    if let Some(why) = obstacle(model) {
        return Err(Error::model(why));
    }
    if let Some(graph) = &mut model.graph {
        let mut made = Vec::new();
        for node in graph.node.iter_mut().filter(|n| is_standard(n)) {
            let op = node.op_type.clone().unwrap_or_default();
            if opset < 18 && REDUCTIONS.contains(&op.as_str()) {
                if let Some(at) = node.attribute.iter().position(|a| a.name.as_deref() == Some("axes")) {
                    let axes = node.attribute.remove(at).ints;
                    let name = format!("{}_axes", node.output.first().map_or("", String::as_str));
                    made.push(tensor_proto(&name, &Tensor { shape: vec![axes.len()], data: TensorData::Int64(axes) }));
                    node.input.push(name);
                }
            } else if opset < 18 && op == "Split" && node.input.get(1).is_none_or(String::is_empty) {
                node.attribute.push(AttributeProto {
                    name: Some("num_outputs".into()),
                    i: i64::try_from(node.output.len()).ok(),
                    r#type: Some(2),
                    ..AttributeProto::default()
                });
            }
        }
        graph.initializer.extend(made);
    }
    for import in &mut model.opset_import {
        if matches!(import.domain.as_deref(), None | Some("" | "ai.onnx")) {
            import.version = Some(FLOAT8);
        }
    }
    // Opset 19 belongs to IR version 9.
    model.ir_version = model.ir_version.map(|v| v.max(9));
    Ok(())
}

/// Why the model cannot have 8-bit floats; `None` if it can.
pub fn obstacle(model: &ModelProto) -> Option<String> {
    let opset = opset(model);
    if opset >= FLOAT8 {
        return None;
    }
    if opset < OLDEST {
        return Some(format!(
            "float8 needs opset {FLOAT8}, the model has {opset}, and this program raises models from opset {OLDEST} on; \
             export the float model again with opset {FLOAT8} or later"
        ));
    }
    let nodes = model.graph.iter().flat_map(|g| &g.node).filter(|n| is_standard(n));
    nodes.into_iter().find_map(|node| {
        let set = |name: &str| node.attribute.iter().any(|a| a.name.as_deref() == Some(name) && a.i == Some(1));
        let why = match node.op_type.as_deref().unwrap_or_default() {
            "AveragePool" if set("ceil_mode") => "its last window is averaged otherwise there",
            "GridSample" => "its modes have other names there",
            _ if node.attribute.iter().any(|a| a.g.is_some() || !a.graphs.is_empty()) => "it has subgraphs",
            _ => return None,
        };
        let name = node.name.as_deref().filter(|n| !n.is_empty()).or(node.output.first().map(String::as_str));
        Some(format!(
            "float8 needs opset {FLOAT8}, the model has {opset}, and node `{}` ({}) cannot be raised: {why}; export the \
             float model again with opset {FLOAT8} or later",
            name.unwrap_or_default(),
            node.op_type.as_deref().unwrap_or_default()
        ))
    })
}

fn opset(model: &ModelProto) -> i64 {
    let own = model.opset_import.iter().find(|o| matches!(o.domain.as_deref(), None | Some("" | "ai.onnx")));
    own.and_then(|o| o.version).unwrap_or(0)
}

fn is_standard(node: &NodeProto) -> bool {
    matches!(node.domain.as_deref(), None | Some("" | "ai.onnx"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::proto::{GraphProto, OperatorSetIdProto};

    fn model(opset: i64, node: NodeProto) -> ModelProto {
        ModelProto {
            ir_version: Some(8),
            opset_import: vec![OperatorSetIdProto { domain: None, version: Some(opset) }],
            graph: Some(GraphProto { node: vec![node], ..GraphProto::default() }),
            ..ModelProto::default()
        }
    }

    fn node(op: &str, attribute: Vec<AttributeProto>) -> NodeProto {
        NodeProto {
            op_type: Some(op.into()),
            input: vec!["x".into()],
            output: vec!["y".into(), "z".into()],
            attribute,
            ..NodeProto::default()
        }
    }

    #[test]
    fn what_changed_its_form_is_rewritten() {
        let axes = AttributeProto { name: Some("axes".into()), ints: vec![2, 3], ..AttributeProto::default() };
        let mut raised = model(13, node("ReduceMean", vec![axes]));
        to_float8(&mut raised).unwrap();
        let graph = raised.graph.as_ref().unwrap();
        assert_eq!(
            (graph.node[0].input.clone(), graph.node[0].attribute.len()),
            (vec!["x".into(), "y_axes".into()], 0)
        );
        assert_eq!(graph.initializer[0].dims, [2]);
        assert_eq!((raised.opset_import[0].version, raised.ir_version), (Some(19), Some(9)));
        let mut split = model(17, node("Split", Vec::new()));
        to_float8(&mut split).unwrap();
        let attribute = &split.graph.unwrap().node[0].attribute[0];
        assert_eq!((attribute.name.as_deref(), attribute.i), (Some("num_outputs"), Some(2)));
        let mut newer = model(21, node("Split", Vec::new()));
        to_float8(&mut newer).unwrap();
        assert_eq!(newer.opset_import[0].version, Some(21));
    }

    #[test]
    fn what_cannot_be_is_named() {
        let ceil = AttributeProto { name: Some("ceil_mode".into()), i: Some(1), ..AttributeProto::default() };
        let why = obstacle(&model(13, node("AveragePool", vec![ceil]))).unwrap();
        assert!(why.contains("`y` (AveragePool)"), "{why}");
        assert!(obstacle(&model(11, node("Relu", Vec::new()))).unwrap().contains("opset 13"));
        assert_eq!(obstacle(&model(13, node("Relu", Vec::new()))), None);
    }
}
