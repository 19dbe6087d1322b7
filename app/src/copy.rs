//! The selected rows as text for other programs: raw values in full precision, not the rounded ones on screen.
//!
//! Empty cells mean "no such number"; an error of zero is `inf` in decibels, which spreadsheets and Python read.

use quantlens_analysis::{
    calibrate::RangeEffect,
    metrics::Measure,
    report::{LayerRow, RangeMark},
};

use crate::document::Document;

const HEADER: [&str; 14] = [
    "index",
    "name",
    "op",
    "weight_bits",
    "activation_bits",
    "granularity",
    "local_sqnr_db",
    "accumulated_sqnr_db",
    "cosine",
    "gain",
    "max_abs",
    "clipped_fraction",
    "float_bytes",
    "quantized_bytes",
];

/// Tab-separated, no header: for pasting into a sheet.
pub fn tsv(doc: &Document) -> String {
    rows(doc).map(|cells| cells.join("\t") + "\n").collect()
}

/// The range choices of a tensor, the one in use first, with a header: raw numbers, shares as fractions.
pub fn choices_tsv(current: &RangeMark, choices: &[RangeMark]) -> String {
    const HEADER: [&str; 9] =
        ["method", "low", "high", "scale", "zero_point", "sqnr_db", "clipped_fraction", "rounding_mse", "clipping_mse"];
    let line = |mark: &RangeMark| {
        let effect = mark.effect.as_ref();
        let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
        let cells = [
            mark.method.name().to_owned(),
            mark.range.low.to_string(),
            mark.range.high.to_string(),
            mark.scale.to_string(),
            mark.zero_point.to_string(),
            number(effect.and_then(RangeEffect::sqnr_db)),
            number(effect.map(|e| e.clipped_share)),
            number(effect.map(|e| e.rounding_mse)),
            number(effect.map(|e| e.clipping_mse)),
        ];
        cells.join("\t") + "\n"
    };
    let others = choices.iter().filter(|choice| choice.method != current.method);
    HEADER.join("\t") + "\n" + &std::iter::once(current).chain(others).map(line).collect::<String>()
}

/// Comma-separated with a header and `#` lines that say where the numbers come from.
pub fn csv(doc: &Document) -> String {
    let mut text = String::new();
    if let Some(model) = &doc.model {
        text += &format!("# model: {} sha256 {}\n", doc.title, model.sha256);
    }
    if let Some(report) = &doc.report.value {
        text += &format!("# samples: {} of {}\n", report.samples, report.samples_total);
        let config = serde_json::to_string(&*report.config).unwrap_or_default();
        text += &format!("# config: {config}\n");
    }
    text += &format!("# quantlens {}\n{}\n", env!("CARGO_PKG_VERSION"), HEADER.join(","));
    for cells in rows(doc) {
        let quoted: Vec<String> = cells.iter().map(|cell| quote(cell)).collect();
        text += &(quoted.join(",") + "\n");
    }
    text
}

/// The selected layers' cells in the order on screen, then those a filter hides, in graph order.
fn rows(doc: &Document) -> impl Iterator<Item = Vec<String>> + '_ {
    let shown: std::collections::BTreeSet<usize> = doc.visible.iter().copied().collect();
    let hidden = (0..doc.layers().len()).filter(move |i| !shown.contains(i));
    let selected = |i: &usize| doc.layers().get(*i).is_some_and(|layer| doc.selection.contains(&layer.name));
    doc.visible.iter().copied().chain(hidden).filter(selected).map(|i| cells(doc, i))
}

fn cells(doc: &Document, index: usize) -> Vec<String> {
    let mut cells = vec![index.to_string()];
    if let Some(layer) = doc.layers().get(index) {
        cells.extend([layer.name.clone(), layer.op.clone()]);
    }
    if let Some(row) = doc.row(index) {
        cells.extend(values(row));
    }
    cells.resize(HEADER.len(), String::new());
    cells
}

fn values(row: &LayerRow) -> [String; 11] {
    let bits = |bits: Option<quantlens_analysis::quant::Bits>| bits.map_or_else(String::new, |b| b.to_string());
    [
        bits(row.weight_bits),
        bits(row.activation_bits),
        row.granularity.map_or_else(String::new, |g| g.name().to_owned()),
        measure(row.local.sqnr_db),
        measure(row.accumulated.sqnr_db),
        measure(row.accumulated.cosine),
        measure(row.accumulated.gain),
        measure(row.accumulated.max_abs),
        measure(row.clipped_fraction),
        row.float_bytes.to_string(),
        row.quantized_bytes.to_string(),
    ]
}

fn measure(value: Measure) -> String {
    match value {
        Measure::Value(v) => v.to_string(),
        Measure::Exact => "inf".into(),
        Measure::NotApplicable(_) => String::new(),
    }
}

/// Quotes a cell that holds a comma, a quote or a line break.
fn quote(cell: &str) -> String {
    if cell.contains([',', '"', '\n']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_copied_in_full_precision() {
        let mut doc = crate::testing::document(3);
        doc.selection.replace(["conv1".to_owned()]);
        let text = tsv(&doc);
        let cells: Vec<&str> = text.trim_end().split('\t').collect();
        assert_eq!((cells.len(), cells[1]), (HEADER.len(), "conv1"));
        let Measure::Value(db) = doc.row(1).unwrap().accumulated.sqnr_db else { panic!("the fixture has a value") };
        assert_eq!(cells[7].parse::<f64>().unwrap(), db);
        let csv = csv(&doc);
        assert!(csv.starts_with("# model: ") && csv.lines().count() >= 6, "{csv}");
        assert_eq!(quote("a,\"b\""), "\"a,\"\"b\"\"\"");
    }

    #[test]
    fn range_choices_are_copied_bit_for_bit() {
        let detail = crate::testing::threshold("a");
        let text = choices_tsv(&detail.current, &detail.choices);
        let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
        assert!(rows.iter().all(|row| row.len() == 9) && rows.len() == 1 + detail.choices.len(), "{text}");
        assert_eq!((rows[0][0], rows[1][0]), ("method", "minmax"));
        let high: f32 = rows[2][2].parse().unwrap();
        assert_eq!(high.to_bits(), detail.choices[1].range.high.to_bits());
    }
}
