//! The binary.

use std::process::ExitCode;

use clap::Parser;
use quantlens::batch::{self, BatchCommand};

/// Shows where and why quantizing a network hurts.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: BatchCommand,
}

fn main() -> ExitCode {
    batch::run(&Arguments::parse().command)
}
