//! The pinned configurations: which one the numbers are compared with, what each of them reaches, and what to do with it.

use egui::{Align, Button, Key, Label, Layout, RichText, ScrollArea, TextEdit, Ui, WidgetInfo, vec2};
use quantlens_analysis::{report::Report, t};

use crate::{
    command::{Command, Commands, Dialog, PinCommand},
    document::{Document, Pin},
    format, theme,
};

/// Draws the list and the field for a new pin, whose name so far is `typed`.
pub fn pins_ui(ui: &mut Ui, doc: &Document, typed: &str, send: &mut Commands) {
    if doc.pins.list.is_empty() {
        ui.label(t!(
            "Nothing is pinned. A pinned configuration is kept under its name, and every number can be compared with it."
        ));
    } else {
        none_ui(ui, doc, send);
        ScrollArea::vertical().max_height(320.0).show(ui, |ui| {
            for pin in &doc.pins.list {
                pin_ui(ui, doc, pin, send);
            }
        });
    }
    ui.add_space(2.0 * theme::GRID);
    ui.separator();
    new_ui(ui, doc, typed, send);
}

fn none_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    let is_none = doc.pins.baseline.is_none();
    if ui.radio(is_none, t!("Compare with nothing")).clicked() && !is_none {
        send.push(Command::Pin(PinCommand::Compare(None)));
    }
}

fn pin_ui(ui: &mut Ui, doc: &Document, pin: &Pin, send: &mut Commands) {
    let is_baseline = doc.pins.baseline == Some(pin.id);
    ui.push_id(pin.id.0, |ui| {
        ui.horizontal(|ui| {
            let radio = ui.radio(is_baseline, "");
            let name = t!("Compare with {}", pin.name);
            radio.widget_info(|| WidgetInfo::selected(egui::Role::RadioButton, true, is_baseline, &name));
            if radio.on_hover_text(name).clicked() && !is_baseline {
                send.push(Command::Pin(PinCommand::Compare(Some(pin.id))));
            }
            name_ui(ui, pin, send);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                buttons_ui(ui, doc, pin, send);
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    let text = RichText::new(numbers(pin.report.as_deref())).color(theme::tokens(ui).weak);
                    ui.add(Label::new(text).truncate());
                });
            });
        });
    });
}

/// The name, which can be typed over.
fn name_ui(ui: &mut Ui, pin: &Pin, send: &mut Commands) {
    let id = ui.scope_id().with("name");
    let mut name = ui.data_mut(|data| data.get_temp::<String>(id)).unwrap_or_else(|| pin.name.clone());
    let field = ui.add(TextEdit::singleline(&mut name).desired_width(150.0));
    let label = t!("Name of {}", pin.name);
    field.widget_info(|| WidgetInfo::labeled(egui::Role::TextInput, true, &label));
    if field.changed() {
        ui.data_mut(|data| data.insert_temp(id, name.clone()));
    }
    if field.lost_focus() {
        ui.data_mut(|data| data.remove::<String>(id));
        if name != pin.name && !ui.input(|input| input.key_pressed(Key::Escape)) {
            send.push(Command::Pin(PinCommand::Rename(pin.id, name)));
        }
    }
}

fn buttons_ui(ui: &mut Ui, doc: &Document, pin: &Pin, send: &mut Commands) {
    let button = |ui: &mut Ui, is_on: bool, text: &str, hover: &str| {
        let response = ui.add_enabled(is_on, Button::new(text));
        let spoken = format!("{text}: {}", pin.name);
        response.widget_info(|| WidgetInfo::labeled(egui::Role::Button, is_on, &spoken));
        response.on_hover_text(hover).clicked()
    };
    if button(ui, true, t!("Remove"), t!("Forget this pin")) {
        send.push(Command::Pin(PinCommand::Remove(pin.id)));
    }
    let layers = doc.selected_names();
    let count = format::plural(layers.len(), "selected layer");
    let hover = if layers.is_empty() {
        t!("Select layers first").to_owned()
    } else {
        t!("Give the {} what this pin has for them; can be undone", count)
    };
    if button(ui, !layers.is_empty(), t!("Copy to selection"), &hover) {
        send.push(Command::Pin(PinCommand::Copy { pin: pin.id, layers }));
    }
    let is_other = pin.config != doc.config;
    let hover =
        if is_other { t!("Make it the configuration; can be undone") } else { t!("This is the configuration in use") };
    if button(ui, is_other, t!("Go back"), hover) {
        send.push(Command::Pin(PinCommand::GoBack(pin.id)));
    }
}

/// "98.7 % · 30.1 dB · 21.0 KiB"; without a report why there is none.
fn numbers(report: Option<&Report>) -> String {
    let Some(report) = report else { return t!("not evaluated on these samples").to_owned() };
    let score = &report.score;
    let mut parts = Vec::new();
    parts.extend(score.accuracy.or(score.agreement).map(format::share_percent));
    parts.push(format::db_unit(score.output_sqnr_db));
    parts.push(format::bytes(report.cost.quantized_bytes));
    if report.samples < report.samples_total {
        parts.push(t!("{}/{} samples", report.samples, report.samples_total));
    }
    parts.join(" · ")
}

fn new_ui(ui: &mut Ui, doc: &Document, typed: &str, send: &mut Commands) {
    let known = doc.pins.list.iter().find(|pin| pin.config == doc.config);
    if let Some(known) = known {
        let text = t!("The configuration in use is pinned as {}.", known.name);
        ui.label(RichText::new(text).color(theme::tokens(ui).weak));
        return;
    }
    ui.spacing_mut().item_spacing = vec2(8.0, 4.0);
    ui.horizontal(|ui| {
        let label = ui.label(t!("Pin the configuration in use as"));
        let mut name = typed.to_owned();
        let field = ui.add(TextEdit::singleline(&mut name).desired_width(160.0)).labelled_by(label.id);
        let is_entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        if name != typed {
            send.push(Command::ShowDialog(Dialog::Pins(name.clone())));
        }
        let can = !name.trim().is_empty();
        if ui.add_enabled(can, Button::new(t!("Pin"))).clicked() || is_entered && can {
            send.push(Command::Pin(PinCommand::Add(name)));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_says_what_it_reaches_or_that_nobody_knows() {
        let report = crate::views::fixtures::report();
        assert_eq!(numbers(Some(&report)), "32.2 % · −0.2 dB · 15.9 KiB");
        assert_eq!(numbers(None), "not evaluated on these samples");
    }
}
