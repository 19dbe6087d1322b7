//! The Sensitivity page of the built-in sample, with the real engine: it finds the layer that breaks the network, and one
//! edit of the worst layers mends it; the sensitivity outlives that edit, the relief does not.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails by panicking")]

use egui::{Key, Role};
use egui_kittest::kittest::Queryable as _;
use quantlens::{action::Action, command::Command, document::Page};
use quantlens_analysis::metrics::Measure;
use quantlens_tests::window::{Window, real, settle};

fn press(window: &mut Window, label: &str) {
    window.get_by_role_and_label(Role::Button, label).click();
    settle(window);
}

fn choose(window: &mut Window, label: &str) {
    // The tab of the page is called as its first question is, and stands before it.
    window.get_all_by_role_and_label(Role::RadioButton, label).last().unwrap().click();
    settle(window);
}

fn output_db(window: &Window) -> f64 {
    match window.state().document().report.value.as_ref().unwrap().score.output_sqnr_db {
        Measure::Value(db) => db,
        other => panic!("{other:?}"),
    }
}

/// The layer that stands first.
fn worst(window: &Window) -> String {
    let sweep = &window.state().document().sweep;
    sweep.result().unwrap().worst_first(sweep.shown_width())[0].name.clone()
}

#[test]
fn the_worst_layer_is_found_set_and_taken_back() {
    let Some(mut window) = real("the_worst_layer_is_found_set_and_taken_back", 1440.0, 900.0) else { return };
    let ctx = window.ctx.clone();
    window.state_mut().apply(&ctx, Command::OpenSample);
    settle(&mut window);
    window.state_mut().apply(&ctx, Command::Tour(None));
    settle(&mut window);
    window.key_press(Key::S);
    settle(&mut window);
    assert_eq!(window.state().document().pages.page, Page::Sensitivity);
    window.get_all_by_role_and_label(Role::Button, "Measure").next().unwrap().click();
    settle(&mut window);
    assert_eq!(worst(&window), "block3/depthwise");
    choose(&mut window, "Relief");
    window.get_all_by_role_and_label(Role::Button, "Measure").next().unwrap().click();
    settle(&mut window);
    assert_eq!(worst(&window), "block3/depthwise");

    let before = output_db(&window);
    choose(&mut window, "Sensitivity");
    press(&mut window, "Set the worst to float");
    assert!(output_db(&window) > before + 15.0, "{before} → {}", output_db(&window));
    let doc = window.state().document();
    assert!(!doc.sweep.is_stale(&doc.config), "widths are not what a sensitivity depends on");
    assert_eq!(Action::Undo.title_now(doc), "Undo set 5 layers to float");
    choose(&mut window, "Relief");
    window.get_by_label("Measured under other settings than those of now.");
    window.state_mut().apply(&ctx, Command::Run(Action::Undo));
    settle(&mut window);
    assert!(window.query_by_label("Measured under other settings than those of now.").is_none());
}
