//! A long-lived workbench tells the same as a fresh one, whatever was edited, undone or cancelled before.

use std::sync::Arc;

use quantlens_analysis::{
    calibrate::Method,
    config::{Granularity, LayerSettings, QuantConfig},
    data::{DataOptions, DataSource},
    job::{CancelToken, Job},
    quant::Bits,
    report::Report,
    workbench::Workbench,
};
use quantlens_tests::core::{bench, evaluate, numbers, sample};

const SAMPLES: usize = 12;

fn fresh() -> Workbench {
    bench(&sample("sample.onnx"), &sample("sample.npz"), SAMPLES, None)
}

/// A deterministic sequence of edits (`SplitMix64`).
fn edit(config: &mut QuantConfig, layers: &[(String, bool, bool)], seed: &mut u64) {
    *seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *seed;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    let z = usize::try_from((z ^ (z >> 31)) >> 40).expect("24 bits fit");
    let (name, weights, activation) = &layers[z % layers.len()];
    let bits = Bits::ALL[z / 8 % Bits::ALL.len()];
    config.edit_layer(name, |s| match z / 128 % 5 {
        0 | 1 if *weights => s.weight_bits = Some(bits),
        2 if *weights => s.granularity = Some(Granularity::PerChannel),
        3 if *activation => s.method = Some(Method::Kl),
        _ if *activation => s.activation_bits = Some(bits),
        _ => *s = LayerSettings::default(),
    });
}

#[test]
fn random_edits_and_undos_equal_a_fresh_run() {
    let mut kept = fresh();
    let layers: Vec<(String, bool, bool)> = kept
        .model()
        .layers
        .iter()
        .filter(|l| l.shares_activation_with.is_empty())
        .map(|l| (l.name.clone(), l.weight_fixed.is_none() && l.op != "Input", l.activation_fixed.is_none()))
        .collect();
    let (mut config, mut seed) = (QuantConfig::default(), 7);
    let mut history = vec![config.clone()];
    for step in 0..14 {
        if step % 5 == 4 {
            history.pop();
            config = history.last().unwrap().clone();
        } else {
            edit(&mut config, &layers, &mut seed);
            history.push(config.clone());
        }
        let incremental = numbers(&evaluate(&mut kept, &config));
        assert_eq!(incremental, numbers(&evaluate(&mut fresh(), &config)), "step {step}: {}", config.to_json());
    }
}

#[test]
fn an_edit_runs_only_what_lies_downstream() {
    let mut workbench = fresh();
    let first = evaluate(&mut workbench, &QuantConfig::default()).timing;
    assert_eq!(first.segments_reused, 0);
    let mut last = QuantConfig::default();
    last.edit_layer("classifier", |s| s.weight_bits = Some(Bits::Int(4)));
    let at_end = evaluate(&mut workbench, &last).timing;
    assert_eq!(at_end.segments_run, SAMPLES as u64, "one segment a sample");
    assert_eq!(at_end.segments_run + at_end.segments_reused, first.segments_run);
    let mut start = last.clone();
    start.edit_layer("stem", |s| s.weight_bits = Some(Bits::Int(4)));
    let at_start = evaluate(&mut workbench, &start).timing;
    assert_eq!(at_start.segments_reused, 0, "everything lies below the stem");
}

#[test]
fn a_cancelled_evaluation_leaves_no_trace() {
    let mut workbench = fresh();
    evaluate(&mut workbench, &QuantConfig::default());
    let mut config = QuantConfig::default();
    config.edit_layer("stem", |s| s.activation_bits = Some(Bits::Int(4)));
    let cancel = CancelToken::new();
    let token = cancel.clone();
    let mut progress = |p: quantlens_analysis::job::Progress| {
        if p.stage == "quantized run" && p.done == 3 {
            token.cancel();
        }
    };
    let mut job = Job { cancel, progress: &mut progress };
    let stopped = workbench.evaluate(&Arc::new(config.clone()), &mut job, &mut |_| ());
    assert!(matches!(stopped, Err(quantlens_analysis::Error::Cancelled)));
    assert_eq!(numbers(&evaluate(&mut workbench, &config)), numbers(&evaluate(&mut fresh(), &config)));
}

