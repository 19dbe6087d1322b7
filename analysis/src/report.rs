//! What an evaluation found, as plain data shared by `Arc`: the window draws it, the command line prints it, and
//! neither derives a number of its own.

mod answers;
mod arithmetic;
mod as_float;
mod breakdown;
mod densities;
mod density;
mod detail;
mod drift;
mod flow;
mod losses;
mod maps;
mod model;
mod scope;
mod sensitivity;
pub mod threshold;
mod verification;

use std::sync::Arc;

pub use answers::{Answers, Choice, Decision, FlipKind, SampleAnswer};
pub use arithmetic::{
    ArithmeticContent, BiasForm, ChannelArithmetic, Coverage, FloatCheck, IntegerArithmetic, LayerArithmetic,
    MultiplierFacts, PairSaturation, Reach, Remark, RemarkLevel, RoundingDifferences, TensorGrid,
};

pub use breakdown::{CutErrors, ErrorPart, ErrorSource, LayerErrors, QuantizerErrors, clipping_share};
pub use densities::Densities;
pub use density::{Bins, DENSITY_BINS, Density};
pub use detail::{ActivationChannel, Distribution, LayerDetail, WeightChannel};
pub use drift::{DriftNote, FallReason};
pub use flow::{Flow, FlowKind};
pub(crate) use losses::hidden_losses;
pub use maps::{FeatureMap, FeatureMaps};
pub use model::{LayerInfo, ModelInfo, TargetInfo};
pub use scope::{SampleScope, WorstSample};
pub use sensitivity::{Sweep, SweepOutput, SweepRow, SweepTiming};
use serde::Serialize;
pub use threshold::{MethodCurves, RangeMark, ThresholdDetail};
pub use verification::{ExportReport, Verification};

use crate::{
    calibrate::Method,
    config::{Granularity, QuantConfig},
    job::Warning,
    metrics::{Errors, Measure},
    plan::GridRule,
    quant::{Bits, NumberFormat, Range},
    text::Text,
};

/// The whole result for one configuration.
#[derive(Clone, Debug)]
pub struct Report {
    /// The configuration these numbers belong to.
    pub config: Arc<QuantConfig>,
    /// The target of that configuration.
    pub target: Arc<TargetInfo>,
    /// Samples these numbers were taken from.
    pub samples: usize,
    /// Samples that were asked for; more than `samples` while the result still refines.
    pub samples_total: usize,
    /// One row a layer, in graph order, as the configuration's target arranges them: another target may have other rows
    /// than [`ModelInfo::layers`] of the one before.
    pub rows: Vec<LayerRow>,
    /// The model's outputs.
    pub outputs: Vec<OutputRow>,
    /// What it means for the task.
    pub score: Score,
    /// What both runs answer, sample by sample.
    pub answers: Arc<Answers>,
    /// Size and arithmetic of the configuration.
    pub cost: Cost,
    /// Opsets that a runtime must support to run its export, `(domain, version)`.
    pub needs: Vec<(String, i64)>,
    /// Cache memory.
    pub memory: Memory,
    /// Where the time went.
    pub timing: Timing,
    /// What the user must know to read the numbers right.
    pub warnings: Vec<Warning>,
    /// Names of the samples, in the order of [`LayerRow::by_sample`].
    pub sample_names: Arc<[Text]>,
    /// The one sample that these numbers are of; `None` where they are of all that ran.
    pub scope: Option<SampleScope>,
}

/// One layer under the configuration.
#[derive(Clone, Debug)]
pub struct LayerRow {
    /// What the model alone decides.
    pub info: Arc<LayerInfo>,
    /// Format of the constant operands; `None` where the layer has none that can be quantized.
    pub weight_bits: Option<Bits>,
    /// Format of the output tensor; `None` where it cannot be quantized.
    pub activation_bits: Option<Bits>,
    /// Scales of the weights; `None` where they are float.
    pub granularity: Option<Granularity>,
    /// Whether this layer's settings differ from the configuration's defaults.
    pub edited: bool,
    /// Only this layer's quantizers act, its inputs are the float ones.
    pub local: Errors,
    /// Every quantizer acts; what arrives here.
    pub accumulated: Errors,
    /// What the layer's float function makes of the error it receives.
    pub inherited: Errors,
    /// What the layer's own quantizers add.
    pub introduced: Errors,
    /// What the layer makes of the error it receives; or why that cannot be said.
    pub flow: Result<Flow, &'static str>,
    /// Correlation of inherited and introduced error, −1 … 1: their energies do not simply add.
    pub correlation: Measure,
    /// Why the accumulated error falls here; `None` where it does not.
    pub why_falls: Option<DriftNote>,
    /// Share of the output's values that the output quantizer clips, in the quantized run.
    pub clipped_fraction: Measure,
    /// Share of the output's values that its quantizer makes 0 although they are not, where its SQNR does not tell of it: a
    /// few huge values (1000 and more), as of an attention mask, have all the energy. `None` where it is not so.
    pub vanished_fraction: Option<f64>,
    /// The weight quantizer; `None` where the weights are float.
    pub weight: Option<WeightSummary>,
    /// The output quantizer; `None` where the output is float.
    pub activation: Option<ActivationSummary>,
    /// Energies of the accumulated error, one a sample, in the order of the data; empty where there are no errors.
    pub by_sample: Arc<[SampleEnergy]>,
    /// Bytes of the layer's constants in the input file.
    pub float_bytes: u64,
    /// Bytes of the layer's constants under this configuration.
    pub quantized_bytes: u64,
    /// Multiply-accumulates for one sample; 0 where the layer has none.
    pub macs: u64,
    /// MACs × weight bits × bits of the tensor read.
    pub bops: u64,
}

