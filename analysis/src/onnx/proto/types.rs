//! Types and shapes of values.

/// The type of a value.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct TypeProto {
    /// Which kind of type it is.
    #[prost(oneof = "TypeValue", tags = "1, 4, 5, 7, 8, 9")]
    pub value: Option<TypeValue>,
    /// What the value means, by a standard name.
    #[prost(string, optional, tag = "6")]
    pub denotation: Option<String>,
}

/// The kinds of types.
#[derive(Clone, PartialEq, Eq, Hash, prost::Oneof)]
pub enum TypeValue {
    /// A dense tensor.
    #[prost(message, tag = "1")]
    TensorType(TensorType),
    /// A sequence of values of one type.
    #[prost(message, tag = "4")]
    SequenceType(Box<SequenceType>),
    /// A map from a scalar to a type.
    #[prost(message, tag = "5")]
    MapType(Box<MapType>),
    /// A type only its domain knows.
    #[prost(message, tag = "7")]
    OpaqueType(OpaqueType),
    /// A sparse tensor.
    #[prost(message, tag = "8")]
    SparseTensorType(SparseTensorType),
    /// A value that may be absent.
    #[prost(message, tag = "9")]
    OptionalType(Box<OptionalType>),
}

/// A dense tensor's element type and shape.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct TensorType {
    /// A [`super::DataType`].
    #[prost(int32, optional, tag = "1")]
    pub elem_type: Option<i32>,
    /// The shape; absent when even the rank is unknown.
    #[prost(message, optional, tag = "2")]
    pub shape: Option<TensorShapeProto>,
}

/// A sequence's element type.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct SequenceType {
    /// The type of every element.
    #[prost(message, optional, boxed, tag = "1")]
    pub elem_type: Option<Box<TypeProto>>,
}

/// A map's key and value types.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct MapType {
    /// A [`super::DataType`]: an integer or string.
    #[prost(int32, optional, tag = "1")]
    pub key_type: Option<i32>,
    /// The type of every value.
    #[prost(message, optional, boxed, tag = "2")]
    pub value_type: Option<Box<TypeProto>>,
}

/// The type of a value that may be absent.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct OptionalType {
    /// The type when it is there.
    #[prost(message, optional, boxed, tag = "1")]
    pub elem_type: Option<Box<TypeProto>>,
}

/// A sparse tensor's element type and shape.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct SparseTensorType {
    /// A [`super::DataType`].
    #[prost(int32, optional, tag = "1")]
    pub elem_type: Option<i32>,
    /// The dense shape.
    #[prost(message, optional, tag = "2")]
    pub shape: Option<TensorShapeProto>,
}

/// A type only its domain knows.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct OpaqueType {
    /// The domain.
    #[prost(string, optional, tag = "1")]
    pub domain: Option<String>,
    /// The type's name in it.
    #[prost(string, optional, tag = "2")]
    pub name: Option<String>,
}

/// The length of each axis.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct TensorShapeProto {
    /// The axes.
    #[prost(message, repeated, tag = "1")]
    pub dim: Vec<TensorShapeDimension>,
}

/// One axis of a shape.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct TensorShapeDimension {
    /// Its length; absent when unknown.
    #[prost(oneof = "DimensionValue", tags = "1, 2")]
    pub value: Option<DimensionValue>,
    /// What the axis means, by a standard name.
    #[prost(string, optional, tag = "3")]
    pub denotation: Option<String>,
}

/// A fixed or a named length.
#[derive(Clone, PartialEq, Eq, Hash, prost::Oneof)]
pub enum DimensionValue {
    /// A fixed length.
    #[prost(int64, tag = "1")]
    DimValue(i64),
    /// A named length ("batch"), equal wherever the name is.
    #[prost(string, tag = "2")]
    DimParam(String),
}
