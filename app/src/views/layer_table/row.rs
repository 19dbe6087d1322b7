//! One row of the table: painting its cells, and what a click on the row or on one of its formats does.

use egui::{Popup, PopupCloseBehavior, Response, Sense, Stroke, StrokeKind, Ui, WidgetInfo};
use egui_extras::TableRow;
use quantlens_analysis::{
    quant::Bits,
    report::{LayerInfo, LayerRow},
    t,
};

use super::columns;
use crate::{
    command::{Command, Commands, Part},
    document::Document,
    format,
    rows::Column,
    theme,
    views::{
        bits_editor::{InForce, bits_popup_ui},
        cells::{self, Cell, Editable},
        drift::select_mode,
    },
};

/// Names keep this width in the narrowest table, in points.
const LEAST_NAME: f32 = 76.0;

/// The format whose popup is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Editing {
    /// The layer.
    pub layer: String,
    /// Its weights or its output.
    pub part: Part,
}

/// What all rows of a frame have in common.
pub(super) struct Rows<'a> {
    /// All that is open.
    pub(super) doc: &'a Document,
    /// The columns drawn.
    pub(super) columns: &'a [Column],
    /// "1/32" while the numbers refine; they are slanted then.
    pub(super) stamp: Option<String>,
    /// Numbers stand with their differences to the pinned baseline.
    pub(super) with_deltas: bool,
}

/// What a cell's number is, after what is to be said of its value. Names explain themselves.
fn explained(column: Column, values: Option<&LayerRow>, why: Option<String>) -> Option<String> {
    if matches!(column, Column::Index | Column::Name | Column::Op | Column::Note) {
        return why;
    }
    let value = match column {
        Column::Local => values.and_then(|row| format::noise_words(row.local.sqnr_db)),
        Column::Accumulated => values.and_then(|row| format::noise_words(row.accumulated.sqnr_db)),
        _ => None,
    };
    let meaning = format!("{}: {}", columns::long_title(column), columns::meaning(column));
    Some(why.into_iter().chain(value).chain([meaning]).collect::<Vec<_>>().join("\n"))
}

/// What a row's cells reported.
#[derive(Default)]
pub(super) struct Touched {
    /// The row was clicked, a format of it or anything else.
    pub(super) clicked: bool,
    /// The pointer is over it.
    pub(super) hovered: bool,
}

