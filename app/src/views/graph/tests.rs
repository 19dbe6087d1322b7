//! The page through what it says, what it sends and where it looks.

use egui::{Key, Modifiers, Theme, accesskit::Role, pos2};
use egui_kittest::{Harness, kittest::Queryable as _};

use super::*;
use crate::{
    action::Action,
    apply::{self, Effect, Effects},
    command::Command,
    document::Page,
    layout_thread::News,
    selection::SelectMode,
    testing,
};

struct World {
    doc: Document,
    state: GraphViewState,
    sent: Vec<Command>,
}

/// Carries out a command with the layouts that it asks for.
fn run(doc: &mut Document, command: Command) {
    let mut effects = Effects::new();
    apply::apply(doc, command, &mut effects);
    for effect in effects {
        if let Effect::LayOut { net, quick } = effect {
            let mut work = crate::graph_layout::Work {
                cancel: quantlens_analysis::job::CancelToken::new(),
                progress: &mut |_, _| (),
                quick,
            };
            let drawing = crate::graph_layout::lay_out(&net, &mut work).unwrap();
            apply::drafted(doc, News::Done(Arc::new(drawing)));
        }
    }
}

fn open_at(mut doc: Document, size: [f32; 2], colours: Theme) -> Harness<'static, World> {
    run(&mut doc, Command::ShowPage(Page::Graph));
    let draw = |ui: &mut Ui, world: &mut World| {
        let mut send = Commands::default();
        for action in crate::keys::actions(ui.ctx()) {
            send.run(action);
        }
        egui::CentralPanel::default().show(ui, |ui| graph_ui(ui, &world.doc, &mut world.state, &mut send));
        for command in send.take() {
            run(&mut world.doc, command.clone());
            if !matches!(command, Command::Hover(_)) {
                world.sent.push(command);
            }
        }
    };
    let world = World { doc, state: GraphViewState::default(), sent: Vec::new() };
    let builder = Harness::builder().with_size(size).with_theme(colours).with_context_setup(theme::install);
    let mut harness = builder.build_ui_state(draw, world);
    harness.run();
    harness
}

fn open(doc: Document) -> Harness<'static, World> {
    open_at(doc, [900.0, 700.0], Theme::Dark)
}

fn zoom(harness: &Harness<'_, World>) -> f32 {
    harness.state().state.camera.unwrap().zoom
}

fn card<'a>(harness: &'a Harness<'_, World>, name: &str) -> egui_kittest::Node<'a> {
    harness.get_by_role_and_label_prefix(name)
}

trait ByPrefix {
    fn get_by_role_and_label_prefix<'a>(&'a self, name: &str) -> egui_kittest::Node<'a>;
}

impl ByPrefix for Harness<'_, World> {
    /// The card of a layer: a button whose label begins with its name.
    fn get_by_role_and_label_prefix<'a>(&'a self, name: &str) -> egui_kittest::Node<'a> {
        let prefix = format!("{name}, ");
        let mut found = self.query_all_by_role(Role::Button).filter(|node| {
            use egui_kittest::kittest::NodeT as _;
            node.accesskit_node().label().is_some_and(|label| label.starts_with(&prefix))
        });
        found.next().unwrap_or_else(|| panic!("no card of {name}"))
    }
}

#[test]
fn a_card_says_what_stands_on_it_and_is_selected_by_a_click() {
    let mut harness = open(testing::branched_document(8));
    assert!(
        harness
            .query_by_role_and_label(Role::Button, "conv1, Conv, weights 8 bits, output 8 bits, 43.2 dB accumulated")
            .is_some()
    );
    card(&harness, "conv1").click();
    harness.run();
    assert!(harness.state().sent.contains(&Command::Select {
        layer: "conv1".into(),
        mode: SelectMode::Replace,
        reveal: true
    }));
    card(&harness, "conv3").click_modifiers(Modifiers::COMMAND);
    harness.run();
    let selected: Vec<String> = harness.state().doc.selection.selected.iter().cloned().collect();
    assert_eq!(selected, ["conv1", "conv3"]);
}

