//! Everything that is open: plain data that views read and only [`crate::apply`] changes.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use quantlens_analysis::{
    config::{LayerSettings, QuantConfig},
    data::{Recipe, RecipeTrial, info::DataInfo},
    metrics::Measure,
    report::{ExportReport, LayerDetail, LayerInfo, LayerRow, ModelInfo, Report},
};
use serde::{Deserialize, Serialize};

use crate::{
    command::{Dialog, Part},
    filter::Query,
    history::History,
    rows::{Column, RowOrder},
    selection::Selection,
    session::Unsaved,
    tour::TourStep,
    worker::{DataChoice, ModelSource, Request},
};

/// A value that a background job makes. The previous one stays while a new one is coming.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded<T> {
    /// The last good value.
    pub value: Option<T>,
    /// When a newer one was asked for, in seconds of the window's clock; `None` when none is on its way.
    pub pending_since: Option<f64>,
}

impl<T> Default for Loaded<T> {
    fn default() -> Self {
        Self { value: None, pending_since: None }
    }
}

impl<T> Loaded<T> {
    /// A newer value has been asked for; the first request of several counts.
    pub fn ask(&mut self, now: f64) {
        self.pending_since.get_or_insert(now);
    }

    /// The value has come.
    pub fn set(&mut self, value: T) {
        *self = Self { value: Some(value), pending_since: None };
    }

    /// No value will come; the previous one is right again.
    pub fn settle(&mut self) {
        self.pending_since = None;
    }

    /// Whether the value should be drawn dimmed at `now`: only when its successor is not quick.
    pub fn is_dimmed(&self, now: f64) -> bool {
        self.pending_since.is_some_and(|since| now - since > crate::theme::DIM_AFTER_S)
    }
}

/// A page of the centre.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Page {
    /// All layers, all columns.
    #[default]
    Table,
    /// Facts of the model.
    Model,
    /// The samples, their preprocessing, the float model's answers.
    Data,
    /// Values of the selected layer, float against quantized.
    Histogram,
    /// Cost of each threshold.
    Threshold,
    /// The channels of the selected layer.
    Channels,
}

impl Page {
    /// Pages about the whole model.
    pub const MODEL: [Self; 3] = [Self::Table, Self::Data, Self::Model];
    /// Pages about the selected layer.
    pub const LAYER: [Self; 3] = [Self::Histogram, Self::Threshold, Self::Channels];

    /// The tab's text.
    pub fn title(self) -> &'static str {
        match self {
            Self::Table => "Table",
            Self::Model => "Summary",
            Self::Data => "Data",
            Self::Histogram => "Histogram",
            Self::Threshold => "Threshold",
            Self::Channels => "Channels",
        }
    }

    /// Whether the page follows the selected layer.
    pub fn follows_layer(self) -> bool {
        Self::LAYER.contains(&self)
    }
}

/// A panel that can be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PanelId {
    /// The layer list, left.
    List,
    /// The drift strip, top.
    Strip,
    /// The inspector, right.
    Inspector,
}

/// What is on screen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PageState {
    /// The centre's page.
    pub page: Page,
    /// The layer list is open (where the window is wide enough).
    pub list: bool,
    /// The drift strip is open.
    pub strip: bool,
    /// The inspector is open (where the window is wide enough).
    pub inspector: bool,
    /// In a narrow window: the drawer drawn over the centre.
    #[serde(skip)]
    pub drawer: Option<Drawer>,
    /// Which panels the window is too narrow for; the window says so before each frame.
    #[serde(skip)]
    pub narrow: Narrow,
    /// The metric of the list's bars.
    #[serde(skip)]
    pub list_metric: ListMetric,
}

impl Default for PageState {
    fn default() -> Self {
        Self {
            page: Page::Table,
            list: true,
            strip: true,
            inspector: true,
            drawer: None,
            narrow: Narrow::default(),
            list_metric: ListMetric::default(),
        }
    }
}

/// A panel that a narrow window shows over the centre instead of beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drawer {
    /// The layer list.
    List,
    /// The inspector.
    Inspector,
}

/// Which panels the window is too narrow for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Narrow {
    /// The layer list is a drawer.
    pub list: bool,
    /// The inspector is a drawer.
    pub inspector: bool,
}

impl Narrow {
    /// Below this width, in points, the inspector is a drawer.
    pub const INSPECTOR_BELOW: f32 = 1100.0;
    /// Below this width the list is one too.
    pub const LIST_BELOW: f32 = 900.0;

    /// What a window of this width, in points, has no room for.
    pub fn at(width: f32) -> Self {
        Self { list: width < Self::LIST_BELOW, inspector: width < Self::INSPECTOR_BELOW }
    }

    /// Whether the panel is a drawer now.
    pub fn is_drawer(self, panel: PanelId) -> bool {
        match panel {
            PanelId::List => self.list,
            PanelId::Inspector => self.inspector,
            PanelId::Strip => false,
        }
    }
}

