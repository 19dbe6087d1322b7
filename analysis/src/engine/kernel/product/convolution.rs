//! A convolution over height and width whose outputs see all channels, with what follows it in its segment.
//!
//! onnxruntime copies the input into a matrix and that into panels, once for each product. Here the panels are written
//! directly, a strip of columns at a time, and stay in the processor's cache for every set of weights that is to be
//! multiplied with them: a layer's float weights and its quantized ones see the same input.

use rayon::prelude::*;

use super::{
    pack::pack,
    rows::PackedRows,
    tile::{Output, PANEL, multiply, panels_at_a_time},
};
use crate::{
    buffer::Pool,
    engine::kernel::{
        geometry::{Geometry, Window},
        plane::oddness,
        tail::Tail,
    },
    parallel::grain,
    quant::wide::wide,
};

/// Floats of a strip: a quarter of a second-level cache of a megabyte, beside weights and outputs.
const STRIP_FLOATS: usize = 1 << 16;
/// Rows of one task, where a product is spread over the cores: a multiple of what a tile has, see [`PackedRows::parts`].
const TASK_ROWS: usize = 24;

/// Weights `[outputs, channels, height, width]` over windows of the input.
#[derive(Debug)]
pub(in crate::engine::kernel) struct Convolution {
    pub(in crate::engine::kernel) window: Window,
    pub(in crate::engine::kernel) channels: usize,
    weights: PackedRows,
    /// One an output.
    pub(in crate::engine::kernel) tails: Vec<Tail>,
}

/// One convolution of an input that several see.
pub(in crate::engine::kernel) struct Work<'a> {
    pub(in crate::engine::kernel) convolution: &'a Convolution,
    /// How much of the depth is summed at a time.
    pub(in crate::engine::kernel) block: usize,
    pub(in crate::engine::kernel) output: &'a mut [f32],
}

impl Convolution {
    /// `weights` are those of an output after those of the other; `None` where their number is not the windows'.
    pub(in crate::engine::kernel) fn new(
        window: Window,
        channels: usize,
        weights: &[f32],
        tails: Vec<Tail>,
        pool: &Pool,
    ) -> Option<Self> {
        let depth = channels.checked_mul(window.kernel[0])?.checked_mul(window.kernel[1])?;
        if weights.is_empty() || weights.len() != depth.checked_mul(tails.len())? {
            return None;
        }
        Some(Self { window, channels, weights: PackedRows::new(weights, depth, pool), tails })
    }

    /// Products to an output.
    pub(in crate::engine::kernel) fn depth(&self) -> usize {
        self.weights.depth()
    }

    /// Where its windows lie in an input of this shape; `None` where it does not fit.
    pub(in crate::engine::kernel) fn geometry(&self, shape: &[usize]) -> Option<Geometry> {
        Geometry::new(&self.window, self.channels, shape)
    }

    /// Whether another sees an input through the same windows.
    pub(in crate::engine::kernel) fn sees_as(&self, other: &Self) -> bool {
        self.window == other.window && self.channels == other.channels
    }
}

/// Computes convolutions that see `input` alike; false where a value is not finite, and no output is then to be used.
pub(in crate::engine::kernel) fn convolve(
    geometry: &Geometry,
    input: &[f32],
    work: &mut [Work<'_>],
    pool: &Pool,
) -> bool {
    let Some(first) = work.first() else { return true };
    let (window, depth, plane) = (&first.convolution.window, first.convolution.depth(), geometry.output_plane());
    // A core that works alone keeps a strip in its cache; several at a strip need enough of it for each.
    let spread = if grain() == 1 { 8 } else { 1 };
    let columns = (STRIP_FLOATS * spread / depth / PANEL * PANEL).clamp(PANEL, plane.next_multiple_of(PANEL));
    let mut strip = pool.take(columns * depth);
    let mut is_finite = true;
    for (image, input) in input.chunks_exact(geometry.channels * geometry.input_plane()).enumerate() {
        for from in (0..plane).step_by(columns) {
            let width = columns.min(plane - from);
            let strip = &mut strip[..width.next_multiple_of(PANEL) * depth];
            let group = if grain() == 1 { PANEL * depth } else { strip.len() };
            strip.par_chunks_mut(group).enumerate().with_min_len(grain()).for_each(|(index, panels)| {
                pack(geometry, window, input, from + index * group / depth, panels);
            });
            for Work { convolution, block, output } in &mut *work {
                let outputs = convolution.tails.len() * plane;
                let part = Part { geometry, strip, from, width, block: *block };
                is_finite &= part.fill(convolution, &mut output[image * outputs..][..outputs]);
            }
        }
    }
    is_finite
}

/// Some columns of the input's matrix, packed.
struct Part<'a> {
    geometry: &'a Geometry,
    strip: &'a [f32],
    from: usize,
    width: usize,
    block: usize,
}

impl Part<'_> {
    /// Computes these columns of all outputs of one image.
    fn fill(&self, convolution: &Convolution, output: &mut [f32]) -> bool {
        let (depth, plane) = (convolution.depth(), self.geometry.output_plane());
        let rows = if grain() == 1 { TASK_ROWS } else { convolution.tails.len().next_multiple_of(TASK_ROWS) };
        let parts = output.par_chunks_mut(rows * plane).zip(convolution.weights.parts(rows));
        parts
            .zip(convolution.tails.par_chunks(rows))
            .with_min_len(grain())
            .map(|((output, weights), tails)| {
                let passing = panels_at_a_time(depth);
                let mut is_finite = true;
                for (index, panels) in self.strip.chunks(passing * PANEL * depth).enumerate() {
                    let start = index * passing * PANEL;
                    let width = (passing * PANEL).min(self.width - start);
                    let at = self.from + start;
                    multiply(weights, self.block, panels, Output { values: &mut output[at..], pitch: plane, width });
                    let rows = output.chunks_exact_mut(plane).zip(tails);
                    is_finite &= rows.fold(true, |all, (row, tail)| finish(&mut row[at..][..width], tail) && all);
                }
                is_finite
            })
            .reduce(|| true, |a, b| a && b)
    }
}

wide! {
    /// What follows the sums of one output; false where a value is not finite.
    fn finish(values: &mut [f32], tail: &Tail) -> bool = finish_body;
}

#[inline(always)]
fn finish_body(values: &mut [f32], tail: &Tail) -> bool {
    let (tail, mut odd) = (*tail, 0);
    for value in values {
        let affine = tail.affine(*value);
        odd |= oddness(affine);
        *value = tail.bounded(affine);
    }
    odd == 0
}
