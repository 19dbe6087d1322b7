//! The items of the drift strip's plot, and its caption with the legend.

use egui::{Color32, RichText, Sense, Stroke, Ui, vec2};
use egui_plot::{BarChart, GridMark, Line, LineStyle, MarkerShape, PlotPoints, PlotUi, Points, VLine};
use quantlens_analysis::{metrics::Measure, t};

use super::shape::{self, Scale};
use crate::{
    document::Document,
    theme::{self, Tokens},
    views::cells::theme_of,
};

/// A layer that is selected or under the pointer.
pub(super) struct Mark {
    /// Its index.
    pub(super) x: f64,
    /// Where on the scale it stands.
    pub(super) measure: Measure,
    /// Whether its detail is shown.
    pub(super) is_anchor: bool,
    /// Whether the pointer is over it.
    pub(super) is_hovered: bool,
}

/// A line every ten dB, or every twenty where they would crowd in a low strip.
pub(super) fn grid(scale: Scale) -> Vec<GridMark> {
    let step = if scale.high - scale.low > 40.0 { 20.0 } else { 10.0 };
    let mut marks = Vec::new();
    let mut value = (scale.low / step).ceil() * step;
    while value <= scale.high {
        marks.push(GridMark { value, step_size: step });
        value += step;
    }
    marks
}

pub(super) fn bar_chart(bars: &[shape::Bar], scale: Scale, theme: egui::Theme, widest: f64) -> BarChart {
    let bars = bars.iter().map(|bar| {
        // Good ones fade: in the light theme the good end of the scale is its most brilliant one.
        let colour = theme::error_colour(theme, bar.db).gamma_multiply(0.45 + 0.55 * theme::badness(bar.db));
        egui_plot::Bar::new(bar.x, scale.high - bar.db)
            .base_offset(bar.db)
            .width(bar.width.min(widest))
            .fill(colour)
            .stroke(Stroke::NONE)
    });
    BarChart::new("local", bars.collect()).allow_hover(false)
}

pub(super) fn curve_items(plot: &mut PlotUi<'_>, curve: &shape::Curve, scale: Scale, pen: Pen) {
    let Pen { colour, width, style } = pen;
    for run in &curve.runs {
        let points = PlotPoints::from(run.clone());
        plot.line(Line::new("accumulated", points).color(colour).width(width).style(style).allow_hover(false));
        if let [single] = run.as_slice() {
            plot.points(Points::new("accumulated", *single).color(colour).radius(1.3 * width).allow_hover(false));
        }
    }
    if !curve.exact.is_empty() {
        let points: Vec<[f64; 2]> = curve.exact.iter().map(|x| [*x, scale.high]).collect();
        let points = Points::new("exact", points).shape(MarkerShape::Up).color(colour).radius(2.0 * width);
        plot.points(points.allow_hover(false));
    }
}

/// Where the error falls again: small triangles over the curve, whose reason is on hover.
pub(super) fn fall_items(plot: &mut PlotUi<'_>, falls: &[[f64; 2]], tokens: &Tokens) {
    let points = Points::new("falls", falls.to_vec()).shape(MarkerShape::Up).color(tokens.text).radius(3.5);
    plot.points(points.allow_hover(false));
}

/// How a curve is drawn.
#[derive(Clone, Copy)]
pub(super) struct Pen {
    pub(super) colour: Color32,
    /// In points.
    pub(super) width: f32,
    pub(super) style: LineStyle,
}

/// Selected layers are ringed, the leading one has a line through it, the one under the pointer a thin one.
pub(super) fn mark_items(plot: &mut PlotUi<'_>, marks: &[Mark], scale: Scale, tokens: &Tokens) {
    for mark in marks.iter().filter(|mark| mark.is_anchor || mark.is_hovered) {
        let (colour, width) = if mark.is_anchor { (tokens.accent, 1.5) } else { (tokens.weak, 1.0) };
        plot.vline(VLine::new("mark", mark.x).color(colour).width(width).allow_hover(false));
    }
    let place = |mark: &Mark| scale.place(mark.measure).map(|y| [mark.x, y]);
    let selected: Vec<[f64; 2]> = marks.iter().filter_map(place).collect();
    let ring = Points::new("selected", selected.clone()).radius(5.0).color(tokens.canvas);
    plot.points(ring.allow_hover(false));
    plot.points(Points::new("selected", selected).radius(3.5).color(tokens.accent).allow_hover(false));
}

