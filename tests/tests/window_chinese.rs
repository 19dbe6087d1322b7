//! The window in Chinese: every page, dialog and menu is drawn, nothing of it is left in English by mistake, and every
//! glyph is there (the harness panics over a missing one). A process of its own, since the language is the program's.

use std::path::Path;

use egui::Role;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use quantlens::{
    action::Action,
    command::Command,
    document::{Page, Settings},
};
use quantlens_analysis::text::{Language, set_language};
use quantlens_tests::window::{Window, real, send, settle};

/// What buttons and tabs say.
fn buttons(window: &Window) -> Vec<String> {
    let of = |role| window.query_all_by_role(role).filter_map(|node| node.accesskit_node().label()).collect::<Vec<_>>();
    of(Role::Button).into_iter().chain(of(Role::RadioButton)).collect()
}

/// What reads like English: three words in small letters after each other.
fn english_sentences(window: &Window) -> Vec<String> {
    let is_word = |word: &&str| word.len() > 1 && word.chars().all(|c| c.is_ascii_lowercase());
    let reads =
        |text: &String| text.split_whitespace().collect::<Vec<_>>().windows(3).any(|three| three.iter().all(is_word));
    let nodes = [Role::Label, Role::Button, Role::RadioButton, Role::Image, Role::CheckBox, Role::Row];
    let of = |role| {
        window
            .query_all_by_role(role)
            .filter_map(|node| {
                let node = node.accesskit_node();
                node.label().or_else(|| node.value())
            })
            .collect::<Vec<_>>()
    };
    nodes.into_iter().flat_map(of).filter(reads).collect()
}

/// Whether a web page in place of a model is refused in Chinese.
fn refused_in_chinese(window: &mut Window, folder: &Path) -> bool {
    let path = folder.join("page.onnx");
    let is_written = std::fs::write(&path, "<!doctype html><title>404</title>").is_ok();
    send(window, Command::OpenModel(path));
    is_written && window.query_all_by_label_contains("这不是 ONNX 模型，而是 网页").count() > 0
}

#[test]
fn every_page_and_dialog_is_in_chinese() {
    let Some(mut window) = real("every_page_and_dialog_is_in_chinese", 1440.0, 900.0) else { return };
    send(&mut window, Command::SetSettings(Settings { language: Language::Chinese, ..Settings::default() }));
    send(&mut window, Command::OpenSample);
    send(&mut window, Command::Tour(None));
    send(&mut window, Command::SelectMany(vec!["block3/depthwise".into()]));
    for page in Page::MODEL.into_iter().chain(Page::LAYER).chain([Page::Help]) {
        send(&mut window, Command::ShowPage(page));
        let english = english_sentences(&window);
        assert!(english.is_empty(), "{page:?}: {english:#?}");
        let has_chinese =
            buttons(&window).iter().any(|text| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)));
        assert!(has_chinese, "{page:?}: {:?}", buttons(&window));
    }
    for action in [Action::Settings, Action::Shortcuts, Action::Notices, Action::About, Action::Pins, Action::History] {
        send(&mut window, Command::Run(action));
        assert!(window.state().document().dialog.is_some(), "{action:?}");
        send(&mut window, Command::CloseDialog);
    }
    send(&mut window, Command::Run(Action::Palette));
    send(&mut window, Command::CloseDialog);
    assert!(window.query_by_label("撤销").is_none(), "menus are closed");
    window.get_by_label("编辑").click();
    settle(&mut window);
    assert!(window.query_all_by_label_contains("撤销").count() > 0);
    let folder = tempfile::tempdir().unwrap();
    assert!(refused_in_chinese(&mut window, folder.path()));
    // English again at once.
    send(&mut window, Command::SetSettings(Settings::default()));
    assert!(buttons(&window).iter().any(|text| text == "Table"));
    assert!(!english_sentences(&window).is_empty(), "in English it is found");
    set_language(Language::English);
}
