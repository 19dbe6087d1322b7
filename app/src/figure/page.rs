//! The layout of a figure on a file's page: where axes, data and summary stand, in whole pixels; [`super::head`] has what
//! stands above.

use plotters::{
    coord::Shift,
    drawing::{DrawingArea, DrawingAreaErrorKind},
    element::{Circle, PathElement, Polygon, Rectangle, Text},
    prelude::DrawingBackend,
    style::{Color as _, FontTransform, ShapeStyle},
};

use super::{
    brush::{self, Anchor, blend, overlap, paint},
    cells,
    head::Head,
    letters::Letters,
    spec::{FigureSpec, Ink, Shape, Stroke},
    ticks::{Tick, ticks},
};
use crate::theme::Tokens;

/// Most lines of the summary.
const MOST_LINES: usize = 3;
/// Size of names that stand upright.
const NAMES: i32 = 11;
/// How much of its colour a hollow bar has.
const HOLLOW: f64 = 0.15;

/// What drawing gives.
pub(super) type Drawn<DB> = Result<(), DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>>;
/// A place on the page.
pub(super) type Pixel = (i32, i32);

/// One figure on one page.
pub(super) struct Page<'a, DB: DrawingBackend> {
    pub(super) root: &'a DrawingArea<DB, Shift>,
    pub(super) spec: &'a FigureSpec,
    pub(super) tokens: &'a Tokens,
    /// Pixels of one pixel at 1×.
    pub(super) unit: i32,
    pub(super) letters: Letters<'a, DB>,
    pub(super) head: Head,
    /// The chart's own rectangle: left, top, right, bottom.
    chart: [i32; 4],
    /// Height of the names below the chart, beyond that of numbers.
    names: i32,
    summary: Vec<String>,
}

impl<'a, DB: DrawingBackend> Page<'a, DB> {
    /// Lays the page out.
    pub(super) fn new(
        root: &'a DrawingArea<DB, Shift>,
        spec: &'a FigureSpec,
        tokens: &'a Tokens,
        scale: u32,
        text_drop: i32,
    ) -> Self {
        let unit = i32::try_from(scale).unwrap_or(1).max(1);
        let (width, height) = root.dim_in_pixel();
        let (width, height) = (i32::try_from(width).unwrap_or(i32::MAX), i32::try_from(height).unwrap_or(i32::MAX));
        let letters = Letters::new(root, unit, text_drop);
        let (low, high) = spec.y.placed_bounds();
        let labels = ticks(&spec.y, low, high, 8);
        let widest = labels.iter().map(|t| letters.width(&t.label, 12)).max().unwrap_or(0);
        let left = 38 * unit + widest;
        let head = Head::new(&letters, spec, (width, left), unit);
        let names = spec.x.names.iter().map(|name| letters.width(name, NAMES)).max();
        let names = names.map_or(0, |longest| (longest - 12 * unit).clamp(0, height / 5));
        let below = |lines: usize| height - names - (46 + 18 * i32::try_from(lines).unwrap_or(0)) * unit;
        // A page is there for its chart: where it is low, the sentence below is cut.
        let most = (1..=MOST_LINES).rev().find(|most| 5 * (below(*most) - head.bottom) >= 2 * height).unwrap_or(1);
        let summary = letters.wrap(&spec.summary, 12, width - 40 * unit, most);
        let chart = [left, head.bottom, width - 20 * unit, below(summary.len())];
        Self { root, spec, tokens, unit, letters, head, chart, names, summary }
    }

    /// Draws everything, back to front.
    pub(super) fn draw(&self) -> Drawn<DB> {
        let top = self.chart[1];
        self.head()?;
        self.grid()?;
        for span in &self.spec.spans {
            let ends = [span.low, span.high].map(|x| self.x(x));
            let fill = paint(super::colour(self.tokens, span.ink), 0.16).filled();
            self.root.draw(&Rectangle::new([(ends[0], top), (ends[1], self.chart[3])], fill))?;
        }
        for series in &self.spec.series {
            self.series(&series.shape, series.ink)?;
        }
        self.marks()?;
        for (row, line) in (0..).zip(&self.summary) {
            let y = self.chart[3] + self.names + (44 + 18 * row) * self.unit;
            self.letters.text(line, (20 * self.unit, y), 12, Anchor::TopLeft, self.tokens.text)?;
        }
        Ok(())
    }

