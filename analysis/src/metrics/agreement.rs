//! Whether the quantized run still picks the float run's class.
//!
//! Ties go to the lowest index in both runs. A NaN score is never picked: a run that answers with NaNs agrees with
//! nothing, where an argmax over NaNs would answer class 0 and agree by accident.

use serde::Serialize;

use super::share::Share;
use crate::quant::ChannelLayout;

/// The indices of the `k` largest scores, best first, equal scores by index. NaNs are left out.
pub fn top_k(scores: &[f32], k: usize) -> Vec<usize> {
    let mut best: Vec<usize> = Vec::with_capacity(k + 1);
    if k == 0 {
        return best;
    }
    for (index, score) in scores.iter().enumerate().filter(|(_, score)| !score.is_nan()) {
        // Behind every score that is as good: the lower index was there first. Indices in `best` come from `scores`.
        let place = best.partition_point(|other| scores[*other] >= *score);
        if place < k {
            best.truncate(k - 1);
            best.insert(place, index);
        }
    }
    best
}

/// The best class; `None` if every score is NaN or there is none.
pub fn top_1(scores: &[f32]) -> Option<usize> {
    top_k(scores, 1).first().copied()
}

/// Which axis of an output holds class scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassScores {
    layout: ChannelLayout,
}

impl ClassScores {
    /// The class axis of an output whose first axis is the batch: the only other axis longer than 1.
    ///
    /// `[1, 1000]` and `[8, 10, 1, 1]` have one; `[1, 1]` has no two classes, `[1, 21, 64, 64]` has three candidates.
    pub fn guess(shape: &[usize]) -> Option<Self> {
        let mut long = shape.iter().enumerate().skip(1).filter(|(_, length)| **length != 1);
        match (long.next(), long.next()) {
            (Some((axis, _)), None) => Self::along(shape, axis),
            _ => None,
        }
    }

    /// As [`ClassScores::guess`], unless the values are no scores: a vector of length 1 with negative elements is the
    /// direction of an embedding, and its largest element decides nothing.
    pub fn of_values(shape: &[usize], values: &[f32]) -> Option<Self> {
        let guess = Self::guess(shape)?;
        let is_direction = |row: Vec<f32>| {
            let square: f64 = row.iter().map(|v| f64::from(*v) * f64::from(*v)).sum();
            // Of some size: two or three scores may well have length 1 by chance.
            row.len() >= 16 && (square - 1.0).abs() < 1e-3 && row.iter().any(|v| *v < 0.0)
        };
        (!guess.rows(values).all(is_direction)).then_some(guess)
    }

    /// The class axis that the user names; every index of the other axes is then one decision. `None` if there is no
    /// such axis or it has fewer than two classes.
    pub fn along(shape: &[usize], axis: usize) -> Option<Self> {
        let layout = ChannelLayout::of(shape, axis)?;
        (layout.channels >= 2).then_some(Self { layout })
    }

    /// Number of classes, at least 2.
    pub fn classes(self) -> usize {
        self.layout.channels
    }

    /// Decisions in one output tensor.
    pub fn decisions(self) -> usize {
        self.layout.outer * self.layout.inner
    }

    /// The scores of each decision, in order. A tensor of another size gives what fits.
    pub fn rows(self, values: &[f32]) -> impl Iterator<Item = Vec<f32>> + '_ {
        let ChannelLayout { channels, inner, .. } = self.layout;
        let blocks = values.chunks_exact((channels * inner).max(1));
        blocks.flat_map(move |block| (0..inner).map(move |i| block.iter().skip(i).step_by(inner).copied().collect()))
    }
}

/// How often the two runs agree. Counts: order-independent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Agreement {
    /// Decisions compared.
    pub decisions: u64,
    /// Decisions where both runs have the same best class.
    pub top1: u64,
    /// Decisions where the float run's best class is among the quantized run's best five.
    pub top5: u64,
}

impl Agreement {
    /// Compares one output of both runs.
    pub fn observe(&mut self, float: &[f32], quantized: &[f32], classes: ClassScores) {
        for (float, quantized) in classes.rows(float).zip(classes.rows(quantized)) {
            let best = top_1(&float);
            let five = top_k(&quantized, 5);
            self.decisions += 1;
            self.top1 += u64::from(best.is_some() && best == five.first().copied());
            self.top5 += u64::from(best.is_some_and(|best| five.contains(&best)));
        }
    }

    /// Adds other samples.
    pub fn merge(&mut self, other: &Self) {
        self.decisions += other.decisions;
        self.top1 += other.top1;
        self.top5 += other.top5;
    }

    /// Top-1 agreement.
    pub fn top1_share(&self) -> Share {
        Share { hits: self.top1, n: self.decisions }
    }

