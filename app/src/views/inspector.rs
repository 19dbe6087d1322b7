//! The panel at the right: everything about the selected layer, what several selected ones have in common, or with
//! nothing selected where to begin. Edits made here go to every selected layer as one undo step.

use std::sync::Arc;

use egui::{Button, Response, RichText, ScrollArea, Ui, WidgetInfo, vec2};
use quantlens_analysis::{
    metrics::Measure,
    report::{LayerRow, ModelInfo, Report},
    t, text,
};

use super::cells;
use crate::{
    command::{Command, Commands, Part},
    document::Document,
    format,
    memo::{Memo, Same},
    selection::SelectMode,
    spread::{self, Band, FINE_DB},
    theme,
    widgets::{fact, fact_grid, section},
};

mod codes;
pub(super) mod errors;
mod many;
mod one;
mod range;
mod settings;

pub(super) use codes::codes_ui;

/// What this view remembers between frames.
#[derive(Clone, Debug, Default)]
pub struct InspectorState {
    /// Where to begin: the suspects, and how many layers stand in each band.
    begin: Memo<Same<Report>, Begin>,
}

/// Where to begin with a report.
#[derive(Clone, Debug)]
struct Begin {
    suspects: Vec<Suspect>,
    bands: Vec<(Band, usize)>,
    rows: usize,
}

/// A layer to look at first.
#[derive(Clone, Debug)]
struct Suspect {
    name: String,
    local: Measure,
    /// Share of its values that become 0 where the SQNR hides it.
    vanished: Option<f64>,
}

impl Suspect {
    fn of(row: &LayerRow) -> Self {
        let vanished = row.vanished_fraction.filter(|_| row.hides_losses());
        Self { name: row.info.name.clone(), local: row.local.sqnr_db, vanished }
    }
}

impl Begin {
    fn of(report: &Report) -> Self {
        let count = |band: &Band| report.rows.iter().filter(|row| band.holds(row.accumulated.sqnr_db)).count();
        let suspects = spread::suspects(report, 5);
        Self {
            suspects: suspects.into_iter().map(Suspect::of).collect(),
            bands: spread::bands().into_iter().map(|band| (band, count(&band))).collect(),
            rows: report.rows.len(),
        }
    }
}