#[test]
fn hovering_a_card_is_the_hover_of_the_whole_window() {
    let mut harness = open(testing::branched_document(8));
    card(&harness, "conv2").hover();
    harness.run();
    assert_eq!(harness.state().doc.selection.hovered.as_deref(), Some("conv2"));
    harness.hover_at(pos2(2.0, 2.0));
    harness.run();
    assert_eq!(harness.state().doc.selection.hovered, None);
}

#[test]
fn wheel_zooms_drag_pans_and_the_keys_frame() {
    let mut harness = open(testing::branched_document(60));
    let before = harness.state().state.camera.unwrap();
    harness.hover_at(pos2(450.0, 350.0));
    harness.event(egui::Event::MouseWheel {
        unit: egui::MouseWheelUnit::Point,
        delta: vec2(0.0, -120.0),
        modifiers: Modifiers::NONE,
        phase: egui::TouchPhase::Move,
        source: egui::MouseWheelSource::Wheel,
    });
    harness.run_steps(20);
    assert!(zoom(&harness) < before.zoom);
    let centre = harness.state().state.camera.unwrap().centre;
    harness.drag_at(pos2(200.0, 400.0));
    harness.hover_at(pos2(200.0, 250.0));
    harness.drop_at(pos2(200.0, 250.0));
    harness.run();
    assert!(harness.state().state.camera.unwrap().centre.y > centre.y, "what was below comes up");
    harness.key_press_modifiers(Modifiers::SHIFT, Key::Home);
    harness.run();
    let camera = harness.state().state.camera.unwrap();
    let bounds = harness.state().doc.graph.drawn.as_ref().unwrap().1.bounds();
    assert_eq!(camera.centre, bounds.center());
    run(&mut harness.state_mut().doc, Command::SelectMany(vec!["conv20".into()]));
    harness.key_press(Key::Home);
    harness.run();
    assert!(zoom(&harness) > 1.0);
    card(&harness, "conv20");
}

#[test]
fn a_selection_made_elsewhere_moves_the_view_only_where_it_must() {
    let mut harness = open(testing::branched_document(60));
    let before = harness.state().state.camera;
    let select = |name: &str| Command::Select { layer: name.into(), mode: SelectMode::Replace, reveal: true };
    run(&mut harness.state_mut().doc, select("conv2"));
    harness.run();
    assert_eq!(harness.state().state.camera, before, "it is on screen");
    run(&mut harness.state_mut().doc, select("conv50"));
    harness.run();
    assert_ne!(harness.state().state.camera, before);
    card(&harness, "conv50");
    // Arrows go on from there.
    harness.key_press(Key::ArrowDown);
    harness.run();
    assert!(harness.state().doc.selection.contains("conv51"));
}

#[test]
fn a_cut_edge_leads_to_its_other_end() {
    let mut harness = open(testing::branched_document(60));
    harness.get_by_role_and_label(Role::Button, "conv1: to 2 layers").click();
    harness.run();
    harness.get_by_role_and_label(Role::Button, "conv58").click();
    harness.run();
    assert!(harness.state().doc.selection.contains("conv58"));
    harness.get_by_role_and_label(Role::Button, "conv58: from conv1").click();
    harness.run();
    assert!(harness.state().doc.selection.contains("conv1"));
}

#[test]
fn the_filter_dims_and_the_next_match_goes_round() {
    let mut harness = open(testing::branched_document(30));
    harness.get_by_role_and_label(Role::Button, "Find…").click();
    harness.run();
    assert!(harness.state().sent.contains(&Command::Run(Action::FilterLayers)));
    run(&mut harness.state_mut().doc, Command::SetFilter("conv2".into()));
    harness.run();
    assert!(harness.query_by_label("11 found").is_some(), "conv2 and conv20 to conv29");
    harness.get_by_role_and_label(Role::Button, "Next match").click();
    harness.run();
    assert!(harness.state().doc.selection.contains("conv2") && harness.query_by_label("1 of 11").is_some());
    harness.key_press_modifiers(Modifiers::SHIFT, Key::F3);
    harness.run();
    assert!(harness.state().doc.selection.contains("conv29"), "from the first to the last");
    harness.key_press(Key::F3);
    harness.run();
    assert!(harness.state().doc.selection.contains("conv2"));
}