impl Rows<'_> {
    /// Draws one row.
    pub(super) fn row_ui(
        &self,
        row: &mut TableRow<'_, '_>,
        info: &LayerInfo,
        editing: &mut Option<Editing>,
        send: &mut Commands,
    ) -> Touched {
        let values = self.doc.row(info.index);
        let selection = &self.doc.selection;
        let is_selected = selection.contains(&info.name);
        row.set_selected(is_selected);
        row.set_hovered(selection.hovered.as_deref() == Some(&info.name));
        for column in self.columns {
            match part_of(*column) {
                Some(part) => {
                    row.col(|ui| self.format_ui(ui, (info, values), part, editing, send));
                }
                None => self.value_col(row, *column, info, values),
            }
        }
        let response = row.response();
        response.widget_info(|| WidgetInfo::selected(egui::Role::Row, true, is_selected, self.spoken(info, values)));
        if response.clicked() {
            let mode = select_mode(response.ctx.input(|input| input.modifiers));
            send.push(Command::Select { layer: info.name.clone(), mode, reveal: true });
        }
        Touched { clicked: response.clicked(), hovered: response.contains_pointer() }
    }

    /// The row in words, with its difference to the baseline where that is shown.
    fn spoken(&self, info: &LayerInfo, values: Option<&LayerRow>) -> String {
        let label = cells::row_label(info, values);
        let change = self.doc.pins.change(&info.name).filter(|_| self.with_deltas);
        let Some(change) = change else { return label };
        let differs = if change.differs { t!(", set otherwise than pinned") } else { "" };
        match cells::delta(Column::Accumulated, change) {
            Some(delta) => t!("{}, {} dB against the pinned baseline{}", label, delta.marked(), differs),
            None => format!("{label}{differs}"),
        }
    }

    fn value_col(&self, row: &mut TableRow<'_, '_>, column: Column, info: &LayerInfo, values: Option<&LayerRow>) {
        let mut cell = cells::cell(column, info, values);
        let mut is_cut = false;
        let change = self.doc.pins.change(&info.name).filter(|_| self.with_deltas);
        let delta = change.and_then(|change| cells::delta(column, change));
        let differs = self.doc.pins.differs(&info.name);
        let (_, response) = row.col(|ui| match (&delta, column) {
            (Some(delta), _) => self.compared_ui(ui, column, &cell, delta, values),
            (None, Column::Note) if differs => {
                let mark = ui.max_rect();
                is_cut = self.value_ui(ui, column, &cell, values);
                cells::paint_differs(ui, mark);
            }
            _ => is_cut = self.value_ui(ui, column, &cell, values),
        });
        if is_cut {
            cell.why = Some(cell.text);
        }
        let pinned = match (delta, column) {
            (Some(delta), _) => Some(delta.why),
            (None, Column::Note) if differs => Some(self.differs_words()),
            _ => None,
        };
        cell.why = match (cell.why, pinned) {
            (Some(why), Some(pinned)) => Some(format!("{why}\n{pinned}")),
            (why, pinned) => why.or(pinned),
        };
        if let Some(why) = explained(column, values, cell.why) {
            response.on_hover_text(why);
        }
    }

    fn differs_words(&self) -> String {
        let name = self.doc.pins.baseline().map_or(t!("the pinned baseline"), |pin| pin.name.as_str());
        t!("Set otherwise than in {}", name)
    }

    /// Paints a number and its difference; where the user has made the column too narrow for both, the difference.
    fn compared_ui(&self, ui: &Ui, column: Column, cell: &Cell, delta: &cells::Delta, values: Option<&LayerRow>) {
        let rect = ui.max_rect();
        let refines = self.stamp.is_some();
        let split = rect.right() - columns::DELTA;
        if rect.width() < columns::DELTA + 40.0 {
            cells::paint_delta(ui, rect.shrink2(egui::vec2(theme::GRID, 0.0)), delta, refines);
            return;
        }
        let italic = refines && values.is_some_and(|row| cells::measure_of(column, row).is_some());
        cells::paint_cell(ui, rect.with_max_x(split), cell, italic);
        cells::paint_delta(ui, rect.with_min_x(split).shrink2(egui::vec2(theme::GRID, 0.0)), delta, italic);
    }

    /// Paints a cell; returns whether its text was cut.
    fn value_ui(&self, ui: &Ui, column: Column, cell: &Cell, values: Option<&LayerRow>) -> bool {
        let rect = ui.max_rect();
        let tokens = theme::tokens(ui);
        match column {
            Column::Name => return cells::paint_name(ui, rect, &cell.text, tokens.text),
            Column::Note => {
                if let Some(values) = values {
                    cells::paint_notes(ui, rect, values);
                }
            }
            Column::Op | Column::Granularity => {
                let colour = if cell.weak { tokens.weak } else { tokens.text };
                let ink = cells::Ink { colour, italic: false, align: egui::Align::Min };
                return cells::paint_text(ui, rect, &cell.text, egui::TextStyle::Body.resolve(ui.style()), ink);
            }
            _ => {
                let refines =
                    values.is_some_and(|row| cells::measure_of(column, row).is_some()) && self.stamp.is_some();
                cells::paint_cell(ui, rect, cell, refines);
            }
        }
        false
    }

    /// A format: painted, clickable where it can be set, with its popup.
    fn format_ui(
        &self,
        ui: &Ui,
        (info, values): (&LayerInfo, Option<&LayerRow>),
        part: Part,
        editing: &mut Option<Editing>,
        send: &mut Commands,
    ) {
        let column = if part == Part::Weights { Column::WeightBits } else { Column::ActivationBits };
        let cell = cells::cell(column, info, values);
        let editable = cells::editable(part, info);
        let rect = ui.max_rect();
        let is_shared = matches!(editable, Editable::Shared(_));
        let bits = values.and_then(|row| cells::bits_of(part, row));
        cells::paint_bits(ui, rect, &cell, bits, is_shared);
        let can_edit = values.is_some() && matches!(editable, Editable::Yes | Editable::Shared(_));
        if !can_edit {
            let response = ui.interact(rect, ui.scope_id().with("format"), Sense::hover());
            if let Some(why) = cell.why {
                response.on_hover_text(why);
            }
            return;
        }
        // Not focusable: thousands of cells are no tab stops; the keys 2 to 8, 1 and F do the same on selected rows.
        let response = ui.interact(rect, ui.scope_id().with("format"), Sense::CLICK);
        let name = format!("{} {}", info.name, noun(part));
        let spoken = format!("{name}: {}", bits.map_or_else(String::new, format::bits_words));
        response.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, &spoken));
        let is_open = editing.as_ref().is_some_and(|e| e.layer == info.name && e.part == part);
        if response.hovered() || is_open {
            let stroke = Stroke::new(1.0, theme::tokens(ui).accent);
            ui.painter().rect_stroke(rect.shrink(2.0), 3.0, stroke, StrokeKind::Inside);
        }
        if response.clicked() {
            *editing = (!is_open).then(|| Editing { layer: info.name.clone(), part });
            if !self.doc.selection.contains(&info.name) {
                let mode = select_mode(ui.input(|input| input.modifiers));
                send.push(Command::Select { layer: info.name.clone(), mode, reveal: false });
            }
        }
        if is_open {
            self.popup_ui(&response, info, part, &editable, editing, send);
        } else if let Some(why) = cell.why {
            response.on_hover_text(why);
        }
    }

    /// The widths to choose from; on several selected rows the choice is for all of them.
    fn popup_ui(
        &self,
        cell: &Response,
        info: &LayerInfo,
        part: Part,
        editable: &Editable,
        editing: &mut Option<Editing>,
        send: &mut Commands,
    ) {
        let selected = self.doc.selected_names();
        let many = selected.len() > 1 && self.doc.selection.contains(&info.name);
        let layers = if many { selected } else { vec![info.name.clone()] };
        let title = if many {
            format!("{}, {}", format::plural(layers.len(), "layer"), noun(part))
        } else {
            format!("{} {}", info.name, noun(part))
        };
        let rows = layers.iter().filter_map(|name| self.doc.row_of(name));
        let in_force: InForce<Bits> = InForce::of(rows.filter_map(|row| cells::bits_of(part, row)));
        let mut open = true;
        let popup = Popup::from_response(cell)
            .open_bool(&mut open)
            .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
            .accessible_name(&title)
            .show(|ui| bits_popup_ui(ui, &title, editable, in_force));
        if let Some(bits) = popup.and_then(|popup| popup.inner) {
            send.push(Command::SetBits { layers, part, bits });
            open = false;
        }
        if !open {
            *editing = None;
        }
    }
}

/// The part that a format column speaks of.
fn part_of(column: Column) -> Option<Part> {
    match column {
        Column::WeightBits => Some(Part::Weights),
        Column::ActivationBits => Some(Part::Activations),
        _ => None,
    }
}

/// "weights" or "output".
pub(crate) fn noun(part: Part) -> &'static str {
    if part == Part::Weights { t!("weights") } else { t!("output") }
}

/// The table's column, of this width; the names take what the others leave.
/// `spare` is what the columns leave of the table's width; where that is less than nothing, names are cut.
pub(super) fn table_column(column: Column, width: f32, spare: f32) -> egui_extras::Column {
    if column == Column::Name {
        let width = (width + spare.min(0.0)).max(LEAST_NAME);
        egui_extras::Column::remainder().at_least(width).resizable(false)
    } else {
        egui_extras::Column::exact(width).clip(true)
    }
}
