//! To be filled.

use crate::{command::Commands, document::Document};

/// What this view remembers between frames.
#[derive(Clone, Debug, Default)]
pub struct LayerTableState {}

/// Draws the view.
pub fn layer_table_ui(_ui: &mut egui::Ui, _doc: &Document, _state: &mut LayerTableState, _send: &mut Commands) {}
