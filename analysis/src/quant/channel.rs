//! Where the channels of a row-major tensor lie, for everything that is done per channel.

/// Element `(o, c, i)` is at `(o·channels + c)·inner + i`.
///
/// A Conv weight of shape `[8, 3, 3, 3]` by axis 0 is `{outer: 1, channels: 8, inner: 27}`; a MatMul weight of shape
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
        let outer = shape.iter().take(axis).product();
        let inner = shape.iter().skip(axis + 1).product();
        Some(Self { outer, channels, inner })
    }

    /// Elements in the tensor.
    pub fn len(self) -> usize {
        self.outer * self.channels * self.inner
    }

    /// Whether the tensor has no element.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Elements in one step of the outermost axis.
    pub(crate) fn row(self) -> usize {
        self.channels * self.inner
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
