//! The constants of one layer as the configuration wants them: folded and quantized, the bias on the accumulator's
//! scale. Equal to onnxruntime's `quantize_static`, which the comments name where a choice is not obvious.

use crate::{
    calibrate::MinMax,
    config::Granularity,
    error::{Error, Result},
    graph::{ConstantOperand, Graph, LayerId, OperandRole, TensorId, fold_batch_norm},
    job::Warning,
    onnx::SharedFloats,
    quant::{Bits, ChannelLayout, Degenerate, GroupLayout, NumberFormat, QuantParams, Range, group::group_ranges},
    say,
};

use super::{
    GridRule, LayerFormat,
    bias::{Accumulator, quantize_bias},
    operand::{Operand, OperandValue},
};

/// All that the constants of a layer depend on; equal keys give equal weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WeightKey {
    /// Width, or float.
    pub bits: Bits,
    /// One scale, or one a channel.
    pub granularity: Granularity,
    /// Codes of weights.
    pub weight_grid: GridRule,
    /// Codes of constants that are treated like activations.
    pub activation_grid: GridRule,
    /// Whether the batch norm is folded.
    pub folds: bool,
    /// Bits of the scale of the tensor on input 0, on which the bias depends; `None` where it is float.
    pub input_scale_bits: Option<u32>,
}

/// The constants of one layer under one [`WeightKey`].
#[derive(Clone, Debug, PartialEq)]
pub struct LayerWeights {
    /// In order of position. Empty where the weights stay float: the nodes are then the file's own.
    pub operands: Vec<Operand>,
    /// Degenerate ranges, raised scales.
    pub warnings: Vec<Warning>,
}

impl LayerWeights {
    /// What the layer's weights depend on.
    pub fn key(format: &LayerFormat, input_scale: Option<f32>) -> WeightKey {
        let bits = format.weight_bits.unwrap_or(Bits::Float);
        WeightKey {
            bits,
            granularity: format.granularity,
            weight_grid: format.weight_grid,
            activation_grid: format.activation_grid,
            folds: format.folds_batch_norm,
            input_scale_bits: if bits.is_float() { None } else { input_scale.map(f32::to_bits) },
        }
    }

    /// Quantizes the layer's constants.
    ///
    /// # Errors
    /// [`Error::Model`] where a constant cannot be read or a batch norm cannot be folded.
    pub fn quantize(graph: &Graph, layer: LayerId, key: WeightKey) -> Result<Self> {
        let row = &graph.layers[layer];
        if key.bits.is_float() {
            return Ok(Self { operands: Vec::new(), warnings: Vec::new() });
        }
        let mut warnings = Vec::new();
        let folded = if key.folds { fold_batch_norm(graph, layer)? } else { None };
        let mut operands = Vec::new();
        for operand in row.weights() {
            let float = match &folded {
                Some(folded) if operand.position == 1 => folded.weight.clone(),
                _ => read(graph, operand.tensor, &row.name)?,
            };
            operands.push(quantize_operand(graph, layer, operand, float, key, &mut warnings)?);
        }
        let bias = match (&folded, row.bias()) {
            (Some(folded), bias) => Some((bias.map(|b| b.tensor), folded.bias.clone())),
            (None, Some(bias)) => Some((Some(bias.tensor), read(graph, bias.tensor, &row.name)?)),
            (None, None) => None,
        };
        if let Some((source, float)) = bias {
            let input_scale = key.input_scale_bits.map(f32::from_bits);
            let beta = gemm_factor(graph, layer, "beta");
            let accumulator = Accumulator { input_scale, beta, layer: &row.name, target: &graph.target };
            let value = quantize_bias(&float, accumulator, &mut operands, &mut warnings);
            operands.push(Operand { source, position: 2, shape: vec![float.len()], float, value });
        }
        operands.sort_by_key(|o| o.position);
        Ok(Self { operands, warnings })
    }

    /// The operand with most values that is quantized: what the table calls "the weights".
    pub fn main(&self) -> Option<&Operand> {
        let is_weight = |o: &&Operand| !matches!(o.value, OperandValue::Float | OperandValue::Bias { .. });
        self.operands.iter().filter(is_weight).max_by_key(|o| o.float.len())
    }
}

fn read(graph: &Graph, tensor: TensorId, layer: &str) -> Result<SharedFloats> {
    graph.constants.float_values(tensor).ok_or_else(|| {
        Error::model(say!("layer `{}`: the values of constant `{}` cannot be read", layer, graph.name(tensor)))
    })
}

