use std::sync::Arc;

use super::*;
use crate::{
    config::QuantConfig,
    plan::ScaleAxes,
    quant::Bits,
    report::{Cost, LayerInfo, Memory, Score, TargetInfo, Timing},
    target::Target,
};

/// A layer without weights whose samples have these `(Σf², Σe²)`; `sqnr` is what the row says.
fn row(index: usize, name: &str, sqnr: Measure, samples: &[(f64, f64)]) -> LayerRow {
    let none = Measure::NotApplicable("not of this test");
    let errors = |sqnr_db| Errors { sqnr_db, cosine: none, nmse: none, mse: none, max_abs: none, gain: none };
    LayerRow {
        info: Arc::new(LayerInfo {
            index,
            name: name.to_owned(),
            op: "Relu".to_owned(),
            output: format!("{name}_out"),
            fused: Vec::new(),
            inputs: Vec::new(),
            weight: None,
            parameters: 0,
            weight_fixed: None,
            weight_axes: ScaleAxes { channels: false, inputs: Vec::new(), has_short_groups: false },
            activation_fixed: None,
            range_fixed: None,
            shares_activation_with: Vec::new(),
            through: Vec::new(),
            shares_weight_with: Vec::new(),
        }),
        weight_bits: None,
        activation_bits: Some(Bits::Int(8)),
        granularity: None,
        edited: false,
        local: errors(sqnr),
        accumulated: errors(sqnr),
        inherited: errors(none),
        introduced: errors(none),
        flow: Err("not of this test"),
        correlation: none,
        why_falls: None,
        clipped_fraction: none,
        vanished_fraction: None,
        weight: None,
        activation: None,
        by_sample: samples.iter().map(|&(signal, noise)| SampleEnergy { signal, noise }).collect(),
        float_bytes: 0,
        quantized_bytes: 100 * (index as u64 + 1),
        macs: 0,
        bops: 0,
    }
}

fn report(rows: Vec<LayerRow>, samples: usize, config: QuantConfig) -> Report {
    let target = Target::builtins().first().expect("there are built-in targets");
    let score = Score {
        float_accuracy: None,
        accuracy: Some(Share { count: 3, of: 4 }),
        agreement: None,
        output_sqnr_db: rows.last().map_or(Measure::Exact, |row| row.accumulated.sqnr_db),
        output: rows.last().map_or_else(String::new, |row| row.info.output.clone()),
    };
    Report {
        config: Arc::new(config),
        target: Arc::new(TargetInfo::of(&target.name, target)),
        samples,
        samples_total: samples,
        sample_names: Arc::default(),
        answers: Arc::default(),
        scope: None,
        cost: Cost { quantized_bytes: rows.iter().map(|row| row.quantized_bytes).sum(), ..Cost::default() },
        rows,
        outputs: Vec::new(),
        score,
        needs: Vec::new(),
        memory: Memory::default(),
        timing: Timing::default(),
        warnings: Vec::new(),
    }
}

const DB: fn(f64) -> Measure = Measure::Value;

#[test]
fn layers_are_matched_by_name_and_subtracted() {
    let was = report(
        vec![row(0, "a", DB(30.0), &[]), row(1, "gone", DB(5.0), &[]), row(2, "b", DB(20.0), &[])],
        4,
        QuantConfig::default(),
    );
    let mut now = report(
        vec![row(0, "new", DB(9.0), &[]), row(1, "b", DB(26.5), &[]), row(2, "a", Measure::Exact, &[])],
        4,
        QuantConfig::default(),
    );
    now.score.accuracy = Some(Share { count: 4, of: 4 });
    let all = Comparison::of(&was, &now);
    assert_eq!(all.only_was, ["gone"]);
    assert_eq!(
        all.rows.iter().map(|r| (r.name.as_str(), r.is_only_now)).collect::<Vec<_>>(),
        [("new", true), ("b", false), ("a", false)]
    );
    let b = all.row("b").unwrap();
    // 26.5 − 20 dB; 200 bytes where 300 were.
    assert_eq!(b.local.sqnr_db.delta, Some(6.5));
    assert_eq!(b.quantized_bytes.delta, Some(-100.0));
    assert_eq!(all.row("a").unwrap().local.sqnr_db.delta, Some(f64::INFINITY), "30 dB before, exact now");
    assert_eq!(all.row("new").unwrap().accumulated.sqnr_db.delta, None);
    // 4 of 4 against 3 of 4.
    assert_eq!(all.score.accuracy_points, Some(25.0));
    assert!(all.row("gone").is_none());
}

