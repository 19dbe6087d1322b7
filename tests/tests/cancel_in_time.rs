//! Cancel takes effect within 200 ms wherever it strikes: inside one long run of onnxruntime, while sessions of a large
//! model are built, while histograms fill, while an export is verified. Each time is printed; the limit is checked.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use quantlens_analysis::{
    Error, Result,
    calibrate::{Flavour, Method},
    config::QuantConfig,
    data::{DataOptions, DataSource},
    job::{CancelToken, Job, Progress},
    workbench::{ExportOptions, OpenOptions, Workbench},
};
use quantlens_tests::{
    core::{quietly, runtime},
    models::{Builder, int, ints, save_array},
    seeded::Seeded,
};

/// What the design promises, and what a loaded machine may add: the test measures processor time of others too.
const PROMISED: Duration = Duration::from_millis(200);
const SLACK: Duration = Duration::from_millis(if cfg!(debug_assertions) { 300 } else { 0 });

/// Runs `work` and cancels it from another thread, `delay` after it first reports `stage`; how long it then took to
/// return, or `None` where it was done before.
fn measure<T>(stage: &'static str, delay: Duration, work: impl FnOnce(&mut Job<'_>) -> Result<T>) -> Option<Duration> {
    let cancel = CancelToken::new();
    let at = Arc::new(OnceLock::new());
    let mut threads = Vec::new();
    let mut progress = |p: Progress| {
        if p.stage == stage && threads.is_empty() {
            let (token, at) = (cancel.clone(), Arc::clone(&at));
            let wait = move || {
                std::thread::sleep(delay);
                // Before it is called, so that what it takes itself counts.
                let _ = at.set(Instant::now());
                token.cancel();
            };
            threads.push(std::thread::Builder::new().name("cancel".into()).spawn(wait).expect("a thread starts"));
        }
    };
    let result = work(&mut Job { cancel: cancel.clone(), progress: &mut progress });
    let returned = Instant::now();
    assert!(!threads.is_empty(), "`{stage}` was reached");
    threads.into_iter().for_each(|thread| thread.join().expect("it ends"));
    match result {
        Ok(_) => None,
        Err(Error::Cancelled) => at.get().map(|&at| returned.saturating_duration_since(at)),
        Err(other) => panic!("{stage}: {other}"),
    }
}

fn in_time(what: &str, took: Option<Duration>) {
    let took = took.unwrap_or_else(|| panic!("{what}: it was done before the cancel"));
    println!("{what}: {} ms", took.as_millis());
    assert!(took <= PROMISED + SLACK, "{what}: {took:?}");
}

fn evaluate(workbench: &mut Workbench, job: &mut Job<'_>, config: &QuantConfig) -> Result<()> {
    workbench.evaluate(&Arc::new(config.clone()), job, &mut |_| ()).map(drop)
}

fn kl() -> QuantConfig {
    let mut config = QuantConfig::default();
    // What other tools count takes longest.
    config.defaults.method = Some(Method::Flavour(Flavour::PpqKl));
    config
}

/// A model whose one block runs for seconds: a Loop of many rounds in a subgraph.
fn long_run(folder: &Path, rounds: i64) -> PathBuf {
    let mut body = Builder::new(17);
    body.scalar_input("round", quantlens_analysis::tensor::ElementType::Int64);
    body.scalar_input("go_in", quantlens_analysis::tensor::ElementType::Bool);
    body.input("carried", &[64]);
    body.node("Identity", &["go_in"], "go", Vec::new());
    body.node("Mul", &["carried", "c"], "product", Vec::new());
    body.node("Sin", &["product"], "next", Vec::new());
    body.typed_output("go", quantlens_analysis::tensor::ElementType::Bool);
    body.output("next");
    let mut builder = Builder::new(17);
    builder.input("x", &[64]);
    builder.constant("w", &[64, 64], Seeded::new(1).units(64 * 64, 0.2));
    builder.integers("rounds", &[rounds]);
    builder.node("MatMul", &["x", "w"], "c", Vec::new());
    builder.node("Loop", &["rounds", "", "c"], "looped", vec![body.attribute("body")]);
    builder.node("MatMul", &["looped", "w"], "y", Vec::new());
    builder.output("y");
    builder.save(folder)
}

