//! What the user prefers: theme, samples, memory.

use egui::{Button, DragValue, Grid, Ui};
use quantlens_analysis::{t, text::Language};

use crate::{
    command::{Command, Commands},
    document::{Document, Settings, ThemeChoice},
    format,
};

/// Draws the settings; every change takes effect at once.
pub fn settings_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    let mut new = doc.settings.clone();
    Grid::new("settings").num_columns(2).spacing([16.0, 8.0]).show(ui, |ui| {
        language_ui(ui, &mut new);
        theme_ui(ui, &mut new);
        let hint = t!("Fewer samples are faster and less exact");
        limit_ui(ui, t!("Use at most"), t!("samples"), hint, &mut new.samples, 32);
        let mut memory = new.memory_budget_mib.and_then(|mib| usize::try_from(mib).ok());
        let hint = t!("For cached tensors; less costs time, never a digit. A quarter of the machine's by default");
        // What holds now is the first offer.
        let now = doc.memory().and_then(|memory| usize::try_from(memory.budget_bytes >> 20).ok());
        limit_ui(ui, t!("Memory limit"), "MiB", hint, &mut memory, now.filter(|mib| *mib > 0).unwrap_or(2048));
        new.memory_budget_mib = memory.map(|mib| mib as u64);
        if let Some(given) = doc.memory_given {
            ui.label("");
            ui.weak(t!("--memory gave {} for this run; a change here replaces it", format::bytes(given)));
            ui.end_row();
        }
    });
    if new != doc.settings {
        send.push(Command::SetSettings(new));
    }
}

fn language_ui(ui: &mut Ui, new: &mut Settings) {
    ui.label(t!("Language"));
    ui.horizontal(|ui| {
        for language in Language::ALL {
            if ui.add(Button::selectable(new.language == language, language.title())).clicked() {
                new.language = language;
            }
        }
    });
    ui.end_row();
}

fn theme_ui(ui: &mut Ui, new: &mut Settings) {
    ui.label(t!("Theme"));
    ui.horizontal(|ui| {
        let choices =
            [(ThemeChoice::System, t!("System")), (ThemeChoice::Dark, t!("Dark")), (ThemeChoice::Light, t!("Light"))];
        for (choice, text) in choices {
            if ui.add(Button::selectable(new.theme == choice, text)).clicked() {
                new.theme = choice;
            }
        }
    });
    ui.end_row();
}

/// A limit that may be off.
fn limit_ui(ui: &mut Ui, label: &str, unit: &str, hint: &str, limit: &mut Option<usize>, first: usize) {
    let mut is_on = limit.is_some();
    let mut value = limit.unwrap_or(first);
    ui.checkbox(&mut is_on, label).on_hover_text(hint);
    ui.horizontal(|ui| {
        let drag = DragValue::new(&mut value).range(1..=1_000_000).update_while_editing(false);
        let response = ui.add_enabled(is_on, drag);
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::SpinButton, is_on, format!("{label}, {unit}")));
        ui.label(unit);
    });
    ui.end_row();
    *limit = is_on.then_some(value);
}
