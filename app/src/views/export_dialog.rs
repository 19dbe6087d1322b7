//! The export: what will be written, before; what running the file showed, after. Success is claimed only when the file
//! itself, opened anew, reproduced what the window shows.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use egui::{Button, Grid, Id, Modal, ProgressBar, RichText, TextEdit, Ui};
use quantlens_analysis::{
    quant::Bits,
    report::{ExportReport, LayerRow, Report, Verification},
    t,
    text::Text,
};

use super::{dialogs, toolbar::progress_text};
use crate::{
    command::{Command, Commands},
    document::{Document, ExportPhase, ExportState},
    format,
    theme::{self, GRID},
    widgets::banner::{Tone, banner},
};

/// Widths that stock onnxruntime stores and computes as such; the others are simulated on a wider type.
const STOCK_WIDTHS: [u8; 3] = [4, 8, 16];

/// Draws the dialog while an export is open.
pub fn export_ui(ctx: &egui::Context, doc: &Document, send: &mut Commands) {
    let Some(state) = &doc.export else { return };
    let modal = Modal::new(Id::unique("export")).frame(dialogs::dialog_frame(ctx)).show(ctx, |ui| {
        ui.set_width(560.0_f32.min(ctx.content_rect().width() - 60.0));
        ui.heading(t!("Export quantized model"));
        ui.add_space(2.0 * GRID);
        match &state.phase {
            ExportPhase::Before => before_ui(ui, doc, state, None, send),
            ExportPhase::Failed(error) => before_ui(ui, doc, state, Some(error), send),
            ExportPhase::Running => running_ui(ui, doc, send),
            ExportPhase::Done(report) => done_ui(ui, doc, report, send),
        }
    });
    if modal.should_close() && !state.is_running() {
        send.push(Command::CloseExport);
    }
}

fn before_ui(ui: &mut Ui, doc: &Document, state: &ExportState, error: Option<&Text>, send: &mut Commands) {
    let id = Id::unique("export path");
    let mut path = ui.data_mut(|data| data.get_temp::<String>(id)).filter(|_| error.is_none());
    let text = path.get_or_insert_with(|| state.path.clone());
    let field_id = Id::unique("export path field");
    ui.horizontal(|ui| {
        let label = ui.label(t!("File"));
        let field = TextEdit::singleline(text).id(field_id).desired_width(ui.available_width() - 100.0);
        ui.add(field).labelled_by(label.id);
        if ui.button(t!("Browse…")).clicked() {
            ui.data_mut(|data| data.remove::<String>(id));
            send.push(Command::BrowseExport);
        }
    });
    let target = PathBuf::from(text.trim());
    ui.data_mut(|data| data.insert_temp(id, text.clone()));
    ui.add_space(GRID);
    match &doc.report.value {
        Some(report) => plan_ui(ui, doc, report),
        None => {
            ui.weak(t!("No numbers yet"));
        }
    }
    if let Some(error) = error {
        ui.add_space(GRID);
        ui.colored_label(theme::tokens(ui).failure, format!("✗ {error}"));
    } else if target.exists() {
        ui.weak(t!("A file of this name exists; it will be replaced once the new one is written whole."));
    }
    bottom(ui, |ui| {
        let can = !text.trim().is_empty();
        // Enter does what the first button does, unless another one has the keyboard.
        let is_free = ui.memory(|memory| memory.focused()).is_none_or(|focused| focused == field_id);
        let entered = can && is_free && ui.input(|input| input.key_pressed(egui::Key::Enter));
        if ui.add_enabled(can, Button::new(t!("Export and verify"))).clicked() || entered {
            ui.data_mut(|data| data.remove::<String>(id));
            send.push(Command::Export { path: target });
        }
        if ui.button(t!("Cancel")).clicked() {
            ui.data_mut(|data| data.remove::<String>(id));
            send.push(Command::CloseExport);
        }
    });
}

