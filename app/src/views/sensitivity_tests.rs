//! The Sensitivity page, through what it says and what it sends.

use std::sync::Arc;

use egui_kittest::{Harness, kittest::Queryable as _};
use quantlens_analysis::{calibrate::Method, config::QuantConfig, quant::Bits};

use super::sensitivity::{SensitivityState, sensitivity_ui};
use crate::{
    command::{Command, Commands, Part, SweepCommand},
    document::{Document, SweepView},
    selection::SelectMode,
    testing::{document, sweep},
    theme,
};

struct Shown {
    doc: Document,
    state: SensitivityState,
    sent: Commands,
}

fn show(doc: Document) -> Harness<'static, Shown> {
    let mut harness = Harness::builder().with_size([900.0, 500.0]).with_context_setup(theme::install).build_ui_state(
        |ui, shown: &mut Shown| sensitivity_ui(ui, &shown.doc, &mut shown.state, &mut shown.sent),
        Shown { doc, state: SensitivityState::default(), sent: Commands::default() },
    );
    // A spinner never rests.
    harness.run_steps(4);
    harness
}

fn click(harness: &mut Harness<'_, Shown>, label: &str) -> Vec<Command> {
    harness.get_by_label(label).click();
    harness.run_steps(4);
    harness.state_mut().sent.take()
}

/// Twelve layers of which the first `done` are measured.
fn measured(done: usize) -> Document {
    let mut doc = document(12);
    let request = doc.sweep.request();
    doc.sweep.take(Arc::new(sweep(12, &doc.config, &request, done)));
    doc
}

#[test]
fn without_samples_it_asks_for_them_and_with_them_it_offers_to_measure() {
    let mut doc = document(12);
    doc.data = None;
    show(doc).get_by_label("No samples yet");
    let mut harness = show(document(12));
    harness.get_by_label("Which layers are sensitive?");
    // In the controls and in the middle.
    let starts: Vec<_> = harness.get_all_by_label("Measure").collect();
    assert_eq!(starts.len(), 2);
    starts[1].click();
    harness.run_steps(4);
    assert_eq!(harness.state_mut().sent.take(), [Command::Sweep(SweepCommand::Start)]);
    assert_eq!(click(&mut harness, "Relief"), [Command::Sweep(SweepCommand::View(SweepView::Relief))]);
}

#[test]
fn the_worst_layer_stands_first_and_a_click_selects_it() {
    let mut doc = measured(12);
    doc.sweep.shown = Bits::Int(4);
    let mut harness = show(doc);
    harness.get_by_label("12 layers, 8 samples");
    harness.get_by_label("hollow bars: estimates");
    // input and conv7 have 10 dB, conv1 and conv8 13 dB.
    let place = |label: &str| harness.get_by_label(label).rect().top();
    let worst = "conv7, Conv: SQNR at the output 10.00 dB, 95 % between 9.00 and 11.00, estimate";
    let better = "conv1, Conv: SQNR at the output 13.00 dB, 95 % between 12.00 and 14.00, estimate";
    assert!(place(worst) < place(better));
    harness.get_by_label("Bars from 30 to 0 dB");
    let sent = click(&mut harness, worst);
    let select = Command::Select { layer: "conv7".into(), mode: SelectMode::Replace, reveal: true };
    assert!(sent.contains(&select), "{sent:?}");
    let sent = click(&mut harness, "8 bits");
    // The pointer has left the row too.
    assert!(sent.contains(&Command::Sweep(SweepCommand::Show(Bits::Int(8)))), "{sent:?}");
}

#[test]
fn the_worst_layers_are_set_in_one_edit() {
    let mut doc = measured(12);
    doc.sweep.shown = Bits::Int(4);
    let mut harness = show(doc);
    let layers = ["input", "conv7", "conv1", "conv8", "conv2"].map(String::from).to_vec();
    let sent = click(&mut harness, "Set the worst to float");
    assert_eq!(sent, [Command::SetBits { layers, part: Part::Both, bits: Bits::Float }]);
}

#[test]
fn a_stopped_sweep_says_how_far_it_came_and_goes_on() {
    let mut harness = show(measured(5));
    harness.get_by_label("Stopped: 5 of 12 layers, 8 samples.");
    assert_eq!(click(&mut harness, "Go on"), [Command::Sweep(SweepCommand::Start)]);
}

#[test]
fn a_running_sweep_can_be_stopped() {
    let mut doc = measured(5);
    doc.sweep.running = Some((Arc::clone(&doc.config), doc.sweep.request()));
    let mut harness = show(doc);
    harness.get_by_label("5 of 12 layers, 8 samples");
    assert!(harness.query_by_label("Go on").is_none());
    assert_eq!(click(&mut harness, "Stop"), [Command::Cancel]);
}

#[test]
fn other_settings_make_it_stale_other_widths_do_not() {
    let stale = "Measured under other settings than those of now.";
    let edited = |edit: fn(&mut QuantConfig)| {
        let mut doc = measured(12);
        let mut config = QuantConfig::clone(&doc.config);
        edit(&mut config);
        doc.config = Arc::new(config);
        show(doc)
    };
    let widths = edited(|config| config.edit_layer("conv1", |s| s.weight_bits = Some(Bits::Int(4))));
    assert!(widths.query_by_label(stale).is_none());
    let mut method = edited(|config| config.edit_layer("conv1", |s| s.method = Some(Method::Kl)));
    method.get_by_label(stale);
    assert_eq!(click(&mut method, "Measure again"), [Command::Sweep(SweepCommand::Start)]);
}

#[test]
fn a_relief_shows_gains_and_no_width() {
    let mut doc = document(12);
    doc.sweep.view = SweepView::Relief;
    let request = doc.sweep.request();
    doc.sweep.take(Arc::new(sweep(12, &doc.config, &request, 12)));
    let harness = show(doc);
    harness.get_by_label("conv7, Conv: gain at the output 4.00 dB, 95 % between 3.00 and 5.00");
    assert!(harness.query_by_label("4 bits").is_none());
}

#[test]
fn the_filter_hides_rows_and_says_so() {
    let mut doc = measured(12);
    doc.visible = vec![3, 4];
    let mut harness = show(doc);
    harness.get_by_label("2 of 12 shown: the filter hides the others");
    assert_eq!(click(&mut harness, "Show all layers"), [Command::SetFilter(String::new())]);
}

#[test]
fn the_float_view_says_what_it_changes() {
    let mut doc = measured(12);
    doc.float_view.held = true;
    let mut harness = show(doc);
    harness.get_by_label_contains("Each number is the float model with only the layer of its row quantized");
    assert!(harness.query_by_label_contains("conv7, Conv: ").is_some(), "the bars hold in this view too");
    let doc = &mut harness.state_mut().doc;
    doc.sweep.view = SweepView::Relief;
    let request = doc.sweep.request();
    let relief = sweep(12, &doc.config, &request, 12);
    doc.sweep.take(Arc::new(relief));
    harness.run_steps(4);
    harness.get_by_label("Nothing to take back");
}
