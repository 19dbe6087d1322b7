//! `analyze --against`: another configuration evaluated first, and what the one asked for has more or less.

use std::{fmt::Write as _, path::Path, sync::Arc};

use anyhow::{Context as _, Result};
use quantlens_analysis::{
    compare::{Change, Comparison, ErrorsChange, RowChange},
    config::QuantConfig,
    job::Job,
    report::Report,
    workbench::Workbench,
};
use serde_json::{Value, json};

use super::json;

/// The other configuration's report.
pub(super) fn evaluate(path: &Path, workbench: &mut Workbench, job: &mut Job<'_>) -> Result<Arc<Report>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("--against: cannot read {}", path.display()))?;
    let (config, warning) = QuantConfig::from_file(&text, &path.display().to_string())?;
    if let Some(warning) = warning {
        eprintln!("warning: {}", warning.message);
    }
    Ok(workbench.evaluate(&Arc::new(config), job, &mut |_| {})?)
}

/// Puts the other report and the differences into an analysis.
pub(super) fn into_json(analysis: &mut Value, was: &Report, now: &Report) -> Result<()> {
    let comparison = Comparison::of(was, now);
    let score = &comparison.score;
    let Some(object) = analysis.as_object_mut() else { return Ok(()) };
    object.insert("against".into(), json::evaluated(was)?);
    object.insert("differences".into(), comparison.rows.iter().map(row).collect());
    object.insert("only_against".into(), json!(comparison.only_was));
    object.insert(
        "score_difference".into(),
        json!({
            "accuracy_points": score.accuracy_points,
            "agreement_points": score.agreement_points,
            "output_sqnr_db": change(&score.output_sqnr_db),
            "quantized_bytes": bytes(&score.quantized_bytes),
        }),
    );
    Ok(())
}

fn row(row: &RowChange) -> Value {
    json!({
        "name": row.name,
        "differs": row.differs,
        "only_now": row.is_only_now,
        "accumulated_sqnr_db": change(&row.accumulated.sqnr_db),
        "local_sqnr_db": change(&row.local.sqnr_db),
        "inherited_sqnr_db": change(&row.inherited.sqnr_db),
        "introduced_sqnr_db": change(&row.introduced.sqnr_db),
        "accumulated": rest(&row.accumulated),
        "clipped_fraction": change(&row.clipped_fraction),
        "quantized_bytes": bytes(&row.quantized_bytes),
    })
}

fn rest(errors: &ErrorsChange) -> Value {
    json!({
        "cosine": change(&errors.cosine),
        "gain": change(&errors.gain),
        "max_abs": change(&errors.max_abs),
    })
}

/// Whole bytes more or less.
fn bytes(change: &Change) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "a difference of whole sizes below 2^53")]
    change.delta.map(|delta| delta as i64)
}

/// `delta` is null where there is none or where one of the two is exact, and `why` says which.
fn change(change: &Change) -> Value {
    let why = match change.delta {
        Some(delta) if delta == f64::INFINITY => Some("now exact"),
        Some(delta) if delta == f64::NEG_INFINITY => Some("was exact"),
        Some(_) => None,
        None => change.was.why().or(change.now.why()),
    };
    json!({
        "was": change.was.value(),
        "now": change.now.value(),
        "delta": change.delta.filter(|delta| delta.is_finite()),
        "why": why,
        "interval": change.interval.map(|(low, high)| [Some(low), Some(high)].map(|end| end.filter(|e| e.is_finite()))),
        "significant": change.is_significant(),
    })
}

/// The differences in columns, the layers in graph order, and a summary line.
pub(super) fn table(was: &Report, now: &Report) -> String {
    let comparison = Comparison::of(was, now);
    let width = comparison.rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(4).clamp(4, 48);
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{:width$}  {:>9}  {:>9}  {:>9}  {:>19}  {:>7}  set",
        "against", "was", "now", "accum. Δ", "95 % interval", "local Δ"
    );
    for row in &comparison.rows {
        let accumulated = &row.accumulated.sqnr_db;
        let interval = accumulated.interval.map_or_else(String::new, |(low, high)| {
            let mark = if accumulated.is_within_chance() { "≈" } else { " " };
            format!("{low:+.2} … {high:+.2} {mark}")
        });
        let _ = writeln!(
            text,
            "{:width$}  {:>9}  {:>9}  {:>9}  {interval:>19}  {:>7}  {}",
            super::table::shortened(&row.name, width),
            super::table::decibels(accumulated.was),
            super::table::decibels(accumulated.now),
            delta(accumulated),
            delta(&row.local.sqnr_db),
            if row.differs { "otherwise" } else { "" },
        );
    }
    for name in &comparison.only_was {
        let _ = writeln!(text, "{name}: only in the other configuration");
    }
    let score = &comparison.score;
    let _ = write!(text, "\noutput {} dB", delta(&score.output_sqnr_db));
    for (what, points) in [("accuracy", score.accuracy_points), ("agreement", score.agreement_points)] {
        if let Some(points) = points {
            let _ = write!(text, ", {what} {points:+.1} points");
        }
    }
    let _ = writeln!(text, ", constants {:+} bytes", score.quantized_bytes.delta.unwrap_or(0.0));
    text
}

fn delta(change: &Change) -> String {
    match change.delta {
        Some(delta) if delta.is_infinite() => if delta > 0.0 { "exact" } else { "no more" }.to_owned(),
        Some(delta) => format!("{delta:+.2}"),
        None => "–".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_was_now_and_delta() {
        let mut edited = QuantConfig::default();
        edited.edit_layer("conv1", |s| s.weight_bits = Some(quantlens_analysis::quant::Bits::Int(4)));
        let (was, now) = (crate::testing::report(3), crate::testing::report_of(3, &Arc::new(edited)));
        let mut analysis = json!({});
        into_json(&mut analysis, &was, &now).unwrap();
        let conv1 = &analysis["differences"][1];
        assert_eq!((conv1["name"].as_str(), conv1["differs"].as_bool()), (Some("conv1"), Some(true)));
        // The fixture's accumulated SQNR falls by (8 − 4) · 6 / 8 = 3 dB.
        let accumulated = &conv1["accumulated_sqnr_db"];
        assert!((accumulated["delta"].as_f64().unwrap() + 3.0).abs() < 1e-9, "{accumulated}");
        assert_eq!(accumulated["significant"], Value::Null, "the fixture has no samples of its own");
        assert_eq!(analysis["differences"][2]["differs"], json!(false));
        assert!(analysis["against"]["layers"].as_array().is_some_and(|layers| layers.len() == 3));
        let text = table(&was, &now);
        assert!(text.lines().any(|line| line.starts_with("conv1") && line.ends_with("otherwise")), "{text}");
    }
}
