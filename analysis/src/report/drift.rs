//! Why the accumulated error falls at a layer, as data and as a sentence.

use serde::Serialize;

use crate::{metrics::Measure, t};

/// A place where the accumulated error falls.
#[derive(Clone, Debug, PartialEq)]
pub struct DriftNote {
    /// By how much the accumulated SQNR rises, in dB; infinite where no error is left.
    pub rise_db: f64,
    /// The layer it is compared with: the worst one that this layer reads, or the one before it in graph order.
    pub from: String,
    /// Accumulated SQNR there.
    pub from_sqnr_db: Measure,
    /// What lets it fall; empty where nothing that this program recognises does.
    pub reasons: Vec<FallReason>,
}

/// One cause, with the numbers that show it. Powers are energies per element, so that tensors of different sizes compare.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FallReason {
    /// The layer reads none of the worse values that stand before it in graph order.
    OtherBranch {
        /// The worst layer it does read; empty where it reads none.
        reads: String,
        /// Accumulated NMSE there.
        nmse: f64,
    },
    /// A cleaner branch is added or joined.
    CleanerBranch {
        /// Operator.
        op: String,
        /// The worse branch and its accumulated NMSE.
        worse: (String, f64),
        /// The cleaner one.
        cleaner: (String, f64),
    },
    /// An activation discards (`soft`: shrinks) part of its values, and the errors that stand there.
    Cuts {
        /// Operator.
        op: String,
        /// Whether what is cut is shrunk, not removed.
        soft: bool,
        /// Whether the computing node before it in the same layer does something to the error too.
        fused: bool,
    },
    /// Values are averaged: independent errors fall by the number of them.
    Averages {
        /// Operator.
        op: String,
        /// Values in one window.
        window: f64,
        /// `10·log10(window)`: what the power of independent errors would fall by.
        expected_db: f64,
        /// Change of the error's power.
        error_db: f64,
        /// Change of the signal's.
        signal_db: f64,
    },
    /// One value of several is kept.
    Selects {
        /// Operator.
        op: String,
        /// Values that one is kept of.
        window: f64,
        /// Change of the error's power.
        error_db: f64,
        /// Change of the signal's.
        signal_db: f64,
    },
    /// A normalisation takes the magnitude out, and with it an error of the magnitude.
    Normalises {
        /// Operator.
        op: String,
        /// `‖q‖/‖f‖` of what it reads.
        gain_before: f64,
        /// `‖q‖/‖f‖` of what it makes.
        gain_after: f64,
        /// Share of the input's error energy that lies along the signal, `(Σfe)²/(Σf²·Σe²)`.
        along_signal: f64,
    },
    /// A function that is flat for large values.
    Saturates {
        /// Operator.
        op: String,
        /// Change of the error's power.
        error_db: f64,
        /// Change of the signal's.
        signal_db: f64,
    },
    /// Sums or factors that favour the signal: it is in step from input to input, the errors are not. Both may grow and
    /// both may shrink; it is the error that does worse.
    FavoursSignal {
        /// Operator.
        op: String,
        /// Change of the error's power.
        error_db: f64,
        /// Change of the signal's.
        signal_db: f64,
    },
    /// Only a part of the values goes on.
    TakesPart {
        /// Operator.
        op: String,
        /// Share of the values.
        share: f64,
    },
    /// The layer's own quantizers take some of the error back.
    OwnQuantizers {
        /// By how much, in dB.
        db: f64,
        /// Correlation of inherited and introduced error, where it has one.
        correlation: Option<f64>,
    },
}

impl DriftNote {
    /// One sentence or two with the operators and the numbers.
    pub fn sentence(&self) -> String {
        let rise = if self.rise_db.is_finite() {
            t!("The error falls by {} against `{}`", db(self.rise_db), self.from)
        } else {
            t!("No error is left of the one in `{}`", self.from)
        };
        if self.reasons.is_empty() {
            return t!("{}, for no reason that this program recognises.", rise);
        }
        let reasons: Vec<String> = self.reasons.iter().map(FallReason::clause).collect();
        t!("{}: {}.", rise, reasons.join(t!("; ")))
    }
}

