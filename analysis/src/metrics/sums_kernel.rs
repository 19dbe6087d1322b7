//! The hot loop under the error sums: two tensors, or three that are compared in pairs, in one pass.
//!
//! What bounds it is arithmetic, not memory: for a pair of elements two conversions, a subtraction, four products, eight
//! additions, an absolute value and a maximum, all in float64. Three tensors at once share the conversions and the sums
//! that are of one tensor alone. The order of additions is that of [`crate::quant::lanes`].

use super::sums::ErrorSums;
use crate::quant::{
    lanes::{Column, GROUP, LANES, ROWS, lanes_sum, padded, products_sum, rows_sum},
    wide::wide,
};

/// One lane's values of a group.
type Rows = [f64; ROWS];

wide! {
    /// The sums over at most a block of pairs, NaN or infinite where one of its values is.
    pub(super) fn finite_block(float: &[f32], quantized: &[f32]) -> ErrorSums = fusing finite_body;
}

#[inline(always)]
fn finite_body<const FUSES: bool>(float: &[f32], quantized: &[f32]) -> ErrorSums {
    let (groups_f, rest_f) = float.as_chunks::<GROUP>();
    let (groups_q, rest_q) = quantized.as_chunks::<GROUP>();
    let mut sums = PairSums::default();
    for (f, q) in groups_f.iter().zip(groups_q) {
        sums.group::<FUSES>(f, q);
    }
    // Zeros add nothing to any sum.
    sums.group::<FUSES>(&padded(rest_f), &padded(rest_q));
    sums.total(float.len() as u64)
}

/// Two tensors `f` and `q`.
#[derive(Clone, Copy, Debug, Default)]
struct PairSums {
    f: OneLanes,
    q: OneLanes,
    errors: PairLanes,
}

impl PairSums {
    #[inline(always)]
    fn group<const FUSES: bool>(&mut self, float: &[f32; GROUP], quantized: &[f32; GROUP]) {
        for lane in 0..LANES {
            let (f, q) = (rows(float, lane), rows(quantized, lane));
            self.f.add::<FUSES>(lane, f);
            self.q.add::<FUSES>(lane, q);
            self.errors.add::<FUSES>(lane, f, q);
        }
    }

    fn total(&self, n: u64) -> ErrorSums {
        total(n, &self.f, &self.q, &self.errors)
    }
}

/// Three tensors: the float run, a reference and the quantized run.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TripleSums {
    float: OneLanes,
    reference: OneLanes,
    quantized: OneLanes,
    accumulated: PairLanes,
    inherited: PairLanes,
    introduced: PairLanes,
}

impl TripleSums {
    /// Adds a group.
    #[inline(always)]
    pub(crate) fn group<const FUSES: bool>(
        &mut self,
        float: &[f32; GROUP],
        reference: &[f32; GROUP],
        quantized: &[f32; GROUP],
    ) {
        for lane in 0..LANES {
            let (f, r, q) = (rows(float, lane), rows(reference, lane), rows(quantized, lane));
            self.float.add::<FUSES>(lane, f);
            self.reference.add::<FUSES>(lane, r);
            self.quantized.add::<FUSES>(lane, q);
            self.accumulated.add::<FUSES>(lane, f, q);
            self.inherited.add::<FUSES>(lane, f, r);
            self.introduced.add::<FUSES>(lane, r, q);
        }
    }

    /// Float against quantized, float against reference, reference against quantized, over `n` elements.
    pub(crate) fn totals(&self, n: u64) -> [ErrorSums; 3] {
        [
            total(n, &self.float, &self.quantized, &self.accumulated),
            total(n, &self.float, &self.reference, &self.inherited),
            total(n, &self.reference, &self.quantized, &self.introduced),
        ]
    }
}

/// Sums over one tensor.
#[derive(Clone, Copy, Debug, Default)]
struct OneLanes {
    sum: Column,
    squares: Column,
}

impl OneLanes {
    #[inline(always)]
    fn add<const FUSES: bool>(&mut self, lane: usize, values: Rows) {
        self.sum[lane] += rows_sum(values);
        self.squares[lane] += products_sum::<FUSES>(values, values);
    }
}

/// Sums over the errors of one tensor against another.
#[derive(Clone, Copy, Debug, Default)]
struct PairLanes {
    products: Column,
    errors: Column,
    squares: Column,
    absolutes: Column,
    largest: Column,
}

impl PairLanes {
    #[inline(always)]
    fn add<const FUSES: bool>(&mut self, lane: usize, f: Rows, q: Rows) {
        let (mut errors, mut absolutes) = ([0.0; ROWS], [0.0; ROWS]);
        let mut largest = self.largest[lane];
        for row in 0..ROWS {
            errors[row] = q[row] - f[row];
            absolutes[row] = errors[row].abs();
            largest = if absolutes[row] > largest { absolutes[row] } else { largest };
        }
        self.products[lane] += products_sum::<FUSES>(f, q);
        self.errors[lane] += rows_sum(errors);
        self.squares[lane] += rows_sum(products(errors, errors));
        self.absolutes[lane] += rows_sum(absolutes);
        self.largest[lane] = largest;
    }
}

/// The values of `lane`, as float64.
#[inline(always)]
fn rows(group: &[f32; GROUP], lane: usize) -> Rows {
    let mut rows = [0.0; ROWS];
    for row in 0..ROWS {
        rows[row] = f64::from(group[row * LANES + lane]);
    }
    rows
}

#[inline(always)]
fn products(a: Rows, b: Rows) -> Rows {
    let mut products = [0.0; ROWS];
    for row in 0..ROWS {
        products[row] = a[row] * b[row];
    }
    products
}

fn total(n: u64, f: &OneLanes, q: &OneLanes, errors: &PairLanes) -> ErrorSums {
    ErrorSums {
        n,
        non_finite: 0,
        broken: 0,
        sum_f: lanes_sum(&f.sum),
        sum_f2: lanes_sum(&f.squares),
        sum_q: lanes_sum(&q.sum),
        sum_q2: lanes_sum(&q.squares),
        sum_fq: lanes_sum(&errors.products),
        sum_e: lanes_sum(&errors.errors),
        sum_e2: lanes_sum(&errors.squares),
        sum_abs_e: lanes_sum(&errors.absolutes),
        max_abs_e: errors.largest.iter().copied().fold(0.0, f64::max),
    }
}
