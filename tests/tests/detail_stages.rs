//! A clicked layer shows what the live samples tell at once, and its range's choices when all samples were counted.

use quantlens_analysis::{config::QuantConfig, report::LayerDetail};
use quantlens_tests::core::{bench, evaluate, quietly, sample};

/// What is told of a layer before the end, and at the end.
fn staged(budget: Option<u64>, count: usize, layer: &str) -> [(Vec<LayerDetail>, LayerDetail); 2] {
    let mut workbench = bench(&sample("sample.onnx"), &sample("sample.npz"), count, budget);
    let config = QuantConfig::default();
    evaluate(&mut workbench, &config);
    std::array::from_fn(|_| {
        let mut stages = Vec::new();
        let mut on_stage = |detail: std::sync::Arc<LayerDetail>| stages.push((*detail).clone());
        let whole = quietly(|job| workbench.layer_detail_in_stages(&config.clone().into(), layer, job, &mut on_stage));
        let whole = (*whole.expect("the layer is there")).clone();
        (stages, whole)
    })
}

#[test]
fn the_first_look_at_a_layer_comes_in_two_parts() {
    let [(stages, whole), (again, same)] = staged(None, 20, "block3/depthwise");
    assert_eq!((stages.len(), again.len()), (1, 0), "what was counted once is there at once");
    assert!(!stages[0].is_whole && stages[0].threshold.is_none() && stages[0].threshold_note.is_some());
    assert!(whole.is_whole && whole.threshold.is_some() && whole.threshold_note.is_none());
    let first =
        LayerDetail { threshold: whole.threshold.clone(), threshold_note: None, is_whole: true, ..stages[0].clone() };
    assert_eq!(format!("{first:?}"), format!("{whole:?}"), "nothing else changes");
    assert_eq!(format!("{same:?}"), format!("{whole:?}"));
}

#[test]
fn counting_samples_side_by_side_changes_nothing() {
    let counted = |budget| staged(budget, 20, "block3/depthwise")[0].1.threshold.clone();
    let resident = format!("{:?}", counted(None));
    // Nothing fits: every sample is run again, as far as the layer.
    assert_eq!(format!("{:?}", counted(Some(1 << 16))), resident);
}
