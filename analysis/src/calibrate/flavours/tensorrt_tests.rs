//! Against the same search in NumPy and `SciPy` (`tests/golden/tensorrt_flavour.py`), and small cases by hand.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    torch::{TorchBins, halved},
    *,
};
use crate::calibrate::MinMax;

fn even(n: u64, k: u64) -> Vec<f64> {
    (0..n).map(|i| ((i * k) % 1_000_003) as f64 / 1_000_003.0).collect()
}

fn bell(n: u64) -> Vec<f64> {
    let parts = [618_033, 754_877, 569_840, 324_717].map(|k| even(n, k));
    (0..parts[0].len()).map(|i| parts[0][i] + parts[1][i] + parts[2][i] + parts[3][i] - 2.0).collect()
}

/// The tensors of the script.
fn tensor(name: &str) -> Vec<f32> {
    let values = match name {
        "bell" => bell(20_000),
        "heavy" => {
            let part = even(20_000, 618_033).into_iter().map(|u| 2.0 * u - 1.0);
            part.map(|u| u * u * u * u * u * 9.0).collect()
        }
        "relu" => bell(20_000).into_iter().map(|v| v.max(0.0)).collect(),
        "outliers" => {
            let mut values = bell(20_000);
            values.iter_mut().step_by(4001).for_each(|v| *v *= 10.0);
            values
        }
        "uniform" => even(20_000, 754_877),
        "constant" => vec![3.25; 100],
        "two values" => (0..1000).map(|i| if i % 10 == 0 { 2.0 } else { -1.0 }).collect(),
        "hundred values" => bell(20_000)[..100].to_vec(),
        _ => panic!("{name} is not in the script"),
    };
    #[expect(clippy::cast_possible_truncation, reason = "the script rounds to float32 too")]
    values.into_iter().map(|v| v as f32).collect()
}

fn collected(values: &[f32]) -> FlavourStatistics {
    let mut statistics = FlavourStatistics::new(MinMax::of(values).range().unwrap());
    statistics.observe_sample(values);
    statistics
}

#[test]
fn thresholds_and_divergences_are_scipys() {
    let text = include_str!("../../../../tests/golden/tensorrt_flavour.json");
    let theirs: BTreeMap<String, BTreeMap<String, Value>> = serde_json::from_str(text).unwrap();
    assert_eq!(theirs.len(), 8);
    for (name, by_levels) in theirs {
        let statistics = collected(&tensor(&name));
        let counts = halved(statistics.magnitude().unwrap());
        for (levels, theirs) in by_levels {
            let (curve, undefined) = tensorrt::search(&counts, statistics.range().amax(), levels.parse().unwrap());
            assert_eq!(curve.costs.len(), 2048 - 128 + 1);
            let what = format!("{name}, {levels} levels");
            let threshold = theirs["threshold"].as_f64().unwrap();
            let ours = f64::from(curve.threshold().unwrap());
            assert!((ours - threshold).abs() <= 1e-6 * threshold, "{what}: {ours} and not {threshold}");
            let sampled = curve.costs.iter().step_by(160);
            for (cost, theirs) in sampled.zip(theirs["costs"].as_array().unwrap()) {
                match theirs.as_f64() {
                    Some(theirs) => assert!((cost - theirs).abs() < 1e-11, "{what}: {cost} and not {theirs}"),
                    None if theirs.is_null() => assert!(undefined && *cost == 0.0, "{what}: {cost}"),
                    None => assert_eq!(*cost, f64::INFINITY, "{what}"),
                }
            }
        }
    }
}

#[test]
fn eight_values_by_hand() {
    // 129 bins, levels = 128, all 2 but bin 0, whose 50 zeros become 2, and the last: 1.
    let mut counts = vec![2_u64; 129];
    (counts[0], counts[128]) = (50, 1);
    let (curve, undefined) = tensorrt::search(&counts, 129.0, 128);
    assert!(!undefined);
    // Kept 128: P = 2 … 2, 3 of 257; Q = 2 of 256. (127·2·ln(2/257·256/2) + 3·ln(3/257·256/2))/257
    //   = ln(256/257) + 3/257·ln 1.5 = 0.000 834 4.
    let cost = (256.0_f64 / 257.0).ln() + 3.0 / 257.0 * 1.5_f64.ln();
    assert!((curve.costs[0] - cost).abs() < 1e-14, "{} {cost}", curve.costs[0]);
    // Kept 129: level ⌊j·128/129⌋ holds one bin but the first, j = 0 and 1 (2, 2), so Q = P.
    assert!(curve.costs[1].abs() < 1e-14);
    assert_eq!((curve.best, curve.thresholds.as_slice()), (1, &[128.0, 129.0][..]));
}

#[test]
fn grids_and_schemes() {
    let statistics = collected(&tensor("relu"));
    let choice = |grid, scheme| choose(Flavour::TensorRt, &statistics, grid, scheme);
    let (int8, uint8) = (Grid::signed(8).unwrap(), Grid::unsigned(8).unwrap());
    let signed = choice(int8, Scheme::Symmetric);
    let (scale, zero_point) = signed.scale.unwrap();
    assert_eq!((signed.range.low, zero_point), (-signed.range.high, 0));
    assert!((scale * 127.0 - signed.range.high).abs() < 1e-6);
    let unsigned = choice(uint8, Scheme::Symmetric);
    assert_eq!(unsigned.range.low, 0.0);
    assert!((unsigned.scale.unwrap().0 * 255.0 - unsigned.range.high).abs() < 1e-6);
    let affine = choice(int8, Scheme::Affine);
    assert_eq!((affine.range, affine.scale), (Range::new(0.0, signed.range.high), None));
    assert!(affine.note.unwrap().contains("zero-point"));
    // 16 bits: each of 2048 bins is a level of its own, and only the whole range has no outliers.
    assert_eq!(choice(Grid::signed(16).unwrap(), Scheme::Symmetric).range.high, statistics.range().high);
}

#[test]
fn a_constant_gets_a_little_less_than_itself() {
    let statistics = collected(&tensor("constant"));
    let choice = choose(Flavour::TensorRt, &statistics, Grid::signed(8).unwrap(), Scheme::Symmetric);
    assert_eq!(choice.range.high, 3.25 * 2047.0 / 2048.0);
    assert!(choice.note.unwrap().contains("undefined"));
    let bins = TorchBins::new(0.0, 3.25, 2048).unwrap();
    assert_eq!(bins.place(3.25), Some(2047));
}
