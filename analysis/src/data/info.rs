//! What the Data page shows of the samples in use.

use super::DataSource;
use crate::job::Warning;

/// The samples in use, in words and numbers.
#[derive(Clone, Debug)]
pub struct DataInfo {
    /// Where they come from.
    pub source: DataSource,
    /// What the source is ("folder of images").
    pub kind: String,
    /// Samples in use.
    pub samples: usize,
    /// Samples the source has.
    pub available: usize,
    /// Whether labels were found.
    pub labels: bool,
    /// Whether the program made them up.
    pub synthetic: bool,
    /// What was noticed.
    pub warnings: Vec<Warning>,
}
