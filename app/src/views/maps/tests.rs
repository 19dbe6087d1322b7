use std::sync::Arc;

use egui::Role;
use egui_kittest::{
    Harness,
    kittest::{NodeT as _, Queryable as _},
};

use super::*;
use crate::{testing, views::page_fixtures};

struct World {
    doc: Document,
    state: MapsState,
    send: Commands,
}

fn show(doc: Document) -> Harness<'static, World> {
    let world = World { doc, state: MapsState::default(), send: Commands::default() };
    let mut harness = Harness::builder()
        .with_size([1000.0, 700.0])
        .with_context_setup(theme::install)
        .build_ui_state(|ui, world: &mut World| maps_ui(ui, &world.doc, &mut world.state, &mut world.send), world);
    harness.run();
    harness
}

fn with_maps(maps: FeatureMaps) -> Document {
    let mut doc = testing::document(4);
    doc.selection.replace([maps.layer.clone()]);
    doc.maps.set(Arc::new(maps));
    doc
}

#[test]
fn channels_are_named_with_their_error_the_worst_first() {
    let harness = show(with_maps(testing::maps("conv1", 3)));
    harness.get_by_label("Sample 4 of 32, sample 3");
    harness.get_by_label_contains("dB of 1 × 12 × 16 × 16; 12 channels, largest error first");
    let images: Vec<String> =
        harness.query_all_by_role(Role::Image).filter_map(|node| node.accesskit_node().label()).collect();
    assert!(images.len() >= 6, "{images:?}");
    assert!(images[0].starts_with("channel 11, ") && images[0].ends_with("float, quantized, error"), "{}", images[0]);
}

#[test]
fn the_pointer_reads_both_values_and_the_error() {
    let mut harness = show(with_maps(testing::maps("conv1", 3)));
    let rect = harness.get_by_label_contains("channel 11, ").rect();
    // The first value of the first picture: (0 − 8)·12/8 = −12, and no error where i % 3 is 2 or 0: 2816 % 3 = 2.
    harness.hover_at(rect.left_top() + vec2(2.0, 20.0));
    harness.run();
    harness.get_by_label("channel 11, y 0, x 0");
    harness.get_by_label("−12.00");
    harness.get_by_label("−11.20");
    harness.get_by_label("0.8000");
}

#[test]
fn another_sample_is_a_click_away() {
    let mut harness = show(with_maps(testing::maps("conv1", 3)));
    harness.get_by_label("Next").click();
    harness.run();
    assert_eq!(harness.state_mut().send.take(), [Command::MapsSample(Some(4))]);
    harness.get_by_label("Worst here").click();
    harness.run();
    assert_eq!(harness.state_mut().send.take(), [Command::MapsSample(None)]);
    harness.state_mut().doc.scope = Some(3);
    harness.run();
    assert!(harness.query_by_label("Next").is_none(), "the window's own sample is shown");
}

#[test]
fn rows_of_few_values_are_charts() {
    let none = FeatureMaps::none("fc", 0, "a.png".into(), "");
    let maps = none.with_values("fc_out", vec![1, 4], &[0.0, 1.0, -2.0, 3.0], &[0.0, 1.5, -2.0, 3.0]);
    let harness = show(with_maps(maps));
    // Σf² = 14, Σe² = 0.25: 17.5 dB.
    harness.get_by_label("Values: 17.5 dB, −2.00 … 3.00");
    harness.get_by_label("Errors up to 0.500");
}

#[test]
fn what_is_missing_is_said() {
    let none = FeatureMaps::none("conv1", 0, "a".into(), "its output holds no floating-point values");
    show(with_maps(none)).get_by_label("conv1 has no maps");
    let mut other = with_maps(testing::maps("conv1", 3));
    other.selection.replace(["conv2".to_owned()]);
    other.maps.ask(0.0);
    show(other).get_by_label("Reading conv2");
    let mut nothing = page_fixtures::document(2);
    nothing.selection.clear();
    show(nothing).get_by_label("No layer is selected");
}
