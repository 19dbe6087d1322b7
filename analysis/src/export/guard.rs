//! Keeps onnxruntime's optimizer from quantizing what the plan leaves float.
//!
//! Where a Conv, ConvTranspose or Gemm reads a DequantizeLinear, has float weights and ends in a QuantizeLinear,
//! onnxruntime (1.20 to 1.32, `WeightBiasQuantization`, at every level but none) rounds the weights to int8 with one
//! scale: on the sample the one layer whose weights were kept float costs 13 points of accuracy again. A Max of one
//! operand between the two is exact, is not removed, and leaves the pattern unmatched.

use std::collections::BTreeMap;

use crate::onnx::{
    Names,
    proto::{DataType, GraphProto, ModelProto, NodeProto},
};

/// What the optimizer quantizes the weights of; a MatMul with an Add behind becomes a Gemm before.
const LINEAR: [&str; 4] = ["Conv", "ConvTranspose", "Gemm", "MatMul"];
/// What it removes.
const REMOVED: [&str; 2] = ["Identity", "Dropout"];
/// What it looks past on the way to a QuantizeLinear, or has put into the weights by then.
const PASSED: [&str; 5] = ["Identity", "Dropout", "Relu", "Clip", "BatchNormalization"];
/// What it puts into weights or bias where the other operand is constant.
const FUSED: [&str; 2] = ["Add", "Mul"];

/// Puts the guard before every node of `model`'s graph that needs one.
pub(super) fn keep_float_weights(model: &mut ModelProto) {
    let Some(graph) = &mut model.graph else { return };
    let wanted = wanted(graph);
    if wanted.is_empty() {
        return;
    }
    let mut names = Names::of(graph);
    for (index, mut node) in std::mem::take(&mut graph.node).into_iter().enumerate() {
        if wanted.contains(&index) {
            let name = names.fresh(&format!("{}_float_weights", node.output[0]));
            graph.node.push(NodeProto {
                name: Some(name.clone()),
                op_type: Some("Max".into()),
                input: vec![node.input[0].clone()],
                output: vec![name.clone()],
                ..NodeProto::default()
            });
            node.input[0] = name;
        }
        graph.node.push(node);
    }
}

/// Indices of the nodes that the optimizer would give int8 weights.
fn wanted(graph: &GraphProto) -> Vec<usize> {
    let links = Links::of(graph);
    let matches = |node: &NodeProto| {
        LINEAR.contains(&op(node))
            && node.input.len() > 1
            && links.is_dequantized(&node.input[0])
            && links.is_float_constant(&node.input[1])
            && node.output.first().is_some_and(|output| links.is_quantized(output))
    };
    graph.node.iter().enumerate().filter(|(_, node)| matches(node)).map(|(index, _)| index).collect()
}

fn op(node: &NodeProto) -> &str {
    node.op_type.as_deref().unwrap_or_default()
}

/// Who makes and who reads a tensor.
struct Links<'a> {
    makers: BTreeMap<&'a str, &'a NodeProto>,
    readers: BTreeMap<&'a str, Vec<&'a NodeProto>>,
    /// Whether a stored constant is float32.
    constants: BTreeMap<&'a str, bool>,
}

impl<'a> Links<'a> {
    fn of(graph: &'a GraphProto) -> Self {
        let mut links = Self { makers: BTreeMap::new(), readers: BTreeMap::new(), constants: BTreeMap::new() };
        for tensor in &graph.initializer {
            let is_float32 = tensor.data_type == Some(DataType::Float as i32);
            links.constants.insert(tensor.name.as_deref().unwrap_or_default(), is_float32);
        }
        for node in &graph.node {
            links.makers.extend(node.output.iter().map(|name| (name.as_str(), node)));
            for name in &node.input {
                links.readers.entry(name).or_default().push(node);
            }
        }
        links
    }

    fn is_dequantized(&self, name: &str) -> bool {
        self.makers.get(name).is_some_and(|maker| {
            op(maker) == "DequantizeLinear"
                || REMOVED.contains(&op(maker)) && maker.input.first().is_some_and(|input| self.is_dequantized(input))
        })
    }

    /// Stored as float32, or made of constants by nodes that the optimizer evaluates: a DequantizeLinear it does not.
    fn is_float_constant(&self, name: &str) -> bool {
        match (self.constants.get(name), self.makers.get(name)) {
            (Some(&is_float32), _) => is_float32,
            (None, Some(maker)) => self.is_evaluated(maker),
            (None, None) => false,
        }
    }

    fn is_evaluated(&self, node: &NodeProto) -> bool {
        let is_constant = |name: &String| {
            name.is_empty()
                || self.constants.contains_key(name.as_str())
                || self.makers.get(name.as_str()).is_some_and(|maker| self.is_evaluated(maker))
        };
        op(node) != "DequantizeLinear" && node.input.iter().all(is_constant)
    }

    fn is_quantized(&self, name: &str) -> bool {
        let readers = self.readers.get(name).map_or(&[][..], Vec::as_slice);
        readers.iter().any(|reader| {
            op(reader) == "QuantizeLinear"
                || self.is_passed(reader) && reader.output.first().is_some_and(|output| self.is_quantized(output))
        })
    }

    fn is_passed(&self, node: &NodeProto) -> bool {
        PASSED.contains(&op(node))
            || FUSED.contains(&op(node)) && node.input.iter().any(|input| self.is_float_constant(input))
    }
}
