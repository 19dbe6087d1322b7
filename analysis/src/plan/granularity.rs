//! How finely a layer's weights can be scaled.

use super::formats::{Resolver, has_scales};
use crate::{
    config::Granularity,
    graph::{ConstantOperand, LayerId, OperandRole},
    job::Warning,
    quant::Bits,
};

/// The first opset whose DequantizeLinear knows groups, of which the last may be shorter.
pub(super) const SHORT_GROUP_OPSET: i64 = 21;

impl Resolver<'_> {
    /// Whether the layer's weights have the axis that scales of this fineness run along.
    pub(super) fn has_axis_for(&self, id: LayerId, granularity: Granularity) -> bool {
        let row = &self.graph.layers[id];
        row.weights().any(|operand| match granularity {
            Granularity::PerTensor => true,
            Granularity::PerChannel => matches!(operand.role, OperandRole::Weight { axis: Some(_) }),
            Granularity::PerGroup(group) => {
                matches!(operand.role, OperandRole::Weight { .. }) && self.divides(id, operand, group)
            }
        })
    }

    /// Whether groups of this size can be written: before opset 21 the last one of a channel cannot be shorter.
    pub(super) fn divides(&self, id: LayerId, operand: &ConstantOperand, group: u32) -> bool {
        let axis = self.graph.input_axis(id, operand.position);
        let dims = self.graph.constants.dims(operand.tensor).unwrap_or_default();
        let Some(&length) = axis.and_then(|axis| dims.get(axis)) else { return false };
        let group = (group as usize).min(length).max(1);
        self.graph.opset >= SHORT_GROUP_OPSET || length.is_multiple_of(group)
    }

    /// The granularity that was asked for, or where the weights cannot have it the next coarser one, with a warning where
    /// groups were expected.
    pub(super) fn granularity(&mut self, id: LayerId, bits: Bits, wanted: Granularity) -> Granularity {
        let are_integers = matches!(bits, Bits::Int(_));
        if !has_scales(bits) {
            // No scale, so none for each of anything.
            return Granularity::PerTensor;
        }
        let is_grouped = matches!(wanted, Granularity::PerGroup(_));
        if self.has_axis_for(id, wanted) && (are_integers || !is_grouped) {
            return wanted;
        }
        let per_channel = self.has_axis_for(id, Granularity::PerChannel) && wanted != Granularity::PerChannel;
        let instead = if per_channel { Granularity::PerChannel } else { Granularity::PerTensor };
        if per_channel {
            let name = &self.graph.layers[id].name;
            let why = if are_integers {
                format!("do not divide into equal groups, which models before opset {SHORT_GROUP_OPSET} need")
            } else {
                format!("are {bits}, and groups are for integers")
            };
            let message = format!("the weights of `{name}` {why}: per channel there, not {}", wanted.name());
            self.warnings.push(Warning::new("no-groups", message));
        }
        instead
    }
}
