//! What commands and events do to a document, without a window.

use quantlens_analysis::{config::Granularity, quant::Bits, report::Report};

use super::{
    test_steps::{act, hear, select},
    *,
};
use crate::{
    action::Action,
    command::{Part, SweepCommand},
    document::{JobStatus, Page, PanelId},
    rows::Column,
    testing::{apply as run, document},
    worker::{News, Slot, Trouble, TroubleKind},
};

fn weight_bits(doc: &Document, layer: &str) -> Option<Bits> {
    doc.config.layers.get(layer).and_then(|settings| settings.weight_bits)
}

#[test]
fn an_edit_of_many_layers_is_one_step_with_a_name() {
    let mut doc = document(8);
    select(&mut doc, &["conv1", "conv2", "conv3"]);
    let effects = act(&mut doc, Action::Bits(4));
    assert!(matches!(effects.as_slice(), [Effect::Start(Request::Evaluate { weight_only: false, .. })]), "{effects:?}");
    assert_eq!(weight_bits(&doc, "conv2"), Some(Bits::Int(4)));
    assert_eq!(Action::Undo.title_now(&doc), "Undo set 3 layers to 4 bits");
    act(&mut doc, Action::Undo);
    assert_eq!((doc.config.layers.len(), doc.history.depth()), (0, 0));
    act(&mut doc, Action::Redo);
    assert_eq!(weight_bits(&doc, "conv3"), Some(Bits::Int(4)));
}

#[test]
fn a_sweep_is_started_kept_when_stopped_and_forgotten_with_its_data() {
    let mut doc = document(8);
    let effects = run(&mut doc, Command::Sweep(SweepCommand::Start));
    assert!(matches!(effects.as_slice(), [Effect::Start(Request::Sweep { .. })]), "{effects:?}");
    assert!(doc.sweep.is_running() && doc.pages.page == Page::Sensitivity);
    let request = doc.sweep.request();
    let part = Arc::new(crate::testing::sweep(8, &doc.config, &request, 3));
    hear(&mut doc, Slot::Sweep, News::SweepStage(part));
    assert!(doc.sweep.is_running());
    hear(&mut doc, Slot::Sweep, News::Cancelled);
    assert!(!doc.sweep.is_running());
    assert_eq!(doc.sweep.result().map(|sweep| sweep.layers_done), Some(3));
    // Other widths make another question: what is on screen would be the answer to the old one.
    run(&mut doc, Command::Sweep(SweepCommand::Width(Bits::Int(4), false)));
    run(&mut doc, Command::Sweep(SweepCommand::Width(Bits::Int(8), false)));
    assert_eq!(doc.sweep.widths, [Bits::Int(8)], "the last one stays");
    assert!(doc.sweep.is_stale(&doc.config));
    run(&mut doc, Command::Sweep(SweepCommand::Start));
    assert_eq!(doc.sweep.result().map(|sweep| sweep.layers_done), None);
    let whole = Arc::new(crate::testing::sweep(8, &doc.config, &doc.sweep.request(), 8));
    hear(&mut doc, Slot::Sweep, News::Sweep(whole));
    assert!(!doc.sweep.is_running() && doc.sweep.result().is_some());
    let data = crate::testing::data(&crate::worker::DataChoice::Sample);
    hear(&mut doc, Slot::Data, News::Data(Arc::new(data)));
    assert!(doc.sweep.result().is_none());
}

#[test]
fn the_target_says_which_part_the_keys_set() {
    let mut doc = document(8);
    select(&mut doc, &["conv1"]);
    act(&mut doc, Action::Target(Part::Activations));
    act(&mut doc, Action::Bits(16));
    let own = &doc.config.layers["conv1"];
    assert_eq!((own.weight_bits, own.activation_bits), (None, Some(Bits::Int(16))));
}

