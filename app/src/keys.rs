//! From key presses to actions.
//!
//! Three things are tricky. A key with fewer modifiers must not answer to one with more (egui's own matching ignores extra
//! Shift). Plain letters belong to a text field that has the focus, and Space, Enter and arrows to any widget that has it.
//! Copy arrives as an event of its own, not as Ctrl+C.

use egui::{Event, Key, KeyboardShortcut, Modifiers};

use crate::action::Action;

/// Takes the key presses of this frame that mean an action, in order.
pub fn actions(ctx: &egui::Context) -> Vec<Action> {
    let focus = Focus::of(ctx);
    if focus == Focus::Popup {
        return Vec::new();
    }
    let mut actions = Vec::new();
    ctx.input_mut(|input| {
        let with_shift = input.modifiers.shift;
        input.events.retain(|event| {
            let action = match event {
                Event::Key { key, modifiers, pressed: true, .. } => find(*key, *modifiers, focus),
                Event::Copy if !matches!(focus, Focus::Text | Focus::Modal) => {
                    Some(if with_shift { Action::CopyCsv } else { Action::CopyTsv })
                }
                _ => None,
            };
            actions.extend(action);
            action.is_none()
        });
    });
    actions
}

/// Whether the key that shows the float model is down and means that: not while text is typed or a dialog is open.
pub fn holds_float(ctx: &egui::Context) -> bool {
    if matches!(Focus::of(ctx), Focus::Text | Focus::Popup | Focus::Modal) {
        return false;
    }
    let keys = Action::ShowFloat.shortcuts();
    ctx.input(|input| {
        let is_down = |key: &KeyboardShortcut| input.key_down(key.logical_key) && input.modifiers == key.modifiers;
        keys.iter().any(is_down)
    })
}

/// What has the keyboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Focus {
    Nothing,
    /// A button or another widget, reached with Tab.
    Widget,
    /// A text field.
    Text,
    /// A menu or another popup is open: its keys are its own.
    Popup,
    /// A dialog is open: what lies behind it must not change unseen.
    Modal,
}

impl Focus {
    fn of(ctx: &egui::Context) -> Self {
        if ctx.memory(|memory| memory.top_modal_layer().is_some()) {
            Self::Modal
        } else if ctx.text_edit_focused() {
            Self::Text
        } else if egui::Popup::is_any_open(ctx) {
            Self::Popup
        } else if ctx.memory(|memory| memory.focused()).is_some_and(|id| stops().contains(&id)) {
            // The table's or the graph's tab stop: the layers' keys are ours.
            Self::Nothing
        } else if ctx.egui_wants_keyboard_input() {
            Self::Widget
        } else {
            Self::Nothing
        }
    }
}

/// Tab stops that leave all keys to the actions.
fn stops() -> [egui::Id; 2] {
    [crate::views::layer_table::focus_id(), crate::views::graph::focus_id()]
}

fn find(key: Key, modifiers: Modifiers, focus: Focus) -> Option<Action> {
    if !is_free(key, modifiers, focus) {
        return None;
    }
    let matches = |shortcut: &KeyboardShortcut| fits(*shortcut, key, modifiers);
    // A key that is held is no press: see `holds_float`.
    Action::every().filter(|action| !action.is_held()).find(|action| action.shortcuts().iter().any(matches))
}

/// Whether the focused widget leaves the key to us.
fn is_free(key: Key, modifiers: Modifiers, focus: Focus) -> bool {
    let is_widgets = matches!(
        key,
        Key::Space | Key::Enter | Key::ArrowUp | Key::ArrowDown | Key::ArrowLeft | Key::ArrowRight | Key::Escape
    );
    // What a text field does with Ctrl held.
    let is_editing = matches!(key, Key::A | Key::C | Key::V | Key::X | Key::Y | Key::Z);
    match focus {
        Focus::Nothing => true,
        Focus::Widget => !is_widgets || modifiers.command,
        Focus::Text => is_function(key) || (modifiers.command && !is_editing),
        Focus::Popup => false,
        Focus::Modal => key == Key::Escape,
    }
}

fn is_function(key: Key) -> bool {
    (Key::F1..=Key::F12).contains(&key)
}

/// All modifiers equal, except Shift for signs that some keyboards reach only with it.
fn fits(shortcut: KeyboardShortcut, key: Key, modifiers: Modifiers) -> bool {
    let wanted = shortcut.modifiers;
    let any_shift = matches!(key, Key::Slash | Key::Questionmark | Key::OpenBracket | Key::CloseBracket | Key::Comma);
    shortcut.logical_key == key
        && wanted.command == modifiers.command
        && wanted.alt == modifiers.alt
        && (any_shift || wanted.shift == modifiers.shift)
}

/// A shortcut as menus show it.
pub fn text(ctx: &egui::Context, action: Action) -> String {
    action.shortcuts().first().map_or_else(String::new, |shortcut| ctx.format_shortcut(shortcut))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_modifiers_are_another_key() {
        let ctrl = Modifiers::COMMAND;
        let find = |key, modifiers| find(key, modifiers, Focus::Nothing);
        assert_eq!(find(Key::Z, ctrl), Some(Action::Undo));
        assert_eq!(find(Key::Z, ctrl | Modifiers::SHIFT), Some(Action::Redo));
        assert_eq!(find(Key::Z, Modifiers::NONE), None);
        assert_eq!(find(Key::Num4, Modifiers::NONE), Some(Action::Bits(4)));
        assert_eq!(find(Key::Num4, ctrl), Some(Action::Recent(4)));
        assert_eq!(find(Key::Slash, Modifiers::SHIFT), Some(Action::FilterLayers), "Shift+7 on German keyboards");
        assert_eq!(find(Key::Questionmark, Modifiers::SHIFT), Some(Action::Shortcuts));
    }

    #[test]
    fn what_has_the_focus_keeps_its_keys() {
        let ctrl = Modifiers::COMMAND;
        assert_eq!(find(Key::F, Modifiers::NONE, Focus::Text), None, "f is typed");
        assert_eq!(find(Key::Z, ctrl, Focus::Text), None, "undoes the typing");
        assert_eq!(find(Key::E, ctrl, Focus::Text), Some(Action::Export));
        assert_eq!(find(Key::F5, Modifiers::NONE, Focus::Text), Some(Action::ToggleLive));
        assert_eq!(find(Key::Space, Modifiers::NONE, Focus::Widget), None, "presses the button");
        assert_eq!(find(Key::F, Modifiers::NONE, Focus::Widget), Some(Action::Float));
    }
}
