//! The second factor of a convolution as a matrix product: for some neighbouring outputs, the values under each tap.
//!
//! In the phases of a padded channel (see `geometry`) the values under one tap, for neighbouring outputs of one
//! row, are neighbours. So a stretch of outputs is a few runs, which are copied a register at a time; what a copy writes
//! behind its run the next one overwrites.

use std::ops::Range;

use crate::{
    buffer::Scratch,
    engine::kernel::{
        geometry::Geometry,
        plane::{LANES, fill},
        product::PANEL,
    },
    quant::wide::wide,
};

/// All channels of an image with their padding.
pub(super) enum Padded<'a> {
    /// Where there is none, and steps of one: the image itself.
    Image(&'a [f32]),
    Copy(Scratch),
}

/// Neighbouring outputs of one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    /// Place in the panel.
    to: usize,
    /// Place in the phases, from the tap's on.
    from: usize,
    len: usize,
}

impl<'a> Padded<'a> {
    /// Lays an image `[C, H, W]` out.
    pub(super) fn new(geometry: &Geometry, image: &'a [f32]) -> Self {
        if geometry.is_plain() {
            return Self::Image(image);
        }
        let mut copy = Scratch::take(geometry.channels * geometry.phases_len);
        let channels = copy.chunks_exact_mut(geometry.phases_len).zip(image.chunks_exact(geometry.input_plane()));
        for (phases, channel) in channels {
            phases.fill(0.0);
            fill(geometry, channel, phases);
        }
        Self::Copy(copy)
    }

    /// Writes the panels `[depth][PANEL]` of so many outputs from `first` on, a channel's taps after another's, for some
    /// channels. Behind the last panel there is room for a register.
    pub(super) fn pack(
        &self,
        geometry: &Geometry,
        channels: Range<usize>,
        first: usize,
        width: usize,
        panels: &mut [f32],
    ) {
        let (values, pitch): (&[f32], _) = match self {
            Self::Image(image) => (image, geometry.input_plane()),
            Self::Copy(copy) => (copy, geometry.phases_len),
        };
        let depth = channels.len() * geometry.taps.len();
        let values = &values[channels.start * pitch..];
        for (index, start) in (0..width).step_by(PANEL).enumerate() {
            let runs = runs(geometry, first + start, PANEL.min(width - start));
            pack(values, pitch, channels.len(), &geometry.taps, &runs, &mut panels[index * depth * PANEL..]);
        }
    }
}

/// The runs of `width` outputs from `first` on.
fn runs(geometry: &Geometry, first: usize, width: usize) -> Vec<Run> {
    let (row_len, pitch) = (geometry.columns.output, geometry.columns.phase);
    let mut runs: Vec<Run> = Vec::new();
    let mut to = 0;
    while to < width {
        let (y, x) = ((first + to) / row_len, (first + to) % row_len);
        let run = Run { to, from: y * pitch + x, len: (row_len - x).min(width - to) };
        to += run.len;
        match runs.last_mut() {
            Some(last) if last.from + last.len == run.from => last.len += run.len,
            _ => runs.push(run),
        }
    }
    runs
}

wide! {
    /// One panel.
    fn pack(values: &[f32], pitch: usize, channels: usize, taps: &[usize], runs: &[Run], panel: &mut [f32]) = pack_body;
}

#[inline(always)]
fn pack_body(values: &[f32], pitch: usize, channels: usize, taps: &[usize], runs: &[Run], panel: &mut [f32]) {
    let mut at = 0;
    for channel in 0..channels {
        for tap in taps {
            let source = &values[channel * pitch + tap..];
            let target = &mut panel[at..];
            for run in runs {
                copy(&source[run.from..], &mut target[run.to..], run.len);
            }
            at += PANEL;
        }
    }
}

/// Copies `len` values, and what is behind them up to a register where both sides have it.
#[inline(always)]
fn copy(source: &[f32], target: &mut [f32], len: usize) {
    let mut done = 0;
    while done < len {
        let (source, target) = (&source[done..], &mut target[done..]);
        match (source.first_chunk::<LANES>(), target.first_chunk_mut::<LANES>()) {
            (Some(source), Some(target)) => *target = *source,
            _ => {
                let rest = len - done;
                target[..rest].copy_from_slice(&source[..rest]);
                return;
            }
        }
        done += LANES;
    }
}
