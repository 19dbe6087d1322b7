//! The selected rows as text for other programs: raw values in full precision, not the rounded ones on screen.
//!
//! Empty cells mean "no such number"; an error of zero is `inf` in decibels, which spreadsheets and Python read.

use quantlens_analysis::{metrics::Measure, report::LayerRow};

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
}
