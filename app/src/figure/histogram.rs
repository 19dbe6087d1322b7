//! The figure of one tensor's values: float outline against quantized fill, the quantizer's ends, what it clips.

use quantlens_analysis::{
    metrics::Measure,
    quant::{Range, Scheme},
    report::{Distribution, RangeMark, ThresholdDetail},
    t,
};

use super::{
    handles::end_handles,
    spec::{Axis, FigureSpec, Handle, Ink, Mark, Scale, Series, Shape, Span, Stroke},
};
use crate::format::significant;

/// Grids with at most this many levels have each level drawn; more would be a grey wall.
const DRAWN_LEVELS: f64 = 33.0;

/// How the user wants the chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistogramOptions {
    /// Counts on a logarithmic axis: tails of a few values stay visible beside a peak of a million.
    pub log_counts: bool,
    /// Values on a signed logarithmic axis: what is near zero spreads out.
    pub log_values: bool,
}

/// What the sentence below the chart needs beside the histogram.
#[derive(Clone, Debug)]
pub struct HistogramFacts<'a> {
    /// `Weights of conv1`, `Output of conv1`.
    pub title: String,
    /// Samples and other limits, see [`FigureSpec::stamp`].
    pub stamp: String,
    /// How the tensor is quantized in words (`8 bits, one scale per channel`); `None` for float.
    pub format: Option<String>,
    /// Smallest and largest scale where there is more than one.
    pub scales: Option<(f32, f32)>,
    /// Share of values clipped, where it is known.
    pub clipped: Option<Measure>,
    /// The range in use, or the one that is being dragged, among its choices; `None` where there is nothing to choose. It
    /// wins over what the data were counted with.
    pub in_use: Option<(&'a ThresholdDetail, &'a RangeMark)>,
}

/// The quantizer as it is drawn.
struct Quantizer {
    /// The reals of the first and the last code.
    ends: Option<(f64, f64)>,
    /// The scale, where there is one.
    step: Option<f64>,
    /// What can be moved.
    handles: Vec<Handle>,
    /// What the axis covers beside the data. Nothing here moves with a handle, or the axis would slide under the pointer.
    reach: Option<(f64, f64)>,
}

impl Quantizer {
    fn of(data: &Distribution, facts: &HistogramFacts<'_>) -> Self {
        let pair = |low: f32, high: f32| (f64::from(low), f64::from(high));
        let proper = |step: f32| Some(f64::from(step)).filter(|s| *s > 0.0 && s.is_finite());
        let Some((detail, current)) = facts.in_use else {
            let ends = data.thresholds.map(|(low, high)| pair(low, high));
            let step = data.step.and_then(|(scale, _)| proper(scale));
            return Self { ends, step, handles: Vec::new(), reach: ends };
        };
        let Range { low, high } = detail.representable(current.range);
        let (observed, now) = (detail.observed, current.range);
        let reach = if detail.format.scheme == Scheme::Symmetric && low < 0.0 {
            // The codes that the data never use are part of the picture.
            let most = observed.amax().max(now.amax());
            pair(-most, most)
        } else {
            pair(observed.low.min(now.low).min(0.0), observed.high.max(now.high).max(0.0))
        };
        Self {
            ends: Some(pair(low, high)),
            step: proper(current.scale),
            handles: end_handles(detail, now),
            reach: Some(reach),
        }
    }
}

/// Builds the figure.
pub fn histogram_spec(data: &Distribution, facts: &HistogramFacts<'_>, options: HistogramOptions) -> FigureSpec {
    let (low, high) = (f64::from(data.low), f64::from(data.high));
    let Quantizer { ends, step, handles, reach } = Quantizer::of(data, facts);
    let from = reach.map_or(low, |(a, _)| a.min(low));
    let to = reach.map_or(high, |(_, b)| b.max(high));
    let margin = 0.02 * (to - from);
    let mut x = Axis::linear(t!("value"), from - margin, to + margin);
    let bin = (high - low) / data.float_counts.len().max(1) as f64;
    if options.log_values && bin > 0.0 {
        // Not the step where it moves with a handle.
        x = x.on(Scale::SignedLog { unit: step.filter(|_| handles.is_empty()).unwrap_or(bin) });
    }
    let edges: Vec<f64> = (0..=data.float_counts.len()).map(|i| low + bin * i as f64).collect();
    let series = vec![
        steps(t!("quantized"), Ink::Quantized, &edges, &data.quantized_counts, true),
        steps(t!("float"), Ink::Float, &edges, &data.float_counts, false),
    ];
    FigureSpec {
        kind: "histogram",
        title: facts.title.clone(),
        stamp: facts.stamp.clone(),
        y: counts_axis(data, options.log_counts),
        marks: marks(ends, step, &handles),
        spans: clipped_spans(&x, (low, high), ends, step),
        handles,
        x,
        series,
        summary: sentence(data, facts, step, ends),
    }
}