#[test]
fn what_cannot_take_effect_is_refused_with_the_reason_and_no_step() {
    let mut doc = document(4);
    run(&mut doc, Command::SetBits { layers: vec!["input".into()], part: Part::Weights, bits: Bits::Int(4) });
    assert_eq!(doc.history.depth(), 0);
    assert_eq!(doc.notices.last().unwrap().text, "Not changed: input has no weights");
    let layers = vec!["input".into(), "conv1".into()];
    run(&mut doc, Command::SetGranularity { layers, granularity: Granularity::PerChannel });
    assert!(doc.notices.last().unwrap().text.starts_with("1 of 2 layers keep their format"));
    assert!(doc.config.layers.contains_key("conv1") && !doc.config.layers.contains_key("input"));
}

#[test]
fn layers_that_cannot_have_groups_keep_their_scales_in_a_mixed_selection() {
    let mut doc = document(4);
    let mut model = crate::testing::model(4);
    model.layers[1].weight_axes.inputs = vec![64];
    model.layers[2].weight_axes.inputs = vec![40];
    doc.model = Some(Arc::new(model));
    let groups = |layers: &[&str]| Command::SetGranularity {
        layers: layers.iter().map(|name| (*name).to_owned()).collect(),
        granularity: Granularity::PerGroup(32),
    };
    run(&mut doc, groups(&["conv1", "conv2"]));
    assert_eq!(doc.config.layers.keys().collect::<Vec<_>>(), ["conv1"]);
    let notice = doc.notices.last().unwrap();
    assert!(notice.text.starts_with("1 of 2 layers keep their format: per-group-32 of conv2: "), "{}", notice.text);
    assert!(notice.details.contains("divides by 32"), "{}", notice.details);
    // Alone it is refused at once, as is whoever uses its weight.
    assert!(run(&mut doc, groups(&["conv2"])).is_empty());
    assert!(doc.notices.last().unwrap().text.starts_with("Not changed: per-group-32 of conv2"));
    let mut model = quantlens_analysis::report::ModelInfo::clone(doc.model.as_ref().unwrap());
    model.layers[1].shares_weight_with = vec!["conv1".into(), "conv2".into()];
    doc.model = Some(Arc::new(model));
    doc.config = Arc::default();
    assert!(run(&mut doc, groups(&["conv1"])).is_empty());
}

#[test]
fn a_shared_format_is_written_to_its_owner() {
    let mut doc = document(4);
    let mut model = crate::testing::model(4);
    model.layers[2].shares_activation_with = vec!["conv1".into(), "conv2".into()];
    doc.model = Some(Arc::new(model));
    run(&mut doc, Command::SetBits { layers: vec!["conv2".into()], part: Part::Activations, bits: Bits::Int(16) });
    assert_eq!(doc.config.layers.keys().collect::<Vec<_>>(), ["conv1"]);
}

#[test]
fn space_toggles_to_float_and_back_to_what_it_was() {
    let mut doc = document(4);
    select(&mut doc, &["conv1"]);
    act(&mut doc, Action::Bits(4));
    act(&mut doc, Action::ToggleFloat);
    assert_eq!(weight_bits(&doc, "conv1"), Some(Bits::Float));
    act(&mut doc, Action::ToggleFloat);
    assert_eq!(weight_bits(&doc, "conv1"), Some(Bits::Int(4)));
}

#[test]
fn paused_edits_collect_and_are_evaluated_together() {
    let mut doc = document(4);
    select(&mut doc, &["conv1"]);
    act(&mut doc, Action::ToggleLive);
    assert!(act(&mut doc, Action::Bits(4)).is_empty());
    assert!(act(&mut doc, Action::Bits(5)).is_empty());
    assert_eq!(Action::ToggleLive.title_now(&doc), "Apply 2 edits");
    assert_eq!(act(&mut doc, Action::ToggleLive).len(), 1);
    assert_eq!(doc.edits_waiting, 0);
}

#[test]
fn a_refused_configuration_is_taken_back() {
    let mut doc = document(4);
    select(&mut doc, &["conv1"]);
    act(&mut doc, Action::Bits(4));
    act(&mut doc, Action::Bits(3));
    let trouble = Trouble { what: "conv1: no".into(), details: "".into(), kind: TroubleKind::Refused };
    hear(&mut doc, Slot::Evaluate, News::Failed(trouble));
    assert!(doc.config.layers.is_empty() && doc.failure.is_none());
    assert_eq!(doc.notices.last().unwrap().text, "Not changed: conv1: no");
}

