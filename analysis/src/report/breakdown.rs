//! Where the clicked layer's error comes from: its sources, rounding and clipping, and what its activation discards.

use super::LayerRow;
use crate::{
    metrics::{Errors, Measure},
    quant::Clipping,
    t,
};

/// The error of one layer by source, from the live samples.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerErrors {
    /// The layer.
    pub layer: String,
    /// Samples these values come from.
    pub samples: usize,
    /// All of the layer's quantizers on float inputs.
    pub local: Errors,
    /// The same with one source at a time; those that the layer has.
    pub parts: Vec<ErrorPart>,
    /// What the output quantizer does in the quantized run; `None` where the output is float.
    pub quantizer: Option<QuantizerErrors>,
    /// What the activation discards in the quantized run; `None` where the layer has none that cuts values off.
    pub cut: Option<CutErrors>,
}

/// What of a layer is quantized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorSource {
    /// Its constant operands but for the bias.
    Weights,
    /// Its output, and what it reads in formats of its own.
    Activation,
    /// Its bias.
    Bias,
}

impl ErrorSource {
    /// As it stands in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::Weights => t!("weights"),
            Self::Activation => t!("output quantizer"),
            Self::Bias => t!("bias"),
        }
    }
}

/// The local error with one source alone.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorPart {
    /// Which.
    pub source: ErrorSource,
    /// Its error.
    pub errors: Errors,
    /// Its energy as a share of the local error's. The shares need not add up to 1: two sources can cancel or add.
    /// `None` where the local error is exact.
    pub share: Option<f64>,
    /// SQNR of each channel of the output; empty where it has no channels.
    pub channels: Vec<Measure>,
}

/// An output quantizer, before against after in the same run.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantizerErrors {
    /// Over the whole tensor.
    pub total: Clipping,
    /// Values that went through.
    pub values: u64,
    /// By channel of the output; empty where it has no channels.
    pub channels: Vec<Clipping>,
}

impl QuantizerErrors {
    /// `Σ(r′ − r)²` over all finite values.
    pub fn energy(&self) -> f64 {
        self.total.rounding_error_energy + self.total.clipped_error_energy
    }

    /// Share of the energy that stands in clipped values; `None` without an error.
    pub fn clipping_share(&self) -> Option<f64> {
        clipping_share(&self.total)
    }
}

/// Share of a quantizer's error energy that stands in clipped values; `None` without an error.
pub fn clipping_share(clipping: &Clipping) -> Option<f64> {
    let energy = clipping.rounding_error_energy + clipping.clipped_error_energy;
    (energy > 0.0).then(|| clipping.clipped_error_energy / energy)
}

/// An activation that discards what lies outside its range, with the errors that stood there.
#[derive(Clone, Debug, PartialEq)]
pub struct CutErrors {
    /// Operator.
    pub op: String,
    /// Share of the values that the float run cuts.
    pub values_share: f64,
    /// Share of the error's energy before the activation that stands in those values; `None` without an error.
    pub error_share: Option<f64>,
    /// SQNR before the activation.
    pub before_db: Measure,
    /// SQNR after it, before the output quantizer.
    pub after_db: Measure,
}

impl LayerErrors {
    /// Where the error comes from, in one or two sentences with their numbers; `row` is the layer's.
    pub fn sentence(&self, row: &LayerRow) -> String {
        let mut sentences = Vec::new();
        let largest = self.parts.iter().filter_map(|part| Some((part, part.share?)));
        if let Some((part, share)) = largest.max_by(|a, b| a.1.total_cmp(&b.1)) {
            let mut text = t!(
                "The {} alone make{} {} % of the local error's energy",
                part.source.name(),
                if part.source == ErrorSource::Weights { "" } else { "s" },
                format!("{:.0}", 100.0 * share)
            );
            if let Some(clipping) = self.quantizer.as_ref().and_then(QuantizerErrors::clipping_share) {
                text.push_str(&t!(
                    "; {} % of the output quantizer's error is clipping",
                    format!("{:.0}", 100.0 * clipping)
                ));
            }
            sentences.push(text);
        } else if self.local.sqnr_db == Measure::Exact {
            sentences.push(t!("The layer itself makes no error").into());
        }
        if let Ok(flow) = &row.flow {
            sentences.push(match flow.change_db() {
                Some(db) if db.abs() >= 0.05 => {
                    t!("It {} what it receives by {} dB", flow.kind.name(), format!("{:.1}", db.abs()))
                }
                Some(_) => t!("It hands on what it receives").into(),
                None => t!("It {} what it receives", flow.kind.name()),
            });
        }
        sentences.iter().map(|sentence| t!("{}.", sentence)).collect::<Vec<_>>().join(" ")
    }
}
