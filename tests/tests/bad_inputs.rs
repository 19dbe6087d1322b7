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

/// The sample with one weight replaced.
fn with_weights(name: &str, value: impl Fn(usize, f32) -> f32, path: &std::path::Path) {
    use quantlens_analysis::{onnx, tensor::Tensor};
    let mut model = onnx::load(&sample("sample.onnx")).expect("the sample loads").model;
    let graph = model.graph.as_mut().expect("it has a graph");
    let weight = graph.initializer.iter_mut().find(|t| t.name.as_deref() == Some(name)).expect("it has the weight");
    let shape = weight.dims.iter().map(|&d| usize::try_from(d).expect("a length")).collect();
    let values =
        onnx::float_values(weight).expect("it can be read").iter().enumerate().map(|(i, &v)| value(i, v)).collect();
    *weight = onnx::tensor_proto(name, &Tensor::float32(shape, values));
    onnx::save(&model, path, &onnx::SaveOptions::default()).expect("it is written");
}

#[test]
fn broken_weights_are_named_and_their_layer_can_stay_float() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nan.onnx");
    with_weights("classifier/weight", |i, v| if i == 3 { f32::NAN } else { v }, &path);
    let mut workbench = quantlens_tests::core::bench(&path, &sample("sample.npz"), 2, None);
    assert!(workbench.model().warnings.iter().any(|w| w.message.contains("classifier/weight")));
    let refused = quantlens_tests::core::quietly(|job| {
        workbench.evaluate(&std::sync::Arc::new(QuantConfig::default()), job, &mut |_| ())
    });
    assert!(refused.unwrap_err().to_string().contains("classifier/weight"));
    let mut float = QuantConfig::default();
    float.edit_layer("classifier", |s| s.weight_bits = Some(Bits::Float));
    quantlens_tests::core::evaluate(&mut workbench, &float);
}

#[test]
fn a_constant_of_zeros_has_a_scale_and_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("zero.onnx");
    with_weights("classifier/weight", |_, _| 0.0, &path);
    let mut workbench = quantlens_tests::core::bench(&path, &sample("sample.npz"), 2, None);
    let report = quantlens_tests::core::evaluate(&mut workbench, &QuantConfig::default());
    let row = report.rows.iter().find(|r| r.info.name == "classifier").unwrap();
    assert_eq!(row.weight.as_ref().map(|w| w.scale_range), Some((1.0, 1.0)));
    assert!(report.warnings.iter().any(|w| w.code == "range-degenerate" && w.message.contains("classifier/weight")));
}
