//! Raising an old model to opset 10, the first that has QuantizeLinear, or to 13, which float biases need.
//!
//! Quantized operators with 8-bit weights need it: in an older graph onnxruntime's full optimization makes a
//! QLinearConv that does not exist there and refuses the model it has just made. Only what changed its form between
//! those opsets is rewritten; what cannot be is refused by name. The kernels are the same ones, so no value changes.

use std::collections::BTreeSet;

use crate::{
    error::{Error, Result},
    onnx::{
        proto::{AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto},
        tensor_proto,
    },
    tensor::{Tensor, TensorData},
};

/// The opset that exports need at least.
pub(super) const LOWEST: i64 = 10;
/// The opset that integer weights beside a float bias need: with optimization on, onnxruntime (1.32) quantizes such a bias
/// by itself, with a Round of opset 11 and a DequantizeLinear along an axis, which is of this opset.
pub(super) const FLOAT_BIAS: i64 = 13;
/// The oldest that can be raised: before 7, broadcasting was an attribute of every element-wise operator.
const OLDEST: i64 = 7;

/// Raises `model` from `opset` to `lowest` ([`LOWEST`] or [`FLOAT_BIAS`]), if it is older.
///
/// # Errors
/// [`Error::Model`] that names the node that has no equal in the newer opset.
pub(super) fn raise(
    model: &mut ModelProto,
    opset: i64,
    lowest: i64,
    rank_of: &dyn Fn(&str) -> Option<usize>,
) -> Result<()> {
    if opset >= lowest {
        return Ok(());
    }
    if opset < OLDEST {
        return Err(Error::model(format!(
            "the model uses opset {opset}; QuantizeLinear exists from opset {LOWEST} on, and this program raises models \
             from opset {OLDEST} on. Export the float model again with opset 13 or later"
        )));
    }
    if let Some(graph) = &mut model.graph {
        let taken = super::names::Names::taken(graph);
        let mut raiser =
            Raiser { opset, lowest, rank_of, made: Vec::new(), before: Vec::new(), after: Vec::new(), taken };
        raiser.nodes(&mut graph.node)?;
        graph.initializer.extend(raiser.made);
    }
    for import in &mut model.opset_import {
        if matches!(import.domain.as_deref(), None | Some("" | "ai.onnx")) {
            import.version = Some(lowest);
        }
    }
    // Opset 10 belongs to IR version 5, opset 13 to 7.
    model.ir_version = model.ir_version.map(|v| v.max(if lowest > LOWEST { 7 } else { 5 }));
    Ok(())
}

struct Raiser<'a> {
    opset: i64,
    lowest: i64,
    /// Number of axes of a tensor of the float model, by name.
    rank_of: &'a dyn Fn(&str) -> Option<usize>,
    made: Vec<TensorProto>,
    /// What belongs right before and right after the node at hand.
    before: Vec<NodeProto>,
    after: Vec<NodeProto>,
    taken: BTreeSet<String>,
}