#[test]
fn a_right_click_offers_what_can_be_done_with_the_card() {
    let mut harness = open(testing::branched_document(8));
    card(&harness, "conv2").click_secondary();
    harness.run();
    assert!(harness.state().doc.selection.contains("conv2"));
    assert!(harness.query_by_label_contains("Weights per channel").is_some());
    harness.get_by_label_contains("Histogram").click();
    harness.run();
    assert_eq!(harness.state().doc.pages.page, Page::Histogram);
}

#[test]
fn keys_go_along_lines_and_labels() {
    let mut harness = open(testing::branched_document(60));
    let select = |name: &str| Command::Select { layer: name.into(), mode: SelectMode::Replace, reveal: true };
    run(&mut harness.state_mut().doc, select("conv58"));
    harness.run();
    let press = |harness: &mut Harness<'_, World>, key| {
        harness.key_press_modifiers(Modifiers::ALT, key);
        harness.run();
        harness.state().doc.selection.anchor.clone().unwrap()
    };
    assert_eq!(press(&mut harness, Key::Enter), "conv1", "over the label");
    card(&harness, "conv1");
    assert_eq!(press(&mut harness, Key::Enter), "conv58", "and back");
    assert_eq!(press(&mut harness, Key::ArrowRight), "conv59", "the other label of conv1");
    assert_eq!(press(&mut harness, Key::ArrowUp), "conv1");
    assert_eq!(press(&mut harness, Key::ArrowUp), "input");
    assert_eq!(press(&mut harness, Key::ArrowUp), "input", "nothing is above it");
    assert_eq!(press(&mut harness, Key::ArrowDown), "conv1");
    // From the page's tab stop as well: there arrows are not the focus's.
    harness.ctx.memory_mut(|memory| memory.request_focus(focus_id()));
    harness.run();
    assert_eq!(press(&mut harness, Key::ArrowDown), "conv2");
    assert!(harness.ctx.memory(|memory| memory.has_focus(focus_id())));
}

#[test]
fn the_menu_of_a_card_needs_no_mouse() {
    let mut harness = open(testing::branched_document(8));
    run(&mut harness.state_mut().doc, Command::SelectMany(vec!["conv2".into()]));
    harness.run();
    harness.key_press_modifiers(Modifiers::SHIFT, Key::F10);
    harness.run();
    assert!(harness.get_by_label("Go along a line").is_focused());
    // One right after the other, as fast as somebody types.
    harness.key_press(Key::ArrowDown);
    harness.key_press(Key::ArrowDown);
    harness.run();
    assert!(harness.get_by_label_contains("Toggle float and last bits").is_focused());
    harness.key_press(Key::Enter);
    harness.run();
    assert!(harness.state().sent.contains(&Command::Run(Action::ToggleFloat)));
    assert!(harness.query_by_label("Go along a line").is_none(), "it closes");
    // The key on the keyboard's right, up to the last entry, and Escape.
    harness.key_press(Key::Menu);
    harness.run();
    harness.key_press(Key::ArrowUp);
    harness.run();
    assert!(harness.get_by_label_contains("Arithmetic").is_focused());
    harness.key_press(Key::Escape);
    harness.run();
    assert!(harness.query_by_label("Go along a line").is_none());
    assert!(harness.state().doc.selection.contains("conv2"), "Escape was the menu's");
    // Along a line by the menu.
    harness.key_press(Key::Menu);
    harness.run();
    harness.key_press(Key::Enter);
    harness.run();
    harness.get_by_label("to conv3").focus();
    harness.run();
    harness.key_press(Key::Enter);
    harness.run();
    assert!(harness.state().doc.selection.contains("conv3"));
}

