//! From observed values to a range.
//!
//! Two streamed passes: [`minmax`] first, then a histogram over the now final range, then a threshold from it. Nothing
//! here depends on the order or batching of samples. A method that cannot be used falls back to min–max and says so.

mod bins;
pub mod choose;
mod count;
pub mod curve;
pub mod entropy;
pub mod flavours;
pub mod histogram;
pub mod histogram_error;
pub mod kl;
pub mod method;
pub mod minmax;
pub mod mse;
pub mod percentile;
pub mod sided_bins;
pub mod statistics;

pub use choose::{RangeChoice, choose};
pub use curve::{Curve, NoCandidate, Side};
pub use flavours::{Flavour, FlavourChoice, FlavourStatistics};
pub use histogram::{BINS, DISPLAY_BINS, DisplayHistogram, TensorHistogram};
pub use histogram_error::{HistogramError, RangeEffect};
pub use method::Method;
pub use minmax::MinMax;
pub use percentile::DEFAULT_PERCENTILE;
pub use sided_bins::{SIDE_BINS, SidedBins};
pub use statistics::{Statistics, TensorValues};
