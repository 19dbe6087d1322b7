//! A histogram of a few pixels, without axes: the shape of a distribution beside a name.

use egui::{Rect, Response, Role, Sense, Ui, Vec2, WidgetInfo, pos2};

use crate::theme;

/// Draws `counts` as bars that fill `size`, neighbours summed where there are more than pixels. `label` is what a screen
/// reader gets, and the hover text.
pub fn mini_histogram(ui: &mut Ui, counts: &[u64], size: Vec2, label: &str) -> Response {
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    if ui.is_rect_visible(rect) {
        let tokens = theme::tokens(ui);
        let columns = columns(counts, size.x);
        let most = columns.iter().copied().max().unwrap_or(0).max(1) as f32;
        let width = rect.width() / columns.len().max(1) as f32;
        ui.painter().rect_filled(rect, 2.0, tokens.canvas);
        for (place, count) in columns.iter().enumerate() {
            // Square root: a bin with a hundredth of the largest count keeps a tenth of its height.
            let height = rect.height() * (*count as f32 / most).sqrt();
            let left = rect.left() + width * place as f32;
            let bar = Rect::from_min_max(pos2(left, rect.bottom() - height), pos2(left + width, rect.bottom()));
            ui.painter().rect_filled(bar, 0.0, tokens.float);
        }
        ui.painter().hline(rect.x_range(), rect.bottom(), (1.0, tokens.line));
    }
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, label));
    response.on_hover_text(label)
}

/// At most one column for two points of width, each the sum of equally many neighbours.
fn columns(counts: &[u64], width: f32) -> Vec<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a widget's width in points")]
    let most = (width / 2.0).max(1.0) as usize;
    counts.chunks(counts.len().div_ceil(most).max(1)).map(|group| group.iter().sum()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_summed_when_there_are_more_than_pixels() {
        // 8 points of width give at most 4 columns; 9 counts in groups of 3.
        assert_eq!(columns(&[1, 1, 1, 2, 2, 2, 3, 3, 3], 8.0), [3, 6, 9]);
        assert_eq!(columns(&[5, 6], 100.0), [5, 6]);
        assert!(columns(&[], 100.0).is_empty());
    }
}