#[test]
fn the_legend_names_the_ends_of_the_colours() {
    let mut harness = open(testing::branched_document(8));
    assert!(harness.query_by_label_contains("from ≥ 40 dB to ≤ 10 dB").is_some());
    harness.get_by_label("Fit colours").click();
    harness.run();
    assert!(harness.query_by_label_contains("from ≥ 44 dB").is_some());
    run(&mut harness.state_mut().doc, Command::ListMetric(crate::rows::Column::Clipped));
    harness.run();
    assert!(harness.query_by_label_contains("Cards: Clipped %, from ≤ 0.00 % to ≥ 0.28 %").is_some());
}

#[test]
fn against_a_pin_cards_show_differences() {
    let mut doc = testing::branched_document(8);
    run(&mut doc, Command::Pin(crate::command::PinCommand::Add("before".into())));
    let mut report = quantlens_analysis::report::Report::clone(doc.report.value.as_ref().unwrap());
    report.rows[3].accumulated = testing::errors(12.0);
    let report = Arc::new(report);
    let event = crate::worker::Event {
        slot: crate::worker::Slot::Evaluate,
        ticket: crate::worker::Ticket(1),
        news: crate::worker::News::Report(report),
    };
    apply::absorb(&mut doc, event, &mut Effects::new());
    let mut harness = open(doc);
    assert!(harness.query_by_label_contains("from ▼ 10 dB worse to 10 dB better ▲").is_some());
    harness.get_by_label("Differences").click();
    harness.run();
    assert!(harness.query_by_label_contains("from ≥ 40 dB to ≤ 10 dB").is_some());
}

#[test]
fn without_a_drawing_the_page_says_why_and_what_next() {
    let mut doc = testing::branched_document(60);
    apply::apply(&mut doc, Command::ShowPage(Page::Graph), &mut Effects::new());
    let world = World { doc, state: GraphViewState::default(), sent: Vec::new() };
    let draw = |ui: &mut Ui, world: &mut World| {
        let mut send = Commands::default();
        graph_ui(ui, &world.doc, &mut world.state, &mut send);
        for command in send.take() {
            apply::apply(&mut world.doc, command, &mut Effects::new());
        }
    };
    let builder = Harness::builder().with_size([700.0, 500.0]).with_context_setup(theme::install);
    let mut harness = builder.build_ui_state(draw, world);
    harness.run();
    assert!(harness.query_by_label("Laying out 60 cards…").is_some());
    assert!(harness.query_by_label("Draw without edge-crossing search").is_none());
    harness.state_mut().doc.now = 3.0;
    harness.run();
    assert!(harness.query_by_label("Draw without edge-crossing search").is_some());
    harness.get_by_label("Cancel").click();
    harness.run();
    assert!(harness.query_by_label("The graph is not drawn").is_some());
    harness.get_by_label("Lay out").click();
    harness.run();
    assert!(harness.state().doc.graph.running.is_some());
}

#[test]
fn cards_without_numbers_are_drawn_too() {
    let mut doc = testing::branched_document(8);
    doc.report = crate::document::Loaded::default();
    let harness = open(doc);
    assert!(harness.query_by_role_and_label(Role::Button, "conv1, Conv, not evaluated yet").is_some());
}

#[test]
fn the_file_has_every_card_and_both_ends_of_a_cut() {
    let harness = open(testing::branched_document(60));
    let sheet = graph_sheet(&harness.state().doc, &harness.state().state, Theme::Light).unwrap();
    assert_eq!(sheet.cards.len(), 60);
    let text =
        crate::figure::Picture::Graph(Box::new(sheet.clone())).svg(&crate::figure::FileOptions::default()).unwrap();
    for word in ["fixture.onnx", "conv59", "W8 A8", "43.2", "to 2 layers", "from conv1", "from ≥ 40 dB to ≤ 10 dB"]
    {
        assert!(text.contains(word), "{word} is missing");
    }
}

#[test]
fn an_idle_graph_rests() {
    let harness = open(testing::branched_document(400));
    let delay = harness.output().viewport_output[&egui::ViewportId::ROOT].repaint_delay;
    assert_eq!(delay, std::time::Duration::MAX);
}
