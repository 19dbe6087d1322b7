//! Which field numbers each ONNX message has, and what each holds: the map that [`super::wire`] walks a file with.
//!
//! It repeats what the derives in [`super::proto`] say, because prost offers no table to read at run time. The tests
//! hold the two together: every row decodes and encodes through its message unchanged.

use super::proto;

/// A message type of the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Model,
    OperatorSet,
    Entry,
    Function,
    Training,
    Graph,
    Node,
    ValueInfo,
    Annotation,
    Attribute,
    Tensor,
    Segment,
    SparseTensor,
    Type,
    TensorType,
    SequenceType,
    MapType,
    OptionalType,
    SparseTensorType,
    OpaqueType,
    Shape,
    Dimension,
    Device,
    NodeDevice,
    ShardingSpec,
    IntIntList,
    ShardedDim,
    SimpleShardedDim,
}

/// What a field holds, as far as walking over it needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// One integer.
    Int,
    /// One 32-bit float.
    Float,
    /// A list of integers, packed or not.
    Ints,
    /// A list of 32-bit floats, packed or not.
    Floats,
    /// A list of 64-bit floats, packed or not.
    Doubles,
    /// UTF-8 text.
    Text,
    /// Bytes that are not looked at.
    Bytes,
    /// Another message.
    Message(Kind),
}

/// A row of the table: field number, name, content.
pub(super) type Field = (u32, &'static str, Holds);

use Holds::{Bytes, Doubles, Float, Floats, Int, Ints, Message, Text};
use Kind as K;

const PROPS: Holds = Message(K::Entry);

const MODEL: &[Field] = &[
    (1, "ir_version", Int),
    (2, "producer_name", Text),
    (3, "producer_version", Text),
    (4, "domain", Text),
    (5, "model_version", Int),
    (6, "doc_string", Text),
    (7, "graph", Message(K::Graph)),
    (8, "opset_import", Message(K::OperatorSet)),
    (14, "metadata_props", PROPS),
    (20, "training_info", Message(K::Training)),
    (25, "functions", Message(K::Function)),
    (26, "configuration", Message(K::Device)),
];

const FUNCTION: &[Field] = &[
    (1, "name", Text),
    (4, "input", Text),
    (5, "output", Text),
    (6, "attribute", Text),
    (7, "node", Message(K::Node)),
    (8, "doc_string", Text),
    (9, "opset_import", Message(K::OperatorSet)),
    (10, "domain", Text),
    (11, "attribute_proto", Message(K::Attribute)),
    (12, "value_info", Message(K::ValueInfo)),
    (13, "overload", Text),
    (14, "metadata_props", PROPS),
];

const TRAINING: &[Field] = &[
    (1, "initialization", Message(K::Graph)),
    (2, "algorithm", Message(K::Graph)),
    (3, "initialization_binding", PROPS),
    (4, "update_binding", PROPS),
];

const GRAPH: &[Field] = &[
    (1, "node", Message(K::Node)),
    (2, "name", Text),
    (5, "initializer", Message(K::Tensor)),
    (10, "doc_string", Text),
    (11, "input", Message(K::ValueInfo)),
    (12, "output", Message(K::ValueInfo)),
    (13, "value_info", Message(K::ValueInfo)),
    (14, "quantization_annotation", Message(K::Annotation)),
    (15, "sparse_initializer", Message(K::SparseTensor)),
    (16, "metadata_props", PROPS),
];

const NODE: &[Field] = &[
    (1, "input", Text),
    (2, "output", Text),
    (3, "name", Text),
    (4, "op_type", Text),
    (5, "attribute", Message(K::Attribute)),
    (6, "doc_string", Text),
    (7, "domain", Text),
    (8, "overload", Text),
    (9, "metadata_props", PROPS),
    (10, "device_configurations", Message(K::NodeDevice)),
];

const ATTRIBUTE: &[Field] = &[
    (1, "name", Text),
    (2, "f", Float),
    (3, "i", Int),
    (4, "s", Bytes),
    (5, "t", Message(K::Tensor)),
    (6, "g", Message(K::Graph)),
    (7, "floats", Floats),
    (8, "ints", Ints),
    (9, "strings", Bytes),
    (10, "tensors", Message(K::Tensor)),
    (11, "graphs", Message(K::Graph)),
    (13, "doc_string", Text),
    (14, "tp", Message(K::Type)),
    (15, "type_protos", Message(K::Type)),
    (20, "type", Int),
    (21, "ref_attr_name", Text),
    (22, "sparse_tensor", Message(K::SparseTensor)),
    (23, "sparse_tensors", Message(K::SparseTensor)),
];

const TENSOR: &[Field] = &[
    (1, "dims", Ints),
    (2, "data_type", Int),
    (3, "segment", Message(K::Segment)),
    (4, "float_data", Floats),
    (5, "int32_data", Ints),
    (6, "string_data", Bytes),
    (7, "int64_data", Ints),
    (8, "name", Text),
    (9, "raw_data", Bytes),
    (10, "double_data", Doubles),
    (11, "uint64_data", Ints),
    (12, "doc_string", Text),
    (13, "external_data", PROPS),
    (14, "data_location", Int),
    (16, "metadata_props", PROPS),
];

const TYPE: &[Field] = &[
    (1, "tensor_type", Message(K::TensorType)),
    (4, "sequence_type", Message(K::SequenceType)),
    (5, "map_type", Message(K::MapType)),
    (6, "denotation", Text),
    (7, "opaque_type", Message(K::OpaqueType)),
    (8, "sparse_tensor_type", Message(K::SparseTensorType)),
    (9, "optional_type", Message(K::OptionalType)),
];

const VALUE_INFO: &[Field] =
    &[(1, "name", Text), (2, "type", Message(K::Type)), (3, "doc_string", Text), (4, "metadata_props", PROPS)];
const SPARSE: &[Field] = &[(1, "values", Message(K::Tensor)), (2, "indices", Message(K::Tensor)), (3, "dims", Ints)];
const TYPED_SHAPE: &[Field] = &[(1, "elem_type", Int), (2, "shape", Message(K::Shape))];
const NODE_DEVICE: &[Field] =
    &[(1, "configuration_id", Text), (2, "sharding_spec", Message(K::ShardingSpec)), (3, "pipeline_stage", Int)];
const SHARDING: &[Field] = &[
    (1, "tensor_name", Text),
    (2, "device", Ints),
    (3, "index_to_device_group_map", Message(K::IntIntList)),
    (4, "sharded_dim", Message(K::ShardedDim)),
];

impl Kind {
    /// The fields of this message, by number.
    pub(super) fn fields(self) -> &'static [Field] {
        match self {
            Self::Model => MODEL,
            Self::OperatorSet => &[(1, "domain", Text), (2, "version", Int)],
            Self::Entry => &[(1, "key", Text), (2, "value", Text)],
            Self::Function => FUNCTION,
            Self::Training => TRAINING,
            Self::Graph => GRAPH,
            Self::Node => NODE,
            Self::ValueInfo => VALUE_INFO,
            Self::Annotation => &[(1, "tensor_name", Text), (2, "quant_parameter_tensor_names", PROPS)],
            Self::Attribute => ATTRIBUTE,
            Self::Tensor => TENSOR,
            Self::Segment => &[(1, "begin", Int), (2, "end", Int)],
            Self::SparseTensor => SPARSE,
            Self::Type => TYPE,
            Self::TensorType | Self::SparseTensorType => TYPED_SHAPE,
            Self::SequenceType | Self::OptionalType => &[(1, "elem_type", Message(Self::Type))],
            Self::MapType => &[(1, "key_type", Int), (2, "value_type", Message(Self::Type))],
            Self::OpaqueType => &[(1, "domain", Text), (2, "name", Text)],
            Self::Shape => &[(1, "dim", Message(Self::Dimension))],
            Self::Dimension => &[(1, "dim_value", Int), (2, "dim_param", Text), (3, "denotation", Text)],
            Self::Device => &[(1, "name", Text), (2, "num_devices", Int), (3, "device", Text)],
            Self::NodeDevice => NODE_DEVICE,
            Self::ShardingSpec => SHARDING,
            Self::IntIntList => &[(1, "key", Int), (2, "value", Ints)],
            Self::ShardedDim => &[(1, "axis", Int), (2, "simple_sharding", Message(Self::SimpleShardedDim))],
            Self::SimpleShardedDim => &[(1, "dim_value", Int), (2, "dim_param", Text), (3, "num_shards", Int)],
        }
    }

    /// The row of field `number`.
    pub(super) fn field(self, number: u32) -> Option<&'static Field> {
        self.fields().iter().find(|(n, ..)| *n == number)
    }
}