impl Raiser<'_> {
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
        if !matches!(node.domain.as_deref(), None | Some("" | "ai.onnx")) {
            return Ok(());
        }
        match node.op_type.as_deref().unwrap_or_default() {
            "Scan" if self.opset < 9 => Err(cannot(node, "Scan iterates over batches before opset 9")),
            "Slice" if self.opset < LOWEST => self.slice(node),
            "TopK" if self.opset < LOWEST => self.top_k(node),
            "Upsample" | "Resize" if self.lowest >= FLOAT_BIAS && self.opset < 11 => {
                Err(cannot(node, "its coordinates are reckoned otherwise from opset 11 on"))
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
        let (Some(starts), Some(ends)) = (starts, ends) else { return Err(cannot(node, "it has no starts or ends")) };
        let axes = axes.unwrap_or_else(|| (0_i64..).take(starts.len()).collect());
        for (what, values) in [("starts", starts), ("ends", ends), ("axes", axes)] {
            let input = self.integers(node, what, values);
            node.input.push(input);
        }
        node.attribute.clear();
        Ok(())
    }

    /// `TopK-10` takes k as an input.
    fn top_k(&mut self, node: &mut NodeProto) -> Result<()> {
        let k = attribute(node, "k").and_then(|a| a.i).ok_or_else(|| cannot(node, "it has no k"))?;
        let input = self.integers(node, "k", vec![k]);
        node.input.push(input);
        node.attribute.retain(|a| a.name.as_deref() != Some("k"));
        Ok(())
    }

    /// `Upsample` became `Resize-10`, whose scales are an input since opset 9 already.
    fn upsample(&mut self, node: &mut NodeProto) -> Result<()> {
        if node.input.len() < 2 {
            let scales = attribute(node, "scales").map(|a| a.floats.clone());
            let scales = scales.filter(|s| !s.is_empty()).ok_or_else(|| cannot(node, "it has no scales"))?;
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
            "Clip" if self.opset < 11 => self.clip(node),
            "Pad" if self.opset < 11 => self.pad(node)?,
            "Squeeze" | "Unsqueeze" | "ReduceSum" => self.attribute_to_input(node, "axes"),
            "Split" => self.attribute_to_input(node, "split"),
            // A ratio is for training alone.
            "Dropout" => node.attribute.retain(|a| a.name.as_deref() != Some("ratio")),
            "Softmax" | "LogSoftmax" | "Hardmax" => self.softmax(node),
            _ if node.attribute.iter().any(|a| a.g.is_some() || !a.graphs.is_empty()) => self.subgraphs(node)?,
            _ => {}
        }
        Ok(())
    }

    fn attribute_to_input(&mut self, node: &mut NodeProto, name: &str) {
        if let Some(values) = attribute(node, name).map(|a| a.ints.clone()) {
            let input = self.integers(node, name, values);
            node.input.push(input);
            node.attribute.retain(|a| a.name.as_deref() != Some(name));
        }
    }

    /// Before opset 13, Softmax ran over all axes from `axis` on (1 where nothing is said); from then on over one. The two
    /// are the same for the last axis; else the axes are made one and parted again.
    fn softmax(&mut self, node: &mut NodeProto) {
        let axis = attribute(node, "axis").and_then(|a| a.i).unwrap_or(1);
        let rank = node.input.first().and_then(|name| (self.rank_of)(name)).and_then(|r| i64::try_from(r).ok());
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
    fn clip(&mut self, node: &mut NodeProto) {
        let bound = |name: &str| attribute(node, name).and_then(|a| a.f);
        let bounds = [("min", bound("min")), ("max", bound("max"))];
        for (what, value) in bounds {
            let input = value.map(|value| self.float(node, what, value)).unwrap_or_default();
            node.input.push(input);
        }
        node.attribute.retain(|a| !matches!(a.name.as_deref(), Some("min" | "max")));
    }

    /// `Pad-11` takes pads and fill as inputs.
    fn pad(&mut self, node: &mut NodeProto) -> Result<()> {
        let pads = attribute(node, "pads").map(|a| a.ints.clone()).ok_or_else(|| cannot(node, "it has no pads"))?;
        let fill = attribute(node, "value").and_then(|a| a.f);
        let input = self.integers(node, "pads", pads);
        node.input.push(input);
        if let Some(value) = fill {
            let input = self.float(node, "value", value);
            node.input.push(input);
        }
        node.attribute.retain(|a| !matches!(a.name.as_deref(), Some("pads" | "value")));
        Ok(())
    }

    fn float(&mut self, node: &NodeProto, what: &str, value: f32) -> String {
        let name = self.fresh(first_output(node), what);
        self.made.push(tensor_proto(&name, &Tensor::float32(Vec::new(), vec![value])));
        name
    }

    fn integers(&mut self, node: &NodeProto, what: &str, values: Vec<i64>) -> String {
        let name = self.fresh(first_output(node), what);
        self.made.push(tensor_proto(&name, &Tensor { shape: vec![values.len()], data: TensorData::Int64(values) }));
        name
    }

    fn fresh(&mut self, tensor: &str, what: &str) -> String {
        let base = format!("{tensor}_{what}");
        let mut name = base.clone();
        let mut number = 2;
        while !self.taken.insert(name.clone()) {
            name = format!("{base}_{number}");
            number += 1;
        }
        name
    }
}

/// `BatchNormalization-9` is always spatial.
fn batch_normalization(node: &mut NodeProto) -> Result<()> {
    if attribute(node, "spatial").is_some_and(|a| a.i == Some(0)) {
        return Err(cannot(node, "it has statistics for each position"));
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

fn attribute<'a>(node: &'a NodeProto, name: &str) -> Option<&'a AttributeProto> {
    node.attribute.iter().find(|a| a.name.as_deref() == Some(name))
}

fn cannot(node: &NodeProto, why: &str) -> Error {
    let name = node.name.as_deref().filter(|n| !n.is_empty());
    let name = name.unwrap_or_else(|| node.output.first().map_or("", String::as_str));
    Error::model(format!(
        "node `{name}` ({}) cannot be raised to the opset that quantized operators need: {why}. Export the float \
         model again with opset 13 or later",
        node.op_type.as_deref().unwrap_or_default()
    ))
}

/// A model without initializers among its inputs: before IR version 4 each had to be listed there.
pub(super) fn unlist_initializers(graph: &mut GraphProto) {
    let stored: BTreeSet<String> = graph.initializer.iter().filter_map(|t| t.name.clone()).collect();
    graph.input.retain(|i| i.name.as_ref().is_none_or(|n| !stored.contains(n)));
}
