//! Float sanity: what the *float* model says on the data. If it is wrong here, nothing about quantization can be right.
//!
//! Scores may be logits or probabilities, models end in either; scores that are non-negative and add up to 1 are taken as
//! probabilities, since a second softmax would flatten them to near uniform and fake a lack of confidence.

use super::{dataset::Dataset, names::ClassNames, samples::Sample};
use crate::{
    error::{Error, Result},
    job::Warning,
    say,
    text::Text,
};

/// Runs the float model on one sample and gives its class scores.
pub type Runner<'a> = dyn FnMut(&Sample) -> Result<Vec<f32>> + 'a;

/// One of a sample's best classes.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassScore {
    /// The class.
    pub class: usize,
    /// Its name, where known.
    pub name: Option<String>,
    /// The model's score as it came.
    pub score: f32,
    /// The share of the softmax (or the score itself when scores are probabilities), 0…1.
    pub confidence: f64,
}

/// One sample's answer.
#[derive(Clone, Debug, PartialEq)]
pub struct SanityRow {
    /// The sample's name.
    pub name: Text,
    /// Its true class, where known.
    pub label: Option<usize>,
    /// At most five classes, best first; of equal scores the lower class first.
    pub top: Vec<ClassScore>,
}

/// How many of how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Those that are right.
    pub hits: usize,
    /// All that count.
    pub total: usize,
}

impl Share {
    /// 0…1; 0 of 0 is 0.
    pub fn ratio(self) -> f64 {
        if self.total == 0 { 0.0 } else { self.hits as f64 / self.total as f64 }
    }
}

/// What the float model says on the first samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Sanity {
    /// One row a sample.
    pub rows: Vec<SanityRow>,
    /// Number of classes.
    pub classes: usize,
    /// Over the labelled samples; `None` without any.
    pub accuracy: Option<Share>,
    /// Labelled samples whose label is among the best five; `None` without labels.
    pub top5: Option<Share>,
    /// Mean confidence of the best class, 0…1.
    pub mean_confidence: f64,
    /// What makes the numbers doubtful: `accuracy-chance`, `labels-range`, `scores-not-finite`.
    pub banners: Vec<Warning>,
}

/// Runs the float model on the first `n` samples. Cancelling is the runner's: its error ends the run.
///
/// # Errors
/// What the runner or making a sample fails with; [`Error::Data`] when there are fewer than two scores or their number changes.
pub fn float_sanity(
    dataset: &Dataset,
    n: usize,
    names: Option<&ClassNames>,
    runner: &mut Runner<'_>,
) -> Result<Sanity> {
    let picked: Vec<usize> = (0..n.min(dataset.len())).collect();
    sanity_of(dataset, &picked, names, runner)
}

/// The same on chosen samples.
pub(super) fn sanity_of(
    dataset: &Dataset,
    picked: &[usize],
    names: Option<&ClassNames>,
    runner: &mut Runner<'_>,
) -> Result<Sanity> {
    let mut rows = Vec::new();
    let (mut classes, mut unusable) = (0, Vec::new());
    for &i in picked {
        let sample = dataset.sample(i)?;
        let scores = runner(&sample)?;
        if scores.len() < 2 || (classes != 0 && classes != scores.len()) {
            let reason = say!(
                "sample {}: {} class scores, {} before; at least 2 are needed",
                sample.name,
                scores.len(),
                classes
            );
            return Err(Error::data(reason));
        }
        classes = scores.len();
        if scores.iter().any(|s| !s.is_finite()) {
            unusable.push(sample.name.clone());
        }
        // Names of other classes than the output's would lie.
        let names = names.filter(|names| names.names.len() == classes);
        rows.push(SanityRow { top: top(&scores, names), name: sample.name, label: sample.label });
    }
    let best = |row: &SanityRow| row.top.first().map(|c| c.class);
    let accuracy = share(&rows, |row, label| best(row) == Some(label));
    let top5 = share(&rows, |row, label| row.top.iter().any(|c| c.class == label));
    let confidences = rows.iter().filter_map(|r| r.top.first()).map(|c| c.confidence);
    let mean_confidence = confidences.sum::<f64>() / rows.len().max(1) as f64;
    let mut banners = Vec::new();
    if let Some(first) = unusable.first() {
        let message =
            say!("the float model gives NaN or infinite scores for {} samples, the first is {}", unusable.len(), first);
        banners.push(Warning::new("scores-not-finite", message));
    }
    banners.extend(chance(accuracy, classes));
    let outside = rows.iter().filter_map(|r| r.label).find(|&label| label >= classes);
    if let Some(label) = outside.filter(|_| classes > 0) {
        let message = say!(
            "label {} is outside the model's {} classes: another label column or class order is needed",
            label,
            classes
        );
        banners.push(Warning::new("labels-range", message));
    }
    Ok(Sanity { rows, classes, accuracy, top5, mean_confidence, banners })
}

