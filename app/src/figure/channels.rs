//! The figures of a layer's channels: how far each reaches, and how large its error is.
//!
//! A tensor may have thousands of channels and the chart only a few hundred pixels, so neighbours share a bar: it covers
//! the lowest low, the highest high and the worst SQNR of its channels, so that no outlier can hide in it.

use quantlens_analysis::{diagnose::channels::ChannelRange, metrics::Measure, t};

use super::spec::{Axis, Bar, FigureSpec, Ink, Mark, Scale, Series, Shape, Stroke};
use crate::format::significant;

/// A chart has at most this many bars; at the smallest page each still is a point wide.
const MOST_BARS: usize = 320;

/// One channel as the charts need it, of weights or of an output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChannelDatum {
    /// Index, lowest and highest value.
    pub range: ChannelRange,
    /// What its quantizer can hold, lowest and highest; `None` where the tensor is float.
    pub limits: Option<(f32, f32)>,
    /// The channel's error.
    pub sqnr_db: Measure,
}

/// In which order the channels stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChannelOrder {
    /// As in the tensor.
    #[default]
    Index,
    /// The farthest reaching first.
    Range,
    /// The worst SQNR first.
    Error,
}

/// What both figures share.
#[derive(Clone, Debug)]
pub struct ChannelFacts<'a> {
    /// `Weights of conv1`.
    pub title: &'a str,
    /// See [`FigureSpec::stamp`].
    pub stamp: &'a str,
    /// Channels to draw in the colour of suspects.
    pub outliers: &'a [usize],
    /// One limit for all channels: drawn as two lines instead of a cap on each bar.
    pub one_scale: bool,
    /// The sentence below the ranges.
    pub sentence: &'a str,
    /// Values on a signed logarithmic axis that is linear up to this size.
    pub log_unit: Option<f64>,
}

/// The channels in the order asked for; ties keep the tensor's order.
pub fn ordered(channels: &[ChannelDatum], order: ChannelOrder) -> Vec<ChannelDatum> {
    let mut sorted = channels.to_vec();
    match order {
        ChannelOrder::Index => {}
        ChannelOrder::Range => sorted.sort_by(|a, b| b.range.reach().total_cmp(&a.range.reach())),
        ChannelOrder::Error => sorted.sort_by(|a, b| rank(&a.sqnr_db).total_cmp(&rank(&b.sqnr_db))),
    }
    sorted
}

/// Worst first: dB, then no error at all, then no such number.
fn rank(sqnr: &Measure) -> f64 {
    match sqnr {
        Measure::Value(db) => *db,
        Measure::Exact => f64::MAX,
        Measure::NotApplicable(_) => f64::INFINITY,
    }
}

/// The ranges of all channels with the limits of their quantizers.
pub fn range_spec(channels: &[ChannelDatum], facts: &ChannelFacts<'_>, order: ChannelOrder) -> FigureSpec {
    let sorted = ordered(channels, order);
    let (mut usual, mut outliers, mut caps) = (Vec::new(), Vec::new(), [Vec::new(), Vec::new()]);
    let (mut low, mut high) = (0.0f64, 0.0f64);
    for (place, group) in sorted.chunks(group_size(sorted.len())).enumerate() {
        let bar = range_bar(place, group);
        low = low.min(bar.low);
        high = high.max(bar.high);
        if let Some((a, b)) = limits(group) {
            low = low.min(a);
            high = high.max(b);
            push_cap(&mut caps, place as f64, a, b);
        }
        let suspect = group.iter().any(|c| facts.outliers.contains(&c.range.index));
        if suspect { outliers.push(bar) } else { usual.push(bar) }
    }
    let room = 0.06 * (high - low);
    let marks = outlier_marks(&outliers);
    let mut series =
        vec![bars(t!("range of the float values"), Ink::Float, usual), bars(t!("outliers"), Ink::Suspect, outliers)];
    series.retain(|s| !matches!(&s.shape, Shape::Bars { bars, .. } if bars.is_empty()));
    series.extend(limit_series(channels, facts.one_scale, caps));
    FigureSpec {
        kind: "channel-ranges",
        title: facts.title.into(),
        stamp: facts.stamp.into(),
        x: index_axis(sorted.len(), order),
        y: value_axis(low - room, high + room, facts.log_unit),
        series,
        marks,
        spans: Vec::new(),
        handles: Vec::new(),
        summary: facts.sentence.into(),
    }
}

