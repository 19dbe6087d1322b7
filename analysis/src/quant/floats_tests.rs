//! Against onnxruntime's outputs (`tests/golden/float_formats.py`), the `half` crate, and by hand.

use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

use super::*;

#[derive(serde::Deserialize)]
struct Golden {
    exhaustive: Vec<(String, u32, String)>,
    decoded: Vec<(String, u32, String)>,
    cases: Vec<Case>,
    channels: Vec<Channels>,
}

#[derive(serde::Deserialize)]
struct Case {
    format: String,
    scale: u32,
    input: Vec<u32>,
    output: Vec<u32>,
}

#[derive(serde::Deserialize)]
struct Channels {
    format: String,
    shape: Vec<usize>,
    axis: usize,
    scales: Vec<u32>,
    input: Vec<u32>,
    output: Vec<u32>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../../../tests/golden/float_formats.json")).unwrap()
}

fn floats(bits: &[u32]) -> Vec<f32> {
    bits.iter().map(|bits| f32::from_bits(*bits)).collect()
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|v| v.to_bits()).collect()
}

fn digest(values: &[f32]) -> String {
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn all_codes(format: FloatFormat) -> Vec<u16> {
    (0..=u16::MAX).take(1 << format.bits()).collect()
}

#[test]
fn every_probe_is_onnxruntimes() {
    let golden = golden();
    assert_eq!(golden.cases.len(), 2 + 2 * 7);
    for case in &golden.cases {
        let (format, scale) = (case.format.parse().unwrap(), f32::from_bits(case.scale));
        let input = floats(&case.input);
        let mut output = vec![1.0; input.len()];
        let clipping = round_trip(format, scale, &input, &mut output);
        for ((input, ours), theirs) in input.iter().zip(bits(&output)).zip(&case.output) {
            assert_eq!(ours, *theirs, "{format} of {input:e} with {scale:e}");
        }
        assert_eq!(clipping.nan, 2);
        let mut in_place = input.clone();
        assert_eq!(round_trip_in_place(format, scale, &mut in_place), clipping);
        assert_eq!(bits(&in_place), case.output);
        let mut codes = vec![0; input.len()];
        encode(format, scale, &input, &mut codes);
        decode(format, scale, &codes, &mut output);
        assert_eq!(bits(&output), case.output, "{format} by way of codes");
    }
}

/// Every value of every format, every tie, and what lies on both sides of them, over the whole range of float32.
#[test]
fn every_value_and_tie_is_onnxruntimes() {
    let input: Vec<f32> =
        (0..1 << 20).flat_map(|high| [0, 1, 0xFFF].map(|low| f32::from_bits(high << 12 | low))).collect();
    let mut output = vec![0.0; input.len()];
    let golden = golden();
    assert_eq!(golden.exhaustive.len(), 2 + 2 * 7);
    for (name, scale, expected) in &golden.exhaustive {
        round_trip(name.parse().unwrap(), f32::from_bits(*scale), &input, &mut output);
        assert_eq!(digest(&output), *expected, "{name} with {:e}", f32::from_bits(*scale));
    }
}

#[test]
fn every_code_decodes_as_in_onnxruntime() {
    for (name, scale, expected) in &golden().decoded {
        let format: FloatFormat = name.parse().unwrap();
        let codes = all_codes(format);
        let mut output = vec![0.0; codes.len()];
        decode(format, f32::from_bits(*scale), &codes, &mut output);
        assert_eq!(digest(&output), *expected, "{name} with {:e}", f32::from_bits(*scale));
    }
}

#[test]
fn codes_survive_decoding_and_the_16_bit_ones_are_those_of_the_half_crate() {
    for format in FloatFormat::ALL {
        let codes = all_codes(format);
        let (mut values, mut again) = (vec![0.0; codes.len()], vec![0; codes.len()]);
        decode(format, 1.0, &codes, &mut values);
        encode(format, 1.0, &values, &mut again);
        for ((code, value), again) in codes.iter().zip(&values).zip(&again) {
            let saturated = format == FloatFormat::Float8E5M2 && value.is_infinite();
            assert!(code == again || value.is_nan() || saturated, "{format} {code:#x} → {value:e} → {again:#x}");
            let theirs = match format {
                FloatFormat::Float16 => half::f16::from_bits(*code).to_f32(),
                FloatFormat::BFloat16 => half::bf16::from_bits(*code).to_f32(),
                _ => continue,
            };
            assert!(theirs.to_bits() == value.to_bits() || (theirs.is_nan() && value.is_nan()));
        }
    }
}

#[test]
fn constants_are_the_formats_own() {
    for format in FloatFormat::ALL {
        let codes = all_codes(format);
        let mut values = vec![0.0; codes.len()];
        decode(format, 1.0, &codes, &mut values);
        let finite = values.iter().copied().filter(|v| v.is_finite());
        assert_eq!(finite.fold(0.0, f32::max), format.largest_finite());
        let smallest = values.iter().copied().filter(|v| *v > 0.0).fold(f32::MAX, f32::min);
        assert_eq!(smallest, format.smallest_subnormal());
        assert_eq!(values[1 << format.mantissa_bits()], format.smallest_normal());
        assert_eq!(format.name().parse::<FloatFormat>().unwrap(), format);
        assert_eq!(serde_json::to_string(&format).unwrap(), format!("\"{format}\""));
    }
    assert!("float32".parse::<FloatFormat>().is_err());
    assert_eq!(FloatFormat::Float16.largest_finite(), half::f16::MAX.to_f32());
    assert_eq!(FloatFormat::BFloat16.largest_finite(), half::bf16::MAX.to_f32());
    assert_eq!(FloatFormat::ALL.map(FloatFormat::bits), [8, 8, 16, 16]);
    use crate::onnx::proto::DataType;
    let types = [DataType::Float8e4m3fn, DataType::Float8e5m2, DataType::Bfloat16, DataType::Float16];
    assert_eq!(FloatFormat::ALL.map(FloatFormat::onnx_data_type), types.map(|t| t as i32));
}

#[test]
fn raw_data_is_little_endian_and_as_narrow_as_the_format() {
    // 1.0 is 0x3C00 in float16, 0x3F80 in bfloat16, 0x38 in E4M3 (exponent 7), 0x3C in E5M2 (exponent 15); −2 follows.
    let raw = |format| {
        let mut codes = [0; 2];
        encode(format, 1.0, &[1.0, -2.0], &mut codes);
        raw_data(format, &codes)
    };
    assert_eq!(raw(FloatFormat::Float16), [0x00, 0x3C, 0x00, 0xC0]);
    assert_eq!(raw(FloatFormat::BFloat16), [0x80, 0x3F, 0x00, 0xC0]);
    assert_eq!(raw(FloatFormat::Float8E4M3), [0x38, 0xC0]);
    assert_eq!(raw(FloatFormat::Float8E5M2), [0x3C, 0xC0]);
}

#[test]
fn clipping_by_hand() {
    // E4M3, S = 2: inside is |r| ≤ (448 + 16)·2 = 928. 928 → 896: error 32, rounding. 960 → 896: 64, clipped.
    // 2.125 is 1.0625·2, a tie of 1 and 1.125 → 2: 0.125. Infinities are clipped without energy.
    let inf = f32::INFINITY;
    let mut values = [928.0, -960.0, 2.125, inf, -inf, f32::NAN, 0.0];
    let clipping = round_trip_in_place(FloatFormat::Float8E4M3, 2.0, &mut values);
    assert_eq!(values[..5], [896.0, -896.0, 2.0, 896.0, -896.0]);
    assert!(values[5].is_nan());
    let rounding = 32.0 * 32.0 + 0.125 * 0.125;
    assert_eq!(
        clipping,
        Clipping { clipped: 3, nan: 1, clipped_error_energy: 4096.0, rounding_error_energy: rounding }
    );
    let mut beyond = [928.0_f32.next_up()];
    assert_eq!(round_trip_in_place(FloatFormat::Float8E4M3, 2.0, &mut beyond).clipped, 1);
    // float16: from the tie 65 520 on the result is infinite: clipped, no energy. 65 519 → 65 504: 15 of rounding.
    let mut values = [65_519.0, 65_520.0, -1e30, inf];
    let clipping = round_trip_in_place(FloatFormat::Float16, 5.0, &mut values);
    assert_eq!(values, [65_504.0, inf, -inf, inf]);
    assert_eq!(clipping, Clipping { clipped: 3, rounding_error_energy: 225.0, ..Clipping::default() });
}

#[test]
fn a_scale_so_large_that_the_result_overflows_counts_as_clipped() {
    // 448·1e36 is beyond float32: onnxruntime gives infinity, whose error is no number.
    let mut values = [3e38];
    let clipping = round_trip_in_place(FloatFormat::Float8E4M3, 1e36, &mut values);
    assert_eq!(values, [288.0 * 1e36]);
    assert_eq!(clipping.clipped, 0);
    let mut values = [f32::INFINITY];
    let clipping = round_trip_in_place(FloatFormat::Float8E4M3, 1e36, &mut values);
    assert_eq!((values, clipping.clipped, clipping.clipped_error_energy), ([f32::INFINITY], 1, 0.0));
}

#[test]
fn the_scale_puts_amax_on_the_largest_value() {
    let e4m3 = FloatFormat::Float8E4M3;
    assert_eq!(e4m3.scale(44.8), (0.1, None));
    assert_eq!(FloatFormat::Float8E5M2.scale(57_344.0), (1.0, None));
    assert_eq!(FloatFormat::Float16.scale(f32::NAN), (1.0, None));
    let mut values = [44.8, -44.8];
    round_trip_in_place(e4m3, 0.1, &mut values);
    assert_eq!(values, [44.8, -44.8]);
    for (amax, reason) in [
        (f32::NAN, Degenerate::NotFinite),
        (f32::INFINITY, Degenerate::NotFinite),
        (-1.0, Degenerate::NotFinite),
        (0.0, Degenerate::ZeroWidth),
        (-0.0, Degenerate::ZeroWidth),
        (1e-40, Degenerate::TooSmall),
        ((448.0 * f32::MIN_POSITIVE).next_down(), Degenerate::TooSmall),
    ] {
        assert_eq!(e4m3.scale(amax), (1.0, Some(reason)), "{amax:e}");
    }
    assert_eq!(e4m3.scale(448.0 * f32::MIN_POSITIVE), (f32::MIN_POSITIVE, None));
}

#[test]
fn channels_are_onnxruntimes() {
    let golden = golden();
    assert_eq!(golden.channels.len(), 6);
    for case in &golden.channels {
        let format = case.format.parse().unwrap();
        let layout = ChannelLayout::of(&case.shape, case.axis).unwrap();
        let (mut values, scales) = (floats(&case.input), floats(&case.scales));
        let mut codes = vec![0; values.len()];
        encode_channels(format, &scales, layout, &values, &mut codes);
        let results = round_trip_channels_in_place(format, &scales, layout, &mut values);
        assert_eq!(bits(&values), case.output, "{format} by axis {}", case.axis);
        assert_eq!(results.len(), scales.len());
        let decoded = codes.iter().enumerate().map(|(i, code)| {
            let mut value = [0.0];
            decode(format, scales[i / layout.inner % layout.channels], &[*code], &mut value);
            value[0].to_bits()
        });
        assert_eq!(decoded.collect::<Vec<_>>(), case.output);
    }
}

#[test]
fn channels_equal_their_own_tensors_on_any_number_of_threads() {
    for (outer, channels, inner) in [(1, 3, 100), (3, 2, 70_000), (50, 7, 1), (40_000, 3, 1), (2, 3, 0), (0, 3, 5)] {
        let layout = ChannelLayout { outer, channels, inner };
        let input: Vec<f32> = (0_i16..).map(|i| f32::from(i % 1009) * 0.37).take(layout.len().min(32_767)).collect();
        let input: Vec<f32> = input.into_iter().cycle().take(layout.len()).collect();
        let scales: Vec<f32> = [0.01, 0.5, 3.0, 0.07, 1.0, 0.2, 0.9].into_iter().take(channels).collect();
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut values = input.clone();
            let results =
                pool.install(|| round_trip_channels_in_place(FloatFormat::Float8E4M3, &scales, layout, &mut values));
            (values, results)
        };
        let (values, results) = run(1);
        assert_eq!(run(3), (values.clone(), results.clone()));
        for (channel, scale) in scales.iter().enumerate() {
            let of = |all: &[f32]| -> Vec<f32> {
                let mine = |i: &usize| inner > 0 && i / inner % channels == channel;
                (0..layout.len()).filter(mine).map(|i| all[i]).collect()
            };
            let mut alone = of(&input);
            let clipping = round_trip_in_place(FloatFormat::Float8E4M3, *scale, &mut alone);
            assert_eq!(alone, of(&values));
            assert_eq!((clipping.clipped, clipping.nan), (results[channel].clipped, results[channel].nan));
            let (a, b) = (clipping.rounding_error_energy, results[channel].rounding_error_energy);
            assert!((a - b).abs() <= 1e-12 * a, "{a} {b}");
        }
    }
}

