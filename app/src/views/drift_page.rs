//! The drift as a page: accumulated error over depth with what each layer inherits and introduces, the pinned baseline
//! beside it, and in words where the error falls and which layers add most.

use egui::{RichText, ScrollArea, Ui};
use quantlens_analysis::{
    metrics::{Errors, Measure},
    report::{LayerRow, Report},
    t,
};

use super::{figures::figure_ui, layer_page::chart_height, share::drift_spec};
use crate::{
    action::Action,
    command::{Command, Commands},
    document::Document,
    figure::{FigureSpec, Ink, Mark, Series, Shape, Stroke},
    format,
    selection::SelectMode,
    theme,
    widgets::{EmptyState, empty_state, section},
};

/// More points than a screen has columns would only cost time; the worst of each stretch stands for it.
const POINTS: usize = 1200;
/// Layers named in a list.
const NAMED: usize = 5;

/// What this view remembers between frames.
#[derive(Clone, Copy, Debug)]
pub struct DriftPageState {
    /// What layers inherit is drawn.
    pub inherited: bool,
    /// What they introduce is drawn.
    pub introduced: bool,
}

impl Default for DriftPageState {
    fn default() -> Self {
        Self { inherited: true, introduced: true }
    }
}

/// Draws the view.
pub fn drift_page_ui(ui: &mut Ui, doc: &Document, state: &mut DriftPageState, send: &mut Commands) {
    let (Some(report), Some(spec)) = (doc.report.value.as_deref(), drift_figure(doc, state)) else {
        let words = EmptyState {
            title: t!("No numbers yet"),
            reason: t!("The error over depth appears here as soon as the first sample has run"),
        };
        return empty_state(ui, words, |_| {});
    };
    if doc.report.is_dimmed(doc.now) {
        ui.set_opacity(theme::DIM);
    }
    ui.horizontal(|ui| {
        ui.heading(&spec.title);
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if ui.button(Action::ExportFigure.title()).clicked() {
                send.run(Action::ExportFigure);
            }
        });
    });
    ui.horizontal_wrapped(|ui| {
        ui.checkbox(&mut state.inherited, t!("Inherited"));
        ui.checkbox(&mut state.introduced, t!("Introduced"));
    });
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        let height = chart_height(ui, 0.62, 60.0);
        let _ = figure_ui(ui, &spec, height, 0, doc, send);
        added_ui(ui, report, send);
        falls_ui(ui, report, send);
    });
}

/// The figure on the page, for saving; `None` while there is none.
pub fn drift_figure(doc: &Document, state: &DriftPageState) -> Option<FigureSpec> {
    let report = doc.report.value.as_deref().filter(|report| !report.rows.is_empty())?;
    let name = doc.pins.baseline().map(|pin| pin.name.as_str());
    let pinned = doc.baseline().filter(|pinned| pinned.config != report.config);
    let mut spec = drift_spec(report, name.zip(pinned.map(|pinned| &**pinned)));
    let top = spec.y.bounds.1;
    let line = |name: &str, ink, stroke, of: fn(&LayerRow) -> &Errors| Series {
        name: name.to_owned(),
        ink,
        shape: Shape::Line { points: points(report, top, of), stroke },
    };
    // Under the accumulated error, which is read first.
    let mut place = 1;
    if state.inherited {
        spec.series.insert(place, line(t!("inherited error"), Ink::Float, Stroke::Dotted, |row| &row.inherited));
        place += 1;
    }
    if state.introduced {
        spec.series.insert(place, line(t!("introduced error"), Ink::Suspect, Stroke::Dashed, |row| &row.introduced));
    }
    let bottom = spec.y.bounds.0;
    let edited: Vec<[f64; 2]> =
        report.rows.iter().filter(|row| row.edited).map(|r| [r.info.index as f64, bottom]).collect();
    if !edited.is_empty() {
        let name = t!("set otherwise than the defaults").to_owned();
        spec.series.push(Series { name, ink: Ink::Alternative, shape: Shape::Dots { points: edited } });
    }
    let anchor = doc.selection.anchor.as_deref().and_then(|name| doc.layer(name));
    spec.marks = anchor
        .map(|layer| Mark {
            x: layer.index as f64,
            label: layer.name.clone(),
            ink: Ink::Current,
            stroke: Stroke::Dotted,
        })
        .into_iter()
        .collect();
    Some(spec)
}

