//! Several layers in one histogram: what share of its values each has where, over the same bins, with the ends of its
//! quantizer. Layers differ in colour and in stroke; the first one is filled.

use quantlens_analysis::{report::Distribution, t};

use super::spec::{Axis, FigureSpec, Ink, Mark, Scale, Series, Shape, Stroke};
use crate::format::significant;

/// Bins across the figure.
const BINS: usize = 120;
/// On the logarithmic scale of values the finest layer says where it turns linear, but not below this share of the axis.
const LEAST_UNIT: f64 = 1e-4;

/// One of the layers.
#[derive(Clone, Debug)]
pub struct OverlaidLayer<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its values.
    pub data: &'a Distribution,
    /// How they are quantized, in words; `None` for float.
    pub format: Option<String>,
}

/// How the user wants the figure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OverlayOptions {
    /// Shares on a logarithmic axis.
    pub log_counts: bool,
    /// Values on a signed logarithmic axis.
    pub log_values: bool,
    /// The quantized run's values and not the float run's.
    pub quantized: bool,
}

/// Builds the figure of at least one layer.
pub fn overlay_spec(title: String, stamp: String, layers: &[OverlaidLayer<'_>], options: OverlayOptions) -> FigureSpec {
    let ends = |data: &Distribution| {
        let (low, high) = (f64::from(data.low), f64::from(data.high));
        let (from, to) = thresholds(data).unwrap_or((low, high));
        (low.min(from), high.max(to))
    };
    let all = layers.iter().map(|layer| ends(layer.data));
    let (low, high) = all.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), (c, d)| (a.min(c), b.max(d)));
    let margin = 0.02 * (high - low);
    let mut x = Axis::linear(t!("value"), low - margin, high + margin);
    if options.log_values {
        let widths = layers.iter().map(|layer| bin_width(layer.data)).filter(|width| *width > 0.0);
        let finest = widths.fold(f64::INFINITY, f64::min);
        let unit = finest.max(LEAST_UNIT * (high - low));
        if unit.is_finite() && unit > 0.0 {
            x = x.on(Scale::SignedLog { unit });
        }
    }
    let edges = edges(&x);
    let shares: Vec<Vec<f64>> = layers
        .iter()
        .map(|layer| {
            let counts = if options.quantized { &layer.data.quantized_counts } else { &layer.data.float_counts };
            rebinned(layer.data, counts, &edges).into_iter().map(|share| 100.0 * share).collect()
        })
        .collect();
    let mut series: Vec<Series> = Vec::new();
    for (place, (layer, shares)) in layers.iter().zip(&shares).enumerate() {
        series.push(Series {
            name: layer.name.to_owned(),
            ink: Ink::Layer(place),
            shape: shape(place, &edges, shares),
        });
    }
    let y = shares_axis(&shares, options.log_counts);
    let marks = layers.iter().enumerate().flat_map(|(place, layer)| marks(place, layer.data)).collect();
    let summary = layers.iter().map(sentence).collect::<Vec<_>>().join(" ");
    FigureSpec { kind: "overlay", title, stamp, x, y, series, marks, spans: Vec::new(), handles: Vec::new(), summary }
}

/// Equally wide where they are drawn.
fn edges(x: &Axis) -> Vec<f64> {
    let (from, to) = x.placed_bounds();
    let at = |edge: usize| x.scale.value(from + (to - from) * edge as f64 / BINS as f64);
    (0..=BINS).map(at).collect()
}

fn bin_width(data: &Distribution) -> f64 {
    (f64::from(data.high) - f64::from(data.low)) / data.float_counts.len().max(1) as f64
}

/// The shares of the values in these bins. A bin of the data that lies in several is split by width; one without a width,
/// of a constant tensor, falls whole into the bin that it lies in.
fn rebinned(data: &Distribution, counts: &[u64], edges: &[f64]) -> Vec<f64> {
    let mut shares = vec![0.0; edges.len().saturating_sub(1)];
    let total = counts.iter().sum::<u64>() as f64;
    let (low, width) = (f64::from(data.low), bin_width(data));
    for (index, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let (from, share) = (low + width * index as f64, *count as f64 / total);
        let first = edges.partition_point(|edge| *edge <= from).saturating_sub(1).min(shares.len() - 1);
        for bin in first..shares.len() {
            let overlap = (from + width).min(edges[bin + 1]) - from.max(edges[bin]);
            shares[bin] += if width > 0.0 { share * (overlap / width).max(0.0) } else { share };
            if edges[bin + 1] >= from + width {
                break;
            }
        }
    }
    shares
}

/// The first layer is filled, the others are lines over it, each with another stroke.
fn shape(place: usize, edges: &[f64], shares: &[f64]) -> Shape {
    let stroke = match place {
        0 => return Shape::Steps { edges: edges.to_vec(), heights: shares.to_vec(), filled: true },
        1 => Stroke::Solid,
        2 => Stroke::Dashed,
        _ => Stroke::Dotted,
    };
    let steps = edges.windows(2).zip(shares).flat_map(|(ends, share)| ends.iter().map(|end| [*end, *share]));
    Shape::Line { points: steps.collect(), stroke }
}

