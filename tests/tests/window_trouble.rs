//! What the window does when something goes wrong, and before it lets go of work: failures, defects, exports, closing.

use std::sync::Arc;

use egui::{Key, Role, ViewportCommand, ViewportId};
use egui_kittest::kittest::Queryable as _;
use quantlens::{
    action::Action,
    command::Command,
    worker::{Event, News, Slot, Ticket},
};
use quantlens_analysis::quant::Bits;
use quantlens_tests::window::{Window, open, send, settle};

#[test]
fn a_failure_and_a_defect_leave_a_window_that_works() {
    let mut window = open(1280.0, 800.0);
    send(&mut window, Command::OpenModel("missing.onnx".into()));
    assert!(window.query_by_label_contains("missing.onnx: no such file").is_some());
    assert!(window.state().document().report.value.is_some(), "the model before stays open");
    send(&mut window, Command::OpenModel("panic.onnx".into()));
    let failure = window.state().document().failure.clone().unwrap();
    assert!(failure.what.starts_with("A defect in this program"), "{failure:?}");
    assert!(failure.details.contains("asked to panic"));
    send(&mut window, Command::OpenSample);
    assert!(window.state().document().failure.is_none());
}

#[test]
fn an_export_claims_success_only_after_the_file_was_run() {
    let mut window = open(1280.0, 800.0);
    send(&mut window, Command::Run(Action::Export));
    assert!(window.query_by_label_contains("Written and verified").is_none());
    window.get_by_role_and_label(Role::Button, "Export and verify").click();
    settle(&mut window);
    assert!(window.query_by_label_contains("Written and verified").is_some());
    assert!(window.query_by_label_contains("106 quantizers read back").is_some());
    window.key_press(Key::Escape);
    settle(&mut window);
    assert!(window.state().document().export.is_none());
}

#[test]
fn a_failed_verification_is_no_success() {
    let mut window = open(1280.0, 800.0);
    send(&mut window, Command::Run(Action::Export));
    let mut report = quantlens::testing::export(std::path::Path::new("a.unverified.onnx"));
    report.verification.failure = Some("conv3_out differs in 12 elements".into());
    let event = Event { ticket: Ticket(1), slot: Slot::Export, news: News::Exported(Arc::new(report)) };
    let ctx = window.ctx.clone();
    window.state_mut().absorb(&ctx, event);
    settle(&mut window);
    assert!(window.query_by_label_contains("Written and verified").is_none());
    assert!(window.query_by_label_contains("does not reproduce").is_some());
}

/// A click on the window's own close button.
fn close(window: &mut Window) -> Vec<ViewportCommand> {
    window.input_mut().viewports.entry(ViewportId::ROOT).or_default().events.push(egui::ViewportEvent::Close);
    window.run_steps(1);
    let commands = window.output().viewport_output[&ViewportId::ROOT].commands.clone();
    window.input_mut().viewports.entry(ViewportId::ROOT).or_default().events.clear();
    commands
}

#[test]
fn unsaved_edits_are_asked_about_when_the_window_closes() {
    let mut window = open(1280.0, 800.0);
    send(&mut window, Command::OpenModel("net.onnx".into()));
    assert!(!close(&mut window).contains(&ViewportCommand::CancelClose), "nothing to lose");
    let mut window = open(1280.0, 800.0);
    send(&mut window, Command::OpenModel("net.onnx".into()));
    send(&mut window, Command::SelectMany(vec!["conv1".into()]));
    send(&mut window, Command::Run(Action::Bits(4)));
    assert!(close(&mut window).contains(&ViewportCommand::CancelClose));
    settle(&mut window);
    assert!(window.query_by_label("Save the configuration?").is_some());
    window.get_by_role_and_label(Role::Button, "Cancel").click();
    settle(&mut window);
    assert!(window.state().document().dialog.is_none());
    assert!(close(&mut window).contains(&ViewportCommand::CancelClose), "asked again the next time");
}

#[test]
fn a_configuration_is_saved_and_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.quantlens.json");
    let mut window = open(1280.0, 800.0);
    send(&mut window, Command::SelectMany(vec!["conv1".into()]));
    send(&mut window, Command::Run(Action::Bits(4)));
    send(&mut window, Command::SaveConfig(path.clone()));
    let saved = Arc::clone(&window.state().document().config);
    assert!(!window.state().document().has_unsaved_edits());
    send(&mut window, Command::Run(Action::ResetSelected));
    assert_ne!(window.state().document().config, saved);
    send(&mut window, Command::OpenAny(path));
    assert_eq!(window.state().document().config, saved);
    send(&mut window, Command::OpenConfig(folder.path().join("none.json")));
    assert!(window.query_by_label_contains("was not opened").is_some());
    // Written by hand, without a target.
    let path = folder.path().join("own.quantlens.json");
    std::fs::write(&path, r#"{"schema":"quantlens-config/1","layers":{"conv1":{"weight_bits":2}}}"#).unwrap();
    send(&mut window, Command::OpenAny(path));
    assert!(window.query_by_label_contains("the file names no target; onnxruntime is used").is_some());
    let config = &window.state().document().config;
    assert_eq!((config.target.as_str(), config.layers["conv1"].weight_bits), ("onnxruntime", Some(Bits::Int(2))));
}
