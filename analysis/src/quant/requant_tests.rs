//! Hand-worked multipliers, gemmlowp's edge cases, and the bound that QUANTIZATION.md states.

use proptest::prelude::*;

use super::*;

fn multiplier(real: f64) -> Multiplier {
    Multiplier::from_real(real).unwrap()
}

#[test]
fn multipliers_by_hand() {
    // 0.75 = 0.75·2^0; 0.75·2^31 = 1610612736.
    assert_eq!(multiplier(0.75), Multiplier { m0: 1_610_612_736, shift: 0 });
    // 0.01 = 0.64·2^(−6); 0.64·2^31 = 1374389534.72, rounds to …535.
    assert_eq!(multiplier(0.01), Multiplier { m0: 1_374_389_535, shift: 6 });
    // 3 = 0.75·2^2: a left shift.
    assert_eq!(multiplier(3.0), Multiplier { m0: 1_610_612_736, shift: -2 });
    // 1 is 0.5·2^1, since M0 < 1.
    assert_eq!(multiplier(1.0), Multiplier { m0: 1 << 30, shift: -1 });
    // 1 − 2^(−40): M0 would round to 2^31; renormalised it is that of 1.
    assert_eq!(multiplier(1.0 - 2.0_f64.powi(-40)), Multiplier { m0: 1 << 30, shift: -1 });
    // The smallest denormal, 2^(−1074) = 0.5·2^(−1073).
    assert_eq!(multiplier(5e-324), Multiplier { m0: 1 << 30, shift: 1073 });
    assert_eq!(multiplier(5e-324).to_real(), 5e-324);
    // 2^1023 = 0.5·2^1024.
    assert_eq!(multiplier(2.0_f64.powi(1023)).to_real(), 2.0_f64.powi(1023));
    for none in [0.0, -0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(Multiplier::from_real(none), None, "{none}");
    }
}

#[test]
fn the_representation_error_is_that_of_the_rounding() {
    // 0.01: (1374389535 − 1374389534.72)/1374389534.72 = 2.04e−10.
    let error = multiplier(0.01).relative_error(0.01);
    assert!((error - 0.28 / 1_374_389_534.72).abs() < 1e-15, "{error}");
    assert_eq!(multiplier(0.75).relative_error(0.75), 0.0);
}

#[test]
fn one_accumulator_three_roundings() {
    // M = 0.01: 12 345·0.01 = 123.45.
    let m = multiplier(0.01);
    assert_eq!((m.apply(12_345, Rounding::Gemmlowp), m.apply(12_345, Rounding::Single)), (123, 123));
    // The nearest power of two to 0.01 is 2^(−7) = 0.0078 (0.64 < 0.75): 12 345/128 = 96.4.
    assert_eq!((m.nearest_shift(), m.apply(12_345, Rounding::Shift)), (7, 96));
    // 0.375 = 0.75·2^(−1): tie between 2^(−1) and 2^(−2), the larger is taken.
    assert_eq!(multiplier(0.375).nearest_shift(), 1);
}

#[test]
fn ties_go_where_the_reference_sends_them() {
    // M = 2^(−2) = 0.5·2^(−1). 2·0.25 = 0.5 and −2·0.25 = −0.5.
    let quarter = multiplier(0.25);
    // gemmlowp: high multiply by 0.5 gives ±1 exactly, the shift by 1 rounds ±0.5 away from zero.
    assert_eq!((quarter.apply(2, Rounding::Gemmlowp), quarter.apply(-2, Rounding::Gemmlowp)), (1, -1));
    // One rounding, up.
    assert_eq!((quarter.apply(2, Rounding::Single), quarter.apply(-2, Rounding::Single)), (1, 0));
    assert_eq!((quarter.apply(2, Rounding::Shift), quarter.apply(-2, Rounding::Shift)), (1, 0));
    // Two roundings are not one: 5·0.25 = 1.25 → 1, but 5·0.5 = 2.5 → 3, 3/2 = 1.5 → 2.
    assert_eq!((quarter.apply(5, Rounding::Gemmlowp), quarter.apply(5, Rounding::Single)), (2, 1));
    // −3·0.25 = −0.75: high multiply −1.5, ties up, −1; −1/2 = −0.5 away from zero, −1.
    assert_eq!((quarter.apply(-3, Rounding::Gemmlowp), quarter.apply(-3, Rounding::Single)), (-1, -1));
}

