//! What is shown is what is exported: the file, run by stock onnxruntime without optimization, gives the engine's bits.

use std::{path::Path, sync::Arc};

use quantlens_analysis::{
    calibrate::{Flavour, Method},
    config::{Granularity, LayerSettings, QuantConfig},
    metrics::Measure,
    onnx,
    quant::{Bits, Codes, Range, Scheme, Sign},
    report::ExportReport,
    target::Target,
    workbench::{ExportOptions, Workbench},
};
use quantlens_tests::core::{bench, evaluate, quietly, sample, shared};

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
        let foreseen = quantlens_analysis::export::needed_opsets(&workbench.model(), &shown);
        assert_eq!(foreseen, report.opsets, "what the dialog foresees is what the file needs, configuration {index}");
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
fn written(workbench: &mut Workbench, config: &QuantConfig, path: &Path) -> onnx::proto::ModelProto {
    let report = export(workbench, config, path);
    let v = &report.verification;
    assert_eq!((v.failure.as_deref(), v.elements_different), (None, 0), "{}", config.to_json());
    let mut model = onnx::proto::ModelProto::clone(&onnx::load(path).expect("it was written").model);
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
