//! The layer pages, the Data page and the model summary, through what they say and what they send.

use std::sync::Arc;

use egui::{Ui, accesskit::Role};
use egui_kittest::{Harness, kittest::Queryable as _};
use quantlens_analysis::{
    calibrate::Method,
    config::Granularity,
    data::{DataSource, Recipe},
    quant::Bits,
};

use super::{ViewStates, page_fixtures::*};
use crate::{
    action::Action,
    command::{Command, Commands},
    document::Document,
    theme,
};

type View = fn(&mut Ui, &Document, &mut ViewStates, &mut Commands);

const HISTOGRAM: View = |ui, doc, s, send| super::histogram::histogram_ui(ui, doc, &mut s.histogram, send);
const CHANNELS: View = |ui, doc, s, send| super::channels::channels_ui(ui, doc, &mut s.channels, send);
const THRESHOLD: View = |ui, doc, s, send| super::threshold::threshold_ui(ui, doc, &mut s.threshold, send);
const DATA: View = |ui, doc, s, send| super::data_page::data_page_ui(ui, doc, &mut s.data_page, send);
const SUMMARY: View = |ui, doc, s, send| super::model_summary::model_summary_ui(ui, doc, &mut s.model_summary, send);

struct Shown {
    doc: Document,
    states: ViewStates,
    sent: Commands,
}

fn show(view: View, doc: Document, size: [f32; 2]) -> Harness<'static, Shown> {
    let mut harness = Harness::builder().with_size(size).with_context_setup(theme::install).build_ui_state(
        move |ui, shown: &mut Shown| view(ui, &shown.doc, &mut shown.states, &mut shown.sent),
        Shown { doc, states: ViewStates::default(), sent: Commands::default() },
    );
    harness.run();
    harness
}

fn with_data() -> Document {
    let mut doc = document(8);
    doc.data = Some(Arc::new(data()));
    doc
}

/// Clicks the button with this text and gives what the view sent.
fn click(harness: &mut Harness<'_, Shown>, label: &str) -> Vec<Command> {
    harness.get_by_label(label).click();
    harness.run();
    harness.state_mut().sent.take()
}

#[test]
fn the_histogram_says_what_it_shows_and_switches_to_the_weights() {
    let mut harness = show(HISTOGRAM, document(8), [700.0, 600.0]);
    let sentence = "Values from −2.10 to 6.00; 8 bits, KL; step 0.0232; range −2.11 … 3.80; clips 0.31 % of values";
    harness.get_by_label(sentence);
    harness.get_by_label("values of 8 of 32 samples");
    harness.get_by_role_and_label(Role::Image, &format!("Output of {LAYER}: count against value. {sentence}"));
    click(&mut harness, "Weights");
    harness.get_by_label("Values from −49.0 to 31.0; 8 bits, per tensor; step 0.390; range −49.9 … 49.5");
    assert_eq!(click(&mut harness, "Export figure…"), [Command::Run(Action::ExportFigure)]);
}

#[test]
fn the_outlier_is_named_beside_the_button_that_mends_it() {
    let mut harness = show(CHANNELS, document(32), [700.0, 700.0]);
    // Median reach 0.36, channel 5 reaches 49.53: 138 times, log2 = 7.1 of 8 bits.
    harness.get_by_label(
        "Channel 5 spans 138× the median channel; at one scale per tensor the median channel keeps 0.9 of 8 bits",
    );
    let sent = click(&mut harness, "Switch to per-channel scales");
    let layers = vec![LAYER.to_owned()];
    assert_eq!(sent, [Command::SetGranularity { layers, granularity: Granularity::PerChannel }]);
}

#[test]
fn a_thousand_channels_are_drawn_within_a_frame() {
    let harness = show(CHANNELS, document(2000), [520.0, 600.0]);
    assert_eq!(harness.get_all_by_label_contains("each bar: 7 channels").count(), 2);
}

#[test]
fn the_threshold_page_offers_the_other_method() {
    let mut harness = show(THRESHOLD, document(8), [700.0, 600.0]);
    harness.get_by_label("In use: KL, threshold 3.81; KL is lowest at 3.81 (cost 7.83e−4)");
    assert!(click(&mut harness, "Use KL").is_empty(), "it is in use");
    let layers = vec![LAYER.to_owned()];
    assert_eq!(click(&mut harness, "Use min–max"), [Command::SetMethod { layers, method: Method::MinMax }]);
}

#[test]
fn a_float_output_has_no_threshold_and_says_so() {
    let mut doc = document(8);
    let mut report = report(layer());
    report.rows[0].activation = None;
    report.rows[0].activation_bits = Some(Bits::Float);
    doc.report.set(Arc::new(report));
    let harness = show(THRESHOLD, doc, [700.0, 600.0]);
    harness.get_by_label(&format!("The output of {LAYER} is float"));
}

#[test]
fn values_of_another_layer_are_never_shown_under_this_ones_name() {
    for view in [HISTOGRAM, CHANNELS, THRESHOLD] {
        let mut doc = document(8);
        doc.selection.replace(["block3/expand".to_owned()]);
        doc.detail.ask(0.0);
        let harness = show(view, doc, [700.0, 600.0]);
        harness.get_by_label("Reading block3/expand");
    }
}