#[test]
fn a_failure_keeps_the_last_numbers_and_offers_the_same_again() {
    let mut doc = document(4);
    let trouble = Trouble { what: "node x".into(), details: "why".into(), kind: TroubleKind::Other };
    hear(&mut doc, Slot::Evaluate, News::Failed(trouble));
    assert!(doc.report.value.is_some());
    let effects = run(&mut doc, Command::Retry);
    assert!(matches!(effects.as_slice(), [Effect::Start(Request::Evaluate { .. })]));
    assert!(doc.failure.is_none());
}

#[test]
fn rows_do_not_move_while_values_come_in() {
    let mut doc = document(9);
    run(&mut doc, Command::SortBy(Column::Accumulated));
    let order = doc.visible.clone();
    assert_eq!(order.first(), Some(&8), "the worst first");
    let mut better = Report::clone(doc.report.value.as_ref().unwrap());
    better.rows[8].accumulated = crate::testing::errors(90.0);
    hear(&mut doc, Slot::Evaluate, News::Report(Arc::new(better)));
    assert_eq!((doc.visible.clone(), doc.order.stale), (order, true));
    run(&mut doc, Command::Resort);
    assert_eq!((doc.visible.last(), doc.order.stale), (Some(&8), false));
}

#[test]
fn escape_takes_away_one_thing_a_press() {
    let mut doc = document(4);
    select(&mut doc, &["conv1"]);
    run(&mut doc, Command::SetFilter("conv".into()));
    doc.job = Some(JobStatus {
        stage: "".into(),
        done: 0,
        total: None,
        unit: "".into(),
        seconds_left: None,
        cancellable: true,
    });
    doc.dialog = Some(Dialog::Shortcuts);
    act(&mut doc, Action::Escape);
    assert!(doc.dialog.is_none() && !doc.filter.text.is_empty());
    assert_eq!(act(&mut doc, Action::Escape), [Effect::CancelJobs]);
    act(&mut doc, Action::Escape);
    assert!(doc.filter.text.is_empty() && !doc.selection.selected.is_empty());
    act(&mut doc, Action::Escape);
    assert!(doc.selection.selected.is_empty());
}

#[test]
fn stepping_follows_the_rows_on_screen() {
    let mut doc = document(4);
    act(&mut doc, Action::NextLayer);
    act(&mut doc, Action::NextLayer);
    assert_eq!(doc.selection.anchor.as_deref(), Some("conv1"));
    act(&mut doc, Action::ExtendDown);
    assert_eq!(doc.selected_names(), ["conv1", "conv2"]);
    for _ in 0..9 {
        act(&mut doc, Action::NextLayer);
    }
    assert_eq!(doc.selection.anchor.as_deref(), Some("conv3"), "stops at the end");
    act(&mut doc, Action::NextBetter);
    assert_eq!(doc.selection.anchor.as_deref(), Some("conv2"));
}

#[test]
fn another_layers_pages_are_never_shown_under_this_ones_name() {
    let mut doc = document(4);
    run(&mut doc, Command::ShowPage(Page::Histogram));
    select(&mut doc, &["conv1"]);
    hear(&mut doc, Slot::Detail, News::Detail(Arc::new(crate::testing::detail("conv1"))));
    assert!(doc.detail.value.is_some());
    select(&mut doc, &["conv2"]);
    assert!(doc.detail.value.is_none() && doc.detail.pending_since.is_some());
    hear(&mut doc, Slot::Detail, News::Detail(Arc::new(crate::testing::detail("conv1"))));
    assert!(doc.detail.value.is_none());
}

