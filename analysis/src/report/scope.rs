//! Single samples: which one a report is of, and which one is the worst at a layer.

use super::{LayerRow, SampleEnergy};
use crate::{mark, metrics::Measure, text::Text};

/// The one sample that a report is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleScope {
    /// Its place among the samples, from 0.
    pub index: usize,
    /// How many samples there are.
    pub of: usize,
    /// What the data call it.
    pub name: Text,
}

/// The sample whose error is largest at a layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WorstSample {
    /// Its place among the samples of the report, from 0.
    pub index: usize,
    /// Its accumulated SQNR.
    pub sqnr_db: Measure,
}

impl SampleEnergy {
    /// `10·log10(Σf²/Σe²)` of this sample.
    pub fn sqnr_db(self) -> Measure {
        if self.noise == 0.0 {
            Measure::Exact
        } else if self.signal == 0.0 {
            Measure::NotApplicable(mark!("the float tensor is all zeros"))
        } else {
            Measure::Value(10.0 * (self.signal.log10() - self.noise.log10()))
        }
    }

    /// Noise over signal; infinite where there is only noise.
    pub(super) fn nmse(self) -> f64 {
        if self.noise == 0.0 { 0.0 } else { self.noise / self.signal }
    }
}

impl LayerRow {
    /// The sample with the largest accumulated NMSE here, the first of equal ones; `None` where no sample has an error.
    pub fn worst_sample(&self) -> Option<WorstSample> {
        let with_error = self.by_sample.iter().enumerate().filter(|(_, energy)| energy.noise > 0.0);
        // The last of equal ones, from the back: the first.
        let (index, energy) = with_error.rev().max_by(|a, b| a.1.nmse().total_cmp(&b.1.nmse()))?;
        Some(WorstSample { index, sqnr_db: energy.sqnr_db() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqnr_of_one_sample_by_hand() {
        let of = |signal: f64, noise: f64| SampleEnergy { signal, noise }.sqnr_db();
        assert_eq!(of(100.0, 1.0), Measure::Value(20.0));
        assert_eq!(of(0.0, 0.0), Measure::Exact);
        assert!(matches!(of(0.0, 1.0), Measure::NotApplicable(_)));
        assert_eq!(SampleEnergy { signal: 0.0, noise: 1.0 }.nmse(), f64::INFINITY);
    }
}
