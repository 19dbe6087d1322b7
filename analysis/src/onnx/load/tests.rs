//! Files made by hand, each wrong in one way.

use prost::Message as _;

use super::*;
use crate::onnx::{proto::GraphProto, samples};

fn in_folder(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.onnx");
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn error(bytes: &[u8]) -> String {
    let (_folder, path) = in_folder(bytes);
    let error = load(&path).unwrap_err().to_string();
    assert!(error.starts_with(&path.display().to_string()), "{error}");
    error
}

fn error_of(change: impl FnOnce(&mut ModelProto)) -> String {
    let mut model = samples::small_model();
    change(&mut model);
    error(&model.encode_to_vec())
}

#[test]
fn a_full_model_comes_back_and_its_weights_lie_in_the_map() {
    let mut model = samples::full_model();
    // The sample's tensors name a data file, which only an EXTERNAL one would read.
    let weights = samples::float_tensor("w", &[0.5; 1000]);
    model.graph.as_mut().unwrap().initializer.push(weights);
    let bytes = model.encode_to_vec();
    let (_folder, path) = in_folder(&bytes);
    let loaded = load(&path).unwrap();
    assert_eq!(loaded.model, model);
    assert_eq!(loaded.model.encode_to_vec(), bytes);
    assert_eq!((loaded.bytes, loaded.warnings.as_slice()), (bytes.len() as u64, &[][..]));

    let file = map_file(&path).unwrap();
    let (decoded, _) = decode(&path, &file).unwrap();
    let tensor = decoded.graph.unwrap().initializer.pop().unwrap();
    let raw = tensor.raw_data.unwrap();
    assert!(file.as_ptr_range().contains(&raw.as_ptr()), "the weights were copied");
    let text = decoded.functions[0].attribute_proto[2].s.clone().unwrap();
    assert!(file.as_ptr_range().contains(&text.as_ptr()), "the attribute was copied");
}

#[test]
fn the_digest_is_the_files() {
    // SHA-256 of "abc", from FIPS 180-4's own example.
    let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(hex_sha256(b"abc"), expected);
}

#[test]
fn what_is_no_file_or_no_onnx_is_told() {
    let folder = tempfile::tempdir().unwrap();
    assert!(load(folder.path()).unwrap_err().to_string().contains("folder"));
    let missing = load(&folder.path().join("none.onnx")).unwrap_err();
    assert!(matches!(missing, Error::Io { .. }) && missing.to_string().contains("none.onnx"));
    assert!(error(b"").contains("0 bytes"));
    assert!(error(b"\x89PNG\r\n\x1a\n").contains("PNG"));
    assert!(error(b"hello there").contains("text"));
    assert!(error(&[0xff; 64]).contains("very first field"));
    // One tensor of two floats: dims 2, type 1, raw data.
    let tensor = samples::float_tensor("x", &[1.0, 2.0]).encode_to_vec();
    assert!(error(&tensor).contains("single ONNX tensor"));
}

#[test]
fn what_the_model_lacks_is_told() {
    assert!(error_of(|m| m.graph = None).contains("no graph"));
    assert!(error_of(|m| m.ir_version = None).contains("IR version"));
    assert!(error_of(|m| m.graph = Some(GraphProto::default())).contains("no nodes"));
    let none = error_of(|m| m.opset_import.clear());
    assert!(none.contains("opset_import") && !none.contains("2017"));
    let old = error_of(|m| {
        m.opset_import.clear();
        m.ir_version = Some(2);
    });
    assert!(old.contains("2017") && old.contains("export it again"));
}

#[test]
fn every_cut_of_a_file_is_an_error() {
    let bytes = samples::full_model().encode_to_vec();
    let (_folder, path) = in_folder(&bytes);
    for end in 1..bytes.len() {
        let cut = Bytes::copy_from_slice(&bytes[..end]);
        match decode(&path, &cut) {
            // A cut between two outermost fields leaves a shorter message that is whole.
            Ok((model, _)) => assert!(model.encode_to_vec() == bytes[..end], "cut at {end}"),
            Err(error) => assert!(error.to_string().contains("m.onnx: "), "cut at {end}: {error}"),
        }
    }
    let error = error(&bytes[..bytes.len() / 2]);
    assert!(error.contains("truncated") && error.contains("missing"), "{error}");
}

#[test]
fn damage_has_a_place() {
    // A node that claims more than its graph has: graph (0x3a) of 2 bytes, node (0x0a) of 9.
    let error = error(&[0x08, 8, 0x3a, 2, 0x0a, 9, 0x08, 8]);
    assert!(error.contains("damaged at byte 4: in ModelProto.graph, its field `node`"), "{error}");
}

#[test]
fn unknown_fields_and_newer_versions_are_warned_of() {
    let mut model = samples::small_model();
    model.ir_version = Some(IR_VERSION + 1);
    let mut bytes = model.encode_to_vec();
    // Field 99 of the model, twice: key 99 << 3 = 792 = 98 06.
    bytes.extend_from_slice(&[0x98, 0x06, 1, 0x98, 0x06, 2]);
    let (_folder, path) = in_folder(&bytes);
    let loaded = load(&path).unwrap();
    let codes: Vec<_> = loaded.warnings.iter().map(|w| w.code.as_str()).collect();
    assert_eq!(codes, ["unknown-field", "newer-ir-version"]);
    assert!(loaded.warnings[0].message.starts_with("ModelProto has field 99 (2 times)"));
}

#[test]
fn a_file_of_empty_nodes_is_refused_before_it_grows() {
    // 4 million empty nodes: 8 MB that would become 4e6 × size_of::<NodeProto>, more than 256 MiB + 32 × 8 MB.
    let nodes = [0x0a, 0].repeat(4_000_000);
    let mut bytes = vec![0x08, 8, 0x3a];
    prost::encoding::encode_varint(nodes.len() as u64, &mut bytes);
    bytes.extend(nodes);
    assert!(error(&bytes).contains("MiB in memory"));
}
