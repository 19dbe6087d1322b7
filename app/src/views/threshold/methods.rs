//! The ways to choose the range: this program's methods as buttons, other tools' in a menu that says how each differs.

use egui::{Button, ComboBox, RichText, Role, Ui, WidgetInfo};
use quantlens_analysis::{
    calibrate::{DEFAULT_PERCENTILE, Flavour, Method},
    config::LayerSettings,
    say, t, text,
};

use super::Choices;
use crate::{
    command::{Command, Commands, Part},
    document::Document,
    format::{method as method_name, sentence},
    theme,
    views::cells::{Editable, also_changes, editable},
    widgets::typed_field,
};

/// Width of the field for the percentile, in points.
const PERCENTILE_WIDTH: f32 = 56.0;

/// Draws the choice; the line below says what is special about another tool's method.
pub(super) fn methods_ui(ui: &mut Ui, doc: &Document, choices: Choices<'_>, send: &mut Commands) {
    ui.horizontal_wrapped(|ui| {
        crate::widgets::name_label(ui, t!("Range by"));
        for method in Method::AUTOMATIC.into_iter().chain([Method::Manual]) {
            button_ui(ui, choices, method, send);
            if method == Method::Percentile {
                percentile_ui(ui, doc, choices, send);
            }
        }
        flavours_ui(ui, choices, send);
    });
    if let Some(info) = doc.layer(choices.layer)
        && let Editable::Shared(others) = editable(Part::Activations, info)
    {
        ui.label(RichText::new(also_changes(&others)).color(theme::tokens(ui).weak));
    }
    if let Some(flavour) = choices.current.method.flavour() {
        let words = t!("How it differs: {}", text::text(flavour.difference()));
        ui.label(RichText::new(words).color(theme::tokens(ui).weak));
    }
    let fell_back = choices.detail.choice_of(wanted(doc, choices)).and_then(|choice| choice.note.as_deref());
    if let Some(note) = fell_back {
        ui.label(RichText::new(sentence(note)).color(theme::tokens(ui).warning));
    }
}

/// What the configuration asks for, which is not what is in use where a method cannot choose.
fn wanted(doc: &Document, choices: Choices<'_>) -> Method {
    let default = || doc.target_info().and_then(|target| target.defaults.method);
    owner_settings(doc, choices).method.or_else(default).unwrap_or_default()
}

/// The settings that decide: those of the layer whose scale is shared.
fn owner_settings(doc: &Document, choices: Choices<'_>) -> LayerSettings {
    let info = doc.layer(&choices.detail.owner).or_else(|| doc.layer(choices.layer));
    info.map(|info| doc.config.settings_for(&info.name, &info.op)).unwrap_or_default()
}

fn button_ui(ui: &mut Ui, choices: Choices<'_>, method: Method, send: &mut Commands) {
    let is_lit = choices.current.method == method;
    let response = ui.add(Button::selectable(is_lit, sentence(method_name(method))));
    let name = t!("Use {}", method_name(method));
    let is_enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, is_enabled, is_lit, &name));
    if response.on_hover_text(hint(method)).clicked() && !is_lit {
        send.push(use_method(choices, method));
    }
}

/// The command that puts a method in use. By hand begins with the range of now.
pub(super) fn use_method(choices: Choices<'_>, method: Method) -> Command {
    let layer = choices.layer.to_owned();
    match method {
        Method::Manual => Command::SetRange { layer, range: choices.current.range, done: true },
        method => Command::SetMethod { layers: vec![layer], method },
    }
}

/// What a method does, in a sentence.
pub(crate) fn hint(method: Method) -> &'static str {
    match method {
        Method::MinMax => t!("The observed minimum and maximum: nothing seen so far is clipped"),
        Method::Percentile => {
            t!("The values between which this share of all values lies; each end is at most max|r|/4096 too wide")
        }
        Method::Kl => t!("The threshold of least Kullback–Leibler divergence between float and quantized values"),
        Method::Entropy => {
            t!(
                "The threshold at which the error has the least entropy; how large errors are does not count, so it clips \
                 harder than MSE"
            )
        }
        Method::Mse => t!("The range of least mean squared error, clipping and rounding together"),
        Method::Manual => t!("The range of now, to be dragged or typed"),
        Method::Flavour(flavour) => text::text(flavour.difference()),
    }
}

fn percentile_ui(ui: &mut Ui, doc: &Document, choices: Choices<'_>, send: &mut Commands) {
    let now = owner_settings(doc, choices).percentile.unwrap_or(DEFAULT_PERCENTILE);
    let read = |text: &str| text.trim().parse::<f64>().ok().filter(|p| *p > 0.0 && *p <= 100.0);
    let (response, typed) = typed_field(ui, t!("Percentile in per cent"), &now.to_string(), PERCENTILE_WIDTH, read);
    response.on_hover_text(t!("Per cent of the values that the range keeps inside"));
    ui.label("%");
    if let Some(percentile) = typed {
        let settings = LayerSettings {
            method: Some(Method::Percentile),
            percentile: Some(percentile),
            ..LayerSettings::default()
        };
        let label = say!("range activations of {} by the {} percentile", choices.layer, percentile);
        send.push(Command::SetFormat { layers: vec![choices.layer.to_owned()], settings, label });
    }
}

fn flavours_ui(ui: &mut Ui, choices: Choices<'_>, send: &mut Commands) {
    let now = choices.current.method.flavour();
    let shown = now.map_or(t!("As another tool"), |flavour| text::text(flavour.title()));
    let combo =
        ComboBox::from_id_salt("threshold flavour").selected_text(shown).width(130.0).height(280.0).show_ui(ui, |ui| {
            for flavour in Flavour::ALL {
                let label = ui.selectable_label(now == Some(flavour), text::text(flavour.title()));
                if label.on_hover_text(text::text(flavour.difference())).clicked() && now != Some(flavour) {
                    send.push(use_method(choices, Method::Flavour(flavour)));
                }
            }
        });
    let name = now.map_or_else(|| shown.to_owned(), |_| t!("As another tool: {}", shown));
    let is_enabled = ui.is_enabled();
    combo.response.widget_info(|| WidgetInfo::labeled(Role::ComboBox, is_enabled, &name));
}
