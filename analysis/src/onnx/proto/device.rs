//! Annotations for running one model on several devices (IR version 11 and later).

/// A named set of devices.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct DeviceConfigurationProto {
    /// The name that nodes refer to.
    #[prost(string, optional, tag = "1")]
    pub name: Option<String>,
    /// How many devices it has.
    #[prost(int32, optional, tag = "2")]
    pub num_devices: Option<i32>,
    /// Names of the devices.
    #[prost(string, repeated, tag = "3")]
    pub device: Vec<String>,
}

/// Where a node runs in one device configuration.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct NodeDeviceConfigurationProto {
    /// Name of the [`DeviceConfigurationProto`].
    #[prost(string, optional, tag = "1")]
    pub configuration_id: Option<String>,
    /// How the node's tensors are divided.
    #[prost(message, repeated, tag = "2")]
    pub sharding_spec: Vec<ShardingSpecProto>,
    /// The pipeline stage the node belongs to.
    #[prost(int32, optional, tag = "3")]
    pub pipeline_stage: Option<i32>,
}

/// How one tensor is divided among devices.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct ShardingSpecProto {
    /// The tensor.
    #[prost(string, optional, tag = "1")]
    pub tensor_name: Option<String>,
    /// The devices, or groups of them by negative keys.
    #[prost(int64, repeated, packed = "false", tag = "2")]
    pub device: Vec<i64>,
    /// Which devices each group key stands for.
    #[prost(message, repeated, tag = "3")]
    pub index_to_device_group_map: Vec<IntIntListEntryProto>,
    /// How each axis is cut.
    #[prost(message, repeated, tag = "4")]
    pub sharded_dim: Vec<ShardedDimProto>,
}

/// A key and a list of integers.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct IntIntListEntryProto {
    /// The key.
    #[prost(int64, optional, tag = "1")]
    pub key: Option<i64>,
    /// The values.
    #[prost(int64, repeated, packed = "false", tag = "2")]
    pub value: Vec<i64>,
}

/// How one axis is cut.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct ShardedDimProto {
    /// The axis; negative counts from the back.
    #[prost(int64, optional, tag = "1")]
    pub axis: Option<i64>,
    /// The cuts, several where axes were merged by a reshape.
    #[prost(message, repeated, tag = "2")]
    pub simple_sharding: Vec<SimpleShardedDimProto>,
}

/// A length cut into a number of parts.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct SimpleShardedDimProto {
    /// The length.
    #[prost(oneof = "ShardingDim", tags = "1, 2")]
    pub dim: Option<ShardingDim>,
    /// How many parts.
    #[prost(int64, optional, tag = "3")]
    pub num_shards: Option<i64>,
}

/// A fixed or a named length.
#[derive(Clone, PartialEq, Eq, Hash, prost::Oneof)]
pub enum ShardingDim {
    /// A fixed length.
    #[prost(int64, tag = "1")]
    DimValue(i64),
    /// A named length.
    #[prost(string, tag = "2")]
    DimParam(String),
}
