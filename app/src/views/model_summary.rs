//! The open model in facts: what stands there while no layer is asked about.

use egui::{Grid, ScrollArea, Ui};
use quantlens_analysis::{
    report::ModelInfo,
    t,
    tensor::{Dim, ModelInput},
};

use crate::{
    action::Action,
    command::Commands,
    document::Document,
    format, theme,
    widgets::{EmptyState, Tone, banner, empty_state, fact, fact_grid, number_label, section, share_bar},
};

/// What this view remembers between frames: nothing, the model does not change.
#[derive(Clone, Debug, Default)]
pub struct ModelSummaryState {}

/// Draws the view.
pub fn model_summary_ui(ui: &mut Ui, doc: &Document, _state: &mut ModelSummaryState, send: &mut Commands) {
    let Some(model) = &doc.model else {
        let words = EmptyState {
            title: t!("No model is open"),
            reason: t!("Open a float ONNX model to see what it is made of."),
        };
        empty_state(ui, words, |ui| {
            for action in [Action::OpenModel, Action::OpenSample] {
                if ui.button(action.title()).clicked() {
                    send.run(action);
                }
            }
        });
        return;
    };
    ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
        ui.add(egui::Label::new(egui::RichText::new(&doc.title).heading()).truncate());
        for warning in &model.warnings {
            banner(ui, Tone::Warning, &warning.message, |_| {});
        }
        facts_ui(ui, model);
        tensors_ui(ui, model);
        operators_ui(ui, model);
    });
}

fn facts_ui(ui: &mut Ui, model: &ModelInfo) {
    let opsets: Vec<String> = model.opsets.iter().map(|(domain, version)| opset_words(domain, *version)).collect();
    let inputs = model.layers.iter().filter(|layer| layer.op == "Input").count();
    let count = |n: usize| format::count(n as u64);
    let producer = if model.producer.is_empty() { t!("not said").into() } else { model.producer.clone() };
    let facts = [
        fact(t!("File"), model.path.display().to_string(), t!("Where the model was read from")),
        fact(t!("Size"), format::bytes(model.file_bytes), t!("{} bytes", format::count(model.file_bytes))),
        fact(t!("Parameters"), format::count(model.parameters), t!("Numbers in the model's constants")),
        fact(
            t!("Layers"),
            count(model.layers.len() - inputs),
            t!(
                "Computing nodes, each with the norm and the activation that are part of it; {} more rows are inputs",
                inputs
            ),
        ),
        fact(t!("Nodes"), count(model.nodes), t!("Operators in the file, one by one")),
        fact(t!("Opset"), opsets.join(", "), t!("The version of the operators that the file is written in")),
        fact(t!("IR version"), model.ir_version.to_string(), t!("The version of the file's format")),
        fact(t!("Producer"), producer, t!("The program that wrote the file")),
        fact("SHA-256", model.sha256.clone(), t!("The file's fingerprint, by which a session knows the model again")),
    ];
    fact_grid(ui, "model-facts", facts);
}

/// `12`, or `3 of ai.onnx.ml`.
fn opset_words(domain: &str, version: i64) -> String {
    if domain.is_empty() { version.to_string() } else { t!("{} of {}", version, domain) }
}

fn tensors_ui(ui: &mut Ui, model: &ModelInfo) {
    section(ui, t!("Inputs"));
    Grid::new("model-inputs").num_columns(3).striped(true).spacing([16.0, 4.0]).show(ui, |ui| {
        for input in &model.inputs {
            ui.label(&input.name);
            number_label(ui, input.element_type.name()).on_hover_text(t!("The type of its values"));
            number_label(ui, declared_shape(input)).on_hover_text(shape_meaning());
            ui.end_row();
        }
    });
    section(ui, t!("Outputs"));
    for output in &model.outputs {
        ui.add(egui::Label::new(output).truncate());
    }
}

/// What [`declared_shape`] says, for who hovers it.
pub(super) fn shape_meaning() -> &'static str {
    t!("The lengths of its axes as the file declares them; a name stands for any length")
}

/// `[batch, 3, 224, 224]`; a symbolic length by its name, an undeclared one as `?`.
pub(super) fn declared_shape(input: &ModelInput) -> String {
    let Some(dims) = &input.dims else { return t!("of undeclared rank").into() };
    let words = dims.iter().map(|dim| match dim {
        Dim::Fixed(n) => n.to_string(),
        Dim::Symbolic(name) => name.clone(),
        Dim::Unknown => "?".into(),
    });
    format!("[{}]", words.collect::<Vec<_>>().join(", "))
}

fn operators_ui(ui: &mut Ui, model: &ModelInfo) {
    section(ui, t!("Operators"));
    let most = model.operators.first().map_or(1, |(_, count)| *count).max(1) as f64;
    Grid::new("model-operators").num_columns(2).spacing([16.0, 3.0]).min_col_width(120.0).show(ui, |ui| {
        for (operator, count) in &model.operators {
            ui.label(operator);
            let text = format::count(*count as u64);
            share_bar(ui, *count as f64 / most, 220.0, theme::tokens(ui).float, &text)
                .on_hover_text(t!("{} of the file's nodes", text));
            ui.end_row();
        }
    });
}
