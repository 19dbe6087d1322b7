//! RMSE in steps of the quantizer itself: `√MSE / S`.
//!
//! Uniform rounding gives 1/√12 ≈ 0.289; clearly more means clipping. Only for the values right before and right after
//! one quantizer in one run: an accumulated error has no step of its own to be measured in.

use super::{ErrorSums, Measure, mse::rmse};
use crate::mark;

/// What pure rounding gives: 1/√12.
pub const PURE_ROUNDING: f64 = 0.288_675_134_594_812_9;

/// `√MSE / scale`; `sums` compare the quantizer's input with its output, `scale` is its step.
pub fn rmse_over_scale(sums: &ErrorSums, scale: f32) -> Measure {
    match rmse(sums) {
        Measure::Value(value) => Measure::finite(value / f64::from(scale), mark!("the quantizer has no usable scale")),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quant::{Grid, QuantParams, fake_quantize};

    #[test]
    fn by_hand() {
        // e = (0.5, −0.5): RMSE 0.5, in steps of 2: 0.25.
        assert_eq!(rmse_over_scale(&ErrorSums::of(&[0.0, 0.0], &[0.5, -0.5]), 2.0), Measure::Value(0.25));
        assert!(matches!(rmse_over_scale(&ErrorSums::of(&[0.0], &[0.5]), 0.0), Measure::NotApplicable(_)));
    }

    #[test]
    fn even_values_round_with_one_twelfth_of_a_step_squared() {
        // 1000 values a step, evenly spread: the mean of x² over [−½, ½] is 1/12, up to 1/1000².
        let input: Vec<f32> = (-50_000..50_000).map(|i| (i as f32 + 0.5) / 1000.0).collect();
        let params = QuantParams { scale: 1.0, zero_point: 0, grid: Grid::signed(8).unwrap() };
        let mut output = vec![0.0; input.len()];
        fake_quantize(&input, &mut output, &params);
        let Measure::Value(steps) = rmse_over_scale(&ErrorSums::of(&input, &output), params.scale) else { panic!() };
        assert!((steps - PURE_ROUNDING).abs() < 1e-5, "{steps}");
        assert!((PURE_ROUNDING - 1.0 / 12.0_f64.sqrt()).abs() < 1e-15);
    }
}
