//! The bottom line: what runs, what is hidden, what to watch out for, what is used.

use egui::{Align, Layout, ProgressBar, Ui};

use quantlens_analysis::{report::Memory, t};

use super::toolbar::progress_text;
use crate::{
    action::Action,
    command::{Command, Commands, Dialog},
    document::{Document, Level, Page},
    format, theme,
};

/// Draws the line.
pub fn status_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    ui.horizontal(|ui| {
        job_ui(ui, doc, send);
        if doc.model.is_some() {
            dot(ui);
            shown_ui(ui, doc, send);
            warnings_ui(ui, doc, send);
            recipe_ui(ui, doc, send);
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| right_ui(ui, doc));
    });
}

fn dot(ui: &mut Ui) {
    ui.weak("·");
}

fn job_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    let Some(job) = &doc.job else {
        if doc.cancelled {
            return cancelled_ui(ui, doc, send);
        }
        let text = match (&doc.model, doc.live, doc.edits_waiting) {
            (None, ..) => t!("no model").to_owned(),
            (Some(_), false, 0) => t!("paused").to_owned(),
            (Some(_), false, n) => t!("paused, {} waiting", format::plural(n, "edit")),
            (Some(_), true, _) => t!("ready").to_owned(),
        };
        ui.label(text);
        return;
    };
    if let Some(total) = job.total.filter(|total| *total > 0) {
        let bar = ProgressBar::new(job.done as f32 / total as f32).desired_width(80.0).desired_height(8.0);
        let response = ui.add(bar);
        let text = format!("{} {}", job.stage, progress_text(job));
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::ProgressIndicator, true, &text));
    }
    if !job.cancellable {
        ui.label(t!("stopping: {}", job.stage));
        return;
    }
    let progress = progress_text(job);
    ui.label(if progress.is_empty() { job.stage.to_string() } else { format!("{} · {progress}", job.stage) });
}

/// What an evaluation that was stopped has left, and the way to go on.
fn cancelled_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    ui.label(cancelled_text(doc));
    let hover = t!("Evaluate on; what has been computed is not computed again");
    if ui.small_button(t!("Resume")).on_hover_text(hover).clicked() {
        send.run(Action::EvaluateAgain);
    }
}

/// "cancelled: 8 of 32 samples".
fn cancelled_text(doc: &Document) -> String {
    match &doc.report.value {
        Some(report) if report.config == doc.config && report.samples < report.samples_total => {
            let all = format::plural(report.samples_total, "sample");
            t!("cancelled: {} of {}", format::count(report.samples as u64), all)
        }
        Some(report) if report.config != doc.config => t!("cancelled: numbers of before the edit").to_owned(),
        _ => t!("cancelled").to_owned(),
    }
}

/// "12 of 53 shown"; a button where something is hidden.
fn shown_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    let (shown, all) = (doc.visible.len(), doc.layers().len());
    let text = t!("{} of {} shown", format::count(shown as u64), format::count(all as u64));
    if shown == all {
        ui.label(text).on_hover_text(t!("Layers that the filter shows, of all that the model has"));
    } else {
        let response = ui.link(text).on_hover_text(t!("A filter hides layers; click to show all"));
        if response.clicked() {
            send.push(Command::SetFilter(String::new()));
        }
    }
}

fn warnings_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    let report = doc.report.value.as_ref().map_or(0, |report| report.warnings.len());
    let data = doc.data.as_ref().map_or(0, |data| data.warnings.len());
    let notices = doc.notices.iter().filter(|notice| notice.level != Level::Info).count();
    let all = report + data + notices;
    if all == 0 {
        return;
    }
    dot(ui);
    let text = egui::RichText::new(format!("⚠ {}", format::plural(all, "warning"))).color(theme::tokens(ui).warning);
    if ui.link(text).on_hover_text(t!("Show all warnings")).clicked() {
        send.push(Command::ShowDialog(Dialog::Notices));
    }
}

/// The preprocessing is always named, and whether anybody has confirmed it.
fn recipe_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    dot(ui);
    let text = recipe_text(doc);
    if ui.link(text).on_hover_text(t!("Check the data and their preprocessing")).clicked() {
        send.push(Command::ShowPage(Page::Data));
    }
}

/// "imagenet (guessed)", "16 synthetic samples", "no samples".
fn recipe_text(doc: &Document) -> String {
    let Some(data) = &doc.data else { return t!("no samples").into() };
    let samples = format::plural(data.samples, "sample");
    if data.synthetic {
        return t!("{}, synthetic", samples);
    }
    match &data.recipe {
        None => t!("{}, as they are", samples),
        Some(used) if doc.recipe_confirmed || !used.guessed => t!("{}, {}", samples, used.recipe.name),
        Some(used) => t!("{}, {} (guessed)", samples, used.recipe.name),
    }
}

fn right_ui(ui: &mut Ui, doc: &Document) {
    let version = if doc.runtime.version.is_empty() {
        t!("ONNX Runtime not loaded").to_owned()
    } else {
        format!("ONNX Runtime {}", doc.runtime.version)
    };
    ui.label(version).on_hover_text(doc.runtime.how.as_str());
    // In a narrow window what the user can act on stays, what only informs goes.
    let Some(memory) = doc.memory().filter(|memory| memory.budget_bytes > 0 && ui.available_width() > 190.0) else {
        return;
    };
    dot(ui);
    let text = t!("memory {} of {}", format::bytes(memory.used_bytes), format::bytes(memory.budget_bytes));
    let hover = memory_hover(memory);
    ui.label(&text).on_hover_text(&hover);
    let share = memory.used_bytes as f64 / memory.budget_bytes as f64;
    #[expect(clippy::cast_possible_truncation, reason = "a share for a bar")]
    let gauge = ui.add(ProgressBar::new(share as f32).desired_width(48.0).desired_height(8.0).corner_radius(2.0));
    gauge.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Meter, true, &text));
    gauge.on_hover_text(hover);
}

fn memory_hover(memory: Memory) -> String {
    t!(
        "Tensors kept so that an edit runs only what it changes: {} now, at most {} so far.\nThe limit is set in Settings \
         or with --memory; below what all samples need, those beyond it are run anew each time, with the same numbers",
        format::bytes(memory.used_bytes),
        format::bytes(memory.peak_bytes)
    )
}
