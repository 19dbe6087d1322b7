//! Raising a model to opset 19, the first whose QuantizeLinear knows 8-bit floats.
//!
//! From opset 13 on few operators changed their form, and those that can be rewritten are; the others are refused by
//! name, as is `AveragePool`, whose kernel is another one from 19 on. The kernels behind the rest are the same, which
//! verification of every export confirms bit for bit.

use super::{
    Names,
    proto::{AttributeProto, ModelProto, NodeProto, TensorProto},
    tensor_proto,
};
use crate::{
    error::{Error, Result},
    say,
    tensor::{Tensor, TensorData},
    text::Text,
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

/// How `RoiAlign` reckons coordinates, since opset 16.
const ROI_MODE: &str = "coordinate_transformation_mode";

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
        let mut names = Names::of(graph);
        for node in graph.node.iter_mut().filter(|n| is_standard(n.domain.as_deref())) {
            let op = node.op_type.clone().unwrap_or_default();
            if opset < 18 && REDUCTIONS.contains(&op.as_str()) {
                graph.initializer.extend(attribute_to_input(node, "axes", &mut names));
            } else if opset < 18 && op == "Split" && node.input.get(1).is_none_or(String::is_empty) {
                node.attribute.push(AttributeProto {
                    name: Some("num_outputs".into()),
                    i: i64::try_from(node.output.len()).ok(),
                    r#type: Some(2),
                    ..AttributeProto::default()
                });
            } else if opset < 16 && op == "RoiAlign" && attribute(node, ROI_MODE).is_none() {
                // What was the only way until then; the default became another one.
                node.attribute.push(AttributeProto {
                    name: Some(ROI_MODE.into()),
                    s: Some("output_half_pixel".into()),
                    r#type: Some(3),
                    ..AttributeProto::default()
                });
            }
        }
    }
    // Opset 19 belongs to IR version 9.
    set_opset(model, FLOAT8, 9);
    Ok(())
}

/// Why the model cannot have 8-bit floats; `None` if it can.
pub fn obstacle(model: &ModelProto) -> Option<Text> {
    let opset = opset(model);
    if opset >= FLOAT8 {
        return None;
    }
    if opset < OLDEST {
        return Some(say!(
            "float8 needs opset {}, the model has {}, and this program raises models from opset {} on; \
             export the float model again with opset {} or later",
            FLOAT8,
            opset,
            OLDEST,
            FLOAT8
        ));
    }
    let nodes = model.graph.iter().flat_map(|g| &g.node).filter(|n| is_standard(n.domain.as_deref()));
    nodes.into_iter().find_map(|node| {
        let why = match node.op_type.as_deref().unwrap_or_default() {
            "AveragePool" => say!("onnxruntime sums its windows in another order there, so that bits would differ"),
            _ if node.attribute.iter().any(|a| a.g.is_some() || !a.graphs.is_empty()) => say!("it has subgraphs"),
            _ => return None,
        };
        let name = node.name.as_deref().filter(|n| !n.is_empty()).or(node.output.first().map(String::as_str));
        Some(say!(
            "float8 needs opset {}, the model has {}, and node `{}` ({}) cannot be raised: {}; export the \
             float model again with opset {} or later",
            FLOAT8,
            opset,
            name.unwrap_or_default(),
            node.op_type.as_deref().unwrap_or_default(),
            why,
            FLOAT8
        ))
    })
}

fn opset(model: &ModelProto) -> i64 {
    let own = model.opset_import.iter().find(|o| is_standard(o.domain.as_deref()));
    own.and_then(|o| o.version).unwrap_or(0)
}

/// Whether a domain is ONNX's own.
pub(crate) fn is_standard(domain: Option<&str>) -> bool {
    matches!(domain, None | Some("" | "ai.onnx"))
}

/// Declares `model` to be of this opset, and at least of this IR version.
pub(crate) fn set_opset(model: &mut ModelProto, opset: i64, ir_version: i64) {
    for import in model.opset_import.iter_mut().filter(|o| is_standard(o.domain.as_deref())) {
        import.version = Some(opset);
    }
    model.ir_version = model.ir_version.map(|v| v.max(ir_version));
}

/// An attribute of a node.
pub(crate) fn attribute<'a>(node: &'a NodeProto, name: &str) -> Option<&'a AttributeProto> {
    node.attribute.iter().find(|a| a.name.as_deref() == Some(name))
}

/// Makes an attribute of integers, where the node has it, its next input; returns the constant that the input reads.
pub(crate) fn attribute_to_input(node: &mut NodeProto, name: &str, names: &mut Names) -> Option<TensorProto> {
    let at = node.attribute.iter().position(|a| a.name.as_deref() == Some(name))?;
    let values = node.attribute.remove(at).ints;
    Some(integers_input(node, name, values, names))
}

/// Gives a node these integers as its next input; returns the constant that it reads.
pub(crate) fn integers_input(node: &mut NodeProto, what: &str, values: Vec<i64>, names: &mut Names) -> TensorProto {
    let constant = names.fresh(&format!("{}_{what}", node.output.first().map_or("", String::as_str)));
    node.input.push(constant.clone());
    tensor_proto(&constant, &Tensor { shape: vec![values.len()], data: TensorData::Int64(values) })
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
        let mut regions = model(15, node("RoiAlign", Vec::new()));
        to_float8(&mut regions).unwrap();
        let attribute = &regions.graph.as_ref().unwrap().node[0].attribute[0];
        assert_eq!(attribute.s.as_deref(), Some(&b"output_half_pixel"[..]), "what opset 10 did");
        let said = regions.clone();
        regions.opset_import[0].version = Some(15);
        to_float8(&mut regions).unwrap();
        assert!(regions == said, "what is said already is not said twice");
        let mut newer = model(21, node("Split", Vec::new()));
        to_float8(&mut newer).unwrap();
        assert_eq!(newer.opset_import[0].version, Some(21));
    }

    #[test]
    fn a_name_in_use_is_not_taken_again() {
        let axes = AttributeProto { name: Some("axes".into()), ints: vec![2], ..AttributeProto::default() };
        let mut raised = model(13, node("ReduceMax", vec![axes]));
        let other = NodeProto { output: vec!["y_axes".into()], ..node("Relu", Vec::new()) };
        raised.graph.as_mut().unwrap().node.push(other);
        to_float8(&mut raised).unwrap();
        let graph = raised.graph.unwrap();
        assert_eq!(
            (graph.node[0].input[1].as_str(), graph.initializer[0].name.as_deref()),
            ("y_axes_2", Some("y_axes_2"))
        );
    }

    #[test]
    fn what_cannot_be_is_named() {
        let why = obstacle(&model(13, node("AveragePool", Vec::new()))).unwrap();
        assert!(why.contains("`y` (AveragePool)"), "{why}");
        assert!(obstacle(&model(11, node("Relu", Vec::new()))).unwrap().contains("opset 13"));
        assert_eq!(obstacle(&model(13, node("Relu", Vec::new()))), None);
        assert_eq!(obstacle(&model(16, node("GridSample", Vec::new()))), None, "its modes were renamed in opset 20");
    }
}
