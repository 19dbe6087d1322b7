//! The defaults of all layers: what the configuration says, else what the target holds. Each is a choice in the row or, where
//! that is too short, a menu in the menu at its end.

use egui::{
    Button, ComboBox, PopupCloseBehavior, Ui,
    containers::menu::{MenuButton, MenuConfig, SubMenuButton},
};
use quantlens_analysis::{
    calibrate::Method,
    config::{Granularity, LayerSettings},
    plan::GridRule,
    quant::{Bits, Codes, Scheme, Sign},
    t,
};

use super::fold::{Part as Piece, Tool};
use crate::{
    action::Action,
    command::{Command, Commands, Part},
    document::Document,
    format,
    views::{inspector, menu::entry_ui},
    widgets::{name_label, section},
};

/// What stands for a value that is not known yet.
const PENDING: &str = "…";

/// What is in force for layers that nothing else is set for.
pub(super) struct Defaults {
    /// As configured.
    now: LayerSettings,
    /// With what the target holds for the rest.
    held: LayerSettings,
    granularities: Vec<Granularity>,
    /// What the choices show: ranges, weights, width of weights, width of outputs.
    shown: [String; 4],
}

impl Defaults {
    pub(super) fn of(doc: &Document) -> Self {
        let target = doc.target_info();
        let mut held = target.as_deref().map(|target| target.defaults.clone()).unwrap_or_default();
        held.overlay(&doc.config.defaults);
        let shown = [
            held.method.map(|method| format::method(method).to_owned()),
            held.granularity.map(format::granularity),
            held.weight_bits.map(format::bits),
            held.activation_bits.map(format::bits),
        ]
        .map(|shown| shown.unwrap_or_else(|| PENDING.to_owned()));
        let granularities = target.map(|target| target.granularities.clone()).unwrap_or_default();
        Self { now: doc.config.defaults.clone(), held, granularities, shown }
    }

    /// What a tool takes in the row.
    pub(super) fn parts(&self, tool: Tool) -> Vec<Piece<'_>> {
        let [ranges, weights, ..] = &self.shown;
        match tool {
            Tool::Ranges => vec![Piece::Label(t!("Ranges")), Piece::Choice(ranges)],
            Tool::Weights => vec![Piece::Label(t!("Weights")), Piece::Choice(weights)],
            Tool::Codes => vec![Piece::Button(t!("Codes"))],
            Tool::Keys => vec![
                Piece::Line,
                Piece::Label(t!("Keys set")),
                Piece::Button("W"),
                Piece::Button("A"),
                Piece::Button(t!("Both")),
            ],
        }
    }

    /// What always stands in the row.
    pub(super) fn widths(&self) -> [Piece<'_>; 4] {
        let [.., weights, outputs] = &self.shown;
        [Piece::Label("W"), Piece::Choice(weights), Piece::Label("A"), Piece::Choice(outputs)]
    }

    /// The choices, and the menu of those that are `folded`.
    pub(super) fn row_ui(&self, ui: &mut Ui, doc: &Document, folded: &[Tool], send: &mut Commands) {
        for tool in [Tool::Ranges, Tool::Weights] {
            if !folded.contains(&tool) {
                self.tool_ui(ui, tool, Place::Row, send);
            }
        }
        self.widths_ui(ui, send);
        let stay = || MenuConfig::new().close_behavior(PopupCloseBehavior::CloseOnClickOutside);
        if !folded.contains(&Tool::Codes) {
            let (response, _) = MenuButton::new(t!("Codes")).config(stay()).ui(ui, |ui| self.codes_ui(ui, send));
            response.on_hover_text(codes_hint());
        }
        if !folded.contains(&Tool::Keys) {
            keys_ui(ui, doc, send);
        }
        if folded.is_empty() {
            return;
        }
        let (response, _) = MenuButton::new(t!("More")).config(stay()).ui(ui, |ui| {
            ui.set_min_width(180.0);
            for tool in [Tool::Ranges, Tool::Weights] {
                if folded.contains(&tool) {
                    self.tool_ui(ui, tool, Place::Menu, send);
                }
            }
            if folded.contains(&Tool::Codes) {
                let button = SubMenuButton::new(t!("Codes")).config(stay());
                button.ui(ui, |ui| self.codes_ui(ui, send)).0.on_hover_text(codes_hint());
            }
            if folded.contains(&Tool::Keys) {
                ui.separator();
                for part in [Part::Weights, Part::Activations, Part::Both] {
                    entry_ui(ui, Action::Target(part), doc, send);
                }
            }
        });
        response.on_hover_text(t!("Further defaults of all layers, for which this row is too short"));
    }

    fn tool_ui(&self, ui: &mut Ui, tool: Tool, place: Place, send: &mut Commands) {
        let [ranges, weights, ..] = &self.shown;
        if tool == Tool::Ranges {
            let methods = Method::all().filter(|method| *method != Method::Manual).collect();
            let choice = Choice { label: t!("Ranges"), shown: ranges, all: methods, now: self.held.method };
            self.set(send, choice.ui(ui, place, format::method), |s, v| s.method = Some(v));
        } else {
            let all = self.granularities.clone();
            let choice = Choice { label: t!("Weights"), shown: weights, all, now: self.held.granularity };
            self.set(send, choice.ui(ui, place, format::granularity), |s, v| s.granularity = Some(v));
        }
    }

    fn widths_ui(&self, ui: &mut Ui, send: &mut Commands) {
        let [.., weights, outputs] = &self.shown;
        let all: Vec<Bits> = Bits::ALL.into_iter().rev().collect();
        let choice = Choice { label: "W", shown: weights, all: all.clone(), now: self.held.weight_bits };
        self.set(send, choice.ui(ui, Place::Row, format::bits_words), |s, v| s.weight_bits = Some(v));
        let choice = Choice { label: "A", shown: outputs, all, now: self.held.activation_bits };
        self.set(send, choice.ui(ui, Place::Row, format::bits_words), |s, v| s.activation_bits = Some(v));
    }

    fn set<T>(&self, send: &mut Commands, chosen: Option<T>, put: impl FnOnce(&mut LayerSettings, T)) {
        if let Some(value) = chosen {
            let mut defaults = self.now.clone();
            put(&mut defaults, value);
            send.push(Command::SetDefaults(defaults));
        }
    }

    /// The codes of all outputs and weights, in a menu: they are seldom changed, and the row is short.
    fn codes_ui(&self, ui: &mut Ui, send: &mut Commands) {
        let rule = |scheme: Option<Scheme>, sign: Option<Sign>, codes: Option<Codes>| {
            Some(GridRule { scheme: scheme?, sign: sign?, codes: codes? })
        };
        let held = &self.held;
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
                let mut defaults = self.now.clone();
                defaults.overlay(&chosen.settings);
                send.push(Command::SetDefaults(defaults));
            }
        }
    }
}

