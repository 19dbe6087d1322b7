//! A session saved in one window and opened in another: the same configuration, pins, page, selection and numbers.

use egui_kittest::kittest::Queryable as _;
use quantlens::{
    action::Action,
    command::{Command, PinCommand},
    document::Page,
};
use quantlens_tests::window::{Window, fixture, real, send, settle};

#[test]
fn a_session_goes_on_where_it_was_saved() {
    const TEST: &str = "a_session_goes_on_where_it_was_saved";
    let Some(mut first) = real(TEST, 1280.0, 800.0) else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.qlsession");
    send(&mut first, Command::OpenSample);
    send(&mut first, Command::Tour(None));
    send(&mut first, Command::Pin(PinCommand::Add("as it came".into())));
    send(&mut first, Command::SelectMany(vec!["block3/depthwise".into()]));
    send(&mut first, Command::Run(Action::PerChannel));
    send(&mut first, Command::ShowPage(Page::Channels));
    // The table at the left in use, the channels at the right of it.
    send(&mut first, Command::Run(Action::Split));
    send(&mut first, Command::ShowPage(Page::Table));
    send(&mut first, Command::Divide(0.4));
    send(&mut first, Command::SetFilter("op:Conv".into()));
    send(&mut first, Command::SaveSession(path.clone()));
    assert!(path.exists() && first.query_by_label_contains("Saved ").is_some());

    let mut second = real(TEST, 1280.0, 800.0).unwrap();
    send(&mut second, Command::OpenAny(path.clone()));
    settle(&mut second);
    let (a, b) = (first.state().document(), second.state().document());
    assert_eq!(a.config, b.config);
    assert_eq!((a.pages.page, &a.filter.text, a.selected_names()), (b.pages.page, &b.filter.text, b.selected_names()));
    assert_eq!(b.pages.beside, a.pages.beside);
    assert_eq!(b.pages.beside.map(|beside| (beside.page, beside.share)), Some((Page::Channels, 0.4)));
    assert_eq!(b.pins.baseline().unwrap().name, "as it came");
    let accuracy = |window: &Window| window.state().document().report.value.as_ref().unwrap().score.accuracy;
    assert_eq!(accuracy(&first), accuracy(&second));
    assert!(b.pins.change("block3/depthwise").is_some(), "the difference to the pin is there");
}

#[test]
fn a_file_that_is_none_leaves_the_window_as_it_was() {
    let mut window = fixture(1280.0, 800.0);
    send(&mut window, Command::OpenSample);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.qlsession");
    std::fs::write(&path, "{\"schema\": 3}").unwrap();
    send(&mut window, Command::OpenAny(path));
    assert!(window.query_by_label_contains("The session was not opened").is_some());
    assert!(window.state().document().report.value.is_some());
}
