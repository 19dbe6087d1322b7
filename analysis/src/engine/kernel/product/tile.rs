//! The hot loop of a matrix product: some rows of one matrix and a panel of another.
//!
//! Every output is a chain of fused multiply-adds over a block of the depth, from its first product on, and the blocks'
//! results are added one after the other: so onnxruntime's kernels add on x86-64. Outputs do not depend on each other, so
//! it does not matter how many are computed at a time, and every vector extension gives the same bits.

use crate::quant::wide::{Extension, extension, fused};

/// Columns of a panel.
pub(super) const PANEL: usize = 32;
/// Half a panel: one register of the widest extension.
const HALF: usize = PANEL / 2;

/// One panel's columns of a product, or the left ones of them.
pub(super) struct Output<'a> {
    /// From the first of these columns in the first row on.
    pub(super) values: &'a mut [f32],
    /// From a row to the next.
    pub(super) pitch: usize,
    /// How many columns there are, at most [`PANEL`].
    pub(super) width: usize,
}

fused! {
    /// The product of all `rows`, of `depth` values each, and a panel `[depth][PANEL]`, in blocks of so many of the depth.
    pub(super) fn multiply(rows: &[f32], depth: usize, block: usize, panel: &[f32], output: Output<'_>) = multiply_body;
}

#[inline(always)]
fn multiply_body(rows: &[f32], depth: usize, block: usize, panel: &[f32], mut output: Output<'_>) {
    // As many accumulators as there are registers for: 24 of 32, or 8 of 16 on AVX2 (a panel is four there).
    let most = if extension() == Extension::Avx512 { 12 } else { 2 };
    let count = rows.len() / depth;
    let mut from = 0;
    while from < depth {
        let len = block.min(depth - from);
        let (panel, _) = panel[from * PANEL..][..len * PANEL].as_chunks();
        let part = Part { rows, depth, from, panel };
        let mut row = 0;
        while row < count {
            row += match (count - row).min(most) {
                12.. => part.tile::<12>(row, &mut output),
                8.. => part.tile::<8>(row, &mut output),
                4.. => part.tile::<4>(row, &mut output),
                2.. => part.tile::<2>(row, &mut output),
                _ => part.tile::<1>(row, &mut output),
            };
        }
        from += len;
    }
}

/// A block of the depth.
struct Part<'a> {
    rows: &'a [f32],
    depth: usize,
    from: usize,
    panel: &'a [[f32; PANEL]],
}

impl Part<'_> {
    /// `N` rows from `row` on; returns `N`.
    #[inline(always)]
    fn tile<const N: usize>(&self, row: usize, output: &mut Output<'_>) -> usize {
        let len = self.panel.len();
        let factors: [&[f32]; N] = std::array::from_fn(|n| &self.rows[(row + n) * self.depth + self.from..][..len]);
        let mut sums = [[[0.0_f32; HALF]; 2]; N];
        for (k, values) in self.panel.iter().enumerate() {
            for n in 0..N {
                let factor = factors[n][k];
                for half in 0..2 {
                    for lane in 0..HALF {
                        sums[n][half][lane] = factor.mul_add(values[half * HALF + lane], sums[n][half][lane]);
                    }
                }
            }
        }
        for (n, sums) in sums.into_iter().enumerate() {
            let out = &mut output.values[(row + n) * output.pitch..][..output.width];
            match <&mut [f32; PANEL]>::try_from(&mut *out) {
                Ok(out) => put(sums, out, self.from == 0),
                Err(_) => {
                    let mut whole = [0.0; PANEL];
                    whole[..out.len()].copy_from_slice(out);
                    put(sums, &mut whole, self.from == 0);
                    out.copy_from_slice(&whole[..out.len()]);
                }
            }
        }
        N
    }
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