    fn grid(&self) -> Drawn<DB> {
        let [left, top, right, bottom] = self.chart;
        let faint = self.line(self.tokens.faint, 1);
        let wanted = |length: i32, each: i32| usize::try_from(length / (each * self.unit)).unwrap_or(2).max(2);
        let (x0, x1) = self.spec.x.placed_bounds();
        if self.spec.x.names.is_empty() {
            for Tick { placed, label } in ticks(&self.spec.x, x0, x1, wanted(right - left, 80)) {
                let x = self.x_placed(placed);
                self.root.draw(&PathElement::new([(x, top), (x, bottom)], faint))?;
                self.letters.text(&label, (x, bottom + 6 * self.unit), 12, Anchor::Top, self.tokens.weak)?;
            }
        } else {
            self.upright_names()?;
        }
        let (y0, y1) = self.spec.y.placed_bounds();
        for Tick { placed, label } in ticks(&self.spec.y, y0, y1, wanted(bottom - top, 40)) {
            let y = self.y_placed(placed);
            self.root.draw(&PathElement::new([(left, y), (right, y)], faint))?;
            self.letters.text(&label, (left - 6 * self.unit, y), 12, Anchor::Right, self.tokens.weak)?;
        }
        self.root.draw(&Rectangle::new([(left, top), (right, bottom)], self.line(self.tokens.line, 1)))?;
        let middle = ((left + right) / 2, bottom + self.names + 24 * self.unit);
        let label = self.letters.fit(&self.spec.x.label, 12, right - left);
        self.letters.text(&label, middle, 12, Anchor::Top, self.tokens.text)?;
        let upright =
            self.letters.style(12, self.tokens.text).transform(FontTransform::Rotate270).pos(Anchor::Top.pos());
        let at = (14 * self.unit, (top + bottom) / 2);
        self.root.draw(&Text::new(self.letters.fit(&self.spec.y.label, 12, bottom - top), at, upright))
    }

    /// Names along the horizontal axis, read upwards, every second or third one where they would touch.
    fn upright_names(&self) -> Drawn<DB> {
        let bottom = self.chart[3];
        let apart = (self.x(1.0) - self.x(0.0)).max(1);
        let every = usize::try_from(((NAMES + 2) * self.unit + apart - 1) / apart).unwrap_or(1).max(1);
        let style = self.letters.style(NAMES, self.tokens.text);
        let style = style.transform(FontTransform::Rotate270).pos(Anchor::Right.pos());
        for (place, name) in self.spec.x.names.iter().enumerate().step_by(every) {
            let name = self.letters.fit_end(name, NAMES, self.names + 12 * self.unit);
            let at = (self.x(place as f64) + self.letters.drop, bottom + 5 * self.unit);
            self.root.draw(&Text::new(name, at, style.clone()))?;
        }
        Ok(())
    }

    fn series(&self, shape: &Shape, ink: Ink) -> Drawn<DB> {
        let color = super::colour(self.tokens, ink);
        let [left, _, right, bottom] = self.chart;
        match shape {
            Shape::Line { points, stroke } => {
                for run in points.split(|p| !(p[0].is_finite() && p[1].is_finite())) {
                    let run: Vec<Pixel> = run.iter().map(|p| (self.x(p[0]), self.y(p[1]))).collect();
                    self.path(&run, *stroke, self.line(color, 2))?;
                }
                Ok(())
            }
            Shape::Steps { edges, heights, filled } => {
                let mut outline = Vec::with_capacity(2 * heights.len() + 2);
                for (pair, height) in edges.windows(2).zip(heights) {
                    outline.extend(pair.iter().map(|edge| (self.x(*edge), self.y(*height))));
                }
                let (Some(first), Some(last)) = (outline.first(), outline.last()) else { return Ok(()) };
                let (first, last) = ((first.0, bottom), (last.0, bottom));
                outline.insert(0, first);
                outline.push(last);
                if *filled {
                    self.root.draw(&Polygon::new(outline, paint(color, 0.55).filled()))
                } else {
                    self.root.draw(&PathElement::new(outline, self.line(color, 1)))
                }
            }
            Shape::Bars { bars, width, filled } => {
                for bar in bars {
                    let corners = [
                        (self.x(bar.x - 0.5 * width), self.y(bar.high)),
                        (self.x(bar.x + 0.5 * width), self.y(bar.low)),
                    ];
                    let strength = if *filled { 0.6 } else { HOLLOW };
                    self.root.draw(&Rectangle::new(corners, paint(color, strength).filled()))?;
                    self.root.draw(&Rectangle::new(corners, self.line(color, 1)))?;
                }
                Ok(())
            }
            Shape::Whiskers { bars, width } => {
                for line in bars.iter().flat_map(|bar| bar.whisker(*width)) {
                    let line: Vec<Pixel> = line.iter().map(|p| (self.x(p[0]), self.y(p[1]))).collect();
                    self.root.draw(&PathElement::new(line, self.line(color, 1)))?;
                }
                Ok(())
            }
            Shape::Dots { points } => {
                for p in points {
                    let dot = Circle::new((self.x(p[0]), self.y(p[1])), 2 * self.unit, paint(color, 1.0).filled());
                    self.root.draw(&dot)?;
                }
                Ok(())
            }
            Shape::Cells { edges, strengths } => {
                for (ends, strength) in cells::filled(edges, strengths) {
                    let [from, to] = ends.map(|[x, y]| (self.x(x), self.y(y)));
                    let corners = [(from.0, to.1), (to.0, from.1)];
                    self.root.draw(&Rectangle::new(corners, paint(color, f64::from(strength)).filled()))?;
                }
                Ok(())
            }
            Shape::Level { y, stroke } => {
                let y = self.y(*y);
                self.path(&[(left, y), (right, y)], *stroke, self.line(color, 1))
            }
        }
    }

