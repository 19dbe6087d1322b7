//! `torch.histc` and `torch.linspace` on float32 on the CPU, which PPQ and the TensorRT-style calibrator count with.

/// The equal bins of `torch.histc(values, bins, min, max)`, which are not mended where a place disagrees with an edge.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TorchBins {
    first: f32,
    last: f32,
    width: f32,
    count: usize,
}

impl TorchBins {
    /// Over `[first, last]`; a range without width is widened by 1 to both sides.
    ///
    /// `None` where an end is not finite, or so large that the float32 product in [`TorchBins::place`] overflows and the
    /// tool would write outside its histogram.
    #[expect(clippy::cast_precision_loss, reason = "a few thousand bins")]
    pub(super) fn new(first: f32, last: f32, bins: usize) -> Option<Self> {
        let (first, last) = if first == last { (first - 1.0, last + 1.0) } else { (first, last) };
        let width = last - first;
        (width > 0.0 && (width * bins as f32).is_finite()).then_some(Self { first, last, width, count: bins })
    }

    /// How many bins there are.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// The outer edges.
    pub(super) fn ends(&self) -> (f32, f32) {
        (self.first, self.last)
    }

    /// What all bins span.
    pub(super) fn width(&self) -> f32 {
        self.width
    }

    /// The bin of a value: `⌊(v − first)·bins/(last − first)⌋` in float32. `None` outside the range and for NaN.
    #[inline]
    #[expect(clippy::cast_precision_loss, reason = "a few thousand bins")]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "truncation is torch's; 0 to bins")]
    pub(super) fn place(&self, value: f32) -> Option<usize> {
        if !(value >= self.first && value <= self.last) {
            return None;
        }
        let place = (value - self.first) * self.count as f32 / self.width;
        Some((place as usize).min(self.count - 1))
    }
}

/// Entry `index` of `torch.linspace(0, last, steps + 1)`: counted from the nearer end.
#[expect(clippy::cast_precision_loss, reason = "a few thousand steps")]
pub(super) fn linspace_from_zero(last: f32, steps: usize, index: usize) -> f32 {
    let step = last / steps as f32;
    if index < steps.div_ceil(2) { step * index as f32 } else { last - step * (steps - index) as f32 }
}

/// Counts of half as many bins over `[0, amax]`. Exactly what counting anew would give: halving the number of bins
/// halves the float32 place, and halving a float32 does not round.
pub(super) fn halved(counts: &[u64]) -> Vec<u64> {
    counts.chunks(2).map(|pair| pair.iter().sum()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_by_hand() {
        let bins = TorchBins::new(0.0, 2.0, 4).unwrap();
        assert_eq!([0.0, 0.49, 0.5, 1.99, 2.0].map(|v| bins.place(v).unwrap()), [0, 0, 1, 3, 3]);
        assert_eq!([-0.1, 2.1, f32::NAN].map(|v| bins.place(v)), [None; 3]);
        // A constant is counted in the middle of [c − 1, c + 1].
        assert_eq!(TorchBins::new(5.0, 5.0, 4096).unwrap().place(5.0), Some(2048));
        assert_eq!(TorchBins::new(0.0, 1e35, 4096), None, "1e35·4096 is no float32");
        assert_eq!(TorchBins::new(0.0, f32::NAN, 4096), None);
    }

    #[test]
    fn half_the_bins_are_pairs_of_bins() {
        let values: Vec<f32> = (0..50_000).map(|i| (i as f32 * 0.618_034).fract().powi(3) * 3.3).collect();
        let amax = values.iter().copied().fold(0.0, f32::max);
        let count = |bins: usize| {
            let grid = TorchBins::new(0.0, amax, bins).unwrap();
            let mut counts = vec![0_u64; bins];
            values.iter().for_each(|v| counts[grid.place(*v).unwrap()] += 1);
            counts
        };
        assert_eq!(halved(&count(4096)), count(2048));
    }

    #[test]
    fn a_line_from_zero() {
        let line: Vec<f32> = (0..=4).map(|i| linspace_from_zero(2.0, 4, i)).collect();
        assert_eq!(line, [0.0, 0.5, 1.0, 1.5, 2.0]);
    }
}
