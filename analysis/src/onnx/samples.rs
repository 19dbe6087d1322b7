//! Hand-built messages for the tests of this folder.

use bytes::Bytes;

use super::proto::*;

fn text(value: &str) -> Option<String> {
    Some(value.to_owned())
}

pub(super) fn entry(key: &str, value: &str) -> StringStringEntryProto {
    StringStringEntryProto { key: text(key), value: text(value) }
}

pub(super) fn value(name: &str, kind: TypeValue) -> ValueInfoProto {
    ValueInfoProto {
        name: text(name),
        r#type: Some(TypeProto { value: Some(kind), denotation: None }),
        doc_string: text("about"),
        metadata_props: vec![entry("k", "v")],
    }
}

pub(super) fn float_tensor(name: &str, values: &[f32]) -> TensorProto {
    let raw: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    TensorProto {
        dims: vec![i64::try_from(values.len()).unwrap()],
        data_type: Some(DataType::Float as i32),
        name: text(name),
        raw_data: Some(raw.into()),
        ..TensorProto::default()
    }
}

/// A model of one `Relu`, the least that opens.
pub(super) fn small_model() -> ModelProto {
    let node =
        NodeProto { input: vec!["x".into()], output: vec!["y".into()], op_type: text("Relu"), ..NodeProto::default() };
    let graph = GraphProto { node: vec![node], name: text("g"), ..GraphProto::default() };
    let opset = OperatorSetIdProto { domain: text(""), version: Some(17) };
    ModelProto { ir_version: Some(8), graph: Some(graph), opset_import: vec![opset], ..ModelProto::default() }
}

/// A tensor that has something in every field (ONNX forbids to fill several; the format does not).
fn full_tensor() -> TensorProto {
    TensorProto {
        dims: vec![2, 0, -1],
        segment: Some(Segment { begin: Some(0), end: Some(-1) }),
        float_data: vec![1.5, -0.0],
        int32_data: vec![-1, 300],
        string_data: vec![Bytes::from_static(b"a\xff"), Bytes::new()],
        int64_data: vec![i64::MIN, 1],
        double_data: vec![0.1],
        uint64_data: vec![u64::MAX],
        doc_string: text("about"),
        external_data: vec![entry("location", "w.bin")],
        data_location: Some(DataLocation::Default as i32),
        metadata_props: vec![entry("k", "v")],
        ..float_tensor("full", &[1.0])
    }
}

fn sparse() -> SparseTensorProto {
    let indices = TensorProto { int64_data: vec![3], ..TensorProto::default() };
    SparseTensorProto { values: Some(float_tensor("s", &[1.0])), indices: Some(indices), dims: vec![4] }
}

fn types() -> Vec<TypeValue> {
    let dim = |value| TensorShapeDimension { value: Some(value), denotation: text("DATA_BATCH") };
    let dims = vec![
        dim(DimensionValue::DimValue(-3)),
        dim(DimensionValue::DimParam("n".into())),
        TensorShapeDimension::default(),
    ];
    let shape = Some(TensorShapeProto { dim: dims });
    let tensor = TypeValue::TensorType(TensorType { elem_type: Some(1), shape: shape.clone() });
    let inner = || Some(Box::new(TypeProto { value: Some(tensor.clone()), denotation: text("IMAGE") }));
    vec![
        tensor.clone(),
        TypeValue::SequenceType(Box::new(SequenceType { elem_type: inner() })),
        TypeValue::MapType(Box::new(MapType { key_type: Some(7), value_type: inner() })),
        TypeValue::OptionalType(Box::new(OptionalType { elem_type: inner() })),
        TypeValue::SparseTensorType(SparseTensorType { elem_type: Some(11), shape }),
        TypeValue::OpaqueType(OpaqueType { domain: text("d"), name: text("n") }),
        TypeValue::TensorType(TensorType::default()),
    ]
}

