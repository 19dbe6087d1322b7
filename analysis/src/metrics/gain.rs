//! Gain `‖q‖/‖f‖`: what the cosine cannot see. A clipped tensor keeps its direction and loses its length.

use super::{ErrorSums, Measure, measure};
use crate::mark;

/// The quantized tensor's norm over the float tensor's; 1 is ideal.
pub fn gain(sums: &ErrorSums) -> Measure {
    if let Some(reason) = measure::unusable(sums) {
        return reason;
    }
    if sums.sum_f2 == 0.0 {
        return Measure::NotApplicable(measure::ALL_ZERO);
    }
    Measure::finite(
        sums.sum_q2.sqrt() / sums.sum_f2.sqrt(),
        mark!("the quantized tensor is too many times the float one"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        assert_eq!(gain(&ErrorSums::of(&[3.0, 4.0], &[6.0, 8.0])), Measure::Value(2.0));
        assert_eq!(gain(&ErrorSums::of(&[3.0, 4.0], &[0.0, 0.0])), Measure::Value(0.0));
        assert_eq!(gain(&ErrorSums::of(&[0.0], &[1.0])), Measure::NotApplicable(measure::ALL_ZERO));
    }
}
