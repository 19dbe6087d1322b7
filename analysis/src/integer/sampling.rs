//! Which outputs of a large layer are computed.
//!
//! All channels, each at the same positions: a patch is gathered once and serves every channel. The positions are one in
//! each of equally long stretches of the output, at a place inside its stretch that follows the golden ratio. Taking
//! the middles instead would meet the same column of a picture again and again wherever a stretch is a whole number of
//! rows: 112 of the 112·112 pixels would be one column.

use super::Geometry;

/// What an output costs beside its products, in multiply-accumulates: three requantizations and the counting.
const OUTPUT_COST: usize = 64;

/// Positions of `geometry` whose outputs cost about as much as `budget` multiply-accumulates, ascending; at least one, and
/// all of them where the budget allows it. `run` numbers the samples, so that they do not all look at the same pixels.
pub fn positions(geometry: &dyn Geometry, budget: usize, run: usize) -> Vec<usize> {
    let count = geometry.positions();
    let each = geometry.channels().saturating_mul(geometry.taps().saturating_add(OUTPUT_COST)).max(1);
    let wanted = (budget / each).max(1);
    if wanted >= count {
        return (0..count).collect();
    }
    let mut chosen: Vec<usize> = (0..wanted).map(|index| place(index, wanted, count, run * wanted + index)).collect();
    // Stretches shorter than two positions can meet in one.
    chosen.dedup();
    chosen
}

/// A place in stretch `index` of `wanted` equal ones: the `turn`-th of a sequence that fills the stretch evenly.
fn place(index: usize, wanted: usize, count: usize, turn: usize) -> usize {
    // The fraction of turn·0.618…, as 32 bits: Weyl's sequence.
    const GOLDEN: u64 = 2_654_435_769;
    let fraction = (turn as u64).wrapping_mul(GOLDEN) & 0xFFFF_FFFF;
    let scaled = ((u128::from(fraction) + ((index as u128) << 32)) * count as u128 / wanted as u128) >> 32;
    // Below `count`, since index + fraction < wanted.
    usize::try_from(scaled).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::integer::{ConvGeometry, ConvSettings};

    #[test]
    fn small_layers_are_computed_whole() {
        let geometry = ConvGeometry::new(&ConvSettings::default(), &[1, 2, 6, 6], &[3, 2, 3, 3]).unwrap();
        // 16 positions of 3 outputs each: 3·(18 + 64) = 246.
        assert_eq!(positions(&geometry, 16 * 246, 0), (0..16).collect::<Vec<_>>());
        let fewer = positions(&geometry, 16 * 246 - 1, 0);
        assert!(fewer.len() <= 15 && fewer.windows(2).all(|pair| pair[0] < pair[1]), "{fewer:?}");
        assert_eq!(positions(&geometry, 1, 0).len(), 1);
    }

    #[test]
    fn positions_are_one_a_stretch_and_in_all_columns() {
        let geometry = ConvGeometry::new(&ConvSettings::default(), &[1, 1, 112, 112], &[1, 1, 1, 1]).unwrap();
        for run in 0..3 {
            let chosen = positions(&geometry, 112 * 65, run);
            assert!(chosen.iter().enumerate().all(|(row, p)| p / 112 == row), "{chosen:?}");
            let mut columns: Vec<usize> = chosen.iter().map(|p| p % 112 / 16).collect();
            columns.sort_unstable();
            columns.dedup();
            assert_eq!(columns, [0, 1, 2, 3, 4, 5, 6]);
        }
        assert_ne!(positions(&geometry, 112 * 65, 0), positions(&geometry, 112 * 65, 1));
    }
}
