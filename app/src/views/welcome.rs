//! What is shown while no model is open: one card with every way in.

use egui::{Align, Button, Layout, RichText, Sense, Ui, Vec2};
use quantlens_analysis::t;

use super::menu::action_button;
use crate::{
    action::Action,
    command::{Command, Commands},
    document::{Document, RecentCurve},
    theme::{self, GRID},
};

/// Size of the drift beside a recent model, in points.
const CURVE: Vec2 = Vec2::new(88.0, 20.0);
/// Width of the card, in points.
const WIDTH: f32 = 460.0;

/// Draws the card in the middle of what is left.
pub fn welcome_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    let t = theme::tokens(ui);
    let space = ((ui.available_height() - 380.0) / 2.5).max(2.0 * GRID);
    ui.add_space(space);
    ui.vertical_centered(|ui| {
        let frame = egui::Frame::new()
            .fill(t.panel)
            .stroke((1.0, t.line))
            .corner_radius(8)
            .inner_margin(egui::Margin::same(24));
        ui.set_max_width(WIDTH.min(ui.available_width()));
        frame.show(ui, |ui| {
            ui.with_layout(Layout::top_down(Align::Min), |ui| card_ui(ui, doc, send));
        });
    });
}

fn card_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    ui.set_width(ui.available_width());
    ui.heading(t!("Open a float ONNX model"));
    ui.weak(t!("See where and why quantizing it hurts, mend it layer by layer, and export what you saw."));
    ui.add_space(3.0 * GRID);
    if let Some(source) = &doc.opening {
        let name = match source {
            crate::worker::ModelSource::Path(path) => path.display().to_string(),
            crate::worker::ModelSource::Sample => t!("the sample model").into(),
        };
        ui.label(t!("Opening {} …", name));
        return;
    }
    ui.horizontal_wrapped(|ui| {
        primary_button(ui, Action::OpenModel, doc, send);
        action_button(ui, Action::OpenPath, doc, send);
        action_button(ui, Action::OpenSample, doc, send);
    });
    ui.add_space(GRID);
    ui.weak(t!("or drop a file anywhere on this window"));
    if !doc.recent.is_empty() {
        ui.add_space(3.0 * GRID);
        ui.label(RichText::new(t!("Recent")).strong());
        for path in doc.recent.iter().take(6) {
            recent_ui(ui, doc, path, send);
        }
    }
}

fn recent_ui(ui: &mut Ui, doc: &Document, path: &std::path::Path, send: &mut Commands) {
    let name = path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
    let folder = path.parent().map_or_else(String::new, |p| p.display().to_string());
    let is_there = path.exists();
    ui.horizontal(|ui| {
        let response = ui.add_enabled(is_there, Button::new(name).frame(false).min_size(Vec2::new(0.0, 24.0)));
        if response.on_hover_text(path.display().to_string()).on_disabled_hover_text(t!("The file is gone")).clicked() {
            send.push(Command::OpenModel(path.to_path_buf()));
        }
        if is_there {
            if let Some(curve) = doc.recent_curves.iter().find(|curve| curve.path == path) {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    curve_ui(ui, curve);
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        ui.add(egui::Label::new(RichText::new(&folder).weak().small()).truncate());
                    });
                });
                return;
            }
            ui.add(egui::Label::new(RichText::new(folder).weak().small()).truncate());
        } else if ui.small_button(t!("Remove")).clicked() {
            send.push(Command::ForgetRecent(path.to_path_buf()));
        }
    });
}

/// The drift as it was last seen, from 60 dB at the top to 0.
fn curve_ui(ui: &mut Ui, curve: &RecentCurve) {
    let (rect, response) = ui.allocate_exact_size(CURVE, Sense::hover());
    let last = (curve.points_db.len().saturating_sub(1)).max(1) as f32;
    let at = |(place, db): (usize, &f32)| {
        let (x, y) = (place as f32 / last, 1.0 - db / 60.0);
        rect.lerp_inside(Vec2::new(x, y))
    };
    let points: Vec<egui::Pos2> = curve.points_db.iter().enumerate().map(at).collect();
    let tokens = theme::tokens(ui);
    ui.painter().hline(rect.x_range(), rect.bottom(), (1.0, tokens.line));
    ui.painter().line(points, egui::Stroke::new(1.5, tokens.quantized));
    response.on_hover_text(t!("Accumulated SQNR over depth, when it was last open"));
}

/// The one button that stands out.
pub fn primary_button(ui: &mut Ui, action: Action, doc: &Document, send: &mut Commands) {
    let t = theme::tokens(ui);
    let refusal = action.refusal(doc);
    let text = RichText::new(action.title_now(doc)).color(t.on_accent).strong();
    let response = ui.add_enabled(refusal.is_none(), Button::new(text).fill(t.accent));
    if response.on_disabled_hover_text(refusal.unwrap_or_default()).clicked() {
        send.run(action);
    }
}

/// Over everything while a file hovers above the window.
pub fn drop_target_ui(ctx: &egui::Context) {
    if ctx.input(|input| input.raw.hovered_files.is_empty()) {
        return;
    }
    let t = theme::of(ctx.theme());
    let rect = ctx.content_rect();
    let painter = ctx.layer_painter(egui::LayerId::new(egui::Order::Tooltip, egui::Id::unique("drop target")));
    painter.rect_filled(rect, 0, t.panel.gamma_multiply(0.7));
    let inner = rect.shrink(6.0);
    painter.rect_stroke(inner, 8, egui::Stroke::new(3.0, t.accent), egui::StrokeKind::Inside);
    painter.text(
        rect.center(),
        egui::Align2::CENTER_CENTER,
        t!("Drop to open"),
        egui::FontId::proportional(24.0),
        t.text,
    );
}
