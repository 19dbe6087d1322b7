//! The value of a metric, or the reason why there is none.

use crate::mark;

/// What a metric says about a tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Measure {
    /// A finite number.
    Value(f64),
    /// The two tensors are equal, where the metric would be infinite.
    Exact,
    /// There is no such number; why, in words.
    NotApplicable(&'static str),
}

impl Measure {
    /// The number, if there is one.
    pub fn value(self) -> Option<f64> {
        if let Self::Value(value) = self { Some(value) } else { None }
    }

    /// Why there is no number: `exact`, or the reason.
    pub fn why(self) -> Option<&'static str> {
        match self {
            Self::Value(_) => None,
            Self::Exact => Some("exact"),
            Self::NotApplicable(reason) => Some(reason),
        }
    }

    /// `value`, or `reason` if it is not finite.
    pub(super) fn finite(value: f64, reason: &'static str) -> Self {
        if value.is_finite() { Self::Value(value) } else { Self::NotApplicable(reason) }
    }
}

/// The reason when nothing finite was compared.
pub(super) const NOTHING: &str = mark!("there are no finite values to compare");
/// The reason when one run has NaNs or infinities where the other has not: no finite error describes that.
pub(super) const BROKEN: &str = mark!("NaN or infinity where the other run has none");
/// The reason when `Σf² = 0`.
pub(super) const ALL_ZERO: &str = mark!("the float tensor is all zeros");

/// The reason why no metric applies to these sums at all.
pub(super) fn unusable(sums: &super::ErrorSums) -> Option<Measure> {
    if sums.broken > 0 {
        Some(Measure::NotApplicable(BROKEN))
    } else if sums.n == 0 {
        Some(Measure::NotApplicable(NOTHING))
    } else {
        None
    }
}

/// `Σe²`-like sums over the count of values.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
pub(super) fn mean(sum: f64, n: u64) -> f64 {
    sum / n as f64
}
