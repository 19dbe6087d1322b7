//! Mean squared error `Σe²/n` and its root.

use super::{ErrorSums, Measure, measure};

/// Mean squared error, in the tensor's unit squared.
pub fn mse(sums: &ErrorSums) -> Measure {
    measure::unusable(sums).unwrap_or_else(|| Measure::Value(measure::mean(sums.sum_e2, sums.n)))
}

/// Root of the mean squared error, in the tensor's unit.
pub fn rmse(sums: &ErrorSums) -> Measure {
    match mse(sums) {
        Measure::Value(value) => Measure::Value(value.sqrt()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // e = (3, 0, 0, 1): 10/4 = 2.5; e = (3, 3): √9 = 3.
        assert_eq!(mse(&ErrorSums::of(&[0.0, 1.0, 1.0, 1.0], &[3.0, 1.0, 1.0, 2.0])), Measure::Value(2.5));
        assert_eq!(rmse(&ErrorSums::of(&[0.0, 1.0], &[3.0, -2.0])), Measure::Value(3.0));
        assert_eq!(rmse(&ErrorSums::of(&[], &[])), Measure::NotApplicable(measure::NOTHING));
    }
}
