//! To be filled.

use crate::{command::Commands, document::Document};

/// What this view remembers between frames.
#[derive(Clone, Debug, Default)]
pub struct ChannelsState {}

/// Draws the view.
pub fn channels_ui(_ui: &mut egui::Ui, _doc: &Document, _state: &mut ChannelsState, _send: &mut Commands) {}
