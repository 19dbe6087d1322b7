//! What several layers have in common: least, median and most of a value; and which layers to look at first.

use quantlens_analysis::{
    mark,
    metrics::Measure,
    report::{LayerRow, Report},
    text::text,
};

/// Layers at or above this many dB are nothing to worry about.
pub const FINE_DB: f64 = 30.0;

/// Least, median and most of a value over several layers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The least; for decibels the worst.
    pub least: Measure,
    /// The middle one; of two middle ones the lower, so that it is always the value of some layer.
    pub median: Measure,
    /// The most.
    pub most: Measure,
}

impl Spread {
    /// Over the values that apply, an exact one above every number; `None` where none applies.
    pub fn of(values: impl IntoIterator<Item = Measure>) -> Option<Self> {
        let rank = |measure: &Measure| match measure {
            Measure::Value(value) => Some(*value),
            Measure::Exact => Some(f64::INFINITY),
            Measure::NotApplicable(_) => None,
        };
        let mut ranked: Vec<(f64, Measure)> =
            values.into_iter().filter_map(|measure| rank(&measure).map(|rank| (rank, measure))).collect();
        ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
        let at = |index: usize| ranked.get(index).map(|(_, measure)| *measure);
        let last = ranked.len().checked_sub(1)?;
        Some(Self { least: at(0)?, median: at(last / 2)?, most: at(last)? })
    }
}

/// The layers that do most harm themselves: those of which the SQNR hides it, then the lowest local SQNR first; at most `n`,
/// none of them fine.
pub fn suspects(report: &Report, n: usize) -> Vec<&LayerRow> {
    let local = |row: &LayerRow| match row.local.sqnr_db {
        _ if row.hides_losses() => Some(f64::NEG_INFINITY),
        Measure::Value(db) => Some(db),
        _ => None,
    };
    let mut rows: Vec<(f64, &LayerRow)> =
        report.rows.iter().filter_map(|row| local(row).filter(|db| *db < FINE_DB).map(|db| (db, row))).collect();
    // Stable, so that equals stay in graph order.
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    rows.into_iter().take(n).map(|(_, row)| row).collect()
}

/// A range of accumulated error, for "how many layers are how bad".
#[derive(Clone, Copy, Debug)]
pub struct Band {
    /// What it is called.
    pub title: &'static str,
    /// The filter that shows its layers, in the language of [`crate::filter`].
    pub filter: &'static str,
    /// A value whose colour stands for it.
    pub middle_db: f64,
    low: f64,
    high: f64,
}

impl Band {
    /// Whether a layer with this error stands in it; exact ones in the best.
    pub fn holds(&self, sqnr_db: Measure) -> bool {
        match sqnr_db {
            Measure::Value(db) => self.low <= db && db < self.high,
            Measure::Exact => self.high.is_infinite(),
            Measure::NotApplicable(_) => false,
        }
    }
}

/// Every number stands in exactly one of them, worst first.
pub const BANDS: [Band; 4] = [
    Band { title: mark!("Under 10 dB"), filter: "sqnr<10", middle_db: 8.0, low: f64::NEG_INFINITY, high: 10.0 },
    Band { title: mark!("10 to 20 dB"), filter: "sqnr>=10 sqnr<20", middle_db: 15.0, low: 10.0, high: 20.0 },
    Band { title: mark!("20 to 30 dB"), filter: "sqnr>=20 sqnr<30", middle_db: 25.0, low: 20.0, high: 30.0 },
    Band { title: mark!("30 dB and more"), filter: "sqnr>=30", middle_db: 38.0, low: 30.0, high: f64::INFINITY },
];

/// [`BANDS`] with their titles in the user's language.
pub fn bands() -> [Band; 4] {
    BANDS.map(|band| Band { title: text(band.title), ..band })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::fixtures;

    #[test]
    fn the_median_is_a_value_that_some_layer_has() {
        let values = [3.0, 9.0, 1.0, 4.0].map(Measure::Value);
        let spread = Spread::of(values).unwrap();
        // Sorted 1 3 4 9: the lower of the two middle ones.
        assert_eq!(spread.median, Measure::Value(3.0));
        assert_eq!((spread.least, spread.most), (Measure::Value(1.0), Measure::Value(9.0)));
    }

    #[test]
    fn exact_is_above_all_and_what_does_not_apply_is_left_out() {
        let spread = Spread::of([Measure::Exact, Measure::NotApplicable("float"), Measure::Value(-2.0)]).unwrap();
        assert_eq!((spread.least, spread.most), (Measure::Value(-2.0), Measure::Exact));
        assert_eq!(Spread::of([Measure::NotApplicable("float")]), None);
    }

    #[test]
    fn a_band_holds_what_its_filter_shows() {
        let mut report = fixtures::report();
        report.rows[3].accumulated.sqnr_db = Measure::Exact;
        report.rows[5].accumulated.sqnr_db = Measure::Value(10.0);
        for row in &report.rows {
            let holding: Vec<&Band> = BANDS.iter().filter(|band| band.holds(row.accumulated.sqnr_db)).collect();
            let [band] = holding.as_slice() else { panic!("{} stands in {} bands", row.info.name, holding.len()) };
            for other in &BANDS {
                let query = crate::filter::Query::parse(other.filter).unwrap();
                assert_eq!(query.matches(&row.info, Some(row)), other.title == band.title, "{}", row.info.name);
            }
        }
    }

    #[test]
    fn suspects_are_the_layers_that_err_by_themselves() {
        let report = fixtures::report();
        let names: Vec<&str> = suspects(&report, 5).iter().map(|row| row.info.name.as_str()).collect();
        // The accumulated error of head/fc is the worst of all, but only because of what arrives there.
        assert_eq!(names, ["block2/depthwise", "block3/depthwise"]);
        let mut masked = report.clone();
        let stem = masked.rows.iter_mut().find(|row| row.info.name == "stem/conv").unwrap();
        stem.vanished_fraction = Some(0.7);
        assert_eq!(suspects(&masked, 5)[0].info.name, "stem/conv");
        assert_eq!(suspects(&masked, 5).len(), names.len() + 1);
    }
}
