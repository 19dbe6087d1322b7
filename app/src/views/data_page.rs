//! To be filled.

use crate::{command::Commands, document::Document};

/// What this view remembers between frames.
#[derive(Clone, Debug, Default)]
pub struct DataPageState {}

/// Draws the view.
pub fn data_page_ui(_ui: &mut egui::Ui, _doc: &Document, _state: &mut DataPageState, _send: &mut Commands) {}