fn gemm_factor(graph: &Graph, layer: LayerId, name: &str) -> f32 {
    let row = &graph.layers[layer];
    let attribute = graph.proto(row.nodes[0]).attribute.iter().find(|a| a.name.as_deref() == Some(name));
    attribute.and_then(|a| a.f).filter(|_| row.op == "Gemm").unwrap_or(1.0)
}

fn quantize_operand(
    graph: &Graph,
    layer: LayerId,
    operand: &ConstantOperand,
    float: SharedFloats,
    key: WeightKey,
    warnings: &mut Vec<Warning>,
) -> Result<Operand> {
    let shape = graph.constants.dims(operand.tensor).unwrap_or_default();
    let name = graph.name(operand.tensor);
    if let Some(bad) = float.iter().find(|v| !v.is_finite()) {
        return Err(Error::model(say!(
            "constant `{}` holds {}; keep its layer float or repair the model, its weights cannot be quantized",
            name,
            bad
        )));
    }
    let (grid, axis) = match operand.role {
        OperandRole::Elementwise => (key.activation_grid, Scales::One),
        OperandRole::Weight { axis } => match (key.granularity, axis) {
            (Granularity::PerChannel, Some(axis)) => (key.weight_grid, Scales::Channels(axis)),
            (Granularity::PerGroup(group), _) => {
                let axis = graph.input_axis(layer, operand.position);
                let groups = axis.map(|axis| Scales::Groups(axis, group as usize));
                (key.weight_grid, groups.unwrap_or(Scales::One))
            }
            _ => (key.weight_grid, Scales::One),
        },
        OperandRole::Bias => (key.weight_grid, Scales::One),
    };
    let ranges = axis.ranges(&shape, &float);
    let mut warn = |reason: Option<Degenerate>, index: usize| {
        if let Some(reason) = reason {
            let what = match axis {
                Scales::One => say!("constant `{}`", name),
                Scales::Channels(_) => say!("channel {} of `{}`", index, name),
                Scales::Groups(..) => say!("group {} of `{}`", index, name),
            };
            let message = say!("the range of {} {}: S = 1, Z = 0", what, reason.reason());
            warnings.push(Warning::new("range-degenerate", message));
        }
    };
    let is_activation = operand.role == OperandRole::Elementwise;
    let rules = if is_activation { &graph.target.activations } else { &graph.target.weights };
    let number = grid.number(key.bits, rules)?;
    let value = match number {
        None => OperandValue::Float,
        Some(NumberFormat::Integer(format)) => {
            let made = ranges.iter().enumerate().map(|(index, range)| {
                let (params, reason) = format.params(*range);
                warn(reason, index);
                params
            });
            axis.integers(made.collect())
        }
        Some(NumberFormat::Float(format)) => {
            let made = ranges.iter().enumerate().map(|(index, range)| {
                let (scale, reason) = format.scale(range.amax());
                warn(reason, index);
                scale
            });
            OperandValue::Small { format, axis: axis.channel_axis(), scales: made.collect() }
        }
    };
    Ok(Operand { source: Some(operand.tensor), position: operand.position, shape, float, value })
}

/// How many scales a constant has.
#[derive(Clone, Copy)]
enum Scales {
    One,
    /// One for each index of this axis.
    Channels(usize),
    /// One for each so many along this axis.
    Groups(usize, usize),
}

impl Scales {
    /// What each scale has to cover.
    fn ranges(self, shape: &[usize], float: &[f32]) -> Vec<Range> {
        const NOTHING: Range = Range { low: 0.0, high: 0.0 };
        let of = |seen: &MinMax| seen.range().unwrap_or(NOTHING);
        match self {
            Self::Channels(axis) => {
                let layout =
                    ChannelLayout::of(shape, axis).unwrap_or(ChannelLayout { outer: 1, channels: 1, inner: 0 });
                let mut seen = vec![MinMax::new(); layout.channels];
                MinMax::observe_channels(&mut seen, float, layout);
                seen.iter().map(of).collect()
            }
            Self::Groups(axis, group) => {
                GroupLayout::of(shape, axis, group).map(|layout| group_ranges(float, layout)).unwrap_or_default()
            }
            Self::One => vec![of(&MinMax::of(float))],
        }
    }

    fn integers(self, params: Vec<QuantParams>) -> OperandValue {
        match self {
            Self::Groups(axis, group) => OperandValue::Groups { axis, group, params },
            other => OperandValue::Integer { axis: other.channel_axis(), params },
        }
    }

    fn channel_axis(self) -> Option<usize> {
        if let Self::Channels(axis) = self { Some(axis) } else { None }
    }
}
