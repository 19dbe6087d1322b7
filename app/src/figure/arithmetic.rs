//! The figure of an integer run against fake quantization: how many outputs differ by how many steps, for each way of
//! requantizing. Counts span decades, nearly all of them at 0, so the axis is logarithmic.

use quantlens_analysis::{quant::Rounding, report::RoundingDifferences, t};

use super::spec::{Axis, Bar, FigureSpec, Ink, Scale, Series, Shape};
use crate::format::{count, number};

/// Width of a bar; three and a gap make one step.
const BAR: f64 = 0.25;
/// Counts below one output are told apart from none by the floor.
const FLOOR: f64 = 0.5;

/// Builds the figure; `title` and `stamp` as in [`FigureSpec`].
pub fn difference_spec(roundings: &[RoundingDifferences], title: String, stamp: String) -> FigureSpec {
    let most = roundings.iter().flat_map(|r| r.differences.counts()).max().unwrap_or(0);
    let series = roundings.iter().enumerate().map(|(place, rounding)| series_of(place, roundings.len(), rounding));
    FigureSpec {
        kind: "arithmetic",
        title,
        stamp,
        x: Axis {
            whole: true,
            ..Axis::linear(t!("integer code − fake-quantized code (−2: and less, 2: and more)"), -2.6, 2.6)
        },
        y: Axis::linear(t!("outputs"), FLOOR, 3.0 * most as f64).on(Scale::Log { floor: FLOOR }),
        series: series.collect(),
        marks: Vec::new(),
        spans: Vec::new(),
        handles: Vec::new(),
        summary: sentence(roundings),
    }
}

fn series_of(place: usize, of: usize, rounding: &RoundingDifferences) -> Series {
    let shift = (place as f64 - (of as f64 - 1.0) / 2.0) * BAR;
    let bars = rounding.differences.counts().into_iter().zip([t!("−2 or less"), "−1", "0", "1", t!("2 or more")]);
    let bars = bars.zip([-2.0, -1.0, 0.0, 1.0, 2.0]).map(|((outputs, name), x)| Bar {
        name: t!("difference {}", name),
        x: x + shift,
        low: 0.0,
        high: outputs as f64,
    });
    let ink = match rounding.rounding {
        Rounding::Gemmlowp => Ink::Float,
        Rounding::Single => Ink::Quantized,
        // Not the clipped's: on light ground that is the quantized's neighbour.
        Rounding::Shift => Ink::Suspect,
    };
    Series {
        name: rounding.rounding.name().into(),
        ink,
        shape: Shape::Bars { bars: bars.collect(), width: 0.9 * BAR, filled: true },
    }
}

/// "Of 4 096 outputs differ: gemmlowp (two roundings) 0.27 % (by at most 1), …".
fn sentence(roundings: &[RoundingDifferences]) -> String {
    let Some(first) = roundings.first() else { return String::new() };
    let words = roundings.iter().map(|rounding| {
        let (name, differences) = (rounding.rounding.name(), &rounding.differences);
        let share = 100.0 * differences.different_share();
        match differences.largest {
            0 => t!("{} none", name),
            largest => t!("{} {} % (by at most {})", name, number(share, if share < 10.0 { 2 } else { 1 }), largest),
        }
    });
    let words: Vec<String> = words.collect();
    t!("Of {} outputs differ from fake quantization: {}", count(first.differences.outputs()), words.join(t!(", ")))
}

#[cfg(test)]
mod tests {
    use quantlens_analysis::integer::LsbDifferences;

    use super::*;

    #[test]
    fn each_rounding_is_a_series_beside_the_others() {
        let equal = LsbDifferences { equal: 1000, ..LsbDifferences::default() };
        let some = LsbDifferences { one_above: 3, equal: 995, far_below: 2, largest: 4, ..equal };
        let roundings = [
            RoundingDifferences { rounding: Rounding::Single, differences: equal },
            RoundingDifferences { rounding: Rounding::Shift, differences: some },
        ];
        let spec = difference_spec(&roundings, "t".into(), String::new());
        assert_eq!(
            spec.summary,
            "Of 1\u{202F}000 outputs differ from fake quantization: single rounding none, pure shift 0.50 % (by at most 4)"
        );
        let [Series { shape: Shape::Bars { bars, .. }, .. }, _] = spec.series.as_slice() else { panic!("{spec:?}") };
        assert_eq!((bars.len(), bars[2].x, bars[2].high), (5, -0.125, 1000.0));
        assert_eq!(super::super::hover::describe(&spec, 1.1).unwrap().lines().next(), Some("difference 1"));
    }
}
