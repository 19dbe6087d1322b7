//! What is remembered of a recently opened model beside its path: its drift, small enough to draw beside its name.

use std::path::{Path, PathBuf};

use quantlens_analysis::{metrics::Measure, report::Report};
use serde::{Deserialize, Serialize};

/// Points of a remembered curve: more than a thumbnail has room for would only cost space.
const POINTS: usize = 48;
/// An exact layer is drawn at the top, where a thumbnail ends.
const TOP_DB: f32 = 60.0;

/// The drift of a model as it was last seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecentCurve {
    /// The model.
    pub path: PathBuf,
    /// Accumulated SQNR over depth, in dB from 0 to 60.
    pub points_db: Vec<f32>,
}

impl RecentCurve {
    /// Of a report; the worst layer of each stretch stands for it.
    pub fn of(path: &Path, report: &Report) -> Self {
        let known: Vec<f32> = report.rows.iter().filter_map(|row| level(row.accumulated.sqnr_db)).collect();
        let stretch = known.len().div_ceil(POINTS).max(1);
        let worst = |values: &[f32]| values.iter().copied().fold(TOP_DB, f32::min);
        Self { path: path.to_owned(), points_db: known.chunks(stretch).map(worst).collect() }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "decibels from 0 to 60")]
fn level(sqnr: Measure) -> Option<f32> {
    match sqnr {
        Measure::Value(db) => Some((db as f32).clamp(0.0, TOP_DB)),
        Measure::Exact => Some(TOP_DB),
        Measure::NotApplicable(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_model_is_cut_to_the_worst_of_each_stretch() {
        let doc = crate::testing::document(500);
        let report = doc.report.value.unwrap();
        let curve = RecentCurve::of(Path::new("m.onnx"), &report);
        assert!(curve.points_db.len() <= POINTS && curve.points_db.len() > POINTS / 2, "{}", curve.points_db.len());
        let lowest = report.rows.iter().filter_map(|row| level(row.accumulated.sqnr_db)).fold(TOP_DB, f32::min);
        assert_eq!(curve.points_db.iter().copied().fold(TOP_DB, f32::min), lowest);
    }
}
