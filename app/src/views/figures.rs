//! The figures on screen, in the order of their page, and the menu that gives one of them away.

use egui::{Button, Response, Theme, Ui};

use super::{
    ViewStates,
    answers::{answers_data, answers_tiles},
    arithmetic::arithmetic_figure,
    channels::channels_figures,
    drift_page::drift_figure,
    errors::errors_figure,
    graph::{graph_data, graph_sheet},
    histogram::histogram_figure,
    maps::{maps_data, maps_figures, maps_tiles},
    menu::entry_ui,
    scatter::scatter_figure,
    sensitivity::{sensitivity_data, sensitivity_figure},
    threshold::threshold_figure,
};
use crate::{
    action::Action,
    command::{Command, Commands, FigureCommand},
    document::{Document, Page},
    figure::{self, FigureData, FigureSpec, Moved, Picture, ScreenOptions},
};

/// The figures of the page shown; none where it has none, or nothing to draw yet. `theme` is the file's.
pub fn shown_pictures(doc: &Document, states: &ViewStates, theme: Theme) -> Vec<Picture> {
    let charts: Vec<FigureSpec> = match doc.pages.page {
        Page::Drift => drift_figure(doc, &states.drift_page).into_iter().collect(),
        Page::Histogram => histogram_figure(doc, &states.histogram).into_iter().collect(),
        Page::Threshold => threshold_figure(doc, &states.threshold).into_iter().collect(),
        Page::Channels => channels_figures(doc, &states.channels),
        Page::Scatter => scatter_figure(doc, &states.scatter).into_iter().collect(),
        Page::Errors => errors_figure(doc, &states.errors).into_iter().collect(),
        Page::Arithmetic => arithmetic_figure(doc).into_iter().collect(),
        Page::Maps => match maps_tiles(doc, theme) {
            Some(tiles) => return vec![Picture::Tiles(Box::new(tiles))],
            None => maps_figures(doc),
        },
        Page::Graph => {
            let sheet = graph_sheet(doc, &states.graph, theme);
            return sheet.map(|sheet| Picture::Graph(Box::new(sheet))).into_iter().collect();
        }
        Page::Answers => {
            let tiles = answers_tiles(doc, &states.answers);
            return tiles.map(|tiles| Picture::Tiles(Box::new(tiles))).into_iter().collect();
        }
        Page::Sensitivity => sensitivity_figure(doc).into_iter().collect(),
        Page::Table | Page::Model | Page::Data | Page::Help => Vec::new(),
    };
    charts.into_iter().map(|spec| Picture::Chart(Box::new(spec))).collect()
}

/// The numbers of the figure at this place of the page shown; `None` where there is none.
pub fn shown_data(doc: &Document, states: &ViewStates, place: usize) -> Option<FigureData> {
    let own = match doc.pages.page {
        Page::Maps => maps_data(doc),
        Page::Answers => answers_data(doc, &states.answers),
        Page::Graph => graph_data(doc),
        Page::Sensitivity => sensitivity_data(doc),
        _ => None,
    };
    // Whose numbers are the same in either theme.
    own.or_else(|| match shown_pictures(doc, states, Theme::Light).get(place)? {
        Picture::Chart(spec) => Some(FigureData::of_chart(spec)),
        Picture::Graph(_) | Picture::Tiles(_) => None,
    })
}

/// Draws a figure with its summary and its menu; `place` is its place among those of the page.
pub(super) fn figure_ui(
    ui: &mut Ui,
    spec: &FigureSpec,
    height: f32,
    place: usize,
    doc: &Document,
    send: &mut Commands,
) -> Option<Moved> {
    let shown = figure::figure_ui(ui, spec, ScreenOptions { height, summary: true });
    figure_menu(&shown.response, place, doc, send);
    shown.moved
}

/// Gives what was drawn the menu of the page's figure at this place.
pub(super) fn figure_menu(drawn: &Response, place: usize, doc: &Document, send: &mut Commands) {
    drawn.context_menu(|ui| menu_ui(ui, place, doc, send));
}

/// The menu of a right click on a figure.
fn menu_ui(ui: &mut Ui, place: usize, doc: &Document, send: &mut Commands) {
    ui.set_min_width(220.0);
    let entries = [
        (Action::CopyImage, FigureCommand::Copy(place)),
        (Action::CopyData, FigureCommand::CopyData(place)),
        (Action::ExportFigure, FigureCommand::Open(place)),
    ];
    for (action, command) in entries {
        if place == 0 {
            // What the keys mean, so these are shown beside it.
            entry_ui(ui, action, doc, send);
        } else if ui.add(Button::new(action.title())).on_hover_text(action.hint()).clicked() {
            send.push(Command::Figure(command));
        }
    }
}
