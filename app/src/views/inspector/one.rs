//! The inspector of one layer.

use egui::{RichText, Ui};
use quantlens_analysis::{
    metrics::Measure,
    report::{ActivationSummary, LayerInfo, LayerRow, WeightSummary},
    t,
    text::Value as _,
};

use super::{errors, settings};
use crate::{
    command::{Command, Commands, Part, PinCommand},
    document::{Document, Pin},
    format, formula,
    selection::SelectMode,
    theme,
    views::{
        bits_editor::{InForce, choice_row_ui},
        cells::{self, Editable},
    },
    widgets::{Fact, fact, fact_grid, section},
};

/// Draws all about one layer.
pub(super) fn one_ui(ui: &mut Ui, doc: &Document, info: &LayerInfo, send: &mut Commands) {
    heading_ui(ui, info);
    if let Some(pin) = doc.pins.baseline().filter(|_| doc.pins.change(&info.name).is_some()) {
        pinned_ui(ui, doc, info, pin, send);
    }
    let layers = [info.name.clone()];
    let row = doc.row(info.index);
    settings::weights_ui(ui, doc, &info.name.value(), &layers, send);
    if let Some(weight) = row.and_then(|row| row.weight.as_ref()) {
        fold_ui(ui, doc, info, weight, send);
        settings::formula_ui(ui, &formula::of_weight(weight));
    }
    fixed_ui(ui, info, Part::Weights);
    settings::output_ui(ui, doc, &info.name.value(), &layers, send);
    if let Some(output) = row.and_then(|row| row.activation.as_ref()) {
        settings::formula_ui(ui, &formula::of_output(output));
    }
    fixed_ui(ui, info, Part::Activations);
    settings::reset_ui(ui, doc, &layers, send);
    if let Some(row) = row {
        section(ui, t!("Errors"));
        let stamp = doc.report.value.as_deref().and_then(cells::stamp);
        let change = doc.pins.change(&info.name);
        ui.scope(|ui| errors::errors_ui(ui, row, change, stamp.as_deref()));
        let loss = cells::loss_note(row);
        if let Some(loss) = &loss {
            ui.colored_label(theme::tokens(ui).warning, format!("⚠ {loss}"));
        }
        let others = errors::notes(row).into_iter().chain(cells::notes(row)).filter(|note| loss.as_ref() != Some(note));
        for note in others {
            let label = ui.label(RichText::new(note).color(theme::tokens(ui).weak));
            label.on_hover_text(t!("Worked out from the errors above, over all samples that were run"));
        }
        details_ui(ui, row);
    }
    reads_ui(ui, doc, info, send);
}

/// Whether the layer is set as in the pin, and how the layer gets its settings back.
fn pinned_ui(ui: &mut Ui, doc: &Document, info: &LayerInfo, pin: &Pin, send: &mut Commands) {
    ui.horizontal_wrapped(|ui| {
        let differs = doc.pins.differs(&info.name);
        let words = if differs { t!("≠ Set otherwise than in {}", pin.name) } else { t!("Set as in {}", pin.name) };
        ui.label(RichText::new(words).color(theme::tokens(ui).weak));
        let copy = ui.add_enabled(differs, egui::Button::new(t!("Copy its settings")));
        if copy.on_hover_text(t!("Gives this layer what the pinned configuration has for it")).clicked() {
            let layers = vec![info.name.clone()];
            send.push(Command::Pin(PinCommand::Copy { pin: pin.id, layers }));
        }
    });
}

fn heading_ui(ui: &mut Ui, info: &LayerInfo) {
    let weak = theme::tokens(ui).weak;
    ui.add(egui::Label::new(RichText::new(&info.name).strong().size(15.0)).wrap());
    let shape = info.weight.as_ref().map_or_else(String::new, |(_, shape)| {
        let lengths: Vec<String> = shape.iter().map(ToString::to_string).collect();
        format!(" {}", lengths.join("×"))
    });
    ui.label(RichText::new(format!("{}{shape}", info.op)).color(weak)).on_hover_text(match &info.weight {
        Some((tensor, _)) => t!("Weights: {}\nOutput: {}", tensor, info.output),
        None => t!("Output: {}", info.output),
    });
    if !info.fused.is_empty() {
        ui.label(RichText::new(t!("with {}", info.fused.join(", "))).color(weak))
            .on_hover_text(t!("Nodes that are part of this layer: there is no quantizer between them"));
    }
}

/// Why a part cannot be set.
fn fixed_ui(ui: &mut Ui, info: &LayerInfo, part: Part) {
    let Editable::Fixed(reason) = cells::editable(part, info) else { return };
    section(ui, if part == Part::Weights { t!("Weights") } else { t!("Output") });
    ui.label(t!("float"));
    ui.label(RichText::new(format::sentence(&reason)).color(theme::tokens(ui).weak));
}

