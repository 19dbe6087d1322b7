//! What holds for every quantizer and every range, on random ones.
//!
//! Not among it: that the error itself never rises with more bits. Data that lie on the coarse grid are exact there and
//! not on the finer one; only the bound S/2 falls always, and the mean on continuous data.

use proptest::prelude::*;

use super::{
    Bits, ChannelLayout, Clipping, Degenerate, FloatFormat, Grid, GroupLayout, QuantParams, Range, SymmetricRule,
    affine, dequantize, fake_quantize, fake_quantize_channels, fake_quantize_in_place,
    floats::round_trip_in_place,
    group::{fake_quantize_groups, group_amax, group_ranges},
    power_of_two::{affine_power_of_two, symmetric_power_of_two},
    quantize_to_int, symmetric,
};

const WIDTHS: [u8; 8] = [2, 3, 4, 5, 6, 7, 8, 16];

fn grids(bits: u8) -> [Grid; 3] {
    [Grid::signed(bits).unwrap(), Grid::signed_narrow(bits).unwrap(), Grid::unsigned(bits).unwrap()]
}

/// Every way to make parameters of `range` on grids of `bits` bits, but for the positive rule.
fn quantizers(range: Range, bits: u8) -> Vec<(QuantParams, Option<Degenerate>)> {
    let mut made = Vec::new();
    for grid in grids(bits) {
        made.extend([affine(range, grid), affine_power_of_two(range, grid)]);
        let rules =
            if grid.is_signed() { &[SymmetricRule::MaxCode, SymmetricRule::Span][..] } else { &[SymmetricRule::Span] };
        for rule in rules {
            made.extend([symmetric(range.amax(), grid, *rule), symmetric_power_of_two(range.amax(), grid, *rule)]);
        }
    }
    made
}

fn min_max(values: &[f32]) -> Range {
    let low = values.iter().copied().fold(f32::INFINITY, f32::min);
    Range::new(low, values.iter().copied().fold(f32::NEG_INFINITY, f32::max))
}

fn energy(input: &[f32], output: &[f32]) -> f64 {
    input.iter().zip(output).map(|(f, q)| (f64::from(*q) - f64::from(*f)).powi(2)).sum()
}

/// Widths, and ends of many magnitudes.
fn end() -> impl Strategy<Value = f32> {
    (-1.0_f32..1.0, -30_i32..30).prop_map(|(mantissa, exponent)| mantissa * 2.0_f32.powi(exponent))
}