    fn marks(&self) -> Drawn<DB> {
        let [left, top, right, bottom] = self.chart;
        let mut taken: Vec<[i32; 4]> = Vec::new();
        for mark in &self.spec.marks {
            let x = self.x(mark.x);
            let strength = if mark.ink == Ink::Quiet { 0.35 } else { 1.0 };
            let width = u32::try_from(self.unit).unwrap_or(1);
            let line = paint(super::colour(self.tokens, mark.ink), strength).stroke_width(width);
            self.path(&[(x, top), (x, bottom)], mark.stroke, line)?;
        }
        let marks = self.spec.marks_by_rank().map(|m| (m.x, m.label.as_str(), super::colour(self.tokens, m.ink)));
        let spans = self.spec.spans.iter().map(|s| (0.5 * (s.low + s.high), s.label.as_str(), self.tokens.weak));
        for (value, label, color) in marks.chain(spans).filter(|(_, label, _)| !label.is_empty()) {
            let width = self.letters.width(label, 12) + 8 * self.unit;
            let from = (self.x(value) - width / 2).min(right - width - 2 * self.unit).max(left + 2 * self.unit);
            let mut spot = [from, top + 4 * self.unit, from + width, top + 20 * self.unit];
            while taken.iter().any(|t| overlap(t, &spot)) && spot[3] < bottom {
                spot[1] += 18 * self.unit;
                spot[3] += 18 * self.unit;
            }
            let back = paint(self.tokens.canvas, 0.9).filled();
            self.root.draw(&Rectangle::new([(spot[0], spot[1]), (spot[2], spot[3])], back))?;
            self.letters.text(label, (from + 4 * self.unit, (spot[1] + spot[3]) / 2), 12, Anchor::Left, color)?;
            taken.push(spot);
        }
        Ok(())
    }

    pub(super) fn path(&self, points: &[Pixel], stroke: Stroke, style: ShapeStyle) -> Drawn<DB> {
        for piece in brush::pieces(points, stroke, self.unit) {
            self.root.draw(&PathElement::new(piece, style))?;
        }
        Ok(())
    }

    fn x(&self, value: f64) -> i32 {
        self.x_placed(self.spec.x.scale.place(value))
    }

    fn y(&self, value: f64) -> i32 {
        self.y_placed(self.spec.y.scale.place(value))
    }

    fn x_placed(&self, placed: f64) -> i32 {
        let (low, high) = self.spec.x.placed_bounds();
        blend(self.chart[0], self.chart[2], ((placed - low) / (high - low)).clamp(0.0, 1.0))
    }

    fn y_placed(&self, placed: f64) -> i32 {
        let (low, high) = self.spec.y.placed_bounds();
        blend(self.chart[3], self.chart[1], ((placed - low) / (high - low)).clamp(0.0, 1.0))
    }

    pub(super) fn line(&self, color: egui::Color32, width: u32) -> ShapeStyle {
        paint(color, 1.0).stroke_width(width * u32::try_from(self.unit).unwrap_or(1))
    }
}
