//! The figure of quantized against float values: as a density, since a layer has a million of them; the diagonal, on
//! which they would lie without any error; and the mean, which leaves it where a range cuts or a gain is off.

use quantlens_analysis::{
    quant::Range,
    report::{Bins, DENSITY_BINS, Density},
    t,
};

use super::histogram::percent;
use super::spec::{Axis, FigureSpec, Ink, Scale, Series, Shape, Span, Stroke};
use crate::format::{count, number, significant};

/// The faintest bin that holds anything is drawn this strong, so that a single value is seen.
const FAINTEST: f32 = 0.18;

/// A mean of fewer values says little about where the next one would fall.
const MANY: u64 = 8;

/// What the sentence below the chart needs beside the counts.
#[derive(Clone, Debug, Default)]
pub struct ScatterFacts {
    /// `Output of conv1`.
    pub title: String,
    /// Samples and other limits, see [`FigureSpec::stamp`].
    pub stamp: String,
    /// Reals of the quantizer's first and last code; `None` where there is no one range.
    pub ends: Option<(f32, f32)>,
    /// Scale, where there is one.
    pub step: Option<f32>,
    /// How far all values reach, where the bins hold only most of them.
    pub reach: Option<Range>,
}

/// Builds the figure over the bins of `density`.
pub fn scatter_spec(density: &Density, facts: &ScatterFacts) -> FigureSpec {
    let bins = density.bins;
    let (low, high) = (f64::from(bins.range.low), f64::from(bins.range.high));
    let mean: Vec<[f64; 2]> = (0..DENSITY_BINS)
        .map(|column| [bins.middle(column), mean_of_many(density, column).unwrap_or(f64::NAN)])
        .collect();
    // As many points as the mean has, so that both are named at the pointer.
    let diagonal = (0..DENSITY_BINS).map(|column| [bins.middle(column); 2]).collect();
    let cells = Shape::Cells { edges: bins.edges(), strengths: strengths(density) };
    let line = |points, stroke| Shape::Line { points, stroke };
    let axis = |label| Axis::linear(label, low, high).on(scale(bins));
    FigureSpec {
        kind: "scatter",
        title: facts.title.clone(),
        stamp: facts.stamp.clone(),
        x: axis(t!("float value")),
        y: axis(t!("quantized value")),
        series: vec![
            Series { name: t!("values, stronger where there are more").into(), ink: Ink::Quantized, shape: cells },
            Series { name: t!("no error").into(), ink: Ink::Quiet, shape: line(diagonal, Stroke::Dashed) },
            Series { name: t!("mean").into(), ink: Ink::Suspect, shape: line(mean, Stroke::Solid) },
        ],
        marks: Vec::new(),
        spans: clipped(facts, low, high),
        handles: Vec::new(),
        summary: sentence(density, facts),
    }
}

/// The scale on which the bins are equally wide: theirs, in another base.
fn scale(bins: Bins) -> Scale {
    bins.unit.map_or(Scale::Linear, |unit| Scale::SignedLog { unit: f64::from(unit) })
}

/// Counts on a logarithmic scale: the tails hold few values of a million, and are what one looks for.
#[expect(clippy::cast_possible_truncation, reason = "a share of 1")]
fn strengths(density: &Density) -> Vec<f32> {
    let most = density.counts.iter().copied().max().unwrap_or(0).max(2) as f64;
    let strength = |count: u64| match count {
        0 => 0.0,
        n => FAINTEST + (1.0 - FAINTEST) * ((n as f64).ln() / most.ln()) as f32,
    };
    density.counts.iter().map(|&count| strength(count)).collect()
}

fn clipped(facts: &ScatterFacts, low: f64, high: f64) -> Vec<Span> {
    let Some((first, last)) = facts.ends else { return Vec::new() };
    let span = |low: f64, high: f64| Span { low, high, label: t!("clipped").into(), ink: Ink::Clipped };
    let (first, last) = (f64::from(first), f64::from(last));
    let mut spans = Vec::new();
    if first > low {
        spans.push(span(low, first.min(high)));
    }
    if last < high {
        spans.push(span(last.max(low), high));
    }
    spans
}

/// The mean of a column; `None` where so few values fell that it would only show their scatter.
fn mean_of_many(density: &Density, column: usize) -> Option<f64> {
    density.means[column].filter(|_| density.columns[column] >= MANY)
}

/// Where the mean is farthest from the diagonal: `(float, mean)`.
fn farthest(density: &Density) -> Option<(f64, f64)> {
    let known =
        (0..DENSITY_BINS).filter_map(|column| Some((density.bins.middle(column), mean_of_many(density, column)?)));
    known.max_by(|a, b| (a.1 - a.0).abs().total_cmp(&(b.1 - b.0).abs()))
}

