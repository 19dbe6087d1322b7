//! Three tasks, each by mouse alone and by keyboard alone, with the clicks and keys counted: find the worst layer, mend it,
//! prove it. On the built-in sample, with the real engine.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use egui::{Key, Modifiers, Role};
use egui_kittest::kittest::Queryable as _;
use quantlens::{
    command::Command,
    document::{ExportPhase, Page},
};
use quantlens_analysis::config::Granularity;
use quantlens_tests::window::{Window, real, settle};

/// The layer whose own error is largest.
const WORST: &str = "block3/depthwise";

/// A window just started on the sample, as a new user has it but for the tour's card.
fn launch(test: &str) -> Option<Window> {
    let mut window = real(test, 1440.0, 900.0)?;
    let ctx = window.ctx.clone();
    for command in [Command::OpenSample, Command::Tour(None)] {
        window.state_mut().apply(&ctx, command);
        settle(&mut window);
    }
    Some(window)
}

/// Counts what a hand does.
struct Hand<'a> {
    window: &'a mut Window,
    acts: usize,
}

impl Hand<'_> {
    fn click(&mut self, label: &str) {
        self.window.get_by_label(label).click();
        self.acts += 1;
        settle(self.window);
    }

    fn press(&mut self, modifiers: Modifiers, key: Key) {
        self.window.key_press_modifiers(modifiers, key);
        self.acts += 1;
        settle(self.window);
    }
}

fn shows_histogram(window: &Window) -> bool {
    let doc = window.state().document();
    doc.pages.page == Page::Histogram
        && doc.selection.anchor.as_deref() == Some(WORST)
        && doc.detail.value.as_ref().is_some_and(|detail| detail.layer == WORST)
}

fn is_mended(window: &Window) -> bool {
    let doc = window.state().document();
    let accuracy = doc.report.value.as_ref().and_then(|report| report.score.accuracy).unwrap();
    doc.config.layers.get(WORST).and_then(|own| own.granularity) == Some(Granularity::PerChannel)
        && accuracy.count > 270
}

fn is_proven(window: &Window, folder: &std::path::Path) -> bool {
    let is_done = matches!(
        window.state().document().export.as_ref().map(|export| &export.phase),
        Some(ExportPhase::Done(report)) if report.verification.elements_different == 0 && report.verification.tensors_compared > 0
    );
    is_done && folder.join("mended.onnx").exists()
}

/// The dialog proposes a file in the working folder; a test writes elsewhere.
fn name_file(window: &mut Window, folder: &std::path::Path) {
    let path = folder.join("mended.onnx").display().to_string();
    let field = window.get_by_role_and_label(Role::TextInput, "File");
    field.focus();
    settle(window);
    window.key_press_modifiers(Modifiers::COMMAND, Key::A);
    settle(window);
    window.event(egui::Event::Text(path));
    settle(window);
}

#[test]
fn by_mouse_alone() {
    let Some(mut window) = launch("by_mouse_alone") else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut hand = Hand { window: &mut window, acts: 0 };
    hand.click(&format!("Suspect {WORST}, 3.0 dB local"));
    hand.click("Histogram");
    assert!(shows_histogram(hand.window));
    assert!(hand.acts <= 3, "found with {} clicks", hand.acts);
    let found = hand.acts;
    hand.click(&format!("{WORST} scales: Per channel"));
    assert!(is_mended(hand.window));
    let mended = hand.acts - found;
    hand.click("Export quantized model…");
    name_file(hand.window, folder.path());
    hand.click("Export and verify");
    assert!(is_proven(hand.window, folder.path()));
    println!("by mouse: found with {found} clicks, mended with {mended}, proven with {}", hand.acts - found - mended);
}

#[test]
fn by_keyboard_alone() {
    let Some(mut window) = launch("by_keyboard_alone") else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut hand = Hand { window: &mut window, acts: 0 };
    hand.press(Modifiers::NONE, Key::N);
    hand.press(Modifiers::NONE, Key::H);
    assert!(shows_histogram(hand.window));
    assert!(hand.acts <= 3, "found with {} keys", hand.acts);
    let found = hand.acts;
    hand.press(Modifiers::NONE, Key::C);
    assert!(is_mended(hand.window));
    let mended = hand.acts - found;
    hand.press(Modifiers::COMMAND, Key::E);
    name_file(hand.window, folder.path());
    hand.press(Modifiers::NONE, Key::Enter);
    assert!(is_proven(hand.window, folder.path()));
    println!("by keyboard: found with {found} keys, mended with {mended}, proven with {}", hand.acts - found - mended);
}
