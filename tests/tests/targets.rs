//! Every built-in target, and one from a file, on whole models: what it promises is in the exported file, which gives the
//! engine's bits.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use quantlens_analysis::{
    calibrate::{Flavour, Method},
    config::QuantConfig,
    job::{CancelToken, Job, Progress},
    onnx::{self, proto::GraphProto},
    report::Report,
    target::Target,
    workbench::{ExportOptions, Workbench},
};
use quantlens_tests::{
    core::{bench, evaluate, quietly, sample, shared},
    models::{Builder, save_array},
};

fn config(target: &str) -> QuantConfig {
    QuantConfig { target: target.to_owned(), ..QuantConfig::default() }
}

/// The exported graph, held against the engine.
fn exported(workbench: &mut Workbench, config: &QuantConfig, folder: &Path) -> GraphProto {
    let path = folder.join("target.onnx");
    let options = ExportOptions::default();
    let report = quietly(|job| workbench.export(&Arc::new(config.clone()), &path, &options, job)).expect("it exports");
    let v = &report.verification;
    assert_eq!((v.failure.as_deref(), v.elements_different), (None, 0), "{}", config.target);
    onnx::load(&path).expect("it was written").model.graph.clone().expect("it has a graph")
}

/// Scale and zero-point of every activation's QuantizeLinear.
fn activations(graph: &GraphProto) -> Vec<(f32, i32)> {
    let constants: BTreeMap<&str, _> = graph.initializer.iter().filter_map(|t| Some((t.name.as_deref()?, t))).collect();
    let pairs = graph.node.iter().filter(|n| n.op_type.as_deref() == Some("QuantizeLinear"));
    pairs
        .map(|n| {
            let scale = onnx::float_values(constants[n.input[1].as_str()]).expect("a scale")[0];
            (scale, onnx::integer_values(constants[n.input[2].as_str()]).expect("a zero-point")[0])
        })
        .collect()
}

fn is_power_of_two(scale: f32) -> bool {
    scale.to_bits() & 0x007F_FFFF == 0
}

fn shares(report: &Report, layer: &str) -> Vec<String> {
    let row = report.rows.iter().find(|r| r.info.name == layer).expect("the layer is there");
    row.info.shares_activation_with.clone()
}

#[test]
fn targets_keep_their_promises_on_the_sample() {
    let folder = tempfile::tempdir().unwrap();
    let mut workbench = bench(&sample("sample.onnx"), &sample("sample.npz"), 8, None);
    let symmetric = activations(&exported(&mut workbench, &config("tensorrt"), folder.path()));
    assert!(!symmetric.is_empty() && symmetric.iter().all(|(_, zero_point)| *zero_point == 0));
    let shifts = activations(&exported(&mut workbench, &config("dsp-pow2"), folder.path()));
    assert!(!shifts.is_empty() && shifts.iter().all(|(s, z)| is_power_of_two(*s) && *z == 0), "{shifts:?}");
    let mobile = exported(&mut workbench, &config("tflite"), folder.path());
    // Softmax: 1/256 from −128 on, whatever was observed.
    let softmax = mobile.node.iter().any(|n| n.op_type.as_deref() == Some("Softmax"));
    assert_eq!(softmax, activations(&mobile).contains(&(1.0 / 256.0, -128)));
    let report = evaluate(&mut workbench, &config("npu-a16"));
    let widths: Vec<_> = report.rows.iter().filter_map(|r| Some((r.weight_bits?, r.activation_bits?))).collect();
    assert!(widths.iter().all(|(w, a)| w.to_string() == "8" && a.to_string() == "16"), "{widths:?}");
}

