//! Quantlens without a window: the same workbench, driven by a command line, for scripts, CI gates and benchmarks.
//!
//! Results go to standard output or to files, progress to standard error. Exit codes: 0 done, 1 error, 2 bad usage,
//! 3 a `--fail-*` limit was crossed.

mod against;
mod analyze;
mod bench;
mod csv;
mod export;
mod info;
mod json;
mod options;
mod progress;
mod sweep;
mod table;
mod workbench;

use std::process::ExitCode;

pub use json::analysis as analysis_json;
pub(crate) use options::parse_size;
pub use options::{AnalyzeArgs, BenchArgs, ExportArgs, InfoArgs, SweepArgs};

/// What to do without a window.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum BatchCommand {
    /// Operators, layers, shapes, parameters, opset
    Info(InfoArgs),
    /// Every layer's errors
    Analyze(AnalyzeArgs),
    /// Sensitivity of each layer at each bit width
    Sweep(SweepArgs),
    /// Write the quantized model and verify it in onnxruntime
    Export(ExportArgs),
    /// Times of each phase beside plain onnxruntime's
    Bench(BenchArgs),
}

/// A limit was crossed.
const LIMIT_CROSSED: u8 = 3;

/// Does it; errors go to standard error, one sentence each.
pub fn run(command: &BatchCommand) -> ExitCode {
    let result = match command {
        BatchCommand::Info(args) => info::run(args),
        BatchCommand::Analyze(args) => analyze::run(args),
        BatchCommand::Sweep(args) => sweep::run(args),
        BatchCommand::Export(args) => export::run(args),
        BatchCommand::Bench(args) => bench::run(args),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
