//! Cosine similarity: `Σfq/√(Σf²·Σq²)`. It sees direction and is blind to magnitude; read it beside the gain (Q20).

use super::{ErrorSums, Measure, measure};
use crate::mark;

/// The cosine of the angle between the tensors as vectors, in `[-1, 1]`.
pub fn cosine(sums: &ErrorSums) -> Measure {
    if let Some(reason) = measure::unusable(sums) {
        return reason;
    }
    if sums.sum_f2 == 0.0 {
        return Measure::NotApplicable(measure::ALL_ZERO);
    }
    if sums.sum_q2 == 0.0 {
        return Measure::NotApplicable(mark!("the quantized tensor is all zeros"));
    }
    if sums.sum_e2 == 0.0 {
        return Measure::Value(1.0);
    }
    // √a·√b, not √(a·b): the product of two masks' energies overflows. Rounding must not leave [-1, 1].
    let value = sums.sum_fq / (sums.sum_f2.sqrt() * sums.sum_q2.sqrt());
    Measure::finite(value.clamp(-1.0, 1.0), measure::NOTHING)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // (3, 4)·(4, 3) = 24, norms 5 and 5: 24/25.
        assert_eq!(cosine(&ErrorSums::of(&[3.0, 4.0], &[4.0, 3.0])), Measure::Value(0.96));
        // Blind to magnitude.
        assert_eq!(cosine(&ErrorSums::of(&[3.0, 4.0], &[6.0, 8.0])), Measure::Value(1.0));
        assert_eq!(cosine(&ErrorSums::of(&[3.0, 4.0], &[-3.0, -4.0])), Measure::Value(-1.0));
        assert_eq!(cosine(&ErrorSums::of(&[0.1, 0.7, 0.3], &[0.1, 0.7, 0.3])), Measure::Value(1.0));
        assert!(matches!(cosine(&ErrorSums::of(&[0.0], &[1.0])), Measure::NotApplicable(_)));
        assert!(matches!(cosine(&ErrorSums::of(&[1.0], &[0.0])), Measure::NotApplicable(_)));
    }
}
