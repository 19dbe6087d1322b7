//! To be filled.

use crate::{command::Commands, document::Document};

/// What this view remembers between frames.
#[derive(Clone, Debug, Default)]
pub struct ThresholdState {}

/// Draws the view.
pub fn threshold_ui(_ui: &mut egui::Ui, _doc: &Document, _state: &mut ThresholdState, _send: &mut Commands) {}
