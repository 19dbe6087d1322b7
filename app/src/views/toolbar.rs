//! The row under the menus: what holds for the whole model and which part the width keys set; and, beside the menus, the
//! running job, Live and Export.

use egui::{
    Button, ComboBox, PopupCloseBehavior, Ui,
    containers::menu::{MenuButton, MenuConfig},
};
use quantlens_analysis::{
    calibrate::Method,
    config::LayerSettings,
    plan::GridRule,
    quant::{Bits, Codes, Scheme, Sign},
    t,
    target::Target,
};

use super::{inspector, menu::action_button};
use crate::{
    action::Action,
    command::{Command, Commands, Part},
    document::{Document, Drawer, JobStatus, PanelId},
    format,
    widgets::section,
};

/// Draws the row; it wraps in a narrow window.
pub fn toolbar_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    ui.horizontal_wrapped(|ui| {
        drawers_ui(ui, doc, send);
        hardware_ui(ui, doc, send);
        defaults_ui(ui, doc, send);
        target_ui(ui, doc, send);
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

/// In a narrow window: buttons that open the panels as drawers.
fn drawers_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    let narrow = doc.pages.narrow;
    let panels = [
        (PanelId::List, narrow.list, Drawer::List, t!("Layers")),
        (PanelId::Inspector, narrow.inspector, Drawer::Inspector, t!("Inspector")),
    ];
    for (panel, _, drawer, title) in panels.into_iter().filter(|(_, is_drawer, ..)| *is_drawer) {
        if ui.add(Button::selectable(doc.pages.drawer == Some(drawer), title)).clicked() {
            send.push(Command::TogglePanel(panel));
        }
    }
}

/// The defaults of all layers: what the configuration says, else what the target holds.
fn defaults_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    let now = &doc.config.defaults;
    let target = doc.target_info();
    let target = target.as_deref();
    let mut held = target.map(|target| target.defaults.clone()).unwrap_or_default();
    held.overlay(now);
    let methods = Method::all().filter(|m| *m != Method::Manual).collect();
    let shown = held.method.map(|method| format::method(method).to_owned());
    let chosen = choice(ui, t!("Ranges"), shown, format::method, methods, held.method);
    set(send, now, chosen, |s, v| s.method = Some(v));
    let all = target.map(|target| target.granularities.clone()).unwrap_or_default();
    let chosen = choice(
        ui,
        t!("Weights"),
        held.granularity.map(format::granularity),
        format::granularity,
        all,
        held.granularity,
    );
    set(send, now, chosen, |s, v| s.granularity = Some(v));
    let widths: Vec<Bits> = Bits::ALL.into_iter().rev().collect();
    let bits = held.weight_bits;
    let chosen = choice(ui, "W", bits.map(format::bits), format::bits_words, widths.clone(), bits);
    set(send, now, chosen, |s, v| s.weight_bits = Some(v));
    let bits = held.activation_bits;
    let chosen = choice(ui, "A", bits.map(format::bits), format::bits_words, widths, bits);
    set(send, now, chosen, |s, v| s.activation_bits = Some(v));
    codes_ui(ui, now, &held, send);
}

fn set<T>(send: &mut Commands, now: &LayerSettings, chosen: Option<T>, put: impl FnOnce(&mut LayerSettings, T)) {
    if let Some(value) = chosen {
        let mut defaults = now.clone();
        put(&mut defaults, value);
        send.push(Command::SetDefaults(defaults));
    }
}

/// The codes of all outputs and weights, in a menu: they are seldom changed, and the row is short.
fn codes_ui(ui: &mut Ui, now: &LayerSettings, held: &LayerSettings, send: &mut Commands) {
    let stay = MenuConfig::new().close_behavior(PopupCloseBehavior::CloseOnClickOutside);
    let (response, _) = MenuButton::new(t!("Codes")).config(stay).ui(ui, |ui| {
        let rule = |scheme: Option<Scheme>, sign: Option<Sign>, codes: Option<Codes>| {
            Some(GridRule { scheme: scheme?, sign: sign?, codes: codes? })
        };
        let outputs = rule(held.activation_scheme, held.activation_sign, held.activation_codes);
        let weights = rule(held.weight_scheme, held.weight_sign, held.weight_codes);
        for (title, part, rule) in
            [(t!("Outputs"), Part::Activations, outputs), (t!("Weights"), Part::Weights, weights)]
        {
            section(ui, title);
            if rule.is_none() {
                ui.label(t!("Known once the target is"));
            }
            if let Some(chosen) = inspector::codes_ui(ui, t!("Default"), part, rule.as_slice()) {
                let mut defaults = now.clone();
                defaults.overlay(&chosen.settings);
                send.push(Command::SetDefaults(defaults));
            }
        }
    });
    response.on_hover_text(t!("Default codes of all layers: symmetric or affine, signed or unsigned, full or narrow"));
}

/// A labelled choice; gives what was newly chosen. What is in force is `None` while the target is not known.
fn choice<T: PartialEq + Copy, S: Into<String>>(
    ui: &mut Ui,
    label: &str,
    shown: Option<String>,
    name: impl Fn(T) -> S,
    all: Vec<T>,
    now: Option<T>,
) -> Option<T> {
    let mut chosen = None;
    let shown = shown.unwrap_or_else(|| "…".to_owned());
    crate::widgets::name_label(ui, label).on_hover_text(t!("Default of all layers"));
    let combo = ComboBox::from_id_salt(("default", label)).selected_text(&shown).width(40.0).show_ui(ui, |ui| {
        for value in all {
            let is_now = now == Some(value);
            if ui.selectable_label(is_now, name(value).into()).clicked() && !is_now {
                chosen = Some(value);
            }
        }
    });
    let text = t!("Default {}: {}", label, shown);
    let is_enabled = ui.is_enabled();
    combo.response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::ComboBox, is_enabled, &text));
    chosen
}

/// The hardware to quantize for: the built-in targets, or a file of one's own.
fn hardware_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    let now = doc.config.target.as_str();
    let title = doc.target_info().map_or_else(|| file_name(now), |target| target.title.clone());
    crate::widgets::name_label(ui, t!("Target")).on_hover_text(t!("The hardware or runtime to quantize for"));
    let combo = ComboBox::from_id_salt("target").selected_text(&title).show_ui(ui, |ui| {
        for target in Target::builtins() {
            let chosen = ui.selectable_label(target.name == now, &target.title);
            if chosen.on_hover_text(&target.description).clicked() && target.name != now {
                send.push(Command::SetTarget(target.name.clone()));
            }
        }
        if Target::builtin(now).is_none() {
            ui.selectable_label(true, &title).on_hover_text(now);
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

fn file_name(path: &str) -> String {
    std::path::Path::new(path).file_name().map_or_else(|| path.to_owned(), |name| name.to_string_lossy().into_owned())
}

/// Which part the keys 2…8, 1 and F set.
fn target_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    ui.separator();
    crate::widgets::name_label(ui, t!("Keys set")).on_hover_text(t!("2…8 set that many bits, 1 sets 16, F sets float"));
    for (part, text) in [(Part::Weights, "W"), (Part::Activations, "A"), (Part::Both, t!("Both"))] {
        let action = Action::Target(part);
        let response = ui.add(Button::selectable(doc.target == part, text));
        let is_selected = doc.target == part;
        response.widget_info(|| egui::WidgetInfo::selected(egui::Role::RadioButton, true, is_selected, action.title()));
        let key = crate::keys::text(ui.ctx(), action);
        if response.on_hover_text(format!("{} ({key})", action.title())).clicked() {
            send.run(action);
        }
    }
}
