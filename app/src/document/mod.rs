//! Everything that is open: plain data that views read and only [`crate::apply`] changes.

mod companions;
mod float_view;
mod graph;
mod loaded;
mod pages;
mod pins;
mod previews;
mod recent;
mod state;
mod sweep;
mod widths;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use quantlens_analysis::{
    config::{LayerSettings, QuantConfig},
    data::{Recipe, RecipeTrial, info::DataInfo},
    metrics::Measure,
    report::{
        FeatureMaps, LayerArithmetic, LayerDetail, LayerErrors, LayerInfo, LayerRow, Memory, ModelInfo, RangeMark,
        Report, TargetInfo,
    },
    target::Target,
};

use crate::{
    command::{Dialog, Part},
    history::History,
    rows::RowOrder,
    selection::Selection,
    session::Unsaved,
    session_file::SessionFile,
    tour::TourStep,
    worker::{DataChoice, ModelSource},
};

pub use self::{
    companions::{Companions, MOST_LAYERS},
    float_view::{FloatCopies, FloatView},
    graph::{Drafting, GraphState, Look},
    loaded::Loaded,
    pages::{Beside, Drawer, ListMetric, Narrow, Page, PageState, PanelId, Settings, ThemeChoice},
    pins::{KeptPins, Pin, PinId, Pins},
    previews::Previews,
    recent::RecentCurve,
    state::{ExportPhase, ExportState, Failure, Filter, JobStatus, Level, Notice, RuntimeInfo},
    sweep::{SweepState, SweepView},
    widths::ColumnWidths,
};

/// All that is open.
#[derive(Clone, Debug, Default)]
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
    /// The layer and the configuration that `detail` was last asked for.
    pub detail_of: Option<(String, Arc<QuantConfig>)>,
    /// The pages' data of the other selected layers.
    pub companions: Companions,
    /// The range that was just set for this layer, by hand or by a method, with what it does as the histogram tells it;
    /// until the pages' data are new.
    pub weighed: Option<(String, RangeMark)>,
    /// The Arithmetic page's data of the anchor layer.
    pub arithmetic: Loaded<Arc<LayerArithmetic>>,
    /// The layer and the configuration that `arithmetic` was last asked for.
    pub arithmetic_of: Option<(String, Arc<QuantConfig>)>,
    /// The Graph page.
    pub graph: GraphState,
    /// The Sensitivity page.
    pub sweep: SweepState,
    /// The Errors page's data of the anchor layer.
    pub errors: Loaded<Arc<LayerErrors>>,
    /// The layer and the configuration that `errors` was last asked for.
    pub errors_of: Option<(String, Arc<QuantConfig>)>,
    /// The Maps page's data of the anchor layer.
    pub maps: Loaded<Arc<FeatureMaps>>,
    /// The layer, the configuration and the sample that `maps` was last asked for.
    pub maps_of: Option<((String, Arc<QuantConfig>), usize)>,
    /// The sample whose maps are shown while the window shows all; `None` for the one that is worst at the layer.
    pub maps_sample: Option<usize>,
    /// Previews of samples.
    pub previews: Previews,
    /// The one sample that the window shows the numbers of, counted from 0; `None` for all of them.
    pub scope: Option<usize>,
    /// The report of all samples while `report` is that of one.
    pub whole: Option<Arc<Report>>,
    /// The numbers of the pinned baseline, once it was evaluated; kept in step with `pins`.
    pub pinned: Option<Arc<Report>>,
    /// The pinned configurations.
    pub pins: Pins,
    /// Pins of other models, for the session.
    pub kept_pins: Vec<KeptPins>,
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
    /// The user stopped an evaluation of the configuration of now before it was whole.
    pub cancelled: bool,
    /// Most bytes for cached tensors as the command line says, until the settings say otherwise.
    pub memory_given: Option<u64>,
    /// Memory of cached tensors, where it has changed since the report.
    pub memory_now: Option<Memory>,
    /// Messages, oldest first.
    pub notices: Vec<Notice>,
    /// The last failure, until something succeeds or it is dismissed.
    pub failure: Option<Failure>,
    /// Edits are evaluated at once; when paused they collect.
    pub live: bool,
    /// Edits made since the report was asked for; counts up while paused.
    pub edits_waiting: usize,
    /// Views draw the float model.
    pub float_view: FloatView,
    /// What is on screen.
    pub pages: PageState,
    /// What the user prefers.
    pub settings: Settings,
    /// Recently opened models, newest first, at most ten.
    pub recent: Vec<PathBuf>,
    /// Their drift, where it was seen.
    pub recent_curves: Vec<RecentCurve>,
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
    /// The rest of a session, until its model is open.
    pub wanted_session: Option<Box<SessionFile>>,
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
    /// Units of the stage that were finished when it began: cached ones say nothing of its pace.
    pub stage_from: usize,
    /// The window's clock at this frame, in seconds; what ages of notices and pending values are measured with.
    pub now: f64,
}

