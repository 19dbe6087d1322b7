//! The table's columns: how wide, what their headers say, which of them fit.
//!
//! A table that is wider than its place hides its least important columns rather than the ones that happen to stand at
//! the right; the user may ask for all of them and scroll sideways instead.

use std::collections::BTreeSet;

use egui::{DragValue, Grid, WidgetInfo};
use quantlens_analysis::t;

use crate::{
    action::Action,
    command::{Command, Commands},
    document::{ColumnWidths, Document},
    rows::Column,
    theme,
    views::menu::entry_ui,
};

/// Space between two columns, in points.
pub(super) const GAP: f32 = theme::GRID;

/// Hidden first where space is short, in this order; the rest always stays.
const LEAST_IMPORTANT: [Column; 10] = [
    Column::Granularity,
    Column::Flow,
    Column::MaxAbs,
    Column::Cosine,
    Column::Size,
    Column::Index,
    Column::Clipped,
    Column::Op,
    Column::Note,
    Column::Local,
];

/// Which columns the user wants.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chosen {
    /// Switched off by the user.
    hidden: BTreeSet<Column>,
    /// Show all that are switched on, even where the table must be scrolled sideways.
    pub scroll_sideways: bool,
    /// Numbers stand with their differences to the pinned baseline, and need the room.
    pub with_deltas: bool,
    /// How wide the user has made them.
    pub widths: ColumnWidths,
}

impl Chosen {
    /// The columns to draw in `width` points.
    pub fn shown(&self, width: f32) -> Vec<Column> {
        let mut columns: Vec<Column> = Column::ALL.into_iter().filter(|column| !self.hidden.contains(column)).collect();
        if !self.scroll_sideways {
            for unimportant in LEAST_IMPORTANT {
                if self.total_width(&columns) <= width {
                    break;
                }
                columns.retain(|column| *column != unimportant);
            }
        }
        columns
    }

    /// Columns that are switched on but do not fit in `width` points.
    pub fn squeezed_out(&self, width: f32) -> usize {
        Column::ALL.len() - self.hidden.len() - self.shown(width).len()
    }

    /// Width that the columns need, gaps included.
    pub(super) fn total_width(&self, columns: &[Column]) -> f32 {
        columns.iter().map(|column| self.needed_width(*column) + GAP).sum()
    }

    /// Width of a column with the differences of its numbers.
    pub(super) fn needed_width(&self, column: Column) -> f32 {
        self.width(column) + self.delta(column)
    }

    /// Width of a column without them.
    fn width(&self, column: Column) -> f32 {
        self.widths.get(column).unwrap_or_else(|| own_width(column))
    }

    /// Room for a column's differences.
    pub(super) fn delta(&self, column: Column) -> f32 {
        if self.with_deltas && has_delta(column) { DELTA } else { 0.0 }
    }
}

/// Room for a difference beside a number, in points.
pub(super) const DELTA: f32 = 58.0;

/// Whether the column's numbers can be compared.
pub(super) fn has_delta(column: Column) -> bool {
    matches!(
        column,
        Column::Local | Column::Accumulated | Column::Cosine | Column::MaxAbs | Column::Clipped | Column::Size
    )
}

/// Width of a column that the user has not touched, in points; of the name its least.
fn own_width(column: Column) -> f32 {
    match column {
        Column::Index => 36.0,
        Column::Name => 150.0,
        Column::Op => 84.0,
        Column::WeightBits | Column::ActivationBits => 52.0,
        Column::Granularity => 78.0,
        Column::Local => 66.0,
        Column::Flow => 72.0,
        Column::Accumulated => 88.0,
        Column::Cosine | Column::Clipped => 68.0,
        Column::MaxAbs => 74.0,
        Column::Size => 84.0,
        Column::Note => 40.0,
    }
}

/// Whether the column holds text that reads from the left.
pub(super) fn is_text(column: Column) -> bool {
    matches!(column, Column::Name | Column::Op | Column::Granularity | Column::Note)
}

/// The header's text, short enough for its column; the full title is on hover and in the column menu.
pub(super) fn short_title(column: Column) -> &'static str {
    match column {
        Column::Local => t!("Local dB"),
        Column::Accumulated => t!("Accum. dB"),
        _ => column.title(),
    }
}

/// The column's name where there is room for it: in the menu and for screen readers.
pub(super) fn long_title(column: Column) -> &'static str {
    match column {
        Column::Index => t!("Graph order"),
        Column::WeightBits => t!("Weight format"),
        Column::ActivationBits => t!("Output format"),
        Column::Granularity => t!("Weight scales"),
        Column::Accumulated => t!("Accumulated SQNR"),
        Column::Flow => t!("Flow of error"),
        _ => column.title(),
    }
}

