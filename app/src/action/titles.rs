//! What actions are called: in menus, in tooltips, and with what is known now.

use super::Action;
use crate::{
    command::Part,
    document::{Document, Page, PanelId, ThemeChoice},
};

impl Action {
    /// What menus call it; "…" where it opens a dialog.
    pub fn title(self) -> String {
        let text = match self {
            Self::OpenModel => "Open model…",
            Self::OpenPath => "Open path…",
            Self::OpenSample => "Load the sample model",
            Self::OpenImages => "Use a folder of images…",
            Self::OpenArrays => "Use an array file…",
            Self::UseSynthetic => "Use 16 synthetic samples",
            Self::OpenConfig => "Open configuration…",
            Self::OpenTarget => "Open target file…",
            Self::SaveConfig => "Save configuration",
            Self::SaveConfigAs => "Save configuration as…",
            Self::Export => "Export quantized model…",
            Self::ExportFigure => "Export figure…",
            Self::Share => "Share as a picture…",
            Self::Recent(n) => return format!("Recent file {n}"),
            Self::Quit => "Quit",
            Self::Undo => "Undo",
            Self::Redo => "Redo",
            Self::History => "History of edits…",
            Self::Palette => "Command palette…",
            Self::CopyTsv => "Copy rows",
            Self::CopyCsv => "Copy rows as CSV",
            Self::SelectAll => "Select all shown",
            Self::ResetSelected => "Reset to defaults",
            Self::FilterLayers => "Filter layers",
            Self::GoToLayer => "Go to layer…",
            Self::NextMatch => "Next match",
            Self::PreviousMatch => "Previous match",
            Self::PreviousLayer => "Previous layer",
            Self::NextLayer => "Next layer",
            Self::ExtendUp => "Extend selection up",
            Self::ExtendDown => "Extend selection down",
            Self::NextWorse => "Next worse layer",
            Self::NextBetter => "Next better layer",
            Self::Bits(n) => return format!("{n} bits"),
            Self::Float => "Float",
            Self::ToggleFloat => "Toggle float and last bits",
            Self::PerChannel => "Weights per channel",
            Self::PerTensor => "Weights per tensor",
            Self::Target(Part::Weights) => "Widths set weights",
            Self::Target(Part::Activations) => "Widths set activations",
            Self::Target(Part::Both) => "Widths set both",
            Self::ToggleLive => "Live",
            Self::EvaluateAgain => "Evaluate again",
            Self::PinBaseline => "Pin as baseline",
            Self::Pins => "Pinned configurations…",
            Self::GoBackToPin => "Go back to the baseline",
            Self::CopyFromPin => "Copy the baseline's settings",
            Self::TryRecipes => "Try recipes",
            Self::ShowPage(Page::Help) => "Twenty questions",
            Self::ShowPage(page) => page.title(),
            Self::FrameSelection => "Frame selection",
            Self::FrameAll => "Frame whole graph",
            Self::Toggle(PanelId::List) => "Layer list",
            Self::Toggle(PanelId::Strip) => "Drift strip",
            Self::Toggle(PanelId::Inspector) => "Inspector",
            Self::ShowFloat => "Float model in every view",
            Self::Theme(ThemeChoice::System) => "Theme as the desktop's",
            Self::Theme(ThemeChoice::Dark) => "Dark theme",
            Self::Theme(ThemeChoice::Light) => "Light theme",
            Self::Settings => "Settings…",
            Self::Notices => "Notices",
            Self::Shortcuts => "Keyboard shortcuts",
            Self::Tour => "Tour of the sample",
            Self::About => "About Quantlens",
            Self::Escape => "Cancel, back to all samples, clear filter, clear selection",
        };
        text.to_owned()
    }

    /// One sentence for the tooltip, where the title does not say it all.
    pub fn hint(self) -> &'static str {
        match self {
            Self::OpenModel => "A float ONNX model; you can also drop it on the window",
            Self::OpenPath => "Type or paste the path of a model, of samples or of a configuration",
            Self::OpenArrays => "An .npz or .npy file",
            Self::UseSynthetic => "Made-up samples; their ranges mislead",
            Self::Export => "Write this configuration as a QDQ model, run it, and compare",
            Self::ExportFigure => "The figure on screen as SVG or PNG",
            Self::Share => "Scoreboard, drift and configuration in one PNG, for someone who has not this program",
            Self::ShowFloat => "Hold Q: every view shows the float model until it is released",
            Self::ToggleLive => "Evaluate every edit at once; while paused, edits collect",
            Self::PinBaseline => "Show every number's difference to the numbers of now",
            Self::Pins => "Pin under a name, choose which one to compare with, rename, remove",
            Self::GoBackToPin => "Make the pinned configuration the one in use",
            Self::CopyFromPin => "Give the selected layers what the pinned configuration has for them",
            Self::TryRecipes => "Run the float model under every preprocessing and rank them",
            Self::ToggleFloat => "Compare with and without this layer's quantizers",
            Self::NextMatch => "The next layer that the filter shows",
            Self::PreviousMatch => "The layer before that the filter shows",
            Self::FrameSelection => "Show the selected cards as large as they fit",
            Self::FrameAll => "Show all cards",
            Self::NextWorse => "The next layer down in the accumulated error",
            _ => "",
        }
    }

    /// The title with what is known now: "Undo set 12 layers to 4 bits", the recent file's name.
    pub fn title_now(self, doc: &Document) -> String {
        let named = |label: Option<&str>| label.map(|label| format!("{} {}", self.title(), lower_first(label)));
        match self {
            Self::Undo => named(doc.history.undo_label()).unwrap_or_else(|| self.title()),
            Self::Redo => named(doc.history.redo_label()).unwrap_or_else(|| self.title()),
            Self::PinBaseline if doc.pins.baseline.is_some() => "Stop comparing with the baseline".into(),
            Self::GoBackToPin => match doc.pins.baseline() {
                Some(pin) => format!("Go back to {}", pin.name),
                None => self.title(),
            },
            Self::ToggleLive if !doc.live && doc.edits_waiting > 0 => {
                format!("Apply {}", crate::format::plural(doc.edits_waiting, "edit"))
            }
            Self::Recent(n) => {
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
