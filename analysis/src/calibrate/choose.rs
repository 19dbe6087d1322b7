//! Which range a tensor gets, by which method, and with which note for the user.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{
    histogram::{AbsHistogram, SignedHistogram},
    kl::{Curve, Search, kl_curve},
};
use crate::{
    error::{Error, Result},
    quant::{Grid, Range},
};

/// How a range is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// The observed minimum and maximum.
    #[default]
    MinMax,
    /// The threshold of least Kullback–Leibler divergence.
    Kl,
}

impl Method {
    /// Every method.
    pub const ALL: [Self; 2] = [Self::MinMax, Self::Kl];

    /// As in a configuration file: `minmax`, `kl`.
    pub fn name(self) -> &'static str {
        match self {
            Self::MinMax => "minmax",
            Self::Kl => "kl",
        }
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
        Self::ALL.into_iter().find(|method| method.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::config("range method", format!("there is no \"{text}\"; use one of {names}"))
        })
    }
}

/// A range and how it came about.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RangeChoice {
    /// The chosen range, not widened to 0.
    pub range: Range,
    /// The method that gave it: min–max where the asked one could not.
    pub method: Method,
    /// Every threshold considered and its cost; `None` for min–max.
    pub curve: Option<Curve>,
    /// Why the method is not the one that was asked for.
    pub note: Option<String>,
}

/// The observed range itself.
pub fn min_max_choice(range: Range) -> RangeChoice {
    RangeChoice { range, method: Method::MinMax, curve: None, note: None }
}

/// The KL range for a symmetric grid, from `|r|`: `2^(b−1)` levels for a signed grid, `2^b` for an unsigned one.
pub fn choose_symmetric(histogram: &AbsHistogram, grid: Grid) -> RangeChoice {
    let bits = if grid.is_signed() { grid.bits() - 1 } else { grid.bits() };
    choose(Search::Magnitude(histogram), 1 << bits, histogram.range())
}

/// The KL range for an affine grid with `2^b` levels: data of one sign from `|r|`, others from `r`.
///
/// The caller gives the histogram that [`needs_signed_histogram`] asks for; with the other one `None` is returned.
pub fn choose_affine(abs: Option<&AbsHistogram>, signed: Option<&SignedHistogram>, grid: Grid) -> Option<RangeChoice> {
    let levels = 1 << grid.bits();
    match (abs, signed) {
        (_, Some(histogram)) if needs_signed_histogram(histogram.range()) => {
            Some(choose(Search::TwoSided(histogram), levels, histogram.range()))
        }
        (Some(histogram), _) if !needs_signed_histogram(histogram.range()) => {
            Some(choose(Search::Magnitude(histogram), levels, histogram.range()))
        }
        _ => None,
    }
}

/// Whether an affine grid over data of this observed range is searched on `r` rather than on `|r|`.
pub fn needs_signed_histogram(range: Range) -> bool {
    range.low < 0.0 && range.high > 0.0
}

fn choose(search: Search<'_>, levels: u32, observed: Range) -> RangeChoice {
    match kl_curve(search, levels) {
        Ok(curve) => {
            let range = curve.threshold().map_or(observed, |t| search.range(t));
            RangeChoice { range, method: Method::Kl, curve: Some(curve), note: None }
        }
        Err(why) => RangeChoice { note: Some(why.reason().to_owned()), ..min_max_choice(observed) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> Vec<f32> {
        (0..20_000).map(|i| ((i * 7919 % 10_007) as f32 / 10_007.0).powi(3)).collect()
    }

    #[test]
    fn methods_round_trip() {
        for method in Method::ALL {
            assert_eq!(method.to_string().parse::<Method>().unwrap(), method);
            assert_eq!(serde_json::to_string(&method).unwrap(), format!("\"{method}\""));
        }
        assert!("KL".parse::<Method>().is_err());
    }

    #[test]
    fn data_of_one_sign_are_searched_by_magnitude() {
        let grid = Grid::unsigned(8).unwrap();
        for sign in [1.0, -1.0] {
            let data: Vec<f32> = values().iter().map(|v| sign * v).collect();
            let range = super::super::MinMax::of(&data).range().unwrap();
            let mut histogram = AbsHistogram::new(range);
            histogram.observe(&data);
            let choice = choose_affine(Some(&histogram), None, grid).unwrap();
            let curve = choice.curve.unwrap();
            assert_eq!(curve.costs.len(), 2048 - 256 + 1);
            assert_eq!(choice.range.amax(), curve.threshold().unwrap());
            assert_eq!(if sign > 0.0 { choice.range.low } else { choice.range.high }, 0.0);
            // The symmetric int8 grid has half the levels.
            let symmetric = choose_symmetric(&histogram, Grid::signed(8).unwrap());
            assert_eq!(symmetric.curve.unwrap().costs.len(), 2048 - 128 + 1);
            assert_eq!(choose_affine(None, None, grid), None);
        }
    }

    #[test]
    fn sixteen_bits_fall_back_to_min_max_and_say_so() {
        let data = values();
        let mut histogram = AbsHistogram::new(Range::new(0.0, 1.0));
        histogram.observe(&data);
        let choice = choose_symmetric(&histogram, Grid::signed(16).unwrap());
        assert_eq!((choice.method, choice.range), (Method::MinMax, Range::new(0.0, 1.0)));
        assert!(choice.note.unwrap().contains("min–max"));
    }
}
