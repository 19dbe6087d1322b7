//! The figure of a range search: what every candidate costs, which one the method takes, what the others would take, and
//! which one is in use, with the handles that move it.
//!
//! Infinite costs (a quantized bin of no mass where the float one has some) are a gap with a shade, not a tall value: no
//! finite height would be true.

use quantlens_analysis::{
    calibrate::{Curve, Method, Side},
    quant::Range,
    report::{MethodCurves, RangeMark, ThresholdDetail},
    t,
    text::text,
};

use super::{
    handles::end_handles,
    pinned::mark_range,
    spec::{Axis, FigureSpec, Handle, Ink, Scale, Series, Shape, Span, Stroke},
};
use crate::format::{method as method_name, range as range_text, significant};

mod marks;
mod why;

pub use why::why;

/// What the figure is made of.
#[derive(Clone, Copy, Debug)]
pub struct ThresholdFacts<'a> {
    /// All choices and curves.
    pub detail: &'a ThresholdDetail,
    /// Whose curve is drawn.
    pub method: Method,
    /// The range in use, or the one that is being dragged.
    pub current: &'a RangeMark,
}

/// What the horizontal axis holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum View {
    /// Thresholds on the magnitude.
    Magnitude,
    /// Ends of a range, each with its sign.
    Ends,
}

impl View {
    fn of(curves: &MethodCurves) -> Self {
        if curves.curves.iter().any(|curve| curve.side == Side::Both) { Self::Magnitude } else { Self::Ends }
    }

    /// Where a range stands on the axis. An end without values has no choice and no place.
    fn places(self, observed: Range, range: Range) -> Vec<f32> {
        match self {
            Self::Magnitude => vec![range.amax()],
            Self::Ends => {
                let low = (observed.low < 0.0).then_some(range.low);
                low.into_iter().chain((observed.high > 0.0).then_some(range.high)).collect()
            }
        }
    }
}

/// Builds the figure; `None` where the method has no candidates. `title` and `stamp` as in [`FigureSpec`].
pub fn threshold_spec(facts: ThresholdFacts<'_>, title: String, stamp: String) -> Option<FigureSpec> {
    let ThresholdFacts { detail, current, .. } = facts;
    let curves = detail.curves_of(facts.method).filter(|c| c.curves.iter().any(|curve| !curve.costs.is_empty()))?;
    let view = View::of(curves);
    let x = value_axis(view, detail, current.range);
    let handles = handles(view, detail, current.range);
    let (low, high) = x.bounds;
    let mut series: Vec<Series> = curves.curves.iter().map(|curve| line(curves, curve)).collect();
    let best: Vec<[f64; 2]> = curves.curves.iter().filter_map(chosen_point).filter(|p| p[1].is_finite()).collect();
    if let Some(level) = curves.level {
        let name = t!("{} may lie beyond each end", percent(level));
        series.push(Series { name, ink: Ink::Quiet, shape: Shape::Level { y: level, stroke: Stroke::Dotted } });
    }
    series.push(Series { name: t!("chosen").into(), ink: Ink::Quantized, shape: Shape::Dots { points: best } });
    Some(FigureSpec {
        kind: "threshold",
        title,
        stamp,
        spans: curves.curves.iter().flat_map(|curve| infinite_spans(curve, low)).collect(),
        marks: marks::marks(detail, (current, &handles), view, high - low),
        handles,
        y: cost_axis(curves),
        x,
        series,
        summary: sentence(curves, current),
    })
}

/// Adds the baseline's range, dashed. `method` is whose curve is drawn.
pub fn add_pinned(spec: &mut FigureSpec, detail: &ThresholdDetail, method: Method, pinned: Range, name: &str) {
    if let Some(curves) = detail.curves_of(method) {
        mark_range(spec, &View::of(curves).places(detail.observed, pinned), name);
    }
}

/// From 0 or from the lowest value to the highest, and to where the range in use lies beyond. What is dragged stays within,
/// so that the axis holds still under the pointer.
fn value_axis(view: View, detail: &ThresholdDetail, current: Range) -> Axis {
    let observed = detail.observed;
    let (low, high) = match view {
        View::Magnitude => (0.0, observed.amax().max(current.amax())),
        View::Ends => (observed.low.min(current.low).min(0.0), observed.high.max(current.high).max(0.0)),
    };
    let (low, high) = (f64::from(low), f64::from(high));
    let margin = 0.03 * (high - low);
    match view {
        View::Magnitude => Axis::linear(t!("threshold on |value|"), 0.0, high + margin),
        View::Ends => Axis::linear(t!("end of the range"), low - margin, high + margin),
    }
}

