//! Small graphs for tests, with types given instead of inferred.

use std::{collections::BTreeMap, sync::Arc};

use super::{Constants, Graph, InferredType};
use crate::{
    onnx::{
        proto::{
            AttributeProto, DimensionValue, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
            TensorShapeDimension, TensorShapeProto, TensorType, TypeProto, TypeValue, ValueInfoProto,
        },
        tensor_proto,
    },
    tensor::{ElementType, Tensor, TensorData},
};

/// Builds a model node by node; every activation is float32 unless said otherwise.
#[derive(Default)]
pub(crate) struct Builder {
    graph: GraphProto,
    opset: i64,
}

impl Builder {
    pub(crate) fn new(opset: i64) -> Self {
        Self { opset, ..Self::default() }
    }

    pub(crate) fn input(mut self, name: &str, dims: &[i64]) -> Self {
        let dim = dims.iter().map(|&d| TensorShapeDimension {
            value: (d >= 0).then_some(DimensionValue::DimValue(d)),
            denotation: None,
        });
        let shape = Some(TensorShapeProto { dim: dim.collect() });
        let tensor = TensorType { elem_type: Some(ElementType::Float32.onnx_code()), shape };
        self.graph.input.push(ValueInfoProto {
            name: Some(name.into()),
            r#type: Some(TypeProto { value: Some(TypeValue::TensorType(tensor)), denotation: None }),
            ..ValueInfoProto::default()
        });
        self
    }

    pub(crate) fn constant(mut self, name: &str, shape: &[usize], values: &[f32]) -> Self {
        self.graph.initializer.push(tensor_proto(name, &Tensor::float32(shape.to_vec(), values.to_vec())));
        self
    }

    /// A constant that is no data: a shape, an axis.
    pub(crate) fn integers(mut self, name: &str) -> Self {
        let value = Tensor { shape: vec![1], data: TensorData::Int64(vec![0]) };
        self.graph.initializer.push(tensor_proto(name, &value));
        self
    }

    /// A node named after its first output.
    pub(crate) fn node(self, op: &str, inputs: &[&str], outputs: &[&str]) -> Self {
        self.node_with(op, inputs, outputs, &[])
    }

    pub(crate) fn node_with(mut self, op: &str, inputs: &[&str], outputs: &[&str], ints: &[(&str, i64)]) -> Self {
        self.graph.node.push(NodeProto {
            op_type: Some(op.into()),
            name: outputs.first().map(|o| format!("n_{o}")),
            input: inputs.iter().map(|s| (*s).to_owned()).collect(),
            output: outputs.iter().map(|s| (*s).to_owned()).collect(),
            attribute: ints
                .iter()
                .map(|(name, value)| AttributeProto {
                    name: Some((*name).into()),
                    i: Some(*value),
                    r#type: Some(2),
                    ..AttributeProto::default()
                })
                .collect(),
            ..NodeProto::default()
        });
        self
    }

    pub(crate) fn output(mut self, name: &str) -> Self {
        self.graph.output.push(ValueInfoProto { name: Some(name.into()), ..ValueInfoProto::default() });
        self
    }

    pub(crate) fn model(self) -> ModelProto {
        ModelProto {
            ir_version: Some(8),
            opset_import: vec![OperatorSetIdProto { domain: None, version: Some(self.opset) }],
            graph: Some(self.graph),
            ..ModelProto::default()
        }
    }

    /// The graph; `others` names tensors that are not float32.
    pub(crate) fn graph(self, others: &[(&str, ElementType)]) -> Graph {
        let skeleton = Graph::skeleton(Arc::new(self.model())).unwrap();
        let others: BTreeMap<&str, ElementType> = others.iter().copied().collect();
        let types: BTreeMap<String, InferredType> = skeleton
            .tensors
            .iter()
            .map(|t| {
                let element = others.get(t.name.as_str()).copied().unwrap_or(ElementType::Float32);
                (t.name.clone(), InferredType { element_type: Some(element), dims: t.dims.clone() })
            })
            .collect();
        let constants = Constants::stored(&skeleton).unwrap();
        skeleton.finish(&types, constants).unwrap()
    }
}
