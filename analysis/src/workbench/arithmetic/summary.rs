//! Tallies and plan to the numbers of the page.

use super::{
    fixed::{Fixed, real},
    parts::Parts,
    remarks,
};
use crate::{
    graph::Graph,
    integer::{ChannelTally, Extent, LsbDifferences},
    mark,
    quant::{Bits, Multiplier, QuantParams, Rounding},
    report::{
        ChannelArithmetic, Coverage, FloatCheck, IntegerArithmetic, MultiplierFacts, PairSaturation, Reach,
        RoundingDifferences, TensorGrid,
    },
};

/// What the page shows of `fixed` and of what its channels met.
pub(super) fn of(
    fixed: &Fixed,
    parts: &Parts,
    graph: &Graph,
    tallies: &[ChannelTally],
    coverage: Coverage,
) -> IntegerArithmetic {
    let has_seen = coverage.outputs > 0;
    let channels: Vec<ChannelArithmetic> = tallies
        .iter()
        .zip(&fixed.worst)
        .enumerate()
        .map(|(index, (tally, worst))| ChannelArithmetic {
            index,
            weight_scale: parts.weight_params(index).map_or(1.0, |p| p.scale),
            weight_zero_point: parts.weight_params(index).map_or(0, |p| p.zero_point),
            bias_scale: parts.step(index),
            multiplier: fixed.requantizers.get(index).map(|r| facts(r.multiplier, real(parts, index))),
            worst: (worst.magnitude(), worst.bits()),
            seen: has_seen.then(|| (tally.accumulators.magnitude(), tally.accumulators.bits())),
        })
        .collect();
    let rounding = |(index, rounding): (usize, Rounding)| {
        let mut differences = LsbDifferences::default();
        tallies.iter().for_each(|tally| differences.merge(&tally.differences[index]));
        RoundingDifferences { rounding, differences }
    };
    let is_quantized = parts.output_params.is_some() && has_seen;
    let largest = |of: fn(&ChannelTally) -> f64| tallies.iter().map(of).fold(0.0, f64::max);
    let check =
        FloatCheck { largest_difference: largest(|t| t.float_difference), largest_share: largest(|t| t.float_share) };
    let seen: Vec<Extent> = tallies.iter().map(|t| t.accumulators).collect();
    let mut report = IntegerArithmetic {
        input: tensor_grid(graph.name(parts.input), &parts.input_params),
        weights: tensor_grid(&parts.weight_name, parts.weight_params(0).unwrap_or(&parts.input_params)),
        output: parts.output_params.map(|p| tensor_grid(graph.name(parts.output), &p)),
        alpha: parts.alpha,
        bias: fixed.bias_form,
        clamp: fixed.clamp,
        fused: parts.fused.clone(),
        taps: fixed.taps,
        channels,
        worst: reach(&fixed.worst),
        seen: has_seen.then(|| reach(&seen)),
        coverage,
        roundings: if is_quantized {
            Rounding::ALL.into_iter().enumerate().map(rounding).collect()
        } else {
            Vec::new()
        },
        float_check: (parts.output_params.is_none() && has_seen).then_some(check),
        pairs: pair_saturation(fixed, parts, tallies),
        remarks: Vec::new(),
    };
    let beyond = tallies.iter().map(|t| t.beyond_int32).sum();
    report.remarks = remarks::of(&report, parts, &fixed.weights, &fixed.bias, beyond);
    report
}

fn pair_saturation(fixed: &Fixed, parts: &Parts, tallies: &[ChannelTally]) -> PairSaturation {
    match &fixed.pairs {
        Some(pairs) => PairSaturation::Counted {
            pairs: pairs.pairs(),
            can_saturate: pairs.can_saturate(),
            saturated: tallies.iter().map(|t| t.saturated_pairs).sum(),
        },
        None if parts.is_depthwise() => {
            PairSaturation::NotApplicable(mark!("onnxruntime's depthwise kernel widens every product by itself"))
        }
        None => PairSaturation::NotApplicable(mark!("no 8-bit kernel computes these formats")),
    }
}

fn facts(multiplier: Multiplier, real: f64) -> MultiplierFacts {
    MultiplierFacts {
        real,
        m0: multiplier.m0,
        fraction: multiplier.fraction(),
        shift: multiplier.shift,
        relative_error: multiplier.relative_error(real),
        nearest_shift: multiplier.nearest_shift(),
    }
}

/// The widest channel.
fn reach(extents: &[Extent]) -> Reach {
    let mut widest = Reach { magnitude: 0, bits: 1, channel: 0 };
    for (channel, extent) in extents.iter().enumerate() {
        // −2^31 fits an int32 and 2^31 does not, so bits are not those of the largest magnitude.
        widest.bits = widest.bits.max(extent.bits());
        if extent.magnitude() > widest.magnitude {
            (widest.magnitude, widest.channel) = (extent.magnitude(), channel);
        }
    }
    widest
}

fn tensor_grid(name: &str, params: &QuantParams) -> TensorGrid {
    TensorGrid {
        tensor: name.to_owned(),
        bits: Bits::int(params.grid.bits()).unwrap_or(Bits::Float),
        scale: params.scale,
        zero_point: params.zero_point,
        grid: (params.grid.q_min(), params.grid.q_max()),
    }
}
