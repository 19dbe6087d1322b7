//! How bad a layer's value is, as a share from 0 to 1: for the lengths of bars and the tints of cards.
//!
//! Decibels have fixed ends, so that a colour means the same in every model; every other metric is measured against the
//! worst layer of the report. A difference to the pinned baseline has a sign, and its ends are as far on either side.

use quantlens_analysis::{
    compare::{Comparison, RowChange},
    metrics::Measure,
    report::{LayerRow, Report},
};

use crate::{
    format,
    rows::Column,
    theme::{BAD_DB, GOOD_DB},
    views::cells,
};

/// Differences of so many decibels have the full colour.
const MOST_DB: f64 = 10.0;

/// From a metric's values to shares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// The metric.
    pub column: Column,
    /// The harm that is as good as none.
    good: f64,
    /// The harm from which on it is as bad as it gets.
    bad: f64,
}

impl Scale {
    /// The scale of `column` for these numbers; `fitted` makes its ends the best and the worst of them.
    pub fn of(column: Column, report: Option<&Report>, fitted: bool) -> Self {
        let harms = || report.into_iter().flat_map(|r| &r.rows).filter_map(|row| harm(column, row));
        let worst = harms().fold(f64::NEG_INFINITY, f64::max);
        let best = harms().fold(f64::INFINITY, f64::min);
        let (good, bad) = match (is_db(column), fitted && best < worst) {
            (_, true) => (best, worst),
            (true, false) => (-GOOD_DB, -BAD_DB),
            (false, false) => (0.0, worst.max(f64::MIN_POSITIVE)),
        };
        Self { column, good, bad }
    }

    /// How bad the layer is; `None` where it has no such value.
    pub fn share(&self, row: &LayerRow) -> Option<f32> {
        if cells::measure_of(self.column, row) == Some(Measure::Exact) {
            return Some(0.0);
        }
        #[expect(clippy::cast_possible_truncation, reason = "a share, cut to 0..=1")]
        let share = ((harm(self.column, row)? - self.good) / (self.bad - self.good)).clamp(0.0, 1.0) as f32;
        Some(share)
    }

    /// The values at which the colours end, best first, as they read: "≥ 40 dB", "≤ 10 dB".
    pub fn ends(&self) -> (String, String) {
        let name = |harm: f64| match self.column {
            Column::Cosine => format::number(1.0 - harm, 4),
            Column::Clipped => format!("{} %", format::number(100.0 * harm, 2)),
            Column::Size => format::whole_bytes(harm),
            Column::MaxAbs => format::significant(harm, 3),
            _ => format!("{} dB", format::number(-harm, if harm.fract() == 0.0 { 0 } else { 1 })),
        };
        let (good, bad) =
            if self.column == Column::Cosine || is_db(self.column) { ("≥", "≤") } else { ("≤", "≥") };
        (format!("{good} {}", name(self.good)), format!("{bad} {}", name(self.bad)))
    }
}

/// From a metric's differences to shares with a sign.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SignedScale {
    /// The metric.
    pub column: Column,
    /// The difference that has the full colour.
    most: f64,
}

impl SignedScale {
    /// The scale of `column` for these differences; `fitted` makes the largest its end.
    pub fn of(column: Column, comparison: &Comparison, fitted: bool) -> Self {
        let changes = comparison.rows.iter().filter_map(|row| difference(column, row));
        let largest = changes.map(f64::abs).filter(|d| d.is_finite()).fold(0.0, f64::max);
        let most = if is_db(column) && !fitted { MOST_DB } else { largest.max(f64::MIN_POSITIVE) };
        Self { column, most }
    }

    /// How much better (up to 1) or worse (down to −1) the layer is; 0 where chance may have done it.
    pub fn share(&self, change: &RowChange) -> Option<f32> {
        let turn = cells::delta(self.column, change)?.turn;
        #[expect(clippy::cast_possible_truncation, reason = "a share, cut to 0..=1")]
        let size = (difference(self.column, change)?.abs() / self.most).clamp(0.0, 1.0) as f32;
        Some(match turn {
            cells::Turn::None => 0.0,
            cells::Turn::Better => size,
            cells::Turn::Worse => -size,
        })
    }

