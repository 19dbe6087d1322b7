//! What the hardware or runtime behind a quantized model can do, as data: which operators it quantizes, in which formats,
//! which tensors share a scale, how biases and roundings are treated. Five targets are built in; a user's own is a TOML
//! file of the same format, whose reference is `assets/targets/README.md`.
//!
//! A target only says what is allowed and what holds where nothing is said. What a configuration makes of it is decided
//! in [`crate::plan`], where quantizers may stand in [`crate::graph`]. Nothing here knows a model.

mod builtin;
#[cfg(test)]
mod builtin_tests;
mod document;
mod format;
mod names;
mod operators;
mod parse;
mod parse_format;
mod parse_operators;
#[cfg(test)]
mod tests;

use std::{path::Path, sync::Arc};

pub use format::{Bias, BiasOverflow, Choice, Combination, Granularity, NumberFormat, ScaleRules};
pub use operators::{FixedOutput, OperatorClass, Operators};
use serde::Serialize;

use crate::{
    calibrate::Method,
    error::{Error, Result},
    quant::Bits,
};

/// The `schema` value of target files that this program reads.
pub const TARGET_SCHEMA: &str = "quantlens-target/1";

/// How an accumulator becomes an output code (QUANTIZATION.md §2, Q11 and Q14).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Requantize {
    /// Saturating rounding doubling high multiply by a Q0.31 multiplier, then a rounding right shift: two roundings.
    Gemmlowp,
    /// A 64-bit product, rounded once.
    Single,
    /// A rounding right shift alone. Every scale is a power of two.
    Shift,
}

/// What one hardware or runtime can do, and what it does unless told otherwise.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Target {
    /// Identity, as configurations name it: lower-case letters, digits and dashes.
    pub name: String,
    /// One line, as the user reads it.
    pub title: String,
    /// What the target stands for, and what was assumed where its makers say nothing.
    pub description: String,
    /// Which operators carry quantizers, and which of those share or fix a scale.
    pub operators: Operators,
    /// Formats of activations.
    pub activations: NumberFormat,
    /// Formats of weights.
    pub weights: NumberFormat,
    /// Pairs of integer widths that the target computes with; empty: every pair of an allowed activation with an
    /// allowed weight.
    pub combinations: Vec<Combination>,
    /// What becomes of a bias where input and weight are integers.
    pub bias: Bias,
    /// How accumulators become output codes.
    pub requantize: Requantize,
    /// The range method where nothing else is said.
    pub method: Method,
    /// Least width of an activation's range, in the tensor's own unit (onnxruntime's `MinimumRealRange`); `None`: any.
    pub minimum_real_range: Option<f64>,
}

impl Target {
    /// The built-in target of this name.
    pub fn builtin(name: &str) -> Option<Arc<Self>> {
        Self::builtins().iter().find(|target| target.name == name).cloned()
    }

    /// The built-in targets, the default (`onnxruntime`) first.
    pub fn builtins() -> &'static [Arc<Self>] {
        builtin::all()
    }

    /// The file of a built-in target, comments included: what a user's own target starts from.
    pub fn builtin_toml(name: &str) -> Option<&'static str> {
        builtin::text(name)
    }

    /// Reads a target file; `place` is its name for messages.
    ///
    /// # Errors
    /// [`Error::Config`] that names file, line and key, and says what would be accepted.
    pub fn from_toml(text: &str, place: &str) -> Result<Self> {
        parse::target(text, place, &builtin::names())
    }

    /// The built-in target of this name, or the one in this file, whose name ends in `.toml`.
    ///
    /// # Errors
    /// [`Error::Config`] where there is neither, or the file does not say what it must; [`Error::Io`] where it cannot be
    /// read.
    pub fn load(name_or_path: &str) -> Result<Arc<Self>> {
        if let Some(target) = Self::builtin(name_or_path) {
            return Ok(target);
        }
        let path = Path::new(name_or_path);
        if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml")) {
            let text = std::fs::read_to_string(path).map_err(|source| Error::io(path, source))?;
            return Self::from_toml(&text, name_or_path).map(Arc::new);
        }
        let known = builtin::names();
        let hint = names::suggestion(name_or_path, known.iter().copied());
        let list = known.join(", ");
        Err(Error::config(
            "target",
            format!("`{name_or_path}` is not known{hint}; use {list} or the path of a .toml file"),
        ))
    }

    /// Whether the target computes with activations of one width and weights of the other. A float beside an integer is
    /// no combination of integers and always allowed: the integer is then only stored.
    pub fn allows(&self, activations: Bits, weights: Bits) -> bool {
        let (Bits::Int(activation_bits), Bits::Int(weight_bits)) = (activations, weights) else { return true };
        self.combinations.is_empty() || self.combinations.contains(&Combination { activation_bits, weight_bits })
    }
}
