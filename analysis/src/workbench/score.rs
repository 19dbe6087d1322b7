//! What a sample's outputs mean for the task: errors of the outputs, agreement with the float model, accuracy.

use crate::{
    engine::Store,
    graph::Graph,
    metrics::{Agreement, ClassScores, ErrorSums},
    report::{Choice, Share},
};

/// One output of one sample.
#[derive(Clone, Debug, Default)]
pub(super) struct OutputScore {
    pub(super) errors: Option<ErrorSums>,
    /// `None` where the output is no class scores.
    pub(super) agreement: Option<Agreement>,
    /// Number of classes; 0 where the output is no class scores.
    pub(super) classes: usize,
    /// What the float run chooses, one a decision.
    pub(super) float_best: Vec<Choice>,
    /// What the quantized run chooses.
    pub(super) best: Vec<Choice>,
}

/// All outputs of one sample.
#[derive(Clone, Debug, Default)]
pub(super) struct SampleScore {
    pub(super) outputs: Vec<OutputScore>,
}

impl SampleScore {
    /// Takes the float run's decisions.
    pub(super) fn take_float(&mut self, graph: &Graph, float: &Store) {
        self.outputs = graph
            .outputs
            .iter()
            .map(|&tensor| {
                let mut score = OutputScore::default();
                if let Some(value) = &float[tensor]
                    && let Some(values) = value.widened()
                    && let Some(classes) = ClassScores::of_values(&value.shape(), &values)
                {
                    score.classes = classes.classes();
                    score.float_best = classes.rows(&values).map(|row| Choice::of(&row)).collect();
                }
                score
            })
            .collect();
    }

    /// Compares the quantized run's outputs.
    pub(super) fn take_quantized(&mut self, graph: &Graph, float: &Store, quantized: &Store) {
        for (score, &tensor) in self.outputs.iter_mut().zip(&graph.outputs) {
            // An output whose length the data decide may be comparable under one plan and not under the next.
            (score.errors, score.agreement, score.best) = (None, None, Vec::new());
            if graph.tensors[tensor].is_constant {
                // No run makes it: it is the file's own in both.
                score.errors = graph.constants.float_values(tensor).map(|values| ErrorSums::of(&values, &values));
                continue;
            }
            let (Some(f), Some(q)) = (&float[tensor], &quantized[tensor]) else { continue };
            let (Some(f_values), Some(q_values)) = (f.widened(), q.widened()) else { continue };
            if f_values.len() != q_values.len() {
                continue;
            }
            score.errors = Some(ErrorSums::of(&f_values, &q_values));
            if let Some(classes) = ClassScores::of_values(&f.shape(), &f_values) {
                let mut agreement = Agreement::default();
                agreement.observe(&f_values, &q_values, classes);
                score.agreement = Some(agreement);
                score.best = classes.rows(&q_values).map(|row| Choice::of(&row)).collect();
            }
        }
    }
}

/// Share of samples with a label whose single decision is that label; `None` without any.
pub(super) fn accuracy<'a>(decisions: impl Iterator<Item = (&'a [Choice], Option<usize>)>) -> Option<Share> {
    let mut share = Share { count: 0, of: 0 };
    for (best, label) in decisions {
        if let ([best], Some(label)) = (best, label) {
            share.of += 1;
            share.count += usize::from(best.class == Some(label));
        }
    }
    (share.of > 0).then_some(share)
}

/// Labels that name classes this output has; `None` where one does not, since then they speak of other classes and an
/// accuracy would be a lie.
pub(super) fn fitting_labels(labels: Option<&[usize]>, classes: usize) -> Option<&[usize]> {
    labels.filter(|labels| labels.iter().all(|&label| label < classes))
}
