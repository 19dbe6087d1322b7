//! Which operators a target quantizes, and how.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

/// What a target does with the tensors of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OperatorClass {
    /// Conv, ConvTranspose, Gemm, MatMul: input, weight, bias and output are quantized.
    Linear,
    /// Input and output are quantized, the scale like a weight, the offset like a bias.
    Normalization,
    /// Every float input and output is quantized.
    AllTensors,
    /// The output has a quantizer of its own if the input has one.
    FollowsInput,
    /// The output carries the input's quantizer if the input has one.
    PassThrough,
    /// The input is quantized in any case, and the output carries its quantizer.
    PassThroughAlways,
    /// Computed in float, on purpose.
    Float,
}

impl OperatorClass {
    /// Every class, by the key that lists its operators in a file.
    pub const KEYS: [(&'static str, Self); 7] = [
        ("linear", Self::Linear),
        ("normalizations", Self::Normalization),
        ("all_tensors", Self::AllTensors),
        ("follows_input", Self::FollowsInput),
        ("pass_through", Self::PassThrough),
        ("pass_through_always", Self::PassThroughAlways),
        ("float", Self::Float),
    ];

    /// Whether the operator computes new values and its tensors are quantized whatever its neighbours do. A ReLU or Clip
    /// after such an operator belongs to its row.
    pub fn is_computing(self) -> bool {
        matches!(self, Self::Linear | Self::Normalization | Self::AllTensors)
    }
}

/// What the definition of an operator, or the target, says about its output.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FixedOutput {
    /// This range instead of an observed one.
    Range {
        /// The smallest value.
        low: f32,
        /// The largest value.
        high: f32,
    },
    /// These parameters. The target then has one integer width and one sign for activations.
    Params {
        /// `S`.
        scale: f32,
        /// `Z`.
        zero_point: i32,
    },
}

/// Which operators of ONNX's own domain a target quantizes. Operators that are not named stay float.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Operators {
    /// What is done with each operator.
    pub classes: BTreeMap<String, OperatorClass>,
    /// Opsets of ONNX's own operators before which an operator stays float.
    pub since_opset: BTreeMap<String, i64>,
    /// Operators whose inputs and outputs have one scale.
    pub join: BTreeSet<String>,
    /// Operators whose output has a range or parameters of its own.
    pub fixed: BTreeMap<String, FixedOutput>,
    /// Whether operators quantize what they make. If not, a tensor is quantized only where an operator that reads it
    /// asks for that.
    pub quantize_outputs: bool,
}

impl Operators {
    /// What the target does with an operator of ONNX's own domain in a model of this opset; `None`: nothing.
    pub fn class(&self, operator: &str, opset: i64) -> Option<OperatorClass> {
        let since = self.since_opset.get(operator).copied().unwrap_or(i64::MIN);
        self.classes.get(operator).copied().filter(|_| opset >= since)
    }

    /// The operators of a class, by name.
    pub fn of(&self, class: OperatorClass) -> impl Iterator<Item = &str> {
        self.classes.iter().filter(move |(_, c)| **c == class).map(|(name, _)| name.as_str())
    }
}

/// Operators whose weight and bias this program knows how to quantize.
pub(super) const LINEAR: [&str; 4] = ["Conv", "ConvTranspose", "Gemm", "MatMul"];

/// Operators whose second input is a scale and whose third is an offset.
pub(super) const NORMALIZATIONS: [&str; 3] = ["InstanceNormalization", "LayerNormalization", "BatchNormalization"];
