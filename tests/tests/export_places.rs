//! Where an export may be written: to a file that is not the model's own, and nowhere else.

use std::{fs, path::Path, sync::Arc};

use quantlens_analysis::{config::QuantConfig, error::Error, workbench::ExportOptions};
use quantlens_tests::core::{bench, quietly, sample};

#[test]
fn only_a_file_other_than_the_model_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("net.onnx");
    fs::copy(sample("sample.onnx"), &model).unwrap();
    let before = fs::read(&model).unwrap();
    let mut workbench = bench(&model, &sample("sample.npz"), 2, None);
    let mut refusal = |path: &Path| {
        let config = Arc::new(QuantConfig::default());
        let result = quietly(|job| workbench.export(&config, path, &ExportOptions::default(), job));
        match result.unwrap_err() {
            error @ Error::Format { .. } => error.to_string(),
            other => panic!("{other}"),
        }
    };
    assert!(refusal(&model).contains("is the float model itself"));
    assert!(refusal(folder.path()).contains("is a folder"));
    #[cfg(unix)]
    {
        // Somebody who may do so would have a file in the place of the device.
        assert!(refusal(Path::new("/dev/null")).contains("is a device or a pipe"));
        std::os::unix::fs::symlink("net.onnx", folder.path().join("link.onnx")).unwrap();
        assert!(refusal(&folder.path().join("link.onnx")).contains("is the float model itself"));
        fs::remove_file(folder.path().join("link.onnx")).unwrap();
    }
    assert!(fs::read(&model).unwrap() == before);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else was written");
}