proptest! {
    #[test]
    fn zero_is_exact(a in any::<f32>(), b in any::<f32>(), width in 0..WIDTHS.len()) {
        for (params, _) in quantizers(Range::new(a.min(b), a.max(b)), WIDTHS[width]) {
            let mut values = [0.0, -0.0];
            let clipping = fake_quantize_in_place(&mut values, &params);
            prop_assert_eq!(values.map(f32::to_bits), [0, 0]);
            prop_assert_eq!(clipping, Clipping::default());
            prop_assert!(params.scale > 0.0 && params.scale.is_finite());
            // Z is a code, except for the S = 1, Z = 0 of a degenerate range, which every grid has anyway.
            prop_assert!((params.grid.q_min()..=params.grid.q_max()).contains(&params.zero_point));
        }
    }

    /// Every value of a min–max range is inside (nothing is clipped), at most half a step from its image, and its image
    /// is its own.
    #[test]
    fn a_range_is_covered_within_half_a_step(a in end(), b in end(), part in 0.0_f32..1.0, width in 0..WIDTHS.len()) {
        let range = Range::new(a.min(b), a.max(b));
        let values = [range.low, range.high, range.low + part * (range.high - range.low), 0.0];
        for (params, degenerate) in quantizers(range, WIDTHS[width]) {
            prop_assume!(degenerate.is_none());
            let mut once = [0.0; 4];
            let clipping = fake_quantize(&values, &mut once, &params);
            for (value, once) in values.iter().zip(&once) {
                // The zero-point's half step leaves an end exactly on the edge at worst, where float32 rounding of S
                // (2^-24 of up to 2^16 steps), of the quotient and of the product decides.
                let slack = f64::from(range.amax()) * 2.5e-7;
                let error = (f64::from(*once) - f64::from(*value)).abs();
                prop_assert!(error <= 0.5 * f64::from(params.scale) + slack, "{value:e} → {once:e}, {params:?}");
            }
            // An end on that edge may count as clipped by a hair, with an error of half a step.
            prop_assert!(clipping.clipped_error_energy <= 0.51 * f64::from(params.scale).powi(2));
            let mut twice = [0.0; 4];
            fake_quantize(&once, &mut twice, &params);
            prop_assert_eq!(once.map(f32::to_bits), twice.map(f32::to_bits));
            let mut codes = [0; 4];
            quantize_to_int(&values, &params, &mut codes);
            dequantize(&codes, &params, &mut twice);
            prop_assert_eq!(once.map(f32::to_bits), twice.map(f32::to_bits));
            prop_assert!(codes.iter().all(|code| (params.grid.q_min()..=params.grid.q_max()).contains(code)));
        }
    }

    #[test]
    fn the_error_bound_never_rises_with_bits(a in end(), b in end()) {
        let range = Range::new(a.min(b), a.max(b));
        let steps = |bits| quantizers(range, bits).into_iter().map(|(params, _)| params.scale).collect::<Vec<_>>();
        prop_assume!(quantizers(range, 16).iter().all(|(_, degenerate)| degenerate.is_none()));
        for pair in WIDTHS.windows(2) {
            prop_assert!(steps(pair[0]).iter().zip(steps(pair[1])).all(|(coarse, fine)| fine <= *coarse));
        }
    }

    /// Under min–max neither channels nor groups have a coarser step than the tensor they are part of.
    #[test]
    fn the_error_bound_never_rises_with_finer_granularity(
        values in proptest::collection::vec(end(), 48), width in 0..WIDTHS.len(), group in 1_usize..9,
    ) {
        let layout = GroupLayout::of(&[4, 12], 1, group).unwrap();
        for (position, (tensor, _)) in quantizers(min_max(&values), WIDTHS[width]).iter().enumerate() {
            for channel in values.chunks(12) {
                let (channel, degenerate) = quantizers(min_max(channel), WIDTHS[width])[position];
                prop_assert!(degenerate.is_some() || channel.scale <= tensor.scale);
            }
            for range in group_ranges(&values, layout) {
                let (group, degenerate) = quantizers(range, WIDTHS[width])[position];
                prop_assert!(degenerate.is_some() || group.scale <= tensor.scale);
            }
        }
    }

    #[test]
    fn a_power_of_two_is_the_next_one_up(pattern in 1_u32..0x7F80_0000) {
        let scale = f32::from_bits(pattern);
        let power = super::power_of_two::power_of_two(scale);
        prop_assert_eq!(power.to_bits() & 0x007F_FFFF, 0);
        prop_assert!(power >= scale || power == 2.0_f32.powi(127));
        prop_assert!(power == f32::MIN_POSITIVE || power / 2.0 < scale);
    }
}

/// Uniform in [−1, 1), from a full-period generator (Numerical Recipes' constants), so that no run differs.
fn uniform(len: usize) -> Vec<f32> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1 << 23) - 1.0
    };
    #[expect(clippy::cast_possible_truncation, reason = "24 bits: exact")]
    (0..len).map(|_| next() as f32).collect()
}

#[test]
fn the_mean_error_falls_with_bits_and_is_that_of_uniform_rounding() {
    let values = uniform(1 << 14);
    let (widths, sixteen) = (&WIDTHS[..7], 16);
    for grid_of in [Grid::signed, Grid::signed_narrow, Grid::unsigned] {
        let mut last = f64::INFINITY;
        for &bits in widths.iter().chain([&sixteen]) {
            let (params, _) = affine(min_max(&values), grid_of(bits).unwrap());
            let mut output = vec![0.0; values.len()];
            fake_quantize(&values, &mut output, &params);
            let mse = energy(&values, &output) / values.len() as f64;
            assert!(mse < last, "{bits} bits: {mse} ≥ {last}");
            // S²/12 for an error uniform over a step.
            let expected = f64::from(params.scale).powi(2) / 12.0;
            assert!((mse / expected - 1.0).abs() < 0.1, "{bits} bits: {mse} is not {expected}");
            last = mse;
        }
    }
}

