//! What both runs answer, sample by sample: which samples flip, how sure the float model was of them, and whether a flip
//! mends or breaks an answer.

use super::SampleEnergy;
use crate::{data::confidences, metrics::top_k};

/// The answers of one output over the samples of a report.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answers {
    /// The output, as the score names it.
    pub output: String,
    /// Whether it holds class scores; without them there are only errors.
    pub has_classes: bool,
    /// Number of classes; names of another number of classes are not this output's. 0 without class scores.
    pub classes: usize,
    /// One entry a sample, in the order of the data.
    pub samples: Vec<SampleAnswer>,
}

/// Both runs' answer to one sample.
#[derive(Clone, Debug, PartialEq)]
pub struct SampleAnswer {
    /// Its place among all samples of the data, from 0.
    pub index: usize,
    /// Its true class; `None` without labels that fit the output.
    pub label: Option<usize>,
    /// Error of the output; `None` where the two runs' outputs cannot be compared.
    pub error: Option<SampleEnergy>,
    /// What both decide; `None` where the output is no class scores.
    pub decision: Option<Decision>,
}

/// One decision of both runs. A sample that holds several, as where the model's own batch does, is represented by the
/// flipped one that the float run was surest of, else by its first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decision {
    /// The float run's choice.
    pub float: Choice,
    /// The quantized run's.
    pub quantized: Choice,
    /// Decisions of the sample.
    pub decisions: usize,
    /// Decisions of the sample on which the runs differ.
    pub flipped: usize,
}

/// The best class of one run, and how clear it was.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Choice {
    /// The class; `None` where every score is NaN.
    pub class: Option<usize>,
    /// Its share of the softmax, or its score where scores are probabilities, 0…1.
    pub confidence: f64,
    /// How far that is above the second best class's, 0…1.
    pub margin: f64,
}

/// What a flip does to the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FlipKind {
    /// The float model was right, the quantized one is not.
    Broken,
    /// The float model was wrong, the quantized one is right.
    Mended,
    /// Both are wrong, or the truth is not known.
    Changed,
}

impl Choice {
    /// The choice that these scores make.
    pub fn of(scores: &[f32]) -> Self {
        let best = top_k(scores, 2);
        let shares = confidences(scores);
        let share = |place: usize| best.get(place).and_then(|&class| shares.get(class)).copied().unwrap_or(0.0);
        Self { class: best.first().copied(), confidence: share(0), margin: share(0) - share(1) }
    }

    /// Whether both runs choose the same; NaNs agree with nothing, as in the count of agreements.
    fn agrees(self, other: Self) -> bool {
        self.class.is_some() && self.class == other.class
    }
}

impl Decision {
    /// The decision that stands for a sample; `None` where the runs do not decide equally often.
    pub fn of(float: &[Choice], quantized: &[Choice]) -> Option<Self> {
        if float.len() != quantized.len() {
            return None;
        }
        let pairs = || float.iter().copied().zip(quantized.iter().copied());
        let flipped = || pairs().filter(|(f, q)| !f.agrees(*q));
        // The last of equal ones, from the back: the first.
        let surest = flipped().rev().max_by(|a, b| a.0.margin.total_cmp(&b.0.margin));
        let (float, quantized) = surest.or_else(|| pairs().next())?;
        Some(Self { float, quantized, decisions: pairs().count(), flipped: flipped().count() })
    }
}

impl SampleAnswer {
    /// What changed; `None` where the runs agree or the output is no class scores.
    pub fn flip(&self) -> Option<FlipKind> {
        let decision = self.decision.filter(|decision| decision.flipped > 0)?;
        let is_right = |choice: Choice| self.label.is_some() && choice.class == self.label && decision.decisions == 1;
        Some(match (is_right(decision.float), is_right(decision.quantized)) {
            (true, _) => FlipKind::Broken,
            (false, true) => FlipKind::Mended,
            (false, false) => FlipKind::Changed,
        })
    }

    fn nmse(&self) -> f64 {
        self.error.map_or(0.0, SampleEnergy::nmse)
    }
}

