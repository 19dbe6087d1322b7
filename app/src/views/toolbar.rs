//! The row under the menus: what holds for the whole model and which part the width keys set; and, beside the menus, the
//! running job, Live and Export. It is one line at every width: what has no room stands in a menu at its end.

mod defaults;
mod fold;

use egui::{Button, ComboBox, Ui};
use quantlens_analysis::{t, target::Target};

use self::defaults::Defaults;
use super::menu::action_button;
use crate::{
    action::Action,
    command::{Command, Commands},
    document::{Document, Drawer, JobStatus, PanelId},
    format,
};

/// Draws the row.
pub fn toolbar_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    let defaults = Defaults::of(doc);
    let mut fixed: Vec<fold::Part<'_>> = drawers(doc).map(|(.., title)| fold::Part::Button(title)).collect();
    let hardware = hardware_name(doc);
    fixed.extend([fold::Part::Label(t!("Target")), fold::Part::Choice(&hardware)]);
    let folded = fold::folded(ui, &fixed, &defaults);
    ui.horizontal(|ui| {
        drawers_ui(ui, doc, send);
        hardware_ui(ui, doc, &hardware, send);
        defaults.row_ui(ui, doc, &folded, send);
    });
}

/// Export, Live, and Cancel while a job runs, right to left: always in the same corner.
pub fn right_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    if doc.model.is_some() {
        action_button(ui, Action::Export, doc, send);
        live_ui(ui, doc, send);
    }
    if let Some(job) = &doc.job {
        cancel_ui(ui, job, send);
    }
}

/// The one switch of evaluation: edits take effect at once, or collect until it is pressed.
fn live_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    let title = if doc.live || doc.edits_waiting > 0 { Action::ToggleLive.title_now(doc) } else { t!("Paused").into() };
    let button = Button::selectable(doc.live, title);
    let hint = format!("{} (F5)", Action::ToggleLive.hint());
    if ui.add(button).on_hover_text(hint).clicked() {
        send.run(Action::ToggleLive);
    }
}

fn cancel_ui(ui: &mut Ui, job: &JobStatus, send: &mut Commands) {
    let text = if job.cancellable { t!("■ Cancel  {}", progress_text(job)) } else { t!("Stopping…").into() };
    let response = ui.add_enabled(job.cancellable, Button::new(text));
    if response.on_hover_text(t!("Stop {} (Esc)", job.stage)).clicked() {
        send.push(Command::Cancel);
    }
}

/// "37/64 samples · 12 s left", as far as it is known.
pub fn progress_text(job: &JobStatus) -> String {
    let mut parts = Vec::new();
    if let Some(total) = job.total {
        parts.push(format!("{}/{} {}", format::count(job.done as u64), format::count(total as u64), job.unit));
    }
    if let Some(left) = job.seconds_left {
        parts.push(t!("{} left", format::duration(left)));
    }
    parts.join(" · ")
}

/// In a narrow window: the panels that are drawers.
fn drawers(doc: &Document) -> impl Iterator<Item = (PanelId, Drawer, &'static str)> {
    let narrow = doc.pages.narrow;
    let panels =
        [(PanelId::List, Drawer::List, t!("Layers")), (PanelId::Inspector, Drawer::Inspector, t!("Inspector"))];
    panels.into_iter().filter(move |(panel, ..)| narrow.is_drawer(*panel))
}

fn drawers_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    for (panel, drawer, title) in drawers(doc) {
        if ui.add(Button::selectable(doc.pages.drawer == Some(drawer), title)).clicked() {
            send.push(Command::TogglePanel(panel));
        }
    }
}

/// The hardware to quantize for: the built-in targets, or a file of one's own.
fn hardware_ui(ui: &mut Ui, doc: &Document, title: &str, send: &mut Commands) {
    let now = doc.config.target.as_str();
    crate::widgets::name_label(ui, t!("Target")).on_hover_text(t!("The hardware or runtime to quantize for"));
    let combo = ComboBox::from_id_salt("target").selected_text(title).show_ui(ui, |ui| {
        for target in Target::builtins() {
            let chosen = ui.selectable_label(target.name == now, &target.title);
            if chosen.on_hover_text(&target.description).clicked() && target.name != now {
                send.push(Command::SetTarget(target.name.clone()));
            }
        }
        if Target::builtin(now).is_none() {
            ui.selectable_label(true, title).on_hover_text(now);
        }
        ui.separator();
        if ui.selectable_label(false, t!("Target file…")).on_hover_text(t!("A TOML file of your own")).clicked() {
            send.run(Action::OpenTarget);
        }
    });
    let text = t!("Target: {}", title);
    let is_enabled = ui.is_enabled();
    combo.response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::ComboBox, is_enabled, &text));
}

fn hardware_name(doc: &Document) -> String {
    doc.target_info().map_or_else(|| file_name(&doc.config.target), |target| target.title.clone())
}

fn file_name(path: &str) -> String {
    std::path::Path::new(path).file_name().map_or_else(|| path.to_owned(), |name| name.to_string_lossy().into_owned())
}
