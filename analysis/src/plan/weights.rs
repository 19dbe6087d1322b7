//! The constants of one layer as the configuration wants them: folded, quantized, and the bias on the accumulator's
//! scale. Equal to onnxruntime's `quantize_static`, which the comments name where a choice is not obvious.

use crate::{
    config::Granularity,
    error::{Error, Result},
    graph::{ConstantOperand, Graph, LayerId, OperandRole, TensorId, fold_batch_norm},
    job::Warning,
    quant::{
        Bits, ChannelLayout, Grid, QuantParams, Range, SymmetricRule, affine, quantize_to_int,
        quantize_to_int_channels, symmetric,
    },
};

use super::LayerFormat;

/// All that the constants of a layer depend on; equal keys give equal weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WeightKey {
    /// Width, or float.
    pub bits: Bits,
    /// One scale, or one a channel.
    pub granularity: Granularity,
    /// Whether the batch norm is folded.
    pub folds: bool,
    /// Bits of the scale of the tensor on input 0, on which the bias depends; `None` where it is float.
    pub input_scale_bits: Option<u32>,
}

/// How a constant reaches its operator.
#[derive(Clone, Debug, PartialEq)]
pub enum OperandValue {
    /// As float values.
    Float,
    /// As integers with one scale, or one for each index of `axis`.
    Integer {
        /// Row-major codes.
        codes: Vec<i32>,
        /// The axis that `params` runs along; `None` for one scale.
        axis: Option<usize>,
        /// One entry, or one an index of `axis`.
        params: Vec<QuantParams>,
    },
    /// An int32 bias with zero-point 0.
    Bias {
        /// One code a channel.
        codes: Vec<i32>,
        /// `S_x·S_w`: one, or one a channel.
        scales: Vec<f32>,
    },
}

/// One constant of a layer with quantized weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Operand {
    /// The constant in the file; `None` for a bias that folding made.
    pub source: Option<TensorId>,
    /// Which input of the computing node it is.
    pub position: usize,
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// The float values, batch norm folded in.
    pub float: Vec<f32>,
    /// What they become.
    pub value: OperandValue,
}

/// The constants of one layer under one [`WeightKey`].
#[derive(Clone, Debug, PartialEq)]
pub struct LayerWeights {
    /// In order of position. Empty where the weights stay float: the nodes are then the file's own.
    pub operands: Vec<Operand>,
    /// Degenerate ranges, raised scales.
    pub warnings: Vec<Warning>,
}

impl Operand {
    /// The float values that the operator computes with: bit for bit what `DequantizeLinear` makes of the integers.
    pub fn dequantized(&self) -> Vec<f32> {
        match &self.value {
            OperandValue::Float => self.float.clone(),
            OperandValue::Integer { codes, axis, params } => {
                let inner: usize = axis.map_or(1, |a| self.shape.iter().skip(a + 1).product());
                let param = |i: usize| params[if axis.is_some() { i / inner.max(1) % params.len() } else { 0 }];
                codes.iter().enumerate().map(|(i, &q)| param(i).dequantize_code(q)).collect()
            }
            OperandValue::Bias { codes, scales } => {
                let scale = |i: usize| scales[if scales.len() > 1 { i } else { 0 }];
                #[expect(clippy::cast_precision_loss, reason = "DequantizeLinear rounds an int32 to float32 first")]
                codes.iter().enumerate().map(|(i, &q)| q as f32 * scale(i)).collect()
            }
        }
    }
}

