//! Why a row is one block that nothing can be quantized inside of.

use super::{Graph, LayerId, TensorId};
use crate::{onnx::raise::is_standard, say, text::Text};

impl Graph {
    /// Why the layer runs in one piece and float, where that is not the target's doing: it has subgraphs, handles
    /// sequences or optionals, or is a function or an operator that is not ONNX's own.
    pub(crate) fn block_reason(&self, layer: LayerId) -> Option<Text> {
        let &id = self.layers[layer].nodes.first()?;
        let (node, proto) = (&self.nodes[id], self.proto(id));
        let op = &node.op;
        if proto.attribute.iter().any(|a| a.g.is_some() || !a.graphs.is_empty()) {
            return Some(say!(
                "{} decides while it runs what of its subgraphs runs: it is one float block, and no quantizer \
                 stands in it",
                op
            ));
        }
        if !is_standard(proto.domain.as_deref()) {
            let domain = &node.domain;
            let is_function = self
                .model
                .functions
                .iter()
                .any(|f| (f.domain.as_deref(), f.name.as_deref()) == (Some(domain.as_str()), Some(op.as_str())));
            return Some(if is_function {
                say!("{} is a function that the model defines (`{}`): it runs as one float block", op, domain)
            } else {
                say!("{} is an operator of `{}`, not of ONNX itself: it runs as one float block", op, domain)
            });
        }
        // Inference gives no element type to what is no tensor.
        let is_container = |t: &TensorId| self.tensors[*t].element_type.is_none() && !self.tensors[*t].is_constant;
        node.reads().chain(node.outputs.iter().flatten().copied()).any(|t| is_container(&t)).then(|| {
            let what = if op.starts_with("Optional") { say!("an optional") } else { say!("a sequence") };
            say!("{} handles {}, which no quantizer can stand on", op, what)
        })
    }
}
