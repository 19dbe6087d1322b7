//! The editors of the inspector: formats, granularity, range method, batch norm; for one layer or for many alike.

use egui::{Align, Layout, RichText, Ui, vec2};
use quantlens_analysis::{
    config::Granularity, plan::GridRule, quant::Bits, report::ActivationSummary, say, t, text::Text,
};

use super::{
    also_changed,
    codes::{Chosen, codes_ui},
    range::range_ui,
};
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

/// Sizes of groups that have a button where the target has many.
const USUAL_GROUPS: [u32; 2] = [32, 128];
/// So many sizes all have a button.
const FEW_GROUPS: usize = 3;

/// How finely weights can be scaled: what the target offers and what is in force, with its button and hint.
fn granularities(doc: &Document, in_force: InForce<Granularity>) -> Vec<(Granularity, String, String)> {
    let offered = doc.target_info().map(|target| target.granularities.clone()).unwrap_or_default();
    let is_group = |granularity: &Granularity| matches!(granularity, Granularity::PerGroup(_));
    let has_few = offered.iter().filter(|g| is_group(g)).count() <= FEW_GROUPS;
    let has_button = |g: &Granularity| has_few || !matches!(g, Granularity::PerGroup(n) if !USUAL_GROUPS.contains(n));
    let mut shown: Vec<Granularity> = offered.into_iter().filter(has_button).collect();
    if let InForce::One(now) = in_force
        && !shown.contains(&now)
    {
        shown.push(now);
    }
    shown.sort_by_key(|granularity| match granularity {
        Granularity::PerTensor => (0, 0),
        Granularity::PerChannel => (1, 0),
        Granularity::PerGroup(size) => (2, *size),
    });
    let first = shown.iter().copied().find(is_group);
    let words = |granularity| match granularity {
        Granularity::PerTensor => (t!("Per tensor").into(), t!("One scale for the whole weight").into()),
        Granularity::PerChannel => (t!("Per channel").into(), t!("One scale for each output channel").into()),
        Granularity::PerGroup(size) => (
            if first == Some(granularity) { t!("Groups of {}", size) } else { t!("of {}", size) },
            t!("One scale for {} weights along the input axis", size),
        ),
    };
    shown
        .into_iter()
        .map(|granularity| (granularity, words(granularity)))
        .map(|(g, (text, hint))| (g, text, hint))
        .collect()
}

/// Which layers of `layers` have a part that can be set.
fn settable<'a>(doc: &Document, layers: &'a [String], part: Part) -> Vec<&'a String> {
    let can = |name: &&String| {
        doc.layer(name).is_some_and(|info| matches!(cells::editable(part, info), Editable::Yes | Editable::Shared(_)))
    };
    layers.iter().filter(can).collect()
}

/// The format of the weights; `what` names the layers for screen readers.
pub(super) fn weights_ui(ui: &mut Ui, doc: &Document, what: &Text, layers: &[String], send: &mut Commands) {
    let with_weights = settable(doc, layers, Part::Weights);
    if with_weights.is_empty() {
        return;
    }
    section(ui, t!("Weights"));
    bits_ui(ui, doc, what, layers, Part::Weights, send);
    let rows = || with_weights.iter().filter_map(|name| doc.row_of(name));
    let in_force = InForce::of(rows().filter_map(|row| row.granularity));
    // Float weights have no scale whose fineness could be chosen.
    if in_force == InForce::Nothing {
        return;
    }
    setting_ui(ui, t!("Scales"), |ui| {
        if let Some(granularity) = choice_row_ui(ui, &t!("{} scales", what), in_force, &granularities(doc, in_force)) {
            send.push(Command::SetGranularity { layers: owned(&with_weights), granularity });
        }
    });
    let rules: Vec<GridRule> = rows()
        .filter_map(|row| row.weight.as_ref())
        .filter(|weight| weight.number.integer().is_some())
        .filter_map(|weight| weight.rule)
        .collect();
    if let Some(chosen) = codes_ui(ui, what, Part::Weights, &rules) {
        send.push(set_codes(&with_weights, Part::Weights, what, chosen));
    }
}

/// The command for a choice of codes.
fn set_codes(layers: &[&String], part: Part, what: &Text, chosen: Chosen) -> Command {
    let words = (Text::made(move || part.name().to_owned()), Text::of(chosen.words));
    let label = say!("make {} of {} {}", words.0, what, words.1);
    Command::SetFormat { layers: owned(layers), settings: chosen.settings, label }
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
pub(super) fn output_ui(ui: &mut Ui, doc: &Document, what: &Text, layers: &[String], send: &mut Commands) {
    let with_output = settable(doc, layers, Part::Activations);
    if with_output.is_empty() {
        return;
    }
    section(ui, t!("Output"));
    bits_ui(ui, doc, what, layers, Part::Activations, send);
    let rows = with_output.iter().filter_map(|name| doc.row_of(name));
    let outputs: Vec<&ActivationSummary> = rows.filter_map(|row| row.activation.as_ref()).collect();
    if outputs.is_empty() {
        return;
    }
    range_ui(ui, what, &owned(&with_output), &outputs, send);
    let integers = outputs.iter().filter(|output| output.number.integer().is_some());
    let rules: Vec<GridRule> = integers.map(|output| output.rule).collect();
    if let Some(chosen) = codes_ui(ui, what, Part::Activations, &rules) {
        send.push(set_codes(&with_output, Part::Activations, what, chosen));
    }
}

/// The formula of a quantizer, a line each.
pub(super) fn formula_ui(ui: &mut Ui, lines: &[String]) {
    ui.add_space(theme::GRID);
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        for line in lines {
            // Not in digits of one width: a formula is a line to read, and must fit into one.
            let text = RichText::new(line).size(12.0);
            let label = ui.add(egui::Label::new(text).wrap().selectable(true));
            label.on_hover_text(t!(
                "q is the code, S the step between two codes, Z the code of 0, with this quantizer's own numbers"
            ));
        }
    });
}

fn bits_ui(ui: &mut Ui, doc: &Document, what: &Text, layers: &[String], part: Part, send: &mut Commands) {
    let settable = settable(doc, layers, part);
    let rows = settable.iter().filter_map(|name| doc.row_of(name));
    let in_force: InForce<Bits> = InForce::of(rows.filter_map(|row| cells::bits_of(part, row)));
    let name = if part == Part::Weights { t!("{} weights", what) } else { t!("{} output", what) };
    if let Some(bits) = bits_row_ui(ui, &name, in_force) {
        send.push(Command::SetBits { layers: owned(&settable), part, bits });
    }
    let others = also_changed(doc, layers, part);
    if !others.is_empty() {
        ui.label(RichText::new(cells::also_changes(&others)).color(theme::tokens(ui).weak));
    }
    if in_force == InForce::Mixed {
        ui.label(RichText::new(t!("They differ now")).color(theme::tokens(ui).weak));
    }
}

/// Back to the defaults, where something was edited.
pub(super) fn reset_ui(ui: &mut Ui, doc: &Document, layers: &[String], send: &mut Commands) {
    let edited: Vec<String> = layers.iter().filter(|name| doc.config.layers.contains_key(*name)).cloned().collect();
    if edited.is_empty() {
        return;
    }
    ui.add_space(2.0 * theme::GRID);
    let button =
        ui.button(t!("Reset to the defaults")).on_hover_text(t!("Take back what was set for these layers; undoable"));
    if button.clicked() {
        send.push(Command::ResetLayers(edited));
    }
}

fn owned(names: &[&String]) -> Vec<String> {
    names.iter().map(|name| (*name).clone()).collect()
}
