//! Every built-in target, and one from a file, on whole models: what it promises is in the exported file, which gives the
//! engine's bits.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use quantlens_analysis::{
    config::QuantConfig,
    onnx::{self, proto::GraphProto},
    report::Report,
    target::Target,
    workbench::{ExportOptions, Workbench},
};
use quantlens_tests::core::{bench, evaluate, quietly, sample, shared};

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