/// What the column means, for hover.
pub(super) fn meaning(column: Column) -> &'static str {
    match column {
        Column::Index => t!("Position in graph order"),
        Column::Name => t!("The layer: a computing node with its folded batch norm and fused activation"),
        Column::Op => t!("Operator of the computing node"),
        Column::WeightBits => t!("Format of the weights. Click a cell to change it"),
        Column::ActivationBits => {
            t!("Format of the layer's output, after its fused ReLU or Clip. Click a cell to change it")
        }
        Column::Granularity => t!("One weight scale for the whole tensor, or one for each output channel"),
        Column::Local => {
            t!("Signal-to-quantization-noise ratio when only this layer is quantized: what it does to itself")
        }
        Column::Accumulated => t!("Signal-to-quantization-noise ratio when everything is quantized: what arrives here"),
        Column::Flow => {
            t!(
                "What the layer's float function makes of the error it reads, in dB: + amplifies, − attenuates; \"mixes\" \
                 lies between its inputs"
            )
        }
        Column::Cosine => t!("Direction of the output against the float model's, blind to magnitude"),
        Column::MaxAbs => t!("Largest absolute difference of any output value from the float model's"),
        Column::Clipped => t!("Share of the output's values outside the quantizer's range"),
        Column::Size => t!("The layer's constants in this configuration"),
        Column::Note => {
            t!("A dot: edited. ≠: set otherwise than in the pinned baseline. A triangle: magnitude off although the \
                 direction is right")
        }
    }
}

/// The menu that switches columns and says how wide they are.
pub(super) fn menu_ui(ui: &mut egui::Ui, doc: &Document, chosen: &mut Chosen, width: f32, send: &mut Commands) {
    let fitting = chosen.shown(width);
    Grid::new("columns").num_columns(2).spacing([16.0, 2.0]).show(ui, |ui| {
        ui.weak(t!("Column"));
        ui.weak(t!("Width"));
        ui.end_row();
        // A row without a name says nothing.
        for column in Column::ALL.into_iter().filter(|column| *column != Column::Name) {
            let mut on = !chosen.hidden.contains(&column);
            let text = if on && !fitting.contains(&column) {
                t!("{} (no room)", long_title(column))
            } else {
                long_title(column).to_owned()
            };
            if ui.checkbox(&mut on, text).on_hover_text(meaning(column)).changed() {
                if on {
                    chosen.hidden.remove(&column);
                } else {
                    chosen.hidden.insert(column);
                }
            }
            width_ui(ui, column, chosen, send);
            ui.end_row();
        }
    });
    ui.separator();
    entry_ui(ui, Action::ResetColumns, doc, send);
    ui.checkbox(&mut chosen.scroll_sideways, t!("Scroll sideways where there is no room"));
    if ui.button(t!("Show all columns")).clicked() {
        *chosen = Chosen { hidden: BTreeSet::new(), scroll_sideways: true, ..chosen.clone() };
    }
}

/// A column's width as a number, for the keyboard; the mouse has the lines between the columns, too.
fn width_ui(ui: &mut egui::Ui, column: Column, chosen: &Chosen, send: &mut Commands) {
    let mut width = chosen.width(column);
    let (least, most) = ColumnWidths::LIMITS;
    let drag = DragValue::new(&mut width).range(least..=most).max_decimals(0).speed(1.0);
    let tokens = theme::tokens(ui);
    // What stands in a menu has no frame, as if it could not be changed.
    let field = ui.scope(|ui| {
        let style = &mut ui.visuals_mut().widgets.inactive;
        (style.weak_bg_fill, style.bg_stroke) = (tokens.canvas, egui::Stroke::new(1.0, tokens.line));
        ui.add(drag)
    });
    let response = field.inner;
    let name = t!("Width of the column {}", long_title(column));
    response.widget_info(|| WidgetInfo::labeled(egui::Role::SpinButton, true, &name));
    if response.on_hover_text(t!("Width in points; the lines between the columns can be dragged, too")).changed() {
        send.push(Command::ColumnWidth(column, Some(width)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrow_tables_keep_what_matters() {
        let chosen = Chosen::default();
        assert_eq!(chosen.shown(2000.0), Column::ALL);
        let narrow = chosen.shown(480.0);
        for column in [Column::Name, Column::WeightBits, Column::ActivationBits, Column::Local, Column::Accumulated] {
            assert!(narrow.contains(&column), "{column:?}");
        }
        assert!(chosen.total_width(&narrow) <= 480.0);
        assert_eq!(chosen.squeezed_out(480.0), Column::ALL.len() - narrow.len());
        assert_eq!(chosen.shown(10.0).len(), 4, "the last four stay however narrow");
        let compared = Chosen { with_deltas: true, ..Chosen::default() };
        let narrow = compared.shown(480.0);
        assert!(narrow.contains(&Column::Accumulated) && compared.total_width(&narrow) <= 480.0, "{narrow:?}");
    }

    #[test]
    fn what_the_user_makes_wide_takes_room_from_what_matters_least() {
        let mut chosen = Chosen::default();
        let all = chosen.total_width(&Column::ALL);
        assert_eq!(chosen.shown(all).len(), Column::ALL.len());
        chosen.widths.set(Column::Op, Some(100.0));
        let shown = chosen.shown(all);
        assert!(shown.contains(&Column::Op) && !shown.contains(&Column::Granularity), "{shown:?}");
        assert_eq!(chosen.total_width(&Column::ALL), all + 16.0);
    }

    #[test]
    fn sideways_shows_all_that_are_switched_on() {
        let chosen = Chosen { hidden: BTreeSet::from([Column::Op]), scroll_sideways: true, ..Chosen::default() };
        assert_eq!(chosen.shown(100.0).len(), Column::ALL.len() - 1);
        assert_eq!(chosen.squeezed_out(100.0), 0);
    }
}
