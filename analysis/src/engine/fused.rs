//! Quantizing a tensor and summing its errors while a block of it is in the cache.
//!
//! A tensor of a real network does not fit there: quantizing it first and reading it again for each of three sums moves
//! it through memory nine times. Here 64 elements at a time are quantized and added to every sum, and the three
//! comparisons share what is of one tensor alone. Lanes and blocks are those of the single passes and are merged in the
//! same order, so every sum has the same bits as one taken alone.

use rayon::prelude::*;

use crate::{
    metrics::{ErrorSums, sums_kernel::TripleSums},
    parallel::grain,
    quant::{
        Clipping, QuantParams, Quantizer,
        fake::BLOCK,
        fake_quantize_values,
        kernel::{Kernel, Tally},
        lanes::{GROUP, padded},
        wide::wide,
    },
};

/// What one look at a tensor gives.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    pub(super) clipping: Clipping,
    /// Float run against the quantized tensor.
    pub(super) accumulated: ErrorSums,
    /// Float run against the layer's float function of its quantized inputs.
    pub(super) inherited: ErrorSums,
    /// The layer's float function of its quantized inputs against the quantized tensor.
    pub(super) introduced: ErrorSums,
}

impl Sums {
    /// These sums of a block, or where it holds a NaN or an infinity those that look at each value.
    fn or_by_value(self, float: &[f32], reference: &[f32], out: &[f32]) -> Self {
        if self.accumulated.is_of_finite_values() && self.introduced.is_of_finite_values() {
            return self;
        }
        Self {
            clipping: self.clipping,
            accumulated: ErrorSums::of(float, out),
            inherited: ErrorSums::of(float, reference),
            introduced: ErrorSums::of(reference, out),
        }
    }

    fn merge(&mut self, next: &Self) {
        self.clipping.merge(&next.clipping);
        self.accumulated.merge(&next.accumulated);
        self.inherited.merge(&next.inherited);
        self.introduced.merge(&next.introduced);
    }
}

/// Quantizes `raw` into `out` and sums its errors. All four are the same tensor's.
pub(super) fn quantize_and_sum(
    float: &[f32],
    raw: &[f32],
    reference: &[f32],
    quantizer: &Quantizer,
    out: &mut [f32],
) -> Sums {
    match quantizer.integer() {
        Some(params) => integers_and_sums(float, raw, reference, params, out),
        // Small floats have a kernel of their own, which no loop here is fused with.
        None => Sums {
            clipping: quantizer.fake_quantize(raw, out),
            accumulated: ErrorSums::of(float, out),
            inherited: ErrorSums::of(float, reference),
            introduced: ErrorSums::of(reference, out),
        },
    }
}

fn integers_and_sums(float: &[f32], raw: &[f32], reference: &[f32], params: &QuantParams, out: &mut [f32]) -> Sums {
    let kernel = Kernel::new(params);
    let blocks: Vec<Sums> = (float.par_chunks(BLOCK))
        .zip(raw.par_chunks(BLOCK))
        .zip(reference.par_chunks(BLOCK))
        .zip(out.par_chunks_mut(BLOCK))
        .with_min_len(grain())
        .map(|(((float, raw), reference), out)| {
            let sums = block(float, raw, reference, &kernel, out);
            sums.or_by_value(float, reference, out)
        })
        .collect();
    blocks.iter().fold(Sums::default(), |mut total, next| {
        total.merge(next);
        total
    })
}

wide! {
    /// At most [`BLOCK`] elements; sums over a NaN or an infinity are no numbers.
    fn block(float: &[f32], raw: &[f32], reference: &[f32], kernel: &Kernel, out: &mut [f32]) -> Sums =
        fusing block_body;
}

