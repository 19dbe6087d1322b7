//! From dB to a place on the width of the bars. Sensitivity: the right end is the worst value, bars begin at the best.
//! Relief: bars begin at no gain.

use quantlens_analysis::{report::SweepRow, sensitivity::Interval};

/// The values at the two ends of the bars.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    /// At the left end.
    pub(super) from: f64,
    /// At the right end.
    pub(super) to: f64,
    /// Where bars begin.
    pub(super) base: f64,
}

/// What a row's bar shows: the SQNR of its worst output, or for a relief the gain; with its interval.
pub(super) fn value(row: &SweepRow) -> Option<(f64, Option<Interval>)> {
    let output = row.headline()?;
    match row.bits {
        Some(_) => Some((output.errors.sqnr_db.value()?, output.interval)),
        None => Some((output.gain_db?, output.gain_interval)),
    }
}

impl Scale {
    /// Room for all values and their intervals, ends on whole tens of dB (small gains and losses: on whole ones); `None` without a value.
    pub(super) fn of(rows: &[&SweepRow]) -> Option<Self> {
        let is_relief = rows.iter().any(|row| row.bits.is_none());
        let reach = |(value, interval): (f64, Option<Interval>)| {
            let ends = interval.map_or([value; 2], |i| [i.low, i.high]);
            [value].into_iter().chain(ends.into_iter().filter(|end| end.is_finite()))
        };
        let values: Vec<f64> = rows.iter().filter_map(|row| value(row)).flat_map(reach).collect();
        let low = values.iter().copied().min_by(f64::total_cmp)?;
        let high = values.iter().copied().max_by(f64::total_cmp)?;
        if is_relief {
            let step = if high > 10.0 { 10.0 } else { 1.0 };
            let (low, high) = (low.min(0.0).floor(), (high.max(step) / step).ceil() * step);
            return Some(Self { from: low, to: high, base: 0.0 });
        }
        let (low, high) = ((low / 10.0).floor() * 10.0, (high / 10.0).ceil() * 10.0);
        // A single value on a whole ten would have no width.
        let high = if high > low { high } else { high + 10.0 };
        Some(Self { from: high, to: low, base: high })
    }

    /// As a share of the width, 0 to 1.
    pub(super) fn place(self, db: f64) -> f32 {
        let share = (db - self.from) / (self.to - self.from);
        #[expect(clippy::cast_possible_truncation, reason = "a share of a few hundred points")]
        let share = share.clamp(0.0, 1.0) as f32;
        share
    }

    /// Values to write along the scale: at most eleven.
    pub(super) fn ticks(self) -> Vec<f64> {
        let span = (self.to - self.from).abs();
        let step =
            [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0].into_iter().find(|step| span / step <= 10.0).unwrap_or(200.0);
        let (low, high) = (self.from.min(self.to), self.from.max(self.to));
        let mut ticks = Vec::new();
        let mut tick = (low / step).ceil() * step;
        while tick <= high {
            ticks.push(tick);
            tick += step;
        }
        ticks
    }
}

#[cfg(test)]
mod tests {
    use quantlens_analysis::{
        metrics::{ErrorSums, Errors},
        quant::Bits,
        report::SweepOutput,
    };

    use super::*;

    fn row(bits: Option<Bits>, db: f64) -> SweepRow {
        // Σf² = 1 and Σe² = 10^(−dB/10).
        let sums = ErrorSums { n: 1, sum_f2: 1.0, sum_e2: 10f64.powf(-db / 10.0), ..ErrorSums::default() };
        let errors = Errors::from(&sums);
        let gain_db = bits.is_none().then_some(db);
        let output =
            SweepOutput { name: "y".into(), errors, interval: None, gain_db, gain_interval: None, estimate: false };
        SweepRow { index: 0, name: "a".into(), op: "Conv".into(), bits, outputs: vec![output], refused: None }
    }

    #[test]
    fn a_worse_layer_has_the_longer_bar() {
        let rows = [row(Some(Bits::Int(8)), 33.0), row(Some(Bits::Int(8)), 12.0)];
        let scale = Scale::of(&rows.iter().collect::<Vec<_>>()).unwrap();
        assert_eq!(scale, Scale { from: 40.0, to: 10.0, base: 40.0 });
        assert!((scale.place(25.0) - 0.5).abs() < 1e-6 && scale.place(12.0) > scale.place(33.0));
        assert_eq!(scale.ticks(), [10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0]);
        assert_eq!(Scale::of(&[]), None);
    }

    #[test]
    fn gains_begin_at_zero_and_may_be_losses() {
        let rows = [row(None, 3.4), row(None, -0.5)];
        let scale = Scale::of(&rows.iter().collect::<Vec<_>>()).unwrap();
        assert_eq!(scale, Scale { from: -1.0, to: 4.0, base: 0.0 });
        assert!((scale.place(0.0) - 0.2).abs() < 1e-6);
    }
}
