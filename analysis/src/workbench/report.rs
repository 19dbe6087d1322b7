//! Sums of samples to the numbers of a report.

use std::{ops::Range, sync::Arc};

use super::{
    EvaluationData, Workbench, cost,
    samples::no_data,
    score,
    shares::{clipped_fraction, vanished_fraction},
    weight_summary::weight_summary,
};
use crate::{
    calibrate::MinMax,
    config::QuantConfig,
    drift::{self, Totals},
    engine::LayerSums,
    error::Result,
    export::needed_opsets,
    graph::LayerId,
    job::Warning,
    mark,
    metrics::{ErrorSums, Errors, Measure},
    plan::QuantPlan,
    report::{
        ActivationSummary, Answers, Cost, Decision, LayerInfo, LayerRow, Memory, OutputRow, Report, SampleAnswer,
        SampleEnergy, Score, Share, Timing, hidden_losses,
    },
    say,
};

/// Why a row has no errors.
const NO_VALUES: &str = mark!("the tensor holds no floating-point values to compare");
/// Why a row has no errors before there are samples.
const NEEDS_SAMPLES: &str = mark!("activation error needs samples");
/// Why an introduced error has no cosine and no gain.
const A_DIFFERENCE: &str = mark!("an introduced error is a difference of two runs, not a tensor of its own");

impl Workbench {
    /// The report of the first `used` samples, all of which are at `plan`.
    pub(super) fn report(
        &self,
        config: &Arc<QuantConfig>,
        plan: &QuantPlan,
        used: usize,
        timing: Timing,
    ) -> Result<Report> {
        self.report_over(config, plan, 0..used, timing)
    }

    /// The report of these samples, all of which are at `plan`.
    pub(super) fn report_over(
        &self,
        config: &Arc<QuantConfig>,
        plan: &QuantPlan,
        used: Range<usize>,
        timing: Timing,
    ) -> Result<Report> {
        let data = self.data.as_ref().ok_or_else(no_data)?;
        let sums: Vec<&[LayerSums]> = data.samples[used.clone()].iter().map(|s| s.layers.as_slice()).collect();
        let totals = totals(&sums, self.graph.layers.len());
        let rows: Vec<LayerRow> = self
            .info
            .layers
            .iter()
            .enumerate()
            .map(|(id, info)| self.row(id, info, plan, &sums, &totals, &data.shapes))
            .collect();
        let outputs = self.output_rows(used.clone())?;
        let has_classes = data.scores.iter().flat_map(|s| &s.outputs).any(|o| o.classes > 0);
        let labels_are_foreign =
            has_classes && data.dataset.labels().is_some() && outputs.iter().all(|o| o.float_accuracy.is_none());
        let mut warnings = self.info.warnings.clone();
        warnings.extend(data.dataset.warnings().iter().cloned());
        warnings.extend(data.warnings.iter().cloned());
        warnings.extend(plan.warnings.iter().cloned());
        if labels_are_foreign {
            warnings.push(Warning::new(
                "labels-foreign",
                say!(
                    "the labels name classes that no output of this model has, so there is no accuracy; choose another \
                 label column, or give the class names in the model's order"
                ),
            ));
        }
        warnings.extend(hidden_losses(&rows));
        let total = |field: fn(&LayerRow) -> u64| rows.iter().map(field).sum::<u64>();
        Ok(Report {
            config: Arc::clone(config),
            target: Arc::clone(&self.info.target),
            samples: used.len(),
            samples_total: data.samples.len(),
            score: score_of(&outputs),
            answers: Arc::new(answers(data, used.clone(), &outputs)),
            cost: Cost {
                float_bytes: total(|r| r.float_bytes),
                quantized_bytes: total(|r| r.quantized_bytes),
                macs: total(|r| r.macs),
                bops: total(|r| r.bops),
            },
            needs: needed_opsets(&self.graph, plan),
            rows,
            outputs,
            memory: Memory {
                budget_bytes: self.memory_budget_bytes,
                peak_bytes: data.account.peak_bytes(),
                used_bytes: data.account.used_bytes(),
            },
            timing,
            warnings,
            sample_names: used.map(|index| data.dataset.name(index)).collect(),
            scope: None,
        })
    }

