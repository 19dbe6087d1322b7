//! The command palette: type a few letters, choose with the arrows, Enter.

use egui::{Align2, Id, Key, Modal, Modifiers, RichText, Role, Sense, TextEdit, Ui, WidgetInfo, vec2};
use quantlens_analysis::t;

use super::dialogs::dialog_frame;
use crate::{
    command::{Command, Commands, Dialog},
    document::Document,
    keys,
    palette::{self, Entry, Target},
    theme::GRID,
};

const WIDTH: f32 = 620.0;
const ROW_HEIGHT: f32 = 26.0;
/// From the window's upper edge, so that results grow downwards under a field that stays.
const TOP: f32 = 72.0;

/// Draws the palette over everything else.
pub fn palette_ui(ctx: &egui::Context, doc: &Document, typed: &str, chosen: usize, send: &mut Commands) {
    let id = Id::unique("palette");
    let area = Modal::default_area(id).anchor(Align2::CENTER_TOP, vec2(0.0, TOP));
    let modal = Modal::new(id).area(area).frame(dialog_frame(ctx)).show(ctx, |ui| {
        ui.set_width(WIDTH.min(ctx.content_rect().width() - 60.0));
        content_ui(ui, doc, typed, chosen, send);
    });
    if modal.should_close() {
        send.push(Command::CloseDialog);
    }
}

fn content_ui(ui: &mut Ui, doc: &Document, typed: &str, chosen: usize, send: &mut Commands) {
    let found = palette::find(doc, typed);
    let chosen = chosen.min(found.len().saturating_sub(1));
    let (step, enter) = ui.input_mut(|input| {
        let down = input.count_and_consume_key(Modifiers::NONE, Key::ArrowDown);
        let up = input.count_and_consume_key(Modifiers::NONE, Key::ArrowUp);
        (down as isize - up as isize, input.consume_key(Modifiers::NONE, Key::Enter))
    });
    let moved = chosen.saturating_add_signed(step).min(found.len().saturating_sub(1));
    let mut text = typed.to_owned();
    let edit = TextEdit::singleline(&mut text)
        .hint_text(t!("A command, a layer or a recent file   ·   > commands   ·   @ layers"))
        .desired_width(f32::INFINITY)
        .margin(vec2(8.0, 6.0));
    let field = ui.add(edit);
    field.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, t!("Command palette")));
    if !field.has_focus() {
        field.request_focus();
    }
    if text != typed {
        send.push(Command::ShowDialog(Dialog::Palette { typed: text, chosen: 0 }));
    } else if moved != chosen {
        send.push(Command::ShowDialog(Dialog::Palette { typed: text, chosen: moved }));
    }
    ui.add_space(GRID);
    if found.is_empty() {
        ui.weak(t!("Nothing is called so"));
        return;
    }
    let height = (ui.ctx().content_rect().height() - TOP - 160.0).clamp(120.0, 420.0);
    let mut clicked = None;
    egui::ScrollArea::vertical().max_height(height).show(ui, |ui| {
        for (place, entry) in found.iter().enumerate() {
            let response = entry_ui(ui, entry, place == moved);
            if place == moved && (moved != chosen || text_changed(ui, typed)) {
                response.scroll_to_me(None);
            }
            if response.clicked() {
                clicked = Some(place);
            }
        }
    });
    let taken = clicked.or_else(|| enter.then_some(moved)).and_then(|place| found.get(place));
    if let Some(entry) = taken {
        send.push(Command::CloseDialog);
        send.push(entry.command());
    }
}

/// Whether the text is another one than when the list was drawn last.
fn text_changed(ui: &Ui, typed: &str) -> bool {
    let id = Id::unique("palette text");
    let before = ui.data(|data| data.get_temp::<String>(id));
    let changed = before.as_deref() != Some(typed);
    if changed {
        ui.data_mut(|data| data.insert_temp(id, typed.to_owned()));
    }
    changed
}

fn entry_ui(ui: &mut Ui, entry: &Entry, is_chosen: bool) -> egui::Response {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW_HEIGHT), Sense::click());
    let visuals = ui.visuals();
    if is_chosen {
        ui.painter().rect_filled(rect, 3.0, visuals.selection.bg_fill);
    } else if response.hovered() {
        ui.painter().rect_filled(rect, 3.0, visuals.widgets.hovered.weak_bg_fill);
    }
    let usable = entry.refusal.is_none();
    let inner = rect.shrink2(vec2(8.0, 0.0));
    let mut row =
        ui.new_child(egui::UiBuilder::new().max_rect(inner).layout(egui::Layout::left_to_right(egui::Align::Center)));
    row.add(egui::Label::new(marked(&row, entry, usable)).selectable(false).truncate());
    row.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
        let text = match (&entry.target, entry.refusal) {
            (_, Some(reason)) => reason.to_owned(),
            (Target::Action(action), None) => keys::text(ui.ctx(), *action),
            (Target::Layer(_) | Target::Recent(_), None) => entry.detail.clone(),
        };
        ui.add(egui::Label::new(RichText::new(text).weak()).selectable(false).truncate());
    });
    response.widget_info(|| {
        let text = match entry.refusal {
            Some(reason) => format!("{}, {reason}", entry.text),
            None => format!("{}, {}", entry.text, entry.detail),
        };
        WidgetInfo::selected(Role::ListBoxOption, usable, is_chosen, text)
    });
    response
}

/// The name with the matched letters standing out.
fn marked(ui: &Ui, entry: &Entry, usable: bool) -> egui::text::LayoutJob {
    let visuals = ui.visuals();
    let plain = if usable { visuals.text_color() } else { visuals.weak_text_color() };
    let font = egui::TextStyle::Body.resolve(ui.style());
    let mut job = egui::text::LayoutJob::default();
    for (place, letter) in entry.text.chars().enumerate() {
        let is_marked = u32::try_from(place).is_ok_and(|place| entry.marks.binary_search(&place).is_ok());
        let mut format = egui::TextFormat::simple(font.clone(), plain);
        if is_marked && usable {
            format.color = visuals.strong_text_color();
            format.underline = egui::Stroke::new(1.0, visuals.strong_text_color());
        }
        job.append(&letter.to_string(), 0.0, format);
    }
    job
}
