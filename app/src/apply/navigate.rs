//! Selection, filter, order, pages and panels.

use super::{Effects, ask_detail, companions, graph, pins};
use crate::{
    command::Command,
    document::{Beside, Document, Drawer, ListMetric, Page, PanelId},
    filter::Query,
    rows::{self, Column, Known, RowOrder},
};

pub(super) fn apply(doc: &mut Document, command: Command, out: &mut Effects) {
    match command {
        Command::Select { layer, mode, reveal } => {
            let shown = doc.visible_names();
            doc.selection.click(&layer, mode, &shown);
            selected(doc, reveal, out);
        }
        Command::SelectMany(layers) => {
            doc.selection.replace(layers);
            selected(doc, true, out);
        }
        Command::ClearSelection => {
            doc.selection.clear();
            selected(doc, false, out);
        }
        Command::Hover(layer) => doc.selection.hovered = layer,
        Command::SetFilter(text) => set_filter(doc, text),
        Command::Brush(stretch) => {
            let text = crate::brush::brushed(&doc.filter.text, stretch.as_ref());
            set_filter(doc, text);
        }
        Command::SortBy(column) => {
            doc.order.click(column);
            refresh(doc);
        }
        Command::ColumnWidth(column, width) => doc.settings.column_widths.set(column, width),
        Command::Resort => refresh(doc),
        Command::ListMetric(column) => doc.pages.list_metric = ListMetric(column),
        Command::ShowPage(page) => show_page(doc, page, out),
        Command::TogglePanel(panel) => toggle_panel(doc, panel),
        Command::Divide(share) => {
            if let Some(beside) = &mut doc.pages.beside {
                let (least, most) = Beside::SHARES.into_inner();
                beside.share = share.clamp(least, most);
            }
        }
        Command::HoldFloat(held) => doc.float_view.held = held && doc.report.value.is_some(),
        Command::Target(part) => doc.target = part,
        _ => {}
    }
}

/// What follows a change of the selection.
pub(super) fn selected(doc: &mut Document, reveal: bool, out: &mut Effects) {
    let names: std::collections::BTreeSet<String> = doc.layers().iter().map(|layer| layer.name.clone()).collect();
    doc.selection.retain(|name| names.contains(name));
    if reveal {
        doc.selection.reveal += 1;
    }
    ask_detail(doc, out);
    pins::ask(doc, out);
    companions::ask(doc, out);
}

/// Moves the selection by `step` rows on screen; `extend` keeps the anchor.
pub(super) fn step(doc: &mut Document, step: isize, extend: bool, out: &mut Effects) {
    let shown = doc.visible_names();
    let lead = doc.selection.lead.as_deref();
    let at = lead.and_then(|lead| shown.iter().position(|name| name == lead));
    let last = shown.len().saturating_sub(1);
    let to = match at {
        Some(at) => at.saturating_add_signed(step).min(last),
        None if step < 0 => last,
        None => 0,
    };
    let Some(layer) = shown.get(to).cloned() else { return };
    let mode = if extend { crate::selection::SelectMode::Extend } else { crate::selection::SelectMode::Replace };
    doc.selection.click(&layer, mode, &shown);
    selected(doc, true, out);
}

/// Selects the next (`step` = 1) or the previous (−1) layer that the filter shows, from the last to the first.
pub(super) fn step_match(doc: &mut Document, step: isize, out: &mut Effects) {
    let shown = doc.visible_names();
    let lead = doc.selection.lead.as_deref();
    let at = lead.and_then(|lead| shown.iter().position(|name| name == lead));
    let last = shown.len().saturating_sub(1);
    let to = match at {
        Some(at) if step > 0 => {
            if at == last {
                0
            } else {
                at + 1
            }
        }
        Some(at) => at.checked_sub(1).unwrap_or(last),
        None => after_anchor(doc, step),
    };
    let Some(layer) = shown.get(to).cloned() else { return };
    doc.selection.replace([layer]);
    selected(doc, true, out);
}

/// The shown row that is next to the selected layer, which the filter hides.
fn after_anchor(doc: &Document, step: isize) -> usize {
    let anchor = doc.selection.anchor.as_deref().and_then(|name| doc.layer(name)).map(|layer| layer.index);
    let Some(anchor) = anchor.filter(|_| doc.order.column.is_none()) else { return 0 };
    let next = doc.visible.partition_point(|index| *index < anchor);
    let last = doc.visible.len().saturating_sub(1);
    if step > 0 { if next > last { 0 } else { next } } else { next.checked_sub(1).unwrap_or(last) }
}

