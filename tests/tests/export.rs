//! What is shown is what is exported: the file, run by stock onnxruntime without optimization, gives the engine's bits.

use std::{path::Path, sync::Arc};

use quantlens_analysis::{
    calibrate::{Flavour, Method},
    config::{Granularity, LayerSettings, QuantConfig},
    metrics::Measure,
    onnx::{
        self, SaveOptions,
        proto::{AttributeProto, GraphProto, ModelProto, NodeProto, ValueInfoProto},
        tensor_proto,
    },
    quant::{Bits, Codes, Range, Scheme, Sign},
    report::ExportReport,
    target::Target,
    tensor::{Tensor, TensorData},
    workbench::{ExportOptions, Workbench},
};
use quantlens_tests::{
    core::{bench, evaluate, float_bias_target, quietly, sample, shared},
    models::{Builder, float, int, ints, save_array},
    seeded::Seeded,
};

fn export(workbench: &mut Workbench, config: &QuantConfig, path: &Path) -> Arc<ExportReport> {
    quietly(|job| workbench.export(&Arc::new(config.clone()), path, &ExportOptions::default(), job))
        .expect("it exports")
}

fn with_bits(weights: Bits, activations: Bits, granularity: Granularity) -> QuantConfig {
    let mut config = QuantConfig::default();
    config.defaults.weight_bits = Some(weights);
    config.defaults.activation_bits = Some(activations);
    config.defaults.granularity = Some(granularity);
    config
}

fn holds(model: &Path, data: &Path, configs: &[QuantConfig]) {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let mut workbench = bench(model, data, 4, None);
    for (index, config) in configs.iter().enumerate() {
        let path = folder.path().join(format!("{index}.onnx"));
        let report = export(&mut workbench, config, &path);
        let v = &report.verification;
        assert_eq!(v.failure, None, "{} configuration {index}", model.display());
        assert_eq!(v.elements_different, 0);
        let shown = evaluate(&mut workbench, config);
        assert_eq!(
            shown.needs, report.opsets,
            "what the dialog foresees is what the file needs, configuration {index}"
        );
        assert!(v.tensors_compared > 0 && path.exists());
    }
}

#[test]
fn every_width_exports_bit_for_bit() {
    let mut configs = Vec::new();
    for bits in Bits::ALL {
        for granularity in [Granularity::PerTensor, Granularity::PerChannel] {
            configs.push(with_bits(bits, Bits::Int(8), granularity));
            configs.push(with_bits(Bits::Int(8), bits, granularity));
        }
    }
    let mut unfolded = QuantConfig::default();
    unfolded.defaults.fold_batch_norm = Some(false);
    configs.push(unfolded);
    holds(&sample("sample.onnx"), &sample("sample.npz"), &configs);
}

/// What is written of a configuration: bytes of the file without what it says about itself.
fn written(workbench: &mut Workbench, config: &QuantConfig, path: &Path) -> ModelProto {
    let report = export(workbench, config, path);
    let v = &report.verification;
    assert_eq!((v.failure.as_deref(), v.elements_different), (None, 0), "{}", config.to_json());
    let mut model = ModelProto::clone(&onnx::load(path).expect("it was written").model);
    model.metadata_props.clear();
    model
}