fn steps(name: &str, ink: Ink, edges: &[f64], counts: &[u64], filled: bool) -> Series {
    // The quantized run may come with fewer bins only if it was never counted; pairs decide what is drawn.
    let heights = counts.iter().map(|c| *c as f64).collect();
    Series { name: name.into(), ink, shape: Shape::Steps { edges: edges.to_vec(), heights, filled } }
}

fn counts_axis(data: &Distribution, log: bool) -> Axis {
    let most = data.float_counts.iter().chain(&data.quantized_counts).copied().max().unwrap_or(0).max(1) as f64;
    // Head room for the labels of the thresholds, which stand at the top.
    if log {
        Axis::linear(t!("count"), 0.5, 0.5 * (2.0 * most).powf(1.12)).on(Scale::Log { floor: 0.5 })
    } else {
        Axis::linear(t!("count"), 0.0, 1.25 * most)
    }
}

fn marks(ends: Option<(f64, f64)>, step: Option<f64>, handles: &[Handle]) -> Vec<Mark> {
    let Some((low, high)) = ends else { return Vec::new() };
    let mut marks = Vec::new();
    if let Some(step) = step {
        // Ends and step come in f32: without rounding 16 levels may count as 16.0000003 and a seventeenth be drawn.
        let levels = ((high - low) / step).round() + 1.0;
        let mut level = 0.0;
        while levels <= DRAWN_LEVELS && level < levels {
            let x = low + level * step;
            marks.push(Mark { x, label: String::new(), ink: Ink::Quiet, stroke: Stroke::Solid });
            level += 1.0;
        }
    }
    let moved: Vec<f64> = handles.iter().map(|handle| f64::from(handle.value)).collect();
    for x in if moved.is_empty() { vec![low, high] } else { moved } {
        marks.push(Mark { x, label: significant(x, 3), ink: Ink::Current, stroke: Stroke::Solid });
    }
    marks
}

/// Where values are clipped: beyond half a step outside the grid's ends, as the clipped share counts them.
fn clipped_spans(x: &Axis, values: (f64, f64), ends: Option<(f64, f64)>, step: Option<f64>) -> Vec<Span> {
    let Some((low, high)) = ends else { return Vec::new() };
    let half = 0.5 * step.unwrap_or(0.0);
    let mut spans = Vec::new();
    if values.0 < low - half {
        spans.push(Span { low: x.bounds.0, high: low, label: t!("clipped").into(), ink: Ink::Clipped });
    }
    if values.1 > high + half {
        spans.push(Span { low: high, high: x.bounds.1, label: t!("clipped").into(), ink: Ink::Clipped });
    }
    spans
}

fn sentence(data: &Distribution, facts: &HistogramFacts<'_>, step: Option<f64>, ends: Option<(f64, f64)>) -> String {
    let values = t!("Values from {} to {}", significant(f64::from(data.low), 3), significant(f64::from(data.high), 3));
    let Some(format) = &facts.format else {
        return t!("{}; this tensor stays float", values);
    };
    let mut parts = vec![t!("{}; {}", values, format)];
    if let Some(step) = step {
        parts.push(t!("step {}", significant(step, 3)));
    } else if let Some((least, most)) = facts.scales {
        parts.push(t!("steps {} … {}", significant(f64::from(least), 3), significant(f64::from(most), 3)));
    }
    if let Some((low, high)) = ends {
        parts.push(t!("range {} … {}", significant(low, 3), significant(high, 3)));
    }
    match facts.clipped {
        Some(Measure::Value(share)) if share > 0.0 => parts.push(t!("clips {} of values", percent(share))),
        Some(Measure::Value(_) | Measure::Exact) => parts.push(t!("clips nothing").into()),
        Some(Measure::NotApplicable(_)) | None => {}
    }
    parts.join(t!("; "))
}

/// A share as a percentage that never rounds to a false zero.
pub(super) fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    if percent >= 0.01 { format!("{percent:.2} %") } else { t!("less than 0.01 %").into() }
}

#[cfg(test)]
mod tests {
    use quantlens_analysis::calibrate::Method;

