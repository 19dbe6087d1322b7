//! The layers as CSV: raw values in full precision, with what they belong to in `#` lines before the header.

use std::fmt::Write as _;

use quantlens_analysis::{
    metrics::{Errors, Measure},
    report::{LayerRow, ModelInfo, Report},
};

/// The whole file.
pub(super) fn layers(model: &ModelInfo, report: &Report) -> String {
    let mut text = String::new();
    // Writing into a String cannot fail.
    let _ = writeln!(text, "# model {} sha256 {}", model.path.display(), model.sha256);
    let _ = writeln!(text, "# samples {} of {}", report.samples, report.samples_total);
    let config: String = report.config.to_json().split_whitespace().collect::<Vec<_>>().join(" ");
    let _ = writeln!(text, "# config {config}");
    let _ = writeln!(text, "# quantlens {}", env!("CARGO_PKG_VERSION"));
    text.push_str("index,name,op,output,weight_bits,activation_bits,granularity");
    for place in ["local", "accumulated", "inherited", "introduced"] {
        for metric in ["sqnr_db", "cosine", "nmse", "mse", "max_abs", "gain"] {
            let _ = write!(text, ",{place}_{metric}");
        }
    }
    text.push_str(",clipped_fraction,scale,zero_point,low,high,quantized_bytes,macs\n");
    for row in &report.rows {
        layer(&mut text, row);
    }
    text
}

fn layer(text: &mut String, row: &LayerRow) {
    let bits = |b: Option<quantlens_analysis::quant::Bits>| b.map(|b| b.to_string()).unwrap_or_default();
    let granularity = row.granularity.map(|g| g.name()).unwrap_or_default();
    let names = [&row.info.name, &row.info.op, &row.info.output].map(|s| quoted(s));
    let _ = write!(
        text,
        "{},{},{},{},{},{},{granularity}",
        row.info.index,
        names[0],
        names[1],
        names[2],
        bits(row.weight_bits),
        bits(row.activation_bits)
    );
    for errors in [&row.local, &row.accumulated, &row.inherited, &row.introduced] {
        errors_cells(text, errors);
    }
    let _ = write!(text, ",{}", cell(row.clipped_fraction));
    match &row.activation {
        Some(a) => {
            let _ = write!(text, ",{},{},{},{}", a.scale, a.zero_point, a.low, a.high);
        }
        None => text.push_str(",,,,"),
    }
    let _ = writeln!(text, ",{},{}", row.quantized_bytes, row.macs);
}

fn errors_cells(text: &mut String, errors: &Errors) {
    for (_, measure) in errors.entries() {
        let _ = write!(text, ",{}", cell(measure));
    }
}

pub(super) fn cell(measure: Measure) -> String {
    match measure {
        Measure::Value(value) => value.to_string(),
        Measure::Exact => "exact".into(),
        Measure::NotApplicable(_) => String::new(),
    }
}

/// A field in quotes where it needs them.
pub(super) fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}