#[test]
fn every_switch_changes_the_file_and_holds() {
    let folder = tempfile::tempdir().unwrap();
    let mut workbench = bench(&sample("sample.onnx"), &sample("sample.npz"), 4, None);
    let path = folder.path().join("switch.onnx");
    let plain = written(&mut workbench, &QuantConfig::default(), &path);
    let mut switches: Vec<LayerSettings> = Method::all()
        .filter(|m| !matches!(m, Method::MinMax | Method::Manual))
        // These choose min–max on purpose, or on this data.
        .filter(|m| !matches!(m.flavour(), Some(Flavour::OrtMinMax | Flavour::OrtEntropy | Flavour::PpqMse)))
        .map(|method| LayerSettings { method: Some(method), ..LayerSettings::default() })
        .collect();
    switches.extend([
        LayerSettings { method: Some(Method::Percentile), percentile: Some(99.0), ..LayerSettings::default() },
        LayerSettings { method: Some(Method::Manual), range: Some(Range::new(-0.5, 1.25)), ..LayerSettings::default() },
        LayerSettings { activation_scheme: Some(Scheme::Symmetric), ..LayerSettings::default() },
        LayerSettings { activation_sign: Some(Sign::Unsigned), ..LayerSettings::default() },
        LayerSettings {
            activation_scheme: Some(Scheme::Symmetric),
            activation_sign: Some(Sign::Unsigned),
            ..LayerSettings::default()
        },
        LayerSettings { activation_codes: Some(Codes::Narrow), ..LayerSettings::default() },
        LayerSettings { weight_scheme: Some(Scheme::Affine), ..LayerSettings::default() },
        LayerSettings { weight_sign: Some(Sign::Unsigned), ..LayerSettings::default() },
        LayerSettings { granularity: Some(Granularity::PerChannel), ..LayerSettings::default() },
        LayerSettings { granularity: Some(Granularity::PerGroup(2)), ..LayerSettings::default() },
    ]);
    // A narrow weight grid has the same 127; it shows where codes would reach −128: with an affine scheme.
    switches.push(LayerSettings {
        weight_scheme: Some(Scheme::Affine),
        weight_codes: Some(Codes::Narrow),
        ..LayerSettings::default()
    });
    for defaults in switches {
        let config = QuantConfig { defaults, ..QuantConfig::default() };
        let model = written(&mut workbench, &config, &path);
        assert!(model.graph != plain.graph, "the file is the default's: {}", config.to_json());
    }
    for target in Target::builtins().iter().skip(1) {
        let config = QuantConfig { target: target.name.clone(), ..QuantConfig::default() };
        let model = written(&mut workbench, &config, &path);
        assert!(model.graph != plain.graph, "the file is the default's: {}", target.name);
    }
    let again = written(&mut workbench, &QuantConfig::default(), &path);
    assert!(again == plain, "back at the first target, everything is as it was");
}

#[test]
fn float_weights_stay_float_under_full_optimization() {
    let folder = tempfile::tempdir().unwrap();
    let mut workbench = bench(&sample("sample.onnx"), &sample("sample.npz"), 64, None);
    let path = folder.path().join("float.onnx");
    for bits in [Bits::Float, "float16".parse().unwrap(), "bfloat16".parse().unwrap()] {
        let config = with_bits(bits, Bits::int(8).unwrap(), Granularity::PerTensor);
        let v = export(&mut workbench, &config, &path).verification.clone();
        let shown = evaluate(&mut workbench, &config).score.output_sqnr_db.value().unwrap();
        // The sample's block3/depthwise at int8 with one scale leaves 0.3 dB.
        let optimized = v.optimized_output_sqnr_db.value().unwrap();
        assert!((optimized - shown).abs() < 2.0, "{bits:?}: {optimized} dB optimized, {shown} dB shown");
    }
}

#[test]
fn a_range_by_hand_comes_out_bit_for_bit() {
    // The one that a drag leaves: no round number.
    let range = Range::new(-0.123_456_79, 1.000_000_1);
    let mut config = QuantConfig::default();
    config.edit_layer("block3/depthwise", |s| (s.method, s.range) = (Some(Method::Manual), Some(range)));
    let read = QuantConfig::from_json(&config.to_json(), "session").unwrap();
    let back = read.layers["block3/depthwise"].range.unwrap();
    assert_eq!((back.low.to_bits(), back.high.to_bits()), (range.low.to_bits(), range.high.to_bits()));
    let mut workbench = bench(&sample("sample.onnx"), &sample("sample.npz"), 4, None);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hand.onnx");
    let model = written(&mut workbench, &read, &path);
    let row = workbench.model().layers.iter().find(|l| l.name == "block3/depthwise").unwrap().clone();
    let graph = model.graph.unwrap();
    let quantizer = graph
        .node
        .iter()
        .find(|n| n.op_type.as_deref() == Some("QuantizeLinear") && n.input[0].starts_with(&row.output));
    let scale = &quantizer.expect("the output is quantized").input[1];
    let scale = graph.initializer.iter().find(|t| t.name.as_deref() == Some(scale)).unwrap();
    #[expect(clippy::cast_possible_truncation, reason = "a scale is rounded to float32")]
    let expected = ((f64::from(range.high) - f64::from(range.low)) / 255.0) as f32;
    assert_eq!(onnx::float_values(scale).unwrap()[0].to_bits(), expected.to_bits());
}

