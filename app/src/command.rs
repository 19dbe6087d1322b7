//! Everything a user can do, as values. Views push [`Command`]s; [`crate::apply`] alone carries them out.
//!
//! A [`Command`] carries its data (which layers, which file). Commands that stand in a menu or have a key are
//! [`Action`]s, all in one table; `Command::Run` performs one of them on what is selected.

use std::path::PathBuf;

use quantlens_analysis::{
    calibrate::Method,
    config::{Granularity, LayerSettings},
    data::{DataSource, Recipe},
    quant::{Bits, Range},
    sensitivity::SweepKind,
    t,
    text::Text,
};

pub use crate::action::Action;
use crate::{
    document::{Page, PanelId, PinId, Settings, SweepView},
    rows::Column,
    selection::SelectMode,
    tour::TourStep,
};

/// What of a layer an edit speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Part {
    /// Its constant operands.
    Weights,
    /// Its output tensor.
    Activations,
    /// Both.
    #[default]
    Both,
}

impl Part {
    /// As it stands in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::Weights => t!("weights"),
            Self::Activations => t!("activations"),
            Self::Both => t!("weights and activations"),
        }
    }
}

/// Something the user wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// A command of the table, on what is selected.
    Run(Action),

    /// Open the model in this file.
    OpenModel(PathBuf),
    /// Open whatever this is: a model, a folder of images, arrays, a configuration. Dropped files and typed paths.
    OpenAny(PathBuf),
    /// Open the embedded sample.
    OpenSample,
    /// Use these samples.
    OpenData(DataSource),
    /// Read a configuration from this file; undoable.
    OpenConfig(PathBuf),
    /// Write the configuration to this file.
    SaveConfig(PathBuf),
    /// Open the session in this file.
    OpenSession(PathBuf),
    /// Write the session to this file.
    SaveSession(PathBuf),
    /// Take a missing file off the recent list.
    ForgetRecent(PathBuf),

    /// Preprocess images so. The ranges are invalid then, and measured again.
    SetRecipe(Recipe),
    /// The user says that the recipe in use is right.
    ConfirmRecipe,
    /// Use at most this many samples; `None` for all.
    SetSamples(Option<usize>),
    /// Measure the float model under every recipe.
    TryRecipes,

    /// Select a layer as a click does.
    Select {
        /// Its name.
        layer: String,
        /// Which modifier was held.
        mode: SelectMode,
        /// Whether other views should scroll to it: true unless the click was in a list of rows.
        reveal: bool,
    },
    /// Select exactly these.
    SelectMany(Vec<String>),
    /// Select nothing.
    ClearSelection,
    /// The pointer is over this layer, or over none.
    Hover(Option<String>),

    /// Set formats.
    SetBits {
        /// Names of the layers; an edit of a shared format names one of its group.
        layers: Vec<String>,
        /// Weights, output or both. Parts that a layer does not have are left out.
        part: Part,
        /// The format.
        bits: Bits,
    },
    /// One weight scale, or one a channel.
    SetGranularity {
        /// Names of the layers.
        layers: Vec<String>,
        /// How finely.
        granularity: Granularity,
    },
    /// How the output's range is chosen.
    SetMethod {
        /// Names of the layers.
        layers: Vec<String>,
        /// The method.
        method: Method,
    },
    /// Any other settings of the output's or the weights' quantizers: what is `Some` in `settings` is set.
    SetFormat {
        /// Names of the layers.
        layers: Vec<String>,
        /// What to set.
        settings: LayerSettings,
        /// What the undo entry calls it: "make outputs symmetric".
        label: Text,
    },
    /// The output's range by hand. A drag sends many with `done: false`, which are one step with the last.
    SetRange {
        /// The layer.
        layer: String,
        /// The range.
        range: Range,
        /// Whether the gesture is over.
        done: bool,
    },
    /// Whether the following batch norm is folded in.
    SetFold {
        /// Names of the layers.
        layers: Vec<String>,
        /// Folded or not.
        fold: bool,
    },
    /// Back to what defaults and rules say.
    ResetLayers(Vec<String>),
    /// The hardware to quantize for: a built-in target's name, or the path of a target file; undoable.
    SetTarget(String),
    /// What holds where nothing else is said.
    SetDefaults(LayerSettings),
    /// Undo so many edits (below 0), or redo them.
    GoToStep(isize),

    /// Pinned configurations.
    Pin(PinCommand),

    /// Show only layers that fit this text; see [`crate::filter`].
    SetFilter(String),
    /// Show only these layers of those, counted in graph order; `None` takes the brush away.
    Brush(Option<std::ops::RangeInclusive<usize>>),
    /// Sort by a column: ascending worst first, then reversed, then back to graph order.
    SortBy(Column),
    /// Give a column of the table this width, in points; `None` its own.
    ColumnWidth(Column, Option<f32>),
    /// Sort again by the values of now.
    Resort,
    /// The metric of the list's bars.
    ListMetric(Column),

    /// Show a page in the centre.
    ShowPage(Page),
    /// Open or close a panel.
    TogglePanel(PanelId),
    /// Give the left of two pages this share of their width.
    Divide(f32),
    /// The key that shows the float model is held, or is not any more.
    HoldFloat(bool),
    /// Which part the width keys set.
    Target(Part),
    /// Show the numbers of this sample alone, counted from 0; `None` shows those of all samples.
    ScopeSample(Option<usize>),
    /// Read previews of these samples, counted from 0.
    Preview(Vec<usize>),
    /// Show the feature maps of this sample; `None` of the one that is worst at the layer.
    MapsSample(Option<usize>),

    /// Draw the graph again, or stop drawing it.
    Graph(GraphCommand),

    /// A choice of the Sensitivity page, or its start.
    Sweep(SweepCommand),

    /// Stop the running job.
    Cancel,
    /// Start the failed job again.
    Retry,
    /// Write the quantized model and verify it.
    Export {
        /// The file to write.
        path: PathBuf,
    },
    /// Choose the export's file with the system's dialog.
    BrowseExport,
    /// Close the export dialog.
    CloseExport,
    /// Take a notice away.
    DismissNotice(u64),
    /// Close the failure strip; the last good values stay.
    DismissFailure,
    /// Open one of the small windows over the main one.
    ShowDialog(Dialog),
    /// Close it.
    CloseDialog,
    /// The answer to "Save changes?".
    CloseAnswer(CloseAnswer),
    /// Take up the edits of a run that ended unexpectedly, or forget them.
    RestoreUnsaved(bool),
    /// Change the settings.
    SetSettings(Settings),
    /// Show this step of the tour; `None` ends it.
    Tour(Option<TourStep>),
    /// Put text on the clipboard.
    Copy(String),
    /// Give a figure away.
    Figure(FigureCommand),
    /// Write the picture to share to this file.
    SaveShare(PathBuf),
}

