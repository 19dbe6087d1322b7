//! What a sweep says of a layer is what evaluating the configuration behind it says, to the last bit; estimates are near,
//! and a sweep leaves no trace.

use std::{path::Path, sync::Arc};

use quantlens_analysis::{
    Error,
    calibrate::Method,
    config::{Granularity, QuantConfig, ReadSettings},
    job::{CancelToken, Job},
    metrics::{Errors, Measure},
    quant::Bits,
    report::{ModelInfo, Report, Sweep, SweepOutput},
    sensitivity::{Question, SweepKind, SweepRequest},
    workbench::Workbench,
};
use quantlens_tests::{
    core::{bench, evaluate, numbers, quietly, sample},
    models::save_array,
    random_model::{SAMPLE, random_model},
    seeded::Seeded,
};

const SAMPLES: usize = 4;

fn sample_bench(budget: Option<u64>) -> Workbench {
    bench(&sample("sample.onnx"), &sample("sample.npz"), SAMPLES, budget)
}

fn random_bench(seed: u64, folder: &Path) -> Workbench {
    let model = random_model(seed, 8).save(folder);
    let shape = [&[SAMPLES][..], &SAMPLE].concat();
    let values = Seeded::new(seed ^ 0x5EED).units(shape.iter().product(), 2.0);
    bench(&model, &save_array(folder, &shape, values), SAMPLES, None)
}

fn request(question: Question, kind: SweepKind, exact: bool) -> SweepRequest {
    SweepRequest { question, kind, samples: SAMPLES, exact }
}

fn widths(bits: &[u8]) -> Question {
    Question::Sensitivity(bits.iter().map(|&b| Bits::int(b).expect("it is a width")).collect())
}

fn swept(workbench: &mut Workbench, config: &QuantConfig, request: &SweepRequest) -> Arc<Sweep> {
    quietly(|job| workbench.sweep(&Arc::new(config.clone()), request, job, &mut |_| ())).expect("it sweeps")
}

/// Everything but the time.
fn told(sweep: &Sweep) -> String {
    format!("{:?} {:?} {} {}", sweep.rows, sweep.configuration, sweep.samples, sweep.layers_total)
}

/// Members of the layer's shared scale, itself included.
fn group(model: &ModelInfo, layer: &str) -> Vec<String> {
    let info = model.layers.iter().find(|l| l.name == layer).expect("the model has it");
    if info.shares_activation_with.is_empty() { vec![layer.to_owned()] } else { info.shares_activation_with.clone() }
}

/// The configuration behind a sensitivity, written down independently of the program's own.
fn alone(model: &ModelInfo, config: &QuantConfig, layer: &str, kind: SweepKind, bits: Bits) -> QuantConfig {
    let group = group(model, layer);
    let mut solo = config.clone();
    for info in &model.layers {
        let is_it = info.name == layer;
        let reads = config.settings_for(&info.name, &info.op).reads;
        solo.edit_layer(&info.name, |s| {
            if info.weight_fixed.is_none() {
                s.weight_bits = Some(if is_it && kind != SweepKind::Activations { bits } else { Bits::Float });
            }
            if info.activation_fixed.is_none() {
                let is_in = group.contains(&info.name) && kind != SweepKind::Weights;
                s.activation_bits = Some(if is_in { bits } else { Bits::Float });
            }
            if !(is_it && kind != SweepKind::Weights) {
                s.reads.extend(reads.into_keys().map(|tensor| (tensor, ReadSettings { bits: Bits::Float })));
            }
        });
    }
    solo
}

/// The configuration behind a relief.
fn relieved(model: &ModelInfo, config: &QuantConfig, layer: &str) -> QuantConfig {
    let mut without = config.clone();
    for info in &model.layers {
        let is_it = info.name == layer;
        let reads = config.settings_for(&info.name, &info.op).reads;
        if group(model, layer).contains(&info.name) && info.activation_fixed.is_none() {
            without.edit_layer(&info.name, |s| s.activation_bits = Some(Bits::Float));
        }
        if is_it {
            without.edit_layer(&info.name, |s| {
                if info.weight_fixed.is_none() {
                    s.weight_bits = Some(Bits::Float);
                }
                s.reads.extend(reads.into_keys().map(|tensor| (tensor, ReadSettings { bits: Bits::Float })));
            });
        }
    }
    without
}

fn errors(report: &Report) -> Vec<(String, Errors)> {
    report.outputs.iter().map(|o| (o.name.clone(), o.errors)).collect()
}

fn errors_of(outputs: &[SweepOutput]) -> Vec<(String, Errors)> {
    outputs.iter().map(|o| (o.name.clone(), o.errors)).collect()
}

