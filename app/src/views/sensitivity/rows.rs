//! The layers as bars, and the edit of the worst of them.

use std::collections::BTreeSet;

use egui::{
    Align, Align2, DragValue, Rect, RichText, ScrollArea, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};
use quantlens_analysis::{
    quant::Bits,
    report::{Sweep, SweepRow},
    sensitivity::{Interval, SweepKind},
    t, text,
};

use super::{
    SensitivityState,
    scale::{Scale, value},
};
use crate::{
    command::{Command, Commands, Part},
    document::Document,
    format, theme,
    views::{
        cells::{Ink, paint_name, paint_text, theme_of},
        drift::{report_hover, select_mode},
        figures::figure_menu,
    },
};

/// Widths of the columns beside the bars, in points.
const NAME: f32 = 190.0;
const VALUE: f32 = 170.0;

pub(super) fn rows_ui(ui: &mut Ui, doc: &Document, sweep: &Sweep, state: &mut SensitivityState, send: &mut Commands) {
    let all = sweep.worst_first(doc.sweep.shown_width());
    let visible: BTreeSet<usize> = doc.visible.iter().copied().collect();
    let rows: Vec<&SweepRow> = all.iter().copied().filter(|row| visible.contains(&row.index)).collect();
    if sweep.layers_total == 0 {
        ui.label(t!("No layer of this model has quantizers of this kind for this target"));
        return;
    }
    worst_ui(ui, doc, sweep, &all, state, send);
    if rows.len() < all.len() {
        ui.horizontal(|ui| {
            ui.label(t!("{} of {} shown: the filter hides the others", rows.len(), all.len()));
            if ui.button(t!("Show all layers")).clicked() {
                send.push(Command::SetFilter(String::new()));
            }
        });
    }
    let scale = Scale::of(&rows);
    if let Some(scale) = scale {
        scale_ui(ui, scale);
    }
    if doc.sweep.is_stale(&doc.config) {
        ui.multiply_opacity(theme::DIM);
    }
    ui.spacing_mut().item_spacing.y = 0.0;
    let mut hovered = None;
    ScrollArea::vertical().auto_shrink(false).show_rows(ui, theme::ROW_HEIGHT, rows.len(), |ui, range| {
        for row in rows.get(range).unwrap_or_default() {
            if row_ui(ui, doc, row, scale, send) {
                hovered = Some(row.name.as_str());
            }
        }
    });
    report_hover(doc, &mut state.hovering, hovered, send);
}

/// "Set the worst N to 8 bits": one edit.
fn worst_ui(
    ui: &mut Ui,
    doc: &Document,
    sweep: &Sweep,
    rows: &[&SweepRow],
    state: &mut SensitivityState,
    send: &mut Commands,
) {
    // What has no number is not among the worst.
    let ranked: Vec<&&SweepRow> = rows.iter().filter(|row| value(row).is_some()).collect();
    if ranked.is_empty() {
        return;
    }
    let part = match sweep.request.kind {
        SweepKind::Weights => Part::Weights,
        SweepKind::Activations => Part::Activations,
        SweepKind::Both => Part::Both,
    };
    ui.horizontal_wrapped(|ui| {
        ui.label(t!("Set the worst"));
        let mut worst = state.worst.clamp(1, ranked.len());
        let drag = ui.add(DragValue::new(&mut worst).range(1..=ranked.len()).speed(0.1));
        drag.widget_info(|| WidgetInfo::labeled(egui::Role::SpinButton, true, t!("How many of the worst layers")));
        if drag.changed() {
            state.worst = worst;
        }
        ui.label(t!("to"));
        for bits in [Bits::Int(8), Bits::Int(16), Bits::Float] {
            let words = format::bits_words(bits);
            let layers = format::plural(worst, "worst layer");
            let hint = t!("{} of the {} to {}, as one edit", text::text(part.name()), layers, words);
            let button = ui.button(&words).on_hover_text(format::sentence(&hint));
            button.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, t!("Set the worst to {}", words)));
            if button.clicked() {
                let layers = ranked.iter().take(worst).map(|row| row.name.clone()).collect();
                send.push(Command::SetBits { layers, part, bits });
            }
        }
        if doc.sweep.is_running() {
            ui.label(RichText::new(t!("of those measured so far")).color(theme::tokens(ui).weak));
        }
    });
}

/// Where the bars stand in a row.
fn bars_of(row: Rect) -> Rect {
    let name = NAME.min(0.35 * row.width());
    let value = VALUE.min(0.35 * row.width());
    Rect::from_min_max(pos2(row.left() + name, row.top()), pos2(row.right() - value, row.bottom()))
}

fn scale_ui(ui: &mut Ui, scale: Scale) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 18.0), Sense::hover());
    let bars = bars_of(rect);
    let tokens = theme::tokens(ui);
    for tick in scale.ticks() {
        let x = bars.left() + scale.place(tick) * bars.width();
        let text = format::number(tick, 0);
        ui.painter().text(pos2(x, rect.top()), Align2::CENTER_TOP, text, theme::number_font(ui), tokens.weak);
        ui.painter().vline(x, rect.bottom() - 3.0..=rect.bottom(), Stroke::new(1.0, tokens.line));
    }
    ui.painter().text(rect.right_top(), Align2::RIGHT_TOP, "dB, 95 %", theme::number_font(ui), tokens.weak);
    response.widget_info(|| {
        let (from, to) = (format::number(scale.from, 0), format::number(scale.to, 0));
        WidgetInfo::labeled(egui::Role::Label, true, t!("Bars from {} to {} dB", from, to))
    });
}

