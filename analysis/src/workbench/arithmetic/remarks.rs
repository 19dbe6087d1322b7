//! What a layer's arithmetic is in danger of, in sentences with its own numbers, and what helps.

use super::parts::{BiasSource, Parts};
use crate::{
    integer::{Bias, WeightRows, most_negative},
    report::{BiasForm, IntegerArithmetic, PairSaturation, Remark, RemarkLevel},
    say,
    text::Text,
};

/// Everything to say, most serious first.
pub(super) fn of(
    report: &IntegerArithmetic,
    parts: &Parts,
    weights: &WeightRows,
    bias: &Bias,
    beyond_int32: u64,
) -> Vec<Remark> {
    let mut remarks: Vec<Remark> = accumulator(report, beyond_int32)
        .into_iter()
        .chain(int32_bias(parts, bias))
        .chain(pairs(report, parts))
        .chain(lowest_weights(report, parts, weights))
        .chain(float_bias(report))
        .collect();
    remarks.sort_by_key(|remark| remark.level);
    remarks
}

fn remark(level: RemarkLevel, code: &'static str, text: Text, advice: Text) -> Remark {
    Remark { level, code, text, advice }
}

fn accumulator(report: &IntegerArithmetic, beyond_int32: u64) -> Option<Remark> {
    let advice = say!(
        "Fewer bits for the input or the weights, or a layer split along its input channels, \
                          keep it inside; a machine with a wider accumulator needs neither."
    );
    let worst = &report.worst;
    if beyond_int32 > 0 {
        let text = say!(
            "{} of {} accumulators do not fit an int32 and would wrap around.",
            beyond_int32,
            report.coverage.outputs
        );
        return Some(remark(RemarkLevel::Wrong, "accumulator-overflow", text, advice));
    }
    (worst.bits > 32).then(|| {
        let text = say!(
            "The accumulator of channel {} can reach {} and then needs {} bits, more than an int32 has.",
            worst.channel,
            worst.magnitude,
            worst.bits
        );
        remark(RemarkLevel::Risk, "accumulator-risk", text, advice)
    })
}

fn int32_bias(parts: &Parts, bias: &Bias) -> Option<Remark> {
    let advice = say!("A larger weight or input scale, or a float bias, helps.");
    let overflows = bias.overflows();
    // The plan saturates what it cannot mend.
    let saturated = match &parts.bias {
        BiasSource::Codes { codes, .. } => codes.iter().filter(|c| matches!(**c, i32::MIN | i32::MAX)).count(),
        BiasSource::None | BiasSource::Float { .. } => 0,
    };
    if overflows + saturated > 0 {
        let text = say!("{} of the bias do not fit an int32: |b|/S_b exceeds 2^31 − 1.", values(overflows + saturated));
        return Some(remark(RemarkLevel::Wrong, "bias-overflow", text, advice));
    }
    let raised = parts.raised.as_ref()?;
    let text = say!("Without help the bias would not fit an int32: {}.", raised);
    Some(remark(RemarkLevel::Note, "bias-raised", text, say!("The weights of these channels lost resolution to it.")))
}

fn pairs(report: &IntegerArithmetic, parts: &Parts) -> Option<Remark> {
    let advice = say!("7 bits for these weights rule it out, and so does a CPU with VNNI.");
    let PairSaturation::Counted { pairs, can_saturate, saturated } = report.pairs else { return None };
    let seen_as = if parts.input_params.grid.is_signed() {
        say!(" (kernels see the int8 input as q + 128)")
    } else {
        Text::default()
    };
    let place = say!("on x86 without VNNI, where two neighbouring 8-bit products are added in an int16");
    if saturated > 0 {
        let outputs = report.coverage.outputs;
        let text = say!("{} sums of two products in {} outputs saturate {}{}.", saturated, outputs, place, seen_as);
        return Some(remark(RemarkLevel::Wrong, "pair-saturation", text, advice));
    }
    (can_saturate > 0).then(|| {
        let text =
            say!("{} of {} pairs of weights can saturate {}{}; none did here.", can_saturate, pairs, place, seen_as);
        remark(RemarkLevel::Risk, "pair-saturation-risk", text, advice)
    })
}

/// −128 in int8 weights that meet an int8 input which reaches −128 as well.
fn lowest_weights(report: &IntegerArithmetic, parts: &Parts, weights: &WeightRows) -> Option<Remark> {
    let is_int8 = |grid: crate::quant::Grid| grid.is_signed() && grid.container_bits() == 8;
    let weight_grid = parts.weight_params(0)?.grid;
    if !is_int8(weight_grid) || !is_int8(parts.input_params.grid) || report.input.grid.0 > -128 {
        return None;
    }
    let (single, pairs) = most_negative(weights);
    (single > 0).then(|| {
        let times = if single == 1 { say!("once") } else { say!("{} times", single) };
        let text = say!(
            "−128 stands {} in the weights, {} times in a pair: (−128)·(−128) twice is 32768, one more than int16 holds.",
            times,
            pairs
        );
        let level = if pairs > 0 { RemarkLevel::Risk } else { RemarkLevel::Note };
        remark(level, "most-negative-weight", text, say!("A narrow weight grid, from −127, has no such pair."))
    })
}

fn float_bias(report: &IntegerArithmetic) -> Option<Remark> {
    (report.bias == BiasForm::Rounded).then(|| {
        let text = say!("The bias is no int32 on the accumulator's scale under this configuration; it is rounded to steps of S_b here.");
        remark(RemarkLevel::Note, "bias-rounded", text, Text::default())
    })
}

fn values(count: usize) -> Text {
    if count == 1 { say!("1 value") } else { say!("{} values", count) }
}
