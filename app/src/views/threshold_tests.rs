//! Setting a range by hand, with the pointer, with keys and by typing: what is sent, that the numbers follow, that one
//! gesture is one undo step, and that the float32 survives every file.

use egui::{Key, Modifiers, Pos2, Ui, accesskit::Role, vec2};
use egui_kittest::{
    Harness,
    kittest::{NodeT as _, Queryable as _},
};
use quantlens_analysis::{
    calibrate::{Flavour, Method},
    config::{LayerSettings, QuantConfig},
    quant::{Bits, Range, Scheme},
};

use super::{ViewStates, page_fixtures::*};
use crate::{
    action::Action,
    apply::apply,
    command::{Command, Commands, Part},
    document::Document,
    session::Session,
    theme,
};

type View = fn(&mut Ui, &Document, &mut ViewStates, &mut Commands);

const THRESHOLD: View = |ui, doc, s, send| super::threshold::threshold_ui(ui, doc, &mut s.threshold, send);
const HISTOGRAM: View = |ui, doc, s, send| super::histogram::histogram_ui(ui, doc, &mut s.histogram, send);

/// A page whose commands are carried out, as the program does.
struct World {
    doc: Document,
    states: ViewStates,
    sent: Vec<Command>,
}

type Page = Harness<'static, World>;

fn open(view: View, doc: Document) -> Page {
    let app = move |ui: &mut Ui, world: &mut World| {
        let mut send = Commands::default();
        view(ui, &world.doc, &mut world.states, &mut send);
        for command in send.take() {
            apply(&mut world.doc, command.clone(), &mut Vec::new());
            world.sent.push(command);
        }
    };
    let world = World { doc, states: ViewStates::default(), sent: Vec::new() };
    let mut page =
        Harness::builder().with_size([900.0, 1100.0]).with_context_setup(theme::install).build_ui_state(app, world);
    page.run();
    page
}

fn handle(page: &Page, name: &str) -> Pos2 {
    page.get_by_role_and_label(Role::Slider, name).rect().center()
}

/// Whether a text on the page holds this.
fn says(page: &Page, part: &str) -> bool {
    page.query_all_by_label_contains(part).next().is_some()
}

/// The ranges sent, with whether the gesture was over.
fn ranges(page: &Page) -> Vec<(Range, bool)> {
    let of = |command: &Command| match command {
        Command::SetRange { layer, range, done } if layer == LAYER => Some((*range, *done)),
        _ => None,
    };
    page.state().sent.iter().filter_map(of).collect()
}

fn stored(page: &Page) -> Range {
    page.state().doc.config.layers[LAYER].range.unwrap()
}

/// Drags the handle by `dx` points, stopping half way.
fn drag(page: &mut Page, name: &str, dx: f32) {
    let from = handle(page, name);
    page.hover_at(from);
    page.drag_at(from);
    page.run();
    page.hover_at(from + vec2(0.5 * dx, 0.0));
    page.run();
    page.hover_at(from + vec2(dx, 0.0));
    page.run();
    page.drop_at(from + vec2(dx, 0.0));
    page.run();
}

