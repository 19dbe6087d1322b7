//! The table of all layers: every column, sortable, with formats that are edited in the cell.
//!
//! Only the rows on screen are laid out. Which rows there are and in which order is decided elsewhere
//! ([`crate::rows`]) and only when something changes, so that rows do not move while numbers refine.

use egui::{Align, EventFilter, Id, Layout, RichText, Sense, Ui, WidgetInfo, vec2};
use egui_extras::{TableBuilder, TableRow};
use quantlens_analysis::t;

use crate::{
    command::{Command, Commands},
    document::Document,
    format,
    rows::{Column, RowOrder},
    theme,
    views::{cells, drift},
    widgets::{EmptyState, empty_state},
};

mod columns;
mod handles;
pub(crate) mod row;

use columns::Chosen;
use row::{Editing, Rows};

/// What this view remembers between frames.
#[derive(Clone, Debug, Default)]
pub struct LayerTableState {
    /// Which columns the user wants.
    pub chosen: Chosen,
    /// Differences to the pinned baseline are switched off.
    pub hides_deltas: bool,
    /// The format whose popup is open.
    pub editing: Option<Editing>,
    /// The line between columns that is dragged.
    held: Option<handles::Held>,
    /// The selection's `reveal` that was last scrolled to.
    revealed: Option<u64>,
    /// The pointer was over a row in the last frame, so that leaving the table is noticed.
    hovering: bool,
}

/// Draws the table in all the space there is.
pub fn layer_table_ui(ui: &mut Ui, doc: &Document, state: &mut LayerTableState, send: &mut Commands) {
    if doc.model.is_none() {
        let words =
            EmptyState { title: t!("No model is open"), reason: t!("Its layers will stand here, one row each.") };
        empty_state(ui, words, |_| ());
        return;
    }
    state.chosen.with_deltas = doc.pins.comparison.is_some() && !state.hides_deltas;
    if state.chosen.widths != doc.settings.column_widths {
        state.chosen.widths.clone_from(&doc.settings.column_widths);
    }
    let columns = state.chosen.shown(table_width(ui));
    caption_ui(ui, doc, state, send);
    if doc.visible.is_empty() {
        nothing_matches_ui(ui, doc, send);
        return;
    }
    if doc.report.is_dimmed(doc.now) {
        ui.multiply_opacity(theme::DIM);
    }
    let width = table_width(ui);
    let needed = state.chosen.total_width(&columns);
    if state.chosen.scroll_sideways && needed > width {
        egui::ScrollArea::horizontal().auto_shrink(false).show(ui, |ui| {
            ui.set_min_width(needed + 60.0);
            table_ui(ui, doc, state, send, &columns);
        });
    } else {
        table_ui(ui, doc, state, send, &columns);
    }
}

/// Width for columns: what there is without the scroll bar.
fn table_width(ui: &Ui) -> f32 {
    ui.available_width() - ui.spacing().scroll.allocated_width()
}

/// The line over the table: how many layers, in which order, from how many samples; the column menu at the right.
fn caption_ui(ui: &mut Ui, doc: &Document, state: &mut LayerTableState, send: &mut Commands) {
    let width = table_width(ui);
    let weak = theme::tokens(ui).weak;
    ui.allocate_ui_with_layout(
        vec2(ui.available_width(), theme::ROW_HEIGHT),
        Layout::right_to_left(Align::Center),
        |ui| {
            let hidden = state.chosen.squeezed_out(width);
            let text = if hidden > 0 { t!("Columns ({} hidden)", hidden) } else { t!("Columns").to_owned() };
            let config =
                egui::containers::menu::MenuConfig::new().close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside);
            egui::containers::menu::MenuButton::new(text)
                .config(config)
                .ui(ui, |ui| columns::menu_ui(ui, doc, &mut state.chosen, width, send));
            if let Some(pin) = doc.pins.baseline().filter(|_| doc.pins.comparison.is_some()) {
                let mut shown = !state.hides_deltas;
                let hover = t!("Each number's difference to {}", pin.name);
                let toggle = ui.toggle_value(&mut shown, "Δ").on_hover_text(&hover);
                toggle.widget_info(|| WidgetInfo::selected(egui::Role::Button, true, shown, t!("Differences")));
                state.hides_deltas = !shown;
            }
            if doc.order.stale
                && ui
                    .button(t!("Sort again"))
                    .on_hover_text(t!("Values have changed since the rows were sorted"))
                    .clicked()
            {
                send.push(Command::Resort);
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let text = RichText::new(caption(doc)).color(weak);
                ui.add(egui::Label::new(text).truncate())
                    .on_hover_text(t!("Layers that the filter shows, of all that the model has"));
            });
        },
    );
}

