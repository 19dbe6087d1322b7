//! Other tools' range choices, reproduced with their oddities, so that a user can see why two tools differ.
//!
//! [`FlavourStatistics`] is collected once, after a tensor's final minimum and maximum are known; [`choose`] then
//! answers for every flavour. Each file names the tool's own function and what is odd about it. These are not
//! recommendations: the methods of this program are in [`super::choose`](mod@super::choose).

mod count;
mod numpy;
mod ort;
mod ppq;
mod ppq_mse;
mod statistics;
mod tail;
mod tensorrt;
mod torch;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

pub use self::statistics::FlavourStatistics;
use super::Curve;
use crate::{
    error::{Error, Result},
    quant::{Grid, Range, Scheme},
    say, t,
    text::Text,
};

/// A tool and its method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flavour {
    /// onnxruntime's `quantize_static` with `CalibrationMethod.MinMax`.
    #[serde(rename = "ort-minmax")]
    OrtMinMax,
    /// … with `CalibrationMethod.Entropy`, 128 bins.
    OrtEntropy,
    /// onnxruntime's entropy search with 2048 bins, for 128 quantized ones.
    #[serde(rename = "ort-entropy-2048")]
    OrtEntropy2048,
    /// … with `CalibrationMethod.Percentile`, 99.999 % of |r|.
    OrtPercentile,
    /// PPQ's `kl`.
    PpqKl,
    /// PPQ's `mse`.
    PpqMse,
    /// PPQ's `percentile`.
    PpqPercentile,
    /// The entropy calibrator of pytorch-quantization and `ModelOpt`.
    #[serde(rename = "tensorrt")]
    TensorRt,
}

impl Flavour {
    /// Every flavour.
    pub const ALL: [Self; 8] = [
        Self::OrtMinMax,
        Self::OrtEntropy,
        Self::OrtEntropy2048,
        Self::OrtPercentile,
        Self::PpqKl,
        Self::PpqMse,
        Self::PpqPercentile,
        Self::TensorRt,
    ];

    /// As in a configuration file: `ort-minmax`, ….
    pub fn name(self) -> &'static str {
        match self {
            Self::OrtMinMax => "ort-minmax",
            Self::OrtEntropy => "ort-entropy",
            Self::OrtEntropy2048 => "ort-entropy-2048",
            Self::OrtPercentile => "ort-percentile",
            Self::PpqKl => "ppq-kl",
            Self::PpqMse => "ppq-mse",
            Self::PpqPercentile => "ppq-percentile",
            Self::TensorRt => "tensorrt",
        }
    }

    /// As on screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::OrtMinMax => "ONNX Runtime MinMax",
            Self::OrtEntropy => t!("ONNX Runtime entropy"),
            Self::OrtEntropy2048 => t!("ONNX Runtime entropy, 2048 bins"),
            Self::OrtPercentile => t!("ONNX Runtime percentile"),
            Self::PpqKl => "PPQ kl",
            Self::PpqMse => "PPQ mse",
            Self::PpqPercentile => t!("PPQ percentile"),
            Self::TensorRt => t!("TensorRT-style entropy"),
        }
    }

    /// How the range that it chooses differs from that of this program's own method of that kind, in one line.
    pub fn difference(self) -> &'static str {
        match self {
            Self::OrtMinMax => t!("Same as min–max here"),
            Self::OrtEntropy => {
                t!("128 bins for 128 levels leave one candidate, max|r|: it is min–max, not a KL search")
            }
            Self::OrtEntropy2048 => {
                t!("KL with 128 levels for any grid; counts are cut to integers, empty bins smoothed, and the right \
                     end is one bin wider than the left")
            }
            Self::OrtPercentile => {
                t!("99.999 % of |r| instead of both ends of r, rounded down to one of 2048 bins between min|r| and \
                     max|r|")
            }
            Self::PpqKl => {
                t!("KL on 32 thresholds instead of every one, without the values nearest to 0; symmetric only")
            }
            Self::PpqMse => {
                t!("MSE as if codes stood at the ends of their steps, on steps of whole bins: 8 for 8 bits")
            }
            Self::PpqPercentile => {
                t!("99.99 % of each sample, averaged over the samples, instead of 99.99 % of all values")
            }
            Self::TensorRt => {
                t!("KL on |r| with 128 levels even for one-sided data, zeros left out, at least 128 of 2048 bins kept")
            }
        }
    }
}

impl fmt::Display for Flavour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Flavour {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|flavour| flavour.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::config(say!("range flavour"), say!("there is no \"{}\"; use one of {}", text, names))
        })
    }
}

