//! How the range of the outputs is chosen: this program's methods as buttons, other tools' in a menu.

use egui::{ComboBox, RichText, Role, Ui, WidgetInfo};
use quantlens_analysis::{
    calibrate::{Flavour, Method},
    config::LayerSettings,
    report::ActivationSummary,
    say, t, text,
    text::Text,
};

use super::settings::setting_ui;
use crate::{
    command::{Command, Commands},
    format::{self, sentence},
    theme,
    views::{
        bits_editor::{InForce, choice_row_ui},
        threshold::hint,
    },
    widgets::typed_field,
};

/// Draws the choice for `layers`, whose quantizers are `outputs`.
pub(super) fn range_ui(
    ui: &mut Ui,
    what: &Text,
    layers: &[String],
    outputs: &[&ActivationSummary],
    send: &mut Commands,
) {
    let now = InForce::of(outputs.iter().map(|output| output.method));
    let set = |method| Command::SetMethod { layers: layers.to_vec(), method };
    setting_ui(ui, t!("Range"), |ui| {
        let choices = Method::AUTOMATIC.map(|method| (method, format::method(method), hint(method)));
        let titles = choices.map(|(_, name, _)| sentence(name));
        let mut named = choices;
        for (choice, title) in named.iter_mut().zip(&titles) {
            choice.1 = title;
        }
        if let Some(method) = choice_row_ui(ui, &t!("{} range", what), now, &named) {
            send.push(set(method));
        }
    });
    setting_ui(ui, "", |ui| {
        if let Some(flavour) = flavours_ui(ui, what, now) {
            send.push(set(Method::Flavour(flavour)));
        }
    });
    if now == InForce::One(Method::Percentile) {
        percentile_ui(ui, what, layers, outputs, send);
    }
    let weak = theme::tokens(ui).weak;
    match now {
        InForce::One(Method::Manual) => {
            ui.label(RichText::new(t!("Set by hand; drag it on the Threshold page")).color(weak));
        }
        InForce::One(Method::Flavour(flavour)) => {
            ui.label(RichText::new(t!("How it differs: {}", text::text(flavour.difference()))).color(weak));
        }
        _ => {}
    }
}

fn flavours_ui(ui: &mut Ui, what: &Text, now: InForce<Method>) -> Option<Flavour> {
    let now = if let InForce::One(method) = now { method.flavour() } else { None };
    let shown = now.map_or(t!("As another tool"), |flavour| text::text(flavour.title()));
    let mut chosen = None;
    let combo =
        ComboBox::from_id_salt("inspector flavour").selected_text(shown).width(170.0).height(280.0).show_ui(ui, |ui| {
            for flavour in Flavour::ALL {
                let label = ui.selectable_label(now == Some(flavour), text::text(flavour.title()));
                if label.on_hover_text(text::text(flavour.difference())).clicked() && now != Some(flavour) {
                    chosen = Some(flavour);
                }
            }
        });
    let name = t!("{} range as another tool", what);
    let is_enabled = ui.is_enabled();
    combo.response.widget_info(|| WidgetInfo::labeled(Role::ComboBox, is_enabled, &name));
    chosen
}

fn percentile_ui(ui: &mut Ui, what: &Text, layers: &[String], outputs: &[&ActivationSummary], send: &mut Commands) {
    let InForce::One(now) = InForce::of(outputs.iter().map(|output| output.percentile)) else {
        ui.label(RichText::new(t!("Their percentiles differ")).color(theme::tokens(ui).weak));
        return;
    };
    setting_ui(ui, t!("Percentile"), |ui| {
        let read = |text: &str| text.trim().parse::<f64>().ok().filter(|p| *p > 0.0 && *p <= 100.0);
        let (_, typed) = typed_field(ui, &t!("{} percentile", what), &now.to_string(), 64.0, read);
        ui.label("%");
        if let Some(percentile) = typed {
            let settings = LayerSettings { percentile: Some(percentile), ..LayerSettings::default() };
            let label = say!("set the percentile of {} to {}", what, percentile);
            send.push(Command::SetFormat { layers: layers.to_vec(), settings, label });
        }
    });
}
