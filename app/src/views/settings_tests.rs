//! The inspector and the toolbar in a harness: what is set there, for one layer, for several and for all.

use std::sync::Arc;

use egui_kittest::{
    Harness,
    kittest::{NodeT as _, Queryable as _},
};
use quantlens_analysis::{
    calibrate::{Flavour, Method},
    config::{Granularity, LayerSettings},
    quant::{Bits, Codes, Scheme, Sign},
    report::{Report, TargetInfo},
    target::Target,
};

use super::{
    view_tests::{World, last, open, sample},
    *,
};
use crate::{
    apply::{absorb, apply},
    command::{Command, Commands, Part},
    worker::{Event, News, Slot, Ticket},
};

#[test]
fn the_inspector_sets_what_it_shows() {
    let mut doc = sample();
    doc.selection.replace(["block2/depthwise".to_owned()]);
    let mut harness = open(doc, [1440.0, 1500.0]);
    let layers = || vec!["block2/depthwise".to_owned()];
    for (label, expected) in [
        (
            "block2/depthwise scales: Per channel",
            Command::SetGranularity { layers: layers(), granularity: Granularity::PerChannel },
        ),
        ("block2/depthwise range: KL", Command::SetMethod { layers: layers(), method: Method::Kl }),
        ("block2/depthwise batch norm: Separate", Command::SetFold { layers: layers(), fold: false }),
        (
            "block2/depthwise output: float",
            Command::SetBits { layers: layers(), part: Part::Activations, bits: Bits::Float },
        ),
    ] {
        harness.get_by_label(label).click();
        harness.run();
        assert_eq!(last(&harness), expected);
    }
    harness.get_by_label("Reset to the defaults").click();
    harness.run();
    assert_eq!(last(&harness), Command::ResetLayers(layers()));
    harness.get_by_label("block1/pointwise").click();
    harness.run();
    assert_eq!(harness.state().doc.selected_names(), ["block1/pointwise"]);
}

#[test]
fn the_inspector_chooses_codes_and_shows_the_formula_they_give() {
    let mut doc = sample();
    doc.selection.replace(["block2/depthwise".to_owned()]);
    let mut harness = open(doc, [1440.0, 1500.0]);
    harness.get_by_label("q = clamp(round(w / 0.01230), −128, 127)");
    harness.get_by_label("S = max|w| / 127 = 1.562 / 127 = 0.01230");
    harness.get_by_label("q = clamp(round(r / 0.02353) − 128, −128, 127)");
    harness.get_by_label("S = (6.000 − 0) / 255 = 0.02353");
    let layers = || vec!["block2/depthwise".to_owned()];
    let none = LayerSettings::default();
    for (label, settings, undo) in [
        (
            "block2/depthwise output scheme: Symmetric",
            LayerSettings { activation_scheme: Some(Scheme::Symmetric), ..none.clone() },
            "make activations of block2/depthwise symmetric",
        ),
        (
            "block2/depthwise output codes: Unsigned",
            LayerSettings { activation_sign: Some(Sign::Unsigned), ..none.clone() },
            "make activations of block2/depthwise unsigned",
        ),
        (
            "block2/depthwise weights lowest code: Narrow",
            LayerSettings { weight_codes: Some(Codes::Narrow), ..none.clone() },
            "make weights of block2/depthwise narrow",
        ),
    ] {
        harness.get_by_label(label).click();
        harness.run();
        assert_eq!(last(&harness), Command::SetFormat { layers: layers(), settings, label: undo.into() });
        assert_eq!(harness.state().doc.history.undo_label(), Some(undo));
    }
    harness.get_by_label("block2/depthwise range as another tool").click();
    harness.run();
    harness.get_by_label("PPQ mse").click();
    harness.run();
    let method = Method::Flavour(Flavour::PpqMse);
    assert_eq!(last(&harness), Command::SetMethod { layers: layers(), method });
}

#[test]
fn several_layers_get_one_setting_and_show_none_where_they_differ() {
    let mut report = fixtures::report();
    let one = report.rows[1].activation.as_mut().unwrap();
    one.method = Method::Percentile;
    one.rule.scheme = Scheme::Symmetric;
    let mut doc = fixtures::document(report);
    doc.selection.replace(["stem/conv".to_owned(), "block1/pointwise".to_owned()]);
    let mut harness = open(doc, [1440.0, 1500.0]);
    let is_lit = |harness: &Harness<'_, World>, label: &str| {
        harness.get_by_label(label).accesskit_node().toggled() == Some(egui::accesskit::Toggled::True)
    };
    for scheme in ["Symmetric", "Affine"] {
        assert!(!is_lit(&harness, &format!("2 layers output scheme: {scheme}")), "they differ");
    }
    assert!(is_lit(&harness, "2 layers output codes: Signed"), "they agree");
    harness.get_by_label("2 layers range: Entropy").click();
    harness.run();
    let layers = vec!["stem/conv".to_owned(), "block1/pointwise".to_owned()];
    assert_eq!(last(&harness), Command::SetMethod { layers, method: Method::Entropy });
    assert_eq!(harness.state().doc.history.depth(), 1);
}

