//! One layer at a time: the configurations that ask how much a layer matters, in which order to ask, and how far the
//! answers can be trusted. Running them is the workbench's business.
//!
//! *Sensitivity*: only this layer is quantized, error at the model's outputs. *Relief*: everything is quantized as the
//! configuration says but this layer. Both are plain configurations, so that anyone can repeat a value by hand.

mod bootstrap;
mod ground;
mod order;
mod solo;
mod work;

use std::str::FromStr;

use serde::Serialize;

pub use bootstrap::{Interval, Resamples};
pub use ground::is_same_ground;
pub(crate) use order::worst_first;
pub(crate) use solo::{Solos, candidates, without};
pub(crate) use work::segment_work;

use crate::{
    error::{Error, Result},
    quant::Bits,
    say,
};

/// Which quantizers of a layer are asked about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SweepKind {
    /// Its constants.
    Weights,
    /// Its output, with every tensor that shares the output's scale, and its own read formats.
    Activations,
    /// All of them.
    #[default]
    Both,
}

impl SweepKind {
    /// All of them, as they are offered.
    pub const ALL: [Self; 3] = [Self::Both, Self::Weights, Self::Activations];

    /// As files and the command line spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Weights => "weights",
            Self::Activations => "activations",
            Self::Both => "both",
        }
    }

    /// Whether constants are asked about.
    pub fn has_weights(self) -> bool {
        self != Self::Activations
    }

    /// Whether outputs are asked about.
    pub fn has_activations(self) -> bool {
        self != Self::Weights
    }
}

impl FromStr for SweepKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| Error::config("kind", say!("`{}` is none; use weights, activations or both", text)))
    }
}

/// What is asked of every layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// The error when only this layer is quantized, at each of these widths.
    Sensitivity(Vec<Bits>),
    /// The error when this layer alone is float.
    Relief,
}

/// A sweep over the layers. Equal requests for equal configurations and data have equal answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SweepRequest {
    /// What is asked.
    pub question: Question,
    /// Of which quantizers.
    pub kind: SweepKind,
    /// The first so many samples answer; fewer where there are fewer.
    pub samples: usize,
    /// Whether everything runs without graph optimization, as what is shown does; else a sensitivity goes through
    /// optimized sessions behind the layer, which is faster and marked as an estimate.
    pub exact: bool,
}

impl SweepRequest {
    /// Refuses a width that quantizes nothing, and widths that are asked for twice.
    ///
    /// # Errors
    /// [`Error::Config`] in words.
    pub fn check(&self) -> Result<()> {
        let Question::Sensitivity(bits) = &self.question else { return Ok(()) };
        if bits.is_empty() {
            return Err(Error::config("bits", say!("give at least one width, e.g. 4,8")));
        }
        if bits.contains(&Bits::Float) {
            return Err(Error::config("bits", say!("a float layer has no quantization error to measure; give widths")));
        }
        let twice = bits.iter().enumerate().find(|(index, width)| bits[..*index].contains(width));
        twice.map_or(Ok(()), |(_, width)| Err(Error::config("bits", say!("{} is given twice", width))))
    }
}
