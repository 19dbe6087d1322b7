//! Draws a [`FigureSpec`] in the window with `egui_plot`.
//!
//! `egui_plot` has no logarithmic axes and draws its legend over the data, so values are placed by the figure's own scale,
//! ticks and hover texts come from the figure, and the legend is a line of its own above the chart. Mark labels are painted
//! after the plot, when the pixel positions are known, in as many rows as keep them apart.

use quantlens_analysis::t;
use std::ops::RangeInclusive;

use egui::{Align2, Color32, FontId, Id, Rect, Response, Role, Sense, Ui, WidgetInfo, pos2, vec2};
use egui_plot::{
    AxisHints, FilledArea, GridInput, GridMark, HLine, HoverPosition, Line, LineStyle, Plot, PlotPoint, PlotPoints,
    PlotTransform, PlotUi, Points, Polygon, VLine,
};

use super::{
    cells,
    handles::{Moved, grips_ui, handles_ui},
    hover,
    spec::{Axis, FigureSpec, Ink, LegendKey, Shape, Stroke},
    ticks::ticks,
};
use crate::theme::{self, Tokens};

/// How much of its colour a hollow bar has.
const HOLLOW: f32 = 0.15;

/// How much of the page a figure takes.
#[derive(Clone, Copy, Debug)]
pub struct ScreenOptions {
    /// Height of the chart in points, without legend and summary.
    pub height: f32,
    /// Whether the summary stands below the chart.
    pub summary: bool,
}

/// What came of drawing a figure.
#[derive(Debug)]
pub struct Shown {
    /// A handle that was moved.
    pub moved: Option<Moved>,
    /// The chart, for a menu.
    pub response: Response,
}

/// Draws the figure over the whole available width.
pub fn figure_ui(ui: &mut Ui, spec: &FigureSpec, options: ScreenOptions) -> Shown {
    legend_ui(ui, spec);
    let shown = plot_ui(ui, spec, options.height);
    if options.summary && !spec.summary.is_empty() {
        ui.label(&spec.summary);
    }
    shown
}

fn legend_ui(ui: &mut Ui, spec: &FigureSpec) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        for (name, ink, key) in spec.legend() {
            let (rect, _) = ui.allocate_exact_size(vec2(18.0, 12.0), Sense::hover());
            paint_key(ui, rect, super::colour(theme::tokens(ui), ink), key);
            ui.label(name);
            ui.add_space(12.0);
        }
        if !spec.stamp.is_empty() {
            ui.weak(&spec.stamp);
        }
    });
}

fn paint_key(ui: &Ui, rect: Rect, color: Color32, key: LegendKey) {
    let painter = ui.painter();
    let box_rect = Rect::from_center_size(rect.center(), vec2(14.0, 10.0));
    match key {
        LegendKey::Box => {
            painter.rect_filled(box_rect, 1.0, color.gamma_multiply(0.7));
        }
        LegendKey::Outline => {
            painter.rect_stroke(box_rect, 1.0, (1.5, color), egui::StrokeKind::Inside);
        }
        LegendKey::Line(stroke) => {
            let dashes: &[(f32, f32)] = match stroke {
                Stroke::Solid => &[(0.0, 18.0)],
                Stroke::Dashed => &[(0.0, 7.0), (11.0, 18.0)],
                Stroke::Long => &[(0.0, 12.0), (15.0, 18.0)],
                Stroke::Dotted => &[(0.0, 2.5), (5.0, 7.5), (10.0, 12.5), (15.0, 17.5)],
            };
            for (from, to) in dashes {
                painter.hline(rect.left() + from..=rect.left() + to, rect.center().y, (2.0, color));
            }
        }
        LegendKey::Dot => {
            painter.circle_filled(rect.center(), 3.5, color);
        }
        LegendKey::Whisker => {
            painter.vline(rect.center().x, rect.y_range(), (1.2, color));
            for y in [rect.top(), rect.bottom()] {
                painter.hline(rect.center().x - 3.0..=rect.center().x + 3.0, y, (1.2, color));
            }
        }
    }
}

