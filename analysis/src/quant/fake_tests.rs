//! Against onnxruntime's own outputs, by hand, and across the ways to cut a tensor.
#![expect(clippy::cast_possible_truncation, reason = "test data of known size")]

use super::*;
use crate::quant::{
    grid::Grid,
    lanes::{in_order, odd_values},
    wide::with_each,
};

#[derive(serde::Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

/// Floats are given by their bits.
#[derive(serde::Deserialize)]
struct Case {
    bits: u8,
    signed: bool,
    narrow: bool,
    scale: u32,
    zero_point: i32,
    input: Vec<u32>,
    codes: Vec<i32>,
    output: Vec<u32>,
}

impl Case {
    fn params(&self) -> QuantParams {
        let grid = match (self.signed, self.narrow) {
            (true, true) => Grid::signed_narrow(self.bits),
            (true, false) => Grid::signed(self.bits),
            (false, _) => Grid::unsigned(self.bits),
        };
        QuantParams { scale: f32::from_bits(self.scale), zero_point: self.zero_point, grid: grid.unwrap() }
    }

    fn input(&self) -> Vec<f32> {
        self.input.iter().map(|bits| f32::from_bits(*bits)).collect()
    }
}

fn golden() -> Vec<Case> {
    let text = include_str!("../../../tests/golden/fake_quantize.json");
    serde_json::from_str::<Golden>(text).unwrap().cases
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|v| v.to_bits()).collect()
}

fn int8(scale: f32, zero_point: i32) -> QuantParams {
    QuantParams { scale, zero_point, grid: Grid::signed(8).unwrap() }
}

/// A ramp with a few outliers, never twice the same value.
fn ramp(len: usize) -> Vec<f32> {
    (0..len).map(|i| ((i * 7919 % 10_007) as f32 - 5000.0) * 0.003).collect()
}

#[test]
fn every_bit_is_onnxruntimes() {
    let cases = golden();
    assert!(cases.len() >= 18);
    for case in &cases {
        let (params, input) = (case.params(), case.input());
        let mut output = vec![f32::NAN; input.len()];
        fake_quantize(&input, &mut output, &params);
        assert_eq!(bits(&output), case.output, "{params:?}");
        let mut codes = vec![0; input.len()];
        quantize_to_int(&input, &params, &mut codes);
        assert_eq!(codes, case.codes, "{params:?}");
        let mut back = vec![0.0; codes.len()];
        dequantize(&codes, &params, &mut back);
        assert_eq!(bits(&back), case.output, "{params:?}");
        let mut in_place = input.clone();
        fake_quantize_in_place(&mut in_place, &params);
        assert_eq!(bits(&in_place), case.output, "{params:?}");
    }
}

#[test]
fn clipping_by_hand() {
    // S = 1, Z = 0, int8: inside is [−128.5, 127.5].
    // 127.5 → 127 (saturated from 128): error 0.5, still rounding. 128 → 127: error 1, clipped. −128.5 → −128: 0.5.
    // 0.25 → 0: 0.25. −130 → −128: 2, clipped. rounding = 0.25 + 0.25 + 0.0625, clipped = 1 + 4.
    let input = [127.5, 128.0, -128.5, 0.25, -130.0, 3.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN];
    let mut output = [0.0; 9];
    let clipping = fake_quantize(&input, &mut output, &int8(1.0, 0));
    assert_eq!(output, [127.0, 127.0, -128.0, 0.0, -128.0, 3.0, 127.0, -128.0, -128.0]);
    assert_eq!(clipping, Clipping { clipped: 4, nan: 1, clipped_error_energy: 5.0, rounding_error_energy: 0.5625 });
    // One float32 step beyond the edges is outside.
    let edges = [127.5_f32.next_up(), (-128.5_f32).next_down()];
    assert_eq!(fake_quantize(&edges, &mut [0.0; 2], &int8(1.0, 0)).clipped, 2);
}

#[test]
fn the_edge_of_clipping_is_exact_in_float32() {
    // (q_max − Z + ½)·S = 127.5·0.1f32 = 12.75000018998980522… lies between two float32: the lower one is inside.
    let edge = 127.5 * f64::from(0.1_f32);
    let inside = if f64::from(edge as f32) > edge { (edge as f32).next_down() } else { edge as f32 };
    assert!(f64::from(inside) <= edge && f64::from(inside.next_up()) > edge);
    assert_eq!(fake_quantize(&[inside], &mut [0.0], &int8(0.1, 0)).clipped, 0);
    assert_eq!(fake_quantize(&[inside.next_up()], &mut [0.0], &int8(0.1, 0)).clipped, 1);
}

