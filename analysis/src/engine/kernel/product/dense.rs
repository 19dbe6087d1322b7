//! Rows of values times a matrix of weights.
//!
//! The weights are packed once: onnxruntime, which is not to prepare what an export computes by `DequantizeLinear`, packs
//! them at every run. Rows of several runs go through a panel while it is in the processor's cache, since reading the
//! weights of a text model takes longer than multiplying a sentence with them.

use rayon::prelude::*;

use super::tile::{Output, PANEL, multiply};
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
        if grain() == 1 {
            for Rows { input, block, output } in work {
                let parts =
                    output.par_chunks_mut(TASK_ROWS * self.columns).zip(input.par_chunks(TASK_ROWS * self.depth));
                parts.for_each(|(output, input)| {
                    for index in 0..self.columns.div_ceil(PANEL) {
                        self.panel(index, input, *block, output);
                    }
                });
            }
            return;
        }
        for index in 0..self.columns.div_ceil(PANEL) {
            for Rows { input, block, output } in &mut *work {
                self.panel(index, input, *block, output);
            }
        }
    }

    fn panel(&self, index: usize, input: &[f32], block: usize, output: &mut [f32]) {
        let panel = &self.panels[index * self.depth * PANEL..][..self.depth * PANEL];
        let width = PANEL.min(self.columns - index * PANEL);
        let values = &mut output[index * PANEL..];
        multiply(input, self.depth, block, panel, Output { values, pitch: self.columns, width });
    }
}
