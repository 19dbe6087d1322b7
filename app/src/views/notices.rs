//! Messages: short ones in the corner, all of them in a list. A message that matters stays until it is dismissed.

use egui::{Align2, Area, Button, Id, Order, RichText, Ui, Vec2};
use quantlens_analysis::t;

use crate::{
    command::{Command, Commands, Dialog},
    document::{Document, Level, Notice},
    theme::{self, Tokens},
};

/// An unimportant message goes away after this many seconds.
const INFO_S: f64 = 6.0;
/// Messages in the corner at once; the newest win.
const CORNER: usize = 3;

/// Draws the corner's messages over everything.
pub fn corner_ui(ctx: &egui::Context, doc: &Document, send: &mut Commands) {
    let shown: Vec<&Notice> = doc.notices.iter().rev().filter(|n| is_shown(n, doc.now)).take(CORNER).collect();
    if shown.is_empty() {
        return;
    }
    Area::new(Id::unique("notices"))
        .order(Order::Foreground)
        .anchor(Align2::RIGHT_BOTTOM, Vec2::new(-12.0, -36.0))
        .show(ctx, |ui| {
            ui.set_max_width(360.0);
            for notice in shown.iter().rev() {
                toast_ui(ui, notice, send);
            }
        });
}

/// Seconds until a message goes away by itself; `None` where none will.
pub fn next_change(doc: &Document) -> Option<f64> {
    let infos = doc.notices.iter().filter(|n| n.level == Level::Info && is_shown(n, doc.now));
    infos.map(|n| n.since + INFO_S - doc.now).min_by(f64::total_cmp)
}

fn is_shown(notice: &Notice, now: f64) -> bool {
    !notice.dismissed && (notice.level != Level::Info || now - notice.since < INFO_S)
}

fn toast_ui(ui: &mut Ui, notice: &Notice, send: &mut Commands) {
    let t = theme::tokens(ui);
    let (_, colour, back) = look(notice.level, t);
    let frame = egui::Frame::popup(ui.style()).fill(back).stroke((1.0, colour));
    frame.show(ui, |ui| {
        ui.set_width(336.0);
        ui.horizontal_top(|ui| {
            text_ui(ui, notice, 270.0);
            ui.with_layout(egui::Layout::right_to_left(egui::Align::TOP), |ui| {
                let close = ui.add(Button::new("✕").frame(false)).on_hover_text(t!("Dismiss"));
                close.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, t!("Dismiss")));
                if close.clicked() {
                    send.push(Command::DismissNotice(notice.id));
                }
            });
        });
        if !notice.details.is_empty() && ui.small_button(t!("Details")).clicked() {
            let (what, details) = (notice.text.clone(), notice.details.clone());
            send.push(Command::ShowDialog(Dialog::Details { what, details }));
        }
    });
}

fn text_ui(ui: &mut Ui, notice: &Notice, width: f32) {
    let (mark, colour, _) = look(notice.level, theme::tokens(ui));
    ui.label(RichText::new(mark).color(colour));
    ui.allocate_ui(Vec2::new(width, 0.0), |ui| ui.add(egui::Label::new(notice.text.as_str()).wrap()));
}

/// Mark, its colour, and the background: never the colour alone.
fn look(level: Level, t: &Tokens) -> (&'static str, egui::Color32, egui::Color32) {
    match level {
        Level::Info => ("●", t.accent, t.faint),
        Level::Warning => ("⚠", t.warning, t.warning_back),
        Level::Failure => ("✗", t.failure, t.failure_back),
    }
}

/// The list: warnings of the report and of the data first, they are about the numbers on screen; then messages, newest
/// first.
pub fn list_ui(ui: &mut Ui, doc: &Document) {
    let report = doc.report.value.as_ref().map_or(&[][..], |report| &report.warnings);
    let data = doc.data.as_ref().map_or(&[][..], |data| &data.warnings);
    if report.is_empty() && data.is_empty() && doc.notices.is_empty() {
        ui.weak(t!("Nothing to report"));
        return;
    }
    let warning = theme::tokens(ui).warning;
    egui::ScrollArea::vertical().max_height(360.0).auto_shrink([false, true]).show(ui, |ui| {
        for (title, warnings) in [(t!("These numbers"), report), (t!("The samples"), data)] {
            if !warnings.is_empty() {
                ui.label(RichText::new(title).strong());
            }
            for item in warnings {
                ui.horizontal_top(|ui| {
                    ui.label(RichText::new("⚠").color(warning));
                    ui.add(egui::Label::new(item.message.as_str()).wrap()).on_hover_text(&item.code);
                });
            }
        }
        if !doc.notices.is_empty() {
            ui.label(RichText::new(t!("Messages")).strong());
        }
        for notice in doc.notices.iter().rev() {
            let width = ui.available_width() - 40.0;
            ui.horizontal_top(|ui| text_ui(ui, notice, width));
            if !notice.details.is_empty() {
                ui.indent(notice.id, |ui| ui.weak(notice.details.as_str()));
            }
        }
    });
}
