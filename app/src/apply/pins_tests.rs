//! Pinning, comparing, going back and copying, without a window; and what a cancelled evaluation leaves.

use quantlens_analysis::report::{ModelInfo, Report};

use super::{
    test_steps::{act, hear, select},
    *,
};
use crate::{
    action::Action,
    command::PinCommand,
    document::PinId,
    testing::{apply as run, document, report_of},
    worker::{News, Slot},
};

fn pin(doc: &mut Document, command: PinCommand) -> Effects {
    run(doc, Command::Pin(command))
}

/// The evaluation of the configuration of now comes in.
fn evaluated(doc: &mut Document) -> Effects {
    let report = report_of(doc.layers().len(), &doc.config);
    hear(doc, Slot::Evaluate, News::Report(Arc::new(report)))
}

fn delta(doc: &Document, layer: &str) -> Option<f64> {
    doc.pins.change(layer)?.accumulated.sqnr_db.delta
}

#[test]
fn pin_change_compare_copy_back_undo() {
    let mut doc = document(6);
    act(&mut doc, Action::PinBaseline);
    assert_eq!(doc.pins.baseline().map(|pin| pin.name.as_str()), Some("Pin 1"));
    assert_eq!(delta(&doc, "conv2"), Some(0.0));
    select(&mut doc, &["conv2", "conv3"]);
    act(&mut doc, Action::Bits(4));
    evaluated(&mut doc);
    // The fixture's accumulated SQNR falls by (8 − 4) · 6 / 8 = 3 dB.
    assert!((delta(&doc, "conv2").unwrap() + 3.0).abs() < 1e-9);
    assert!(doc.pins.differs("conv2") && !doc.pins.differs("conv1"));
    run(&mut doc, Command::SetFilter("is:differs".into()));
    assert_eq!(doc.visible_names(), ["conv2", "conv3"]);
    select(&mut doc, &["conv2"]);
    act(&mut doc, Action::CopyFromPin);
    assert!(!doc.config.layers.contains_key("conv2") && doc.config.layers.contains_key("conv3"));
    assert_eq!(doc.history.undo_label(), Some("copy conv2 from Pin 1"));
    evaluated(&mut doc);
    assert_eq!(doc.visible_names(), ["conv3"], "the filter follows");
    act(&mut doc, Action::Undo);
    assert_eq!(doc.config.layers.len(), 2);
    let baseline = doc.pins.baseline.unwrap();
    pin(&mut doc, PinCommand::GoBack(baseline));
    assert!(doc.config.layers.is_empty());
    assert_eq!(Action::Undo.title_now(&doc), "Undo go back to Pin 1");
    act(&mut doc, Action::PinBaseline);
    assert!(doc.pins.comparison.is_none() && doc.pinned.is_none() && doc.pins.list.len() == 1);
    assert!(doc.visible.is_empty(), "nothing differs from nothing");
}

#[test]
fn the_baseline_switches_and_is_evaluated_on_demand() {
    let mut doc = document(4);
    pin(&mut doc, PinCommand::Add("eight".into()));
    select(&mut doc, &["conv1"]);
    act(&mut doc, Action::Bits(4));
    evaluated(&mut doc);
    pin(&mut doc, PinCommand::Add("four".into()));
    assert_eq!(doc.pins.list.len(), 2);
    assert_eq!(delta(&doc, "conv1"), Some(0.0), "the newest pin is the baseline");
    let eight = doc.pins.list[0].id;
    assert_eq!(pin(&mut doc, PinCommand::Compare(Some(eight))), [], "it has numbers");
    assert!((delta(&doc, "conv1").unwrap() + 3.0).abs() < 1e-9);
    // Other samples: no numbers, until the evaluation of now is through and the baseline's after it.
    let data = doc.data.clone().unwrap();
    let effects = hear(&mut doc, Slot::Data, News::Data(data));
    assert!(doc.pinned.is_none() && doc.pins.comparison.is_none());
    assert!(matches!(effects.as_slice(), [Effect::Start(Request::Evaluate { .. })]), "{effects:?}");
    let effects = evaluated(&mut doc);
    let [Effect::Start(Request::Baseline { config, weight_only: false })] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    assert_eq!(*config, doc.pins.list[0].config);
    hear(&mut doc, Slot::Baseline, News::Baseline(Arc::new(report_of(4, config))));
    assert!((delta(&doc, "conv1").unwrap() + 3.0).abs() < 1e-9);
    pin(&mut doc, PinCommand::Rename(eight, " W8A8 ".into()));
    assert_eq!(doc.pins.baseline().unwrap().name, "W8A8");
    pin(&mut doc, PinCommand::Remove(eight));
    assert!(doc.pins.baseline.is_none() && doc.pins.comparison.is_none() && doc.pins.list.len() == 1);
    assert_eq!(pin(&mut doc, PinCommand::Compare(Some(PinId(99)))), []);
    assert!(doc.pins.baseline.is_none());
}

#[test]
fn a_pinned_configuration_is_not_pinned_twice_and_gets_its_numbers_when_they_come() {
    let mut doc = document(4);
    select(&mut doc, &["conv1"]);
    act(&mut doc, Action::Bits(4));
    // Not evaluated yet.
    act(&mut doc, Action::PinBaseline);
    assert!(doc.pins.baseline().is_some_and(|pin| pin.report.is_none()) && doc.pinned.is_none());
    evaluated(&mut doc);
    assert_eq!(delta(&doc, "conv1"), Some(0.0));
    pin(&mut doc, PinCommand::Add("again".into()));
    assert_eq!(doc.pins.list.iter().map(|pin| pin.name.as_str()).collect::<Vec<_>>(), ["again"]);
}

