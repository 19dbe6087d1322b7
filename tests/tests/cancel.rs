//! Cancel may strike anywhere: inside a pass, between two, while histograms fill, while an export is verified. What is
//! asked for next is told as if nothing had happened, and nothing is left on the disk.

use std::{sync::Arc, time::Duration};

use quantlens_analysis::{
    Error,
    calibrate::Method,
    config::QuantConfig,
    job::{CancelToken, Job, Progress},
    quant::Bits,
    workbench::{ExportOptions, Workbench},
};
use quantlens_tests::core::{bench, evaluate, numbers, sample};

const SAMPLES: usize = 12;
/// Room for about half of the samples' tensors.
const HALF: u64 = 2_000_000;

fn fresh(budget: Option<u64>) -> Workbench {
    bench(&sample("sample.onnx"), &sample("sample.npz"), SAMPLES, budget)
}

fn kl() -> QuantConfig {
    let mut config = QuantConfig::default();
    config.defaults.method = Some(Method::Kl);
    config
}

/// Evaluates until `stage` has done `done` units, then cancels from another thread after `delay`.
fn interrupt(workbench: &mut Workbench, config: &QuantConfig, stage: &str, done: usize, delay: Duration) -> bool {
    let cancel = CancelToken::new();
    let token = cancel.clone();
    let mut threads = Vec::new();
    let mut progress = |p: Progress| {
        if p.stage == stage && p.done == done && threads.is_empty() {
            if delay.is_zero() {
                token.cancel();
            }
            let token = token.clone();
            let thread = std::thread::Builder::new().name("cancel".into()).spawn(move || {
                std::thread::sleep(delay);
                token.cancel();
            });
            threads.push(thread.expect("it evaluates"));
        }
    };
    let result =
        workbench.evaluate(&Arc::new(config.clone()), &mut Job { cancel, progress: &mut progress }, &mut |_| ());
    assert!(!threads.is_empty(), "`{stage}` {done} was reached");
    threads.into_iter().for_each(|t| t.join().expect("it evaluates"));
    match result {
        Ok(_) => false,
        Err(Error::Cancelled) => true,
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn an_interrupted_stage_leaves_no_trace() {
    for budget in [None, Some(HALF), Some(1)] {
        let expected = numbers(&evaluate(&mut fresh(None), &kl()));
        let mut workbench = fresh(budget);
        for (stage, done) in [("float reference", 5), ("histograms", 3), ("quantized run", 2), ("quantized run", 9)] {
            assert!(interrupt(&mut workbench, &kl(), stage, done, Duration::ZERO), "{stage} {done}");
        }
        assert_eq!(numbers(&evaluate(&mut workbench, &kl())), expected, "{budget:?}");
    }
}

#[test]
fn a_pass_interrupted_anywhere_leaves_no_trace() {
    // No two alike: what was evaluated to the end is told again without any run.
    let config = |step: u8| {
        let mut config = QuantConfig::default();
        config.defaults.activation_bits = Some(Bits::Int([5, 8, 4, 16, 6, 7][usize::from(step % 6)]));
        config.defaults.weight_bits = Some(Bits::Int([8, 4, 16, 3][usize::from(step / 6)]));
        config
    };
    let mut interrupted = 0;
    for budget in [None, Some(HALF), Some(1)] {
        let mut workbench = fresh(budget);
        // The whole evaluation takes some ten milliseconds: these delays spread over it.
        for step in 0..24 {
            let delay = Duration::from_micros(1 + 400 * u64::from(step));
            interrupted += usize::from(interrupt(&mut workbench, &config(step), "quantized run", 0, delay));
            if step % 6 == 5 {
                let report = evaluate(&mut workbench, &config(step));
                let expected = numbers(&evaluate(&mut fresh(None), &config(step)));
                assert_eq!(numbers(&report), expected, "{budget:?}, step {step}");
                assert!(report.memory.used_bytes <= budget.unwrap_or(u64::MAX), "{:?}", report.memory);
            }
        }
    }
    assert!(interrupted > 0, "no delay was short enough");
}

#[test]
fn a_cancelled_export_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut workbench = fresh(None);
    for (stage, done) in [("float reference", 2), ("writing the model", 0), ("verifying the export", 1)] {
        let cancel = CancelToken::new();
        let token = cancel.clone();
        let mut progress = |p: Progress| {
            if p.stage == stage && p.done == done {
                token.cancel();
            }
        };
        let mut job = Job { cancel, progress: &mut progress };
        let path = folder.path().join("out.onnx");
        let result = workbench.export(&Arc::new(QuantConfig::default()), &path, &ExportOptions::default(), &mut job);
        assert!(matches!(result, Err(Error::Cancelled)), "{stage}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{stage}");
    }
}