/// The SQNR of all channels; exact ones have no bar and are counted in the summary.
pub fn error_spec(channels: &[ChannelDatum], facts: &ChannelFacts<'_>, order: ChannelOrder) -> FigureSpec {
    let sorted = ordered(channels, order);
    let (mut usual, mut outliers) = (Vec::new(), Vec::new());
    let (mut low, mut high) = (0.0f64, 10.0f64);
    for (place, group) in sorted.chunks(group_size(sorted.len())).enumerate() {
        let worst = group.iter().filter_map(|c| value(&c.sqnr_db)).min_by(f64::total_cmp);
        let Some(db) = worst else { continue };
        low = low.min(db);
        high = high.max(db);
        let bar = Bar { name: group_name(group), x: place as f64, low: 0.0, high: db };
        let suspect = group.iter().any(|c| facts.outliers.contains(&c.range.index));
        if suspect { outliers.push(bar) } else { usual.push(bar) }
    }
    let mut series = vec![bars("SQNR", Ink::Quantized, usual), bars(t!("SQNR of outliers"), Ink::Suspect, outliers)];
    series.retain(|s| !matches!(&s.shape, Shape::Bars { bars, .. } if bars.is_empty()));
    FigureSpec {
        kind: "channel-errors",
        title: t!("{}: error by channel", facts.title),
        stamp: facts.stamp.into(),
        x: index_axis(sorted.len(), order),
        y: Axis::linear("SQNR (dB)", low, 1.06 * high),
        series,
        marks: Vec::new(),
        spans: Vec::new(),
        handles: Vec::new(),
        summary: error_sentence(channels),
    }
}

/// Names the outliers at the top of the chart while they are few: colour alone must not be the only sign.
fn outlier_marks(outliers: &[Bar]) -> Vec<Mark> {
    if outliers.len() > 4 {
        return Vec::new();
    }
    let mark = |bar: &Bar| Mark { x: bar.x, label: bar.name.clone(), ink: Ink::Suspect, stroke: Stroke::Dotted };
    outliers.iter().map(mark).collect()
}

fn value_axis(low: f64, high: f64, log_unit: Option<f64>) -> Axis {
    let axis = Axis::linear(t!("value"), low, high);
    match log_unit {
        Some(unit) if unit > 0.0 && unit.is_finite() => axis.on(Scale::SignedLog { unit }),
        _ => axis,
    }
}

pub(super) fn group_size(channels: usize) -> usize {
    channels.div_ceil(MOST_BARS).max(1)
}

pub(super) fn index_axis(channels: usize, order: ChannelOrder) -> Axis {
    let size = group_size(channels);
    let what = match order {
        ChannelOrder::Index => t!("channel"),
        ChannelOrder::Range => t!("channels, widest range first"),
        ChannelOrder::Error => t!("channels, largest error first"),
    };
    let label = if size > 1 { t!("{} (each bar: {} channels)", what, size) } else { what.into() };
    // Positions, not channel numbers, once bars are shared; the hover text names the channels.
    Axis { whole: true, ..Axis::linear(label, -0.7, channels.div_ceil(size) as f64 - 0.3) }
}

fn bars(name: &str, ink: Ink, bars: Vec<Bar>) -> Series {
    Series { name: name.into(), ink, shape: Shape::Bars { bars, width: 0.72, filled: true } }
}

fn range_bar(place: usize, group: &[ChannelDatum]) -> Bar {
    let low = group.iter().map(|c| f64::from(c.range.low)).fold(f64::INFINITY, f64::min);
    let high = group.iter().map(|c| f64::from(c.range.high)).fold(f64::NEG_INFINITY, f64::max);
    Bar { name: group_name(group), x: place as f64, low, high }
}

pub(super) fn group_name(group: &[ChannelDatum]) -> String {
    match group {
        [one] => t!("channel {}", one.range.index),
        [first, .., last] if last.range.index == first.range.index + group.len() - 1 => {
            t!("channels {}–{}", first.range.index, last.range.index)
        }
        many => {
            let shown: Vec<String> = many.iter().take(6).map(|c| c.range.index.to_string()).collect();
            t!("channels {}{}", shown.join(t!(", ")), if many.len() > 6 { t!(", …") } else { "" })
        }
    }
}

fn limits(group: &[ChannelDatum]) -> Option<(f64, f64)> {
    let ends = || group.iter().filter_map(|c| c.limits).filter(|(a, b)| a.is_finite() && b.is_finite());
    let low = ends().map(|(a, _)| f64::from(a)).min_by(f64::total_cmp)?;
    let high = ends().map(|(_, b)| f64::from(b)).max_by(f64::total_cmp)?;
    Some((low, high))
}

/// A short horizontal stroke at each end of what the channel's scale can hold, then a gap.
fn push_cap(caps: &mut [Vec<[f64; 2]>; 2], x: f64, low: f64, high: f64) {
    for (cap, y) in caps.iter_mut().zip([low, high]) {
        cap.extend([[x - 0.45, y], [x + 0.45, y], [x + 0.5, f64::NAN]]);
    }
}

