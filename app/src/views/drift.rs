//! To be filled.

use crate::{command::Commands, document::Document};

/// What this view remembers between frames.
#[derive(Clone, Debug, Default)]
pub struct DriftState {}

/// Draws the view.
pub fn drift_ui(_ui: &mut egui::Ui, _doc: &Document, _state: &mut DriftState, _send: &mut Commands) {}
