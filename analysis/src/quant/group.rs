//! Per-group (blocked) quantization of weights: a scale and a zero-point for each block of `group` elements along the
//! input axis, as ONNX's `DequantizeLinear` with `block_size` (opset 21) has them.
//!
//! The input axis is the one the operator sums over: axis 1 of a Conv weight `[O, I/groups, kh, kw]`, axis −2 of a
//! constant MatMul operand, axis 0 of a Gemm weight, or 1 with `transB`. Blocks run along that axis only: a 3×3 Conv
//! has its own scales for each of the nine kernel positions. The last block may be short (onnxruntime 1.32 wants exactly
//! `ceil(length / group)` scales, whether or not they divide, and takes a `block_size` above the length). Bit-exact with
//! its kernels without graph optimization; with it, MatMul and Gemm without `transB` become `MatMulNBits` where
//! `block_size` is a power of two from 16 up, which rounds the activations to 8 bits as well.

use rayon::prelude::*;

use super::{
    channel::ChannelLayout,
    clipping::Clipping,
    fake::{dequantize_channels, fake_quantize_channels_in_place, fake_quantize_in_place, quantize_to_int_channels},
    params::{QuantParams, Range},
};

/// Slabs that one thread takes at least, so that short blocks do not cost a task each.
const SLABS_PER_TASK: usize = 64;

/// Where the groups of a row-major tensor lie: element `(o, l, i)` is at `(o·length + l)·inner + i` and belongs to
/// group `(o·blocks + l / group)·inner + i`, which is also the order of the tensor of scales.
///
/// A MatMul operand of shape `[64, 24]` in groups of 16 by axis 0 is `{outer: 1, length: 64, inner: 24, group: 16}` and
/// has 4·24 groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GroupLayout {
    /// Product of the axes before the input axis.
    pub outer: usize,
    /// Length of the input axis.
    pub length: usize,
    /// Product of the axes after the input axis.
    pub inner: usize,
    /// Elements of a whole group, at least 1.
    pub group: usize,
}

impl GroupLayout {
    /// The layout of `shape` in groups of `group` along `axis`; `None` if there is no such axis or `group` is 0.
    pub fn of(shape: &[usize], axis: usize, group: usize) -> Option<Self> {
        let ChannelLayout { outer, channels: length, inner } = ChannelLayout::of(shape, axis)?;
        (group > 0).then_some(Self { outer, length, inner, group })
    }

    /// Elements in the tensor.
    pub fn len(self) -> usize {
        self.outer * self.length * self.inner
    }

    /// Whether the tensor has no element.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Groups along the input axis, the last perhaps short.
    pub fn blocks(self) -> usize {
        self.length.div_ceil(self.group)
    }

    /// Groups in the tensor, each with its own scale.
    pub fn groups(self) -> usize {
        self.outer * self.blocks() * self.inner
    }

    /// The group of the element at `index`.
    pub fn group_of(self, index: usize) -> usize {
        let row = index / self.inner;
        let block = row / self.length * self.blocks() + row % self.length / self.group;
        block * self.inner + index % self.inner
    }

    /// Lengths of the stretches of memory that hold the groups of one block each (`rows · inner` elements), in order.
    fn slabs(self) -> impl Iterator<Item = usize> {
        let blocks = self.blocks();
        (0..self.outer * blocks).map(move |slab| {
            let first = slab % blocks * self.group;
            self.group.min(self.length - first) * self.inner
        })
    }

    /// A slab as a tensor of which each group is a channel.
    fn channels(self, slab: usize) -> ChannelLayout {
        ChannelLayout { outer: slab / self.inner, channels: self.inner, inner: 1 }
    }
}

/// The shape of the tensors of scales and zero-points for a weight of `shape`; `None` as in [`GroupLayout::of`].
pub fn parameter_shape(shape: &[usize], axis: usize, group: usize) -> Option<Vec<usize>> {
    let blocks = GroupLayout::of(shape, axis, group)?.blocks();
    Some(shape.iter().enumerate().map(|(i, &length)| if i == axis { blocks } else { length }).collect())
}

/// Smallest and largest value of each group. NaNs are left out; a group of nothing else gets `[∞, −∞]`, which no
/// parameters come of. Infinities stay, and make the range degenerate.
///
/// # Panics
/// If `layout` is not the layout of `values`.
pub fn group_ranges(values: &[f32], layout: GroupLayout) -> Vec<Range> {
    assert_eq!(values.len(), layout.len(), "group_ranges: the layout is the tensor's");
    let mut ranges = vec![Range::new(f32::INFINITY, f32::NEG_INFINITY); layout.groups()];
    if values.is_empty() {
        return ranges;
    }
    let mut rest = values;
    for (slab, ranges) in layout.slabs().zip(ranges.chunks_exact_mut(layout.inner)) {
        let (values, after) = rest.split_at(slab);
        rest = after;
        for row in values.chunks_exact(layout.inner) {
            for (range, value) in ranges.iter_mut().zip(row) {
                // f32::min and max return the other operand for NaN.
                *range = Range::new(range.low.min(*value), range.high.max(*value));
            }
        }
    }
    ranges
}

/// `max|r|` of each group, with which [`super::symmetric`] makes its scale; see [`group_ranges`].
pub fn group_amax(values: &[f32], layout: GroupLayout) -> Vec<f32> {
    group_ranges(values, layout).into_iter().map(Range::amax).collect()
}

