//! Which segments are the same computation but for the values of their constants. An order of additions depends on nodes,
//! attributes and shapes alone, so what was proven of one holds for all that are alike.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use prost::Message as _;

use super::{Proven, made_up};
use crate::{
    buffer::Pool,
    engine::SessionKind,
    onnx::{
        SharedFloats,
        proto::{GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto},
    },
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

/// A model that is alike, of whose constants the values are made up. Those of one value stay: bounds must not cross.
pub(in crate::engine) fn with_made_up_constants(model: &ModelProto, pool: &Pool) -> ModelProto {
    let mut model = model.clone();
    let constants = model.graph.iter_mut().flat_map(|graph| &mut graph.initializer);
    let several = |constant: &TensorProto| constant.dims.iter().product::<i64>() > 1;
    for (seed, constant) in (2..).zip(constants.filter(|constant| several(constant))) {
        let mut values = made_up(seed, &constant.dims, pool);
        if constant.dims.len() == 1 {
            // One a channel: a variance is above 0, and a scale that is nearly 0 would hide the sums.
            values.iter_mut().for_each(|value| *value = 1.0 + *value / 2.0);
        }
        let values = SharedFloats::filled(pool, values.len(), |out| out.copy_from_slice(&values));
        *constant = TensorProto {
            dims: constant.dims.clone(),
            data_type: constant.data_type,
            name: constant.name.clone(),
            raw_data: Some(values.raw()),
            ..TensorProto::default()
        };
    }
    model
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
    use std::collections::BTreeSet;

    use super::*;
    use crate::{
        onnx::{float_values, proto::AttributeProto, tensor_proto},
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

    #[test]
    fn made_up_constants_are_alike_and_tell_orders_apart() {
        let pool = Pool::default();
        let mut zeros = model("a", 0.0, [4, 5], 0);
        let more = [("variance", vec![3], vec![-1.0; 3]), ("bound", vec![1], vec![6.0]), ("low", vec![], vec![0.5])];
        let more = more.map(|(name, shape, values)| tensor_proto(name, &Tensor::float32(shape, values)));
        zeros.graph.as_mut().unwrap().initializer.extend(more);
        let made = with_made_up_constants(&zeros, &pool);
        assert_eq!(likeness(&made, SessionKind::Float), likeness(&zeros, SessionKind::Float));
        let graph = made.graph.as_ref().unwrap();
        let values = |at: usize| float_values(&graph.initializer[at]).unwrap().into_owned();
        let distinct: BTreeSet<u32> = values(0).iter().map(|value| value.to_bits()).collect();
        assert_eq!(distinct.len(), 20, "no two weights are one");
        assert!(values(1).iter().all(|&variance| variance >= 0.5), "{:?}", values(1));
        assert_eq!((values(2), values(3)), (vec![6.0], vec![0.5]), "bounds stay");
        assert_eq!(made, with_made_up_constants(&zeros, &pool), "the same at every call");
    }
}