/// Compares every row of an exact sweep with an evaluation by another workbench.
fn equals_evaluations(
    workbench: &mut Workbench,
    judge: &mut Workbench,
    config: &QuantConfig,
    question: Question,
    kind: SweepKind,
) -> usize {
    let sweep = swept(workbench, config, &request(question, kind, true));
    assert_eq!(sweep.layers_done, sweep.layers_total);
    let model = workbench.model();
    let own = errors(&evaluate(judge, config));
    for row in &sweep.rows {
        assert_eq!(row.refused, None);
        assert!(row.outputs.iter().all(|o| !o.estimate), "all of it is exact");
        let behind = match row.bits {
            Some(bits) => alone(&model, config, &row.name, kind, bits),
            None => relieved(&model, config, &row.name),
        };
        let expected = errors(&evaluate(judge, &behind));
        assert_eq!(errors_of(&row.outputs), expected, "`{}` {:?} {kind:?}", row.name, row.bits);
        if row.bits.is_none() {
            assert_eq!(errors_of(&sweep.configuration), own);
            for (output, (_, base)) in row.outputs.iter().zip(&own) {
                let gain = output.errors.sqnr_db.value().zip(base.sqnr_db.value()).map(|(a, b)| a - b);
                assert_eq!(output.gain_db, gain);
            }
        }
    }
    sweep.rows.len()
}

#[test]
fn a_sensitivity_is_an_evaluation_with_all_else_float() {
    let (mut workbench, mut judge) = (sample_bench(None), sample_bench(None));
    let mut config = QuantConfig::default();
    config.defaults.granularity = Some(Granularity::PerChannel);
    config.defaults.method = Some(Method::Mse);
    config.edit_layer("stem", |s| s.fold_batch_norm = None);
    for kind in SweepKind::ALL {
        let rows = equals_evaluations(&mut workbench, &mut judge, &config, widths(&[4, 8]), kind);
        assert!(rows >= 10, "{rows} rows");
    }
}

#[test]
fn a_relief_is_an_evaluation_with_the_layer_float() {
    let (mut workbench, mut judge) = (sample_bench(None), sample_bench(None));
    let mut config = QuantConfig::default();
    config.defaults.weight_bits = Some(Bits::Int(4));
    let rows = equals_evaluations(&mut workbench, &mut judge, &config, Question::Relief, SweepKind::Both);
    assert!(rows >= 10, "{rows} rows");
}

#[test]
fn random_networks_agree_too() {
    let mut shared = 0;
    for seed in 0..10 {
        let folder = tempfile::tempdir().unwrap();
        let mut workbench = random_bench(seed, folder.path());
        let mut judge = random_bench(seed, folder.path());
        let model = workbench.model();
        let mut config = QuantConfig::default();
        if seed % 2 == 1 {
            config.defaults.method = Some(Method::Percentile);
            config.defaults.fold_batch_norm = Some(false);
        }
        // A tensor that one of its readers reads in another format.
        let reader = model.layers.iter().rev().find(|l| l.op == "Conv").unwrap();
        let (tensor, _) = reader.inputs[0].clone();
        let mut reading = config.clone();
        reading.edit_layer(&reader.name, |s| {
            s.reads.insert(tensor, ReadSettings { bits: Bits::Int(5) });
        });
        if workbench.check(&reading).is_ok() {
            config = reading;
        }
        shared += model.layers.iter().filter(|l| !l.shares_activation_with.is_empty()).count();
        let kind = SweepKind::ALL[usize::try_from(seed % 3).unwrap()];
        equals_evaluations(&mut workbench, &mut judge, &config, widths(&[5]), kind);
        equals_evaluations(&mut workbench, &mut judge, &config, Question::Relief, SweepKind::Both);
    }
    assert!(shared > 0, "no network shares a scale");
}

#[test]
fn estimates_are_near_and_marked() {
    let mut workbench = sample_bench(None);
    let config = QuantConfig::default();
    let exact = swept(&mut workbench, &config, &request(widths(&[4, 8]), SweepKind::Both, true));
    let near = swept(&mut workbench, &config, &request(widths(&[4, 8]), SweepKind::Both, false));
    assert_eq!(exact.rows.len(), near.rows.len());
    let mut estimates = 0;
    for (exact, near) in exact.rows.iter().zip(&near.rows) {
        assert_eq!((&exact.name, exact.bits), (&near.name, near.bits));
        for (exact, near) in exact.outputs.iter().zip(&near.outputs) {
            estimates += usize::from(near.estimate);
            match (exact.errors.sqnr_db, near.errors.sqnr_db) {
                (Measure::Value(a), Measure::Value(b)) => assert!((a - b).abs() < 0.25, "{a} {b}"),
                (a, b) => assert_eq!(a, b),
            }
        }
    }
    assert!(estimates * 2 > exact.rows.len(), "{estimates} of {} went through optimized pieces", exact.rows.len());
}