impl FallReason {
    /// The cause as part of a sentence.
    fn clause(&self) -> String {
        match self {
            Self::OtherBranch { reads, .. } if reads.is_empty() => {
                t!("this layer stands on another branch and reads no quantized values").into()
            }
            Self::OtherBranch { reads, nmse } => {
                t!("this layer stands on another branch and reads `{}`, where the error is at {}", reads, level(*nmse))
            }
            Self::CleanerBranch { op, worse, cleaner } => t!(
                "{} mixes `{}` at {} with the cleaner `{}` at {}",
                op,
                worse.0,
                level(worse.1),
                cleaner.0,
                level(cleaner.1)
            ),
            Self::Cuts { op, soft, fused } => {
                let what = if *soft { t!("shrinks") } else { t!("discards") };
                let measured = if *fused { t!("; the Errors page measures its part") } else { "" };
                t!("{} {} the errors of the values that it cuts{}", op, what, measured)
            }
            Self::Averages { op, window, expected_db, error_db, signal_db } => t!(
                "{} averages {} values: the error's power changes by {}, where that of independent errors would by {}, \
                 and the signal's by {}",
                op,
                whole(*window),
                signed(*error_db),
                signed(-*expected_db),
                signed(*signal_db)
            ),
            Self::Selects { op, window, error_db, signal_db } => t!(
                "{} keeps one of {} values: the error's power changes by {}, the signal's by {}",
                op,
                whole(*window),
                signed(*error_db),
                signed(*signal_db)
            ),
            Self::Normalises { op, gain_before, gain_after, along_signal } => t!(
                "{} takes errors of the magnitude out: {} % of the error's energy lay along the signal, gain {} \
                 before and {} after",
                op,
                format!("{:.0}", 100.0 * along_signal),
                format!("{gain_before:.3}"),
                format!("{gain_after:.3}")
            ),
            Self::Saturates { op, error_db, signal_db } => t!(
                "{} is flat for large values: the error's power changes by {}, the signal's by {}",
                op,
                signed(*error_db),
                signed(*signal_db)
            ),
            Self::FavoursSignal { op, error_db, signal_db } => {
                t!("{} passes the signal better than the error: {}", op, favour(*signal_db, *error_db))
            }
            Self::TakesPart { op, share } => {
                t!("{} passes {} % of the values on, and those have less error", op, format!("{:.0}", 100.0 * share))
            }
            Self::OwnQuantizers { db: by, correlation } => {
                let how = correlation
                    .map_or_else(String::new, |rho| t!(", correlation {}", format!("{rho:.2}").replace('-', "−")));
                t!("its own quantizers take {} of it back{}", db(*by), how)
            }
        }
    }
}

/// How powers of signal and error change where the signal does better.
fn favour(signal_db: f64, error_db: f64) -> String {
    // What is shown as 0.0 is no change.
    let (grows, falls) = (|change: f64| change >= 0.05, |change: f64| change <= -0.05);
    let (signal, error) = (db(signal_db.abs()), db(error_db.abs()));
    if grows(signal_db) {
        return match error_db {
            change if grows(change) => t!("the signal's power grows by {}, the error's only by {}", signal, error),
            change if falls(change) => t!("the signal's power grows by {}, the error's falls by {}", signal, error),
            _ => t!("the signal's power grows by {}, the error's stays", signal),
        };
    }
    if falls(signal_db) {
        return t!("the error's power falls by {}, the signal's only by {}", error, signal);
    }
    t!("the error's power falls by {}, the signal's stays", error)
}

fn db(value: f64) -> String {
    format!("{value:.1} dB").replace('-', "−")
}

fn signed(value: f64) -> String {
    format!("{value:+.1} dB").replace('-', "−")
}

/// An NMSE as SQNR.
fn level(nmse: f64) -> String {
    if nmse == 0.0 { t!("no error").into() } else { db(-10.0 * nmse.log10()) }
}

fn whole(window: f64) -> String {
    if (window - window.round()).abs() < 1e-9 { format!("{window:.0}") } else { format!("{window:.1}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_favoured_signal_is_told_in_the_direction_that_it_goes() {
        let clause = |signal_db: f64, error_db: f64| {
            let clause = FallReason::FavoursSignal { op: "Conv".into(), error_db, signal_db }.clause();
            clause.split_once(": ").unwrap_or_default().1.to_owned()
        };
        assert_eq!(clause(6.0, 1.0), "the signal's power grows by 6.0 dB, the error's only by 1.0 dB");
        assert_eq!(clause(6.0, 0.04), "the signal's power grows by 6.0 dB, the error's stays");
        assert_eq!(clause(6.0, -1.0), "the signal's power grows by 6.0 dB, the error's falls by 1.0 dB");
        assert_eq!(clause(-0.04, -1.0), "the error's power falls by 1.0 dB, the signal's stays");
        assert_eq!(clause(-2.0, -9.5), "the error's power falls by 9.5 dB, the signal's only by 2.0 dB");
    }

    #[test]
    fn its_name_in_a_file_says_nothing_of_the_direction() {
        let reason = FallReason::FavoursSignal { op: "Conv".into(), error_db: -9.5, signal_db: -2.0 };
        let json = serde_json::to_value(reason).unwrap();
        assert_eq!(json["kind"], "favours_signal");
        assert_eq!((json["error_db"].as_f64(), json["signal_db"].as_f64()), (Some(-9.5), Some(-2.0)));
    }
}