/// Draws one layer; whether the pointer is over it.
fn row_ui(ui: &mut Ui, doc: &Document, row: &SweepRow, scale: Option<Scale>, send: &mut Commands) -> bool {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), theme::ROW_HEIGHT), Sense::click());
    let tokens = theme::tokens(ui);
    let is_selected = doc.selection.contains(&row.name);
    let label = label(row);
    response.widget_info(|| WidgetInfo::selected(egui::Role::ListItem, true, is_selected, &label));
    if is_selected {
        ui.painter().rect_filled(rect, 2.0, tokens.selected);
    } else if response.hovered() || doc.selection.hovered.as_deref() == Some(row.name.as_str()) {
        ui.painter().rect_filled(rect, 2.0, tokens.hovered);
    }
    let bars = bars_of(rect);
    let inner = rect.shrink2(vec2(theme::GRID, 0.0));
    paint_name(ui, inner.with_max_x(bars.left() - theme::GRID), &row.name, tokens.text);
    if let (Some(scale), Some((db, interval))) = (scale, value(row)) {
        bar(ui, bars, scale, db, interval, row);
    }
    let ink =
        Ink { colour: if value(row).is_some() { tokens.text } else { tokens.weak }, italic: false, align: Align::Max };
    let right = inner.with_min_x(bars.right() + 2.0 * theme::GRID);
    paint_text(ui, right, &shown(row), theme::number_font(ui), ink);
    if response.clicked() {
        let mode = select_mode(ui.input(|input| input.modifiers));
        send.push(Command::Select { layer: row.name.clone(), mode, reveal: true });
    }
    figure_menu(&response, 0, doc, send);
    let hovered = response.hovered();
    response.on_hover_text(label);
    hovered
}

fn bar(ui: &Ui, bars: Rect, scale: Scale, db: f64, interval: Option<Interval>, row: &SweepRow) {
    let x = |db: f64| bars.left() + scale.place(db) * bars.width();
    let tokens = theme::tokens(ui);
    let (from, to) = (x(scale.base).min(x(db)), x(scale.base).max(x(db)).max(x(scale.base) + 1.0));
    let rect = Rect::from_min_max(pos2(from, bars.top() + 5.0), pos2(to, bars.bottom() - 5.0));
    // The colour is that of the SQNR; a gain has none.
    let colour = if row.bits.is_some() { theme::error_colour(theme_of(ui), db) } else { tokens.quantized };
    let is_estimate = row.headline().is_some_and(|output| output.estimate);
    ui.painter().rect_filled(rect, 1.0, colour.gamma_multiply(if is_estimate { 0.25 } else { 0.8 }));
    if is_estimate {
        // Dark colours would vanish as a thin line.
        let edge = colour.lerp_to_gamma(tokens.weak, 0.4);
        ui.painter().rect_stroke(rect, 1.0, Stroke::new(1.2, edge), StrokeKind::Inside);
    }
    if let Some(interval) = interval {
        let stroke = Stroke::new(1.2, tokens.text);
        let (low, high, y) = (x(interval.low), x(interval.high), bars.center().y);
        ui.painter().hline(low.min(high)..=low.max(high), y, stroke);
        for end in [low, high] {
            ui.painter().vline(end, y - 3.5..=y + 3.5, stroke);
        }
    }
}

/// The value with its interval, as it stands at the right.
fn shown(row: &SweepRow) -> String {
    let text = |db: f64| if row.bits.is_some() { format::number(db, 1) } else { format::signed(db, 1) };
    match (value(row), &row.refused, row.headline()) {
        (Some((db, interval)), ..) => {
            let ends = interval.map(|i| format!("  {} … {}", end(i.low, &text), end(i.high, &text)));
            format!("{}{}", text(db), ends.unwrap_or_default())
        }
        (None, Some(_), _) => t!("not at this width").into(),
        (None, None, Some(output)) => format::db(output.errors.sqnr_db),
        (None, None, None) => format::UNKNOWN.into(),
    }
}

fn end(db: f64, text: &impl Fn(f64) -> String) -> String {
    if db.is_finite() { text(db) } else { text::text(format::EXACT).into() }
}

/// The row as a sentence.
fn label(row: &SweepRow) -> String {
    let is_sqnr = row.bits.is_some();
    let says = match (value(row), &row.refused) {
        (Some((db, interval)), _) => {
            let two = |db: f64| format::number(db, 2);
            match interval.map(|i| (end(i.low, &two), end(i.high, &two))) {
                Some((low, high)) if is_sqnr => {
                    t!("SQNR at the output {} dB, 95 % between {} and {}", two(db), low, high)
                }
                Some((low, high)) => t!("gain at the output {} dB, 95 % between {} and {}", two(db), low, high),
                None if is_sqnr => t!("SQNR at the output {} dB", two(db)),
                None => t!("gain at the output {} dB", two(db)),
            }
        }
        (None, Some(why)) => why.to_string(),
        (None, None) => t!("no error at the output").into(),
    };
    let mut text = t!("{}, {}: {}", row.name, row.op, says);
    if let Some(output) = row.headline() {
        if row.outputs.len() > 1 {
            let outputs = format::plural(row.outputs.len(), "output");
            text = t!("{} ({}, the worst of {})", text, output.name, outputs);
        }
        if output.estimate {
            text = t!("{}, estimate", text);
        }
    }
    text
}
