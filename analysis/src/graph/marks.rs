//! The marking pass: nodes mark the tensors they want quantized, in topological order. The order matters: an operator
//! that hands quantizers on does so only if its input has one by then, as in onnxruntime's quantizer.

use std::collections::{BTreeMap, BTreeSet};

use super::{Graph, NodeId, Owner, Place, Source, TensorId, roles::is_data};
use crate::target::{FixedOutput, OperatorClass};

/// What was marked so far.
pub(super) struct Marks<'a> {
    graph: &'a Graph,
    /// Tensors that subgraphs read by their own names.
    captured: BTreeSet<TensorId>,
    /// Outputs with a range or parameters of their own.
    fixed: BTreeMap<TensorId, FixedOutput>,
    /// By tensor.
    pub(super) places: Vec<Option<Place>>,
    /// Tensors that one operator wants in one scale, by operator.
    pub(super) joins: Vec<Vec<TensorId>>,
}

impl<'a> Marks<'a> {
    pub(super) fn new(graph: &'a Graph) -> Self {
        let captured = graph.nodes.iter().flat_map(|n| n.captured.iter().copied()).collect();
        let places = vec![None; graph.tensors.len()];
        Self { graph, captured, fixed: fixed_outputs(graph), places, joins: Vec::new() }
    }

    /// Marks what the node wants; `outputs` are those of its layer.
    pub(super) fn node(&mut self, id: NodeId, outputs: &[TensorId]) {
        let node = &self.graph.nodes[id];
        let input = |position: usize| node.inputs.get(position).copied().flatten();
        match self.graph.class(id) {
            Some(OperatorClass::Linear) => {
                self.own(input(0));
                self.own(input(1));
                self.own_outputs(outputs);
            }
            Some(OperatorClass::Normalization) => {
                self.own(input(0));
                self.own_outputs(outputs);
            }
            Some(OperatorClass::AllTensors) => self.all_tensors(id, outputs),
            Some(OperatorClass::FollowsInput) => {
                // Where's first input is the condition.
                let branches = if node.op == "Where" { &[1, 2][..] } else { &[0] };
                if branches.iter().all(|&position| self.is_marked(input(position))) {
                    self.own_outputs(outputs);
                }
            }
            Some(OperatorClass::PassThroughAlways) => {
                self.own(input(0));
                self.hand_on(id, outputs);
            }
            Some(OperatorClass::PassThrough) if self.is_marked(input(0)) || self.reads_table(id) => {
                self.hand_on(id, outputs);
            }
            Some(OperatorClass::PassThrough | OperatorClass::Float) | None => {}
        }
    }

    fn all_tensors(&mut self, id: NodeId, outputs: &[TensorId]) {
        let node = &self.graph.nodes[id];
        let data = node.inputs.iter().enumerate().filter(|(position, _)| is_data(&node.op, *position));
        let inputs: Vec<TensorId> = data.filter_map(|(_, tensor)| *tensor).collect();
        for &tensor in &inputs {
            self.own(Some(tensor));
        }
        self.own_outputs(outputs);
        if self.graph.target.operators.join.contains(&node.op) {
            self.joins.push(inputs.into_iter().chain(outputs.iter().copied()).collect());
        }
    }

    /// Whether the node looks values up in a constant, whose quantizer its output carries.
    fn reads_table(&self, id: NodeId) -> bool {
        let node = &self.graph.nodes[id];
        let first = node.inputs.first().copied().flatten();
        matches!(node.op.as_str(), "Gather" | "GatherElements")
            && first.is_some_and(|t| self.graph.tensors[t].is_constant && self.graph.tensors[t].is_float32())
    }

    /// Gives the outputs the quantizer of the node's first input, unless they hold values that it does not.
    fn hand_on(&mut self, id: NodeId, outputs: &[TensorId]) {
        let node = &self.graph.nodes[id];
        if node.op == "Pad" && !self.pads_with_own_values(id) {
            self.own_outputs(outputs);
        } else {
            self.share(node.inputs.first().copied().flatten(), outputs);
        }
    }

    /// Whether Pad's output holds nothing that its input's range does not: zeros are in every range.
    fn pads_with_own_values(&self, id: NodeId) -> bool {
        let proto = self.graph.proto(id);
        let mode = proto.attribute.iter().find(|a| a.name.as_deref() == Some("mode")).and_then(|a| a.s.as_deref());
        if !matches!(mode, None | Some(b"constant")) {
            return true;
        }
        let value = match self.graph.nodes[id].inputs.get(2).copied().flatten() {
            Some(tensor) => self.graph.constants.float_values(tensor).and_then(|v| v.first().copied()),
            None => {
                let attribute = proto.attribute.iter().find(|a| a.name.as_deref() == Some("value"));
                Some(attribute.and_then(|a| a.f).unwrap_or(0.0))
            }
        };
        value == Some(0.0)
    }

    fn is_marked(&self, tensor: Option<TensorId>) -> bool {
        tensor.is_some_and(|t| self.places[t].is_some())
    }

    fn own(&mut self, tensor: Option<TensorId>) {
        let Some(tensor) = tensor else { return };
        let info = &self.graph.tensors[tensor];
        // An input that is an output too, or that a subgraph captures, would be read past its quantizer: the name of an
        // input cannot be given to the dequantized tensor.
        let is_read_by_name = info.is_output || self.captured.contains(&tensor);
        let is_input = info.source == Source::Input;
        if info.is_float32() && !info.is_constant && self.places[tensor].is_none() && !(is_input && is_read_by_name) {
            let (fixed_range, fixed_params) = match self.fixed.get(&tensor) {
                Some(&FixedOutput::Range { low, high }) => (Some((low, high)), None),
                Some(&FixedOutput::Params { scale, zero_point }) => (None, Some((scale, zero_point))),
                None => (None, None),
            };
            self.places[tensor] = Some(Place { owner: Owner::Itself, fixed_range, fixed_params });
        }
    }

    fn own_outputs(&mut self, tensors: &[TensorId]) {
        if !self.graph.target.operators.quantize_outputs {
            return;
        }
        for &tensor in tensors {
            self.own(Some(tensor));
        }
    }

    fn share(&mut self, from: Option<TensorId>, tensors: &[TensorId]) {
        let Some(from) = from else { return };
        let place = self.places[from];
        let owner = match place {
            _ if self.graph.tensors[from].is_constant => Owner::Constant(from),
            Some(Place { owner: Owner::Itself, .. }) => Owner::Tensor(from),
            Some(place) => place.owner,
            None => return,
        };
        let (fixed_range, fixed_params) = place.map_or((None, None), |p| (p.fixed_range, p.fixed_params));
        for &tensor in tensors.iter().filter(|&&t| self.graph.tensors[t].is_float32()) {
            self.places[tensor] = Some(Place { owner, fixed_range, fixed_params });
        }
    }
}

/// The outputs that the target fixes, of rows: after the ReLU or Clip that an operator shares its quantizer with. Those
/// narrow what it makes; a Clip whose bounds lie outside what is fixed has them clipped away.
fn fixed_outputs(graph: &Graph) -> BTreeMap<TensorId, FixedOutput> {
    let mut fixed = BTreeMap::new();
    for layer in &graph.layers {
        let Some(&first) = layer.nodes.first() else { continue };
        let node = &graph.nodes[first];
        if let Some(&output) = graph.target.operators.fixed.get(&node.op).filter(|_| node.domain.is_empty()) {
            fixed.extend(layer.outputs.iter().map(|&tensor| (tensor, output)));
        }
    }
    fixed
}
