//! What the plan says of one layer, as far as integer arithmetic needs it. The only file of this room that knows how a
//! plan holds quantizers and weights.

use super::attributes;
use crate::{
    graph::{Graph, LayerId, NodeId, TensorId},
    integer::{ConvGeometry, ConvSettings, Geometry, MatrixGeometry, MatrixSettings},
    plan::{Operand, OperandValue, QuantPlan},
    quant::QuantParams,
    say,
    text::Text,
};

/// A layer whose input and weights are integers.
#[derive(Debug)]
pub(super) struct Parts {
    /// What is read.
    pub(super) input: TensorId,
    /// Through which quantizer.
    pub(super) input_params: QuantParams,
    /// What is written.
    pub(super) output: TensorId,
    /// Through which quantizer; `None` where it is float.
    pub(super) output_params: Option<QuantParams>,
    /// The constant's name.
    pub(super) weight_name: String,
    /// The constant's shape.
    pub(super) weight_shape: Vec<usize>,
    /// Its codes, row-major.
    pub(super) weight_codes: Vec<i32>,
    /// One, or one an output channel.
    pub(super) weight_params: Vec<QuantParams>,
    /// What is added.
    pub(super) bias: BiasSource,
    /// How the products are arranged.
    pub(super) kind: Kind,
    /// Gemm's alpha.
    pub(super) alpha: f32,
    /// Gemm's beta.
    pub(super) beta: f32,
    /// Bounds of the fused activation.
    pub(super) bounds: (f32, f32),
    /// Its operator.
    pub(super) fused: Option<String>,
    /// How many weight scales were raised so that the bias fits, in words.
    pub(super) raised: Option<Text>,
}

/// A bias as the plan holds it.
#[derive(Debug)]
pub(super) enum BiasSource {
    /// There is none.
    None,
    /// int32 codes, one a channel, with one scale or one a channel.
    Codes { codes: Vec<i32>, scales: Vec<f32> },
    /// Values that broadcast to the output.
    Float { values: Vec<f32>, shape: Vec<usize> },
}

/// The operator.
#[derive(Debug)]
pub(super) enum Kind {
    Conv(ConvSettings),
    Matrix(MatrixSettings),
}

impl Parts {
    /// The parts of `layer`, or one sentence that says why its arithmetic is not integer.
    pub(super) fn of(graph: &Graph, plan: &QuantPlan, layer: LayerId) -> Result<Self, Text> {
        let row = &graph.layers[layer];
        let node = row.nodes.first().copied().filter(|&n| graph.nodes[n].domain.is_empty());
        let (Some(node), "Conv" | "Gemm" | "MatMul") = (node, row.op.as_str()) else {
            return Err(say!("{} has no accumulator: only Conv, Gemm and MatMul are shown here.", row.op));
        };
        if row.batch_norm.is_some() && !plan.formats.layers[layer].folds_batch_norm {
            let why = say!("Its batch norm is not folded, so a float operator stands between accumulator and output.");
            return Err(say!("{} Fold it to see the arithmetic.", why));
        }
        let position = constant_position(graph, node)?;
        let operand = plan.weights[layer].operands.iter().find(|o| o.position == position);
        let params = integer_weights(operand)?;
        let operand = operand.ok_or(say!("The weights are float."))?;
        let input = graph.nodes[node].inputs.get(1 - position).copied().flatten().ok_or(say!("It has no input."))?;
        let read = plan.as_read_by(layer, input).map(|q| q.quantizer);
        let input_params = read.and_then(|q| q.integer().copied()).ok_or_else(|| {
            let format = read.map_or_else(|| say!("float"), |q| say!("a float of {} bits", q.bits()));
            say!(
                "Its input `{}` is {}. Give the layer that makes it an integer width to see the arithmetic.",
                graph.name(input),
                format
            )
        })?;
        let output = row.outputs.first().copied().ok_or(say!("It has no floating-point output."))?;
        let (alpha, beta) = match row.op.as_str() {
            "Gemm" => (attributes::factor(graph, node, "alpha"), attributes::factor(graph, node, "beta")),
            _ => (1.0, 1.0),
        };
        if !(alpha.is_finite() && alpha > 0.0 && beta.is_finite()) {
            return Err(say!("Its alpha is {} and its beta {}; a multiplier must be above 0.", alpha, beta));
        }
        let raised = plan.weights[layer].warnings.iter().find(|w| w.code == "bias-overflow");
        Ok(Self {
            input,
            input_params,
            output,
            output_params: plan.tensors[output].and_then(|q| q.quantizer.integer().copied()),
            weight_name: operand.source.map_or_else(String::new, |t| graph.name(t).to_owned()),
            weight_shape: operand.shape.clone(),
            weight_codes: operand.integer_codes(),
            weight_params: params.to_vec(),
            bias: bias(graph, plan, layer, node)?,
            kind: kind(graph, node, position),
            alpha,
            beta,
            bounds: attributes::activation_bounds(graph, layer),
            fused: row.activation.map(|n| graph.nodes[n].op.clone()),
            raised: raised.map(|w| w.message.clone()),
        })
    }