fn codes_hint() -> &'static str {
    t!("Default codes of all layers: symmetric or affine, signed or unsigned, full or narrow")
}

/// Where a choice stands.
#[derive(Clone, Copy)]
enum Place {
    Row,
    Menu,
}

/// A labelled choice. What is in force is `None` while the target is not known.
struct Choice<'a, T> {
    label: &'a str,
    shown: &'a str,
    all: Vec<T>,
    now: Option<T>,
}

impl<T: PartialEq + Copy> Choice<'_, T> {
    /// Draws it and gives what was newly chosen.
    fn ui<S: Into<String>>(&self, ui: &mut Ui, place: Place, name: impl Fn(T) -> S) -> Option<T> {
        let mut chosen = None;
        let mut entries = |ui: &mut Ui| {
            for &value in &self.all {
                let is_now = self.now == Some(value);
                if ui.selectable_label(is_now, name(value).into()).clicked() && !is_now {
                    chosen = Some(value);
                }
            }
        };
        let text = t!("Default {}: {}", self.label, self.shown);
        let response = match place {
            Place::Row => {
                name_label(ui, self.label).on_hover_text(t!("Default of all layers"));
                let combo = ComboBox::from_id_salt(("default", self.label)).selected_text(self.shown).width(40.0);
                combo.show_ui(ui, |ui| entries(ui)).response
            }
            Place::Menu => ui.menu_button(t!("{}: {}", self.label, self.shown), |ui| entries(ui)).response,
        };
        let role = if matches!(place, Place::Row) { egui::Role::ComboBox } else { egui::Role::Button };
        let is_enabled = ui.is_enabled();
        response.widget_info(|| egui::WidgetInfo::labeled(role, is_enabled, &text));
        chosen
    }
}

/// Which part the keys 2…8, 1 and F set.
fn keys_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    ui.separator();
    name_label(ui, t!("Keys set")).on_hover_text(t!("2…8 set that many bits, 1 sets 16, F sets float"));
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
