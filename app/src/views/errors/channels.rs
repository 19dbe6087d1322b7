//! The split by channel: one row for each of the channels with the lowest SQNR.

use egui::{Grid, RichText, Ui, vec2};
use quantlens_analysis::{
    metrics::Measure,
    report::{LayerErrors, clipping_share},
    t, text,
};

use crate::{format, theme, widgets::section};

/// Rows shown.
const ROWS: usize = 16;

/// Draws the table; nothing where the output has no channels.
pub(super) fn channels_ui(ui: &mut Ui, errors: &LayerErrors) {
    let count = channel_count(errors);
    if count < 2 {
        return;
    }
    section(ui, t!("Channels"));
    let weak = theme::tokens(ui).weak;
    let shown = worst(errors);
    let text = if shown.len() < count {
        t!("The {} of {} channels with the lowest SQNR", shown.len(), count)
    } else {
        t!("All {} channels, lowest SQNR first", count)
    };
    ui.label(RichText::new(text).color(weak));
    egui::ScrollArea::horizontal().id_salt("channels of errors").show(ui, |ui| {
        Grid::new("errors by channel").striped(true).spacing(vec2(20.0, 2.0)).show(ui, |ui| {
            ui.colored_label(weak, t!("Channel"));
            for part in &errors.parts {
                let source = format::sentence(text::text(part.source.name()));
                ui.colored_label(weak, t!("{} alone", source));
            }
            if errors.quantizer.is_some() {
                ui.colored_label(weak, t!("Clipping, of its quantizer error"));
            }
            ui.end_row();
            for channel in shown {
                ui.label(channel.to_string()).on_hover_text(t!("Number of the channel, counted from 0"));
                for part in &errors.parts {
                    let sqnr = part.channels.get(channel).copied();
                    let source = text::text(part.source.name());
                    let why = t!("SQNR of channel {} with only this quantized: {}", channel, source);
                    let value = sqnr.and_then(format::noise_words).map(|words| format!("{words}\n"));
                    ui.monospace(sqnr.map_or_else(|| format::UNKNOWN.to_owned(), format::db_unit))
                        .on_hover_text(format!("{}{why}", value.unwrap_or_default()));
                }
                if let Some(quantizer) = &errors.quantizer {
                    let share = quantizer.channels.get(channel).and_then(clipping_share);
                    let text = share.map_or_else(
                        || t!("no error").to_owned(),
                        |share| format!("{} %", format::number(100.0 * share, 1)),
                    );
                    let why =
                        t!("Share of the output quantizer's squared error in channel {} that is clipping", channel);
                    ui.monospace(text).on_hover_text(why);
                }
                ui.end_row();
            }
        });
    });
}

fn channel_count(errors: &LayerErrors) -> usize {
    let parts = errors.parts.iter().map(|part| part.channels.len());
    parts.chain(errors.quantizer.iter().map(|quantizer| quantizer.channels.len())).max().unwrap_or(0)
}

/// Indices of the channels, by the lowest SQNR that any source leaves.
pub(super) fn worst(errors: &LayerErrors) -> Vec<usize> {
    let lowest = |channel: usize| {
        let values = errors.parts.iter().filter_map(|part| part.channels.get(channel).copied());
        values.filter_map(Measure::value).fold(f64::INFINITY, f64::min)
    };
    let mut ranked: Vec<(usize, f64)> = (0..channel_count(errors)).map(|c| (c, lowest(c))).collect();
    ranked.sort_by(|a, b| a.1.total_cmp(&b.1));
    ranked.into_iter().take(ROWS).map(|(channel, _)| channel).collect()
}