/// Softmax in f64, or the scores themselves when they already are probabilities. NaN scores get 0.
pub fn confidences(scores: &[f32]) -> Vec<f64> {
    let values: Vec<f64> = scores.iter().map(|&s| f64::from(s)).collect();
    let sum: f64 = values.iter().sum();
    // float32 softmax outputs add up to 1 within about 1e-6; 1e-3 also covers float16.
    if values.iter().all(|&v| v >= 0.0) && (sum - 1.0).abs() < 1e-3 {
        return values;
    }
    let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = values.iter().map(|&v| if v == max { 1.0 } else { (v - max).exp() }).collect();
    let total: f64 = powers.iter().filter(|p| p.is_finite()).sum();
    powers.into_iter().map(|p| if p.is_finite() && total > 0.0 { p / total } else { 0.0 }).collect()
}

/// The best five; NaN counts as the worst score.
fn top(scores: &[f32], names: Option<&ClassNames>) -> Vec<ClassScore> {
    let confidences = confidences(scores);
    let mut all: Vec<(usize, f32)> = scores.iter().copied().enumerate().collect();
    let key = |s: f32| if s.is_nan() { f32::NEG_INFINITY } else { s };
    // A stable sort keeps the lower class first among equals. −0 and 0 are equal scores.
    all.sort_by(|a, b| key(b.1).partial_cmp(&key(a.1)).unwrap_or(std::cmp::Ordering::Equal));
    let scored = all.into_iter().take(5).map(|(class, score)| ClassScore {
        class,
        name: names.and_then(|n| n.get(class)).map(str::to_owned),
        score,
        confidence: confidences.get(class).copied().unwrap_or(0.0),
    });
    scored.collect()
}

fn share(rows: &[SanityRow], right: impl Fn(&SanityRow, usize) -> bool) -> Option<Share> {
    let labelled: Vec<bool> = rows.iter().filter_map(|row| row.label.map(|label| right(row, label))).collect();
    let hits = labelled.iter().filter(|hit| **hit).count();
    (!labelled.is_empty()).then_some(Share { hits, total: labelled.len() })
}

/// Guessing among C classes hits 1/C; within two standard deviations above that, chance explains the accuracy. With fewer
/// than eight samples hardly anything would be beyond chance, so nothing is said.
fn chance(accuracy: Option<Share>, classes: usize) -> Option<Warning> {
    let share = accuracy.filter(|s| s.total >= 8 && classes >= 2)?;
    let p = 1.0 / classes as f64;
    let limit = p + 2.0 * (p * (1.0 - p) / share.total as f64).sqrt();
    (share.ratio() <= limit).then(|| {
        let message = say!(
            "the float model's accuracy is {}/{}, chance is 1 in {}: wrong preprocessing, label column or class order?",
            share.hits,
            share.total,
            classes
        );
        Warning::new("accuracy-chance", message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confidences_of_logits_and_probabilities() {
        // e^0 : e^ln3 = 1 : 3.
        let c = confidences(&[0.0, 3.0_f32.ln()]);
        assert!((c[0] - 0.25).abs() < 1e-6 && (c[1] - 0.75).abs() < 1e-6);
        assert_eq!(confidences(&[0.25, 0.75]), [0.25, 0.75]);
        assert_eq!(confidences(&[f32::NAN, 1.0]), [0.0, 1.0]);
        // Huge logits do not overflow.
        assert_eq!(confidences(&[1e30, 0.0]), [1.0, 0.0]);
    }

    #[test]
    fn ties_go_to_the_lower_class() {
        let classes = |scores: &[f32]| top(scores, None).iter().map(|c| c.class).collect::<Vec<_>>();
        assert_eq!(classes(&[1.0, 2.0, 2.0, f32::NAN]), [1, 2, 0, 3]);
        assert_eq!(classes(&[-0.0, 0.0]), [0, 1]);
    }

    #[test]
    fn near_chance_is_said() {
        let said = |hits, total, classes| chance(Some(Share { hits, total }), classes).is_some();
        // 10 classes, 100 samples: 0.1 + 2·√(0.09/100) = 0.16.
        assert!(said(16, 100, 10) && !said(17, 100, 10));
        // 2 classes, 16 samples: 0.5 + 2·√(0.25/16) = 0.75.
        assert!(said(12, 16, 2) && !said(13, 16, 2));
        assert!(!said(0, 7, 10));
    }
}