#[test]
fn a_concat_and_what_it_joins_have_one_scale() {
    let test = "a_concat_and_what_it_joins_have_one_scale";
    let (Some(model), Some(data)) =
        (shared(test, "models/models/squeezenet1.1.onnx"), shared(test, "models/images/open"))
    else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut workbench = bench(&model, &data, 2, None);
    let report = evaluate(&mut workbench, &config("tflite"));
    let concat = report.rows.iter().find(|r| r.info.op == "Concat").expect("SqueezeNet has some");
    let group = shares(&report, &concat.info.name);
    assert!(group.len() >= 3, "the Concat and its two convolutions: {group:?}");
    let of = |name: &String| report.rows.iter().find(|r| r.info.name == *name).unwrap().activation.clone().unwrap();
    let first = of(&group[0]);
    assert!(group.iter().all(|name| (of(name).scale, of(name).zero_point) == (first.scale, first.zero_point)));
    // The scale covers all of them: none clips more than half a step.
    let clipped = |name: &String| report.rows.iter().find(|r| r.info.name == *name).unwrap().clipped_fraction.value();
    assert!(group.iter().all(|name| clipped(name).is_none_or(|share| share < 1e-3)));
    exported(&mut workbench, &config("tflite"), folder.path());
}

#[test]
fn every_target_exports_real_models_bit_for_bit() {
    let test = "every_target_exports_real_models_bit_for_bit";
    for (model, data) in [
        ("models/models/mobilenetv2_bn_coarse8.onnx", "models/images/open"),
        ("models/models/tiny_resnet8_cifar10.onnx", "models/data/cifar10_dev.npz"),
        ("models/models/str_ww_dscnn.onnx", "models/data/str_ww_dev.npz"),
        ("models/models/all-MiniLM-L6-v2-vocab1489.onnx", "models/data/minilm_dev.npz"),
        ("models/models/ultraface_rfb_320.onnx", "models/images/open"),
    ] {
        let (Some(model), Some(data)) = (shared(test, model), shared(test, data)) else { continue };
        let folder = tempfile::tempdir().unwrap();
        let mut workbench = bench(&model, &data, 2, None);
        for target in Target::builtins() {
            exported(&mut workbench, &config(&target.name), folder.path());
        }
    }
}

#[test]
fn a_target_file_of_ones_own_takes_effect_and_its_mistakes_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("board.toml");
    let text = Target::builtin_toml("tensorrt").unwrap().replace("name = \"tensorrt\"", "name = \"board\"");
    std::fs::write(&path, &text).unwrap();
    let mut workbench = bench(&sample("sample.onnx"), &sample("sample.npz"), 4, None);
    let own = evaluate(&mut workbench, &config(path.to_str().unwrap()));
    let built_in = evaluate(&mut workbench, &config("tensorrt"));
    assert_eq!(own.score.output_sqnr_db, built_in.score.output_sqnr_db);
    std::fs::write(&path, text.replace("scheme = \"symmetric\"", "scheme = \"symetric\"")).unwrap();
    let mut fresh = bench(&sample("sample.onnx"), &sample("sample.npz"), 4, None);
    let broken = Arc::new(config(path.to_str().unwrap()));
    let error = quietly(|job| fresh.evaluate(&broken, job, &mut |_| ())).unwrap_err().to_string();
    assert!(error.contains("board.toml, line ") && error.contains("scheme"), "{error}");
    // The workbench is where it was.
    evaluate(&mut fresh, &QuantConfig::default());
    let mut wide = config("tensorrt");
    wide.defaults.activation_bits = Some("16".parse().unwrap());
    let error = fresh.check(&wide).unwrap_err().to_string();
    assert!(error.contains("TensorRT style has no activations in 16"), "{error}");
}

/// Log, Sub and Relu before a Conv with a Relu. `tflite` quantizes Sub, so that the first Relu belongs to its row;
/// `onnxruntime` does not, so that it has a row to itself. Sixteen samples, the first with `first` in front.
fn logarithms(folder: &Path, first: f32) -> Workbench {
    let mut model = Builder::new(17);
    model.input("x", &[2, 2, 2]);
    model.constant("k", &[1], vec![0.25]);
    model.constant("w", &[3, 2, 1, 1], vec![0.5, -0.25, 1.0, 0.75, -0.5, 0.125]);
    model.node("Log", &["x"], "log", vec![]);
    model.node("Sub", &["log", "k"], "sub", vec![]);
    model.node("Relu", &["sub"], "relu", vec![]);
    model.node("Conv", &["relu", "w"], "conv", vec![]);
    model.node("Relu", &["conv"], "y", vec![]);
    model.output("y");
    let mut values: Vec<f32> = (0..128_u16).map(|i| 0.5 + f32::from(i * 37 % 128) / 16.0).collect();
    values[0] = first;
    bench(&model.save(folder), &save_array(folder, &[16, 2, 2, 2], values), 16, None)
}

