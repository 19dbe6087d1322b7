//! All edits that can be undone and redone, newest first; a click goes there.

use egui::{RichText, Ui};
use quantlens_analysis::t;

use crate::{
    command::{Command, Commands},
    document::Document,
};

/// Draws the list.
pub fn history_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    let (undone, done) = (doc.history.redo_labels(), doc.history.undo_labels());
    if undone.is_empty() && done.is_empty() {
        ui.weak(t!("No edit yet. Every change of a width, a range or a target will stand here."));
        return;
    }
    let height = (ui.ctx().content_rect().height() - 260.0).clamp(160.0, 480.0);
    egui::ScrollArea::vertical().max_height(height).auto_shrink([false, true]).show(ui, |ui| {
        // The last to be redone stands on top.
        for (place, label) in undone.iter().enumerate() {
            let steps = undone.len() - place;
            line_ui(ui, RichText::new(*label).weak(), t!("not done"), steps.cast_signed(), send);
        }
        for (place, label) in done.iter().enumerate() {
            if place == 0 {
                let _ = ui.selectable_label(true, *label).on_hover_text(t!("The configuration of now"));
            } else {
                line_ui(ui, RichText::new(*label), t!("back to here"), -place.cast_signed(), send);
            }
        }
        let first = -done.len().cast_signed();
        if first == 0 {
            let _ = ui.selectable_label(true, t!("As it was opened")).on_hover_text(t!("The configuration of now"));
        } else {
            line_ui(ui, RichText::new(t!("As it was opened")), t!("back to here"), first, send);
        }
    });
}

fn line_ui(ui: &mut Ui, text: RichText, hint: &str, steps: isize, send: &mut Commands) {
    if ui.selectable_label(false, text).on_hover_text(hint).clicked() {
        send.push(Command::GoToStep(steps));
    }
}
