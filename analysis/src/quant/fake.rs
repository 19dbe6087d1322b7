//! Fake quantization: real → code → real, over whole tensors, bit-exact with onnxruntime.
//!
//! Large tensors are cut into blocks of 65 536 elements that rayon may run anywhere; the sums of the blocks are
//! added in block order, so no result depends on the number of threads. The arithmetic of an element is in `kernel`.

use rayon::prelude::*;

use super::{
    channel::ChannelLayout,
    clipping::Clipping,
    kernel::{Kernel, Tally},
    lanes::GROUP,
    params::QuantParams,
    wide::wide,
};
use crate::parallel::grain;

/// Elements a block; 256 KiB of float32, which stays in the second-level cache.
pub(crate) const BLOCK: usize = 1 << 16;

/// Writes `S·(quantize(r) − Z)` of every element of `input` to `output`.
///
/// # Panics
/// If the two differ in length, which the caller rules out by allocating `output` from `input`.
pub fn fake_quantize(input: &[f32], output: &mut [f32], params: &QuantParams) -> Clipping {
    assert_eq!(input.len(), output.len(), "fake_quantize: input and output are the same tensor's");
    let kernel = Kernel::new(params);
    if input.len() <= BLOCK {
        return copy_block(input, output, &kernel);
    }
    let blocks: Vec<Clipping> = (input.par_chunks(BLOCK).zip(output.par_chunks_mut(BLOCK)))
        .with_min_len(grain())
        .map(|(input, output)| copy_block(input, output, &kernel))
        .collect();
    Clipping::merged(&blocks)
}

/// The values that [`fake_quantize`] writes, where nobody asks what they cost.
///
/// # Panics
/// As there.
pub fn fake_quantize_values(input: &[f32], output: &mut [f32], params: &QuantParams) {
    assert_eq!(input.len(), output.len(), "fake_quantize: input and output are the same tensor's");
    let kernel = Kernel::new(params);
    if input.len() <= BLOCK {
        values_block(input, output, &kernel);
        return;
    }
    let blocks = input.par_chunks(BLOCK).zip(output.par_chunks_mut(BLOCK)).with_min_len(grain());
    blocks.for_each(|(input, output)| values_block(input, output, &kernel));
}

/// [`fake_quantize`] onto the input itself.
pub fn fake_quantize_in_place(values: &mut [f32], params: &QuantParams) -> Clipping {
    let kernel = Kernel::new(params);
    if values.len() <= BLOCK {
        return in_place_block(values, &kernel);
    }
    let blocks: Vec<Clipping> = values.par_chunks_mut(BLOCK).map(|block| in_place_block(block, &kernel)).collect();
    Clipping::merged(&blocks)
}

/// [`fake_quantize_in_place`] with parameters, and a result, for each channel.
///
/// # Panics
/// If `layout` is not the layout of `values` or has not one channel for each of `params`.
pub fn fake_quantize_channels_in_place(
    values: &mut [f32],
    params: &[QuantParams],
    layout: ChannelLayout,
) -> Vec<Clipping> {
    assert_eq!(values.len(), layout.len(), "fake_quantize: the layout is the tensor's");
    assert_eq!(params.len(), layout.channels, "fake_quantize: a quantizer for each channel");
    let kernels: Vec<Kernel> = params.iter().map(Kernel::new).collect();
    let mut totals = vec![Clipping::default(); kernels.len()];
    if values.is_empty() {
        return totals;
    }
    if layout.has_long_runs() {
        let runs: Vec<Clipping> = values
            .par_chunks_mut(layout.inner)
            .enumerate()
            .with_min_len(BLOCK.div_ceil(layout.inner))
            .map(|(run, values)| in_place_run(values, &kernels[run % kernels.len()]))
            .collect();
        for (run, clipping) in runs.iter().enumerate() {
            totals[run % kernels.len()].merge(clipping);
        }
    } else {
        let blocks: Vec<Vec<Clipping>> = values
            .par_chunks_mut(layout.rows_per_block(BLOCK) * layout.row())
            .map(|rows| interleaved_block(rows, &kernels, layout))
            .collect();
        for block in &blocks {
            totals.iter_mut().zip(block).for_each(|(total, clipping)| total.merge(clipping));
        }
    }
    totals
}

/// [`fake_quantize_channels_in_place`] from `input` to `output`.
///
/// # Panics
/// As there, and if `input` and `output` differ in length.
pub fn fake_quantize_channels(
    input: &[f32],
    output: &mut [f32],
    params: &[QuantParams],
    layout: ChannelLayout,
) -> Vec<Clipping> {
    output.copy_from_slice(input);
    fake_quantize_channels_in_place(output, params, layout)
}

/// The codes themselves. A NaN gives the container's smallest code, as everywhere here.
///
/// # Panics
/// If the two differ in length.
pub fn quantize_to_int(input: &[f32], params: &QuantParams, out: &mut [i32]) {
    assert_eq!(input.len(), out.len(), "quantize_to_int: input and output are the same tensor's");
    let kernel = Kernel::new(params);
    let pairs = input.par_chunks(BLOCK).zip(out.par_chunks_mut(BLOCK));
    pairs.for_each(|(input, out)| int_block(input, out, &kernel, params.zero_point));
}

