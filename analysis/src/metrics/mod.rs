//! Error metrics: one pass of sums, one metric a file.

use serde::Serialize;

/// A value of a metric, or why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub enum Measure {
    /// A number.
    Value(f64),
    /// The error is zero, the ratio infinite.
    Exact,
    /// There is no such number here, and why.
    NotApplicable(&'static str),
}

/// The metrics of one tensor.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names are the metrics")]
pub struct Errors {
    pub sqnr_db: Measure,
    pub cosine: Measure,
    pub nmse: Measure,
    pub mse: Measure,
    pub max_abs: Measure,
    pub gain: Measure,
}