    /// Top-5 agreement.
    pub fn top5_share(&self) -> Share {
        Share { hits: self.top5, n: self.decisions }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_by_hand() {
        assert_eq!(top_k(&[1.0, 3.0, 2.0, 3.0, -1.0], 3), [1, 3, 2]);
        assert_eq!(top_k(&[1.0, 1.0, 1.0, 1.0], 2), [0, 1]);
        assert_eq!(top_k(&[f32::NAN, 1.0, f32::NAN, 2.0], 5), [3, 1]);
        assert_eq!(top_k(&[0.0, -0.0, f32::NEG_INFINITY], 3), [0, 1, 2]);
        assert_eq!(top_k(&[1.0], 0), [0_usize; 0]);
        assert_eq!(top_1(&[f32::NAN, f32::NAN]), None);
        assert_eq!(top_1(&[]), None);
    }

    #[test]
    fn top_k_equals_a_stable_sort() {
        let scores: Vec<f32> = (0..200).map(|i| (i * 37 % 23) as f32).collect();
        let mut order: Vec<usize> = (0..200).collect();
        order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
        for k in [1, 5, 50, 200, 300] {
            assert_eq!(top_k(&scores, k), order[..k.min(200)]);
        }
    }

    #[test]
    fn which_outputs_are_class_scores() {
        assert_eq!(ClassScores::guess(&[1, 1000]).unwrap().classes(), 1000);
        let spatial = ClassScores::guess(&[8, 10, 1, 1]).unwrap();
        assert_eq!((spatial.classes(), spatial.decisions()), (10, 8));
        for shape in [&[1, 1][..], &[1, 21, 64, 64], &[1000], &[], &[1, 0]] {
            assert_eq!(ClassScores::guess(shape), None, "{shape:?}");
        }
        let pixels = ClassScores::along(&[1, 21, 4, 4], 1).unwrap();
        assert_eq!((pixels.classes(), pixels.decisions()), (21, 16));
        assert_eq!(ClassScores::along(&[1, 21], 2), None);
    }

    #[test]
    fn an_embedding_is_no_class_scores() {
        // 16 elements of ±1/4: the squares add up to 16/16.
        let direction: Vec<f32> = (0..16_u8).map(|i| if i % 3 == 0 { -0.25 } else { 0.25 }).collect();
        assert_eq!(ClassScores::of_values(&[1, 16], &direction), None);
        let logits: Vec<f32> = direction.iter().map(|v| 8.0 * v).collect();
        assert_eq!(ClassScores::of_values(&[1, 16], &logits), ClassScores::guess(&[1, 16]));
        let sure: Vec<f32> = (0..16_u8).map(|i| f32::from(u8::from(i == 5))).collect();
        assert!(ClassScores::of_values(&[1, 16], &sure).is_some(), "probabilities are not negative");
        assert!(ClassScores::of_values(&[1, 2], &[0.8, -0.6]).is_some());
    }

    #[test]
    fn agreement_by_hand() {
        let classes = ClassScores::guess(&[3, 7]).unwrap();
        let float = [
            [0.0, 9.0, 0.0, 0.0, 0.0, 0.0, 0.0],
            [5.0, 5.0, 0.0, 0.0, 0.0, 0.0, 0.0], // a tie: class 0
            [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
        ];
        let quantized = [
            [0.0, 8.0, 0.0, 0.0, 0.0, 0.0, 7.0], // the same
            [4.9, 5.0, 0.0, 0.0, 0.0, 0.0, 0.0], // class 1, class 0 is second
            [6.0, 5.0, 4.0, 3.0, 2.0, 1.0, 0.0], // class 6 is last
        ];
        let mut agreement = Agreement::default();
        agreement.observe(float.as_flattened(), quantized.as_flattened(), classes);
        assert_eq!(agreement, Agreement { decisions: 3, top1: 1, top5: 2 });
        agreement.observe(float.as_flattened(), &[f32::NAN; 21], classes);
        assert_eq!(agreement, Agreement { decisions: 6, top1: 1, top5: 2 }, "NaNs agree with nothing");
        assert_eq!(agreement.top5_share(), Share { hits: 2, n: 6 });
    }

    #[test]
    fn pixels_are_decisions_of_their_own() {
        // Two classes over two pixels, channels first: pixel 0 has (1, 2), pixel 1 has (4, 3).
        let classes = ClassScores::along(&[1, 2, 2], 1).unwrap();
        let rows: Vec<Vec<f32>> = classes.rows(&[1.0, 4.0, 2.0, 3.0]).collect();
        assert_eq!(rows, [[1.0, 2.0], [4.0, 3.0]]);
    }
}
