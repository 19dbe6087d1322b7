//! Values that a quantizer makes 0, where its SQNR does not tell of them.
//!
//! An attention mask adds −3.4e38 to some scores. A range that holds it has a step of 1e36, every other score becomes 0, and
//! the SQNR is 750 dB, since the mask's own values carry all the energy. So where an error is smaller than a grid can give
//! values that are spread over it, or nothing is left at all, the values are counted.

use crate::{metrics::ErrorSums, quant::Quantizer};

/// How many of `raw` are 0 in `quantized` and not before; `sums` is of the two. 0 where the SQNR tells what there is to know.
pub(super) fn vanished(sums: &ErrorSums, quantizer: &Quantizer, raw: &[f32], quantized: &[f32]) -> u64 {
    let Some(grid) = quantizer.grid() else { return 0 };
    let levels = f64::from(grid.q_max()) - f64::from(grid.q_min()) + 1.0;
    // Evenly spread values of a whole range R have Σf² = nR²/3 at most, and an error of n·S²/12 with S = R/levels.
    let is_beyond_its_grid = 4.0 * levels * levels * sums.sum_e2 < sums.sum_f2;
    let is_nothing_left = sums.sum_q2 == 0.0;
    if sums.sum_e2 == 0.0 || !(is_beyond_its_grid || is_nothing_left) {
        return 0;
    }
    raw.iter().zip(quantized).map(|(raw, quantized)| u64::from(*raw != 0.0 && *quantized == 0.0)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quant::{Grid, Range, affine};

    fn counted(values: &[f32], low: f32, high: f32) -> u64 {
        let quantizer = Quantizer::Integer(affine(Range::new(low, high), Grid::signed(8).unwrap()).0);
        let mut quantized = vec![0.0; values.len()];
        quantizer.fake_quantize(values, &mut quantized);
        vanished(&ErrorSums::of(values, &quantized), &quantizer, values, &quantized)
    }

    #[test]
    fn scores_beside_a_mask_are_counted() {
        let masked = [3.0, -20.0, f32::MIN, f32::MIN, 0.0, 7.5];
        assert_eq!(counted(&masked, f32::MIN, 40.0), 3, "what was 0 is not lost");
        // A mask of another exporter's: the step is 39, and 21 is nearer to it than to 0.
        assert_eq!(counted(&[3.0, -21.0, -10_000.0, 0.0, 7.5, -10_000.0, -10_000.0, -10_000.0], -10_000.0, 40.0), 2);
        // No position is masked, and the range still is.
        assert_eq!(counted(&[3.0, -20.0, 0.0], f32::MIN, 40.0), 2);
    }

    #[test]
    fn where_the_sqnr_tells_nothing_is_counted() {
        let spread: Vec<f32> = (0..1000).map(|i| i as f32 / 1000.0).collect();
        assert_eq!(counted(&spread, 0.0, 1.0), 0, "the smallest become 0, and the SQNR has it");
        // On the grid but for the last bits, as pictures of 256 levels are.
        let picture: Vec<f32> = (0_u8..=255).map(|i| f32::from(i) / 255.0).collect();
        assert_eq!(counted(&picture, 0.0, 1.0), 0);
        assert_eq!(counted(&[0.0; 4], 0.0, 1.0), 0);
    }
}
