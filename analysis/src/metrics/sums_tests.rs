//! By hand, against slow loops, and in every order.

use super::*;
use crate::quant::{
    lanes::{in_order, odd_values},
    wide::with_each,
};

fn ramp(len: usize, step: usize) -> Vec<f32> {
    (0..len).map(|i| ((i * step % 10_007) as f32 - 5000.0) * 0.01).collect()
}

/// The same sums without lanes, blocks or threads.
fn slow(float: &[f32], quantized: &[f32]) -> ErrorSums {
    let mut s = ErrorSums::default();
    for (f, q) in float.iter().zip(quantized) {
        if !(f.is_finite() && q.is_finite()) {
            s.non_finite += 1;
            s.broken += u64::from(differ_in_kind(*f, *q));
            continue;
        }
        let (f, q) = (f64::from(*f), f64::from(*q));
        let e = q - f;
        s.n += 1;
        s.sum_f += f;
        s.sum_f2 += f * f;
        s.sum_q += q;
        s.sum_q2 += q * q;
        s.sum_fq += f * q;
        s.sum_e += e;
        s.sum_e2 += e * e;
        s.sum_abs_e += e.abs();
        s.max_abs_e = s.max_abs_e.max(e.abs());
    }
    s
}

fn nearly(a: &ErrorSums, b: &ErrorSums) {
    assert_eq!((a.n, a.non_finite, a.broken, a.max_abs_e), (b.n, b.non_finite, b.broken, b.max_abs_e));
    for (name, field) in FIELDS {
        let (x, y) = (*field(&mut a.clone()), *field(&mut b.clone()));
        let size = (a.n as f64 * (a.sum_f2 + a.sum_q2)).sqrt().max(a.sum_f2 + a.sum_q2);
        assert!((x - y).abs() <= 1e-12 * size, "{name}: {x} {y}");
    }
}

#[test]
fn by_hand() {
    // f = 1, −2, 3, 4, 0.5   q = 1.5, −2, 2, 4, 1   e = 0.5, 0, −1, 0, 0.5
    let sums = ErrorSums::of(&[1.0, -2.0, 3.0, 4.0, 0.5], &[1.5, -2.0, 2.0, 4.0, 1.0]);
    let expected = ErrorSums {
        n: 5,
        non_finite: 0,
        broken: 0,
        sum_f: 6.5,
        sum_f2: 30.25, // 1 + 4 + 9 + 16 + 0.25
        sum_q: 6.5,
        sum_q2: 27.25, // 2.25 + 4 + 4 + 16 + 1
        sum_fq: 28.0,  // 1.5 + 4 + 6 + 16 + 0.5
        sum_e: 0.0,
        sum_e2: 1.5,    // 0.25 + 1 + 0.25
        sum_abs_e: 2.0, // 0.5 + 1 + 0.5
        max_abs_e: 1.0,
    };
    assert_eq!(sums, expected);
    assert_eq!(ErrorSums::of(&[], &[]), ErrorSums::default());
}

#[test]
fn nan_and_infinity_are_left_out_and_counted() {
    let (nan, inf) = (f32::NAN, f32::INFINITY);
    // Broken: (NaN, 1), (1, ∞), (∞, −∞). Not broken: NaN twice, −∞ twice.
    let float = [1.0, nan, 1.0, inf, nan, -inf, 2.0];
    let quantized = [1.5, 1.0, inf, -inf, nan, -inf, 2.0];
    let sums = ErrorSums::of(&float, &quantized);
    assert_eq!(sums, ErrorSums { non_finite: 5, broken: 3, ..ErrorSums::of(&[1.0, 2.0], &[1.5, 2.0]) });
    let channels = ErrorSums::of_channels(&float, &quantized, ChannelLayout { outer: 7, channels: 1, inner: 1 });
    assert_eq!(channels, [sums]);
}

#[test]
fn a_mask_does_not_overflow() {
    // (−3.4e38)² = 1.156e77, far beyond float32.
    let sums = ErrorSums::of(&[-3.4e38, 0.0], &[3.4e38, 0.0]);
    let mask = f64::from(3.4e38_f32);
    assert_eq!((sums.sum_f2, sums.sum_e2, sums.max_abs_e), (mask * mask, 4.0 * mask * mask, 2.0 * mask));
}

