//! The table of commands: what each is called, which keys it has, when it can be used and why not.
//!
//! Menus, tooltips, shortcuts and the sheet of keys all come from here; [`Action::ALL`] is what a test walks.

use egui::{Key, KeyboardShortcut, Modifiers};

use crate::{
    command::Part,
    document::{Document, Page, PanelId, ThemeChoice},
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
    SaveConfig,
    SaveConfigAs,
    Export,
    ExportFigure,
    Recent(u8),
    Quit,
    Undo,
    Redo,
    CopyTsv,
    CopyCsv,
    SelectAll,
    ResetSelected,
    FilterLayers,
    GoToLayer,
    PreviousLayer,
    NextLayer,
    ExtendUp,
    ExtendDown,
    NextWorse,
    NextBetter,
    Bits(u8),
    Float,
    ToggleFloat,
    PerChannel,
    PerTensor,
    Target(Part),
    ToggleLive,
    EvaluateAgain,
    PinBaseline,
    TryRecipes,
    ShowPage(Page),
    Toggle(PanelId),
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
            Self::File => "File",
            Self::Edit => "Edit",
            Self::View => "View",
            Self::Analysis => "Analysis",
            Self::Help => "Help",
        }
    }
}

use Action as A;

impl Action {
    /// Every action, in the order of the menus.
    pub const ALL: [Self; 64] = [
        A::OpenModel,
        A::OpenPath,
        A::OpenSample,
        A::Recent(1),
        A::Recent(2),
        A::Recent(3),
        A::Recent(4),
        A::Recent(5),
        A::Recent(6),
        A::Recent(7),
        A::Recent(8),
        A::Recent(9),
        A::OpenConfig,
        A::SaveConfig,
        A::SaveConfigAs,
        A::Export,
        A::ExportFigure,
        A::Quit,
        A::Undo,
        A::Redo,
        A::CopyTsv,
        A::CopyCsv,
        A::SelectAll,
        A::FilterLayers,
        A::GoToLayer,
        A::PreviousLayer,
        A::NextLayer,
        A::ExtendUp,
        A::ExtendDown,
        A::NextWorse,
        A::NextBetter,
        A::Settings,
        A::ShowPage(Page::Table),
        A::ShowPage(Page::Data),
        A::ShowPage(Page::Model),
        A::ShowPage(Page::Histogram),
        A::ShowPage(Page::Threshold),
        A::ShowPage(Page::Channels),
        A::Toggle(PanelId::List),
        A::Toggle(PanelId::Strip),
        A::Toggle(PanelId::Inspector),
        A::Theme(ThemeChoice::System),
        A::Theme(ThemeChoice::Dark),
        A::Theme(ThemeChoice::Light),
        A::OpenImages,
        A::OpenArrays,
        A::UseSynthetic,
        A::TryRecipes,
        A::ToggleLive,
        A::EvaluateAgain,
        A::PinBaseline,
        A::Target(Part::Weights),
        A::Target(Part::Activations),
        A::Target(Part::Both),
        A::Float,
        A::ToggleFloat,
        A::PerChannel,
        A::PerTensor,
        A::ResetSelected,
        A::Notices,
        A::Shortcuts,
        A::Tour,
        A::About,
        A::Escape,
    ];

    /// The width actions, widest first.
    pub const WIDTHS: [Self; 8] =
        [A::Bits(16), A::Bits(8), A::Bits(7), A::Bits(6), A::Bits(5), A::Bits(4), A::Bits(3), A::Bits(2)];