/// Draws the panel in all the space there is.
pub fn inspector_ui(ui: &mut Ui, doc: &Document, state: &mut InspectorState, send: &mut Commands) {
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        // The bar must not cover the numbers at the right edge.
        ui.set_width(ui.available_width() - 2.0 * theme::GRID);
        let Some(model) = &doc.model else {
            ui.label(RichText::new(t!("What is selected is described here")).color(theme::tokens(ui).weak));
            return;
        };
        if doc.report.is_dimmed(doc.now) {
            ui.multiply_opacity(theme::DIM);
        }
        if doc.selection.selected.is_empty() {
            nothing_ui(ui, doc, model, state, send);
            return;
        }
        // Facts and numbers stand closer than buttons.
        ui.spacing_mut().item_spacing.y = theme::GRID;
        let selected = doc.selected_names();
        match selected.as_slice() {
            [] => {}
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
fn nothing_ui(ui: &mut Ui, doc: &Document, model: &ModelInfo, state: &mut InspectorState, send: &mut Commands) {
    ui.label(RichText::new(&doc.title).strong().size(15.0));
    let facts = [
        fact(
            t!("Layers"),
            format::count(model.layers.len() as u64),
            t!("Rows of the table: computing nodes with what is part of them, and the inputs"),
        ),
        fact(t!("Parameters"), format::count(model.parameters), t!("Numbers in the model's constants")),
        fact(t!("File"), format::bytes(model.file_bytes), t!("Size of the model's file, float")),
    ];
    fact_grid(ui, "inspector model", facts);
    let Some(report) = &doc.report.value else {
        section(ui, t!("Top suspects"));
        ui.label(RichText::new(t!("They stand here once there are numbers")).color(theme::tokens(ui).weak));
        return;
    };
    let begin = state.begin.get(Same(Arc::clone(report)), |report| Begin::of(&report.0));
    if report.samples == 0 {
        section(ui, t!("Top suspects"));
        ui.label(RichText::new(t!("They stand here once there are samples")).color(theme::tokens(ui).weak));
        return;
    }
    suspects_ui(ui, begin, send);
    section(ui, t!("Layers by accumulated error"));
    for (band, count) in &begin.bands {
        band_ui(ui, *band, *count, begin.rows, send);
    }
}

fn suspects_ui(ui: &mut Ui, begin: &Begin, send: &mut Commands) {
    section(ui, t!("Top suspects"));
    if begin.suspects.is_empty() {
        ui.label(t!("No layer errs by itself: all local errors are above {} dB", FINE_DB));
        return;
    }
    let hides = begin.suspects.iter().any(|suspect| suspect.vanished.is_some());
    let words = if hides {
        t!("Losses that the SQNR hides, then the lowest local SQNR")
    } else {
        t!("Lowest local SQNR: what a layer does to itself")
    };
    ui.label(RichText::new(words).color(theme::tokens(ui).weak));
    for suspect in &begin.suspects {
        suspect_ui(ui, suspect, send);
    }
}

/// A row that is one button: name, local error or what it hides.
fn suspect_ui(ui: &mut Ui, suspect: &Suspect, send: &mut Commands) {
    let Suspect { name, local, vanished } = suspect;
    let (told, tint_db, spoken, why) = match (vanished, local) {
        (Some(share), _) => {
            let share = format::number(100.0 * share, 0);
            let told = t!("{} % → 0", share);
            let why =
                t!("Select {}: {} % of its values become 0 beside a few huge ones, which its SQNR hides", name, share);
            (told, Some(0.0), t!("Suspect {}, {} % of its values become 0", name, share), why)
        }
        (None, local) => {
            let tint_db = if let Measure::Value(db) = local { Some(*db) } else { None };
            let db = format::db_unit(*local);
            let spoken = t!("Suspect {}, {} local", name, db);
            (db, tint_db, spoken, t!("Select {}", name))
        }
    };
    let response = wide_button(ui, &spoken);
    let rect = response.rect.shrink2(vec2(2.0 * theme::GRID, 0.0));
    let value = rect.with_min_x(rect.right() - 72.0);
    cells::paint_name(ui, rect.with_max_x(value.left() - theme::GRID), name, theme::tokens(ui).text);
    cells::paint_cell(ui, value, &cells::Cell { text: told, tint_db, ..cells::Cell::default() }, false);
    if response.on_hover_text(why).clicked() {
        send.push(Command::Select { layer: name.clone(), mode: SelectMode::Replace, reveal: true });
    }
}

/// How many layers stand in a band of accumulated error; a click shows them.
fn band_ui(ui: &mut Ui, band: Band, count: usize, of: usize, send: &mut Commands) {
    let title = text::text(band.title);
    let response = wide_button(ui, &t!("{}: {}", title, format::plural(count, "layer")));
    let inside = response.rect.shrink2(vec2(2.0 * theme::GRID, 2.0));
    let track = inside.with_min_y(inside.bottom() - 4.0);
    let bar = track.with_max_x(track.left() + count as f32 / of.max(1) as f32 * track.width());
    ui.painter().rect_filled(track, 1.0, theme::tokens(ui).line.gamma_multiply(0.4));
    ui.painter().rect_filled(bar, 1.0, theme::error_colour(cells::theme_of(ui), band.middle_db));
    let text = inside.with_max_y(track.top());
    let ink = cells::Ink { colour: theme::tokens(ui).text, italic: false, align: egui::Align::Min };
    cells::paint_text(ui, text, title, egui::TextStyle::Body.resolve(ui.style()), ink);
    let ink = cells::Ink { align: egui::Align::Max, ..ink };
    cells::paint_text(ui, text, &format::count(count as u64), theme::number_font(ui), ink);
    if response.on_hover_text(t!("Show only these")).clicked() {
        send.push(Command::SetFilter(band.filter.to_owned()));
    }
}

/// A button over the whole width, on which the caller paints.
fn wide_button(ui: &mut Ui, name: &str) -> Response {
    let response = ui.add_sized(vec2(ui.available_width(), theme::ROW_HEIGHT + theme::GRID), Button::new(""));
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, name));
    response
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
