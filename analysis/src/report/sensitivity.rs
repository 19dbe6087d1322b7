//! What a sweep over the layers found.

use std::sync::Arc;

use serde::Serialize;

use crate::{
    config::QuantConfig,
    metrics::{Errors, Measure},
    quant::Bits,
    sensitivity::{Interval, SweepRequest},
    text::Text,
};

/// Values of the layers that have been asked so far.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// The configuration that it started from.
    pub config: Arc<QuantConfig>,
    /// What was asked.
    pub request: SweepRequest,
    /// Samples behind every value.
    pub samples: usize,
    /// Layers that have their values.
    pub layers_done: usize,
    /// Layers that were to be asked.
    pub layers_total: usize,
    /// In graph order; a layer's widths in the order of the request.
    pub rows: Vec<SweepRow>,
    /// For a relief: the configuration's own outputs, over the same samples.
    pub configuration: Vec<SweepOutput>,
    /// Where the time went.
    pub timing: SweepTiming,
}

/// One layer at one width.
#[derive(Clone, Debug)]
pub struct SweepRow {
    /// Position of the layer in graph order.
    pub index: usize,
    /// Its name.
    pub name: String,
    /// Its operator.
    pub op: String,
    /// The width it was quantized to; `None` where it was made float.
    pub bits: Option<Bits>,
    /// By output of the model; empty where the target refuses the width.
    pub outputs: Vec<SweepOutput>,
    /// Why the layer cannot have this width.
    pub refused: Option<Text>,
}

/// One output of the model.
#[derive(Clone, Debug)]
pub struct SweepOutput {
    /// Its name.
    pub name: String,
    /// Its error against the float model, over all samples.
    pub errors: Errors,
    /// 95 % interval of the SQNR over the samples; `None` for one sample, or where there is no SQNR.
    pub interval: Option<Interval>,
    /// For a relief: the SQNR less the configuration's, dB.
    pub gain_db: Option<f64>,
    /// 95 % interval of the gain.
    pub gain_interval: Option<Interval>,
    /// Whether it came through optimized sessions.
    pub estimate: bool,
}

/// Seconds, as the shell's clock has them; never part of a result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct SweepTiming {
    /// Building sessions.
    pub load_s: f64,
    /// What had to be known first: the float run, ranges, and for a relief the configuration's run.
    pub prepare_s: f64,
    /// All of it.
    pub total_s: f64,
}

impl SweepRow {
    /// The output with the largest error, by which layers are compared.
    pub fn headline(&self) -> Option<&SweepOutput> {
        self.outputs.iter().min_by(|a, b| rank(a.errors.sqnr_db).total_cmp(&rank(b.errors.sqnr_db)))
    }

    /// How much quantizing this layer hurts, larger is worse: for ordering. The negative SQNR, or for a relief the gain;
    /// lowest for a row without a number.
    pub fn harm(&self) -> f64 {
        let Some(output) = self.headline() else { return f64::NEG_INFINITY };
        output.gain_db.unwrap_or_else(|| -rank(output.errors.sqnr_db))
    }
}

impl Sweep {
    /// The rows of one width, the most harmful layer first; for a relief `bits` is `None`.
    pub fn worst_first(&self, bits: Option<Bits>) -> Vec<&SweepRow> {
        let mut rows: Vec<&SweepRow> = self.rows.iter().filter(|row| row.bits == bits).collect();
        rows.sort_by(|a, b| b.harm().total_cmp(&a.harm()).then(a.index.cmp(&b.index)));
        rows
    }
}

/// An SQNR for ordering: no error comes last, and what has no number after it.
fn rank(measure: Measure) -> f64 {
    match measure {
        Measure::Value(value) => value,
        Measure::Exact | Measure::NotApplicable(_) => f64::INFINITY,
    }
}