    use super::*;

    fn data(thresholds: Option<(f32, f32)>, step: Option<(f32, i32)>) -> Distribution {
        Distribution {
            tensor: "t".into(),
            low: -2.0,
            high: 6.0,
            float_counts: vec![1, 10, 5, 0],
            quantized_counts: vec![0, 12, 4, 0],
            thresholds,
            step,
        }
    }

    fn facts(clipped: Option<Measure>) -> HistogramFacts<'static> {
        let format = Some("8 bits".into());
        HistogramFacts {
            title: "Output of a".into(),
            stamp: String::new(),
            format,
            scales: None,
            clipped,
            in_use: None,
        }
    }

    const PLAIN: HistogramOptions = HistogramOptions { log_counts: false, log_values: false };

    #[test]
    fn what_lies_beyond_the_ends_is_shaded() {
        let clipped = Measure::Value(0.003);
        let spec = histogram_spec(&data(Some((-2.0, 4.0)), Some((0.5, 0))), &facts(Some(clipped)), PLAIN);
        // Values end at 6; the grid ends at 4, more than half a step of 0.5 before. The lower end coincides.
        assert_eq!(spec.spans.len(), 1);
        assert_eq!(spec.spans[0].low, 4.0);
        assert_eq!(
            spec.summary,
            "Values from −2.00 to 6.00; 8 bits; step 0.500; range −2.00 … 4.00; clips 0.30 % of values"
        );
    }

    #[test]
    fn a_range_that_is_being_dragged_wins_over_what_was_counted() {
        let mut detail = crate::testing::threshold("a");
        detail.observed = Range::new(-2.0, 6.0);
        let spec_at = |low, high| {
            let current = detail.weigh(Method::Manual, Range::new(low, high));
            let facts = HistogramFacts { in_use: Some((&detail, &current)), ..facts(None) };
            histogram_spec(&data(Some((-2.0, 4.0)), Some((0.5, 0))), &facts, PLAIN)
        };
        let spec = spec_at(-1.0, 3.0);
        let handles: Vec<(&str, f32)> = spec.handles.iter().map(|h| (h.name, h.value)).collect();
        assert_eq!(handles, [("Lower end", -1.0), ("Upper end", 3.0)]);
        // 255 steps over 4: S = 0.01569, Z = −64.25 rounded to −64: (−128 + 64)·S = −1.004 and (127 + 64)·S = 2.996.
        assert!((spec.spans[0].high + 1.0039).abs() < 1e-3 && (spec.spans[1].low - 2.9961).abs() < 1e-3, "{spec:?}");
        assert_eq!(spec.x.bounds, spec_at(-0.2, 5.0).x.bounds, "the axis holds still");
    }

    #[test]
    fn few_levels_are_drawn_each() {
        // (4 − (−2)) / 0.5 + 1 = 13 levels, and the two ends with their numbers.
        let spec = histogram_spec(&data(Some((-2.0, 4.0)), Some((0.5, 0))), &facts(None), PLAIN);
        assert_eq!(spec.marks.iter().filter(|m| m.ink == Ink::Quiet).count(), 13);
        // 6 / 0.01 + 1 = 601: none.
        let spec = histogram_spec(&data(Some((-2.0, 4.0)), Some((0.01, 0))), &facts(None), PLAIN);
        assert_eq!(spec.marks.len(), 2);
    }

    #[test]
    fn edges_cover_the_range_and_log_counts_keep_zero_bins_drawable() {
        let options = HistogramOptions { log_counts: true, log_values: true };
        let spec = histogram_spec(&data(None, None), &facts(None), options);
        let Shape::Steps { edges, .. } = &spec.series[0].shape else { panic!("steps") };
        assert_eq!(edges, &[-2.0, 0.0, 2.0, 4.0, 6.0]);
        assert!(spec.y.scale.place(0.0).is_finite());
        assert_eq!(spec.x.scale, Scale::SignedLog { unit: 2.0 });
        assert!(spec.marks.is_empty() && spec.spans.is_empty());
    }

    #[test]
    fn a_constant_tensor_still_makes_a_figure() {
        let constant = Distribution { low: 0.0, high: 0.0, ..data(None, None) };
        let spec = histogram_spec(&constant, &facts(None), HistogramOptions { log_counts: true, log_values: true });
        assert!(spec.x.bounds.0 < spec.x.bounds.1);
        assert_eq!(spec.x.scale, Scale::Linear);
    }
}
