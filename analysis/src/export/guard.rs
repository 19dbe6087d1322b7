//! Keeps onnxruntime's optimizer from quantizing what the plan leaves float.
//!
//! Where a Conv, ConvTranspose or Gemm reads a DequantizeLinear, has float weights and ends in a QuantizeLinear,
//! onnxruntime (1.20 to 1.32, `WeightBiasQuantization`, at every level but none) rounds the weights to int8 with one
//! scale: on the sample the one layer whose weights were kept float costs 13 points of accuracy again. A Max of one
//! operand between the two is exact, is not removed, and leaves the pattern unmatched.
//!
//! The same optimizer makes int32 codes of a float bias beside dequantized weights, by Div, Round and Cast. That is a
//! rounding of half a step as long as the codes fit; where they do not, which is one reason for a plan to keep a bias
//! float, the Cast wraps around and the output is garbage. Only such nodes get the guard: it also keeps the node from
//! being computed in integers.

use std::collections::BTreeMap;

use crate::onnx::{
    Names, float_values,
    proto::{DataType, GraphProto, ModelProto, NodeProto, TensorProto},
};

/// What the optimizer quantizes the weights of; a MatMul with an Add behind becomes a Gemm before.
const LINEAR: [&str; 4] = ["Conv", "ConvTranspose", "Gemm", "MatMul"];
/// What it removes.
const REMOVED: [&str; 2] = ["Identity", "Dropout"];
/// What it looks past on the way to a QuantizeLinear, or has put into the weights by then.
const PASSED: [&str; 5] = ["Identity", "Dropout", "Relu", "Clip", "BatchNormalization"];
/// What it puts into weights or bias where the other operand is constant.
const FUSED: [&str; 2] = ["Add", "Mul"];

/// What a Cast to int32 keeps: 2³¹ itself is one too many.
const INT32: std::ops::Range<f32> = -2_147_483_648.0..2_147_483_648.0;

/// Puts the guard before every node of `model`'s graph that needs one.
pub(super) fn keep_floats(model: &mut ModelProto) {
    let Some(graph) = &mut model.graph else { return };
    let wanted = wanted(graph);
    if wanted.is_empty() {
        return;
    }
    let mut names = Names::of(graph);
    for (index, mut node) in std::mem::take(&mut graph.node).into_iter().enumerate() {
        if wanted.contains(&index) {
            let name = names.fresh(&format!("{}_float_constants", node.output[0]));
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

/// Indices of the nodes that the optimizer would give int8 weights, or a bias of codes that do not fit int32.
fn wanted(graph: &GraphProto) -> Vec<usize> {
    let links = Links::of(graph);
    let matches = |node: &NodeProto| {
        LINEAR.contains(&op(node))
            && node.input.len() > 1
            && links.is_dequantized(&node.input[0])
            && (links.is_float_constant(&node.input[1]) || links.overflows_as_bias(node))
            && node.output.first().is_some_and(|output| links.is_quantized(output))
    };
    graph.node.iter().enumerate().filter(|(_, node)| matches(node)).map(|(index, _)| index).collect()
}

fn op(node: &NodeProto) -> &str {
    node.op_type.as_deref().unwrap_or_default()
}

fn is_float32(tensor: &TensorProto) -> bool {
    tensor.data_type == Some(DataType::Float as i32)
}

/// Who makes and who reads a tensor.
struct Links<'a> {
    makers: BTreeMap<&'a str, &'a NodeProto>,
    readers: BTreeMap<&'a str, Vec<&'a NodeProto>>,
    constants: BTreeMap<&'a str, &'a TensorProto>,
}

impl<'a> Links<'a> {
    fn of(graph: &'a GraphProto) -> Self {
        let mut links = Self { makers: BTreeMap::new(), readers: BTreeMap::new(), constants: BTreeMap::new() };
        for tensor in &graph.initializer {
            links.constants.insert(tensor.name.as_deref().unwrap_or_default(), tensor);
        }
        for node in &graph.node {
            links.makers.extend(node.output.iter().map(|name| (name.as_str(), node)));
            for name in &node.input {
                links.readers.entry(name).or_default().push(node);
            }
        }
        links
    }

    /// Whether a float bias of the node, in steps of its input's scale times its weight's, does not fit int32.
    fn overflows_as_bias(&self, node: &NodeProto) -> bool {
        let scales = |input: &str| self.values(&self.dequantizer(input)?.input.get(1).cloned()?);
        let (Some(input), Some(weights)) = (scales(&node.input[0]), scales(&node.input[1])) else { return false };
        let &[input] = input.as_slice() else { return false };
        self.bias(node).is_some_and(|bias| {
            let steps = |(channel, value): (usize, f32)| {
                let scale = if weights.len() == 1 { weights.first() } else { weights.get(channel) };
                // In float32, as the optimizer's own nodes compute it.
                scale.map(|scale| (value / (input * scale)).round_ties_even())
            };
            bias.into_iter().enumerate().filter_map(steps).any(|steps| !INT32.contains(&steps))
        })
    }

    /// The float constant that the node adds, or that an Add behind it does: of a MatMul with one the optimizer makes a Gemm.
    fn bias(&self, node: &NodeProto) -> Option<Vec<f32>> {
        if op(node) != "MatMul" {
            return self.values(node.input.get(2)?);
        }
        let readers = self.readers.get(node.output.first()?.as_str())?;
        let add = readers.iter().find(|reader| op(reader) == "Add")?;
        add.input.iter().find_map(|input| self.values(input))
    }

    /// Values of a stored float32 constant.
    fn values(&self, name: &str) -> Option<Vec<f32>> {
        let tensor = self.constants.get(name).filter(|tensor| is_float32(tensor))?;
        float_values(tensor).ok().map(std::borrow::Cow::into_owned)
    }

    fn is_dequantized(&self, name: &str) -> bool {
        self.dequantizer(name).is_some()
    }

    /// The DequantizeLinear that makes a tensor, past what the optimizer removes.
    fn dequantizer(&self, name: &str) -> Option<&'a NodeProto> {
        let maker = *self.makers.get(name)?;
        match op(maker) {
            "DequantizeLinear" => Some(maker),
            removed if REMOVED.contains(&removed) => self.dequantizer(maker.input.first()?),
            _ => None,
        }
    }

    /// Stored as float32, or made of constants by nodes that the optimizer evaluates: a DequantizeLinear it does not.
    fn is_float_constant(&self, name: &str) -> bool {
        match (self.constants.get(name), self.makers.get(name)) {
            (Some(tensor), _) => is_float32(tensor),
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
