//! The ways to choose a range, by name.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::flavours::Flavour;
use crate::{
    error::{Error, Result},
    say,
};

/// How a range is found (QUANTIZATION.md §3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// The observed minimum and maximum.
    #[default]
    MinMax,
    /// The values between which a given share of the mass lies.
    Percentile,
    /// The threshold of least Kullback–Leibler divergence.
    Kl,
    /// The threshold at which the error of quantization has the least entropy.
    Entropy,
    /// The range of least mean squared error.
    Mse,
    /// The user's own, dragged or typed.
    Manual,
    /// What another tool would choose.
    Flavour(Flavour),
}

impl Method {
    /// This program's own methods that work by themselves: all but [`Method::Manual`].
    pub const AUTOMATIC: [Self; 5] = [Self::MinMax, Self::Percentile, Self::Kl, Self::Entropy, Self::Mse];

    /// Those that weigh thresholds against each other, and so have a curve.
    pub const WITH_CURVE: [Self; 4] = [Self::Percentile, Self::Kl, Self::Entropy, Self::Mse];

    /// As in a configuration file: `minmax`, `kl`.
    pub fn name(self) -> &'static str {
        match self {
            Self::MinMax => "minmax",
            Self::Percentile => "percentile",
            Self::Kl => "kl",
            Self::Entropy => "entropy",
            Self::Mse => "mse",
            Self::Manual => "manual",
            Self::Flavour(flavour) => flavour.name(),
        }
    }

    /// Everything that can be asked for by name.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::AUTOMATIC.into_iter().chain([Self::Manual]).chain(Flavour::ALL.map(Self::Flavour))
    }

    /// The other tool, if the choice is one's.
    pub fn flavour(self) -> Option<Flavour> {
        if let Self::Flavour(flavour) = self { Some(flavour) } else { None }
    }

    /// Whether the choice needs a histogram, which takes a second look at the data.
    pub fn needs_histogram(self) -> bool {
        !matches!(self, Self::MinMax | Self::Manual)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Method {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::all().find(|method| method.name() == text).ok_or_else(|| {
            let names: Vec<&str> = Self::all().map(Self::name).collect();
            Error::config(say!("range method"), say!("there is no `{}`; use one of {}", text, names.join(", ")))
        })
    }
}

impl Serialize for Method {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Method {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|error: Error| serde::de::Error::custom(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_round_trip() {
        for method in Method::all() {
            assert_eq!(method.to_string().parse::<Method>().unwrap(), method);
            let json = serde_json::to_string(&method).unwrap();
            assert_eq!(json, format!("\"{method}\""));
            assert_eq!(serde_json::from_str::<Method>(&json).unwrap(), method);
        }
        assert!("KL".parse::<Method>().unwrap_err().to_string().contains("entropy"));
    }
}