/// What is done about the graph's drawing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GraphCommand {
    /// Draw it.
    Draw {
        /// Without the search for few crossings.
        quick: bool,
    },
    /// Stop drawing.
    Stop,
}

/// What is done on the Sensitivity page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SweepCommand {
    /// Measure what is chosen, or go on with what was stopped.
    Start,
    /// Show the other question.
    View(SweepView),
    /// Ask about these quantizers.
    Kind(SweepKind),
    /// Ask at this width too, or not any more.
    Width(Bits, bool),
    /// Show the rows of this width.
    Show(Bits),
    /// Without estimates.
    Exact(bool),
}

/// What can be done with a figure of the page, by its place among those.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FigureCommand {
    /// Open the dialog for it.
    Open(usize),
    /// Put its pixels on the clipboard.
    Copy(usize),
    /// Put its numbers on the clipboard.
    CopyData(usize),
    /// Choose its file with the system's dialog.
    Browse,
    /// Write that of the dialog, or the page's first, to this file.
    Save(PathBuf),
}

/// What can be done with pinned configurations.
#[derive(Clone, Debug, PartialEq)]
pub enum PinCommand {
    /// Pin the configuration of now under this name and compare with it.
    Add(String),
    /// Compare with this pin; `None` with none.
    Compare(Option<PinId>),
    /// Give it another name.
    Rename(PinId, String),
    /// Forget it.
    Remove(PinId),
    /// Make it the configuration; undoable.
    GoBack(PinId),
    /// Give these layers what it has for them; undoable.
    Copy {
        /// The pin.
        pin: PinId,
        /// Names of the layers.
        layers: Vec<String>,
    },
}

/// A small window over the main one.
#[derive(Clone, Debug, PartialEq)]
pub enum Dialog {
    /// A typed path, for [`Command::OpenAny`].
    Path(String),
    /// All keys.
    Shortcuts,
    /// All edits, to go back to one.
    History,
    /// The command palette.
    Palette {
        /// What is typed.
        typed: String,
        /// Which of the lines found for it is chosen.
        chosen: usize,
    },
    /// The pinned configurations; the name being typed for a new one.
    Pins(String),
    /// How a figure is exported.
    Figure(FigureDialog),
    /// Theme, samples, memory.
    Settings,
    /// All notices.
    Notices,
    /// Program, licences, onnxruntime.
    About,
    /// Details of a failure.
    Details {
        /// What failed.
        what: Text,
        /// All that is known of it.
        details: Text,
    },
    /// Unsaved edits, and the window is to close.
    ConfirmClose,
    /// The last run ended with unsaved edits.
    Restore,
}

/// The figure dialog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FigureDialog {
    /// Which of the page's figures.
    pub place: usize,
    /// Where to, as typed.
    pub path: String,
    /// Why it was not written.
    pub error: Option<Text>,
}

/// What to do with unsaved edits when the window closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseAnswer {
    /// Save them, then close.
    Save,
    /// Close without.
    Discard,
    /// Stay.
    Stay,
}

/// What views collected in a frame, in order.
#[derive(Debug, Default)]
pub struct Commands(Vec<Command>);

impl Commands {
    /// Adds one.
    pub fn push(&mut self, command: Command) {
        self.0.push(command);
    }

    /// Adds a command of the table.
    pub fn run(&mut self, action: Action) {
        self.push(Command::Run(action));
    }

    /// Takes all of them, leaving none.
    pub fn take(&mut self) -> Vec<Command> {
        std::mem::take(&mut self.0)
    }

    /// What is waiting, in order; for tests of views.
    pub fn as_slice(&self) -> &[Command] {
        &self.0
    }
}
