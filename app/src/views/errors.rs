//! Where the error of the selected layer comes from: what it receives and adds, which of its quantizers makes it, what
//! is rounding and what clipping, and which samples have it worst.

mod channels;
mod samples;
#[cfg(test)]
mod tests;

use egui::{Grid, RichText, ScrollArea, Ui, vec2};
use quantlens_analysis::{
    metrics::Measure,
    report::{LayerErrors, LayerRow},
    t, text,
};

use super::{
    inspector::errors as side_by_side,
    layer_page::{missing_ui, row_heading_ui, stamp},
};
use crate::{
    command::Commands,
    document::Document,
    figure::FigureSpec,
    format, theme,
    widgets::{section, share_bar},
};

pub use samples::SampleOrder;

/// Width of the bars of shares, in points.
const BAR_WIDTH: f32 = 180.0;

/// What this view remembers between frames.
#[derive(Clone, Debug, Default)]
pub struct ErrorsState {
    /// In which order the samples stand.
    pub order: SampleOrder,
}

/// The selected layer's errors, once they are here, with its row.
fn shown(doc: &Document) -> Option<(&LayerErrors, &LayerRow)> {
    let name = doc.selection.anchor.as_deref()?;
    let errors = doc.errors.value.as_deref().filter(|errors| errors.layer == name)?;
    Some((errors, doc.row_of(name)?))
}

/// As wide as the same table in the inspector.
const TABLE_WIDTH: f32 = 300.0;

/// Draws the view.
pub fn errors_ui(ui: &mut Ui, doc: &Document, state: &mut ErrorsState, send: &mut Commands) {
    let Some((errors, row)) = shown(doc) else {
        return missing_ui(ui, doc, doc.errors.pending_since.is_some(), send);
    };
    if doc.errors.is_dimmed(doc.now) {
        ui.set_opacity(theme::DIM);
    }
    row_heading_ui(ui, &title(&errors.layer), Some(row), send);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.label(sentence(doc, errors, row));
        section(ui, t!("Received and added"));
        ui.scope(|ui| {
            // Its last column takes what is left of the width.
            ui.set_max_width(TABLE_WIDTH);
            let stamp = doc.report.value.as_deref().and_then(super::cells::stamp);
            side_by_side::errors_ui(ui, row, doc.pins.change(&row.info.name), stamp.as_deref());
        });
        for note in side_by_side::notes(row) {
            ui.label(note).on_hover_text(t!("Worked out from the errors above, over all samples that were run"));
        }
        sources_ui(ui, doc, errors);
        quantizer_ui(ui, errors);
        cut_ui(ui, errors);
        channels::channels_ui(ui, errors);
        samples::samples_ui(ui, doc, row, state, send);
    });
}

/// The figure on the page, for saving; `None` while there is none.
pub fn errors_figure(doc: &Document, state: &ErrorsState) -> Option<FigureSpec> {
    let (_, row) = shown(doc)?;
    samples::spec_of(doc, row, state.order)
}

/// Where the error comes from; while the float model is shown: why there is none.
fn sentence(doc: &Document, errors: &LayerErrors, row: &LayerRow) -> String {
    if !doc.float_view.is_shown() {
        return errors.sentence(row);
    }
    let none = t!("In the float model nothing is quantized, so this layer neither receives nor makes an error.");
    match &errors.cut {
        Some(_) => t!("{} What its activation cuts it cuts here too.", none),
        None => none.to_owned(),
    }
}

fn title(layer: &str) -> String {
    t!("Errors of {}", layer)
}

