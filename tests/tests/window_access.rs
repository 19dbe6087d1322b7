//! What someone without a mouse or without eyes for the screen meets: every control has a name, no two lie on each other,
//! and every number says on hover what it is.

use std::sync::{Mutex, MutexGuard, PoisonError};

use egui::{Rect, Role, accesskit::Action};
use egui_kittest::{
    Node,
    kittest::{By, NodeT as _, Queryable as _},
};
use quantlens::{
    action::Action as Act,
    command::{Command, Dialog},
    document::{Page, Settings},
};
use quantlens_analysis::text::{Language, set_language};
use quantlens_tests::window::{Window, open, real, send};

/// Roles of what is pressed, chosen or typed into.
const CONTROLS: [Role; 9] = [
    Role::Button,
    Role::CheckBox,
    Role::RadioButton,
    Role::ComboBox,
    Role::TextInput,
    Role::Slider,
    Role::SpinButton,
    Role::Link,
    Role::ListItem,
];

/// The language is the whole program's: tests in another one must not run beside those that read English.
static LANGUAGE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    LANGUAGE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn pages() -> impl Iterator<Item = Page> {
    Page::MODEL.into_iter().chain(Page::LAYER).chain([Page::Help])
}

/// The sample on screen, with a layer selected and the tour closed.
fn sample(size: [f32; 2], language: Language) -> Window {
    let mut window = open(size[0], size[1]);
    send(&mut window, Command::SetSettings(Settings { language, ..Settings::default() }));
    send(&mut window, Command::Tour(None));
    send(&mut window, Command::Run(Act::NextSuspect));
    window
}

/// Everything in the tree.
fn nodes(window: &Window) -> impl Iterator<Item = Node<'_>> {
    window.query_all(By::new().predicate(|_| true))
}

/// What a screen reader calls it.
fn name(node: &Node<'_>) -> String {
    let node = node.accesskit_node();
    node.label().or_else(|| node.value()).unwrap_or_default()
}

fn nameless(window: &Window) -> Vec<String> {
    let takes_keys = |node: &Node<'_>| {
        let node = node.accesskit_node();
        // The window itself can have the keyboard, too.
        node.role() != Role::Window && (CONTROLS.contains(&node.role()) || node.data().supports_action(Action::Focus))
    };
    let found = nodes(window).filter(takes_keys).filter(|node| name(node).trim().is_empty());
    found.map(|node| format!("{:?} at {:?}", node.accesskit_node().role(), node.rect())).collect()
}

#[test]
fn whatever_takes_the_keyboard_has_a_name() {
    let _alone = alone();
    for size in [[800.0, 600.0], [1440.0, 900.0]] {
        let mut window = sample(size, Language::English);
        for page in pages() {
            send(&mut window, Command::ShowPage(page));
            assert_eq!(nameless(&window), [""; 0], "{page:?} at {size:?}");
        }
        let dialogs = [
            Dialog::Shortcuts,
            Dialog::Settings,
            Dialog::Notices,
            Dialog::About,
            Dialog::History,
            Dialog::Pins(String::new()),
            Dialog::Path(String::new()),
            Dialog::Palette { typed: String::new(), chosen: 0 },
        ];
        for dialog in dialogs {
            send(&mut window, Command::ShowDialog(dialog.clone()));
            assert_eq!(nameless(&window), [""; 0], "{dialog:?} at {size:?}");
            send(&mut window, Command::CloseDialog);
        }
        send(&mut window, Command::Run(Act::Export));
        assert_eq!(nameless(&window), [""; 0], "the export at {size:?}");
    }
}

/// Pairs of controls of the fixed rows over the pages of which one covers the other, and those that leave the window.
fn misplaced(window: &Window) -> Vec<String> {
    let screen = Rect::from_min_size(egui::Pos2::ZERO, window.ctx.content_rect().size());
    let centre = window.state().rects().centre;
    let is_row = |node: &Node<'_>| {
        CONTROLS[..7].contains(&node.accesskit_node().role()) && node.rect().bottom() <= centre.top() + 70.0
    };
    let controls: Vec<(String, Rect)> = nodes(window).filter(is_row).map(|node| (name(&node), node.rect())).collect();
    let mut found = Vec::new();
    for (at, (name, rect)) in controls.iter().enumerate() {
        if !screen.expand(0.5).contains_rect(*rect) {
            found.push(format!("{name} leaves the window: {rect:?}"));
        }
        for (other, second) in controls.iter().skip(at + 1) {
            let both = rect.intersect(*second);
            if both.width() > 1.0 && both.height() > 1.0 && !rect.contains_rect(*second) && !second.contains_rect(*rect)
            {
                found.push(format!("{name} lies on {other}: {rect:?} {second:?}"));
            }
        }
    }
    found
}

#[test]
fn no_control_covers_another_or_leaves_the_window() {
    let _alone = alone();
    for language in Language::ALL {
        // 2400 × 1800 pixels at 300 %, 1280 × 800 at 200 %, and the smallest window as it is.
        for (size, scale) in [([800.0, 600.0], 3.0), ([640.0, 400.0], 2.0), ([800.0, 600.0], 1.0)] {
            let mut window = sample(size.map(|side| scale * side), language);
            window.set_pixels_per_point(scale);
            for page in pages() {
                send(&mut window, Command::ShowPage(page));
                assert_eq!(misplaced(&window), [""; 0], "{page:?} at {size:?}, {language:?}");
            }
        }
    }
    set_language(Language::English);
}

