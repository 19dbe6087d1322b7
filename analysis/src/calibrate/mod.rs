//! From observed values to a range.

use serde::{Deserialize, Serialize};

/// How a range is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Observed minimum and maximum.
    MinMax,
    /// The threshold of least Kullback–Leibler divergence.
    Kl,
}
