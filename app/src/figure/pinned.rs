//! What the pinned baseline adds to a layer's figures: its values as a second outline, its range as dashed lines, the
//! difference of every channel's error. It is drawn in one colour everywhere, and never filled: what is looked at is the
//! configuration of now.

use quantlens_analysis::{compare::Change, quant::Range, report::Distribution, t};

use super::{
    channels::{ChannelDatum, ChannelFacts, ChannelOrder, group_name, group_size, index_axis, ordered},
    spec::{Axis, Bar, FigureSpec, Ink, Mark, Series, Shape, Stroke},
};
use crate::format::{signed, significant};

/// The outline has at most this many steps.
const MOST_STEPS: usize = 64;

/// Adds the baseline's quantized values and its range to a histogram. `now` are the values that are drawn already.
pub fn onto_histogram(spec: &mut FigureSpec, now: &Distribution, pinned: &Distribution, name: &str) {
    let bin =
        |data: &Distribution| (f64::from(data.high) - f64::from(data.low)) / data.quantized_counts.len().max(1) as f64;
    let (width, shown) = (bin(pinned), bin(now));
    if width > 0.0 {
        // Bins of another width hold other counts of the same values; what is compared is how dense they lie.
        let density = if shown > 0.0 { shown / width } else { 1.0 };
        // Quantized values lie in spikes, and two combs over each other show neither: neighbours are averaged.
        let merged = pinned.quantized_counts.len().div_ceil(MOST_STEPS);
        let mean = |counts: &[u64]| density * counts.iter().sum::<u64>() as f64 / counts.len() as f64;
        let heights: Vec<f64> = pinned.quantized_counts.chunks(merged).map(mean).collect();
        let last = pinned.quantized_counts.len();
        let edge = |i: usize| f64::from(pinned.low) + width * (i * merged).min(last) as f64;
        let step = |(i, height): (usize, &f64)| [[edge(i), *height], [edge(i + 1), *height]];
        let points = heights.iter().enumerate().flat_map(step).collect();
        let shape = Shape::Line { points, stroke: Stroke::Dashed };
        let means = if merged > 1 { t!(", means of {} bins", merged) } else { String::new() };
        // Under the float outline, which is drawn last.
        let at = spec.series.len().saturating_sub(1);
        let name = t!("quantized in {}{}", name, means);
        spec.series.insert(at, Series { name, ink: Ink::Alternative, shape });
    }
    if let Some((low, high)) = pinned.thresholds {
        mark_range(spec, &[low, high], name);
        let ends = format!("{} … {}", significant(f64::from(low), 3), significant(f64::from(high), 3));
        spec.summary.push_str(&t!("; in {} {}", name, ends));
    }
}

/// Adds the baseline's range to a figure with values along x: dashed, named.
pub fn mark_range(spec: &mut FigureSpec, places: &[f32], name: &str) {
    for place in places {
        let x = f64::from(*place);
        let label = t!("in {}: {}", name, significant(x, 3));
        // In use is on top, so these come first.
        spec.marks.insert(0, Mark { x, label, ink: Ink::Alternative, stroke: Stroke::Dashed });
        spec.x.bounds = (spec.x.bounds.0.min(x), spec.x.bounds.1.max(x));
    }
}

/// Adds the limits of the baseline's one scale to the ranges of channels.
pub fn onto_ranges(spec: &mut FigureSpec, limits: Range, name: &str) {
    for y in [limits.low, limits.high].map(f64::from) {
        let shape = Shape::Level { y, stroke: Stroke::Dashed };
        spec.series.push(Series { name: t!("limits in {}", name), ink: Ink::Alternative, shape });
        spec.y.bounds = (spec.y.bounds.0.min(y), spec.y.bounds.1.max(y));
    }
}

