//! A layer's error by source, against the normal engine with only that source configured; single samples against the
//! whole; and notes on the sample model.

use std::sync::Arc;

use quantlens_analysis::{
    calibrate::Method,
    config::{LayerSettings, QuantConfig},
    metrics::{Errors, Measure},
    quant::Bits,
    report::{ErrorPart, ErrorSource, LayerErrors, Report},
    workbench::Workbench,
};
use quantlens_tests::{
    core::{bench, evaluate, quietly, sample},
    models::{Builder, save_array},
};

/// As many as a layer's pages look at.
const SAMPLES: usize = 8;

fn fresh(budget: Option<u64>) -> Workbench {
    bench(&sample("sample.onnx"), &sample("sample.npz"), SAMPLES, budget)
}

fn with(defaults: LayerSettings) -> QuantConfig {
    QuantConfig { defaults, ..QuantConfig::default() }
}

fn split(workbench: &mut Workbench, config: &QuantConfig, layer: &str) -> Arc<LayerErrors> {
    quietly(|job| workbench.layer_errors(&Arc::new(config.clone()), layer, job)).expect("the layer runs alone")
}

fn part(found: &LayerErrors, source: ErrorSource) -> Option<&ErrorPart> {
    found.parts.iter().find(|part| part.source == source)
}

fn value(measure: Measure) -> f64 {
    measure.value().expect("a number")
}

/// All that is quantized by default; clipping included.
fn clipping() -> LayerSettings {
    LayerSettings { method: Some(Method::Percentile), percentile: Some(99.0), ..LayerSettings::default() }
}

#[test]
fn each_part_is_the_local_error_of_a_configuration_with_that_part_alone() {
    let all = with(clipping());
    let weights_only = with(LayerSettings { activation_bits: Some(Bits::Float), ..clipping() });
    let activations_only = with(LayerSettings { weight_bits: Some(Bits::Float), ..clipping() });
    let mut workbench = fresh(None);
    let rows = |workbench: &mut Workbench, config| -> Vec<(String, Errors)> {
        let report = evaluate(workbench, config);
        report.rows.iter().map(|row| (row.info.name.clone(), row.local)).collect()
    };
    let whole = rows(&mut workbench, &all);
    let weights = rows(&mut workbench, &weights_only);
    let activations = rows(&mut workbench, &activations_only);
    let (mut with_weights, mut with_bias) = (0, 0);
    for (index, (layer, local)) in whole.iter().enumerate() {
        let found = split(&mut workbench, &all, layer);
        assert_eq!((found.samples, &found.local), (SAMPLES, local), "{layer}");
        if let Some(part) = part(&found, ErrorSource::Weights) {
            with_weights += 1;
            assert_eq!(part.errors, weights[index].1, "weights of {layer}");
        }
        if let Some(part) = part(&found, ErrorSource::Activation) {
            assert_eq!(part.errors, activations[index].1, "output of {layer}");
        }
        if let Some(part) = part(&found, ErrorSource::Bias) {
            with_bias += 1;
            // Half a step of the accumulator, which is far finer than the weights' part.
            assert!(value(part.errors.nmse) < 1e-3 * value(local.nmse), "bias of {layer}: {part:?}");
        }
    }
    assert!(with_weights >= 5 && with_bias >= 5, "{with_weights} {with_bias}");
}

#[test]
fn rounding_and_clipping_add_up_to_what_the_quantizer_does() {
    // With float weights the introduced error is the output quantizer's and nothing else.
    let config = with(LayerSettings { weight_bits: Some(Bits::Float), ..clipping() });
    let mut workbench = fresh(None);
    let report = evaluate(&mut workbench, &config);
    let mut clipped = 0;
    for row in report.rows.iter().filter(|row| row.activation.is_some()) {
        let name = &row.info.name;
        let found = split(&mut workbench, &config, name);
        let quantizer = found.quantizer.as_ref().expect("an output quantizer");
        let introduced = row.introduced.mse.value().unwrap_or(0.0) * quantizer.values as f64;
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-12 * b.abs();
        assert!(near(quantizer.energy(), introduced), "{name}: {} {introduced}", quantizer.energy());
        let channels =
            |of: fn(&quantlens_analysis::quant::Clipping) -> f64| quantizer.channels.iter().map(of).sum::<f64>();
        assert!(near(channels(|c| c.rounding_error_energy), quantizer.total.rounding_error_energy), "{name}");
        assert!(near(channels(|c| c.clipped_error_energy), quantizer.total.clipped_error_energy), "{name}");
        let share = quantizer.total.clipped as f64 / quantizer.values as f64;
        assert!((share - value(row.clipped_fraction)).abs() < 1e-12, "{name}");
        clipped += quantizer.total.clipped;
    }
    assert!(clipped > 0, "a percentile clips something");
}

