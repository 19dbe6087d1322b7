//! The line under the graph: what the colours and the widths of lines mean, with the numbers at which they end.

use egui::{Align, Color32, FontId, Mesh, Rect, Sense, Shape, Ui, WidgetInfo, pos2, vec2};
use quantlens_analysis::t;

use super::{tints::Legend, wires};
use crate::{
    document::Document,
    format, theme,
    views::cells::{self, theme_of},
};

/// Width of the band of colours, in points.
const BAND: f32 = 110.0;

/// Draws the legend.
pub(super) fn legend_ui(ui: &mut Ui, doc: &Document, legend: &Legend) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), theme::ROW_HEIGHT), Sense::hover());
    let theme = theme_of(ui);
    let colour_of = |t: f32| match legend {
        Legend::Values(_) => theme::heat_colour(theme, t),
        Legend::Changes(_) => theme::change_colour(theme, 2.0 * t - 1.0),
    };
    let (title, low, high) = legend.words();
    response.widget_info(|| {
        let words = t!("Cards: {}, from {} to {}. {}", title, low, high, lines());
        WidgetInfo::labeled(egui::Role::Label, true, words)
    });
    let mut pen = Pen { ui, left: rect.left(), rect };
    pen.write(&title, true);
    pen.write(&low, false);
    pen.band(colour_of);
    pen.write(&high, false);
    if let Some(stamp) = doc.report.value.as_deref().and_then(cells::stamp) {
        pen.write(&t!("{} samples", stamp), false);
    }
    if let Some(scope) = doc.report.value.as_ref().and_then(|report| report.scope.as_ref()) {
        pen.write(&format::scope(scope), false);
    }
    if rect.right() - pen.left > 210.0 {
        pen.left = (rect.right() - 210.0).max(pen.left);
        pen.write(t!("Lines"), true);
        pen.wedge(|t| theme::flow_colour(theme, t));
        pen.write(t!("accumulated error"), false);
    }
    response.on_hover_text(lines());
}

/// What a line's look means.
fn lines() -> &'static str {
    t!(
        "Lines are wider and stronger in colour the more accumulated error the tensor carries, from 40 dB down to 10 dB; \
         dashed ones carry only a shape or an index"
    )
}

struct Pen<'a> {
    ui: &'a Ui,
    left: f32,
    rect: Rect,
}

impl Pen<'_> {
    fn write(&mut self, text: &str, is_title: bool) {
        let tokens = theme::tokens(self.ui);
        let colour = if is_title { tokens.text } else { tokens.weak };
        let galley = self.ui.painter().layout_no_wrap(text.to_owned(), FontId::proportional(12.0), colour);
        let width = galley.size().x;
        let place = Rect::from_min_max(pos2(self.left, self.rect.top()), pos2(self.left + width, self.rect.bottom()));
        let ink = cells::Ink { colour, italic: false, align: Align::Min };
        cells::put_text(self.ui, place, text, FontId::proportional(12.0), ink);
        self.left += width + 8.0;
    }

    /// A band whose colours go from `t` = 0 to 1.
    fn band(&mut self, colour_of: impl Fn(f32) -> Color32) {
        let band = Rect::from_min_size(pos2(self.left, self.rect.center().y - 6.0), vec2(BAND, 12.0));
        self.strip(band, colour_of, |_| 12.0);
        self.ui.painter().rect_stroke(band, 1.0, (1.0, theme::tokens(self.ui).line), egui::StrokeKind::Outside);
        self.left = band.right() + 8.0;
    }

    /// A line that grows as lines do.
    fn wedge(&mut self, colour_of: impl Fn(f32) -> Color32) {
        let band = Rect::from_min_size(pos2(self.left, self.rect.center().y), vec2(48.0, 0.0));
        self.strip(band, colour_of, wires::width);
        self.left = band.right() + 8.0;
    }

    fn strip(&self, band: Rect, colour_of: impl Fn(f32) -> Color32, height: impl Fn(f32) -> f32) {
        const STEPS: u8 = 24;
        let mut mesh = Mesh::default();
        for step in 0..STEPS {
            let (t, next) = (f32::from(step) / f32::from(STEPS), f32::from(step + 1) / f32::from(STEPS));
            let half = 0.5 * height(next);
            let left = egui::lerp(band.x_range(), t);
            let right = egui::lerp(band.x_range(), next);
            let middle = band.center().y;
            let piece = Rect::from_min_max(pos2(left, middle - half), pos2(right, middle + half));
            mesh.add_colored_rect(piece, colour_of(next));
        }
        self.ui.painter().add(Shape::mesh(mesh));
    }
}
