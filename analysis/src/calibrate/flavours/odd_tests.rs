//! Tensors that nobody expects, through every flavour, grid and scheme: nothing is NaN, nothing panics, all is said.

#![expect(clippy::cast_possible_truncation, reason = "test data")]

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::calibrate::MinMax;

fn grids(widths: &[u8]) -> Vec<(Grid, Scheme)> {
    let mut all = Vec::new();
    for &bits in widths {
        for grid in [Grid::signed(bits), Grid::signed_narrow(bits), Grid::unsigned(bits)] {
            let grid = grid.unwrap();
            all.extend([(grid, Scheme::Symmetric), (grid, Scheme::Affine)]);
        }
    }
    all
}

fn collected(samples: &[&[f32]]) -> FlavourStatistics {
    let mut ends = MinMax::new();
    samples.iter().for_each(|sample| ends.observe(sample));
    let range = ends.range().unwrap_or(Range::new(f32::INFINITY, f32::NEG_INFINITY));
    let mut statistics = FlavourStatistics::new(range);
    samples.iter().for_each(|sample| statistics.observe_sample(sample));
    statistics
}

/// A choice without its curve.
fn brief(choice: &FlavourChoice) -> String {
    format!("{:?} {:?} {:?}", choice.range, choice.scale, choice.note)
}

/// Every choice for these samples, each checked for what must always hold.
fn choices(samples: &[&[f32]], widths: &[u8]) -> Vec<(Flavour, FlavourChoice)> {
    let statistics = collected(samples);
    let mut all = Vec::new();
    for (grid, scheme) in grids(widths) {
        for flavour in Flavour::ALL {
            let choice = choose(flavour, &statistics, grid, scheme);
            let what = format!("{flavour} {grid:?} {scheme:?}: {}", brief(&choice));
            assert!(choice.range.low <= choice.range.high, "{what}");
            if let Some((scale, zero_point)) = choice.scale {
                assert!(scale > 0.0 && scale.is_finite(), "{what}");
                let container = grid.container();
                assert!((container.q_min()..=container.q_max()).contains(&zero_point), "{what}");
            }
            if let Some(curve) = &choice.curve {
                assert!(curve.costs.iter().all(|cost| !cost.is_nan()), "{what}");
                assert!(curve.thresholds.is_sorted() && curve.threshold().is_some(), "{what}");
                assert!(curve.costs.iter().all(|cost| *cost >= curve.costs[curve.best]), "{what}");
            }
            all.push((flavour, choice));
        }
    }
    all
}

#[test]
fn names_round_trip() {
    for flavour in Flavour::ALL {
        assert_eq!(flavour.to_string().parse::<Flavour>().unwrap(), flavour);
        assert_eq!(serde_json::to_string(&flavour).unwrap(), format!("\"{flavour}\""));
        assert!(!flavour.title().is_empty() && !flavour.difference().contains('\n'));
    }
    let refused = "ort".parse::<Flavour>().unwrap_err().to_string();
    assert!(refused.contains("ort-entropy-2048") && refused.contains("tensorrt"), "{refused}");
}

#[test]
fn nothing_zeros_and_nan() {
    for samples in [&[][..], &[&[][..]], &[&[f32::NAN; 5][..]], &[&[f32::NAN][..], &[]]] {
        for (flavour, choice) in choices(samples, &[2, 4, 8, 16]) {
            assert_eq!((choice.range, choice.scale), (Range::new(0.0, 0.0), Some((1.0, 0))), "{flavour}");
            assert!(choice.note.unwrap().contains("no finite value"));
        }
    }
    for (flavour, choice) in choices(&[&[0.0, -0.0, 0.0]], &[2, 4, 8, 16]) {
        assert_eq!(choice.range, Range::new(0.0, 0.0));
        let ppq = flavour.name().starts_with("ppq");
        assert_eq!(choice.scale.unwrap().0, if ppq { 1e-8 } else { 1.0 }, "{flavour}");
        assert!(choice.note.unwrap().contains("zeros"));
    }
    for (flavour, choice) in choices(&[&[f32::NAN, -1.0, 0.5, 2.0]], &[8]) {
        let said = choice.note.is_some_and(|note| note.contains("NaN"));
        assert_eq!(said, flavour.name() != "ort-minmax" && !flavour.name().starts_with("ort-entropy"), "{flavour}");
    }
}

#[test]
fn infinities() {
    let mut sample: Vec<f32> = (0..40_000).map(|i| i as f32 / 40_000.0 - 0.5).collect();
    (sample[7], sample[9]) = (f32::INFINITY, f32::NEG_INFINITY);
    for (flavour, choice) in choices(&[&sample], &[8]) {
        if flavour == Flavour::PpqPercentile {
            assert!(choice.range.high < 0.5 && choice.range.low > -0.5 && choice.note.is_none(), "{}", brief(&choice));
        } else {
            assert_eq!(choice.range, Range::new(f32::NEG_INFINITY, f32::INFINITY));
            assert_eq!(choice.scale, Some((1.0, 0)));
            assert!(choice.note.unwrap().contains("infinite"));
        }
    }
    for (_, choice) in choices(&[&[f32::INFINITY, 1.0]], &[3, 8]) {
        assert_eq!((choice.range.high, choice.scale), (f32::INFINITY, Some((1.0, 0))));
    }
}

