//! A banner across a page: a sentence that stays as long as it is true, with what can be done about it.

use egui::{Frame, Margin, RichText, Ui};

use crate::theme;

/// How urgent a banner is. Each tone has its own mark, so that colour is never the only sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Good to know.
    Info,
    /// Numbers may mislead.
    Warning,
    /// Something does not work.
    Failure,
}

impl Tone {
    fn mark(self) -> &'static str {
        match self {
            Self::Info => "i",
            Self::Warning => "!",
            Self::Failure => "×",
        }
    }
}

/// Draws `text` over the whole width; `buttons` are drawn below it and may push commands.
pub fn banner<R>(ui: &mut Ui, tone: Tone, text: &str, buttons: impl FnOnce(&mut Ui) -> R) -> R {
    let tokens = theme::tokens(ui);
    let (ink, back) = match tone {
        Tone::Info => (tokens.accent, tokens.faint),
        Tone::Warning => (tokens.warning, tokens.warning_back),
        Tone::Failure => (tokens.failure, tokens.failure_back),
    };
    Frame::new()
        .fill(back)
        .stroke((1.0, ink))
        .corner_radius(4.0)
        .inner_margin(Margin::symmetric(10, 6))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.horizontal_wrapped(|ui| {
                ui.label(RichText::new(tone.mark()).color(ink).strong().monospace());
                ui.label(RichText::new(text).color(tokens.text));
                buttons(ui)
            })
            .inner
        })
        .inner
}
