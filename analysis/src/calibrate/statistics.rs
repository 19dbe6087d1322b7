//! What the float pass saw of every tensor that may carry a quantizer: its ends always, its histogram where a method or
//! a page asks for it. Both are sums of counts and extremes, so no order of samples can change them.

use std::collections::BTreeMap;

use super::{AbsHistogram, MinMax, SignedHistogram, needs_signed_histogram};
use crate::quant::Range;

/// Statistics by tensor id of one graph.
#[derive(Clone, Debug, Default)]
pub struct Statistics {
    /// Ends, counts and broken values.
    pub ends: BTreeMap<usize, MinMax>,
    /// Histograms over the final ends.
    pub histograms: BTreeMap<usize, Histogram>,
}

/// The histogram that fits a tensor's range.
#[derive(Clone, Debug)]
pub enum Histogram {
    /// Of |r|, for data on one side of 0.
    Magnitude(AbsHistogram),
    /// Of r.
    Signed(SignedHistogram),
}

impl Histogram {
    /// Empty, over `range`.
    pub fn new(range: Range) -> Self {
        if needs_signed_histogram(range) {
            Self::Signed(SignedHistogram::new(range))
        } else {
            Self::Magnitude(AbsHistogram::new(range))
        }
    }

    /// Counts values.
    pub fn observe(&mut self, values: &[f32]) {
        match self {
            Self::Magnitude(histogram) => histogram.observe(values),
            Self::Signed(histogram) => histogram.observe(values),
        }
    }
}

impl Statistics {
    /// The observed range of a tensor; `None` before a finite value was seen.
    pub fn range(&self, tensor: usize) -> Option<Range> {
        self.ends.get(&tensor)?.range()
    }
}
