//! The jobs as values: what is asked of the worker.

use std::{path::PathBuf, sync::Arc};

use quantlens_analysis::{
    config::QuantConfig,
    data::{DataSource, Recipe},
    mark,
    sensitivity::SweepRequest,
};

use super::Slot;

/// A job the worker can do, as a value: two equal requests ask for the same thing.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Open a model; finds (or fetches) and loads onnxruntime first.
    Open {
        /// Which model.
        source: ModelSource,
        /// Memory for cached tensors, in bytes; `None` is the default.
        memory_budget_bytes: Option<u64>,
    },
    /// Read samples and run the float model on some.
    Data {
        /// Which samples.
        source: DataChoice,
        /// Preprocessing; `None` guesses it.
        recipe: Option<Recipe>,
        /// At most so many; `None` for all.
        samples: Option<usize>,
    },
    /// Run the float model under every recipe.
    Recipes,
    /// Evaluate a configuration.
    Evaluate {
        /// Which.
        config: Arc<QuantConfig>,
        /// Without samples: the weights' error alone.
        weight_only: bool,
    },
    /// What the pages of one layer show.
    Detail {
        /// Under this configuration.
        config: Arc<QuantConfig>,
        /// The layer's name.
        layer: String,
    },
    /// The integer arithmetic of one layer. It shares the slot of [`Request::Detail`]: only one page is on screen.
    Arithmetic {
        /// Under this configuration.
        config: Arc<QuantConfig>,
        /// The layer's name.
        layer: String,
    },
    /// Ask every layer alone.
    Sweep {
        /// Around this configuration.
        config: Arc<QuantConfig>,
        /// What.
        request: SweepRequest,
    },
    /// The error of one layer by source. Shares the slot too.
    LayerErrors {
        /// Under this configuration.
        config: Arc<QuantConfig>,
        /// The layer's name.
        layer: String,
    },
    /// Evaluate the configuration that numbers are compared with.
    Baseline {
        /// Which.
        config: Arc<QuantConfig>,
        /// Without samples: the weights' error alone.
        weight_only: bool,
    },
    /// What the pages of one layer show of it.
    BaselineDetail {
        /// Which.
        config: Arc<QuantConfig>,
        /// The layer's name.
        layer: String,
    },
    /// What a page shows of another selected layer, beside the one that it is about.
    Companion {
        /// Under this configuration.
        config: Arc<QuantConfig>,
        /// The layer's name.
        layer: String,
    },
    /// One sample's output of one layer. Shares the slot of [`Request::Detail`] too.
    FeatureMaps {
        /// Under this configuration.
        config: Arc<QuantConfig>,
        /// The layer's name.
        layer: String,
        /// The sample's place, from 0.
        sample: usize,
    },
    /// Previews of samples.
    Previews {
        /// Their places, from 0.
        samples: Vec<usize>,
    },
    /// The numbers of one sample.
    OneSample {
        /// Under this configuration.
        config: Arc<QuantConfig>,
        /// Its place among the samples, from 0.
        index: usize,
    },
    /// Allow cached tensors so much memory from now on.
    Memory {
        /// In bytes; `None` is the default.
        budget_bytes: Option<u64>,
    },
    /// Write the quantized model and run it.
    Export {
        /// Which configuration.
        config: Arc<QuantConfig>,
        /// The file to write.
        path: PathBuf,
    },
}

/// Where a model comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum ModelSource {
    /// A file.
    Path(PathBuf),
    /// The embedded sample.
    Sample,
}

/// Where samples come from.
#[derive(Clone, Debug, PartialEq)]
pub enum DataChoice {
    /// What the user chose.
    Source(DataSource),
    /// The embedded sample's images.
    Sample,
}

impl Request {
    /// Which kind of job it is.
    pub fn slot(&self) -> Slot {
        match self {
            Self::Open { .. } => Slot::Open,
            Self::Data { .. } => Slot::Data,
            Self::Recipes => Slot::Recipes,
            Self::Evaluate { .. } => Slot::Evaluate,
            Self::Detail { .. } | Self::Arithmetic { .. } | Self::LayerErrors { .. } | Self::FeatureMaps { .. } => {
                Slot::Detail
            }
            Self::Previews { .. } => Slot::Previews,
            Self::OneSample { .. } => Slot::OneSample,
            Self::Sweep { .. } => Slot::Sweep,
            Self::Baseline { .. } | Self::BaselineDetail { .. } => Slot::Baseline,
            Self::Companion { .. } => Slot::Companion,
            Self::Memory { .. } => Slot::Memory,
            Self::Export { .. } => Slot::Export,
        }
    }

    /// What the status bar says until the job says more.
    pub fn stage(&self) -> &'static str {
        match self {
            Self::Open { .. } => mark!("opening the model"),
            Self::Data { .. } => mark!("reading samples"),
            Self::Recipes => mark!("trying recipes"),
            Self::Evaluate { .. } => mark!("evaluating"),
            Self::Detail { .. } => mark!("measuring the layer"),
            Self::Arithmetic { .. } => mark!("computing in integers"),
            Self::Sweep { .. } => mark!("asking each layer"),
            Self::LayerErrors { .. } => mark!("splitting the error"),
            Self::FeatureMaps { .. } => mark!("reading the maps"),
            Self::Previews { .. } => mark!("reading samples"),
            Self::OneSample { .. } => mark!("reading one sample"),
            Self::Baseline { .. } => mark!("evaluating the pinned configuration"),
            Self::BaselineDetail { .. } => mark!("measuring the layer as pinned"),
            Self::Companion { .. } => mark!("measuring the layer"),
            Self::Memory { .. } => mark!("changing the memory limit"),
            Self::Export { .. } => mark!("exporting"),
        }
    }
}
