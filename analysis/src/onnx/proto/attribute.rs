//! A node's parameters.

use bytes::Bytes;

use super::{GraphProto, SparseTensorProto, TensorProto, TypeProto};

/// One parameter of a node. The large kinds are boxed: a model has many attributes, and nearly all are numbers.
#[derive(Clone, PartialEq, prost::Message)]
pub struct AttributeProto {
    /// The parameter's name.
    #[prost(string, optional, tag = "1")]
    pub name: Option<String>,
    /// The value when `type` is `Float`.
    #[prost(float, optional, tag = "2")]
    pub f: Option<f32>,
    /// The value when `type` is `Int`.
    #[prost(int64, optional, tag = "3")]
    pub i: Option<i64>,
    /// The value when `type` is `String`: UTF-8 by custom, not by rule.
    #[prost(bytes = "bytes", optional, tag = "4")]
    pub s: Option<Bytes>,
    /// The value when `type` is `Tensor`.
    #[prost(message, optional, boxed, tag = "5")]
    pub t: Option<Box<TensorProto>>,
    /// The value when `type` is `Graph`.
    #[prost(message, optional, boxed, tag = "6")]
    pub g: Option<Box<GraphProto>>,
    /// The value when `type` is `Floats`.
    #[prost(float, repeated, packed = "false", tag = "7")]
    pub floats: Vec<f32>,
    /// The value when `type` is `Ints`.
    #[prost(int64, repeated, packed = "false", tag = "8")]
    pub ints: Vec<i64>,
    /// The value when `type` is `Strings`.
    #[prost(bytes = "bytes", repeated, tag = "9")]
    pub strings: Vec<Bytes>,
    /// The value when `type` is `Tensors`.
    #[prost(message, repeated, tag = "10")]
    pub tensors: Vec<TensorProto>,
    /// The value when `type` is `Graphs`.
    #[prost(message, repeated, tag = "11")]
    pub graphs: Vec<GraphProto>,
    /// Prose for people.
    #[prost(string, optional, tag = "13")]
    pub doc_string: Option<String>,
    /// The value when `type` is `TypeProto`.
    #[prost(message, optional, boxed, tag = "14")]
    pub tp: Option<Box<TypeProto>>,
    /// The value when `type` is `TypeProtos`.
    #[prost(message, repeated, tag = "15")]
    pub type_protos: Vec<TypeProto>,
    /// Which of the fields holds the value; absent in IR version 1.
    #[prost(enumeration = "AttributeType", optional, tag = "20")]
    pub r#type: Option<i32>,
    /// In a function: the attribute of the call whose value this one takes.
    #[prost(string, optional, tag = "21")]
    pub ref_attr_name: Option<String>,
    /// The value when `type` is `SparseTensor`.
    #[prost(message, optional, boxed, tag = "22")]
    pub sparse_tensor: Option<Box<SparseTensorProto>>,
    /// The value when `type` is `SparseTensors`.
    #[prost(message, repeated, tag = "23")]
    pub sparse_tensors: Vec<SparseTensorProto>,
}

/// Which kind of value an attribute has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
#[expect(missing_docs, reason = "the names are ONNX's own")]
pub enum AttributeType {
    Undefined = 0,
    Float = 1,
    Int = 2,
    String = 3,
    Tensor = 4,
    Graph = 5,
    Floats = 6,
    Ints = 7,
    Strings = 8,
    Tensors = 9,
    Graphs = 10,
    SparseTensor = 11,
    SparseTensors = 12,
    TypeProto = 13,
    TypeProtos = 14,
}
