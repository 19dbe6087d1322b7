//! A figure as plain data: what a page wants drawn, without a word about how.
//!
//! The screen ([`super::screen`]) and the exported file ([`super::file`]) both draw this one value, so what is saved is
//! what was seen. Colours are roles ([`Ink`]); the drawer asks the theme for them. Coordinates are data values; a drawer
//! passes them through [`Scale::place`] first, since neither plotting crate has the signed logarithm used here.

use quantlens_analysis::calibrate::Side;

/// One chart with everything that is drawn in it.
#[derive(Clone, Debug, PartialEq)]
pub struct FigureSpec {
    /// Stable name of this kind of figure (`histogram`): the plot's id and the proposed file name's end.
    pub kind: &'static str,
    /// What is shown, of which layer.
    pub title: String,
    /// What limits the reading: samples, synthetic data. Empty when nothing does.
    pub stamp: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// Drawn in order, later ones on top.
    pub series: Vec<Series>,
    /// Vertical lines with a label, thresholds for instance.
    pub marks: Vec<Mark>,
    /// Shaded stretches of the horizontal axis, under everything else.
    pub spans: Vec<Span>,
    /// Marks that can be moved, on screen.
    pub handles: Vec<Handle>,
    /// The figure in words; stands below it, and is what a screen reader gets.
    pub summary: String,
}

/// One axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// What it measures, with the unit.
    pub label: String,
    /// How values are placed along it.
    pub scale: Scale,
    /// The stretch to show, in data values; always finite and with `low < high`.
    pub bounds: (f64, f64),
    /// Whether ticks stand on whole numbers only (channel indices).
    pub whole: bool,
    /// What stands at 0, 1, 2 … in place of numbers; empty where numbers do.
    pub names: Vec<String>,
}

/// How data values are placed along an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    /// As they are.
    Linear,
    /// `log10(max(v, floor))`: for counts and costs, where a zero must stay drawable.
    Log {
        /// The smallest value that is told apart from zero.
        floor: f64,
    },
    /// `sign(v)·log10(1 + |v|/unit)`: for signed values with long tails; linear within about one `unit` of zero.
    SignedLog {
        /// Where the scale turns from linear to logarithmic, e.g. one step of the grid.
        unit: f64,
    },
}

/// What a colour means. The theme gives each its colour, a dark and a light one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ink {
    /// The float run.
    Float,
    /// The quantized run.
    Quantized,
    /// A threshold or scale in use.
    Current,
    /// A threshold that another method would choose.
    Alternative,
    /// What stands out and should be looked at.
    Suspect,
    /// What a quantizer cuts off.
    Clipped,
    /// Scaffolding: grid levels, medians.
    Quiet,
    /// One of several of a kind (layers, widths), by its place among them.
    Layer(usize),
}

/// How a line is stroked; every series that shares a figure differs in more than colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stroke {
    /// Unbroken.
    Solid,
    /// Dashes.
    Dashed,
    /// Dots.
    Dotted,
    /// Long dashes.
    Long,
}

/// Something drawn from data.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// Its colour role.
    pub ink: Ink,
    /// What is drawn.
    pub shape: Shape,
}

/// The ways to draw data.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Points joined in order; a value that is not finite leaves a gap.
    Line {
        /// `[x, y]`.
        points: Vec<[f64; 2]>,
        /// The stroke.
        stroke: Stroke,
    },
    /// A histogram: `heights[i]` over `edges[i]..edges[i + 1]`.
    Steps {
        /// One more than `heights`, ascending.
        edges: Vec<f64>,
        /// Not negative.
        heights: Vec<f64>,
        /// Filled to the axis; otherwise only the outline is drawn.
        filled: bool,
    },
    /// One vertical bar an entry, from `low` to `high`.
    Bars {
        /// The bars, ascending in `x`.
        bars: Vec<Bar>,
        /// Width of each, in x units.
        width: f64,
        /// Hollow otherwise: what is only estimated.
        filled: bool,
    },
    /// Intervals: a thin line from `low` to `high` with a short one across at either end.
    Whiskers {
        /// The intervals, ascending in `x`.
        bars: Vec<Bar>,
        /// How long the short lines are, in x units.
        width: f64,
    },
    /// Separate dots.
    Dots {
        /// `[x, y]`, finite.
        points: Vec<[f64; 2]>,
    },
    /// Rectangles side by side, each as strong as it holds values.
    Cells {
        /// Where columns begin and end, and rows likewise; ascending. Rows follow each other upwards.
        edges: Vec<f64>,
        /// 0 (nothing) to 1, row by row.
        strengths: Vec<f32>,
    },
    /// A horizontal line across the whole chart.
    Level {
        /// Its height.
        y: f64,
        /// The stroke.
        stroke: Stroke,
    },
}

/// A bar between two heights.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// What it stands for, in the hover text; in a sorted chart `x` alone would not tell.
    pub name: String,
    /// Its middle.
    pub x: f64,
    /// Where it begins.
    pub low: f64,
    /// Where it ends.
    pub high: f64,
}

impl Bar {
    /// The three lines of an interval with ends of this width.
    pub fn whisker(&self, width: f64) -> [[[f64; 2]; 2]; 3] {
        let across = |y: f64| [[self.x - 0.5 * width, y], [self.x + 0.5 * width, y]];
        [[[self.x, self.low], [self.x, self.high]], across(self.low), across(self.high)]
    }
}

