//! Graphs that cannot be cut everywhere (control flow, sequences, optionals, functions) and graphs with unusual ends:
//! each opens, is analyzed, exports bit for bit, follows edits, and says why what stays float does so.
//!
//! `golden/odd_graphs.py` writes them; `QUANTLENS_ODD=FOLDER` tries the models of another folder.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use quantlens_analysis::{
    config::{QuantConfig, ReadSettings},
    data::{DataOptions, DataSource},
    quant::Bits,
    report::{LayerInfo, Report},
    workbench::{ExportOptions, Workbench},
};
use quantlens_tests::{
    core::{evaluate, numbers, open, quietly, shared},
    random_config::edit,
    seeded::Seeded,
    session::errs_as_shown,
};

/// Models that cannot be opened or fed, and say why.
const REFUSED: [&str; 3] = ["custom_domain.onnx", "sequence_input.onnx", "split_leaves_out.onnx"];

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/odd_graphs")
}

fn prepared(model: &Path, samples: usize) -> Workbench {
    let mut workbench = open(model, None).unwrap_or_else(|e| panic!("{e}"));
    let options = DataOptions { limit: Some(samples), ..DataOptions::default() };
    workbench.set_data(&DataSource::parse("synthetic".as_ref()), &options).unwrap_or_else(|e| panic!("{e}"));
    workbench
}

fn integers(weights: u8, activations: u8) -> QuantConfig {
    let mut config = QuantConfig::default();
    config.defaults.weight_bits = Some(Bits::Int(weights));
    config.defaults.activation_bits = Some(Bits::Int(activations));
    config
}

fn exports(workbench: &mut Workbench, config: &QuantConfig, shown: &Report) {
    let folder = tempfile::tempdir().expect("there is room");
    let path = folder.path().join("export.onnx");
    let model = workbench.model().path.clone();
    let told = || format!("{}: {}", model.display(), config.to_json());
    let options = ExportOptions { verified_samples: usize::MAX };
    let report = quietly(|job| workbench.export(&Arc::new(config.clone()), &path, &options, job));
    let v = report.unwrap_or_else(|e| panic!("{e}: {}", told())).verification.clone();
    assert_eq!((v.failure.as_deref(), v.elements_different), (None, 0), "{}", told());
    errs_as_shown(workbench, &path, shown).unwrap_or_else(|e| panic!("{e}: {}", told()));
}

/// Evaluates and exports at several widths and after edits, each beside a fresh workbench; gives the first report.
fn holds(model: &Path) -> Arc<Report> {
    let mut workbench = prepared(model, 3);
    let mut configs = vec![QuantConfig::default(), integers(4, 16), integers(4, 8), QuantConfig::all_float()];
    let info = workbench.model();
    let mut edited = QuantConfig::default();
    let mut seeded = Seeded::new(info.nodes as u64);
    for _ in 0..3 {
        for _ in 0..4 {
            edit(&mut edited, &workbench, &info, &mut seeded);
        }
        configs.push(edited.clone());
    }
    let mut first = None;
    for config in configs {
        let report = evaluate(&mut workbench, &config);
        let fresh = evaluate(&mut prepared(model, 3), &config);
        assert_eq!(numbers(&report), numbers(&fresh), "{}: {}", model.display(), config.to_json());
        exports(&mut workbench, &config, &report);
        first.get_or_insert(report);
    }
    first.expect("several were evaluated")
}

fn layer<'a>(report: &'a Report, name: &str) -> &'a LayerInfo {
    let row = report.rows.iter().find(|row| row.info.name == name);
    &row.unwrap_or_else(|| panic!("no row `{name}`")).info
}

fn of(name: &str) -> Arc<Report> {
    holds(&golden().join(format!("{name}.onnx")))
}

#[test]
fn every_golden_graph_holds() {
    let folder = std::env::var_os("QUANTLENS_ODD").map_or_else(golden, PathBuf::from);
    let mut models: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    models.sort();
    let mut held = 0;
    for model in models.iter().filter(|m| m.extension().is_some_and(|e| e == "onnx")) {
        if REFUSED.iter().any(|name| model.ends_with(name)) {
            continue;
        }
        println!("{}", model.display());
        holds(model);
        held += 1;
    }
    assert!(held > 0, "{} holds no model", folder.display());
}

#[test]
fn a_block_says_why_it_stays_float() {
    for (model, name, words) in [
        ("if_captures", "n_t", "subgraph"),
        ("if_nested", "n_t", "subgraph"),
        ("loop_captures", "n_t", "subgraph"),
        ("scan", "n_last", "subgraph"),
        ("sequence", "n_a", "sequence"),
        ("optional", "n_g", "optional"),
        ("functions", "n_t", "function"),
        ("contrib", "n_t", "com.microsoft"),
    ] {
        let report = of(model);
        let info = layer(&report, name);
        // Its output can be quantized where the operator behind it asks for that; what is inside cannot.
        let why = info.weight_fixed.clone().unwrap_or_default();
        assert!(why.contains(words), "{model}, `{name}` ({}): {why:?}", info.op);
        let quantized = report.rows.iter().filter(|row| row.activation.is_some()).count();
        assert!(quantized > 1, "{model}: only {quantized} tensors carry a quantizer");
    }
}

