//! The window on fixtures: every way in, the keys of the main loop, what stands where, and that an idle window rests.

use std::{path::PathBuf, sync::Arc};

use egui::{Key, Modifiers, Role, ViewportId};
use egui_kittest::kittest::Queryable as _;
use quantlens::{
    action::Action,
    command::{Command, Dialog},
    document::{Page, PanelId},
};
use quantlens_analysis::quant::Bits;
use quantlens_tests::window::{bits_of, fixture, open, settle};

#[test]
fn the_welcome_page_offers_every_way_in() {
    let mut window = fixture(1000.0, 700.0);
    for label in ["Open model…", "Open path…", "Load the sample model"] {
        assert!(window.query_by_role_and_label(Role::Button, label).is_some(), "{label}");
    }
    window.get_by_role_and_label(Role::Button, "Open path…").click();
    settle(&mut window);
    assert!(matches!(window.state().document().dialog, Some(Dialog::Path(_))));
    // The field has the keyboard: what is pasted goes there.
    window.event(egui::Event::Paste("/no/such/model.onnx".into()));
    settle(&mut window);
    assert!(window.query_by_label("There is no such file or folder").is_some());
    window.key_press(Key::Escape);
    settle(&mut window);
    assert!(window.state().document().dialog.is_none());
}

#[test]
fn a_model_is_opened_evaluated_and_shown() {
    let window = open(1440.0, 900.0);
    let doc = window.state().document();
    assert!(doc.is_sample && doc.report.value.is_some() && doc.job.is_none());
    assert!(window.query_by_label_contains("23 of 23 shown").is_some());
    assert!(window.query_by_label_contains("ONNX Runtime 1.32.0").is_some());
    assert!(window.query_by_label_contains("① The curve falls here").is_some());
}

#[test]
fn keys_edit_the_selection_and_undo_names_the_step() {
    let mut window = open(1440.0, 900.0);
    for key in [Key::J, Key::J, Key::Num4] {
        window.key_press(key);
        settle(&mut window);
    }
    assert_eq!(bits_of(&window, "conv1"), (Some(Bits::Int(4)), Some(Bits::Int(4))));
    for key in [Key::W, Key::F] {
        window.key_press(key);
        settle(&mut window);
    }
    assert_eq!(bits_of(&window, "conv1"), (Some(Bits::Float), Some(Bits::Int(4))));
    // The report on screen belongs to the new configuration.
    let doc = window.state().document();
    assert_eq!(doc.report.value.as_ref().unwrap().config, doc.config);
    window.get_by_label("Edit").click();
    settle(&mut window);
    assert!(window.query_by_label_contains("Undo set weights of conv1 to float").is_some());
    window.key_press(Key::Escape);
    settle(&mut window);
    window.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    settle(&mut window);
    assert_eq!(bits_of(&window, "conv1"), (Some(Bits::Int(4)), Some(Bits::Int(4))));
    window.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    settle(&mut window);
    assert_eq!(bits_of(&window, "conv1").0, Some(Bits::Float));
}

#[test]
fn letters_typed_into_the_filter_edit_nothing() {
    let mut window = open(1440.0, 900.0);
    window.key_press(Key::J);
    settle(&mut window);
    window.key_press_modifiers(Modifiers::COMMAND, Key::F);
    settle(&mut window);
    assert!(window.ctx.text_edit_focused(), "Ctrl+F puts the keyboard into the filter");
    window.event(egui::Event::Text("conv1".into()));
    window.key_press(Key::F);
    window.key_press(Key::Num1);
    settle(&mut window);
    let doc = window.state().document();
    assert_eq!((doc.filter.text.as_str(), doc.config.layers.len()), ("conv1", 0));
    assert!(window.query_by_label_contains("11 of 23 shown").is_some(), "conv1 and conv10 to conv19");
}

#[test]
fn every_action_can_be_carried_out_and_drawn() {
    let mut window = open(1280.0, 800.0);
    let ctx = window.ctx.clone();
    for action in Action::every().filter(|action| *action != Action::Quit) {
        window.state_mut().apply(&ctx, Command::SelectMany(vec!["conv1".into(), "conv2".into()]));
        window.state_mut().apply(&ctx, Command::Run(action));
        window.run_steps(2);
        let doc = window.state().document();
        assert!(doc.failure.is_none(), "{action:?}: {:?}", doc.failure);
        // Dialogs and drawers of one action are not to cover the next one's.
        window.state_mut().apply(&ctx, Command::Run(Action::Escape));
    }
}

#[test]
fn every_page_and_dialog_is_drawn_in_both_themes_and_all_sizes() {
    for (width, height) in [(800.0, 600.0), (1280.0, 800.0), (2560.0, 1440.0)] {
        let mut window = open(width, height);
        let ctx = window.ctx.clone();
        window.state_mut().apply(&ctx, Command::SelectMany(vec!["conv3".into()]));
        let pages = Page::MODEL.into_iter().chain(Page::LAYER).map(Command::ShowPage);
        let dialogs = [Dialog::Shortcuts, Dialog::Settings, Dialog::Notices, Dialog::About, Dialog::ConfirmClose];
        let drawers = [PanelId::List, PanelId::Inspector, PanelId::Strip].map(Command::TogglePanel);
        let export = [Command::Run(Action::Export)];
        for command in pages.chain(drawers).chain(dialogs.map(Command::ShowDialog)).chain(export) {
            for theme in [egui::ThemePreference::Dark, egui::ThemePreference::Light] {
                ctx.set_theme(theme);
                window.state_mut().apply(&ctx, command.clone());
                window.run_steps(2);
            }
        }
    }
}

#[test]
fn the_pages_keep_their_width() {
    for width in [800.0, 899.0, 900.0, 1099.0, 1100.0, 1280.0, 1440.0, 2560.0] {
        let window = open(width, 700.0);
        let rects = window.state().rects();
        assert!(rects.centre.width() >= 480.0, "{width}: {rects:?}");
        assert_eq!((rects.list.is_some(), rects.inspector.is_some()), (width >= 900.0, width >= 1100.0), "{width}");
        assert!(rects.centre.height() >= 200.0, "{width}: {rects:?}");
    }
}

#[test]
fn an_idle_window_rests() {
    let mut window = open(1440.0, 900.0);
    let ctx = window.ctx.clone();
    for id in 0..=window.state().document().notices.len() as u64 {
        window.state_mut().apply(&ctx, Command::DismissNotice(id));
    }
    settle(&mut window);
    let delay = window.output().viewport_output[&ViewportId::ROOT].repaint_delay;
    assert_eq!(delay, std::time::Duration::MAX);
}

#[derive(Debug)]
struct Dropped(PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &std::path::Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        Err("nobody reads it".into())
    }
}

#[test]
fn a_dropped_file_is_opened_as_what_it_is() {
    let mut window = fixture(1000.0, 700.0);
    window.input_mut().dropped_files.push(Arc::new(Dropped("models/net.onnx".into())));
    settle(&mut window);
    assert_eq!(window.state().document().title, "net.onnx");
    assert!(window.state().document().data.is_none());
    assert!(window.query_by_label_contains("Activation error needs calibration samples").is_some());
    window.input_mut().dropped_files.push(Arc::new(Dropped("models/dev.npz".into())));
    settle(&mut window);
    assert!(window.state().document().data.is_some());
    assert_eq!(window.state().document().recent, [PathBuf::from("models/net.onnx")]);
}