#[test]
fn opening_forgets_the_old_model() {
    let mut doc = document(6);
    select(&mut doc, &["conv5"]);
    act(&mut doc, Action::Bits(4));
    act(&mut doc, Action::PinBaseline);
    run(&mut doc, Command::OpenModel("b/other.onnx".into()));
    let effects = hear(&mut doc, Slot::Open, News::Opened(Arc::new(crate::testing::model(3))));
    assert!(matches!(effects.as_slice(), [Effect::Start(Request::Evaluate { weight_only: true, .. })]), "{effects:?}");
    assert_eq!((doc.history.depth(), doc.visible.len(), doc.selection.selected.len()), (0, 3, 0));
    assert!(doc.pinned.is_none() && doc.config.layers.is_empty() && doc.report.value.is_none());
    assert_eq!(doc.recent, [PathBuf::from("b/other.onnx")]);
}

#[test]
fn in_a_narrow_window_panels_are_drawers() {
    let mut doc = document(3);
    doc.pages.narrow = crate::document::Narrow::at(800.0);
    act(&mut doc, Action::Toggle(PanelId::List));
    assert!(doc.pages.list && doc.pages.drawer == Some(crate::document::Drawer::List));
    act(&mut doc, Action::Escape);
    assert_eq!(doc.pages.drawer, None);
}

#[test]
fn unsaved_edits_ask_before_closing() {
    let mut doc = document(3);
    assert_eq!(act(&mut doc, Action::Quit), [Effect::Close]);
    select(&mut doc, &["conv1"]);
    act(&mut doc, Action::Float);
    assert!(act(&mut doc, Action::Quit).is_empty());
    assert_eq!(doc.dialog, Some(Dialog::ConfirmClose));
    assert!(run(&mut doc, Command::CloseAnswer(CloseAnswer::Stay)).is_empty());
    assert_eq!(run(&mut doc, Command::CloseAnswer(CloseAnswer::Discard)), [Effect::Close]);
    let ask = Effect::Ask(Ask::SaveConfig { then_close: true });
    assert_eq!(run(&mut doc, Command::CloseAnswer(CloseAnswer::Save)), [ask]);
}

#[test]
fn every_action_either_does_something_or_says_why_not() {
    for action in Action::every() {
        for mut doc in [Document::new(), document(5)] {
            doc.recent = vec!["a.onnx".into()];
            select(&mut doc, &["conv1", "conv2"]);
            let (before, notices) = (format!("{doc:?}"), doc.notices.len());
            let effects = act(&mut doc, action);
            let is_refused = action.refusal(&doc).is_some();
            let changed = format!("{doc:?}") != before || !effects.is_empty();
            assert!(changed || is_refused || is_already_so(action, &doc), "{action:?} did nothing");
            if is_refused && effects.is_empty() {
                assert!(doc.notices.len() > notices || changed, "{action:?} kept silent");
            }
        }
    }
}

/// Actions that find their goal reached.
fn is_already_so(action: Action, doc: &Document) -> bool {
    let nothing_own = matches!(action, Action::ResetSelected);
    action.is_checked(doc) == Some(true) || nothing_own || matches!(action, Action::Escape)
}

#[test]
fn time_left_is_told_from_the_pace() {
    let mut doc = document(3);
    doc.now = 100.0;
    started(&mut doc, &Request::Recipes);
    doc.now = 102.0;
    let progress =
        |done| quantlens_analysis::job::Progress { stage: "trying recipes", done, total: Some(8), unit: "runs" };
    hear(&mut doc, Slot::Recipes, News::Progress(progress(2)));
    // 2 of 8 in 2 s: 6 more at 1 s each.
    assert_eq!(doc.job.as_ref().unwrap().seconds_left, Some(6.0));
    doc.now = 100.2;
    hear(&mut doc, Slot::Recipes, News::Progress(progress(2)));
    assert_eq!(doc.job.as_ref().unwrap().seconds_left, None, "too early to tell");
    assert_eq!(doc.pages.page, Page::Table);
}