    /// Every action there is, the widths included.
    pub fn every() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().chain(Self::WIDTHS)
    }

    /// What menus call it; "…" where it opens a dialog.
    pub fn title(self) -> String {
        let text = match self {
            A::OpenModel => "Open model…",
            A::OpenPath => "Open path…",
            A::OpenSample => "Load the sample model",
            A::OpenImages => "Use a folder of images…",
            A::OpenArrays => "Use an array file…",
            A::UseSynthetic => "Use 16 synthetic samples",
            A::OpenConfig => "Open configuration…",
            A::SaveConfig => "Save configuration",
            A::SaveConfigAs => "Save configuration as…",
            A::Export => "Export quantized model…",
            A::ExportFigure => "Export figure…",
            A::Recent(n) => return format!("Recent file {n}"),
            A::Quit => "Quit",
            A::Undo => "Undo",
            A::Redo => "Redo",
            A::CopyTsv => "Copy rows",
            A::CopyCsv => "Copy rows as CSV",
            A::SelectAll => "Select all shown",
            A::ResetSelected => "Reset to defaults",
            A::FilterLayers => "Filter layers",
            A::GoToLayer => "Go to layer…",
            A::PreviousLayer => "Previous layer",
            A::NextLayer => "Next layer",
            A::ExtendUp => "Extend selection up",
            A::ExtendDown => "Extend selection down",
            A::NextWorse => "Next worse layer",
            A::NextBetter => "Next better layer",
            A::Bits(n) => return format!("{n} bits"),
            A::Float => "Float",
            A::ToggleFloat => "Toggle float and last bits",
            A::PerChannel => "Weights per channel",
            A::PerTensor => "Weights per tensor",
            A::Target(Part::Weights) => "Widths set weights",
            A::Target(Part::Activations) => "Widths set activations",
            A::Target(Part::Both) => "Widths set both",
            A::ToggleLive => "Live",
            A::EvaluateAgain => "Evaluate again",
            A::PinBaseline => "Pin as baseline",
            A::TryRecipes => "Try recipes",
            A::ShowPage(page) => page.title(),
            A::Toggle(PanelId::List) => "Layer list",
            A::Toggle(PanelId::Strip) => "Drift strip",
            A::Toggle(PanelId::Inspector) => "Inspector",
            A::Theme(ThemeChoice::System) => "Theme as the desktop's",
            A::Theme(ThemeChoice::Dark) => "Dark theme",
            A::Theme(ThemeChoice::Light) => "Light theme",
            A::Settings => "Settings…",
            A::Notices => "Notices",
            A::Shortcuts => "Keyboard shortcuts",
            A::Tour => "Tour of the sample",
            A::About => "About Quantlens",
            A::Escape => "Cancel, clear filter, clear selection",
        };
        text.to_owned()
    }

    /// One sentence for the tooltip, where the title does not say it all.
    pub fn hint(self) -> &'static str {
        match self {
            A::OpenModel => "A float ONNX model; you can also drop it on the window",
            A::OpenPath => "Type or paste the path of a model, of samples or of a configuration",
            A::OpenArrays => "An .npz or .npy file",
            A::UseSynthetic => "Made-up samples; their ranges mislead",
            A::Export => "Write this configuration as a QDQ model, run it, and compare",
            A::ExportFigure => "The figure on screen as SVG or PNG",
            A::ToggleLive => "Evaluate every edit at once; while paused, edits collect",
            A::PinBaseline => "Show every number's difference to the numbers of now",
            A::TryRecipes => "Run the float model under every preprocessing and rank them",
            A::ToggleFloat => "Compare with and without this layer's quantizers",
            A::NextWorse => "The next layer down in the accumulated error",
            _ => "",
        }
    }

    /// Its keys; the first is the one shown.
    pub fn shortcuts(self) -> &'static [KeyboardShortcut] {
        const NONE: Modifiers = Modifiers::NONE;
        const CTRL: Modifiers = Modifiers::COMMAND;
        const SHIFT: Modifiers = Modifiers::SHIFT;
        const CTRL_SHIFT: Modifiers = CTRL.plus(SHIFT);
        const CTRL_ALT: Modifiers = CTRL.plus(Modifiers::ALT);
        macro_rules! keys {
            ($($modifiers:expr, $key:ident);*) => { const { &[$(KeyboardShortcut::new($modifiers, Key::$key)),*] } };
        }
        match self {
            A::OpenModel => keys![CTRL, O],
            A::OpenPath => keys![CTRL_SHIFT, O],
            A::Recent(n) => match n {
                1 => keys![CTRL, Num1],
                2 => keys![CTRL, Num2],
                3 => keys![CTRL, Num3],
                4 => keys![CTRL, Num4],
                5 => keys![CTRL, Num5],
                6 => keys![CTRL, Num6],
                7 => keys![CTRL, Num7],
                8 => keys![CTRL, Num8],
                9 => keys![CTRL, Num9],
                _ => &[],
            },
            A::SaveConfig => keys![CTRL, S],
            A::SaveConfigAs => keys![CTRL_SHIFT, S],
            A::Export => keys![CTRL, E],
            A::ExportFigure => keys![CTRL_SHIFT, E],
            A::Quit => keys![CTRL, Q],
            A::Undo => keys![CTRL, Z],
            A::Redo => keys![CTRL_SHIFT, Z; CTRL, Y],
            A::CopyTsv => keys![CTRL, C],
            A::CopyCsv => keys![CTRL_SHIFT, C],
            A::SelectAll => keys![CTRL, A],
            A::ResetSelected => keys![NONE, Delete],
            A::FilterLayers => keys![CTRL, F; NONE, Slash],
            A::GoToLayer => keys![CTRL, G],
            A::PreviousLayer => keys![NONE, ArrowUp; NONE, K],
            A::NextLayer => keys![NONE, ArrowDown; NONE, J],
            A::ExtendUp => keys![SHIFT, ArrowUp],
            A::ExtendDown => keys![SHIFT, ArrowDown],
            A::NextWorse => keys![NONE, OpenBracket],
            A::NextBetter => keys![NONE, CloseBracket],
            A::Bits(n) => match n {
                2 => keys![NONE, Num2],
                3 => keys![NONE, Num3],
                4 => keys![NONE, Num4],
                5 => keys![NONE, Num5],
                6 => keys![NONE, Num6],
                7 => keys![NONE, Num7],
                8 => keys![NONE, Num8],
                16 => keys![NONE, Num1],
                _ => &[],
            },
            A::Float => keys![NONE, F],
            A::ToggleFloat => keys![NONE, Space],
            A::PerChannel => keys![NONE, C],
            A::Target(Part::Weights) => keys![NONE, W],
            A::Target(Part::Activations) => keys![NONE, A],
            A::Target(Part::Both) => keys![NONE, B],
            A::ToggleLive => keys![NONE, F5],
            A::EvaluateAgain => keys![CTRL, F5],
            A::PinBaseline => keys![NONE, P],
            A::ShowPage(Page::Histogram) => keys![NONE, H],
            A::ShowPage(Page::Threshold) => keys![NONE, T],
            A::ShowPage(Page::Table) => keys![NONE, L],
            A::ShowPage(Page::Data) => keys![NONE, D],
            A::ShowPage(Page::Channels) => keys![SHIFT, C],
            A::Toggle(PanelId::List) => keys![CTRL, B],
            A::Toggle(PanelId::Strip) => keys![CTRL, J],
            A::Toggle(PanelId::Inspector) => keys![CTRL_ALT, B],
            A::Settings => keys![CTRL, Comma],
            A::Shortcuts => keys![NONE, F1; SHIFT, Questionmark],
            A::Escape => keys![NONE, Escape],
            _ => &[],
        }
    }

    /// The menu it stands in; Escape is in none.
    pub fn menu(self) -> Option<Menu> {
        Some(match self {
            A::OpenModel
            | A::OpenPath
            | A::OpenSample
            | A::Recent(_)
            | A::OpenConfig
            | A::SaveConfig
            | A::SaveConfigAs
            | A::Export
            | A::ExportFigure
            | A::Quit => Menu::File,
            A::Undo
            | A::Redo
            | A::CopyTsv
            | A::CopyCsv
            | A::SelectAll
            | A::FilterLayers
            | A::GoToLayer
            | A::PreviousLayer
            | A::NextLayer
            | A::ExtendUp
            | A::ExtendDown
            | A::NextWorse
            | A::NextBetter
            | A::Settings => Menu::Edit,
            A::ShowPage(_) | A::Toggle(_) | A::Theme(_) => Menu::View,
            A::OpenImages
            | A::OpenArrays
            | A::UseSynthetic
            | A::TryRecipes
            | A::ToggleLive
            | A::EvaluateAgain
            | A::PinBaseline
            | A::Target(_)
            | A::Bits(_)
            | A::Float
            | A::ToggleFloat
            | A::PerChannel
            | A::PerTensor
            | A::ResetSelected => Menu::Analysis,
            A::Notices | A::Shortcuts | A::Tour | A::About => Menu::Help,
            A::Escape => return None,
        })
    }

    /// Whether a line stands above it in its menu.
    pub fn begins_group(self) -> bool {
        matches!(
            self,
            A::Recent(1)
                | A::OpenConfig
                | A::Export
                | A::Quit
                | A::CopyTsv
                | A::FilterLayers
                | A::PreviousLayer
                | A::Settings
                | A::ShowPage(Page::Histogram)
                | A::Toggle(PanelId::List)
                | A::Theme(ThemeChoice::System)
                | A::ToggleLive
                | A::Target(Part::Weights)
                | A::Float
                | A::PerChannel
                | A::About
        )
    }

    /// Why it cannot be used now; `None` if it can.
    pub fn refusal(self, doc: &Document) -> Option<&'static str> {
        let need = |there: bool, reason: &'static str| (!there).then_some(reason);
        let model = need(doc.model.is_some(), "Open a model first");
        let layer = || model.or(need(!doc.selection.selected.is_empty(), "Select a layer first"));
        let data = || model.or(need(doc.data.is_some(), "Add samples first"));
        match self {
            A::OpenImages | A::OpenArrays | A::UseSynthetic | A::OpenConfig => model,
            A::SaveConfig | A::SaveConfigAs | A::FilterLayers | A::GoToLayer | A::EvaluateAgain => model,
            A::SelectAll | A::PreviousLayer | A::NextLayer | A::ExtendUp | A::ExtendDown => {
                model.or(need(!doc.visible.is_empty(), "No layer is shown"))
            }
            A::NextWorse | A::NextBetter => model.or(need(doc.report.value.is_some(), "No numbers yet")),
            A::Export => data().or(need(!matches!(doc.export, Some(ref e) if e.is_running()), "An export is running")),
            A::TryRecipes => data(),
            A::ExportFigure => model.or(need(doc.detail.value.is_some(), "Select a layer to have a figure")),
            A::Recent(n) => need(usize::from(n) <= doc.recent.len(), "No such recent file"),
            A::Undo => need(doc.history.undo_label().is_some(), "Nothing to undo"),
            A::Redo => need(doc.history.redo_label().is_some(), "Nothing to redo"),
            A::CopyTsv | A::CopyCsv | A::Bits(_) | A::Float | A::ToggleFloat => layer(),
            A::PerChannel | A::PerTensor | A::ResetSelected => layer(),
            A::PinBaseline => need(doc.report.value.is_some(), "No numbers to pin yet"),
            A::Tour => need(doc.is_sample, "Load the sample model first"),
            _ => None,
        }
    }

    /// Whether a tick stands before it; `None` for actions that are not a state.
    pub fn is_checked(self, doc: &Document) -> Option<bool> {
        match self {
            A::ToggleLive => Some(doc.live),
            A::PinBaseline => Some(doc.pinned.is_some()),
            A::Target(part) => Some(doc.target == part),
            A::ShowPage(page) => Some(doc.pages.page == page),
            A::Toggle(PanelId::List) => Some(doc.pages.list),
            A::Toggle(PanelId::Strip) => Some(doc.pages.strip),
            A::Toggle(PanelId::Inspector) => Some(doc.pages.inspector),
            A::Theme(choice) => Some(doc.settings.theme == choice),
            _ => None,
        }
    }

    /// The title with what is known now: "Undo set 12 layers to 4 bits", the recent file's name.
    pub fn title_now(self, doc: &Document) -> String {
        let named = |label: Option<&str>| label.map(|label| format!("{} {}", self.title(), lower_first(label)));
        match self {
            A::Undo => named(doc.history.undo_label()).unwrap_or_else(|| self.title()),
            A::Redo => named(doc.history.redo_label()).unwrap_or_else(|| self.title()),
            A::PinBaseline if doc.pinned.is_some() => "Unpin the baseline".into(),
            A::ToggleLive if !doc.live && doc.edits_waiting > 0 => {
                format!("Apply {}", crate::format::plural(doc.edits_waiting, "edit"))
            }
            A::Recent(n) => {
                let file = doc.recent.get(usize::from(n).wrapping_sub(1)).and_then(|path| path.file_name());
                file.map_or_else(|| self.title(), |name| name.to_string_lossy().into_owned())
            }
            _ => self.title(),
        }
    }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

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
        for action in [A::Export, A::Bits(4), A::SaveConfig, A::OpenImages] {
            assert_eq!(action.refusal(&doc), Some("Open a model first"), "{action:?}");
        }
        for action in [A::OpenModel, A::OpenSample, A::Settings, A::Shortcuts, A::Escape] {
            assert_eq!(action.refusal(&doc), None, "{action:?}");
        }
        assert_eq!(A::Undo.refusal(&doc), Some("Nothing to undo"));
    }
}
