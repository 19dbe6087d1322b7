//! The editors of the inspector: formats, granularity, range method, batch norm; for one layer or for many alike.

use egui::{Align, Layout, RichText, Ui, vec2};
use quantlens_analysis::{calibrate::Method, config::Granularity, quant::Bits};

use super::also_changed;
use crate::{
    command::{Command, Commands, Part},
    document::Document,
    theme,
    views::{
        bits_editor::{InForce, bits_row_ui, choice_row_ui},
        cells::{self, Editable},
    },
    widgets::section,
};

/// Which layers of `layers` have a part that can be set.
fn settable<'a>(doc: &Document, layers: &'a [String], part: Part) -> Vec<&'a String> {
    let can = |name: &&String| {
        doc.layer(name).is_some_and(|info| matches!(cells::editable(part, info), Editable::Yes | Editable::Shared(_)))
    };
    layers.iter().filter(can).collect()
}

/// The format of the weights; `what` names the layers for screen readers.
pub(super) fn weights_ui(ui: &mut Ui, doc: &Document, what: &str, layers: &[String], send: &mut Commands) {
    let with_weights = settable(doc, layers, Part::Weights);
    if with_weights.is_empty() {
        return;
    }
    section(ui, "Weights");
    bits_ui(ui, doc, what, layers, Part::Weights, send);
    let rows = || with_weights.iter().filter_map(|name| doc.row_of(name));
    let in_force = InForce::of(rows().filter_map(|row| row.granularity));
    // Float weights have no scale whose fineness could be chosen.
    if in_force == InForce::Nothing {
        return;
    }
    let choices = [
        (Granularity::PerTensor, "Per tensor", "One scale for the whole weight"),
        (Granularity::PerChannel, "Per channel", "One scale for each output channel"),
    ];
    setting_ui(ui, "Scales", |ui| {
        if let Some(granularity) = choice_row_ui(ui, &format!("{what} scales"), in_force, &choices) {
            send.push(Command::SetGranularity { layers: owned(&with_weights), granularity });
        }
    });
}

/// A setting's name before its buttons, all names as wide as the longest.
pub(super) fn setting_ui(ui: &mut Ui, name: &str, buttons: impl FnOnce(&mut Ui)) {
    ui.horizontal(|ui| {
        let weak = RichText::new(name).color(theme::tokens(ui).weak);
        let place = vec2(76.0, theme::ROW_HEIGHT);
        ui.allocate_ui_with_layout(place, Layout::left_to_right(Align::Center), |ui| {
            ui.set_min_width(place.x);
            ui.label(weak);
        });
        buttons(ui);
    });
}

/// The format of the output and how its range is chosen.
pub(super) fn output_ui(ui: &mut Ui, doc: &Document, what: &str, layers: &[String], send: &mut Commands) {
    let with_output = settable(doc, layers, Part::Activations);
    if with_output.is_empty() {
        return;
    }
    section(ui, "Output");
    bits_ui(ui, doc, what, layers, Part::Activations, send);
    let rows = with_output.iter().filter_map(|name| doc.row_of(name));
    let in_force = InForce::of(rows.filter_map(|row| row.activation.as_ref().map(|a| a.method)));
    if in_force == InForce::Nothing {
        return;
    }
    let choices = [
        (Method::MinMax, "Min–max", "The observed minimum and maximum: nothing seen so far is clipped"),
        (Method::Kl, "KL", "The threshold of least Kullback–Leibler divergence: clips outliers"),
    ];
    setting_ui(ui, "Range", |ui| {
        if let Some(method) = choice_row_ui(ui, &format!("{what} range"), in_force, &choices) {
            send.push(Command::SetMethod { layers: owned(&with_output), method });
        }
    });
}

fn bits_ui(ui: &mut Ui, doc: &Document, what: &str, layers: &[String], part: Part, send: &mut Commands) {
    let settable = settable(doc, layers, part);
    let rows = settable.iter().filter_map(|name| doc.row_of(name));
    let in_force: InForce<Bits> = InForce::of(rows.filter_map(|row| cells::bits_of(part, row)));
    let noun = if part == Part::Weights { "weights" } else { "output" };
    if let Some(bits) = bits_row_ui(ui, &format!("{what} {noun}"), in_force) {
        send.push(Command::SetBits { layers: owned(&settable), part, bits });
    }
    let others = also_changed(doc, layers, part);
    if !others.is_empty() {
        ui.label(RichText::new(cells::also_changes(&others)).color(theme::tokens(ui).weak));
    }
    if in_force == InForce::Mixed {
        ui.label(RichText::new("They differ now").color(theme::tokens(ui).weak));
    }
}

/// Back to the defaults, where something was edited.
pub(super) fn reset_ui(ui: &mut Ui, doc: &Document, layers: &[String], send: &mut Commands) {
    let edited: Vec<String> = layers.iter().filter(|name| doc.config.layers.contains_key(*name)).cloned().collect();
    if edited.is_empty() {
        return;
    }
    ui.add_space(2.0 * theme::GRID);
    let button = ui.button("Reset to the defaults").on_hover_text("Take back what was set for these layers; undoable");
    if button.clicked() {
        send.push(Command::ResetLayers(edited));
    }
}

fn owned(names: &[&String]) -> Vec<String> {
    names.iter().map(|name| (*name).clone()).collect()
}
