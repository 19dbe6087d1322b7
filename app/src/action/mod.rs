//! The table of commands: where each stands ([`Action::ALL`]), what it is called (`titles`), which keys it has
//! (`shortcuts`), when it can be used and why not (`availability`).
//!
//! Menus, tooltips, shortcuts and the sheet of keys all come from here; [`Action::ALL`] is what a test walks.

mod availability;
mod shortcuts;
mod titles;

use quantlens_analysis::t;

use crate::{
    command::Part,
    document::{Page, PanelId, ThemeChoice},
};

/// A command that stands in a menu or has a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the titles in `title` say it")]
pub enum Action {
    OpenModel,
    OpenPath,
    OpenSample,
    OpenImages,
    OpenArrays,
    UseSynthetic,
    OpenConfig,
    OpenTarget,
    SaveConfig,
    SaveConfigAs,
    OpenSession,
    SaveSession,
    Export,
    ExportFigure,
    Share,
    Recent(u8),
    Quit,
    Undo,
    Redo,
    History,
    Palette,
    CopyTsv,
    CopyCsv,
    CopyImage,
    CopyData,
    SelectAll,
    ResetSelected,
    FilterLayers,
    GoToLayer,
    NextMatch,
    PreviousMatch,
    PreviousLayer,
    NextLayer,
    ExtendUp,
    ExtendDown,
    NextWorse,
    NextBetter,
    NextSuspect,
    Bits(u8),
    Float,
    ToggleFloat,
    PerChannel,
    PerTensor,
    Target(Part),
    ToggleLive,
    EvaluateAgain,
    PinBaseline,
    Pins,
    GoBackToPin,
    CopyFromPin,
    TryRecipes,
    ShowPage(Page),
    FrameSelection,
    FrameAll,
    FollowInput,
    FollowReader,
    FollowLong,
    LeftInGraph,
    RightInGraph,
    CardMenu,
    Split,
    OtherPage,
    Toggle(PanelId),
    ResetColumns,
    ShowFloat,
    Theme(ThemeChoice),
    Settings,
    Notices,
    Shortcuts,
    Tour,
    About,
    Escape,
}

/// Where an action stands in the menus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the menus'")]
pub enum Menu {
    File,
    Edit,
    View,
    Analysis,
    Help,
}

impl Menu {
    /// The menus, left to right.
    pub const ALL: [Self; 5] = [Self::File, Self::Edit, Self::View, Self::Analysis, Self::Help];

    /// Its text.
    pub fn title(self) -> &'static str {
        match self {
            Self::File => t!("File"),
            Self::Edit => t!("Edit"),
            Self::View => t!("View"),
            Self::Analysis => t!("Analysis"),
            Self::Help => t!("Help"),
        }
    }
}

impl Action {
    /// Every action, in the order of the menus.
    pub const ALL: [Self; 99] = [
        Self::OpenModel,
        Self::OpenPath,
        Self::OpenSample,
        Self::Recent(1),
        Self::Recent(2),
        Self::Recent(3),
        Self::Recent(4),
        Self::Recent(5),
        Self::Recent(6),
        Self::Recent(7),
        Self::Recent(8),
        Self::Recent(9),
        Self::OpenConfig,
        Self::OpenTarget,
        Self::SaveConfig,
        Self::SaveConfigAs,
        Self::OpenSession,
        Self::SaveSession,
        Self::Export,
        Self::ExportFigure,
        Self::Share,
        Self::Quit,
        Self::Undo,
        Self::Redo,
        Self::History,
        Self::Palette,
        Self::CopyTsv,
        Self::CopyCsv,
        Self::CopyImage,
        Self::CopyData,
        Self::SelectAll,
        Self::FilterLayers,
        Self::GoToLayer,
        Self::NextMatch,
        Self::PreviousMatch,
        Self::PreviousLayer,
        Self::NextLayer,
        Self::ExtendUp,
        Self::ExtendDown,
        Self::NextWorse,
        Self::NextBetter,
        Self::NextSuspect,
        Self::Settings,
        Self::ShowPage(Page::Table),
        Self::ShowPage(Page::Graph),
        Self::ShowPage(Page::Drift),
        Self::ShowPage(Page::Sensitivity),
        Self::ShowPage(Page::Answers),
        Self::ShowPage(Page::Data),
        Self::ShowPage(Page::Model),
        Self::ShowPage(Page::Histogram),
        Self::ShowPage(Page::Threshold),
        Self::ShowPage(Page::Channels),
        Self::ShowPage(Page::Scatter),
        Self::ShowPage(Page::Maps),
        Self::ShowPage(Page::Errors),
        Self::ShowPage(Page::Arithmetic),
        Self::Split,
        Self::OtherPage,
        Self::FrameSelection,
        Self::FrameAll,
        Self::FollowInput,
        Self::FollowReader,
        Self::FollowLong,
        Self::LeftInGraph,
        Self::RightInGraph,
        Self::CardMenu,
        Self::Toggle(PanelId::List),
        Self::Toggle(PanelId::Strip),
        Self::Toggle(PanelId::Inspector),
        Self::ResetColumns,
        Self::ShowFloat,
        Self::Theme(ThemeChoice::System),
        Self::Theme(ThemeChoice::Dark),
        Self::Theme(ThemeChoice::Light),
        Self::OpenImages,
        Self::OpenArrays,
        Self::UseSynthetic,
        Self::TryRecipes,
        Self::ToggleLive,
        Self::EvaluateAgain,
        Self::PinBaseline,
        Self::Pins,
        Self::GoBackToPin,
        Self::CopyFromPin,
        Self::Target(Part::Weights),
        Self::Target(Part::Activations),
        Self::Target(Part::Both),
        Self::Float,
        Self::ToggleFloat,
        Self::PerChannel,
        Self::PerTensor,
        Self::ResetSelected,
        Self::ShowPage(Page::Help),
        Self::Notices,
        Self::Shortcuts,
        Self::Tour,
        Self::About,
        Self::Escape,
    ];

