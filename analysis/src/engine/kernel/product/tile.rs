//! The hot loop of a matrix product: some rows of one matrix and a panel of another.
//!
//! Every output is a chain of fused multiply-adds over a block of the depth, from its first product on, and the blocks'
//! results are added one after the other: so onnxruntime's kernels add on x86-64. Outputs do not depend on each other, so
//! it does not matter how many are computed at a time, and every vector extension gives the same bits.

use super::rows::{Rows, tile_rows};
use crate::quant::wide::fused;

/// Columns of a panel.
pub(in crate::engine::kernel) const PANEL: usize = 32;
/// Floats of the panels that go by for a tile of rows: an eighth of a second-level cache of a megabyte.
const PASSING_FLOATS: usize = 1 << 15;
/// Half a panel: one register of the widest extension.
const HALF: usize = PANEL / 2;

/// How many panels of this depth should be multiplied at a time.
pub(super) fn panels_at_a_time(depth: usize) -> usize {
    (PASSING_FLOATS / (depth * PANEL)).clamp(1, 8)
}

/// Some columns of a product.
pub(in crate::engine::kernel) struct Output<'a, 'b> {
    /// Row by row, with columns before and behind them.
    pub(in crate::engine::kernel) rows: &'a mut [&'b mut [f32]],
    /// The first of the columns.
    pub(in crate::engine::kernel) first: usize,
    /// How many columns there are.
    pub(in crate::engine::kernel) width: usize,
}

fused! {
    /// The product of all `rows` and panels `[depth][PANEL]`, in blocks of so many of the depth. The panels should be few:
    /// they go by once for each tile of rows, so that outputs are written a stretch at a time.
    pub(in crate::engine::kernel) fn multiply(
        rows: Rows<'_>,
        block: usize,
        panels: &[f32],
        output: Output<'_, '_>,
    ) = multiply_body;
}

#[inline(always)]
fn multiply_body(rows: Rows<'_>, block: usize, panels: &[f32], mut output: Output<'_, '_>) {
    let Rows { values, depth, most } = rows;
    let count = values.len() / depth;
    let mut from = 0;
    while from < depth {
        let len = block.min(depth - from);
        let mut row = 0;
        while row < count {
            let rows = tile_rows(count - row, most);
            let factors = &values[row * depth + from * rows..][..len * rows];
            for (index, panel) in panels.chunks_exact(depth * PANEL).enumerate() {
                let (panel, _) = panel[from * PANEL..][..len * PANEL].as_chunks();
                let part = Part { factors, panel, row, column: index * PANEL, is_first: from == 0 };
                match rows {
                    12 => part.tile::<12>(&mut output),
                    6 => part.tile::<6>(&mut output),
                    4 => part.tile::<4>(&mut output),
                    2 => part.tile::<2>(&mut output),
                    _ => part.tile::<1>(&mut output),
                }
            }
            row += rows;
        }
        from += len;
    }
}

/// A block of the depth of one tile.
struct Part<'a> {
    /// `[depth][rows]`.
    factors: &'a [f32],
    panel: &'a [[f32; PANEL]],
    /// The tile's first row and column.
    row: usize,
    column: usize,
    is_first: bool,
}

impl Part<'_> {
    #[inline(always)]
    fn tile<const N: usize>(&self, output: &mut Output<'_, '_>) {
        let mut sums = [[[0.0_f32; HALF]; 2]; N];
        let (factors, _) = self.factors.as_chunks::<N>();
        for (factors, values) in factors.iter().zip(self.panel) {
            let [left, right] = halves(values);
            for n in 0..N {
                let [a, b] = sums[n];
                sums[n] = [fused_add(factors[n], left, a), fused_add(factors[n], right, b)];
            }
        }
        for (n, sums) in sums.into_iter().enumerate() {
            let width = PANEL.min(output.width - self.column);
            let out = &mut output.rows[self.row + n][output.first + self.column..][..width];
            match <&mut [f32; PANEL]>::try_from(&mut *out) {
                Ok(out) => put(sums, out, self.is_first),
                Err(_) => {
                    let mut whole = [0.0; PANEL];
                    whole[..out.len()].copy_from_slice(out);
                    put(sums, &mut whole, self.is_first);
                    out.copy_from_slice(&whole[..out.len()]);
                }
            }
        }
    }
}

/// A row of a panel as two registers. Loops and no closures, here and below: one that the compiler does not inline would
/// be compiled without the extension, and a fused product be a call of the mathematics library.
#[inline(always)]
fn halves(values: &[f32; PANEL]) -> [[f32; HALF]; 2] {
    let mut halves = [[0.0; HALF]; 2];
    halves[0].copy_from_slice(&values[..HALF]);
    halves[1].copy_from_slice(&values[HALF..]);
    halves
}

#[inline(always)]
fn fused_add(factor: f32, values: [f32; HALF], mut sums: [f32; HALF]) -> [f32; HALF] {
    for lane in 0..HALF {
        sums[lane] = factor.mul_add(values[lane], sums[lane]);
    }
    sums
}

/// Writes a row's sums, or adds them to those of the blocks before. Loops of known length alone: an address taken of the
/// sums would keep them out of registers all the time.
#[inline(always)]
fn put(sums: [[f32; HALF]; 2], out: &mut [f32; PANEL], is_first: bool) {
    for half in 0..2 {
        for lane in 0..HALF {
            let out = &mut out[half * HALF + lane];
            *out = if is_first { sums[half][lane] } else { *out + sums[half][lane] };
        }
    }
}