impl Answers {
    /// Places in [`Answers::samples`] of those that tell most: the flipped ones, the float model surest first; without
    /// class scores all with an error, the largest first.
    pub fn ranked(&self) -> Vec<usize> {
        let rank = |sample: &SampleAnswer| match (self.has_classes, sample.decision) {
            (true, Some(decision)) => sample.flip().map(|_| decision.float.margin),
            (true, None) => None,
            (false, _) => Some(sample.nmse()).filter(|nmse| *nmse > 0.0),
        };
        let ranks = self.samples.iter().enumerate().filter_map(|(place, sample)| Some((place, rank(sample)?)));
        let mut ranked: Vec<(usize, f64)> = ranks.collect();
        // Stable: equal ones stay in the order of the data.
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
        ranked.into_iter().map(|(place, _)| place).collect()
    }

    /// How many samples flip in this way.
    pub fn count(&self, kind: FlipKind) -> usize {
        self.samples.iter().filter(|sample| sample.flip() == Some(kind)).count()
    }

    /// How many samples flip.
    pub fn flipped(&self) -> usize {
        self.samples.iter().filter(|sample| sample.flip().is_some()).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(index: usize, scores: [[f32; 3]; 2], label: Option<usize>) -> SampleAnswer {
        let [float, quantized] = scores.map(|scores| [Choice::of(&scores)]);
        SampleAnswer { index, label, error: None, decision: Decision::of(&float, &quantized) }
    }

    #[test]
    fn a_choice_by_hand() {
        let choice = Choice::of(&[0.1, 0.7, 0.2]);
        assert_eq!((choice.class, choice.confidence), (Some(1), f64::from(0.7_f32)));
        assert!((choice.margin - 0.5).abs() < 1e-6);
        assert_eq!(Choice::of(&[f32::NAN; 3]), Choice { class: None, confidence: 0.0, margin: 0.0 });
        assert_eq!(Choice::of(&[]), Choice::default());
    }

    #[test]
    fn flips_by_kind_and_the_surest_first() {
        let (unsure, sure, even) = ([0.4, 0.3, 0.3], [0.9, 0.1, 0.0], [0.1, 0.8, 0.1]);
        let samples = vec![
            sample(0, [unsure, even], Some(0)),
            sample(1, [sure, sure], Some(0)),
            sample(2, [sure, even], Some(1)),
            sample(3, [sure, even], None),
            sample(4, [sure, [f32::NAN; 3]], Some(2)),
        ];
        let answers = Answers { output: "p".into(), has_classes: true, classes: 3, samples };
        let kinds: Vec<_> = answers.samples.iter().map(SampleAnswer::flip).collect();
        let (broken, mended, changed) = (FlipKind::Broken, FlipKind::Mended, FlipKind::Changed);
        assert_eq!(kinds, [Some(broken), None, Some(mended), Some(changed), Some(changed)]);
        assert_eq!(answers.ranked(), [2, 3, 4, 0]);
        assert_eq!((answers.count(changed), answers.flipped()), (2, 4));
    }

    #[test]
    fn several_decisions_are_shown_by_the_surest_flip() {
        let of = |scores: &[[f32; 3]]| scores.iter().map(|s| Choice::of(s)).collect::<Vec<_>>();
        let float = of(&[[0.9, 0.1, 0.0], [0.5, 0.4, 0.1], [0.2, 0.1, 0.7]]);
        let quantized = of(&[[0.9, 0.1, 0.0], [0.4, 0.5, 0.1], [0.7, 0.1, 0.2]]);
        let decision = Decision::of(&float, &quantized).unwrap();
        assert_eq!((decision.decisions, decision.flipped, decision.float.class), (3, 2, Some(2)));
        assert_eq!(Decision::of(&float, &quantized[..2]), None);
        // Three labels cannot be one.
        let sample = SampleAnswer { index: 0, label: Some(2), error: None, decision: Some(decision) };
        assert_eq!(sample.flip(), Some(FlipKind::Changed));
    }

    #[test]
    fn without_classes_the_largest_error_leads() {
        let error = |noise| Some(SampleEnergy { signal: 1.0, noise });
        let sample = |index, error| SampleAnswer { index, label: None, error, decision: None };
        let samples = vec![sample(0, error(0.1)), sample(1, error(0.0)), sample(2, error(0.4)), sample(3, None)];
        assert_eq!(Answers { samples, ..Answers::default() }.ranked(), [2, 0]);
    }
}
