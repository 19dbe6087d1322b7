//! `quantlens bench`: the time of each phase beside plain onnxruntime's, and from a changed layer to its new curve.

use std::{process::ExitCode, sync::Arc, time::Instant};

use anyhow::{Context as _, Result};
use quantlens_analysis::{
    config::QuantConfig,
    job::{CancelToken, Job},
    report::{Report, Timing},
    workbench::{Plain, Workbench},
};
use serde_json::{Value, json};

mod toggle;

use super::{
    analyze::write,
    options::{BenchArgs, EvaluationArgs},
    progress::Reporter,
    workbench::{self, cores},
};

pub(super) fn run(args: &BenchArgs) -> Result<ExitCode> {
    let mut reporter = Reporter::new();
    let runs = args.runs.max(1) as usize;
    let config = Arc::new(args.evaluation.quant_config()?);
    let mut phases = Vec::with_capacity(runs);
    let mut ends = Vec::with_capacity(runs);
    let mut last = None;
    for _ in 0..runs {
        drop(last.take());
        let started = Instant::now();
        // As `analyze` does it.
        let mut bench = workbench::prepare(&args.evaluation, Some(0), &mut reporter)?;
        let report = evaluate(&mut bench, &config, &mut |_| ())?;
        ends.push(started.elapsed().as_secs_f64());
        phases.push(report.timing);
        last = Some((bench, report));
    }
    let (bench, report) = last.context("no run was made")?;
    let plain = plain_times(&bench, runs)?;
    let model = bench.model();
    let segments = bench.graph().segments.len();
    let kernels = bench.own_kernels();
    // Two engines side by side would share the cores and the memory.
    drop(bench);
    let toggle = if args.toggle { Some(toggle::times(&args.evaluation, runs)?) } else { None };
    drop(reporter);
    let value = json!({
        "schema": "quantlens-bench/1",
        "model": model.path.display().to_string(),
        "samples": report.samples,
        "segments": segments,
        "own_kernels": { "used": kernels.used, "refused": kernels.refused, "untried": kernels.untried },
        "threads": args.evaluation.threads.unwrap_or_else(cores),
        "runs": runs,
        "onnxruntime": { "optimized_s": plain[0], "unoptimized_s": plain[1], "all_intermediates_s": plain[2] },
        "phases": median_phases(&phases, ends),
        "toggle": toggle,
        "memory": { "budget_bytes": report.memory.budget_bytes, "cached_peak_bytes": report.memory.peak_bytes },
        "peak_bytes": process_peak_bytes(),
    });
    match &args.json {
        Some(path) => write(path, &(serde_json::to_string_pretty(&value)? + "\n"))?,
        None => print!("{}", table(&value)),
    }
    Ok(ExitCode::SUCCESS)
}

fn evaluate(
    bench: &mut Workbench,
    config: &Arc<QuantConfig>,
    on_stage: &mut dyn FnMut(Arc<Report>),
) -> Result<Arc<Report>> {
    let mut job = Job { cancel: CancelToken::new(), progress: &mut |_| () };
    Ok(bench.evaluate(config, &mut job, on_stage)?)
}

/// Medians, after a run that warms up, of going through all samples: optimized, unoptimized, all intermediate tensors.
fn plain_times(bench: &Workbench, runs: usize) -> Result<[f64; 3]> {
    let mut medians = [0.0; 3];
    for (median, kind) in medians.iter_mut().zip([Plain::Optimized, Plain::Unoptimized, Plain::AllIntermediates]) {
        let model = bench.plain_model(kind)?;
        model.run_all()?;
        let mut seconds = Vec::with_capacity(runs);
        for _ in 0..runs {
            let started = Instant::now();
            model.run_all()?;
            seconds.push(started.elapsed().as_secs_f64());
        }
        *median = median_of(seconds);
    }
    Ok(medians)
}

fn milliseconds(since: Instant) -> f64 {
    1e3 * since.elapsed().as_secs_f64()
}

/// `end_to_end` is from the model's file to the report, opening and reading of samples included.
fn median_phases(phases: &[Timing], end_to_end: Vec<f64>) -> Value {
    let median = |field: fn(&Timing) -> f64| median_of(phases.iter().map(field).collect());
    json!({
        "load_s": median(|t| t.load_s),
        "reference_s": median(|t| t.reference_s),
        "calibrate_s": median(|t| t.calibrate_s),
        "quantized_s": median(|t| t.quantized_s),
        "metrics_s": median(|t| t.metrics_s),
        "total_s": median(|t| t.total_s),
        "end_to_end_s": median_of(end_to_end),
    })
}

fn median_of(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The most memory this process has held, where the system tells.
fn process_peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| 1024 * kilobytes)
}

fn table(value: &Value) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    let unit = value["onnxruntime"]["all_intermediates_s"].as_f64().unwrap_or(f64::NAN);
    let _ = writeln!(text, "{} samples, {} segments", value["samples"], value["segments"]);
    let _ = writeln!(text, "T, onnxruntime with all intermediate tensors: {unit:.3} s\n");
    for part in ["onnxruntime", "phases"] {
        for (name, seconds) in value[part].as_object().into_iter().flatten() {
            let seconds = seconds.as_f64().unwrap_or(f64::NAN);
            let _ = writeln!(text, "{name:>20} {seconds:>9.3} s {:>7.2} T", seconds / unit);
        }
    }
    for (place, times) in value["toggle"].as_object().into_iter().flatten() {
        let ms = |name: &str| times[name].as_f64().unwrap_or(f64::NAN);
        let _ = writeln!(
            text,
            "{place:>20} {:.1} ms to the first curve, {:.1} ms live, {:.1} ms all ({})",
            ms("first_curve_ms"),
            ms("live_ms"),
            ms("all_ms"),
            times["layer"].as_str().unwrap_or_default()
        );
    }
    if let Some(bytes) = value["peak_bytes"].as_u64() {
        let _ = writeln!(text, "{:>20} {} MB", "peak memory", bytes / 1_000_000);
    }
    text
}
