//! Mean absolute error `Σ|e|/n`, and the mean error `Σe/n` that a bias correction would remove.

use super::{ErrorSums, Measure, measure};

/// Mean absolute error, in the tensor's unit.
pub fn mae(sums: &ErrorSums) -> Measure {
    measure::unusable(sums).unwrap_or_else(|| Measure::Value(measure::mean(sums.sum_abs_e, sums.n)))
}

/// Mean error with its sign, in the tensor's unit.
pub fn mean_error(sums: &ErrorSums) -> Measure {
    measure::unusable(sums).unwrap_or_else(|| Measure::Value(measure::mean(sums.sum_e, sums.n)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // e = (3, −1, 0, 0): |e| sums to 4, e to 2.
        let sums = ErrorSums::of(&[0.0, 1.0, 1.0, 1.0], &[3.0, 0.0, 1.0, 1.0]);
        assert_eq!((mae(&sums), mean_error(&sums)), (Measure::Value(1.0), Measure::Value(0.5)));
    }
}
