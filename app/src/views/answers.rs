//! Samples that the quantized model answers differently from the float model, the surest first: what an error means to
//! those who will use the model. Without class scores: all samples, the largest output error first.
//!
//! There may be as many cards as samples, so only the rows on screen are laid out, and only their previews are read.

mod card;
mod data;
mod file;
mod list;
mod pictures;
#[cfg(test)]
mod tests;

use egui::{Layout, RichText, ScrollArea, Ui, vec2};
use quantlens_analysis::{
    report::{Answers, Report},
    t,
};

pub use self::{data::answers_data, file::answers_tiles};

use self::{
    list::{Entry, Listing, Show},
    pictures::Pictures,
};
use super::{cells, figures::figure_menu};
use crate::{
    action::Action,
    command::{Command, Commands},
    document::Document,
    format,
    memo::{Memo, Same},
    theme,
    widgets::{EmptyState, empty_state},
};

/// What this view remembers between frames.
#[derive(Clone, Debug, Default)]
pub struct AnswersState {
    /// Which of them are shown.
    pub show: Show,
    listing: Memo<list::Key, Listing>,
    pictures: Pictures,
}

/// Draws the view.
pub fn answers_ui(ui: &mut Ui, doc: &Document, state: &mut AnswersState, send: &mut Commands) {
    let Some(report) = doc.whole_report().filter(|report| !report.answers.samples.is_empty()) else {
        return missing_ui(ui, doc, send);
    };
    if doc.report.is_dimmed(doc.now) {
        ui.set_opacity(theme::DIM);
    }
    // The comparison on hand is of what is on screen; of one sample it says nothing here.
    let comparison = doc.pins.comparison.as_ref().filter(|_| doc.scope.is_none());
    let key = (Same(std::sync::Arc::clone(report)), comparison.map(|c| Same(std::sync::Arc::clone(c))));
    let listing = state.listing.get(key, Listing::of);
    if !listing.has(state.show) {
        state.show = Show::All;
    }
    heading_ui(ui, doc, report, listing, &mut state.show, send);
    let entries: Vec<&Entry> = listing.entries(state.show).collect();
    if entries.is_empty() {
        return alike_ui(ui, &report.answers);
    }
    cards_ui(ui, doc, &report.answers, &entries, &mut state.pictures, send);
}

fn missing_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    let (title, reason, actions): (_, _, &[Action]) = if doc.data.is_none() && doc.data_choice.is_none() {
        let reason =
            t!("This page shows the samples that the quantized model answers differently from the float model.");
        (t!("No samples yet"), reason, &[Action::OpenImages, Action::OpenArrays, Action::UseSynthetic])
    } else if doc.report.pending_since.is_some() || doc.report.value.is_none() {
        let reason = t!("Those that are answered differently appear as soon as they have run.");
        (t!("Running the samples"), reason, &[])
    } else {
        (t!("No answers to compare"), t!("The model's outputs hold no floating-point values."), &[])
    };
    empty_state(ui, EmptyState { title, reason }, |ui| {
        for action in actions {
            if ui.button(action.title()).clicked() {
                send.run(*action);
            }
        }
    });
}

/// Nothing to list is good news, and says over how many samples.
fn alike_ui(ui: &mut Ui, answers: &Answers) {
    let count = format::plural(answers.samples.len(), "sample");
    let (title, reason) = if answers.has_classes {
        let reason = t!("The quantized model chooses the float model's class every time.");
        (t!("All {} are answered alike", count), reason)
    } else {
        let reason = t!("No value of it differs in any sample.");
        (t!("The output equals the float model's for all {}", count), reason)
    };
    empty_state(ui, EmptyState { title: &title, reason }, |_| {});
}

/// The sentence, what limits its reading, and which of the samples to show.
fn heading_ui(ui: &mut Ui, doc: &Document, report: &Report, listing: &Listing, show: &mut Show, send: &mut Commands) {
    let weak = theme::tokens(ui).weak;
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(listing.sentence(&report.answers)).strong());
        let order =
            if report.answers.has_classes { t!("float surest first") } else { t!("largest output error first") };
        ui.label(RichText::new(order).color(weak));
        if let Some(stamp) = cells::stamp(report) {
            ui.label(RichText::new(t!("{} samples", stamp)).italics().color(weak));
        }
        if listing.has(*show) && ui.button(Action::ExportFigure.title()).clicked() {
            send.run(Action::ExportFigure);
        }
    });
    let kinds: Vec<(Show, usize)> = listing.kinds().collect();
    let is_compared = kinds.iter().any(|(kind, _)| matches!(kind, Show::New | Show::Gone));
    if kinds.len() > 2 || is_compared {
        ui.horizontal_wrapped(|ui| {
            let pin = doc.pins.baseline().map_or(t!("the baseline"), |pin| pin.name.as_str());
            for (kind, count) in kinds {
                let text = format!("{} {}", kind.title(), format::count(count as u64));
                ui.selectable_value(show, kind, text).on_hover_text(kind.hint(pin));
            }
        });
    }
    ui.add_space(theme::GRID);
}

/// The cards in rows; asks for the previews that are missing on screen.
fn cards_ui(
    ui: &mut Ui,
    doc: &Document,
    answers: &Answers,
    entries: &[&Entry],
    pictures: &mut Pictures,
    send: &mut Commands,
) {
    let gap = 2.0 * theme::GRID;
    let mut size = card::size(answers.has_classes);
    ui.spacing_mut().item_spacing = vec2(gap, gap);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few cards")]
    let columns = (((ui.available_width() - 12.0 + gap) / (size.x + gap)) as usize).max(1);
    // The cards share what is left of the row, but a few of them are no banners.
    size.x = ((ui.available_width() - 12.0 + gap) / columns as f32 - gap).clamp(size.x, 1.5 * size.x);
    let mut missing = Vec::new();
    let rows = entries.len().div_ceil(columns);
    ScrollArea::vertical().auto_shrink(false).show_rows(ui, size.y, rows, |ui, range| {
        for row in entries.chunks(columns).skip(range.start).take(range.len()) {
            ui.with_layout(Layout::left_to_right(egui::Align::Min), |ui| {
                for entry in row {
                    let Some(answer) = answers.samples.get(entry.place) else { continue };
                    let preview = doc.previews.get(answer.index);
                    if preview.is_none() {
                        missing.push(answer.index);
                    }
                    let picture = preview.and_then(|preview| pictures.of(ui.ctx(), answer.index, preview));
                    let card = card::Card { doc, answer, classes: answers.classes, mark: entry.mark, preview, picture };
                    let card = card.ui(ui, size);
                    figure_menu(&card, 0, doc, send);
                    if card.clicked() {
                        let is_shown = doc.scope == Some(answer.index);
                        send.push(Command::ScopeSample((!is_shown).then_some(answer.index)));
                    }
                }
            });
        }
    });
    if !missing.is_empty() && doc.previews.is_free() {
        send.push(Command::Preview(missing));
    }
}
