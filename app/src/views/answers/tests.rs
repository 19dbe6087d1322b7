use std::sync::Arc;

use egui::{Key, Role};
use egui_kittest::{
    Harness,
    kittest::{NodeT as _, Queryable as _},
};
use quantlens_analysis::{
    compare::Comparison,
    report::{Answers, FlipKind},
};

use super::*;
use crate::testing::{answers, document, preview};

struct World {
    doc: Document,
    state: AnswersState,
    send: Commands,
}

fn show(doc: Document) -> Harness<'static, World> {
    let world = World { doc, state: AnswersState::default(), send: Commands::default() };
    let mut harness = Harness::builder()
        .with_size([1000.0, 700.0])
        .with_context_setup(theme::install)
        .build_ui_state(|ui, world: &mut World| answers_ui(ui, &world.doc, &mut world.state, &mut world.send), world);
    harness.run();
    harness
}

fn with_answers(answers: Answers) -> Document {
    let mut doc = document(4);
    doc.report.value.as_mut().map(Arc::make_mut).unwrap().answers = Arc::new(answers);
    doc
}

fn cards(harness: &Harness<'static, World>) -> Vec<String> {
    let labels = harness.query_all_by_role(Role::Button).filter_map(|node| node.accesskit_node().label());
    labels.filter(|label| label.contains("float: ")).collect()
}

#[test]
fn flips_are_listed_the_surest_first_and_their_previews_asked_for() {
    let mut harness = show(document(4));
    // Of 32 samples every fifth flips: 0, 5, …, 30; sample 0 is of 99 %, sample 30 of 69 %. Of 10 and 25 the truth is the
    // next class.
    harness.get_by_label("7 of 32 samples are answered differently: 5 broken, 2 mended");
    let cards = cards(&harness);
    assert_eq!(cards.len(), 7);
    assert_eq!(cards[0], "sample 1, float: 0, now: 1, ✗ Broken, truth: 0, float 99 % sure");
    assert_eq!(cards[2], "sample 11, float: 0, now: 1, ✓ Mended, truth: 1, float 89 % sure");
    assert!(harness.state_mut().send.take().contains(&Command::Preview(vec![0, 5, 10, 15, 20, 25, 30])));
    let previews = [0, 5, 10, 15, 20, 25, 30].map(|i| (i, Arc::new(preview(i))));
    harness.state_mut().doc.previews.take(previews.into());
    harness.run();
    assert_eq!(harness.state_mut().send.take(), [], "every preview is there");
}

#[test]
fn a_click_shows_the_sample_alone_and_another_all_of_them() {
    let mut harness = show(document(4));
    harness.state_mut().send.take();
    harness.get_by_label_contains("sample 6, float: 5").click();
    harness.run();
    assert!(harness.state_mut().send.take().contains(&Command::ScopeSample(Some(5))));
    harness.state_mut().doc.scope = Some(5);
    harness.run();
    harness.get_by_label_contains("sample 6, float: 5").focus();
    harness.run();
    harness.key_press(Key::Enter);
    harness.run();
    assert!(harness.state_mut().send.take().contains(&Command::ScopeSample(None)));
}

#[test]
fn kinds_and_the_baseline_narrow_the_list() {
    let mut doc = document(4);
    let was = doc.report.value.clone().unwrap();
    let mut now = answers(32);
    // Sample 0 flips no more, sample 1 does.
    let (zero, one) = (now.samples[0].decision.unwrap(), now.samples[1].decision.unwrap());
    now.samples[0].decision.as_mut().unwrap().quantized = zero.float;
    now.samples[0].decision.as_mut().unwrap().flipped = 0;
    now.samples[1].decision.as_mut().unwrap().quantized = zero.float;
    now.samples[1].decision.as_mut().unwrap().flipped = 1;
    assert_eq!(one.float.class, Some(1));
    let report = doc.report.value.as_mut().map(Arc::make_mut).unwrap();
    report.answers = Arc::new(now);
    doc.pins.comparison = Some(Arc::new(Comparison::of(&was, report)));
    let mut harness = show(doc);
    assert_eq!(cards(&harness)[0], "sample 2, float: 1, now: 0, ✗ Broken, new, truth: 1, float 98 % sure");
    harness.get_by_label("Gone 1").click();
    harness.run();
    assert_eq!(cards(&harness), ["sample 1, float: 0, now: 0, = As float again, truth: 0, float 99 % sure"]);
    harness.get_by_label("Mended 2").click();
    harness.run();
    assert_eq!((cards(&harness).len(), harness.state().state.show), (2, Show::Kind(FlipKind::Mended)));
}

#[test]
fn while_float_is_shown_the_cards_stay_and_say_what_float_says() {
    let mut doc = document(4);
    doc.float_view.held = true;
    let harness = show(doc);
    let cards = cards(&harness);
    assert_eq!((cards.len(), cards[0].as_str()), (7, "sample 1, float: 0, ✓ Right, truth: 0, float 99 % sure"));
}

#[test]
fn what_is_not_there_is_said() {
    let mut alike = answers(32);
    alike.samples.retain(|sample| sample.flip().is_none());
    show(with_answers(alike)).get_by_label("All 25 samples are answered alike");
    show(with_answers(Answers::default())).get_by_label("No answers to compare");
    let mut running = document(4);
    running.report = crate::document::Loaded::default();
    show(running).get_by_label("Running the samples");
    show(Document::new()).get_by_label("No samples yet");
}

#[test]
fn without_classes_the_largest_output_error_leads() {
    let mut answers = answers(32);
    answers.has_classes = false;
    answers.samples.iter_mut().for_each(|sample| sample.decision = None);
    let harness = show(with_answers(answers));
    harness.get_by_label("Output logits: 32 of 32 samples have an error");
    // Noise 32 of 100: 10·log10(100/32) = 4.9 dB.
    harness.get_by_label("sample 32, output 4.9 dB");
}