#[test]
fn empty_pages_say_what_to_do_next() {
    for view in [HISTOGRAM, CHANNELS, THRESHOLD, DATA, SUMMARY] {
        let mut harness = show(view, Document::new(), [520.0, 480.0]);
        harness.get_by_label("No model is open");
        assert_eq!(click(&mut harness, "Open model…"), [Command::Run(Action::OpenModel)]);
    }
    let mut doc = document(8);
    doc.selection.clear();
    show(HISTOGRAM, doc, [520.0, 480.0]).get_by_label("No layer is selected");
    let mut harness = show(DATA, document(8), [520.0, 480.0]);
    assert_eq!(click(&mut harness, Action::UseSynthetic.title().as_str()), [Command::Run(Action::UseSynthetic)]);
}

#[test]
fn a_guessed_recipe_is_confirmed_and_banners_stay() {
    let mut harness = show(DATA, with_data(), [1100.0, 1600.0]);
    harness.get_by_label_contains("“imagenet” is a guess");
    harness.get_by_label_contains("2 of 202 files were skipped");
    harness.get_by_label_contains("71.9 % (23 of 32)");
    assert_eq!(click(&mut harness, "Confirm"), [Command::ConfirmRecipe]);
    let mut confirmed = data();
    confirmed.recipe.as_mut().unwrap().guessed = false;
    harness.state_mut().doc.data = Some(Arc::new(confirmed));
    harness.run();
    assert!(harness.query_by_label("Confirm").is_none());
    harness.get_by_label_contains("2 of 202 files were skipped");
}

#[test]
fn an_edited_recipe_is_applied_only_on_apply() {
    let mut harness = show(DATA, with_data(), [1100.0, 1600.0]);
    assert!(click(&mut harness, "BGR").is_empty());
    harness.get_by_label_contains("Not applied yet");
    let sent = click(&mut harness, "Apply");
    let [Command::SetRecipe(recipe)] = sent.as_slice() else { panic!("{sent:?}") };
    // The constants follow their colours: blue's come first now.
    assert_eq!((recipe.name.as_str(), recipe.mean.as_slice()), ("custom", [0.406, 0.456, 0.485].as_slice()));
    click(&mut harness, "Revert");
    assert!(harness.query_by_label_contains("Not applied yet").is_none());
}

#[test]
fn a_recipe_that_contradicts_the_model_cannot_be_applied() {
    let mut harness = show(DATA, with_data(), [1100.0, 1600.0]);
    click(&mut harness, "gray");
    harness.get_by_label_contains("channels gray do not fit");
    assert!(click(&mut harness, "Apply").is_empty());
}

#[test]
fn a_ranked_recipe_is_put_in_use() {
    let mut doc = with_data();
    doc.recipes.set(Arc::new(trials().into_iter().take(2).collect()));
    let mut harness = show(DATA, doc, [1100.0, 1600.0]);
    harness.get_by_label("Ranked by accuracy");
    harness.get_by_label("in use");
    assert_eq!(click(&mut harness, "Use this one"), [Command::SetRecipe(Recipe::preset("raw").unwrap())]);
}

#[test]
fn names_of_other_classes_are_not_shown() {
    let mut doc = with_data();
    show(DATA, doc.clone(), [1100.0, 1600.0]).get_by_label("label golden retriever");
    let mut of_more = data();
    of_more.class_names = Arc::new((0..1000).map(|k| format!("thing {k}")).collect());
    doc.data = Some(Arc::new(of_more));
    let harness = show(DATA, doc, [1100.0, 1600.0]);
    harness.get_by_label("found; names given: 1\u{202F}000, classes of the model: 6, so numbers stand for names");
    harness.get_by_label("label class 1");
    assert!(harness.query_by_label_contains("thing").is_none());
    assert!(harness.query_all_by_label_contains("class 4 81 %").next().is_some(), "sample 3 is answered with class 4");
}

#[test]
fn synthetic_samples_are_never_taken_for_real_ones() {
    let mut doc = with_data();
    let synthetic = quantlens_analysis::data::info::DataInfo {
        source: DataSource::Synthetic { samples: 16, seed: 0 },
        synthetic: true,
        ..data()
    };
    doc.data = Some(Arc::new(synthetic));
    let harness = show(DATA, doc, [1100.0, 1600.0]);
    harness.get_by_label("SYNTHETIC RANGES");
    harness.get_by_label("generated, seed 0");
    let mut doc = document(8);
    doc.data = Some(Arc::new(quantlens_analysis::data::info::DataInfo { synthetic: true, ..data() }));
    show(HISTOGRAM, doc, [700.0, 600.0]).get_by_label("values of 8 of 32 samples · synthetic ranges");
}

#[test]
fn the_summary_lists_the_models_facts() {
    let mut doc = document(8);
    doc.title = "mobilenetv2-12.onnx".into();
    let harness = show(SUMMARY, doc, [700.0, 700.0]);
    for fact in ["13.3 MiB", "3\u{202F}487\u{202F}816", "[batch, 3, 224, 224]", "pytorch 1.7", "Conv"] {
        harness.get_by_label(fact);
    }
}

#[test]
fn pages_at_rest_ask_for_no_repaint() {
    for view in [HISTOGRAM, CHANNELS, THRESHOLD, DATA, SUMMARY] {
        let mut harness = show(view, with_data(), [900.0, 700.0]);
        harness.step();
        let delay = harness.output().viewport_output[&egui::ViewportId::ROOT].repaint_delay;
        assert_eq!(delay, std::time::Duration::MAX);
    }
}
