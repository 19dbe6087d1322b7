//! What hovering a card tells.

use egui::{RichText, Ui, vec2};
use quantlens_analysis::{
    report::{LayerInfo, LayerRow},
    t,
};

use super::Scene;
use crate::{format, rows::Column, theme, views::cells};

/// Names shown of each list.
const NAMES: usize = 6;

/// Draws the tooltip of a card.
pub(super) fn tooltip_ui(ui: &mut Ui, scene: &Scene<'_>, info: &LayerInfo, row: Option<&LayerRow>) {
    ui.set_max_width(360.0);
    ui.spacing_mut().interact_size.y = 16.0;
    ui.spacing_mut().item_spacing.y = theme::GRID;
    ui.label(RichText::new(&info.name).strong());
    let op = match info.fused.join(", ") {
        fused if fused.is_empty() => info.op.clone(),
        fused => t!("{}, with {}", info.op, fused),
    };
    ui.label(RichText::new(op).color(theme::tokens(ui).weak));
    let Some(row) = row else {
        ui.label(t!("Not evaluated yet"));
        return;
    };
    egui::Grid::new("card tooltip").spacing(vec2(12.0, 2.0)).show(ui, |ui| {
        let mut line = |name: &str, value: String| {
            ui.label(name);
            ui.label(value);
            ui.end_row();
        };
        if let Some(bits) = row.weight_bits {
            line(t!("Weights"), format::bits_words(bits));
        }
        if let Some(bits) = row.activation_bits {
            line(t!("Output"), format::bits_words(bits));
        }
        line(t!("Accumulated"), format::db_unit(row.accumulated.sqnr_db));
        line(t!("Local"), format::db_unit(row.local.sqnr_db));
        let column = scene.doc.pages.list_metric.0;
        if !matches!(column, Column::Accumulated | Column::Local) {
            line(column.title(), cells::cell(column, info, Some(row)).text);
        }
        if let Some(delta) = scene.doc.pins.change(&info.name).and_then(|change| cells::delta(column, change)) {
            line(t!("Against the pinned"), delta.marked());
        }
        let names = names(info);
        if !names.is_empty() {
            line(t!("Reads"), names);
        }
    });
    for note in cells::notes(row) {
        ui.label(note);
    }
}

/// The layers that this one reads.
fn names(info: &LayerInfo) -> String {
    let all: Vec<&str> = info.inputs.iter().map(|(_, from)| from.as_str()).filter(|from| !from.is_empty()).collect();
    let more = all.len().saturating_sub(NAMES);
    let shown = all.iter().take(NAMES).copied().collect::<Vec<_>>().join("\n");
    if more > 0 { format!("{shown}\n{}", t!("and {} more", more)) } else { shown }
}
