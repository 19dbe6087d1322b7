//! Two configurations of the built-in sample through the window, with the real engine: pin, change, see the differences,
//! copy back, undo; and a cancelled evaluation that is taken up again.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails by panicking")]

use std::sync::Arc;

use egui::{Key, Modifiers, Role};
use egui_kittest::kittest::Queryable as _;
use quantlens::{
    action::Action,
    command::Command,
    document::Page,
    testing,
    worker::{Event, News, Slot, Ticket, Worker},
};
use quantlens_analysis::report::Report;
use quantlens_tests::window::{Window, labels, real, send, settle, with_worker};

/// The table's row of a layer, as a screen reader says it.
fn row(window: &Window, layer: &str) -> String {
    let start = format!("{layer}, ");
    labels(window, Role::Row).into_iter().find(|label| label.starts_with(&start)).unwrap()
}

fn scoreboard(window: &Window) -> String {
    labels(window, Role::Button).into_iter().find(|label| label.starts_with("vs ")).unwrap()
}

#[test]
fn pin_change_see_the_difference_copy_back_and_undo() {
    let Some(mut window) = real("pin_change_see_the_difference_copy_back_and_undo", 1440.0, 900.0) else { return };
    send(&mut window, Command::OpenSample);
    send(&mut window, Command::Tour(None));
    window.key_press(Key::P);
    settle(&mut window);
    assert!(scoreboard(&window).starts_with("vs Pin 1 0.0 pt · 0.0 dB · 0 B"), "{}", scoreboard(&window));
    send(&mut window, Command::SelectMany(vec!["block3/depthwise".into()]));
    send(&mut window, Command::Run(Action::PerChannel));
    // Mended: dozens of points of accuracy better, and larger by the scales.
    let better = scoreboard(&window);
    assert!(better.starts_with("vs Pin 1 ▲ +") && better.contains(" pt · ▲ +") && better.contains("▼ +"), "{better}");
    let mended = row(&window, "block3/depthwise");
    assert!(
        mended.contains("dB against the pinned baseline, set otherwise than pinned") && mended.contains("▲+"),
        "{mended}"
    );
    let before = row(&window, "block2/depthwise");
    assert!(before.contains(", 0.0 dB against"), "{before}");
    let change = window.state().document().pins.change("block3/depthwise").unwrap().accumulated.sqnr_db;
    assert_eq!(change.is_significant(), Some(true), "{change:?}");

    // The layer's pages show the pinned values too.
    send(&mut window, Command::ShowPage(Page::Channels));
    let pinned = window.state().document().pins.detail_of("block3/depthwise").unwrap();
    assert!(pinned.weight_channels.iter().all(|channel| channel.scale == pinned.weight_channels[0].scale));
    let charts: Vec<String> = labels(&window, Role::Image).into_iter().chain(labels(&window, Role::Label)).collect();
    assert!(charts.iter().any(|text| text.contains("Against Pin 1: ")), "{charts:?}");
    send(&mut window, Command::ShowPage(Page::Table));

    // Copied back by the inspector's button, and undone.
    window.get_by_role_and_label(Role::Button, "Copy its settings").click();
    settle(&mut window);
    assert!(scoreboard(&window).starts_with("vs Pin 1 0.0 pt · 0.0 dB · 0 B"), "{}", scoreboard(&window));
    window.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    settle(&mut window);
    assert_eq!(scoreboard(&window), better);
}

#[test]
fn pins_are_named_compared_and_removed_in_their_dialog() {
    let mut window = quantlens_tests::window::open(1280.0, 800.0);
    send(&mut window, Command::Tour(None));
    window.key_press_modifiers(Modifiers::SHIFT, Key::P);
    settle(&mut window);
    window.get_by_role_and_label(Role::TextInput, "Pin the configuration in use as").focus();
    settle(&mut window);
    window.get_by_role_and_label(Role::TextInput, "Pin the configuration in use as").type_text(" start");
    settle(&mut window);
    window.get_by_role_and_label(Role::Button, "Pin").click();
    settle(&mut window);
    assert_eq!(window.state().document().pins.baseline().map(|pin| pin.name.as_str()), Some("Pin 1 start"));
    assert!(window.query_by_role_and_label(Role::Button, "Pin").is_none(), "it is pinned already");
    window.get_by_role_and_label(Role::RadioButton, "Compare with nothing").click();
    settle(&mut window);
    assert!(window.state().document().pins.baseline.is_none());
    window.get_by_role_and_label(Role::RadioButton, "Compare with Pin 1 start").click();
    settle(&mut window);
    assert!(window.state().document().pins.comparison.is_some());
    window.get_by_role_and_label(Role::Button, "Remove: Pin 1 start").click();
    settle(&mut window);
    assert!(window.state().document().pins.list.is_empty());
}

#[test]
fn a_cancelled_evaluation_says_how_far_it_came_and_goes_on() {
    let mut window = with_worker(Worker::idle(), 1280.0, 800.0);
    window.state_mut().set_document(testing::document(9));
    settle(&mut window);
    let said = |window: &Window, text: &str| window.query_by_label(text).is_some();
    let hear = |window: &mut Window, news: News| {
        let ctx = window.ctx.clone();
        window.state_mut().absorb(&ctx, Event { ticket: Ticket(1), slot: Slot::Evaluate, news });
        settle(window);
    };
    send(&mut window, Command::SelectMany(vec!["conv2".into()]));
    send(&mut window, Command::Run(Action::Bits(4)));
    let all = testing::report_of(9, &window.state().document().config);
    hear(&mut window, News::Stage(Arc::new(Report { samples: 8, ..all.clone() })));
    send(&mut window, Command::Cancel);
    assert!(said(&window, "cancelled: 8 of 32 samples"), "{:?}", labels(&window, Role::Label));
    hear(&mut window, News::Cancelled);
    assert!(said(&window, "cancelled: 8 of 32 samples") && said(&window, "8/32 samples"));
    window.get_by_role_and_label(Role::Button, "Resume").click();
    settle(&mut window);
    assert!(window.state().document().report.pending_since.is_some());
    hear(&mut window, News::Report(Arc::new(all)));
    assert!(said(&window, "ready") && !said(&window, "Resume") && !window.state().document().is_refining());
}