#[test]
fn constants_and_single_values() {
    for value in [3.25_f32, -3.25, 1e-3, -7e5] {
        for sample in [&[value][..], &[value; 1000]] {
            for (flavour, choice) in choices(&[sample], &[3, 8]) {
                // PPQ's MSE knows whole bins only, its KL an undefined candidate at four bits and below.
                let odd = flavour == Flavour::PpqMse || choice.note.as_ref().is_some_and(|n| n.contains("PPQ empties"));
                let near = (0.999 * value.abs()..=1.001 * value.abs()).contains(&choice.range.amax());
                assert!(near || odd, "{flavour}: {}", brief(&choice));
            }
        }
    }
}

#[test]
fn denormal_huge_and_crowded_values() {
    for sample in [
        &[1e-45_f32, 0.0, -2e-45][..],
        &[1e-40, 3e-39, -2e-41],
        &[f32::MAX, f32::MIN, 1.0],
        &[1e35, -3e36, 0.0],
        &[1.0, 1.000_000_1, 1.000_000_2],
        &[-5.0, -4.999_999_5],
        &[0.0, 1e-30, 1.0],
    ] {
        choices(&[sample], &[2, 5, 8, 16]);
        choices(&[sample, &[], sample], &[8]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Any float32 numbers whatever, in samples of any lengths: what [`choices`] asserts holds.
    #[test]
    fn any_tensor(samples in vec(vec(any::<u32>().prop_map(f32::from_bits), 0..40), 0..4)) {
        let samples: Vec<&[f32]> = samples.iter().map(Vec::as_slice).collect();
        choices(&samples, &[8]);
    }

    /// The same for numbers of ordinary size.
    #[test]
    fn any_ordinary_tensor(samples in vec(vec(-100.0_f32..100.0, 0..40), 1..4)) {
        let samples: Vec<&[f32]> = samples.iter().map(Vec::as_slice).collect();
        choices(&samples, &[8]);
    }
}

#[test]
fn one_sided_data() {
    let sample: Vec<f32> = (0..20_000).map(|i| (i as f32 * 0.618_034).fract().powi(4) * 6.0 + 0.25).collect();
    let negative: Vec<f32> = sample.iter().map(|v| -v).collect();
    for sample in [&sample, &negative] {
        let observed = MinMax::of(sample).range().unwrap();
        for (flavour, choice) in choices(&[sample], &[8]) {
            if flavour.name().starts_with("ort") {
                let inside = observed.low <= choice.range.low && choice.range.high <= observed.high;
                assert!(inside, "{flavour}: {}", brief(&choice));
            }
        }
    }
}

#[test]
fn ppq_averages_percentiles_of_samples() {
    // 99.99 % of ten values is the largest: (1 + 3)/2 and (−2 + 0)/2.
    let (a, b) = ([-2.0, 1.0, 0.0], [0.0, 3.0, 2.0]);
    let statistics = collected(&[&a, &b]);
    let choice = choose(Flavour::PpqPercentile, &statistics, Grid::unsigned(8).unwrap(), Scheme::Affine);
    assert_eq!(choice.range, Range::new(-1.0, 2.0));
    // 3/255 and round(1/(3/255)) = 85.
    assert_eq!(choice.scale, Some((3.0 / 255.0, 85)));
    let int8 = choose(Flavour::PpqPercentile, &statistics, Grid::signed(8).unwrap(), Scheme::Affine);
    assert_eq!(int8.scale, Some((3.0 / 255.0, 85 - 128)));
}

#[test]
fn ppq_takes_an_undefined_candidate_at_four_bits() {
    let sample: Vec<f32> = (0..20_000).map(|i| (i as f32 * 0.618_034).fract()).collect();
    let statistics = collected(&[&sample]);
    let choice = choose(Flavour::PpqKl, &statistics, Grid::signed(4).unwrap(), Scheme::Symmetric);
    let curve = choice.curve.unwrap();
    assert_eq!((curve.best, curve.costs.len()), (0, 512));
    assert_eq!(choice.range.high, statistics.range().amax() * 8.0 / 4096.0);
    assert!(choice.note.unwrap().contains("undefined"));
}

#[test]
fn percentile_beyond_the_kept_magnitudes_says_so() {
    // 2 million values, of which 8192 largest are kept: 20 are above the percentile, so it is reached. With only the
    // first bins of a wider tail known it is not; that needs 819 million values, so the coarse way is tried directly.
    let sample: Vec<f32> = (0..2_000_000).map(|i| (f64::from(i) * 0.618_034).fract() as f32 - 0.5).collect();
    let statistics = collected(&[&sample]);
    let exact = choose(Flavour::OrtPercentile, &statistics, Grid::signed(8).unwrap(), Scheme::Affine);
    assert_eq!(exact.note, None);
    let coarse = ort::coarse_percentile(&statistics, Grid::signed(8).unwrap(), Scheme::Affine);
    assert!(coarse.note.unwrap().contains("within"));
    assert!((coarse.range.high - exact.range.high).abs() <= 0.5 / 2048.0);
}

#[test]
fn percentile_from_the_largest_is_the_percentile_of_all_bins() {
    let sample: Vec<f32> = (0..300_001).map(|i| ((f64::from(i) * 0.618_034).fract() as f32 - 0.4).powi(3)).collect();
    let statistics = collected(&[&sample]);
    let bins = numpy::NumpyBins::new(statistics.smallest(), statistics.range().amax(), 2048).unwrap();
    let mut counts = vec![0; 2048];
    sample.iter().for_each(|v| counts[bins.place(v.abs()).unwrap()] += 1);
    let whole = ort::percentile_range(&counts, bins.edges(), 99.999, true, statistics.range());
    let choice = choose(Flavour::OrtPercentile, &statistics, Grid::signed(8).unwrap(), Scheme::Affine);
    assert_eq!(choice.range, whole);
}