/// A vertical line with a label at its top.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// Where.
    pub x: f64,
    /// What it is, with its number.
    pub label: String,
    /// Its colour role.
    pub ink: Ink,
    /// Its stroke.
    pub stroke: Stroke,
}

/// A vertical line that can be dragged and stepped with keys; the line itself is a [`Mark`] in the same place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Handle {
    /// What it moves, for screen readers.
    pub name: &'static str,
    /// Which end of the range it stands for.
    pub side: Side,
    /// Where it stands.
    pub value: f32,
    /// How far dragging and keys move it.
    pub limits: (f32, f32),
    /// What one press of an arrow key adds or takes.
    pub step: f32,
}

/// A shaded stretch of the horizontal axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// From.
    pub low: f64,
    /// To.
    pub high: f64,
    /// What it means; empty for none.
    pub label: String,
    /// Its colour role; drawers thin it out.
    pub ink: Ink,
}

impl Axis {
    /// A linear axis over `low..high`, widened where that is empty or not finite, so that a drawer never divides by zero.
    pub fn linear(label: impl Into<String>, low: f64, high: f64) -> Self {
        Self { label: label.into(), scale: Scale::Linear, bounds: proper(low, high), whole: false, names: Vec::new() }
    }

    /// The same axis on another scale.
    #[must_use]
    pub fn on(self, scale: Scale) -> Self {
        Self { scale, ..self }
    }

    /// The bounds after the scale: what the plot's own coordinates run over.
    pub fn placed_bounds(&self) -> (f64, f64) {
        proper(self.scale.place(self.bounds.0), self.scale.place(self.bounds.1))
    }
}

impl Scale {
    /// Where `value` stands, in plot coordinates.
    pub fn place(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Log { floor } => value.max(floor).log10(),
            Self::SignedLog { unit } => (1.0 + value.abs() / unit).log10().copysign(value),
        }
    }

    /// The value that stands at `placed`; the inverse of [`Scale::place`] above the floor.
    pub fn value(self, placed: f64) -> f64 {
        match self {
            Self::Linear => placed,
            Self::Log { .. } => 10f64.powf(placed),
            Self::SignedLog { unit } => ((10f64.powf(placed.abs()) - 1.0) * unit).copysign(placed),
        }
    }
}

impl FigureSpec {
    /// The marks in the order in which they choose a place for their labels: what is in use first.
    pub fn marks_by_rank(&self) -> impl Iterator<Item = &Mark> {
        let in_use = |mark: &&Mark| mark.ink == Ink::Current;
        self.marks.iter().filter(in_use).chain(self.marks.iter().filter(move |mark| !in_use(mark)))
    }

    /// Series, marks and spans by name, for the legend: each name once, in drawing order.
    pub fn legend(&self) -> Vec<(&str, Ink, LegendKey)> {
        let mut entries: Vec<(&str, Ink, LegendKey)> = Vec::new();
        for series in self.series.iter().filter(|s| !s.name.is_empty()) {
            if entries.iter().all(|(name, ..)| *name != series.name) {
                entries.push((&series.name, series.ink, series.shape.key()));
            }
        }
        entries
    }
}

/// How a series looks in the legend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LegendKey {
    /// A filled box.
    Box,
    /// An outlined box.
    Outline,
    /// A short line.
    Line(Stroke),
    /// A dot.
    Dot,
    /// A short line between two ends.
    Whisker,
}

impl Shape {
    fn key(&self) -> LegendKey {
        match self {
            Self::Line { stroke, .. } | Self::Level { stroke, .. } => LegendKey::Line(*stroke),
            Self::Steps { filled: true, .. } | Self::Bars { filled: true, .. } | Self::Cells { .. } => LegendKey::Box,
            Self::Steps { .. } | Self::Bars { .. } => LegendKey::Outline,
            Self::Whiskers { .. } => LegendKey::Whisker,
            Self::Dots { .. } => LegendKey::Dot,
        }
    }
}

/// `low..high`, or a stretch of at least some width around it.
fn proper(low: f64, high: f64) -> (f64, f64) {
    match (low.is_finite(), high.is_finite()) {
        (true, true) if low < high => (low, high),
        (true, true) => (low - 0.5 * low.abs().max(1.0), low + 0.5 * low.abs().max(1.0)),
        (true, false) => (low, low + low.abs().max(1.0)),
        (false, true) => (high - high.abs().max(1.0), high),
        (false, false) => (0.0, 1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_invert() {
        for scale in [Scale::Linear, Scale::Log { floor: 1e-9 }, Scale::SignedLog { unit: 0.25 }] {
            for value in [0.001, 0.5, 7.0, 1234.0] {
                assert!((scale.value(scale.place(value)) / value - 1.0).abs() < 1e-9, "{scale:?} {value}");
            }
        }
        // −0.75 / 0.25 = 3; log10(1 + 3) = 0.60206, on the negative side.
        assert!((Scale::SignedLog { unit: 0.25 }.place(-0.75) + 4f64.log10()).abs() < 1e-12);
        assert!((Scale::Log { floor: 0.5 }.place(0.0) - 0.5f64.log10()).abs() < 1e-12);
    }

    #[test]
    fn an_axis_never_has_an_empty_stretch() {
        for (low, high) in [(1.0, 1.0), (0.0, 0.0), (f64::NAN, 2.0), (f64::NEG_INFINITY, f64::INFINITY), (5.0, -5.0)] {
            let (a, b) = Axis::linear("x", low, high).bounds;
            assert!(a < b && a.is_finite() && b.is_finite(), "{low} {high} gave {a} {b}");
        }
    }
}
