//! Which segments a kernel can stand for, read from the very model that onnxruntime is given.

use super::{
    depthwise::Depthwise,
    geometry::{Padding, Window},
    plane::MOST_TAPS,
    product::Dense,
    tail::Tail,
};
use crate::buffer::Pool;
use crate::onnx::{
    float_values,
    proto::{DataType, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto},
    raise::{attribute, is_standard},
};

/// A depthwise Conv over height and width, perhaps a batch norm, perhaps a Relu or Clip, and nothing else.
pub(super) fn depthwise(model: &ModelProto) -> Option<Depthwise> {
    let (graph, conv, rest) = conv_chain(model)?;
    let constants = Constants(graph);
    let weight = constants.of(conv, 1)?;
    let &[channels, 1, height, width] = weight.dims.as_slice() else { return None };
    let kernel = [usize::try_from(height).ok()?, usize::try_from(width).ok()?];
    let window = window(conv, kernel, channels)?;
    let weights = constants.values(conv, 1)?;
    let channels = usize::try_from(channels).ok()?;
    let taps = kernel[0].checked_mul(kernel[1])?;
    if taps == 0 || taps > MOST_TAPS || weights.len() != channels.checked_mul(taps)? {
        return None;
    }
    let tails = tails(&constants, conv, rest, channels)?;
    let is_finite = weights.iter().all(|w| w.is_finite()) && tails.iter().all(Tail::is_finite);
    is_finite.then_some(Depthwise { window, weights, tails })
}

/// A MatMul of the segment's input and a constant matrix, and nothing else.
pub(super) fn dense(model: &ModelProto, pool: &Pool) -> Option<Dense> {
    let graph = model.graph.as_ref()?;
    let ([node], [input], [output]) = (&graph.node[..], &graph.input[..], &graph.output[..]) else { return None };
    let is_product = node.op_type.as_deref() == Some("MatMul") && is_standard(node.domain.as_deref());
    let is_whole = node.input.first() == input.name.as_ref() && node.output.first() == output.name.as_ref();
    let constants = Constants(graph);
    let matrix = constants.of(node, 1)?;
    let &[depth, columns] = matrix.dims.as_slice() else { return None };
    let weights = float_values(matrix).ok()?;
    if !is_product || !is_whole || !model.functions.is_empty() || weights.iter().any(|w| !w.is_finite()) {
        return None;
    }
    Dense::new(usize::try_from(depth).ok()?, usize::try_from(columns).ok()?, &weights, pool)
}

/// Any other Conv whose batch norm has not been folded: the Conv alone as a model, what follows it as another, and
/// the same channel by channel.
pub(super) fn conv_and_tail(model: &ModelProto) -> Option<(ModelProto, ModelProto, Vec<Tail>)> {
    let (graph, conv, rest) = conv_chain(model)?;
    let constants = Constants(graph);
    let channels = usize::try_from(*constants.of(conv, 1)?.dims.first()?).ok()?;
    if rest.first()?.op_type.as_deref() != Some("BatchNormalization") {
        return None;
    }
    // The bias is the Conv's own business.
    let tails = tails(&constants, &without_bias(conv), rest, channels)?;
    let between = ValueInfoProto { name: conv.output.first().cloned(), ..graph.input.first()?.clone() };
    let part = |node: &[NodeProto], input: &ValueInfoProto, output: &ValueInfoProto| {
        let is_read = |c: &&TensorProto| node.iter().any(|n| n.input.iter().any(|name| Some(name) == c.name.as_ref()));
        let graph = GraphProto {
            node: node.to_vec(),
            input: vec![input.clone()],
            output: vec![output.clone()],
            initializer: graph.initializer.iter().filter(is_read).cloned().collect(),
            ..GraphProto { name: graph.name.clone(), ..GraphProto::default() }
        };
        let ModelProto { ir_version, opset_import, .. } = model;
        ModelProto {
            ir_version: *ir_version,
            opset_import: opset_import.clone(),
            graph: Some(graph),
            ..ModelProto::default()
        }
    };
    let head = part(std::slice::from_ref(conv), graph.input.first()?, &between);
    let tail = part(rest, &between, graph.output.first()?);
    tails.iter().all(Tail::is_finite).then_some((head, tail, tails))
}

fn without_bias(conv: &NodeProto) -> NodeProto {
    NodeProto { input: conv.input.iter().take(2).cloned().collect(), ..conv.clone() }
}

/// The nodes of a model that is a Conv and a chain behind it, with one input and one output.
fn conv_chain(model: &ModelProto) -> Option<(&GraphProto, &NodeProto, &[NodeProto])> {
    let graph = model.graph.as_ref()?;
    let (conv, rest) = graph.node.split_first()?;
    let ([input], [output]) = (graph.input.as_slice(), graph.output.as_slice()) else { return None };
    let is_chain = graph.node.windows(2).all(|pair| pair[1].input.first() == pair[0].output.first())
        && graph.node.iter().all(|node| node.output.len() == 1 && is_standard(node.domain.as_deref()))
        && graph.node.last()?.output.first() == output.name.as_ref()
        && conv.input.first() == input.name.as_ref();
    let is_conv = model.functions.is_empty() && conv.op_type.as_deref() == Some("Conv");
    (is_chain && is_conv).then_some((graph, conv, rest))
}