#[test]
fn the_tools_are_one_line_and_none_is_lost() {
    let _alone = alone();
    for width in [640.0, 800.0, 920.0, 1100.0, 1440.0] {
        let mut window = sample([width, 600.0], Language::English);
        let target = window.get_by_label_contains("Target: ").rect();
        let widths = window.get_by_label("Default W: 8").rect();
        assert!((target.center().y - widths.center().y).abs() < 1.0, "{width}");
        let more = window.query_by_role_and_label(Role::Button, "More").map(|node| node.click());
        assert_eq!(more.is_some(), width < 1100.0, "{width}");
        window.run_steps(6);
        for tool in ["Default Ranges: min–max", "Default Weights: per tensor", "Codes"] {
            // The inspector has settings of that name, too.
            let found =
                nodes(&window).find(|node| CONTROLS.contains(&node.accesskit_node().role()) && name(node) == tool);
            let found = found.unwrap_or_else(|| panic!("{tool} is lost at {width}")).rect();
            let is_in_row = (found.center().y - target.center().y).abs() < 1.0;
            assert!(is_in_row || more.is_some(), "{tool} at {width}");
        }
        // By key as much as by click: a menu's entries are buttons like others.
        let is_keys = |node: &Node<'_>| name(node).contains("Widths set weights");
        let keys = nodes(&window).find(is_keys).unwrap_or_else(|| panic!("the keys' part is lost at {width}"));
        keys.focus();
        window.run_steps(2);
        window.key_press(egui::Key::Enter);
        window.run_steps(6);
        assert_eq!(window.state().document().target, quantlens::command::Part::Weights, "{width}");
    }
}

#[test]
fn a_default_is_changed_from_the_menu_of_tools() {
    let _alone = alone();
    let mut window = sample([800.0, 600.0], Language::English);
    window.get_by_role_and_label(Role::Button, "More").click();
    window.run_steps(6);
    window.get_by_label("Default Weights: per tensor").click();
    window.run_steps(6);
    window.get_by_label("per channel").click();
    window.run_steps(12);
    let granularity = window.state().document().config.defaults.granularity;
    assert_eq!(granularity, Some(quantlens_analysis::config::Granularity::PerChannel));
}

/// Whether the text has a number in it that wants to be explained: no name with a digit, and nothing that is long enough
/// to say it itself.
fn is_number(text: &str) -> bool {
    let signs = ['−', '+', '(', '[', '≥', '≤', '~', '±'];
    let is_number = |word: &str| word.trim_start_matches(signs).starts_with(|first: char| first.is_ascii_digit());
    // A figure's own stamp says what it is made of.
    let is_short = text.split_whitespace().count() < 6 && !text.starts_with("values of ");
    is_short && text.split_whitespace().any(is_number)
}

/// Whether the pointer is on what has this rectangle: what is scrolled out of its view, or lies under a scroll bar, cannot
/// be pointed at.
fn is_reached(window: &Window, rect: Rect) -> bool {
    let under = window.ctx.interaction_snapshot(|snapshot| snapshot.hovered.clone());
    let rects = under.iter().filter_map(|id| window.ctx.read_response(*id)).map(|response| response.rect);
    rects.into_iter().any(|found| found.center().distance(rect.center()) < 1.0)
}

fn has_tooltip(window: &Window) -> bool {
    let shown = window.ctx.memory(|memory| memory.areas().visible_layer_ids());
    shown.iter().any(|layer| layer.order == egui::Order::Tooltip)
}

/// Numbers that stand as text on the page and say nothing on hover.
fn silent(window: &mut Window) -> Vec<String> {
    let screen = window.ctx.content_rect();
    let texts: Vec<(String, Rect)> = nodes(window)
        .filter(|node| node.accesskit_node().role() == Role::Label)
        .map(|node| (name(&node), node.rect()))
        .filter(|(text, rect)| is_number(text) && screen.contains_rect(*rect))
        .collect();
    let mut silent = Vec::new();
    for (text, rect) in texts {
        // Twice, a point apart: one that takes over from another's may need the pointer to move.
        let says = [3.0_f32, 4.0].into_iter().any(|inside| {
            window.hover_at(egui::pos2(rect.left() + inside.min(0.5 * rect.width()), rect.center().y));
            window.run_steps(5);
            !is_reached(window, rect) || has_tooltip(window)
        });
        if !says {
            silent.push(text);
        }
    }
    silent.sort();
    silent.dedup();
    silent
}

#[test]
fn numbers_say_on_hover_what_they_are() {
    let _alone = alone();
    let Some(mut window) = real("numbers_say_on_hover_what_they_are", 1600.0, 1200.0) else { return };
    send(&mut window, Command::OpenSample);
    send(&mut window, Command::Tour(None));
    send(&mut window, Command::Run(Act::NextSuspect));
    window.ctx.all_styles_mut(|style| {
        style.interaction.tooltip_delay = 0.0;
        style.interaction.show_tooltips_only_when_still = false;
    });
    let mut all = Vec::new();
    let pages = [
        Page::Table,
        Page::Graph,
        Page::Drift,
        Page::Data,
        Page::Model,
        Page::Errors,
        Page::Arithmetic,
        Page::Sensitivity,
        Page::Threshold,
        Page::Channels,
    ];
    for page in pages {
        send(&mut window, Command::ShowPage(page));
        let numbers = nodes(&window).filter(|node| is_number(&name(node))).count();
        assert!(numbers > 20, "{page:?} has {numbers} numbers only");
        all.extend(silent(&mut window).into_iter().map(|text| format!("{page:?}: {text}")));
    }
    assert_eq!(all, [""; 0]);
}
