//! One sample's output of the selected layer as pictures: float, quantized, and the error between, the worst channel first.
//!
//! Float and quantized of a channel share one scale of greys; all errors share another, so that a channel without error
//! looks like one. Only the rows on screen are laid out and uploaded.

mod cell;
mod data;
mod file;
#[cfg(test)]
mod tests;
mod textures;

use std::sync::Arc;

use egui::{Rect, RichText, ScrollArea, Sense, Ui, vec2};
use quantlens_analysis::{
    report::{FeatureMap, FeatureMaps, SampleScope},
    t, text,
};

pub use self::{data::maps_data, file::maps_tiles};

use self::{cell::Shape, textures::Textures};
use super::{
    figures::{figure_menu, figure_ui},
    layer_page::{missing_ui, row_heading_ui},
};
use crate::{
    command::{Command, Commands},
    document::Document,
    figure::{Axis, Bar, FigureSpec, Ink, Series, Shape as FigureShape},
    format, theme,
    widgets::{EmptyState, empty_state},
};

/// Up to so many values, a row of values is drawn as bars.
const BARS: usize = 512;
/// Height of a chart of values, in points.
const CHART_HEIGHT: f32 = 190.0;

/// What this view remembers between frames.
#[derive(Clone, Debug, Default)]
pub struct MapsState {
    textures: Textures,
}

/// Draws the view.
pub fn maps_ui(ui: &mut Ui, doc: &Document, state: &mut MapsState, send: &mut Commands) {
    let Some(maps) = shown(doc) else {
        return missing_ui(ui, doc, doc.maps.pending_since.is_some(), send);
    };
    if doc.maps.is_dimmed(doc.now) {
        ui.set_opacity(theme::DIM);
    }
    row_heading_ui(ui, &t!("Output of {}", maps.layer), doc.row_of(&maps.layer), send);
    sample_ui(ui, doc, maps, send);
    if let Some(why) = maps.why_none {
        let title = t!("{} has no maps", maps.layer);
        let reason = t!("{}.", format::sentence(text::text(why)));
        return empty_state(ui, EmptyState { title: &title, reason: &reason }, |_| {});
    }
    ui.label(sentence(maps));
    if is_charts(maps) {
        return rows_ui(ui, doc, maps, send);
    }
    scale_ui(ui, maps);
    state.textures.follow(maps, super::cells::theme_of(ui));
    grid_ui(ui, doc, maps, &mut state.textures, send);
}

/// Which sample, and the way to another.
fn sample_ui(ui: &mut Ui, doc: &Document, maps: &FeatureMaps, send: &mut Commands) {
    let scope = scope_of(doc, maps);
    let of = scope.of;
    ui.horizontal_wrapped(|ui| {
        ui.label(format::sentence(&format::scope(&scope)));
        ui.separator();
        if doc.scope.is_some() {
            ui.label(RichText::new(t!("the one that the window shows")).color(theme::tokens(ui).weak));
            return;
        }
        let is_worst = doc.maps_sample.is_none();
        let worst = ui.selectable_label(is_worst, t!("Worst here"));
        if worst.on_hover_text(t!("The sample with the largest error here")).clicked() {
            send.push(Command::MapsSample(None));
        }
        let next = Some(maps.sample + 1).filter(|next| *next < of);
        let steps = [
            (t!("Previous"), t!("Previous sample"), maps.sample.checked_sub(1)),
            (t!("Next"), t!("Next sample"), next),
        ];
        for (name, hint, to) in steps {
            let button = ui.add_enabled(to.is_some(), egui::Button::new(name));
            if button.on_hover_text(hint).clicked() {
                send.push(Command::MapsSample(to));
            }
        }
    });
}

/// Which sample it is, of how many.
fn scope_of(doc: &Document, maps: &FeatureMaps) -> SampleScope {
    let of = doc.data.as_ref().map_or(maps.sample + 1, |data| data.samples);
    SampleScope { index: maps.sample, of, name: maps.sample_name.clone() }
}

/// "64 of 1 280 channels, largest error first; every 2nd value of every 2nd row".
fn sentence(maps: &FeatureMaps) -> String {
    let shown = maps.maps.len();
    let what = match maps.shape.len() {
        0..=2 => "row",
        4 => "channel",
        _ => "map",
    };
    let shape = maps.shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" × ");
    let mut words = vec![t!("{0} of {1}", format::db_unit(maps.errors.sqnr_db), shape)];
    if shown < maps.total {
        words.push(t!("{} of {}, largest error first", format::count(shown as u64), format::plural(maps.total, what)));
    } else if shown > 1 {
        words.push(t!("{}, largest error first", format::plural(shown, what)));
    }
    if maps.step > 1 {
        words.push(t!("one value in {0} of one row in {0} is drawn", maps.step));
    }
    words.join(t!("; "))
}

/// What the colours mean.
fn scale_ui(ui: &mut Ui, maps: &FeatureMaps) {
    let theme = super::cells::theme_of(ui);
    let weak = theme::tokens(ui).weak;
    let most = format::significant(f64::from(maps.max_abs_error), 3);
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(t!("Float, quantized")).color(weak))
            .on_hover_text(t!("Both on the scale beside the name"));
        bar_ui(ui, theme::value_colour);
        ui.label(RichText::new(t!("and error, −{}", most)).color(weak));
        bar_ui(ui, |t| theme::signed_colour(theme, 2.0 * t - 1.0)).on_hover_text(t!("The same scale for all"));
        ui.label(RichText::new(format!("+{most}")).color(weak));
    });
}

