//! Whether onnxruntime's optimizer makes a worse model of an export than the one that was looked at.
//!
//! Fused integer kernels round elsewhere than the operators between their pairs do: single steps in some elements, which
//! leaves the energy of the error about as it was. What is beyond that is another model than the window shows, and the
//! user must hear of it before the file is used.

use super::tally::Tally;
use crate::{
    job::Warning,
    metrics::Measure,
    report::{Share, Verification},
    say,
    text::Text,
};

/// A loss of more than this many dB, a quarter more noise, is no matter of single roundings.
const LOSS_DB: f64 = 1.0;
/// An output error this far down, 1 % of the signal, does not matter to a decision, whatever it was before.
const HARMLESS_DB: f64 = 40.0;

/// What the optimized file has less of.
#[derive(Debug, PartialEq)]
pub(super) struct Departure {
    lost: Vec<Text>,
}

impl Departure {
    /// Compares what the same samples gave with full optimization and without; `None` where that is as good.
    pub(super) fn of(tally: &Tally, verification: &Verification) -> Option<Self> {
        let (plain, optimized) = (&tally.plain_decisions, &tally.optimized_decisions);
        let lost = [
            lost_share(say!("accuracy"), plain.accuracy(), optimized.accuracy()),
            lost_share(say!("agreement with the float model"), plain.agreement(), optimized.agreement()),
            lost_db(verification.output_sqnr_db, verification.optimized_output_sqnr_db),
        ];
        let lost: Vec<Text> = lost.into_iter().flatten().collect();
        (!lost.is_empty()).then_some(Self { lost })
    }

    /// As the user reads it.
    pub(super) fn warning(&self) -> Warning {
        Warning::new(
            "optimized-departs",
            say!(
                "with its full optimization, onnxruntime makes less of this file than is shown: {}. Load it with graph \
                 optimization off, or keep the layers concerned float",
                Text::joined(", ", &self.lost)
            ),
        )
    }
}

/// More than one sample and more than 1 % of them: less is chance where two scores are close.
fn lost_share(what: Text, plain: Option<Share>, optimized: Option<Share>) -> Option<Text> {
    let (plain, optimized) = plain.zip(optimized)?;
    let lost = plain.count.saturating_sub(optimized.count);
    (lost > 1 && lost * 100 > plain.of)
        .then(|| say!("{} {} of {} instead of {}", what, optimized.count, optimized.of, plain.count))
}

fn lost_db(plain: Measure, optimized: Measure) -> Option<Text> {
    let optimized = optimized.value()?;
    let is_lost = match plain {
        Measure::Exact => true,
        Measure::Value(plain) => plain - optimized > LOSS_DB,
        Measure::NotApplicable(_) => false,
    };
    let was = plain.value().map_or_else(|| say!("exact"), |plain| format!("{plain:.1} dB").into());
    (is_lost && optimized < HARMLESS_DB)
        .then(|| say!("output SQNR {} dB instead of {}", format!("{optimized:.1}"), was))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_lost_by_more_than_one_sample_and_one_per_cent() {
        let lost = |plain, optimized, of| {
            let share = |count| Some(Share { count, of });
            lost_share("accuracy".into(), share(plain), share(optimized)).is_some()
        };
        assert!(!lost(8, 7, 8), "one sample");
        assert!(lost(8, 6, 8), "two of eight");
        // 1 % of 400 is 4.
        assert!(!lost(400, 396, 400) && lost(400, 395, 400));
        assert!(!lost(6, 8, 8), "better is not lost");
        assert_eq!(lost_share("accuracy".into(), None, None), None);
    }

    #[test]
    fn decibels_are_lost_by_more_than_one_below_forty() {
        let lost = |plain, optimized| lost_db(Measure::Value(plain), Measure::Value(optimized)).is_some();
        assert!(!lost(20.0, 19.5) && lost(20.0, 18.5));
        assert!(!lost(60.0, 41.0), "60 → 41 dB is still 1 % of the signal");
        assert!(lost(60.0, 39.0));
        assert!(lost_db(Measure::Exact, Measure::Value(10.0)).is_some_and(|text| text.ends_with("instead of exact")));
        assert_eq!(lost_db(Measure::Value(5.0), Measure::Exact), None);
    }
}
