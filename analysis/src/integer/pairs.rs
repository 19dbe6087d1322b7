//! Products that meet in 16 bits.
//!
//! Without VNNI, x86 multiplies 8-bit numbers with `pmaddubsw`: two neighbouring products of an unsigned and a signed byte
//! are added into an int16, which saturates. 255·127 twice is 64 770, almost twice what int16 holds, so large weights
//! side by side lose what lies beyond, silently, and only on some machines. Activations that are int8 reach these
//! kernels as `q + 128`; with the zero-point moved alike this changes no accumulator, but it decides what saturates.

use super::WeightRows;
use crate::quant::{Grid, QuantParams};

/// The pairs of each row that can saturate: neighbours `(0, 1), (2, 3), …` in the order of the sum.
#[derive(Clone, Debug)]
pub struct PairCheck {
    /// First taps of the pairs that some input saturates, by row.
    suspects: Vec<Vec<usize>>,
    /// What turns a step of the input into the unsigned byte that the kernel multiplies.
    to_byte: i32,
    pairs: usize,
}

impl PairCheck {
    /// For int8 weights and activations of at most 8 bits; `None` where no such kernel exists.
    pub fn new(weights: &WeightRows, weight_grid: Grid, input: &QuantParams) -> Option<Self> {
        if !weight_grid.is_signed() || weight_grid.container_bits() != 8 || input.grid.container_bits() != 8 {
            return None;
        }
        let to_byte = input.zero_point + if input.grid.is_signed() { 128 } else { 0 };
        let byte = |code: i32| code - input.zero_point + to_byte;
        let ends = (byte(input.grid.q_min()), byte(input.grid.q_max()));
        let can_saturate = |pair: &[i32]| {
            let reach = |best: fn(i32, i32) -> i32| -> i32 { pair.iter().map(|w| best(w * ends.0, w * ends.1)).sum() };
            saturates(reach(i32::max)) || saturates(reach(i32::min))
        };
        let suspects_of = |row: usize| {
            let codes: Vec<i32> = weights.row(row).iter().map(|step| step + weights.zero_point(row)).collect();
            let pairs = codes.chunks_exact(2).enumerate();
            pairs.filter(|(_, pair)| can_saturate(pair)).map(|(index, _)| 2 * index).collect()
        };
        let pairs = (0..weights.rows()).map(|row| weights.row(row).len() / 2).sum();
        Some(Self { suspects: (0..weights.rows()).map(suspects_of).collect(), to_byte, pairs })
    }

    /// Pairs in the weights.
    pub fn pairs(&self) -> usize {
        self.pairs
    }

    /// Pairs that some input saturates.
    pub fn can_saturate(&self) -> usize {
        self.suspects.iter().map(Vec::len).sum()
    }

    /// Pairs of `row` that this patch saturates.
    pub fn saturated(&self, weights: &WeightRows, row: usize, patch: &[i32]) -> u64 {
        let (steps, zero_point) = (weights.row(row), weights.zero_point(row));
        let product = |tap: usize| match (patch.get(tap), steps.get(tap)) {
            (Some(input), Some(weight)) => (input + self.to_byte) * (weight + zero_point),
            _ => 0,
        };
        let suspects = self.suspects.get(row).map_or(&[][..], Vec::as_slice);
        suspects.iter().filter(|&&tap| saturates(product(tap) + product(tap + 1))).count() as u64
    }
}

/// Whether an int16 cannot hold `sum`.
fn saturates(sum: i32) -> bool {
    i16::try_from(sum).is_err()
}

/// How often −128 stands in int8 weights, and in how many pairs twice. Two products (−128)·(−128) add to 32 768, one more
/// than int16 holds, in kernels that pair signed bytes; a narrow grid (from −127) rules them out.
pub fn most_negative(weights: &WeightRows) -> (usize, usize) {
    let (mut single, mut pairs) = (0, 0);
    for row in 0..weights.rows() {
        let is_lowest = |step: &i32| step + weights.zero_point(row) == -128;
        single += weights.row(row).iter().filter(|step| is_lowest(step)).count();
        pairs += weights.row(row).chunks_exact(2).filter(|pair| pair.iter().all(is_lowest)).count();
    }
    (single, pairs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::integer::{MatrixGeometry, MatrixSettings};

    fn rows(codes: &[i32]) -> WeightRows {
        let geometry = MatrixGeometry::new(MatrixSettings::default(), &[1, codes.len()], &[codes.len(), 1]).unwrap();
        WeightRows::new(&geometry, codes, &[0]).unwrap()
    }

    fn params(grid: Grid, zero_point: i32) -> QuantParams {
        QuantParams { scale: 1.0, zero_point, grid }
    }

    #[test]
    fn pairs_that_can_saturate_by_hand() {
        // 255·(64 + 64) = 32 640 fits, 255·(64 + 65) = 32 895 does not; −255·128 = −32 640 fits, −255·129 does not.
        // 127 and −127 never meet with the same sign: 255·127 + 0·(−127). The last tap stands alone.
        let weights = rows(&[64, 64, 64, 65, -128, 0, -128, -1, 127, -127, 127]);
        let int8 = params(Grid::signed(8).unwrap(), 5);
        let check = PairCheck::new(&weights, Grid::signed(8).unwrap(), &int8).unwrap();
        assert_eq!((check.pairs(), check.can_saturate()), (5, 2));
        // Bytes 255 at taps 2 and 3 (q = 127, step 122): saturated; 0 at taps 6 and 7: not.
        let patch = [122, 122, 122, 122, 0, 0, -133, -133, 122, 122, 122];
        assert_eq!(check.saturated(&weights, 0, &patch), 1);
        assert_eq!(check.saturated(&weights, 0, &[0; 11]), 0);
    }

    #[test]
    fn an_unsigned_input_is_its_own_byte() {
        let weights = rows(&[127, 127]);
        let check = PairCheck::new(&weights, Grid::signed(8).unwrap(), &params(Grid::unsigned(8).unwrap(), 3)).unwrap();
        // 129·254 = 32 766 fits, 130·127 + 129·127 = 32 893 does not; steps are 3 less than bytes.
        assert_eq!(check.saturated(&weights, 0, &[126, 126]), 0);
        assert_eq!(check.saturated(&weights, 0, &[127, 126]), 1);
        // 7 bits of activation reach 127 only: 127·254 = 32 258.
        let narrow = params(Grid::unsigned(7).unwrap(), 0);
        assert_eq!(PairCheck::new(&weights, Grid::signed(8).unwrap(), &narrow).unwrap().can_saturate(), 0);
        assert!(PairCheck::new(&weights, Grid::unsigned(8).unwrap(), &narrow).is_none());
        assert!(PairCheck::new(&weights, Grid::signed(8).unwrap(), &params(Grid::signed(16).unwrap(), 0)).is_none());
    }

    #[test]
    fn the_most_negative_code_is_counted() {
        assert_eq!(most_negative(&rows(&[-128, -128, -128, 5, 1, -128])), (4, 1));
        assert_eq!(most_negative(&rows(&[-127, -127])), (0, 0));
    }
}