/// What runs where, what the runtime must support, what is only simulated.
fn plan_ui(ui: &mut Ui, _doc: &Document, report: &Report) {
    let widths = widths(report);
    Grid::new("export plan").num_columns(2).spacing([16.0, 4.0]).show(ui, |ui| {
        for (name, text) in format_lines(report) {
            fact(ui, name, &text);
        }
        let opsets: Vec<String> = report.needs.iter().map(|(domain, v)| opset(domain, *v)).collect();
        fact(ui, t!("Operators"), &t!("QuantizeLinear, DequantizeLinear and the model's own; {}", opsets.join(", ")));
        let cost = report.cost;
        let sizes = t!("{} → about {}", format::bytes(cost.float_bytes), format::bytes(cost.quantized_bytes));
        fact(ui, t!("Size of weights"), &sizes);
        let simulated: Vec<String> = widths.iter().filter_map(|bits| simulated(*bits)).map(|n| n.to_string()).collect();
        if !simulated.is_empty() {
            let text = t!(
                "{} bits: onnxruntime stores them in 8 bits. No gain in speed or size unless the device has them.",
                simulated.join(", ")
            );
            fact(ui, t!("Simulated"), &text);
        }
    });
}

/// Weights, outputs and inputs apart, by width, narrow first, those left float last.
fn format_lines(report: &Report) -> [(&'static str, String); 3] {
    let (inputs, layers): (Vec<&LayerRow>, Vec<&LayerRow>) = report.rows.iter().partition(|row| row.info.op == "Input");
    // What cannot be quantized has no width and stays float as well.
    let weights = layers.iter().filter(|row| row.info.weight.is_some()).map(|row| row.weight_bits);
    let output = |row: &&LayerRow| row.activation_bits;
    [
        (t!("Layer weights"), counted(weights)),
        (t!("Layer outputs"), counted(layers.iter().map(output))),
        (t!("Model inputs"), counted(inputs.iter().map(output))),
    ]
}

/// "12 at 8 bits, 1 float".
fn counted(formats: impl Iterator<Item = Option<Bits>>) -> String {
    let mut counts = BTreeMap::new();
    let mut float = 0;
    for bits in formats {
        match bits.filter(|bits| !bits.is_float()) {
            Some(bits) => *counts.entry(bits).or_insert(0) += 1,
            None => float += 1,
        }
    }
    let mut parts: Vec<String> =
        counts.into_iter().map(|(bits, n): (Bits, usize)| t!("{} at {}", n, format::bits_words(bits))).collect();
    if float > 0 {
        parts.push(t!("{} float", float));
    }
    if parts.is_empty() { t!("none").to_owned() } else { parts.join(", ") }
}

/// Widths that weights or outputs have, narrow first, float left out.
fn widths(report: &Report) -> BTreeSet<Bits> {
    let all = report.rows.iter().flat_map(|row| [row.weight_bits, row.activation_bits]).flatten();
    all.filter(|bits| !bits.is_float()).collect()
}

fn simulated(bits: Bits) -> Option<u8> {
    match bits {
        Bits::Int(n) if !STOCK_WIDTHS.contains(&n) => Some(n),
        _ => None,
    }
}

fn opset(domain: &str, version: i64) -> String {
    if domain.is_empty() { format!("opset {version}") } else { format!("{domain} {version}") }
}

fn fact(ui: &mut Ui, name: &str, value: &str) {
    ui.weak(name);
    ui.add(egui::Label::new(value).wrap());
    ui.end_row();
}

fn running_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    match &doc.job {
        Some(job) => {
            ui.label(format!("{} {}", job.stage, progress_text(job)));
            if let Some(total) = job.total.filter(|total| *total > 0) {
                let response = ui.add(ProgressBar::new(job.done as f32 / total as f32));
                response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::ProgressIndicator, true, &job.stage));
            }
        }
        None => {
            ui.label(t!("Waiting for the analysis to make way"));
        }
    }
    bottom(ui, |ui| {
        if ui.button(t!("Cancel")).clicked() {
            send.push(Command::Cancel);
        }
    });
}