/// Calls a macro with every pair of a [`Kind`] and its message, so that tables over both cannot miss one.
macro_rules! for_each_kind {
    ($with:ident) => {
        $with! {
            Model ModelProto, OperatorSet OperatorSetIdProto, Entry StringStringEntryProto, Function FunctionProto,
            Training TrainingInfoProto, Graph GraphProto, Node NodeProto, ValueInfo ValueInfoProto,
            Annotation TensorAnnotation, Attribute AttributeProto, Tensor TensorProto, Segment Segment,
            SparseTensor SparseTensorProto, Type TypeProto, TensorType TensorType, SequenceType SequenceType,
            MapType MapType, OptionalType OptionalType, SparseTensorType SparseTensorType, OpaqueType OpaqueType,
            Shape TensorShapeProto, Dimension TensorShapeDimension, Device DeviceConfigurationProto,
            NodeDevice NodeDeviceConfigurationProto, ShardingSpec ShardingSpecProto, IntIntList IntIntListEntryProto,
            ShardedDim ShardedDimProto, SimpleShardedDim SimpleShardedDimProto
        }
    };
}

macro_rules! facts {
    ($($kind:ident $message:ident),*) => {
        impl Kind {
            /// ONNX's name of the message.
            pub(super) fn name(self) -> &'static str {
                match self { $(Self::$kind => stringify!($message)),* }
            }

            /// Bytes that one decoded message takes in memory, without what it points to.
            pub(super) fn size(self) -> u64 {
                match self { $(Self::$kind => size_of::<proto::$message>() as u64),* }
            }
        }
    };
}
for_each_kind!(facts);

#[cfg(test)]
mod tests;
