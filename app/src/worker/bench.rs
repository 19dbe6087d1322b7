//! What the thread works with, as the window knows it.

use std::sync::Arc;

use quantlens_analysis::{
    config::QuantConfig,
    data::{
        Recipe, RecipeTrial,
        info::{DataInfo, Preview},
    },
    job::Job as Run,
    report::{ExportReport, FeatureMaps, LayerArithmetic, LayerDetail, LayerErrors, Memory, ModelInfo, Report, Sweep},
    sensitivity::SweepRequest,
};

use super::{DataChoice, ModelSource};
use crate::document::RuntimeInfo;

/// What the thread works with. The real one is [`crate::engine::Engine`]; tests have a double.
pub trait Bench: Send {
    /// Opens a model, loading onnxruntime first if need be.
    ///
    /// # Errors
    /// What [`quantlens_analysis::Error`] lists, and what finding or fetching onnxruntime can fail at.
    fn open(&mut self, source: &ModelSource, budget: Option<u64>, job: &mut Run<'_>) -> anyhow::Result<Arc<ModelInfo>>;

    /// The library in use, once there is one.
    fn runtime(&self) -> Option<RuntimeInfo>;

    /// Allows cached tensors so many bytes; `None` is the default.
    ///
    /// # Errors
    /// When no model is open.
    fn set_memory(&mut self, budget_bytes: Option<u64>) -> anyhow::Result<Memory>;

    /// Uses these samples.
    ///
    /// # Errors
    /// When they do not fit the model or cannot be read.
    fn set_data(
        &mut self,
        source: &DataChoice,
        recipe: Option<&Recipe>,
        samples: Option<usize>,
        job: &mut Run<'_>,
    ) -> anyhow::Result<Arc<DataInfo>>;

    /// Ranks the recipes.
    ///
    /// # Errors
    /// When the float model cannot be run.
    fn try_recipes(&mut self, job: &mut Run<'_>) -> anyhow::Result<Vec<RecipeTrial>>;

    /// The weights' error alone.
    ///
    /// # Errors
    /// When the configuration is refused.
    fn weight_only(&mut self, config: &Arc<QuantConfig>, job: &mut Run<'_>) -> anyhow::Result<Arc<Report>>;

    /// Everything; `on_stage` gets the reports of fewer samples.
    ///
    /// # Errors
    /// When the configuration is refused or a run fails.
    fn evaluate(
        &mut self,
        config: &Arc<QuantConfig>,
        job: &mut Run<'_>,
        on_stage: &mut dyn FnMut(Arc<Report>),
    ) -> anyhow::Result<Arc<Report>>;

    /// The pages' data of one layer; `on_stage` is told what is known before all samples were looked at.
    ///
    /// # Errors
    /// When a run fails.
    fn layer_detail(
        &mut self,
        config: &Arc<QuantConfig>,
        layer: &str,
        job: &mut Run<'_>,
        on_stage: &mut dyn FnMut(Arc<LayerDetail>),
    ) -> anyhow::Result<Arc<LayerDetail>>;

    /// The integer arithmetic of one layer.
    ///
    /// # Errors
    /// When a run fails.
    fn layer_arithmetic(
        &mut self,
        config: &Arc<QuantConfig>,
        layer: &str,
        job: &mut Run<'_>,
    ) -> anyhow::Result<Arc<LayerArithmetic>>;

    /// Asks every layer; `on_layers` gets what is known so far.
    ///
    /// # Errors
    /// When the configuration or the request is refused or a run fails.
    fn sweep(
        &mut self,
        config: &Arc<QuantConfig>,
        request: &SweepRequest,
        job: &mut Run<'_>,
        on_layers: &mut dyn FnMut(Arc<Sweep>),
    ) -> anyhow::Result<Arc<Sweep>>;

    /// The error of one layer by source.
    ///
    /// # Errors
    /// When a run fails.
    fn layer_errors(
        &mut self,
        config: &Arc<QuantConfig>,
        layer: &str,
        job: &mut Run<'_>,
    ) -> anyhow::Result<Arc<LayerErrors>>;

    /// One sample's output of one layer.
    ///
    /// # Errors
    /// When there is no such sample or a run fails.
    fn feature_maps(
        &mut self,
        config: &Arc<QuantConfig>,
        layer: &str,
        sample: usize,
        job: &mut Run<'_>,
    ) -> anyhow::Result<Arc<FeatureMaps>>;

    /// Previews of these samples.
    ///
    /// # Errors
    /// When there is no such sample or it cannot be read.
    fn previews(&mut self, samples: &[usize], job: &mut Run<'_>) -> anyhow::Result<Vec<(usize, Arc<Preview>)>>;

    /// The numbers of one sample.
    ///
    /// # Errors
    /// When there is no such sample or a run fails.
    fn one_sample(&mut self, config: &Arc<QuantConfig>, index: usize, job: &mut Run<'_>)
    -> anyhow::Result<Arc<Report>>;

    /// Writes and verifies.
    ///
    /// # Errors
    /// When the file cannot be written; a failed verification is part of the report.
    fn export(
        &mut self,
        config: &Arc<QuantConfig>,
        path: &std::path::Path,
        job: &mut Run<'_>,
    ) -> anyhow::Result<Arc<ExportReport>>;
}
