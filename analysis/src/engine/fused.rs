//! Quantizing a tensor and summing its errors while a block of it is in the cache.
//!
//! A tensor of a real network does not fit there: quantizing it first and reading it again for each of three sums moves
//! it through memory nine times, and memory is what the quantized pass waits for. Blocks are those of the single
//! passes and are merged in the same order, so every sum has the same bits as one taken alone.

use rayon::prelude::*;

use crate::{
    metrics::ErrorSums,
    quant::{Clipping, Quantizer, fake::BLOCK},
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
    let blocks: Vec<Sums> = (float.par_chunks(BLOCK))
        .zip(raw.par_chunks(BLOCK))
        .zip(reference.par_chunks(BLOCK))
        .zip(out.par_chunks_mut(BLOCK))
        .map(|(((float, raw), reference), out)| Sums {
            clipping: quantizer.fake_quantize(raw, out),
            accumulated: ErrorSums::of(float, out),
            inherited: ErrorSums::of(float, reference),
            introduced: ErrorSums::of(reference, out),
        })
        .collect();
    blocks.iter().fold(Sums::default(), |mut total, next| {
        total.merge(next);
        total
    })
}

/// The error of `raw` through a quantizer against `float`, without keeping the quantized tensor.
pub(super) fn quantized_error(float: &[f32], raw: &[f32], quantizer: &Quantizer) -> ErrorSums {
    let blocks: Vec<ErrorSums> = (float.par_chunks(BLOCK))
        .zip(raw.par_chunks(BLOCK))
        .map_init(Vec::new, |scratch: &mut Vec<f32>, (float, raw)| {
            scratch.resize(raw.len(), 0.0);
            quantizer.fake_quantize(raw, scratch);
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
    use crate::quant::{Grid, Range, affine, fake_quantize};

    #[test]
    fn one_look_gives_the_bits_of_four() {
        // Three blocks and a bit, with values outside the range.
        let n = 3 * BLOCK + 17;
        let wave = |step: f32| (0..n).map(|i| (i as f32 * step).sin() * 3.0).collect::<Vec<f32>>();
        let (float, raw, reference) = (wave(0.37), wave(0.3701), wave(0.37005));
        let (params, _) = affine(Range::new(-2.0, 2.5), Grid::signed(8).unwrap());
        let mut out = vec![0.0; n];
        let quantizer = Quantizer::Integer(params);
        let sums = quantize_and_sum(&float, &raw, &reference, &quantizer, &mut out);
        let mut alone = vec![0.0; n];
        let clipping = fake_quantize(&raw, &mut alone, &params);
        assert_eq!(out, alone);
        assert_eq!(sums.clipping, clipping);
        assert!(clipping.clipped > 0);
        assert_eq!(sums.accumulated, ErrorSums::of(&float, &alone));
        assert_eq!(sums.inherited, ErrorSums::of(&float, &reference));
        assert_eq!(sums.introduced, ErrorSums::of(&reference, &alone));
        assert_eq!(quantized_error(&float, &raw, &quantizer), ErrorSums::of(&float, &alone));
    }
}
