//! A bar that is filled to a share, with its text on it: accuracies, sizes, confidences.

use egui::{Align2, Color32, FontId, Rect, Response, Role, Sense, Ui, WidgetInfo, vec2};

use crate::theme;

/// Draws a bar of `width` points filled to `share` (0..=1) in `ink`, with `text` right-aligned on it.
pub fn share_bar(ui: &mut Ui, share: f64, width: f32, ink: Color32, text: &str) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(width, 18.0), Sense::hover());
    if ui.is_rect_visible(rect) {
        let tokens = theme::tokens(ui);
        #[expect(clippy::cast_possible_truncation, reason = "a share of a few hundred points")]
        let share = if share.is_finite() { share.clamp(0.0, 1.0) as f32 } else { 0.0 };
        let filled = Rect::from_min_size(rect.min, vec2(share * rect.width(), rect.height()));
        ui.painter().rect_filled(rect, 2.0, tokens.faint);
        // Thin enough that the text keeps its contrast wherever the fill ends.
        ui.painter().rect_filled(filled, 2.0, ink.gamma_multiply(0.35));
        let at = rect.right_center() - vec2(6.0, 0.0);
        ui.painter().text(at, Align2::RIGHT_CENTER, text, FontId::monospace(12.0), tokens.text);
    }
    response.widget_info(|| WidgetInfo::labeled(Role::ProgressIndicator, true, text));
    response
}
