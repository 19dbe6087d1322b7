//! The fast search against the definition written out, and small cases by hand.
#![expect(clippy::cast_possible_truncation, reason = "test data of known size")]

use super::*;
use crate::{
    calibrate::curve::cut,
    quant::{Codes, Range, Sign},
};

/// QUANTIZATION.md §3, word for word and slowly: P, Q as arrays, KL as a sum.
fn by_definition(counts: &[u64], from: usize, to: usize, levels: usize) -> f64 {
    let n = to - from;
    let raw = &counts[from..to];
    let mut p: Vec<f64> = raw.iter().map(|c| *c as f64).collect();
    p[0] += counts[..from].iter().sum::<u64>() as f64;
    p[n - 1] += counts[to..].iter().sum::<u64>() as f64;
    let mut q = vec![0.0; n];
    for level in 0..levels {
        let members: Vec<usize> = (0..n).filter(|j| j * levels / n == level).collect();
        let mass: u64 = members.iter().map(|j| raw[*j]).sum();
        let filled: Vec<usize> = members.into_iter().filter(|j| raw[*j] > 0).collect();
        for j in &filled {
            q[*j] = mass as f64 / filled.len() as f64;
        }
    }
    let (p_sum, q_sum): (f64, f64) = (p.iter().sum(), q.iter().sum());
    let mut divergence = 0.0;
    for (p, q) in p.iter().zip(&q) {
        if *p > 0.0 {
            divergence += if *q > 0.0 { p / p_sum * ((p / p_sum) / (q / q_sum)).ln() } else { f64::INFINITY };
        }
    }
    divergence
}

/// Bell-shaped values in `[-4σ, 4σ]`, without a random generator: a sum of four golden-ratio sequences.
fn bell(len: usize, sigma: f32) -> Vec<f32> {
    let part = |i: usize, k: f64| (i as f64 * k).fract() - 0.5;
    (0..len)
        .map(|i| (part(i, 0.618_034) + part(i, 0.754_878) + part(i, 0.569_840) + part(i, 0.324_718)) as f32 * sigma)
        .collect()
}

fn of(values: &[f32]) -> TensorHistogram {
    TensorHistogram::of(values).unwrap()
}

/// A symmetric int grid of `bits`, whose 2^(bits−1) levels are searched on |r|.
fn symmetric(bits: u8) -> IntegerFormat {
    IntegerFormat::onnxruntime(bits, Scheme::Symmetric, Sign::Signed, Codes::Full).unwrap()
}

fn affine(bits: u8) -> IntegerFormat {
    IntegerFormat::onnxruntime(bits, Scheme::Affine, Sign::Signed, Codes::Full).unwrap()
}

fn close(a: f64, b: f64) -> bool {
    (a.is_infinite() && b.is_infinite()) || (a - b).abs() <= RESOLUTION / 2.0
}

#[test]
fn a_small_case_by_hand() {
    // Counts 4 2 3 1, two levels.
    let counts = [4, 2, 3, 1];
    let sums = Sums::new(&counts);
    // Keep 2: P = (4, 2 + 4)/10, Q = (4, 2)/6: 0.4·ln(0.4·6/4) + 0.6·ln(0.6·6/2) = 0.4·ln 0.6 + 0.6·ln 1.8.
    assert!(close(sums.divergence(0, 2, 2), 0.4 * 0.6_f64.ln() + 0.6 * 1.8_f64.ln()));
    // Keep 3: ⌊j·2/3⌋ = 0, 0, 1: P = (4, 2, 4)/10, Q = (3, 3, 3)/9.
    let expected = 0.8 * 1.2_f64.ln() + 0.2 * 0.6_f64.ln();
    assert!(close(sums.divergence(0, 3, 2), expected));
    // Keep 4: P = (4, 2, 3, 1)/10, Q = (3, 3, 2, 2)/10.
    let expected = 0.4 * (4.0_f64 / 3.0).ln() + 0.2 * (2.0_f64 / 3.0).ln() + 0.3 * 1.5_f64.ln() + 0.1 * 0.5_f64.ln();
    assert!(close(sums.divergence(0, 4, 2), expected));
    // An empty last bin cannot take the outliers: 4 0 | 3 at two bins.
    assert_eq!(Sums::new(&[4, 0, 3]).divergence(0, 2, 2), f64::INFINITY);
    // Outliers on both sides of one kept bin: P = Q = (1).
    assert!(close(Sums::new(&[2, 5, 3]).divergence(1, 2, 1), 0.0));
}

