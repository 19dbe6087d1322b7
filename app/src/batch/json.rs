//! Results as JSON: the contract `quantlens-analysis/1`. Kept apart from the report so that neither binds the other.

mod drift;

use anyhow::Result;
use quantlens_analysis::{
    metrics::Measure,
    report::{ExportReport, LayerRow, ModelInfo, OutputRow, Report},
};
use serde_json::{Value, json};

use super::against;

/// The `schema` of an analysis.
const ANALYSIS_SCHEMA: &str = "quantlens-analysis/1";

/// A report as text.
///
/// # Errors
/// Where a number has no JSON form, which no report holds.
pub fn analysis(model: &ModelInfo, report: &Report, against: Option<&Report>) -> Result<String> {
    let mut value = json!({
        "schema": ANALYSIS_SCHEMA,
        "model": {
            "path": model.path.display().to_string(),
            "sha256": model.sha256,
            "opset": opset(model),
            "parameters": model.parameters,
        },
        "samples": report.samples,
        "memory": { "budget_bytes": report.memory.budget_bytes, "peak_bytes": report.memory.peak_bytes },
        "timing": report.timing,
        "warnings": report.warnings,
    });
    if let (Some(object), Value::Object(evaluated)) = (value.as_object_mut(), evaluated(report)?) {
        object.extend(evaluated);
    }
    if let Some(was) = against {
        against::into_json(&mut value, was, report)?;
    }
    Ok(serde_json::to_string_pretty(&value)? + "\n")
}

/// What belongs to a configuration: itself, its layers, outputs and cost.
pub(super) fn evaluated(report: &Report) -> Result<Value> {
    let config: Value = serde_json::from_str(&report.config.to_json())?;
    Ok(json!({
        "config": config,
        "layers": report.rows.iter().map(|row| layer(row, report)).collect::<Result<Vec<_>>>()?,
        "drift_notes": drift::notes(report),
        "outputs": report.outputs.iter().map(output).collect::<Result<Vec<_>>>()?,
        "cost": report.cost,
    }))
}

/// Version of ONNX's own operators.
fn opset(model: &ModelInfo) -> i64 {
    model.opsets.iter().find(|(domain, _)| domain.is_empty() || domain == "ai.onnx").map_or(0, |(_, version)| *version)
}

fn layer(row: &LayerRow, report: &Report) -> Result<Value> {
    let weight = row.weight.as_ref().map(|w| {
        json!({
            "tensor": w.tensor,
            "bits": w.bits,
            "granularity": w.granularity,
            "scale_min": w.scale_range.0,
            "scale_max": w.scale_range.1,
            "sqnr_db": w.sqnr_db.value(),
            "why": w.sqnr_db.why(),
            "folded": w.folded,
        })
    });
    let activation = row.activation.as_ref().map(|a| {
        json!({
            "scale": a.scale,
            "zero_point": a.zero_point,
            "low": a.low,
            "high": a.high,
            "method": a.method,
        })
    });
    Ok(json!({
        "index": row.info.index,
        "name": row.info.name,
        "op": row.info.op,
        "output": row.info.output,
        "weight_bits": row.weight_bits,
        "activation_bits": row.activation_bits,
        "local": serde_json::to_value(row.local)?,
        "accumulated": serde_json::to_value(row.accumulated)?,
        "inherited": serde_json::to_value(row.inherited)?,
        "introduced": serde_json::to_value(row.introduced)?,
        "flow": drift::flow(row),
        "correlation": drift::measure(row.correlation),
        "worst_sample": drift::worst_sample(row, report),
        "clipped_fraction": row.clipped_fraction.value(),
        "vanished_fraction": row.vanished_fraction,
        "weight": weight,
        "activation": activation,
        "macs": row.macs,
        "quantized_bytes": row.quantized_bytes,
    }))
}

fn output(row: &OutputRow) -> Result<Value> {
    let mut value = serde_json::to_value(row.errors)?;
    if let Some(object) = value.as_object_mut() {
        let share = |s: Option<quantlens_analysis::report::Share>| s.map(|s| s.fraction());
        object.insert("name".into(), json!(row.name));
        object.insert("top1_agreement".into(), json!(share(row.top1_agreement)));
        object.insert("top5_agreement".into(), json!(share(row.top5_agreement)));
        object.insert("accuracy".into(), json!(share(row.accuracy)));
        object.insert("float_accuracy".into(), json!(share(row.float_accuracy)));
    }
    Ok(value)
}

/// What `quantlens info` knows.
pub(super) fn info(model: &ModelInfo) -> Result<String> {
    let value = json!({
        "schema": "quantlens-info/1",
        "path": model.path.display().to_string(),
        "sha256": model.sha256,
        "bytes": model.file_bytes,
        "opset": opset(model),
        "opsets": model.opsets.iter().map(|(d, v)| json!({ "domain": d, "version": v })).collect::<Vec<_>>(),
        "ir_version": model.ir_version,
        "producer": model.producer,
        "nodes": model.nodes,
        "parameters": model.parameters,
        "operators": model.operators.iter().map(|(op, n)| json!({ "op": op, "count": n })).collect::<Vec<_>>(),
        "inputs": model.inputs.iter().map(|i| json!({
            "name": i.name,
            "type": i.element_type.name(),
            "shape": super::info::shape(i),
        })).collect::<Vec<_>>(),
        "outputs": model.outputs,
        "layers": model.layers,
        "warnings": model.warnings,
    });
    Ok(serde_json::to_string_pretty(&value)? + "\n")
}

/// What an export wrote and verified.
pub(super) fn export(report: &ExportReport) -> Result<String> {
    let v = &report.verification;
    let measure = |m: Measure| json!({ "value": m.value(), "why": m.why() });
    let value = json!({
        "schema": "quantlens-export/1",
        "path": report.path.display().to_string(),
        "bytes": report.file_bytes,
        "opsets": report.opsets.iter().map(|(d, v)| json!({ "domain": d, "version": v })).collect::<Vec<_>>(),
        "quantized_layers": report.quantized_layers,
        "float_layers": report.float_layers,
        "verified": v.failure.is_none(),
        "verification": {
            "samples": v.samples,
            "quantizers_checked": v.quantizers_checked,
            "tensors_compared": v.tensors_compared,
            "elements_different": v.elements_different,
            "output_sqnr_db": measure(v.output_sqnr_db),
            "optimized_output_sqnr_db": measure(v.optimized_output_sqnr_db),
            "optimized_max_abs": v.optimized_max_abs,
            "optimized_accuracy": v.optimized_accuracy.map(|s| s.fraction()),
            "optimized_agreement": v.optimized_agreement.map(|s| s.fraction()),
            "failure": v.failure,
        },
        "warnings": report.warnings,
    });
    Ok(serde_json::to_string_pretty(&value)? + "\n")
}
