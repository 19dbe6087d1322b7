//! The integer arithmetic of real layers: integers reproduce the engine's float computation, and requantizing them gives
//! the fake-quantized codes but for the last bit.

use std::{path::Path, sync::Arc};

use quantlens_analysis::{
    config::{Granularity, QuantConfig},
    quant::{Bits, Rounding},
    report::{ArithmeticContent, BiasForm, IntegerArithmetic, LayerArithmetic, LayerInfo, PairSaturation, RemarkLevel},
    workbench::Workbench,
};
use quantlens_tests::{
    core::{bench, evaluate, quietly, sample, shared},
    models::{Builder, float, int, ints, save_array},
};

fn arithmetic(workbench: &mut Workbench, config: &QuantConfig, layer: &str) -> Arc<LayerArithmetic> {
    quietly(|job| workbench.layer_arithmetic(&Arc::new(config.clone()), layer, job)).expect("the layer runs")
}

/// The layer's arithmetic, which it has.
fn integers(workbench: &mut Workbench, config: &QuantConfig, layer: &str) -> IntegerArithmetic {
    match &arithmetic(workbench, config, layer).content {
        ArithmeticContent::Integer(found) => found.as_ref().clone(),
        ArithmeticContent::NotApplicable(why) => panic!("{layer}: {why}"),
    }
}

fn is_linear(layer: &LayerInfo) -> bool {
    matches!(layer.op.as_str(), "Conv" | "Gemm" | "MatMul") && layer.weight.is_some()
}

/// Every Conv, Gemm and MatMul with weights: codes within one of fake quantization by one rounding, and with its output
/// float the accumulator within what float32 sums may be off by. Returns how many layers there were.
fn holds(model: &Path, data: &Path, samples: usize, granularity: Granularity) -> usize {
    let mut workbench = bench(model, data, samples, None);
    let layers: Vec<LayerInfo> = workbench.model().layers.iter().filter(|l| is_linear(l)).cloned().collect();
    let mut config = QuantConfig::default();
    config.defaults.granularity = Some(granularity);
    let (mut outputs, mut different, mut largest_share) = (0, [0; 3], 0.0_f64);
    for layer in &layers {
        let found = integers(&mut workbench, &config, &layer.name);
        let worst =
            found.channels.iter().all(|c| c.seen.is_some_and(|seen| seen.0 <= c.worst.0 && seen.1 <= c.worst.1));
        assert!(worst, "{}: an accumulator exceeds its worst case", layer.name);
        assert!(found.coverage.samples == samples && found.coverage.outputs > 0, "{:?}", found.coverage);
        for (index, rounding) in found.roundings.iter().enumerate() {
            assert_eq!(rounding.differences.outputs(), found.coverage.outputs);
            different[index] += found.coverage.outputs - rounding.differences.equal;
            if rounding.rounding != Rounding::Shift {
                assert!(rounding.differences.largest <= 1, "{}: {rounding:?}", layer.name);
            }
        }
        outputs += found.coverage.outputs;
        let mut float_output = config.clone();
        float_output.edit_layer(&layer.name, |s| s.activation_bits = Some(Bits::Float));
        if layer.activation_fixed.is_some() || workbench.check(&float_output).is_err() {
            continue;
        }
        let found = integers(&mut workbench, &float_output, &layer.name);
        let check = found.float_check.expect("the output is float");
        assert!(check.largest_share <= 1.0, "{}: {check:?}", layer.name);
        assert!(found.output.is_none() && found.roundings.is_empty());
        largest_share = largest_share.max(check.largest_share);
    }
    let name = model.file_name().unwrap_or_default().display();
    println!(
        "{name}: {} layers, {outputs} outputs; different from fake quantization {different:?}; float sums use {largest_share:.3} of their bound",
        layers.len()
    );
    layers.len()
}

#[test]
fn the_sample_in_integers() {
    for granularity in [Granularity::PerTensor, Granularity::PerChannel] {
        assert!(holds(&sample("sample.onnx"), &sample("sample.npz"), 6, granularity) >= 5);
    }
}

#[test]
fn real_models_in_integers() {
    let test = "real_models_in_integers";
    for (model, data, samples) in [
        ("models/models/squeezenet1.1.onnx", "models/images/imagenet", 2),
        ("models/models/tiny_resnet8_cifar10.onnx", "models/data/cifar10_dev.npz", 4),
    ] {
        if let (Some(model), Some(data)) = (shared(test, model), shared(test, data)) {
            assert!(holds(&model, &data, samples, Granularity::PerChannel) > 5);
        }
    }
}