/// Sends every element to its code and back, and tells what that did to each group.
///
/// Unlike elsewhere, a NaN becomes the smallest code of the grid, not of an 8-bit container: an int4 tensor has no −128.
///
/// # Panics
/// If `layout` is not the layout of `values` or has not one group for each of `params`.
pub fn fake_quantize_groups_in_place(values: &mut [f32], params: &[QuantParams], layout: GroupLayout) -> Vec<Clipping> {
    check(values.len(), params.len(), layout, "fake_quantize_groups");
    if values.is_empty() {
        return vec![Clipping::default(); params.len()];
    }
    let mut rest = values;
    let mut slabs = Vec::with_capacity(params.len() / layout.inner);
    for slab in layout.slabs() {
        let (values, after) = rest.split_at_mut(slab);
        rest = after;
        slabs.push(values);
    }
    let results: Vec<Vec<Clipping>> = (slabs.into_par_iter().zip(params.par_chunks(layout.inner)))
        .with_min_len(SLABS_PER_TASK)
        .map(|(values, params)| slab_in_place(values, params, layout))
        .collect();
    results.into_iter().flatten().collect()
}

/// [`fake_quantize_groups_in_place`] from `input` to `output`.
///
/// # Panics
/// As there, and if `input` and `output` differ in length.
pub fn fake_quantize_groups(
    input: &[f32],
    output: &mut [f32],
    params: &[QuantParams],
    layout: GroupLayout,
) -> Vec<Clipping> {
    output.copy_from_slice(input);
    fake_quantize_groups_in_place(output, params, layout)
}

/// The codes themselves; NaN as in [`fake_quantize_groups_in_place`].
///
/// # Panics
/// If `layout` is not the layout of `input` and `out`, or has not one group for each of `params`.
pub fn quantize_to_int_groups(input: &[f32], params: &[QuantParams], layout: GroupLayout, out: &mut [i32]) {
    check(input.len(), params.len(), layout, "quantize_to_int_groups");
    check(out.len(), params.len(), layout, "quantize_to_int_groups");
    if input.is_empty() {
        return;
    }
    let (mut input_rest, mut out_rest) = (input, out);
    for (slab, params) in layout.slabs().zip(params.chunks_exact(layout.inner)) {
        let (input, input_after) = input_rest.split_at(slab);
        let (out, out_after) = out_rest.split_at_mut(slab);
        (input_rest, out_rest) = (input_after, out_after);
        quantize_to_int_channels(input, params, layout.channels(slab), out);
        for (code, params) in out.iter_mut().zip(params.iter().cycle()) {
            // Only a NaN's code is below the grid.
            *code = (*code).max(params.grid.q_min());
        }
    }
}

/// `S·(q − Z)` of every code.
///
/// # Panics
/// If `layout` is not the layout of `codes` and `out`, or has not one group for each of `params`.
pub fn dequantize_groups(codes: &[i32], params: &[QuantParams], layout: GroupLayout, out: &mut [f32]) {
    check(codes.len(), params.len(), layout, "dequantize_groups");
    check(out.len(), params.len(), layout, "dequantize_groups");
    if codes.is_empty() {
        return;
    }
    let (mut codes_rest, mut out_rest) = (codes, out);
    for (slab, params) in layout.slabs().zip(params.chunks_exact(layout.inner)) {
        let (codes, codes_after) = codes_rest.split_at(slab);
        let (out, out_after) = out_rest.split_at_mut(slab);
        (codes_rest, out_rest) = (codes_after, out_after);
        dequantize_channels(codes, params, layout.channels(slab), out);
    }
}

/// Codes of 4 bits as ONNX's `raw_data`: two a byte, the first in the low half; an odd last one has zeros beside it.
pub fn pack_nibbles(codes: &[i32]) -> Vec<u8> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the low four bits are what is wanted")]
    let nibble = |code: i32| code as u8 & 0x0F;
    let byte = |pair: &[i32]| pair.iter().rev().fold(0, |byte, code| byte << 4 | nibble(*code));
    codes.chunks(2).map(byte).collect()
}

fn check(elements: usize, params: usize, layout: GroupLayout, place: &str) {
    assert_eq!(elements, layout.len(), "{place}: the layout is the tensor's");
    assert_eq!(params, layout.groups(), "{place}: a quantizer for each group");
}

/// One block of the input axis for all its groups.
fn slab_in_place(values: &mut [f32], params: &[QuantParams], layout: GroupLayout) -> Vec<Clipping> {
    // −∞ has the code that a NaN shall have; it counts as clipped, which is put right afterwards.
    let mut nan = vec![0; params.len()];
    for (index, value) in values.iter_mut().enumerate().filter(|(_, value)| value.is_nan()) {
        *value = f32::NEG_INFINITY;
        nan[index % layout.inner] += 1;
    }
    let mut results = match params {
        [params] => vec![fake_quantize_in_place(values, params)],
        _ => fake_quantize_channels_in_place(values, params, layout.channels(values.len())),
    };
    for (result, nan) in results.iter_mut().zip(nan) {
        result.clipped -= nan;
        result.nan += nan;
    }
    results
}

#[cfg(test)]
#[path = "group_tests.rs"]
mod tests;