#[test]
fn a_dragged_threshold_is_one_step_and_its_numbers_follow() {
    let mut page = open(THRESHOLD, document(8));
    let begin = page.state().doc.detail.value.as_ref().unwrap().threshold.clone().unwrap().current.clone();
    let from = handle(&page, "Clipping threshold");
    page.hover_at(from);
    page.drag_at(from);
    page.hover_at(from - vec2(60.0, 0.0));
    page.run();
    // Under way: not done, and already weighed.
    let (range, done) = *ranges(&page).last().unwrap();
    assert!(!done && range.high < begin.range.high && range.low == begin.range.low, "{range:?}");
    let weighed = page.state().doc.weighed.clone().unwrap().1;
    assert_eq!((weighed.method, weighed.range), (Method::Manual, range));
    assert!(weighed.effect.unwrap().clipped_share > begin.effect.unwrap().clipped_share);
    assert!(says(&page, "In use: manual, threshold "));
    page.hover_at(from - vec2(120.0, 0.0));
    page.drop_at(from - vec2(120.0, 0.0));
    page.run();
    let all = ranges(&page);
    assert!(all.last().unwrap().1 && all.iter().filter(|(_, done)| *done).count() == 1, "{all:?}");
    // The line stands where the pointer left it, whatever was caught of the handle.
    assert!((handle(&page, "Clipping threshold").x - (from.x - 120.0)).abs() < 1.0);

    let doc = &page.state().doc;
    assert_eq!((doc.history.depth(), doc.history.undo_label()), (1, Some(&*format!("set the range of {LAYER}"))));
    let set = stored(&page);
    assert_eq!(set, all.last().unwrap().0);
    let again = QuantConfig::from_json(&doc.config.to_json(), "test").unwrap().layers[LAYER].range.unwrap();
    assert_eq!(again.high.to_bits(), set.high.to_bits());
    let session = serde_json::to_string(&Session::of(doc, false)).unwrap();
    let session: Session = serde_json::from_str(&session).unwrap();
    let kept = session.unsaved.unwrap().read().unwrap();
    assert_eq!(kept.layers[LAYER].range.unwrap().high.to_bits(), set.high.to_bits());

    let doc = &mut page.state_mut().doc;
    apply(doc, Command::Run(Action::Undo), &mut Vec::new());
    assert_eq!((doc.config.layers.get(LAYER), &doc.weighed), (None, &None));
    apply(doc, Command::Run(Action::Redo), &mut Vec::new());
    assert_eq!(stored(&page).high.to_bits(), set.high.to_bits());
}

#[test]
fn of_two_handles_one_moves() {
    let mut page = open(THRESHOLD, document(8));
    page.state_mut().states.threshold.curve = Some(Method::Mse);
    page.run();
    drag(&mut page, "Lower end", 40.0);
    let low = stored(&page);
    assert!(low.low > -2.1 && low.high.to_bits() == 3.808_593_8_f32.to_bits(), "{low:?}");
    drag(&mut page, "Upper end", -40.0);
    let both = stored(&page);
    assert!(both.low.to_bits() == low.low.to_bits() && both.high < low.high, "{both:?}");
    assert_eq!(page.state().doc.history.depth(), 2);
}

#[test]
fn a_handle_stops_at_what_was_observed() {
    let mut page = open(THRESHOLD, document(8));
    drag(&mut page, "Clipping threshold", 900.0);
    assert_eq!(stored(&page), Range::new(-2.1, 6.0));
}

#[test]
fn keys_move_a_handle_by_bins() {
    let mut page = open(THRESHOLD, document(8));
    let bin = page.state().doc.detail.value.as_ref().unwrap().threshold.as_ref().unwrap().bin_width;
    page.get_by_role_and_label(Role::Slider, "Clipping threshold").focus();
    page.run();
    page.key_press(Key::ArrowLeft);
    page.run();
    let one = 3.808_593_8 - bin;
    assert_eq!(stored(&page).high.to_bits(), one.to_bits());
    page.key_press_modifiers(Modifiers::SHIFT, Key::ArrowRight);
    page.run();
    assert_eq!(stored(&page).high.to_bits(), (one + 16.0 * bin).to_bits());
    page.key_press(Key::End);
    page.run();
    assert_eq!(stored(&page), Range::new(-2.1, 6.0));
    page.key_press(Key::Home);
    page.run();
    assert_eq!(stored(&page).amax().to_bits(), bin.to_bits());
    assert_eq!(page.state().doc.history.depth(), 4, "each press is a step");
    // Held down, it is one.
    for _ in 0..5 {
        page.key_down(Key::ArrowRight);
        page.run();
    }
    page.key_up(Key::ArrowRight);
    page.run();
    assert_eq!(page.state().doc.history.depth(), 5);
    assert!(ranges(&page).last().unwrap().1);
}

