//! To be filled.

use crate::{command::Commands, document::Document};

/// What this view remembers between frames.
#[derive(Clone, Debug, Default)]
pub struct InspectorState {}

/// Draws the view.
pub fn inspector_ui(_ui: &mut egui::Ui, _doc: &Document, _state: &mut InspectorState, _send: &mut Commands) {}
