//! The page as a figure: a group of bars for each layer, in the page's order, a bar for each width that was asked.
//!
//! As on the page a longer bar is worse: bars of an SQNR hang from the best value, bars of a gain stand on none. What went
//! through optimized kernels is hollow.

use std::collections::{BTreeMap, BTreeSet};

use quantlens_analysis::{
    quant::Bits,
    report::{Sweep, SweepRow},
    sensitivity::Interval,
    t,
};

use super::{
    controls::{done_of, kind_name},
    scale::{Scale, value},
};
use crate::{
    document::{Document, SweepView},
    figure::{Axis, Bar, FigureSpec, Ink, Series, Shape},
    format,
};

/// Layers with a name beside them: as many as there is room for on a page of the usual size.
const MOST: usize = 60;
/// How much of its place a group of bars takes.
const GROUP: f64 = 0.8;

/// The figure of what the page shows; `None` while nothing is measured.
pub fn sensitivity_figure(doc: &Document) -> Option<FigureSpec> {
    let sweep = doc.sweep.result()?;
    if doc.float_view.is_shown() && doc.sweep.view == SweepView::Relief {
        return None;
    }
    let visible: BTreeSet<usize> = doc.visible.iter().copied().collect();
    let mut order = sweep.worst_first(doc.sweep.shown_width());
    order.retain(|row| visible.contains(&row.index));
    let all = order.len();
    order.truncate(MOST);
    let scale = Scale::of(&rows_of(sweep, &order))?;
    let is_relief = doc.sweep.shown_width().is_none();
    let kind = kind_name(sweep.request.kind);
    let has_several = order.iter().any(|row| row.outputs.len() > 1);
    let title = if is_relief {
        t!("Gain with one layer float: {}", kind)
    } else {
        t!("Error with one layer quantized: {}", kind)
    };
    let across = if is_relief { t!("layer, the largest gain first") } else { t!("layer, the worst first") };
    let up = match (is_relief, has_several) {
        (true, false) => t!("gain at the output, dB"),
        (true, true) => t!("gain at the worst output, dB"),
        (false, false) => t!("SQNR at the output, dB"),
        (false, true) => t!("SQNR at the worst output, dB"),
    };
    Some(FigureSpec {
        kind: "sensitivity",
        title,
        stamp: stamp(doc, sweep, order.len(), all),
        x: Axis {
            whole: true,
            names: order.iter().map(|row| row.name.clone()).collect(),
            ..Axis::linear(across, -0.6, order.len() as f64 - 0.4)
        },
        y: Axis::linear(up, scale.from.min(scale.to), scale.from.max(scale.to)),
        series: series(sweep, &order, scale),
        marks: Vec::new(),
        spans: Vec::new(),
        handles: Vec::new(),
        summary: sentence(&order),
    })
}

/// The rows of these layers at every width.
fn rows_of<'a>(sweep: &'a Sweep, order: &[&SweepRow]) -> Vec<&'a SweepRow> {
    let shown: BTreeSet<usize> = order.iter().map(|row| row.index).collect();
    sweep.rows.iter().filter(|row| shown.contains(&row.index)).collect()
}

/// What is measured, how much of it is in the figure, and what limits the reading.
fn stamp(doc: &Document, sweep: &Sweep, shown: usize, all: usize) -> String {
    let mut words = vec![done_of(sweep)];
    if shown < sweep.layers_done {
        words.push(if shown < all { t!("the worst {}", shown) } else { t!("{} fit the filter", shown) });
    }
    if doc.sweep.is_stale(&doc.config) {
        words.push(t!("under other settings than those of now").into());
    }
    if doc.data.as_ref().is_some_and(|data| data.synthetic) {
        words.push(t!("synthetic ranges").into());
    }
    words.join(" · ")
}

/// Of each width the measured and the estimated bars, then all intervals.
fn series(sweep: &Sweep, order: &[&SweepRow], scale: Scale) -> Vec<Series> {
    let places: BTreeMap<usize, usize> = order.iter().enumerate().map(|(place, row)| (row.index, place)).collect();
    let rows = rows_of(sweep, order);
    let widths: BTreeSet<Option<Bits>> = rows.iter().map(|row| row.bits).collect();
    let bar_width = GROUP / widths.len().max(1) as f64;
    let mut drawn = Vec::new();
    let mut intervals: Vec<Bar> = Vec::new();
    for (place, bits) in widths.into_iter().enumerate() {
        let name = bits.map_or_else(|| t!("gain").to_owned(), format::bits_words);
        let x = |row: &SweepRow| {
            let group = places.get(&row.index).copied().unwrap_or(0) as f64;
            group - 0.5 * GROUP + (place as f64 + 0.5) * bar_width
        };
        for (filled, name) in [(true, name.clone()), (false, t!("{}, estimated", name))] {
            let mut bars: Vec<Bar> = Vec::new();
            for row in rows.iter().filter(|row| row.bits == bits && is_measured(row) == filled) {
                let Some((db, interval)) = value(row) else { continue };
                bars.push(Bar { name: row.name.clone(), x: x(row), low: db.min(scale.base), high: db.max(scale.base) });
                intervals.extend(interval.map(|interval| whisker(row, x(row), interval, scale)));
            }
            bars.sort_by(|a, b| a.x.total_cmp(&b.x));
            if !bars.is_empty() {
                drawn.push(Series {
                    name,
                    ink: Ink::Layer(place),
                    shape: Shape::Bars { bars, width: bar_width, filled },
                });
            }
        }
    }
    if !intervals.is_empty() {
        intervals.sort_by(|a, b| a.x.total_cmp(&b.x));
        let shape = Shape::Whiskers { bars: intervals, width: 0.5 * bar_width };
        drawn.push(Series { name: t!("95 % interval").into(), ink: Ink::Quiet, shape });
    }
    drawn
}

