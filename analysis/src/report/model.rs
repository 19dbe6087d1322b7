//! What an opened model tells before any data.

use std::{path::PathBuf, sync::Arc};

use serde::Serialize;

use crate::{
    config::{Granularity, LayerSettings},
    job::Warning,
    plan::{ScaleAxes, target_defaults},
    target::Target,
    tensor::ModelInput,
    text::Text,
};

/// An opened model before any data: what the table can show at once.
#[derive(Clone, Debug)]
pub struct ModelInfo {
    /// The file, or the sample's name.
    pub path: PathBuf,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// Size of the file in bytes.
    pub file_bytes: u64,
    /// `(domain, version)`; the default domain is the empty string.
    pub opsets: Vec<(String, i64)>,
    /// The model's intermediate-representation version.
    pub ir_version: i64,
    /// Who wrote the file, as it says.
    pub producer: String,
    /// The inputs that data must feed.
    pub inputs: Vec<ModelInput>,
    /// The outputs' names.
    pub outputs: Vec<String>,
    /// Number of nodes outside subgraphs.
    pub nodes: usize,
    /// `(operator, count)`, most frequent first.
    pub operators: Vec<(String, usize)>,
    /// Number of constant floating-point values.
    pub parameters: u64,
    /// What the model is arranged for.
    pub target: Arc<TargetInfo>,
    /// The layers, in graph order, `Input` rows first.
    pub layers: Vec<LayerInfo>,
    /// What was noticed while opening.
    pub warnings: Vec<Warning>,
}

/// What a target holds where a configuration says nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetInfo {
    /// As the configuration names it: a built-in target's name, or the path of a file.
    pub name: String,
    /// One line, as the user reads it.
    pub title: String,
    /// Its own settings, all of them.
    pub defaults: LayerSettings,
    /// The scales of weights that it offers, coarse to fine.
    pub granularities: Vec<Granularity>,
}

impl TargetInfo {
    /// What `target` holds, which the configuration calls `name`.
    pub fn of(name: &str, target: &Target) -> Self {
        Self {
            name: name.to_owned(),
            title: target.title.clone(),
            defaults: target_defaults(target),
            granularities: target.granularities(),
        }
    }
}

/// One row of the table, as far as the model alone decides it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerInfo {
    /// Position in graph order.
    pub index: usize,
    /// The layer's name, unique in the model; the identity that files and undo steps use.
    pub name: String,
    /// Operator of the computing node, or `Input`.
    pub op: String,
    /// The layer's output tensor, after its fused batch norm and activation.
    pub output: String,
    /// Names of nodes that are part of this layer (batch norm, ReLU, Clip), in order.
    pub fused: Vec<String>,
    /// Tensors read from other layers, with the reading layer's view of who makes them: `(tensor, layer name)`.
    pub inputs: Vec<(String, String)>,
    /// Layers that it reads by way of nodes that are no layers: shapes, indices. Not those it reads anyway.
    pub through: Vec<String>,
    /// The constant operand that carries most values, and its shape; `None` where there is none.
    pub weight: Option<(String, Vec<usize>)>,
    /// Number of constant floating-point values in the layer (bias and batch norm included).
    pub parameters: u64,
    /// Why the weights cannot be quantized; `None` if they can.
    pub weight_fixed: Option<Text>,
    /// How finely the weights can be scaled.
    pub weight_axes: ScaleAxes,
    /// Why the output cannot be quantized; `None` if it can.
    pub activation_fixed: Option<Text>,
    /// Why the output's range cannot be chosen, where it can be quantized; `None` if it can.
    pub range_fixed: Option<Text>,
    /// Layers whose activation format is one and the same setting with this one's, this one included, the owner first;
    /// empty where the layer is alone.
    pub shares_activation_with: Vec<String>,
    /// Layers that use the same weight tensor, this one included; empty where the layer is alone.
    pub shares_weight_with: Vec<String>,
}
