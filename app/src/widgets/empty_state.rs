//! What stands where nothing can be shown yet: what is missing, why it matters, what to do next.

use egui::{Align, Frame, Layout, Margin, RichText, Ui, vec2};

use crate::theme;

/// The words of an empty page.
#[derive(Clone, Copy, Debug)]
pub struct EmptyState<'a> {
    /// What is missing, in a few words.
    pub title: &'a str,
    /// Why, and what will stand here.
    pub reason: &'a str,
}

/// Draws a centred card with the words and, below them, what `next` adds (buttons).
pub fn empty_state<R>(ui: &mut Ui, words: EmptyState<'_>, next: impl FnOnce(&mut Ui) -> R) -> R {
    let tokens = theme::tokens(ui);
    let width = ui.available_width().min(440.0);
    let above = (0.25 * ui.available_height()).clamp(16.0, 160.0);
    ui.add_space(if above.is_finite() { above } else { 48.0 });
    ui.vertical_centered(|ui| {
        ui.set_max_width(width);
        Frame::new()
            .fill(tokens.panel)
            .stroke((1.0, tokens.line))
            .corner_radius(6.0)
            .inner_margin(Margin::same(20))
            .show(ui, |ui| {
                ui.set_width(width - 40.0);
                ui.with_layout(Layout::top_down(Align::Center), |ui| {
                    ui.spacing_mut().item_spacing = vec2(8.0, 10.0);
                    ui.label(RichText::new(words.title).heading());
                    ui.label(RichText::new(words.reason).color(tokens.weak));
                    next(ui)
                })
                .inner
            })
            .inner
    })
    .inner
}
