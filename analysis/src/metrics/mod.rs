//! How far a quantized tensor is from the float one.
//!
//! Everything about errors derives from [`ErrorSums`], taken in one pass; a metric is a function of the sums, one a
//! file, listed in [`METRICS`]. Values are combined over samples by adding sums, never by averaging decibels. A metric
//! without a value says why: [`Measure`].

pub mod agreement;
pub mod cosine;
pub mod divergence;
pub mod errors;
pub mod gain;
pub mod mae;
pub mod max_abs;
pub mod measure;
pub mod mse;
pub mod nmse;
pub mod rmse_over_scale;
pub mod share;
pub mod sqnr;
pub mod sums;
pub(crate) mod sums_kernel;
pub mod table;

pub use agreement::{Agreement, ClassScores, top_1, top_k};
pub use errors::Errors;
pub use measure::Measure;
pub use rmse_over_scale::rmse_over_scale;
pub use share::Share;
pub use sums::ErrorSums;
pub use table::{Better, METRICS, Metric, metric};
