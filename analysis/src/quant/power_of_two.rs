//! Scales that are powers of two, for hardware that requantizes by shifts alone.
//!
//! The exponent is rounded **up**, so that nothing inside the range clips: the grid covers up to twice the range and the
//! step is up to twice as coarse. A zero-point is found again from the new scale.

use super::{
    grid::Grid,
    params::{Degenerate, QuantParams, Range, SymmetricRule, affine, symmetric},
};

/// The largest power of two in float32, 2¹²⁷.
const LARGEST: f32 = f32::from_bits(0x7F00_0000);

/// The smallest power of two not below `scale`, in [2⁻¹²⁶, 2¹²⁷].
///
/// Powers of two below the smallest normal float32 exist, but no scale of this program is denormal: those give 2⁻¹²⁶.
/// Above 2¹²⁷ float32 has no further power of two, and 2¹²⁷ is given although values may clip; only a 2-bit grid has
/// such scales. What is no scale at all (0, negative, NaN, infinite) gives 1, as a degenerate range does.
pub fn power_of_two(scale: f32) -> f32 {
    if !(scale > 0.0 && scale.is_finite()) {
        return 1.0;
    }
    if scale <= f32::MIN_POSITIVE {
        return f32::MIN_POSITIVE;
    }
    let mantissa = 0x007F_FFFF;
    let bits = scale.to_bits();
    if bits & mantissa == 0 {
        return scale;
    }
    // Beyond the last exponent comes infinity.
    f32::from_bits((bits | mantissa) + 1).min(LARGEST)
}

/// [`affine`] with the next power of two as its scale: `Z = round_half_even(q_min − r_min/S)` from that scale, so that
/// both ends of the range stay within half a step of the grid's.
pub fn affine_power_of_two(range: Range, grid: Grid) -> (QuantParams, Option<Degenerate>) {
    let (params, reason) = affine(range, grid);
    if reason.is_some() {
        return (params, reason);
    }
    let scale = power_of_two(params.scale);
    let (q_min, q_max) = (f64::from(grid.q_min()), f64::from(grid.q_max()));
    let low = f64::from(range.with_zero().low);
    let zero_point = (q_min - low / f64::from(scale)).round_ties_even().clamp(q_min, q_max);
    #[expect(clippy::cast_possible_truncation, reason = "clamped to a grid of at most 16 bits")]
    let zero_point = zero_point as i32;
    (QuantParams { scale, zero_point, grid }, None)
}

/// [`symmetric`] with the next power of two as its scale; the zero-point, the grid's middle or 0, does not depend on it.
pub fn symmetric_power_of_two(amax: f32, grid: Grid, rule: SymmetricRule) -> (QuantParams, Option<Degenerate>) {
    let (mut params, reason) = symmetric(amax, grid, rule);
    if reason.is_none() {
        params.scale = power_of_two(params.scale);
    }
    (params, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_power_up() {
        for (scale, expected) in [
            (1.0, 1.0),
            (1.0_f32.next_up(), 2.0),
            (1.0_f32.next_down(), 1.0),
            (0.3, 0.5),
            (0.01, 0.015_625), // 2^-6 = 1/64
            (3.0, 4.0),
            (f32::MIN_POSITIVE, f32::MIN_POSITIVE),
            (f32::MIN_POSITIVE.next_up(), 2.0 * f32::MIN_POSITIVE),
            (1e-45, f32::MIN_POSITIVE),
            (1.5 * 2.0_f32.powi(126), 2.0_f32.powi(127)),
            (2.0_f32.powi(127), 2.0_f32.powi(127)),
            (f32::MAX, 2.0_f32.powi(127)),
            (0.0, 1.0),
            (-0.5, 1.0),
            (f32::NAN, 1.0),
            (f32::INFINITY, 1.0),
        ] {
            assert_eq!(power_of_two(scale), expected, "{scale:e}");
        }
    }

    #[test]
    fn the_zero_point_follows_the_new_scale() {
        // [−1, 3] on uint8: 4/255 = 0.01569 → 2^-5 = 0.03125. Z = 1/0.03125 = 32 (it was round(63.75) = 64).
        let grid = Grid::unsigned(8).unwrap();
        assert_eq!(affine(Range::new(-1.0, 3.0), grid).0.zero_point, 64);
        let (p, why) = affine_power_of_two(Range::new(-1.0, 3.0), grid);
        assert_eq!((p.scale, p.zero_point, why), (0.031_25, 32, None));
        // The grid now spans [−1, 223/32 = 6.97].
        assert_eq!((p.representable().low, p.representable().high), (-1.0, 6.968_75));
        // [2, 6] is widened to [0, 6]: 6/255 = 0.0235 → 2^-5, Z = 0.
        let (p, _) = affine_power_of_two(Range::new(2.0, 6.0), grid);
        assert_eq!((p.scale, p.zero_point), (0.031_25, 0));
        // int8 symmetric: 2.54/127 = 0.02 → 2^-5; uint8 about the middle keeps Z = 128.
        let int8 = Grid::signed(8).unwrap();
        assert_eq!(symmetric_power_of_two(2.54, int8, SymmetricRule::MaxCode).0.scale, 0.031_25);
        assert_eq!(symmetric_power_of_two(5.1, grid, SymmetricRule::Span).0.zero_point, 128);
    }

    #[test]
    fn degenerate_ranges_stay_degenerate() {
        let grid = Grid::signed(8).unwrap();
        let unit = QuantParams::unit(grid);
        for range in [Range::new(0.0, 0.0), Range::new(f32::NAN, 1.0), Range::new(0.0, 1e-44)] {
            let (params, reason) = affine_power_of_two(range, grid);
            assert_eq!(params, unit);
            assert_eq!(reason, affine(range, grid).1);
            assert!(reason.is_some());
        }
        let zero = symmetric_power_of_two(0.0, grid, SymmetricRule::MaxCode);
        assert_eq!(zero, (unit, Some(Degenerate::ZeroWidth)));
    }
}
