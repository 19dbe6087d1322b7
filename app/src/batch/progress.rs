//! Progress on standard error: a bar on a terminal, a plain line for each stage otherwise.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressStyle};
use quantlens_analysis::job::Progress;

/// Shows progress until dropped.
#[derive(Debug)]
pub(super) struct Reporter {
    bar: Option<ProgressBar>,
    stage: &'static str,
}

impl Reporter {
    pub(super) fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(0);
            // The template is a constant that the library accepts; its default is good enough if ever it did not.
            if let Ok(style) = ProgressStyle::with_template("{msg:24} {wide_bar} {pos}/{len} {eta}") {
                bar.set_style(style);
            }
            bar
        });
        Self { bar, stage: "" }
    }

    pub(super) fn show(&mut self, progress: &Progress) {
        match &self.bar {
            Some(bar) => {
                bar.set_length(progress.total.unwrap_or(0) as u64);
                bar.set_position(progress.done as u64);
                bar.set_message(progress.stage);
            }
            None if self.stage != progress.stage => {
                let total = progress.total.map(|n| format!(", {n} {}", progress.unit)).unwrap_or_default();
                eprintln!("{}{total}", progress.stage);
            }
            None => {}
        }
        self.stage = progress.stage;
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
