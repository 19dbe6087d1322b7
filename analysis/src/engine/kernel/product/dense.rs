//! Rows of values times a matrix of weights.
//!
//! The weights are packed once: onnxruntime, which is not to prepare what an export computes by `DequantizeLinear`, packs
//! them at every run. Rows of several runs go through a panel while it is in the processor's cache, since reading the
//! weights of a text model takes longer than multiplying a sentence with them.

use std::ops::Range;

use rayon::prelude::*;

use super::{
    rows::{self, PackedRows},
    tile::{Output, PANEL, multiply, panels_at_a_time},
};
use crate::{buffer::Pool, onnx::SharedFloats, parallel::grain};

/// Rows of one task, where a product is spread over the cores.
const TASK_ROWS: usize = 24;

/// Weights `[depth, columns]`.
#[derive(Debug)]
pub(in crate::engine::kernel) struct Dense {
    depth: usize,
    columns: usize,
    /// As panels `[depth][PANEL]`; columns behind the last are 0.
    panels: SharedFloats,
}

/// One product with weights that several use.
pub(in crate::engine::kernel) struct Rows<'a> {
    pub(in crate::engine::kernel) input: &'a [f32],
    /// How much of the depth is summed at a time.
    pub(in crate::engine::kernel) block: usize,
    pub(in crate::engine::kernel) output: &'a mut [f32],
}

impl Dense {
    /// Packs weights; `None` where they are empty or their number is another.
    pub(in crate::engine::kernel) fn new(depth: usize, columns: usize, weights: &[f32], pool: &Pool) -> Option<Self> {
        if weights.is_empty() || weights.len() != depth.checked_mul(columns)? {
            return None;
        }
        let panels = SharedFloats::filled(pool, depth * columns.next_multiple_of(PANEL), |panels| {
            for (index, panel) in panels.chunks_exact_mut(depth * PANEL).enumerate() {
                let width = PANEL.min(columns - index * PANEL);
                for (to, from) in panel.chunks_exact_mut(PANEL).zip(weights.chunks_exact(columns)) {
                    to[..width].copy_from_slice(&from[index * PANEL..][..width]);
                    to[width..].fill(0.0);
                }
            }
        });
        Some(Self { depth, columns, panels })
    }

    /// Values of a row.
    pub(in crate::engine::kernel) fn depth(&self) -> usize {
        self.depth
    }

    /// Values of a row of the product.
    pub(in crate::engine::kernel) fn columns(&self) -> usize {
        self.columns
    }

    /// All products.
    pub(in crate::engine::kernel) fn multiply(&self, work: &mut [Rows<'_>]) {
        let rows: Vec<_> = work.iter().map(|rows| PackedRows::for_now(rows.input, self.depth)).collect();
        let passing = panels_at_a_time(self.depth);
        let groups = self.columns.div_ceil(passing * PANEL);
        let range = |index: usize| index * passing..(index + 1) * passing;
        if grain() == 1 {
            for (rows, Rows { block, output, .. }) in rows.iter().zip(work) {
                let parts = output.par_chunks_mut(TASK_ROWS * self.columns).zip(rows.parts(TASK_ROWS));
                parts.for_each(|(output, rows)| {
                    let mut output: Vec<_> = output.chunks_exact_mut(self.columns).collect();
                    (0..groups).for_each(|index| self.group(range(index), rows, *block, &mut output));
                });
            }
            return;
        }
        let mut outputs: Vec<(usize, Vec<&mut [f32]>)> = Vec::with_capacity(work.len());
        for Rows { block, output, .. } in work {
            outputs.push((*block, output.chunks_exact_mut(self.columns).collect()));
        }
        for index in 0..groups {
            for (rows, (block, output)) in rows.iter().zip(&mut outputs) {
                self.group(range(index), rows.all(), *block, output);
            }
        }
    }

    /// Multiplies rows with some panels.
    fn group(&self, panels: Range<usize>, rows: rows::Rows<'_>, block: usize, output: &mut [&mut [f32]]) {
        let (start, end) = (panels.start * PANEL, (panels.end * PANEL).min(self.columns));
        let values = &self.panels[start * self.depth..end.next_multiple_of(PANEL) * self.depth];
        multiply(rows, block, values, Output { rows: output, first: start, width: end - start });
    }
}
