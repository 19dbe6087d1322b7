//! NumPy's histogram arithmetic on float32, down to the rounding.
//!
//! A threshold that a tool reads off a histogram is the edge of a bin, so one value on the wrong side of an edge can
//! move it by a whole bin. What is easy to get wrong: edges, widths and places are all float32 (a float32 array and
//! Python integers stay float32), and a place is mended by one where it disagrees with the edges.

use crate::quant::Range;

/// The equal bins of `numpy.histogram(values, bins)`, NumPy 2: bin `i` is `[edge i, edge i + 1)`, the last one closed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct NumpyBins {
    edges: Vec<f32>,
    width: f32,
}

impl NumpyBins {
    /// Over `[first, last]`; a range without width is widened by ½ to both sides.
    ///
    /// `None` where NumPy raises: an end is not finite, or float32 has no room for so many different edges.
    pub(super) fn new(first: f32, last: f32, bins: usize) -> Option<Self> {
        let ordered = first.is_finite() && last.is_finite() && first <= last && bins > 0;
        let (first, last) = if first == last { (first - 0.5, last + 0.5) } else { (first, last) };
        let edges = linspace(first, last, bins);
        let width = last - first;
        let rises = width.is_finite() && edges.windows(2).all(|pair| pair[0] < pair[1]);
        (ordered && rises).then_some(Self { edges, width })
    }

    /// Over `[-amax, amax]`, as `range=(-amax, amax)` says.
    pub(super) fn symmetric(amax: f32, bins: usize) -> Option<Self> {
        Self::new(-amax, amax, bins)
    }

    /// All edges, one more than there are bins.
    pub(super) fn edges(&self) -> &[f32] {
        &self.edges
    }

    /// How many bins there are.
    pub(super) fn len(&self) -> usize {
        self.edges.len() - 1
    }

    /// What all bins span.
    pub(super) fn width(&self) -> f32 {
        self.width
    }

    /// The bin of a value; `None` outside the range and for NaN.
    #[inline]
    #[expect(clippy::cast_precision_loss, reason = "a few thousand bins")]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "truncation is NumPy's; 0 to bins")]
    pub(super) fn place(&self, value: f32) -> Option<usize> {
        let last = self.len() - 1;
        let (first_edge, last_edge) = (self.edges[0], self.edges[last + 1]);
        if !(value >= first_edge && value <= last_edge) {
            return None;
        }
        let place = ((value - first_edge) / self.width) * self.len() as f32;
        let place = (place as usize).min(last);
        if value < self.edges[place] {
            Some(place.saturating_sub(1))
        } else if value >= self.edges[place + 1] && place != last {
            Some(place + 1)
        } else {
            Some(place)
        }
    }
}

/// `numpy.linspace(first, last, steps + 1, dtype=float32)`.
#[expect(clippy::cast_precision_loss, reason = "a few thousand steps")]
fn linspace(first: f32, last: f32, steps: usize) -> Vec<f32> {
    let (width, count) = (last - first, steps as f32);
    let step = width / count;
    let mut edges: Vec<f32> = (0..=steps)
        // Below the smallest denormal a step is 0, and NumPy multiplies last instead.
        .map(|i| if step == 0.0 { i as f32 / count * width } else { i as f32 * step } + first)
        .collect();
    edges[steps] = last;
    edges
}

/// `numpy.sum` of a float32 array: eight running sums over blocks of up to 128, blocks joined in pairs.
pub(super) fn pairwise_sum(values: &[f32]) -> f32 {
    const BLOCK: usize = 128;
    if values.len() < 8 {
        return values.iter().sum();
    }
    if values.len() > BLOCK {
        let half = values.len() / 2;
        let (left, right) = values.split_at(half - half % 8);
        return pairwise_sum(left) + pairwise_sum(right);
    }
    let (eights, rest) = values.as_chunks::<8>();
    let mut sums = eights[0];
    for eight in &eights[1..] {
        sums.iter_mut().zip(eight).for_each(|(sum, value)| *sum += value);
    }
    let [a, b, c, d, e, f, g, h] = sums;
    rest.iter().fold(((a + b) + (c + d)) + ((e + f) + (g + h)), |sum, value| sum + value)
}

