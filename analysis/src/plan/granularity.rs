//! How finely a layer's weights can be scaled.

use serde::Serialize;

use super::formats::{Resolver, has_scales};
use crate::{
    config::Granularity,
    graph::{ConstantOperand, Graph, LayerId, OperandRole},
    job::Warning,
    quant::Bits,
    say,
    text::Text,
};

/// The first opset whose DequantizeLinear knows groups, of which the last may be shorter.
pub(super) const SHORT_GROUP_OPSET: i64 = 21;

/// The axes that scales of a layer's weights can run along.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ScaleAxes {
    /// Whether a weight has an axis of output channels.
    pub channels: bool,
    /// Lengths of the weights' input axes, which groups divide.
    pub inputs: Vec<usize>,
    /// Whether the last group of a channel may be shorter.
    pub has_short_groups: bool,
}

impl ScaleAxes {
    pub(crate) fn of(graph: &Graph, id: LayerId) -> Self {
        let is_weight = |o: &&ConstantOperand| matches!(o.role, OperandRole::Weight { .. });
        let length = |o: &ConstantOperand| {
            let dims = graph.constants.dims(o.tensor)?;
            dims.get(graph.input_axis(id, o.position)?).copied()
        };
        let row = &graph.layers[id];
        Self {
            channels: row.weights().any(|o| matches!(o.role, OperandRole::Weight { axis: Some(_) })),
            inputs: row.weights().filter(is_weight).filter_map(length).collect(),
            has_short_groups: graph.opset >= SHORT_GROUP_OPSET,
        }
    }

    /// Why no weight can be scaled so finely; `None` if one can.
    pub fn refusal(&self, granularity: Granularity) -> Option<Text> {
        match granularity {
            Granularity::PerTensor => None,
            Granularity::PerChannel => {
                (!self.channels).then(|| say!("its constants have no output-channel axis; use per-tensor"))
            }
            Granularity::PerGroup(group) => (!self.inputs.iter().any(|&n| self.divides(n, group))).then(|| {
                say!(
                    "its weights have no input axis that divides by {}, as models before opset \
                     {} need it; use per-channel or another size",
                    group,
                    SHORT_GROUP_OPSET
                )
            }),
        }
    }

    /// Whether groups of this size can be written: before opset 21 the last one of a channel cannot be shorter.
    fn divides(&self, length: usize, group: u32) -> bool {
        self.has_short_groups || length.is_multiple_of((group as usize).min(length).max(1))
    }
}

impl Resolver<'_> {
    /// Whether the layer's weights have the axis that scales of this fineness run along.
    pub(super) fn has_axis_for(&self, id: LayerId, granularity: Granularity) -> bool {
        let has_any = self.graph.layers[id].weights().next().is_some();
        has_any && ScaleAxes::of(self.graph, id).refusal(granularity).is_none()
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
                say!("do not divide into equal groups, which models before opset {} need", SHORT_GROUP_OPSET)
            } else {
                say!("are {}, and groups are for integers", bits)
            };
            let message = say!("the weights of `{}` {}: per channel there, not {}", name, why, wanted.name());
            self.warnings.push(Warning::new("no-groups", message));
        }
        instead
    }
}