#[test]
fn a_tiny_memory_budget_changes_no_number() {
    let config = QuantConfig::default();
    let mut small = bench(&sample("sample.onnx"), &sample("sample.npz"), SAMPLES, Some(200_000));
    let report = evaluate(&mut small, &config);
    assert!(report.memory.used_bytes <= 200_000);
    assert_eq!(numbers(&report), numbers(&evaluate(&mut fresh(), &config)));
}

#[test]
fn the_memory_limit_can_change_while_a_model_is_open() {
    let (first, mut second) = (QuantConfig::default(), QuantConfig::default());
    second.defaults.weight_bits = Some(Bits::Int(4));
    let mut workbench = fresh();
    let before = evaluate(&mut workbench, &first).memory.used_bytes;
    let memory = workbench.set_memory_budget(Some(before / 2));
    assert!(memory.used_bytes <= before / 2 && memory.used_bytes > 0, "{memory:?} of {before}");
    let halved = evaluate(&mut workbench, &second);
    assert_eq!(numbers(&halved), numbers(&evaluate(&mut fresh(), &second)));
    assert!(halved.memory.used_bytes <= before / 2 && halved.memory.budget_bytes == before / 2);
    // With room again, all samples are kept again.
    workbench.set_memory_budget(Some(4 * before));
    let mut third = second.clone();
    third.defaults.activation_bits = Some(Bits::Int(16));
    let roomy = evaluate(&mut workbench, &third);
    assert_eq!(numbers(&roomy), numbers(&evaluate(&mut fresh(), &third)));
    assert!(roomy.memory.used_bytes > halved.memory.used_bytes, "{:?}", roomy.memory);
}

#[test]
fn the_order_of_samples_changes_no_number() {
    let text = std::fs::read(sample("sample.npz")).unwrap();
    let mut archive = ndarray_npy::NpzReader::new(std::io::Cursor::new(text)).unwrap();
    let images: ndarray::Array4<f32> = archive.by_name("image").unwrap();
    let labels: ndarray::Array1<i64> = archive.by_name("labels").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, reversed: bool| {
        let path = folder.path().join(name);
        let mut writer = ndarray_npy::NpzWriter::new(std::fs::File::create(&path).unwrap());
        let step = if reversed { -1 } else { 1 };
        let part = images.slice(ndarray::s![..20, .., .., ..]).slice_move(ndarray::s![..;step, .., .., ..]).to_owned();
        let names = labels.slice(ndarray::s![..20]).slice_move(ndarray::s![..;step]).to_owned();
        writer.add_array("image", &part).unwrap();
        writer.add_array("labels", &names).unwrap();
        writer.finish().unwrap();
        path
    };
    let numbers_of = |path: &std::path::Path, reversed: bool| {
        let mut workbench = quantlens_tests::core::open(&sample("sample.onnx"), None).unwrap();
        workbench.set_data(&DataSource::Path(path.to_owned()), &DataOptions::default()).unwrap();
        let mut report = Report::clone(&evaluate(&mut workbench, &QuantConfig::default()));
        for row in report.rows.iter_mut().filter(|_| reversed) {
            // What belongs to one sample moves with it.
            row.by_sample = row.by_sample.iter().rev().copied().collect();
        }
        if reversed {
            let answers = Arc::make_mut(&mut report.answers);
            answers.samples.reverse();
            answers.samples.iter_mut().enumerate().for_each(|(place, answer)| answer.index = place);
        }
        numbers(&report)
    };
    let [ahead, back] = [("a.npz", false), ("b.npz", true)].map(|(name, is)| numbers_of(&write(name, is), is));
    assert!(ahead == back, "the numbers depend on the order of the samples");
}
