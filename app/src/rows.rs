//! Which layers are shown and in which order: the filter and the sorting, worked out once when something changes.
//!
//! While a result refines the order is frozen: numbers change in place, rows do not move under the pointer.

use std::cmp::Ordering;

use quantlens_analysis::{
    compare::Comparison,
    metrics::Measure,
    report::{FlowKind, LayerInfo, LayerRow, ModelInfo, Report},
    t,
};

use crate::{filter::Query, format::db_rank};

/// A column of the layer table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the titles in `title` say it")]
pub enum Column {
    Index,
    Name,
    Op,
    WeightBits,
    ActivationBits,
    Granularity,
    Local,
    Accumulated,
    Flow,
    Cosine,
    MaxAbs,
    Clipped,
    Size,
    Note,
}

impl Column {
    /// Every column, in the table's order.
    pub const ALL: [Self; 14] = [
        Self::Index,
        Self::Name,
        Self::Op,
        Self::WeightBits,
        Self::ActivationBits,
        Self::Granularity,
        Self::Local,
        Self::Accumulated,
        Self::Flow,
        Self::Cosine,
        Self::MaxAbs,
        Self::Clipped,
        Self::Size,
        Self::Note,
    ];

    /// As it is kept between runs.
    pub fn key(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::Name => "name",
            Self::Op => "op",
            Self::WeightBits => "weight_bits",
            Self::ActivationBits => "activation_bits",
            Self::Granularity => "granularity",
            Self::Local => "local",
            Self::Accumulated => "accumulated",
            Self::Flow => "flow",
            Self::Cosine => "cosine",
            Self::MaxAbs => "max_abs",
            Self::Clipped => "clipped",
            Self::Size => "size",
            Self::Note => "note",
        }
    }

    /// The header's text.
    pub fn title(self) -> &'static str {
        match self {
            Self::Index => "#",
            Self::Name => t!("Name"),
            Self::Op => "Op",
            Self::WeightBits => "W",
            Self::ActivationBits => "A",
            Self::Granularity => t!("Scales"),
            Self::Local => t!("Local SQNR"),
            Self::Accumulated => t!("Acc. SQNR"),
            Self::Flow => t!("Flow dB"),
            Self::Cosine => t!("Cosine"),
            Self::MaxAbs => t!("Max |e|"),
            Self::Clipped => t!("Clipped %"),
            Self::Size => t!("Size"),
            Self::Note => t!("Note"),
        }
    }
}

/// How the rows are ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowOrder {
    /// The column sorted by; `None` is graph order.
    pub column: Option<Column>,
    /// Best first where the first click gives worst first.
    pub reversed: bool,
    /// Values have changed since the rows were sorted; the quiet "re-sort" mark shows.
    pub stale: bool,
}

impl RowOrder {
    /// A click on a header: worst first, best first, graph order.
    pub fn click(&mut self, column: Column) {
        *self = match (self.column == Some(column), self.reversed) {
            (false, _) => Self { column: Some(column), ..Self::default() },
            (true, false) => Self { column: Some(column), reversed: true, stale: false },
            (true, true) => Self::default(),
        };
    }
}

/// What is known of the layers beside the model itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// Their numbers.
    pub report: Option<&'a Report>,
    /// How they differ from the pinned baseline.
    pub comparison: Option<&'a Comparison>,
}

/// Indices of the layers that fit `query`, in the order of `order`. Ties keep graph order.
pub fn visible(model: &ModelInfo, known: Known<'_>, query: &Query, order: RowOrder) -> Vec<usize> {
    let row = |i: usize| known.report.and_then(|r| r.rows.get(i));
    let mut rows: Vec<usize> = matching(model, known, query);
    if let Some(column) = order.column {
        let compare = |a: &usize, b: &usize| {
            let (x, y) = (model.layers.get(*a).zip(Some(row(*a))), model.layers.get(*b).zip(Some(row(*b))));
            x.zip(y).map_or(Ordering::Equal, |((ai, ar), (bi, br))| compare(column, (ai, ar), (bi, br)))
        };
        rows.sort_by(|a, b| if order.reversed { compare(b, a) } else { compare(a, b) });
    }
    rows
}

/// Indices of the layers that fit, in graph order.
fn matching(model: &ModelInfo, known: Known<'_>, query: &Query) -> Vec<usize> {
    let fits = |(i, info): (usize, &LayerInfo)| {
        let row = known.report.and_then(|r| r.rows.get(i));
        let change = known.comparison.and_then(|c| c.row(&info.name));
        query.matches_beside(info, row, change).then_some(i)
    };
    model.layers.iter().enumerate().filter_map(fits).collect()
}