#[test]
fn the_histogram_has_the_same_handles_and_its_shade_follows() {
    let mut page = open(HISTOGRAM, document(8));
    assert!(says(&page, "clips 0.31 % of values"));
    drag(&mut page, "Upper end", -100.0);
    let set = stored(&page);
    assert!(set.high < 3.0 && set.low == -2.1, "{set:?}");
    assert!(says(&page, "8 bits, manual"));
    assert!(!says(&page, "clips 0.31 % of values"), "the histogram tells it at once");
    let figure = super::histogram::histogram_figure(&page.state().doc, &page.state().states.histogram).unwrap();
    let clipped = figure.spans.iter().find(|span| span.low > 0.0).unwrap();
    assert!((clipped.low - f64::from(set.high)).abs() < 0.05, "{clipped:?}");
    // On weights there is nothing to drag.
    page.get_by_label("Weights").click();
    page.run();
    assert!(page.query_by_label("Upper end").is_none());
}

#[test]
fn a_symmetric_grid_has_one_threshold_on_both_sides() {
    let mut doc = document(8);
    let mut detail = (**doc.detail.value.as_ref().unwrap()).clone();
    detail.threshold = Some(std::sync::Arc::new(threshold(Scheme::Symmetric)));
    doc.detail.set(std::sync::Arc::new(detail));
    let mut page = open(HISTOGRAM, doc);
    assert!(page.query_by_label("Lower end").is_none(), "nothing is clipped below: the data end before");
    drag(&mut page, "Upper end", -200.0);
    let set = stored(&page);
    assert!(set.high < 2.1 && set.low == -set.high, "{set:?}");
    drag(&mut page, "Lower end", 20.0);
    assert!(stored(&page).high < set.high);
}

#[test]
fn a_range_is_typed_to_the_last_bit() {
    let mut page = open(THRESHOLD, document(8));
    for (field, text) in [("High", "7.300000191"), ("Low", "−1.0625")] {
        page.get_by_role_and_label(Role::TextInput, field).focus();
        page.run();
        page.key_press_modifiers(Modifiers::COMMAND, Key::A);
        page.get_by_role_and_label(Role::TextInput, field).type_text(text);
        page.run();
        page.key_press(Key::Enter);
        page.run();
    }
    assert_eq!(stored(&page), Range::new(-1.0625, 7.3));
    assert_eq!(page.state().doc.history.depth(), 2);
}

#[test]
fn a_row_puts_its_method_in_use_and_the_page_shows_it_at_once() {
    let mut page = open(THRESHOLD, document(8));
    let row = |page: &Page, begin: &str| {
        let begin = begin.to_owned();
        page.get_by(move |node| node.role() == Role::Row && node.label().is_some_and(|l| l.starts_with(&begin)))
            .accesskit_node()
            .label()
    };
    assert!(row(&page, "KL, in use").unwrap().contains("SQNR"));
    let name = row(&page, "TensorRT-style entropy").unwrap();
    page.get_by_label(&name).click();
    page.run();
    let method = Method::Flavour(Flavour::TensorRt);
    assert_eq!(page.state().sent, [Command::SetMethod { layers: vec![LAYER.to_owned()], method }]);
    row(&page, "TensorRT-style entropy, in use");
    page.get_by_label_contains("How it differs: KL on |r| with 128 levels");
    page.get_by_label("Copy table").click();
    page.run();
    let Some(Command::Copy(text)) = page.state().sent.last() else { panic!("{:?}", page.state().sent) };
    assert!(text.starts_with("method\tlow") && text.lines().nth(1).unwrap().starts_with("tensorrt\t"));
}

#[test]
fn the_percentile_is_typed_and_manual_begins_with_the_range_of_now() {
    let mut page = open(THRESHOLD, document(8));
    page.get_by_label("Percentile in per cent").focus();
    page.run();
    page.key_press_modifiers(Modifiers::COMMAND, Key::A);
    page.get_by_label("Percentile in per cent").type_text("99.5");
    page.run();
    page.key_press(Key::Enter);
    page.run();
    let own = &page.state().doc.config.layers[LAYER];
    let wanted = LayerSettings { method: Some(Method::Percentile), percentile: Some(99.5), ..LayerSettings::default() };
    assert_eq!(*own, wanted);
    page.get_by_label("Use manual").click();
    page.run();
    assert_eq!(page.state().doc.config.layers[LAYER].method, Some(Method::Manual));
    assert!(stored(&page).high < 6.1);
}