/// An interval without an end, of a layer that is exact for some samples, reaches to the edge.
fn whisker(row: &SweepRow, x: f64, interval: Interval, scale: Scale) -> Bar {
    let (least, most) = (scale.from.min(scale.to), scale.from.max(scale.to));
    Bar { name: row.name.clone(), x, low: interval.low.max(least), high: interval.high.min(most) }
}

fn is_measured(row: &SweepRow) -> bool {
    !row.headline().is_some_and(|output| output.estimate)
}

/// "Longer bars are worse. Worst at 4 bits: conv7, 10.0 dB. 0 of 12 have no number."
fn sentence(order: &[&SweepRow]) -> String {
    let Some((worst, (db, interval))) = order.iter().find_map(|row| Some((row, value(row)?))) else {
        return String::new();
    };
    let number = |db: f64| if worst.bits.is_some() { format::number(db, 1) } else { format::signed(db, 1) };
    let mut text = match worst.bits {
        Some(bits) => {
            t!("Longer bars are worse. Worst at {}: {}, {} dB", format::bits_words(bits), worst.name, number(db))
        }
        None => t!("Longer bars gain more. First: {}, {} dB", worst.name, number(db)),
    };
    if let Some(Interval { low, high }) = interval.filter(|i| i.low.is_finite() && i.high.is_finite()) {
        text = t!("{}, 95 % between {} and {}", text, number(low), number(high));
    }
    let without = order.iter().filter(|row| value(row).is_none()).count();
    if without > 0 {
        text = t!("{}; {} without a number", text, format::plural(without, "layer"));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::testing::{document, sweep};

    fn measured(n: usize) -> Document {
        let mut doc = document(n);
        let request = doc.sweep.request();
        doc.sweep.take(Arc::new(sweep(n, &doc.config, &request, n)));
        doc.sweep.shown = Bits::Int(4);
        doc
    }

    #[test]
    fn layers_stand_as_on_the_page_with_a_hollow_bar_and_an_interval_for_each_width() {
        let spec = sensitivity_figure(&measured(9)).unwrap();
        // input and conv7 have 10 dB at 4 bits, conv1 and conv8 13 dB.
        assert_eq!(spec.x.names[..4], ["input", "conv7", "conv1", "conv8"]);
        let legend: Vec<&str> = spec.legend().into_iter().map(|(name, ..)| name).collect();
        assert_eq!(legend, ["4 bits, estimated", "8 bits, estimated", "95 % interval"]);
        // The best at 8 bits is 10 + 3·6 + 24 = 52 dB, its interval ends at 53: bars hang from 60.
        assert_eq!(spec.y.bounds, (0.0, 60.0));
        let [Shape::Bars { bars, filled: false, .. }, _, Shape::Whiskers { bars: intervals, .. }] =
            [0, 1, 2].map(|place| &spec.series[place].shape)
        else {
            panic!("{spec:?}")
        };
        assert_eq!((bars.len(), bars[1].name.as_str(), bars[1].low, bars[1].high), (9, "conv7", 10.0, 60.0));
        assert_eq!((intervals.len(), intervals[0].low, intervals[0].high), (18, 9.0, 11.0));
        assert!(
            spec.summary.contains("Worst at 4 bits: input, 10.0 dB, 95 % between 9.0 and 11.0"),
            "{}",
            spec.summary
        );
    }

    #[test]
    fn a_large_model_keeps_its_worst_layers_and_says_so() {
        let spec = sensitivity_figure(&measured(200)).unwrap();
        assert_eq!(spec.x.names.len(), MOST);
        assert_eq!(spec.stamp, "200 layers, 8 samples · the worst 60");
        assert!(sensitivity_figure(&document(3)).is_none(), "nothing is measured");
    }

    #[test]
    fn a_relief_stands_on_no_gain() {
        let mut doc = document(9);
        doc.sweep.view = SweepView::Relief;
        let request = doc.sweep.request();
        doc.sweep.take(Arc::new(sweep(9, &doc.config, &request, 9)));
        let spec = sensitivity_figure(&doc).unwrap();
        let Shape::Bars { bars, filled: true, .. } = &spec.series[0].shape else { panic!("{spec:?}") };
        assert_eq!((bars[0].low, bars[0].high), (0.0, 4.0));
        assert_eq!(spec.series[0].name, "gain");
        doc.float_view.held = true;
        assert!(sensitivity_figure(&doc).is_none(), "in the float model there is nothing to gain");
    }
}
