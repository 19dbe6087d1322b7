//! Commands, layers and edits found by typing; every command of the table chosen there on an open model.

use egui::{Key, Modifiers, Role};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use quantlens::{
    action::Action,
    command::{Command, Dialog},
    document::Page,
    palette::{self, Target},
};
use quantlens_analysis::quant::Bits;
use quantlens_tests::window::{Window, bits_of, open, real, settle};

fn typed(window: &mut Window, text: &str) {
    window.event(egui::Event::Text(text.into()));
    settle(window);
}

fn press(window: &mut Window, modifiers: Modifiers, key: Key) {
    window.key_press_modifiers(modifiers, key);
    settle(window);
}

fn options(window: &Window) -> Vec<String> {
    window.query_all_by_role(Role::ListBoxOption).filter_map(|node| node.accesskit_node().label()).collect()
}

#[test]
fn a_command_is_found_by_some_of_its_letters() {
    let mut window = open(1280.0, 800.0);
    press(&mut window, Modifiers::COMMAND, Key::K);
    typed(&mut window, "sett");
    assert!(options(&window)[0].starts_with("Settings…"), "{:?}", options(&window));
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert_eq!(window.state().document().dialog, Some(Dialog::Settings));
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert_eq!(window.state().document().dialog, None);
}

#[test]
fn a_layer_is_gone_to_and_arrows_choose() {
    let mut window = open(1280.0, 800.0);
    press(&mut window, Modifiers::COMMAND, Key::G);
    typed(&mut window, "conv1");
    let found = options(&window);
    assert!(found[0].starts_with("conv1,"), "{found:?}");
    press(&mut window, Modifiers::NONE, Key::ArrowDown);
    press(&mut window, Modifiers::NONE, Key::ArrowUp);
    press(&mut window, Modifiers::NONE, Key::Enter);
    let doc = window.state().document();
    assert_eq!((doc.selection.anchor.as_deref(), &doc.dialog), (Some("conv1"), &None));
}

#[test]
fn what_cannot_be_used_says_why_and_nothing_happens_to_the_model() {
    let mut window = open(1280.0, 800.0);
    press(&mut window, Modifiers::COMMAND, Key::K);
    typed(&mut window, "redo");
    assert_eq!(options(&window)[0], "Redo, Nothing to redo");
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert!(window.query_by_label_contains("Redo: nothing to redo").is_some());
}

#[test]
fn the_history_goes_back_several_edits_at_once_and_forth_again() {
    let mut window = open(1280.0, 800.0);
    let ctx = window.ctx.clone();
    window.state_mut().apply(&ctx, Command::SelectMany(vec!["conv1".into()]));
    for key in [Key::Num4, Key::Num3, Key::Num2] {
        press(&mut window, Modifiers::NONE, key);
    }
    press(&mut window, Modifiers::COMMAND | Modifiers::ALT, Key::Z);
    window.get_by_label("As it was opened").click();
    settle(&mut window);
    assert_eq!(bits_of(&window, "conv1"), (None, None));
    let labels: Vec<String> =
        window.query_all_by_label_contains("set conv1").filter_map(|node| node.accesskit_node().label()).collect();
    assert_eq!(labels.len(), 3, "{labels:?}");
    assert!(labels[0].contains("2 bit") && labels[2].contains("4 bit"), "newest first: {labels:?}");
    window.get_by_label(&labels[1]).click();
    settle(&mut window);
    assert_eq!(bits_of(&window, "conv1").0, Some(Bits::Int(3)));
}

#[test]
fn every_command_can_be_chosen_on_an_open_model() {
    for action in Action::every() {
        // It opens the palette again, on layers; closing the window ends the test.
        if matches!(action, Action::Quit | Action::GoToLayer) {
            continue;
        }
        let mut window = open(1280.0, 800.0);
        let ctx = window.ctx.clone();
        window.state_mut().apply(&ctx, Command::Tour(None));
        window.state_mut().apply(&ctx, Command::SelectMany(vec!["conv1".into()]));
        let found = palette::find(window.state().document(), &format!(">{}", action.title()));
        let place = found.iter().position(|entry| entry.target == Target::Action(action));
        let Some(place) = place else { continue };
        press(&mut window, Modifiers::COMMAND, Key::K);
        typed(&mut window, &format!(">{}", action.title()));
        for _ in 0..place {
            press(&mut window, Modifiers::NONE, Key::ArrowDown);
        }
        press(&mut window, Modifiers::NONE, Key::Enter);
        let doc = window.state().document();
        assert!(!matches!(doc.dialog, Some(Dialog::Palette { .. })), "{action:?}");
        assert!(doc.failure.is_none(), "{action:?}: {:?}", doc.failure);
    }
}

#[test]
fn help_answers_with_the_models_own_numbers_and_shows_the_place() {
    let Some(mut window) = real("help_answers_with_the_models_own_numbers_and_shows_the_place", 1280.0, 800.0) else {
        return;
    };
    let ctx = window.ctx.clone();
    for command in [Command::OpenSample, Command::Tour(None), Command::ShowPage(Page::Help)] {
        window.state_mut().apply(&ctx, command);
        settle(&mut window);
    }
    window.get_by_role_and_label(Role::SearchInput, "Find in the questions").focus();
    settle(&mut window);
    typed(&mut window, "requantization");
    let doc = window.state().document();
    let row = |name: &str| doc.row_of(name).unwrap();
    let stem = row("stem");
    let scale = |name: &str| f64::from(row(name).activation.as_ref().unwrap().scale);
    let multiplier = scale("image") * f64::from(stem.weight.as_ref().unwrap().first.scale) / scale("stem");
    let expected = quantlens::format::significant(multiplier, 4);
    let formula = window.get_by_label_contains("M = S_x·S_w / S_y = ");
    let said = formula.accesskit_node().label().or_else(|| formula.accesskit_node().value()).unwrap();
    assert!(said.ends_with(&format!("= {expected}")), "{said}, not {expected}");
    window.get_by_role_and_label(Role::Button, "Show Arithmetic of stem").click();
    settle(&mut window);
    let doc = window.state().document();
    assert_eq!((doc.pages.page, doc.selection.anchor.as_deref()), (Page::Arithmetic, Some("stem")));
}
