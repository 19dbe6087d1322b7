//! A list of facts: what on the left, its value on the right, in two columns that line up. Hovering either says what the
//! fact means.

use egui::{Grid, Ui};

use crate::theme;

/// A fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact<'a> {
    /// What it is about.
    pub what: &'a str,
    /// Its value.
    pub value: String,
    /// What it means, in a sentence.
    pub why: String,
}

/// A fact of these words.
pub fn fact<'a>(what: &'a str, value: impl Into<String>, why: impl Into<String>) -> Fact<'a> {
    Fact { what, value: value.into(), why: why.into() }
}

/// Draws a row for each fact. `id` keeps the column widths apart from those of other grids.
pub fn fact_grid<'a>(ui: &mut Ui, id: &str, facts: impl IntoIterator<Item = Fact<'a>>) {
    let weak = theme::tokens(ui).weak;
    ui.scope(|ui| {
        // Facts are read, not clicked: rows may stand closer than controls do.
        ui.spacing_mut().interact_size.y = 18.0;
        Grid::new(id).num_columns(2).spacing([16.0, 4.0]).min_col_width(96.0).show(ui, |ui| {
            for fact in facts {
                ui.colored_label(weak, fact.what).on_hover_text(&fact.why);
                ui.add(egui::Label::new(fact.value).wrap().selectable(true)).on_hover_text(fact.why);
                ui.end_row();
            }
        });
    });
}
