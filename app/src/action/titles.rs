//! What actions are called: in menus, in tooltips, and with what is known now.

use quantlens_analysis::{mark, t, text};

use super::Action;
use crate::{
    command::Part,
    document::{Document, Page, PanelId, ThemeChoice},
};

impl Action {
    /// What menus call it; "…" where it opens a dialog.
    pub fn title(self) -> String {
        match self.words() {
            (words, Some(number)) => text::filled(words, &[&number]),
            (words, None) => text::text(words).to_owned(),
        }
    }

    /// [`Self::title`] in English: the palette finds it under either name.
    pub fn english(self) -> String {
        match self.words() {
            (words, Some(number)) => words.replace("{}", &number.to_string()),
            (words, None) => words.to_owned(),
        }
    }

    /// What it is called in English, and the number that stands in it.
    fn words(self) -> (&'static str, Option<u8>) {
        let words = match self {
            Self::OpenModel => mark!("Open model…"),
            Self::OpenPath => mark!("Open path…"),
            Self::OpenSample => mark!("Load the sample model"),
            Self::OpenImages => mark!("Use a folder of images…"),
            Self::OpenArrays => mark!("Use an array file…"),
            Self::UseSynthetic => mark!("Use 16 synthetic samples"),
            Self::OpenConfig => mark!("Open configuration…"),
            Self::OpenTarget => mark!("Open target file…"),
            Self::SaveConfig => mark!("Save configuration"),
            Self::SaveConfigAs => mark!("Save configuration as…"),
            Self::OpenSession => mark!("Open session…"),
            Self::SaveSession => mark!("Save session…"),
            Self::Export => mark!("Export quantized model…"),
            Self::ExportFigure => mark!("Export figure…"),
            Self::Share => mark!("Share as a picture…"),
            Self::Recent(n) => return (mark!("Recent file {}"), Some(n)),
            Self::Quit => mark!("Quit"),
            Self::Undo => mark!("Undo"),
            Self::Redo => mark!("Redo"),
            Self::History => mark!("History of edits…"),
            Self::Palette => mark!("Command palette…"),
            Self::CopyTsv => mark!("Copy rows"),
            Self::CopyCsv => mark!("Copy rows as CSV"),
            Self::CopyImage => mark!("Copy image"),
            Self::CopyData => mark!("Copy data"),
            Self::SelectAll => mark!("Select all shown"),
            Self::ResetSelected => mark!("Reset to defaults"),
            Self::FilterLayers => mark!("Filter layers"),
            Self::GoToLayer => mark!("Go to layer…"),
            Self::NextMatch => mark!("Next match"),
            Self::PreviousMatch => mark!("Previous match"),
            Self::PreviousLayer => mark!("Previous layer"),
            Self::NextLayer => mark!("Next layer"),
            Self::ExtendUp => mark!("Extend selection up"),
            Self::ExtendDown => mark!("Extend selection down"),
            Self::NextWorse => mark!("Next worse layer"),
            Self::NextBetter => mark!("Next better layer"),
            Self::NextSuspect => mark!("Next suspect"),
            Self::Bits(n) => return (mark!("{} bits"), Some(n)),
            Self::Float => mark!("Float"),
            Self::ToggleFloat => mark!("Toggle float and last bits"),
            Self::PerChannel => mark!("Weights per channel"),
            Self::PerTensor => mark!("Weights per tensor"),
            Self::Target(Part::Weights) => mark!("Widths set weights"),
            Self::Target(Part::Activations) => mark!("Widths set activations"),
            Self::Target(Part::Both) => mark!("Widths set both"),
            Self::ToggleLive => mark!("Live"),
            Self::EvaluateAgain => mark!("Evaluate again"),
            Self::PinBaseline => mark!("Pin as baseline"),
            Self::Pins => mark!("Pinned configurations…"),
            Self::GoBackToPin => mark!("Go back to the baseline"),
            Self::CopyFromPin => mark!("Copy the baseline's settings"),
            Self::TryRecipes => mark!("Try recipes"),
            Self::ShowPage(Page::Help) => mark!("Twenty questions"),
            Self::ShowPage(page) => page.english(),
            Self::FrameSelection => mark!("Frame selection"),
            Self::FrameAll => mark!("Frame whole graph"),
            Self::FollowInput => mark!("Graph: to what it reads"),
            Self::FollowReader => mark!("Graph: to what reads it"),
            Self::FollowLong => mark!("Graph: along a long line"),
            Self::LeftInGraph => mark!("Graph: to the left"),
            Self::RightInGraph => mark!("Graph: to the right"),
            Self::Split => mark!("Two pages side by side"),
            Self::OtherPage => mark!("Go to the other page"),
            Self::CardMenu => mark!("Graph: menu of the card"),
            Self::Toggle(PanelId::List) => mark!("Layer list"),
            Self::Toggle(PanelId::Strip) => mark!("Drift strip"),
            Self::Toggle(PanelId::Inspector) => mark!("Inspector"),
            Self::ResetColumns => mark!("Reset column widths"),
            Self::ShowFloat => mark!("Float model in every view"),
            Self::Theme(choice) => of_theme(choice),
            Self::Settings => mark!("Settings…"),
            Self::Notices => mark!("Notices"),
            Self::Shortcuts => mark!("Keyboard shortcuts"),
            Self::Tour => mark!("Tour of the sample"),
            Self::About => mark!("About Quantlens"),
            Self::Escape => mark!("Cancel, back to all samples, clear filter, clear selection"),
        };
        (words, None)
    }