/// Selects the next worse (`step` = 1) or better (−1) of the shown layers by the list's metric.
pub(super) fn step_by_metric(doc: &mut Document, step: isize, out: &mut Effects) {
    let Some(model) = doc.model.clone() else { return };
    let order = RowOrder { column: Some(doc.pages.list_metric.0), ..RowOrder::default() };
    // Worst first: going to the next worse one is going up this list.
    let ranked = rows::visible(&model, known(doc), &doc.filter.query, order);
    let anchor = doc.selection.anchor.as_deref().and_then(|name| doc.layer(name)).map(|layer| layer.index);
    let at = anchor.and_then(|anchor| ranked.iter().position(|i| *i == anchor));
    let last = ranked.len().saturating_sub(1);
    let to = at.map_or(0, |at| at.saturating_add_signed(-step).min(last));
    let Some(layer) = ranked.get(to).and_then(|i| model.layers.get(*i)) else { return };
    doc.selection.replace([layer.name.clone()]);
    selected(doc, true, out);
}

/// Selects the layer with the largest error of its own among those shown; from there the next one, and from the last the
/// first again.
pub(super) fn next_suspect(doc: &mut Document, out: &mut Effects) {
    let Some(model) = doc.model.clone() else { return };
    let order = RowOrder { column: Some(Column::Local), ..RowOrder::default() };
    let ranked = rows::visible(&model, known(doc), &doc.filter.query, order);
    let anchor = doc.selection.anchor.as_deref().and_then(|name| doc.layer(name)).map(|layer| layer.index);
    let at = anchor.and_then(|anchor| ranked.iter().position(|i| *i == anchor));
    let to = at.map_or(0, |at| (at + 1) % ranked.len());
    let Some(layer) = ranked.get(to).and_then(|i| model.layers.get(*i)) else { return };
    doc.selection.replace([layer.name.clone()]);
    selected(doc, true, out);
}

fn set_filter(doc: &mut Document, text: String) {
    match Query::parse(&text) {
        Ok(query) => {
            doc.filter.query = query;
            doc.filter.error = None;
        }
        // What was shown stays shown until the text is right again.
        Err(error) => doc.filter.error = Some(error),
    }
    doc.filter.text = text;
    if doc.filter.error.is_none() {
        refresh(doc);
    }
}

/// Shows a page; one about the selected layer fetches what it shows.
pub(super) fn show_page(doc: &mut Document, page: Page, out: &mut Effects) {
    doc.pages.show(page);
    graph::ask(doc, out);
    ask_detail(doc, out);
    pins::ask(doc, out);
    companions::ask(doc, out);
}

/// Shows two pages side by side, or one alone again.
pub(super) fn split(doc: &mut Document, out: &mut Effects) {
    doc.pages.split();
    show_page(doc, doc.pages.page, out);
}

/// Puts the other of two pages in use.
pub(super) fn other_page(doc: &mut Document, out: &mut Effects) {
    if let Some(beside) = doc.pages.beside {
        show_page(doc, beside.page, out);
    }
}

fn toggle_panel(doc: &mut Document, panel: PanelId) {
    let pages = &mut doc.pages;
    let (open, drawer) = match panel {
        PanelId::List => (&mut pages.list, Some(Drawer::List)),
        PanelId::Strip => (&mut pages.strip, None),
        PanelId::Inspector => (&mut pages.inspector, Some(Drawer::Inspector)),
    };
    // In a narrow window the panel is a drawer: the command opens and closes that.
    if pages.narrow.is_drawer(panel) {
        pages.drawer = if pages.drawer == drawer { None } else { drawer };
    } else {
        *open = !*open;
    }
}

/// Works out which rows are shown and sorts them by the values of now.
pub(super) fn refresh(doc: &mut Document) {
    doc.order.stale = false;
    doc.visible = match &doc.model {
        Some(model) => rows::visible(model, known(doc), &doc.filter.query, doc.order),
        None => Vec::new(),
    };
}

/// New values have come: which rows are shown follows them, the order of the rows does not, so that nothing moves under
/// the pointer; a mark says that sorting again would change something.
pub(super) fn new_values(doc: &mut Document) {
    let Some(model) = doc.model.clone() else { return };
    let kept = rows::refilter(&doc.visible, &model, known(doc), &doc.filter.query);
    let sorted = rows::visible(&model, known(doc), &doc.filter.query, doc.order);
    if doc.order.column.is_none_or(|column| !is_value(column)) {
        doc.visible = sorted;
    } else {
        doc.order.stale = kept != sorted;
        doc.visible = kept;
    }
}

fn known(doc: &Document) -> Known<'_> {
    Known { report: doc.report.value.as_deref(), comparison: doc.pins.comparison.as_deref() }
}

/// Whether sorting by the column depends on results.
fn is_value(column: Column) -> bool {
    !matches!(column, Column::Index | Column::Name | Column::Op)
}
