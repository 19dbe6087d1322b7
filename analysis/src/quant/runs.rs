//! Sends the channels of a tensor to a kernel, in parallel, and gives each channel's result.
//!
//! Stretches of a channel are merged in their order, wherever they ran, so no result depends on the number of threads.

use rayon::prelude::*;

use super::{channel::ChannelLayout, clipping::Clipping, fake::BLOCK};

/// Calls `kernel` with a channel and stretches of it, of at most [`BLOCK`] elements, that it changes.
///
/// # Panics
/// If `layout` is not the layout of `values`.
pub(super) fn channels_in_place(
    values: &mut [f32],
    layout: ChannelLayout,
    kernel: impl Fn(usize, &mut [f32]) -> Clipping + Sync,
) -> Vec<Clipping> {
    assert_eq!(values.len(), layout.len(), "the layout is the tensor's");
    let mut totals = vec![Clipping::default(); layout.channels];
    if values.is_empty() {
        return totals;
    }
    let stretch = |channel: usize, values: &mut [f32]| {
        let blocks: Vec<Clipping> = values.chunks_mut(BLOCK).map(|block| kernel(channel, block)).collect();
        Clipping::merged(&blocks)
    };
    if layout.has_long_runs() {
        let runs: Vec<Clipping> = (values.par_chunks_mut(layout.inner).enumerate())
            .with_min_len(BLOCK.div_ceil(layout.inner))
            .map(|(run, values)| stretch(run % layout.channels, values))
            .collect();
        for (run, clipping) in runs.iter().enumerate() {
            totals[run % layout.channels].merge(clipping);
        }
    } else {
        let blocks: Vec<Vec<Clipping>> = (values.par_chunks_mut(layout.rows_per_block(BLOCK) * layout.row()))
            .map(|rows| interleaved(rows, layout, stretch))
            .collect();
        for block in &blocks {
            totals.iter_mut().zip(block).for_each(|(total, clipping)| total.merge(clipping));
        }
    }
    totals
}

/// Whole rows of interleaved channels, each gathered, changed and put back.
fn interleaved(
    rows: &mut [f32],
    layout: ChannelLayout,
    stretch: impl Fn(usize, &mut [f32]) -> Clipping,
) -> Vec<Clipping> {
    let mut scratch = Vec::new();
    let channels = (0..layout.channels).map(|channel| {
        layout.gather(rows, channel, &mut scratch);
        let clipping = stretch(channel, &mut scratch);
        layout.scatter(&scratch, channel, rows);
        clipping
    });
    channels.collect()
}