#[test]
fn the_same_sweep_tells_the_same() {
    let config = QuantConfig::default();
    for exact in [true, false] {
        let asked = request(widths(&[8]), SweepKind::Both, exact);
        let first = swept(&mut sample_bench(None), &config, &asked);
        let mut workbench = sample_bench(None);
        // Another order of asking: an evaluation came before.
        evaluate(&mut workbench, &config);
        assert_eq!(told(&first), told(&swept(&mut workbench, &config, &asked)));
        // Samples that are not in memory are run again.
        assert_eq!(told(&first), told(&swept(&mut sample_bench(Some(1)), &config, &asked)));
    }
    let asked = request(Question::Relief, SweepKind::Both, true);
    let first = swept(&mut sample_bench(None), &config, &asked);
    assert_eq!(told(&first), told(&swept(&mut sample_bench(Some(1)), &config, &asked)));
    let output = &first.rows[0].outputs[0];
    let (interval, db) = (output.interval.unwrap(), output.errors.sqnr_db.value().unwrap());
    assert!(interval.low <= db && db <= interval.high, "{interval:?} around {db}");
}

#[test]
fn a_stopped_sweep_keeps_what_it_has_and_leaves_no_trace() {
    let config = Arc::new(QuantConfig::default());
    for question in [widths(&[4]), Question::Relief] {
        let mut workbench = sample_bench(None);
        let asked = request(question, SweepKind::Both, false);
        let whole = swept(&mut sample_bench(None), &config, &asked);
        let cancel = CancelToken::new();
        let mut last: Option<Arc<Sweep>> = None;
        let mut job = Job { cancel: cancel.clone(), progress: &mut |_| () };
        let stopped = workbench.sweep(&config, &asked, &mut job, &mut |sweep| {
            if sweep.layers_done == 3 {
                cancel.cancel();
            }
            last = Some(sweep);
        });
        assert!(matches!(stopped, Err(Error::Cancelled)));
        let last = last.unwrap();
        assert_eq!((last.layers_done, last.layers_total), (3, whole.layers_total));
        for row in &last.rows {
            let same = whole.rows.iter().find(|r| r.index == row.index).unwrap();
            assert_eq!(format!("{row:?}"), format!("{same:?}"));
        }
        // What was asked is not asked again.
        let mut steps = Vec::new();
        let mut job = Job { cancel: CancelToken::new(), progress: &mut |p| steps.push((p.stage, p.done)) };
        let resumed = workbench.sweep(&config, &asked, &mut job, &mut |_| ()).expect("it goes on");
        assert_eq!(told(&resumed), told(&whole));
        assert_eq!(steps.iter().find(|(stage, _)| *stage == "sensitivity"), Some(&("sensitivity", 3)));
        let after = numbers(&evaluate(&mut workbench, &config));
        assert_eq!(after, numbers(&evaluate(&mut sample_bench(None), &config)));
    }
}

#[test]
fn a_sweep_leaves_sessions_and_weights_where_they_were() {
    let mut workbench = sample_bench(None);
    let mut config = QuantConfig::default();
    evaluate(&mut workbench, &config);
    swept(&mut workbench, &config, &request(widths(&[4]), SweepKind::Both, false));
    swept(&mut workbench, &config, &request(Question::Relief, SweepKind::Both, false));
    config.edit_layer("classifier", |s| s.weight_bits = Some(Bits::Int(4)));
    let timing = evaluate(&mut workbench, &config).timing;
    assert_eq!(timing.segments_run, SAMPLES as u64, "one segment a sample, as without the sweeps");
}

#[test]
fn requests_that_mean_nothing_are_refused() {
    let mut workbench = sample_bench(None);
    let config = Arc::new(QuantConfig::default());
    let mut refusal = |question| {
        let asked = request(question, SweepKind::Both, false);
        quietly(|job| workbench.sweep(&config, &asked, job, &mut |_| ())).unwrap_err().to_string()
    };
    assert!(refusal(Question::Sensitivity(Vec::new())).contains("at least one width"));
    assert!(refusal(Question::Sensitivity(vec![Bits::Float])).contains("float layer"));
    assert!(refusal(widths(&[8, 8])).contains("8 is given twice"));
}
