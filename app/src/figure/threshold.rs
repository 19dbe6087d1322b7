//! The figure of a range search: what every candidate threshold costs, which one is cheapest, which one is in use.
//!
//! Infinite costs (a quantized bin of no mass where the float one has some) are a gap with a shade, not a tall value: no
//! finite height would be true.

use quantlens_analysis::{calibrate::Method, report::ThresholdDetail};

use super::spec::{Axis, FigureSpec, Ink, Mark, Scale, Series, Shape, Span, Stroke};
use crate::format::{method as method_name, significant};

/// The curve of one method beside the choices of the others.
#[derive(Clone, Debug)]
pub struct ThresholdCurve {
    method: Method,
    thresholds: Vec<f32>,
    costs: Vec<f64>,
    best: usize,
    current: f32,
    others: Vec<(Method, f32)>,
}

impl ThresholdCurve {
    /// The curve of `method` among all the choices; `None` where it has none.
    pub fn of(detail: &ThresholdDetail, method: Method) -> Option<Self> {
        let curve = detail.curves_of(method)?.curves.last()?.clone();
        let others = detail.choices.iter().filter(|c| c.note.is_none() && c.method != method);
        Some(Self {
            method,
            thresholds: curve.thresholds,
            costs: curve.costs,
            best: curve.best,
            current: detail.current.range.amax(),
            others: others.map(|c| (c.method, c.range.amax())).collect(),
        })
    }
}

/// Builds the figure. `in_use` is the method that chose the current threshold; `title` and `stamp` as in [`FigureSpec`].
pub fn threshold_spec(curve: &ThresholdCurve, in_use: Method, title: String, stamp: String) -> FigureSpec {
    let points: Vec<[f64; 2]> =
        curve.thresholds.iter().zip(&curve.costs).map(|(t, cost)| [f64::from(*t), *cost]).collect();
    let marks = marks(curve, in_use);
    let most = marks.iter().map(|m| m.x).chain(points.iter().map(|p| p[0])).fold(0.0, f64::max);
    let x = Axis::linear("threshold |value|", 0.0, 1.03 * most);
    FigureSpec {
        kind: "threshold",
        title,
        stamp,
        spans: infinite_spans(&points, &x),
        x,
        y: cost_axis(&curve.costs),
        series: vec![Series {
            name: format!("{} cost of clipping there", method_name(curve.method)),
            ink: Ink::Float,
            shape: Shape::Line { points, stroke: Stroke::Solid },
        }],
        summary: sentence(curve, in_use),
        marks,
    }
}

/// The cost at a threshold: that of the nearest candidate; `None` without candidates.
fn cost_at(curve: &ThresholdCurve, threshold: f32) -> Option<f64> {
    let nearest = curve.thresholds.iter().zip(&curve.costs);
    nearest.min_by(|a, b| (a.0 - threshold).abs().total_cmp(&(b.0 - threshold).abs())).map(|(_, cost)| *cost)
}

fn marks(curve: &ThresholdCurve, in_use: Method) -> Vec<Mark> {
    let best = curve.thresholds.get(curve.best).map(|t| (curve.method, *t));
    let mut marks: Vec<Mark> = Vec::new();
    for (method, threshold) in best.into_iter().chain(curve.others.iter().copied()) {
        if method == in_use || !threshold.is_finite() {
            continue;
        }
        let label = format!("{} {}", method_name(method), significant(f64::from(threshold), 3));
        marks.push(Mark { x: f64::from(threshold), label, ink: Ink::Alternative, stroke: Stroke::Dashed });
    }
    if curve.current.is_finite() {
        let label = format!("in use: {} {}", method_name(in_use), significant(f64::from(curve.current), 3));
        marks.push(Mark { x: f64::from(curve.current), label, ink: Ink::Current, stroke: Stroke::Solid });
    }
    marks
}

/// Logarithmic where the finite costs span more than two decades.
fn cost_axis(costs: &[f64]) -> Axis {
    let finite = || costs.iter().copied().filter(|c| c.is_finite());
    let most = finite().fold(0.0, f64::max);
    let least = finite().filter(|c| *c > 0.0).fold(f64::INFINITY, f64::min);
    if least.is_finite() && most / least > 100.0 {
        // Head room of a fifth of the decades, for the labels.
        let room = (most / least).powf(0.2);
        Axis::linear("cost (nats)", 0.8 * least, most * room).on(Scale::Log { floor: 0.8 * least })
    } else {
        Axis::linear("cost (nats)", 0.0, 1.25 * most)
    }
}