#[test]
fn an_operator_that_onnxruntime_lacks_is_named() {
    let error = open(&golden().join("custom_domain.onnx"), None).map(drop).unwrap_err().to_string();
    assert!(error.contains("custom_domain.onnx") && error.contains("com.example"), "{error}");
}

#[test]
fn an_input_that_is_a_sequence_is_named() {
    let error = open(&golden().join("sequence_input.onnx"), None).map(drop).unwrap_err().to_string();
    assert!(error.contains("given") && error.contains("sequence"), "{error}");
}

#[test]
fn what_onnxruntime_crashes_at_is_refused_by_name() {
    let error = open(&golden().join("split_leaves_out.onnx"), None).map(drop).unwrap_err().to_string();
    assert!(error.contains("`y` (Split)"), "{error}");
}

#[test]
fn a_captured_tensor_is_quantized_for_the_body_too() {
    for model in ["if_captures", "loop_captures"] {
        let report = of(model);
        let row = report.rows.iter().find(|row| row.info.name == "n_c").unwrap();
        assert!(row.activation.is_some(), "{model}");
        let block = report.rows.iter().find(|row| row.info.name == "n_t").unwrap();
        assert!(block.info.inputs.iter().any(|(tensor, maker)| (tensor.as_str(), maker.as_str()) == ("c", "n_c")));
        assert!(block.inherited.sqnr_db.value().is_some(), "{model}: the body reads the quantized tensor");
    }
}

#[test]
fn a_format_of_its_own_for_a_captured_tensor_is_refused_by_name() {
    for model in ["if_captures", "loop_captures"] {
        let workbench = prepared(&golden().join(format!("{model}.onnx")), 1);
        let mut config = QuantConfig::default();
        config.edit_layer("n_t", |s| {
            s.reads.insert("c".into(), ReadSettings { bits: Bits::Int(4) });
        });
        let error = workbench.check(&config).unwrap_err().to_string();
        assert!(error.contains("n_t") && error.contains("subgraph"), "{error}");
    }
}

#[test]
fn lengths_that_differ_between_samples_are_one_model() {
    let folder = tempfile::tempdir().expect("there is room");
    for (index, length) in [5_usize, 2, 9].into_iter().enumerate() {
        let at = folder.path().join(format!("test_data_set_{index}"));
        std::fs::create_dir(&at).unwrap();
        let mut seeded = Seeded::new(index as u64);
        let x = quantlens_analysis::tensor::Tensor::float32(vec![1, length, 6], seeded.units(6 * length, 1.0));
        let ones = (0..length).map(|i| i64::from(i + 1 < length)).collect();
        let mask = quantlens_analysis::tensor::Tensor {
            shape: vec![1, 1, length],
            data: quantlens_analysis::tensor::TensorData::Int64(ones),
        };
        for (position, (name, tensor)) in [("x", x), ("mask", mask)].into_iter().enumerate() {
            use quantlens_analysis::onnx::tensor_proto;
            let bytes = quantlens_tests::models::encoded(&tensor_proto(name, &tensor));
            std::fs::write(at.join(format!("input_{position}.pb")), bytes).unwrap();
        }
    }
    let mut workbench = open(&golden().join("mask_everywhere.onnx"), None).unwrap();
    workbench.set_data(&DataSource::Path(folder.path().to_owned()), &DataOptions::default()).unwrap();
    for config in [QuantConfig::default(), integers(4, 16)] {
        let report = evaluate(&mut workbench, &config);
        assert_eq!(report.samples, 3);
        exports(&mut workbench, &config, &report);
    }
}

/// The most that this process has held at once, in MiB.
fn peak_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib / 1024)
}

#[test]
fn one_long_chain_of_five_thousand_nodes() {
    let test = "one_long_chain_of_five_thousand_nodes";
    let Some(model) = shared(test, "models/odd/many_nodes_5050_synthetic.onnx") else { return };
    let started = Instant::now();
    let mut workbench = prepared(&model, 4);
    let opened = started.elapsed();
    let report = evaluate(&mut workbench, &QuantConfig::default());
    let analyzed = started.elapsed() - opened;
    let layers = report.rows.len();
    println!("{layers} rows: open {opened:.1?}, analyze 4 samples {analyzed:.1?}, peak {:?} MiB", peak_mib());
    assert!(layers > 1000 && report.outputs.iter().all(|o| o.errors.sqnr_db.value().is_some()));
    let mut last = QuantConfig::default();
    let name = &workbench.model().layers[layers - 1].name.clone();
    last.edit_layer(name, |s| s.activation_bits = Some(Bits::Float));
    let timing = evaluate(&mut workbench, &last).timing;
    assert!(timing.segments_run <= 8, "an edit of the last layer runs {} segments", timing.segments_run);
}