    /// The width actions, widest first.
    pub const WIDTHS: [Self; 8] = [
        Self::Bits(16),
        Self::Bits(8),
        Self::Bits(7),
        Self::Bits(6),
        Self::Bits(5),
        Self::Bits(4),
        Self::Bits(3),
        Self::Bits(2),
    ];

    /// Every action there is, the widths included.
    pub fn every() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().chain(Self::WIDTHS)
    }

    /// The menu it stands in; Escape is in none.
    pub fn menu(self) -> Option<Menu> {
        Some(match self {
            Self::OpenModel
            | Self::OpenPath
            | Self::OpenSample
            | Self::Recent(_)
            | Self::OpenConfig
            | Self::OpenTarget
            | Self::SaveConfig
            | Self::SaveConfigAs
            | Self::OpenSession
            | Self::SaveSession
            | Self::Export
            | Self::ExportFigure
            | Self::Share
            | Self::Quit => Menu::File,
            Self::Undo
            | Self::Redo
            | Self::History
            | Self::Palette
            | Self::CopyTsv
            | Self::CopyCsv
            | Self::CopyImage
            | Self::CopyData
            | Self::SelectAll
            | Self::FilterLayers
            | Self::GoToLayer
            | Self::NextMatch
            | Self::PreviousMatch
            | Self::PreviousLayer
            | Self::NextLayer
            | Self::ExtendUp
            | Self::ExtendDown
            | Self::NextWorse
            | Self::NextBetter
            | Self::NextSuspect
            | Self::Settings => Menu::Edit,
            Self::ShowPage(Page::Help) => Menu::Help,
            Self::ShowPage(_)
            | Self::FrameSelection
            | Self::FrameAll
            | Self::FollowInput
            | Self::FollowReader
            | Self::FollowLong
            | Self::LeftInGraph
            | Self::RightInGraph
            | Self::CardMenu
            | Self::Split
            | Self::OtherPage
            | Self::Toggle(_)
            | Self::ResetColumns
            | Self::ShowFloat
            | Self::Theme(_) => Menu::View,
            Self::OpenImages
            | Self::OpenArrays
            | Self::UseSynthetic
            | Self::TryRecipes
            | Self::ToggleLive
            | Self::EvaluateAgain
            | Self::PinBaseline
            | Self::Pins
            | Self::GoBackToPin
            | Self::CopyFromPin
            | Self::Target(_)
            | Self::Bits(_)
            | Self::Float
            | Self::ToggleFloat
            | Self::PerChannel
            | Self::PerTensor
            | Self::ResetSelected => Menu::Analysis,
            Self::Notices | Self::Shortcuts | Self::Tour | Self::About => Menu::Help,
            Self::Escape => return None,
        })
    }

    /// Whether its key acts as long as it is held, not when it is pressed.
    pub fn is_held(self) -> bool {
        self == Self::ShowFloat
    }

    /// Whether a line stands above it in its menu.
    pub fn begins_group(self) -> bool {
        matches!(
            self,
            Self::Recent(1)
                | Self::OpenConfig
                | Self::OpenSession
                | Self::Export
                | Self::Quit
                | Self::Palette
                | Self::CopyTsv
                | Self::FilterLayers
                | Self::PreviousLayer
                | Self::Settings
                | Self::ShowPage(Page::Histogram)
                | Self::Split
                | Self::FrameSelection
                | Self::Toggle(PanelId::List)
                | Self::ShowFloat
                | Self::Theme(ThemeChoice::System)
                | Self::ToggleLive
                | Self::PinBaseline
                | Self::Target(Part::Weights)
                | Self::Float
                | Self::PerChannel
                | Self::About
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::document::Document;

    #[test]
    fn no_key_means_two_things() {
        let mut owners: BTreeMap<String, Action> = BTreeMap::new();
        for action in Action::every() {
            for key in action.shortcuts() {
                let name = format!("{key:?}");
                if let Some(other) = owners.insert(name.clone(), action) {
                    panic!("{name}: {other:?} and {action:?}");
                }
            }
        }
    }

    #[test]
    fn every_action_is_listed_once_and_reachable() {
        let titles: BTreeSet<String> = Action::every().map(|a| format!("{a:?}")).collect();
        assert_eq!(titles.len(), Action::ALL.len() + Action::WIDTHS.len());
        for action in Action::every() {
            assert!(action.menu().is_some() || !action.shortcuts().is_empty(), "{action:?} cannot be reached");
            assert!(!action.title().ends_with('.'), "{action:?}");
        }
    }

    #[test]
    fn without_a_model_what_needs_one_says_so() {
        let doc = Document::new();
        for action in [Action::Export, Action::Bits(4), Action::SaveConfig, Action::OpenImages] {
            assert_eq!(action.refusal(&doc), Some("Open a model first"), "{action:?}");
        }
        for action in [Action::OpenModel, Action::OpenSample, Action::Settings, Action::Shortcuts, Action::Escape] {
            assert_eq!(action.refusal(&doc), None, "{action:?}");
        }
        assert_eq!(Action::Undo.refusal(&doc), Some("Nothing to undo"));
    }
}
