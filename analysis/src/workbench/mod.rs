//! The front door: one open model with its data, statistics, caches and current plan. The window's worker and the
//! command line both call this and nothing deeper, so that neither orchestrates the rooms by itself.
//!
//! The order of work is always the same: open, give data, evaluate as often as wanted. The float reference is run once
//! for a model and its data; an evaluation brings the samples it needs to the new plan, first one, then the live ones,
//! then all, and what a plan leaves unchanged is not run again.

mod account;
mod arithmetic;
mod breakdown;
mod bring;
mod budget;
mod cost;
mod counts;
mod data;
mod departure;
mod detail;
mod evaluate;
mod export;

mod info;
mod maps;
mod one_sample;
mod open;
mod plain;
mod report;
mod retarget;
mod samples;
mod score;
mod shares;
mod sweep;
mod tally;
mod threshold;
mod weight_summary;

use std::{collections::VecDeque, sync::Arc};

pub(crate) use cost::storage_bits;
pub use export::ExportOptions;
pub use open::OpenOptions;
pub use plain::{Plain, PlainModel};
pub use samples::EvaluationData;
pub use threshold::range_choices;

use crate::{
    config::QuantConfig,
    engine::{Engine, OwnKernels, Runtime},
    error::{Error, Result},
    graph::Graph,
    graph::LayerId,
    plan::WeightCache,
    report::{ModelInfo, Report, Sweep},
    say,
    target::Target,
};

/// Samples whose tensors are kept for answers at the speed of a click.
pub const LIVE_SAMPLES: usize = 8;
/// Reports kept, so that undo shows numbers at once.
const KEPT_REPORTS: usize = 8;

/// One open model and all that is known about it.
#[derive(Debug)]
pub struct Workbench {
    runtime: Runtime,
    info: Arc<ModelInfo>,
    graph: Arc<Graph>,
    engine: Engine,
    weight_cache: WeightCache,
    memory_budget_bytes: u64,
    resident_samples: usize,
    data: Option<EvaluationData>,
    finished: VecDeque<Finished>,
    kept_sweeps: VecDeque<Arc<Sweep>>,
}

/// A report that is done, and what it is of. The target too: a file can have changed since under the same name.
#[derive(Debug)]
struct Finished {
    config: Arc<QuantConfig>,
    target: Arc<Target>,
    report: Arc<Report>,
}

impl Workbench {
    /// What the model alone tells.
    pub fn model(&self) -> Arc<ModelInfo> {
        Arc::clone(&self.info)
    }

    /// The graph, for views that draw it and for tests.
    pub fn graph(&self) -> &Arc<Graph> {
        &self.graph
    }

    /// Which kernels of our own compute segments in onnxruntime's place.
    pub fn own_kernels(&self) -> OwnKernels {
        self.engine.own_kernels()
    }

    /// The layer of this name in the graph as it is arranged now; a change of target makes the id void.
    fn layer_id(&self, name: &str) -> Result<LayerId> {
        self.graph.layer_named(name).ok_or_else(|| Error::config(say!("layer `{}`", name), say!("the model has none")))
    }
}