proptest! {
    #[test]
    fn any_float32_goes_where_the_half_crate_sends_it(pattern: u32) {
        let value = f32::from_bits(pattern);
        for (format, theirs) in [
            (FloatFormat::Float16, half::f16::from_f32(value).to_f32()),
            (FloatFormat::BFloat16, half::bf16::from_f32(value).to_f32()),
        ] {
            let mut ours = [value];
            round_trip_in_place(format, 1.0, &mut ours);
            prop_assert!(ours[0].to_bits() == theirs.to_bits() || (ours[0].is_nan() && theirs.is_nan()));
        }
    }

    /// A value in range moves by at most half a step of its binade, `|r|·2^-(m+1)`, or half a subnormal step; one that
    /// was moved is not moved again; zero stays.
    #[test]
    fn error_bound_idempotence_and_zero(pattern: u32, amax in 1e-20_f32..1e20) {
        let value = f32::from_bits(pattern);
        for format in FloatFormat::ALL {
            let (scale, _) = format.scale(amax);
            let mut once = [value, 0.0, -0.0];
            let clipping = round_trip_in_place(format, scale, &mut once);
            prop_assert_eq!([once[1].to_bits(), once[2].to_bits()], [0, 1 << 31]);
            if clipping.clipped == 0 && value.is_finite() {
                let (r, s) = (f64::from(value).abs(), f64::from(scale));
                let half_step = (r * 0.5_f64.powi(format.mantissa_bits() as i32 + 1))
                    .max(0.5 * s * f64::from(format.smallest_subnormal()));
                // The quotient and the product are rounded to float32, or to its subnormals.
                let slack = r * 2.5e-7 + 2e-45;
                let error = (f64::from(once[0]) - f64::from(value)).abs();
                prop_assert!(error <= half_step + slack, "{format}: {value:e} → {:e}, S = {scale:e}", once[0]);
            }
            let mut twice = once;
            round_trip_in_place(format, scale, &mut twice);
            prop_assert_eq!(once[0].to_bits(), twice[0].to_bits());
        }
    }
}
