//! To be filled.

use crate::{command::Commands, document::Document};

/// What this view remembers between frames.
#[derive(Clone, Debug, Default)]
pub struct ScoreboardState {}

/// Draws the view.
pub fn scoreboard_ui(_ui: &mut egui::Ui, _doc: &Document, _state: &mut ScoreboardState, _send: &mut Commands) {}
