//! The page as numbers: every measured layer at every width, also those that no figure has room for.

use std::collections::BTreeMap;

use quantlens_analysis::{report::SweepRow, sensitivity::Interval};

use super::scale::value;
use crate::{
    document::Document,
    figure::data::{Cell, FigureData},
};

const COLUMNS: [&str; 11] =
    ["index", "name", "op", "bits", "output", "sqnr_db", "gain_db", "low_db", "high_db", "estimate", "refused"];

/// The numbers of the question on screen, by its order at the width on screen; `None` while nothing is measured.
pub fn sensitivity_data(doc: &Document) -> Option<FigureData> {
    let sweep = doc.sweep.result().filter(|sweep| !sweep.rows.is_empty())?;
    let order = sweep.worst_first(doc.sweep.shown_width());
    let ranks: BTreeMap<usize, usize> = order.iter().enumerate().map(|(rank, row)| (row.index, rank)).collect();
    let mut rows: Vec<&SweepRow> = sweep.rows.iter().collect();
    // Stable: a layer's widths stay as they were asked.
    rows.sort_by_key(|row| ranks.get(&row.index).copied().unwrap_or(usize::MAX));
    let about = vec![
        ("figure", Cell::text("sensitivity")),
        ("model", Cell::text(&doc.title)),
        ("quantizers", Cell::text(sweep.request.kind.name())),
        ("samples", Cell::Count(sweep.samples)),
        ("layers_done", Cell::Count(sweep.layers_done)),
        ("layers", Cell::Count(sweep.layers_total)),
        ("stale", Cell::Flag(doc.sweep.is_stale(&doc.config))),
        ("synthetic", Cell::Flag(doc.data.as_ref().is_some_and(|data| data.synthetic))),
    ];
    let rows = rows.into_iter().map(cells).collect();
    Some(FigureData { about, columns: COLUMNS.to_vec(), rows, lists: Vec::new() })
}

fn cells(row: &SweepRow) -> Vec<Cell> {
    let output = row.headline();
    let interval = value(row).and_then(|(_, interval)| interval);
    let end = |of: fn(&Interval) -> f64| Cell::maybe(interval.as_ref().map(of), Cell::Number);
    vec![
        Cell::Count(row.index),
        Cell::text(&row.name),
        Cell::text(&row.op),
        Cell::maybe(row.bits, |bits| Cell::text(bits.to_string())),
        Cell::maybe(output, |output| Cell::text(&output.name)),
        Cell::maybe(output, |output| Cell::Measure(output.errors.sqnr_db)),
        Cell::maybe(output.and_then(|output| output.gain_db), Cell::Number),
        end(|i| i.low),
        end(|i| i.high),
        Cell::maybe(output, |output| Cell::Flag(output.estimate)),
        Cell::maybe(row.refused.as_ref(), Cell::text),
    ]
}
