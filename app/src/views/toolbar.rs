//! The row under the menus: what holds for the whole model and which part the width keys set; and, beside the menus, the
//! running job, Live and Export.

use egui::{
    Button, ComboBox, PopupCloseBehavior, Ui,
    containers::menu::{MenuButton, MenuConfig},
};
use quantlens_analysis::{
    calibrate::Method,
    config::{Granularity, LayerSettings},
    plan::GridRule,
    quant::{Bits, Codes, Scheme, Sign},
    target::{NumberFormat, Target},
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
    let title = if doc.live || doc.edits_waiting > 0 { Action::ToggleLive.title_now(doc) } else { "Paused".into() };
    let button = Button::selectable(doc.live, title);
    let hint = format!("{} (F5)", Action::ToggleLive.hint());
    if ui.add(button).on_hover_text(hint).clicked() {
        send.run(Action::ToggleLive);
    }
}

fn cancel_ui(ui: &mut Ui, job: &JobStatus, send: &mut Commands) {
    let text = if job.cancellable { format!("■ Cancel  {}", progress_text(job)) } else { "Stopping…".into() };
    let response = ui.add_enabled(job.cancellable, Button::new(text));
    if response.on_hover_text(format!("Stop {} (Esc)", job.stage)).clicked() {
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
        parts.push(format!("{} left", format::duration(left)));
    }
    parts.join(" · ")
}

/// In a narrow window: buttons that open the panels as drawers.
fn drawers_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    let narrow = doc.pages.narrow;
    let panels = [
        (PanelId::List, narrow.list, Drawer::List, "Layers"),
        (PanelId::Inspector, narrow.inspector, Drawer::Inspector, "Inspector"),
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
    let target = Target::builtin(&doc.config.target);
    let method = now.method.or(target.as_ref().map(|t| t.method)).unwrap_or_default();
    let methods = Method::all().filter(|m| *m != Method::Manual).collect();
    let chosen = choice(ui, "Ranges", format::method(method), format::method, methods, method);
    set(send, now, chosen, |s, v| s.method = Some(v));
    let scales = now.granularity.or(target.as_ref().map(|t| t.granularity())).unwrap_or(Granularity::PerTensor);
    let sizes = [16, 32, 64, 128].map(Granularity::PerGroup);
    let all = [Granularity::PerTensor, Granularity::PerChannel].into_iter().chain(sizes).collect();
    let chosen = choice(ui, "Weights", &format::granularity(scales), format::granularity, all, scales);
    set(send, now, chosen, |s, v| s.granularity = Some(v));
    let widths: Vec<Bits> = Bits::ALL.into_iter().rev().collect();
    let bits = now.weight_bits.or(target.as_ref().map(|t| t.weights.bits.default)).unwrap_or(Bits::Int(8));
    let chosen = choice(ui, "W", &format::bits(bits), format::bits_words, widths.clone(), bits);
    set(send, now, chosen, |s, v| s.weight_bits = Some(v));
    let bits = now.activation_bits.or(target.as_ref().map(|t| t.activations.bits.default)).unwrap_or(Bits::Int(8));
    let chosen = choice(ui, "A", &format::bits(bits), format::bits_words, widths, bits);
    set(send, now, chosen, |s, v| s.activation_bits = Some(v));
    codes_ui(ui, doc, target.as_deref(), send);
}

fn set<T>(send: &mut Commands, now: &LayerSettings, chosen: Option<T>, put: impl FnOnce(&mut LayerSettings, T)) {
    if let Some(value) = chosen {
        let mut defaults = now.clone();
        put(&mut defaults, value);
        send.push(Command::SetDefaults(defaults));
    }
}

