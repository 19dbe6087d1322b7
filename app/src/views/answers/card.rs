//! One sample: what it is, what both runs say, and whether that is right.

use std::sync::Arc;

use egui::{
    Align, Color32, FontId, FontSelection, Rect, Response, Role, Sense, Stroke, TextureHandle, Ui, Vec2, pos2, vec2,
};
use quantlens_analysis::{
    data::info::{Preview, PreviewInput},
    mark,
    metrics::Measure,
    report::{FlipKind, SampleAnswer},
    t,
    text::Text,
    text::filled,
};

use super::{
    super::cells::{Ink, paint_text},
    list::{Mark, kind_name},
    pictures::rows,
};
use crate::{document::Document, format, theme};

/// Height of the picture, in points.
const PICTURE: f32 = 96.0;
/// Height of a line of text.
const LINE: f32 = 18.0;
/// Room around the card's content.
const MARGIN: f32 = 6.0;

/// A card about to be drawn.
pub(super) struct Card<'a> {
    pub(super) doc: &'a Document,
    pub(super) answer: &'a SampleAnswer,
    /// Number of classes.
    pub(super) classes: usize,
    pub(super) mark: Mark,
    pub(super) preview: Option<&'a Arc<Preview>>,
    pub(super) picture: Option<TextureHandle>,
}

/// Least size of a card: with class scores it has two lines more.
pub(super) fn size(has_classes: bool) -> Vec2 {
    let lines = if has_classes { 4.0 } else { 2.0 };
    vec2(164.0, PICTURE + lines * LINE + 3.0 * MARGIN)
}

/// A line of the card with the colour role of its text.
pub(super) struct Line {
    pub(super) text: String,
    pub(super) is_weak: bool,
}

impl Card<'_> {
    /// Draws the card; a click shows the sample alone, or all again.
    pub(super) fn ui(&self, ui: &mut Ui, size: Vec2) -> Response {
        let (rect, response) = ui.allocate_exact_size(size, Sense::click());
        let lines = self.lines();
        let words = lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join(t!(", "));
        let is_shown = self.doc.scope == Some(self.answer.index);
        response.widget_info(|| egui::WidgetInfo::selected(Role::Button, true, is_shown, &words));
        if !ui.is_rect_visible(rect) {
            return response;
        }
        let tokens = theme::tokens(ui);
        let (fill, line) = match (is_shown, response.hovered()) {
            (true, _) => (tokens.selected, tokens.accent),
            (false, true) => (tokens.hovered, tokens.weak),
            (false, false) => (tokens.panel, tokens.line),
        };
        let stroke = Stroke::new(if response.has_focus() { 2.0 } else { 1.0 }, line);
        let stroke = if response.has_focus() { Stroke { color: tokens.accent, ..stroke } } else { stroke };
        ui.painter().rect(rect, 4.0, fill, stroke, egui::StrokeKind::Inside);
        let inner = rect.shrink(MARGIN);
        let above = Rect::from_min_size(inner.min, vec2(inner.width(), PICTURE));
        self.preview_ui(ui, above);
        let font = FontSelection::Default.resolve(ui.style());
        let mut y = above.bottom() + MARGIN;
        for line in &lines {
            let at = Rect::from_min_size(pos2(inner.left(), y), vec2(inner.width(), LINE));
            let colour = if line.is_weak && !is_shown { tokens.weak } else { tokens.text };
            paint_text(ui, at, &line.text, font.clone(), Ink { colour, italic: false, align: Align::Min });
            y += LINE;
        }
        let what = if is_shown {
            t!("Click to show all samples again")
        } else {
            t!("Click to show the numbers of this sample")
        };
        response.on_hover_ui(|ui| {
            ui.label(self.hover());
            ui.label(egui::RichText::new(what).color(tokens.weak));
        })
    }

    fn verdict_of_float(&self, class: Option<usize>) -> &'static str {
        match self.answer.label {
            Some(_) if class == self.answer.label => t!("✓ Right"),
            Some(_) => t!("✗ Wrong"),
            None => "",
        }
    }

    fn name(&self) -> String {
        let named = self.doc.whole_report().and_then(|report| report.sample_names.get(self.answer.index));
        named.map_or_else(|| t!("sample {}", self.answer.index + 1), Text::to_string)
    }

    fn class(&self, class: Option<usize>) -> String {
        let Some(class) = class else { return t!("not a number").into() };
        // Names of other classes than the output's would lie.
        let names = self.doc.data.as_ref().map(|data| &data.class_names).filter(|names| names.len() == self.classes);
        let name = names.and_then(|names| names.get(class));
        name.cloned().unwrap_or_else(|| class.to_string())
    }

    /// What stands below the picture.
    pub(super) fn lines(&self) -> Vec<Line> {
        let strong = |text: String| Line { text, is_weak: false };
        let weak = |text: String| Line { text, is_weak: true };
        let mut lines = vec![weak(self.name())];
        let is_float = self.doc.float_view.is_shown();
        let Some(decision) = self.answer.decision else {
            let of_float = Measure::Exact;
            let sqnr = self.answer.error.map(|error| if is_float { of_float } else { error.sqnr_db() });
            let sqnr = sqnr.map(format::db_unit);
            lines.push(strong(t!(
                "output {}",
                sqnr.unwrap_or_else(|| quantlens_analysis::text::text(format::NOT_APPLICABLE).into())
            )));
            return lines;
        };
        let float = self.class(decision.float.class);
        lines.push(strong(if is_float {
            t!("float: {}", float)
        } else {
            t!("float: {}, now: {}", float, self.class(decision.quantized.class))
        }));
        let verdict = match (self.answer.flip(), self.mark) {
            _ if is_float => self.verdict_of_float(decision.float.class).to_owned(),
            (Some(kind), Mark::New) => t!("{} {}, new", sign(kind), kind_name(kind)),
            (Some(kind), _) => format!("{} {}", sign(kind), kind_name(kind)),
            (None, _) => t!("= As float again").to_owned(),
        };
        let several = match decision.flipped {
            flipped if decision.decisions > 1 && flipped > 0 => {
                let (flipped, decisions) = (flipped as u64, decision.decisions as u64);
                format!(" {}", t!("({} of {})", format::count(flipped), format::count(decisions)))
            }
            _ => String::new(),
        };
        lines.push(strong(format!("{verdict}{several}")));
        let sure = percent(decision.float.confidence);
        lines.push(weak(match self.answer.label {
            Some(label) => t!("truth: {}, float {} sure", self.class(Some(label)), sure),
            None => t!("float {} sure", sure),
        }));
        lines
    }

    /// Everything about the sample, also what was cut on the card.
    fn hover(&self) -> String {
        let mut words = vec![self.name()];
        if let Some(decision) = self.answer.decision {
            let runs = [
                (mark!("float: {}, {}, {} above the second"), decision.float),
                (mark!("quantized: {}, {}, {} above the second"), decision.quantized),
            ];
            for (run, choice) in runs {
                let class = self.class(choice.class);
                words.push(filled(run, &[&class, &percent(choice.confidence), &percent(choice.margin)]));
            }
            if let Some(label) = self.answer.label {
                words.push(t!("truth: {}", self.class(Some(label))));
            }
        }
        if let Some(error) = self.answer.error {
            words.push(t!("output error: {}", format::db_unit(error.sqnr_db())));
        }
        words.join("\n")
    }

    /// The picture, the text, the numbers or the curve of the sample.
    fn preview_ui(&self, ui: &Ui, rect: Rect) {
        let tokens = theme::tokens(ui);
        if let Some(picture) = &self.picture {
            let size = picture.size_vec2();
            let scale = (rect.width() / size.x).min(rect.height() / size.y);
            let at = Rect::from_center_size(rect.center(), size * scale);
            let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
            ui.painter().image(picture.id(), at, whole, Color32::WHITE);
            return;
        }
        ui.painter().rect_filled(rect, 3.0, tokens.canvas);
        let Some(preview) = self.preview else { return };
        let text_of = |input: &PreviewInput| input.text.clone();
        if let Some(text) = preview.inputs.iter().find_map(text_of) {
            text_ui(ui, rect, text, FontSelection::Default.resolve(ui.style()));
        } else if let Some(shading) = preview.inputs.iter().find_map(|input| input.shading.as_ref()) {
            debug_assert!(rows(shading) <= 1, "more rows are a picture");
            curve_ui(ui, rect.shrink(4.0), &shading.shades);
        } else if let Some(input) = preview.inputs.first() {
            text_ui(ui, rect, numbers(input), FontId::monospace(11.0));
        }
    }
}