fn one(workbench: &mut Workbench, config: &QuantConfig, index: usize) -> Arc<Report> {
    quietly(|job| workbench.report_of_sample(&Arc::new(config.clone()), index, job)).expect("the sample is there")
}

#[test]
fn single_samples_are_the_parts_of_the_whole_whatever_fits_in_memory() {
    let config = QuantConfig::default();
    let mut workbench = fresh(None);
    let whole = evaluate(&mut workbench, &config);
    let mut tight = fresh(Some(1 << 20));
    evaluate(&mut tight, &config);
    assert_eq!(whole.sample_names.len(), SAMPLES);
    let mut worst: Vec<Option<(usize, f64)>> = vec![None; whole.rows.len()];
    let mut agreeing = 0;
    for index in 0..SAMPLES {
        let single = one(&mut workbench, &config, index);
        let scope = single.scope.as_ref().expect("a scope");
        assert_eq!((scope.index, scope.of, &scope.name), (index, SAMPLES, &whole.sample_names[index]));
        assert_eq!(format!("{:?}", single.rows), format!("{:?}", one(&mut tight, &config, index).rows));
        agreeing += single.score.agreement.expect("class scores").count;
        for (row, of_all) in single.rows.iter().zip(&whole.rows) {
            let energy = of_all.by_sample[index];
            assert_eq!(row.by_sample.as_ref(), [energy], "{}", row.info.name);
            let nmse = value(row.accumulated.nmse);
            assert!((nmse - energy.noise / energy.signal).abs() <= 1e-12 * nmse);
            let slot = &mut worst[row.info.index];
            if slot.is_none_or(|(_, most)| nmse > most) {
                *slot = Some((index, nmse));
            }
        }
    }
    assert_eq!(Some(agreeing), whole.score.agreement.map(|share| share.count));
    for (row, worst) in whole.rows.iter().zip(worst) {
        assert_eq!(row.worst_sample().map(|w| w.index), worst.map(|w| w.0), "{}", row.info.name);
    }
    let refused = quietly(|job| workbench.report_of_sample(&Arc::new(config), SAMPLES, job));
    assert!(refused.is_err_and(|error| error.to_string().contains("no sample 9")));
}

#[test]
fn the_parts_of_the_accumulated_error_and_the_notes_fit_the_numbers() {
    let mut config = QuantConfig::default();
    config.defaults.weight_bits = Some(Bits::Int(4));
    let mut workbench = fresh(None);
    let report = evaluate(&mut workbench, &config);
    let mut falls = 0;
    for row in &report.rows {
        // Σe² = Σe_inh² + Σe_int² + 2ρ·√(Σe_inh²·Σe_int²), all over the same Σf².
        if let Some(rho) = row.correlation.value() {
            let [all, inherited, introduced] =
                [row.accumulated, row.inherited, row.introduced].map(|errors| value(errors.nmse));
            let sum = inherited + introduced + 2.0 * rho * (inherited * introduced).sqrt();
            assert!((all - sum).abs() <= 1e-9 * (inherited + introduced), "{}: {all} {sum}", row.info.name);
        }
        if let Ok(flow) = &row.flow {
            let inputs: Vec<f64> = row
                .info
                .inputs
                .iter()
                .filter_map(|(_, from)| report.rows.iter().find(|r| r.info.name == *from))
                .map(|from| value(from.accumulated.nmse))
                .collect();
            let largest = inputs.iter().copied().fold(0.0, f64::max);
            let smallest = inputs.iter().copied().fold(f64::INFINITY, f64::min);
            let near = |a: f64, b: f64| (a - b).abs() <= 1e-12 * b;
            assert!(near(flow.largest_input_nmse, largest) && near(flow.smallest_input_nmse, smallest));
            assert!(near(flow.inherited_nmse, value(row.inherited.nmse)));
        }
        if let Some(note) = &row.why_falls {
            falls += 1;
            let from = report.rows.iter().find(|r| r.info.name == note.from).expect("a layer");
            let rise = value(row.accumulated.sqnr_db) - value(from.accumulated.sqnr_db);
            assert!((rise - note.rise_db).abs() < 1e-9 && rise > 0.5, "{}", note.sentence());
        }
    }
    assert!(falls > 0, "the sample has pooling and residual branches, where the error falls");
    // What a fused activation cuts is measured: the share of the error's energy is one of a whole.
    let relu = report.rows.iter().find(|row| !row.info.fused.is_empty()).expect("a fused activation");
    let cut = split(&mut workbench, &config, &relu.info.name).cut.clone().expect("it cuts");
    let share = cut.error_share.expect("an error");
    assert!(share > 0.0 && share < 1.0 && cut.values_share > 0.0 && cut.values_share < 1.0, "{cut:?}");
}

