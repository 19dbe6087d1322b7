//! A constant as the configuration wants it, and the float values that its operator then computes with.

use crate::{
    graph::TensorId,
    onnx::SharedFloats,
    quant::{
        ChannelLayout, FloatFormat, GroupLayout, QuantParams, fake_quantize_channels, fake_quantize_values,
        floats::{decode, encode, encode_channels},
        group::{fake_quantize_groups, quantize_to_int_groups},
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
        /// The axis that `params` runs along; `None` for one scale.
        axis: Option<usize>,
        /// One entry, or one an index of `axis`.
        params: Vec<QuantParams>,
    },
    /// As integers with one scale for each group of a channel's weights.
    Groups {
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
            OperandValue::Integer { axis, params } => match self.channels(*axis) {
                None => fake_quantize_values(&self.float, out, &params[0]),
                Some(layout) => drop(fake_quantize_channels(&self.float, out, params, layout)),
            },
            OperandValue::Groups { params, .. } => match self.groups() {
                Some(layout) => drop(fake_quantize_groups(&self.float, out, params, layout)),
                None => out.fill(0.0),
            },
            OperandValue::Small { format, axis, scales } => {
                let codes = self.small_codes();
                match self.channels(*axis) {
                    Some(layout) if !codes.is_empty() => {
                        let runs = codes.chunks_exact(layout.inner).zip(out.chunks_exact_mut(layout.inner));
                        runs.zip(scales.iter().cycle())
                            .for_each(|((codes, out), scale)| decode(*format, *scale, codes, out));
                    }
                    _ => decode(*format, scales.first().copied().unwrap_or(1.0), &codes, out),
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

    fn channels(&self, axis: Option<usize>) -> Option<ChannelLayout> {
        axis.and_then(|axis| ChannelLayout::of(&self.shape, axis))
    }

    /// Row-major codes; none of a value that has no integers. They follow from the float values and the parameters and are
    /// not kept: 32 bits for each weight are more than whoever never exports has use for.
    pub fn integer_codes(&self) -> Vec<i32> {
        let mut codes = vec![0; self.float.len()];
        match &self.value {
            OperandValue::Integer { axis, params } => match self.channels(*axis) {
                None => quantize_to_int(&self.float, &params[0], &mut codes),
                Some(layout) => quantize_to_int_channels(&self.float, params, layout, &mut codes),
            },
            OperandValue::Groups { params, .. } => {
                if let Some(layout) = self.groups() {
                    quantize_to_int_groups(&self.float, params, layout, &mut codes);
                }
            }
            OperandValue::Bias { codes: kept, .. } => codes.clone_from(kept),
            OperandValue::Float | OperandValue::Small { .. } => codes.clear(),
        }
        codes
    }

    /// Row-major codes of a value of 16 or 8 bits; none of another.
    pub fn small_codes(&self) -> Vec<u16> {
        let OperandValue::Small { format, axis, scales } = &self.value else { return Vec::new() };
        let mut codes = vec![0; self.float.len()];
        match self.channels(*axis) {
            None => encode(*format, scales.first().copied().unwrap_or(1.0), &self.float, &mut codes),
            Some(layout) => encode_channels(*format, scales, layout, &self.float, &mut codes),
        }
        codes
    }
}