/// Values from −1 to 1 that repeat late.
fn wave(n: usize, step: f32) -> Vec<f32> {
    (0..n).map(|i| (i as f32 * step + 0.3).sin()).collect()
}

/// Everything that shapes a product: transposed Gemm with alpha and beta, a constant on the left, batches, 1-D and 3-D
/// convolutions, SAME padding, groups, dilations, fused Relu and Clip.
fn every_shape(folder: &Path) -> Workbench {
    let mut model = Builder::new(13);
    model.input("x", &[4, 6]);
    model.constant("left", &[5, 4], wave(20, 0.9));
    model.node("MatMul", &["left", "x"], "a", vec![]);
    model.constant("right", &[6, 8], wave(48, 1.7));
    model.node("MatMul", &["a", "right"], "b", vec![]);
    model.constant("w1", &[6, 5, 3], wave(90, 2.3));
    model.constant("b1", &[6], wave(6, 0.7));
    model.node("Conv", &["b", "w1", "b1"], "c", vec![ints("dilations", &[2]), ints("pads", &[3, 2])]);
    model.node("Relu", &["c"], "cr", vec![]);
    model.constant("w2", &[6, 2, 4], wave(48, 1.1));
    let same = quantlens_analysis::onnx::proto::AttributeProto {
        name: Some("auto_pad".into()),
        s: Some("SAME_LOWER".into()),
        r#type: Some(3),
        ..Default::default()
    };
    model.node("Conv", &["cr", "w2"], "d", vec![same, int("group", 3), ints("strides", &[2])]);
    model.constant("zero", &[], vec![-0.4]);
    model.constant("top", &[], vec![0.9]);
    model.node("Clip", &["d", "zero", "top"], "dc", vec![]);
    model.integers("flat", &[-1, 30]);
    model.node("Reshape", &["dc", "flat"], "e", vec![]);
    model.constant("w3", &[7, 30], wave(210, 3.1));
    model.constant("b3", &[7], wave(7, 0.4));
    let factors = vec![float("alpha", 0.5), float("beta", 2.0), int("transB", 1)];
    model.node("Gemm", &["e", "w3", "b3"], "f", factors);
    model.integers("cube", &[-1, 1, 7, 1, 1]);
    model.node("Reshape", &["f", "cube"], "g", vec![]);
    model.constant("w4", &[2, 1, 2, 1, 1], wave(4, 1.3));
    model.node("Conv", &["g", "w4"], "h", vec![]);
    model.output("h");
    let data = save_array(folder, &[3, 4, 6], wave(72, 0.61));
    bench(&model.save(folder), &data, 3, None)
}

#[test]
fn every_shape_of_product_is_reproduced() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let mut workbench = every_shape(folder.path());
    for granularity in [Granularity::PerTensor, Granularity::PerChannel] {
        let mut config = QuantConfig::default();
        config.defaults.granularity = Some(granularity);
        for (name, taps, channels) in
            [("n_b", 6, 8), ("n_c", 15, 6), ("n_d", 8, 6), ("n_f", 30, 7), ("n_h", 2, 2), ("n_a", 4, 5)]
        {
            let found = integers(&mut workbench, &config, name);
            assert_eq!((found.taps, found.channels.len()), (taps, channels), "{name}");
            assert_eq!(found.coverage.outputs, found.coverage.of, "{name} is small");
            assert!(found.roundings[1].differences.largest <= 1, "{name}: {:?}", found.roundings);
            let mut float_output = config.clone();
            float_output.edit_layer(name, |s| s.activation_bits = Some(Bits::Float));
            let check = integers(&mut workbench, &float_output, name).float_check.expect("a float output");
            assert!(check.largest_share <= 1.0 && check.largest_share > 0.0, "{name}: {check:?}");
        }
    }
}

