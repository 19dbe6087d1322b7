//! The strip over the pages: how the error builds up with depth. A line for the accumulated error, a bar hanging from
//! the top for each layer's own, dashes for the pinned baseline.
//!
//! Bars hang from the top edge because decibels are a distance from "exact": the longer the bar, the worse the layer,
//! and a long bar above a falling line is the layer that did it.

use std::{collections::BTreeMap, sync::Arc};

use egui::{Modifiers, PopupAnchor, Response, RichText, Sense, Tooltip, Ui, vec2};
use egui_plot::{AxisHints, GridMark, LineStyle, Plot, PlotTransform};
use quantlens_analysis::{
    report::{LayerRow, Report},
    t,
};

use super::cells::{self, theme_of};
use crate::{
    command::{Command, Commands},
    document::Document,
    format,
    memo::{Memo, Same},
    rows::Column,
    selection::SelectMode,
    theme,
};

mod brush;
mod draw;
pub mod shape;

use draw::{Mark, Pen};
use shape::Scale;

/// What this view remembers between frames.
#[derive(Clone, Debug, Default)]
pub struct DriftState {
    /// The pointer was over the strip in the last frame, so that leaving it is noticed.
    hovering: bool,
    /// A stretch being brushed.
    drag: brush::Drag,
    /// What is drawn, made anew only for another report, baseline or width.
    shapes: Memo<Key, Shapes>,
}

/// The report, the pinned baseline, the width in points.
type Key = (Same<Report>, Option<Same<Report>>, usize);

/// All that the strip draws of a report.
#[derive(Clone, Debug)]
struct Shapes {
    scale: Scale,
    bars: Vec<shape::Bar>,
    falls: Vec<[f64; 2]>,
    curve: shape::Curve,
    pinned: Option<shape::Curve>,
    summary: String,
    /// Row index by layer name, for the marks of the selection.
    places: BTreeMap<String, usize>,
}

impl Shapes {
    fn of((report, pinned, columns): &Key) -> Self {
        let (report, pinned) = (&*report.0, pinned.as_ref().map(|pinned| &*pinned.0));
        let shown: Vec<&Report> = std::iter::once(report).chain(pinned).collect();
        let scale = Scale::of(&shown);
        Self {
            scale,
            bars: shape::bars(report, scale, *columns),
            falls: shape::falls(report, scale),
            curve: shape::curve(report, scale, *columns),
            pinned: pinned.map(|pinned| shape::curve(pinned, scale, *columns)),
            summary: shape::summary(report),
            places: report.rows.iter().enumerate().map(|(place, row)| (row.info.name.clone(), place)).collect(),
        }
    }
}

/// Draws the strip in all the space there is.
pub fn drift_ui(ui: &mut Ui, doc: &Document, state: &mut DriftState, send: &mut Commands) {
    let Some(report) = doc.report.value.as_ref().filter(|report| !report.rows.is_empty()) else {
        empty_ui(ui, doc);
        return;
    };
    if doc.report.is_dimmed(doc.now) {
        ui.multiply_opacity(theme::DIM);
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a width in points, cut at one")]
    let columns = ui.available_width().max(1.0) as usize;
    let pinned = doc.baseline().filter(|pinned| !Arc::ptr_eq(pinned, report));
    let key = (Same(Arc::clone(report)), pinned.map(|pinned| Same(Arc::clone(pinned))), columns);
    let shapes = state.shapes.get(key, Shapes::of);
    let line = ui.text_style_height(&egui::TextStyle::Body) + theme::GRID;
    let height = (ui.available_height() - line - ui.spacing().item_spacing.y).max(24.0);
    let output = plot_ui(ui, doc, report, shapes, height);
    let summary = &shapes.summary;
    output.0.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, t!("Drift. {}", summary)));
    if let Some(scope) = &report.scope {
        stamp_ui(ui, &output.1, &format::scope(scope));
    } else if let Some(stamp) = cells::stamp(report) {
        stamp_ui(ui, &output.1, &t!("{} samples", stamp));
    }
    draw::caption_ui(ui, doc, summary);
    brush::brush_ui(ui, doc, &mut state.drag, &output, report.rows.len(), send);
    point_at(ui, doc, report, &output, &mut state.hovering, send);
}