    /// The report before there are samples: every error of an activation is still to come.
    pub(super) fn report_without_data(&self, config: &Arc<QuantConfig>, plan: &QuantPlan) -> Report {
        let rows: Vec<LayerRow> = self
            .info
            .layers
            .iter()
            .enumerate()
            .map(|(id, info)| {
                let none = unknown(NEEDS_SAMPLES);
                let row = self.row(id, info, plan, &[], &[], &[]);
                LayerRow {
                    local: none,
                    accumulated: none,
                    inherited: none,
                    introduced: none,
                    flow: Err(NEEDS_SAMPLES),
                    correlation: Measure::NotApplicable(NEEDS_SAMPLES),
                    why_falls: None,
                    clipped_fraction: Measure::NotApplicable(NEEDS_SAMPLES),
                    ..row
                }
            })
            .collect();
        let total = |field: fn(&LayerRow) -> u64| rows.iter().map(field).sum::<u64>();
        Report {
            config: Arc::clone(config),
            target: Arc::clone(&self.info.target),
            samples: 0,
            samples_total: 0,
            outputs: Vec::new(),
            score: Score { output_sqnr_db: Measure::NotApplicable(NEEDS_SAMPLES), ..score_of(&[]) },
            answers: Arc::default(),
            cost: Cost {
                float_bytes: total(|r| r.float_bytes),
                quantized_bytes: total(|r| r.quantized_bytes),
                macs: 0,
                bops: 0,
            },
            needs: needed_opsets(&self.graph, plan),
            rows,
            memory: Memory { budget_bytes: self.memory_budget_bytes, ..Memory::default() },
            timing: Timing::default(),
            warnings: self.info.warnings.iter().chain(&plan.warnings).cloned().collect(),
            sample_names: Arc::default(),
            scope: None,
        }
    }

    fn row(
        &self,
        id: LayerId,
        info: &LayerInfo,
        plan: &QuantPlan,
        samples: &[&[LayerSums]],
        totals: &[Totals],
        shapes: &[Option<Vec<usize>>],
    ) -> LayerRow {
        let format = &plan.formats.layers[id];
        let own = totals.get(id).copied().unwrap_or_default();
        let cost = cost::of_layer(&self.graph, id, plan, shapes);
        let output = self.graph.layers[id].outputs.first().copied();
        let quantizer = output.and_then(|t| plan.tensors[t]);
        LayerRow {
            info: Arc::new(info.clone()),
            weight_bits: format.weight_bits,
            activation_bits: format.activation_bits,
            granularity: format.weight_bits.filter(|b| !b.is_float()).map(|_| format.granularity),
            edited: format.is_edited,
            local: errors(merged(samples, id, |s| s.local)),
            accumulated: errors(own.accumulated),
            inherited: errors(own.inherited),
            introduced: introduced(own.introduced, own.accumulated),
            flow: drift::flow(&drift::received(&self.graph, id, totals), own.inherited.as_ref()),
            correlation: drift::correlation(&own),
            why_falls: drift::drift_note(&self.graph, id, totals),
            clipped_fraction: clipped_fraction(id, samples),
            vanished_fraction: vanished_fraction(id, samples, quantizer.map(|quantizer| quantizer.range)),
            by_sample: samples.iter().filter_map(|s| Some(energy(&s.get(id)?.accumulated?))).collect(),
            weight: weight_summary(&self.graph, id, &plan.weights[id], format),
            activation: quantizer.and_then(|q| {
                let tensor = output.and_then(|t| plan.formats.tensors[t])?;
                Some(ActivationSummary {
                    scale: q.quantizer.scale(),
                    zero_point: q.quantizer.zero_point(),
                    low: q.range.low,
                    high: q.range.high,
                    method: q.method,
                    grid: q.quantizer.grid().map(|grid| (grid.q_min(), grid.q_max())),
                    number: tensor.number,
                    rule: format.activation_grid,
                    percentile: tensor.range.percentile,
                })
            }),
            float_bytes: cost.float_bytes,
            quantized_bytes: cost.quantized_bytes,
            macs: cost.macs,
            bops: cost.bops,
        }
    }

    fn output_rows(&self, used: Range<usize>) -> Result<Vec<OutputRow>> {
        let data = self.data.as_ref().ok_or_else(no_data)?;
        let scores = &data.scores[used.clone()];
        let mut rows = Vec::with_capacity(self.graph.outputs.len());
        for (position, &tensor) in self.graph.outputs.iter().enumerate() {
            let each = || scores.iter().filter_map(|s| s.outputs.get(position));
            let sums: Option<Vec<ErrorSums>> = each().map(|o| o.errors).collect();
            let agreements: Option<Vec<_>> = each().map(|o| o.agreement).collect();
            let agreement = agreements.map(|all| {
                all.iter().fold(crate::metrics::Agreement::default(), |mut total, one| {
                    total.merge(one);
                    total
                })
            });
            let classes = each().map(|o| o.classes).next().unwrap_or(0);
            let labels = score::fitting_labels(data.dataset.labels(), classes);
            let label = |index: usize| labels.and_then(|l| l.get(used.start + index).copied());
            let accuracy = score::accuracy(each().enumerate().map(|(i, o)| (o.best.as_slice(), label(i))));
            let float_accuracy = score::accuracy(each().enumerate().map(|(i, o)| (o.float_best.as_slice(), label(i))));
            rows.push(OutputRow {
                name: self.graph.name(tensor).to_owned(),
                errors: errors(sums.filter(|s| !s.is_empty()).map(|s| ErrorSums::merge_samples(&s))),
                top1_agreement: agreement.map(|a| share(a.top1, a.decisions)),
                top5_agreement: agreement.map(|a| share(a.top5, a.decisions)),
                accuracy,
                float_accuracy,
            });
        }
        Ok(rows)
    }
}

