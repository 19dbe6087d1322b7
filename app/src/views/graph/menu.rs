//! The menu of a right click or of the menu key: commands of the one table that make sense there. Opened with the keys it
//! stands under the selected card and has the keyboard, arrows included: a menu's entries are no row of tab stops.

use egui::{FocusDirection, Key, Modifiers, Popup, Response, Ui};
use quantlens_analysis::t;

use super::{GraphViewState, MOST_NAMES, Scene};
use crate::{
    action::Action,
    command::{Command, Commands},
    document::{Document, Page},
    format,
    graph_layout::walk::Along,
    selection::SelectMode,
    views::menu::entry_ui,
};

/// Opens the menu where it is asked for, and draws it while it is open.
pub(super) fn open_ui(scene: &Scene<'_>, canvas: &Response, state: &mut GraphViewState, send: &mut Commands) {
    let ctx = &canvas.ctx;
    let id = Popup::default_response_id(canvas);
    let asked = scene.doc.graph.menu;
    let is_new = asked != std::mem::replace(&mut state.menu_asked, asked);
    if let (true, Some(camera), Some(card)) =
        (is_new, state.camera, scene.doc.lead().and_then(|card| scene.drawing.card(card)))
    {
        let card = camera.rect_to_screen(scene.view, card).intersect(scene.view);
        (state.menu_on_card, state.menu_at) = (true, Some(card.right_top() + egui::vec2(6.0, 0.0)));
        Popup::open_id(ctx, id);
    }
    let popup = Popup::context_menu(canvas);
    let popup = match state.menu_at {
        Some(at) => popup.at_position(at),
        None => popup,
    };
    let by_keys = state.menu_at.is_some();
    state.menu_is_new |= is_new;
    popup.show(|ui| {
        let entries = menu_ui(ui, scene, state.menu_on_card, send);
        if by_keys {
            keys_ui(ui, &entries, &mut state.menu_is_new);
        }
    });
}

/// Gives the first entry the keyboard, and lets arrows go from one to the next and round.
fn keys_ui(ui: &Ui, entries: &[Response], is_new: &mut bool) {
    let entries: Vec<&Response> = entries.iter().filter(|entry| entry.enabled()).collect();
    let Some(first) = entries.first() else { return };
    let Some(at) = entries.iter().position(|entry| entry.has_focus()) else {
        // Asked for until it is given: a menu is measured before it is shown.
        if *is_new {
            first.request_focus();
            ui.ctx().request_repaint();
        }
        return;
    };
    *is_new = false;
    let pressed = |key| ui.input_mut(|input| input.count_and_consume_key(Modifiers::NONE, key));
    let (down, up) = (pressed(Key::ArrowDown), pressed(Key::ArrowUp));
    if down + up == 0 {
        return;
    }
    // Or the nearest control below would have it, whatever that is.
    ui.memory_mut(|memory| memory.move_focus(FocusDirection::None));
    let to = (at + down + entries.len() - up % entries.len()) % entries.len();
    if let Some(entry) = entries.get(to) {
        entry.request_focus();
    }
}

/// Draws the entries for the selected layers, or for the room between the cards, and gives them from top to bottom.
fn menu_ui(ui: &mut Ui, scene: &Scene<'_>, on_card: bool, send: &mut Commands) -> Vec<Response> {
    let doc = scene.doc;
    ui.set_min_width(220.0);
    if !on_card {
        let actions = [
            Action::FrameAll,
            Action::FrameSelection,
            Action::FilterLayers,
            Action::SelectAll,
            Action::ExportFigure,
            Action::CopyImage,
            Action::CopyData,
        ];
        return entries_ui(ui, &actions, doc, send);
    }
    let selected = doc.selection.selected.len();
    let title = match &doc.selection.anchor {
        Some(name) if selected < 2 => name.clone(),
        _ => format::plural(selected, "layer"),
    };
    ui.strong(title);
    let mut entries: Vec<Response> = Vec::new();
    entries.extend(ends_ui(ui, scene, send));
    let bits = ui.menu_button(t!("Bits"), |ui| {
        entries_ui(ui, &[Action::Float], doc, send);
        entries_ui(ui, &Action::WIDTHS, doc, send);
    });
    entries.push(bits.response);
    let settings =
        [Action::ToggleFloat, Action::PerChannel, Action::PerTensor, Action::ResetSelected, Action::CopyFromPin];
    entries.extend(entries_ui(ui, &settings, doc, send));
    ui.separator();
    entries.extend(entries_ui(ui, &[Action::FrameSelection, Action::CopyTsv], doc, send));
    ui.separator();
    entries.extend(entries_ui(ui, &Page::LAYER.map(Action::ShowPage), doc, send));
    entries
}

fn entries_ui(ui: &mut Ui, actions: &[Action], doc: &Document, send: &mut Commands) -> Vec<Response> {
    actions.iter().map(|action| entry_ui(ui, *action, doc, send)).collect()
}

/// The cards at the other ends of the selected one's lines and labels; nothing where it has none.
fn ends_ui(ui: &mut Ui, scene: &Scene<'_>, send: &mut Commands) -> Option<Response> {
    let (card, walk) = (scene.doc.lead()?, scene.doc.graph.walk()?);
    let (above, below) = (walk.ends(card, Along::Inputs), walk.ends(card, Along::Readers));
    if above.is_empty() && below.is_empty() {
        return None;
    }
    let name = |card: usize| scene.layer(card).map_or("", |info| info.name.as_str());
    let above = above.into_iter().map(|end| (end, t!("from {}", name(end))));
    let ends: Vec<(usize, String)> = above.chain(below.into_iter().map(|end| (end, t!("to {}", name(end))))).collect();
    let menu = ui.menu_button(t!("Go along a line"), |ui| {
        for (end, text) in ends.iter().take(MOST_NAMES) {
            if ui.button(text).clicked() {
                let layer = name(*end).to_owned();
                send.push(Command::Select { layer, mode: SelectMode::Replace, reveal: true });
                ui.close();
            }
        }
        let more = ends.len().saturating_sub(MOST_NAMES);
        if more > 0 {
            ui.weak(t!("and {} more", more));
        }
    });
    Some(menu.response)
}
