//! What share of a layer's values something befalls, over all samples.

use crate::{
    engine::LayerSums,
    graph::LayerId,
    mark,
    metrics::Measure,
    quant::{Clipping, Range},
};

/// Of the values that the output quantizer clips.
pub(super) fn clipped_fraction(id: LayerId, samples: &[&[LayerSums]]) -> Measure {
    let each: Vec<Clipping> = samples.iter().filter_map(|s| s.get(id)?.clipping).collect();
    let values: u64 = samples.iter().filter_map(|s| s.get(id)).map(|s| s.quantized_values).sum();
    if each.len() < samples.len() || each.is_empty() {
        return Measure::NotApplicable(mark!("the output carries no quantizer"));
    }
    if values == 0 {
        return Measure::NotApplicable(mark!("the tensor is empty"));
    }
    let clipped: u64 = each.iter().map(|c| c.clipped).sum();
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    let fraction = clipped as f64 / values as f64;
    Measure::Value(fraction)
}

/// Activations of trained networks rarely pass this; masks are at −10,000 and below.
const HUGE: f32 = 1000.0;

/// Of the values that it makes 0 without the SQNR telling of them; `None` where there are none, and where the largest are
/// not huge: what a saturated Softmax gives beside its 1 is 0 as well as anything, and its SQNR says so.
pub(super) fn vanished_fraction(id: LayerId, samples: &[&[LayerSums]], range: Option<Range>) -> Option<f64> {
    range.filter(|range| range.low.abs().max(range.high.abs()) >= HUGE)?;
    let each = || samples.iter().filter_map(|sample| sample.get(id));
    let (vanished, values) = each().fold((0, 0), |(v, n), sums| (v + sums.vanished, n + sums.quantized_values));
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    let fraction = vanished as f64 / values as f64;
    (vanished > 0).then_some(fraction)
}
