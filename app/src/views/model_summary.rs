//! To be filled.

use crate::{command::Commands, document::Document};

/// What this view remembers between frames.
#[derive(Clone, Debug, Default)]
pub struct ModelSummaryState {}

/// Draws the view.
pub fn model_summary_ui(_ui: &mut egui::Ui, _doc: &Document, _state: &mut ModelSummaryState, _send: &mut Commands) {}
