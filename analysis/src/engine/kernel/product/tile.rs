//! The hot loop of a matrix product: some rows of one matrix and a panel of another.
//!
//! Every output is a chain of fused multiply-adds over a block of the depth, from its first product on, and the blocks'
//! results are added one after the other: so onnxruntime's kernels add on x86-64. Outputs do not depend on each other, so
//! it does not matter how many are computed at a time, and every vector extension gives the same bits.
//!
//! Written in the processor's own instructions: left to the compiler, the same loop over arrays took rows for lanes or
//! called the mathematics library for every product, depending on what stood around it, and was forty times as slow then.

use std::ops::Range;

use super::rows::{Rows, tile_rows};
use crate::quant::wide::{Extension, extension};

/// Columns of a panel.
pub(in crate::engine::kernel) const PANEL: usize = 32;
/// Floats of the panels that go by for a tile of rows: an eighth of a second-level cache of a megabyte.
const PASSING_FLOATS: usize = 1 << 15;

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

/// The product of all `rows` and panels `[depth][PANEL]`, in blocks of so many of the depth. The panels should be few: they
/// go by once for each tile of rows, so that outputs are written a stretch at a time.
pub(in crate::engine::kernel) fn multiply(rows: Rows<'_>, block: usize, panels: &[f32], mut output: Output<'_, '_>) {
    let Rows { values, depth, most } = rows;
    let (count, extension) = (values.len() / depth, extension());
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
                    12 => part.tile::<12>(extension, &mut output),
                    8 => part.tile::<8>(extension, &mut output),
                    6 => part.tile::<6>(extension, &mut output),
                    4 => part.tile::<4>(extension, &mut output),
                    2 => part.tile::<2>(extension, &mut output),
                    _ => part.tile::<1>(extension, &mut output),
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
    fn tile<const N: usize>(&self, extension: Extension, output: &mut Output<'_, '_>) {
        let (factors, _) = self.factors.as_chunks::<N>();
        let (width, first) = (PANEL.min(output.width - self.column), output.first + self.column);
        let (rows, _) = output.rows[self.row..self.row + N].as_chunks_mut::<N>();
        let rows = &mut rows[0];
        if width == PANEL {
            add(extension, factors, self.panel, rows, first..first + width, self.is_first);
            return;
        }
        let mut whole = [[0.0; PANEL]; N];
        for (whole, row) in whole.iter_mut().zip(&*rows) {
            whole[..width].copy_from_slice(&row[first..first + width]);
        }
        // Of a panel of which half or more is empty, the other half alone.
        let columns = 0..if width > PANEL / 2 { PANEL } else { PANEL / 2 };
        add(extension, factors, self.panel, &mut whole, columns, self.is_first);
        for (whole, row) in whole.iter().zip(rows) {
            row[first..first + width].copy_from_slice(&whole[..width]);
        }
    }
}

/// Writes `N` rows' sums to these columns, which are as many as a panel has or half of them, or adds them to those of the
/// blocks before.
#[inline(always)]
fn add<const N: usize>(
    extension: Extension,
    factors: &[[f32; N]],
    panel: &[[f32; PANEL]],
    out: &mut [impl AsMut<[f32]>; N],
    columns: Range<usize>,
    is_first: bool,
) {
    match extension {
        #[cfg(target_arch = "x86_64")]
        #[expect(unsafe_code, reason = "the features were detected; the function is safe Rust")]
        // SAFETY: `Avx512` stands for the features that the function needs.
        Extension::Avx512 => unsafe { avx512::add(factors, panel, out, columns, is_first) },
        #[cfg(target_arch = "x86_64")]
        #[expect(unsafe_code, reason = "the features were detected; the function is safe Rust")]
        // SAFETY: `Avx2` stands for the features that the function needs.
        Extension::Avx2 => unsafe { avx2::add(factors, panel, out, columns, is_first) },
        _ => plain(factors, panel, out, columns, is_first),
    }
}

