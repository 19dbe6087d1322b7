//! The targets that are built in, and how one is found by its name or its file.

use std::sync::Arc;

use super::{tests::WHOLE, *};
use crate::quant::{Codes, Grid, Scheme, Sign, SymmetricRule};

#[test]
fn the_five_are_what_they_say() {
    let get = |name: &str| Target::builtin(name).unwrap();
    let names: Vec<&str> = Target::builtins().iter().map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["onnxruntime", "tensorrt", "tflite", "npu-a16", "dsp-pow2"]);
    for target in Target::builtins() {
        assert!(!target.title.is_empty() && target.description.len() > 100);
        assert!(!target.description.contains('\n'), "{}", target.description);
        assert_eq!(target.operators.of(OperatorClass::Linear).count(), 4);
        assert!(target.allows(target.activations.bits.default, target.weights.bits.default));
        assert!(target.activations.bits.allows(&Bits::Float) && target.weights.bits.allows(&Bits::Float));
    }
    let onnxruntime = get("onnxruntime");
    assert_eq!(onnxruntime.activations.scheme.default, Scheme::Affine);
    assert_eq!(onnxruntime.weights.granularity.default, Granularity::PerTensor);
    assert_eq!(onnxruntime.bias, Bias::Int32 { overflow: BiasOverflow::RaiseWeightScale });
    assert_eq!(onnxruntime.method, Method::MinMax);
    for bits in [2, 3, 4, 5, 6, 7, 8, 16] {
        for (sign, grid) in [(Sign::Signed, Grid::signed(bits)), (Sign::Unsigned, Grid::unsigned(bits))] {
            let rule = SymmetricRule::onnxruntime(grid.unwrap());
            assert_eq!(onnxruntime.weights.scale_rule.of(sign, bits), rule, "{bits} bits, {sign:?}");
            assert_eq!(onnxruntime.activations.scale_rule.of(sign, bits), rule, "{bits} bits, {sign:?}");
        }
    }
    let tensorrt = get("tensorrt");
    for format in [&tensorrt.activations, &tensorrt.weights] {
        assert_eq!(format.scheme, Choice::only(Scheme::Symmetric), "no zero-points");
        assert_eq!((&format.sign, &format.codes), (&Choice::only(Sign::Signed), &Choice::only(Codes::Full)));
        assert_eq!(format.scale_rule.of(Sign::Signed, 8), SymmetricRule::MaxCode, "amax/127");
    }
    assert_eq!((tensorrt.bias, tensorrt.method), (Bias::Float, Method::Kl));
    assert!(!tensorrt.operators.quantize_outputs);
    assert_eq!(tensorrt.weights.granularity.default, Granularity::PerChannel);
    let tflite = get("tflite");
    assert_eq!(tflite.weights.codes, Choice::only(Codes::Narrow));
    assert_eq!(tflite.weights.granularity.default, Granularity::PerChannel);
    assert_eq!(tflite.requantize, Requantize::Gemmlowp);
    assert!(tflite.operators.join.contains("Concat"));
    // The specification's table: LOGISTIC, SOFTMAX 1/256 and -128, TANH, L2_NORMALIZATION 1/128 and 0, LOG_SOFTMAX 16/256, 127.
    for (name, scale, zero_point) in [
        ("Sigmoid", 1.0 / 256.0, -128),
        ("Softmax", 1.0 / 256.0, -128),
        ("Tanh", 1.0 / 128.0, 0),
        ("LpNormalization", 1.0 / 128.0, 0),
        ("LogSoftmax", 16.0 / 256.0, 127),
    ] {
        assert_eq!(tflite.operators.fixed[name], FixedOutput::Params { scale, zero_point }, "{name}");
    }
    let npu = get("npu-a16");
    assert_eq!((npu.activations.bits.default, npu.weights.bits.default), (Bits::Int(16), Bits::Int(8)));
    assert!(npu.allows(Bits::Int(8), Bits::Int(4)) && !npu.allows(Bits::Int(16), Bits::Int(4)));
    let dsp = get("dsp-pow2");
    assert!(dsp.activations.power_of_two && dsp.weights.power_of_two);
    assert_eq!((dsp.requantize, &dsp.activations.scheme), (Requantize::Shift, &Choice::only(Scheme::Symmetric)));
}

#[test]
fn a_target_is_loaded_by_name_or_from_a_file() {
    assert!(Arc::ptr_eq(&Target::load("tflite").unwrap(), &Target::builtin("tflite").unwrap()));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    let text = path.to_str().unwrap();
    assert!(matches!(Target::load(text).unwrap_err(), Error::Io { .. }));
    std::fs::write(&path, WHOLE).unwrap();
    assert_eq!(Target::load(text).unwrap().name, "mine");
    std::fs::write(&path, WHOLE.replace("bits = [8, 4]", "bits = [8, 1]")).unwrap();
    let error = Target::load(text).unwrap_err().to_string();
    assert!(error.starts_with(&format!("{text}, line 28: `weights.bits`: 1 is not")), "{error}");
    let error = Target::load("tenssorrt").unwrap_err().to_string();
    assert!(error.contains("did you mean `tensorrt`?") && error.contains(".toml"), "{error}");
    assert!(Target::load("").is_err());
}

#[test]
fn a_builtin_file_is_a_template() {
    for target in Target::builtins() {
        let text = Target::builtin_toml(&target.name).unwrap();
        let renamed = text.replace(&format!("name = \"{}\"", target.name), "name = \"own\"");
        let own = Target::from_toml(&renamed, "own.toml").unwrap();
        assert_eq!(Target { name: target.name.clone(), ..own }, **target);
    }
    assert_eq!(Target::builtin_toml("mine"), None);
}
