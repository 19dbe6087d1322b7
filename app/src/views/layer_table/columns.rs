//! The table's columns: how wide, what their headers say, which of them fit.
//!
//! A table that is wider than its place hides its least important columns rather than the ones that happen to stand at
//! the right; the user may ask for all of them and scroll sideways instead.

use quantlens_analysis::t;

use std::collections::BTreeSet;

use crate::{rows::Column, theme};

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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    /// Switched off by the user.
    hidden: BTreeSet<Column>,
    /// Show all that are switched on, even where the table must be scrolled sideways.
    pub scroll_sideways: bool,
    /// Numbers stand with their differences to the pinned baseline, and need the room.
    pub with_deltas: bool,
}

impl Chosen {
    /// The columns to draw in `width` points.
    pub fn shown(&self, width: f32) -> Vec<Column> {
        let mut columns: Vec<Column> = Column::ALL.into_iter().filter(|column| !self.hidden.contains(column)).collect();
        if !self.scroll_sideways {
            for unimportant in LEAST_IMPORTANT {
                if total_width(&columns, self.with_deltas) <= width {
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
}

/// Room for a difference beside a number, in points.
pub(super) const DELTA: f32 = 58.0;

/// Width that the columns need, gaps included.
pub(super) fn total_width(columns: &[Column], with_deltas: bool) -> f32 {
    columns.iter().map(|column| needed_width(*column, with_deltas) + GAP).sum()
}

/// Width of a column with the differences of its numbers.
pub(super) fn needed_width(column: Column, with_deltas: bool) -> f32 {
    width(column) + if with_deltas && has_delta(column) { DELTA } else { 0.0 }
}

/// Whether the column's numbers can be compared.
pub(super) fn has_delta(column: Column) -> bool {
    matches!(
        column,
        Column::Local | Column::Accumulated | Column::Cosine | Column::MaxAbs | Column::Clipped | Column::Size
    )
}

/// Width of a column in points; of the name its least.
pub(super) fn width(column: Column) -> f32 {
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

/// The menu that switches columns.
pub(super) fn menu_ui(ui: &mut egui::Ui, chosen: &mut Chosen, width: f32) {
    let fitting = chosen.shown(width);
    for column in Column::ALL {
        // A row without a name says nothing.
        if column == Column::Name {
            continue;
        }
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
    }
    ui.separator();
    ui.checkbox(&mut chosen.scroll_sideways, t!("Scroll sideways where there is no room"));
    if ui.button(t!("Show all columns")).clicked() {
        *chosen = Chosen { hidden: BTreeSet::new(), scroll_sideways: true, ..chosen.clone() };
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
        assert!(total_width(&narrow, false) <= 480.0);
        assert_eq!(chosen.squeezed_out(480.0), Column::ALL.len() - narrow.len());
        assert_eq!(chosen.shown(10.0).len(), 4, "the last four stay however narrow");
        let compared = Chosen { with_deltas: true, ..Chosen::default() };
        let narrow = compared.shown(480.0);
        assert!(narrow.contains(&Column::Accumulated) && total_width(&narrow, true) <= 480.0, "{narrow:?}");
    }

    #[test]
    fn sideways_shows_all_that_are_switched_on() {
        let chosen = Chosen { hidden: BTreeSet::from([Column::Op]), scroll_sideways: true, with_deltas: false };
        assert_eq!(chosen.shown(100.0).len(), Column::ALL.len() - 1);
        assert_eq!(chosen.squeezed_out(100.0), 0);
    }
}
