//! The default target's quantizers against those of onnxruntime's own tool, operator by operator.

use std::collections::BTreeMap;

use super::{Graph, Owner, TensorId, testing::Builder};
use crate::tensor::ElementType;

/// Operator, inputs, outputs and whole-number attributes.
type Node = (String, Vec<String>, Vec<String>, BTreeMap<String, i64>);

/// A model of `tests/golden/placement.py`.
#[derive(serde::Deserialize)]
struct Case {
    opset: i64,
    floats: BTreeMap<String, Floats>,
    integers: Vec<String>,
    nodes: Vec<Node>,
    /// Of each tensor that onnxruntime quantizes, the first that has the very same quantizer.
    quantized: BTreeMap<String, String>,
}

#[derive(serde::Deserialize)]
struct Floats {
    shape: Vec<usize>,
    values: Vec<f32>,
}

fn words(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

impl Case {
    fn graph(&self) -> Graph {
        let mut builder = Builder::new(self.opset).input("x", &[1, 2, 4, 4]).output("z");
        for (name, Floats { shape, values }) in &self.floats {
            builder = builder.constant(name, shape, values);
        }
        for name in &self.integers {
            builder = builder.integers(name);
        }
        let mut others: Vec<(&str, ElementType)> =
            self.integers.iter().map(|name| (name.as_str(), ElementType::Int64)).collect();
        for (op, inputs, outputs, whole) in &self.nodes {
            let whole: Vec<(&str, i64)> = whole.iter().map(|(name, value)| (name.as_str(), *value)).collect();
            builder = builder.node_with(op, &words(inputs), &words(outputs), &whole);
            match op.as_str() {
                "Greater" => others.push((&outputs[0], ElementType::Bool)),
                "ArgMax" | "Cast" if outputs[0] != "z" => others.push((&outputs[0], ElementType::Int64)),
                "TopK" => others.push((&outputs[1], ElementType::Int64)),
                _ => {}
            }
        }
        builder.graph(&others)
    }
}

/// Every tensor that has a quantizer, and whose it is.
fn quantized(graph: &Graph) -> BTreeMap<String, String> {
    let name = |t: TensorId| graph.name(t).to_owned();
    let activations = (0..graph.tensors.len()).filter_map(|t| {
        let owner = match graph.quantizable.place(t)?.owner {
            Owner::Itself => t,
            Owner::Tensor(owner) | Owner::Constant(owner) => owner,
        };
        Some((name(t), name(owner)))
    });
    let constants = graph.layers.iter().flat_map(|l| &l.operands).map(|o| (name(o.tensor), name(o.tensor)));
    activations.chain(constants).collect()
}

#[test]
fn quantizers_stand_where_quantize_static_puts_them() {
    let cases: Vec<Case> =
        serde_json::from_str(include_str!("../../../tests/golden/placement.json")).expect("placement.py wrote it");
    assert!(cases.len() > 150);
    for case in cases {
        let mut theirs = case.quantized.clone();
        // What is looked up has the table's quantizer: onnxruntime's file names the activation first.
        if let Some(owner) = theirs.get("table").cloned() {
            theirs.values_mut().filter(|o| **o == owner).for_each(|o| *o = "table".into());
        }
        assert_eq!(quantized(&case.graph()), theirs, "opset {}, {:?}", case.opset, case.nodes);
    }
}
