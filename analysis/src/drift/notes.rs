//! Where the accumulated error falls, and which operator lets it (Q19).
//!
//! A note says only what the sums show. Where an activation is fused behind a sum of products the two cannot be told
//! apart from the sums, so both are named; the Errors page runs the layer without its activation and measures.

use super::{Received, Totals, nmse, received};
use crate::{
    graph::{Graph, Layer, LayerId, NodeId},
    metrics::{ErrorSums, Errors},
    report::{DriftNote, FallReason},
};

/// A rise of the accumulated SQNR that is worth a note, in dB. Half a decibel is a change of 11 % in the error's energy:
/// about a point's height of the drift strip, below which no fall is seen, and what one more sample moves a layer's
/// SQNR by when eight are there.
pub const FALL_DB: f64 = 0.5;

/// Operators that add branches or join them.
const BRANCHES: [&str; 5] = ["Add", "Sub", "Sum", "Mean", "Concat"];
/// Operators that average a window, or add it up, which is the same but for a factor.
const AVERAGES: [&str; 6] = ["AveragePool", "GlobalAveragePool", "ReduceMean", "ReduceSum", "LpPool", "GlobalLpPool"];
/// Operators that keep one value of several.
const SELECTS: [&str; 4] = ["MaxPool", "GlobalMaxPool", "ReduceMax", "ReduceMin"];
/// Activations that remove what they cut.
const CUTS: [&str; 3] = ["Relu", "Clip", "ThresholdedRelu"];
/// Activations that shrink it.
const SHRINKS: [&str; 10] =
    ["LeakyRelu", "PRelu", "Elu", "Selu", "Celu", "Gelu", "HardSwish", "Swish", "Mish", "Softplus"];
/// Normalisations by statistics of the values themselves. `BatchNormalization` has constants and removes no gain.
const NORMALISES: [&str; 8] = [
    "LayerNormalization",
    "SimplifiedLayerNormalization",
    "SkipLayerNormalization",
    "RMSNormalization",
    "InstanceNormalization",
    "GroupNormalization",
    "LpNormalization",
    "MeanVarianceNormalization",
];
/// Functions that are flat for large values.
const SATURATES: [&str; 7] = ["Softmax", "LogSoftmax", "Sigmoid", "HardSigmoid", "Tanh", "Erf", "Softsign"];
/// Sums of products and factors.
const WEIGHS: [&str; 7] = ["Conv", "ConvTranspose", "Gemm", "MatMul", "Einsum", "Mul", "BatchNormalization"];
/// Operators that pass part of their values on.
const TAKES_PART: [&str; 5] = ["Slice", "Gather", "GatherElements", "GatherND", "Split"];

/// The note of `layer`, where its accumulated error is more than [`FALL_DB`] below that of the worst layer it reads, or
/// else of the layer before it in graph order.
pub fn drift_note(graph: &Graph, layer: LayerId, totals: &[Totals]) -> Option<DriftNote> {
    let row = &graph.layers[layer];
    if row.is_input() {
        return None;
    }
    let here = totals.get(layer)?.accumulated.as_ref().and_then(nmse)?;
    let inputs = received(graph, layer, totals);
    let known = || inputs.iter().filter_map(|input| Some((input, input.sums.as_ref()?)));
    let worst = known().filter_map(|(input, sums)| Some((input, sums, nmse(sums)?))).max_by(|a, b| a.2.total_cmp(&b.2));
    if let Some((input, sums, before)) = worst
        && fall(before, here) > FALL_DB
    {
        let reasons = reasons(graph, row, layer, (input, sums, before), &inputs, totals);
        return Some(note(graph, input.from, fall(before, here), totals, reasons));
    }
    // An unknown input may be the one before it.
    let previous = layer.checked_sub(1).filter(|p| inputs.iter().all(|i| i.from != *p && i.sums.is_some()))?;
    let before = totals.get(previous)?.accumulated.as_ref().and_then(nmse)?;
    if fall(before, here) <= FALL_DB {
        return None;
    }
    let reads = worst.map(|(input, _, nmse)| (graph.layers[input.from].name.clone(), nmse));
    let (reads, nmse) = reads.unwrap_or_default();
    Some(note(graph, previous, fall(before, here), totals, vec![FallReason::OtherBranch { reads, nmse }]))
}

/// How many dB `after` is below `before`.
fn fall(before: f64, after: f64) -> f64 {
    if before == 0.0 { 0.0 } else { 10.0 * (before.log10() - after.log10()) }
}

fn note(graph: &Graph, from: LayerId, rise_db: f64, totals: &[Totals], reasons: Vec<FallReason>) -> DriftNote {
    let sums = totals[from].accumulated.unwrap_or_default();
    DriftNote { rise_db, from: graph.layers[from].name.clone(), from_sqnr_db: Errors::from(&sums).sqnr_db, reasons }
}

/// Changes of power, energy per element, in dB.
#[derive(Clone, Copy)]
struct Powers {
    signal_db: f64,
    error_db: f64,
}

impl Powers {
    fn between(before: &ErrorSums, after: &ErrorSums) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
        let per_element = 10.0 * ((before.n as f64).log10() - (after.n as f64).log10());
        let change = |before: f64, after: f64| 10.0 * (after.log10() - before.log10()) + per_element;
        Self { signal_db: change(before.sum_f2, after.sum_f2), error_db: change(before.sum_e2, after.sum_e2) }
    }
}

