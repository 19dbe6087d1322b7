//! The striped badge: for a state that makes every number on screen doubtful, synthetic ranges for instance. The stripes
//! are what tells it from a label without any colour.

use egui::{FontId, Response, Role, Sense, Shape, Ui, WidgetInfo, pos2, vec2};

use crate::theme;

/// Draws `text` in capitals' weight on diagonal stripes; `why` is the hover text.
pub fn striped_badge(ui: &mut Ui, text: &str, why: &str) -> Response {
    let tokens = theme::tokens(ui);
    let galley = ui.painter().layout_no_wrap(text.to_owned(), FontId::proportional(12.0), tokens.text);
    let size = galley.size() + vec2(24.0, 8.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    if ui.is_rect_visible(rect) {
        let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
        painter.rect_filled(rect, 3.0, tokens.warning_back);
        let mut x = rect.left() - rect.height();
        while x < rect.right() {
            let foot = pos2(x, rect.bottom());
            let head = pos2(x + rect.height(), rect.top());
            painter.add(Shape::line_segment([foot, head], (3.0, tokens.warning.gamma_multiply(0.45))));
            x += 9.0;
        }
        // The stripes end before the letters, which must read as well as any other text.
        let plate = rect.shrink2(vec2(8.0, 3.0));
        painter.rect_filled(plate, 2.0, tokens.warning_back);
        painter.galley(plate.center() - 0.5 * galley.size(), galley, tokens.text);
        painter.rect_stroke(rect, 3.0, (1.0, tokens.warning), egui::StrokeKind::Inside);
    }
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, text));
    if why.is_empty() { response } else { response.on_hover_text(why) }
}
