//! What a report and a layer's pages would say of the float model: the same rows without any quantizer. Nothing runs for
//! it; the float run's own numbers are in the report already.

use super::{
    Cost, CutErrors, Densities, Distribution, ErrorPart, LayerDetail, LayerErrors, LayerRow, OutputRow,
    QuantizerErrors, Report, SampleEnergy, Score, Share,
};
use crate::{
    metrics::{Errors, Measure},
    quant::{Bits, Clipping},
};

/// Why a number of a quantizer is missing.
const NO_QUANTIZER: &str = "the float model has no quantizers";

impl Report {
    /// The report of the float model on the same samples. Its configuration and its answers stay those of the report: the
    /// answers hold both runs'.
    pub fn as_float(&self) -> Self {
        let rows: Vec<LayerRow> = self.rows.iter().map(LayerRow::as_float).collect();
        let total = |field: fn(&LayerRow) -> u64| rows.iter().map(field).sum::<u64>();
        Self {
            outputs: self.outputs.iter().map(OutputRow::as_float).collect(),
            score: Score {
                accuracy: self.score.float_accuracy,
                agreement: self.score.agreement.map(whole),
                output_sqnr_db: exact(self.score.output_sqnr_db),
                ..self.score.clone()
            },
            cost: Cost { quantized_bytes: total(|row| row.quantized_bytes), bops: total(|row| row.bops), ..self.cost },
            rows,
            ..self.clone()
        }
    }
}

impl LayerRow {
    fn as_float(&self) -> Self {
        let silent = |energy: &SampleEnergy| SampleEnergy { noise: 0.0, ..*energy };
        Self {
            weight_bits: self.weight_bits.map(|_| Bits::Float),
            activation_bits: self.activation_bits.map(|_| Bits::Float),
            granularity: None,
            local: exact_errors(&self.local),
            accumulated: exact_errors(&self.accumulated),
            inherited: exact_errors(&self.inherited),
            introduced: exact_errors(&self.introduced),
            flow: Err(NO_QUANTIZER),
            correlation: Measure::NotApplicable(NO_QUANTIZER),
            why_falls: None,
            clipped_fraction: Measure::NotApplicable(NO_QUANTIZER),
            vanished_fraction: None,
            weight: None,
            activation: None,
            by_sample: self.by_sample.iter().map(silent).collect(),
            quantized_bytes: self.float_bytes,
            bops: self.macs * 32 * 32,
            ..self.clone()
        }
    }
}

impl OutputRow {
    fn as_float(&self) -> Self {
        Self {
            errors: exact_errors(&self.errors),
            top1_agreement: self.top1_agreement.map(whole),
            top5_agreement: self.top5_agreement.map(whole),
            accuracy: self.float_accuracy,
            ..self.clone()
        }
    }
}

impl LayerDetail {
    /// The float values of the layer in the place of both runs'.
    pub fn as_float(&self) -> Self {
        let distribution = |d: &Distribution| Distribution {
            quantized_counts: d.float_counts.clone(),
            thresholds: None,
            step: None,
            ..d.clone()
        };
        let densities = |d: &std::sync::Arc<Densities>| std::sync::Arc::new(d.as_float());
        let mut float = self.clone();
        float.density = self.density.as_ref().map(densities);
        float.weight_density = self.weight_density.as_ref().map(densities);
        float.activation = self.activation.as_ref().map(distribution);
        float.weights = self.weights.as_ref().map(distribution);
        for channel in &mut float.weight_channels {
            (channel.scale, channel.sqnr_db) = (None, exact(channel.sqnr_db));
        }
        for channel in &mut float.activation_channels {
            channel.sqnr_db = exact(channel.sqnr_db);
        }
        float
    }
}

impl LayerDetail {
    /// Smallest and largest weight, over all channels; `None` without weights.
    pub fn weight_ends(&self) -> Option<(f32, f32)> {
        ends(self.weight_channels.iter().map(|channel| (channel.low, channel.high)))
    }

    /// Smallest and largest float value of the output, over all channels; `None` where it has none.
    pub fn output_ends(&self) -> Option<(f32, f32)> {
        ends(self.activation_channels.iter().map(|channel| (channel.low, channel.high)))
    }
}

fn ends(mut all: impl Iterator<Item = (f32, f32)>) -> Option<(f32, f32)> {
    let first = all.next()?;
    Some(all.fold(first, |ends, next| (ends.0.min(next.0), ends.1.max(next.1))))
}

impl LayerErrors {
    /// The layer without quantizers: no source makes an error. What its activation cuts it cuts in float too.
    pub fn as_float(&self) -> Self {
        let part = |part: &ErrorPart| ErrorPart {
            errors: exact_errors(&part.errors),
            share: None,
            channels: part.channels.iter().copied().map(exact).collect(),
            ..*part
        };
        let quantizer = |quantizer: &QuantizerErrors| QuantizerErrors {
            total: Clipping::default(),
            channels: vec![Clipping::default(); quantizer.channels.len()],
            ..*quantizer
        };
        let cut = |cut: &CutErrors| CutErrors {
            error_share: None,
            before_db: exact(cut.before_db),
            after_db: exact(cut.after_db),
            ..cut.clone()
        };
        Self {
            local: exact_errors(&self.local),
            parts: self.parts.iter().map(part).collect(),
            quantizer: self.quantizer.as_ref().map(quantizer),
            cut: self.cut.as_ref().map(cut),
            ..self.clone()
        }
    }
}

/// No error, where there could have been one.
fn exact(value: Measure) -> Measure {
    match value {
        Measure::NotApplicable(why) => Measure::NotApplicable(why),
        Measure::Value(_) | Measure::Exact => Measure::Exact,
    }
}

pub(super) fn exact_errors(errors: &Errors) -> Errors {
    let Errors { sqnr_db, cosine, nmse, mse, max_abs, gain } = *errors;
    Errors {
        sqnr_db: exact(sqnr_db),
        cosine: exact(cosine),
        nmse: exact(nmse),
        mse: exact(mse),
        max_abs: exact(max_abs),
        gain: exact(gain),
    }
}

fn whole(share: Share) -> Share {
    Share { count: share.of, ..share }
}