fn shares_axis(shares: &[Vec<f64>], is_log: bool) -> Axis {
    let label = t!("% of a layer's values");
    let all = || shares.iter().flatten().copied().filter(|share| *share > 0.0);
    let most = all().fold(0.0, f64::max).max(1e-9);
    if is_log {
        // As low as a single value of the smaller layers, and no lower: split bins hold less than one.
        let floor = all().fold(most, f64::min).max(1e-6 * most);
        Axis::linear(label, floor, floor * (most / floor).powf(1.12)).on(Scale::Log { floor })
    } else {
        Axis::linear(label, 0.0, 1.25 * most)
    }
}

fn thresholds(data: &Distribution) -> Option<(f64, f64)> {
    data.thresholds.map(|(low, high)| (f64::from(low), f64::from(high)))
}

fn marks(place: usize, data: &Distribution) -> Vec<Mark> {
    let stroke = match place {
        0 | 1 => Stroke::Solid,
        2 => Stroke::Dashed,
        _ => Stroke::Dotted,
    };
    let mark = |x: f64| Mark { x, label: significant(x, 3), ink: Ink::Layer(place), stroke };
    thresholds(data).into_iter().flat_map(|(low, high)| [low, high]).map(mark).collect()
}

/// "conv1: −2.10 … 6.00; 8 bits, KL; range −2.11 … 3.80."
fn sentence(layer: &OverlaidLayer<'_>) -> String {
    let of = |value: f32| significant(f64::from(value), 3);
    let values = t!("{}: {} … {}", layer.name, of(layer.data.low), of(layer.data.high));
    match (&layer.format, layer.data.thresholds) {
        (None, _) => t!("{}; float.", values),
        (Some(format), Some((low, high))) => t!("{}; {}; range {} … {}.", values, format, of(low), of(high)),
        (Some(format), None) => t!("{}; {}.", values, format),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(low: f32, high: f32, float_counts: Vec<u64>, thresholds: Option<(f32, f32)>) -> Distribution {
        let quantized_counts = float_counts.clone();
        Distribution { tensor: "t".into(), low, high, float_counts, quantized_counts, thresholds, step: None }
    }

    fn spec(layers: &[(&str, &Distribution)], options: OverlayOptions) -> FigureSpec {
        let layers: Vec<OverlaidLayer<'_>> =
            layers.iter().map(|(name, data)| OverlaidLayer { name, data, format: Some("8 bits".into()) }).collect();
        overlay_spec("Outputs".into(), String::new(), &layers, options)
    }

    #[test]
    fn bins_of_other_widths_are_split_by_width() {
        // Two bins over 0 … 4, three quarters in the first; edges at 0, 1, 3, 4: ¾·½, ¾·½ + ¼·½, ¼·½.
        let data = data(0.0, 4.0, vec![3, 1], None);
        assert_eq!(rebinned(&data, &data.float_counts, &[0.0, 1.0, 3.0, 4.0]), [0.375, 0.5, 0.125]);
        let constant = Distribution { low: 2.0, high: 2.0, ..data };
        assert_eq!(rebinned(&constant, &constant.float_counts, &[0.0, 1.0, 3.0, 4.0]), [0.0, 1.0, 0.0]);
    }

    #[test]
    fn a_small_layer_beside_a_large_one_is_as_high() {
        let (small, large) = (data(-1.0, 1.0, vec![5, 5], None), data(-1.0, 1.0, vec![5000, 5000], Some((-1.0, 0.5))));
        for log_values in [false, true] {
            let spec =
                spec(&[("a", &small), ("b", &large)], OverlayOptions { log_values, ..OverlayOptions::default() });
            let Shape::Steps { heights, .. } = &spec.series[0].shape else { panic!("the first is filled") };
            let Shape::Line { points, .. } = &spec.series[1].shape else { panic!("the second is a line") };
            assert!(heights.iter().zip(points.iter().step_by(2)).all(|(a, b)| (a - b[1]).abs() < 1e-9));
            assert!((heights.iter().sum::<f64>() - 100.0).abs() < 1e-6, "{heights:?}");
            assert_eq!(spec.summary, "a: −1.00 … 1.00; 8 bits. b: −1.00 … 1.00; 8 bits; range −1.00 … 0.500.");
        }
    }

    #[test]
    fn layers_differ_in_more_than_colour() {
        let one = data(-1.0, 1.0, vec![1, 2], Some((-1.0, 1.0)));
        let layers = [("a", &one), ("b", &one), ("c", &one), ("d", &one)];
        let spec = spec(&layers, OverlayOptions { log_counts: true, ..OverlayOptions::default() });
        let legend = spec.legend();
        assert_eq!(legend.iter().map(|(name, ..)| *name).collect::<Vec<_>>(), ["a", "b", "c", "d"]);
        let keys: Vec<String> = legend.iter().map(|(.., key)| format!("{key:?}")).collect();
        assert!((1..4).all(|i| !keys[..i].contains(&keys[i])), "{keys:?}");
        assert_eq!(spec.marks.len(), 8);
        assert!(spec.y.bounds.0 > 0.0 && spec.y.bounds.0 < spec.y.bounds.1);
    }
}