/// A diamond at the foot of every layer that is set otherwise than in the pinned baseline, or than the defaults.
pub(super) fn differs_items(plot: &mut PlotUi<'_>, places: &[f64], y: f64, tokens: &Tokens) {
    if places.is_empty() {
        return;
    }
    let points: Vec<[f64; 2]> = places.iter().map(|x| [*x, y]).collect();
    let points = Points::new("set otherwise than pinned", points).shape(MarkerShape::Diamond).radius(4.0);
    plot.points(points.color(tokens.pinned).allow_hover(false));
}

/// The sentence at the left, the legend at the right.
pub(super) fn caption_ui(ui: &mut Ui, doc: &Document, summary: &str) {
    let tokens = theme::tokens(ui);
    ui.allocate_ui_with_layout(
        vec2(ui.available_width(), ui.text_style_height(&egui::TextStyle::Body) + theme::GRID),
        egui::Layout::right_to_left(egui::Align::Center),
        |ui| {
            if ui.available_width() > 980.0 {
                if doc.pinned.is_some() {
                    key_ui(ui, t!("Pinned"), tokens.pinned, KeyShape::Dashes);
                }
                let is_edited = || doc.report.value.iter().any(|report| report.rows.iter().any(|row| row.edited));
                let differs = match &doc.pins.comparison {
                    Some(comparison) => comparison.rows.iter().any(|row| row.differs),
                    None => is_edited(),
                };
                if differs {
                    key_ui(ui, t!("Set otherwise"), tokens.pinned, KeyShape::Diamond);
                }
                let bad = theme::error_colour(theme_of(ui), theme::BAD_DB + 5.0);
                key_ui(ui, t!("Local, hanging: longer is worse"), bad, KeyShape::Bar);
                let falls = doc.report.value.iter().any(|report| report.rows.iter().any(|row| row.why_falls.is_some()));
                if falls && ui.available_width() > 560.0 {
                    key_ui(ui, t!("Error falls: hover for the reason"), tokens.text, KeyShape::Triangle);
                }
                key_ui(ui, t!("Accumulated SQNR in dB"), tokens.quantized, KeyShape::Line);
            }
            ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                ui.add(egui::Label::new(summary).truncate())
                    .on_hover_text(t!("By the accumulated SQNR, over all samples that were run"));
            });
        },
    );
}

/// How an entry of the legend is drawn: by shape as well as by colour.
#[derive(Clone, Copy)]
enum KeyShape {
    Line,
    Dashes,
    Diamond,
    Bar,
    Triangle,
}

fn key_ui(ui: &mut Ui, text: &str, colour: Color32, shape: KeyShape) {
    ui.label(RichText::new(text).color(theme::tokens(ui).weak));
    let (rect, _) = ui.allocate_exact_size(vec2(18.0, 12.0), Sense::hover());
    let stroke = Stroke::new(2.0, colour);
    match shape {
        KeyShape::Line => {
            ui.painter().hline(rect.x_range(), rect.center().y, stroke);
        }
        KeyShape::Dashes => {
            for i in 0..3_u8 {
                let x = rect.left() + f32::from(i) * 6.5;
                ui.painter().hline(x..=x + 4.0, rect.center().y, stroke);
            }
        }
        KeyShape::Diamond => {
            let corners = [vec2(0.0, -4.0), vec2(4.0, 0.0), vec2(0.0, 4.0), vec2(-4.0, 0.0)];
            let points = corners.map(|corner| rect.center() + corner).to_vec();
            ui.painter().add(egui::Shape::convex_polygon(points, colour, Stroke::NONE));
        }
        KeyShape::Bar => {
            let bar = egui::Rect::from_min_size(rect.center_top() - vec2(3.0, 0.0), vec2(6.0, rect.height()));
            ui.painter().rect_filled(bar, 0.0, colour);
        }
        KeyShape::Triangle => {
            let at = rect.center();
            let corners = vec![at + vec2(-4.0, 3.5), at + vec2(4.0, 3.5), at - vec2(0.0, 3.5)];
            ui.painter().add(egui::Shape::convex_polygon(corners, colour, Stroke::NONE));
        }
    }
}
