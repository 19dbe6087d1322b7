//! How finely scales follow the values of a weight.

use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    error::{Error, Result},
    say,
};

/// How finely the scales of a weight follow its values.
///
/// In files: `"per-tensor"`, `"per-channel"`, `"per-group-32"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Granularity {
    /// One scale for the whole tensor.
    PerTensor,
    /// One scale for each output channel.
    PerChannel,
    /// One scale for so many weights along the input axis, within an output channel.
    PerGroup(u32),
}

impl Granularity {
    /// As the user reads it: `per-tensor`, `per-channel`, `per-group-32`.
    pub fn name(self) -> String {
        match self {
            Self::PerTensor => "per-tensor".into(),
            Self::PerChannel => "per-channel".into(),
            Self::PerGroup(group) => format!("per-group-{group}"),
        }
    }

    /// Whether there may be more than one scale.
    pub fn is_fine(self) -> bool {
        self != Self::PerTensor
    }
}

impl FromStr for Granularity {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let group = text.strip_prefix("per-group-").and_then(|size| size.parse().ok()).filter(|size| *size > 0);
        match (text, group) {
            ("per-tensor", _) => Ok(Self::PerTensor),
            ("per-channel", _) => Ok(Self::PerChannel),
            (_, Some(size)) => Ok(Self::PerGroup(size)),
            _ => Err(Error::config(
                "granularity",
                say!("`{}` is none; use per-tensor, per-channel or per-group-32 (any size)", text),
            )),
        }
    }
}

impl Serialize for Granularity {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name())
    }
}

impl<'de> Deserialize<'de> for Granularity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|error: Error| serde::de::Error::custom(error.to_string()))
    }
}
