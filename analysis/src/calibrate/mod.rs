//! From observed values to a range.
//!
//! Two streamed passes: [`minmax`] first, then a histogram over the now final range, then a threshold from it. Nothing
//! here depends on the order or batching of samples. A method that cannot be used falls back to min–max and says so.

mod bins;
pub mod choose;
mod count;
pub mod histogram;
pub mod kl;
pub mod minmax;
pub mod sided_bins;
pub mod statistics;

pub use choose::{Method, RangeChoice, choose_affine, choose_symmetric, min_max_choice, needs_signed_histogram};
pub use histogram::{AbsHistogram, BINS, DISPLAY_BINS, DisplayHistogram, SignedHistogram};
pub use kl::{Curve, NoCandidate, Search, kl_curve};
pub use minmax::MinMax;
pub use sided_bins::{SIDE_BINS, SidedBins};
pub use statistics::{Histogram, Statistics};