/// "12 of 20 layers, sorted by accumulated SQNR, worst first, numbers from 1/32 samples so far".
fn caption(doc: &Document) -> String {
    let (shown, all) = (doc.visible.len(), doc.layers().len());
    let layers = format::plural(all, "layer");
    let mut text = if shown == all { layers } else { t!("{} of {}", shown, layers) };
    if let Some(column) = doc.order.column {
        text.push_str(&t!(", {}", order_words(column, doc.order)));
    }
    if let Some(scope) = doc.report.value.as_ref().and_then(|report| report.scope.as_ref()) {
        text.push_str(&t!(", numbers of {}", format::scope(scope)));
    }
    if let Some(stamp) = doc.report.value.as_deref().and_then(cells::stamp) {
        text.push_str(&t!(", numbers from {} samples so far", stamp));
    }
    text
}

fn order_words(column: Column, order: RowOrder) -> String {
    let by_value = !matches!(column, Column::Index | Column::Name | Column::Op | Column::Granularity);
    let title = columns::long_title(column);
    let [first, last] = match (by_value, column) {
        (false, _) if order.reversed => return t!("sorted by {}, reversed", title),
        (false, _) => return t!("sorted by {}", title),
        (true, Column::WeightBits | Column::ActivationBits) => [t!("narrowest first"), t!("narrowest last")],
        (true, Column::Size) => [t!("largest first"), t!("largest last")],
        (true, Column::Note) => [t!("edited first"), t!("edited last")],
        (true, _) => [t!("worst first"), t!("worst last")],
    };
    t!("sorted by {}, {}", title, if order.reversed { last } else { first })
}

fn nothing_matches_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    let title = t!("No layer matches {}", doc.filter.text.trim());
    let reason = t!("The filter hides every layer of the model.");
    empty_state(ui, EmptyState { title: &title, reason }, |ui| {
        if ui.button(t!("Clear filter")).clicked() {
            send.push(Command::SetFilter(String::new()));
        }
    });
}

fn table_ui(ui: &mut Ui, doc: &Document, state: &mut LayerTableState, send: &mut Commands, columns: &[Column]) {
    ui.spacing_mut().item_spacing = vec2(columns::GAP, 0.0);
    focus_ui(ui);
    let scroll_to = reveal(doc, state);
    let with_deltas = state.chosen.with_deltas;
    let rows = Rows { doc, columns, stamp: doc.report.value.as_deref().and_then(cells::stamp), with_deltas };
    let spare = table_width(ui) - state.chosen.total_width(columns);
    // What the table remembers is remembered by count only; another set of columns is another table.
    let salt = egui::IdSalt::new(("layers", columns, with_deltas));
    let room = ui.available_rect_before_wrap();
    let mut builder = TableBuilder::new(ui)
        .id_salt(salt)
        .striped(true)
        .sense(Sense::CLICK)
        .auto_shrink(false)
        .animate_scrolling(false)
        .min_scrolled_height(0.0)
        .cell_layout(Layout::left_to_right(Align::Center));
    for column in columns {
        builder = builder.column(row::table_column(*column, state.chosen.needed_width(*column), spare));
    }
    if let Some(index) = scroll_to {
        builder = builder.scroll_to_row(index, None);
    }
    let mut clicked = false;
    let mut hovered = None;
    let mut widths = Vec::new();
    builder.header(theme::ROW_HEIGHT + theme::GRID, |mut header| header_ui(&mut header, doc, columns, send)).body(
        |body| {
            widths = body.widths().to_vec();
            let layers = doc.layers();
            body.rows(theme::ROW_HEIGHT, doc.visible.len(), |mut row| {
                let Some(info) = doc.visible.get(row.index()).and_then(|index| layers.get(*index)) else { return };
                let touched = rows.row_ui(&mut row, info, &mut state.editing, send);
                clicked |= touched.clicked;
                if touched.hovered {
                    hovered = Some(info.name.as_str());
                }
            });
        },
    );
    handles::lines_ui(ui, room, (columns, &widths), &state.chosen, &mut state.held, send);
    if clicked {
        // The others scroll there; a row under the pointer must not move.
        state.revealed = Some(doc.selection.reveal + 1);
        // From here on the arrows step through the rows, whatever button had the keyboard before.
        ui.memory_mut(|memory| memory.focused().into_iter().for_each(|id| memory.surrender_focus(id)));
    }
    drift::report_hover(doc, &mut state.hovering, hovered, send);
}

