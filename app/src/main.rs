//! The binary.

use std::{process::ExitCode, time::Instant};

use clap::Parser as _;
use quantlens::cli::Cli;

fn main() -> ExitCode {
    let started = Instant::now();
    Cli::parse().run(started)
}
