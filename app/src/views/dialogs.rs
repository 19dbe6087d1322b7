//! The small windows over the main one: each a heading, its content, and its buttons at the lower right.

use egui::{Id, Key, Modal, RichText, Ui};
use quantlens_analysis::t;

use super::{ViewStates, figure_dialog, history_list, notices, palette, pins, settings, shortcuts};
use crate::{
    command::{CloseAnswer, Command, Commands, Dialog},
    document::Document,
    theme::GRID,
};

/// Draws the dialog that is open, if one is.
pub fn dialog_ui(ctx: &egui::Context, doc: &Document, views: &mut ViewStates, send: &mut Commands) {
    let Some(dialog) = &doc.dialog else { return };
    if let Dialog::Palette { typed, chosen } = dialog {
        return palette::palette_ui(ctx, doc, typed, *chosen, send);
    }
    if let Dialog::Figure(dialog) = dialog {
        return figure_dialog::figure_dialog_ui(ctx, doc, dialog, views, send);
    }
    let modal = Modal::new(Id::unique("dialog")).frame(dialog_frame(ctx)).show(ctx, |ui| {
        ui.set_width(width(dialog).min(ctx.content_rect().width() - 60.0));
        ui.heading(title(dialog));
        ui.add_space(2.0 * GRID);
        content_ui(ui, dialog, doc, send);
    });
    if modal.should_close() {
        send.push(Command::CloseDialog);
    }
}

/// The frame of every small window.
pub(super) fn dialog_frame(ctx: &egui::Context) -> egui::Frame {
    egui::Frame::popup(&ctx.style_of(ctx.theme())).inner_margin(egui::Margin::same(16))
}

fn title(dialog: &Dialog) -> &'static str {
    match dialog {
        Dialog::Path(_) => t!("Open path"),
        Dialog::Shortcuts => t!("Keyboard shortcuts"),
        Dialog::History => t!("History of edits"),
        Dialog::Palette { .. } => t!("Command palette"),
        Dialog::Pins(_) => t!("Pinned configurations"),
        Dialog::Figure(_) => t!("Export figure"),
        Dialog::Settings => t!("Settings"),
        Dialog::Notices => t!("Warnings and messages"),
        Dialog::About => t!("About Quantlens"),
        Dialog::Details { .. } => t!("Details"),
        Dialog::ConfirmClose => t!("Save the configuration?"),
        Dialog::Restore => t!("Restore the last edits?"),
    }
}

fn width(dialog: &Dialog) -> f32 {
    match dialog {
        Dialog::Shortcuts | Dialog::Pins(_) => 720.0,
        Dialog::Notices | Dialog::Path(_) | Dialog::Details { .. } => 560.0,
        _ => 420.0,
    }
}

fn content_ui(ui: &mut Ui, dialog: &Dialog, doc: &Document, send: &mut Commands) {
    match dialog {
        Dialog::Path(text) => return path_ui(ui, text, send),
        Dialog::Shortcuts => shortcuts::shortcuts_ui(ui),
        Dialog::History => history_list::history_ui(ui, doc, send),
        // Drawn in frames of their own.
        Dialog::Palette { .. } | Dialog::Figure(_) => {}
        Dialog::Pins(typed) => pins::pins_ui(ui, doc, typed, send),
        Dialog::Settings => settings::settings_ui(ui, doc, send),
        Dialog::Notices => notices::list_ui(ui, doc),
        Dialog::About => about_ui(ui, doc),
        Dialog::Details { what, details } => details_ui(ui, what, details, send),
        Dialog::ConfirmClose => return close_ui(ui, doc, send),
        Dialog::Restore => return restore_ui(ui, doc, send),
    }
    buttons(ui, |ui| {
        if ui.button(t!("Close")).clicked() {
            send.push(Command::CloseDialog);
        }
    });
}

/// Buttons at the lower right, the last one written first.
pub(super) fn buttons(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    ui.add_space(3.0 * GRID);
    ui.separator();
    ui.with_layout(egui::Layout::right_to_left(egui::Align::Min), add);
}

fn path_ui(ui: &mut Ui, text: &str, send: &mut Commands) {
    let mut typed = text.to_owned();
    let label = ui.label(t!("A model, a folder of images, an .npz or .npy file, or a configuration"));
    let edit = egui::TextEdit::singleline(&mut typed).desired_width(f32::INFINITY).hint_text("/path/to/model.onnx");
    let field = ui.add(edit).labelled_by(label.id);
    let entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
    if text.is_empty() && !field.has_focus() && !entered {
        field.request_focus();
    }
    if typed != text {
        send.push(Command::ShowDialog(Dialog::Path(typed.clone())));
    }
    // Pasted from a shell or a file manager, a path comes with quotes or spaces around it.
    let path = std::path::PathBuf::from(typed.trim().trim_matches(['"', '\'']));
    let is_there = path.exists();
    if !typed.trim().is_empty() && !is_there {
        ui.weak(t!("There is no such file or folder"));
    }
    buttons(ui, |ui| {
        let open = ui.add_enabled(is_there, egui::Button::new(t!("Open")));
        if ui.button(t!("Cancel")).clicked() {
            send.push(Command::CloseDialog);
        }
        if is_there && (open.clicked() || entered) {
            send.push(Command::CloseDialog);
            send.push(Command::OpenAny(path));
        }
    });
}

fn details_ui(ui: &mut Ui, what: &str, details: &str, send: &mut Commands) {
    ui.add(egui::Label::new(RichText::new(what).strong()).wrap());
    egui::ScrollArea::vertical().max_height(300.0).show(ui, |ui| {
        ui.add(egui::Label::new(RichText::new(details).monospace()).wrap());
    });
    if ui.button(t!("Copy")).clicked() {
        send.push(Command::Copy(format!("{what}\n{details}")));
    }
}

fn about_ui(ui: &mut Ui, doc: &Document) {
    ui.label(format!("Quantlens {}", env!("CARGO_PKG_VERSION")));
    ui.label(t!("Shows where and why quantizing an ONNX network hurts, and lets you mend it on the spot."));
    ui.add_space(GRID);
    if doc.runtime.version.is_empty() {
        ui.weak(t!("ONNX Runtime is loaded when the first model is opened"));
    } else {
        ui.label(format!("ONNX Runtime {}, {}", doc.runtime.version, doc.runtime.how));
    }
    ui.weak(t!("MIT or Apache-2.0. The embedded DejaVu Sans has the Bitstream Vera licence."));
}

fn close_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    ui.label(t!("The configuration of {} has edits that are not saved.", doc.title));
    buttons(ui, |ui| {
        for (text, answer) in
            [(t!("Save"), CloseAnswer::Save), (t!("Discard"), CloseAnswer::Discard), (t!("Cancel"), CloseAnswer::Stay)]
        {
            if ui.button(text).clicked() {
                send.push(Command::CloseAnswer(answer));
            }
        }
    });
}

fn restore_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    let model = doc.unsaved.as_ref().map_or_else(String::new, |unsaved| unsaved.model.display().to_string());
    ui.label(t!("Quantlens ended unexpectedly with unsaved edits of"));
    ui.add(egui::Label::new(RichText::new(model).monospace()).wrap());
    buttons(ui, |ui| {
        if ui.button(t!("Restore")).clicked() {
            send.push(Command::RestoreUnsaved(true));
        }
        if ui.button(t!("Discard")).clicked() {
            send.push(Command::RestoreUnsaved(false));
        }
    });
}
