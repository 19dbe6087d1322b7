//! Against what onnxruntime 1.32 and PPQ 0.6.6 computed of nine tensors (real activations and seeded distributions).
//!
//! All values agree to 1e-5 relative, zero-points exactly and histogram counts one by one. No tensor differs.

use std::{collections::BTreeMap, fs::File, path::PathBuf};

use ndarray::Array1;
use serde_json::Value;

use super::{numpy::NumpyBins, *};
use crate::calibrate::MinMax;

const RELATIVE: f64 = 1e-5;

fn golden(test: &str) -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let folder = std::env::var_os("QUANTLENS_SHARED").map_or(beside, PathBuf::from).join("golden");
    if folder.join("hist_cases_tensors.npz").exists() {
        return Some(folder);
    }
    println!("skipped: {test}: {} is not there", folder.display());
    None
}

struct Case {
    name: String,
    values: Vec<f32>,
    statistics: FlavourStatistics,
    theirs: Value,
}

fn cases(test: &str, file: &str) -> Vec<Case> {
    let Some(folder) = golden(test) else { return Vec::new() };
    let theirs: Value = serde_json::from_reader(File::open(folder.join(file)).unwrap()).unwrap();
    let tensors = File::open(folder.join("hist_cases_tensors.npz")).unwrap();
    let mut tensors = ndarray_npy::NpzReader::new(tensors).unwrap();
    let theirs: BTreeMap<String, Value> = serde_json::from_value(theirs["cases"].clone()).unwrap();
    assert_eq!(theirs.len(), 9);
    let case = |(name, theirs): (String, Value)| {
        let array: Array1<f32> = tensors.by_name(&format!("{name}.npy")).unwrap();
        let values = array.to_vec();
        let mut statistics = FlavourStatistics::new(MinMax::of(&values).range().unwrap());
        statistics.observe_sample(&values);
        Case { name, values, statistics, theirs }
    };
    theirs.into_iter().map(case).collect()
}

fn near(ours: f32, theirs: &Value, what: &str) {
    let (ours, theirs) = (f64::from(ours), theirs.as_f64().unwrap());
    assert!((ours - theirs).abs() <= RELATIVE * theirs.abs(), "{what}: {ours} and not {theirs}");
}

fn near_range(ours: Range, theirs: &Value, what: &str) {
    near(ours.low, &theirs[0], &format!("{what}, lowest"));
    near(ours.high, &theirs[1], &format!("{what}, highest"));
}

fn counts(bins: &NumpyBins, values: &[f32], key: impl Fn(f32) -> f32) -> Vec<u64> {
    let mut counts = vec![0; bins.len()];
    values.iter().filter_map(|value| bins.place(key(*value))).for_each(|place| counts[place] += 1);
    counts
}

fn int8() -> Grid {
    Grid::signed(8).unwrap()
}

#[test]
fn onnxruntime_histograms_count_by_count() {
    for case in cases("onnxruntime_histograms_count_by_count", "hist_cases_ort.json") {
        let (bins, counts) = case.statistics.signed().unwrap();
        let theirs: Vec<u64> = serde_json::from_value(case.theirs["hist2048"]["counts"].clone()).unwrap();
        assert_eq!(counts, theirs, "{}", case.name);
        near(bins.edges()[0], &case.theirs["hist2048"]["edge0"], &case.name);
        near(bins.edges()[2048], &case.theirs["hist2048"]["edge_last"], &case.name);
    }
}

#[test]
fn onnxruntime_entropy() {
    let mut searches = 0;
    for case in cases("onnxruntime_entropy", "hist_cases_ort.json") {
        for (flavour, key) in
            [(Flavour::OrtEntropy, "ort_entropy_128_128"), (Flavour::OrtEntropy2048, "ort_entropy_2048_128")]
        {
            let choice = choose(flavour, &case.statistics, int8(), Scheme::Affine);
            near_range(choice.range, &case.theirs[key], &format!("{} {key}", case.name));
        }
        for (bins, levels) in [(128, 128), (2048, 128), (2048, 256), (8001, 255)] {
            let key = format!("ort_entropy_{bins}_{levels}");
            let Some(theirs) = case.theirs.get(&key) else { continue };
            let observed = case.statistics.range();
            let grid = NumpyBins::symmetric(observed.amax(), bins).unwrap();
            let counts = counts(&grid, &case.values, |v| v);
            let (range, curve) = ort::entropy(&counts, grid.edges(), levels, observed).unwrap();
            near_range(range, theirs, &format!("{} {key}", case.name));
            assert_eq!(curve.costs.len(), bins / 2 - levels / 2 + 1, "every candidate is in the curve");
            searches += 1;
        }
    }
    assert!(searches == 0 || searches == 9 * 3 + 5, "{searches}");
}

#[test]
fn onnxruntime_percentiles() {
    for case in cases("onnxruntime_percentiles", "hist_cases_ort.json") {
        let observed = case.statistics.range();
        let (signed, signed_counts) = case.statistics.signed().unwrap();
        let smallest = case.values.iter().fold(f32::INFINITY, |least, v| least.min(v.abs()));
        let magnitude = NumpyBins::new(smallest, observed.amax(), 2048).unwrap();
        let magnitude_counts = counts(&magnitude, &case.values, f32::abs);
        for (text, percentage) in [("99.0", 99.0), ("99.9", 99.9), ("99.99", 99.99), ("99.999", 99.999)] {
            let key = format!("ort_percentile_{text}");
            let range = ort::percentile_range(signed_counts, signed.edges(), percentage, false, observed);
            near_range(range, &case.theirs[&key], &format!("{} {key}", case.name));
            let key = format!("ort_percentile_sym_{text}");
            let range = ort::percentile_range(&magnitude_counts, magnitude.edges(), percentage, true, observed);
            near_range(range, &case.theirs[&key], &format!("{} {key}", case.name));
        }
        let choice = choose(Flavour::OrtPercentile, &case.statistics, int8(), Scheme::Affine);
        near_range(choice.range, &case.theirs["ort_percentile_sym_99.999"], &case.name);
    }
}

#[test]
fn ppq_scales_and_offsets() {
    for case in cases("ppq_scales_and_offsets", "hist_cases_ppq.json") {
        for (flavour, method) in
            [(Flavour::PpqKl, "kl"), (Flavour::PpqMse, "mse"), (Flavour::PpqPercentile, "percentile")]
        {
            for (suffix, scheme, grid) in
                [("sym", Scheme::Symmetric, int8()), ("asym", Scheme::Affine, Grid::unsigned(8).unwrap())]
            {
                let key = format!("{method}_{suffix}");
                let choice = choose(flavour, &case.statistics, grid, scheme);
                let Some(theirs) = case.theirs.get(&key) else {
                    assert_eq!((flavour, scheme), (Flavour::PpqKl, Scheme::Affine), "only this one is refused");
                    assert_eq!(choice.scale, None);
                    assert!(choice.note.unwrap().contains("refuses"));
                    continue;
                };
                let (scale, zero_point) = choice.scale.unwrap();
                let what = format!("{} {key}", case.name);
                near(scale, &theirs["scale"], &what);
                assert_eq!(f64::from(zero_point), theirs["offset"].as_f64().unwrap(), "{what}");
            }
        }
    }
}
