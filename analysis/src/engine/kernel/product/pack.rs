//! The input of a convolution as the matrix whose product with the weights it is, some columns at a time.
//!
//! Row `(channel, y, x)` of the matrix holds what this place of the kernel sees, column by column, that is output by
//! output. It is written in panels, and never as a whole: for a kernel of three by three it is nine times the input.

use super::tile::PANEL;
use crate::engine::kernel::geometry::{Axis, Geometry, Window};

/// Where one kernel place reads along an axis: output `o` sees input `o · stride + offset`, if there is one.
#[derive(Clone, Copy)]
struct Shift {
    stride: usize,
    /// Before the input where negative.
    offset: isize,
    input: usize,
}

impl Shift {
    #[expect(clippy::cast_possible_wrap, reason = "lengths of tensors in memory")]
    fn new(axis: Axis, reach: usize) -> Self {
        Self { stride: axis.stride, offset: reach as isize - axis.pad_begin as isize, input: axis.input }
    }

    /// The input position that output `at` sees.
    #[inline(always)]
    fn place(self, at: usize) -> Option<usize> {
        at.wrapping_mul(self.stride).checked_add_signed(self.offset).filter(|place| *place < self.input)
    }

    /// The outputs `0..count` that see the input: from, to.
    #[inline(always)]
    fn inside(self, count: usize) -> (usize, usize) {
        let before = self.offset.min(0).unsigned_abs();
        let from = before.div_ceil(self.stride).min(count);
        let to = self.input.saturating_add_signed(-self.offset).div_ceil(self.stride).min(count);
        (from, to.max(from))
    }
}

/// Writes the columns from `first` on as panels `[depth][PANEL]`, as many as `panels` holds; columns behind the last are 0.
pub(super) fn pack(geometry: &Geometry, window: &Window, input: &[f32], first: usize, panels: &mut [f32]) {
    let Window { kernel, dilations, .. } = *window;
    let depth = geometry.channels * kernel[0] * kernel[1];
    let columns = (panels.len() / depth).min(geometry.output_plane() - first);
    let is_plain = kernel == [1, 1] && (geometry.rows.is_plain() && geometry.columns.is_plain());
    let mut line = vec![0.0; panels.len() / depth];
    let mut k = 0;
    for channel in input.chunks_exact(geometry.input_plane()) {
        for y in 0..kernel[0] {
            let rows = Shift::new(geometry.rows, y * dilations[0]);
            for x in 0..kernel[1] {
                let source = if is_plain {
                    &channel[first..first + columns]
                } else {
                    let shift = Shift::new(geometry.columns, x * dilations[1]);
                    see(geometry, channel, (rows, shift), first, &mut line[..columns]);
                    &line[..columns]
                };
                for (panel, values) in panels.chunks_exact_mut(depth * PANEL).zip(source.chunks(PANEL)) {
                    match <&[f32; PANEL]>::try_from(values) {
                        Ok(values) => panel[k * PANEL..][..PANEL].copy_from_slice(values),
                        Err(_) => {
                            let (filled, rest) = panel[k * PANEL..][..PANEL].split_at_mut(values.len());
                            filled.copy_from_slice(values);
                            rest.fill(0.0);
                        }
                    }
                }
                k += 1;
            }
        }
    }
}

/// What one place of the kernel sees in one channel, for the outputs from `first` on.
fn see(geometry: &Geometry, channel: &[f32], (rows, columns): (Shift, Shift), first: usize, line: &mut [f32]) {
    let width = geometry.columns.output;
    let (from, to) = columns.inside(width);
    let (mut row, mut start, mut rest) = (first / width, first % width, line);
    while !rest.is_empty() {
        let count = (width - start).min(rest.len());
        let (out, behind) = rest.split_at_mut(count);
        let source = rows.place(row).map(|at| &channel[at * columns.input..][..columns.input]);
        // Outputs `start..start + count` of this row, of which `from..to` see the input.
        let (low, high) = (from.clamp(start, start + count), to.clamp(start, start + count));
        match source.zip(columns.place(low)).filter(|_| low < high) {
            Some((source, at)) => {
                out[..low - start].fill(0.0);
                let seen = &mut out[low - start..high - start];
                if columns.stride == 1 {
                    seen.copy_from_slice(&source[at..at + seen.len()]);
                } else {
                    let values = source[at..].iter().step_by(columns.stride);
                    seen.iter_mut().zip(values).for_each(|(out, value)| *out = *value);
                }
                out[high - start..].fill(0.0);
            }
            None => out.fill(0.0),
        }
        (row, start, rest) = (row + 1, 0, behind);
    }
}