fn plot_ui(ui: &mut Ui, spec: &FigureSpec, height: f32) -> Shown {
    let tokens = theme::tokens(ui);
    let (x, y) = (spec.x.placed_bounds(), spec.y.placed_bounds());
    // About one tick in 80 points across and 36 up; wider numbers need no more than that at the sizes drawn here.
    let (across, up) = (wanted(ui.available_width(), 80.0), wanted(height, 36.0));
    // Cells lie below grid and lines; where they are is known only when the plot stands.
    let below = cells::has_cells(spec).then(|| ui.painter().add(egui::Shape::Noop));
    let plot = Plot::new(plot_id(spec))
        .height(height)
        .show_background(below.is_none())
        .default_x_bounds(x.0, x.1)
        .default_y_bounds(y.0, y.1)
        .set_margin_fraction(vec2(0.0, 0.0))
        .allow_scroll(false)
        // Whoever misses a handle by a little must not move the whole chart.
        .allow_drag(spec.handles.is_empty())
        .allow_axis_zoom_drag(false)
        .show_crosshair(false)
        .grid_color(tokens.faint)
        .grid_fade(0.0)
        .custom_x_axes(vec![hints(AxisHints::new_x(), &spec.x, across, 14.0)])
        .custom_y_axes(vec![hints(AxisHints::new_y(), &spec.y, up, 44.0)])
        .x_grid_spacer(spacer(&spec.x, across))
        .y_grid_spacer(spacer(&spec.y, up))
        .label_formatter(|position| match position {
            HoverPosition::NearDataPoint { position, .. } | HoverPosition::Elsewhere { position } => {
                hover::describe(spec, spec.x.scale.value(position.x))
            }
        });
    let shown = plot.show(ui, |plot| add_items(plot, spec, tokens));
    let frame = *shown.transform.frame();
    if let Some(below) = below {
        let mesh = cells::mesh(spec, &shown.transform, tokens, ui.visuals().extreme_bg_color);
        ui.painter().set(below, egui::Shape::mesh(mesh));
    }
    let label = t!("{}: {} against {}. {}", spec.title, spec.y.label, spec.x.label, spec.summary);
    shown.response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &label));
    let moved = handles_ui(ui, spec, &shown.transform);
    // After the handles: a label must not be struck through by the line it belongs to.
    mark_labels(ui, spec, &shown.transform, frame);
    grips_ui(ui, spec, &shown.transform);
    Shown { moved, response: shown.response }
}

/// `egui_plot` remembers bounds by id; another layer, scale or range is another plot and starts at its own bounds.
fn plot_id(spec: &FigureSpec) -> Id {
    let ends = [spec.x.bounds.0, spec.x.bounds.1, spec.y.bounds.0, spec.y.bounds.1].map(f64::to_bits);
    Id::unique((
        spec.kind,
        &spec.title,
        ends,
        spec.x.scale == super::Scale::Linear,
        spec.y.scale == super::Scale::Linear,
    ))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a screen has few thousand points")]
fn wanted(length: f32, each: f32) -> usize {
    (length / each).clamp(2.0, 40.0) as usize
}

fn hints<'a>(hints: AxisHints<'a>, axis: &'a Axis, wanted: usize, thickness: f32) -> AxisHints<'a> {
    hints.label(&axis.label).min_thickness(thickness).formatter(move |mark: GridMark, range: &RangeInclusive<f64>| {
        let close = (range.end() - range.start()).abs() * 1e-6;
        ticks(axis, *range.start(), *range.end(), wanted)
            .into_iter()
            .find(|tick| (tick.placed - mark.value).abs() <= close)
            .map(|tick| tick.label)
            .unwrap_or_default()
    })
}

fn spacer(axis: &Axis, wanted: usize) -> impl Fn(GridInput) -> Vec<GridMark> + '_ {
    move |input| {
        // The step decides how strongly `egui_plot` draws a mark; the ticks are already chosen, so all are strong.
        let step_size = (input.bounds.1 - input.bounds.0).abs();
        ticks(axis, input.bounds.0, input.bounds.1, wanted)
            .into_iter()
            .map(|tick| GridMark { value: tick.placed, step_size })
            .collect()
    }
}

