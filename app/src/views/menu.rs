//! The menu bar and the one way a command of the table becomes a menu entry or a button.

use egui::{Button, MenuBar, Response, Ui};
use quantlens_analysis::t;

use crate::{
    action::{Action, Menu},
    command::{Command, Commands},
    document::Document,
    keys,
};

/// Draws the menus in a row, and what is open behind them.
pub fn menu_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    // The bar takes the whole width, so the title has to stand inside.
    MenuBar::new().ui(ui, |ui| {
        for menu in Menu::ALL {
            ui.menu_button(menu.title(), |ui| {
                ui.set_min_width(240.0);
                entries_ui(ui, menu, doc, send);
            });
        }
        if doc.model.is_some() {
            ui.separator();
            let layers = crate::format::plural(doc.layers().len(), "layer");
            let text = t!("{} · {} · target {}", doc.title, layers, doc.config.target);
            let path = doc.model.as_ref().map_or_else(String::new, |model| model.path.display().to_string());
            ui.add(egui::Label::new(text).truncate())
                .on_hover_text(t!("The open model ({}), its layers, and what it is quantized for", path));
        }
    });
}

fn entries_ui(ui: &mut Ui, menu: Menu, doc: &Document, send: &mut Commands) {
    for action in Action::ALL.into_iter().filter(|action| action.menu() == Some(menu)) {
        match action {
            // One entry that opens the list stands for the nine.
            Action::Recent(1) => {
                ui.menu_button(t!("Recent files"), |ui| recent_ui(ui, doc, send));
                continue;
            }
            Action::Recent(_) => continue,
            Action::Float => {
                ui.separator();
                ui.menu_button(t!("Bits"), |ui| {
                    for width in [Action::Float].into_iter().chain(Action::WIDTHS) {
                        entry_ui(ui, width, doc, send);
                    }
                });
                continue;
            }
            _ => {}
        }
        if action.begins_group() {
            ui.separator();
        }
        entry_ui(ui, action, doc, send);
    }
}

fn recent_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    ui.set_min_width(260.0);
    if doc.recent.is_empty() {
        ui.weak(t!("No recent files"));
    }
    for (place, path) in doc.recent.iter().enumerate() {
        let name = path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
        let key = u8::try_from(place + 1).ok().map_or_else(String::new, |n| keys::text(ui.ctx(), Action::Recent(n)));
        let is_there = path.exists();
        let response = ui.add_enabled(is_there, Button::new(name).shortcut_text(key));
        let response = response.on_hover_text(path.display().to_string());
        if response.on_disabled_hover_text(t!("{} is gone", path.display())).clicked() {
            send.push(Command::OpenModel(path.clone()));
        }
        if !is_there && ui.small_button(t!("Remove from the list")).clicked() {
            send.push(Command::ForgetRecent(path.clone()));
        }
    }
}

/// A menu entry: title of now, tick, shortcut; grey with the reason where it cannot be used.
pub fn entry_ui(ui: &mut Ui, action: Action, doc: &Document, send: &mut Commands) -> Response {
    let refusal = action.refusal(doc);
    let tick = match action.is_checked(doc) {
        Some(true) => "✓ ",
        Some(false) => "    ",
        None => "",
    };
    let text = format!("{tick}{}", action.title_now(doc));
    let button = Button::new(text).shortcut_text(keys::text(ui.ctx(), action));
    let response = explain(ui.add_enabled(refusal.is_none(), button), action, refusal);
    if response.clicked() {
        send.run(action);
        // A menu closes by itself after the pointer's clicks only, not after Enter.
        ui.close();
    }
    response
}

/// A push button for an action, with its tooltip.
pub fn action_button(ui: &mut Ui, action: Action, doc: &Document, send: &mut Commands) -> Response {
    let refusal = action.refusal(doc);
    let button = Button::new(action.title_now(doc));
    let response = explain(ui.add_enabled(refusal.is_none(), button), action, refusal);
    if response.clicked() {
        send.run(action);
    }
    response
}

/// Adds the hint and the keys, or the reason why it is disabled.
fn explain(response: Response, action: Action, refusal: Option<&str>) -> Response {
    if let Some(reason) = refusal {
        return response.on_disabled_hover_text(reason);
    }
    let key = keys::text(&response.ctx, action);
    match (action.hint(), key.as_str()) {
        ("", "") => response,
        (hint, "") => response.on_hover_text(hint),
        ("", key) => response.on_hover_text(key),
        (hint, key) => response.on_hover_text(format!("{hint} ({key})")),
    }
}
