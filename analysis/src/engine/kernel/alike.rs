//! Which segments are the same computation but for the values of their constants. An order of additions depends on nodes,
//! attributes and shapes alone, so what was proven of one holds for all that are alike.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use prost::Message as _;

use super::Proven;
use crate::{
    engine::SessionKind,
    onnx::proto::{GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto},
};

/// What was proven of kernels, by what they compute.
#[derive(Debug, Default)]
pub(in crate::engine) struct Proofs(Mutex<BTreeMap<Vec<u8>, Arc<Proven>>>);

impl Proofs {
    /// What all kernels for models that are alike share.
    pub(super) fn of(&self, model: &ModelProto, kind: SessionKind) -> Arc<Proven> {
        let mut proofs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(proofs.entry(likeness(model, kind)).or_default())
    }
}

/// A model without names and values of constants. Prepacking belongs to it: packed weights may be summed in another order.
fn likeness(model: &ModelProto, kind: SessionKind) -> Vec<u8> {
    let graph = model.graph.clone().unwrap_or_default();
    let mut numbers = BTreeMap::new();
    let mut number = |name: &str| {
        let next = numbers.len();
        // An absent operand is not a name.
        if name.is_empty() { String::new() } else { numbers.entry(name.to_owned()).or_insert(next).to_string() }
    };
    let mut named =
        |info: &ValueInfoProto| ValueInfoProto { name: Some(number(info.name())), ..ValueInfoProto::default() };
    let input = graph.input.iter().map(&mut named).collect();
    let output = graph.output.iter().map(&mut named).collect();
    let node = graph.node.into_iter().map(|node| NodeProto {
        name: None,
        input: node.input.iter().map(|name| number(name)).collect(),
        output: node.output.iter().map(|name| number(name)).collect(),
        ..node
    });
    let node = node.collect();
    let mut initializer: Vec<_> = graph
        .initializer
        .iter()
        .map(|constant| TensorProto {
            name: Some(number(constant.name())),
            dims: constant.dims.clone(),
            data_type: constant.data_type,
            ..TensorProto::default()
        })
        .collect();
    initializer.sort_by_key(|constant| constant.name.clone());
    let graph = GraphProto { node, input, output, initializer, ..GraphProto::default() };
    let alike = ModelProto { opset_import: model.opset_import.clone(), graph: Some(graph), ..ModelProto::default() };
    let mut bytes = alike.encode_to_vec();
    bytes.push(u8::from(kind == SessionKind::Dequantized));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        onnx::{proto::AttributeProto, tensor_proto},
        tensor::Tensor,
    };

    fn model(prefix: &str, values: f32, shape: [usize; 2], axis: i64) -> ModelProto {
        let name = |name: &str| format!("{prefix}{name}");
        let attribute = AttributeProto { name: Some("axis".into()), i: Some(axis), ..AttributeProto::default() };
        let node = NodeProto {
            name: Some(name("node")),
            op_type: Some("Gemm".into()),
            input: vec![name("x"), name("w"), String::new()],
            output: vec![name("y")],
            attribute: vec![attribute],
            ..NodeProto::default()
        };
        let info = |of: &str| ValueInfoProto { name: Some(name(of)), ..ValueInfoProto::default() };
        let weights = Tensor::float32(shape.to_vec(), vec![values; shape[0] * shape[1]]);
        let graph = GraphProto {
            node: vec![node],
            input: vec![info("x")],
            output: vec![info("y")],
            initializer: vec![tensor_proto(&name("w"), &weights)],
            ..GraphProto::default()
        };
        ModelProto { graph: Some(graph), ..ModelProto::default() }
    }

    #[test]
    fn names_and_values_do_not_matter_and_all_else_does() {
        let proofs = Proofs::default();
        let of = |model: &ModelProto| proofs.of(model, SessionKind::Float);
        let first = of(&model("a", 1.0, [2, 3], 0));
        assert!(Arc::ptr_eq(&first, &of(&model("b", 2.0, [2, 3], 0))));
        assert!(!Arc::ptr_eq(&first, &of(&model("a", 1.0, [3, 2], 0))), "another shape");
        assert!(!Arc::ptr_eq(&first, &of(&model("a", 1.0, [2, 3], 1))), "another attribute");
        let prepared = proofs.of(&model("a", 1.0, [2, 3], 0), SessionKind::Dequantized);
        assert!(!Arc::ptr_eq(&first, &prepared), "weights that are not prepared");
        let mut wired = model("a", 1.0, [2, 3], 0);
        wired.graph.as_mut().unwrap().node[0].input.swap(0, 1);
        assert!(!Arc::ptr_eq(&first, &of(&wired)), "other operands");
    }
}
