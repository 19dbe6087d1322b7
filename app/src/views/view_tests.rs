//! The views drawn in a harness on a report that no engine made: what they say to a screen reader, which command each
//! control sends, and how long a frame of a large model takes.

use egui::{Modifiers, Panel, Theme, ViewportId};
use egui_kittest::{Harness, kittest::Queryable as _};
use quantlens_analysis::quant::Bits;

use super::*;
use crate::{
    apply::apply,
    command::{Command, Commands, Part},
    document::Document,
    rows::Column,
    selection::SelectMode,
};

/// A window of the views alone: commands are applied as the program does, and kept.
pub(super) struct World {
    pub(super) doc: Document,
    pub(super) states: ViewStates,
    pub(super) sent: Vec<Command>,
}

fn window(ui: &mut egui::Ui, world: &mut World) {
    let World { doc, states, sent } = world;
    let mut send = Commands::default();
    let width = ui.available_width();
    Panel::top("scoreboard").show(ui, |ui| {
        scoreboard::scoreboard_ui(ui, doc, &mut states.scoreboard, &mut send);
    });
    Panel::top("drift").exact_size(130.0).show(ui, |ui| drift::drift_ui(ui, doc, &mut states.drift, &mut send));
    if width >= 900.0 {
        Panel::left("list").exact_size(250.0).show(ui, |ui| {
            layer_list::layer_list_ui(ui, doc, &mut states.layer_list, &mut send);
        });
    }
    if width >= 1100.0 {
        Panel::right("inspector").exact_size(310.0).show(ui, |ui| {
            inspector::inspector_ui(ui, doc, &mut states.inspector, &mut send);
        });
    }
    egui::CentralPanel::default().show(ui, |ui| {
        layer_table::layer_table_ui(ui, doc, &mut states.layer_table, &mut send);
    });
    for command in send.take() {
        apply(doc, command.clone(), &mut Vec::new());
        if !matches!(command, Command::Hover(_)) {
            sent.push(command);
        }
    }
}

pub(super) fn open(doc: Document, size: [f32; 2]) -> Harness<'static, World> {
    let world = World { doc, states: ViewStates::default(), sent: Vec::new() };
    let mut harness = Harness::builder()
        .with_size(size)
        .with_theme(Theme::Dark)
        .with_context_setup(crate::theme::install)
        .build_ui_state(window, world);
    harness.run();
    harness
}

pub(super) fn sample() -> Document {
    fixtures::document(fixtures::report())
}

pub(super) fn last(harness: &Harness<'_, World>) -> Command {
    harness.state().sent.last().cloned().unwrap()
}

pub(super) fn row<'a>(harness: &'a Harness<'_, World>, name: &str) -> egui_kittest::Node<'a> {
    let begin = format!("{name}, ");
    harness.get_by(move |node| {
        node.role() == egui::Role::Row && node.label().is_some_and(|label| label.starts_with(&begin))
    })
}

#[test]
fn a_click_selects_ctrl_adds_and_shift_takes_the_range_on_screen() {
    let mut harness = open(sample(), [1440.0, 900.0]);
    row(&harness, "block2/add").click();
    harness.run();
    let select = |mode, layer: &str| Command::Select { layer: layer.into(), mode, reveal: true };
    assert_eq!(last(&harness), select(SelectMode::Replace, "block2/add"));
    row(&harness, "pool").click_modifiers(Modifiers::COMMAND);
    harness.run();
    assert_eq!(last(&harness), select(SelectMode::Toggle, "pool"));
    assert_eq!(harness.state().doc.selected_names(), ["block2/add", "pool"]);
    row(&harness, "block4/add").click_modifiers(Modifiers::SHIFT);
    harness.run();
    assert_eq!(last(&harness), select(SelectMode::Extend, "block4/add"));
    assert_eq!(harness.state().doc.selected_names(), ["pool", "block4/depthwise", "block4/pointwise", "block4/add"]);
    harness.get_by_label("4 layers selected");
}

#[test]
fn a_format_is_edited_in_its_cell_for_all_selected_rows() {
    let mut doc = sample();
    doc.selection.replace(["stem/conv".to_owned(), "block1/pointwise".to_owned(), "block2/add".to_owned()]);
    // Without the inspector, which has buttons for the same edit.
    let mut harness = open(doc, [1000.0, 800.0]);
    harness.get_by_label("stem/conv weights: 8 bits").click();
    harness.run();
    harness.get_by_label("3 layers, weights: 4 bits").click();
    harness.run();
    let layers = vec!["stem/conv".to_owned(), "block1/pointwise".to_owned(), "block2/add".to_owned()];
    assert_eq!(last(&harness), Command::SetBits { layers, part: Part::Weights, bits: Bits::Int(4) });
    assert!(harness.query_by_label("3 layers, weights: 4 bits").is_none(), "the popup closes with the choice");
    assert_eq!(harness.state().doc.history.depth(), 1, "one undo step");
}

#[test]
fn a_format_that_cannot_be_set_offers_nothing_and_a_shared_one_names_its_group() {
    let mut harness = open(sample(), [1000.0, 800.0]);
    assert!(harness.query_by_label_contains("head/softmax output:").is_none());
    assert!(harness.query_by_label_contains("block2/add weights:").is_none());
    harness.get_by_label("pool output: 8 bits").click();
    harness.run();
    harness.get_by_label("Also changes 1 layer: block3/pointwise");
    harness.get_by_label("pool output: 16 bits").click();
    harness.run();
    let layers = vec!["pool".to_owned()];
    assert_eq!(last(&harness), Command::SetBits { layers, part: Part::Activations, bits: Bits::Int(16) });
}

