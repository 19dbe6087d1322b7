//! A depthwise convolution with what follows it in its segment.

use rayon::prelude::*;

use super::{
    geometry::{Geometry, Window},
    plane::{self, Channel, Scratch},
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

    /// Whether both read an input in the same way.
    pub(super) fn reads_as(&self, other: &Self) -> bool {
        self.window == other.window && self.tails.len() == other.tails.len()
    }

    fn channel<'a>(&'a self, index: usize, output: &'a mut [f32]) -> Channel<'a> {
        let (channel, taps) = (index % self.tails.len(), self.window.kernel[0] * self.window.kernel[1]);
        Channel { weights: &self.weights[channel * taps..][..taps], tail: &self.tails[channel], output }
    }
}

/// A convolution with an input that several have.
pub(super) struct Work<'a> {
    pub(super) op: &'a Depthwise,
    pub(super) output: &'a mut [f32],
}

/// Computes all channels of convolutions that read one input in the same way; false where a value is not finite, and no
/// output is then to be used.
pub(super) fn convolve(geometry: &Geometry, input: &[f32], works: &mut [Work<'_>]) -> bool {
    let (input_plane, output_plane) = (geometry.input_plane(), geometry.output_plane());
    if input.is_empty() || output_plane == 0 {
        return true;
    }
    if let [one, other] = works
        && grain() > 1
    {
        // As in a pass over several samples: a channel is laid out once.
        let mut scratch = Scratch::new(geometry);
        let outputs = one.output.chunks_exact_mut(output_plane).zip(other.output.chunks_exact_mut(output_plane));
        let channels = input.chunks_exact(input_plane).zip(outputs).enumerate();
        return channels.fold(true, |is_finite, (index, (input, (left, right)))| {
            plane::fill(geometry, input, &mut scratch.phases);
            let mut convolve =
                |op: &Depthwise, output| plane::convolve(geometry, op.channel(index, output), &mut scratch);
            is_finite & convolve(one.op, left) & convolve(other.op, right)
        });
    }
    works.iter_mut().all(|Work { op, output }| {
        let channels = output.par_chunks_exact_mut(output_plane).zip(input.par_chunks_exact(input_plane)).enumerate();
        let run = |scratch: &mut Scratch, (index, (output, input)): (usize, (&mut [f32], &[f32]))| {
            plane::fill(geometry, input, &mut scratch.phases);
            plane::convolve(geometry, op.channel(index, output), scratch)
        };
        channels.with_min_len(grain()).map_init(|| Scratch::new(geometry), run).reduce(|| true, |a, b| a && b)
    })
}
