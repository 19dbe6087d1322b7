//! Where the channels of a row-major tensor lie, for everything that is done per channel.

use crate::tensor::elements;

/// Element `(o, c, i)` is at `(o·channels + c)·inner + i`.
///
/// A Conv weight of shape `[8, 3, 3, 3]` by axis 0 is `{outer: 1, channels: 8, inner: 27}`; a `MatMul` weight of shape
/// `[K, N]` by its last axis is `{outer: K, channels: N, inner: 1}`: channels interleave, and no slice is one channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChannelLayout {
    /// Product of the axes before the channel axis.
    pub outer: usize,
    /// Length of the channel axis.
    pub channels: usize,
    /// Product of the axes after the channel axis.
    pub inner: usize,
}

impl ChannelLayout {
    /// The layout of `shape` by `axis`; `None` if there is no such axis.
    pub fn of(shape: &[usize], axis: usize) -> Option<Self> {
        let channels = *shape.get(axis)?;
        // Without elements the other lengths may have a product that no usize holds, and a run of no elements is none.
        if shape.contains(&0) {
            return Some(Self { outer: 0, channels, inner: 1 });
        }
        Some(Self { outer: elements(&shape[..axis]), channels, inner: elements(&shape[axis + 1..]) })
    }

    /// Elements in the tensor.
    pub fn len(self) -> usize {
        self.outer * self.channels * self.inner
    }

    /// Whether the tensor has no element.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Rows that are worked on together where channels interleave: about `elements` of them, at least 64 rows, so that
    /// what is gathered of a channel fills vector registers and the block still stays in the cache.
    pub(crate) fn rows_per_block(self, elements: usize) -> usize {
        elements.div_ceil(self.row().max(1)).max(64)
    }

    /// Copies the elements of `channel` out of whole rows into `out`, which is emptied first.
    pub(crate) fn gather(self, rows: &[f32], channel: usize, out: &mut Vec<f32>) {
        out.clear();
        if self.inner == 1 {
            out.extend(rows.iter().skip(channel).step_by(self.channels));
        } else {
            let runs = rows.chunks_exact(self.inner).skip(channel).step_by(self.channels);
            runs.for_each(|run| out.extend_from_slice(run));
        }
    }

    /// Copies back what [`ChannelLayout::gather`] took.
    pub(crate) fn scatter(self, values: &[f32], channel: usize, rows: &mut [f32]) {
        let runs = rows.chunks_exact_mut(self.inner).skip(channel).step_by(self.channels);
        runs.zip(values.chunks_exact(self.inner)).for_each(|(run, values)| run.copy_from_slice(values));
    }

    /// Elements in one step of the outermost axis; at least 1, since stretches of memory are cut by it.
    pub(crate) fn row(self) -> usize {
        (self.channels * self.inner).max(1)
    }

    /// Whether a channel's run of `inner` elements is long enough for vector loops of its own.
    pub(crate) fn has_long_runs(self) -> bool {
        self.inner >= 32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tensor_without_elements_has_a_layout_that_can_be_walked() {
        for (shape, axis, channels) in
            [(&[4, 0][..], 0, 4), (&[0, 4], 1, 4), (&[0], 0, 0), (&[2, 1 << 40, 1 << 40, 0], 0, 2)]
        {
            let layout = ChannelLayout::of(shape, axis).unwrap();
            assert_eq!((layout.channels, layout.len(), layout.is_empty()), (channels, 0, true), "{shape:?}");
            assert_eq!([0.0_f32; 0].chunks(layout.row()).count() + [0.0_f32; 0].chunks_exact(layout.inner).count(), 0);
            let mut out = vec![1.0];
            (0..channels).for_each(|channel| layout.gather(&[], channel, &mut out));
        }
        assert_eq!(ChannelLayout::of(&[2, 3], 2), None);
    }

    #[test]
    fn gather_and_scatter_are_inverse() {
        for inner in [1, 2] {
            // inner = 2: rows 0 1 | 2 3 | 4 5 and 6 7 | 8 9 | 10 11; channel 1 is 2 3 8 9.
            let layout = ChannelLayout { outer: 2, channels: 3, inner };
            let rows: Vec<f32> = (0_u8..12).map(f32::from).take(layout.len()).collect();
            let (mut out, mut back) = (vec![7.0], vec![-1.0; layout.len()]);
            layout.gather(&rows, 1, &mut out);
            assert_eq!(out, if inner == 1 { vec![1.0, 4.0] } else { vec![2.0, 3.0, 8.0, 9.0] });
            for channel in 0..3 {
                layout.gather(&rows, channel, &mut out);
                layout.scatter(&out, channel, &mut back);
            }
            assert_eq!(back, rows);
        }
    }

    #[test]
    fn layouts_of_the_usual_weights() {
        let conv = ChannelLayout::of(&[8, 3, 3, 3], 0).unwrap();
        assert_eq!(conv, ChannelLayout { outer: 1, channels: 8, inner: 27 });
        let matmul = ChannelLayout::of(&[5, 7], 1).unwrap();
        assert_eq!(matmul, ChannelLayout { outer: 5, channels: 7, inner: 1 });
        assert_eq!(ChannelLayout::of(&[2, 3, 4], 1).unwrap().len(), 24);
        assert_eq!(ChannelLayout::of(&[2], 1), None);
        assert!(ChannelLayout::of(&[0, 3], 1).unwrap().is_empty());
    }
}
