//! The cards: what is written on them at which zoom, their tint, and what the filter and the selection make of them.

use egui::{Align, FontFamily, FontId, Mesh, Rect, Sense, Shape, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};
use quantlens_analysis::{
    quant::Bits,
    report::{LayerInfo, LayerRow},
};

use super::{Camera, MOST_READABLE, Scene, camera::ALL_WRITTEN, pointer::Touched, tints::Legend, tooltip};
use crate::{document::Document, format, theme, views::cells};

/// How much of a card is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    /// Name, operator, widths, value.
    Full,
    /// The name.
    Name,
    /// The tint alone.
    Bar,
}

impl Detail {
    /// From this zoom on one line of 11 points fits into a card.
    const NAME_FROM: f32 = 0.4;

    /// What so many cards get at this zoom.
    pub(super) fn of(zoom: f32, cards: usize) -> Self {
        match zoom {
            _ if cards > MOST_READABLE => Self::Bar,
            z if z >= ALL_WRITTEN => Self::Full,
            z if z >= Self::NAME_FROM => Self::Name,
            _ => Self::Bar,
        }
    }
}

/// The cards on screen.
pub(super) struct Seen<'a> {
    /// Which.
    pub(super) cards: &'a [usize],
    /// How much of them.
    pub(super) detail: Detail,
    /// Which layers the filter shows; empty for all.
    pub(super) fits: &'a [bool],
}

impl Seen<'_> {
    fn fits(&self, card: usize) -> bool {
        self.fits.get(card).copied().unwrap_or(true)
    }
}

/// How much of its colour a card keeps that the filter does not show.
const HIDDEN: f32 = 0.3;

/// Draws the cards on screen and notes what the pointer does to them.
pub(super) fn cards_ui(ui: &mut Ui, scene: &Scene<'_>, camera: Camera, seen: &Seen<'_>, touched: &mut Touched) {
    if seen.detail == Detail::Bar {
        return bars(ui, scene, camera, seen);
    }
    let opacity = ui.opacity();
    for &card in seen.cards {
        let (Some(info), Some(place)) = (scene.layer(card), scene.drawing.card(card)) else { continue };
        let rect = camera.rect_to_screen(scene.view, place);
        ui.set_opacity(if seen.fits(card) { opacity } else { HIDDEN * opacity });
        let row = scene.doc.row(info.index);
        paint(ui, scene, rect, (info, row), seen.detail);
        ui.set_opacity(opacity);
        // Not focusable: hundreds of cards are no tab stops; arrows move along the selection.
        let response = ui.interact(rect.intersect(scene.view), ui.scope_id().with(("card", card)), Sense::CLICK);
        let is_selected = scene.doc.selection.contains(&info.name);
        response
            .widget_info(|| WidgetInfo::selected(egui::Role::Button, true, is_selected, cells::row_label(info, row)));
        let response = response.on_hover_ui(|ui| tooltip::tooltip_ui(ui, scene, info, row));
        touched.card(card, response);
    }
}

/// All cards as quads of one mesh; what is selected has a frame.
fn bars(ui: &Ui, scene: &Scene<'_>, camera: Camera, seen: &Seen<'_>) {
    let mut mesh = Mesh::default();
    let tokens = theme::tokens(ui);
    let mut framed = Vec::new();
    for &card in seen.cards {
        let (Some(info), Some(place)) = (scene.layer(card), scene.drawing.card(card)) else { continue };
        let rect = at_least(camera.rect_to_screen(scene.view, place), vec2(3.0, 1.5));
        let colour = scene.tints.card(card).bar;
        let strength = if seen.fits(card) { ui.opacity() } else { HIDDEN * ui.opacity() };
        mesh.add_colored_rect(rect, colour.gamma_multiply(strength));
        let selection = &scene.doc.selection;
        if selection.contains(&info.name) {
            framed.push((rect, Stroke::new(2.0, tokens.accent)));
        } else if selection.hovered.as_deref() == Some(&info.name) {
            framed.push((rect, Stroke::new(1.5, tokens.text)));
        }
    }
    ui.painter().add(Shape::mesh(mesh));
    for (rect, stroke) in framed {
        ui.painter().rect_stroke(at_least(rect, vec2(6.0, 6.0)), 1.0, stroke, StrokeKind::Outside);
    }
}

fn at_least(rect: Rect, size: egui::Vec2) -> Rect {
    Rect::from_center_size(rect.center(), rect.size().max(size))
}