fn add_items<'a>(plot: &mut PlotUi<'a>, spec: &'a FigureSpec, tokens: &Tokens) {
    let bottom = spec.y.placed_bounds().0;
    for span in &spec.spans {
        let (low, high) = (spec.x.scale.place(span.low), spec.x.scale.place(span.high));
        let fill = super::colour(tokens, span.ink).gamma_multiply(0.14);
        // Without borders: a hundred spans side by side are one shade and not a hundred stripes.
        plot.span(egui_plot::Span::new("", low..=high).fill(fill).border_width(0.0));
    }
    for series in &spec.series {
        let color = super::colour(tokens, series.ink);
        match &series.shape {
            Shape::Line { points, stroke } => {
                for run in finite_runs(points, spec) {
                    // A staircase has two points at each step; the plot would draw it as a band between both heights.
                    let is_stairs = run.windows(2).any(|pair| pair[0][0].total_cmp(&pair[1][0]).is_eq());
                    let line = Line::new("", PlotPoints::from(run)).color(color).width(1.8).style(style(*stroke));
                    plot.line(line.allow_band(!is_stairs));
                }
            }
            Shape::Steps { edges, heights, filled } => {
                let outline = stairs(edges, heights, spec, bottom);
                if *filled {
                    let (xs, tops): (Vec<f64>, Vec<f64>) = outline.iter().map(|p| (p[0], p[1])).unzip();
                    let fill = color.gamma_multiply(0.55);
                    plot.add(
                        FilledArea::new("", &xs, &vec![bottom; xs.len()], &tops).fill_color(fill).allow_hover(false),
                    );
                } else {
                    plot.line(Line::new("", PlotPoints::from(outline)).color(color).width(1.6).allow_hover(false));
                }
            }
            Shape::Bars { bars, width, filled } => {
                let fill = color.gamma_multiply(if *filled { 0.6 } else { HOLLOW });
                for bar in bars {
                    plot.polygon(bar_polygon(bar, *width, spec, color).fill_color(fill));
                }
            }
            Shape::Whiskers { bars, width } => {
                for line in bars.iter().flat_map(|bar| bar.whisker(*width)) {
                    let line = PlotPoints::from(line.map(|point| placed(point, spec)).to_vec());
                    plot.line(Line::new("", line).color(color).width(1.2).allow_hover(false));
                }
            }
            Shape::Dots { points } => {
                let placed: Vec<[f64; 2]> = points.iter().map(|p| placed(*p, spec)).collect();
                plot.points(Points::new("", PlotPoints::from(placed)).color(color).radius(2.5));
            }
            // Drawn below everything, see `plot_ui`.
            Shape::Cells { .. } => {}
            Shape::Level { y, stroke } => {
                plot.hline(HLine::new("", spec.y.scale.place(*y)).color(color).width(1.5).style(style(*stroke)));
            }
        }
    }
    for mark in &spec.marks {
        // Scaffolding stays behind the data to the eye, though it is drawn on top of it.
        let (strength, width) = if mark.ink == Ink::Quiet { (0.35, 1.0) } else { (1.0, 1.5) };
        let color = super::colour(tokens, mark.ink).gamma_multiply(strength);
        let line = VLine::new("", spec.x.scale.place(mark.x)).color(color).width(width);
        plot.vline(line.style(style(mark.stroke)).allow_hover(false));
    }
}

fn placed(point: [f64; 2], spec: &FigureSpec) -> [f64; 2] {
    [spec.x.scale.place(point[0]), spec.y.scale.place(point[1])]
}

