//! Edges too long for a line: a label at either end that names the other and leads there.

use egui::{Align, FontId, Popup, Rect, Response, Sense, Ui, WidgetInfo, pos2, vec2};
use quantlens_analysis::t;

use super::{Camera, MOST_NAMES, Scene};
use crate::{
    command::{Command, Commands},
    format,
    graph_layout::Edge,
    selection::SelectMode,
    theme,
    views::cells,
};

/// Draws the labels of the cards on screen.
pub(super) fn cuts_ui(ui: &Ui, scene: &Scene<'_>, camera: Camera, seen: &[usize], send: &mut Commands) {
    for &card in seen {
        let Some(place) = scene.drawing.card(card) else { continue };
        let rect = camera.rect_to_screen(scene.view, place);
        let above = scene.drawing.cut_above(card);
        let below = scene.drawing.cut_below(card);
        // Left above and right below, clear of the lines in the middle and of each other.
        if !above.is_empty() {
            let label =
                Rect::from_min_max(pos2(rect.left(), rect.top() - 20.0), pos2(rect.center().x - 8.0, rect.top()));
            let others: Vec<usize> = above.iter().map(|edge: &Edge| edge.from).collect();
            Label { scene, card, label, is_above: true, others }.label_ui(ui, send);
        }
        if !below.is_empty() {
            let label = Rect::from_min_max(
                pos2(rect.center().x + 8.0, rect.bottom()),
                pos2(rect.right(), rect.bottom() + 20.0),
            );
            let others: Vec<usize> = below.iter().map(|edge: &Edge| edge.to).collect();
            Label { scene, card, label, is_above: false, others }.label_ui(ui, send);
        }
    }
}

struct Label<'a> {
    scene: &'a Scene<'a>,
    card: usize,
    label: Rect,
    /// It names what the card reads, not what reads it.
    is_above: bool,
    others: Vec<usize>,
}

impl Label<'_> {
    fn name(&self, card: usize) -> &str {
        self.scene.layer(card).map_or("", |info| info.name.as_str())
    }

    fn label_ui(&self, ui: &Ui, send: &mut Commands) {
        let tokens = theme::tokens(ui);
        // Taller than it looks: 24 points can be hit, 20 are drawn.
        let target = self.label.expand2(vec2(0.0, 2.0)).intersect(self.scene.view);
        let response = ui.interact(target, ui.scope_id().with(("cut", self.is_above, self.card)), Sense::CLICK);
        let what = match self.others.as_slice() {
            [one] => self.name(*one).to_owned(),
            many => format::plural(many.len(), "layer"),
        };
        let words = if self.is_above { t!("from {}", what) } else { t!("to {}", what) };
        response.widget_info(|| {
            let label = t!("{}: {}", self.name(self.card), words);
            WidgetInfo::labeled(egui::Role::Button, true, label)
        });
        let colour = if response.hovered() { tokens.accent } else { tokens.weak };
        let foot = if self.is_above { self.label.left_bottom() } else { self.label.left_top() } + vec2(5.0, 0.0);
        let tip = pos2(foot.x, self.label.center().y);
        ui.painter().line_segment([foot, tip], (1.5, colour));
        ui.painter().line_segment([tip, tip + vec2(5.0, 0.0)], (1.5, colour));
        let font = FontId::proportional(11.0);
        let word = Rect::from_min_max(pos2(tip.x + 8.0, self.label.top()), self.label.max);
        let ink = cells::Ink { colour, italic: false, align: Align::Min };
        cells::put_text(ui, word, &words, font, ink);
        self.lead(response, send);
    }

    /// One end is gone to, several are listed.
    fn lead(&self, response: Response, send: &mut Commands) {
        if let [one] = self.others.as_slice() {
            if response.on_hover_text(t!("Go to {}", self.name(*one))).clicked() {
                self.go(*one, send);
            }
            return;
        }
        Popup::menu(&response).show(|ui| {
            for &other in self.others.iter().take(MOST_NAMES) {
                if ui.button(self.name(other)).clicked() {
                    self.go(other, send);
                    ui.close();
                }
            }
            let more = self.others.len().saturating_sub(MOST_NAMES);
            if more > 0 {
                ui.weak(t!("and {} more", more));
            }
        });
    }

    fn go(&self, card: usize, send: &mut Commands) {
        send.push(Command::Select { layer: self.name(card).to_owned(), mode: SelectMode::Replace, reveal: true });
    }
}
