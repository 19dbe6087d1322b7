//! The loops that fill the flavours' histograms: places eight at a time as vector code, counts after them.
//!
//! The places are those of [`NumpyBins::place`] and [`TorchBins::place`], which the tests hold these loops to. As in
//! the histograms of this program, values take turns in four tables, because a tensor after ReLU would otherwise wait
//! for one counter half of the time.

use rayon::prelude::*;

use super::{numpy::NumpyBins, torch::TorchBins};
use crate::quant::{fake::BLOCK, wide::wide};

/// Which bits of a value count, as a mask over its float32 pattern, so that `|r|` and `r` share a loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Sign {
    Kept = u32::MAX,
    Dropped = u32::MAX >> 1,
}

/// Tables that the values take turns in.
const TURNS: usize = 4;
/// Values whose places are computed together.
const LANES: usize = 8;

/// Adds the counts of `values` by NumPy's rule.
pub(super) fn count_numpy(totals: &mut [u64], bins: &NumpyBins, values: &[f32]) {
    add_blocks(totals, values, |block| numpy_block(bins, block));
}

/// Adds the counts of `values`, or of their magnitudes, by torch's rule.
pub(super) fn count_torch(totals: &mut [u64], bins: &TorchBins, values: &[f32], sign: Sign) {
    add_blocks(totals, values, |block| torch_block(bins, block, sign));
}

fn add_blocks(totals: &mut [u64], values: &[f32], count: impl Fn(&[f32]) -> Vec<u32> + Send + Sync) {
    let blocks: Vec<Vec<u32>> = values.par_chunks(BLOCK).map(count).collect();
    for block in blocks {
        totals.iter_mut().zip(block).for_each(|(total, count)| *total += u64::from(count));
    }
}

wide! {
    fn numpy_block(bins: &NumpyBins, values: &[f32]) -> Vec<u32> = numpy_block_body;
}

wide! {
    fn torch_block(bins: &TorchBins, values: &[f32], sign: Sign) -> Vec<u32> = torch_block_body;
}

#[inline(always)]
fn numpy_block_body(bins: &NumpyBins, values: &[f32]) -> Vec<u32> {
    let (count, width, edges) = (bins.len(), bins.width(), bins.edges());
    let (first, last) = (edges[0], edges[count]);
    let stride = count + 1;
    let mut tables = vec![0_u32; stride * TURNS];
    let (eights, rest) = values.as_chunks::<LANES>();
    for eight in eights {
        let places = clamped(eight, count, |value| (value - first) / width * as_float(count), first, last);
        for lane in 0..LANES {
            let (value, mut place) = (eight[lane], places[lane] as usize);
            if place < count {
                // Mended by one where the division disagrees with the edges.
                let up = place + 1 < count && value >= edges[place + 1];
                place = place + usize::from(up) - usize::from(value < edges[place]);
            }
            tables[(lane % TURNS) * stride + place] += 1;
        }
    }
    for place in rest.iter().filter_map(|value| bins.place(*value)) {
        tables[place] += 1;
    }
    folded(tables, stride)
}

#[inline(always)]
fn torch_block_body(bins: &TorchBins, values: &[f32], sign: Sign) -> Vec<u32> {
    let count = bins.len();
    let ((first, last), width) = (bins.ends(), bins.width());
    let stride = count + 1;
    let mut tables = vec![0_u32; stride * TURNS];
    let (eights, rest) = values.as_chunks::<LANES>();
    for eight in eights {
        let eight = eight.map(|value| masked(value, sign));
        let places = clamped(&eight, count, |value| (value - first) * as_float(count) / width, first, last);
        for (lane, place) in places.into_iter().enumerate() {
            tables[(lane % TURNS) * stride + place as usize] += 1;
        }
    }
    for place in rest.iter().filter_map(|value| bins.place(masked(*value, sign))) {
        tables[place] += 1;
    }
    folded(tables, stride)
}

/// Places truncated and put into the last bin at most; `count` for what is outside or NaN.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "selected to lie between 0 and the bins")]
fn clamped(values: &[f32; LANES], count: usize, place: impl Fn(f32) -> f32, first: f32, last: f32) -> [u32; LANES] {
    let mut places = [0; LANES];
    for lane in 0..LANES {
        let value = values[lane];
        let place = place(value);
        let place = if place < as_float(count - 1) { place } else { as_float(count - 1) };
        let place = if value >= first && value <= last { place } else { as_float(count) };
        places[lane] = place as i32 as u32;
    }
    places
}

/// The value, or its magnitude.
#[inline(always)]
fn masked(value: f32, sign: Sign) -> f32 {
    f32::from_bits(value.to_bits() & sign as u32)
}

#[inline(always)]
#[expect(clippy::cast_precision_loss, reason = "a few thousand bins")]
fn as_float(count: usize) -> f32 {
    count as f32
}

/// The sum of the tables, without what lay outside.
fn folded(mut tables: Vec<u32>, stride: usize) -> Vec<u32> {
    let (total, others) = tables.split_at_mut(stride);
    for other in others.chunks_exact(stride) {
        total.iter_mut().zip(other).for_each(|(total, count)| *total += count);
    }
    tables.truncate(stride - 1);
    tables
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::cast_possible_truncation, reason = "test data")]
    fn loops_put_values_where_the_rules_do() {
        let mut values: Vec<f32> =
            (0..150_001).map(|i| (f64::from(i) * 0.618_034).fract() as f32 * 4.0 - 1.7).collect();
        // Zeros, edges and their neighbours, and what belongs nowhere.
        let numpy = NumpyBins::symmetric(2.2, 2048).unwrap();
        let torch = TorchBins::new(-1.5, 2.0, 2048).unwrap();
        values.extend(numpy.edges().iter().flat_map(|edge| [edge.next_down(), *edge, edge.next_up(), 0.0]));
        values.extend([f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 2.0, -1.5, f32::MAX, -0.0]);
        let slow = |place: &dyn Fn(f32) -> Option<usize>| {
            let mut counts = vec![0_u64; 2048];
            values.iter().filter_map(|value| place(*value)).for_each(|place| counts[place] += 1);
            counts
        };
        let mut counts = vec![0; 2048];
        count_numpy(&mut counts, &numpy, &values);
        assert_eq!(counts, slow(&|value| numpy.place(value)));
        counts.fill(0);
        count_torch(&mut counts, &torch, &values, Sign::Kept);
        assert_eq!(counts, slow(&|value| torch.place(value)));
        counts.fill(0);
        count_torch(&mut counts, &torch, &values, Sign::Dropped);
        assert_eq!(counts, slow(&|value: f32| torch.place(value.abs())));
    }
}
