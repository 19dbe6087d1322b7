//! Random small networks under random configurations: the export gives the engine's bits, a long-lived workbench tells
//! what a fresh one does, and a configuration without quantizers changes no byte of the file.

use std::{path::Path, sync::Arc};

use quantlens_analysis::{
    config::QuantConfig,
    metrics::Measure,
    onnx,
    quant::Bits,
    report::ModelInfo,
    workbench::{ExportOptions, Workbench},
};
use quantlens_tests::{
    core::{bench, evaluate, float_bias_target, numbers, quietly},
    models::save_array,
    random_config::{GRANULARITIES, METHODS, edit},
    random_model::{SAMPLE, random_model},
    seeded::Seeded,
};

const SAMPLES: usize = 4;
const NETWORKS: u64 = 24;
const CONFIGURATIONS: usize = 6;

fn network(seed: u64, folder: &Path) -> Workbench {
    let model = random_model(seed, 10).save(folder);
    let mut seeded = Seeded::new(seed ^ 0xDA7A);
    let shape = [&[SAMPLES][..], &SAMPLE].concat();
    let values = seeded.units(shape.iter().product(), 2.0);
    bench(&model, &save_array(folder, &shape, values), SAMPLES, None)
}

fn configuration(workbench: &Workbench, model: &ModelInfo, target: &str, seeded: &mut Seeded) -> QuantConfig {
    let mut config = QuantConfig { target: target.to_owned(), ..QuantConfig::default() };
    let fine = |config: &QuantConfig| workbench.check(config).is_ok();
    // What this model's opset has no form for is refused, and drawn again.
    loop {
        config.defaults.weight_bits = Some(*seeded.one(&Bits::ALL));
        config.defaults.activation_bits = Some(*seeded.one(&Bits::ALL));
        config.defaults.granularity = Some(*seeded.one(&GRANULARITIES));
        if fine(&config) {
            break;
        }
    }
    if seeded.chance(1, 3) {
        config.defaults.method = Some(*seeded.one(&METHODS));
    }
    if seeded.chance(1, 3) {
        config.defaults.fold_batch_norm = Some(false);
    }
    let edits = (0..3 * model.layers.len()).filter(|_| edit(&mut config, workbench, model, seeded)).count();
    assert!(edits >= 3, "only {edits} settings took");
    config
}

#[test]
fn exports_equal_the_engine_and_increments_a_fresh_run() {
    let options = ExportOptions { verified_samples: SAMPLES };
    let mut kinds = std::collections::BTreeSet::new();
    for seed in 0..NETWORKS {
        let folder = tempfile::tempdir().unwrap();
        let mut kept = network(seed, folder.path());
        let model = kept.model();
        kinds.extend(model.operators.iter().map(|(op, _)| op.clone()));
        let mut seeded = Seeded::new(seed + 1000);
        let targets = ["onnxruntime".to_owned(), float_bias_target(folder.path())];
        for index in 0..CONFIGURATIONS {
            let config = configuration(&kept, &model, &targets[usize::from(index % 3 == 2)], &mut seeded);
            let told = || format!("network {seed}, configuration {index}: {}", config.to_json());
            let report = evaluate(&mut kept, &config);
            let path = folder.path().join("export.onnx");
            let export = quietly(|job| kept.export(&Arc::new(config.clone()), &path, &options, job))
                .unwrap_or_else(|e| panic!("{e}; {}", told()));
            let v = &export.verification;
            assert_eq!((v.failure.as_deref(), v.elements_different), (None, 0), "{}", told());
            assert_eq!(report.needs, export.opsets, "what is foreseen is what is written; {}", told());
            // Every row's tensor is compared, except where a float layer's stands under a name that is gone.
            assert!(v.tensors_compared >= model.layers.len() - 1, "{} compared; {}", v.tensors_compared, told());
            let worst = report.outputs.iter().map(|o| o.errors.sqnr_db);
            let rank = |m: &Measure| m.value().unwrap_or(f64::INFINITY);
            let worst = worst.min_by(|a, b| rank(a).total_cmp(&rank(b))).unwrap();
            assert_eq!(v.output_sqnr_db, worst, "the file's error is the report's; {}", told());
            let mut fresh = network(seed, folder.path());
            assert_eq!(numbers(&report), numbers(&evaluate(&mut fresh, &config)), "{}", told());
        }
    }
    for op in [
        "Conv",
        "ConvTranspose",
        "BatchNormalization",
        "Relu",
        "Clip",
        "Add",
        "Concat",
        "MaxPool",
        "Gemm",
        "MatMul",
        "Mul",
        "Softmax",
    ] {
        assert!(kinds.contains(op), "no network has {op}");
    }
}

#[test]
fn a_float_configuration_changes_no_byte() {
    for seed in 0..4 {
        let folder = tempfile::tempdir().unwrap();
        let mut workbench = network(seed, folder.path());
        let path = folder.path().join("float.onnx");
        let config = Arc::new(QuantConfig::all_float());
        let report = quietly(|job| workbench.export(&config, &path, &ExportOptions::default(), job)).unwrap();
        assert_eq!(report.verification.failure, None);
        assert_eq!(report.verification.output_sqnr_db, Measure::Exact);
        assert_eq!(std::fs::read(&path).unwrap(), std::fs::read(folder.path().join("model.onnx")).unwrap());
    }
}

#[test]
fn shared_weights_with_equal_settings_are_stored_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut builder = quantlens_tests::models::Builder::new(17);
    builder.input("x", &[2, 4, 4]);
    builder.constant("w", &[2, 2, 1, 1], vec![0.5, -0.25, 0.125, 1.0]);
    builder.node("Conv", &["x", "w"], "a", Vec::new());
    builder.node("Conv", &["a", "w"], "b", Vec::new());
    builder.output("b");
    let model = builder.save(folder.path());
    let data = save_array(folder.path(), &[2, 2, 4, 4], Seeded::new(3).units(64, 1.0));
    let mut workbench = bench(&model, &data, 2, None);
    let stored = |workbench: &mut Workbench, config: &QuantConfig| {
        let path = folder.path().join("export.onnx");
        let config = Arc::new(config.clone());
        let report = quietly(|job| workbench.export(&config, &path, &ExportOptions::default(), job)).unwrap();
        assert_eq!((report.verification.failure.clone(), report.verification.elements_different), (None, 0));
        let graph = onnx::load(&path).unwrap().model.graph.clone().unwrap();
        let weights = graph.initializer.iter().filter(|t| t.dims == [2, 2, 1, 1]);
        weights.map(|t| t.data_type.unwrap()).collect::<Vec<_>>()
    };
    const INT8: i32 = 3;
    const INT16: i32 = 5;
    assert_eq!(stored(&mut workbench, &QuantConfig::default()), [INT8], "one copy for both");
    let mut apart = QuantConfig::default();
    apart.edit_layer("n_b", |s| s.weight_bits = Some(Bits::Int(16)));
    assert_eq!(stored(&mut workbench, &apart), [INT8, INT16], "one copy a setting, the float one gone");
    apart.edit_layer("n_b", |s| s.weight_bits = Some(Bits::Float));
    let mut kinds = stored(&mut workbench, &apart);
    kinds.sort_unstable();
    const FLOAT: i32 = 1;
    assert_eq!(kinds, [FLOAT, INT8], "the float layer keeps the file's own");
}
