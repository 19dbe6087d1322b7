//! The channels of several layers in one figure: each layer's errors by channel, sorted, over the share of its channels,
//! since a layer of 16 channels and one of 2048 have no other axis in common. Layers differ in colour and in stroke.

use quantlens_analysis::{metrics::Measure, t};

use super::{
    channels::{ChannelDatum, ChannelOrder, ordered},
    spec::{Axis, FigureSpec, Ink, Series, Shape, Stroke},
};
use crate::format::{self, significant};

/// A curve has at most this many steps.
const MOST_STEPS: usize = 512;

/// One of the layers.
#[derive(Clone, Debug)]
pub struct SortedLayer<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its channels.
    pub channels: Vec<ChannelDatum>,
}

/// Builds the figure.
pub fn sorted_spec(title: String, stamp: String, layers: &[SortedLayer<'_>]) -> FigureSpec {
    let curves: Vec<Vec<[f64; 2]>> = layers.iter().map(|layer| curve(&layer.channels)).collect();
    let values = || curves.iter().flatten().map(|point| point[1]).filter(|db| db.is_finite());
    let (low, high) = (values().fold(0.0, f64::min), values().fold(10.0, f64::max));
    let series = layers.iter().zip(curves).enumerate().map(|(place, (layer, points))| Series {
        name: layer.name.to_owned(),
        ink: Ink::Layer(place),
        shape: Shape::Line { points, stroke: stroke(place) },
    });
    FigureSpec {
        kind: "sorted-channels",
        title,
        stamp,
        x: Axis::linear(t!("% of a layer's channels, largest error first"), 0.0, 101.0),
        y: Axis::linear("SQNR (dB)", low - 0.02 * (high - low), high + 0.06 * (high - low)),
        series: series.collect(),
        marks: Vec::new(),
        spans: Vec::new(),
        handles: Vec::new(),
        summary: layers.iter().map(sentence).collect::<Vec<_>>().join(" "),
    }
}

fn stroke(place: usize) -> Stroke {
    match place {
        0 => Stroke::Solid,
        1 => Stroke::Dashed,
        2 => Stroke::Dotted,
        _ => Stroke::Long,
    }
}

/// A step for each channel, or for some with the worst of them; exact ones, which come last, leave the curve open.
fn curve(channels: &[ChannelDatum]) -> Vec<[f64; 2]> {
    let sorted: Vec<Option<f64>> = ordered(channels, ChannelOrder::Error)
        .into_iter()
        .filter_map(|channel| match channel.sqnr_db {
            Measure::Value(db) => Some(Some(db)),
            Measure::Exact => Some(None),
            Measure::NotApplicable(_) => None,
        })
        .collect();
    let (all, each) = (sorted.len().max(1) as f64, sorted.len().div_ceil(MOST_STEPS).max(1));
    let mut points = Vec::new();
    for (step, group) in sorted.chunks(each).enumerate() {
        let Some(Some(worst)) = group.first() else { break };
        let from = step * each;
        points.extend([from, from + group.len()].map(|place| [100.0 * place as f64 / all, *worst]));
    }
    points
}

/// "conv1: 16 channels, worst 12.1 dB, median 33.0 dB."
fn sentence(layer: &SortedLayer<'_>) -> String {
    let sorted = ordered(&layer.channels, ChannelOrder::Error);
    let known: Vec<f64> = sorted.iter().filter_map(|channel| channel.sqnr_db.value()).collect();
    let exact = sorted.iter().filter(|channel| channel.sqnr_db == Measure::Exact).count();
    let without = sorted.len() - known.len() - exact;
    let mut parts = vec![format::plural(sorted.len(), "channel")];
    if let (Some(worst), Some(median)) = (known.first(), known.get(known.len() / 2)) {
        parts.push(t!("worst {} dB", significant(*worst, 3)));
        parts.push(t!("median {} dB", significant(*median, 3)));
    }
    if exact > 0 {
        parts.push(t!("{} exact", exact));
    }
    if without > 0 {
        parts.push(t!("{} without a value", without));
    }
    t!("{}: {}.", layer.name, parts.join(t!(", ")))
}

#[cfg(test)]
mod tests {
    use quantlens_analysis::diagnose::channels::ChannelRange;

    use super::*;

    fn layer(name: &str, errors: Vec<Measure>) -> SortedLayer<'_> {
        let channel = |(index, sqnr_db)| ChannelDatum {
            range: ChannelRange { index, low: -1.0, high: 1.0 },
            limits: None,
            sqnr_db,
        };
        SortedLayer { name, channels: errors.into_iter().enumerate().map(channel).collect() }
    }

    #[test]
    fn layers_of_any_number_of_channels_share_an_axis() {
        let few =
            layer("a", vec![Measure::Value(30.0), Measure::Exact, Measure::Value(10.0), Measure::NotApplicable("x")]);
        let many = layer("b", (0..2000).map(|i| Measure::Value(f64::from(i) / 100.0)).collect());
        let spec = sorted_spec("t".into(), String::new(), &[few, many]);
        let points = |place: usize| match &spec.series[place].shape {
            Shape::Line { points, .. } => points.clone(),
            other => panic!("{other:?}"),
        };
        // Two of three have a number: up to 33 %, and to 67 %.
        let third = 100.0 / 3.0;
        assert_eq!(points(0), [[0.0, 10.0], [third, 10.0], [third, 30.0], [2.0 * third, 30.0]]);
        // 2000 / 512 rounds up to 4 channels a step, and each has the worst of its own.
        assert_eq!((points(1).len(), points(1)[2], points(1).last().unwrap()[0]), (1000, [0.2, 0.04], 100.0));
        assert_eq!(spec.legend().iter().map(|(name, ..)| *name).collect::<Vec<_>>(), ["a", "b"]);
        assert!(
            spec.summary.starts_with("a: 4 channels, worst 10.0 dB, median 30.0 dB, 1 exact, 1 without a value. b: ")
        );
    }

    #[test]
    fn layers_differ_in_more_than_colour() {
        let layers: Vec<SortedLayer<'_>> = ["a", "b", "c", "d"].map(|name| layer(name, vec![Measure::Exact])).into();
        let spec = sorted_spec("t".into(), String::new(), &layers);
        let keys: Vec<String> = spec.legend().iter().map(|(.., key)| format!("{key:?}")).collect();
        assert!((1..4).all(|i| !keys[..i].contains(&keys[i])), "{keys:?}");
    }
}
