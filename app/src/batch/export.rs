//! `quantlens export`

use std::{process::ExitCode, sync::Arc};

use anyhow::Result;
use quantlens_analysis::{
    job::{CancelToken, Job},
    metrics::Measure,
    report::ExportReport,
    workbench::ExportOptions,
};

use super::{analyze::write, json, options::ExportArgs, progress::Reporter, workbench};

pub(super) fn run(args: &ExportArgs) -> Result<ExitCode> {
    let mut reporter = Reporter::new();
    let mut workbench = workbench::prepare(&args.evaluation, None, &mut reporter)?;
    let (config, told) = args.evaluation.quant_config_told()?;
    let config = Arc::new(config);
    let mut show = |p| reporter.show(&p);
    let mut job = Job { cancel: CancelToken::new(), progress: &mut show };
    let mut report = workbench.export(&config, &args.output, &ExportOptions::default(), &mut job)?;
    drop(reporter);
    for warning in &report.warnings {
        eprintln!("warning: {}", warning.message);
    }
    // Printed when the options were read.
    Arc::make_mut(&mut report).warnings.extend(told);
    match &args.json {
        Some(path) => write(path, &json::export(&report)?)?,
        None => print(&report),
    }
    match &report.verification.failure {
        None => Ok(ExitCode::SUCCESS),
        Some(failure) => {
            eprintln!("error: the export did not verify and is kept as {}: {failure}", report.path.display());
            Ok(ExitCode::FAILURE)
        }
    }
}

fn print(report: &ExportReport) {
    let v = &report.verification;
    let decibels = |m: Measure| match m {
        Measure::Value(value) => format!("{value:.2} dB"),
        Measure::Exact => "exact".into(),
        Measure::NotApplicable(why) => why.to_owned(),
    };
    println!(
        "{}: {} bytes, {} layers quantized, {} float",
        report.path.display(),
        report.file_bytes,
        report.quantized_layers,
        report.float_layers
    );
    println!("  {} quantizers read back from the file as planned", v.quantizers_checked);
    println!(
        "  optimization off: {} tensors of {} samples, {} elements differ; output {}",
        v.tensors_compared,
        v.samples,
        v.elements_different,
        decibels(v.output_sqnr_db)
    );
    println!(
        "  full optimization: output {}, at most {:.4} off the unoptimized run",
        decibels(v.optimized_output_sqnr_db),
        v.optimized_max_abs
    );
}
