//! Raising an old model to opset 10, the first that has QuantizeLinear, or to 13, which float biases need.
//!
//! Quantized operators with 8-bit weights need it: in an older graph onnxruntime's full optimization makes a
//! QLinearConv that does not exist there and refuses the model it has just made. Only what changed its form between
//! those opsets is rewritten, nodes that the writer has just made in the newer form are not; what cannot be is refused by name. The kernels are the same ones, so no value changes.

use std::collections::BTreeSet;

use half::f16;

use crate::{
    error::{Error, Result},
    graph::TensorInfo,
    onnx::{
        Names,
        proto::{AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto},
        raise::{attribute, attribute_to_input, integers_input, is_standard, set_opset},
        tensor_proto,
    },
    say,
    tensor::{ElementType, Tensor, TensorData},
    text::Text,
};

/// The opset that exports need at least.
pub(super) const LOWEST: i64 = 10;
/// The opset that integer weights beside a float bias need: with optimization on, onnxruntime (1.32) quantizes such a bias
/// by itself, with a Round of opset 11 and a DequantizeLinear along an axis, which is of this opset.
pub(super) const FLOAT_BIAS: i64 = 13;
/// The opset of that Round. Float weights beside a float bias need no more: onnxruntime gives them one scale.
pub(super) const ROUND: i64 = 11;
/// The oldest that can be raised: before 7, broadcasting was an attribute of every element-wise operator.
const OLDEST: i64 = 7;

/// Raises `model` from `opset` to `lowest` ([`LOWEST`] or [`FLOAT_BIAS`]), if it is older. `tensor_of` knows the tensors
/// of the float model by the names that they have in `model`.
///
/// # Errors
/// [`Error::Model`] that names the node that has no equal in the newer opset.
pub(super) fn raise<'a>(
    model: &mut ModelProto,
    opset: i64,
    lowest: i64,
    tensor_of: &'a dyn Fn(&str) -> Option<&'a TensorInfo>,
) -> Result<()> {
    if opset >= lowest {
        return Ok(());
    }
    if opset < OLDEST {
        return Err(Error::model(say!(
            "the model uses opset {}; QuantizeLinear exists from opset {} on, and this program raises models \
             from opset {} on. Export the float model again with opset 13 or later",
            opset,
            LOWEST,
            OLDEST
        )));
    }
    if let Some(graph) = &mut model.graph {
        let names = Names::of(graph);
        let mut raiser =
            Raiser { opset, lowest, tensor_of, made: Vec::new(), before: Vec::new(), after: Vec::new(), names };
        raiser.nodes(&mut graph.node)?;
        graph.initializer.extend(raiser.made);
    }
    // Opset 10 belongs to IR version 5, opset 13 to 7.
    set_opset(model, lowest, if lowest > LOWEST { 7 } else { 5 });
    Ok(())
}

struct Raiser<'a> {
    opset: i64,
    lowest: i64,
    tensor_of: &'a dyn Fn(&str) -> Option<&'a TensorInfo>,
    made: Vec<TensorProto>,
    /// What belongs right before and right after the node at hand.
    before: Vec<NodeProto>,
    after: Vec<NodeProto>,
    names: Names,
}

impl<'a> Raiser<'a> {
    fn nodes(&mut self, nodes: &mut Vec<NodeProto>) -> Result<()> {
        for mut node in std::mem::take(nodes) {
            self.node(&mut node)?;
            nodes.append(&mut self.before);
            nodes.push(node);
            nodes.append(&mut self.after);
        }
        Ok(())
    }

    fn node(&mut self, node: &mut NodeProto) -> Result<()> {
        if !is_standard(node.domain.as_deref()) {
            return Ok(());
        }
        match node.op_type.as_deref().unwrap_or_default() {
            "Scan" if self.opset < 9 => Err(cannot(node, say!("Scan iterates over batches before opset 9"))),
            "Slice" if self.opset < LOWEST => self.slice(node),
            "TopK" if self.opset < LOWEST => self.top_k(node),
            "Upsample" | "Resize" if self.lowest >= FLOAT_BIAS && self.opset < 11 => {
                Err(cannot(node, say!("its coordinates are reckoned otherwise from opset 11 on")))
            }
            "Upsample" => self.upsample(node),
            "BatchNormalization" if self.opset < LOWEST => batch_normalization(node),
            _ if self.lowest >= FLOAT_BIAS => self.thirteen(node),
            _ if node.attribute.iter().any(|a| a.g.is_some() || !a.graphs.is_empty()) => self.subgraphs(node),
            _ => Ok(()),
        }
    }