fn rows(report: &Report) -> Vec<String> {
    report.rows.iter().map(|row| row.info.name.clone()).collect()
}

/// What a click on each of these layers shows: the detail with the threshold's tensor, and the arithmetic.
fn clicked(workbench: &mut Workbench, config: &QuantConfig, layers: &[String]) -> Vec<String> {
    let config = Arc::new(config.clone());
    let page = |layer: &String| {
        let detail = quietly(|job| workbench.layer_detail(&config, layer, job)).expect("the layer is there");
        let arithmetic = quietly(|job| workbench.layer_arithmetic(&config, layer, job)).expect("the layer is there");
        let threshold = detail.threshold.as_ref().map(|t| (&t.tensor, &t.owner, &t.choices));
        let channels = (&detail.weight_channels, &detail.activation_channels);
        format!("{layer}: {:?} {:?} {channels:?} {threshold:?} {arithmetic:?}", detail.activation, detail.weights)
    };
    layers.iter().map(page).collect()
}

#[test]
fn a_click_after_a_return_to_a_target_shows_the_layer_of_that_name() {
    let folder = tempfile::tempdir().unwrap();
    let (here, there) = (config("onnxruntime"), config("tflite"));
    let mut workbench = logarithms(folder.path(), 1.0);
    let layers = rows(&evaluate(&mut workbench, &here));
    let expected = clicked(&mut workbench, &here, &layers);
    assert_ne!(rows(&evaluate(&mut workbench, &there)), layers, "the two targets have other rows");
    // The report is one of those kept, so the graph is still the other target's when the layer is clicked.
    assert_eq!(rows(&evaluate(&mut workbench, &here)), layers);
    assert_eq!(clicked(&mut workbench, &here, &layers), expected);
    evaluate(&mut workbench, &there);
    evaluate(&mut workbench, &here);
    let last = layers.last().unwrap();
    let arithmetic = quietly(|job| workbench.layer_arithmetic(&Arc::new(here.clone()), last, job)).unwrap();
    assert!(expected.last().unwrap().ends_with(&format!("{arithmetic:?}")), "{arithmetic:?}");
}

#[test]
fn warnings_of_the_data_do_not_grow_with_every_target() {
    let folder = tempfile::tempdir().unwrap();
    // Log(0) is infinite.
    let mut workbench = logarithms(folder.path(), 0.0);
    let warnings = |report: &Report| {
        let mut broken = report.warnings.clone();
        broken.retain(|warning| warning.code == "activation-not-finite");
        broken
    };
    let first = warnings(&evaluate(&mut workbench, &config("onnxruntime")));
    assert!(!first.is_empty());
    evaluate(&mut workbench, &config("tflite"));
    let mut again = config("onnxruntime");
    again.defaults.activation_bits = Some("float".parse().unwrap());
    assert_eq!(warnings(&evaluate(&mut workbench, &again)), first);
}

/// What a report says of the layers, whatever the target is called.
fn rows_of(report: &Report) -> String {
    format!("{:?} {:?}", report.rows, report.outputs)
}

