//! A field whose text takes effect when it is complete: with Enter, or when the focus leaves. Until then nothing is sent,
//! so that typing "3.86" does not pass through 3 and 3.8. Escape takes the typing back.

use egui::{Key, Response, Role, TextEdit, TextStyle, Ui, WidgetInfo};

use crate::theme;

/// Draws the field with `shown` in it; gives what was typed once it is complete and `read` understands it. `name` is for
/// screen readers; text that is not understood turns to the warning colour.
pub fn typed_field<T>(
    ui: &mut Ui,
    name: &str,
    shown: &str,
    width: f32,
    read: impl Fn(&str) -> Option<T>,
) -> (Response, Option<T>) {
    let id = ui.scope_id().with(("typed field", name));
    let kept: Option<String> = ui.data(|data| data.get_temp(id));
    let mut text = kept.clone().unwrap_or_else(|| shown.to_owned());
    let mut edit = TextEdit::singleline(&mut text).id(id).desired_width(width).font(TextStyle::Monospace);
    edit = edit.align(egui::Align2::LEFT_CENTER);
    if kept.is_some_and(|kept| read(&kept).is_none()) {
        edit = edit.text_color(theme::tokens(ui).warning);
    }
    let response = ui.add(edit);
    let is_enabled = ui.is_enabled();
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::TextInput, is_enabled, name);
        info.current_text_value = Some(text.clone());
        info
    });
    if response.lost_focus() {
        ui.data_mut(|data| data.remove_temp::<String>(id));
        let is_taken_back = ui.input(|input| input.key_pressed(Key::Escape)) || text == shown;
        let typed = if is_taken_back { None } else { read(&text) };
        return (response, typed);
    }
    if response.has_focus() {
        ui.data_mut(|data| data.insert_temp(id, text));
    }
    (response, None)
}

#[cfg(test)]
mod tests {
    use egui_kittest::{Harness, kittest::Queryable as _};

    use super::*;

    fn harness() -> Harness<'static, Vec<i32>> {
        let app = |ui: &mut Ui, typed: &mut Vec<i32>| {
            let (_, value) = typed_field(ui, "a number", "7", 80.0, |text| text.parse::<i32>().ok());
            typed.extend(value);
        };
        let mut harness = Harness::builder().with_context_setup(theme::install).build_ui_state(app, Vec::new());
        harness.run();
        harness
    }

    fn type_in(harness: &mut Harness<'static, Vec<i32>>, text: &str, end: Key) {
        harness.get_by_label("a number").focus();
        harness.run();
        harness.key_press_modifiers(egui::Modifiers::COMMAND, Key::A);
        harness.get_by_label("a number").type_text(text);
        harness.run();
        harness.key_press(end);
        harness.run();
    }

    #[test]
    fn a_number_counts_once_and_only_when_complete() {
        let mut harness = harness();
        type_in(&mut harness, "42", Key::Enter);
        assert_eq!(*harness.state(), [42]);
    }

    #[test]
    fn escape_and_nonsense_change_nothing() {
        let mut harness = harness();
        type_in(&mut harness, "42", Key::Escape);
        type_in(&mut harness, "4x", Key::Enter);
        assert!(harness.state().is_empty());
        harness.get_by(|node| node.label().is_some_and(|l| l == "a number") && node.value().is_some_and(|v| v == "7"));
    }
}