    /// Subgraphs have the same opset as the graph around them.
    fn subgraphs(&mut self, node: &mut NodeProto) -> Result<()> {
        for attribute in &mut node.attribute {
            let graphs = attribute.g.as_deref_mut().into_iter().chain(&mut attribute.graphs);
            for graph in graphs {
                self.nodes(&mut graph.node)?;
            }
        }
        Ok(())
    }

    /// `Slice-10` takes starts, ends and axes as inputs.
    fn slice(&mut self, node: &mut NodeProto) -> Result<()> {
        let take = |name: &str| attribute(node, name).map(|a| a.ints.clone());
        let (starts, ends, axes) = (take("starts"), take("ends"), take("axes"));
        let (Some(starts), Some(ends)) = (starts, ends) else {
            return Err(cannot(node, say!("it has no starts or ends")));
        };
        let axes = axes.unwrap_or_else(|| (0_i64..).take(starts.len()).collect());
        for (what, values) in [("starts", starts), ("ends", ends), ("axes", axes)] {
            self.made.push(integers_input(node, what, values, &mut self.names));
        }
        node.attribute.clear();
        Ok(())
    }

    /// `TopK-10` takes k as an input.
    fn top_k(&mut self, node: &mut NodeProto) -> Result<()> {
        let k = attribute(node, "k").and_then(|a| a.i).ok_or_else(|| cannot(node, say!("it has no k")))?;
        self.made.push(integers_input(node, "k", vec![k], &mut self.names));
        node.attribute.retain(|a| a.name.as_deref() != Some("k"));
        Ok(())
    }

    /// `Upsample` became `Resize-10`, whose scales are an input since opset 9 already.
    fn upsample(&mut self, node: &mut NodeProto) -> Result<()> {
        if node.input.len() < 2 {
            let scales = attribute(node, "scales").map(|a| a.floats.clone());
            let scales = scales.filter(|s| !s.is_empty()).ok_or_else(|| cannot(node, say!("it has no scales")))?;
            let name = self.fresh(first_output(node), "scales");
            self.made.push(tensor_proto(&name, &Tensor::float32(vec![scales.len()], scales)));
            node.input.push(name);
        }
        node.attribute.retain(|a| a.name.as_deref() == Some("mode"));
        node.op_type = Some("Resize".into());
        Ok(())
    }

    /// What changed its form between opsets 10 and 13.
    fn thirteen(&mut self, node: &mut NodeProto) -> Result<()> {
        match node.op_type.as_deref().unwrap_or_default() {
            "Clip" if self.opset < 11 && is_old_form(node) => self.clip(node)?,
            "Pad" if self.opset < 11 && is_old_form(node) => self.pad(node)?,
            // The same operator under its name from opset 11 on.
            "Scatter" if self.opset < 11 => node.op_type = Some("ScatterElements".into()),
            "Squeeze" | "Unsqueeze" | "ReduceSum" => {
                self.made.extend(attribute_to_input(node, "axes", &mut self.names));
            }
            "Split" => self.made.extend(attribute_to_input(node, "split", &mut self.names)),
            // A ratio is for training alone.
            "Dropout" => node.attribute.retain(|a| a.name.as_deref() != Some("ratio")),
            "Softmax" | "LogSoftmax" | "Hardmax" => self.softmax(node),
            _ if node.attribute.iter().any(|a| a.g.is_some() || !a.graphs.is_empty()) => self.subgraphs(node)?,
            _ => {}
        }
        Ok(())
    }

