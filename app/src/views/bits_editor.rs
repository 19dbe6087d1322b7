//! Choosing a bit width, a granularity, a range method: rows of small buttons, one of them lit, the same in the table's
//! popup and in the inspector. They only report what was chosen; whoever shows them knows for which layers.

use egui::{Button, RichText, Ui, vec2};
use quantlens_analysis::{quant::Bits, t};

use super::cells::{Editable, also_changes, theme_of};
use crate::{
    format::{self, sentence},
    theme,
};

/// What is in force for the layers being edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InForce<T> {
    /// Nothing yet, or nothing that can be set.
    Nothing,
    /// All of them have this.
    One(T),
    /// They differ.
    Mixed,
}

impl<T: PartialEq + Copy> InForce<T> {
    /// What several values come to.
    pub fn of(values: impl IntoIterator<Item = T>) -> Self {
        values.into_iter().fold(Self::Nothing, |so_far, value| match so_far {
            Self::Nothing => Self::One(value),
            Self::One(one) if one == value => so_far,
            _ => Self::Mixed,
        })
    }

    fn is(self, value: T) -> bool {
        self == Self::One(value)
    }
}

/// Buttons "float 16 8 … 2"; returns what was chosen. `what` names the setting for screen readers: "conv1 weights".
pub fn bits_row_ui(ui: &mut Ui, what: &str, in_force: InForce<Bits>) -> Option<Bits> {
    let mut chosen = None;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(2.0, 2.0);
        ui.spacing_mut().button_padding.x = theme::GRID;
        // Most used first: float and the wide ones stand at the left.
        for bits in Bits::COMMON.into_iter().rev() {
            let is_lit = in_force.is(bits);
            let mut text = RichText::new(format::bits(bits)).monospace();
            if !is_lit {
                text = text.color(theme::bits_colour(theme_of(ui), bits));
            }
            let width = if bits.is_float() { 0.0 } else { theme::ROW_HEIGHT };
            let button = Button::new(text).selected(is_lit).min_size(vec2(width, theme::ROW_HEIGHT));
            let name = t!("{}: {}", what, format::bits_words(bits));
            let response = ui.add(button);
            response
                .widget_info(|| egui::WidgetInfo::selected(egui::Role::RadioButton, ui.is_enabled(), is_lit, &name));
            if response.on_hover_text(key_hint(bits)).clicked() {
                chosen = Some(bits);
            }
        }
        chosen = small_floats_ui(ui, what, in_force).or(chosen);
    });
    chosen
}

/// The floats of 8 and 16 bits, in a menu of their own: they are rarely wanted, and their names are long.
fn small_floats_ui(ui: &mut Ui, what: &str, in_force: InForce<Bits>) -> Option<Bits> {
    let small = || Bits::ALL.into_iter().rev().filter(|bits| matches!(bits, Bits::Small(_)));
    let now = small().find(|bits| in_force.is(*bits));
    let text = now.map_or_else(|| "…".to_owned(), format::bits);
    let mut chosen = None;
    let button = Button::new(RichText::new(text).monospace()).selected(now.is_some());
    let button = button.min_size(vec2(theme::ROW_HEIGHT, theme::ROW_HEIGHT));
    let (response, _) = egui::containers::menu::MenuButton::from_button(button).ui(ui, |ui| {
        for bits in small() {
            let choice = ui.add(Button::selectable(now == Some(bits), format::bits(bits)));
            if choice.clicked() {
                chosen = Some(bits);
                ui.close();
            }
        }
    });
    response
        .widget_info(|| egui::WidgetInfo::labeled(egui::Role::ComboBox, ui.is_enabled(), t!("{}: small floats", what)));
    response.on_hover_text(t!("Floats of 16 and 8 bits"));
    chosen
}

/// The key that does the same on the selected rows.
fn key_hint(bits: Bits) -> String {
    let key = match bits {
        Bits::Float => "F".to_owned(),
        Bits::Small(_) => return sentence(&format::bits_words(bits)),
        Bits::Int(16) => "1".to_owned(),
        Bits::Int(n) => n.to_string(),
    };
    t!("{}, key {}", sentence(&format::bits_words(bits)), key)
}

/// Buttons for a few named values; returns the one chosen.
pub fn choice_row_ui<T: PartialEq + Copy, S: AsRef<str>>(
    ui: &mut Ui,
    what: &str,
    in_force: InForce<T>,
    choices: &[(T, S, S)],
) -> Option<T> {
    let mut chosen = None;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(2.0, 2.0);
        for (value, text, hint) in choices {
            let (is_lit, text, hint) = (in_force.is(*value), text.as_ref(), hint.as_ref());
            let response = ui.add(Button::new(text).selected(is_lit));
            response.widget_info(|| {
                egui::WidgetInfo::selected(egui::Role::RadioButton, ui.is_enabled(), is_lit, t!("{}: {}", what, text))
            });
            if response.on_hover_text(hint).clicked() {
                chosen = Some(*value);
            }
        }
    });
    chosen
}

/// The popup of a table cell: says for whom, then the widths.
pub fn bits_popup_ui(ui: &mut Ui, title: &str, editable: &Editable, in_force: InForce<Bits>) -> Option<Bits> {
    ui.set_max_width(300.0);
    ui.label(RichText::new(title).strong());
    if let Editable::Shared(others) = editable {
        ui.label(RichText::new(also_changes(others)).color(theme::tokens(ui).weak));
    }
    bits_row_ui(ui, title, in_force)
}

#[cfg(test)]
mod tests {
    use egui_kittest::{Harness, kittest::Queryable as _};

    use super::*;

    #[test]
    fn several_values_come_to_one_or_to_a_mixture() {
        assert_eq!(InForce::<u8>::of([]), InForce::Nothing);
        assert_eq!(InForce::of([4, 4]), InForce::One(4));
        assert_eq!(InForce::of([4, 8, 4]), InForce::Mixed);
        assert_eq!(InForce::of([4, 8, 8]), InForce::Mixed);
    }

    #[test]
    fn a_click_reports_its_width_and_only_then() {
        let app = |ui: &mut Ui, chosen: &mut Option<Bits>| {
            if let Some(bits) = bits_row_ui(ui, "conv1 weights", InForce::One(Bits::Int(8))) {
                *chosen = Some(bits);
            }
        };
        let mut harness = Harness::builder().with_context_setup(theme::install).build_ui_state(app, None);
        harness.run();
        assert_eq!(*harness.state(), None);
        harness.get_by_label("conv1 weights: 4 bits").click();
        harness.run();
        assert_eq!(*harness.state(), Some(Bits::Int(4)));
        harness.get_by_label("conv1 weights: float").click();
        harness.run();
        assert_eq!(*harness.state(), Some(Bits::Float));
    }
}