fn reasons(
    graph: &Graph,
    row: &Layer,
    layer: LayerId,
    (worst, sums, before): (&Received, &ErrorSums, f64),
    inputs: &[Received],
    totals: &[Totals],
) -> Vec<FallReason> {
    let mut found = Vec::new();
    let own = &totals[layer];
    let inherited = own.inherited.as_ref().and_then(nmse);
    // Without an inherited error the quantizers cannot be told from the operator.
    let by_operator = inherited.map_or(f64::INFINITY, |inherited| fall(before, inherited));
    if by_operator > FALL_DB
        && let Some(after) = own.inherited.as_ref().or(own.accumulated.as_ref())
    {
        found.extend(of_operator(graph, row, (worst, sums, before), after, inputs));
        found.extend(of_activation(graph, row));
    }
    let here = own.accumulated.as_ref().and_then(nmse);
    if let (Some(inherited), Some(here)) = (inherited, here)
        && fall(inherited, here) > FALL_DB
    {
        let correlation = super::correlation(own).value();
        found.push(FallReason::OwnQuantizers { db: fall(inherited, here), correlation });
    }
    found
}

/// What the computing node does to the error.
fn of_operator(
    graph: &Graph,
    row: &Layer,
    (worst, sums, before): (&Received, &ErrorSums, f64),
    after: &ErrorSums,
    inputs: &[Received],
) -> Option<FallReason> {
    let op = row.op.clone();
    let is = |list: &[&str]| list.contains(&op.as_str());
    let Powers { signal_db, error_db } = Powers::between(sums, after);
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    let share = after.n as f64 / sums.n as f64;
    if is(&BRANCHES) {
        let cleaner = inputs.iter().filter_map(|i| Some((i.from, nmse(i.sums.as_ref()?)?)));
        let cleanest = cleaner.min_by(|a, b| a.1.total_cmp(&b.1)).filter(|(_, nmse)| fall(before, *nmse) > FALL_DB);
        if let Some((from, nmse)) = cleanest {
            let name = |id: LayerId| graph.layers[id].name.clone();
            return Some(FallReason::CleanerBranch {
                op,
                worse: (name(worst.from), before),
                cleaner: (name(from), nmse),
            });
        }
        return (signal_db > error_db).then_some(FallReason::FavoursSignal { op, error_db, signal_db });
    }
    if is(&AVERAGES) || is(&SELECTS) {
        let window = window(graph, row.nodes[0]).unwrap_or(1.0 / share);
        return Some(if is(&AVERAGES) {
            let expected_db = 10.0 * window.log10();
            FallReason::Averages { op, window, expected_db, error_db, signal_db }
        } else {
            FallReason::Selects { op, window, error_db, signal_db }
        });
    }
    if is(&NORMALISES) || op == "Div" && divides_by_own_size(graph, row) {
        let gain = |sums: &ErrorSums| (sums.sum_q2 / sums.sum_f2).sqrt();
        let along = sums.sum_fq - sums.sum_f2;
        return Some(FallReason::Normalises {
            op,
            gain_before: gain(sums),
            gain_after: gain(after),
            along_signal: along / sums.sum_f2 * (along / sums.sum_e2),
        });
    }
    if is(&SATURATES) {
        return Some(FallReason::Saturates { op, error_db, signal_db });
    }
    if is(&TAKES_PART) && share < 1.0 {
        return Some(FallReason::TakesPart { op, share });
    }
    // With an activation behind them these are the powers of both together, and the clause says so.
    let together = row.activation.map(|node| format!("{op} with its {}", graph.nodes[node].op));
    let is_weighing = is(&WEIGHS) && signal_db > error_db;
    is_weighing.then(|| FallReason::FavoursSignal { op: together.unwrap_or(op), error_db, signal_db })
}

/// What an activation does, be it the row's own operator or fused behind it.
fn of_activation(graph: &Graph, row: &Layer) -> Option<FallReason> {
    let is_cut = |op: &str| CUTS.contains(&op) || SHRINKS.contains(&op);
    let fused = row.activation.map(|node| graph.nodes[node].op.clone()).filter(|op| is_cut(op));
    let (op, is_fused) = fused.map_or((row.op.clone(), false), |op| (op, true));
    is_cut(&op).then(|| FallReason::Cuts { soft: SHRINKS.contains(&op.as_str()), op, fused: is_fused })
}

/// Values in the window of a pooling node that says so.
fn window(graph: &Graph, node: NodeId) -> Option<f64> {
    let attribute = graph.proto(node).attribute.iter().find(|a| a.name.as_deref() == Some("kernel_shape"))?;
    #[expect(clippy::cast_precision_loss, reason = "a window's sides")]
    Some(attribute.ints.iter().map(|&side| side as f64).product())
}

/// Whether the divisor comes out of a square root, as in a layer normalisation written out in parts.
fn divides_by_own_size(graph: &Graph, row: &Layer) -> bool {
    let divisor = graph.nodes[row.nodes[0]].inputs.get(1).copied().flatten();
    divisor.and_then(|tensor| graph.maker(tensor)).is_some_and(|maker| graph.layers[maker].op == "Sqrt")
}

#[cfg(test)]
#[path = "notes_tests.rs"]
mod tests;