#[test]
fn a_code_equal_to_the_zero_point_is_positive_zero() {
    let mut values = [-0.0, -0.3, -1e-40, 0.0];
    fake_quantize_in_place(&mut values, &int8(1.0, 5));
    assert_eq!(bits(&values), [0; 4]);
}

#[test]
fn fake_quantization_is_idempotent_and_within_half_a_step() {
    for case in golden().iter().filter(|case| f32::from_bits(case.scale) > 1e-30 && case.scale < 1e30_f32.to_bits()) {
        let params = case.params();
        let range = params.representable();
        let input: Vec<f32> = case.input().into_iter().filter(|v| *v >= range.low && *v <= range.high).collect();
        let mut once = input.clone();
        fake_quantize_in_place(&mut once, &params);
        for (input, once) in input.iter().zip(&once) {
            let error = (f64::from(*once) - f64::from(*input)).abs();
            // Half a step, plus the rounding of the quotient (2^-24 of it) and of the product.
            let slack = f64::from(input.abs()) * 2.5e-7;
            assert!(error <= 0.5 * f64::from(params.scale) + slack, "{input} → {once}, {params:?}");
        }
        let mut twice = once.clone();
        fake_quantize_in_place(&mut twice, &params);
        assert_eq!(bits(&once), bits(&twice));
    }
}

#[test]
fn blocks_and_threads_change_nothing() {
    let input = ramp(3 * BLOCK + 13);
    let params = int8(0.1, -3);
    let with_threads = |n: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
        let mut output = vec![0.0; input.len()];
        let clipping = pool.install(|| fake_quantize(&input, &mut output, &params));
        (clipping, output)
    };
    let (clipping, output) = with_threads(1);
    assert_eq!(with_threads(3), (clipping, output.clone()));
    let mut in_place = input.clone();
    assert_eq!(fake_quantize_in_place(&mut in_place, &params), clipping);
    assert_eq!(in_place, output);
    // The two energies add up to the error's.
    let energy: f64 = input.iter().zip(&output).map(|(f, q)| (f64::from(*q) - f64::from(*f)).powi(2)).sum();
    assert!(clipping.clipped > 0);
    assert!((clipping.clipped_error_energy + clipping.rounding_error_energy - energy).abs() < 1e-9 * energy);
}

/// A value, its clipping and rounding error energy, whether it is clipped: the definition, one element at a time.
fn one(value: f32, params: &QuantParams) -> (f32, f64, f64, bool) {
    let after = Kernel::new(params).value(value);
    let error = f64::from(after) - f64::from(value);
    let (z, s) = (params.zero_point, f64::from(params.scale));
    let low = (f64::from(params.grid.q_min() - z) - 0.5) * s;
    let high = (f64::from(params.grid.q_max() - z) + 0.5) * s;
    let clipped = f64::from(value) < low || f64::from(value) > high;
    let energy = if value.is_finite() { error * error } else { 0.0 };
    if clipped { (after, energy, 0.0, true) } else { (after, 0.0, energy, false) }
}

/// [`fake_quantize`] of one block without groups, fast paths or vectors.
fn twin(input: &[f32], params: &QuantParams) -> (Vec<u32>, Clipping) {
    let ones: Vec<_> = input.iter().map(|value| one(*value, params)).collect();
    let clipping = Clipping {
        clipped: ones.iter().filter(|one| one.3).count() as u64,
        nan: input.iter().filter(|value| value.is_nan()).count() as u64,
        clipped_error_energy: in_order(&ones.iter().map(|one| one.1).collect::<Vec<_>>()),
        rounding_error_energy: in_order(&ones.iter().map(|one| one.2).collect::<Vec<_>>()),
    };
    (ones.iter().map(|one| one.0.to_bits()).collect(), clipping)
}

/// Every way to quantize a tensor of at most a block equals [`twin`], with each vector extension of this machine.
fn all_equal_the_twin(input: &[f32], params: &QuantParams) {
    let expected = twin(input, params);
    let ways = with_each(|| {
        let (mut copied, mut values) = (vec![7.0; input.len()], vec![7.0; input.len()]);
        let (mut in_place, mut codes) = (input.to_vec(), vec![7; input.len()]);
        let copy = fake_quantize(input, &mut copied, params);
        fake_quantize_values(input, &mut values, params);
        quantize_to_int(input, params, &mut codes);
        let place = fake_quantize_in_place(&mut in_place, params);
        ([(bits(&copied), copy), (bits(&in_place), place)], bits(&values), codes)
    });
    for (extension, (both, values, codes)) in &ways {
        for way in both {
            assert_eq!(way, &expected, "{extension:?} {params:?}");
        }
        assert_eq!(values, &expected.0, "{extension:?} {params:?}");
        assert_eq!(codes, &ways[0].1.2, "{extension:?} {params:?}");
    }
}

