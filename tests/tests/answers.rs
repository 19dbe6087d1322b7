//! What both runs answer sample by sample, and feature maps, on the built-in sample: against the report's own counts, under
//! another budget, and for samples whose tensors are not kept.

use std::sync::Arc;

use quantlens_analysis::{
    config::{Granularity, LayerSettings, QuantConfig},
    data::info::DataInfo,
    metrics::Measure,
    report::{FeatureMaps, FlipKind},
    workbench::Workbench,
};
use quantlens_tests::core::{bench, evaluate, quietly, sample};

/// More than the live samples.
const SAMPLES: usize = 60;
/// Too little for the tensors of any sample.
const TINY: u64 = 1 << 16;

fn fresh(budget: Option<u64>) -> Workbench {
    bench(&sample("sample.onnx"), &sample("sample.npz"), SAMPLES, budget)
}

fn mended() -> QuantConfig {
    let defaults = LayerSettings { granularity: Some(Granularity::PerChannel), ..LayerSettings::default() };
    QuantConfig { defaults, ..QuantConfig::default() }
}

fn maps(workbench: &mut Workbench, layer: &str, sample: usize) -> Arc<FeatureMaps> {
    quietly(|job| workbench.feature_maps(&Arc::default(), layer, sample, job)).expect("the sample runs")
}

#[test]
fn flips_are_the_disagreements_and_explain_the_accuracy() {
    let mut workbench = fresh(None);
    for config in [QuantConfig::default(), mended()] {
        let report = evaluate(&mut workbench, &config);
        let (answers, score) = (&report.answers, &report.score);
        let agreement = score.agreement.expect("the sample has classes");
        assert_eq!(answers.samples.len(), SAMPLES);
        assert_eq!(answers.flipped(), agreement.of - agreement.count);
        assert_eq!(answers.ranked().len(), answers.flipped());
        // Right answers of float, less those that broke, and those that were mended.
        let [float, now] = [score.float_accuracy, score.accuracy].map(|share| share.expect("it has labels").count);
        assert_eq!(float - answers.count(FlipKind::Broken) + answers.count(FlipKind::Mended), now);
        let margins: Vec<f64> =
            answers.ranked().iter().filter_map(|&place| Some(answers.samples[place].decision?.float.margin)).collect();
        assert!(margins.windows(2).all(|pair| pair[0] >= pair[1]), "{margins:?}");
    }
}

#[test]
fn answers_do_not_depend_on_the_budget_nor_on_the_way_there() {
    let expected = evaluate(&mut fresh(None), &mended()).answers.clone();
    let mut small = fresh(Some(TINY));
    evaluate(&mut small, &QuantConfig::default());
    assert_eq!(evaluate(&mut small, &mended()).answers, expected);
    // One sample's report holds that sample's answer, under its own place.
    for index in [0, 17, SAMPLES - 1] {
        let alone = quietly(|job| small.report_of_sample(&Arc::new(mended()), index, job)).expect("it runs");
        assert_eq!(alone.answers.samples, [expected.samples[index].clone()]);
    }
}

#[test]
fn maps_of_a_sample_that_is_not_kept_are_those_of_one_that_is() {
    let (mut kept, mut small) = (fresh(None), fresh(Some(TINY)));
    let report = evaluate(&mut kept, &QuantConfig::default());
    for (index, row) in report.rows.iter().enumerate() {
        let sample = if index % 2 == 0 { 3 } else { SAMPLES - 1 };
        let found = maps(&mut kept, &row.info.name, sample);
        assert_eq!(found, maps(&mut small, &row.info.name, sample), "{}", row.info.name);
        assert_eq!((found.why_none, found.sample), (None, sample), "{}", row.info.name);
        // The sums of the pass, over the same values in another order.
        let (ours, passes) = (found.errors.sqnr_db, row.by_sample[sample].sqnr_db());
        match (ours, passes) {
            (Measure::Value(a), Measure::Value(b)) => assert!((a - b).abs() < 1e-6, "{}: {a} {b}", row.info.name),
            (a, b) => assert_eq!(a, b, "{}", row.info.name),
        }
        let noises: Vec<f64> = found.maps.iter().map(|map| map.noise).collect();
        assert!(noises.windows(2).all(|pair| pair[0] >= pair[1]), "{}", row.info.name);
    }
    assert!(quietly(|job| kept.feature_maps(&Arc::default(), "no such layer", 0, job)).is_err());
    let layer = report.rows[1].info.name.clone();
    assert!(quietly(|job| kept.feature_maps(&Arc::default(), &layer, SAMPLES, job)).is_err());
}

#[test]
fn previews_of_any_sample_are_those_of_the_data_page() {
    let mut workbench = fresh(None);
    let info: Arc<DataInfo> = quietly(|job| {
        let source = quantlens_analysis::data::DataSource::Path(sample("sample.npz"));
        workbench.set_data_checked(&source, &quantlens_analysis::data::DataOptions::default(), None, job)
    })
    .expect("the data fit");
    let previews = quietly(|job| workbench.previews(&[2, 299], job)).expect("they are read");
    assert_eq!(previews.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [2, 299]);
    assert_eq!(previews[0].1.inputs[0].picture, info.previews[2].inputs[0].picture);
    assert_eq!(previews[0].1.name, info.previews[2].name);
    assert!(quietly(|job| workbench.previews(&[300], job)).is_err());
}