/// The metric of the list's bars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListMetric(pub Column);

impl Default for ListMetric {
    fn default() -> Self {
        Self(Column::Accumulated)
    }
}

/// Which theme to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ThemeChoice {
    /// What the desktop says.
    #[default]
    System,
    /// Dark.
    Dark,
    /// Light.
    Light,
}

/// What the user prefers, kept between runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Dark, light or the desktop's choice.
    pub theme: ThemeChoice,
    /// At most this many samples are used; `None` for all.
    pub samples: Option<usize>,
    /// Memory for cached tensors, in MiB; `None` is a quarter of the machine's.
    pub memory_budget_mib: Option<u64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { theme: ThemeChoice::System, samples: None, memory_budget_mib: None }
    }
}

/// The layer filter: the text as typed, and the last one that was understood.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// As typed.
    pub text: String,
    /// What is in force: the parsed text, or while that is wrong the last right one.
    pub query: Query,
    /// What is wrong with the text.
    pub error: Option<String>,
}

/// The running job, for the status bar.
#[derive(Clone, Debug, PartialEq)]
pub struct JobStatus {
    /// What is being done ("float reference").
    pub stage: String,
    /// Units finished.
    pub done: usize,
    /// Units in all; `None` while unknown.
    pub total: Option<usize>,
    /// What a unit is ("samples").
    pub unit: String,
    /// Estimate of what is left, in seconds; `None` while there is none.
    pub seconds_left: Option<f64>,
    /// Whether Cancel can stop it (not once it is stopping).
    pub cancellable: bool,
}

/// A message that does not stop anything.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// Its identity, for dismissing.
    pub id: u64,
    /// How urgent it is.
    pub level: Level,
    /// One or two sentences.
    pub text: String,
    /// More, shown on demand; may be empty.
    pub details: String,
    /// When it came, in seconds of the window's clock.
    pub since: f64,
    /// Taken off the window's corner; still in the list of notices.
    pub dismissed: bool,
}

/// How urgent a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Good to know; goes away by itself.
    Info,
    /// Numbers may mislead.
    Warning,
    /// Something did not work.
    Failure,
}

/// The last thing that failed; the values before it stay on screen.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// One sentence with the file, node or tensor.
    pub what: String,
    /// The chain of causes, for "Details".
    pub details: String,
    /// What can be started again with Retry.
    pub retry: Option<Request>,
}

/// The export dialog.
#[derive(Clone, Debug)]
pub struct ExportState {
    /// Where to; editable before writing.
    pub path: String,
    /// How far it is.
    pub phase: ExportPhase,
}

/// How far an export is.
#[derive(Clone, Debug)]
pub enum ExportPhase {
    /// What will be written is shown.
    Before,
    /// The file is being written and verified.
    Running,
    /// Written; the report says whether it holds.
    Done(Arc<ExportReport>),
    /// Not written.
    Failed(String),
}

/// The onnxruntime library in use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuntimeInfo {
    /// `1.32.0`; empty until it is loaded.
    pub version: String,
    /// Where it was found, in words.
    pub how: String,
}

/// All that is open.
#[derive(Debug, Default)]
pub struct Document {
    /// The open model.
    pub model: Option<Arc<ModelInfo>>,
    /// The title shown for it: its file name.
    pub title: String,
    /// The samples in use.
    pub data: Option<Arc<DataInfo>>,
    /// The recipes' results.
    pub recipes: Loaded<Arc<Vec<RecipeTrial>>>,
    /// The numbers of the configuration.
    pub report: Loaded<Arc<Report>>,
    /// The pages' data of the anchor layer.
    pub detail: Loaded<Arc<LayerDetail>>,
    /// The pinned baseline.
    pub pinned: Option<Arc<Report>>,
    /// The configuration as edited; the report may still belong to an earlier one.
    pub config: Arc<QuantConfig>,
    /// The configuration as last saved or opened, for "unsaved edits".
    pub saved_config: Arc<QuantConfig>,
    /// The file it was saved to.
    pub config_path: Option<PathBuf>,
    /// Undo and redo.
    pub history: History,
    /// The one selection.
    pub selection: Selection,
    /// Which layers are shown.
    pub filter: Filter,
    /// In which order.
    pub order: RowOrder,
    /// Indices into the model's layers of the rows shown, in order.
    pub visible: Vec<usize>,
    /// Which part the width keys set.
    pub target: Part,
    /// The running job.
    pub job: Option<JobStatus>,
    /// Messages, oldest first.
    pub notices: Vec<Notice>,
    /// The last failure, until something succeeds or it is dismissed.
    pub failure: Option<Failure>,
    /// Edits are evaluated at once; when paused they collect.
    pub live: bool,
    /// Edits made since the report was asked for; counts up while paused.
    pub edits_waiting: usize,
    /// What is on screen.
    pub pages: PageState,
    /// What the user prefers.
    pub settings: Settings,
    /// Recently opened models, newest first, at most ten.
    pub recent: Vec<PathBuf>,
    /// The export dialog, when open.
    pub export: Option<ExportState>,
    /// The small window that is open.
    pub dialog: Option<Dialog>,
    /// The step of the tour that is shown.
    pub tour: Option<TourStep>,
    /// The open model is the embedded sample.
    pub is_sample: bool,
    /// The onnxruntime library.
    pub runtime: RuntimeInfo,
    /// The tour has been shown in this run; it does not come back by itself.
    pub tour_seen: bool,
    /// The model that is being opened.
    pub opening: Option<ModelSource>,
    /// Samples to use once the model is open.
    pub wanted_data: Option<DataChoice>,
    /// Configuration to use once the model is open.
    pub wanted_config: Option<QuantConfig>,
    /// The samples asked for, to read them again with other settings.
    pub data_choice: Option<DataChoice>,
    /// The recipe set by hand; `None` is the guess.
    pub recipe_given: Option<Recipe>,
    /// The user has said that the recipe is right.
    pub recipe_confirmed: bool,
    /// Edits of a run that ended unexpectedly, until the user has decided.
    pub unsaved: Option<Unsaved>,
    /// Layers' own settings before they were toggled to float.
    pub before_float: BTreeMap<String, LayerSettings>,
    /// When the running job was started, by the window's clock.
    pub job_started: Option<f64>,
    /// When its stage began.
    pub stage_started: Option<f64>,
    /// The window's clock at this frame, in seconds; what ages of notices and pending values are measured with.
    pub now: f64,
}

