//! The built-in sample through the window, with the real engine: it opens visibly broken, its card leads to the layer that
//! does it, one undo step mends it, and the export of that holds.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails by panicking")]

use egui::{Key, Role};
use egui_kittest::kittest::Queryable as _;
use quantlens::{
    action::Action,
    command::Command,
    document::{ExportPhase, Page},
};
use quantlens_analysis::metrics::Measure;
use quantlens_tests::window::{Window, real, settle};

fn press(window: &mut Window, label: &str) {
    window.get_by_role_and_label(Role::Button, label).click();
    settle(window);
}

/// `(float, quantized)` accuracy in percent.
fn accuracy(window: &Window) -> (f64, f64) {
    let score = &window.state().document().report.value.as_ref().unwrap().score;
    let percent = |share: Option<quantlens_analysis::report::Share>| 100.0 * share.unwrap().fraction();
    (percent(score.float_accuracy), percent(score.accuracy))
}

fn accumulated_db(window: &Window, layer: &str) -> f64 {
    match window.state().document().row_of(layer).unwrap().accumulated.sqnr_db {
        Measure::Value(db) => db,
        other => panic!("{layer}: {other:?}"),
    }
}

#[test]
fn the_card_leads_from_the_cliff_to_a_verified_export() {
    let Some(mut window) = real("the_card_leads_from_the_cliff_to_a_verified_export", 1440.0, 900.0) else { return };
    let ctx = window.ctx.clone();
    window.state_mut().apply(&ctx, Command::OpenSample);
    settle(&mut window);
    let (float, broken) = accuracy(&window);
    assert!(float >= 95.0 && broken <= float - 30.0, "float {float} %, quantized {broken} %");
    assert!(accumulated_db(&window, "block3/expand") > 25.0 && accumulated_db(&window, "block3/depthwise") < 10.0);

    // ① → ②: the card names the layer, and its button shows its channels.
    press(&mut window, "Show block3/depthwise");
    let doc = window.state().document();
    assert_eq!((doc.pages.page, doc.selection.anchor.as_deref()), (Page::Channels, Some("block3/depthwise")));
    let channels = &doc.detail.value.as_ref().unwrap().weight_channels;
    let widest = channels.iter().max_by(|a, b| a.high.abs().total_cmp(&b.high.abs())).unwrap();
    assert!(channels.len() == 48 && widest.index == 17, "{widest:?}");

    // ③: one step mends it, and one undo takes it back.
    press(&mut window, "How to mend it");
    press(&mut window, "Switch to per channel");
    let (_, mended) = accuracy(&window);
    assert!((float - mended).abs() <= 1.0, "float {float} %, mended {mended} %");
    window.state_mut().apply(&ctx, Command::Run(Action::Undo));
    settle(&mut window);
    assert_eq!(accuracy(&window).1, broken);
    window.state_mut().apply(&ctx, Command::Run(Action::Redo));
    settle(&mut window);
    assert_eq!(accuracy(&window).1, mended);

    // ④: the file is written, run, and equal to what was shown.
    press(&mut window, "Next");
    press(&mut window, "Export and verify…");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mended.onnx");
    window.state_mut().apply(&ctx, Command::Export { path: path.clone() });
    settle(&mut window);
    let Some(ExportPhase::Done(report)) = window.state().document().export.as_ref().map(|e| e.phase.clone()) else {
        panic!("{:?}", window.state().document().export);
    };
    let checked = &report.verification;
    assert_eq!((checked.failure.as_deref(), checked.elements_different), (None, 0));
    assert!(path.exists() && checked.quantizers_checked > 20 && checked.tensors_compared > 20, "{checked:?}");
}

#[test]
fn the_card_knows_when_the_cliff_is_gone() {
    let Some(mut window) = real("the_card_knows_when_the_cliff_is_gone", 1440.0, 900.0) else { return };
    let ctx = window.ctx.clone();
    window.state_mut().apply(&ctx, Command::OpenSample);
    settle(&mut window);
    assert!(window.query_by_label("① The curve falls here").is_some());
    // Mended by hand while the card stands at its first step.
    window.state_mut().apply(&ctx, Command::SelectMany(vec!["block3/depthwise".into()]));
    window.state_mut().apply(&ctx, Command::Run(Action::PerChannel));
    settle(&mut window);
    assert!(window.query_by_label("① The curve no longer falls").is_some());
    press(&mut window, "To the export");
    assert!(window.query_by_role_and_label(Role::Button, "Export and verify…").is_some());
}

#[test]
fn the_second_problem_wants_sixteen_bits() {
    let Some(mut window) = real("the_second_problem_wants_sixteen_bits", 1280.0, 800.0) else { return };
    let ctx = window.ctx.clone();
    window.state_mut().apply(&ctx, Command::OpenSample);
    settle(&mut window);
    let output_db =
        |window: &Window| match window.state().document().report.value.as_ref().unwrap().score.output_sqnr_db {
            Measure::Value(db) => db,
            other => panic!("{other:?}"),
        };
    window.state_mut().apply(&ctx, Command::SelectMany(vec!["block3/depthwise".into()]));
    window.state_mut().apply(&ctx, Command::Run(Action::PerChannel));
    settle(&mut window);
    let before = output_db(&window);
    window.state_mut().apply(&ctx, Command::SelectMany(vec!["block5/depthwise".into()]));
    settle(&mut window);
    // By key, as a user would: A targets the activations, 1 is 16 bits.
    for key in [Key::A, Key::Num1] {
        window.key_press(key);
        settle(&mut window);
    }
    assert!(output_db(&window) >= before + 5.0, "{before} → {}", output_db(&window));
}
