//! The menu of a right click: commands of the one table that make sense there.

use egui::Ui;
use quantlens_analysis::t;

use crate::{
    action::Action,
    command::Commands,
    document::{Document, Page},
    format,
    views::menu::entry_ui,
};

/// Draws the entries for the selected layers, or for the room between the cards.
pub(super) fn menu_ui(ui: &mut Ui, doc: &Document, on_card: bool, send: &mut Commands) {
    ui.set_min_width(220.0);
    let mut entries = |ui: &mut Ui, actions: &[Action]| {
        for action in actions {
            entry_ui(ui, *action, doc, send);
        }
    };
    if !on_card {
        return entries(
            ui,
            &[
                Action::FrameAll,
                Action::FrameSelection,
                Action::FilterLayers,
                Action::SelectAll,
                Action::ExportFigure,
                Action::CopyImage,
            ],
        );
    }
    let selected = doc.selection.selected.len();
    let title = match &doc.selection.anchor {
        Some(name) if selected < 2 => name.clone(),
        _ => format::plural(selected, "layer"),
    };
    ui.strong(title);
    ui.menu_button(t!("Bits"), |ui| {
        entries(ui, &[Action::Float]);
        entries(ui, &Action::WIDTHS);
    });
    entries(
        ui,
        &[Action::ToggleFloat, Action::PerChannel, Action::PerTensor, Action::ResetSelected, Action::CopyFromPin],
    );
    ui.separator();
    entries(ui, &[Action::FrameSelection, Action::CopyTsv]);
    ui.separator();
    entries(ui, &Page::LAYER.map(Action::ShowPage));
}
