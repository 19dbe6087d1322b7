//! The development models: real files of a dozen exporters, and the broken ones of `odd/`.

use std::path::{Path, PathBuf};

use prost::Message as _;

use super::{SaveOptions, already_quantized, integer_values, load, outer_references, save, tensor_values, visit_nodes};

/// The folder of shared models; `None`, with a line on stderr, where there is none.
fn shared(test: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let folder = std::env::var_os("QUANTLENS_SHARED").map_or(beside, PathBuf::from);
    if folder.join("models").is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: {test}: no shared models (set QUANTLENS_SHARED)");
    None
}

fn onnx_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|e| e == "onnx")).collect();
    files.sort();
    files
}

#[test]
fn real_models_come_back_byte_for_byte() {
    let Some(shared) = shared("real_models_come_back_byte_for_byte") else { return };
    let folders = ["models/models", "models/digits", "golden"].map(|folder| onnx_files(&shared.join(folder)));
    let broken = ["empty", "png_renamed", "superres_ir1_no_opset", "superres_truncated"];
    let odd = onnx_files(&shared.join("models/odd"));
    let odd = odd.into_iter().filter(|path| !broken.iter().any(|name| path.file_stem().is_some_and(|s| s == *name)));
    let scratch = tempfile::tempdir().unwrap();
    let mut count = 0;
    for path in folders.into_iter().flatten().chain(odd) {
        let loaded = load(&path).unwrap_or_else(|error| panic!("{error}"));
        assert!(loaded.warnings.is_empty(), "{}: {:?}", path.display(), loaded.warnings);
        let file = std::fs::read(&path).unwrap();
        assert!(loaded.model.encode_to_vec() == file, "{} is encoded differently", path.display());
        let copy = scratch.path().join("copy.onnx");
        save(&loaded.model, &copy, &SaveOptions::default()).unwrap();
        assert!(std::fs::read(&copy).unwrap() == file, "{} is saved differently", path.display());
        for tensor in &loaded.model.graph.as_ref().unwrap().initializer {
            assert!(tensor_values(tensor).is_ok(), "{}: {}", path.display(), tensor.name());
        }
        count += 1;
    }
    assert!(count >= 20, "only {count} models were found");
}

#[test]
fn digests_are_those_of_the_manifest() {
    let Some(shared) = shared("digests_are_those_of_the_manifest") else { return };
    let manifest = std::fs::read_to_string(shared.join("models/MANIFEST.md")).unwrap();
    for path in onnx_files(&shared.join("models/models")) {
        let loaded = load(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        let row = manifest.lines().find(|line| line.starts_with(&format!("| models/{name} | {} |", loaded.bytes)));
        assert!(row.is_some_and(|row| row.contains(&loaded.sha256)), "{name}");
    }
}

#[test]
fn broken_files_say_what_is_wrong() {
    let Some(shared) = shared("broken_files_say_what_is_wrong") else { return };
    let odd = shared.join("models/odd");
    for (name, words) in [
        ("empty.onnx", &["0 bytes"][..]),
        ("png_renamed.onnx", &["PNG"]),
        ("superres_ir1_no_opset.onnx", &["2017", "opset_import", "export it again"]),
        // The whole file has 240078 bytes, 96032 more; the last 4 are opset_import, which the graph's length does not tell.
        ("superres_truncated.onnx", &["truncated", "144046 bytes", "at least 96028 more"]),
        ("external_missing/tiny_resnet8_ext.onnx", &["tiny_resnet8_ext.onnx.data", "put it beside the model"]),
    ] {
        let error = load(&odd.join(name)).unwrap_err().to_string();
        assert!(words.iter().all(|word| error.contains(word)), "{name}: {error}");
    }
}

#[test]
fn external_weights_equal_the_inline_models() {
    let Some(shared) = shared("external_weights_equal_the_inline_models") else { return };
    let inline = load(&shared.join("models/models/tiny_resnet8_cifar10.onnx")).unwrap().model.graph.unwrap();
    let external = load(&shared.join("models/odd/external/tiny_resnet8_ext.onnx")).unwrap();
    let graph = external.model.graph.as_ref().unwrap();
    assert_eq!(graph.initializer.len(), inline.initializer.len());
    for (a, b) in graph.initializer.iter().zip(&inline.initializer) {
        assert_eq!(tensor_values(a).unwrap(), tensor_values(b).unwrap(), "{}", a.name());
    }
    // As loaded, the copy has a data file of its own.
    let scratch = tempfile::tempdir().unwrap();
    let copy = scratch.path().join("copy.onnx");
    save(&external.model, &copy, &SaveOptions::default()).unwrap();
    assert!(scratch.path().join("copy.onnx.data").is_file());
    let again = load(&copy).unwrap().model.graph.unwrap();
    for (a, b) in graph.initializer.iter().zip(&again.initializer) {
        assert_eq!(a.raw_data, b.raw_data, "{}", a.name());
    }
}

#[test]
fn quantized_models_are_recognised() {
    let Some(shared) = shared("quantized_models_are_recognised") else { return };
    let told = |name: &str| already_quantized(&load(&shared.join("models").join(name)).unwrap().model);
    assert!(told("odd/digits_qdq_int8.onnx").is_some_and(|text| text.starts_with("QDQ")));
    assert!(told("odd/digits_qoperator_int8.onnx").is_some_and(|text| text.contains("11 QLinearConv")));
    assert!(told("odd/espcn_qonnx_quant_domain.onnx").is_some_and(|text| text.starts_with("QONNX")));
    for float in ["digits/digits_cnn.onnx", "odd/digits_fp16_weights.onnx", "odd/loop_subgraph_op16.onnx"] {
        assert_eq!(told(float), None, "{float}");
    }
    for path in onnx_files(&shared.join("models/models")) {
        assert_eq!(already_quantized(&load(&path).unwrap().model), None, "{}", path.display());
    }
    // The quantized weights read as integers.
    let model = load(&shared.join("models/odd/digits_qdq_int8.onnx")).unwrap().model;
    let int8 = model.graph.unwrap().initializer.into_iter().filter(|tensor| tensor.data_type == Some(3));
    let weights: Vec<_> = int8.map(|tensor| integer_values(&tensor).unwrap()).collect();
    assert!(weights.iter().flatten().any(|q| *q < -100) && weights.iter().flatten().all(|q| (-128..=127).contains(q)));
}

#[test]
fn control_flow_captures_are_found() {
    let Some(shared) = shared("control_flow_captures_are_found") else { return };
    let model = load(&shared.join("models/odd/if_subgraph_op11.onnx")).unwrap().model;
    let mut captured = Vec::new();
    visit_nodes(&model, &mut |node| captured.extend(outer_references(node)));
    let graph = model.graph.unwrap();
    let made =
        graph.node.iter().flat_map(|node| &node.output).chain(graph.input.iter().filter_map(|i| i.name.as_ref()));
    let defined: Vec<_> = made.cloned().chain(graph.initializer.iter().filter_map(|t| t.name.clone())).collect();
    assert!(!captured.is_empty());
    assert!(captured.iter().all(|name| defined.contains(name)), "{captured:?} of {defined:?}");
}