/// The codes of all outputs and weights, in a menu: they are seldom changed, and the row is short.
fn codes_ui(ui: &mut Ui, doc: &Document, target: Option<&Target>, send: &mut Commands) {
    let stay = MenuConfig::new().close_behavior(PopupCloseBehavior::CloseOnClickOutside);
    let (response, _) = MenuButton::new("Codes").config(stay).ui(ui, |ui| {
        let now = &doc.config.defaults;
        let outputs = target.map(|target| &target.activations);
        let weights = target.map(|target| &target.weights);
        let rule = |scheme: Option<Scheme>, sign, codes, target: Option<&NumberFormat>, usual| GridRule {
            scheme: scheme.or(target.map(|t| t.scheme.default)).unwrap_or(usual),
            sign: Option::or(sign, target.map(|t| t.sign.default)).unwrap_or(Sign::Signed),
            codes: Option::or(codes, target.map(|t| t.codes.default)).unwrap_or(Codes::Full),
        };
        let of_outputs =
            rule(now.activation_scheme, now.activation_sign, now.activation_codes, outputs, Scheme::Affine);
        let of_weights = rule(now.weight_scheme, now.weight_sign, now.weight_codes, weights, Scheme::Symmetric);
        for (title, part, rule) in [("Outputs", Part::Activations, of_outputs), ("Weights", Part::Weights, of_weights)]
        {
            section(ui, title);
            if let Some(chosen) = inspector::codes_ui(ui, "Default", part, &[rule]) {
                let mut defaults = now.clone();
                defaults.overlay(&chosen.settings);
                send.push(Command::SetDefaults(defaults));
            }
        }
    });
    response.on_hover_text("Default codes of all layers: symmetric or affine, signed or unsigned, full or narrow");
}

/// A labelled choice; gives what was newly chosen.
fn choice<T: PartialEq + Copy, S: Into<String>>(
    ui: &mut Ui,
    label: &str,
    shown: &str,
    name: impl Fn(T) -> S,
    all: Vec<T>,
    now: T,
) -> Option<T> {
    let mut chosen = None;
    ui.label(label).on_hover_text("Default of all layers");
    let combo = ComboBox::from_id_salt(("default", label)).selected_text(shown).width(40.0).show_ui(ui, |ui| {
        for value in all {
            if ui.selectable_label(value == now, name(value).into()).clicked() && value != now {
                chosen = Some(value);
            }
        }
    });
    let text = format!("Default {label}: {shown}");
    let is_enabled = ui.is_enabled();
    combo.response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::ComboBox, is_enabled, &text));
    chosen
}

/// The hardware to quantize for: the built-in targets, or a file of one's own.
fn hardware_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    let now = doc.config.target.as_str();
    let known = Target::builtin(now);
    let title = known.as_ref().map_or_else(|| file_name(now), |target| target.title.clone());
    ui.label("Target").on_hover_text("The hardware or runtime to quantize for");
    let combo = ComboBox::from_id_salt("target").selected_text(&title).show_ui(ui, |ui| {
        for target in Target::builtins() {
            let chosen = ui.selectable_label(target.name == now, &target.title);
            if chosen.on_hover_text(&target.description).clicked() && target.name != now {
                send.push(Command::SetTarget(target.name.clone()));
            }
        }
        if known.is_none() {
            ui.selectable_label(true, &title).on_hover_text(now);
        }
        ui.separator();
        if ui.selectable_label(false, "Target file…").on_hover_text("A TOML file of your own").clicked() {
            send.run(Action::OpenTarget);
        }
    });
    let text = format!("Target: {title}");
    let is_enabled = ui.is_enabled();
    combo.response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::ComboBox, is_enabled, &text));
}

fn file_name(path: &str) -> String {
    std::path::Path::new(path).file_name().map_or_else(|| path.to_owned(), |name| name.to_string_lossy().into_owned())
}

/// Which part the keys 2…8, 1 and F set.
fn target_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    ui.separator();
    ui.label("Keys set").on_hover_text("2…8 set that many bits, 1 sets 16, F sets float");
    for (part, text) in [(Part::Weights, "W"), (Part::Activations, "A"), (Part::Both, "Both")] {
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
