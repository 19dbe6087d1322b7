//! What the drift strip draws, worked out from a report: runs of points, hanging bars, the scale, the sentence.
//!
//! The tricky parts are values that are no numbers. Exact is infinitely many decibels: it sits on the top edge with a
//! mark. Not applicable breaks the line, since a line through it would claim a value. And thousands of layers are
//! thinned to the lowest and highest of each pixel column, so that no cliff can vanish between two pixels.

use quantlens_analysis::{metrics::Measure, report::Report, t};

use crate::format;

/// Above this many dB a value is drawn on the top edge: a difference up there means nothing.
const CEILING_DB: f64 = 80.0;
/// Below this many dB a value is drawn on the bottom edge.
const FLOOR_DB: f64 = -20.0;
/// Errors below this are counted in the sentence.
pub const LOW_DB: f64 = 20.0;

/// The ends of the vertical axis in dB, whole tens that hold every value of the given reports.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// Bottom edge.
    pub low: f64,
    /// Top edge; where exact values sit.
    pub high: f64,
}

impl Scale {
    /// At least 0 to 40 dB, so that two configurations look different and not alike after rescaling.
    pub fn of(reports: &[&Report]) -> Self {
        let mut scale = Self { low: 0.0, high: 40.0 };
        for row in reports.iter().flat_map(|report| &report.rows) {
            for measure in [row.accumulated.sqnr_db, row.local.sqnr_db] {
                if let Measure::Value(db) = measure {
                    scale.low = scale.low.min((db / 10.0).floor() * 10.0).max(FLOOR_DB);
                    scale.high = scale.high.max((db / 10.0).ceil() * 10.0).min(CEILING_DB);
                }
            }
        }
        scale
    }

    /// Where a measure is drawn; `None` where it does not apply.
    pub fn place(self, measure: Measure) -> Option<f64> {
        match measure {
            Measure::Value(db) => Some(db.clamp(self.low, self.high)),
            Measure::Exact => Some(self.high),
            Measure::NotApplicable(_) => None,
        }
    }
}

/// The accumulated error over depth.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    /// Runs of `[layer index, dB]` without a gap.
    pub runs: Vec<Vec<[f64; 2]>>,
    /// Layer indices where the error is zero.
    pub exact: Vec<f64>,
}

/// The curve of a report, thinned to about two points for each of `columns` pixels.
pub fn curve(report: &Report, scale: Scale, columns: usize) -> Curve {
    let mut curve = Curve::default();
    let mut run = Vec::new();
    for (index, row) in report.rows.iter().enumerate() {
        let x = index as f64;
        if row.accumulated.sqnr_db == Measure::Exact {
            curve.exact.push(x);
        }
        match scale.place(row.accumulated.sqnr_db) {
            Some(y) => run.push([x, y]),
            None => curve.runs.extend(finish(&mut run, report.rows.len(), columns)),
        }
    }
    curve.runs.extend(finish(&mut run, report.rows.len(), columns));
    curve
}

fn finish(run: &mut Vec<[f64; 2]>, total: usize, columns: usize) -> Option<Vec<[f64; 2]>> {
    let points = std::mem::take(run);
    (!points.is_empty()).then(|| thin(points, bucket(total, columns)))
}

/// Layers that share a pixel column.
fn bucket(total: usize, columns: usize) -> usize {
    total.div_ceil(columns.max(1)).max(1)
}

/// Keeps the lowest and the highest of each `bucket` points, in their order.
fn thin(points: Vec<[f64; 2]>, bucket: usize) -> Vec<[f64; 2]> {
    if bucket <= 2 {
        return points;
    }
    let mut kept = Vec::with_capacity(2 * points.len() / bucket + 2);
    for chunk in points.chunks(bucket) {
        let by_y = |a: &&[f64; 2], b: &&[f64; 2]| a[1].total_cmp(&b[1]);
        let (Some(low), Some(high)) = (chunk.iter().min_by(by_y), chunk.iter().max_by(by_y)) else { continue };
        let (first, second) = if low[0] <= high[0] { (low, high) } else { (high, low) };
        kept.push(*first);
        if first != second {
            kept.push(*second);
        }
    }
    kept
}

/// Where the error falls again, for reasons that the report names: `[layer index, dB]`.
pub fn falls(report: &Report, scale: Scale) -> Vec<[f64; 2]> {
    let rows = report.rows.iter().enumerate().filter(|(_, row)| row.why_falls.is_some());
    rows.filter_map(|(index, row)| Some([index as f64, scale.place(row.accumulated.sqnr_db)?])).collect()
}

/// A local error: a bar that hangs from the top edge down to its dB, so that the longer, the worse.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bar {
    /// Its middle, in layers.
    pub x: f64,
    /// Its width, in layers.
    pub width: f64,
    /// Its lower end in dB.
    pub db: f64,
}

