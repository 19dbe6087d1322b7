//! Normalised mean squared error: `Σe²/Σf²`, what PPQ prints as "SNR" and lower is better.

use super::{ErrorSums, Measure, measure};
use crate::mark;

/// Noise energy as a share of the signal's.
pub fn nmse(sums: &ErrorSums) -> Measure {
    if let Some(reason) = measure::unusable(sums) {
        return reason;
    }
    if sums.sum_f2 == 0.0 {
        return Measure::NotApplicable(measure::ALL_ZERO);
    }
    Measure::finite(sums.sum_e2 / sums.sum_f2, mark!("the error is too many times the signal"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // e = (1, −1): 2/25.
        assert_eq!(nmse(&ErrorSums::of(&[3.0, 4.0], &[4.0, 3.0])), Measure::Value(0.08));
        assert_eq!(nmse(&ErrorSums::of(&[3.0], &[3.0])), Measure::Value(0.0));
        assert_eq!(nmse(&ErrorSums::of(&[0.0], &[3.0])), Measure::NotApplicable(measure::ALL_ZERO));
    }
}