impl Document {
    /// The number of the selection's moving end, or of what leads it.
    pub fn lead(&self) -> Option<usize> {
        let name = self.selection.lead.as_ref().or(self.selection.anchor.as_ref())?;
        self.layer(name).map(|layer| layer.index)
    }

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

    /// What the configuration's target holds; `None` while its file has not been read.
    pub fn target_info(&self) -> Option<Arc<TargetInfo>> {
        let name = &self.config.target;
        let open = self.model.as_ref().map(|model| &model.target).filter(|target| target.name == *name);
        open.cloned().or_else(|| Some(Arc::new(TargetInfo::of(name, Target::builtin(name)?.as_ref()))))
    }

    /// The row with this index, where it was evaluated.
    pub fn row(&self, index: usize) -> Option<&LayerRow> {
        self.report.value.as_ref().and_then(|report| report.rows.get(index))
    }

    /// The row of a layer, where it was evaluated.
    pub fn row_of(&self, name: &str) -> Option<&LayerRow> {
        self.row(self.layer(name)?.index)
    }

    /// The pinned baseline, where it is of the same samples as the report: one sample's numbers are not to be measured
    /// against all samples'.
    pub fn baseline(&self) -> Option<&Arc<Report>> {
        let scope = self.report.value.as_ref().and_then(|report| report.scope.as_ref());
        self.pinned.as_ref().filter(|pinned| pinned.scope.as_ref() == scope)
    }

    /// The numbers of all samples, also while those of one are shown.
    pub fn whole_report(&self) -> Option<&Arc<Report>> {
        self.whole.as_ref().or(self.report.value.as_ref())
    }

    /// The pinned baseline's row of a layer.
    pub fn pinned_row(&self, name: &str) -> Option<&LayerRow> {
        let index = self.layer(name)?.index;
        let rows = &self.baseline()?.rows;
        // Another target may arrange the rows otherwise.
        rows.get(index).filter(|row| row.info.name == name).or_else(|| rows.iter().find(|row| row.info.name == name))
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

    /// Most bytes that cached tensors may take; `None` is a quarter of the machine's memory.
    pub fn memory_budget_bytes(&self) -> Option<u64> {
        self.memory_given.or_else(|| self.settings.memory_budget_mib.map(|mib| mib.saturating_mul(1 << 20)))
    }

    /// Memory of cached tensors now.
    pub fn memory(&self) -> Option<Memory> {
        self.memory_now.or_else(|| self.report.value.as_ref().map(|report| report.memory))
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

    /// Whether as many samples are classified rightly as in float, up to one sample or 1 %: nothing is left to mend.
    pub fn is_as_accurate_as_float(&self) -> bool {
        let score = self.report.value.as_ref().map(|report| &report.score);
        score
            .and_then(|score| score.float_accuracy.zip(score.accuracy))
            .is_some_and(|(float, now)| float.count.saturating_sub(now.count) <= (float.of / 100).max(1))
    }

    /// Whether the configuration differs from the one last saved.
    pub fn has_unsaved_edits(&self) -> bool {
        self.model.is_some() && self.config != self.saved_config
    }
}