fn with_data(model: &Path, shape: &[usize], folder: &Path) -> Workbench {
    let mut workbench =
        quietly(|job| Workbench::open(&runtime(), model, OpenOptions::default(), job)).expect("it works in a test");
    let data = save_array(folder, shape, Seeded::new(2).units(shape.iter().product(), 1.0));
    workbench.set_data(&DataSource::Path(data), &DataOptions::default()).expect("it works in a test");
    workbench
}

#[test]
fn inside_a_long_run() {
    let folder = tempfile::tempdir().unwrap();
    let model = long_run(folder.path(), 400_000);
    let started = Instant::now();
    let mut workbench = with_data(&model, &[2, 64], folder.path());
    let config = QuantConfig::default();
    let delay = Duration::from_millis(50);
    in_time("float pass", measure("float reference", delay, |job| evaluate(&mut workbench, job, &config)));
    quietly(|job| evaluate(&mut workbench, job, &QuantConfig::all_float())).unwrap();
    println!("one evaluation of two samples in float: {:.1?}", started.elapsed());
    in_time("quantized pass", measure("quantized run", delay, |job| evaluate(&mut workbench, job, &config)));
    let path = folder.path().join("export.onnx");
    let mut export = |stage, delay| {
        measure(stage, delay, |job| workbench.export(&Arc::new(config.clone()), &path, &ExportOptions::default(), job))
    };
    for delay in [1, 300, 900] {
        let took = export("verifying the export", Duration::from_millis(delay));
        in_time(&format!("verifying the export, {delay} ms in"), took);
    }
}

#[test]
fn while_histograms_fill() {
    let folder = tempfile::tempdir().unwrap();
    let mut builder = Builder::new(17);
    builder.input("x", &[3, 512, 512]);
    let mut last = "x".to_owned();
    for layer in 0..6 {
        let (weight, name) = (format!("w{layer}"), format!("c{layer}"));
        builder.constant(&weight, &[3, 3, 3, 3], Seeded::new(layer).units(81, 0.5));
        builder.node("Conv", &[&last, &weight], &name, vec![ints("pads", &[1, 1, 1, 1]), int("group", 1)]);
        last = name;
    }
    builder.output(&last);
    let mut workbench = with_data(&builder.save(folder.path()), &[6, 3, 512, 512], folder.path());
    quietly(|job| evaluate(&mut workbench, job, &QuantConfig::default())).unwrap();
    for delay in [0, 30, 100] {
        let delay = Duration::from_millis(delay);
        let took = measure("histograms", delay, |job| evaluate(&mut workbench, job, &kl()));
        in_time(&format!("histograms, {} ms in", delay.as_millis()), took);
    }
}

#[test]
fn while_the_sessions_of_a_large_model_are_built() {
    let folder = tempfile::tempdir().unwrap();
    let mut builder = Builder::new(17);
    builder.input("x", &[16]);
    let mut last = "x".to_owned();
    for layer in 0..6_000_u64 {
        let name = format!("t{layer}");
        if layer % 2 == 0 {
            let weight = format!("w{layer}");
            builder.constant(&weight, &[16, 16], Seeded::new(layer).units(256, 0.3));
            builder.node("MatMul", &[&last, &weight], &name, Vec::new());
        } else {
            builder.node("Tanh", &[&last], &name, Vec::new());
        }
        last = name;
    }
    builder.output(&last);
    let model = builder.save(folder.path());
    let started = Instant::now();
    drop(quietly(|job| Workbench::open(&runtime(), &model, OpenOptions::default(), job)).unwrap());
    println!("opening takes {:.1?}", started.elapsed());
    for delay in [5, 40, 120, 600, 1500] {
        let delay = Duration::from_millis(delay);
        let took = measure("checking the model with onnxruntime", delay, |job| {
            Workbench::open(&runtime(), &model, OpenOptions::default(), job)
        });
        // A fast machine has opened it by then.
        if delay > Duration::from_millis(120) && took.is_none() {
            continue;
        }
        in_time(&format!("opening, {} ms in", delay.as_millis()), took);
    }
}
