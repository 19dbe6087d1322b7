//! What each layer alone does to the model's outputs: bars sorted by harm, with the interval over the samples.
//!
//! A longer bar is worse, as in the list at the left. The whole width stands for the values on screen, with a scale above;
//! an estimate is hollow, since it went through optimized kernels.

mod controls;
mod data;
mod figure;
mod rows;
mod scale;

use egui::Ui;
use quantlens_analysis::t;

pub use self::{data::sensitivity_data, figure::sensitivity_figure};

use crate::{
    action::Action,
    command::{Command, Commands, SweepCommand},
    document::{Document, SweepView},
    format,
    widgets::{EmptyState, Tone, banner, empty_state},
};

/// What this view remembers between frames.
#[derive(Clone, Debug)]
pub struct SensitivityState {
    /// How many of the worst layers the buttons set.
    worst: usize,
    /// The pointer was over a row in the last frame.
    hovering: bool,
}

impl Default for SensitivityState {
    fn default() -> Self {
        Self { worst: 5, hovering: false }
    }
}

/// Draws the view.
pub fn sensitivity_ui(ui: &mut Ui, doc: &Document, state: &mut SensitivityState, send: &mut Commands) {
    if doc.data.is_none() {
        return no_data_ui(ui, doc, send);
    }
    controls::controls_ui(ui, doc, send);
    let Some(sweep) = doc.sweep.result() else {
        if !doc.sweep.is_running() {
            not_started_ui(ui, doc, send);
        }
        return;
    };
    if doc.float_view.is_shown() && float_ui(ui, doc.sweep.view) {
        return;
    }
    if doc.sweep.is_stale(&doc.config) && !doc.sweep.is_running() {
        let text = t!("Measured under other settings than those of now.");
        banner(ui, Tone::Warning, text, |ui| start_button(ui, t!("Measure again"), send));
    } else if sweep.layers_done < sweep.layers_total && !doc.sweep.is_running() {
        let text = t!("Stopped: {}.", controls::done_of(sweep));
        banner(ui, Tone::Info, &text, |ui| start_button(ui, t!("Go on"), send));
    }
    rows::rows_ui(ui, doc, sweep, state, send);
}

/// What the float model does to the page; whether that is all there is to show.
fn float_ui(ui: &mut Ui, view: SweepView) -> bool {
    match view {
        SweepView::Sensitivity => {
            let text = t!(
                "Each number is the float model with only the layer of its row quantized, so it is the same in this view."
            );
            banner(ui, Tone::Info, text, |_| {});
            false
        }
        SweepView::Relief => {
            let words = EmptyState {
                title: t!("Nothing to take back"),
                reason: t!("In the float model every layer is float already: making one of them float gains nothing."),
            };
            empty_state(ui, words, |_| {});
            true
        }
    }
}

fn start_button(ui: &mut Ui, text: &str, send: &mut Commands) {
    if ui.button(text).clicked() {
        send.push(Command::Sweep(SweepCommand::Start));
    }
}

fn no_data_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    let (title, reason, actions): (_, _, &[Action]) = if doc.model.is_none() {
        (t!("No model is open"), t!("This page ranks the layers of a model."), &[Action::OpenModel, Action::OpenSample])
    } else {
        let reason = t!("What a layer does to the outputs is measured by running samples through the model.");
        (t!("No samples yet"), reason, &[Action::OpenImages, Action::OpenArrays, Action::UseSynthetic])
    };
    empty_state(ui, EmptyState { title, reason }, |ui| {
        for action in actions {
            if ui.button(action.title()).clicked() {
                send.run(*action);
            }
        }
    });
}

fn not_started_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    let samples = format::plural(doc.sweep.request().samples, "sample");
    let (title, reason) = match doc.sweep.view {
        SweepView::Sensitivity => (
            t!("Which layers are sensitive?"),
            t!(
                "Each layer alone is quantized, all else stays float, and the error is taken at the outputs, over {} at most.",
                samples
            ),
        ),
        SweepView::Relief => (
            t!("Which layers cost most?"),
            t!(
                "Each layer alone is made float, all else stays as configured, and the gain is taken at the outputs, over {} at most.",
                samples
            ),
        ),
    };
    empty_state(ui, EmptyState { title, reason: &reason }, |ui| start_button(ui, t!("Measure"), send));
}
