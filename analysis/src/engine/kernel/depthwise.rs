//! A depthwise convolution with what follows it in its segment.

use rayon::prelude::*;

use super::{
    geometry::{Geometry, Window},
    plane::{self, Scratch},
    tail::Tail,
};
use crate::parallel::grain;

/// Each channel convolved with a kernel of its own, over height and width.
#[derive(Debug)]
pub(super) struct Depthwise {
    pub(super) window: Window,
    /// Kernel by kernel, as the model has them.
    pub(super) weights: Vec<f32>,
    /// One a channel.
    pub(super) tails: Vec<Tail>,
}

impl Depthwise {
    /// Where its taps lie in an input of this shape; `None` where it does not fit.
    pub(super) fn geometry(&self, shape: &[usize]) -> Option<Geometry> {
        Geometry::new(&self.window, self.tails.len(), shape)
    }

    /// Computes all channels; false where a value is not finite, and `output` is then not to be used.
    pub(super) fn run(&self, geometry: &Geometry, input: &[f32], output: &mut [f32]) -> bool {
        if input.is_empty() || output.is_empty() {
            return true;
        }
        let taps = geometry.taps.len();
        (output.par_chunks_mut(geometry.output_plane()))
            .zip(input.par_chunks(geometry.input_plane()))
            .enumerate()
            .with_min_len(grain())
            .map_init(
                || Scratch::new(geometry),
                |scratch, (index, (output, input))| {
                    let channel = index % geometry.channels;
                    plane::fill(geometry, input, &mut scratch.phases);
                    let weights = &self.weights[channel * taps..][..taps];
                    plane::convolve(geometry, weights, &self.tails[channel], scratch, output)
                },
            )
            .reduce(|| true, |a, b| a && b)
    }
}
