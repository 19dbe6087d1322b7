//! Recognises models that some tool has quantized already, by their operators.
//!
//! Analyzing such a model as if it were float would measure the error of quantizing twice, so the window must say what
//! it was given. Nodes in subgraphs and functions count.

use std::collections::BTreeMap;

use super::{
    proto::{ModelProto, NodeProto},
    visit::visit_nodes,
};
use crate::{mark, text::Text};

/// Operators whose input is float and whose weights are quantized.
const WEIGHT_ONLY: &[&str] = &["MatMulNBits", "MatMulBnb4", "MatMulFpQ4", "GatherBlockQuantized", "QMoE"];
/// Operators that compute with integers and leave scaling to the nodes around them, or quantize at run time.
const INTEGER: &[&str] = &[
    "ConvInteger",
    "MatMulInteger",
    "DynamicQuantizeLinear",
    "DynamicQuantizeMatMul",
    "DynamicQuantizeLSTM",
    "MatMulIntegerToFloat",
];
/// Operators whose inputs and outputs are quantized and that do not begin with `QLinear` or `QOrdered`.
const QUANTIZED: &[&str] = &["QGemm", "QAttention", "QEmbedLayerNormalization"];
/// Domains of QONNX and of the tools that write it.
const QONNX_DOMAINS: &[&str] = &["onnx.brevitas", "qonnx.custom_op.general", "finn.custom_op.general"];

/// What kind of quantized model this is, as the end of "the model is already quantized: "; `None` for a float model.
/// A model of several kinds names each.
pub fn already_quantized(model: &ModelProto) -> Option<Text> {
    let mut counts: BTreeMap<(Kind, &str), usize> = BTreeMap::new();
    visit_nodes(model, &mut |node| {
        if let Some(kind) = kind(node) {
            *counts.entry((kind, node.op_type())).or_default() += 1;
        }
    });
    let mut kinds: BTreeMap<Kind, Vec<String>> = BTreeMap::new();
    for ((kind, op), count) in &counts {
        kinds.entry(*kind).or_default().push(format!("{count} {op}"));
    }
    let parts = kinds
        .iter()
        .map(|(kind, ops)| Text::joined("", [Text::of(kind.words()), Text::from(format!(" ({})", ops.join(", ")))]));
    (!kinds.is_empty()).then(|| Text::joined("; ", parts))
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Qdq,
    QOperator,
    Integer,
    WeightOnly,
    Qonnx,
}

impl Kind {
    fn words(self) -> &'static str {
        // Names of formats are the same in every language.
        match self {
            Self::Qdq => "QDQ",
            Self::QOperator => "QOperator",
            Self::Integer => mark!("integer or dynamically quantized operators"),
            Self::WeightOnly => mark!("quantized weights"),
            Self::Qonnx => "QONNX",
        }
    }
}

fn kind(node: &NodeProto) -> Option<Kind> {
    let op = node.op_type();
    let by = |list: &[&str]| list.contains(&op);
    if QONNX_DOMAINS.contains(&node.domain()) {
        Some(Kind::Qonnx)
    } else if by(&["QuantizeLinear", "DequantizeLinear"]) {
        Some(Kind::Qdq)
    } else if op.starts_with("QLinear") || op.starts_with("QOrdered") || by(QUANTIZED) {
        Some(Kind::QOperator)
    } else if by(INTEGER) {
        Some(Kind::Integer)
    } else if by(WEIGHT_ONLY) {
        Some(Kind::WeightOnly)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::proto::{AttributeProto, GraphProto};

    fn node(op: &str, domain: &str) -> NodeProto {
        NodeProto { op_type: Some(op.into()), domain: Some(domain.into()), ..NodeProto::default() }
    }

    fn told(nodes: Vec<NodeProto>) -> Option<Text> {
        let graph = GraphProto { node: nodes, ..GraphProto::default() };
        already_quantized(&ModelProto { graph: Some(graph), ..ModelProto::default() })
    }

    #[test]
    fn each_kind_is_told() {
        assert_eq!(told(vec![node("Conv", ""), node("Quantile", "")]), None);
        let pairs = vec![node("QuantizeLinear", ""), node("DequantizeLinear", ""), node("DequantizeLinear", "")];
        assert_eq!(told(pairs).as_deref(), Some("QDQ (2 DequantizeLinear, 1 QuantizeLinear)"));
        let expected = "QOperator (1 QLinearConv); integer or dynamically quantized operators (1 MatMulInteger)";
        assert_eq!(told(vec![node("MatMulInteger", ""), node("QLinearConv", "")]).as_deref(), Some(expected));
        assert_eq!(
            told(vec![node("MatMulNBits", "com.microsoft")]).as_deref(),
            Some("quantized weights (1 MatMulNBits)")
        );
        assert_eq!(told(vec![node("Quant", "onnx.brevitas")]).as_deref(), Some("QONNX (1 Quant)"));
    }

    #[test]
    fn nodes_in_subgraphs_count() {
        let body = GraphProto { node: vec![node("ConvInteger", "")], ..GraphProto::default() };
        let mut branch = node("If", "");
        branch.attribute.push(AttributeProto { g: Some(Box::new(body)), ..AttributeProto::default() });
        assert!(told(vec![branch]).is_some_and(|text| text.contains("ConvInteger")));
    }
}