/// Whether a following batch norm is folded in, where there is one.
fn fold_ui(ui: &mut Ui, doc: &Document, info: &LayerInfo, weight: &WeightSummary, send: &mut Commands) {
    // Where nothing is folded now, there is something to fold only if the configuration unfolded it.
    let unfolded = doc.config.settings_for(&info.name, &info.op).fold_batch_norm == Some(false);
    if !weight.folded && (!unfolded || info.fused.is_empty()) {
        return;
    }
    let choices = [
        (true, t!("Folded"), t!("Multiplied into the weights before they are quantized")),
        (false, t!("Separate"), t!("Computed in float after the quantized operator")),
    ];
    let what = t!("{} batch norm", info.name);
    settings::setting_ui(ui, t!("Batch norm"), |ui| {
        if let Some(fold) = choice_row_ui(ui, &what, InForce::One(weight.folded), &choices) {
            send.push(Command::SetFold { layers: vec![info.name.clone()], fold });
        }
    });
}

/// Quantizers, clipping and cost as facts.
fn details_ui(ui: &mut Ui, row: &LayerRow) {
    let mut facts = Vec::new();
    facts.extend(row.weight.as_ref().map(weight_facts).into_iter().flatten());
    facts.extend(row.activation.as_ref().map(|activation| activation_facts(row, activation)).into_iter().flatten());
    facts.extend(cost_facts(row));
    if facts.is_empty() {
        return;
    }
    section(ui, t!("Details"));
    ui.scope(|ui| {
        ui.spacing_mut().interact_size.y = 16.0;
        fact_grid(ui, "inspector details", facts);
    });
}

fn cost_facts(row: &LayerRow) -> Vec<Fact<'static>> {
    let mut facts = Vec::new();
    if row.float_bytes > 0 {
        let sizes = format!("{} → {}", format::bytes(row.float_bytes), format::bytes(row.quantized_bytes));
        facts.push(fact(
            t!("Size"),
            sizes,
            t!(
                "The layer's constants: {} bytes in float, {} in this configuration",
                format::count(row.float_bytes),
                format::count(row.quantized_bytes)
            ),
        ));
    }
    if row.macs > 0 {
        facts.push(fact("MACs", format::count(row.macs), t!("Products that are added up for one sample")));
        let why = t!("MACs times the widths of both factors: what the products cost in hardware, roughly");
        facts.push(fact(t!("Bit operations"), format::count(row.bops), why));
    }
    facts
}

fn weight_facts(weight: &WeightSummary) -> [Fact<'static>; 2] {
    let scale = |s: f32| format::significant(f64::from(s), 3);
    let (low, high) = weight.scale_range;
    let (scales, why) = if low.to_bits() == high.to_bits() {
        (scale(low), t!("The step between two weight codes: a weight is S·(q − Z)"))
    } else {
        let why = t!("The step between two weight codes, the smallest and the largest of its channels or groups");
        (format!("{} … {}", scale(low), scale(high)), why)
    };
    let error =
        t!("The weights alone against the float ones, whatever they do to the output: {}", noise(weight.sqnr_db));
    [fact(t!("Weight scale"), scales, why), fact(t!("Weight error"), format::db_unit(weight.sqnr_db), error)]
}

/// What an SQNR says of the error's size.
fn noise(sqnr_db: Measure) -> String {
    format::noise_words(sqnr_db).unwrap_or_else(|| format::db_unit(sqnr_db))
}

fn activation_facts(row: &LayerRow, activation: &ActivationSummary) -> [Fact<'static>; 5] {
    let real = |v: f32| format::significant(f64::from(v), 3);
    let whole = |v: i32| format::number(f64::from(v), 0);
    let clipped = format::percent_measure(row.clipped_fraction);
    let unit = if matches!(row.clipped_fraction, Measure::Value(_)) { " %" } else { "" };
    let grid =
        activation.grid.map_or_else(|| t!("float").into(), |(low, high)| format!("{} … {}", whole(low), whole(high)));
    let range = t!("What the codes reach, by {}; values beyond it are clipped", format::method(activation.method));
    let step = t!(
        "The step between two codes: a code q stands for {}·(q − {})",
        real(activation.scale),
        whole(activation.zero_point)
    );
    [
        fact(t!("Output range"), format!("{} … {}", real(activation.low), real(activation.high)), range),
        fact(t!("Output scale"), real(activation.scale), step),
        fact(t!("Zero-point"), whole(activation.zero_point), t!("The code that stands for 0 exactly")),
        fact(t!("Grid"), grid, t!("The smallest and the largest code")),
        fact(
            t!("Clipped"),
            format!("{clipped}{unit}"),
            t!("Share of the output's values outside its range, on the samples that were run"),
        ),
    ]
}

/// The layers it reads, each a link.
fn reads_ui(ui: &mut Ui, doc: &Document, info: &LayerInfo, send: &mut Commands) {
    if info.inputs.is_empty() {
        return;
    }
    section(ui, t!("Reads"));
    for (tensor, producer) in &info.inputs {
        let row = doc.row_of(producer);
        ui.horizontal_wrapped(|ui| {
            let link = ui.link(producer).on_hover_text(t!("Tensor {}: select the layer that makes it", tensor));
            if link.clicked() {
                let layer = producer.clone();
                send.push(Command::Select { layer, mode: SelectMode::Replace, reveal: true });
            }
            // Before the first evaluation nothing is known of it.
            if let Some(row) = row {
                let words = row.activation_bits.map_or_else(|| t!("float").to_owned(), format::bits_words);
                ui.label(RichText::new(t!("as {}", words)).color(theme::tokens(ui).weak));
            }
        });
    }
}
