//! The ONNX schema (IR version 14) as protobuf messages, written by hand so that no build needs `protoc`.
//!
//! Names, numbers and presence follow `onnx.proto`, which is proto2: a scalar that may be absent is an `Option`, and
//! absent differs from zero, so what was not in the file is not written either. Repeated numbers are packed only where
//! `onnx.proto` says so (the data of a tensor), since packing elsewhere would change files that nothing changed.
//! Byte fields are [`bytes::Bytes`]: decoded from a mapped file they are slices of it, not copies. One difference in
//! byte order remains: prost writes a oneof where its lowest number stands, so a `TypeProto` that has both a
//! denotation and an optional, sparse or opaque type is written in another order than protobuf's own, with equal
//! content.

mod attribute;
mod device;
mod graph;
mod model;
mod tensor;
mod types;

pub use attribute::{AttributeProto, AttributeType};
pub use device::{
    DeviceConfigurationProto, IntIntListEntryProto, NodeDeviceConfigurationProto, ShardedDimProto, ShardingDim,
    ShardingSpecProto, SimpleShardedDimProto,
};
pub use graph::{GraphProto, NodeProto, TensorAnnotation, ValueInfoProto};
pub use model::{FunctionProto, ModelProto, OperatorSetIdProto, StringStringEntryProto, TrainingInfoProto};
pub use tensor::{DataLocation, DataType, Segment, SparseTensorProto, TensorProto};
pub use types::{
    DimensionValue, MapType, OpaqueType, OptionalType, SequenceType, SparseTensorType, TensorShapeDimension,
    TensorShapeProto, TensorType, TypeProto, TypeValue,
};

/// The newest IR version this schema knows (onnx 1.23).
pub const IR_VERSION: i64 = 14;
