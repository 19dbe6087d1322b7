//! A constant as the configuration wants it, and the float values that its operator then computes with.

use crate::{
    graph::TensorId,
    onnx::SharedFloats,
    quant::{
        ChannelLayout, FloatFormat, GroupLayout, QuantParams, dequantize, dequantize_channels,
        floats::{decode, encode, encode_channels},
        group::{dequantize_groups, quantize_to_int_groups},
        quantize_to_int, quantize_to_int_channels,
    },
};

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
    /// As integers with one scale for each group of a channel's weights.
    Groups {
        /// Row-major codes.
        codes: Vec<i32>,
        /// The input axis, along which groups run.
        axis: usize,
        /// Weights to a group; the last of a channel may have fewer.
        group: usize,
        /// By group, in the order of [`GroupLayout`].
        params: Vec<QuantParams>,
    },
    /// As floats of 16 or 8 bits.
    Small {
        /// The format.
        format: FloatFormat,
        /// Row-major codes.
        codes: Vec<u16>,
        /// The axis that `scales` run along; `None` for one scale.
        axis: Option<usize>,
        /// One entry, or one an index of `axis`; 1 for the formats without a scale.
        scales: Vec<f32>,
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
    pub float: SharedFloats,
    /// What they become.
    pub value: OperandValue,
}

impl OperandValue {
    /// Whether the operator reads something else than the file's floats.
    pub fn is_quantized(&self) -> bool {
        !matches!(self, Self::Float)
    }

    /// Smallest and largest scale; `None` where there is none.
    pub fn scale_range(&self) -> Option<(f32, f32)> {
        let scales: Vec<f32> = match self {
            Self::Float => Vec::new(),
            Self::Integer { params, .. } | Self::Groups { params, .. } => params.iter().map(|p| p.scale).collect(),
            Self::Small { scales, .. } | Self::Bias { scales, .. } => scales.clone(),
        };
        let smallest = scales.iter().copied().fold(f32::INFINITY, f32::min);
        (!scales.is_empty()).then(|| (smallest, scales.into_iter().fold(0.0, f32::max)))
    }
}

impl Operand {
    /// The float values that the operator computes with: bit for bit what `DequantizeLinear` or `Cast` makes of the codes.
    pub fn dequantized(&self) -> Vec<f32> {
        let mut out = vec![0.0; self.float.len()];
        self.dequantize(&mut out);
        out
    }

    /// As [`Operand::dequantized`], written to `out`, which has as many values as the operand.
    pub fn dequantize(&self, out: &mut [f32]) {
        match &self.value {
            OperandValue::Float => out.copy_from_slice(&self.float),
            OperandValue::Integer { codes, axis, params } => {
                match axis.and_then(|axis| ChannelLayout::of(&self.shape, axis)) {
                    None => dequantize(codes, &params[0], out),
                    Some(layout) => dequantize_channels(codes, params, layout, out),
                }
            }
            OperandValue::Groups { codes, params, .. } => match self.groups() {
                Some(layout) => dequantize_groups(codes, params, layout, out),
                None => out.fill(0.0),
            },
            OperandValue::Small { format, codes, axis, scales } => {
                match axis.and_then(|axis| ChannelLayout::of(&self.shape, axis)) {
                    Some(layout) if !codes.is_empty() => {
                        let runs = codes.chunks_exact(layout.inner).zip(out.chunks_exact_mut(layout.inner));
                        runs.zip(scales.iter().cycle())
                            .for_each(|((codes, out), scale)| decode(*format, *scale, codes, out));
                    }
                    _ => decode(*format, scales.first().copied().unwrap_or(1.0), codes, out),
                }
            }
            OperandValue::Bias { codes, scales } => {
                let scale = |i: usize| scales[if scales.len() > 1 { i } else { 0 }];
                #[expect(clippy::cast_precision_loss, reason = "DequantizeLinear rounds an int32 to float32 first")]
                out.iter_mut().zip(codes).enumerate().for_each(|(i, (out, &q))| *out = q as f32 * scale(i));
            }
        }
    }

    /// Where the groups lie, for a value that has groups.
    pub fn groups(&self) -> Option<GroupLayout> {
        let OperandValue::Groups { axis, group, .. } = self.value else { return None };
        GroupLayout::of(&self.shape, axis, group)
    }

    /// Computes the codes from the float values and the parameters as they are now.
    pub(super) fn requantize(&mut self) {
        let layout = self.groups();
        match &mut self.value {
            OperandValue::Integer { codes, axis, params } => {
                codes.resize(self.float.len(), 0);
                match axis.and_then(|axis| ChannelLayout::of(&self.shape, axis)) {
                    None => quantize_to_int(&self.float, &params[0], codes),
                    Some(layout) => quantize_to_int_channels(&self.float, params, layout, codes),
                }
            }
            OperandValue::Groups { codes, params, .. } => {
                codes.resize(self.float.len(), 0);
                if let Some(layout) = layout {
                    quantize_to_int_groups(&self.float, params, layout, codes);
                }
            }
            OperandValue::Small { format, codes, axis, scales } => {
                codes.resize(self.float.len(), 0);
                match axis.and_then(|axis| ChannelLayout::of(&self.shape, axis)) {
                    None => encode(*format, scales.first().copied().unwrap_or(1.0), &self.float, codes),
                    Some(layout) => encode_channels(*format, scales, layout, &self.float, codes),
                }
            }
            OperandValue::Float | OperandValue::Bias { .. } => {}
        }
    }
}
