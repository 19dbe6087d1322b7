//! The row over the graph: what tints the cards, the next hit of the filter, and how near one looks.

use egui::{Align, Button, ComboBox, Layout, Ui, WidgetInfo, vec2};
use quantlens_analysis::t;

use super::GraphViewState;
use crate::{
    action::Action,
    command::{Command, Commands},
    document::Document,
    format, keys, theme,
    views::layer_list::METRICS,
};

/// Draws the row.
pub(super) fn bar_ui(ui: &mut Ui, doc: &Document, state: &mut GraphViewState, send: &mut Commands) {
    let size = vec2(ui.available_width(), theme::ROW_HEIGHT);
    ui.allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = theme::GRID;
        button_ui(ui, Action::FrameAll, t!("Fit"), doc, send);
        button_ui(ui, Action::FrameSelection, t!("Selection"), doc, send);
        zoom_ui(ui, state);
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            tint_ui(ui, doc, state, send);
            find_ui(ui, doc, send);
        });
    });
}

fn button_ui(ui: &mut Ui, action: Action, text: &str, doc: &Document, send: &mut Commands) {
    let refusal = action.refusal(doc);
    let response = ui.add_enabled(refusal.is_none(), Button::new(text));
    let title = action.title();
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Button, refusal.is_none(), &title));
    let hover = format!("{} ({})", action.hint(), keys::text(ui.ctx(), action));
    let response = response.on_hover_text(hover);
    if response.on_disabled_hover_text(refusal.unwrap_or_default()).clicked() {
        send.run(action);
    }
}

fn zoom_ui(ui: &mut Ui, state: &mut GraphViewState) {
    let Some((camera, (_, drawing))) = state.camera.as_mut().zip(state.shown.as_ref()) else { return };
    let mut factor = 1.0;
    let square = vec2(theme::ROW_HEIGHT, theme::ROW_HEIGHT);
    for (text, name, by) in [("+", t!("Zoom in"), 1.25), ("−", t!("Zoom out"), 0.8)] {
        let button = ui.add(Button::new(text).min_size(square));
        button.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, name));
        if button.on_hover_text(t!("{} (wheel)", name)).clicked() {
            factor = by;
        }
    }
    let view = egui::Rect::from_center_size(camera.centre, vec2(400.0, 400.0));
    if factor != 1.0 {
        camera.zoom_at(view, view.center(), factor, drawing.bounds());
    }
    let percent =
        format!("{} %", format::number(f64::from(100.0 * camera.zoom), if camera.zoom < 0.1 { 1 } else { 0 }));
    if ui.available_width() > 330.0 {
        ui.weak(percent).on_hover_text(t!("How large the cards are drawn; from 80 % on everything is written on them"));
    }
}

fn tint_ui(ui: &mut Ui, doc: &Document, state: &mut GraphViewState, send: &mut Commands) {
    let now = doc.pages.list_metric.0;
    let combo = ComboBox::from_id_salt("graph metric").selected_text(now.title()).width(88.0);
    let combo = combo.show_ui(ui, |ui| {
        for column in METRICS {
            if ui.selectable_label(column == now, column.title()).clicked() && column != now {
                send.push(Command::ListMetric(column));
            }
        }
    });
    let name = t!("Metric of the tint: {}", now.title());
    combo.response.widget_info(|| WidgetInfo::labeled(egui::Role::ComboBox, true, &name));
    combo.response.on_hover_text(t!("What tints the cards and stands on them; also the metric of the list"));
    let toggle = ui.toggle_value(&mut state.fitted, t!("Fit colours"));
    toggle.on_hover_text(t!("End the colours at the best and the worst layer instead of at fixed values"));
    if let Some(pin) = doc.pins.baseline().filter(|_| doc.pins.comparison.is_some()) {
        let mut shown = !state.hides_deltas;
        let toggle = ui.toggle_value(&mut shown, "Δ").on_hover_text(t!("Tint by the difference to {}", pin.name));
        toggle.widget_info(|| WidgetInfo::selected(egui::Role::Button, true, shown, t!("Differences")));
        state.hides_deltas = !shown;
    }
}

/// With a filter: how many cards fit, and the way from one to the next. Without: the way to one.
fn find_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    let square = vec2(theme::ROW_HEIGHT, theme::ROW_HEIGHT);
    if doc.filter.text.is_empty() {
        let key = keys::text(ui.ctx(), Action::FilterLayers);
        if ui
            .button(t!("Find…"))
            .on_hover_text(t!("Filter the layers; cards that do not fit are dimmed ({})", key))
            .clicked()
        {
            send.run(Action::FilterLayers);
        }
        return;
    }
    for (text, action) in [("◀", Action::PreviousMatch), ("▶", Action::NextMatch)] {
        let refusal = action.refusal(doc);
        let button = ui.add_enabled(refusal.is_none(), Button::new(text).min_size(square));
        let title = action.title();
        button.widget_info(|| WidgetInfo::labeled(egui::Role::Button, refusal.is_none(), &title));
        if button.on_hover_text(format!("{title} ({})", keys::text(ui.ctx(), action))).clicked() {
            send.run(action);
        }
    }
    if ui.available_width() > 70.0 {
        ui.weak(match_text(doc)).on_hover_text(t!("Which of the cards that fit the filter is selected"));
    }
}

/// "3 of 11", or "11 found" while none of them is selected.
fn match_text(doc: &Document) -> String {
    let layers = doc.layers();
    let lead = doc.selection.lead.as_deref();
    let at = doc.visible.iter().position(|index| layers.get(*index).map(|layer| layer.name.as_str()) == lead);
    match at.filter(|_| lead.is_some()) {
        Some(at) => t!("{} of {}", at + 1, doc.visible.len()),
        None => t!("{} found", doc.visible.len()),
    }
}
