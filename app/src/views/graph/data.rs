//! The graph as numbers: a line for each card, with what it reads and where it stands.

use quantlens_analysis::{quant::Bits, report::LayerInfo};

use crate::{
    document::Document,
    figure::data::{Cell, FigureData},
};

const COLUMNS: [&str; 11] = [
    "name",
    "op",
    "reads",
    "weight_bits",
    "activation_bits",
    "local_sqnr_db",
    "accumulated_sqnr_db",
    "x",
    "y",
    "width",
    "height",
];

/// The cards of the open model; `None` while there is no drawing.
pub fn graph_data(doc: &Document) -> Option<FigureData> {
    let (model, (_, drawing)) = (doc.model.as_ref()?, doc.graph.drawn.as_ref()?);
    let about = vec![
        ("figure", Cell::text("graph")),
        ("model", Cell::text(&doc.title)),
        ("samples", Cell::maybe(doc.report.value.as_ref(), |report| Cell::Count(report.samples))),
        ("synthetic", Cell::Flag(doc.data.as_ref().is_some_and(|data| data.synthetic))),
    ];
    let bits = |bits: Option<Bits>| Cell::maybe(bits, |bits| Cell::text(bits.to_string()));
    let cells = |(place, info): (usize, &LayerInfo)| {
        let (rect, row) = (drawing.card(place)?, doc.row(info.index));
        let reads = info.inputs.iter().map(|(_, layer)| layer).chain(&info.through).cloned().collect();
        let mut cells = vec![
            Cell::text(&info.name),
            Cell::text(&info.op),
            Cell::Texts(reads),
            bits(row.and_then(|row| row.weight_bits)),
            bits(row.and_then(|row| row.activation_bits)),
            Cell::maybe(row, |row| Cell::Measure(row.local.sqnr_db)),
            Cell::maybe(row, |row| Cell::Measure(row.accumulated.sqnr_db)),
        ];
        cells.extend([rect.left(), rect.top(), rect.width(), rect.height()].map(Cell::Single));
        Some(cells)
    };
    let rows = model.layers.iter().enumerate().filter_map(cells).collect();
    Some(FigureData { about, columns: COLUMNS.to_vec(), rows, lists: Vec::new() })
}