#[test]
fn the_toolbar_sets_the_codes_of_all_layers() {
    let app = |ui: &mut egui::Ui, world: &mut World| {
        let mut send = Commands::default();
        toolbar::toolbar_ui(ui, &world.doc, &mut send);
        for command in send.take() {
            apply(&mut world.doc, command.clone(), &mut Vec::new());
            world.sent.push(command);
        }
    };
    let world = World { doc: sample(), states: ViewStates::default(), sent: Vec::new() };
    let mut harness = Harness::builder()
        .with_size([1200.0, 500.0])
        .with_context_setup(crate::theme::install)
        .build_ui_state(app, world);
    harness.run();
    harness.get_by_label("Codes").click();
    harness.run();
    // The menu stays open, and what is set in it is seen in it.
    for label in ["Default output scheme: Symmetric", "Default weights lowest code: Narrow"] {
        harness.get_by_label(label).click();
        harness.run();
        assert_eq!(harness.get_by_label(label).accesskit_node().toggled(), Some(egui::accesskit::Toggled::True));
    }
    let wanted = LayerSettings {
        activation_scheme: Some(Scheme::Symmetric),
        weight_codes: Some(Codes::Narrow),
        ..LayerSettings::default()
    };
    assert_eq!(last(&harness), Command::SetDefaults(wanted));
}

#[test]
fn the_toolbar_shows_and_sets_what_a_target_file_holds() {
    let path = "my.toml";
    let text = Target::builtin_toml("tensorrt").unwrap().replace("name = \"tensorrt\"", "name = \"my-board\"");
    let target = Target::from_toml(&text, path).unwrap();
    assert_eq!(target.method, Method::Kl);
    let app = |ui: &mut egui::Ui, world: &mut World| {
        let mut send = Commands::default();
        toolbar::toolbar_ui(ui, &world.doc, &mut send);
        world.sent.extend(send.take());
    };
    let mut doc = sample();
    apply(&mut doc, Command::SetTarget(path.into()), &mut Vec::new());
    let mut harness = Harness::builder()
        .with_size([1200.0, 700.0])
        .with_context_setup(crate::theme::install)
        .build_ui_state(app, World { doc, states: ViewStates::default(), sent: Vec::new() });
    harness.run();
    // The file has not been read.
    harness.get_by_label("Target: my.toml");
    harness.get_by_label("Default Ranges: …");

    let report = Report {
        config: Arc::clone(&harness.state().doc.config),
        target: Arc::new(TargetInfo::of(path, &target)),
        ..fixtures::report()
    };
    let event = Event { ticket: Ticket(1), slot: Slot::Evaluate, news: News::Report(Arc::new(report)) };
    absorb(&mut harness.state_mut().doc, event, &mut Vec::new());
    harness.run();
    harness.get_by_label(&format!("Target: {}", target.title));
    for label in ["Default Ranges: KL", "Default Weights: per channel"] {
        harness.get_by_label(label);
    }
    harness.get_by_label("Default Ranges: KL").click();
    harness.run();
    harness.get_by_label("min–max").click();
    harness.run();
    let wanted = LayerSettings { method: Some(Method::MinMax), ..LayerSettings::default() };
    assert_eq!(last(&harness), Command::SetDefaults(wanted), "min–max is a choice, not what holds already");
}

#[test]
fn the_inspector_lights_the_group_size_that_is_set_and_offers_what_the_target_has() {
    let mut report = fixtures::report();
    let row = report.rows.iter_mut().find(|row| row.info.name == "head/fc").unwrap();
    row.granularity = Some(Granularity::PerGroup(16));
    let mut doc = fixtures::document(report);
    doc.selection.replace(["head/fc".to_owned()]);
    let mut harness = open(doc, [1440.0, 900.0]);
    let lit = |harness: &Harness<'_, World>, label: &str| harness.get_by_label(label).accesskit_node().toggled();
    assert_eq!(lit(&harness, "head/fc scales: Groups of 16"), Some(egui::accesskit::Toggled::True));
    harness.get_by_label("head/fc scales: of 32");
    apply(&mut harness.state_mut().doc, Command::SetTarget("tflite".into()), &mut Vec::new());
    harness.run();
    assert!(harness.query_by_label("head/fc scales: of 32").is_none(), "it has no groups");
    harness.get_by_label("head/fc scales: Groups of 16");
}