fn infinite_spans(points: &[[f64; 2]], x: &Axis) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut previous_finite = x.bounds.0;
    let mut open: Option<f64> = None;
    for [threshold, cost] in points {
        if cost.is_finite() {
            if let Some(from) = open.take() {
                spans.push(span(from, *threshold, spans.is_empty()));
            }
            previous_finite = *threshold;
        } else {
            open.get_or_insert(previous_finite);
        }
    }
    if let (Some(from), Some([last, _])) = (open, points.last()) {
        spans.push(span(from, *last, spans.is_empty()));
    }
    spans
}

fn span(low: f64, high: f64, first: bool) -> Span {
    let label = if first { "infinite cost".into() } else { String::new() };
    Span { low, high, label, ink: Ink::Quiet }
}

fn sentence(curve: &ThresholdCurve, in_use: Method) -> String {
    let current = significant(f64::from(curve.current), 3);
    let Some(best) = curve.thresholds.get(curve.best) else {
        return format!("In use: {}, threshold {current}", method_name(in_use));
    };
    let best_cost = curve.costs.get(curve.best).copied().unwrap_or(f64::INFINITY);
    let minimum = format!(
        "{} is lowest at {} (cost {})",
        method_name(curve.method),
        significant(f64::from(*best), 3),
        cost(best_cost)
    );
    if in_use == curve.method {
        return format!("In use: {}, threshold {current}; {minimum}", method_name(in_use));
    }
    match cost_at(curve, curve.current) {
        Some(now) => {
            format!("In use: {}, threshold {current} (cost {}); {minimum}", method_name(in_use), cost(now))
        }
        None => format!("In use: {}, threshold {current}; {minimum}", method_name(in_use)),
    }
}

fn cost(value: f64) -> String {
    if value.is_finite() { significant(value, 3) } else { "infinite".into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve() -> ThresholdCurve {
        ThresholdCurve {
            method: Method::Kl,
            thresholds: vec![1.0, 2.0, 3.0, 4.0, 5.0],
            costs: vec![f64::INFINITY, f64::INFINITY, 0.3, 0.1, 0.2],
            best: 3,
            current: 5.0,
            others: vec![(Method::MinMax, 5.0)],
        }
    }

    #[test]
    fn the_minimum_and_the_one_in_use_are_marked() {
        let spec = threshold_spec(&curve(), Method::MinMax, "t".into(), String::new());
        let labels: Vec<&str> = spec.marks.iter().map(|m| m.label.as_str()).collect();
        assert_eq!(labels, ["KL 4.00", "in use: min–max 5.00"]);
        assert_eq!(spec.summary, "In use: min–max, threshold 5.00 (cost 0.200); KL is lowest at 4.00 (cost 0.100)");
    }

    #[test]
    fn infinite_costs_are_one_shaded_gap() {
        let spec = threshold_spec(&curve(), Method::Kl, "t".into(), String::new());
        assert_eq!(spec.spans.len(), 1);
        assert_eq!((spec.spans[0].low, spec.spans[0].high), (0.0, 3.0));
        assert!(spec.y.bounds.1 < 1.0, "an infinite cost must not stretch the axis");
    }

    #[test]
    fn a_curve_of_many_decades_is_logarithmic() {
        let wide = ThresholdCurve { costs: vec![100.0, 1.0, 0.1, 0.01, 0.02], ..curve() };
        let spec = threshold_spec(&wide, Method::Kl, "t".into(), String::new());
        assert!(matches!(spec.y.scale, Scale::Log { .. }));
    }

    #[test]
    fn no_candidate_at_all_says_what_is_in_use() {
        let none = ThresholdCurve { thresholds: Vec::new(), costs: Vec::new(), ..curve() };
        let spec = threshold_spec(&none, Method::MinMax, "t".into(), String::new());
        assert_eq!(spec.summary, "In use: min–max, threshold 5.00");
    }
}
