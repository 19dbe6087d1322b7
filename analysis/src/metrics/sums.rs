//! The sums that every error metric derives from, taken in one pass over a tensor pair.
//!
//! Products are formed in float64: attention masks hold −3.4e38, whose square is no float32. Sums run in fixed lanes
//! and blocks that are added in order, and samples are combined by [`ErrorSums::merge_samples`], so neither threads nor
//! the order of samples can change a bit. Pairs with a NaN or an infinity are left out of the sums and counted.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::sums_kernel::finite_block;
use crate::{
    parallel::grain,
    quant::{ChannelLayout, fake::BLOCK},
};

/// Sums over the pairs `(f, q)` of a float tensor and the same tensor in the quantized run; `e = q − f`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ErrorSums {
    /// Pairs in the sums: both values finite.
    pub n: u64,
    /// Pairs left out because `f` or `q` is NaN or infinite.
    pub non_finite: u64,
    /// Those of them where the two differ in kind: one run broke where the other did not.
    pub broken: u64,
    /// `Σf`
    pub sum_f: f64,
    /// `Σf²`
    pub sum_f2: f64,
    /// `Σq`
    pub sum_q: f64,
    /// `Σq²`
    pub sum_q2: f64,
    /// `Σf·q`
    pub sum_fq: f64,
    /// `Σe`
    pub sum_e: f64,
    /// `Σe²`
    pub sum_e2: f64,
    /// `Σ|e|`
    pub sum_abs_e: f64,
    /// `max|e|`
    pub max_abs_e: f64,
}

impl ErrorSums {
    /// The sums over a tensor, or over a part of one.
    ///
    /// # Panics
    /// If the two differ in length; the caller has compared their shapes.
    pub fn of(float: &[f32], quantized: &[f32]) -> Self {
        assert_eq!(float.len(), quantized.len(), "error sums: the two runs' tensor is one tensor");
        if float.len() <= BLOCK {
            return block(float, quantized);
        }
        let pairs = float.par_chunks(BLOCK).zip(quantized.par_chunks(BLOCK)).with_min_len(grain());
        let blocks: Vec<Self> = pairs.map(|(float, quantized)| block(float, quantized)).collect();
        Self::merged(&blocks)
    }

    /// The sums over each channel.
    ///
    /// # Panics
    /// If `layout` is not the layout of both tensors.
    pub fn of_channels(float: &[f32], quantized: &[f32], layout: ChannelLayout) -> Vec<Self> {
        assert_eq!(float.len(), layout.len(), "error sums: the layout is the tensor's");
        assert_eq!(float.len(), quantized.len(), "error sums: the two runs' tensor is one tensor");
        let mut totals = vec![Self::default(); layout.channels];
        if float.is_empty() {
            return totals;
        }
        if layout.has_long_runs() {
            let runs: Vec<Self> = (float.par_chunks(layout.inner))
                .zip(quantized.par_chunks(layout.inner))
                .with_min_len(BLOCK.div_ceil(layout.inner))
                .map(|(float, quantized)| run(float, quantized))
                .collect();
            for (index, sums) in runs.iter().enumerate() {
                totals[index % layout.channels].merge(sums);
            }
        } else {
            let rows = layout.rows_per_block(BLOCK) * layout.row();
            let blocks: Vec<Vec<Self>> = (float.par_chunks(rows))
                .zip(quantized.par_chunks(rows))
                .map(|(float, quantized)| interleaved(float, quantized, layout))
                .collect();
            for block in &blocks {
                totals.iter_mut().zip(block).for_each(|(total, sums)| total.merge(sums));
            }
        }
        totals
    }

    /// Adds the next stretch of the same tensor. Float sums: merge stretches in their order.
    pub fn merge(&mut self, next: &Self) {
        self.n += next.n;
        self.non_finite += next.non_finite;
        self.broken += next.broken;
        self.max_abs_e = self.max_abs_e.max(next.max_abs_e);
        for (_, field) in FIELDS {
            *field(self) += *field(&mut next.clone());
        }
    }

