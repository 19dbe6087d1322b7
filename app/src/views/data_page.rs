//! The samples: check the data before believing a number. What the model really receives, every field of the
//! preprocessing, and what the float model makes of it.
//!
//! Banners stay as long as they are true; nothing on this page is dismissed.

mod recipe_draft;
mod recipe_form;
mod samples;
mod sanity;
mod source;
mod trials;

use egui::{ScrollArea, Ui};
use quantlens_analysis::{data::info::DataInfo, t};

use crate::{
    action::Action,
    command::{Command, Commands},
    document::Document,
    theme,
    widgets::{EmptyState, Tone, banner, empty_state, striped_badge},
};

/// Wide enough for two columns.
const TWO_COLUMNS: f32 = 880.0;

/// What this view remembers between frames.
#[derive(Clone, Debug, Default)]
pub struct DataPageState {
    draft: recipe_draft::Draft,
    textures: samples::Textures,
}

/// Draws the view.
pub fn data_page_ui(ui: &mut Ui, doc: &Document, state: &mut DataPageState, send: &mut Commands) {
    let Some(data) = &doc.data else {
        no_data_ui(ui, doc, send);
        return;
    };
    state.draft.follow(data.recipe.as_ref().map(|used| &used.recipe));
    state.textures.follow(ui.ctx(), data);
    ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
        banners_ui(ui, data, send);
        if ui.available_width() >= TWO_COLUMNS {
            ui.columns(2, |columns| {
                if let [left, right] = columns {
                    left_ui(left, doc, data, state, send);
                    right_ui(right, data, state);
                }
            });
        } else {
            left_ui(ui, doc, data, state, send);
            right_ui(ui, data, state);
        }
        ui.add_space(4.0 * theme::GRID);
    });
}

fn left_ui(ui: &mut Ui, doc: &Document, data: &DataInfo, state: &mut DataPageState, send: &mut Commands) {
    source::source_ui(ui, doc, data, send);
    recipe_form::recipe_ui(ui, data, &mut state.draft, send);
    trials::trials_ui(ui, doc, send);
    source::inputs_ui(ui, data);
}

fn right_ui(ui: &mut Ui, data: &DataInfo, state: &DataPageState) {
    samples::samples_ui(ui, data, &state.textures);
    sanity::sanity_ui(ui, data);
}

fn no_data_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    let (title, reason, actions): (_, _, &[Action]) = if doc.model.is_none() {
        let reason = t!(
            "This page shows what a model receives: the samples, their preprocessing, and the float model's answers."
        );
        (t!("No model is open"), reason, &[Action::OpenModel, Action::OpenSample])
    } else {
        let reason =
            t!("Activation errors need samples to run. Real ones are best; synthetic ones give misleading ranges. \
             Drop a folder of images or an array file anywhere in the window.");
        (t!("No samples yet"), reason, &[Action::OpenImages, Action::OpenArrays, Action::UseSynthetic])
    };
    empty_state(ui, EmptyState { title, reason }, |ui| {
        for action in actions {
            if ui.button(action.title()).clicked() {
                send.run(*action);
            }
        }
    });
}

fn banners_ui(ui: &mut Ui, data: &DataInfo, send: &mut Commands) {
    if data.synthetic {
        let text = t!("These samples are made up: ranges and errors say little about real data.");
        banner(ui, Tone::Warning, text, |ui| {
            striped_badge(ui, t!("SYNTHETIC RANGES"), "");
            if ui.button(Action::OpenImages.title()).clicked() {
                send.run(Action::OpenImages);
            }
            if ui.button(Action::OpenArrays.title()).clicked() {
                send.run(Action::OpenArrays);
            }
        });
    }
    if let Some(used) = data.recipe.as_ref().filter(|used| used.guessed) {
        let text = t!("The preprocessing “{}” is a guess: {}", used.recipe.name, used.reason);
        banner(ui, Tone::Info, &text, |ui| {
            if ui
                .button(t!("Confirm"))
                .on_hover_text(t!("This is the preprocessing that the model was trained with"))
                .clicked()
            {
                send.push(Command::ConfirmRecipe);
            }
            if ui.button(Action::TryRecipes.title()).clicked() {
                send.run(Action::TryRecipes);
            }
        });
    }
    let checked = data.check.banners.iter();
    let answered = data.sanity.iter().flat_map(|sanity| &sanity.banners);
    for warning in checked.chain(answered).chain(&data.warnings).filter(|w| w.code != "synthetic") {
        banner(ui, Tone::Warning, &warning.message, |_| {});
    }
}