fn empty_ui(ui: &mut Ui, doc: &Document) {
    let text = match (&doc.model, &doc.data) {
        (None, _) => t!("The error over depth appears here once a model is open"),
        (_, None) => t!("The error over depth appears here once there are samples"),
        _ => t!("The error over depth appears here as soon as the first sample has run"),
    };
    ui.centered_and_justified(|ui| ui.label(RichText::new(text).color(theme::tokens(ui).weak)));
}

fn plot_ui(ui: &mut Ui, doc: &Document, report: &Report, shapes: &Shapes, height: f32) -> (Response, PlotTransform) {
    let tokens = theme::tokens(ui);
    let theme = theme_of(ui);
    let scale = shapes.scale;
    let last = report.rows.len() as f64 - 1.0;
    let marks = marks_of(doc, report, shapes);
    // Bars of a short model would be slabs.
    let widest = 20.0 * (last + 1.0) / f64::from(ui.available_width().max(1.0));
    let axis = AxisHints::new_y()
        .formatter(|mark: GridMark, _| format::number(mark.value, 0))
        .min_thickness(28.0)
        .label_spacing(6.0..=12.0)
        .tick_label_color(tokens.weak)
        .tick_label_font(egui::FontId::proportional(11.0));
    let output = Plot::new("drift")
        .height(height)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_axis_zoom_drag(false)
        .allow_double_click_reset(false)
        .show_x(false)
        .show_y(false)
        .show_axes([false, true])
        .show_grid([false, true])
        .grid_color(tokens.line)
        .grid_spacing(2.0..=16.0)
        .y_grid_spacer(move |_| draw::grid(scale))
        .custom_y_axes(vec![axis])
        .sense(Sense::click_and_drag())
        .show(ui, |plot| {
            // Half a layer of room at either side, so that the first and the last bar are whole.
            plot.set_plot_bounds_x(-0.6..=last + 0.6);
            let room = (scale.high - scale.low) * 0.06;
            plot.set_plot_bounds_y(scale.low - room..=scale.high + room);
            plot.bar_chart(draw::bar_chart(&shapes.bars, scale, theme, widest));
            if let Some(pinned) = &shapes.pinned {
                let pen = Pen { colour: tokens.pinned, width: 2.0, style: LineStyle::dashed_dense() };
                draw::curve_items(plot, pinned, scale, pen);
            }
            // A rim in the background's colour keeps the line apart from the bars it crosses.
            for (colour, width) in [(tokens.canvas, 4.0), (tokens.quantized, 2.0)] {
                draw::curve_items(plot, &shapes.curve, scale, Pen { colour, width, style: LineStyle::Solid });
            }
            draw::fall_items(plot, &shapes.falls, tokens);
            draw::differs_items(plot, &differing(doc, report, shapes), scale.low - 0.5 * room, tokens);
            draw::mark_items(plot, &marks, scale, tokens);
        });
    (output.response, output.transform)
}

/// Places of the layers that are set otherwise: than in the pinned baseline, or without one than the defaults.
fn differing(doc: &Document, report: &Report, shapes: &Shapes) -> Vec<f64> {
    if doc.pins.comparison.is_none() {
        return report.rows.iter().enumerate().filter(|(_, row)| row.edited).map(|(place, _)| place as f64).collect();
    }
    let rows = doc.pins.comparison.iter().flat_map(|comparison| &comparison.rows);
    rows.filter(|row| row.differs).filter_map(|row| shapes.places.get(&row.name)).map(|place| *place as f64).collect()
}

fn marks_of(doc: &Document, report: &Report, shapes: &Shapes) -> Vec<Mark> {
    let selection = &doc.selection;
    let hovered = selection.hovered.iter().filter(|name| !selection.contains(name));
    let mark = |name: &String| {
        let place = *shapes.places.get(name)?;
        Some(Mark {
            x: place as f64,
            measure: report.rows.get(place)?.accumulated.sqnr_db,
            is_anchor: selection.anchor.as_ref() == Some(name),
            is_hovered: selection.hovered.as_ref() == Some(name),
        })
    };
    selection.selected.iter().chain(hovered).filter_map(mark).collect()
}

