//! The whole graph as a file has it: what the page shows, without what depends on where one looks.

use egui::{Pos2, Theme, pos2, vec2};
use quantlens_analysis::{mark, t, text::filled};

use super::{GraphViewState, cards, tints, wires};
use crate::{
    document::Document,
    figure::sheet::{Sheet, SheetCard, SheetLine},
    format,
    graph_layout::{Edge, Link},
    memo::Same,
    views::cells,
};

/// Pieces of a bent line.
const PIECES: u8 = 10;

/// The sheet of the open model in the colours of this theme; `None` while there is no drawing.
pub fn graph_sheet(doc: &Document, state: &GraphViewState, theme: Theme) -> Option<Sheet> {
    let (model, (_, drawing)) = (doc.model.as_ref()?, doc.graph.drawn.as_ref()?);
    let key = tints::Key {
        report: doc.report.value.clone().map(Same),
        comparison: doc.pins.comparison.clone().filter(|_| !state.hides_deltas).map(Same),
        column: doc.pages.list_metric.0,
        fitted: state.fitted,
        theme,
    };
    let tints = tints::Tints::of(&key);
    let name = |card: usize| model.layers.get(card).map_or("", |info| info.name.as_str());
    let cut = |words: &'static str, others: Vec<usize>| match others.as_slice() {
        [] => String::new(),
        [one] => filled(words, &[&name(*one)]),
        many => filled(words, &[&format::plural(many.len(), "layer")]),
    };
    let card = |(place, info): (usize, &quantlens_analysis::report::LayerInfo)| {
        let row = doc.row(info.index);
        let widths = row.map(cards::widths).unwrap_or_default();
        Some(SheetCard {
            rect: drawing.card(place)?,
            fill: tints.card(place).fill,
            name: info.name.clone(),
            note: format!("{}  {widths}", info.op).trim_end().to_owned(),
            value: cards::value(doc, &tints.legend, info, row),
            cuts: [
                cut(mark!("from {}"), drawing.cut_above(place).iter().map(|edge: &Edge| edge.from).collect()),
                cut(mark!("to {}"), drawing.cut_below(place).iter().map(|edge: &Edge| edge.to).collect()),
            ],
        })
    };
    let line = |link: &Link| {
        let tint = tints.card(link.source);
        let width = if link.through { 1.0 } else { wires::width(tint.flow) };
        SheetLine { points: points(link), width, colour: tint.line, is_dashed: link.through }
    };
    Some(Sheet {
        title: doc.title.clone(),
        legend: legend(doc, &tints.legend),
        size: drawing.size,
        cards: model.layers.iter().enumerate().filter_map(card).collect(),
        lines: drawing.links.iter().map(line).collect(),
    })
}

/// What the tint means, and which numbers it is of.
fn legend(doc: &Document, legend: &tints::Legend) -> String {
    let (title, low, high) = legend.words();
    let mut text = t!("Cards: {}, from {} to {}. Lines: accumulated error of what they carry", title, low, high);
    if let Some(stamp) = doc.report.value.as_deref().and_then(cells::stamp) {
        text.push_str(&t!(". {} samples", stamp));
    }
    if doc.data.as_ref().is_some_and(|data| data.synthetic) {
        text.push_str(t!(". Synthetic samples: ranges mislead"));
    }
    text
}

/// The line's course, as on screen: leaves and arrives straight down.
fn points(link: &Link) -> Vec<Pos2> {
    let end = link.to + vec2(0.0, link.tail);
    if (link.from.x - link.to.x).abs() < 1.0 {
        return vec![link.from, end];
    }
    let half = 0.55 * (link.to.y - link.from.y);
    let at = |piece: u8| {
        let t = f32::from(piece) / f32::from(PIECES);
        let (a, b, c, d) = ((1.0 - t).powi(3), 3.0 * t * (1.0 - t).powi(2), 3.0 * t * t * (1.0 - t), t.powi(3));
        let x = (a + b) * link.from.x + (c + d) * link.to.x;
        let y = a * link.from.y + b * (link.from.y + half) + c * (link.to.y - half) + d * link.to.y;
        pos2(x, y)
    };
    (0..=PIECES).map(at).chain((link.tail > 0.0).then_some(end)).collect()
}