#[test]
fn every_extension_equals_the_scalar_twin() {
    let uint4 = QuantParams { scale: 0.5, zero_point: 200, grid: Grid::unsigned(4).unwrap() };
    let tiny = QuantParams { scale: 1e-42, ..int8(1.0, 3) };
    let huge = QuantParams { scale: 1e38, ..int8(1.0, 0) };
    for params in [int8(0.5, 0), int8(0.1, -3), int8(1e-3, 127), uint4, tiny, huge] {
        for len in [0, 1, 15, 16, 63, 64, 65, 128, 1003] {
            for one_in in [1, 7, 200] {
                all_equal_the_twin(&odd_values(len, one_in), &params);
            }
        }
    }
    for case in golden() {
        all_equal_the_twin(&case.input(), &case.params());
    }
}

proptest::proptest! {
    /// Any bits, any scale.
    #[test]
    fn any_bits_equal_the_scalar_twin(
        values in proptest::collection::vec(proptest::prelude::any::<u32>(), 0..200),
        scale in 1_u32..0x7f80_0000,
        zero_point in -128..=127,
    ) {
        let values: Vec<f32> = values.into_iter().map(f32::from_bits).collect();
        all_equal_the_twin(&values, &int8(f32::from_bits(scale), zero_point));
    }

    /// Inside the range and near every tie, where errors are taken in float32.
    #[test]
    fn errors_inside_the_range_are_exact(
        places in proptest::collection::vec((-513_i16..=513, -2_i32..=2), 64..200),
        scale in 1_u32..0x7e00_0000,
        zero_point in -128..=127,
    ) {
        let params = int8(f32::from_bits(scale), zero_point);
        let near = |(quarters, ulps): (i16, i32)| {
            let value = f32::from(quarters) * 0.25 * params.scale;
            f32::from_bits(value.to_bits().saturating_add_signed(ulps))
        };
        let inside = places.into_iter().map(near).filter(|value| !one(*value, &params).3);
        all_equal_the_twin(&inside.collect::<Vec<_>>(), &params);
    }
}

#[test]
fn channels_of_every_layout_equal_their_own_tensors() {
    for (outer, channels, inner) in [(1, 3, 100), (2, 3, 40), (50, 7, 1), (4, 2, 5), (30_000, 3, 1), (2, 3, 0)] {
        let layout = ChannelLayout { outer, channels, inner };
        let input = ramp(layout.len());
        let params: Vec<QuantParams> = (0..channels).map(|c| int8(0.05 + 0.03 * c as f32, c as i32)).collect();
        let mut output = vec![0.0; input.len()];
        let clippings = fake_quantize_channels(&input, &mut output, &params, layout);
        let mut codes = vec![0; input.len()];
        quantize_to_int_channels(&input, &params, layout, &mut codes);
        let mut back = vec![0.0; codes.len()];
        dequantize_channels(&codes, &params, layout, &mut back);
        assert_eq!(back, output);
        for (c, params) in params.iter().enumerate() {
            let of = |values: &[f32]| -> Vec<f32> {
                (0..layout.len()).filter(|i| inner > 0 && i / inner % channels == c).map(|i| values[i]).collect()
            };
            let (channel, expected) = (of(&input), of(&output));
            let mut alone = vec![0.0; channel.len()];
            let clipping = fake_quantize(&channel, &mut alone, params);
            assert_eq!(alone, expected);
            assert_eq!((clipping.clipped, clipping.nan), (clippings[c].clipped, clippings[c].nan));
            let (a, b) = (clipping.rounding_error_energy, clippings[c].rounding_error_energy);
            assert!((a - b).abs() <= 1e-12 * a, "{a} {b}");
        }
    }
}

#[test]
fn samples_may_come_in_any_order() {
    // 1e16 + 1 + 1 is 1e16 or 1e16 + 2, depending on the order of the additions.
    let of = |energy| Clipping { clipped: 1, nan: 0, clipped_error_energy: energy, rounding_error_energy: -energy };
    let [a, b, c] = [of(1e16), of(1.0), of(1.0)];
    assert_eq!(Clipping::merge_samples(&[a, b, c]), Clipping::merge_samples(&[b, c, a]));
    assert_eq!(Clipping::merge_samples(&[b, a, c]).clipped_error_energy, 1e16 + 2.0);
}