/// The local error with one source at a time.
fn sources_ui(ui: &mut Ui, doc: &Document, errors: &LayerErrors) {
    section(ui, t!("Local error by source"));
    let weak = theme::tokens(ui).weak;
    if errors.samples == 0 {
        ui.label(t!("Its output holds no floating-point values to compare."));
        return;
    }
    if errors.parts.is_empty() {
        ui.label(t!("Nothing of this layer is quantized."));
        return;
    }
    ui.label(RichText::new(t!("On float inputs, {}", stamp(doc, errors.samples))).color(weak));
    Grid::new("errors by source").num_columns(3).spacing(vec2(16.0, 4.0)).show(ui, |ui| {
        ui.colored_label(weak, t!("Quantized alone"));
        ui.colored_label(weak, "SQNR");
        ui.colored_label(weak, t!("Share of the local error's energy"));
        ui.end_row();
        for part in &errors.parts {
            ui.label(format::sentence(text::text(part.source.name())));
            ui.monospace(format::db_unit(part.errors.sqnr_db)).on_hover_text(alone(part.errors.sqnr_db));
            match part.share {
                Some(share) => {
                    let text = format!("{} %", format::number(100.0 * share, 1));
                    share_bar(ui, share, BAR_WIDTH, theme::tokens(ui).quantized, &text)
                        .on_hover_text(t!("Squared error with this source alone, of that with all of them"));
                }
                None => {
                    ui.colored_label(weak, text::text(format::NOT_APPLICABLE));
                }
            }
            ui.end_row();
        }
        ui.label(t!("All together"));
        ui.monospace(format::db_unit(errors.local.sqnr_db)).on_hover_text(alone(errors.local.sqnr_db));
        ui.end_row();
    });
    ui.label(
        RichText::new(t!("Shares need not add up to 100 %: errors of two sources can add or cancel"))
            .small()
            .color(weak),
    );
}

/// What an SQNR of the layer alone says.
fn alone(sqnr_db: Measure) -> String {
    let value = format::why(sqnr_db).map(format::sentence).or_else(|| format::noise_words(sqnr_db));
    t!("{}\nThe layer's output on float inputs, against the float model's", value.unwrap_or_default())
}

/// Rounding and clipping at the output quantizer.
fn quantizer_ui(ui: &mut Ui, errors: &LayerErrors) {
    let Some(quantizer) = &errors.quantizer else { return };
    section(ui, t!("Output quantizer, before against after"));
    let Some(clipping) = quantizer.clipping_share() else {
        ui.label(t!("It changes no value."));
        return;
    };
    let total = &quantizer.total;
    let ink = theme::tokens(ui);
    let (rounding_ink, clipping_ink) = (ink.quantized, ink.clipped);
    Grid::new("rounding and clipping").num_columns(3).spacing(vec2(16.0, 4.0)).show(ui, |ui| {
        let lines = [
            (t!("Rounding"), 1.0 - clipping, quantizer.values - total.clipped, rounding_ink),
            (t!("Clipping"), clipping, total.clipped, clipping_ink),
        ];
        for (name, share, values, ink) in lines {
            ui.label(name);
            let why =
                t!("What is rounded lies inside the range, what is clipped outside it; energy is the sum of squares");
            share_bar(ui, share, BAR_WIDTH, ink, &format!("{} %", format::number(100.0 * share, 1))).on_hover_text(why);
            let (values, of) = (format::count(values), format::count(quantizer.values));
            ui.label(t!("of its error's energy, in {} of {} values", values, of)).on_hover_text(why);
            ui.end_row();
        }
    });
}

/// What the activation discards.
fn cut_ui(ui: &mut Ui, errors: &LayerErrors) {
    let Some(cut) = &errors.cut else { return };
    section(ui, t!("Activation"));
    let percent = |share: f64| format!("{} %", format::number(100.0 * share, 1));
    let values = percent(cut.values_share);
    let text = match cut.error_share {
        Some(share) => t!(
            "{} cuts {} of the values, where {} of the error's energy stood: {} before it, {} after it",
            cut.op,
            values,
            percent(share),
            format::db_unit(cut.before_db),
            format::db_unit(cut.after_db)
        ),
        None => t!("{} cuts {} of the values; there is no error before it", cut.op, values),
    };
    ui.label(text).on_hover_text(t!(
        "Before: what the layer computes, compared before its activation. After: the same after it, before the output \
         quantizer"
    ));
}