/// One attribute of every kind, and one without a type as IR version 1 has them.
pub(super) fn attributes() -> Vec<AttributeProto> {
    let of = |kind: AttributeType, rest: AttributeProto| AttributeProto {
        name: Some(format!("{kind:?}")),
        r#type: Some(kind as i32),
        ..rest
    };
    let graph = || GraphProto { name: text("inner"), initializer: vec![full_tensor()], ..GraphProto::default() };
    let tp = |value| TypeProto { value: Some(value), denotation: None };
    type A = AttributeProto;
    vec![
        of(AttributeType::Float, A { f: Some(0.0), ..A::default() }),
        of(AttributeType::Int, A { i: Some(-1), ..A::default() }),
        of(AttributeType::String, A { s: Some(Bytes::from_static(b"\xff\0")), ..A::default() }),
        of(AttributeType::Tensor, A { t: Some(Box::new(full_tensor())), ..A::default() }),
        of(AttributeType::Graph, A { g: Some(Box::new(graph())), ..A::default() }),
        of(AttributeType::SparseTensor, A { sparse_tensor: Some(Box::new(sparse())), ..A::default() }),
        of(AttributeType::TypeProto, A { tp: types().pop().map(|t| Box::new(tp(t))), ..A::default() }),
        of(AttributeType::Floats, A { floats: vec![f32::INFINITY, 1.0], ..A::default() }),
        of(AttributeType::Ints, A { ints: vec![i64::MAX, 0, -1], ..A::default() }),
        of(AttributeType::Strings, A { strings: vec![Bytes::new(), Bytes::from_static(b"b")], ..A::default() }),
        of(AttributeType::Tensors, A { tensors: vec![full_tensor(), TensorProto::default()], ..A::default() }),
        of(AttributeType::Graphs, A { graphs: vec![graph(), GraphProto::default()], ..A::default() }),
        of(AttributeType::SparseTensors, A { sparse_tensors: vec![sparse()], ..A::default() }),
        of(AttributeType::TypeProtos, A { type_protos: types().into_iter().map(tp).collect(), ..A::default() }),
        A { name: text("old"), i: Some(0), doc_string: text(""), ref_attr_name: text("outer"), ..A::default() },
    ]
}

fn devices() -> NodeDeviceConfigurationProto {
    let cut = |dim| SimpleShardedDimProto { dim, num_shards: Some(2) };
    let cuts = vec![cut(Some(ShardingDim::DimValue(8))), cut(Some(ShardingDim::DimParam("n".into()))), cut(None)];
    let spec = ShardingSpecProto {
        tensor_name: text("x"),
        device: vec![0, -1],
        index_to_device_group_map: vec![IntIntListEntryProto { key: Some(-1), value: vec![1, 2] }],
        sharded_dim: vec![ShardedDimProto { axis: Some(-1), simple_sharding: cuts }],
    };
    NodeDeviceConfigurationProto { configuration_id: text("c"), sharding_spec: vec![spec], pipeline_stage: Some(0) }
}

/// A model with something in every field of every message of the schema.
pub(super) fn full_model() -> ModelProto {
    let node = NodeProto {
        input: vec!["x".into(), String::new()],
        output: vec!["y".into()],
        name: text("n"),
        op_type: text("Op"),
        attribute: attributes(),
        doc_string: text("about"),
        domain: text("d"),
        overload: text("o"),
        metadata_props: vec![entry("k", "v")],
        device_configurations: vec![devices()],
    };
    let annotation = TensorAnnotation {
        tensor_name: text("x"),
        quant_parameter_tensor_names: vec![entry("SCALE_TENSOR", "x_scale")],
    };
    let graph = GraphProto {
        node: vec![node.clone()],
        name: text("g"),
        initializer: vec![full_tensor()],
        doc_string: text("about"),
        input: types().into_iter().map(|kind| value("x", kind)).collect(),
        output: vec![value("y", TypeValue::TensorType(TensorType::default()))],
        value_info: vec![ValueInfoProto::default()],
        quantization_annotation: vec![annotation],
        sparse_initializer: vec![sparse()],
        metadata_props: vec![entry("k", "v")],
    };
    let function = FunctionProto {
        name: text("f"),
        input: vec!["a".into()],
        output: vec!["b".into()],
        attribute: vec!["p".into()],
        node: vec![node],
        doc_string: text("about"),
        opset_import: vec![OperatorSetIdProto { domain: None, version: Some(21) }],
        domain: text("d"),
        attribute_proto: attributes(),
        value_info: vec![ValueInfoProto::default()],
        overload: text("o"),
        metadata_props: vec![entry("k", "v")],
    };
    let training = TrainingInfoProto {
        initialization: Some(GraphProto::default()),
        algorithm: Some(graph.clone()),
        initialization_binding: vec![entry("w", "w0")],
        update_binding: vec![entry("w", "w1")],
    };
    ModelProto {
        ir_version: Some(14),
        producer_name: text("p"),
        producer_version: text("1"),
        domain: text("d"),
        model_version: Some(0),
        doc_string: text(""),
        graph: Some(graph),
        opset_import: vec![OperatorSetIdProto { domain: text(""), version: Some(24) }],
        metadata_props: vec![entry("k", "v"), StringStringEntryProto::default()],
        training_info: vec![training],
        functions: vec![function],
        configuration: vec![DeviceConfigurationProto {
            name: text("c"),
            num_devices: Some(2),
            device: vec!["cpu:0".into(), "cpu:1".into()],
        }],
    }
}