/// The bars of a report: of several layers in one pixel column the worst. Exact ones have no length and are left out.
pub fn bars(report: &Report, scale: Scale, columns: usize) -> Vec<Bar> {
    let size = bucket(report.rows.len(), columns);
    let worst = |rows: &[quantlens_analysis::report::LayerRow]| {
        let values = rows.iter().filter_map(|row| match row.local.sqnr_db {
            Measure::Value(db) => Some(db.clamp(scale.low, scale.high)),
            _ => None,
        });
        values.min_by(f64::total_cmp)
    };
    let bar = |(i, rows): (usize, &[quantlens_analysis::report::LayerRow])| {
        let x = (i * size) as f64 + (rows.len() as f64 - 1.0) / 2.0;
        worst(rows).map(|db| Bar { x, width: rows.len() as f64 * 0.7, db })
    };
    report.rows.chunks(size).enumerate().filter_map(bar).collect()
}

/// "Worst: head/fc at 9.8 dB; 6 of 53 layers under 20 dB"; what the strip says to those who do not see it.
pub fn summary(report: &Report) -> String {
    let values = report.rows.iter().filter_map(|row| match row.accumulated.sqnr_db {
        Measure::Value(db) => Some((db, row.info.name.as_str())),
        _ => None,
    });
    let Some((db, name)) = values.min_by(|a, b| a.0.total_cmp(&b.0)) else {
        let all_exact = report.rows.iter().any(|row| row.accumulated.sqnr_db == Measure::Exact);
        return if all_exact {
            t!("Every layer equals the float model").into()
        } else {
            t!("No layer has an error yet").into()
        };
    };
    let is_low = |m: Measure| matches!(m, Measure::Value(db) if db < LOW_DB);
    let low = report.rows.iter().filter(|row| is_low(row.accumulated.sqnr_db)).count();
    let of = format::plural(report.rows.len(), "layer");
    let tail = if low == 0 { t!("no layer under {} dB", LOW_DB) } else { t!("{} of {} under {} dB", low, of, LOW_DB) };
    t!("Worst: {} at {} dB; {}", name, format::number(db, 1), tail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::fixtures;

    #[test]
    fn the_scale_holds_every_value_in_whole_tens() {
        let report = fixtures::report();
        // Lowest −0.2, highest finite 48.2.
        assert_eq!(Scale::of(&[&report]), Scale { low: -10.0, high: 50.0 });
        assert_eq!(Scale::of(&[]), Scale { low: 0.0, high: 40.0 });
        let mut wild = report;
        wild.rows[3].local = fixtures::errors(190.0);
        wild.rows[4].accumulated = fixtures::errors(-77.0);
        assert_eq!(Scale::of(&[&wild]), Scale { low: FLOOR_DB, high: CEILING_DB });
    }

    #[test]
    fn exact_sits_on_the_edge_and_not_applicable_breaks_the_line() {
        let mut report = fixtures::report();
        report.rows[2].accumulated.sqnr_db = Measure::Exact;
        report.rows[5].accumulated.sqnr_db = Measure::NotApplicable("integers");
        let scale = Scale { low: 0.0, high: 50.0 };
        let curve = curve(&report, scale, 1000);
        assert_eq!(curve.exact, [2.0]);
        assert_eq!(curve.runs.iter().map(Vec::len).collect::<Vec<_>>(), [5, 14]);
        assert_eq!(curve.runs[0][2], [2.0, 50.0]);
        // −0.2 dB is below the edge.
        assert_eq!(curve.runs[1][12], [18.0, 0.0]);
    }

    #[test]
    fn thinning_keeps_the_deepest_point_of_every_column() {
        let mut report = fixtures::large(5000);
        report.rows[3217].accumulated = fixtures::errors(-12.0);
        report.rows[3217].local = fixtures::errors(-11.0);
        let scale = Scale::of(&[&report]);
        let curve = curve(&report, scale, 500);
        assert_eq!(curve.runs.len(), 1);
        assert!(curve.runs[0].len() <= 1000, "{}", curve.runs[0].len());
        assert!(curve.runs[0].contains(&[3217.0, -12.0]));
        assert!(curve.runs[0].windows(2).all(|w| w[0][0] < w[1][0]));
        let bars = bars(&report, scale, 500);
        assert_eq!(bars.len(), 500);
        // Bucket 321 holds the layers 3210..3220; its middle is 3214.5.
        assert_eq!(bars[321], Bar { x: 3214.5, width: 7.0, db: -11.0 });
    }

    #[test]
    fn the_sentence_names_the_worst_and_counts_the_low() {
        assert_eq!(summary(&fixtures::report()), "Worst: head/fc at −0.2 dB; 16 of 20 layers under 20 dB");
        let mut report = fixtures::repaired();
        assert!(summary(&report).ends_with("no layer under 20 dB"), "{}", summary(&report));
        for row in &mut report.rows {
            row.accumulated = fixtures::errors(f64::INFINITY);
        }
        assert_eq!(summary(&report), "Every layer equals the float model");
    }
}
