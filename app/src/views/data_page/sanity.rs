//! Float sanity: what the unquantized model answers. If this is wrong, no number about quantization means anything.

use egui::{Grid, Ui};
use quantlens_analysis::data::{SanityRow, Share, info::DataInfo};

use crate::{
    format, theme,
    widgets::{number_label, section, share_bar},
};

/// Samples whose answers are listed.
const LISTED: usize = 16;

/// The float model's accuracy, confidence and best classes of the first samples.
pub(super) fn sanity_ui(ui: &mut Ui, data: &DataInfo) {
    section(ui, "Float sanity");
    let Some(sanity) = &data.sanity else {
        ui.weak(
            "The output is no class scores: there is no answer to look at. Compare its values with what you expect.",
        );
        return;
    };
    let tokens = theme::tokens(ui);
    Grid::new("sanity-summary").num_columns(2).spacing([16.0, 4.0]).min_col_width(96.0).show(ui, |ui| {
        ui.colored_label(tokens.weak, "Accuracy");
        match sanity.accuracy {
            Some(share) => {
                share_bar(ui, share.ratio(), 200.0, tokens.float, &counts(share));
            }
            None => {
                ui.label("unknown without labels");
            }
        }
        ui.end_row();
        if let Some(share) = sanity.top5 {
            ui.colored_label(tokens.weak, "Among the best five");
            share_bar(ui, share.ratio(), 200.0, tokens.float, &counts(share));
            ui.end_row();
        }
        ui.colored_label(tokens.weak, "Mean confidence");
        let text = format!("{} %", format::number(100.0 * sanity.mean_confidence, 1));
        share_bar(ui, sanity.mean_confidence, 200.0, tokens.float, &text);
        ui.end_row();
    });
    ui.add_space(theme::GRID);
    Grid::new("sanity-samples").num_columns(3).striped(true).spacing([12.0, 4.0]).show(ui, |ui| {
        for text in ["Sample", "Label", "The float model's best five, with their confidence"] {
            ui.colored_label(tokens.weak, text);
        }
        ui.end_row();
        for sample in sanity.rows.iter().take(LISTED) {
            sample_ui(ui, data, sample);
            ui.end_row();
        }
    });
    if sanity.rows.len() > LISTED {
        ui.weak(format!("and {}", format::plural(sanity.rows.len() - LISTED, "more sample")));
    }
}

fn sample_ui(ui: &mut Ui, data: &DataInfo, sample: &SanityRow) {
    let cell = |ui: &mut Ui, text: &str, width: f32| {
        ui.scope(|ui| {
            ui.set_max_width(width);
            ui.add(egui::Label::new(text).truncate()).on_hover_text(text);
        });
    };
    cell(ui, &sample.name, 110.0);
    cell(ui, &sample.label.map_or(format::UNKNOWN.into(), |label| data.class_name(label)), 110.0);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        let Some(best) = sample.top.first() else { return };
        // A sign beside the words: right and wrong must not be a matter of colour.
        let sign = match sample.label {
            Some(label) if label == best.class => "✓",
            Some(_) => "✗",
            None => "",
        };
        ui.label(sign);
        ui.strong(data.class_name(best.class));
        number_label(ui, percent(best.confidence));
        let others: Vec<String> = sample
            .top
            .iter()
            .skip(1)
            .map(|score| format!("{} {}", data.class_name(score.class), percent(score.confidence)))
            .collect();
        let others = others.join(", ");
        ui.add(egui::Label::new(egui::RichText::new(&others).weak()).truncate()).on_hover_text(others);
    });
}

/// `71.9 % (23 of 32)`.
pub(super) fn counts(share: Share) -> String {
    format::share_with_counts(quantlens_analysis::report::Share { count: share.hits, of: share.total })
}

fn percent(confidence: f64) -> String {
    format!("{} %", format::number(100.0 * confidence, 0))
}