/// How every channel's SQNR differs from the baseline's: bars up for the better, down for the worse. `None` where no
/// channel is in both.
pub fn difference_spec(
    channels: &[ChannelDatum],
    pinned: &[ChannelDatum],
    facts: &ChannelFacts<'_>,
    order: ChannelOrder,
    name: &str,
) -> Option<FigureSpec> {
    let difference = |channel: &ChannelDatum| {
        let was = pinned.iter().find(|other| other.range.index == channel.range.index)?.sqnr_db;
        Change::between(was, channel.sqnr_db).delta
    };
    let sorted = ordered(channels, order);
    let (mut better, mut worse) = (Vec::new(), Vec::new());
    let (mut low, mut high) = (0.0_f64, 0.0_f64);
    for (place, group) in sorted.chunks(group_size(sorted.len())).enumerate() {
        // Of neighbours that share a bar the largest change either way, so that none is hidden.
        let finite = group.iter().filter_map(difference).filter(|d| d.is_finite());
        let Some(most) = finite.max_by(|a, b| a.abs().total_cmp(&b.abs())) else { continue };
        (low, high) = (low.min(most), high.max(most));
        let bar = Bar { name: group_name(group), x: place as f64, low: most.min(0.0), high: most.max(0.0) };
        if most < 0.0 { worse.push(bar) } else { better.push(bar) }
    }
    if better.is_empty() && worse.is_empty() {
        return None;
    }
    let bars = |name: &str, ink, bars: Vec<Bar>| {
        (!bars.is_empty()).then(|| Series {
            name: name.into(),
            ink,
            shape: Shape::Bars { bars, width: 0.8, filled: true },
        })
    };
    let room = 0.08 * (high - low).max(1.0);
    Some(FigureSpec {
        kind: "channel-differences",
        title: t!("{}: SQNR against {}", facts.title, name),
        stamp: facts.stamp.into(),
        x: index_axis(sorted.len(), order),
        y: Axis::linear(t!("difference (dB)"), low - room, high + room),
        series: [bars(t!("better"), Ink::Float, better), bars(t!("worse"), Ink::Quantized, worse)]
            .into_iter()
            .flatten()
            .collect(),
        marks: Vec::new(),
        spans: Vec::new(),
        handles: Vec::new(),
        summary: sentence(channels, difference, name),
    })
}

/// "Against Pin 1: 14 channels better, 2 worse; most: channel 3 by +12.0 dB; 1 exact in one of the two".
fn sentence(channels: &[ChannelDatum], difference: impl Fn(&ChannelDatum) -> Option<f64>, name: &str) -> String {
    let all: Vec<(usize, f64)> = channels.iter().filter_map(|c| Some((c.range.index, difference(c)?))).collect();
    let count = |test: fn(f64) -> bool| all.iter().filter(|(_, d)| test(*d)).count();
    let (up, down) = (count(|d| d > 0.0), count(|d| d < 0.0));
    let mut text = t!("Against {}: {} better, {} worse", name, crate::format::plural(up, "channel"), down);
    let finite = all.iter().filter(|(_, d)| d.is_finite() && *d != 0.0);
    if let Some((index, most)) = finite.max_by(|a, b| a.1.abs().total_cmp(&b.1.abs())) {
        text.push_str(&t!("; most: channel {} by {} dB", index, signed(*most, 1)));
    }
    let exact = count(f64::is_infinite);
    if exact > 0 {
        text.push_str(&t!("; {} exact in one of the two", exact));
    }
    text
}

/// The one range that all channels' scales hold; `None` where they differ or there is none.
pub fn common_limits(channels: &[ChannelDatum]) -> Option<Range> {
    let (low, high) = channels.first()?.limits?;
    channels.iter().all(|channel| channel.limits == Some((low, high))).then(|| Range::new(low, high))
}

#[cfg(test)]
mod tests {
    use quantlens_analysis::{diagnose::channels::ChannelRange, metrics::Measure};

    use super::*;
    use crate::figure::histogram::{HistogramFacts, HistogramOptions, histogram_spec};

    fn data(low: f32, high: f32, counts: &[u64], thresholds: Option<(f32, f32)>) -> Distribution {
        Distribution {
            tensor: "t".into(),
            low,
            high,
            float_counts: counts.to_vec(),
            quantized_counts: counts.to_vec(),
            thresholds,
            step: None,
        }
    }