/// The sums of one error of a layer over all samples; `None` unless every sample has them.
fn merged(samples: &[&[LayerSums]], id: LayerId, field: fn(&LayerSums) -> Option<ErrorSums>) -> Option<ErrorSums> {
    let each: Option<Vec<ErrorSums>> = samples.iter().map(|s| s.get(id).and_then(field)).collect();
    each.map(|each| ErrorSums::merge_samples(&each))
}

/// By layer.
fn totals(samples: &[&[LayerSums]], layers: usize) -> Vec<Totals> {
    let of = |id| Totals {
        accumulated: merged(samples, id, |s| s.accumulated),
        inherited: merged(samples, id, |s| s.inherited),
        introduced: merged(samples, id, |s| s.introduced),
    };
    (0..layers).map(of).collect()
}

fn share(hits: u64, of: u64) -> Share {
    let count = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    Share { count: count(hits), of: count(of) }
}

pub(super) fn errors(sums: Option<ErrorSums>) -> Errors {
    match sums {
        Some(sums) => Errors::from(&sums),
        None => unknown(NO_VALUES),
    }
}

fn unknown(why: &'static str) -> Errors {
    let none = Measure::NotApplicable(why);
    Errors { sqnr_db: none, cosine: none, nmse: none, mse: none, max_abs: none, gain: none }
}

/// The introduced error against the energy of the float tensor, as all errors of a layer are.
fn introduced(sums: Option<ErrorSums>, accumulated: Option<ErrorSums>) -> Errors {
    let against_float =
        sums.zip(accumulated).map(|(own, all)| ErrorSums { sum_f: all.sum_f, sum_f2: all.sum_f2, ..own });
    let found = errors(against_float);
    let difference = Measure::NotApplicable(A_DIFFERENCE);
    Errors { cosine: difference, gain: difference, ..found }
}

fn energy(sums: &ErrorSums) -> SampleEnergy {
    SampleEnergy { signal: sums.sum_f2, noise: sums.sum_e2 }
}

/// The first output with class scores decides; else the output with the largest error.
fn deciding_output(outputs: &[OutputRow]) -> Option<usize> {
    let rank = |output: &OutputRow| output.errors.sqnr_db.value().unwrap_or(f64::INFINITY);
    let worst = || (0..outputs.len()).min_by(|&a, &b| rank(&outputs[a]).total_cmp(&rank(&outputs[b])));
    outputs.iter().position(|output| output.top1_agreement.is_some()).or_else(worst)
}

fn score_of(outputs: &[OutputRow]) -> Score {
    let chosen = deciding_output(outputs).map(|position| &outputs[position]);
    Score {
        float_accuracy: chosen.and_then(|o| o.float_accuracy),
        accuracy: chosen.and_then(|o| o.accuracy),
        agreement: chosen.and_then(|o| o.top1_agreement),
        output_sqnr_db: chosen.map_or(Measure::NotApplicable(NO_VALUES), |o| o.errors.sqnr_db),
        output: chosen.map_or_else(String::new, |o| o.name.clone()),
    }
}

/// Both runs' answers of the output that the score speaks of.
fn answers(data: &EvaluationData, used: Range<usize>, outputs: &[OutputRow]) -> Answers {
    let Some(position) = deciding_output(outputs) else { return Answers::default() };
    let has_classes = outputs[position].top1_agreement.is_some();
    let of = |index: usize| data.scores[index].outputs.get(position);
    let classes = used.clone().find_map(|index| Some(of(index)?.classes)).filter(|_| has_classes).unwrap_or(0);
    let labels = score::fitting_labels(data.dataset.labels(), classes).filter(|_| has_classes);
    let answer = |index: usize| SampleAnswer {
        index,
        label: labels.and_then(|labels| labels.get(index).copied()),
        error: of(index).and_then(|output| output.errors).map(|sums| energy(&sums)),
        decision: of(index).filter(|_| has_classes).and_then(|o| Decision::of(&o.float_best, &o.best)),
    };
    Answers { output: outputs[position].name.clone(), has_classes, classes, samples: used.map(answer).collect() }
}

/// The observed range of a channel, as a pair.
pub(super) fn ends(seen: &MinMax) -> (f32, f32) {
    seen.range().map_or((0.0, 0.0), |r| (r.low, r.high))
}
