//! A convolution as products with a matrix of weights, with what follows it in its segment.
//!
//! The quantized pass asks of each layer what the plan's weights and the file's make of the same tensor: its panels are
//! made once for both, and outputs are finished while they are in the processor's cache.

mod strip;

#[cfg(test)]
mod tests;

use std::ops::Range;

use rayon::prelude::*;

use super::{
    geometry::{Geometry, Window},
    plane::LANES,
    product::{Output, PANEL, PackedRows, multiply},
    tail::{Tail, finish_in_place},
};
use crate::{
    buffer::{Pool, Scratch},
    parallel::grain,
};
use strip::Padded;

/// Floats of the panels that are made at a time: a quarter of a second-level cache of a megabyte.
const STRIP_FLOATS: usize = 1 << 16;
/// The most panels that are made at a time.
const MOST_PANELS: usize = 16;

/// A convolution over height and width.
#[derive(Debug)]
pub(in crate::engine::kernel) struct Convolution {
    pub(in crate::engine::kernel) window: Window,
    /// Channels of the input.
    channels: usize,
    /// Of each group of channels the weights, an output's after another's.
    groups: Vec<PackedRows>,
    /// One for each output channel.
    tails: Vec<Tail>,
}

/// A convolution with an input that several have.
pub(in crate::engine::kernel) struct Work<'a> {
    pub(in crate::engine::kernel) op: &'a Convolution,
    /// How much of the depth is summed at a time.
    pub(in crate::engine::kernel) block: usize,
    pub(in crate::engine::kernel) output: &'a mut [f32],
}

/// A stretch of the outputs of one image and group of channels.
struct Strip<'a> {
    columns: Range<usize>,
    parts: Vec<Part<'a>>,
}

/// What one convolution makes of a strip.
struct Part<'a> {
    weights: &'a PackedRows,
    tails: &'a [Tail],
    block: usize,
    /// The stretch of each output channel.
    outputs: Vec<&'a mut [f32]>,
}

impl Convolution {
    /// Weights `[outputs, channels of a group, taps]`; `None` where their number is another.
    pub(in crate::engine::kernel) fn new(
        window: Window,
        channels: usize,
        groups: usize,
        weights: &[f32],
        tails: Vec<Tail>,
        pool: &Pool,
    ) -> Option<Self> {
        let taps = window.kernel[0].checked_mul(window.kernel[1])?;
        let depth = channels.checked_div(groups)?.checked_mul(taps)?;
        let outputs = tails.len().checked_div(groups)?;
        let is_whole = channels.is_multiple_of(groups) && tails.len().is_multiple_of(groups);
        if !is_whole || weights.is_empty() || weights.len() != tails.len().checked_mul(depth)? {
            return None;
        }
        let groups =
            weights.chunks_exact(outputs * depth).map(|weights| PackedRows::new(weights, depth, pool)).collect();
        Some(Self { window, channels, groups, tails })
    }

    /// Where its taps lie in an input of this shape; `None` where it does not fit.
    pub(in crate::engine::kernel) fn geometry(&self, shape: &[usize]) -> Option<Geometry> {
        Geometry::new(&self.window, self.channels, shape)
    }

    /// Channels of the output.
    pub(in crate::engine::kernel) fn outputs(&self) -> usize {
        self.tails.len()
    }

    /// Output channels of one group.
    pub(in crate::engine::kernel) fn outputs_of_group(&self) -> usize {
        self.tails.len() / self.groups.len()
    }

    /// Products that an output sums.
    pub(in crate::engine::kernel) fn depth(&self) -> usize {
        self.channels / self.groups.len() * self.window.kernel[0] * self.window.kernel[1]
    }

    /// Whether both read an input in the same way.
    pub(in crate::engine::kernel) fn reads_as(&self, other: &Self) -> bool {
        self.window == other.window && self.channels == other.channels && self.groups.len() == other.groups.len()
    }
}

