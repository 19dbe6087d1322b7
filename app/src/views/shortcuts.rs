//! The sheet of all keys, read off the table of commands.

use egui::{Grid, RichText, Ui};

use crate::action::{Action, Menu};

/// Draws the sheet in two columns where there is room.
pub fn shortcuts_ui(ui: &mut Ui) {
    let groups: Vec<(&str, Vec<Action>)> = Menu::ALL.into_iter().map(|menu| (menu.title(), actions(menu))).collect();
    let height = (ui.ctx().content_rect().height() - 200.0).clamp(240.0, 640.0);
    egui::ScrollArea::vertical().max_height(height).auto_shrink([false, true]).show(ui, |ui| {
        ui.columns(2, |columns| {
            for (place, (title, actions)) in groups.iter().filter(|(_, actions)| !actions.is_empty()).enumerate() {
                // The two long groups stand side by side.
                let Some(ui) = columns.get_mut(usize::from(place >= 2)) else { continue };
                ui.label(RichText::new(*title).strong());
                Grid::new(*title).num_columns(2).min_col_width(90.0).show(ui, |ui| {
                    for action in actions {
                        row_ui(ui, *action);
                    }
                });
                ui.add_space(8.0);
            }
        });
    });
}

fn row_ui(ui: &mut Ui, action: Action) {
    let keys: Vec<String> = action.shortcuts().iter().map(|key| ui.ctx().format_shortcut(key)).collect();
    ui.label(RichText::new(keys.join("  ")).monospace());
    ui.label(action.title());
    ui.end_row();
}

fn actions(menu: Menu) -> Vec<Action> {
    let in_menu = |action: &Action| action.menu().unwrap_or(Menu::View) == menu && !action.shortcuts().is_empty();
    // Nine lines for nine recent files would hide the rest.
    Action::every().filter(in_menu).filter(|action| !matches!(action, Action::Recent(2..=9))).collect()
}
