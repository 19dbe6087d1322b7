//! What a quantizer did to the values it was given: how many it clipped, and how the error splits.

use serde::Serialize;

/// Counts and error energies at one quantizer (QUANTIZATION.md §4).
///
/// A value `r` is clipped if it lies outside `[(q_min−Z−½)·S, (q_max−Z+½)·S]`; a value in the half step beyond the last
/// code is still rounding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Clipping {
    /// Values outside the range, infinities included.
    pub clipped: u64,
    /// NaNs. They became the container's smallest code and are in none of the other numbers.
    pub nan: u64,
    /// `Σ(r′ − r)²` over the finite clipped values.
    pub clipped_error_energy: f64,
    /// `Σ(r′ − r)²` over the values inside the range.
    pub rounding_error_energy: f64,
}

impl Clipping {
    /// Adds another stretch of the same tensor. Float sums: merge stretches in their order.
    pub fn merge(&mut self, next: &Self) {
        self.clipped += next.clipped;
        self.nan += next.nan;
        self.clipped_error_energy += next.clipped_error_energy;
        self.rounding_error_energy += next.rounding_error_energy;
    }

    /// The stretches of one tensor in their order.
    pub fn merged<'a>(stretches: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut total = Self::default();
        for stretch in stretches {
            total.merge(stretch);
        }
        total
    }

    /// The same over several samples; the result does not depend on the order of the samples, to the last bit.
    pub fn merge_samples(samples: &[Self]) -> Self {
        let sorted = |field: fn(&Self) -> f64| {
            let mut values: Vec<f64> = samples.iter().map(field).collect();
            values.sort_by(f64::total_cmp);
            values.iter().sum()
        };
        Self {
            clipped: samples.iter().map(|s| s.clipped).sum(),
            nan: samples.iter().map(|s| s.nan).sum(),
            clipped_error_energy: sorted(|s| s.clipped_error_energy),
            rounding_error_energy: sorted(|s| s.rounding_error_energy),
        }
    }
}