#[test]
fn the_high_multiply_is_gemmlowps() {
    // (−2^31)² doubled is 2^63: the one product that saturates.
    assert_eq!(high_multiply(i32::MIN, i32::MIN), i32::MAX);
    assert_eq!(high_multiply(i32::MIN, i32::MAX), -i32::MAX);
    // ±3·2^30/2^31 = ±1.5: up in both signs, 2 and −1.
    assert_eq!((high_multiply(3, 1 << 30), high_multiply(-3, 1 << 30)), (2, -1));
    // ±5/4 by a shift of 2, and ±6/4 = ±1.5 away from zero.
    assert_eq!((rounding_divide_by_power_of_two(5, 2), rounding_divide_by_power_of_two(-5, 2)), (1, -1));
    assert_eq!((rounding_divide_by_power_of_two(6, 2), rounding_divide_by_power_of_two(-6, 2)), (2, -2));
    // −2^31/2^31 = −1; (2^31 − 1)/2^31 rounds to 1.
    assert_eq!(rounding_divide_by_power_of_two(i32::MIN, 31), -1);
    assert_eq!(rounding_divide_by_power_of_two(i32::MAX, 31), 1);
}

#[test]
fn extremes_saturate_and_vanish() {
    let large = multiplier(2.0_f64.powi(40));
    let tiny = multiplier(2.0_f64.powi(-80));
    for rounding in Rounding::ALL {
        // gemmlowp saturates before it multiplies: M0·2^31, here half of it.
        let half = i32::from(rounding == Rounding::Gemmlowp);
        assert_eq!(large.apply(2, rounding), if half == 1 { 1 << 30 } else { i32::MAX }, "{rounding:?}");
        assert_eq!(large.apply(-2, rounding), i32::MIN >> half, "{rounding:?}");
        assert_eq!(large.apply(0, rounding), 0, "{rounding:?}");
        assert_eq!(tiny.apply(i32::MAX, rounding), 0, "{rounding:?}");
        assert_eq!(tiny.apply(i32::MIN, rounding), 0, "{rounding:?}");
        assert_eq!(multiplier(5e-324).apply(i32::MIN, rounding), 0, "{rounding:?}");
        // f64::MAX = (1 − 2^(−53))·2^1024: M0 rounds up to 0.5.
        assert_eq!(multiplier(f64::MAX).apply(i32::MIN, rounding), i32::MIN >> half, "{rounding:?}");
        // M = 1 is the identity on the whole of int32 but for gemmlowp's left shift, see below.
        assert_eq!(multiplier(1.0).apply(-77, rounding), -77, "{rounding:?}");
    }
    assert_eq!(multiplier(1.0).apply(i32::MIN, Rounding::Single), i32::MIN);
    // gemmlowp shifts left first: 2·(−2^31) saturates at −2^31, half of that is −2^30.
    assert_eq!(multiplier(1.0).apply(i32::MIN, Rounding::Gemmlowp), -(1 << 30));
}

/// Positive float64 of every exponent.
fn positive() -> impl Strategy<Value = f64> {
    (1_u64..0x7FF0_0000_0000_0000).prop_map(f64::from_bits)
}

proptest! {
    #[test]
    fn the_multiplier_is_within_its_bound(real in positive()) {
        let m = multiplier(real);
        prop_assert!(m.m0 >= 1 << 30);
        prop_assert!(m.relative_error(real).abs() <= 2.0_f64.powi(-31), "{real:e}: {}", m.relative_error(real));
        if (1e-300..1e300).contains(&real) {
            prop_assert!((m.to_real() - real).abs() <= real * 2.0_f64.powi(-31));
        }
    }

    #[test]
    fn roundings_stay_near_the_product(real in 1e-9_f64..0.999, accumulator in any::<i32>()) {
        let m = multiplier(real);
        // 31 fractional bits of M0·2^(−n)·a are more than float64 rounds away.
        let exact = m.to_real() * f64::from(accumulator);
        prop_assert!((f64::from(m.apply(accumulator, Rounding::Single)) - exact).abs() <= 0.5 + 1e-6);
        // A half of the high multiply, shifted, on top of a half of the shift.
        let double = (f64::from(m.apply(accumulator, Rounding::Gemmlowp)) - exact).abs();
        prop_assert!(double <= 0.5 + 0.5 * 2.0_f64.powi(-m.shift) + 1e-6);
        let power = 2.0_f64.powi(-m.nearest_shift());
        prop_assert!((f64::from(m.apply(accumulator, Rounding::Shift)) - power * f64::from(accumulator)).abs() <= 0.5);
        // 2^(−k) nearest to M0 in [0.5, 1) is at most a third too large (0.75 → 1) or a third too small (0.75 → 0.5).
        prop_assert!((power / m.to_real() - 1.0).abs() <= 1.0 / 3.0 + 1e-9);
    }
}