#[inline(always)]
fn block_body<const FUSES: bool>(
    float: &[f32],
    raw: &[f32],
    reference: &[f32],
    kernel: &Kernel,
    out: &mut [f32],
) -> Sums {
    let (mut tally, mut sums) = (Tally::default(), TripleSums::default());
    let (floats, float_rest) = float.as_chunks::<GROUP>();
    let (raws, raw_rest) = raw.as_chunks::<GROUP>();
    let (references, reference_rest) = reference.as_chunks::<GROUP>();
    let (outs, out_rest) = out.as_chunks_mut::<GROUP>();
    for (((float, raw), reference), out) in floats.iter().zip(raws).zip(references).zip(outs) {
        tally.group::<FUSES>(kernel, raw, out);
        sums.group::<FUSES>(float, reference, out);
    }
    tally.rest(kernel, raw_rest, out_rest);
    sums.group::<FUSES>(&padded(float_rest), &padded(reference_rest), &padded(out_rest));
    let [accumulated, inherited, introduced] = sums.totals(float.len() as u64);
    Sums { clipping: tally.total(), accumulated, inherited, introduced }
}

/// The error of `raw` through a quantizer against `float`, without keeping the quantized tensor.
pub(super) fn quantized_error(float: &[f32], raw: &[f32], quantizer: &Quantizer) -> ErrorSums {
    let blocks: Vec<ErrorSums> = (float.par_chunks(BLOCK))
        .zip(raw.par_chunks(BLOCK))
        .with_min_len(grain())
        .map_init(Vec::new, |scratch: &mut Vec<f32>, (float, raw)| {
            scratch.resize(raw.len(), 0.0);
            match quantizer.integer() {
                Some(params) => fake_quantize_values(raw, scratch, params),
                None => drop(quantizer.fake_quantize(raw, scratch)),
            }
            ErrorSums::of(float, scratch)
        })
        .collect();
    blocks.iter().fold(ErrorSums::default(), |mut total, next| {
        total.merge(next);
        total
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quant::{Grid, Range, affine, fake_quantize, lanes::odd_values, wide::with_each};

    fn params() -> QuantParams {
        affine(Range::new(-2.0, 2.5), Grid::signed(8).unwrap()).0
    }

    /// All sums and the bits of the output equal those taken one by one, with each vector extension.
    fn equals_separate_looks(float: &[f32], raw: &[f32], reference: &[f32]) -> Sums {
        let mut alone = vec![0.0; raw.len()];
        let clipping = fake_quantize(raw, &mut alone, &params());
        let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        let each = with_each(|| {
            let mut out = vec![7.0; raw.len()];
            let sums = quantize_and_sum(float, raw, reference, &Quantizer::Integer(params()), &mut out);
            assert_eq!(bits(&out), bits(&alone));
            assert_eq!(sums.clipping, clipping);
            assert_eq!(sums.accumulated, ErrorSums::of(float, &alone));
            assert_eq!(sums.inherited, ErrorSums::of(float, reference));
            assert_eq!(sums.introduced, ErrorSums::of(reference, &alone));
            assert_eq!(quantized_error(float, raw, &Quantizer::Integer(params())), ErrorSums::of(float, &alone));
            sums
        });
        each[0].1
    }

    #[test]
    fn one_look_gives_the_bits_of_four() {
        // Three blocks and a bit, with values outside the range.
        let n = 3 * BLOCK + 17;
        let wave = |step: f32| (0..n).map(|i| (i as f32 * step).sin() * 3.0).collect::<Vec<f32>>();
        let sums = equals_separate_looks(&wave(0.37), &wave(0.3701), &wave(0.37005));
        assert!(sums.clipping.clipped > 0);
        for len in [0, 1, 63, 64, 65, 1003] {
            let sums = equals_separate_looks(&wave(0.37)[..len], &wave(0.3701)[..len], &wave(0.37005)[..len]);
            assert_eq!(sums.inherited.n, len as u64);
        }
    }

    #[test]
    fn what_is_not_finite_is_left_out_of_its_own_pairs() {
        // Wherever one of the three has a NaN or an infinity, and where only one of them does.
        let (odd, plain) = (odd_values(1003, 7), odd_values(1003, usize::MAX));
        for (float, raw, reference) in [(&odd, &plain, &plain), (&plain, &odd, &plain), (&plain, &plain, &odd)] {
            let sums = equals_separate_looks(float, raw, reference);
            let non_finite = [sums.accumulated, sums.inherited, sums.introduced].map(|sums| sums.non_finite > 0);
            // A quantizer's output is always finite, so an odd `raw` breaks nothing.
            let is = |other: &Vec<f32>| std::ptr::eq(other, &raw const odd);
            assert_eq!(non_finite, [is(float), is(float) || is(reference), is(reference)]);
        }
    }
}
