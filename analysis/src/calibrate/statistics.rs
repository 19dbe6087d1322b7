//! What the float pass saw of every tensor that may carry a quantizer: its ends always, its histogram where a method or
//! a page asks for it. Both are sums of counts and extremes, so no order of samples can change them.

use std::{collections::BTreeMap, sync::Arc};

use super::{FlavourStatistics, MinMax, TensorHistogram};
use crate::quant::Range;

/// Statistics by tensor id of one graph.
#[derive(Clone, Debug, Default)]
pub struct Statistics {
    /// Ends, counts and broken values.
    pub ends: BTreeMap<usize, MinMax>,
    /// Histograms over the final ends.
    pub histograms: BTreeMap<usize, Arc<TensorValues>>,
}

/// All that the methods need of one tensor, so that another method takes no other look at the data.
#[derive(Clone, Debug)]
pub struct TensorValues {
    /// For this program's own methods.
    pub histogram: TensorHistogram,
    /// For the flavours of other tools. They count in ways of their own, which takes ten times as long, so this is there
    /// only where somebody asked for a flavour or looks at the tensor.
    pub flavours: Option<FlavourStatistics>,
}

impl TensorValues {
    /// Empty, for a tensor whose observed minimum and maximum are `range`.
    pub fn new(range: Range) -> Self {
        Self { flavours: Some(FlavourStatistics::new(range)), ..Self::without_flavours(range) }
    }

    /// The same without what the flavours need.
    pub fn without_flavours(range: Range) -> Self {
        Self { histogram: TensorHistogram::new(range), flavours: None }
    }

    /// Adds one sample's values.
    pub fn observe_sample(&mut self, values: &[f32]) {
        self.histogram.observe(values);
        if let Some(flavours) = &mut self.flavours {
            flavours.observe_sample(values);
        }
    }
}

impl Statistics {
    /// The range of all values of several tensors, which share a scale; `None` before a finite value was seen.
    pub fn joined_range(&self, tensors: &[usize]) -> Option<Range> {
        let union = |a: Range, b: Range| Range { low: a.low.min(b.low), high: a.high.max(b.high) };
        tensors.iter().filter_map(|&t| self.range(t)).reduce(union)
    }

    /// The observed range of a tensor; `None` before a finite value was seen.
    pub fn range(&self, tensor: usize) -> Option<Range> {
        self.ends.get(&tensor)?.range()
    }
}