impl Document {
    /// Nothing open, everything evaluated as it changes.
    pub fn new() -> Self {
        Self { live: true, ..Self::default() }
    }

    /// The layers of the model, in graph order.
    pub fn layers(&self) -> &[LayerInfo] {
        self.model.as_ref().map_or(&[], |model| &model.layers)
    }

    /// What the model says about a layer.
    pub fn layer(&self, name: &str) -> Option<&LayerInfo> {
        self.layers().iter().find(|layer| layer.name == name)
    }

    /// The row with this index, where it was evaluated.
    pub fn row(&self, index: usize) -> Option<&LayerRow> {
        self.report.value.as_ref().and_then(|report| report.rows.get(index))
    }

    /// The row of a layer, where it was evaluated.
    pub fn row_of(&self, name: &str) -> Option<&LayerRow> {
        self.row(self.layer(name)?.index)
    }

    /// The pinned baseline's row of a layer.
    pub fn pinned_row(&self, name: &str) -> Option<&LayerRow> {
        let index = self.layer(name)?.index;
        self.pinned.as_ref()?.rows.get(index).filter(|row| row.info.name == name)
    }

    /// Names of the shown layers, in the order on screen.
    pub fn visible_names(&self) -> Vec<String> {
        let layers = self.layers();
        self.visible.iter().filter_map(|i| layers.get(*i)).map(|layer| layer.name.clone()).collect()
    }

    /// Names of the selected layers, in graph order.
    pub fn selected_names(&self) -> Vec<String> {
        let is_selected = |layer: &&LayerInfo| self.selection.contains(&layer.name);
        self.layers().iter().filter(is_selected).map(|layer| layer.name.clone()).collect()
    }

    /// Whether the report's numbers come from fewer samples than were asked for.
    pub fn is_refining(&self) -> bool {
        self.report.value.as_ref().is_some_and(|report| report.samples < report.samples_total)
    }

    /// The layer with weights at which the accumulated SQNR falls most below what its inputs had; what the tour points at.
    pub fn cliff(&self) -> Option<&LayerInfo> {
        let value = |row: &LayerRow| match row.accumulated.sqnr_db {
            Measure::Value(db) => Some(db),
            Measure::Exact => Some(f64::INFINITY),
            Measure::NotApplicable(_) => None,
        };
        let drop = |layer: &LayerInfo| {
            let here = value(self.row(layer.index)?)?;
            let before =
                layer.inputs.iter().filter_map(|(_, from)| value(self.row_of(from)?)).fold(f64::INFINITY, f64::min);
            // Inputs without an error would make the first layer a cliff of any height.
            before.is_finite().then_some(before - here)
        };
        let drops = self.layers().iter().filter(|layer| layer.weight.is_some()).filter_map(|l| Some((l, drop(l)?)));
        drops.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(layer, _)| layer)
    }

    /// Whether the configuration differs from the one last saved.
    pub fn has_unsaved_edits(&self) -> bool {
        self.model.is_some() && self.config != self.saved_config
    }
}

impl ExportState {
    /// Whether the file is being written.
    pub fn is_running(&self) -> bool {
        matches!(self.phase, ExportPhase::Running)
    }
}
