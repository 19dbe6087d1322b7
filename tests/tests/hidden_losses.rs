//! An attention mask among the values that are quantized: the SQNR of its sum is beyond all bounds while the scores are
//! lost. The report names the layer all the same.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use quantlens_analysis::{
    config::QuantConfig,
    metrics::Measure,
    quant::{Bits, Range},
    report::{LayerRow, Report},
};
use quantlens_tests::{
    core::{bench, evaluate},
    models::{Builder, save_array},
    seeded::Seeded,
};

const SCORES: usize = 16;
const SAMPLES: usize = 3;

/// `x` with a quarter of its values masked out, through a Softmax.
fn report(mask: f32, config: &QuantConfig) -> std::sync::Arc<Report> {
    let folder = tempfile::tempdir().unwrap();
    let mut builder = Builder::new(13);
    builder.input("x", &[16]);
    builder.constant("mask", &[SCORES], (0..SCORES).map(|i| if i % 4 == 0 { mask } else { 0.0 }).collect());
    builder.node("Add", &["x", "mask"], "masked", Vec::new());
    builder.node("Softmax", &["masked"], "y", Vec::new());
    builder.output("y");
    let model = builder.save(folder.path());
    let data = save_array(folder.path(), &[SAMPLES, SCORES], Seeded::new(5).units(SAMPLES * SCORES, 8.0));
    evaluate(&mut bench(&model, &data, SAMPLES, None), config)
}

fn sum(report: &Report) -> &LayerRow {
    report.rows.iter().find(|row| row.info.op == "Add").unwrap()
}

fn warns(report: &Report) -> bool {
    report.warnings.iter().any(|warning| warning.code == "losses-hidden" && warning.message.contains("`n_masked`"))
}

#[test]
fn a_mask_is_named_whatever_stands_for_minus_infinity() {
    for mask in [f32::MIN, -1e9, -10_000.0] {
        let report = report(mask, &QuantConfig::default());
        let row = sum(&report);
        assert!(matches!(row.local.sqnr_db, Measure::Value(db) if db > 48.0), "{mask}: {:?}", row.local.sqnr_db);
        // Three quarters of the values are scores, all of them less than half a step.
        assert_eq!((row.vanished_fraction, row.hides_losses()), (Some(0.75), true), "{mask}");
        assert!(warns(&report), "{mask}: {:?}", report.warnings);
    }
}

#[test]
fn a_range_without_the_mask_and_a_float_sum_lose_nothing() {
    let mut narrow = QuantConfig::default();
    narrow.defaults.range = Some(Range::new(-20.0, 8.0));
    narrow.defaults.method = Some(quantlens_analysis::calibrate::Method::Manual);
    let mut float = QuantConfig::default();
    float.defaults.activation_bits = Some(Bits::Float);
    for config in [narrow, float] {
        let report = report(f32::MIN, &config);
        assert_eq!(sum(&report).vanished_fraction, None);
        assert!(!warns(&report));
    }
    // No mask at all; the Softmax makes some values next to nothing, and its SQNR is true.
    let plain = report(0.0, &QuantConfig::default());
    assert!(plain.rows.iter().all(|row| row.vanished_fraction.is_none()) && !warns(&plain));
}