fn done_ui(ui: &mut Ui, doc: &Document, report: &ExportReport, send: &mut Commands) {
    let t = theme::tokens(ui);
    let checked = &report.verification;
    match &checked.failure {
        None => {
            ui.label(RichText::new(t!("✓ Written and verified")).color(t.better).strong());
        }
        Some(failure) => {
            ui.label(RichText::new(t!("✗ The file does not reproduce what is shown")).color(t.failure).strong());
            ui.add(egui::Label::new(failure.as_str()).wrap());
        }
    }
    let size = format::bytes(report.file_bytes);
    ui.add(egui::Label::new(RichText::new(format!("{} · {size}", report.path.display())).monospace()).wrap());
    ui.add_space(2.0 * GRID);
    for line in verification_lines(checked) {
        ui.add(egui::Label::new(line).wrap());
    }
    if let Some(score) = doc.report.value.as_ref().map(|report| &report.score) {
        let shown = score.accuracy.or(score.agreement);
        if let (Some(shown), Some(file)) = (shown, checked.optimized_accuracy.or(checked.optimized_agreement)) {
            let what = if score.accuracy.is_some() { t!("Accuracy") } else { t!("Agreement") };
            let (file, shown) = (format::share_with_counts(file), format::share_with_counts(shown));
            let run = format::plural(checked.samples, "sample");
            let text = t!(
                "{} of the file with full optimization, on the {} run: {}; the window shows {}, without optimization.",
                what,
                run,
                file,
                shown
            );
            ui.add(egui::Label::new(RichText::new(text).weak()).wrap());
        }
    }
    for warning in &report.warnings {
        if warning.code == "optimized-departs" {
            ui.add_space(GRID);
            banner(ui, Tone::Warning, &warning.message, |_| ());
        } else {
            ui.colored_label(t.warning, format!("⚠ {}", warning.message));
        }
    }
    bottom(ui, |ui| {
        if ui.button(t!("Close")).clicked() {
            send.push(Command::CloseExport);
        }
        if ui.button(t!("Copy path")).clicked() {
            send.push(Command::Copy(report.path.display().to_string()));
        }
    });
}

/// The verification in three lines: the parameters, the tensors, what a user's program will see.
fn verification_lines(v: &Verification) -> [String; 3] {
    let quantizers = format::plural(v.quantizers_checked, "quantizer");
    let tensors = format::plural(v.tensors_compared, "tensor");
    let equal = if v.elements_different == 0 {
        t!("every element equal").to_owned()
    } else {
        t!("{} elements differ", format::count(v.elements_different))
    };
    [
        t!("① {} read back from the file: scale, zero-point and type as planned.", quantizers),
        t!("② {} of {} compared with the window's: {}.", tensors, format::plural(v.samples, "sample"), equal),
        t!(
            "③ Output SQNR {}; with full optimization {}, outputs at most {} apart.",
            format::db_unit(v.output_sqnr_db),
            format::db_unit(v.optimized_output_sqnr_db),
            format::significant(v.optimized_max_abs, 2)
        ),
    ]
}

fn bottom(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    ui.add_space(3.0 * GRID);
    ui.separator();
    ui.with_layout(egui::Layout::right_to_left(egui::Align::Min), add);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verification_never_claims_more_than_was_found() {
        let mut v = crate::testing::export(std::path::Path::new("a.onnx")).verification;
        assert!(verification_lines(&v)[1].ends_with("every element equal."));
        v.elements_different = 12;
        assert!(verification_lines(&v)[1].ends_with("12 elements differ."));
    }

    #[test]
    fn odd_widths_are_called_simulated() {
        let simulated: Vec<u8> = [2, 3, 4, 5, 6, 7, 8, 16].map(Bits::Int).into_iter().filter_map(simulated).collect();
        assert_eq!(simulated, [2, 3, 5, 6, 7]);
        assert!(widths(&crate::testing::report(3)).into_iter().eq([Bits::Int(8)]));
    }

    #[test]
    fn weights_outputs_and_inputs_are_counted_apart() {
        let mut config = quantlens_analysis::config::QuantConfig::default();
        config.edit_layer("conv2", |s| s.weight_bits = Some(Bits::Float));
        config.edit_layer("conv3", |s| s.activation_bits = Some(Bits::Int(4)));
        // Rows: input, conv1, conv2, conv3.
        let lines = format_lines(&crate::testing::report_of(4, &std::sync::Arc::new(config)));
        assert_eq!(lines.map(|(_, text)| text), ["2 at 8 bits, 1 float", "1 at 4 bits, 2 at 8 bits", "1 at 8 bits"]);
    }
}