/// The handles for moving `current`: one for the threshold, or one for each end that has values.
fn handles(view: View, detail: &ThresholdDetail, current: Range) -> Vec<Handle> {
    let (observed, step) = (detail.observed, detail.bin_width);
    let handle = |name, side, value, limits| Handle { name, side, value, limits, step };
    match view {
        View::Magnitude => {
            let most = observed.amax();
            // At a threshold of 0 there is no scale.
            vec![handle(t!("Clipping threshold"), Side::Both, current.amax(), (step.min(most), most))]
        }
        View::Ends => end_handles(detail, current),
    }
}

fn line(curves: &MethodCurves, curve: &Curve) -> Series {
    let points = curve.thresholds.iter().zip(&curve.costs).map(|(t, cost)| [f64::from(*t), *cost]).collect();
    let method = method_name(curves.method);
    let (name, stroke) = match curve.side {
        Side::Both => (t!("{}: cost of clipping there", method), Stroke::Solid),
        Side::Low => (t!("{}: cost of the lower end", method), Stroke::Dashed),
        Side::High => (t!("{}: cost of the upper end", method), Stroke::Solid),
    };
    Series { name, ink: Ink::Float, shape: Shape::Line { points, stroke } }
}

fn chosen_point(curve: &Curve) -> Option<[f64; 2]> {
    Some([f64::from(curve.threshold()?), *curve.costs.get(curve.best)?])
}

/// Logarithmic where the finite costs span more than two decades.
fn cost_axis(curves: &MethodCurves) -> Axis {
    let label = t!("cost ({})", text(curves.unit));
    let finite = || curves.curves.iter().flat_map(|c| c.costs.iter().copied()).filter(|c| c.is_finite());
    let most = finite().fold(0.0, f64::max);
    let least = finite().filter(|c| *c > 0.0).fold(f64::INFINITY, f64::min);
    if least.is_finite() && most / least > 100.0 {
        // Head room of a third of the decades, for the labels.
        let room = (most / least).powf(0.33);
        Axis::linear(label, 0.8 * least, most * room).on(Scale::Log { floor: 0.8 * least })
    } else {
        Axis::linear(label, 0.0, if most > 0.0 { 1.4 * most } else { 1.0 })
    }
}

/// The stretches of a curve without finite cost, the first one named; `from` is where the axis begins.
fn infinite_spans(curve: &Curve, from: f64) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut previous_finite = from;
    let mut open: Option<f64> = None;
    for (threshold, cost) in curve.thresholds.iter().zip(&curve.costs) {
        let threshold = f64::from(*threshold);
        if cost.is_finite() {
            if let Some(from) = open.take() {
                spans.push(span(from, threshold, spans.is_empty()));
            }
            previous_finite = threshold;
        } else {
            open.get_or_insert(previous_finite);
        }
    }
    if let (Some(from), Some(last)) = (open, curve.thresholds.last()) {
        spans.push(span(from, f64::from(*last), spans.is_empty()));
    }
    spans
}

fn span(low: f64, high: f64, first: bool) -> Span {
    let label = if first { t!("infinite cost").into() } else { String::new() };
    Span { low, high, label, ink: Ink::Quiet }
}

fn sentence(curves: &MethodCurves, current: &RangeMark) -> String {
    let name = method_name(curves.method);
    let in_use = t!("In use: {}", method_name(current.method));
    if let [curve] = curves.curves.as_slice()
        && curve.side == Side::Both
    {
        let threshold = significant(f64::from(current.range.amax()), 3);
        let now = curve.cost_near(current.range.amax()).filter(|_| current.method != curves.method);
        let now = now.map_or_else(String::new, |c| t!(" (cost {})", cost(c)));
        let Some([best, least]) = chosen_point(curve) else { return t!("{}, threshold {}", in_use, threshold) };
        let least = t!("{} is lowest at {} (cost {})", name, significant(best, 3), cost(least));
        return t!("{}, threshold {}{}; {}", in_use, threshold, now, least);
    }
    let ends: Vec<String> = curves
        .curves
        .iter()
        .filter_map(|curve| Some((curve.side, curve.threshold()?)))
        .map(|(side, end)| {
            let end = significant(f64::from(end), 3);
            if side == Side::Low { t!("below at {}", end) } else { t!("above at {}", end) }
        })
        .collect();
    t!("{}, range {}; {} cuts {}", in_use, range_text(current.range), name, ends.join(t!(" and ")))
}

/// A cost as a sentence has it.
fn cost(value: f64) -> String {
    if value.is_finite() { significant(value, 3) } else { t!("infinite").into() }
}

/// A share in per cent, as precise as it is small; number and sign stay on one line.
fn percent(share: f64) -> String {
    format!("{}\u{A0}%", significant(100.0 * share, 2))
}

#[cfg(test)]
mod tests;