#[test]
fn the_accumulated_difference_is_over_the_samples_that_both_have() {
    // Over one sample: 100/1 → 20 dB and 100/10 → 10 dB. The old report's second sample would make it 13 dB.
    let was = report(vec![row(0, "a", DB(13.0), &[(100.0, 1.0), (100.0, 9.0)])], 2, QuantConfig::default());
    let now = report(vec![row(0, "a", DB(10.0), &[(100.0, 10.0)])], 1, QuantConfig::default());
    let all = Comparison::of(&was, &now);
    let change = all.row("a").unwrap().accumulated.sqnr_db;
    assert_eq!(all.samples, 1);
    assert!((change.delta.unwrap() + 10.0).abs() < 1e-12, "{change:?}");
    assert_eq!((change.interval, change.is_significant()), (None, None), "one sample tells nothing of others");
    assert!(!change.is_within_chance());
}

#[test]
fn a_difference_is_significant_where_the_samples_agree_on_its_sign() {
    let same: Vec<(f64, f64)> = (0..8).map(|i| (100.0, 1.0 + f64::from(i))).collect();
    let halved: Vec<(f64, f64)> = same.iter().map(|&(s, n)| (s, n / 2.0)).collect();
    // Half of the samples lose what the other half gains.
    let mixed: Vec<(f64, f64)> =
        same.iter().enumerate().map(|(i, &(s, n))| (s, if i % 2 == 0 { n * 1.5 } else { n / 1.4 })).collect();
    let compare = |now: &[(f64, f64)]| {
        let one = |samples: &[(f64, f64)]| report(vec![row(0, "a", DB(0.0), samples)], 8, QuantConfig::default());
        Comparison::of(&one(&same), &one(now)).rows[0].accumulated.sqnr_db
    };
    let change = compare(&halved);
    assert!((change.delta.unwrap() - 10.0 * 2.0_f64.log10()).abs() < 1e-12);
    assert_eq!(change.is_significant(), Some(true));
    let change = compare(&mixed);
    assert!(change.delta != Some(0.0));
    assert_eq!((change.is_significant(), change.is_within_chance()), (Some(false), true), "{change:?}");
    assert!(compare(&same).is_within_chance());
    let exact: Vec<(f64, f64)> = same.iter().map(|&(s, _)| (s, 0.0)).collect();
    assert_eq!((compare(&exact).delta, compare(&exact).is_significant()), (Some(f64::INFINITY), Some(true)));
}

#[test]
fn a_layer_differs_where_its_settings_or_its_owners_do() {
    let rows = || {
        let mut rows = vec![row(0, "a", DB(1.0), &[]), row(1, "b", DB(1.0), &[]), row(2, "c", DB(1.0), &[])];
        // c has the format of a.
        Arc::make_mut(&mut rows[2].info).shares_activation_with = vec!["a".to_owned(), "c".to_owned()];
        rows
    };
    let mut edited = QuantConfig::default();
    edited.edit_layer("a", |s| s.method = Some(crate::calibrate::Method::Mse));
    // b has no weights, so how they would be scaled is nothing to it.
    edited.edit_layer("b", |s| s.granularity = Some(crate::config::Granularity::PerChannel));
    let all = Comparison::of(&report(rows(), 1, QuantConfig::default()), &report(rows(), 1, edited));
    assert_eq!(all.rows.iter().map(|row| row.differs).collect::<Vec<_>>(), [true, false, true]);
}