#[test]
fn a_header_sorts_reverses_and_returns_to_graph_order() {
    let mut harness = open(sample(), [1440.0, 900.0]);
    let first = |harness: &Harness<'_, World>| {
        let doc = &harness.state().doc;
        doc.layers()[doc.visible[0]].name.clone()
    };
    for expected in ["head/fc", "head/softmax", "image"] {
        harness.get_by_label("Sort by Accumulated SQNR").click();
        harness.run();
        assert_eq!(last(&harness), Command::SortBy(Column::Accumulated));
        // Second click: reversed, so that the layer without trouble comes first.
        if expected != "head/softmax" {
            assert_eq!(first(&harness), expected);
        }
    }
}

#[test]
fn a_filter_that_hides_everything_says_so_and_can_be_cleared() {
    let mut doc = sample();
    apply(&mut doc, Command::SetFilter("op:Gemm sqnr>90".into()), &mut Vec::new());
    let mut harness = open(doc, [1000.0, 800.0]);
    harness.get_all_by_label("No layer matches op:Gemm sqnr>90").next().unwrap();
    harness.get_by_label("Show all layers").click();
    harness.run();
    assert_eq!(last(&harness), Command::SetFilter(String::new()));
    assert_eq!(harness.state().doc.visible.len(), 20);
}

#[test]
fn a_wrong_filter_keeps_the_rows_and_says_what_is_wrong() {
    let mut doc = sample();
    apply(&mut doc, Command::SetFilter("op:add".into()), &mut Vec::new());
    apply(&mut doc, Command::SetFilter("op:add sqnr<".into()), &mut Vec::new());
    let harness = open(doc, [1000.0, 800.0]);
    harness.get_by_label_contains("needs a number");
    assert_eq!(harness.state().doc.visible.len(), 2);
}

#[test]
fn with_nothing_selected_the_suspects_are_one_click_away() {
    let mut harness = open(sample(), [1440.0, 900.0]);
    harness.get_by_label("Suspect block2/depthwise, 7.9 dB local").click();
    harness.run();
    assert_eq!(harness.state().doc.selected_names(), ["block2/depthwise"]);
    let mut harness = open(sample(), [1440.0, 900.0]);
    harness.get_by_label("10 to 20 dB: 2 layers").click();
    harness.run();
    assert_eq!(harness.state().doc.visible.len(), 2);
}

#[test]
fn the_strip_says_its_sentence_and_a_click_selects_the_nearest_layer() {
    let mut harness = open(sample(), [1440.0, 900.0]);
    let strip = harness.get_by_label("Drift. Worst: head/fc at −0.2 dB; 16 of 20 layers under 20 dB");
    let rect = strip.rect();
    // 20 layers and 0.6 of a layer at either end are 20.2 wide (−0.6 to 19.6); layer 4 is 4.6 from the left.
    let at = egui::pos2(rect.left() + rect.width() * 4.6 / 20.2, rect.center().y);
    harness.hover_at(at);
    harness.run();
    assert_eq!(harness.state().doc.selection.hovered.as_deref(), Some("block2/depthwise"));
    harness.drag_at(at);
    harness.drop_at(at);
    harness.run();
    assert_eq!(harness.state().doc.selected_names(), ["block2/depthwise"]);
    harness.remove_cursor();
    harness.run();
    assert_eq!(harness.state().doc.selection.hovered, None, "hover ends with the pointer");
}

#[test]
fn a_drag_over_the_strip_brushes_and_a_double_click_ends_it() {
    let mut harness = open(sample(), [1440.0, 900.0]);
    let rect = harness.get_by_label("Drift. Worst: head/fc at −0.2 dB; 16 of 20 layers under 20 dB").rect();
    let at = |layer: f32| egui::pos2(rect.left() + rect.width() * (layer + 0.6) / 20.2, rect.center().y);
    harness.hover_at(at(4.0));
    harness.drag_at(at(4.0));
    harness.run();
    harness.hover_at(at(9.0));
    harness.run();
    harness.drop_at(at(9.0));
    harness.run();
    let doc = &harness.state().doc;
    assert_eq!((doc.filter.text.as_str(), doc.visible.clone()), ("at:4..9", (4..=9).collect::<Vec<_>>()));
    assert!(doc.selected_names().is_empty(), "a brush is a filter, not a selection");
    let button = |pressed| egui::Event::PointerButton {
        pos: at(5.0),
        button: egui::PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    };
    harness.hover_at(at(5.0));
    harness.run();
    // In one frame: a frame of the harness lasts longer than a double click may.
    harness.input_mut().events.extend([button(true), button(false), button(true), button(false)]);
    harness.run();
    assert_eq!(harness.state().doc.filter.text, "");
}

#[test]
fn a_selection_made_elsewhere_is_scrolled_to() {
    let mut harness = open(fixtures::document(fixtures::large(5000)), [1440.0, 900.0]);
    let name = "encoder/layer.600/3";
    let begin = format!("{name}, ");
    assert!(harness.query_by_label_contains(&begin).is_none());
    let select = Command::Select { layer: name.into(), mode: SelectMode::Replace, reveal: true };
    apply(&mut harness.state_mut().doc, select, &mut Vec::new());
    harness.run();
    // In the table and in the list.
    assert_eq!(harness.query_all_by_label_contains(&begin).count(), 2);
}

#[test]
fn a_window_with_five_thousand_layers_rests_when_nothing_changes() {
    let mut harness = open(fixtures::document(fixtures::large(5000)), [1440.0, 900.0]);
    let delay = |harness: &Harness<'_, World>| harness.output().viewport_output[&ViewportId::ROOT].repaint_delay;
    assert_eq!(delay(&harness), std::time::Duration::MAX);
    harness.hover_at(egui::pos2(500.0, 300.0));
    harness.run();
    assert_eq!(delay(&harness), std::time::Duration::MAX, "after the pointer has moved");
}
