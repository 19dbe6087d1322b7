//! What running an exported file showed, beside the engine: its output errors, and what onnxruntime's full optimization
//! makes of them.

use std::sync::Arc;

use super::score;
use crate::{
    engine::{Session, Store, Value},
    error::{Error, Result},
    graph::Graph,
    job::Job,
    mark,
    metrics::{Agreement, ClassScores, ErrorSums, Errors, Measure},
    report::{Choice, Share},
    say,
    text::Text,
};

/// The file as a user's program runs it. That onnxruntime's optimized kernels have limits of their own (a ratio of two
/// scales) must not hide what the plain run showed.
pub(super) struct Optimized {
    session: Option<Session>,
    /// Why onnxruntime refuses the file.
    pub(super) failure: Option<Text>,
}

impl Optimized {
    /// Around a session, or around why there is none.
    pub(super) fn new(built: Result<Session>) -> Result<Self> {
        let mut optimized = Self { session: None, failure: None };
        optimized.session = optimized.unless_refused(built)?;
        Ok(optimized)
    }

    /// The outputs, or nothing once onnxruntime has refused.
    pub(super) fn run(&mut self, graph: &Graph, inputs: &[Arc<Value>], job: &Job<'_>) -> Result<Option<Vec<Value>>> {
        let Some(session) = &mut self.session else { return Ok(None) };
        let names: Vec<&str> = graph.inputs.iter().map(|&t| graph.name(t)).collect();
        let feeds: Vec<(&str, &Value)> = names.into_iter().zip(inputs.iter().map(AsRef::as_ref)).collect();
        let outputs = session.run(&feeds, &job.cancel);
        self.unless_refused(outputs)
    }

    fn unless_refused<T>(&mut self, result: Result<T>) -> Result<Option<T>> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(Error::Runtime { reason, .. }) => {
                self.session = None;
                self.failure = Some(say!("with its full optimization, onnxruntime refuses the file: {}", reason));
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }
}

/// Output errors of the file over the verified samples.
#[derive(Default)]
pub(super) struct Tally {
    /// By output, one entry a sample.
    pub(super) plain: Vec<Vec<ErrorSums>>,
    pub(super) optimized: Vec<Vec<ErrorSums>>,
    pub(super) max_abs: f64,
    /// Decisions without optimization, on the samples that ran with it too.
    pub(super) plain_decisions: Decisions,
    /// Decisions with full optimization.
    pub(super) optimized_decisions: Decisions,
}

/// How often the best class was right, and how often the float model's.
#[derive(Default)]
pub(super) struct Decisions {
    correct: usize,
    labelled: usize,
    agreement: Option<Agreement>,
}

impl Decisions {
    fn observe(&mut self, float: &[f32], scores: &[f32], classes: ClassScores, label: Option<usize>) {
        self.agreement.get_or_insert_default().observe(float, scores, classes);
        let best: Vec<_> = classes.rows(scores).map(|row| Choice::of(&row)).collect();
        let label = label.filter(|&l| l < classes.classes());
        if let Some(share) = score::accuracy([(best.as_slice(), label)].into_iter()) {
            self.labelled += share.of;
            self.correct += share.count;
        }
    }

    /// `None` without labels.
    pub(super) fn accuracy(&self) -> Option<Share> {
        (self.labelled > 0).then_some(Share { count: self.correct, of: self.labelled })
    }

    /// `None` without class scores.
    pub(super) fn agreement(&self) -> Option<Share> {
        let count = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        self.agreement.as_ref().map(|a| Share { count: count(a.top1), of: count(a.decisions) })
    }
}

impl Tally {
    pub(super) fn add_plain(&mut self, graph: &Graph, float: &Store, plain: &[Arc<Value>]) {
        self.plain.resize(graph.outputs.len(), Vec::new());
        for (position, &tensor) in graph.outputs.iter().enumerate() {
            let float = float[tensor].as_ref().and_then(|v| v.widened());
            if let (Some(f), Some(p)) = (float, plain[position].widened())
                && f.len() == p.len()
            {
                self.plain[position].push(ErrorSums::of(&f, &p));
            }
        }
    }

    pub(super) fn add_optimized(
        &mut self,
        graph: &Graph,
        float: &Store,
        plain: &[Arc<Value>],
        optimized: &[Value],
        label: Option<usize>,
    ) {
        self.optimized.resize(graph.outputs.len(), Vec::new());
        let mut has_decided = false;
        for (position, &tensor) in graph.outputs.iter().enumerate() {
            let Some(float) = &float[tensor] else { continue };
            let (Some(f), Some(p), Some(o)) =
                (float.widened(), plain[position].widened(), optimized[position].widened())
            else {
                continue;
            };
            if f.len() != p.len() || f.len() != o.len() {
                continue;
            }
            self.optimized[position].push(ErrorSums::of(&f, &o));
            self.max_abs = self.max_abs.max(ErrorSums::of(&p, &o).max_abs_e);
            if let Some(classes) = ClassScores::of_values(&float.shape(), &f).filter(|_| !has_decided) {
                has_decided = true;
                self.plain_decisions.observe(&f, &p, classes, label);
                self.optimized_decisions.observe(&f, &o, classes, label);
            }
        }
    }

    /// SQNR of the output with the largest error.
    pub(super) fn sqnr(&self, sums: &[Vec<ErrorSums>]) -> Measure {
        let each = sums.iter().filter(|s| !s.is_empty());
        let measures = each.map(|s| Errors::from(&ErrorSums::merge_samples(s)).sqnr_db);
        let rank = |m: &Measure| m.value().unwrap_or(f64::INFINITY);
        measures
            .min_by(|a, b| rank(a).total_cmp(&rank(b)))
            .unwrap_or(Measure::NotApplicable(mark!("the outputs hold no floating-point values")))
    }
}
