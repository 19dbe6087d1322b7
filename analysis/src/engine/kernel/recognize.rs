//! Which segments a kernel can stand for, read from the very model that onnxruntime is given.

use super::{
    convolution::Convolution,
    depthwise::Depthwise,
    geometry::{Padding, Window},
    plane::MOST_TAPS,
    product::Dense,
    tail::Tail,
};
use crate::buffer::Pool;
use crate::onnx::{
    float_values,
    proto::{DataType, GraphProto, ModelProto, NodeProto, TensorProto},
    raise::{attribute, is_standard},
};

/// A depthwise Conv over one or two axes, perhaps a batch norm, perhaps a Relu or Clip, and nothing else.
pub(super) fn depthwise(model: &ModelProto) -> Option<Depthwise> {
    let (constants, conv, rest) = conv_chain(model)?;
    let weight = constants.of(conv, 1)?;
    let (channels, of_group, window) = conv_shape(conv, &weight.dims)?;
    let weights = constants.values(conv, 1)?;
    let taps = window.kernel[0].checked_mul(window.kernel[1])?;
    let is_depthwise = of_group == 1 && groups(conv) == Some(channels);
    if !is_depthwise || taps == 0 || taps > MOST_TAPS || weights.len() != channels.checked_mul(taps)? {
        return None;
    }
    let tails = tails(&constants, conv, rest, channels)?;
    are_finite(&weights, &tails).then_some(Depthwise { window, weights, tails })
}

/// Any other Conv over one or two axes, with the same behind it.
pub(super) fn convolution(model: &ModelProto, pool: &Pool) -> Option<Convolution> {
    let (constants, conv, rest) = conv_chain(model)?;
    let weight = constants.of(conv, 1)?;
    let (outputs, of_group, window) = conv_shape(conv, &weight.dims)?;
    let groups = groups(conv)?;
    let tails = tails(&constants, conv, rest, outputs)?;
    let weights = float_values(weight).ok()?;
    let channels = of_group.checked_mul(groups)?;
    are_finite(&weights, &tails).then(|| Convolution::new(window, channels, groups, &weights, tails, pool)).flatten()
}

fn are_finite(weights: &[f32], tails: &[Tail]) -> bool {
    weights.iter().all(|weight| weight.is_finite()) && tails.iter().all(Tail::is_finite)
}

/// Outputs, input channels of a group and the window of a Conv with weights of this shape.
fn conv_shape(conv: &NodeProto, dims: &[i64]) -> Option<(usize, usize, Window)> {
    let (outputs, of_group, kernel) = match *dims {
        [outputs, of_group, height, width] => (outputs, of_group, [Some(height), Some(width)]),
        [outputs, of_group, width] => (outputs, of_group, [None, Some(width)]),
        _ => return None,
    };
    Some((usize::try_from(outputs).ok()?, usize::try_from(of_group).ok()?, window(conv, kernel)?))
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

/// The nodes of a model that is a Conv and a chain behind it, with one input and one output.
fn conv_chain(model: &ModelProto) -> Option<(Constants<'_>, &NodeProto, &[NodeProto])> {
    let graph = model.graph.as_ref()?;
    let (conv, rest) = graph.node.split_first()?;
    let ([input], [output]) = (graph.input.as_slice(), graph.output.as_slice()) else { return None };
    let is_chain = graph.node.windows(2).all(|pair| pair[1].input.first() == pair[0].output.first())
        && graph.node.iter().all(|node| node.output.len() == 1 && is_standard(node.domain.as_deref()))
        && graph.node.last()?.output.first() == output.name.as_ref()
        && conv.input.first() == input.name.as_ref();
    let is_conv = model.functions.is_empty() && conv.op_type.as_deref() == Some("Conv");
    (is_chain && is_conv).then_some((Constants(graph), conv, rest))
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

fn groups(conv: &NodeProto) -> Option<usize> {
    let groups = attribute(conv, "group").and_then(|a| a.i).unwrap_or(1);
    usize::try_from(groups).ok().filter(|&groups| groups > 0)
}

/// Of a Conv with this kernel, of which the first length is absent where it has one axis.
fn window(conv: &NodeProto, kernel: [Option<i64>; 2]) -> Option<Window> {
    let axes = kernel.iter().flatten().count();
    let said = |name: &str| attribute(conv, name).map(|a| a.ints.as_slice()).filter(|ints| !ints.is_empty());
    let pair = |name: &str| match said(name) {
        None => Some([1, 1]),
        Some(&[x]) if axes == 1 => Some([1, usize::try_from(x).ok()?]),
        Some(&[y, x]) if axes == 2 => Some([usize::try_from(y).ok()?, usize::try_from(x).ok()?]),
        Some(_) => None,
    };
    if said("kernel_shape").is_some_and(|said| !said.iter().eq(kernel.iter().flatten())) {
        return None;
    }
    let [height, width] = kernel.map(|length| usize::try_from(length.unwrap_or(1)).ok());
    let (strides, dilations, padding) = (pair("strides")?, pair("dilations")?, padding(conv, axes)?);
    Some(Window { axes, kernel: [height?, width?], strides, dilations, padding })
}

fn padding(conv: &NodeProto, axes: usize) -> Option<Padding> {
    let rule = attribute(conv, "auto_pad").and_then(|a| a.s.as_deref());
    match rule {
        Some(b"SAME_UPPER") => Some(Padding::SameUpper),
        Some(b"SAME_LOWER") => Some(Padding::SameLower),
        Some(b"VALID") => Some(Padding::Explicit([0; 4])),
        None | Some(b"NOTSET" | b"") => {
            let pads = attribute(conv, "pads").map(|a| a.ints.as_slice()).unwrap_or_default();
            let pads: Vec<usize> = pads.iter().map(|&p| usize::try_from(p).ok()).collect::<Option<_>>()?;
            match (pads.as_slice(), axes) {
                ([], _) => Some(Padding::Explicit([0; 4])),
                (&[begin, end], 1) => Some(Padding::Explicit([0, begin, 0, end])),
                (&[top, left, bottom, right], 2) => Some(Padding::Explicit([top, left, bottom, right])),
                _ => None,
            }
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