#[test]
fn a_reader_with_a_format_of_its_own_exports_bit_for_bit() {
    let mut config = QuantConfig::default();
    config.edit_layer("block2/add", |s| {
        s.reads.insert("block1/project/out".into(), quantlens_analysis::config::ReadSettings { bits: Bits::Int(4) });
    });
    let mut workbench = bench(&sample("sample.onnx"), &sample("sample.npz"), 4, None);
    // The name of the tensor that the Add reads from the block before is the model's; take it from there.
    let model = workbench.model();
    let add = model.layers.iter().find(|l| l.name == "block2/add").unwrap();
    let (tensor, _) = add.inputs[0].clone();
    let mut config_here = QuantConfig::default();
    let reads = config.layers["block2/add"].reads.values().copied().next().unwrap();
    config_here.edit_layer("block2/add", |s| {
        s.reads.insert(tensor, reads);
    });
    let folder = tempfile::tempdir().unwrap();
    let report = export(&mut workbench, &config_here, &folder.path().join("r.onnx"));
    assert_eq!((report.verification.failure.clone(), report.verification.elements_different), (None, 0));
    assert_eq!(evaluate(&mut workbench, &config_here).needs, report.opsets);
    let plain = evaluate(&mut workbench, &QuantConfig::default());
    let own = evaluate(&mut workbench, &config_here);
    let at = add.index;
    assert_ne!(plain.rows[at].local, own.rows[at].local, "the second pair belongs to the consumer");
    assert_eq!(plain.rows[at - 1].accumulated, own.rows[at - 1].accumulated, "and to nobody else");
}

#[test]
fn all_float_is_the_input_model() {
    let folder = tempfile::tempdir().unwrap();
    let mut workbench = bench(&sample("sample.onnx"), &sample("sample.npz"), 2, None);
    let path = folder.path().join("float.onnx");
    let report = export(&mut workbench, &QuantConfig::all_float(), &path);
    assert_eq!(report.verification.output_sqnr_db, Measure::Exact);
    assert_eq!(onnx::load(&path).unwrap().model, onnx::load(&sample("sample.onnx")).unwrap().model);
}

#[test]
fn real_models_export_bit_for_bit() {
    let mixed = with_bits(Bits::Int(4), Bits::Int(16), Granularity::PerChannel);
    for (model, data) in [
        ("models/models/mobilenetv2_bn_coarse8.onnx", "models/images/imagenet"),
        ("models/models/squeezenet1.1.onnx", "models/images/imagenet"),
        ("models/models/all-MiniLM-L6-v2-vocab1489.onnx", "models/data/minilm_dev.npz"),
        ("models/models/mnist-8.onnx", "models/data/mnist_dev.npz"),
        ("models/models/tiny_resnet8_cifar10.onnx", "models/data/cifar10_dev.npz"),
        ("models/models/str_ww_dscnn.onnx", "models/data/str_ww_dev.npz"),
        ("models/models/ultraface_rfb_320.onnx", "models/images/open"),
        ("models/odd/external/tiny_resnet8_ext.onnx", "models/data/cifar10_dev.npz"),
    ] {
        let test = "real_models_export_bit_for_bit";
        if let (Some(model), Some(data)) = (shared(test, model), shared(test, data)) {
            holds(&model, &data, &[QuantConfig::default(), mixed.clone()]);
        }
    }
}

