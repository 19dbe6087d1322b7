//! Where quantizers may stand for a target, on a graph whose batch norms are folded, and which tensors share one.
//!
//! With the built-in target `onnxruntime` the places are those of `quantize_static` (QDQ format, default operator set),
//! whose rules were read from onnxruntime 1.32's `quantization/operators/*.py`. Three deviations, none of which changes a
//! tensor's value: ReLU and Clip are kept (onnxruntime drops them where the quantizer's own clamp does their work),
//! Identity and inference Dropout hand their input's quantizer on (its preprocessing removes them), and a batch norm that
//! is not folded stays inside its layer.

use std::collections::BTreeMap;

use super::{Graph, TensorId, joins, marks::Marks};

/// How a tensor's quantizer gets its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// From the tensor's own range, or that of the whole group it owns ([`Quantizable::joined`]).
    Itself,
    /// The same as this other activation's (`MaxPool`, Reshape, Transpose, …, or a shared scale).
    Tensor(TensorId),
    /// The same as this constant's (Gather from a table).
    Constant(TensorId),
}

/// A tensor that may carry a quantizer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Whose parameters it has. Never a chain: a `Tensor` owner owns itself.
    pub owner: Owner,
    /// A range known from the operator (Softmax: 0 to 1), used instead of the observed one.
    pub fixed_range: Option<(f32, f32)>,
    /// Scale and zero-point that the target prescribes, for its one integer width of activations.
    pub fixed_params: Option<(f32, i32)>,
}

/// Which tensors may carry a quantizer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Quantizable {
    pub(super) places: Vec<Option<Place>>,
    /// Tensors whose values make one scale, the owner first, by owner; only where there are several.
    pub(super) joined: BTreeMap<TensorId, Vec<TensorId>>,
}

impl Quantizable {
    /// The places of the graph's target. The graph has its layers.
    pub(super) fn of(graph: &Graph) -> Self {
        let mut marks = Marks::new(graph);
        for (id, node) in graph.nodes.iter().enumerate() {
            let layer = graph.layer_of(id).map(|l| &graph.layers[l]);
            let is_inner = layer.is_some_and(|l| l.nodes.first() != Some(&id));
            if node.is_constant || is_inner || !node.domain.is_empty() {
                continue;
            }
            let outputs = layer.map(|l| l.outputs.clone()).unwrap_or_default();
            marks.node(id, &outputs);
        }
        let Marks { mut places, joins, .. } = marks;
        let joined = joins::unite(graph, &mut places, &joins);
        Self { places, joined }
    }

    /// The tensor's place, if it may carry a quantizer.
    pub fn place(&self, tensor: TensorId) -> Option<&Place> {
        self.places.get(tensor)?.as_ref()
    }

    /// The activation whose settings decide this tensor's quantizer: the owner of its shared scale, or itself.
    pub fn owner(&self, tensor: TensorId) -> Option<TensorId> {
        match self.place(tensor)?.owner {
            Owner::Tensor(owner) => Some(owner),
            Owner::Itself | Owner::Constant(_) => Some(tensor),
        }
    }

    /// The tensors whose observed values the scale of `owner` must cover, itself first, then in graph order. Alone, unless
    /// the target joins scales: what a pass-through operator makes holds no values that its input does not.
    pub fn joined(&self, owner: TensorId) -> Vec<TensorId> {
        self.joined.get(&owner).cloned().unwrap_or_else(|| vec![owner])
    }

    /// Every tensor that carries the quantizer of `owner`, itself included, ascending: what changes together.
    pub fn sharers(&self, owner: TensorId) -> impl Iterator<Item = TensorId> + '_ {
        (0..self.places.len()).filter(move |&tensor| self.owner(tensor) == Some(owner))
    }
}