/// `[layer, SQNR]`; an exact layer stands at the top, one without a number leaves a gap.
fn points(report: &Report, top: f64, of: fn(&LayerRow) -> &Errors) -> Vec<[f64; 2]> {
    let level = |row: &LayerRow| match of(row).sqnr_db {
        Measure::Value(db) => db.min(top),
        Measure::Exact => top,
        Measure::NotApplicable(_) => f64::NAN,
    };
    let all: Vec<[f64; 2]> = report.rows.iter().enumerate().map(|(place, row)| [place as f64, level(row)]).collect();
    let stretch = all.len().div_ceil(POINTS).max(1);
    let worst = |points: &[[f64; 2]]| points.iter().copied().min_by(|a, b| a[1].total_cmp(&b[1]));
    all.chunks(stretch).filter_map(worst).collect()
}

/// The layers that introduce most.
fn added_ui(ui: &mut Ui, report: &Report, send: &mut Commands) {
    let mut rows: Vec<(&LayerRow, f64)> =
        report.rows.iter().filter_map(|row| Some((row, row.introduced.sqnr_db.value()?))).collect();
    if rows.is_empty() {
        return;
    }
    rows.sort_by(|a, b| a.1.total_cmp(&b.1));
    section(ui, t!("Layers that introduce most"));
    for (row, db) in rows.into_iter().take(NAMED) {
        let why = t!(
            "{}, of what its own quantizers add to the error that it receives",
            format::noise_words(row.introduced.sqnr_db).unwrap_or_default()
        );
        layer_ui(ui, row, (&format!("{} dB", format::number(db, 1)), &why), send);
    }
}

/// Where the error falls, and why.
fn falls_ui(ui: &mut Ui, report: &Report, send: &mut Commands) {
    let mut falls = report.rows.iter().filter_map(|row| Some((row, row.why_falls.as_ref()?))).peekable();
    if falls.peek().is_none() {
        return;
    }
    section(ui, t!("Where the error falls, and why"));
    for (row, note) in falls {
        let why =
            t!("The accumulated SQNR is {} here, higher than before it", format::db_unit(row.accumulated.sqnr_db));
        layer_ui(ui, row, (&note.sentence(), &why), send);
    }
}

/// A layer's name as a link that selects it, with words behind it and what they mean.
fn layer_ui(ui: &mut Ui, row: &LayerRow, (words, why): (&str, &str), send: &mut Commands) {
    ui.horizontal_wrapped(|ui| {
        let name = row.info.name.clone();
        if ui.link(RichText::new(&name).strong()).clicked() {
            send.push(Command::Select { layer: name, mode: SelectMode::Replace, reveal: true });
        }
        ui.label(words).on_hover_text(why);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::fixtures;

    #[test]
    fn the_figure_has_what_is_switched_on_and_marks_the_selected_layer() {
        let mut doc = fixtures::document(fixtures::report());
        let names = |doc: &Document, state: &DriftPageState| -> Vec<String> {
            drift_figure(doc, state).unwrap().series.into_iter().map(|series| series.name).collect()
        };
        let state = DriftPageState::default();
        let all = ["local error (from the top)", "inherited error", "introduced error", "accumulated error"];
        assert_eq!(names(&doc, &state)[..4], all);
        let few = names(&doc, &DriftPageState { inherited: false, introduced: false });
        assert!(!few.iter().any(|name| name.contains("inherited") || name.contains("introduced")), "{few:?}");
        doc.selection.replace(["block2/depthwise".to_owned()]);
        let marks = drift_figure(&doc, &state).unwrap().marks;
        assert_eq!(marks.iter().map(|mark| mark.label.as_str()).collect::<Vec<_>>(), ["block2/depthwise"]);
    }

    #[test]
    fn a_large_model_is_cut_to_the_worst_of_each_stretch() {
        let report = fixtures::large(5000);
        let points = points(&report, 60.0, |row| &row.accumulated);
        assert!(points.len() <= POINTS);
        let lowest = |values: &mut dyn Iterator<Item = f64>| values.fold(f64::INFINITY, f64::min);
        let all = lowest(&mut report.rows.iter().filter_map(|row| row.accumulated.sqnr_db.value()));
        assert_eq!(lowest(&mut points.iter().map(|point| point[1])), all);
    }
}