/// What stands in the place of a picture: the text that the sample is, or its first numbers.
pub(super) fn text_of(preview: &Preview) -> String {
    let text = preview.inputs.iter().find_map(|input| input.text.clone());
    text.or_else(|| preview.inputs.first().map(numbers)).unwrap_or_default()
}

/// Whole numbers: token ids for instance.
fn numbers(input: &PreviewInput) -> String {
    let total: usize = input.shape.iter().product();
    let mut words: Vec<String> = input.first.iter().map(|value| format::number(*value, 0)).collect();
    if total > words.len() {
        words.push("…".into());
    }
    words.join(" ")
}

/// Text in as many lines as there is room for.
fn text_ui(ui: &Ui, rect: Rect, text: String, font: FontId) {
    let colour = theme::tokens(ui).text;
    let room = rect.shrink(4.0);
    let mut job = egui::text::LayoutJob::simple(text, font.clone(), colour, room.width());
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few lines")]
    let rows = (room.height() / (1.25 * font.size)) as usize;
    job.wrap.max_rows = rows.max(1);
    let galley = ui.painter().layout_job(job);
    ui.painter().with_clip_rect(rect.intersect(ui.clip_rect())).galley(room.min, galley, colour);
}

/// One row of values as a line from left to right.
fn curve_ui(ui: &Ui, rect: Rect, shades: &[u8]) {
    let last = shades.len().saturating_sub(1).max(1) as f32;
    let point = |(i, shade): (usize, &u8)| {
        let (x, y) = (i as f32 / last, 1.0 - f32::from(*shade) / 255.0);
        rect.min + vec2(x * rect.width(), y * rect.height())
    };
    let points: Vec<egui::Pos2> = shades.iter().enumerate().map(point).collect();
    ui.painter().line(points, Stroke::new(1.5, theme::tokens(ui).float));
}

/// A sign beside the word: right and wrong must not be a matter of reading alone.
fn sign(kind: FlipKind) -> &'static str {
    match kind {
        FlipKind::Broken => "✗",
        FlipKind::Mended => "✓",
        FlipKind::Changed => "≠",
    }
}

/// Never 100 % where it is not.
fn percent(share: f64) -> String {
    match share {
        share if share > 0.999 && share < 1.0 => ">99.9 %".into(),
        share if share > 0.99 && share < 1.0 => format!("{} %", format::number(100.0 * share, 1)),
        share => format!("{} %", format::number(100.0 * share, 0)),
    }
}