fn paint(ui: &Ui, scene: &Scene<'_>, rect: Rect, (info, row): (&LayerInfo, Option<&LayerRow>), detail: Detail) {
    let tint = scene.tints.card(info.index);
    let tokens = theme::tokens(ui);
    // An input is a pill: what the data feed is told apart without reading.
    let rounding = if info.op == "Input" { 0.5 * rect.height() } else { 0.1 * rect.height() };
    ui.painter().rect_filled(rect, rounding, tint.fill);
    let selection = &scene.doc.selection;
    let (stroke, kind) = if selection.anchor.as_deref() == Some(&info.name) {
        (Stroke::new(3.5, tokens.accent), StrokeKind::Outside)
    } else if selection.contains(&info.name) {
        (Stroke::new(2.5, tokens.accent), StrokeKind::Outside)
    } else if selection.hovered.as_deref() == Some(&info.name) {
        (Stroke::new(2.0, tokens.text), StrokeKind::Outside)
    } else {
        (Stroke::new(1.0, tokens.line), StrokeKind::Inside)
    };
    ui.painter().rect_stroke(rect, rounding, stroke, kind);
    let ink = cells::Ink { colour: theme::text_on(tint.fill), italic: false, align: Align::Min };
    let inset = if info.op == "Input" { 0.32 * rect.height() } else { 7.0 };
    let inner = rect.shrink2(vec2(inset, 0.0));
    if detail == Detail::Name {
        return cells::put_name(ui, inner, &info.name, FontId::proportional(11.0), ink);
    }
    write(ui, scene, inner, (info, row), ink);
}

/// Two lines: the name with its marks; operator, widths, value.
fn write(ui: &Ui, scene: &Scene<'_>, inner: Rect, (info, row): (&LayerInfo, Option<&LayerRow>), ink: cells::Ink) {
    // Whole sizes only, for each is drawn anew into the font's atlas.
    let size = (12.0 * inner.height() / crate::graph_layout::CARD.y).floor().clamp(11.0, 24.0);
    let middle = inner.center().y;
    let upper = Rect::from_min_max(pos2(inner.left(), inner.top() + 2.0), pos2(inner.right(), middle + 1.0));
    let lower = Rect::from_min_max(pos2(inner.left(), middle), pos2(inner.right(), inner.bottom() - 2.0));
    let marks = marks(scene, info, row);
    let width = 0.8 * size * marks.chars().count() as f32;
    cells::put_name(ui, upper.with_max_x(upper.right() - width), &info.name, FontId::proportional(size), ink);
    if !marks.is_empty() {
        let ink = cells::Ink { align: Align::Max, ..ink };
        cells::put_text(ui, upper, marks, FontId::proportional(size), ink);
    }
    let number = FontId::new((size - 1.0).max(11.0), FontFamily::Monospace);
    let digit = 0.62 * number.size;
    let value = value(scene.doc, &scene.tints.legend, info, row);
    let refines = scene.doc.is_refining();
    let value_ink = cells::Ink { align: Align::Max, italic: refines, ..ink };
    cells::put_text(ui, lower, &value, number.clone(), value_ink);
    let rest = lower.with_max_x(lower.right() - digit * (value.chars().count() as f32 + 1.0));
    let widths = row.map(widths).unwrap_or_default();
    let widths_width = digit * widths.chars().count() as f32;
    cells::put_text(ui, rest, &widths, number, cells::Ink { align: Align::Max, ..ink });
    let op = rest.with_max_x(rest.right() - widths_width - if widths.is_empty() { 0.0 } else { digit });
    cells::put_text(ui, op, &info.op, FontId::proportional((size - 1.0).max(11.0)), ink);
}

/// "≠" where it is set otherwise than in the pinned baseline, "●" where it was edited.
fn marks(scene: &Scene<'_>, info: &LayerInfo, row: Option<&LayerRow>) -> &'static str {
    match (scene.doc.pins.differs(&info.name), row.is_some_and(|row| row.edited)) {
        (true, true) => "≠●",
        (true, false) => "≠",
        (false, true) => "●",
        (false, false) => "",
    }
}

/// The metric's value, or its difference to the pinned baseline.
pub(super) fn value(doc: &Document, legend: &Legend, info: &LayerInfo, row: Option<&LayerRow>) -> String {
    let column = doc.pages.list_metric.0;
    if let Legend::Changes(_) = legend {
        let delta = doc.pins.change(&info.name).and_then(|change| cells::delta(column, change));
        return delta.map_or_else(|| format::UNKNOWN.to_owned(), |delta| delta.marked());
    }
    cells::cell(column, info, row).text
}

/// "W8 A8"; F for float, as on the keyboard; nothing for a part that the layer does not have.
pub(super) fn widths(row: &LayerRow) -> String {
    let short = |part: &str, bits: Option<Bits>| {
        bits.map(|bits| format!("{part}{}", if bits.is_float() { "F".to_owned() } else { format::bits(bits) }))
    };
    let parts = [short("W", row.weight_bits), short("A", row.activation_bits)];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}