#[test]
fn the_mean_error_falls_from_tensor_to_channel_to_group_and_with_the_mantissa() {
    // Rows of magnitudes 1, 1/2, …, 1/128; within a row the columns fall as well.
    let (rows, columns) = (8, 1024);
    let mut values = uniform(rows * columns);
    for (row, values) in (0..).zip(values.chunks_mut(columns)) {
        for (column, value) in (0..).zip(values) {
            *value *= 0.5_f32.powi(row) * 0.998_f32.powi(column);
        }
    }
    let grid = Grid::signed(4).unwrap();
    let mut output = vec![0.0; values.len()];
    let of_tensor = symmetric(min_max(&values).amax(), grid, SymmetricRule::MaxCode).0;
    fake_quantize(&values, &mut output, &of_tensor);
    let tensor = energy(&values, &output);
    let layout = ChannelLayout::of(&[rows, columns], 0).unwrap();
    let of_channels: Vec<QuantParams> =
        (values.chunks(columns)).map(|row| symmetric(min_max(row).amax(), grid, SymmetricRule::MaxCode).0).collect();
    fake_quantize_channels(&values, &mut output, &of_channels, layout);
    let channels = energy(&values, &output);
    let layout = GroupLayout::of(&[rows, columns], 1, 32).unwrap();
    let amax = group_amax(&values, layout);
    let of_groups: Vec<QuantParams> =
        amax.into_iter().map(|amax| symmetric(amax, grid, SymmetricRule::MaxCode).0).collect();
    fake_quantize_groups(&values, &mut output, &of_groups, layout);
    let groups = energy(&values, &output);
    assert!(tensor > 2.0 * channels && channels > 2.0 * groups, "{tensor} {channels} {groups}");
    let of_format = |format: FloatFormat| {
        let mut output = values.clone();
        round_trip_in_place(format, format.scale(min_max(&values).amax()).0, &mut output);
        energy(&values, &output)
    };
    let [e4m3, e5m2, bfloat16, float16] = FloatFormat::ALL.map(of_format);
    assert!(e5m2 > e4m3 && e4m3 > bfloat16 && bfloat16 > float16);
}

/// All-zero, constant, one-sided, denormal, infinite, NaN, one-element and empty tensors, by every way to parameters:
/// S = 1, Z = 0 and the reason where there is no range, and no NaN comes out unless as a float format's own.
#[test]
fn odd_tensors_behave_as_documented() {
    let (inf, nan) = (f32::INFINITY, f32::NAN);
    let tensors: [(&[f32], Option<Degenerate>); 12] = [
        (&[0.0, 0.0, -0.0], Some(Degenerate::ZeroWidth)),
        (&[3.0, 3.0, 3.0], None),
        (&[-3.0], None),
        (&[0.5, 2.0, 7.0], None),
        (&[-0.5, -2.0], None),
        (&[1e-40, -3e-42], Some(Degenerate::TooSmall)),
        (&[inf, 1.0], Some(Degenerate::NotFinite)),
        (&[-inf, 1.0], Some(Degenerate::NotFinite)),
        (&[nan, nan], Some(Degenerate::NotFinite)),
        (&[], Some(Degenerate::NotFinite)),
        (&[f32::MAX, f32::MIN], None),
        (&[nan, 1.0, -2.0], None), // the range of the others
    ];
    for (values, expected) in tensors {
        let range = min_max(values);
        for bits in WIDTHS {
            for (params, degenerate) in quantizers(range, bits) {
                assert_eq!(degenerate, expected, "{values:?} {bits}");
                if expected.is_some() {
                    assert_eq!(params, QuantParams::unit(params.grid));
                }
                let mut output = vec![nan; values.len()];
                let clipping = fake_quantize(values, &mut output, &params);
                assert!(output.iter().all(|v| !v.is_nan()), "{values:?} → {output:?}");
                let energies = clipping.clipped_error_energy + clipping.rounding_error_energy;
                // (q − Z)·S of the widest range may overflow, as in onnxruntime: −128 · 2·MAX/255 is −∞.
                assert!(
                    energies.is_finite() || output.iter().zip(values).any(|(q, v)| q.is_infinite() && v.is_finite())
                );
                assert_eq!(clipping.nan, values.iter().map(|v| u64::from(v.is_nan())).sum::<u64>());
            }
        }
        for format in FloatFormat::ALL {
            let (scale, degenerate) = format.scale(range.amax());
            assert_eq!(degenerate, expected.filter(|_| format.has_scale()), "{values:?} {format}");
            let mut output = values.to_vec();
            let clipping = round_trip_in_place(format, scale, &mut output);
            assert!(values.iter().zip(&output).all(|(v, q)| v.is_nan() == q.is_nan()), "{values:?} → {output:?}");
            assert!(clipping.clipped_error_energy.is_finite() && clipping.rounding_error_energy.is_finite());
        }
    }
}

/// A constant tensor comes back as it was: its value is the end of its range.
#[test]
fn constants_are_exact_up_to_the_rounding_of_the_scale() {
    for value in [3.0_f32, -0.7, 1e-20, 2.5e30] {
        for bits in WIDTHS {
            for grid in grids(bits) {
                let mut output = [0.0];
                fake_quantize(&[value], &mut output, &affine(Range::new(value, value), grid).0);
                assert!((output[0] / value - 1.0).abs() <= 1.2e-7, "{value} → {}, {grid:?}", output[0]);
            }
        }
    }
    assert_eq!(Bits::COMMON.len(), WIDTHS.len() + 1, "every width is tested");
}