/// Keeps the order of `shown` while a result refines: rows that no longer fit go, new ones come at the end.
pub fn refilter(shown: &[usize], model: &ModelInfo, known: Known<'_>, query: &Query) -> Vec<usize> {
    let fitting = matching(model, known, query);
    let fits: std::collections::BTreeSet<usize> = fitting.iter().copied().collect();
    let mut rows: Vec<usize> = shown.iter().copied().filter(|i| fits.contains(i)).collect();
    let there: std::collections::BTreeSet<usize> = rows.iter().copied().collect();
    rows.extend(fitting.into_iter().filter(|i| !there.contains(i)));
    rows
}

type Side<'a> = (&'a LayerInfo, Option<&'a LayerRow>);

/// Worst first where there is a worse; layers without the value come last either way round only for the first click.
fn compare(column: Column, (ai, a): Side<'_>, (bi, b): Side<'_>) -> Ordering {
    let low_first = |get: fn(&LayerRow) -> Measure| {
        let key = |row: Option<&LayerRow>| row.map_or((3, f64::INFINITY), |r| db_rank(get(r)));
        let ((xr, x), (yr, y)) = (key(a), key(b));
        xr.cmp(&yr).then(x.total_cmp(&y))
    };
    let high_first = |get: fn(&LayerRow) -> Measure| {
        let key = |row: Option<&LayerRow>| match row.map(get) {
            Some(Measure::Value(v)) => (0, -v),
            Some(Measure::Exact) => (1, 0.0),
            _ => (2, 0.0),
        };
        let ((xr, x), (yr, y)) = (key(a), key(b));
        xr.cmp(&yr).then(x.total_cmp(&y))
    };
    match column {
        Column::Index => ai.index.cmp(&bi.index),
        Column::Name => ai.name.cmp(&bi.name),
        Column::Op => ai.op.cmp(&bi.op),
        Column::WeightBits => width(a.and_then(|r| r.weight_bits)).cmp(&width(b.and_then(|r| r.weight_bits))),
        Column::ActivationBits => {
            width(a.and_then(|r| r.activation_bits)).cmp(&width(b.and_then(|r| r.activation_bits)))
        }
        Column::Granularity => {
            let name = |r: Option<&LayerRow>| r.and_then(|r| r.granularity).map_or_else(|| "~".into(), |g| g.name());
            name(a).cmp(&name(b))
        }
        Column::Local => low_first(|r| r.local.sqnr_db),
        Column::Accumulated => low_first(|r| r.accumulated.sqnr_db),
        // What amplifies most first; without a number of dB: errors out of nothing before, errors removed after all.
        Column::Flow => flow_rank(a).cmp(&flow_rank(b)),
        Column::Cosine => low_first(|r| r.accumulated.cosine),
        Column::MaxAbs => high_first(|r| r.accumulated.max_abs),
        Column::Clipped => high_first(|r| r.clipped_fraction),
        Column::Size => b.map(|r| r.quantized_bytes).cmp(&a.map(|r| r.quantized_bytes)),
        Column::Note => b.is_some_and(|r| r.edited).cmp(&a.is_some_and(|r| r.edited)),
    }
}

/// Largest amplification first, layers that mix between those that amplify and those that attenuate, layers without a
/// flow last. In thousandths of a decibel, so that it orders.
fn flow_rank(row: Option<&LayerRow>) -> (u8, i64) {
    let Some(Ok(flow)) = row.map(|row| row.flow) else { return (1, 0) };
    #[expect(clippy::cast_possible_truncation, reason = "rounded; the cast saturates at infinity")]
    let thousandths = |db: f64| (1000.0 * db).round() as i64;
    let change = match (flow.kind, flow.change_db()) {
        (_, Some(db)) => thousandths(db),
        (FlowKind::Amplifies, None) => i64::MAX,
        (FlowKind::Mixes, None) => 0,
        (FlowKind::Attenuates, None) => -i64::MAX,
    };
    (0, -change)
}

/// Narrow formats first, layers without one last.
fn width(bits: Option<quantlens_analysis::quant::Bits>) -> u32 {
    use quantlens_analysis::quant::Bits;
    match bits {
        Some(Bits::Int(n)) => u32::from(n),
        // After the integers of as many bits.
        Some(Bits::Small(format)) => 17 + format.bits(),
        Some(Bits::Float) => 32,
        None => u32::MAX,
    }
}