/// The stretches between values that are not finite.
fn finite_runs(points: &[[f64; 2]], spec: &FigureSpec) -> Vec<Vec<[f64; 2]>> {
    points
        .split(|p| !(p[0].is_finite() && p[1].is_finite()))
        .filter(|run| !run.is_empty())
        .map(|run| run.iter().map(|p| placed(*p, spec)).collect())
        .collect()
}

/// Two points a bin, and a fall to the axis at both ends.
fn stairs(edges: &[f64], heights: &[f64], spec: &FigureSpec, bottom: f64) -> Vec<[f64; 2]> {
    let mut points = Vec::with_capacity(2 * heights.len() + 2);
    for (pair, height) in edges.windows(2).zip(heights) {
        let top = spec.y.scale.place(*height).max(bottom);
        points.extend(pair.iter().map(|edge| [spec.x.scale.place(*edge), top]));
    }
    if let (Some(first), Some(last)) = (points.first().copied(), points.last().copied()) {
        points.insert(0, [first[0], bottom]);
        points.push([last[0], bottom]);
    }
    points
}

fn bar_polygon<'a>(bar: &super::Bar, width: f64, spec: &FigureSpec, color: Color32) -> Polygon<'a> {
    let [left, low] = placed([bar.x - 0.5 * width, bar.low], spec);
    let [right, high] = placed([bar.x + 0.5 * width, bar.high], spec);
    let corners = vec![[left, low], [right, low], [right, high], [left, high]];
    // The stroke keeps a bar visible whose ends coincide, or which is thinner than a pixel.
    Polygon::new("", PlotPoints::from(corners)).stroke((1.0, color)).allow_hover(false)
}

fn style(stroke: Stroke) -> LineStyle {
    match stroke {
        Stroke::Solid => LineStyle::Solid,
        Stroke::Dashed => LineStyle::dashed_loose(),
        Stroke::Dotted => LineStyle::dotted_dense(),
        Stroke::Long => LineStyle::Dashed { length: 18.0 },
    }
}

/// Paints the marks' labels at the top of the chart, each in the first row where it touches no other; what is in use has
/// the first choice.
fn mark_labels(ui: &Ui, spec: &FigureSpec, transform: &PlotTransform, frame: Rect) {
    let tokens = theme::tokens(ui);
    let painter = ui.painter().with_clip_rect(frame);
    let font = FontId::proportional(12.0);
    let mut taken: Vec<Rect> = Vec::new();
    let labels = spec.marks_by_rank().map(|m| (m.x, m.label.as_str(), m.ink));
    let spans = spec.spans.iter().map(|s| (0.5 * (s.low + s.high), s.label.as_str(), Ink::Quiet));
    for (value, label, ink) in labels.chain(spans).filter(|(_, label, _)| !label.is_empty()) {
        let x = transform.position_from_point(&PlotPoint::new(spec.x.scale.place(value), 0.0)).x;
        if !frame.x_range().contains(x) {
            continue;
        }
        let galley = painter.layout_no_wrap(label.to_owned(), font.clone(), super::colour(tokens, ink));
        let size = galley.size() + vec2(8.0, 2.0);
        let left = (x - 0.5 * size.x).clamp(frame.left() + 2.0, (frame.right() - size.x - 2.0).max(frame.left() + 2.0));
        let mut rect = Rect::from_min_size(pos2(left, frame.top() + 3.0), size);
        while taken.iter().any(|other| other.expand(1.0).intersects(rect)) && rect.bottom() < frame.bottom() {
            rect = rect.translate(vec2(0.0, size.y + 2.0));
        }
        painter.rect_filled(rect, 3.0, ui.visuals().extreme_bg_color.gamma_multiply(0.9));
        painter.galley(
            Align2::LEFT_TOP.anchor_size(rect.min + vec2(4.0, 1.0), galley.size()).min,
            galley,
            Color32::WHITE,
        );
        taken.push(rect);
    }
}
