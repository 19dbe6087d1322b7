//! One channel: the hot loop.
//!
//! The products of four taps are added from the first to the last, and their sum is added to what the taps before have
//! given: so onnxruntime's product of one row and a matrix adds on x86-64 (its loop takes four rows of the matrix at a
//! time), then two taps, then one. No product is fused with an addition.

use super::{
    geometry::{Axis, Geometry},
    tail::Tail,
};
use crate::quant::wide::wide;

/// Stretches are filled up to a multiple of this, so that no loop has a remainder.
pub(super) const LANES: usize = 16;
/// The most taps a kernel may have: 11 by 11.
pub(super) const MOST_TAPS: usize = 121;

wide! {
    /// Lays a channel's input out in phases. What is padding was zero before and is not touched.
    pub(super) fn fill(geometry: &Geometry, input: &[f32], phases: &mut [f32]) = fill_body;
}

#[inline(always)]
fn fill_body(geometry: &Geometry, input: &[f32], phases: &mut [f32]) {
    let (rows, columns) = (geometry.rows, geometry.columns);
    let plane = rows.phase * columns.phase;
    for row_phase in 0..rows.stride {
        let (first_row, row_place) = rows.first_of(row_phase);
        for column_phase in 0..columns.stride {
            let at = (row_phase * columns.stride + column_phase) * plane;
            let (first_column, place) = columns.first_of(column_phase);
            // Counted: the iterators that say the same were not inlined here.
            let (mut row, mut to) = (first_row, at + row_place * columns.phase);
            while row < rows.input && to < at + plane {
                let source = &input[row * columns.input..][..columns.input];
                let target = &mut phases[to..][..columns.phase];
                copy_phase(source.get(first_column..).unwrap_or_default(), columns, &mut target[place..]);
                (row, to) = (row + rows.stride, to + columns.phase);
            }
        }
    }
}

#[inline(always)]
fn copy_phase(source: &[f32], columns: Axis, target: &mut [f32]) {
    match columns.stride {
        1 => copy(source, &mut target[..source.len()]),
        2 => {
            let (pairs, last) = source.as_chunks::<2>();
            for (to, [from, _]) in target.iter_mut().zip(pairs) {
                *to = *from;
            }
            if let ([from], Some(to)) = (last, target.get_mut(pairs.len())) {
                *to = *from;
            }
        }
        stride => target.iter_mut().zip(source.iter().step_by(stride)).for_each(|(to, from)| *to = *from),
    }
}

/// Copies all of a row, which is too short for a call of the library's function.
#[inline(always)]
fn copy(source: &[f32], target: &mut [f32]) {
    match source.len() {
        LANES.. => copy_by::<LANES>(source, target),
        8.. => copy_by::<8>(source, target),
        4.. => copy_by::<4>(source, target),
        _ => copy_by::<1>(source, target),
    }
}

/// The same, of at least `N` values: the last ones again, where they are no multiple.
#[inline(always)]
fn copy_by<const N: usize>(source: &[f32], target: &mut [f32]) {
    let (chunks, _) = source.as_chunks::<N>();
    let (targets, _) = target.as_chunks_mut::<N>();
    for (target, chunk) in targets.iter_mut().zip(chunks) {
        *target = *chunk;
    }
    if let (Some(chunk), Some(target)) = (source.last_chunk::<N>(), target.last_chunk_mut::<N>()) {
        *target = *chunk;
    }
}

/// Memory of one thread, used for one channel after the other.
#[derive(Debug)]
pub(super) struct Scratch {
    /// The channel's input, in phases.
    pub(super) phases: Vec<f32>,
    /// Outputs from the first to the last, with what lies between two rows: one loop over all of them is faster than one
    /// for each row, whose checks and remainders would take longer than the sums.
    stretch: Vec<f32>,
}

impl Scratch {
    pub(super) fn new(geometry: &Geometry) -> Self {
        let rows = (geometry.rows.output - 1) * geometry.columns.phase;
        let stretch = (rows + geometry.columns.output).next_multiple_of(LANES);
        Self { phases: vec![0.0; geometry.phases_len], stretch: vec![0.0; stretch] }
    }
}