    /// One sentence for the tooltip, where the title does not say it all.
    pub fn hint(self) -> &'static str {
        match self {
            Self::OpenModel => t!("A float ONNX model; you can also drop it on the window"),
            Self::OpenPath => t!("Type or paste the path of a model, of samples or of a configuration"),
            Self::OpenArrays => t!("An .npz or .npy file"),
            Self::UseSynthetic => t!("Made-up samples; their ranges mislead"),
            Self::Export => t!("Write this configuration as a QDQ model, run it, and compare"),
            Self::ExportFigure => t!("The figure on screen as SVG or PNG, or its numbers as CSV or JSON"),
            Self::CopyImage => t!("The figure on screen as pixels on the clipboard"),
            Self::CopyData => t!("The numbers of the figure on screen as tab-separated lines on the clipboard"),
            Self::Share => t!("Scoreboard, drift and configuration in one PNG, for someone who has not this program"),
            Self::ResetColumns => t!("Give the columns of the table the widths that they had at first"),
            Self::ShowFloat => t!("Hold Q: every view shows the float model until it is released"),
            Self::ToggleLive => t!("Evaluate every edit at once; while paused, edits collect"),
            Self::PinBaseline => t!("Show every number's difference to the numbers of now"),
            Self::Pins => t!("Pin under a name, choose which one to compare with, rename, remove"),
            Self::GoBackToPin => t!("Make the pinned configuration the one in use"),
            Self::CopyFromPin => t!("Give the selected layers what the pinned configuration has for them"),
            Self::TryRecipes => t!("Run the float model under every preprocessing and rank them"),
            Self::ToggleFloat => t!("Compare with and without this layer's quantizers"),
            Self::NextMatch => t!("The next layer that the filter shows"),
            Self::PreviousMatch => t!("The layer before that the filter shows"),
            Self::FrameSelection => t!("Show the selected cards as large as they fit"),
            Self::FrameAll => t!("Show all cards"),
            Self::FollowInput | Self::FollowReader => {
                t!("Select the card at the other end of a line; left and right then take the lines beside it in turn")
            }
            Self::FollowLong => t!("Select the card at the other end of a label, where a line is too long to be drawn"),
            Self::LeftInGraph | Self::RightInGraph => {
                t!("The line beside the one you came along, else the card beside in the row")
            }
            Self::Split => {
                t!("Each has a page of its own; tabs and keys change the one in use. Again: the page in use alone")
            }
            Self::OtherPage => t!("Of two pages side by side, use the one that is not in use"),
            Self::CardMenu => t!("What a right click on the selected card offers"),
            Self::SaveSession => t!("Model, samples, configuration and pins by name, to go on here another time"),
            Self::NextSuspect => t!("The layer with the largest error of its own; again, the next one"),
            Self::NextWorse => t!("The next layer down in the accumulated error"),
            _ => "",
        }
    }

    /// The title with what is known now: "Undo set 12 layers to 4 bits", the recent file's name.
    pub fn title_now(self, doc: &Document) -> String {
        match self {
            Self::Undo => {
                let label = doc.history.undo_label().map(lower_first);
                label.map_or_else(|| self.title(), |label| t!("Undo {}", label))
            }
            Self::Redo => {
                let label = doc.history.redo_label().map(lower_first);
                label.map_or_else(|| self.title(), |label| t!("Redo {}", label))
            }
            Self::PinBaseline if doc.pins.baseline.is_some() => t!("Stop comparing with the baseline").into(),
            Self::GoBackToPin => match doc.pins.baseline() {
                Some(pin) => t!("Go back to {}", pin.name),
                None => self.title(),
            },
            Self::ToggleLive if !doc.live && doc.edits_waiting > 0 => {
                t!("Apply {}", crate::format::plural(doc.edits_waiting, "edit"))
            }
            Self::Recent(n) => {
                let file = doc.recent.get(usize::from(n).wrapping_sub(1)).and_then(|path| path.file_name());
                file.map_or_else(|| self.title(), |name| name.to_string_lossy().into_owned())
            }
            _ => self.title(),
        }
    }
}

fn of_theme(choice: ThemeChoice) -> &'static str {
    match choice {
        ThemeChoice::System => mark!("Theme as the desktop's"),
        ThemeChoice::Dark => mark!("Dark theme"),
        ThemeChoice::Light => mark!("Light theme"),
    }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
