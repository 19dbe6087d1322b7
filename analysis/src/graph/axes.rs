//! Which axis of a weight runs over the layer's inputs: the one that a dot product sums along, and that groups of weights
//! with a scale of their own divide.

use super::{Graph, LayerId};

impl Graph {
    /// The input axis of the constant that the layer's computing node reads at `position`; `None` where it has none.
    ///
    /// Conv `[M, C/groups, …]`: 1. ConvTranspose `[C, M/groups, …]`: 0. Gemm: K is the last axis with `transB`, else the
    /// first. MatMul with a constant `[…, K, N]`: the last but one.
    pub fn input_axis(&self, layer: LayerId, position: usize) -> Option<usize> {
        let &id = self.layers[layer].nodes.first()?;
        let node = &self.nodes[id];
        if !node.domain.is_empty() || position != 1 {
            return None;
        }
        let rank = self.tensors[node.inputs.get(1).copied().flatten()?].dims.as_ref()?.len();
        match node.op.as_str() {
            "Conv" => Some(1),
            "ConvTranspose" => Some(0),
            "Gemm" => {
                let attributes = &self.proto(id).attribute;
                Some(usize::from(attributes.iter().any(|a| a.name.as_deref() == Some("transB") && a.i == Some(1))))
            }
            "MatMul" => rank.checked_sub(2),
            _ => None,
        }
    }
}