fn bar_ui(ui: &mut Ui, colour: impl Fn(f32) -> egui::Color32) -> egui::Response {
    let (rect, response) = ui.allocate_exact_size(vec2(72.0, 12.0), Sense::hover());
    const STEPS: u8 = 24;
    for i in 0..STEPS {
        let (from, to) = (f32::from(i) / f32::from(STEPS), f32::from(i + 1) / f32::from(STEPS));
        let part =
            Rect::from_x_y_ranges(rect.left() + from * rect.width()..=rect.left() + to * rect.width(), rect.y_range());
        ui.painter().rect_filled(part, 0.0, colour(f32::from(i) / f32::from(STEPS - 1)));
    }
    ui.painter().rect_stroke(rect, 0.0, (1.0, theme::tokens(ui).line), egui::StrokeKind::Outside);
    response
}

fn grid_ui(ui: &mut Ui, doc: &Document, maps: &FeatureMaps, textures: &mut Textures, send: &mut Commands) {
    let shape = Shape::of(maps, ui.available_width() - 12.0);
    ui.spacing_mut().item_spacing = vec2(shape.gap, 2.0 * theme::GRID);
    let rows = maps.maps.len().div_ceil(shape.columns);
    ScrollArea::vertical().auto_shrink(false).show_rows(ui, shape.cell.y, rows, |ui, range| {
        let shown = (0..maps.maps.len()).skip(range.start * shape.columns).take(range.len() * shape.columns);
        let shown: Vec<usize> = shown.collect();
        for row in shown.chunks(shape.columns) {
            ui.horizontal(|ui| {
                for &index in row {
                    let textures = textures.of(ui.ctx(), maps, index);
                    let cell = cell::cell_ui(ui, maps, index, &shape, textures);
                    figure_menu(&cell, 0, doc, send);
                }
            });
        }
    });
}

/// Rows of few values: bars for the float run, dots for the quantized one, and the errors below.
fn rows_ui(ui: &mut Ui, doc: &Document, maps: &FeatureMaps, send: &mut Commands) {
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        for (place, spec) in row_specs(maps).iter().enumerate() {
            figure_ui(ui, spec, CHART_HEIGHT, place, doc, send);
        }
    });
}

/// The figures on the page, for saving; none while there are none.
pub fn maps_figures(doc: &Document) -> Vec<FigureSpec> {
    shown(doc).filter(|maps| is_charts(maps)).map(|maps| row_specs(maps)).unwrap_or_default()
}

/// The selected layer's maps, once they are here.
fn shown(doc: &Document) -> Option<&Arc<FeatureMaps>> {
    let name = doc.selection.anchor.as_deref();
    doc.maps.value.as_ref().filter(|maps| Some(maps.layer.as_str()) == name)
}

/// Rows of few values are drawn as charts, not as pictures.
fn is_charts(maps: &FeatureMaps) -> bool {
    maps.is_rows() && maps.width <= BARS
}

fn row_specs(maps: &FeatureMaps) -> Vec<FigureSpec> {
    maps.maps.iter().flat_map(|map| [values_spec(maps, map), error_spec(maps, map)]).collect()
}

fn bars(values: &[f32], step: usize) -> FigureShape {
    let bar = |(i, value): (usize, &f32)| {
        let value = f64::from(*value);
        Bar { name: (i * step).to_string(), x: i as f64, low: value.min(0.0), high: value.max(0.0) }
    };
    FigureShape::Bars {
        bars: values.iter().enumerate().filter(|(_, v)| v.is_finite()).map(bar).collect(),
        width: 0.7,
        filled: true,
    }
}

fn axis(maps: &FeatureMaps) -> Axis {
    Axis { whole: true, ..Axis::linear(t!("value"), -0.6, maps.width as f64 - 0.4) }
}

fn values_spec(maps: &FeatureMaps, map: &FeatureMap) -> FigureSpec {
    let finite = map.quantized.iter().enumerate().filter(|(_, v)| v.is_finite());
    let dots = finite.map(|(i, value)| [i as f64, f64::from(*value)]).collect();
    let (low, high) = (f64::from(map.low.min(0.0)), f64::from(map.high.max(0.0)));
    let room = 0.04 * (high - low);
    let series = |name: &str, ink, shape| Series { name: name.into(), ink, shape };
    FigureSpec {
        kind: "maps-values",
        title: t!("Output of {}, {}", maps.layer, maps.name(map)),
        stamp: t!("sample {}", format::count(maps.sample as u64 + 1)),
        x: axis(maps),
        y: Axis::linear(t!("output"), low - room, high + room),
        series: vec![
            series(t!("float"), Ink::Float, bars(&map.float, maps.step)),
            series(t!("quantized"), Ink::Quantized, FigureShape::Dots { points: dots }),
        ],
        marks: Vec::new(),
        spans: Vec::new(),
        handles: Vec::new(),
        summary: t!(
            "{}: {}, {} … {}",
            format::sentence(&maps.name(map)),
            format::db_unit(map.sqnr_db),
            format::significant(f64::from(map.low), 3),
            format::significant(f64::from(map.high), 3)
        ),
    }
}

fn error_spec(maps: &FeatureMaps, map: &FeatureMap) -> FigureSpec {
    let errors = map.errors();
    let most = f64::from(maps.max_abs_error);
    FigureSpec {
        kind: "maps-errors",
        title: t!("Error of {}, {}", maps.layer, maps.name(map)),
        y: Axis::linear(t!("error"), -1.05 * most, 1.05 * most),
        series: vec![Series { name: t!("error").into(), ink: Ink::Suspect, shape: bars(&errors, maps.step) }],
        summary: t!("Errors up to {}", format::significant(most, 3)),
        ..values_spec(maps, map)
    }
}
