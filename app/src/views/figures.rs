//! Which figure is on screen: what "Export figure…" saves.

use super::{
    ViewStates, arithmetic::arithmetic_figure, channels::channels_figure, drift_page::drift_figure,
    errors::errors_figure, histogram::histogram_figure, scatter::scatter_figure, threshold::threshold_figure,
};
use crate::{
    document::{Document, Page},
    figure::FigureSpec,
};

/// The figure of the page shown; `None` where the page has none, or nothing to draw yet.
pub fn shown_figure(doc: &Document, states: &ViewStates) -> Option<FigureSpec> {
    match doc.pages.page {
        Page::Drift => drift_figure(doc, &states.drift_page),
        Page::Histogram => histogram_figure(doc, &states.histogram),
        Page::Threshold => threshold_figure(doc, &states.threshold),
        Page::Channels => channels_figure(doc, &states.channels),
        Page::Scatter => scatter_figure(doc, &states.scatter),
        Page::Errors => errors_figure(doc, &states.errors),
        Page::Arithmetic => arithmetic_figure(doc),
        Page::Table
        | Page::Graph
        | Page::Sensitivity
        | Page::Answers
        | Page::Maps
        | Page::Model
        | Page::Data
        | Page::Help => None,
    }
}