/// Hover and click: the layer nearest to the pointer.
fn point_at(
    ui: &Ui,
    doc: &Document,
    report: &Report,
    (response, transform): &(Response, PlotTransform),
    hovering: &mut bool,
    send: &mut Commands,
) {
    let row = response.hover_pos().and_then(|pos| nearest(report, transform.value_from_position(pos).x));
    if let Some(row) = row {
        tooltip_ui(ui, doc, response, row);
    }
    report_hover(doc, hovering, row.map(|row| row.info.name.as_str()), send);
    if let (true, Some(row)) = (response.clicked(), row) {
        let mode = select_mode(ui.input(|input| input.modifiers));
        send.push(Command::Select { layer: row.info.name.clone(), mode, reveal: true });
    }
}

/// Says which layer the pointer is over when that has changed; `hovering` remembers whether this view said so last.
pub fn report_hover(doc: &Document, hovering: &mut bool, over: Option<&str>, send: &mut Commands) {
    match over {
        Some(name) if doc.selection.hovered.as_deref() != Some(name) => {
            send.push(Command::Hover(Some(name.to_owned())));
        }
        None if *hovering => send.push(Command::Hover(None)),
        _ => {}
    }
    *hovering = over.is_some();
}

/// What a click with these keys held does to the selection.
pub fn select_mode(modifiers: Modifiers) -> SelectMode {
    if modifiers.shift {
        SelectMode::Extend
    } else if modifiers.command {
        SelectMode::Toggle
    } else {
        SelectMode::Replace
    }
}

fn nearest(report: &Report, x: f64) -> Option<&LayerRow> {
    let last = report.rows.len().checked_sub(1)?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the rows there are")]
    let index = x.round().clamp(0.0, last as f64) as usize;
    report.rows.get(index)
}

fn tooltip_ui(ui: &Ui, doc: &Document, response: &Response, row: &LayerRow) {
    let tooltip = Tooltip::always_open(ui.ctx().clone(), response.layer_id, response.id, PopupAnchor::Pointer);
    tooltip.gap(12.0).show(|ui| {
        ui.spacing_mut().interact_size.y = 16.0;
        ui.spacing_mut().item_spacing.y = theme::GRID;
        ui.label(RichText::new(&row.info.name).strong());
        ui.label(RichText::new(&row.info.op).color(theme::tokens(ui).weak));
        egui::Grid::new("drift tooltip").spacing(vec2(12.0, 2.0)).show(ui, |ui| {
            let mut line = |name: &str, value: String| {
                ui.label(name);
                ui.label(RichText::new(value).monospace());
                ui.end_row();
            };
            line(t!("Accumulated"), format::db_unit(row.accumulated.sqnr_db));
            line(t!("Local"), format::db_unit(row.local.sqnr_db));
            if let Some(pinned) = doc.pinned_row(&row.info.name) {
                line(t!("Pinned"), format::db_unit(pinned.accumulated.sqnr_db));
            }
            let change = doc.pins.change(&row.info.name);
            if let Some(delta) = change.and_then(|change| cells::delta(Column::Accumulated, change)) {
                line(t!("Difference"), format!("{} dB", delta.marked()));
            }
            if doc.pins.differs(&row.info.name) {
                line("≠", t!("set otherwise than pinned").to_owned());
            }
        });
        if let Some(note) = &row.why_falls {
            ui.set_max_width(340.0);
            ui.label(note.sentence());
        }
    });
}

/// "1/32 samples" in the corner of the plot, as long as the numbers refine; the one sample, where they are of one.
fn stamp_ui(ui: &Ui, transform: &PlotTransform, stamp: &str) {
    let tokens = theme::tokens(ui);
    let font = egui::TextStyle::Body.resolve(ui.style());
    let ink = cells::Ink { colour: tokens.text, italic: true, align: egui::Align::Max };
    let frame = *transform.frame();
    let rect = egui::Rect::from_min_size(
        frame.left_bottom() - vec2(-6.0, 22.0),
        vec2(110.0f32.max(7.0 * stamp.chars().count() as f32), 18.0),
    );
    ui.painter().rect_filled(rect, 3.0, tokens.faint);
    cells::paint_text(ui, rect.shrink2(vec2(6.0, 0.0)), stamp, font, ink);
}