    /// The geometry for an input of this shape.
    pub(super) fn geometry(&self, input: &[usize]) -> crate::Result<Box<dyn Geometry>> {
        Ok(match &self.kind {
            Kind::Conv(settings) => Box::new(ConvGeometry::new(settings, input, &self.weight_shape)?),
            Kind::Matrix(settings) if settings.constant_is_left => {
                Box::new(MatrixGeometry::new(*settings, &self.weight_shape, input)?)
            }
            Kind::Matrix(settings) => Box::new(MatrixGeometry::new(*settings, input, &self.weight_shape)?),
        })
    }

    /// Whether every channel reads one input channel only: onnxruntime's kernel for these adds no pairs.
    pub(super) fn is_depthwise(&self) -> bool {
        let one_each =
            |groups: usize| self.weight_shape.get(1) == Some(&1) && self.weight_shape.first() == Some(&groups);
        matches!(&self.kind, Kind::Conv(settings) if settings.groups > 1 && one_each(settings.groups))
    }

    /// The quantizer of a channel's weights.
    pub(super) fn weight_params(&self, channel: usize) -> Option<&QuantParams> {
        self.weight_params.get(if self.weight_params.len() > 1 { channel } else { 0 })
    }

    /// One step of a channel's accumulator: `alpha·S_x·S_w`.
    pub(super) fn step(&self, channel: usize) -> f64 {
        let weight_scale = self.weight_params(channel).map_or(1.0, |p| f64::from(p.scale));
        f64::from(self.alpha) * f64::from(self.input_params.scale) * weight_scale
    }
}

/// Which input of the node is its constant matrix.
fn constant_position(graph: &Graph, node: NodeId) -> Result<usize, Text> {
    let is_constant = |position: usize| {
        let tensor = graph.nodes[node].inputs.get(position).copied().flatten();
        tensor.is_some_and(|t| graph.tensors[t].is_constant)
    };
    match (is_constant(1), is_constant(0), graph.nodes[node].op.as_str()) {
        (true, _, _) => Ok(1),
        (false, true, "Gemm" | "MatMul") => Ok(0),
        _ => Err(say!("Both of its operands are computed: there are no weights whose worst case is known beforehand.")),
    }
}

fn integer_weights(operand: Option<&Operand>) -> Result<&[QuantParams], Text> {
    match operand.map(|o| &o.value) {
        Some(OperandValue::Integer { params, .. }) if !params.is_empty() => Ok(params),
        Some(OperandValue::Groups { .. }) => Err(say!(
            "Each group of its weights has a scale of its own, so the products of a channel do not add up in one \
             accumulator. Choose per-channel scales to see the arithmetic."
        )),
        Some(OperandValue::Small { format, .. }) => {
            Err(say!("Its weights are {}. Give them an integer width to see the arithmetic.", format.name()))
        }
        _ => Err(say!("Its weights are float. Give them a width to see the arithmetic.")),
    }
}

fn bias(graph: &Graph, plan: &QuantPlan, layer: LayerId, node: NodeId) -> Result<BiasSource, Text> {
    if let Some(operand) = plan.weights[layer].operands.iter().find(|o| o.position == 2) {
        return match &operand.value {
            OperandValue::Bias { codes, scales } => {
                Ok(BiasSource::Codes { codes: codes.clone(), scales: scales.clone() })
            }
            _ => Ok(BiasSource::Float { values: operand.dequantized(), shape: operand.shape.clone() }),
        };
    }
    let Some(tensor) = graph.nodes[node].inputs.get(2).copied().flatten() else { return Ok(BiasSource::None) };
    match (graph.constants.float_values(tensor), graph.constants.dims(tensor)) {
        (Some(values), Some(shape)) => Ok(BiasSource::Float { values: values.to_vec(), shape }),
        _ => Err(say!("Its bias `{}` is computed, so it has no integer beforehand.", graph.name(tensor))),
    }
}

fn kind(graph: &Graph, node: NodeId, constant_position: usize) -> Kind {
    match graph.nodes[node].op.as_str() {
        "Conv" => Kind::Conv(attributes::conv(graph, node)),
        op => Kind::Matrix(MatrixSettings {
            constant_is_left: constant_position == 0,
            transposed_left: op == "Gemm" && attributes::flag(graph, node, "transA"),
            transposed_right: op == "Gemm" && attributes::flag(graph, node, "transB"),
        }),
    }
}