    /// The difference at either end, without its sign: "10 dB".
    pub fn end(&self) -> String {
        match self.column {
            Column::Cosine => format::number(self.most, 4),
            Column::Clipped => format!("{} %", format::number(100.0 * self.most, 2)),
            Column::Size => format::whole_bytes(self.most),
            Column::MaxAbs => format::significant(self.most, 2),
            _ => format!("{} dB", format::number(self.most, if self.most.fract() == 0.0 { 0 } else { 1 })),
        }
    }
}

fn is_db(column: Column) -> bool {
    matches!(column, Column::Local | Column::Accumulated)
}

fn difference(column: Column, change: &RowChange) -> Option<f64> {
    cells::change_of(column, change)?.0.delta
}

/// A value turned so that more is worse; `None` where there is no number.
pub fn harm(column: Column, row: &LayerRow) -> Option<f64> {
    match (column, cells::measure_of(column, row)) {
        (Column::Size, _) => Some(row.quantized_bytes as f64),
        (Column::Cosine, Some(Measure::Value(cosine))) => Some(1.0 - cosine),
        (_, Some(Measure::Value(db))) if is_db(column) => Some(-db),
        (_, Some(Measure::Value(value))) => Some(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{testing, views::fixtures};

    #[test]
    fn decibels_have_fixed_ends_until_they_are_fitted() {
        let report = fixtures::report();
        let row = |name: &str| report.rows.iter().find(|row| row.info.name == name).unwrap();
        let scale = Scale::of(Column::Accumulated, Some(&report), false);
        assert_eq!(scale.ends(), ("≥ 40 dB".into(), "≤ 10 dB".into()));
        // (40 − 32.8) / 30 = 0.24
        assert!((scale.share(row("block1/depthwise")).unwrap() - 0.24).abs() < 1e-6);
        assert_eq!(scale.share(row("head/fc")), Some(1.0));
        let scale = Scale::of(Column::Accumulated, Some(&report), true);
        assert_eq!(scale.ends(), ("≥ 48.2 dB".into(), "≤ −0.2 dB".into()));
        assert_eq!((scale.share(row("image")), scale.share(row("head/fc"))), (Some(0.0), Some(1.0)));
        let local = Scale::of(Column::Local, Some(&report), false);
        assert_eq!((local.share(row("pool")), local.share(row("head/softmax"))), (Some(0.0), None));
    }

    #[test]
    fn other_metrics_are_measured_against_the_worst_layer() {
        let report = fixtures::report();
        let scale = Scale::of(Column::Clipped, Some(&report), false);
        // The most is 2.1 % of block3/depthwise.
        assert_eq!(scale.ends(), ("≤ 0.00 %".into(), "≥ 2.10 %".into()));
        let shares: Vec<f32> = report.rows.iter().filter_map(|row| scale.share(row)).collect();
        assert!(shares.contains(&1.0) && shares.iter().all(|share| (0.0..=1.0).contains(share)));
        assert_eq!(Scale::of(Column::Cosine, None, true).share(&report.rows[0]).map(|s| s > 0.0), Some(true));
    }

    #[test]
    fn a_difference_keeps_its_sign() {
        let (was, mut now) = (testing::report(5), testing::report(5));
        now.rows[1].accumulated = testing::errors(48.2);
        now.rows[2].accumulated = testing::errors(2.0);
        let comparison = Comparison::of(&was, &now);
        let scale = SignedScale::of(Column::Accumulated, &comparison, false);
        let share = |i: usize| scale.share(&comparison.rows[i]);
        // 43.2 → 48.2 dB is half of ten; 42.4 → 2.0 dB is more than ten.
        assert!((share(1).unwrap() - 0.5).abs() < 1e-6);
        assert_eq!((share(2), share(3)), (Some(-1.0), Some(0.0)));
        assert_eq!(scale.end(), "10 dB");
    }
}