/// One channel's weights, what follows, and room for its outputs.
pub(super) struct Channel<'a> {
    pub(super) weights: &'a [f32],
    pub(super) tail: &'a Tail,
    pub(super) output: &'a mut [f32],
}

wide! {
    /// Convolves one channel that [`fill`] has laid out; false where a value is not finite.
    pub(super) fn convolve(geometry: &Geometry, channel: Channel<'_>, scratch: &mut Scratch) -> bool = convolve_body;
}

#[inline(always)]
fn convolve_body(geometry: &Geometry, channel: Channel<'_>, scratch: &mut Scratch) -> bool {
    let (Scratch { phases, stretch }, taps) = (scratch, &geometry.taps);
    let is_finite = match (taps.as_slice().try_into(), channel.weights.try_into()) {
        (Ok(taps), Ok(weights)) => nine(phases, taps, weights, channel.tail, stretch),
        _ => any(phases, taps, channel.weights, channel.tail, stretch),
    };
    copy_rows(geometry, stretch, channel.output);
    is_finite
}

#[inline(always)]
fn copy_rows(geometry: &Geometry, stretch: &[f32], output: &mut [f32]) {
    let (width, pitch) = (geometry.columns.output, geometry.columns.phase);
    for (row, values) in output.chunks_exact_mut(width).zip(stretch.chunks(pitch)) {
        copy(&values[..width], row);
    }
}

/// Neighbouring outputs, whose values under each tap are neighbours too.
#[inline(always)]
fn any(phases: &[f32], taps: &[usize], weights: &[f32], tail: &Tail, out: &mut [f32]) -> bool {
    out.fill(0.0);
    let mut first = 0;
    while first < taps.len() {
        let (taps, weights) = (&taps[first..], &weights[first..]);
        first += match taps.len() {
            4.. => add_part::<4>(phases, taps, weights, out),
            2.. => add_part::<2>(phases, taps, weights, out),
            _ => add_part::<1>(phases, taps, weights, out),
        };
    }
    let mut odd = 0;
    for value in &mut *out {
        let affine = tail.affine(*value);
        odd |= oddness(affine);
        *value = tail.bounded(affine);
    }
    odd == 0
}

/// Adds the sum of the first `N` taps' products; returns `N`.
#[inline(always)]
fn add_part<const N: usize>(phases: &[f32], taps: &[usize], weights: &[f32], out: &mut [f32]) -> usize {
    let len = out.len();
    let values: [&[f32]; N] = std::array::from_fn(|n| &phases[taps[n]..][..len]);
    let factors: [f32; N] = std::array::from_fn(|n| weights[n]);
    for (x, total) in out.iter_mut().enumerate() {
        let mut part = factors[0] * values[0][x];
        for n in 1..N {
            part += factors[n] * values[n][x];
        }
        *total += part;
    }
    N
}

/// The usual three by three, in one loop.
#[inline(always)]
fn nine(phases: &[f32], taps: &[usize; 9], weights: &[f32; 9], tail: &Tail, out: &mut [f32]) -> bool {
    let len = out.len();
    let [a, b, c, d, e, f, g, h, i] = taps.map(|tap| &phases[tap..][..len]);
    let (w, tail, mut odd) = (*weights, *tail, 0);
    for (x, out) in out.iter_mut().enumerate() {
        let first = w[0] * a[x] + w[1] * b[x] + w[2] * c[x] + w[3] * d[x];
        let second = w[4] * e[x] + w[5] * f[x] + w[6] * g[x] + w[7] * h[x];
        let sum = w[8] * i[x] + (second + (first + 0.0));
        let value = tail.affine(sum);
        odd |= oddness(value);
        *out = tail.bounded(value);
    }
    odd == 0
}

/// Not zero for an infinity and a NaN: whose exponent is all ones, so that one more overflows it.
#[inline(always)]
pub(super) fn oddness(value: f32) -> u32 {
    ((value.to_bits() & 0x7fff_ffff) + 0x0080_0000) & 0x8000_0000
}