/// [`quantize_to_int`] with parameters for each channel.
///
/// # Panics
/// If `layout` is not the layout of `input` and `out`, or has not one channel for each of `params`.
pub fn quantize_to_int_channels(input: &[f32], params: &[QuantParams], layout: ChannelLayout, out: &mut [i32]) {
    assert_eq!((input.len(), out.len()), (layout.len(), layout.len()), "quantize_to_int: the layout is the tensor's");
    assert_eq!(params.len(), layout.channels, "quantize_to_int: a quantizer for each channel");
    if input.is_empty() {
        return;
    }
    let kernels: Vec<Kernel> = params.iter().map(Kernel::new).collect();
    let runs = input.chunks_exact(layout.inner).zip(out.chunks_exact_mut(layout.inner));
    for ((input, out), (kernel, params)) in runs.zip(kernels.iter().zip(params).cycle()) {
        int_block(input, out, kernel, params.zero_point);
    }
}

/// `S·(q − Z)` of every code.
///
/// # Panics
/// If the two differ in length.
pub fn dequantize(codes: &[i32], params: &QuantParams, out: &mut [f32]) {
    assert_eq!(codes.len(), out.len(), "dequantize: input and output are the same tensor's");
    for (out, code) in out.iter_mut().zip(codes) {
        *out = params.dequantize_code(*code);
    }
}

/// [`dequantize`] with parameters for each channel.
///
/// # Panics
/// If `layout` is not the layout of `codes` and `out`, or has not one channel for each of `params`.
pub fn dequantize_channels(codes: &[i32], params: &[QuantParams], layout: ChannelLayout, out: &mut [f32]) {
    assert_eq!((codes.len(), out.len()), (layout.len(), layout.len()), "dequantize: the layout is the tensor's");
    assert_eq!(params.len(), layout.channels, "dequantize: a quantizer for each channel");
    if codes.is_empty() {
        return;
    }
    let runs = codes.chunks_exact(layout.inner).zip(out.chunks_exact_mut(layout.inner));
    for ((codes, out), params) in runs.zip(params.iter().cycle()) {
        dequantize(codes, params, out);
    }
}

/// A run of one channel, of any length: block by block, so that lane counters cannot overflow.
fn in_place_run(values: &mut [f32], kernel: &Kernel) -> Clipping {
    let mut total = Clipping::default();
    for block in values.chunks_mut(BLOCK) {
        total.merge(&in_place_block(block, kernel));
    }
    total
}

/// Whole rows of interleaved channels. A channel is gathered, quantized and put back: two copies cost less than
/// quantizing element by element with a different scale each time.
fn interleaved_block(rows: &mut [f32], kernels: &[Kernel], layout: ChannelLayout) -> Vec<Clipping> {
    let mut scratch = Vec::new();
    let channels = kernels.iter().enumerate().map(|(channel, kernel)| {
        layout.gather(rows, channel, &mut scratch);
        let clipping = in_place_run(&mut scratch, kernel);
        layout.scatter(&scratch, channel, rows);
        clipping
    });
    channels.collect()
}

wide! {
    fn copy_block(input: &[f32], output: &mut [f32], kernel: &Kernel) -> Clipping = fusing copy_body;
}

wide! {
    fn values_block(input: &[f32], output: &mut [f32], kernel: &Kernel) = values_body;
}

wide! {
    fn in_place_block(values: &mut [f32], kernel: &Kernel) -> Clipping = fusing in_place_body;
}

wide! {
    fn int_block(input: &[f32], out: &mut [i32], kernel: &Kernel, zero_point: i32) = int_body;
}

#[inline(always)]
fn copy_body<const FUSES: bool>(input: &[f32], output: &mut [f32], kernel: &Kernel) -> Clipping {
    let mut tally = Tally::default();
    let (groups, rest) = input.as_chunks::<GROUP>();
    let (out_groups, out_rest) = output.as_chunks_mut::<GROUP>();
    for (input, output) in groups.iter().zip(out_groups) {
        tally.group::<FUSES>(kernel, input, output);
    }
    tally.rest(kernel, rest, out_rest);
    tally.total()
}

#[inline(always)]
fn values_body(input: &[f32], output: &mut [f32], kernel: &Kernel) {
    let kernel = *kernel;
    for (input, output) in input.iter().zip(output) {
        *output = kernel.value(*input);
    }
}

#[inline(always)]
fn in_place_body<const FUSES: bool>(values: &mut [f32], kernel: &Kernel) -> Clipping {
    let mut tally = Tally::default();
    let (groups, rest) = values.as_chunks_mut::<GROUP>();
    for group in groups {
        tally.group::<FUSES>(kernel, &group.clone(), group);
    }
    let mut before = [0.0; GROUP];
    before[..rest.len()].copy_from_slice(rest);
    tally.rest(kernel, &before[..rest.len()], rest);
    tally.total()
}

#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "steps are integers below 2^17")]
fn int_body(input: &[f32], out: &mut [i32], kernel: &Kernel, zero_point: i32) {
    for (input, out) in input.iter().zip(out) {
        *out = kernel.steps(*input) as i32 + zero_point;
    }
}

#[cfg(test)]
#[path = "fake_tests.rs"]
mod tests;