/// Computes convolutions that read one input in the same way; false where a value is not finite, and no output is then to
/// be used.
pub(in crate::engine::kernel) fn convolve(geometry: &Geometry, input: &[f32], works: &mut [Work<'_>]) -> bool {
    let Some(first) = works.first().map(|work| work.op) else { return true };
    let (groups, plane) = (first.groups.len(), geometry.output_plane());
    if input.is_empty() || plane == 0 {
        return true;
    }
    let tasks = if grain() == 1 { 2 * rayon::current_num_threads() } else { 1 };
    let columns = plane.div_ceil(tasks).next_multiple_of(PANEL);
    let mut is_finite = true;
    for (index, image) in input.chunks_exact(geometry.channels * geometry.input_plane()).enumerate() {
        let padded = Padded::new(geometry, image);
        for group in 0..groups {
            let mut strips = strips(works, (index, group), plane, columns);
            let channels = geometry.channels / groups;
            let channels = group * channels..(group + 1) * channels;
            let run = |strip: &mut Strip<'_>| strip.run(geometry, &padded, channels.clone());
            is_finite &= if let [strip] = strips.as_mut_slice() {
                run(strip)
            } else {
                strips.par_iter_mut().map(run).reduce(|| true, |a, b| a && b)
            };
        }
    }
    is_finite
}

/// The outputs of one image and group in stretches of so many of the plane.
fn strips<'a>(
    works: &'a mut [Work<'_>],
    (image, group): (usize, usize),
    plane: usize,
    columns: usize,
) -> Vec<Strip<'a>> {
    let starts = (0..plane).step_by(columns);
    let strip = |start| Strip { columns: start..plane.min(start + columns), parts: Vec::with_capacity(works.len()) };
    let mut strips: Vec<Strip<'a>> = starts.map(strip).collect();
    for Work { op, block, output } in works {
        let (outputs, groups) = (op.outputs_of_group(), op.groups.len());
        let channels = output.chunks_exact_mut(plane).skip((image * groups + group) * outputs).take(outputs);
        let (weights, tails) = (&op.groups[group], &op.tails[group * outputs..][..outputs]);
        let part = |_: &Strip<'_>| Part { weights, tails, block: *block, outputs: Vec::with_capacity(outputs) };
        let mut parts: Vec<Part<'a>> = strips.iter().map(part).collect();
        for channel in channels {
            parts.iter_mut().zip(channel.chunks_mut(columns)).for_each(|(part, stretch)| part.outputs.push(stretch));
        }
        strips.iter_mut().zip(parts).for_each(|(strip, part)| strip.parts.push(part));
    }
    strips
}

impl Strip<'_> {
    fn run(&mut self, geometry: &Geometry, padded: &Padded<'_>, channels: Range<usize>) -> bool {
        let depth = channels.len() * geometry.taps.len();
        let passing = (STRIP_FLOATS / (depth * PANEL)).clamp(1, MOST_PANELS) * PANEL;
        let most = self.columns.len().min(passing).next_multiple_of(PANEL);
        let mut panels = Scratch::take(most * depth + LANES);
        let mut is_finite = true;
        for first in self.columns.clone().step_by(passing) {
            let width = passing.min(self.columns.end - first);
            padded.pack(geometry, channels.clone(), first, width, &mut panels);
            let values = &panels[..width.next_multiple_of(PANEL) * depth];
            for part in &mut self.parts {
                is_finite &= part.run(values, first - self.columns.start, width);
            }
        }
        is_finite
    }
}

impl Part<'_> {
    /// The products with some panels, finished.
    fn run(&mut self, panels: &[f32], first: usize, width: usize) -> bool {
        multiply(self.weights.all(), self.block, panels, Output { rows: &mut self.outputs, first, width });
        let finish = |(output, tail): (&mut &mut [f32], &Tail)| finish_in_place(&mut output[first..][..width], tail);
        self.outputs.iter_mut().zip(self.tails).fold(true, |is_finite, output| is_finite & finish(output))
    }
}
