//! The panel at the right: everything about the selected layer, what several selected ones have in common, or with
//! nothing selected where to begin. Edits made here go to every selected layer as one undo step.

use egui::{Button, RichText, ScrollArea, Ui, WidgetInfo, vec2};
use quantlens_analysis::report::{LayerRow, ModelInfo, Report};

use super::cells;
use crate::{
    command::{Command, Commands, Part},
    document::Document,
    format,
    selection::SelectMode,
    spread::{self, FINE_DB},
    theme,
    widgets::{fact_grid, section},
};

mod errors;
mod many;
mod one;
mod settings;

/// What this view remembers between frames: nothing.
#[derive(Clone, Debug, Default)]
pub struct InspectorState {}

/// Draws the panel in all the space there is.
pub fn inspector_ui(ui: &mut Ui, doc: &Document, _state: &mut InspectorState, send: &mut Commands) {
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        // The bar must not cover the numbers at the right edge.
        ui.set_width(ui.available_width() - 2.0 * theme::GRID);
        let Some(model) = &doc.model else {
            ui.label(RichText::new("What is selected is described here").color(theme::tokens(ui).weak));
            return;
        };
        if doc.report.is_dimmed(doc.now) {
            ui.multiply_opacity(theme::DIM);
        }
        let selected = doc.selected_names();
        match selected.as_slice() {
            [] => nothing_ui(ui, doc, model, send),
            [name] => {
                if let Some(info) = doc.layer(name) {
                    one::one_ui(ui, doc, info, send);
                }
            }
            many => many::many_ui(ui, doc, many, send),
        }
    });
}

/// The model in a few facts, and the layers to look at first.
fn nothing_ui(ui: &mut Ui, doc: &Document, model: &ModelInfo, send: &mut Commands) {
    ui.label(RichText::new(&doc.title).strong().size(15.0));
    let facts = [
        ("Layers", format::count(model.layers.len() as u64)),
        ("Parameters", format::count(model.parameters)),
        ("File", format::bytes(model.file_bytes)),
    ];
    fact_grid(ui, "inspector model", facts);
    let Some(report) = &doc.report.value else {
        section(ui, "Top suspects");
        ui.label(RichText::new("They stand here once there are numbers").color(theme::tokens(ui).weak));
        return;
    };
    suspects_ui(ui, report, send);
    section(ui, "Layers by accumulated error");
    bands_ui(ui, report, send);
}

fn suspects_ui(ui: &mut Ui, report: &Report, send: &mut Commands) {
    section(ui, "Top suspects");
    let suspects = spread::suspects(report, 5);
    let weak = theme::tokens(ui).weak;
    if suspects.is_empty() {
        ui.label(format!("No layer errs by itself: all local errors are above {FINE_DB} dB"));
        return;
    }
    ui.label(RichText::new("Lowest local SQNR: what a layer does to itself").color(weak));
    for row in suspects {
        suspect_ui(ui, row, send);
    }
}

/// A row that is one button: name, local error.
fn suspect_ui(ui: &mut Ui, row: &LayerRow, send: &mut Commands) {
    let size = vec2(ui.available_width(), theme::ROW_HEIGHT);
    let response = ui.add_sized(size, Button::new(""));
    let name = &row.info.name;
    let db = format::db_unit(row.local.sqnr_db);
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, format!("Suspect {name}, {db} local")));
    let rect = response.rect.shrink2(vec2(theme::GRID, 0.0));
    let value = rect.with_min_x(rect.right() - 68.0);
    cells::paint_name(ui, rect.with_max_x(value.left() - theme::GRID), name, theme::tokens(ui).text);
    let cell = cells::Cell {
        text: db,
        tint_db: if let quantlens_analysis::metrics::Measure::Value(db) = row.local.sqnr_db { Some(db) } else { None },
        ..cells::Cell::default()
    };
    cells::paint_cell(ui, value, &cell, false);
    if response.on_hover_text(format!("Select {name}")).clicked() {
        send.push(Command::Select { layer: name.clone(), mode: SelectMode::Replace, reveal: true });
    }
}

/// How many layers stand in each band of accumulated error; a click shows them.
fn bands_ui(ui: &mut Ui, report: &Report, send: &mut Commands) {
    for band in spread::BANDS {
        let count = report.rows.iter().filter(|row| band.holds(row.accumulated.sqnr_db)).count();
        let share = count as f32 / report.rows.len().max(1) as f32;
        let text = format!("{}: {}", band.title, format::plural(count, "layer"));
        let size = vec2(ui.available_width(), theme::ROW_HEIGHT);
        let response = ui.add_sized(size, Button::new(""));
        response.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, &text));
        let rect = response.rect.shrink(2.0);
        let bar = rect.with_max_x(rect.left() + share * rect.width());
        let colour = theme::error_colour(cells::theme_of(ui), band.middle_db);
        ui.painter().rect_filled(bar.with_min_y(bar.bottom() - 4.0), 1.0, colour);
        let ink = cells::Ink { colour: theme::tokens(ui).text, italic: false, align: egui::Align::Min };
        let inside = rect.shrink2(vec2(theme::GRID, 0.0));
        let font = egui::TextStyle::Body.resolve(ui.style());
        cells::paint_text(ui, inside, band.title, font, ink);
        let right = cells::Ink { align: egui::Align::Max, ..ink };
        cells::paint_text(ui, inside, &format::count(count as u64), theme::number_font(ui), right);
        if response.on_hover_text("Show only these").clicked() {
            send.push(Command::SetFilter(band.filter.to_owned()));
        }
    }
}

/// What an edit of `layers` also changes: members of shared settings that are not among them.
fn also_changed(doc: &Document, layers: &[String], part: Part) -> Vec<String> {
    let mut others = std::collections::BTreeSet::new();
    for info in layers.iter().filter_map(|name| doc.layer(name)) {
        if let cells::Editable::Shared(names) = cells::editable(part, info) {
            others.extend(names);
        }
    }
    others.into_iter().filter(|name| !layers.contains(name)).collect()
}
