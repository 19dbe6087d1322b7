//! How the error travels, as JSON. No number is without its reason: `null` always stands beside a `"why"`.

use quantlens_analysis::{
    metrics::Measure,
    report::{LayerRow, Report},
};
use serde_json::{Value, json};

/// `layers[].flow`: what the layer makes of the error it receives.
pub(super) fn flow(row: &LayerRow) -> Value {
    match &row.flow {
        Ok(flow) => json!({
            "kind": flow.kind,
            "inherited_nmse": flow.inherited_nmse,
            "smallest_input_nmse": flow.smallest_input_nmse,
            "largest_input_nmse": flow.largest_input_nmse,
            "change_db": flow.change_db(),
        }),
        Err(why) => json!({ "kind": null, "why": why }),
    }
}

/// A number, or why there is none.
pub(super) fn measure(measure: Measure) -> Value {
    json!({ "value": measure.value(), "why": measure.why() })
}

/// `layers[].worst_sample`: the sample whose error is largest here; `null` where none has one.
pub(super) fn worst_sample(row: &LayerRow, report: &Report) -> Value {
    row.worst_sample().map_or(Value::Null, |worst| {
        json!({
            "index": worst.index,
            "name": report.sample_names.get(worst.index),
            "sqnr_db": worst.sqnr_db.value(),
            "why": worst.sqnr_db.why(),
        })
    })
}

/// `drift_notes`: the layers where the accumulated error falls, in graph order.
pub(super) fn notes(report: &Report) -> Vec<Value> {
    let note = |row: &LayerRow| {
        let note = row.why_falls.as_ref()?;
        Some(json!({
            "layer": row.info.name,
            "from": note.from,
            "from_sqnr_db": note.from_sqnr_db.value(),
            "sqnr_db": row.accumulated.sqnr_db.value(),
            // Infinite, and so null, where no error is left.
            "rise_db": note.rise_db,
            "reasons": note.reasons,
            "text": note.sentence(),
        }))
    };
    report.rows.iter().filter_map(note).collect()
}