/// Id of the table's one tab stop. With it focused, arrows and Space belong to the rows as with nothing focused.
pub fn focus_id() -> Id {
    Id::unique("layer table")
}

/// The table is one tab stop and keeps the vertical arrows for stepping through its rows.
fn focus_ui(ui: &Ui) {
    let id = focus_id();
    let rect = ui.available_rect_before_wrap();
    let response = ui.interact(rect, id, Sense::focusable_noninteractive());
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Table, true, t!("Layers")));
    if response.has_focus() {
        let filter = EventFilter { vertical_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(id, filter));
        ui.painter().rect_stroke(rect, 2.0, (1.0, theme::tokens(ui).accent), egui::StrokeKind::Inside);
    }
}

/// The row to scroll to: the moving end of the selection, when it changed elsewhere since the last frame.
fn reveal(doc: &Document, state: &mut LayerTableState) -> Option<usize> {
    let now = Some(doc.selection.reveal);
    if state.revealed == now {
        return None;
    }
    state.revealed = now;
    let target = doc.selection.lead.as_ref().or(doc.selection.anchor.as_ref())?;
    let layers = doc.layers();
    doc.visible.iter().position(|index| layers.get(*index).is_some_and(|layer| layer.name == *target))
}

fn header_ui(header: &mut TableRow<'_, '_>, doc: &Document, columns: &[Column], send: &mut Commands) {
    for column in columns {
        header.col(|ui| header_cell_ui(ui, *column, doc.order, send));
    }
}

fn header_cell_ui(ui: &Ui, column: Column, order: RowOrder, send: &mut Commands) {
    let tokens = theme::tokens(ui);
    let rect = ui.max_rect();
    let response = ui.interact(rect, ui.scope_id().with("header"), Sense::click());
    let is_sorted = order.column == Some(column);
    let name = t!("Sort by {}", columns::long_title(column));
    response.widget_info(|| WidgetInfo::selected(egui::Role::ColumnHeader, true, is_sorted, &name));
    if response.hovered() || response.has_focus() {
        ui.painter().rect_filled(rect, 3.0, tokens.hovered);
    }
    let mark = match (is_sorted, order.reversed) {
        (false, _) => "",
        (true, false) => "▼",
        (true, true) => "▲",
    };
    let title = columns::short_title(column);
    let text = match (columns::is_text(column), mark.is_empty()) {
        (_, true) => title.to_owned(),
        (true, false) => format!("{title} {mark}"),
        (false, false) => format!("{mark} {title}"),
    };
    let align = match column {
        Column::WeightBits | Column::ActivationBits => Align::Center,
        _ if columns::is_text(column) => Align::Min,
        _ => Align::Max,
    };
    let inset = if align == Align::Max { vec2(theme::GRID, 0.0) } else { vec2(0.0, 0.0) };
    let ink = cells::Ink { colour: if is_sorted { tokens.text } else { tokens.weak }, italic: false, align };
    cells::paint_text(ui, rect.shrink2(inset), &text, egui::TextStyle::Body.resolve(ui.style()), ink);
    let response = response.on_hover_text(format!("{}: {}", columns::long_title(column), columns::meaning(column)));
    if response.clicked() {
        send.push(Command::SortBy(column));
    }
}
