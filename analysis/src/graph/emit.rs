//! The nodes that compute a layer, as ONNX: the engine's sessions and the export are both written from here, so that
//! they cannot come to differ.

use super::{Graph, LayerId, NodeId, TensorId};
use crate::onnx::proto::NodeProto;

/// How names in emitted nodes are chosen.
pub struct Naming<'a> {
    /// The name under which a layer's node reads a tensor.
    pub read: &'a dyn Fn(TensorId) -> String,
    /// The name under which it writes one.
    pub write: &'a dyn Fn(TensorId) -> String,
    /// The name of the constant that replaces the computing node's input at this position, if one does.
    pub operand: &'a dyn Fn(usize) -> Option<String>,
}

impl std::fmt::Debug for Naming<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Naming")
    }
}

impl Graph {
    /// The nodes of a layer. With `folds_batch_norm` the computing node writes the batch norm's output and the batch
    /// norm is left out; its constants then come through [`Naming::operand`].
    pub fn emit_layer(&self, layer: LayerId, folds_batch_norm: bool, naming: &Naming<'_>) -> Vec<NodeProto> {
        let row = &self.layers[layer];
        let folded = row.batch_norm.filter(|_| folds_batch_norm);
        let mut nodes = Vec::with_capacity(row.nodes.len());
        for (order, &id) in row.nodes.iter().enumerate() {
            if Some(id) == folded {
                continue;
            }
            let mut node = self.emit_node(id, naming);
            if order == 0 {
                self.put_operands(id, &mut node, naming);
                if let Some(output) = folded.and_then(|norm| self.nodes[norm].outputs.first().copied().flatten()) {
                    node.output = vec![(naming.write)(output)];
                }
            }
            nodes.push(node);
        }
        nodes
    }

    /// A node as the file has it, its tensors renamed.
    pub fn emit_node(&self, id: NodeId, naming: &Naming<'_>) -> NodeProto {
        let mut node = self.proto(id).clone();
        let info = &self.nodes[id];
        for (name, tensor) in node.input.iter_mut().zip(&info.inputs) {
            if let Some(tensor) = *tensor {
                *name = (naming.read)(tensor);
            }
        }
        for (name, tensor) in node.output.iter_mut().zip(&info.outputs) {
            if let Some(tensor) = *tensor {
                *name = (naming.write)(tensor);
            }
        }
        node
    }

    fn put_operands(&self, id: NodeId, node: &mut NodeProto, naming: &Naming<'_>) {
        // A fold can add a bias where the file has none: one position past the last input.
        for position in 0..=node.input.len().max(self.nodes[id].inputs.len()).max(2) {
            if let Some(name) = (naming.operand)(position) {
                while node.input.len() <= position {
                    node.input.push(String::new());
                }
                node.input[position] = name;
            }
        }
    }
}