#[test]
fn magnitudes_equal_the_definition() {
    let mut values = bell(30_000, 1.0);
    values.extend([9.0, -9.5, 9.9, 10.0]);
    let histogram = of(&values);
    let counts = histogram.magnitudes();
    for bits in [2, 4, 8] {
        let curve = kl_curve(&histogram, symmetric(bits)).unwrap();
        let levels = 1_usize << (bits - 1);
        assert_eq!(curve.costs.len(), BINS - levels + 1, "every candidate is kept");
        for (index, cost) in curve.costs.iter().enumerate().step_by(17) {
            let kept = levels + index;
            let expected = by_definition(&counts, 0, kept, levels);
            assert!(close(*cost, expected), "{kept} bins, {levels} levels: {cost} {expected}");
            assert_eq!(curve.thresholds[index], (10.0 * kept as f64 / 2048.0) as f32);
        }
        let least = curve.costs.iter().copied().fold(f64::INFINITY, f64::min);
        assert!(curve.costs[curve.best] <= least + RESOLUTION);
        assert!(curve.costs[curve.best + 1..].iter().all(|cost| *cost > least + RESOLUTION));
        assert_eq!(curve.thresholds.last(), Some(&10.0));
    }
}

#[test]
fn an_outlier_is_clipped_where_levels_are_few() {
    // 40 000 values within ±2 and one at 10. With 8 levels over ±10 a level is 1.25 wide.
    let mut values = bell(40_000, 1.0);
    values.push(10.0);
    let curve = kl_curve(&of(&values), symmetric(4)).unwrap();
    assert!(curve.threshold().unwrap() < 3.0, "{:?}", curve.threshold());
    assert!(curve.costs.iter().any(|cost| cost.is_infinite()), "empty edge bins stay in the curve");
}

#[test]
fn two_sided_equals_the_definition() {
    let mut values = bell(30_000, 1.0);
    values.iter_mut().for_each(|v| *v = if *v < 0.0 { *v * 0.2 } else { *v });
    values.extend([7.0, 8.0, -0.9]);
    let histogram = of(&values);
    // amax = 8: bins of 1/128; |−0.9| is in bin 115 of its side, so the first one is 1024 − 116 = 908; 8 in the last.
    let (levels, first) = (256, 908);
    let curve = kl_curve(&histogram, affine(8)).unwrap();
    let steps: Vec<usize> = (1..=1024).filter(|step| 1024 + step - (1024 - step).max(first) >= levels).collect();
    assert_eq!(curve.costs.len(), steps.len());
    for (index, step) in steps.iter().enumerate().step_by(13) {
        let (from, to) = ((1024 - step).max(first), 1024 + step);
        let expected = by_definition(&histogram.signed(), from, to, levels);
        assert!(close(curve.costs[index], expected), "{step}: {} {expected}", curve.costs[index]);
        assert_eq!(curve.thresholds[index], *step as f32 / 128.0);
    }
    assert_eq!(cut(histogram.range(), 4.0), Range::new(-0.9, 4.0));
    assert_eq!(cut(histogram.range(), 0.5), Range::new(-0.5, 0.5));
}

#[test]
fn data_of_one_sign_are_searched_by_magnitude() {
    let values: Vec<f32> = bell(5000, 1.0).into_iter().map(f32::abs).collect();
    let positive = kl_curve(&of(&values), affine(8)).unwrap();
    assert_eq!(positive.costs.len(), 2048 - 256 + 1);
    let negative: Vec<f32> = values.iter().map(|v| -v).collect();
    assert_eq!(kl_curve(&of(&negative), affine(8)).unwrap(), positive);
}

#[test]
fn no_candidate_says_why() {
    let histogram = of(&bell(1000, 1.0));
    assert_eq!(kl_curve(&histogram, symmetric(16)), Err(NoCandidate::TooManyLevels));
    assert_eq!(kl_curve(&of(&[0.0, 0.0]), symmetric(8)), Err(NoCandidate::NoData));
    let empty = TensorHistogram::new(Range::new(-1.0, 1.0));
    assert_eq!(kl_curve(&empty, symmetric(8)), Err(NoCandidate::NoData));
    let infinite = TensorHistogram::new(Range::new(f32::NEG_INFINITY, 1.0));
    assert_eq!(kl_curve(&infinite, symmetric(8)), Err(NoCandidate::NotFinite));
    assert!(TensorHistogram::of(&[f32::NAN]).is_none());
}
