//! Small ONNX models written in tests, and arrays for them.

use std::path::{Path, PathBuf};

use quantlens_analysis::{
    onnx::{
        self, SaveOptions,
        proto::{
            AttributeProto, DimensionValue, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
            TensorShapeDimension, TensorShapeProto, TensorType, TypeProto, TypeValue, ValueInfoProto,
        },
        tensor_proto,
    },
    tensor::{ElementType, Tensor},
};

/// `AttributeProto.AttributeType`: FLOAT, INT, INTS, GRAPH.
const KINDS: [i32; 4] = [1, 2, 7, 5];

/// An attribute with a float.
pub fn float(name: &str, value: f32) -> AttributeProto {
    AttributeProto { name: Some(name.into()), f: Some(value), r#type: Some(KINDS[0]), ..AttributeProto::default() }
}

/// An attribute with an integer.
pub fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto { name: Some(name.into()), i: Some(value), r#type: Some(KINDS[1]), ..AttributeProto::default() }
}

/// An attribute with integers.
pub fn ints(name: &str, values: &[i64]) -> AttributeProto {
    let (name, ints) = (Some(name.into()), values.to_vec());
    AttributeProto { name, ints, r#type: Some(KINDS[2]), ..AttributeProto::default() }
}

/// Builds a model node by node.
#[derive(Clone, Debug)]
pub struct Builder {
    graph: GraphProto,
    opset: i64,
}

impl Builder {
    /// A model without nodes.
    pub fn new(opset: i64) -> Self {
        Self { graph: GraphProto { name: Some("test".into()), ..GraphProto::default() }, opset }
    }

    /// A float32 input; the first axis is symbolic.
    pub fn input(&mut self, name: &str, rest: &[i64]) {
        self.typed_input(name, ElementType::Float32, rest);
    }

    /// An input; the first axis is symbolic.
    pub fn typed_input(&mut self, name: &str, element: ElementType, rest: &[i64]) {
        let dim = |value| TensorShapeDimension { value: Some(value), denotation: None };
        let batch = dim(DimensionValue::DimParam("batch".into()));
        let rest = rest.iter().map(|&d| dim(DimensionValue::DimValue(d)));
        let shape = Some(TensorShapeProto { dim: std::iter::once(batch).chain(rest).collect() });
        let tensor = TensorType { elem_type: Some(element.onnx_code()), shape };
        let value = TypeProto { value: Some(TypeValue::TensorType(tensor)), denotation: None };
        let (name, r#type) = (Some(name.into()), Some(value));
        self.graph.input.push(ValueInfoProto { name, r#type, ..ValueInfoProto::default() });
    }

    /// An input of a subgraph that is one value.
    pub fn scalar_input(&mut self, name: &str, element: ElementType) {
        let tensor = TensorType { elem_type: Some(element.onnx_code()), shape: Some(TensorShapeProto::default()) };
        let value = TypeProto { value: Some(TypeValue::TensorType(tensor)), denotation: None };
        let (name, r#type) = (Some(name.into()), Some(value));
        self.graph.input.push(ValueInfoProto { name, r#type, ..ValueInfoProto::default() });
    }

    /// What was built as a subgraph, for the attribute of this name.
    pub fn attribute(&self, name: &str) -> AttributeProto {
        let g = Some(self.graph.clone().into());
        AttributeProto { name: Some(name.into()), g, r#type: Some(KINDS[3]), ..AttributeProto::default() }
    }

    /// An initializer.
    pub fn constant(&mut self, name: &str, shape: &[usize], values: Vec<f32>) {
        self.graph.initializer.push(tensor_proto(name, &Tensor::float32(shape.to_vec(), values)));
    }

    /// An integer initializer.
    pub fn integers(&mut self, name: &str, values: &[i64]) {
        let data = quantlens_analysis::tensor::TensorData::Int64(values.to_vec());
        self.graph.initializer.push(tensor_proto(name, &Tensor { shape: vec![values.len()], data }));
    }

    /// A node with one output, called `n_` and that output's name.
    pub fn node(&mut self, op: &str, inputs: &[&str], output: &str, attributes: Vec<AttributeProto>) {
        self.graph.node.push(NodeProto {
            op_type: Some(op.into()),
            name: Some(format!("n_{output}")),
            input: inputs.iter().map(|s| (*s).to_owned()).collect(),
            output: vec![output.to_owned()],
            attribute: attributes,
            ..NodeProto::default()
        });
    }

    /// A float32 output, whose shape onnxruntime infers.
    pub fn output(&mut self, name: &str) {
        self.typed_output(name, ElementType::Float32);
    }

    /// An output, whose shape onnxruntime infers.
    pub fn typed_output(&mut self, name: &str, element: ElementType) {
        let tensor = TensorType { elem_type: Some(element.onnx_code()), shape: None };
        let value = TypeProto { value: Some(TypeValue::TensorType(tensor)), denotation: None };
        let (name, r#type) = (Some(name.into()), Some(value));
        self.graph.output.push(ValueInfoProto { name, r#type, ..ValueInfoProto::default() });
    }

    /// The model.
    pub fn model(&self) -> ModelProto {
        ModelProto {
            ir_version: Some(8),
            opset_import: vec![OperatorSetIdProto { domain: None, version: Some(self.opset) }],
            graph: Some(self.graph.clone()),
            ..ModelProto::default()
        }
    }

    /// The nodes, one a line, for messages of tests that failed.
    pub fn text(&self) -> String {
        let line = |n: &NodeProto| format!("{} = {}({})", n.output.join(", "), n.op_type(), n.input.join(", "));
        let outputs: Vec<&str> = self.graph.output.iter().map(ValueInfoProto::name).collect();
        let nodes: Vec<String> = self.graph.node.iter().map(line).collect();
        format!("opset {}\n{}\noutputs {}", self.opset, nodes.join("\n"), outputs.join(", "))
    }

    /// Writes the model into `folder`.
    ///
    /// # Panics
    /// Where the folder cannot be written.
    pub fn save(&self, folder: &Path) -> PathBuf {
        let path = folder.join("model.onnx");
        onnx::save(&self.model(), &path, &SaveOptions::default()).expect("the folder can be written");
        path
    }
}

/// Writes an array that feeds a single input; the first length counts samples.
///
/// # Panics
/// Where `shape` does not hold the values or the folder cannot be written.
pub fn save_array(folder: &Path, shape: &[usize], values: Vec<f32>) -> PathBuf {
    let path = folder.join("data.npy");
    let array = ndarray::ArrayD::from_shape_vec(shape.to_vec(), values).expect("the shape holds the values");
    ndarray_npy::write_npy(&path, &array).expect("the folder can be written");
    path
}

/// An array of an archive: name, shape, values.
pub type Named<T> = (&'static str, Vec<usize>, Vec<T>);

/// Writes arrays for models with several inputs; the first length of each counts samples.
///
/// # Panics
/// Where a shape does not hold its values or the file cannot be written.
pub fn save_archive(path: &Path, floats: Vec<Named<f32>>, integers: Vec<Named<i64>>) -> PathBuf {
    let file = std::fs::File::create(path).expect("the file can be written");
    let mut writer = ndarray_npy::NpzWriter::new(file);
    for (name, shape, values) in floats {
        let array = ndarray::ArrayD::from_shape_vec(shape, values).expect("the shape holds the values");
        writer.add_array(name, &array).expect("the file can be written");
    }
    for (name, shape, values) in integers {
        let array = ndarray::ArrayD::from_shape_vec(shape, values).expect("the shape holds the values");
        writer.add_array(name, &array).expect("the file can be written");
    }
    writer.finish().expect("the file can be written");
    path.to_owned()
}

/// A tensor as the bytes of its message.
pub fn encoded(tensor: &onnx::proto::TensorProto) -> Vec<u8> {
    prost::Message::encode_to_vec(tensor)
}