#[test]
fn a_layers_page_asks_for_the_baselines_values_after_its_own() {
    let mut doc = document(4);
    act(&mut doc, Action::PinBaseline);
    run(&mut doc, Command::ShowPage(Page::Histogram));
    select(&mut doc, &["conv1"]);
    let effects = hear(&mut doc, Slot::Detail, News::Detail(Arc::new(crate::testing::detail("conv1"))));
    assert!(
        matches!(effects.as_slice(), [Effect::Start(Request::BaselineDetail { layer, .. })] if layer == "conv1"),
        "{effects:?}"
    );
    hear(&mut doc, Slot::Baseline, News::BaselineDetail(Arc::new(crate::testing::detail("conv1"))));
    assert!(doc.pins.detail_of("conv1").is_some() && doc.pins.detail_of("conv2").is_none());
    // An edit does not measure the baseline again.
    act(&mut doc, Action::Bits(4));
    evaluated(&mut doc);
    let effects = hear(&mut doc, Slot::Detail, News::Detail(Arc::new(crate::testing::detail("conv1"))));
    assert_eq!(effects, []);
}

#[test]
fn a_baseline_that_fails_is_given_up_with_the_reason() {
    let mut doc = document(4);
    act(&mut doc, Action::PinBaseline);
    let trouble = crate::worker::Trouble {
        what: "the target is gone".into(),
        details: "".into(),
        kind: crate::worker::TroubleKind::Other,
    };
    hear(&mut doc, Slot::Baseline, News::Failed(trouble));
    assert!(doc.pins.baseline.is_none() && doc.failure.is_none());
    assert_eq!(doc.notices.last().unwrap().text, "Pin 1 cannot be compared with: the target is gone");
}

#[test]
fn pins_belong_to_their_model_and_come_back_with_it() {
    let mut doc = document(4);
    act(&mut doc, Action::PinBaseline);
    let first = doc.model.clone().unwrap();
    let other = Arc::new(ModelInfo { path: "other.onnx".into(), ..crate::testing::model(4) });
    hear(&mut doc, Slot::Open, News::Opened(other));
    assert!(doc.pins.list.is_empty());
    hear(&mut doc, Slot::Open, News::Opened(first));
    assert_eq!(doc.pins.baseline().map(|pin| pin.name.as_str()), Some("Pin 1"));
    let session = crate::session::Session::of(&doc, true);
    let mut next = Document::new();
    session.restore(&mut next);
    hear(&mut next, Slot::Open, News::Opened(Arc::new(crate::testing::model(4))));
    assert_eq!(next.pins.list.len(), 1);
}

#[test]
fn a_cancelled_evaluation_keeps_what_it_showed_and_can_go_on() {
    let mut doc = document(4);
    select(&mut doc, &["conv1"]);
    act(&mut doc, Action::Bits(4));
    let request = Request::Evaluate { config: Arc::clone(&doc.config), weight_only: false };
    started(&mut doc, &request);
    let eight = Report { samples: 8, ..report_of(4, &doc.config) };
    hear(&mut doc, Slot::Evaluate, News::Stage(Arc::new(eight)));
    assert_eq!(act(&mut doc, Action::Escape), [Effect::CancelJobs]);
    // Before the thread has answered.
    assert!(doc.cancelled && doc.job.as_ref().is_some_and(|job| !job.cancellable));
    hear(&mut doc, Slot::Evaluate, News::Cancelled);
    assert!(doc.cancelled && doc.job.is_none());
    let shown = doc.report.value.as_ref().unwrap();
    assert_eq!((shown.samples, shown.samples_total, &shown.config), (8, 32, &doc.config));
    let effects = act(&mut doc, Action::EvaluateAgain);
    assert!(matches!(effects.as_slice(), [Effect::Start(Request::Evaluate { .. })]), "{effects:?}");
    assert!(!doc.cancelled);
    evaluated(&mut doc);
    assert!(!doc.cancelled && !doc.is_refining());
}

#[test]
fn the_time_left_follows_the_pace_of_the_stage() {
    use quantlens_analysis::job::Progress;
    let mut doc = document(4);
    doc.now = 100.0;
    let request = Request::Evaluate { config: Arc::clone(&doc.config), weight_only: false };
    started(&mut doc, &request);
    let mut at = |now: f64, done: usize| {
        doc.now = now;
        let progress = Progress { stage: "quantized run", done, total: Some(32), unit: "samples" };
        hear(&mut doc, Slot::Evaluate, News::Progress(progress));
        doc.job.as_ref().and_then(|job| job.seconds_left)
    };
    // Eight were there before the stage began and say nothing of its pace.
    assert_eq!(at(101.0, 8), None);
    assert_eq!(at(101.2, 10), None, "too early to say");
    // 4 samples in 2 s, 20 are left.
    assert_eq!(at(103.0, 12), Some(10.0));
}

#[test]
fn the_memory_limit_takes_effect_on_the_open_model() {
    let mut doc = document(4);
    doc.memory_given = Some(1 << 30);
    assert_eq!(doc.memory_budget_bytes(), Some(1 << 30));
    let settings = crate::document::Settings { memory_budget_mib: Some(300), ..doc.settings.clone() };
    let effects = run(&mut doc, Command::SetSettings(settings));
    assert_eq!(effects, [Effect::Start(Request::Memory { budget_bytes: Some(300 << 20) })]);
    let memory = quantlens_analysis::report::Memory { budget_bytes: 300 << 20, used_bytes: 7, peak_bytes: 9 };
    hear(&mut doc, Slot::Memory, News::Memory(memory));
    assert_eq!(doc.memory(), Some(memory));
    evaluated(&mut doc);
    assert_ne!(doc.memory(), Some(memory), "the next report knows better");
}
