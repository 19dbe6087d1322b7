//! A made-up sweep: layer `i` of the fixture's chain has `3·(i % 7) + 10` dB at 4 bits, 24 dB more at 8, and an interval of
//! one dB to each side.

use std::sync::Arc;

use quantlens_analysis::{
    config::QuantConfig,
    quant::Bits,
    report::{Sweep, SweepOutput, SweepRow, SweepTiming},
    sensitivity::{Interval, Question, SweepRequest},
};

use super::errors;

/// The answers of the first `done` of `n` layers.
pub fn sweep(n: usize, config: &Arc<QuantConfig>, request: &SweepRequest, done: usize) -> Sweep {
    let widths = match &request.question {
        Question::Sensitivity(widths) => widths.iter().copied().map(Some).collect(),
        Question::Relief => vec![None],
    };
    let rows = (0..done.min(n)).flat_map(|index| widths.iter().map(move |bits| row(index, *bits)));
    Sweep {
        config: Arc::clone(config),
        request: request.clone(),
        samples: request.samples,
        layers_done: done,
        layers_total: n,
        rows: rows.collect(),
        configuration: Vec::new(),
        timing: SweepTiming::default(),
    }
}

fn row(index: usize, bits: Option<Bits>) -> SweepRow {
    let extra = bits.map_or(0.0, |bits| 6.0 * (f64::from(bits.width()) - 4.0));
    let db = 10.0 + 3.0 * (index % 7) as f64 + extra;
    let around = |db: f64| Some(Interval { low: db - 1.0, high: db + 1.0 });
    let gain_db = bits.is_none().then_some(4.0 - 0.5 * (index % 7) as f64);
    let output = SweepOutput {
        name: "logits".into(),
        errors: errors(db),
        interval: around(db),
        gain_db,
        gain_interval: gain_db.and_then(around),
        estimate: bits.is_some(),
    };
    let (name, op) = if index == 0 { ("input".into(), "Input") } else { (format!("conv{index}"), "Conv") };
    SweepRow { index, name, op: op.into(), bits, outputs: vec![output], refused: None }
}