    #[test]
    fn the_pinned_outline_lies_as_dense_as_its_values() {
        let now = data(0.0, 4.0, &[8, 4, 2, 2], Some((0.0, 3.0)));
        // Bins twice as wide hold twice the counts of the same values.
        let pinned = data(0.0, 4.0, &[12, 4], Some((-1.0, 5.0)));
        let facts = HistogramFacts {
            title: "Output of a".into(),
            stamp: String::new(),
            format: Some("8 bits".into()),
            scales: None,
            clipped: None,
            in_use: None,
        };
        let mut spec = histogram_spec(&now, &facts, HistogramOptions { log_counts: false, log_values: false });
        onto_histogram(&mut spec, &now, &pinned, "Pin 1");
        let Shape::Line { points, .. } = &spec.series[1].shape else { panic!("a line") };
        assert_eq!(points.as_slice(), [[0.0, 6.0], [2.0, 6.0], [2.0, 2.0], [4.0, 2.0]]);
        assert_eq!(spec.series.last().unwrap().name, "float");
        let dashed: Vec<f64> = spec.marks.iter().filter(|m| m.stroke == Stroke::Dashed).map(|m| m.x).collect();
        assert_eq!(dashed, [5.0, -1.0]);
        assert!(spec.x.bounds.0 <= -1.0 && spec.x.bounds.1 >= 5.0);
    }

    #[test]
    fn a_comb_becomes_an_outline_of_the_same_area() {
        let facts = HistogramFacts {
            title: "Output of a".into(),
            stamp: String::new(),
            format: None,
            scales: None,
            clipped: None,
            in_use: None,
        };
        // 130 bins, every second one empty: 44 steps of 3 bins, the last of 1.
        let comb: Vec<u64> = (0..130).map(|i| if i % 2 == 0 { 6 } else { 0 }).collect();
        let data = data(0.0, 130.0, &comb, None);
        let mut spec = histogram_spec(&data, &facts, HistogramOptions { log_counts: false, log_values: false });
        onto_histogram(&mut spec, &data, &data, "Pin 1");
        let Shape::Line { points, .. } = &spec.series[1].shape else { panic!("a line") };
        assert_eq!((points.len(), points[86], points[87]), (88, [129.0, 0.0], [130.0, 0.0]));
        // 6 + 0 + 6 and 0 + 6 + 0 over three bins.
        assert_eq!((points[0], points[2]), ([0.0, 4.0], [3.0, 2.0]));
        let area: f64 = points.chunks(2).map(|step| step[0][1] * (step[1][0] - step[0][0])).sum();
        assert!((area - 65.0 * 6.0).abs() < 1e-9);
        assert_eq!(spec.series[1].name, "quantized in Pin 1, means of 3 bins");
    }

    fn channel(index: usize, sqnr_db: Measure) -> ChannelDatum {
        ChannelDatum { range: ChannelRange { index, low: -1.0, high: 1.0 }, limits: Some((-1.0, 1.0)), sqnr_db }
    }

    #[test]
    fn channels_are_compared_by_index() {
        let db = Measure::Value;
        let now = [channel(0, db(20.0)), channel(1, db(30.0)), channel(2, Measure::Exact)];
        let pinned = [channel(2, db(5.0)), channel(1, db(18.0)), channel(0, db(23.0))];
        let facts = ChannelFacts {
            title: "Weights of a",
            stamp: "",
            outliers: &[],
            one_scale: true,
            sentence: "",
            log_unit: None,
        };
        let spec = difference_spec(&now, &pinned, &facts, ChannelOrder::Index, "Pin 1").unwrap();
        assert_eq!(
            spec.summary,
            "Against Pin 1: 2 channels better, 1 worse; most: channel 1 by +12.0 dB; 1 exact in one of the two"
        );
        let names: Vec<&str> = spec.series.iter().map(|s| s.name.as_str()).collect();
        assert_eq!(names, ["better", "worse"]);
        assert!(difference_spec(&now, &[], &facts, ChannelOrder::Index, "Pin 1").is_none());
        assert_eq!(common_limits(&now), Some(Range::new(-1.0, 1.0)));
    }
}
