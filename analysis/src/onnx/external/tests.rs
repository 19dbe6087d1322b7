//! Locations that are allowed and that are not, and ranges that lie.

use super::*;
use crate::onnx::{float_values, load, proto::GraphProto, samples};
use prost::Message as _;

/// A model whose one initializer of two floats has these entries.
fn model(entries: &[(&str, &str)]) -> ModelProto {
    let tensor = TensorProto {
        raw_data: None,
        data_location: Some(DataLocation::External as i32),
        external_data: entries.iter().map(|(key, value)| samples::entry(key, value)).collect(),
        ..samples::float_tensor("w", &[0.0, 0.0])
    };
    let mut model = samples::small_model();
    model.graph.as_mut().unwrap().initializer.push(tensor);
    model
}

/// A folder `m` with `w.bin` (floats 1, 2, 3) in it and again beside it.
fn folder() -> (tempfile::TempDir, PathBuf) {
    let outer = tempfile::tempdir().unwrap();
    let inner = outer.path().join("m");
    std::fs::create_dir_all(inner.join("sub")).unwrap();
    let bytes: Vec<u8> = [1.0_f32, 2.0, 3.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    for place in ["m/w.bin", "m/sub/w.bin", "secret.bin"] {
        std::fs::write(outer.path().join(place), &bytes).unwrap();
    }
    (outer, inner)
}

fn values(entries: &[(&str, &str)]) -> Result<Vec<f32>> {
    let (_outer, inner) = folder();
    let mut model = model(entries);
    assert!(read_external(&inner, &mut model)? == 8);
    let GraphProto { initializer, .. } = model.graph.unwrap();
    assert!(is_external(&initializer[0]), "that it was external must be kept");
    Ok(float_values(&initializer[0])?.into_owned())
}

fn error(entries: &[(&str, &str)]) -> String {
    let error = values(entries).unwrap_err().to_string();
    assert!(error.contains("`w` (initializer)"), "{error}");
    error
}

#[test]
fn ranges_are_read() {
    assert_eq!(values(&[("location", "w.bin"), ("offset", "4"), ("length", "8")]).unwrap(), [2.0, 3.0]);
    // No offset: from the start; no length: as much as the shape takes.
    assert_eq!(values(&[("location", "w.bin")]).unwrap(), [1.0, 2.0]);
    assert_eq!(values(&[("location", "./sub/w.bin"), ("own key", "?")]).unwrap(), [1.0, 2.0]);
}

#[test]
fn ranges_that_lie_are_refused() {
    let at = |offset, length| error(&[("location", "w.bin"), ("offset", offset), ("length", length)]);
    assert!(at("8", "8").contains("takes bytes 8 to 16 of `w.bin`, which has only 12"));
    assert!(at("13", "8").contains("starts at byte 13"));
    assert!(at("18446744073709551615", "8").contains("starts at byte"));
    assert!(at("0", "12").contains("given as 12 bytes, its shape takes 8"));
    assert!(at("-1", "8").contains("offset \"-1\""));
    assert!(at("0", "eight").contains("length \"eight\""));
    let none = error(&[("location", "none.bin")]);
    assert!(none.contains("none.bin") && none.contains("put it beside the model"), "{none}");
}

#[test]
fn locations_out_of_the_folder_are_refused() {
    for location in ["../secret.bin", "sub/../../secret.bin", "..", "sub\\..\\..\\secret.bin"] {
        assert!(error(&[("location", location)]).contains("leaves the model's folder"), "{location}");
    }
    for location in ["/etc/hostname", "\\\\server\\share", "C:\\w.bin", "c:w.bin", "\\w.bin"] {
        assert!(error(&[("location", location)]).contains("absolute"), "{location}");
    }
    assert!(error(&[]).contains("no location"));
    assert!(error(&[("location", "a\0b")]).contains("not a path"));
    // A folder is no data file.
    assert!(values(&[("location", "sub")]).unwrap_err().to_string().contains("folder"));
}

#[cfg(unix)]
#[test]
fn links_out_of_the_folder_are_refused_unless_the_model_is_one_too() {
    use std::os::unix::fs::symlink;
    let (outer, inner) = folder();
    symlink(outer.path().join("secret.bin"), inner.join("link.bin")).unwrap();
    let external = model(&[("location", "link.bin")]);
    let error = read_external(&inner, &mut external.clone()).unwrap_err().to_string();
    assert!(error.contains("link out of the model's folder"), "{error}");
    // A link that stays inside is fine.
    symlink(inner.join("w.bin"), inner.join("inside.bin")).unwrap();
    assert!(read_external(&inner, &mut model(&[("location", "inside.bin")])).is_ok());
    // A download cache: model and data are both links into one store.
    let store = outer.path().join("store");
    std::fs::create_dir(&store).unwrap();
    std::fs::write(store.join("abc"), external.encode_to_vec()).unwrap();
    std::fs::rename(outer.path().join("secret.bin"), store.join("def")).unwrap();
    std::fs::remove_file(inner.join("link.bin")).unwrap();
    symlink(store.join("abc"), inner.join("m.onnx")).unwrap();
    symlink(store.join("def"), inner.join("link.bin")).unwrap();
    assert!(load(&inner.join("m.onnx")).is_ok());
}

#[test]
fn data_files_are_mapped_and_checksums_mentioned() {
    let (_outer, inner) = folder();
    let path = inner.join("m.onnx");
    let external = model(&[("location", "w.bin"), ("checksum", "0")]);
    std::fs::write(&path, external.encode_to_vec()).unwrap();
    let loaded = load(&path).unwrap();
    assert_eq!(loaded.warnings.len(), 1);
    assert!(loaded.warnings[0].message.contains("`w.bin`"));
    let mut reader = Reader::new(&inner, None);
    let mut first = external.clone();
    reader.read_all(&mut first).unwrap();
    let raw = first.graph.unwrap().initializer.pop().unwrap().raw_data.unwrap();
    assert!(reader.files["w.bin"].as_ptr_range().contains(&raw.as_ptr()), "the weights were copied");
}

#[test]
fn tensors_without_elements_may_lie_in_an_empty_file() {
    let (_outer, inner) = folder();
    std::fs::write(inner.join("empty.bin"), []).unwrap();
    let mut model = model(&[("location", "empty.bin"), ("length", "0")]);
    model.graph.as_mut().unwrap().initializer[0].dims = vec![0];
    assert_eq!(read_external(&inner, &mut model).unwrap(), 0);
}

#[test]
fn a_bare_name_is_in_the_current_folder() {
    assert_eq!(folder_of(Path::new("m.onnx")), Path::new("."));
    assert_eq!(folder_of(Path::new("a/m.onnx")), Path::new("a"));
}
