//! Try recipes: the float model under every preprocessing that is legal for it, ranked.

use egui::{Grid, Ui};
use quantlens_analysis::{
    data::{RecipeTrial, TrialBasis},
    t, text,
};

use super::sanity::counts;
use crate::{
    action::Action,
    command::{Command, Commands},
    document::Document,
    format, theme,
    widgets::{section, share_bar},
};

/// The button, and the ranking once there is one.
pub(super) fn trials_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    section(ui, t!("Try recipes"));
    ui.label(t!(
        "Runs the float model under every preprocessing that fits its input. The right one is usually far ahead."
    ));
    let running = doc.recipes.pending_since.is_some();
    let why_not = Action::TryRecipes.refusal(doc);
    let reason = if running { t!("It is running") } else { why_not.unwrap_or_default() };
    ui.horizontal(|ui| {
        let button = egui::Button::new(Action::TryRecipes.title());
        if ui.add_enabled(!running && why_not.is_none(), button).on_disabled_hover_text(reason).clicked() {
            send.run(Action::TryRecipes);
        }
    });
    let Some(trials) = &doc.recipes.value else { return };
    if trials.is_empty() {
        ui.label(t!("No other preprocessing fits this input"));
        return;
    }
    if trials.iter().all(|trial| trial.accuracy.is_none()) {
        ui.colored_label(theme::tokens(ui).warning, sentence(TrialBasis::Confidence));
    } else {
        ui.weak(sentence(TrialBasis::Accuracy));
    }
    table_ui(ui, trials, send);
}

/// The basis of the ranking, with a capital.
fn sentence(basis: TrialBasis) -> String {
    let note = text::text(basis.note());
    let mut letters = note.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

fn table_ui(ui: &mut Ui, trials: &[RecipeTrial], send: &mut Commands) {
    let tokens = theme::tokens(ui);
    Grid::new("recipe-trials").num_columns(4).striped(true).spacing([12.0, 4.0]).show(ui, |ui| {
        for text in [t!("Recipe"), t!("Accuracy"), t!("Mean confidence"), ""] {
            ui.colored_label(tokens.weak, text);
        }
        ui.end_row();
        for trial in trials {
            ui.label(&trial.name);
            match trial.accuracy {
                Some(share) => {
                    share_bar(ui, share.ratio(), 150.0, tokens.float, &counts(share))
                        .on_hover_text(t!("Samples whose best class is their label"));
                }
                None => {
                    ui.label(format::UNKNOWN);
                }
            }
            let text = format!("{} %", format::number(100.0 * trial.confidence, 1));
            share_bar(ui, trial.confidence, 110.0, tokens.float, &text)
                .on_hover_text(t!("The softmax of the best class, on average; a wrong recipe often lowers it"));
            if trial.is_current {
                ui.label(t!("in use"));
            } else if ui.button(t!("Use this one")).on_hover_text(t!("Use {}", trial.name)).clicked() {
                send.push(Command::SetRecipe(trial.recipe.clone()));
            }
            ui.end_row();
        }
    });
}