#[test]
fn lanes_blocks_and_threads_agree_with_the_slow_loop() {
    for len in [1, 3, 4, 5, 31, 1000, BLOCK, 3 * BLOCK + 7] {
        let (float, quantized) = (ramp(len, 7919), ramp(len, 6007));
        nearly(&ErrorSums::of(&float, &quantized), &slow(&float, &quantized));
    }
    let (mut float, quantized) = (ramp(3 * BLOCK + 7, 7919), ramp(3 * BLOCK + 7, 6007));
    float[BLOCK + 5] = f32::NAN;
    let with_threads = |n: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
        pool.install(|| ErrorSums::of(&float, &quantized))
    };
    assert_eq!(with_threads(1), with_threads(4));
    assert_eq!(with_threads(2).non_finite, 1);
    nearly(&with_threads(2), &slow(&float, &quantized));
}

/// The sums of one block, each over its own list in the documented order.
fn twin(float: &[f32], quantized: &[f32]) -> ErrorSums {
    let finite = |f: f32, q: f32| f.is_finite() && q.is_finite();
    let over = |term: fn(f64, f64) -> f64| {
        let terms = float
            .iter()
            .zip(quantized)
            .map(|(f, q)| if finite(*f, *q) { term(f64::from(*f), f64::from(*q)) } else { 0.0 });
        terms.collect::<Vec<f64>>()
    };
    let slow = slow(float, quantized);
    ErrorSums {
        sum_f: in_order(&over(|f, _| f)),
        sum_f2: in_order(&over(|f, _| f * f)),
        sum_q: in_order(&over(|_, q| q)),
        sum_q2: in_order(&over(|_, q| q * q)),
        sum_fq: in_order(&over(|f, q| f * q)),
        sum_e: in_order(&over(|f, q| q - f)),
        sum_e2: in_order(&over(|f, q| (q - f) * (q - f))),
        sum_abs_e: in_order(&over(|f, q| (q - f).abs())),
        ..slow
    }
}

#[test]
fn every_extension_equals_the_scalar_twin() {
    for len in [0, 1, 15, 16, 63, 64, 65, 128, 1003] {
        for one_in in [1, 7, 2000] {
            let float = odd_values(len, one_in);
            let mut quantized = ramp(len, 6007);
            quantized.iter_mut().zip(&float).step_by(5).for_each(|(q, f)| *q = *f);
            let expected = twin(&float, &quantized);
            for (extension, sums) in with_each(|| ErrorSums::of(&float, &quantized)) {
                assert_eq!(sums, expected, "{extension:?}, {len} values");
            }
        }
    }
}

#[test]
fn channels_of_every_layout() {
    for (outer, channels, inner) in [(1, 3, 100), (2, 3, 40), (50, 7, 1), (4, 2, 5), (30_000, 3, 1), (2, 0, 3)] {
        let layout = ChannelLayout { outer, channels, inner };
        let (float, quantized) = (ramp(layout.len(), 7919), ramp(layout.len(), 6007));
        let sums = ErrorSums::of_channels(&float, &quantized, layout);
        assert_eq!(sums.len(), channels);
        for (c, sums) in sums.iter().enumerate() {
            let of = |values: &[f32]| -> Vec<f32> {
                (0..layout.len()).filter(|i| i / inner % channels == c).map(|i| values[i]).collect()
            };
            nearly(sums, &slow(&of(&float), &of(&quantized)));
        }
    }
}

#[test]
fn samples_may_come_in_any_order() {
    // Energies 1e16, 1, 1, 4: added from the left in some orders the ones vanish.
    let of = |energy: f64| ErrorSums { n: 1, sum_e2: energy, max_abs_e: energy.sqrt(), ..ErrorSums::default() };
    let samples = [of(1e16), of(1.0), of(1.0), of(4.0)];
    let merged = ErrorSums::merge_samples(&samples);
    assert_eq!((merged.n, merged.max_abs_e), (4, 1e8));
    assert_eq!(merged.sum_e2, 1e16 + 6.0, "1 + 1 + 4 first");
    for rotation in 0..4 {
        let mut order = samples;
        order.rotate_left(rotation);
        assert_eq!(ErrorSums::merge_samples(&order), merged);
        order.reverse();
        assert_eq!(ErrorSums::merge_samples(&order), merged);
    }
    let real: Vec<ErrorSums> = (1..9).map(|k| ErrorSums::of(&ramp(1000, 7919 * k), &ramp(1000, 6007 * k))).collect();
    let mut reversed = real.clone();
    reversed.reverse();
    assert_eq!(ErrorSums::merge_samples(&real), ErrorSums::merge_samples(&reversed));
    assert_eq!(ErrorSums::merge_samples(&[]), ErrorSums::default());
}