#[test]
fn why_this_and_not_tensorrts_is_answered_with_numbers() {
    let mut page = open(THRESHOLD, document(8));
    let answer = page.get_by_label_contains("TensorRT-style entropy keeps").accesskit_node().value().unwrap();
    for part in ["KL keeps |r| ≤ 3.81, where its cost is lowest: ", " nats, against ", "128 levels", "There ", " dB."]
    {
        assert!(answer.contains(part), "{part} is missing: {answer}");
    }
    page.state_mut().states.threshold.against = Some(Method::MinMax);
    page.run();
    page.get_by_label_contains("Min–max keeps −2.10 … 6.00, every value observed.");
}

#[test]
fn a_fixed_range_says_why_there_is_nothing_to_choose() {
    let mut doc = document(8);
    let mut detail = (**doc.detail.value.as_ref().unwrap()).clone();
    detail.threshold = None;
    detail.threshold_note = Some("the range is fixed".into());
    doc.detail.set(std::sync::Arc::new(detail));
    let page = open(THRESHOLD, doc);
    page.get_by_label(&format!("{LAYER} has no threshold to choose"));
    page.get_by_label("The range is fixed");
}

#[test]
fn an_edit_of_the_weights_keeps_the_end_just_set() {
    let mut page = open(THRESHOLD, document(8));
    page.state_mut().doc.live = false;
    page.state_mut().states.threshold.curve = Some(Method::Mse);
    page.run();
    drag(&mut page, "Upper end", -40.0);
    let first = stored(&page);
    let weights = |bits| Command::SetBits { layers: vec![LAYER.to_owned()], part: Part::Weights, bits };
    apply(&mut page.state_mut().doc, weights(Bits::Int(4)), &mut Vec::new());
    page.run();
    drag(&mut page, "Lower end", 40.0);
    let both = stored(&page);
    assert!(both.high.to_bits() == first.high.to_bits() && both.low > first.low, "{both:?}");
    // What sets the range otherwise ends it.
    let method = Command::SetFormat {
        layers: vec![LAYER.to_owned()],
        settings: LayerSettings { method: Some(Method::Mse), ..LayerSettings::default() },
        label: "".into(),
    };
    apply(&mut page.state_mut().doc, method, &mut Vec::new());
    assert_eq!(page.state().doc.weighed, None);
}

#[test]
fn an_end_whose_other_end_is_0_stops_a_step_before_it() {
    let mut doc = document(8);
    let mut detail = (**doc.detail.value.as_ref().unwrap()).clone();
    let values: Vec<f32> = (0..6000_u16).map(|i| f32::from(i) / 1000.0).collect();
    let threshold = crate::testing::threshold_of(LAYER, &values, Scheme::Affine, Method::MinMax);
    let bin = threshold.bin_width;
    detail.threshold = Some(std::sync::Arc::new(threshold));
    doc.detail.set(std::sync::Arc::new(detail));
    let mut page = open(HISTOGRAM, doc);
    page.get_by_role_and_label(Role::Slider, "Upper end").focus();
    page.run();
    page.key_press(Key::Home);
    page.run();
    assert_eq!(stored(&page), Range::new(0.0, bin));
}

#[test]
fn a_note_of_the_targets_own_method_is_shown() {
    let mut doc = document(8);
    let target = quantlens_analysis::target::Target::builtin("tensorrt").unwrap();
    assert_eq!(target.method, Method::Kl);
    let mut detail = (**doc.detail.value.as_ref().unwrap()).clone();
    let mut threshold = threshold(Scheme::Affine);
    let kl = threshold.choices.iter_mut().find(|choice| choice.method == Method::Kl).unwrap();
    kl.note = Some("too few values: min–max instead".into());
    detail.threshold = Some(std::sync::Arc::new(threshold));
    doc.detail.set(std::sync::Arc::new(detail));
    let mut page = open(THRESHOLD, doc);
    assert!(!says(&page, "Too few values"));
    apply(&mut page.state_mut().doc, Command::SetTarget("tensorrt".into()), &mut Vec::new());
    page.run();
    assert!(says(&page, "Too few values"));
}