    /// Before opset 13, Softmax ran over all axes from `axis` on (1 where nothing is said); from then on over one. The two
    /// are the same for the last axis; else the axes are made one and parted again.
    fn softmax(&mut self, node: &mut NodeProto) {
        let axis = attribute(node, "axis").and_then(|a| a.i).unwrap_or(1);
        let dims = self.input(node).and_then(|tensor| tensor.dims.as_ref());
        let rank = dims.and_then(|dims| i64::try_from(dims.len()).ok());
        node.attribute.retain(|a| a.name.as_deref() != Some("axis"));
        if axis == -1 || rank.is_some_and(|rank| axis == rank - 1) {
            return;
        }
        let (input, output) = (std::mem::take(&mut node.input), std::mem::take(&mut node.output));
        let [shape, flat, done] = ["shape", "flat", "done"].map(|what| self.fresh(&output[0], what));
        let axis = AttributeProto { name: Some("axis".into()), i: Some(axis), r#type: Some(2), ..Default::default() };
        self.before = vec![
            plain_node("Shape", input.clone(), &shape, Vec::new()),
            plain_node("Flatten", input, &flat, vec![axis]),
        ];
        node.input = vec![flat];
        node.output = vec![done.clone()];
        self.after = vec![plain_node("Reshape", vec![done, shape], &output[0], Vec::new())];
    }

    /// `Clip-11` takes its bounds as inputs; one that is not given stays out.
    fn clip(&mut self, node: &mut NodeProto) -> Result<()> {
        let bound = |name: &str| attribute(node, name).and_then(|a| a.f);
        let bounds = [("min", bound("min")), ("max", bound("max"))];
        for (what, value) in bounds {
            let input = value.map(|value| self.scalar(node, what, value)).transpose()?.unwrap_or_default();
            node.input.push(input);
        }
        node.attribute.retain(|a| !matches!(a.name.as_deref(), Some("min" | "max")));
        Ok(())
    }

    /// `Pad-11` takes pads and fill as inputs.
    fn pad(&mut self, node: &mut NodeProto) -> Result<()> {
        let fill = attribute(node, "value").and_then(|a| a.f);
        let pads =
            attribute_to_input(node, "pads", &mut self.names).ok_or_else(|| cannot(node, say!("it has no pads")))?;
        self.made.push(pads);
        if let Some(value) = fill {
            let input = self.scalar(node, "value", value)?;
            node.input.push(input);
        }
        node.attribute.retain(|a| a.name.as_deref() != Some("value"));
        Ok(())
    }

    /// The tensor on a node's first input; `None` inside a subgraph, whose tensors the graph does not know.
    fn input(&self, node: &NodeProto) -> Option<&'a TensorInfo> {
        node.input.first().and_then(|name| (self.tensor_of)(name))
    }

    /// One number of the type that the node computes in. Where that is unknown it is float32; another one would not load,
    /// and no export that does not load is called good.
    fn scalar(&mut self, node: &NodeProto, what: &str, value: f32) -> Result<String> {
        let data = match self.input(node).and_then(|tensor| tensor.element_type) {
            None | Some(ElementType::Float32) => TensorData::Float32(vec![value]),
            Some(ElementType::Float64) => TensorData::Float64(vec![value.into()]),
            Some(ElementType::Float16) => TensorData::Float16(vec![f16::from_f32(value)]),
            Some(other) => return Err(cannot(node, say!("its values are {}", other.name()))),
        };
        let name = self.fresh(first_output(node), what);
        self.made.push(tensor_proto(&name, &Tensor { shape: Vec::new(), data }));
        Ok(name)
    }

    fn fresh(&mut self, tensor: &str, what: &str) -> String {
        self.names.fresh(&format!("{tensor}_{what}"))
    }
}

/// Whether attributes say what inputs say from opset 11 on.
fn is_old_form(node: &NodeProto) -> bool {
    node.input.len() == 1
}

/// `BatchNormalization-9` is always spatial.
fn batch_normalization(node: &mut NodeProto) -> Result<()> {
    if attribute(node, "spatial").is_some_and(|a| a.i == Some(0)) {
        return Err(cannot(node, say!("it has statistics for each position")));
    }
    node.attribute.retain(|a| a.name.as_deref() != Some("spatial"));
    Ok(())
}

fn plain_node(op: &str, input: Vec<String>, output: &str, attribute: Vec<AttributeProto>) -> NodeProto {
    let (name, output) = (Some(format!("{output}_{op}")), vec![output.to_owned()]);
    NodeProto { name, op_type: Some(op.into()), input, output, attribute, ..NodeProto::default() }
}

fn first_output(node: &NodeProto) -> &str {
    node.output.first().map_or("", String::as_str)
}

fn cannot(node: &NodeProto, why: Text) -> Error {
    let name = node.name.as_deref().filter(|n| !n.is_empty());
    let name = name.unwrap_or_else(|| node.output.first().map_or("", String::as_str));
    Error::model(say!(
        "node `{}` ({}) cannot be raised to the opset that quantized operators need: {}. Export the float \
         model again with opset 13 or later",
        name,
        node.op_type.as_deref().unwrap_or_default(),
        why
    ))
}

/// A model without initializers among its inputs: before IR version 4 each had to be listed there.
pub(super) fn unlist_initializers(graph: &mut GraphProto) {
    let stored: BTreeSet<String> = graph.initializer.iter().filter_map(|t| t.name.clone()).collect();
    graph.input.retain(|i| i.name.as_ref().is_none_or(|n| !stored.contains(n)));
}
