//! Background work: jobs as values, one analysis thread, results as events.
//!
//! [`Queue`] decides what runs (newest wins, later steps fall with earlier ones) on the window's thread, where it needs no
//! lock; [`Worker`] hands its thread one job at a time. Every job has a ticket; a result whose ticket is not current any
//! more is dropped, so that two generations of numbers never meet in one frame.

mod bench;
mod queue;
mod request;
mod run;
mod thread;

use std::sync::Arc;

use quantlens_analysis::{
    data::{
        RecipeTrial,
        info::{DataInfo, Preview},
    },
    job::{CancelToken, Progress},
    mark,
    report::{ExportReport, FeatureMaps, LayerArithmetic, LayerDetail, LayerErrors, Memory, ModelInfo, Report, Sweep},
    text::Text,
};

pub use self::{
    bench::Bench,
    queue::Queue,
    request::{DataChoice, ModelSource, Request},
    run::Runner,
    thread::{Happening, Worker},
};
use crate::document::RuntimeInfo;

/// What jobs say they do and count, which the status bar shows in the user's language.
const _: [&str; 22] = [
    mark!("reading the model"),
    mark!("checking the model with onnxruntime"),
    mark!("preparing layers"),
    mark!("quantized run"),
    mark!("sensitivity"),
    mark!("preparing estimates"),
    mark!("float reference"),
    mark!("ranges"),
    mark!("histograms"),
    mark!("opening the data"),
    mark!("checking the data"),
    mark!("asking the float model"),
    mark!("errors by source"),
    mark!("writing the model"),
    mark!("verifying the export"),
    mark!("integer arithmetic"),
    mark!("looking for pip"),
    mark!("unpacking onnxruntime"),
    mark!("fetching onnxruntime"),
    mark!("steps"),
    mark!("samples"),
    mark!("layers"),
];
const _: &str = mark!("runs");

/// The kind of a job: each runs at most once and waits at most once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(
    missing_docs,
    reason = "one a variant of Request, but that a layer's pages share one, and the baseline's jobs"
)]
pub enum Slot {
    Open,
    Data,
    Memory,
    Evaluate,
    OneSample,
    Detail,
    Previews,
    Sweep,
    Recipes,
    Baseline,
    Companion,
    Export,
}

impl Slot {
    /// All of them, most urgent first.
    pub const ALL: [Self; 12] = [
        Self::Open,
        Self::Data,
        Self::Memory,
        Self::Evaluate,
        Self::OneSample,
        Self::Detail,
        Self::Previews,
        Self::Recipes,
        Self::Baseline,
        Self::Companion,
        Self::Export,
        Self::Sweep,
    ];

    /// Whether a new job of this kind makes results of `other` meaningless. An export keeps its own copy of the
    /// configuration, so an edit does not stop it; another model or other samples do.
    pub fn invalidates(self, other: Self) -> bool {
        match self {
            Self::Open => true,
            Self::Data => !matches!(other, Self::Open | Self::Memory),
            Self::Evaluate => matches!(
                other,
                Self::Evaluate | Self::OneSample | Self::Detail | Self::Previews | Self::Baseline | Self::Companion
            ),
            // What is looked at comes before what it is compared with, which is asked for again after it.
            Self::Detail => matches!(other, Self::Detail | Self::Baseline | Self::Companion),
            // A sweep keeps its own copy too.
            Self::OneSample
            | Self::Memory
            | Self::Previews
            | Self::Sweep
            | Self::Recipes
            | Self::Baseline
            | Self::Companion
            | Self::Export => self == other,
        }
    }
}

/// Identity of one started job; grows with every start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// A job on its way to the thread.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its identity.
    pub ticket: Ticket,
    /// What to do.
    pub request: Request,
    /// Stops it.
    pub token: CancelToken,
}

/// News of a job.
#[derive(Clone, Debug)]
pub struct Event {
    /// Which job.
    pub ticket: Ticket,
    /// Its kind.
    pub slot: Slot,
    /// What it says.
    pub news: News,
}

/// What a job says: any number of those that are not final, then exactly one of the others.
#[derive(Clone, Debug)]
pub enum News {
    /// onnxruntime is loaded.
    Runtime(RuntimeInfo),
    /// How far it is.
    Progress(Progress),
    /// A report from some of the samples; more will come.
    Stage(Arc<Report>),
    /// The model is open.
    Opened(Arc<ModelInfo>),
    /// The samples are in use.
    Data(Arc<DataInfo>),
    /// The recipes are ranked.
    Recipes(Arc<Vec<RecipeTrial>>),
    /// The whole result.
    Report(Arc<Report>),
    /// What the layer's pages show before all samples were looked at; the rest will come.
    DetailStage(Arc<LayerDetail>),
    /// The layer's pages.
    Detail(Arc<LayerDetail>),
    /// The layer's Arithmetic page.
    Arithmetic(Arc<LayerArithmetic>),
    /// What the layers asked so far have answered; more will come, unless it is stopped.
    SweepStage(Arc<Sweep>),
    /// Every layer has answered.
    Sweep(Arc<Sweep>),
    /// The layer's Errors page.
    LayerErrors(Arc<LayerErrors>),
    /// The layer's Maps page.
    FeatureMaps(Arc<FeatureMaps>),
    /// Previews of samples, by their places.
    Previews(Vec<(usize, Arc<Preview>)>),
    /// The numbers of one sample.
    OneSample(Arc<Report>),
    /// The numbers of the configuration that is compared with.
    Baseline(Arc<Report>),
    /// Its layer's pages.
    BaselineDetail(Arc<LayerDetail>),
    /// The pages' data of another selected layer.
    Companion(Arc<LayerDetail>),
    /// The memory limit holds.
    Memory(Memory),
    /// The file is written and was run.
    Exported(Arc<ExportReport>),
    /// It was stopped.
    Cancelled,
    /// It failed.
    Failed(Trouble),
}

impl News {
    /// Whether the job is over.
    pub fn is_final(&self) -> bool {
        !matches!(
            self,
            Self::Runtime(_) | Self::Progress(_) | Self::Stage(_) | Self::DetailStage(_) | Self::SweepStage(_)
        )
    }
}

/// How a job failed.
#[derive(Clone, Debug, PartialEq)]
pub struct Trouble {
    /// One sentence with the file, node or tensor.
    pub what: Text,
    /// The chain of causes.
    pub details: Text,
    /// What kind of failure it is.
    pub kind: TroubleKind,
}

/// Kinds of failure that are treated differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TroubleKind {
    /// The configuration asks for what cannot take effect: the edit is taken back.
    Refused,
    /// A defect of this program: the model must be opened again.
    Panic,
    /// Anything else.
    Other,
}
