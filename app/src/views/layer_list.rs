//! To be filled.

use crate::{command::Commands, document::Document};

/// What this view remembers between frames.
#[derive(Clone, Debug, Default)]
pub struct LayerListState {}

/// Draws the view.
pub fn layer_list_ui(_ui: &mut egui::Ui, _doc: &Document, _state: &mut LayerListState, _send: &mut Commands) {}