/// What one sample adds to an error: the sums that SQNR and NMSE of any set of samples follow from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct SampleEnergy {
    /// `Σf²`
    pub signal: f64,
    /// `Σe²`
    pub noise: f64,
}

/// A weight quantizer in numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightSummary {
    /// The quantized constant.
    pub tensor: String,
    /// Its format.
    pub bits: Bits,
    /// One scale, or one a channel.
    pub granularity: Granularity,
    /// Smallest and largest scale.
    pub scale_range: (f32, f32),
    /// Error of the dequantized weights against the float ones (batch norm folded in both).
    pub sqnr_db: Measure,
    /// Whether a batch norm is folded in.
    pub folded: bool,
    /// How a scale follows from the values it covers.
    pub number: NumberFormat,
    /// Which codes, as it can be set; `None` where the constant has the codes of an output, as one that is added has.
    pub rule: Option<GridRule>,
    /// The first scale with what it covers: of the tensor, of channel 0, of the first group.
    pub first: WeightScale,
}

/// One scale of a weight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WeightScale {
    /// The smallest and the largest value it covers.
    pub range: Range,
    /// Scale S; above what `range` asks for where a bias needs a larger one.
    pub scale: f32,
    /// Zero-point Z.
    pub zero_point: i32,
}

/// An activation quantizer in numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct ActivationSummary {
    /// Scale S.
    pub scale: f32,
    /// Zero-point Z.
    pub zero_point: i32,
    /// Lower end of the chosen range, before it was widened to contain 0.
    pub low: f32,
    /// Upper end of the chosen range.
    pub high: f32,
    /// How the range was chosen.
    pub method: Method,
    /// Smallest and largest integer of the grid; `None` for a small float.
    pub grid: Option<(i32, i32)>,
    /// How scale and zero-point follow from the range.
    pub number: NumberFormat,
    /// Which codes, as it can be set.
    pub rule: GridRule,
    /// Per cent of the values that [`Method::Percentile`] keeps inside.
    pub percentile: f64,
}

/// One output of the model.
#[derive(Clone, Debug)]
pub struct OutputRow {
    /// Its name.
    pub name: String,
    /// Error of the output against the float model's.
    pub errors: Errors,
    /// Share of samples whose best class is the float model's; `None` where the output is no class scores.
    pub top1_agreement: Option<Share>,
    /// Share of samples where the float model's best class is among the quantized run's best five.
    pub top5_agreement: Option<Share>,
    /// Accuracy under this configuration; `None` without labels.
    pub accuracy: Option<Share>,
    /// Accuracy of the float model on the same samples.
    pub float_accuracy: Option<Share>,
}

/// A share of samples, as counts, so that the window can say "116 of 360".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Share {
    /// How many.
    pub count: usize,
    /// Of how many.
    pub of: usize,
}

impl Share {
    /// As a fraction in 0..=1; 0 of 0 is 0.
    pub fn fraction(self) -> f64 {
        if self.of == 0 { 0.0 } else { self.count as f64 / self.of as f64 }
    }
}

/// The scoreboard: the first of accuracy, agreement and output SQNR that the model and the data allow, and all of them.
#[derive(Clone, Debug)]
pub struct Score {
    /// Accuracy of the float model on these samples.
    pub float_accuracy: Option<Share>,
    /// Accuracy under this configuration.
    pub accuracy: Option<Share>,
    /// Agreement with the float model.
    pub agreement: Option<Share>,
    /// Output error: of the first output, or of the worst where there are several.
    pub output_sqnr_db: Measure,
    /// The output that `output_sqnr_db` speaks of.
    pub output: String,
}

/// What the configuration costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cost {
    /// Bytes of all floating-point constants of the model.
    pub float_bytes: u64,
    /// Bytes of the same constants under this configuration, scales and zero-points included.
    pub quantized_bytes: u64,
    /// Multiply-accumulates for one sample.
    pub macs: u64,
    /// MACs × weight bits × bits of the tensor read (float = 32).
    pub bops: u64,
}

/// Memory held for cached tensors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// What the user allows.
    pub budget_bytes: u64,
    /// The most that cached tensors took.
    pub peak_bytes: u64,
    /// What they take now.
    pub used_bytes: u64,
}

/// Where the time of an evaluation went, in seconds; taken by the shell's clock, never part of a result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Timing {
    /// Building sessions; part of what follows.
    pub load_s: f64,
    /// The float pass.
    pub reference_s: f64,
    /// Statistics and ranges.
    pub calibrate_s: f64,
    /// The quantized pass.
    pub quantized_s: f64,
    /// Quantizing tensors and error sums, of all threads together; part of the passes above.
    pub metrics_s: f64,
    /// All of it.
    pub total_s: f64,
    /// Segments that were run, counted once a sample.
    pub segments_run: u64,
    /// Segments whose cached result still held, counted once a sample.
    pub segments_reused: u64,
}
