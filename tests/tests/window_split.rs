//! Two pages side by side, by key and by mouse.

use egui::{Key, Modifiers, Role, vec2};
use egui_kittest::kittest::Queryable as _;
use quantlens::{
    action::Action,
    command::Command,
    document::{Page, PanelId},
    session::Session,
};
use quantlens_tests::window::{Window, open, send, settle};

fn pages(window: &Window) -> Vec<Page> {
    window.state().document().pages.shown().collect()
}

/// The table at the left, the histogram at the right, the table in use.
fn split() -> Window {
    let mut window = open(1440.0, 900.0);
    send(&mut window, Command::Tour(None));
    send(&mut window, Command::Run(Action::NextSuspect));
    window.key_press_modifiers(Modifiers::COMMAND, Key::Backslash);
    settle(&mut window);
    window
}

#[test]
fn a_key_splits_the_centre_and_unites_it() {
    let mut window = split();
    assert_eq!(pages(&window), [Page::Table, Page::Histogram]);
    let table =
        window.get_by_role_and_label(Role::Row, "conv1, Conv, weights 8 bits, output 8 bits, 43.2 dB accumulated");
    let figure = window.get_by_label_contains("Output of conv4: count against value");
    assert!(table.rect().left() < figure.rect().left());
    window.key_press(Key::F6);
    settle(&mut window);
    assert_eq!(pages(&window), [Page::Histogram, Page::Table]);
    // What a page's key shows takes the place of the page in use.
    window.key_press_modifiers(Modifiers::SHIFT, Key::C);
    settle(&mut window);
    assert_eq!(pages(&window), [Page::Channels, Page::Table]);
    window.key_press_modifiers(Modifiers::COMMAND, Key::Backslash);
    settle(&mut window);
    assert_eq!(pages(&window), [Page::Channels]);
    window.key_press(Key::F6);
    settle(&mut window);
    assert!(window.query_by_label_contains("there is one page only").is_some(), "it says why nothing happens");
}

#[test]
fn a_press_in_a_page_puts_it_in_use_and_does_what_it_does() {
    let mut window = split();
    window.get_by_role_and_label(Role::Button, "Weights").click();
    settle(&mut window);
    assert_eq!(pages(&window), [Page::Histogram, Page::Table]);
    let weights = window.query_all_by_label_contains("Weights of conv4").count();
    assert!(weights > 0, "the switch was pressed, too");
    window.get_by_label("Use Table").click();
    settle(&mut window);
    assert_eq!(pages(&window), [Page::Table, Page::Histogram]);
    window.get_by_role_and_label(Role::Button, "Close Table").click();
    settle(&mut window);
    assert_eq!(pages(&window), [Page::Histogram]);
}

#[test]
fn the_line_between_is_dragged_or_moved_with_keys_and_remembered() {
    let mut window = split();
    let share = |window: &Window| window.state().document().pages.beside.unwrap().share;
    let line = window.get_by_label("Line between the pages").rect();
    window.drag_at(line.center());
    window.hover_at(line.center() + vec2(60.0, 0.0));
    settle(&mut window);
    window.drop_at(line.center() + vec2(60.0, 0.0));
    settle(&mut window);
    let dragged = share(&window);
    assert!(dragged > 0.53, "{dragged}");
    let moved = window.get_by_label("Line between the pages").rect();
    assert!((moved.center().x - line.center().x - 60.0).abs() < 1.5, "it follows the pointer: {moved:?}");
    window.get_by_label("Line between the pages").focus();
    window.run_steps(3);
    window.key_press(Key::ArrowLeft);
    settle(&mut window);
    assert!((share(&window) - (dragged - 0.05)).abs() < 0.01);
    let session = Session::of(window.state().document(), true);
    let mut next = open(1440.0, 900.0);
    let mut doc = next.state().document().clone();
    session.restore(&mut doc);
    next.state_mut().set_document(doc);
    settle(&mut next);
    assert_eq!((pages(&next), share(&next)), (vec![Page::Table, Page::Histogram], share(&window)));
}

#[test]
fn without_room_for_two_the_page_in_use_stands_alone() {
    let mut window = open(800.0, 600.0);
    send(&mut window, Command::Tour(None));
    assert_eq!(Action::Split.refusal(window.state().document()), None, "the list and the inspector are drawers");
    let mut window = open(1120.0, 700.0);
    send(&mut window, Command::Tour(None));
    assert_eq!(Action::Split.refusal(window.state().document()), Some("The window is too narrow for two pages"));
    send(&mut window, Command::TogglePanel(PanelId::Inspector));
    send(&mut window, Command::Run(Action::Split));
    assert!(window.query_by_label("Line between the pages").is_some());
    send(&mut window, Command::TogglePanel(PanelId::Inspector));
    assert!(window.query_by_label("Line between the pages").is_none(), "the inspector needs the room");
    assert_eq!(pages(&window).len(), 2, "and gives it back");
}

#[test]
fn every_page_is_drawn_beside_another() {
    let mut window = split();
    for page in Page::MODEL.into_iter().chain(Page::LAYER).chain([Page::Help]) {
        send(&mut window, Command::ShowPage(page));
        send(&mut window, Command::Run(Action::OtherPage));
    }
    assert_eq!(pages(&window).len(), 2);
}