/// Without instructions of its own; on aarch64 the compiler finds them.
fn plain<const N: usize>(
    factors: &[[f32; N]],
    panel: &[[f32; PANEL]],
    out: &mut [impl AsMut<[f32]>; N],
    columns: Range<usize>,
    is_first: bool,
) {
    let mut sums = [[0.0_f32; PANEL]; N];
    for (factors, values) in factors.iter().zip(panel) {
        for (factor, sums) in factors.iter().zip(&mut sums) {
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum = factor.mul_add(*value, *sum);
            }
        }
    }
    for (sums, out) in sums.iter().zip(out) {
        for (sum, out) in sums.iter().zip(&mut out.as_mut()[columns.clone()]) {
            *out = if is_first { *sum } else { *out + *sum };
        }
    }
}

/// A module with the loop over registers of so many lanes.
#[cfg(target_arch = "x86_64")]
macro_rules! tile {
    (
        $name:ident, $features:literal, $lanes:literal,
        $register:ident, $zero:ident, $load:ident, $store:ident, $splat:ident, $fused:ident, $add:ident
    ) => {
        mod $name {
            use std::arch::x86_64::{$add, $fused, $load, $register, $splat, $store, $zero};

            use super::{PANEL, Range};

            #[inline]
            #[target_feature(enable = $features)]
            pub(super) fn add<const N: usize>(
                factors: &[[f32; N]],
                panel: &[[f32; PANEL]],
                out: &mut [impl AsMut<[f32]>; N],
                columns: Range<usize>,
                is_first: bool,
            ) {
                if columns.len() == PANEL {
                    add_registers::<N, { PANEL / $lanes }>(factors, panel, out, columns.start, is_first);
                } else {
                    add_registers::<N, { PANEL / 2 / $lanes }>(factors, panel, out, columns.start, is_first);
                }
            }

            /// `REGISTERS` of each of `N` rows, from column `first` on.
            #[target_feature(enable = $features)]
            fn add_registers<const N: usize, const REGISTERS: usize>(
                factors: &[[f32; N]],
                panel: &[[f32; PANEL]],
                out: &mut [impl AsMut<[f32]>; N],
                first: usize,
                is_first: bool,
            ) {
                let mut sums = [[$zero(); REGISTERS]; N];
                for (factors, values) in factors.iter().zip(panel) {
                    let mut columns = [$zero(); REGISTERS];
                    for register in 0..REGISTERS {
                        columns[register] = load(&values[register * $lanes..]);
                    }
                    for row in 0..N {
                        let factor = $splat(factors[row]);
                        for register in 0..REGISTERS {
                            sums[row][register] = $fused(factor, columns[register], sums[row][register]);
                        }
                    }
                }
                for row in 0..N {
                    let out = &mut out[row].as_mut()[first..];
                    for register in 0..REGISTERS {
                        let (sum, out) = (sums[row][register], &mut out[register * $lanes..]);
                        store(if is_first { sum } else { $add(load(out), sum) }, out);
                    }
                }
            }

            #[inline]
            #[target_feature(enable = $features)]
            fn load(values: &[f32]) -> $register {
                let values = &values[..$lanes];
                #[expect(unsafe_code, reason = "a register read from memory")]
                // SAFETY: there are as many values as a register has lanes; it need not be aligned.
                unsafe {
                    $load(values.as_ptr())
                }
            }

            #[inline]
            #[target_feature(enable = $features)]
            fn store(register: $register, values: &mut [f32]) {
                let values = &mut values[..$lanes];
                #[expect(unsafe_code, reason = "a register written to memory")]
                // SAFETY: as in `load`.
                unsafe {
                    $store(values.as_mut_ptr(), register);
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
tile!(
    avx512,
    "avx512f,avx512bw,avx512dq,avx512vl,fma",
    16,
    __m512,
    _mm512_setzero_ps,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_set1_ps,
    _mm512_fmadd_ps,
    _mm512_add_ps
);
#[cfg(target_arch = "x86_64")]
tile!(
    avx2,
    "avx2,fma",
    8,
    __m256,
    _mm256_setzero_ps,
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_set1_ps,
    _mm256_fmadd_ps,
    _mm256_add_ps
);
