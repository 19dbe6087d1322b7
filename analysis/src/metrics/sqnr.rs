//! Signal to quantization noise ratio, the headline: `10·log10(Σf²/Σe²)` in dB.

use super::{ErrorSums, Measure, measure};

/// SQNR in dB; [`Measure::Exact`] where there is no noise, a tensor of zeros included.
pub fn sqnr_db(sums: &ErrorSums) -> Measure {
    if let Some(reason) = measure::unusable(sums) {
        return reason;
    }
    if sums.sum_e2 == 0.0 {
        Measure::Exact
    } else if sums.sum_f2 == 0.0 {
        Measure::NotApplicable(measure::ALL_ZERO)
    } else {
        // The logarithms apart: the quotient of a mask's energy and a tiny error's could overflow.
        Measure::Value(10.0 * (sums.sum_f2.log10() - sums.sum_e2.log10()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // Σf² = 9 + 16 = 25, e = (0.3, 0.4), Σe² = 0.25: 10·log10 100 = 20 dB.
        let sums = ErrorSums { n: 2, sum_f2: 25.0, sum_e2: 0.25, ..ErrorSums::default() };
        let Measure::Value(db) = sqnr_db(&sums) else { panic!("{:?}", sqnr_db(&sums)) };
        assert!((db - 20.0).abs() < 1e-12);
        // Noise ten times the signal: −10 dB.
        let sums = ErrorSums { n: 2, sum_f2: 1.0, sum_e2: 10.0, ..ErrorSums::default() };
        assert_eq!(sqnr_db(&sums), Measure::Value(-10.0));
    }

    #[test]
    fn exact_zero_and_broken_are_different() {
        assert_eq!(sqnr_db(&ErrorSums::of(&[1.0], &[1.0])), Measure::Exact);
        assert_eq!(sqnr_db(&ErrorSums::of(&[0.0], &[0.0])), Measure::Exact);
        assert_eq!(sqnr_db(&ErrorSums::of(&[0.0], &[1.0])), Measure::NotApplicable(measure::ALL_ZERO));
        assert_eq!(sqnr_db(&ErrorSums::of(&[], &[])), Measure::NotApplicable(measure::NOTHING));
        let broken = sqnr_db(&ErrorSums::of(&[1.0, 1.0], &[1.0, f32::NAN]));
        assert_eq!(broken, Measure::NotApplicable(measure::BROKEN), "not exact");
        // The same NaN in both runs says nothing about quantization.
        assert_eq!(sqnr_db(&ErrorSums::of(&[1.0, f32::NAN], &[1.0, f32::NAN])), Measure::Exact);
    }
}
