//! A layer's weight quantizer in numbers.

use crate::{
    calibrate::MinMax,
    config::Granularity,
    graph::{Graph, LayerId, OperandRole},
    metrics::{ErrorSums, Errors},
    plan::{LayerFormat, LayerWeights, Operand, OperandValue},
    quant::{Bits, ChannelLayout, QuantParams, Range},
    report::{WeightScale, WeightSummary},
};

/// The quantizer of the layer's main constant; `None` where its constants are float.
pub(super) fn weight_summary(
    graph: &Graph,
    layer: LayerId,
    weights: &LayerWeights,
    format: &LayerFormat,
) -> Option<WeightSummary> {
    let operand = weights.main()?;
    let integer = |params: &[QuantParams]| Bits::int(params.first()?.grid.bits()).ok();
    let by_axis = |axis: Option<usize>| if axis.is_some() { Granularity::PerChannel } else { Granularity::PerTensor };
    let (bits, granularity) = match &operand.value {
        OperandValue::Integer { params, axis, .. } => (integer(params)?, by_axis(*axis)),
        OperandValue::Groups { params, group, .. } => {
            (integer(params)?, Granularity::PerGroup(u32::try_from(*group).ok()?))
        }
        OperandValue::Small { format, axis, .. } => (Bits::Small(*format), by_axis(*axis)),
        OperandValue::Float | OperandValue::Bias { .. } => return None,
    };
    let is_elementwise =
        graph.layers[layer].weights().any(|c| c.position == operand.position && c.role == OperandRole::Elementwise);
    let (rule, target) = if is_elementwise {
        (format.activation_grid, &graph.target.activations)
    } else {
        (format.weight_grid, &graph.target.weights)
    };
    Some(WeightSummary {
        tensor: operand.source.map_or_else(String::new, |t| graph.name(t).to_owned()),
        bits,
        granularity,
        scale_range: operand.value.scale_range()?,
        sqnr_db: Errors::from(&ErrorSums::of(&operand.float, &operand.dequantized())).sqnr_db,
        folded: format.folds_batch_norm,
        number: rule.number(bits, target).ok().flatten()?,
        rule: (!is_elementwise).then_some(rule),
        first: first_scale(operand)?,
    })
}

/// The first scale of a constant with the values under it.
fn first_scale(operand: &Operand) -> Option<WeightScale> {
    let (scale, zero_point, axis, group) = match &operand.value {
        OperandValue::Integer { axis, params, .. } => {
            let first = params.first()?;
            (first.scale, first.zero_point, *axis, None)
        }
        OperandValue::Groups { axis, group, params, .. } => {
            let first = params.first()?;
            (first.scale, first.zero_point, Some(*axis), Some(*group))
        }
        OperandValue::Small { axis, scales, .. } => (*scales.first()?, 0, *axis, None),
        OperandValue::Float | OperandValue::Bias { .. } => return None,
    };
    let layout = axis.and_then(|axis| ChannelLayout::of(&operand.shape, axis)).filter(|layout| !layout.is_empty());
    let mut seen = MinMax::new();
    match (layout, group) {
        (None, _) => seen.observe(&operand.float),
        (Some(layout), None) => {
            operand
                .float
                .chunks_exact(layout.channels * layout.inner)
                .for_each(|row| seen.observe(&row[..layout.inner]));
        }
        // A group runs along the axis, at the first place of all other axes.
        (Some(layout), Some(group)) => {
            let along = operand.float.iter().step_by(layout.inner).take(group.min(layout.channels));
            along.for_each(|value| seen.observe(std::slice::from_ref(value)));
        }
    }
    let range = seen.range().unwrap_or(Range { low: 0.0, high: 0.0 });
    Some(WeightScale { range, scale, zero_point })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quant::Grid;

    fn operand(value: impl Fn(Vec<QuantParams>) -> OperandValue) -> Operand {
        let params = |scale| QuantParams { scale, zero_point: 3, grid: Grid::signed(8).unwrap() };
        Operand {
            source: None,
            position: 1,
            shape: vec![2, 3, 2],
            float: (0_u8..12).map(f32::from).collect(),
            value: value(vec![params(0.5), params(0.25)]),
        }
    }

    #[test]
    fn the_first_scale_covers_the_tensor_the_channel_or_the_group() {
        let range = |operand: &Operand| {
            let first = first_scale(operand).unwrap();
            assert_eq!((first.scale, first.zero_point), (0.5, 3));
            (first.range.low, first.range.high)
        };
        let channels = |axis| operand(|params| OperandValue::Integer { axis, params });
        assert_eq!(range(&channels(None)), (0.0, 11.0));
        // [2, 3, 2]: axis 0 holds 0…5; axis 1 holds 0, 1 and 6, 7; axis 2 every second one.
        assert_eq!(range(&channels(Some(0))), (0.0, 5.0));
        assert_eq!(range(&channels(Some(1))), (0.0, 7.0));
        assert_eq!(range(&channels(Some(2))), (0.0, 10.0));
        // Groups of two along axis 1: elements (0, 0, 0) and (0, 1, 0), which are 0 and 2; of five: all three of them.
        let groups = |group| operand(move |params| OperandValue::Groups { axis: 1, group, params });
        assert_eq!(range(&groups(2)), (0.0, 2.0));
        assert_eq!(range(&groups(5)), (0.0, 4.0));
    }
}