/// What a tool would choose.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FlavourChoice {
    /// Its lowest and highest, not widened to 0; never NaN, infinite only where the observed range is and nothing
    /// better is known. For PPQ and TensorRT, which report a scale only, the interval that their search settled on.
    pub range: Range,
    /// The tool's own scale and zero-point for the grid, where it has any for the scheme. For comparison with the tool
    /// only: the scale that this program quantizes with follows from `range` by the format's rule, as with any method.
    pub scale: Option<(f32, i32)>,
    /// Every candidate that it really considers, thresholds ascending (not strictly), and its own costs; `best` is the
    /// chosen one by its own rule among equals. `None` where nothing is searched.
    pub curve: Option<Curve>,
    /// The tool has no answer here, or stops with an error: `range` is what was observed.
    pub is_fallback: bool,
    /// What the user should know: why this is not the tool's method, or what went wrong in it.
    pub note: Option<Text>,
}

impl FlavourChoice {
    /// The observed range, where the tool has no answer. Without a scale of the tool's own, but S = 1, Z = 0 where no
    /// scale can follow from that range.
    fn fallback(observed: Range, note: Text) -> Self {
        let ordered = observed.low <= observed.high;
        let range = if ordered { observed } else { Range { low: 0.0, high: 0.0 } };
        let usable = range.low.is_finite() && range.high.is_finite() && range.amax() > 0.0;
        let scale = (!usable).then_some((1.0, 0));
        Self { range, scale, curve: None, is_fallback: true, note: Some(note) }
    }

    /// A symmetric choice for an affine grid: its threshold cut to what was observed, without a scale. Cut to the
    /// observed range **and 0**: a threshold of 2 for data between 3 and 4 would otherwise be the interval from 3 to 2.
    fn cut_to(mut self, observed: Range, note: Text) -> Self {
        let ends = observed.with_zero();
        self.range = Range { low: self.range.low.max(ends.low), high: self.range.high.min(ends.high) };
        self.scale = None;
        self.add_note(note);
        self
    }

    fn add_note(&mut self, note: Text) {
        self.note = Some(match self.note.take() {
            None => note,
            Some(first) => say!("{}; {}", first, note),
        });
    }
}

/// What `flavour` chooses for a tensor on `grid`.
///
/// Never a NaN and never a panic. What the tools cannot answer, and what is answered instead; S and Z are those of
/// [`FlavourChoice::scale`], which nothing is quantized with:
/// - nothing observed, or only NaN: `[0, 0]` or the given range, S = 1, Z = 0;
/// - nothing but zeros: `[0, 0]`, S = 1, Z = 0, PPQ's smallest scale 1e-8;
/// - an infinity: the observed range, S = 1, Z = 0, except for PPQ's percentile where it lies beyond the percentile;
/// - NaN among numbers: left out. Only onnxruntime's `MinMax` and entropy do that themselves; the others stop with an
///   error or give NaN;
/// - values that a tool's float32 histogram cannot tell apart or hold: the observed range and no scale.
///
/// Each of them has a note. Data of one sign and constants are ordinary to every tool.
pub fn choose(flavour: Flavour, statistics: &FlavourStatistics, grid: Grid, scheme: Scheme) -> FlavourChoice {
    let observed = statistics.range();
    let finite = observed.low.is_finite() && observed.high.is_finite();
    let mut choice = if statistics.finite() == 0 {
        FlavourChoice::fallback(observed, say!("no finite value was observed"))
    } else if !finite && flavour != Flavour::PpqPercentile {
        FlavourChoice::fallback(observed, say!("an infinite value was observed, where the tool fails; min–max is used"))
    } else if observed.amax() == 0.0 {
        zeros(flavour, grid, scheme)
    } else {
        match flavour {
            Flavour::OrtMinMax => ort::min_max(statistics, grid, scheme),
            Flavour::OrtEntropy => ort::entropy_of_128_bins(statistics, grid, scheme),
            Flavour::OrtEntropy2048 => ort::entropy_of_2048_bins(statistics, grid, scheme),
            Flavour::OrtPercentile => ort::percentile(statistics, grid, scheme),
            Flavour::PpqKl => ppq::kl(statistics, grid, scheme),
            Flavour::PpqMse => ppq::mse(statistics, grid, scheme),
            Flavour::PpqPercentile => ppq::percentile(statistics, grid, scheme),
            Flavour::TensorRt => tensorrt::entropy(statistics, grid, scheme),
        }
    };
    let drops_nan = matches!(flavour, Flavour::OrtMinMax | Flavour::OrtEntropy | Flavour::OrtEntropy2048);
    if statistics.nan() > 0 && !drops_nan {
        choice.add_note(say!("NaNs are left out here; the tool fails on them"));
    }
    choice
}

/// A tensor of zeros.
fn zeros(flavour: Flavour, grid: Grid, scheme: Scheme) -> FlavourChoice {
    let mut choice = FlavourChoice::fallback(Range { low: 0.0, high: 0.0 }, say!("nothing but zeros was observed"));
    if matches!(flavour, Flavour::PpqKl | Flavour::PpqMse | Flavour::PpqPercentile) {
        choice.scale = Some(ppq::zeros(grid, scheme));
    }
    choice
}

#[cfg(test)]
mod golden_tests;
#[cfg(test)]
mod odd_tests;
#[cfg(test)]
mod tensorrt_tests;
