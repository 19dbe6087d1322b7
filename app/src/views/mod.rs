//! One file a view. A view reads the document, draws and formats, and pushes commands; it derives no number.

pub mod answers;
pub mod arithmetic;
pub mod bits_editor;
pub mod cells;
pub mod channels;
pub mod data_page;
pub mod dialogs;
pub mod drift;
pub mod drift_page;
pub mod errors;
pub mod export_dialog;
pub mod figure_dialog;
pub mod figures;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod graph;
pub mod help;
pub mod histogram;
pub mod history_list;
pub mod inspector;
pub mod layer_list;
pub mod layer_page;
pub mod layer_table;
pub mod maps;
pub mod menu;
pub mod model_summary;
pub mod notices;
mod overlaid;
#[cfg(test)]
pub(crate) mod page_fixtures;
#[cfg(test)]
mod page_tests;
pub mod palette;
pub mod pins;
pub mod scatter;
pub mod scoreboard;
pub mod sensitivity;
#[cfg(test)]
mod sensitivity_tests;
pub mod settings;
#[cfg(test)]
mod settings_tests;
pub mod share;
pub mod shortcuts;
pub mod status;
pub mod threshold;
#[cfg(test)]
mod threshold_tests;
pub mod toolbar;
pub mod tour;
#[cfg(test)]
mod view_tests;
pub mod welcome;

/// What the views remember between frames: scroll positions, switches of plots, open popups. Never results.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "one field a view, named after it")]
pub struct ViewStates {
    pub scoreboard: scoreboard::ScoreboardState,
    pub drift: drift::DriftState,
    pub drift_page: drift_page::DriftPageState,
    pub layer_list: layer_list::LayerListState,
    pub layer_table: layer_table::LayerTableState,
    pub graph: graph::GraphViewState,
    pub inspector: inspector::InspectorState,
    pub histogram: histogram::HistogramState,
    pub channels: channels::ChannelsState,
    pub scatter: scatter::ScatterState,
    pub threshold: threshold::ThresholdState,
    pub maps: maps::MapsState,
    pub errors: errors::ErrorsState,
    pub arithmetic: arithmetic::ArithmeticState,
    pub sensitivity: sensitivity::SensitivityState,
    pub answers: answers::AnswersState,
    pub data_page: data_page::DataPageState,
    pub model_summary: model_summary::ModelSummaryState,
    pub help: help::HelpState,
    pub figure_dialog: figure_dialog::FigureDialogState,
}
