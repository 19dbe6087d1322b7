//! The inspector of several layers: what they have in common, and editors that change them all in one step.

use egui::{Align, Grid, Layout, RichText, Ui, vec2};
use quantlens_analysis::{metrics::Measure, report::LayerRow, t, text};

use super::settings;
use crate::{
    command::Commands, document::Document, format, rows::Column, spread::Spread, theme, views::cells, widgets::section,
};

/// Draws what the layers have in common.
pub(super) fn many_ui(ui: &mut Ui, doc: &Document, layers: &[String], send: &mut Commands) {
    let title = format::counted(layers.len(), "layer");
    ui.label(RichText::new(t!("{} selected", title)).strong().size(15.0));
    ui.label(RichText::new(some_names(layers)).color(theme::tokens(ui).weak)).on_hover_text(layers.join("\n"));
    settings::weights_ui(ui, doc, &title, layers, send);
    settings::output_ui(ui, doc, &title, layers, send);
    let rows: Vec<&LayerRow> = layers.iter().filter_map(|name| doc.row_of(name)).collect();
    if !rows.is_empty() {
        let spreads = spreads(&rows);
        if !spreads.is_empty() {
            section(ui, t!("Errors"));
            ui.scope(|ui| spreads_ui(ui, &spreads, doc.is_refining()));
        }
        let (float, now) = rows.iter().fold((0, 0), |(f, q), r| (f + r.float_bytes, q + r.quantized_bytes));
        section(ui, t!("Cost"));
        ui.label(format!("{} → {}", format::bytes(float), format::bytes(now)));
    }
    settings::reset_ui(ui, doc, layers, send);
}

/// The first few names.
fn some_names(layers: &[String]) -> String {
    const SHOWN: usize = 3;
    let names: Vec<&str> = layers.iter().take(SHOWN).map(String::as_str).collect();
    let more = layers.len().saturating_sub(SHOWN);
    if more == 0 { names.join(", ") } else { t!("{} and {} more", names.join(", "), more) }
}

/// Errors that some layer has a number of.
fn spreads(rows: &[&LayerRow]) -> Vec<(Column, Spread)> {
    let columns = [Column::Local, Column::Accumulated, Column::Cosine, Column::MaxAbs, Column::Clipped];
    let of = |column: &Column| Spread::of(rows.iter().filter_map(|row| cells::measure_of(*column, row)));
    columns.into_iter().filter_map(|column| Some((column, of(&column)?))).collect()
}

fn spreads_ui(ui: &mut Ui, spreads: &[(Column, Spread)], italic: bool) {
    let weak = theme::tokens(ui).weak;
    ui.spacing_mut().interact_size.y = 18.0;
    let right = |ui: &mut Ui, text: RichText| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| ui.label(text));
    };
    Grid::new("inspector spreads").num_columns(4).spacing(vec2(12.0, 4.0)).show(ui, |ui| {
        ui.label("");
        for title in [t!("Least"), t!("Median"), t!("Most")] {
            right(ui, RichText::new(title).color(weak).small());
        }
        ui.end_row();
        for &(column, spread) in spreads {
            ui.label(name(column));
            for measure in [spread.least, spread.median, spread.most] {
                let mut text = RichText::new(written(column, measure)).monospace();
                if italic {
                    text = text.italics();
                }
                right(ui, text);
            }
            ui.end_row();
        }
    });
}

fn name(column: Column) -> &'static str {
    match column {
        Column::Local => t!("Local dB"),
        Column::Accumulated => t!("Accumulated dB"),
        _ => text::text(column.title()),
    }
}

fn written(column: Column, measure: Measure) -> String {
    match column {
        Column::Cosine => format::ratio(measure),
        Column::MaxAbs => format::size_free(measure),
        Column::Clipped => format::percent_measure(measure),
        _ => format::db(measure),
    }
}
