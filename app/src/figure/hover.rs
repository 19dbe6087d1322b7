//! What stands under the pointer, in words. Values are looked up in the figure itself, so the text can never disagree
//! with what is drawn.

use super::{
    spec::{Bar, FigureSpec, Shape},
    ticks::number,
};
use quantlens_analysis::t;

/// Lines that say what the figure holds at the data value `x`; `None` where it holds nothing there.
pub fn describe(spec: &FigureSpec, x: f64) -> Option<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut place: Option<String> = None;
    // Beside a curve, dots are places on it and not values for every x.
    let has_curve = spec.series.iter().any(|series| matches!(series.shape, Shape::Line { .. }));
    let near = 0.01 * (spec.x.bounds.1 - spec.x.bounds.0);
    for series in &spec.series {
        let found = match &series.shape {
            Shape::Steps { edges, heights, .. } => step_at(edges, heights, x),
            Shape::Bars { bars, width, .. } | Shape::Whiskers { bars, width } => bar_at(bars, *width, x),
            Shape::Dots { points } if has_curve && points.iter().all(|p| (p[0] - x).abs() > near) => None,
            Shape::Line { points, .. } | Shape::Dots { points } => point_at(points, x, &spec.x.label),
            Shape::Level { .. } | Shape::Cells { .. } => None,
        };
        if let Some((at, value)) = found {
            place.get_or_insert(at);
            lines.push(if series.name.is_empty() { value } else { format!("{}  {value}", series.name) });
        }
    }
    lines.insert(0, place?);
    Some(lines.join("\n"))
}

fn step_at(edges: &[f64], heights: &[f64], x: f64) -> Option<(String, String)> {
    let bin = edges.partition_point(|e| *e <= x).checked_sub(1)?;
    let (low, high, height) = (*edges.get(bin)?, *edges.get(bin + 1)?, *heights.get(bin)?);
    let width = (high - low) / 10.0;
    Some((format!("{} … {}", number(low, width), number(high, width)), number(height, 1.0)))
}

fn bar_at(bars: &[Bar], width: f64, x: f64) -> Option<(String, String)> {
    let next = bars.partition_point(|b| b.x + 0.5 * width < x);
    let bar = bars.get(next).filter(|b| (b.x - x).abs() <= 0.5 * width)?;
    let step = (bar.high - bar.low).abs().max(bar.high.abs() * 1e-3) / 100.0;
    let value = if bar.low == 0.0 {
        number(bar.high, step)
    } else {
        format!("{} … {}", number(bar.low, step), number(bar.high, step))
    };
    Some((bar.name.clone(), value))
}

fn point_at(points: &[[f64; 2]], x: f64, axis: &str) -> Option<(String, String)> {
    let [px, py] = points
        .iter()
        .filter(|p| p[0].is_finite())
        .min_by(|a, b| (a[0] - x).abs().total_cmp(&(b[0] - x).abs()))
        .copied()?;
    let value = if py.is_finite() { number(py, py.abs().max(1e-4) / 1000.0) } else { t!("infinite").into() };
    Some((format!("{axis} {}", number(px, px.abs().max(1e-4) / 1000.0)), value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::spec::{Axis, Ink, Series};

    fn spec(shape: Shape) -> FigureSpec {
        FigureSpec {
            kind: "test",
            title: String::new(),
            stamp: String::new(),
            x: Axis::linear("channel", 0.0, 3.0),
            y: Axis::linear("count", 0.0, 9.0),
            series: vec![Series { name: "float".into(), ink: Ink::Float, shape }],
            marks: Vec::new(),
            spans: Vec::new(),
            handles: Vec::new(),
            summary: String::new(),
        }
    }

    #[test]
    fn a_bin_is_named_by_its_edges() {
        let steps = spec(Shape::Steps { edges: vec![0.0, 1.0, 2.0], heights: vec![4.0, 7.0], filled: true });
        assert_eq!(describe(&steps, 1.5).unwrap(), "1.0 … 2.0\nfloat  7");
        assert_eq!(describe(&steps, 2.5), None);
        assert_eq!(describe(&steps, -0.1), None);
    }

    #[test]
    fn a_bar_is_found_within_its_width_only() {
        let bars = [(0.0, "channel 7", 1.0), (2.0, "channel 2", 3.0)]
            .map(|(x, name, reach)| Bar { name: name.into(), x, low: -reach, high: reach })
            .to_vec();
        let bars = spec(Shape::Bars { bars, width: 0.8, filled: true });
        assert_eq!(describe(&bars, 2.3).unwrap(), "channel 2\nfloat  −3.00 … 3.00");
        assert_eq!(describe(&bars, 1.0), None);
    }

    #[test]
    fn a_dot_on_a_curve_is_named_only_where_it_is() {
        let line = Shape::Line { points: vec![[1.0, 0.7], [2.0, 0.5]], stroke: crate::figure::Stroke::Solid };
        let mut figure = spec(line);
        let shape = Shape::Dots { points: vec![[2.0, 0.5]] };
        figure.series.push(Series { name: "lowest".into(), ink: Ink::Quantized, shape });
        assert!(!describe(&figure, 1.0).unwrap().contains("lowest"));
        // 1 % of the axis from 0 to 3 is 0.03.
        assert!(describe(&figure, 2.02).unwrap().contains("lowest"));
    }

    #[test]
    fn an_infinite_cost_says_so() {
        let line = Shape::Line { points: vec![[1.0, f64::INFINITY], [2.0, 0.5]], stroke: crate::figure::Stroke::Solid };
        assert_eq!(describe(&spec(line), 1.2).unwrap(), "channel 1.000\nfloat  infinite");
    }
}