/// float32 constants of a segment.
struct Constants<'a>(&'a GraphProto);

impl Constants<'_> {
    fn of(&self, node: &NodeProto, position: usize) -> Option<&TensorProto> {
        let name = node.input.get(position).filter(|name| !name.is_empty())?;
        let found = self.0.initializer.iter().find(|c| c.name.as_ref() == Some(name))?;
        (found.data_type == Some(DataType::Float as i32)).then_some(found)
    }

    fn values(&self, node: &NodeProto, position: usize) -> Option<Vec<f32>> {
        Some(float_values(self.of(node, position)?).ok()?.into_owned())
    }
}

fn has_input(node: &NodeProto, position: usize) -> bool {
    node.input.get(position).is_some_and(|name| !name.is_empty())
}

fn window(conv: &NodeProto, kernel: [usize; 2], channels: i64) -> Option<Window> {
    let group = attribute(conv, "group").and_then(|a| a.i).unwrap_or(1);
    let pair = |name: &str| -> Option<[usize; 2]> {
        let Some(found) = attribute(conv, name).map(|a| a.ints.as_slice()).filter(|ints| !ints.is_empty()) else {
            return Some([1, 1]);
        };
        let &[y, x] = found else { return None };
        Some([usize::try_from(y).ok()?, usize::try_from(x).ok()?])
    };
    let said = attribute(conv, "kernel_shape").map(|a| a.ints.as_slice()).filter(|ints| !ints.is_empty());
    let is_said = said.is_none_or(|ints| ints.iter().map(|&k| usize::try_from(k).ok()).eq(kernel.map(Some)));
    if group != channels || !is_said {
        return None;
    }
    Some(Window { kernel, strides: pair("strides")?, dilations: pair("dilations")?, padding: padding(conv)? })
}

fn padding(conv: &NodeProto) -> Option<Padding> {
    let rule = attribute(conv, "auto_pad").and_then(|a| a.s.as_deref());
    match rule {
        Some(b"SAME_UPPER") => Some(Padding::SameUpper),
        Some(b"SAME_LOWER") => Some(Padding::SameLower),
        Some(b"VALID") => Some(Padding::Explicit([0; 4])),
        None | Some(b"NOTSET" | b"") => {
            let pads = attribute(conv, "pads").map(|a| a.ints.as_slice()).unwrap_or_default();
            let pads = if pads.is_empty() { &[0; 4] } else { pads };
            let pads: Vec<usize> = pads.iter().map(|&p| usize::try_from(p).ok()).collect::<Option<_>>()?;
            Some(Padding::Explicit(pads.try_into().ok()?))
        }
        Some(_) => None,
    }
}

/// What follows the convolution, channel by channel.
fn tails(constants: &Constants<'_>, conv: &NodeProto, rest: &[NodeProto], channels: usize) -> Option<Vec<Tail>> {
    let mut tails = vec![Tail::default(); channels];
    if has_input(conv, 2) {
        let bias = constants.values(conv, 2).filter(|bias| bias.len() == channels)?;
        tails.iter_mut().zip(bias).for_each(|(tail, bias)| tail.bias = bias);
    }
    let op = |node: &NodeProto| node.op_type.clone().unwrap_or_default();
    let (norm, rest) = match rest {
        [norm, rest @ ..] if op(norm) == "BatchNormalization" => (Some(norm), rest),
        rest => (None, rest),
    };
    if let Some(norm) = norm {
        let is_plain = attribute(norm, "training_mode").and_then(|a| a.i).unwrap_or(0) == 0
            && attribute(norm, "spatial").is_none();
        let epsilon = attribute(norm, "epsilon").and_then(|a| a.f).unwrap_or(1e-5);
        let statistic = |at| constants.values(norm, at).filter(|values| is_plain && values.len() == channels);
        let (gamma, beta, mean, variance) = (statistic(1)?, statistic(2)?, statistic(3)?, statistic(4)?);
        for (c, tail) in tails.iter_mut().enumerate() {
            *tail = tail.with_norm(gamma[c], beta[c], mean[c], variance[c], epsilon);
        }
    }
    let (low, high) = match rest {
        [] => (f32::NEG_INFINITY, f32::INFINITY),
        [act] if op(act) == "Relu" => (0.0, f32::INFINITY),
        [act] if op(act) == "Clip" => clip_bounds(constants, act)?,
        _ => return None,
    };
    tails.iter_mut().for_each(|tail| (tail.low, tail.high) = (low, high));
    Some(tails)
}

/// From the inputs since opset 11, from the attributes before.
fn clip_bounds(constants: &Constants<'_>, clip: &NodeProto) -> Option<(f32, f32)> {
    let bound = |name: &str, position: usize, absent: f32| {
        if has_input(clip, position) {
            let values = constants.values(clip, position)?;
            return values.first().copied().filter(|bound| values.len() == 1 && !bound.is_nan());
        }
        Some(attribute(clip, name).and_then(|a| a.f).unwrap_or(absent))
    };
    let (low, high) = (bound("min", 1, f32::MIN)?, bound("max", 2, f32::MAX)?);
    // With crossed bounds the order of comparisons would matter.
    (low <= high).then_some((low, high))
}
