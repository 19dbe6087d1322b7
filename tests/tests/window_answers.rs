//! Showing it to a colleague, through the window: flipped samples, the float model under a held key, maps, one picture.

use std::{sync::Arc, time::Duration};

use egui::{Key, Modifiers, Role, ViewportId};
use egui_kittest::kittest::Queryable as _;
use quantlens::{action::Action, command::Command, document::Page};
use quantlens_analysis::config::{Granularity, LayerSettings};
use quantlens_tests::window::{Window, labels, open, real, send, settle};

fn has(window: &Window, text: &str) -> bool {
    window.query_all_by_label_contains(text).next().is_some()
}

#[test]
fn flips_follow_an_edit_and_a_click_shows_the_sample_alone() {
    let Some(mut window) = real("flips_follow_an_edit_and_a_click_shows_the_sample_alone", 1440.0, 900.0) else {
        return;
    };
    send(&mut window, Command::OpenSample);
    send(&mut window, Command::Tour(None));
    send(&mut window, Command::ShowPage(Page::Answers));
    settle(&mut window);
    let flipped = |window: &Window| window.state().document().whole_report().unwrap().answers.flipped();
    let before = flipped(&window);
    assert!(before > 100 && has(&window, &format!("{before} of 300 samples are answered differently")));
    // The pictures of what is on screen have come by themselves.
    let doc = window.state().document();
    let first = doc.report.value.as_ref().unwrap().answers.ranked()[0];
    assert!(doc.previews.get(first).is_some() && doc.previews.is_free());

    let card = labels(&window, Role::Button).into_iter().find(|label| label.contains("float: ")).unwrap();
    window.get_by_label(&card).click();
    settle(&mut window);
    assert_eq!(window.state().document().scope, Some(first));
    assert!(has(&window, &format!("sample {} of 300", first + 1)));
    assert!(has(&window, &format!("{before} of 300 samples")), "the list stays that of all samples");
    window.key_press(Key::Escape);
    settle(&mut window);
    assert_eq!(window.state().document().scope, None);

    send(&mut window, Command::Run(Action::PinBaseline));
    let defaults = LayerSettings { granularity: Some(Granularity::PerChannel), ..LayerSettings::default() };
    send(&mut window, Command::SetDefaults(defaults));
    let after = flipped(&window);
    assert!(after < 10, "{after}");
    let gone = window.state().document().pins.comparison.as_ref().unwrap().flips.as_ref().unwrap().gone.len();
    assert!(gone + after >= before && has(&window, &format!("Gone {}", quantlens::format::count(gone as u64))));
}

#[test]
fn a_held_key_shows_float_in_every_view_and_nothing_is_drawn_meanwhile() {
    let mut window = open(1440.0, 900.0);
    send(&mut window, Command::Tour(None));
    send(&mut window, Command::SelectMany(vec!["conv3".into()]));
    assert!(has(&window, "Accuracy 99.2 % → 32.2 %"));
    window.key_down(Key::Q);
    settle(&mut window);
    assert!(window.state().document().float_view.held && has(&window, "FLOAT MODEL"));
    assert!(has(&window, "Accuracy 99.2 % → 99.2 %") && has(&window, "Every layer equals the float model"));
    // The key is down, and nothing changes.
    let ids: Vec<u64> = (0..=8).collect();
    for id in ids {
        send(&mut window, Command::DismissNotice(id));
    }
    window.run_steps(30);
    let delay = window.output().viewport_output[&ViewportId::ROOT].repaint_delay;
    assert_eq!(delay, Duration::MAX);
    for page in Page::MODEL.into_iter().chain(Page::LAYER) {
        send(&mut window, Command::ShowPage(page));
    }
    window.key_up(Key::Q);
    settle(&mut window);
    send(&mut window, Command::ShowPage(Page::Table));
    assert!(!has(&window, "FLOAT MODEL") && has(&window, "Accuracy 99.2 % → 32.2 %"));

    // Letters that are typed show nothing.
    window.key_press_modifiers(Modifiers::COMMAND, Key::F);
    settle(&mut window);
    window.key_down(Key::Q);
    settle(&mut window);
    assert!(!window.state().document().float_view.is_shown());
    window.key_up(Key::Q);
    window.key_press(Key::Escape);
    settle(&mut window);

    // The menu's entry stays until Escape.
    send(&mut window, Command::Run(Action::ShowFloat));
    assert!(has(&window, "FLOAT MODEL"));
    window.get_by_role_and_label(Role::Button, "Back to quantized").click();
    settle(&mut window);
    assert!(!window.state().document().float_view.is_shown());
}

#[test]
fn maps_are_of_the_worst_sample_until_another_is_chosen() {
    let Some(mut window) = real("maps_are_of_the_worst_sample_until_another_is_chosen", 1440.0, 900.0) else { return };
    send(&mut window, Command::OpenSample);
    send(&mut window, Command::Tour(None));
    send(&mut window, Command::SelectMany(vec!["block3/depthwise".into()]));
    send(&mut window, Command::ShowPage(Page::Maps));
    let doc = window.state().document();
    let worst = doc.row_of("block3/depthwise").unwrap().worst_sample().unwrap().index;
    assert_eq!(doc.maps.value.as_ref().map(|maps| maps.sample), Some(worst));
    assert!(labels(&window, Role::Image).iter().any(|label| label.starts_with("channel ")));
    window.get_by_label("Previous").click();
    settle(&mut window);
    assert_eq!(window.state().document().maps.value.as_ref().unwrap().sample, worst - 1);
    // The window's own sample comes first, and an edit brings other values.
    send(&mut window, Command::ScopeSample(Some(7)));
    assert_eq!(window.state().document().maps.value.as_ref().unwrap().sample, 7);
    let before = Arc::clone(window.state().document().maps.value.as_ref().unwrap());
    send(&mut window, Command::Run(Action::PerChannel));
    let after = window.state().document().maps.value.as_ref().unwrap();
    assert!(after.sample == 7 && after.maps[0].noise < before.maps[0].noise);
}

#[test]
fn the_picture_to_share_is_one_png_and_its_path_is_copied() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("share.png");
    let mut window = open(1280.0, 800.0);
    send(&mut window, Command::SaveShare(path.clone()));
    assert!(std::fs::read(&path).unwrap().starts_with(b"\x89PNG"));
    let notice = window.state().document().notices.last().unwrap();
    assert!(notice.text.starts_with("Saved ") && notice.text.contains("share.png"), "{}", notice.text);
    send(&mut window, Command::SaveShare(folder.path().join("no/such/folder.png")));
    assert!(window.state().document().notices.last().unwrap().text.starts_with("The picture was not saved: "));
}
