//! Bad input gives an error that names the file, node or tensor and says what to do.

use quantlens_analysis::{
    config::QuantConfig,
    data::{DataOptions, DataSource},
    quant::Bits,
};
use quantlens_tests::core::{open, sample, shared};

fn refusal(path: &std::path::Path) -> String {
    open(path, None).map(drop).expect_err("it is refused").to_string()
}

#[test]
fn what_is_no_model_is_named_for_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        refusal(&path)
    };
    assert!(at("empty.onnx", b"").contains("empty"));
    assert!(at("picture.onnx", b"\x89PNG\r\n\x1a\n0000").contains("PNG"));
    let whole = std::fs::read(sample("sample.onnx")).unwrap();
    assert!(at("half.onnx", &whole[..whole.len() / 2]).contains("truncated"));
    assert!(refusal(&folder.path().join("none.onnx")).contains("none.onnx"));
}

#[test]
fn odd_models_are_refused_with_a_reason() {
    for (file, words) in [
        ("digits_qdq_int8.onnx", "already quantized"),
        ("digits_qoperator_int8.onnx", "already quantized"),
        ("espcn_qonnx_quant_domain.onnx", "already quantized"),
        ("superres_custom_ops_op18.onnx", "com.microsoft.extensions"),
        ("superres_ir1_no_opset.onnx", "opset"),
        ("external_missing/tiny_resnet8_ext.onnx", "tiny_resnet8_ext.onnx.data"),
    ] {
        if let Some(path) = shared("odd_models_are_refused_with_a_reason", &format!("models/odd/{file}")) {
            let error = refusal(&path);
            assert!(error.contains(words), "{file}: {error}");
        }
    }
}

#[test]
fn data_that_fit_no_input_name_the_inputs() {
    let mut workbench = open(&sample("sample.onnx"), None).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.npy");
    ndarray_npy::write_npy(&path, &ndarray::Array2::<f32>::zeros((3, 7))).unwrap();
    let error = workbench.set_data(&DataSource::Path(path), &DataOptions::default()).unwrap_err().to_string();
    assert!(error.contains("image") && error.contains("28"), "{error}");
}

#[test]
fn settings_that_cannot_take_effect_name_their_layer() {
    let workbench = open(&sample("sample.onnx"), None).unwrap();
    let refused = |edit: &dyn Fn(&mut QuantConfig)| {
        let mut config = QuantConfig::default();
        edit(&mut config);
        workbench.check(&config).unwrap_err().to_string()
    };
    let unknown = refused(&|c| c.edit_layer("block3/depthwize", |s| s.weight_bits = Some(Bits::Int(4))));
    assert!(unknown.contains("block3/depthwise"), "it offers the nearest name: {unknown}");
    let no_weights = refused(&|c| c.edit_layer("pool", |s| s.weight_bits = Some(Bits::Int(4))));
    assert!(no_weights.contains("pool"), "{no_weights}");
    let idle = refused(&|c| {
        c.rules.push(quantlens_analysis::config::Rule { op: Some("Softmax".into()), ..Default::default() });
    });
    assert!(idle.contains("rules[0]"), "{idle}");
}