impl LayerWeights {
    /// What the layer's weights depend on.
    pub fn key(format: &LayerFormat, input_scale: Option<f32>) -> WeightKey {
        let bits = format.weight_bits.unwrap_or(Bits::Float);
        WeightKey {
            bits,
            granularity: format.granularity,
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
        let Bits::Int(bits) = key.bits else { return Ok(Self { operands: Vec::new(), warnings: Vec::new() }) };
        let mut warnings = Vec::new();
        let folded = if key.folds { fold_batch_norm(graph, layer)? } else { None };
        let mut operands = Vec::new();
        for operand in row.weights() {
            let float = match &folded {
                Some(folded) if operand.position == 1 => folded.weight.clone(),
                _ => read(graph, operand.tensor, &row.name)?,
            };
            operands.push(quantize_operand(graph, operand, float, bits, key.granularity, &mut warnings)?);
        }
        let bias = match (&folded, row.bias()) {
            (Some(folded), bias) => Some((bias.map(|b| b.tensor), folded.bias.clone())),
            (None, Some(bias)) => Some((Some(bias.tensor), read(graph, bias.tensor, &row.name)?)),
            (None, None) => None,
        };
        if let Some((source, float)) = bias {
            let input_scale = key.input_scale_bits.map(f32::from_bits);
            let beta = gemm_factor(graph, layer, "beta");
            let value = quantize_bias(&float, input_scale, beta, &row.name, &mut operands, &mut warnings);
            operands.push(Operand { source, position: 2, shape: vec![float.len()], float, value });
        }
        operands.sort_by_key(|o| o.position);
        Ok(Self { operands, warnings })
    }

    /// The operand with most values that is quantized: what the table calls "the weights".
    pub fn main(&self) -> Option<&Operand> {
        self.operands.iter().filter(|o| matches!(o.value, OperandValue::Integer { .. })).max_by_key(|o| o.float.len())
    }
}

fn read(graph: &Graph, tensor: TensorId, layer: &str) -> Result<Vec<f32>> {
    graph.constants.float_values(tensor).ok_or_else(|| {
        Error::model(format!("layer `{layer}`: the values of constant `{}` cannot be read", graph.name(tensor)))
    })
}

fn gemm_factor(graph: &Graph, layer: LayerId, name: &str) -> f32 {
    let row = &graph.layers[layer];
    let attribute = graph.proto(row.nodes[0]).attribute.iter().find(|a| a.name.as_deref() == Some(name));
    attribute.and_then(|a| a.f).filter(|_| row.op == "Gemm").unwrap_or(1.0)
}

fn quantize_operand(
    graph: &Graph,
    operand: &ConstantOperand,
    float: Vec<f32>,
    bits: u8,
    granularity: Granularity,
    warnings: &mut Vec<Warning>,
) -> Result<Operand> {
    let shape = graph.constants.dims(operand.tensor).unwrap_or_default();
    let name = graph.name(operand.tensor);
    if let Some(bad) = float.iter().find(|v| !v.is_finite()) {
        return Err(Error::model(format!(
            "constant `{name}` holds {bad}; keep its layer float or repair the model, its weights cannot be quantized"
        )));
    }
    let grid = Grid::signed(bits)?;
    let mut warn = |reason: Option<crate::quant::Degenerate>, what: String| {
        if let Some(reason) = reason {
            warnings.push(Warning::new(
                "range-degenerate",
                format!("the range of {what} {}: S = 1, Z = 0", reason.reason()),
            ));
        }
    };
    let axis = match operand.role {
        OperandRole::Weight { axis } if granularity == Granularity::PerChannel => axis,
        _ => None,
    };
    let params: Vec<QuantParams> = match (operand.role, axis) {
        (OperandRole::Elementwise, _) => {
            let low = float.iter().copied().fold(f32::INFINITY, f32::min);
            let high = float.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let range = if float.is_empty() { Range::new(0.0, 0.0) } else { Range::new(low, high) };
            let (params, reason) = affine(range, grid);
            warn(reason, format!("constant `{name}`"));
            vec![params]
        }
        (_, Some(axis)) => {
            let channels = shape.get(axis).copied().unwrap_or(1);
            let inner: usize = shape.iter().skip(axis + 1).product::<usize>().max(1);
            let mut largest = vec![0.0_f32; channels];
            for (i, v) in float.iter().enumerate() {
                let slot = &mut largest[i / inner % channels];
                *slot = slot.max(v.abs());
            }
            let rule = SymmetricRule::onnxruntime(grid);
            let made = largest.iter().map(|&amax| symmetric(amax, grid, rule));
            made.enumerate()
                .map(|(channel, (params, reason))| {
                    warn(reason, format!("channel {channel} of `{name}`"));
                    params
                })
                .collect()
        }
        (_, None) => {
            let amax = float.iter().fold(0.0_f32, |a, v| a.max(v.abs()));
            let (params, reason) = symmetric(amax, grid, SymmetricRule::onnxruntime(grid));
            warn(reason, format!("constant `{name}`"));
            vec![params]
        }
    };
    let value = OperandValue::Integer { codes: Vec::new(), axis, params };
    let mut operand = Operand { source: Some(operand.tensor), position: operand.position, shape, float, value };
    operand.requantize();
    Ok(operand)
}

impl Operand {
    /// Computes the codes from the float values and the parameters as they are now.
    fn requantize(&mut self) {
        let OperandValue::Integer { codes, axis, params } = &mut self.value else { return };
        codes.resize(self.float.len(), 0);
        match axis.and_then(|axis| ChannelLayout::of(&self.shape, axis)) {
            None => quantize_to_int(&self.float, &params[0], codes),
            Some(layout) => quantize_to_int_channels(&self.float, params, layout, codes),
        }
    }
}

/// The bias on the scale of input times weight; float where the input is float. Raises weight scales that would let an
/// int32 overflow, as onnxruntime's `_adjust_weight_scale_for_int32_bias` does.
fn quantize_bias(
    bias: &[f32],
    input_scale: Option<f32>,
    beta: f32,
    layer: &str,
    operands: &mut [Operand],
    warnings: &mut Vec<Warning>,
) -> OperandValue {
    let weight = operands.iter_mut().find(|o| o.position == 1);
    let (Some(input_scale), Some(weight)) = (input_scale, weight) else { return OperandValue::Float };
    if bias.iter().any(|b| !b.is_finite()) {
        warnings.push(Warning::new("bias-float", format!("the bias of `{layer}` is not finite and stays float")));
        return OperandValue::Float;
    }
    let OperandValue::Integer { params, .. } = &mut weight.value else { return OperandValue::Float };
    if params.len() > 1 && params.len() != bias.len() {
        return OperandValue::Float;
    }
    let raised = raise_scales(params, bias, input_scale);
    if raised > 0 {
        warnings.push(Warning::new(
            "bias-overflow",
            format!("{raised} weight scale(s) of `{layer}` were raised so that its bias fits int32"),
        ));
        weight.requantize();
    }
    let OperandValue::Integer { params, .. } = &weight.value else { return OperandValue::Float };
    // In float32, as NumPy multiplies two float32 arrays.
    let scales: Vec<f32> = params.iter().map(|p| input_scale * p.scale * beta).collect();
    if scales.iter().any(|s| !s.is_normal()) {
        warnings.push(Warning::new(
            "bias-float",
            format!("the bias scale of `{layer}` is no normal number; it stays float"),
        ));
        return OperandValue::Float;
    }
    let code = |(c, &b): (usize, &f32)| {
        let scale = scales[if scales.len() > 1 { c } else { 0 }];
        let code = (f64::from(b) / f64::from(scale)).round_ties_even();
        #[expect(clippy::cast_possible_truncation, reason = "clamped to int32")]
        let code = code.clamp(f64::from(i32::MIN), f64::from(i32::MAX)) as i32;
        code
    };
    OperandValue::Bias { codes: bias.iter().enumerate().map(code).collect(), scales }
}

/// Raises each scale that is too small for its bias; returns how many were.
fn raise_scales(params: &mut [QuantParams], bias: &[f32], input_scale: f32) -> usize {
    const SAFETY: f64 = 1.0001;
    const INT32_SPAN: f64 = 2.0 * i32::MAX as f64;
    let per_channel = params.len() > 1;
    let whole = bias.iter().fold(0.0_f64, |a, &b| a.max(f64::from(b).abs()));
    let mut raised = 0;
    for (channel, params) in params.iter_mut().enumerate() {
        if params.zero_point != 0 || params.grid.bits() != 8 && params.grid.bits() != 16 {
            continue;
        }
        let largest = if per_channel { f64::from(bias[channel]).abs() } else { whole };
        let smallest_valid = SAFETY * (2.0 * largest) / INT32_SPAN;
        let candidate = f64::from(input_scale) * f64::from(params.scale);
        if candidate < smallest_valid && candidate > 0.0 {
            #[expect(clippy::cast_possible_truncation, reason = "the rounding onnxruntime does")]
            let scale = (f64::from(params.scale) * (smallest_valid / candidate)) as f32;
            params.scale = scale;
            raised += 1;
        }
    }
    raised
}
