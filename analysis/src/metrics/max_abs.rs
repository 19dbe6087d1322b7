//! The largest absolute error of any element.

use super::{ErrorSums, Measure, measure};

/// `max|e|`, in the tensor's unit.
pub fn max_abs(sums: &ErrorSums) -> Measure {
    measure::unusable(sums).unwrap_or(Measure::Value(sums.max_abs_e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        assert_eq!(max_abs(&ErrorSums::of(&[0.0, 1.0, 5.0], &[0.5, -1.0, 4.0])), Measure::Value(2.0));
        assert!(matches!(max_abs(&ErrorSums::of(&[0.0], &[f32::INFINITY])), Measure::NotApplicable(_)));
    }
}
