//! What is shown is what is exported, on every model that the shared folder has: at 4, 8 and 16 bits the file gives the
//! engine's bits in every tensor, and, with nothing looked at but its outputs, the errors that the report tells.
//!
//! `QUANTLENS_GRID=1` tries every width, scale and target on more samples.

use std::{path::Path, sync::Arc, time::Instant};

use quantlens_analysis::{
    config::{Granularity, QuantConfig},
    data::{DataOptions, DataSource},
    quant::Bits,
    target::Target,
    workbench::{ExportOptions, Workbench},
};
use quantlens_tests::{
    core::{evaluate, open, quietly, shared},
    session::errs_as_shown,
};

/// Models with their data.
const MODELS: [(&str, &str); 16] = [
    ("models/mnist-8.onnx", "synthetic"),
    ("models/squeezenet1.1.onnx", "synthetic"),
    ("models/mobilenetv2_bn_coarse8.onnx", "synthetic"),
    ("models/ultraface_rfb_320.onnx", "synthetic"),
    ("models/all-MiniLM-L6-v2-vocab1489.onnx", "data/minilm_dev.npz"),
    ("models/tiny_resnet8_cifar10.onnx", "synthetic"),
    ("models/super_resolution_10.onnx", "synthetic"),
    ("models/byte_sb_bidi_lstm.onnx", "synthetic"),
    ("models/str_ww_dscnn.onnx", "synthetic"),
    ("digits/digits_cnn.onnx", "digits/digits_test.npz"),
    ("digits/digits_cnn_hostile.onnx", "digits/digits_test.npz"),
    ("odd/digits_fp16_weights.onnx", "digits/digits_test.npz"),
    ("odd/mnist_opset7.onnx", "synthetic"),
    ("odd/external/tiny_resnet8_ext.onnx", "synthetic"),
    ("odd/if_subgraph_op11.onnx", "synthetic"),
    ("odd/loop_subgraph_op16.onnx", "synthetic"),
];

/// Weights and activations.
const WIDTHS: [(u8, u8); 4] = [(8, 8), (4, 16), (16, 16), (4, 8)];

fn has_grid() -> bool {
    std::env::var_os("QUANTLENS_GRID").is_some()
}

fn integers(weights: u8, activations: u8) -> QuantConfig {
    let mut config = QuantConfig::default();
    config.defaults.weight_bits = Some(Bits::Int(weights));
    config.defaults.activation_bits = Some(Bits::Int(activations));
    config
}

fn configurations() -> Vec<QuantConfig> {
    let mut all: Vec<QuantConfig> = WIDTHS.iter().map(|&(w, a)| integers(w, a)).collect();
    if has_grid() {
        let granularities = [Granularity::PerChannel, Granularity::PerGroup(32)];
        all.extend(granularities.iter().flat_map(|&granularity| {
            WIDTHS.iter().map(move |&(w, a)| {
                let mut config = integers(w, a);
                config.defaults.granularity = Some(granularity);
                config
            })
        }));
        all.extend(Bits::ALL.iter().map(|&bits| {
            let mut config = QuantConfig::default();
            (config.defaults.weight_bits, config.defaults.activation_bits) = (Some(bits), Some(bits));
            config
        }));
        let targets = Target::builtins().iter().skip(1);
        all.extend(targets.map(|t| QuantConfig { target: t.name.clone(), ..QuantConfig::default() }));
    }
    all
}

/// Exports and compares; false where the model's opset has no form for the configuration, which is refused by name.
fn holds(workbench: &mut Workbench, config: &QuantConfig, folder: &Path) -> bool {
    let model = workbench.model().path.clone();
    let told = || format!("{}: {}", model.display(), config.to_json());
    if let Err(refused) = workbench.check(config) {
        assert!(has_grid(), "{}: {refused}", told());
        println!("  refused: {refused}");
        return false;
    }
    let path = folder.join("export.onnx");
    let options = ExportOptions { verified_samples: usize::MAX };
    let report = quietly(|job| workbench.export(&Arc::new(config.clone()), &path, &options, job));
    let v = report.unwrap_or_else(|e| panic!("{e}: {}", told())).verification.clone();
    assert_eq!((v.failure.as_deref(), v.elements_different), (None, 0), "{}", told());
    assert!(v.tensors_compared > 0, "{}", told());
    let shown = evaluate(workbench, config);
    errs_as_shown(workbench, &path, &shown).unwrap_or_else(|e| panic!("{e}: {}", told()));
    true
}

#[test]
fn exports_of_every_model_equal_the_engine() {
    let folder = tempfile::tempdir().unwrap();
    let samples = if has_grid() { 3 } else { 1 };
    for (model, data) in MODELS {
        let test = "exports_of_every_model_equal_the_engine";
        let Some(model) = shared(test, &format!("models/{model}")) else { continue };
        let data = if data == "synthetic" { Some(data.into()) } else { shared(test, &format!("models/{data}")) };
        let Some(data) = data else { continue };
        let started = Instant::now();
        let mut workbench = open(&model, None).unwrap();
        let options = DataOptions { limit: Some(samples), ..DataOptions::default() };
        workbench.set_data(&DataSource::parse(data.as_os_str()), &options).unwrap();
        let held = configurations().iter().filter(|config| holds(&mut workbench, config, folder.path())).count();
        assert!(held >= WIDTHS.len());
        println!("{}: {held} configurations, {:.1} s", model.display(), started.elapsed().as_secs_f64());
    }
}
