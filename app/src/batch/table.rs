//! The layers as a table for a terminal.

use std::fmt::Write as _;

use quantlens_analysis::{
    metrics::Measure,
    report::{Report, Share},
};

/// The report in columns, worst things readable first: a summary line, then the layers in graph order.
pub(super) fn report(report: &Report) -> String {
    let mut text = String::new();
    let width = report.rows.iter().map(|r| r.info.name.chars().count()).max().unwrap_or(4).clamp(4, 48);
    let _ = writeln!(
        text,
        "{:>4}  {:width$}  {:<16}  {:>5}  {:>5}  {:>9}  {:>9}  {:>9}  {:>8}",
        "#", "name", "op", "W", "A", "local", "accum.", "cosine", "clipped"
    );
    for row in &report.rows {
        let bits = |b: Option<quantlens_analysis::quant::Bits>| b.map_or("–".to_owned(), |b| b.to_string());
        let _ = writeln!(
            text,
            "{:>4}  {:width$}  {:<16}  {:>5}  {:>5}  {:>9}  {:>9}  {:>9}  {:>8}",
            row.info.index,
            shortened(&row.info.name, width),
            shortened(&row.info.op, 16),
            bits(row.weight_bits),
            bits(row.activation_bits),
            decibels(row.local.sqnr_db),
            decibels(row.accumulated.sqnr_db),
            number(row.accumulated.cosine, 6),
            row.clipped_fraction.value().map_or("–".into(), |f| format!("{:.3} %", 100.0 * f)),
        );
    }
    text.push('\n');
    for output in &report.outputs {
        let _ = write!(text, "output {}: {} dB", output.name, decibels(output.errors.sqnr_db));
        if let Some(agreement) = output.top1_agreement {
            let _ = write!(text, ", agrees {}", share(agreement));
        }
        if let (Some(float), Some(quantized)) = (output.float_accuracy, output.accuracy) {
            let _ = write!(text, ", accuracy {} → {}", share(float), share(quantized));
        }
        text.push('\n');
    }
    let cost = report.cost;
    #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
    let kib = |bytes: u64| bytes as f64 / 1024.0;
    let _ = writeln!(
        text,
        "{} samples, constants {:.1} → {:.1} KiB, {:.2} s",
        report.samples,
        kib(cost.float_bytes),
        kib(cost.quantized_bytes),
        report.timing.total_s
    );
    text
}

fn share(share: Share) -> String {
    format!("{:.1} % ({} of {})", 100.0 * share.fraction(), share.count, share.of)
}

pub(super) fn decibels(measure: Measure) -> String {
    number(measure, 2)
}

fn number(measure: Measure, decimals: usize) -> String {
    match measure {
        Measure::Value(value) => format!("{value:.decimals$}"),
        Measure::Exact => "exact".into(),
        Measure::NotApplicable(_) => "n/a".into(),
    }
}

/// The end of a long name, which tells layers apart where the beginning does not.
pub(super) fn shortened(name: &str, width: usize) -> String {
    let length = name.chars().count();
    if length <= width {
        name.to_owned()
    } else {
        format!("…{}", name.chars().skip(length - width + 1).collect::<String>())
    }
}
