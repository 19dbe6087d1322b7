//! Float sanity: what the unquantized model answers. If this is wrong, no number about quantization means anything.

use egui::{Grid, Ui};
use quantlens_analysis::{
    data::{ClassScore, SanityRow, Share, info::DataInfo},
    t,
};

use crate::{
    format, theme,
    widgets::{section, share_bar},
};

/// Samples whose answers are listed.
const LISTED: usize = 8;

/// The float model's accuracy, confidence and best classes of the first samples.
pub(super) fn sanity_ui(ui: &mut Ui, data: &DataInfo) {
    section(ui, t!("Float sanity"));
    let Some(sanity) = &data.sanity else {
        ui.weak(t!(
            "The output is no class scores: there is no answer to look at. Compare its values with what you expect."
        ));
        return;
    };
    let tokens = theme::tokens(ui);
    Grid::new("sanity-summary").num_columns(2).spacing([16.0, 4.0]).min_col_width(96.0).show(ui, |ui| {
        ui.colored_label(tokens.weak, t!("Accuracy"));
        match sanity.accuracy {
            Some(share) => {
                share_bar(ui, share.ratio(), 200.0, tokens.float, &counts(share))
                    .on_hover_text(t!("Samples whose best class is their label"));
            }
            None => {
                ui.label(t!("unknown without labels"));
            }
        }
        ui.end_row();
        if let Some(share) = sanity.top5 {
            ui.colored_label(tokens.weak, t!("Among the best five"));
            share_bar(ui, share.ratio(), 200.0, tokens.float, &counts(share))
                .on_hover_text(t!("Samples whose label is among the five best classes"));
            ui.end_row();
        }
        ui.colored_label(tokens.weak, t!("Mean confidence"));
        let text = format!("{} %", format::number(100.0 * sanity.mean_confidence, 1));
        share_bar(ui, sanity.mean_confidence, 200.0, tokens.float, &text)
            .on_hover_text(t!("The softmax of the best class, on average; a wrong recipe often lowers it"));
        ui.end_row();
    });
    ui.add_space(theme::GRID);
    ui.weak(t!("Each sample with its label and the float model's best five, with their confidence"));
    for (place, row) in sanity.rows.iter().take(LISTED).enumerate() {
        row_ui(ui, data, row, place);
    }
    if sanity.rows.len() > LISTED {
        ui.weak(t!("and {}", format::plural(sanity.rows.len() - LISTED, "more sample")));
    }
}

/// Two lines: which sample, its label and the best answer; below it the next four.
fn row_ui(ui: &mut Ui, data: &DataInfo, row: &SanityRow, place: usize) {
    let tokens = theme::tokens(ui);
    let fill = if place.is_multiple_of(2) { tokens.faint } else { egui::Color32::TRANSPARENT };
    egui::Frame::new().fill(fill).corner_radius(3.0).inner_margin(egui::Margin::symmetric(6, 3)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing = egui::vec2(8.0, 1.0);
        let Some((best, others)) = row.top.split_first() else { return };
        ui.horizontal(|ui| {
            // Long names give way: a third each for the sample, its label, and the answer.
            let third = (ui.available_width() - 16.0) / 3.0;
            cell(ui, third, |ui| {
                ui.add(egui::Label::new(row.name.as_str()).truncate()).on_hover_text(t!("The sample"))
            });
            let label = row.label.map_or(t!("no label").into(), |label| data.class_name(label));
            cell(ui, third, |ui| ui.add(egui::Label::new(label).truncate()).on_hover_text(t!("Its label")));
            cell(ui, third, |ui| {
                // A sign beside the words: right and wrong must not be a matter of colour.
                match row.label {
                    Some(label) if label == best.class => ui.label("✓").on_hover_text(t!("The label")),
                    Some(_) => ui.label("✗").on_hover_text(t!("Not the label")),
                    None => ui.label(""),
                };
                let text = format!("{} {}", name_of(data, best), percent(best.confidence));
                ui.add(egui::Label::new(egui::RichText::new(text).strong()).truncate()).on_hover_text(confidence())
            });
        });
        let others: Vec<String> =
            others.iter().map(|score| format!("{} {}", name_of(data, score), percent(score.confidence))).collect();
        let others = egui::RichText::new(t!("then {}", others.join(", "))).color(tokens.weak);
        ui.add(egui::Label::new(others).wrap()).on_hover_text(confidence());
    });
}

fn cell<R>(ui: &mut Ui, width: f32, add: impl FnOnce(&mut Ui) -> R) {
    ui.allocate_ui_with_layout(egui::vec2(width, 18.0), egui::Layout::left_to_right(egui::Align::Center), |ui| {
        ui.set_width(width);
        add(ui);
    });
}

fn confidence() -> &'static str {
    t!("The float model's confidence: the softmax of its scores")
}

fn name_of(data: &DataInfo, score: &ClassScore) -> String {
    score.name.clone().unwrap_or_else(|| data.class_name(score.class))
}

/// `71.9 % (23 of 32)`.
pub(super) fn counts(share: Share) -> String {
    format::share_with_counts(quantlens_analysis::report::Share { count: share.hits, of: share.total })
}

fn percent(confidence: f64) -> String {
    format!("{} %", format::number(100.0 * confidence, 0))
}
