//! What is on the disk after saving, and after saving has failed.

use super::*;
use crate::onnx::{float_values, load, samples};

/// A model with a large and a small initializer (4000 and 8 bytes), and their values.
fn model() -> ModelProto {
    let mut model = samples::small_model();
    let graph = model.graph.as_mut().unwrap();
    graph.initializer = vec![samples::float_tensor("small", &[1.0, 2.0]), samples::float_tensor("large", &[0.5; 1000])];
    model
}

fn options(external: ExternalPolicy) -> SaveOptions {
    SaveOptions { external, ..SaveOptions::default() }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn floats(model: &ModelProto, index: usize) -> Vec<f32> {
    float_values(&model.graph.as_ref().unwrap().initializer[index]).unwrap().into_owned()
}

#[test]
fn saving_inline_and_loading_gives_the_model_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.onnx");
    let full = samples::full_model();
    save(&full, &path, &SaveOptions::default()).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), full.encode_to_vec());
    // Over itself, from its own mapping.
    let loaded = load(&path).unwrap();
    save(&loaded.model, &path, &SaveOptions::default()).unwrap();
    assert_eq!(load(&path).unwrap().model, full);
    assert_eq!(names(folder.path()), ["m.onnx"]);
}

#[test]
fn large_initializers_go_to_one_data_file_and_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.onnx");
    let mut both = model();
    both.graph.as_mut().unwrap().initializer.push(samples::float_tensor("second", &[0.25; 300]));
    save(&both, &path, &options(ExternalPolicy::OneFile)).unwrap();
    assert_eq!(names(folder.path()), ["m.onnx", "m.onnx.data"]);
    // 4000 bytes from 0, then 1200 from the next multiple of 4096: 5296 in all.
    assert_eq!(std::fs::metadata(folder.path().join("m.onnx.data")).unwrap().len(), 5296);
    let loaded = load(&path).unwrap().model;
    let graph = loaded.graph.as_ref().unwrap();
    assert!(!is_external(&graph.initializer[0]));
    let told: Vec<_> = graph.initializer[2].external_data.iter().map(|e| (e.key(), e.value())).collect();
    assert_eq!(told, [("location", "m.onnx.data"), ("offset", "4096"), ("length", "1200")]);
    assert_eq!(floats(&loaded, 1), [0.5; 1000]);
    assert_eq!(floats(&loaded, 2), [0.25; 300]);

    // As it was: a data file again, of the new name. Over itself as well.
    for name in ["again.onnx", "m.onnx"] {
        let again = folder.path().join(name);
        save(&loaded, &again, &SaveOptions::default()).unwrap();
        assert_eq!(floats(&load(&again).unwrap().model, 2), [0.25; 300]);
    }
    // Inline: the model that was there at first, without a trace of the data file.
    let inline = folder.path().join("inline.onnx");
    save(&loaded, &inline, &options(ExternalPolicy::Inline)).unwrap();
    assert_eq!(load(&inline).unwrap().model, both);
    assert_eq!(names(folder.path()), ["again.onnx", "again.onnx.data", "inline.onnx", "m.onnx", "m.onnx.data"]);
}

#[test]
fn a_model_over_the_limit_gets_a_data_file_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.onnx");
    save_below(&model(), &path, &options(ExternalPolicy::Inline), 2000).unwrap();
    assert_eq!(names(folder.path()), ["m.onnx", "m.onnx.data"]);
    assert_eq!(floats(&load(&path).unwrap().model, 1), [0.5; 1000]);
    let error = save_below(&model(), &path, &options(ExternalPolicy::Inline), 20).unwrap_err();
    assert!(error.to_string().contains("without its large initializers"));
}

#[test]
fn a_failure_names_the_file_and_leaves_the_folder_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.onnx");
    save(&model(), &path, &options(ExternalPolicy::OneFile)).unwrap();
    let before = (std::fs::read(&path).unwrap(), std::fs::read(folder.path().join("m.onnx.data")).unwrap());

    // A folder stands where the data file would go; then one where the model would.
    let blocked = folder.path().join("b.onnx");
    std::fs::create_dir(data_path(&blocked)).unwrap();
    let error = save(&model(), &blocked, &options(ExternalPolicy::OneFile)).unwrap_err();
    assert!(error.to_string().contains("b.onnx.data"), "{error}");
    std::fs::remove_dir(data_path(&blocked)).unwrap();
    std::fs::create_dir(&blocked).unwrap();
    let error = save(&model(), &blocked, &options(ExternalPolicy::OneFile)).unwrap_err();
    assert!(error.to_string().contains("b.onnx: "), "{error}");
    assert_eq!(names(folder.path()), ["b.onnx", "m.onnx", "m.onnx.data"]);

    let nowhere = folder.path().join("none").join("m.onnx");
    let error = save(&model(), &nowhere, &SaveOptions::default()).unwrap_err();
    assert!(matches!(&error, Error::Io { path, .. } if *path == nowhere), "{error}");
    let after = (std::fs::read(&path).unwrap(), std::fs::read(folder.path().join("m.onnx.data")).unwrap());
    assert!(before == after);
}

#[test]
fn a_failed_second_rename_brings_the_old_data_file_back() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("m.onnx.data");
    std::fs::write(&data, b"old").unwrap();
    let temporary = |text: &'static [u8]| write_temporary(&data, |file| file.write_all(text)).unwrap();
    let new = (temporary(b"new"), data.clone());
    // The folder of the model vanished between writing and renaming.
    let gone = folder.path().join("gone").join("m.onnx");
    assert!(replace(&gone, temporary(b"model"), Some(new)).is_err());
    assert_eq!(std::fs::read(&data).unwrap(), b"old");
    assert_eq!(names(folder.path()), ["m.onnx.data"]);
}

#[test]
fn values_that_were_never_read_are_not_saved_as_nothing() {
    let mut unread = model();
    let tensor = &mut unread.graph.as_mut().unwrap().initializer[1];
    tensor.raw_data = None;
    tensor.data_location = Some(DataLocation::External as i32);
    let folder = tempfile::tempdir().unwrap();
    let error = save(&unread, &folder.path().join("m.onnx"), &SaveOptions::default()).unwrap_err();
    assert!(error.to_string().contains("`large`"));
    assert!(names(folder.path()).is_empty());
}

#[cfg(unix)]
#[test]
fn others_may_read_what_was_saved() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.onnx");
    save(&model(), &path, &SaveOptions::default()).unwrap();
    let plain = folder.path().join("plain");
    std::fs::write(&plain, []).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&path), mode(&plain));
}
