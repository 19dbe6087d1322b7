//! The command line: a window by default, subcommands without one.

use std::{ffi::OsString, path::PathBuf, process::ExitCode, time::Instant};

use clap::Parser;
use quantlens_analysis::data::DataSource;

use crate::{
    app::{ExitAfter, Start},
    batch::{self, BatchCommand},
    window,
};

/// Shows where and why quantizing an ONNX network hurts, and lets you mend it on the spot
#[derive(Clone, Debug, Parser)]
#[command(name = "quantlens", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// What to do without a window
    #[command(subcommand)]
    pub command: Option<BatchCommand>,
    /// The window's own arguments.
    #[command(flatten)]
    pub window: WindowArgs,
}

/// What the window starts with
#[derive(Clone, Debug, clap::Args)]
pub struct WindowArgs {
    /// A float ONNX model to open
    pub model: Option<PathBuf>,
    /// Its samples: a folder of images or arrays, an .npz or .npy, ONNX test-data folders, or `synthetic`
    #[arg(long, value_name = "PATH")]
    pub data: Option<OsString>,
    /// A configuration saved earlier (*.quantlens.json)
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Open the built-in sample
    #[arg(long, conflicts_with_all = ["model", "welcome"])]
    pub sample: bool,
    /// Open nothing
    #[arg(long, conflicts_with = "model")]
    pub welcome: bool,
    /// Print when the first frame and the numbers stood
    #[arg(long)]
    pub trace_startup: bool,
    /// End by itself then
    #[arg(long, value_name = "WHEN")]
    pub exit_after: Option<ExitAfter>,
    /// Most memory for cached tensors, e.g. 2G (default: the settings', or a quarter of the machine's)
    #[arg(long, value_name = "SIZE", value_parser = batch::parse_size)]
    pub memory: Option<u64>,
    /// The onnxruntime library to use
    #[arg(long, value_name = "PATH")]
    pub onnxruntime: Option<PathBuf>,
    /// Threads (default: all cores)
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
}

impl Cli {
    /// Does what the command line says; `started` is when the program began.
    pub fn run(self, started: Instant) -> ExitCode {
        match &self.command {
            Some(command) => batch::run(command),
            None => window::run(&self.window, started),
        }
    }
}

impl WindowArgs {
    /// What the window opens.
    pub fn start(&self) -> Start {
        Start {
            model: self.model.clone(),
            data: self.data.as_deref().map(DataSource::parse),
            config: self.config.clone(),
            sample: self.sample,
            welcome: self.welcome,
            memory: self.memory,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
        let cli = Cli::parse_from(["quantlens", "--memory", "512M"]);
        assert_eq!(cli.window.start().memory, Some(512 << 20));
        let cli = Cli::parse_from(["quantlens", "a.onnx", "--data", "synthetic", "--exit-after", "analyzed"]);
        assert!(cli.command.is_none() && cli.window.exit_after == Some(ExitAfter::Analyzed));
        assert!(matches!(cli.window.start().data, Some(DataSource::Synthetic { .. })));
        assert!(Cli::try_parse_from(["quantlens", "a.onnx", "--sample"]).is_err());
        let cli = Cli::parse_from(["quantlens", "info", "a.onnx"]);
        assert!(matches!(cli.command, Some(BatchCommand::Info(_))));
    }
}