    /// Whether a block summed without looking at each value holds no NaN and no infinity. No sum over finite float32
    /// overflows float64.
    pub(crate) fn is_of_finite_values(&self) -> bool {
        self.sum_f2.is_finite() && self.sum_q2.is_finite()
    }

    fn merged(stretches: &[Self]) -> Self {
        let mut total = Self::default();
        stretches.iter().for_each(|next| total.merge(next));
        total
    }

    /// The sums over several samples. Each field's values are sorted before they are added, so the result does not
    /// depend on the order of the samples, to the last bit.
    pub fn merge_samples(samples: &[Self]) -> Self {
        let mut total = Self {
            n: samples.iter().map(|s| s.n).sum(),
            non_finite: samples.iter().map(|s| s.non_finite).sum(),
            broken: samples.iter().map(|s| s.broken).sum(),
            max_abs_e: samples.iter().map(|s| s.max_abs_e).fold(0.0, f64::max),
            ..Self::default()
        };
        for (_, field) in FIELDS {
            let mut values: Vec<f64> = samples.iter().map(|sample| *field(&mut sample.clone())).collect();
            values.sort_by(f64::total_cmp);
            *field(&mut total) = values.iter().sum();
        }
        total
    }
}

/// A field that is a plain sum, by name.
type Field = (&'static str, fn(&mut ErrorSums) -> &mut f64);

/// Every field that is a plain sum, so that merging cannot forget one.
const FIELDS: [Field; 8] = [
    ("sum_f", |s| &mut s.sum_f),
    ("sum_f2", |s| &mut s.sum_f2),
    ("sum_q", |s| &mut s.sum_q),
    ("sum_q2", |s| &mut s.sum_q2),
    ("sum_fq", |s| &mut s.sum_fq),
    ("sum_e", |s| &mut s.sum_e),
    ("sum_e2", |s| &mut s.sum_e2),
    ("sum_abs_e", |s| &mut s.sum_abs_e),
];

/// Whether a pair with a NaN or an infinity is not the same NaN or infinity twice.
fn differ_in_kind(f: f32, q: f32) -> bool {
    f != q && !(f.is_nan() && q.is_nan())
}

/// At most [`BLOCK`] pairs.
fn block(float: &[f32], quantized: &[f32]) -> ErrorSums {
    let sums = finite_block(float, quantized);
    if sums.is_of_finite_values() { sums } else { masked_block(float, quantized) }
}

/// A run of one channel, of any length.
fn run(float: &[f32], quantized: &[f32]) -> ErrorSums {
    let mut total = ErrorSums::default();
    float
        .chunks(BLOCK)
        .zip(quantized.chunks(BLOCK))
        .for_each(|(float, quantized)| total.merge(&block(float, quantized)));
    total
}

/// Whole rows of interleaved channels, each gathered first.
fn interleaved(float: &[f32], quantized: &[f32], layout: ChannelLayout) -> Vec<ErrorSums> {
    let (mut f, mut q) = (Vec::new(), Vec::new());
    let channels = (0..layout.channels).map(|channel| {
        layout.gather(float, channel, &mut f);
        layout.gather(quantized, channel, &mut q);
        run(&f, &q)
    });
    channels.collect()
}

/// The block with both values of a pair set to 0 where one is NaN or infinite: equal to leaving the pair out.
fn masked_block(float: &[f32], quantized: &[f32]) -> ErrorSums {
    let mut masked = (float.to_vec(), quantized.to_vec());
    let (mut non_finite, mut broken) = (0, 0);
    for (f, q) in masked.0.iter_mut().zip(&mut masked.1) {
        if !(f.is_finite() && q.is_finite()) {
            non_finite += 1;
            broken += u64::from(differ_in_kind(*f, *q));
            (*f, *q) = (0.0, 0.0);
        }
    }
    let sums = finite_block(&masked.0, &masked.1);
    ErrorSums { n: sums.n - non_finite, non_finite, broken, ..sums }
}

#[cfg(test)]
#[path = "sums_tests.rs"]
mod tests;