/// A model with one input of `width` values, opened with these samples.
fn small(build: impl FnOnce(&mut Builder), width: usize, samples: &[f32]) -> (tempfile::TempDir, Workbench) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut builder = Builder::new(17);
    builder.input("x", &[i64::try_from(width).expect("small")]);
    build(&mut builder);
    let model = builder.save(folder.path());
    let data = save_array(folder.path(), &[samples.len() / width, width], samples.to_vec());
    let workbench = bench(&model, &data, samples.len() / width, None);
    (folder, workbench)
}

#[test]
fn a_bias_below_half_a_step_of_the_accumulator_is_lost() {
    // x in 0 … 2.55: S_x = 0.01; w = 1.27: S_w = 0.01; S_b = 0.0001, so b = 0.00004 becomes 0: e = −0.00004 everywhere.
    let build = |builder: &mut Builder| {
        builder.constant("w", &[1, 1], vec![1.27]);
        builder.constant("b", &[1], vec![0.000_04]);
        builder.node("Gemm", &["x", "w", "b"], "y", Vec::new());
        builder.output("y");
    };
    let (_folder, mut workbench) = small(build, 1, &[0.0, 0.01, 0.02, 2.55]);
    let found = split(&mut workbench, &QuantConfig::default(), "n_y");
    let bias = part(&found, ErrorSource::Bias).expect("an int32 bias");
    // float32 near 3 has steps of 2.4e−7: a hundredth of the error.
    assert!((value(bias.errors.max_abs) / 4e-5 - 1.0).abs() < 0.02, "{bias:?}");
    assert!((value(bias.errors.mse) / 1.6e-9 - 1.0).abs() < 0.02, "{bias:?}");
    assert!(
        part(&found, ErrorSource::Weights).is_some_and(|part| value(part.errors.max_abs) < 1e-6),
        "1.27 is 127 steps"
    );
}

#[test]
fn the_errors_that_a_relu_discards_by_hand() {
    // Each value has its own error of rounding: S = (2.55 + 0.51)/255 = 0.012, Z takes −0.51 to −128 + 85.5/… .
    let samples = [2.55, -0.333, 0.005, 1.111, -0.51, 0.777];
    let build = |builder: &mut Builder| {
        builder.constant("w", &[3, 3], vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
        builder.node("MatMul", &["x", "w"], "m", Vec::new());
        builder.node("Relu", &["m"], "y", Vec::new());
        builder.output("y");
    };
    let (_folder, mut workbench) = small(build, 3, &samples);
    let config = QuantConfig::default();
    let report = evaluate(&mut workbench, &config);
    let input = report.rows[0].activation.as_ref().expect("a quantized input");
    assert!((f64::from(input.scale) - 0.012).abs() < 1e-6, "{input:?}");
    let error = |x: &f32| {
        let code = (f64::from(*x) / f64::from(input.scale)).round_ties_even() + f64::from(input.zero_point);
        (code.clamp(-128.0, 127.0) - f64::from(input.zero_point)) * f64::from(input.scale) - f64::from(*x)
    };
    let energy = |wanted: fn(&f32) -> bool| samples.iter().filter(|x| wanted(x)).map(|x| error(x).powi(2)).sum::<f64>();
    let (cut_off, all) = (energy(|x| *x < 0.0), energy(|_| true));
    let found = split(&mut workbench, &config, "n_m").cut.clone().expect("a Relu");
    assert_eq!((found.op.as_str(), found.values_share), ("Relu", 2.0 / 6.0));
    assert!((found.error_share.expect("an error") - cut_off / all).abs() < 1e-4, "{found:?} {cut_off} {all}");
    let signal =
        |wanted: fn(&f32) -> bool| samples.iter().filter(|x| wanted(x)).map(|x| f64::from(*x).powi(2)).sum::<f64>();
    let before = 10.0 * (signal(|_| true) / all).log10();
    let after = 10.0 * (signal(|x| *x > 0.0) / (all - cut_off)).log10();
    assert!((value(found.before_db) - before).abs() < 1e-3, "{found:?} {before}");
    assert!((value(found.after_db) - after).abs() < 0.05, "{found:?} {after}: a negative value may round up to a step");
}

#[test]
fn a_sample_without_tensors_is_split_under_the_configuration_that_is_asked_for() {
    let (first, then) = (with(LayerSettings::default()), with(clipping()));
    let expected = format!("{:?}", split(&mut fresh(None), &then, "block3/depthwise"));
    // Nothing was evaluated before, and then another configuration was.
    let mut workbench = fresh(Some(1));
    assert_eq!(format!("{:?}", split(&mut workbench, &then, "block3/depthwise")), expected);
    evaluate(&mut workbench, &first);
    assert_eq!(format!("{:?}", split(&mut workbench, &then, "block3/depthwise")), expected);
}