fn sentence(density: &Density, facts: &ScatterFacts) -> String {
    let mut said = t!("{} values.", count(density.values));
    if let Some(reach) = facts.reach.filter(|_| density.outside > 0) {
        let share = percent(density.outside as f64 / density.values as f64);
        let (low, high) = (significant(f64::from(reach.low), 3), significant(f64::from(reach.high), 3));
        said +=
            &t!(" Not shown: {} of them ({}), which reach from {} to {}.", count(density.outside), share, low, high);
    }
    if let Some(share) = density.rounding_share {
        said += &t!(
            " {} % are within half a step of the float value, which is all that rounding in this layer may do.",
            number(100.0 * share, 1)
        );
    }
    if let Some((float, mean)) = farthest(density) {
        let (float, mean, off) = (significant(float, 3), significant(mean, 3), mean - float);
        let steps = facts
            .step
            .filter(|step| *step > 0.0)
            .map_or_else(String::new, |step| t!(", {} steps off", number((off / f64::from(step)).abs(), 1)));
        said += &t!(" The mean is farthest from the diagonal around {}, where it is {}{}.", float, mean, steps);
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    const BINS: Bins = Bins { range: Range { low: 0.0, high: 96.0 }, unit: None };

    fn density() -> Density {
        let float: Vec<f32> = (0..96_u8).flat_map(|i| [f32::from(i) + 0.5; 8]).collect();
        let quantized: Vec<f32> = float.iter().map(|v| v.min(60.0)).collect();
        Density::of("t", BINS, None, &[(&float, &quantized)]).unwrap()
    }

    #[test]
    fn a_cut_range_shows_as_a_flat_mean() {
        let facts = ScatterFacts { ends: Some((0.0, 60.0)), step: Some(0.5), ..ScatterFacts::default() };
        let spec = scatter_spec(&density(), &facts);
        // 95.5 is read as 60: 35.5 off, 71 steps of 0.5.
        assert!(spec.summary.contains("around 95.5, where it is 60.0, 71.0 steps off"), "{}", spec.summary);
        assert_eq!(spec.spans.iter().map(|s| (s.low, s.high)).collect::<Vec<_>>(), [(60.0, 96.0)]);
        let Shape::Cells { strengths, edges } = &spec.series[0].shape else { panic!("no cells") };
        assert_eq!(edges.len(), DENSITY_BINS + 1);
        assert!(strengths[1] == 0.0 && (strengths[0] - 1.0).abs() < 1e-6, "none, and as many as anywhere");
        let one = Density::of("t", BINS, None, &[(&[0.5, 7.5, 7.5], &[0.5, 7.5, 7.5])]).unwrap();
        let spec = scatter_spec(&one, &ScatterFacts::default());
        let Shape::Cells { strengths, .. } = &spec.series[0].shape else { panic!("no cells") };
        assert!((strengths[0] - FAINTEST).abs() < 1e-6, "a single value is seen");
        assert!(!spec.summary.contains("mean"), "of so few there is none: {}", spec.summary);
    }

    #[test]
    fn what_is_not_shown_is_counted() {
        let values: Vec<f32> = (0..96_u8).map(f32::from).chain([1000.0]).collect();
        let density = Density::of("t", BINS, None, &[(&values, &values)]).unwrap();
        let facts = ScatterFacts { reach: Some(Range::new(0.0, 1000.0)), ..ScatterFacts::default() };
        let spec = scatter_spec(&density, &facts);
        // 1 / 97 = 1.03 %.
        assert!(
            spec.summary.contains("Not shown: 1 of them (1.03 %), which reach from 0 to 1000."),
            "{}",
            spec.summary
        );
    }

    #[test]
    fn cells_of_every_size_lie_side_by_side_on_their_scale() {
        let bins = Bins { range: Range::new(-1.0, 1000.0), unit: Some(0.01) };
        let density = Density::of("t", bins, None, &[(&[1.0], &[1.0])]).unwrap();
        let spec = scatter_spec(&density, &ScatterFacts::default());
        let Shape::Cells { edges, .. } = &spec.series[0].shape else { panic!("no cells") };
        let placed: Vec<f64> = edges.iter().map(|edge| spec.x.scale.place(*edge)).collect();
        let (from, to) = spec.x.placed_bounds();
        let width = (to - from) / DENSITY_BINS as f64;
        assert!(placed.windows(2).all(|pair| ((pair[1] - pair[0]) / width - 1.0).abs() < 1e-3), "{placed:?}");
    }
}
