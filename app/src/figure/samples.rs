//! The figure of one layer's error sample by sample.

use quantlens_analysis::{metrics::Measure, t, text::Text};

use super::spec::{Axis, Bar, FigureSpec, Ink, Series, Shape};
use crate::format::{db_unit, plural};

/// Width of a bar, in samples.
const BAR: f64 = 0.8;

/// Builds the figure of `(index, SQNR)` in the order in which they are to stand; `worst` is the index to mark.
pub fn samples_spec(samples: &[(usize, Measure)], names: &[Text], worst: Option<usize>, title: String) -> FigureSpec {
    let name = |index: usize| names.get(index).map_or_else(|| t!("sample {}", index + 1), Text::to_string);
    let known = || samples.iter().enumerate().filter_map(|(x, (index, sqnr))| Some((x, *index, sqnr.value()?)));
    let bars = |marked: bool| -> Vec<Bar> {
        let of = known().filter(|(_, index, _)| (worst == Some(*index)) == marked);
        let bar = |(x, index, db): (usize, usize, f64)| Bar {
            name: format!("{} ({})", name(index), index + 1),
            x: x as f64,
            low: db.min(0.0),
            high: db.max(0.0),
        };
        of.map(bar).collect()
    };
    let series = |name: &str, ink, bars| Series {
        name: name.into(),
        ink,
        shape: Shape::Bars { bars, width: BAR, filled: true },
    };
    let mut drawn = vec![series(t!("samples"), Ink::Quantized, bars(false))];
    if worst.is_some() {
        drawn.push(series(t!("worst"), Ink::Suspect, bars(true)));
    }
    let (low, high) = known().fold((0.0f64, 0.0f64), |(low, high), (.., db)| (low.min(db), high.max(db)));
    FigureSpec {
        kind: "samples",
        title,
        stamp: plural(samples.len(), "sample"),
        x: Axis { whole: true, ..Axis::linear(t!("sample"), -0.6, samples.len() as f64 - 0.4) },
        y: Axis::linear(t!("accumulated SQNR, dB"), low * 1.05, high * 1.05),
        series: drawn,
        marks: Vec::new(),
        spans: Vec::new(),
        handles: Vec::new(),
        summary: sentence(samples, worst, &name),
    }
}

fn sentence(samples: &[(usize, Measure)], worst: Option<usize>, name: &dyn Fn(usize) -> String) -> String {
    let Some(index) = worst else { return t!("No sample has an error here").into() };
    let of_worst = samples.iter().find(|(i, _)| *i == index).map_or(Measure::Exact, |(_, sqnr)| *sqnr);
    let best = samples.iter().max_by(|a, b| {
        let rank = |m: &Measure| match m {
            Measure::Value(db) => *db,
            Measure::Exact => f64::INFINITY,
            Measure::NotApplicable(_) => f64::NEG_INFINITY,
        };
        rank(&a.1).total_cmp(&rank(&b.1))
    });
    let best = best.map_or_else(String::new, |(i, sqnr)| t!("; best: {} at {}", name(*i), db_unit(*sqnr)));
    t!("Worst: {} (sample {}) at {}{}", name(index), index + 1, db_unit(of_worst), best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_is_a_series_of_its_own_and_named() {
        let samples = [(2, Measure::Value(-3.0)), (0, Measure::Value(12.0)), (1, Measure::Exact)];
        let names = ["a.png", "b.png", "c.png"].map(Text::from);
        let spec = samples_spec(&samples, &names, Some(2), "t".into());
        let shapes: Vec<&Shape> = spec.series.iter().map(|series| &series.shape).collect();
        let [Shape::Bars { bars: others, .. }, Shape::Bars { bars: worst, .. }] = shapes.as_slice() else {
            panic!("{spec:?}")
        };
        assert_eq!((others.len(), others[0].x, others[0].high), (1, 1.0, 12.0), "an exact sample has no bar");
        assert_eq!((worst[0].x, worst[0].low, worst[0].high), (0.0, -3.0, 0.0));
        assert_eq!(spec.summary, "Worst: c.png (sample 3) at −3.0 dB; best: b.png at exact");
    }
}