fn limit_series(channels: &[ChannelDatum], one_scale: bool, caps: [Vec<[f64; 2]>; 2]) -> Vec<Series> {
    let shapes: Vec<Shape> = if one_scale {
        let ends = limits(channels).map(|(a, b)| [a, b]).into_iter().flatten();
        ends.map(|y| Shape::Level { y, stroke: Stroke::Dashed }).collect()
    } else {
        let lines = caps.into_iter().filter(|points| !points.is_empty());
        lines.map(|points| Shape::Line { points, stroke: Stroke::Solid }).collect()
    };
    let name = if one_scale { t!("limits of the one scale") } else { t!("limits of each channel's scale") };
    shapes.into_iter().map(|shape| Series { name: name.into(), ink: Ink::Current, shape }).collect()
}

fn value(sqnr: &Measure) -> Option<f64> {
    if let Measure::Value(db) = sqnr { Some(*db) } else { None }
}

fn error_sentence(channels: &[ChannelDatum]) -> String {
    let mut dbs: Vec<(f64, usize)> =
        channels.iter().filter_map(|c| value(&c.sqnr_db).map(|db| (db, c.range.index))).collect();
    dbs.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let exact = channels.iter().filter(|c| c.sqnr_db == Measure::Exact).count();
    let undefined = channels.len() - exact - dbs.len();
    let mut parts = Vec::new();
    if let (Some((worst, index)), Some((median, _))) = (dbs.first(), dbs.get(dbs.len() / 2)) {
        parts.push(t!("Worst: channel {} at {} dB", index, significant(*worst, 3)));
        parts.push(t!("median {} dB", significant(*median, 3)));
    }
    if exact > 0 {
        parts.push(t!("{} of {} channels exact", exact, channels.len()));
    }
    if undefined > 0 {
        parts.push(t!("{} without a value (all zero, or float)", undefined));
    }
    parts.join(t!("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel(index: usize, reach: f32, sqnr_db: Measure) -> ChannelDatum {
        let range = ChannelRange { index, low: -reach, high: reach };
        ChannelDatum { range, limits: Some((-4.0, 4.0)), sqnr_db }
    }

    fn facts(one_scale: bool) -> ChannelFacts<'static> {
        ChannelFacts { title: "Weights of a", stamp: "", outliers: &[1], one_scale, sentence: "s", log_unit: None }
    }

    fn three() -> Vec<ChannelDatum> {
        vec![
            channel(0, 1.0, Measure::Value(10.0)),
            channel(1, 4.0, Measure::Value(40.0)),
            channel(2, 0.5, Measure::Exact),
        ]
    }

    fn names(spec: &FigureSpec) -> Vec<&str> {
        let bars = spec.series.iter().filter_map(|s| match &s.shape {
            Shape::Bars { bars, .. } => Some(bars),
            _ => None,
        });
        bars.flatten().map(|b| b.name.as_str()).collect()
    }

    #[test]
    fn orders_put_the_widest_or_the_worst_first() {
        let indices = |order| ordered(&three(), order).iter().map(|c| c.range.index).collect::<Vec<_>>();
        assert_eq!(indices(ChannelOrder::Index), [0, 1, 2]);
        assert_eq!(indices(ChannelOrder::Range), [1, 0, 2]);
        assert_eq!(indices(ChannelOrder::Error), [0, 1, 2], "exact comes after every number");
    }

    #[test]
    fn outliers_are_a_series_of_their_own() {
        let spec = range_spec(&three(), &facts(true), ChannelOrder::Index);
        assert_eq!(
            spec.legend().iter().map(|l| l.0).collect::<Vec<_>>(),
            ["range of the float values", "outliers", "limits of the one scale"]
        );
        assert_eq!(names(&spec), ["channel 0", "channel 2", "channel 1"]);
    }

    #[test]
    fn a_thousand_channels_share_bars_without_hiding_the_widest() {
        let mut many: Vec<ChannelDatum> = (0..1000).map(|i| channel(i, 1.0, Measure::Value(30.0))).collect();
        many[777] = channel(777, 9.0, Measure::Value(3.0));
        let spec = range_spec(&many, &facts(false), ChannelOrder::Index);
        // 1000 / 320 rounds up to 4 channels a bar: 250 bars; 776..=779 is one of them.
        assert_eq!(names(&spec).len(), 250);
        assert!(names(&spec).contains(&"channels 776–779"));
        assert!(spec.y.bounds.1 > 9.0);
        assert!(spec.x.label.contains("each bar: 4 channels"));
        let errors = error_spec(&many, &facts(false), ChannelOrder::Index);
        assert!(errors.summary.starts_with("Worst: channel 777 at 3.00 dB; median 30.0 dB"), "{}", errors.summary);
    }

    #[test]
    fn no_channels_make_an_empty_figure_not_a_panic() {
        assert!(error_spec(&[], &facts(true), ChannelOrder::Error).series.is_empty());
        assert!(range_spec(&[], &facts(true), ChannelOrder::Range).y.bounds.0 < 0.1);
    }
}