#[test]
fn the_model_itself_and_a_missing_folder_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("m.onnx");
    std::fs::copy(sample("sample.onnx"), &model).unwrap();
    let mut workbench = bench(&model, &sample("sample.npz"), 1, None);
    let config = Arc::new(QuantConfig::default());
    let mut try_at = |path: &Path| {
        quietly(|job| workbench.export(&config, path, &ExportOptions::default(), job)).unwrap_err().to_string()
    };
    assert!(try_at(&model).contains("float model itself"));
    let gone = folder.path().join("gone/out.onnx");
    assert!(try_at(&gone).contains("gone"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing half-written is left");
}

/// A Conv with a bias, which reads input `x` of 2 × 4 × 4 and makes `c`, for a node behind it.
fn conv(opset: i64) -> Builder {
    let mut builder = Builder::new(opset);
    builder.input("x", &[2, 4, 4]);
    builder.constant("w", &[2, 2, 1, 1], vec![0.5, -0.25, 0.125, 1.0]);
    builder.constant("b", &[2], vec![0.25, -0.5]);
    builder.node("Conv", &["x", "w", "b"], "c", Vec::new());
    builder
}

/// [`conv`], this node, and the output `y`.
fn behind_conv(opset: i64, op: &str, inputs: &[&str], attributes: Vec<AttributeProto>) -> Builder {
    let mut builder = conv(opset);
    builder.node(op, inputs, "y", attributes);
    builder.output("y");
    builder
}

/// A model in which the last node has a second output.
fn with_second_output(builder: &Builder) -> ModelProto {
    let mut model = builder.model();
    model.graph.as_mut().expect("it has a graph").node.last_mut().expect("it has nodes").output.push("second".into());
    model
}

fn save(model: &ModelProto, folder: &Path) -> std::path::PathBuf {
    let path = folder.join("model.onnx");
    onnx::save(model, &path, &SaveOptions::default()).expect("the folder is there");
    path
}

/// A Clip in a branch that is always taken, on a tensor from outside.
fn in_a_subgraph() -> ModelProto {
    let branch = |op: &str, attribute| GraphProto {
        name: Some(op.into()),
        node: vec![NodeProto {
            op_type: Some(op.into()),
            input: vec!["c".into()],
            output: vec![format!("{op}_out")],
            attribute,
            ..NodeProto::default()
        }],
        output: vec![ValueInfoProto { name: Some(format!("{op}_out")), ..ValueInfoProto::default() }],
        ..GraphProto::default()
    };
    let graph = |name: &str, graph| AttributeProto {
        name: Some(name.into()),
        g: Some(Box::new(graph)),
        r#type: Some(5),
        ..AttributeProto::default()
    };
    let clip = branch("Clip", vec![float("min", -0.25), float("max", 0.5)]);
    let branches = vec![graph("then_branch", clip), graph("else_branch", branch("Identity", Vec::new()))];
    let mut model = behind_conv(9, "If", &["yes"], branches).model();
    let yes = Tensor { shape: Vec::new(), data: TensorData::Bool(vec![true]) };
    model.graph.as_mut().expect("it has a graph").initializer.push(tensor_proto("yes", &yes));
    model
}

/// `(what, model of an old opset, whether it can be raised to 13 too)`.
fn old_models() -> Vec<(&'static str, ModelProto, bool)> {
    let clip = |opset| behind_conv(opset, "Clip", &["c"], vec![float("min", -0.25), float("max", 0.5)]);
    let pads = vec![ints("pads", &[0, 0, 1, 1, 0, 0, 0, 2]), float("value", 0.5)];
    let slice = vec![ints("starts", &[1, 0]), ints("ends", &[3, 2]), ints("axes", &[2, 3])];
    let mut taken = conv(9);
    taken.node("Clip", &["c"], "y", vec![float("max", 0.5)]);
    taken.node("Relu", &["y"], "y_max", Vec::new());
    taken.output("y_max");
    let mut scales = conv(9);
    scales.constant("scales", &[4], vec![1.0, 1.0, 2.0, 2.0]);
    scales.node("Upsample", &["c", "scales"], "y", Vec::new());
    scales.output("y");
    let mut scatter = conv(9);
    scatter.node("Flatten", &["c"], "flat", Vec::new());
    scatter.node("ReduceSum", &["flat"], "one", vec![ints("axes", &[1])]);
    scatter.node("ArgMax", &["flat"], "at", vec![int("axis", 1)]);
    scatter.node("Scatter", &["flat", "at", "one"], "y", vec![int("axis", 1)]);
    scatter.output("y");
    let mut norm = conv(7);
    for (name, value) in [("scale", 1.5), ("shift", 0.1), ("mean", 0.2), ("var", 0.7)] {
        norm.constant(name, &[2], vec![value, value * 0.5]);
    }
    norm.node("Relu", &["c"], "r", Vec::new());
    norm.node("BatchNormalization", &["r", "scale", "shift", "mean", "var"], "y", vec![int("spatial", 1)]);
    norm.output("y");
    let one = |what, builder: Builder| (what, builder.model(), true);
    vec![
        one("Clip of 7", clip(7)),
        one("Clip of 10", clip(10)),
        one("a taken name", taken),
        ("a subgraph", in_a_subgraph(), true),
        one("Pad", behind_conv(9, "Pad", &["c"], pads)),
        one("Slice", behind_conv(9, "Slice", &["c"], slice)),
        ("TopK", with_second_output(&behind_conv(9, "TopK", &["c"], vec![int("k", 2)])), true),
        one("Softmax", behind_conv(9, "Softmax", &["c"], vec![int("axis", 1)])),
        one("LogSoftmax of 10", behind_conv(10, "LogSoftmax", &["c"], vec![int("axis", 3)])),
        one("Unsqueeze", behind_conv(9, "Unsqueeze", &["c"], vec![ints("axes", &[1])])),
        one("ReduceSum", behind_conv(9, "ReduceSum", &["c"], vec![ints("axes", &[2, 3]), int("keepdims", 0)])),
        (
            "Split",
            with_second_output(&behind_conv(9, "Split", &["c"], vec![int("axis", 2), ints("split", &[1, 3])])),
            true,
        ),
        one("Dropout", behind_conv(7, "Dropout", &["c"], vec![float("ratio", 0.3)])),
        one("Scatter", scatter),
        one("BatchNormalization", norm),
        ("Upsample of 9", scales.model(), false),
    ]
}

#[test]
fn an_old_model_is_raised_bit_for_bit() {
    for (what, model, to_thirteen) in old_models() {
        let folder = tempfile::tempdir().unwrap();
        let model = save(&model, folder.path());
        let data = save_array(folder.path(), &[4, 2, 4, 4], Seeded::new(5).units(128, 1.5));
        let mut workbench = bench(&model, &data, 4, None);
        let float_bias = float_bias_target(folder.path());
        for (target, bits, opset) in
            [("onnxruntime", 8, 10), ("onnxruntime", 4, 10), (&float_bias, 8, 13), (&float_bias, 5, 13)]
        {
            if opset == 13 && !to_thirteen {
                continue;
            }
            let config = QuantConfig {
                target: target.to_owned(),
                ..with_bits(Bits::Int(8), Bits::Int(bits), Granularity::PerChannel)
            };
            let path = folder.path().join("raised.onnx");
            let report = export(&mut workbench, &config, &path);
            let v = &report.verification;
            assert_eq!((v.failure.as_deref(), v.elements_different), (None, 0), "{what} at {bits} bits for {target}");
            assert_eq!(report.opsets[0].1, opset, "{what} for {target}");
            assert_eq!(evaluate(&mut workbench, &config).needs, report.opsets, "{what} for {target}");
        }
    }
}

#[test]
fn a_bias_beyond_int32_beside_four_bits_stays_float_and_holds() {
    let mut builder = Builder::new(11);
    builder.input("x", &[2, 4, 4]);
    builder.constant("w", &[2, 2, 1, 1], vec![5e-7, -2.5e-7, 1e-7, 1e-6]);
    builder.constant("b", &[2], vec![1000.0, -3.0]);
    builder.node("Conv", &["x", "w", "b"], "y", Vec::new());
    builder.output("y");
    let folder = tempfile::tempdir().unwrap();
    let model = builder.save(folder.path());
    let data = save_array(folder.path(), &[4, 2, 4, 4], Seeded::new(5).units(128, 1.5));
    let mut configs = Vec::new();
    for granularity in [Granularity::PerTensor, Granularity::PerChannel] {
        configs.push(with_bits(Bits::Int(4), Bits::Int(8), granularity));
        let mut affine = with_bits(Bits::Int(8), Bits::Int(8), granularity);
        affine.defaults.weight_scheme = Some(Scheme::Affine);
        configs.push(affine);
    }
    holds(&model, &data, &configs);
    let mut workbench = bench(&model, &data, 4, None);
    for config in &configs {
        let exported = export(&mut workbench, config, &folder.path().join("out.onnx"));
        // Codes of the bias of 1000 would be around 1e12; wrapped around they leave the output thousands of steps off.
        let v = &exported.verification;
        let step = (1000.0 + 3.0) / 255.0;
        assert!(v.optimized_max_abs <= step, "{} apart of {step} allowed", v.optimized_max_abs);
        let report = evaluate(&mut workbench, config);
        assert_eq!(report.needs[0].1, 13, "a float bias beside integers");
        let words = "does not fit int32 on the scale of its products and stays float";
        assert!(report.warnings.iter().any(|w| w.code == "bias-overflow" && w.message.contains(words)));
    }
}

#[test]
fn a_quantizer_that_onnxruntime_would_push_on_is_foreseen() {
    let folder = tempfile::tempdir().unwrap();
    let mut builder = conv(21);
    builder.node("MaxPool", &["c"], "y", vec![ints("kernel_shape", &[2, 2])]);
    builder.output("y");
    let model = builder.save(folder.path());
    let data = save_array(folder.path(), &[4, 2, 4, 4], Seeded::new(5).units(128, 1.5));
    let mut config = with_bits(Bits::Int(8), Bits::Int(4), Granularity::PerChannel);
    let plain = config.clone();
    config.edit_layer("n_y", |s| {
        s.reads.insert("c".into(), quantlens_analysis::config::ReadSettings { bits: Bits::Int(8) });
    });
    holds(&model, &data, &[plain.clone(), config.clone()]);
    let mut workbench = bench(&model, &data, 4, None);
    let domains = |report: &quantlens_analysis::report::Report| report.needs.len();
    assert_eq!((domains(&evaluate(&mut workbench, &plain)), domains(&evaluate(&mut workbench, &config))), (1, 2));
}
