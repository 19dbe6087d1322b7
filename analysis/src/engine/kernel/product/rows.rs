//! Rows of a matrix laid out for the tiles that multiply them: those of a tile side by side, so that the loop over the
//! depth reads one stream of factors, which it need not check.

use std::ops::Deref;

use rayon::prelude::*;

use crate::{
    buffer::{Pool, Scratch},
    onnx::SharedFloats,
    quant::wide::{Extension, extension},
};

/// Rows of `depth` values each, packed by [`pack`].
#[derive(Clone, Copy)]
pub(in crate::engine::kernel) struct Rows<'a> {
    /// Tile by tile `[depth][rows of the tile]`.
    pub(super) values: &'a [f32],
    pub(super) depth: usize,
    /// The most rows that a tile has.
    pub(super) most: usize,
}

/// Rows of `depth` values each, packed once.
#[derive(Debug)]
pub(in crate::engine::kernel) struct PackedRows<V = SharedFloats> {
    values: V,
    depth: usize,
    most: usize,
}

impl PackedRows {
    /// Packs rows of `depth` values, which is not 0.
    pub(in crate::engine::kernel) fn new(rows: &[f32], depth: usize, pool: &Pool) -> Self {
        let most = most_rows();
        let values = SharedFloats::filled(pool, rows.len(), |packed| pack(rows, depth, most, packed));
        Self { values, depth, most }
    }
}

impl PackedRows<Scratch> {
    /// The same, for one product.
    pub(super) fn for_now(rows: &[f32], depth: usize) -> Self {
        let (most, mut values) = (most_rows(), Scratch::take(rows.len()));
        pack(rows, depth, most, &mut values);
        Self { values, depth, most }
    }
}

impl<V: Deref<Target = [f32]>> PackedRows<V> {
    /// All rows.
    pub(in crate::engine::kernel) fn all(&self) -> Rows<'_> {
        Rows { values: &self.values, depth: self.depth, most: self.most }
    }

    /// The rows in parts of `count`, which is a multiple of 12, the last part perhaps smaller.
    pub(super) fn parts(&self, count: usize) -> impl IndexedParallelIterator<Item = Rows<'_>> {
        let (depth, most) = (self.depth, self.most);
        self.values.par_chunks(count * depth).map(move |values| Rows { values, depth, most })
    }
}

/// How many rows a tile has at most here: as many accumulators as there are registers for, 24 of 32, or 8 of 16 on AVX2
/// (a panel is four there).
pub(super) fn most_rows() -> usize {
    if extension() == Extension::Avx512 { 12 } else { 2 }
}

/// Rows of the next tile where `left` are left.
#[inline(always)]
pub(super) fn tile_rows(left: usize, most: usize) -> usize {
    match left.min(most) {
        12.. => 12,
        8.. => 8,
        6.. => 6,
        4.. => 4,
        2.. => 2,
        few => few,
    }
}

/// Packs rows of `depth` values into as much memory.
pub(super) fn pack(rows: &[f32], depth: usize, most: usize, packed: &mut [f32]) {
    let (mut rows, mut packed) = (rows, packed);
    while !rows.is_empty() {
        let count = tile_rows(rows.len() / depth, most);
        let (tile, rest) = rows.split_at(count * depth);
        let (out, behind) = packed.split_at_mut(count * depth);
        for (row, values) in tile.chunks_exact(depth).enumerate() {
            out[row..].iter_mut().step_by(count).zip(values).for_each(|(out, value)| *out = *value);
        }
        (rows, packed) = (rest, behind);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tile_s_rows_lie_side_by_side() {
        // Three rows of two: a tile of two, a tile of one.
        let mut packed = [0.0; 6];
        pack(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 2, 12, &mut packed);
        assert_eq!(packed, [1.0, 3.0, 2.0, 4.0, 5.0, 6.0]);
        let sizes = |mut left: usize, most| {
            std::iter::from_fn(|| {
                let next = tile_rows(left, most);
                left -= next;
                (next > 0).then_some(next)
            })
            .collect::<Vec<_>>()
        };
        assert_eq!((sizes(39, 12), sizes(5, 2)), (vec![12, 12, 12, 2, 1], vec![2, 2, 1]));
        assert_eq!(sizes(21, 12), [12, 8, 1]);
    }
}
