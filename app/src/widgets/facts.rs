//! A list of facts: what on the left, its value on the right, in two columns that line up.

use egui::{Grid, Ui};

use crate::theme;

/// Draws `(what, value)` rows. `id` keeps the column widths apart from those of other grids.
pub fn fact_grid<'a>(ui: &mut Ui, id: &str, facts: impl IntoIterator<Item = (&'a str, String)>) {
    let weak = theme::tokens(ui).weak;
    ui.scope(|ui| {
        // Facts are read, not clicked: rows may stand closer than controls do.
        ui.spacing_mut().interact_size.y = 18.0;
        Grid::new(id).num_columns(2).spacing([16.0, 4.0]).min_col_width(96.0).show(ui, |ui| {
            for (what, value) in facts {
                ui.colored_label(weak, what);
                ui.add(egui::Label::new(value).wrap().selectable(true));
                ui.end_row();
            }
        });
    });
}
