//! When an action can be used, and whether it is a state that holds now.

use quantlens_analysis::{mark, text::text};

use super::Action;
use crate::{
    document::{Document, Page, PanelId},
    graph_layout::walk::Along,
};

/// Why no edge of the selected card can be followed; `none` where it has none of these.
fn graph(doc: &Document, along: Along, none: &'static str) -> Option<&'static str> {
    let Some(walk) = doc.graph.walk() else { return Some(mark!("Show the Graph page first")) };
    let has_some = doc.lead().is_some_and(|card| !walk.ends(card, along).is_empty());
    (!has_some).then_some(none)
}

impl Action {
    /// Why it cannot be used now, in the user's language; `None` if it can.
    pub fn refusal(self, doc: &Document) -> Option<&'static str> {
        self.reason(doc).map(text)
    }

    /// [`Self::refusal`] as a text of the catalogue.
    pub(crate) fn reason(self, doc: &Document) -> Option<&'static str> {
        let need = |there: bool, reason: &'static str| (!there).then_some(reason);
        let model = need(doc.model.is_some(), mark!("Open a model first"));
        let layer = || model.or(need(!doc.selection.selected.is_empty(), mark!("Select a layer first")));
        let data = || model.or(need(doc.data.is_some(), mark!("Add samples first")));
        match self {
            Self::OpenImages | Self::OpenArrays | Self::UseSynthetic | Self::OpenConfig | Self::OpenTarget => model,
            Self::SaveConfig | Self::SaveConfigAs | Self::FilterLayers | Self::GoToLayer | Self::EvaluateAgain => model,
            Self::SelectAll | Self::PreviousLayer | Self::NextLayer | Self::ExtendUp | Self::ExtendDown => {
                model.or(need(!doc.visible.is_empty(), mark!("No layer is shown")))
            }
            Self::NextMatch | Self::PreviousMatch => {
                model.or(need(!doc.visible.is_empty(), mark!("No layer fits the filter")))
            }
            Self::FrameAll => model.or(need(doc.graph.drawn.is_some(), mark!("Show the Graph page first"))),
            Self::FrameSelection => layer().or(need(doc.graph.drawn.is_some(), mark!("Show the Graph page first"))),
            Self::FollowInput => layer().or_else(|| graph(doc, Along::Inputs, mark!("It reads no other layer"))),
            Self::FollowReader => layer().or_else(|| graph(doc, Along::Readers, mark!("No other layer reads it"))),
            Self::FollowLong => layer().or_else(|| graph(doc, Along::Cut, mark!("None of its lines is a label"))),
            Self::LeftInGraph | Self::RightInGraph | Self::CardMenu => {
                layer().or(need(doc.graph.drawn.is_some(), mark!("Show the Graph page first")))
            }
            Self::Split if doc.pages.beside.is_some() => model,
            Self::Split => model.or(need(!doc.pages.narrow.split, mark!("The window is too narrow for two pages"))),
            Self::OtherPage => model.or(need(doc.pages.beside.is_some(), mark!("There is one page only"))),
            Self::NextWorse | Self::NextBetter | Self::NextSuspect => {
                model.or(need(doc.report.value.is_some(), mark!("No numbers yet")))
            }
            Self::Export => {
                data().or(need(!matches!(doc.export, Some(ref e) if e.is_running()), mark!("An export is running")))
            }
            Self::TryRecipes => data(),
            Self::ExportFigure | Self::CopyImage | Self::CopyData => model.or_else(|| no_figure(doc)),
            Self::Share => data().or(need(doc.report.value.is_some(), mark!("No numbers yet"))),
            Self::ShowFloat => model.or(need(doc.report.value.is_some(), mark!("No numbers yet"))),
            Self::Recent(n) => need(usize::from(n) <= doc.recent.len(), mark!("No such recent file")),
            Self::History | Self::SaveSession => model,
            Self::ResetColumns => need(!doc.settings.column_widths.is_empty(), mark!("Every column has its own width")),
            Self::Undo => need(doc.history.undo_label().is_some(), mark!("Nothing to undo")),
            Self::Redo => need(doc.history.redo_label().is_some(), mark!("Nothing to redo")),
            Self::CopyTsv | Self::CopyCsv | Self::Bits(_) | Self::Float | Self::ToggleFloat => layer(),
            Self::PerChannel | Self::PerTensor | Self::ResetSelected => layer(),
            Self::PinBaseline => need(doc.report.value.is_some(), mark!("No numbers to pin yet")),
            Self::Pins => model,
            Self::GoBackToPin => need(doc.pins.baseline.is_some(), mark!("Pin a baseline first")).or_else(|| {
                let is_there = doc.pins.baseline().is_some_and(|pin| pin.config == doc.config);
                need(!is_there, mark!("The baseline is the configuration in use"))
            }),
            Self::CopyFromPin => need(doc.pins.baseline.is_some(), mark!("Pin a baseline first")).or_else(layer),
            Self::Tour => need(doc.is_sample, mark!("Load the sample model first")),
            _ => None,
        }
    }

    /// Whether a tick stands before it; `None` for actions that are not a state.
    pub fn is_checked(self, doc: &Document) -> Option<bool> {
        match self {
            Self::ToggleLive => Some(doc.live),
            Self::PinBaseline => Some(doc.pins.baseline.is_some()),
            Self::Target(part) => Some(doc.target == part),
            Self::ShowPage(page) => Some(doc.pages.page == page),
            Self::Split => Some(doc.pages.beside.is_some()),
            Self::Toggle(PanelId::List) => Some(doc.pages.list),
            Self::Toggle(PanelId::Strip) => Some(doc.pages.strip),
            Self::Toggle(PanelId::Inspector) => Some(doc.pages.inspector),
            Self::ShowFloat => Some(doc.float_view.is_shown()),
            Self::Theme(choice) => Some(doc.settings.theme == choice),
            _ => None,
        }
    }
}

/// Why there is no figure on the page shown; `None` if there is one.
fn no_figure(doc: &Document) -> Option<&'static str> {
    let of_layer = |is_there: bool| (!is_there).then_some(mark!("Select a layer to have a figure"));
    match doc.pages.page {
        Page::Graph => doc.graph.drawn.is_none().then_some(mark!("The graph is not drawn yet")),
        Page::Drift => doc.report.value.is_none().then_some(mark!("No numbers yet")),
        Page::Histogram | Page::Threshold | Page::Channels | Page::Scatter => of_layer(doc.detail.value.is_some()),
        Page::Maps => of_layer(doc.maps.value.is_some()),
        Page::Errors => of_layer(doc.errors.value.is_some()),
        Page::Arithmetic => of_layer(doc.arithmetic.value.is_some()),
        Page::Answers => {
            let is_there = doc.whole_report().is_some_and(|report| !report.answers.samples.is_empty());
            (!is_there).then_some(mark!("No numbers yet"))
        }
        Page::Sensitivity => {
            let is_there = doc.sweep.result().is_some_and(|sweep| !sweep.rows.is_empty());
            (!is_there).then_some(mark!("Nothing is measured yet"))
        }
        Page::Table | Page::Model | Page::Data | Page::Help => Some(mark!("This page has no figure")),
    }
}
