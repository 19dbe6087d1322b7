//! The strip that says what failed while the last good values stay on screen.

use egui::Ui;
use quantlens_analysis::t;

use super::banner::{Tone, banner};

/// What the user chose on the strip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StripAnswer {
    /// Show all that is known.
    Details,
    /// Start the failed job again.
    Retry,
    /// Close the strip.
    Dismiss,
}

/// Draws the strip; `can_retry` tells whether there is something to start again.
pub fn error_strip(ui: &mut Ui, what: &str, can_retry: bool) -> Option<StripAnswer> {
    banner(ui, Tone::Failure, what, |ui| {
        let mut answer = None;
        if ui.button(t!("Details…")).clicked() {
            answer = Some(StripAnswer::Details);
        }
        if can_retry && ui.button(t!("Retry")).clicked() {
            answer = Some(StripAnswer::Retry);
        }
        if ui.button(t!("Dismiss")).clicked() {
            answer = Some(StripAnswer::Dismiss);
        }
        answer
    })
}