#[test]
fn a_target_file_that_is_edited_takes_effect_under_the_same_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("board.toml");
    let write = |like: &str| {
        let text = Target::builtin_toml(like).unwrap();
        std::fs::write(&path, text.replace(&format!("name = \"{like}\""), "name = \"board\"")).unwrap();
    };
    let mut workbench = bench(&sample("sample.onnx"), &sample("sample.npz"), 4, None);
    let built_in = ["tensorrt", "dsp-pow2"].map(|like| rows_of(&evaluate(&mut workbench, &config(like))));
    assert_ne!(built_in[0], built_in[1]);
    let own = config(path.to_str().unwrap());
    write("tensorrt");
    assert_eq!(rows_of(&evaluate(&mut workbench, &own)), built_in[0]);
    // The file is the chosen target, and a report of it is kept; neither may stand for what it says now.
    write("dsp-pow2");
    workbench.check(&own).unwrap();
    assert_eq!(rows_of(&evaluate(&mut workbench, &own)), built_in[1]);
    // Also where another target was chosen in between; what was kept of the former text is of use again.
    evaluate(&mut workbench, &QuantConfig::default());
    write("tensorrt");
    assert_eq!(rows_of(&evaluate(&mut workbench, &own)), built_in[0]);
    std::fs::write(&path, "nonsense").unwrap();
    assert!(workbench.check(&own).is_err());
    let own = Arc::new(own);
    let error = quietly(|job| workbench.evaluate(&own, job, &mut |_| ())).unwrap_err().to_string();
    assert!(error.contains("board.toml"), "{error}");
}

/// How often `work` goes through the samples to count values.
fn looks(work: impl FnOnce(&mut Job<'_>)) -> usize {
    let mut looks = 0;
    let mut progress = |p: Progress| looks += usize::from(p.stage == "histograms" && p.done == 0);
    work(&mut Job { cancel: CancelToken::new(), progress: &mut progress });
    looks
}

#[test]
fn values_are_counted_in_one_look_and_only_where_a_range_is_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let mut model = Builder::new(17);
    model.input("x", &[2, 2, 2]);
    model.constant("w", &[2, 2, 1, 1], vec![0.5, -0.25, 1.0, 0.75]);
    model.node("Conv", &["x", "w"], "first", vec![]);
    model.node("Conv", &["first", "w"], "second", vec![]);
    // Of 1/256 from −128 on, whatever its values are.
    model.node("Sigmoid", &["second"], "y", vec![]);
    model.output("y");
    let values = (0..128_u16).map(|i| f32::from(i * 37 % 128) / 16.0 - 4.0).collect();
    let mut workbench = bench(&model.save(folder.path()), &save_array(folder.path(), &[16, 2, 2, 2], values), 16, None);
    let layers = rows(&evaluate(&mut workbench, &config("tflite")));
    let (sigmoid, chosen) = layers.split_last().unwrap();
    let counted = |workbench: &mut Workbench, config: &QuantConfig| {
        looks(|job| drop(workbench.evaluate(&Arc::new(config.clone()), job, &mut |_| ()).expect("it evaluates")))
    };
    let mut fixed = config("tflite");
    fixed.defaults.method = Some(Method::Kl);
    for layer in chosen {
        fixed.layers.entry(layer.clone()).or_default().method = Some(Method::MinMax);
    }
    assert_eq!(counted(&mut workbench, &fixed), 0);
    let click = |workbench: &mut Workbench, config: &QuantConfig, layer: &str| {
        looks(|job| drop(workbench.layer_detail(&Arc::new(config.clone()), layer, job).expect("the layer is there")))
    };
    assert_eq!(click(&mut workbench, &fixed, sigmoid), 0);
    let mut float = config("tflite");
    float.defaults.activation_bits = Some("float".parse().unwrap());
    assert_eq!(click(&mut workbench, &float, "n_first"), 0);
    // A flavour beside our own method, on tensors that were not counted so far.
    let mut mixed = config("tflite");
    mixed.defaults.method = Some(Method::Kl);
    mixed.layers.entry("n_second".into()).or_default().method = Some(Method::Flavour(Flavour::OrtEntropy));
    assert_eq!((counted(&mut workbench, &mixed), click(&mut workbench, &mixed, "n_second")), (1, 0));
    assert_eq!([0, 1].map(|_| click(&mut workbench, &mixed, "n_first")), [1, 0]);
    // What the flavour has to say of itself is no warning.
    let report = evaluate(&mut workbench, &mixed);
    assert!(report.warnings.iter().all(|warning| warning.code != "method-fell-back"), "{:?}", report.warnings);
}
