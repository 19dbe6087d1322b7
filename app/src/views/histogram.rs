//! To be filled.

use crate::{command::Commands, document::Document};

/// What this view remembers between frames.
#[derive(Clone, Debug, Default)]
pub struct HistogramState {}

/// Draws the view.
pub fn histogram_ui(_ui: &mut egui::Ui, _doc: &Document, _state: &mut HistogramState, _send: &mut Commands) {}