#[test]
fn a_layers_pages_are_fetched_when_they_are_on_screen_and_once_a_configuration() {
    let mut doc = document(4);
    select(&mut doc, &["conv1"]);
    assert!(doc.detail.pending_since.is_none(), "the table shows nothing of it");
    let effects = act(&mut doc, Action::ShowPage(Page::Channels));
    assert!(matches!(effects.as_slice(), [Effect::Start(Request::Detail { .. })]), "{effects:?}");
    assert!(act(&mut doc, Action::ShowPage(Page::Histogram)).is_empty(), "already on its way");
    hear(&mut doc, Slot::Detail, News::Detail(Arc::new(crate::testing::detail("conv1"))));
    act(&mut doc, Action::Bits(4));
    // The live samples are enough; the whole result changes nothing about it.
    let config = Arc::clone(&doc.config);
    let report = |samples| News::Stage(Arc::new(Report { samples, ..crate::testing::report_of(4, &config) }));
    let (one, live, all) = (report(1), report(8), report(32));
    assert!(hear(&mut doc, Slot::Evaluate, one).is_empty());
    assert_eq!(hear(&mut doc, Slot::Evaluate, live).len(), 1);
    // The evaluation made way for the detail and begins again: nobody sees that.
    hear(&mut doc, Slot::Evaluate, report(1));
    assert_eq!(doc.report.value.as_ref().unwrap().samples, 8);
    assert!(hear(&mut doc, Slot::Evaluate, all).is_empty());
}

#[test]
fn the_arithmetic_page_fetches_its_own_values_and_puts_nothing_aside_for_good() {
    let mut doc = document(4);
    select(&mut doc, &["conv1"]);
    act(&mut doc, Action::ShowPage(Page::Histogram));
    let effects = act(&mut doc, Action::ShowPage(Page::Arithmetic));
    assert!(matches!(effects.as_slice(), [Effect::Start(Request::Arithmetic { .. })]), "{effects:?}");
    assert!(doc.detail.pending_since.is_none(), "both share a slot: the newer request is the one that runs");
    let content = quantlens_analysis::report::ArithmeticContent::NotApplicable("no".into());
    let layer = "conv1".to_owned();
    let found = Arc::new(quantlens_analysis::report::LayerArithmetic { layer, content });
    hear(&mut doc, Slot::Detail, News::Arithmetic(found));
    assert!(doc.arithmetic.value.is_some() && doc.arithmetic.pending_since.is_none());
    let effects = act(&mut doc, Action::ShowPage(Page::Histogram));
    assert!(matches!(effects.as_slice(), [Effect::Start(Request::Detail { .. })]), "asked for again: {effects:?}");
    assert!(act(&mut doc, Action::ShowPage(Page::Table)).is_empty());
    // Another layer: its own, or none.
    act(&mut doc, Action::ShowPage(Page::Arithmetic));
    select(&mut doc, &["conv2"]);
    assert!(doc.arithmetic.value.is_none() && doc.arithmetic.pending_since.is_some());
}

#[test]
fn two_layer_pages_are_fetched_one_after_the_other() {
    let mut doc = document(4);
    doc.pages.page = Page::Histogram;
    doc.pages.beside = Some(crate::document::Beside { page: Page::Errors, is_left: false, share: 0.5 });
    let effects = crate::testing::apply(&mut doc, Command::SelectMany(vec!["conv1".to_owned()]));
    assert!(matches!(effects.as_slice(), [Effect::Start(Request::Detail { .. })]), "{effects:?}");
    assert!(act(&mut doc, Action::OtherPage).is_empty(), "a slot for both: what runs is not put aside");
    let effects = hear(&mut doc, Slot::Detail, News::Detail(Arc::new(crate::testing::detail("conv1"))));
    assert!(matches!(effects.as_slice(), [Effect::Start(Request::LayerErrors { .. })]), "{effects:?}");
    // Another layer makes both old; the page in use comes first.
    let effects = crate::testing::apply(&mut doc, Command::SelectMany(vec!["conv2".to_owned()]));
    assert!(matches!(effects.as_slice(), [Effect::Start(Request::LayerErrors { .. })]), "{effects:?}");
    assert!(doc.detail.value.is_none());
}