#[test]
fn the_numbers_are_the_layers_own() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let mut workbench = every_shape(folder.path());
    let config = QuantConfig::default();
    let report = evaluate(&mut workbench, &config);
    let summary = |name: &str| {
        let row = report.rows.iter().find(|r| r.info.name == name).expect("a row");
        row.activation.clone().expect("a quantized output")
    };
    let found = integers(&mut workbench, &config, "n_f");
    // The Gemm reads what a Reshape hands on from the Clip, and alpha is ½: M = ½·S_x·S_w/S_y.
    let (input, output) = (summary("n_d"), summary("n_f"));
    assert_eq!((found.input.scale, found.input.zero_point), (input.scale, input.zero_point));
    let channel = found.channels[0];
    let multiplier = channel.multiplier.expect("a quantized output");
    let step = 0.5 * f64::from(input.scale) * f64::from(channel.weight_scale);
    assert_eq!((channel.bias_scale, multiplier.real), (step, step / f64::from(output.scale)));
    let rebuilt = f64::from(multiplier.m0) / 2f64.powi(31 + multiplier.shift);
    assert!((rebuilt - multiplier.real).abs() <= multiplier.real * 2f64.powi(-31));
    // beta is 2, so its bias is no plain int32; a Conv's is.
    assert_eq!(found.bias, BiasForm::Rounded);
    let conv = integers(&mut workbench, &config, "n_c");
    assert_eq!((conv.bias, conv.fused.as_deref()), (BiasForm::Integer, Some("Relu")));
    // Relu: nothing below the zero-point.
    assert_eq!(conv.clamp, (summary("n_c").zero_point.max(-128), 127));
}

#[test]
fn what_has_no_integer_arithmetic_says_why() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let mut workbench = every_shape(folder.path());
    let mut why = |config: &QuantConfig, layer: &str| match &arithmetic(&mut workbench, config, layer).content {
        ArithmeticContent::NotApplicable(why) => why.clone(),
        ArithmeticContent::Integer(_) => panic!("{layer} has arithmetic"),
    };
    let config = QuantConfig::default();
    assert!(why(&config, "x").starts_with("Input has no accumulator"));
    assert!(why(&config, "n_e").starts_with("Reshape has no accumulator"));
    let mut weights = config.clone();
    weights.edit_layer("n_b", |s| s.weight_bits = Some(Bits::Float));
    assert!(why(&weights, "n_b").starts_with("Its weights are float."));
    let mut input = config.clone();
    input.edit_layer("n_a", |s| s.activation_bits = Some(Bits::Float));
    assert!(why(&input, "n_b").starts_with("Its input `a` is float."));
}

/// 40 000 products of the largest 16-bit codes: 40 000·65 535·32 767 needs 48 bits.
#[test]
fn an_accumulator_that_overflows_is_the_first_remark() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let taps = 40_000;
    let mut model = Builder::new(13);
    model.input("x", &[40_000]);
    model.constant("w", &[taps, 1], vec![1.0; taps]);
    model.node("MatMul", &["x", "w"], "y", vec![]);
    model.output("y");
    let path = model.save(folder.path());
    let data = save_array(folder.path(), &[2, taps], vec![1.0; 2 * taps]);
    let mut workbench = bench(&path, &data, 2, None);
    let mut config = QuantConfig::default();
    (config.defaults.weight_bits, config.defaults.activation_bits) = (Some(Bits::Int(16)), Some(Bits::Int(16)));
    let found = integers(&mut workbench, &config, "n_y");
    assert_eq!((found.worst.bits, found.worst.magnitude), (48, 40_000 * 65_535 * 32_767));
    assert_eq!((found.remarks[0].code, found.remarks[0].level), ("accumulator-overflow", RemarkLevel::Wrong));
    assert!(matches!(found.pairs, PairSaturation::NotApplicable(_)));
    // 8 bits: 40 000·255·127 = 1 295 400 000 fits; all weights are 127, so every pair of bytes 255 saturates int16.
    let found = integers(&mut workbench, &QuantConfig::default(), "n_y");
    assert_eq!((found.worst.bits, found.seen.expect("samples").magnitude), (32, 1_295_400_000));
    assert_eq!(found.pairs, PairSaturation::Counted { pairs: 20_000, can_saturate: 20_000, saturated: 40_000 });
    assert_eq!(found.remarks[0].code, "pair-saturation");
}

#[test]
fn a_long_lived_workbench_says_the_same_as_a_fresh_one() {
    let fresh = || bench(&sample("sample.onnx"), &sample("sample.npz"), 6, None);
    let mut kept = fresh();
    let config = QuantConfig::default();
    let name = kept.model().layers.iter().find(|l| is_linear(l)).expect("a Conv").name.clone();
    let mut edited = config.clone();
    edited.edit_layer(&name, |s| s.weight_bits = Some(Bits::Int(4)));
    let first = arithmetic(&mut kept, &config, &name);
    assert_ne!(arithmetic(&mut kept, &edited, &name), first);
    assert_eq!(arithmetic(&mut kept, &config, &name), first);
    assert_eq!(arithmetic(&mut fresh(), &edited, &name), arithmetic(&mut kept, &edited, &name));
}