/// `numpy.searchsorted(ascending, value)`: the first index whose entry is not below `value`.
pub(super) fn search_sorted(ascending: &[f64], value: f64) -> usize {
    ascending.partition_point(|entry| *entry < value)
}

/// A range cut to what was observed, as onnxruntime does after every search.
///
/// Oddity: the threshold of a constant c may round to just below it, and the cut leaves c … T with T < c. Only the end
/// away from 0 counts for the scale, so that one is kept.
pub(super) fn clamped(low: f32, high: f32, observed: Range) -> Range {
    let low = if low < observed.low { observed.low } else { low };
    let high = if high > observed.high { observed.high } else { high };
    match (low > high, high >= 0.0) {
        (false, _) => Range { low, high },
        (true, true) => Range { low: high, high },
        (true, false) => Range { low, high: low },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_float32_products() {
        // numpy.histogram(…, 6, range=(float32(-0.3), float32(0.7)))[1] of NumPy 2.4, printed with all digits.
        let bins = NumpyBins::new(-0.3, 0.7, 6).unwrap();
        let numpy = [-0.3, -0.133_333_34, 0.033_333_33, 0.199_999_99, 0.366_666_67, 0.533_333_36, 0.7];
        assert_eq!(bins.edges(), numpy);
        assert_eq!(NumpyBins::new(2.0, 2.0, 2).unwrap().edges(), [1.5, 2.0, 2.5]);
    }

    #[test]
    fn places_by_hand() {
        // [-1, 1] in 4: −1 → 0, −0.5 → 1 (left end closed), 0.4999 → 2, 1 → the last, and nothing outside.
        let bins = NumpyBins::symmetric(1.0, 4).unwrap();
        let places = [-1.0, -0.5, 0.0, 0.4999, 0.5, 1.0].map(|v| bins.place(v).unwrap());
        assert_eq!(places, [0, 1, 2, 2, 3, 3]);
        assert_eq!([1.001, -1.001, f32::NAN, f32::INFINITY].map(|v| bins.place(v)), [None; 4]);
    }

    #[test]
    fn every_edge_is_in_the_bin_that_it_opens() {
        for amax in [0.1_f32, 1.7, 33.33, 1e-30, 1e30] {
            let bins = NumpyBins::symmetric(amax, 2048).unwrap();
            for (index, edge) in bins.edges().iter().enumerate() {
                assert_eq!(bins.place(*edge), Some(index.min(2047)), "{amax} {index}");
            }
        }
    }

    #[test]
    fn numpy_refuses_what_float32_cannot_hold() {
        assert_eq!(NumpyBins::new(1.0, 1.000_01, 2048), None, "fewer than 2048 numbers lie between");
        assert_eq!(NumpyBins::new(0.0, 1e-45, 2048), None);
        assert_eq!(NumpyBins::symmetric(f32::MAX, 128), None, "the width overflows");
        assert_eq!(NumpyBins::new(f32::NEG_INFINITY, 1.0, 8), None);
        assert_eq!(NumpyBins::new(f32::NAN, 1.0, 8), None);
        assert_eq!(NumpyBins::new(1.0, 0.0, 8), None);
    }

    #[test]
    fn sums_are_pairwise() {
        // 2^24 + 1 is not a float32: added one by one the ones are lost, in pairs they are not.
        let mut values = vec![1.0_f32; 300];
        values[0] = 16_777_216.0;
        assert_eq!(values.iter().sum::<f32>(), 16_777_216.0);
        // NumPy 2.4 prints 16777506 for this array: the pairs that hold 2^24 lose a little themselves.
        assert_eq!(pairwise_sum(&values), 16_777_506.0);
        assert_eq!(pairwise_sum(&[0.5; 7]), 3.5);
        assert_eq!(pairwise_sum(&[0.25; 1000]), 250.0);
        assert_eq!(search_sorted(&[0.1, 0.5, 0.5, 1.0], 0.5), 1);
    }
}
