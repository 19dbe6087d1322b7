//! What is on screen, and what the user prefers; kept between runs.

use quantlens_analysis::{
    mark,
    text::{self, Language},
};
use serde::{Deserialize, Serialize};

use crate::{figure::FigureChoice, rows::Column};

/// A page of the centre.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Page {
    /// All layers, all columns.
    #[default]
    Table,
    /// All layers as cards, with what flows between them.
    Graph,
    /// The error over depth, with what each layer inherits and introduces.
    Drift,
    /// What each layer alone does to the outputs.
    Sensitivity,
    /// What both runs answer, sample by sample: those that flip.
    Answers,
    /// Facts of the model.
    Model,
    /// The samples, their preprocessing, the float model's answers.
    Data,
    /// Values of the selected layer, float against quantized.
    Histogram,
    /// Cost of each threshold.
    Threshold,
    /// The channels of the selected layer.
    Channels,
    /// Its quantized values against its float ones.
    Scatter,
    /// One sample's output of the selected layer, as pictures.
    Maps,
    /// Where the error of the selected layer comes from.
    Errors,
    /// What a machine without floats computes for the selected layer.
    Arithmetic,
    /// The twenty questions, answered with the model's numbers.
    Help,
}

impl Page {
    /// Pages about the whole model.
    pub const MODEL: [Self; 7] =
        [Self::Table, Self::Graph, Self::Drift, Self::Sensitivity, Self::Answers, Self::Data, Self::Model];
    /// Pages about the selected layer.
    pub const LAYER: [Self; 7] =
        [Self::Histogram, Self::Threshold, Self::Channels, Self::Scatter, Self::Maps, Self::Errors, Self::Arithmetic];

    /// The tab's text.
    pub fn title(self) -> &'static str {
        text::text(self.english())
    }

    /// [`Self::title`] in English, whatever the window's language: for names of files and for the palette.
    pub fn english(self) -> &'static str {
        match self {
            Self::Table => mark!("Table"),
            Self::Graph => mark!("Graph"),
            Self::Drift => mark!("Drift"),
            Self::Sensitivity => mark!("Sensitivity"),
            Self::Answers => mark!("Answers"),
            Self::Model => mark!("Summary"),
            Self::Data => mark!("Data"),
            Self::Histogram => mark!("Histogram"),
            Self::Threshold => mark!("Threshold"),
            Self::Channels => mark!("Channels"),
            Self::Scatter => mark!("Scatter"),
            Self::Maps => mark!("Maps"),
            Self::Errors => mark!("Errors"),
            Self::Arithmetic => mark!("Arithmetic"),
            Self::Help => mark!("Help"),
        }
    }

    /// Whether the page follows the selected layer.
    pub fn follows_layer(self) -> bool {
        Self::LAYER.contains(&self)
    }
}

/// A panel that can be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PanelId {
    /// The layer list, left.
    List,
    /// The drift strip, top.
    Strip,
    /// The inspector, right.
    Inspector,
}

/// What is on screen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PageState {
    /// The centre's page.
    pub page: Page,
    /// The layer list is open (where the window is wide enough).
    pub list: bool,
    /// The drift strip is open.
    pub strip: bool,
    /// The inspector is open (where the window is wide enough).
    pub inspector: bool,
    /// In a narrow window: the drawer drawn over the centre.
    #[serde(skip)]
    pub drawer: Option<Drawer>,
    /// Which panels the window is too narrow for; the window says so before each frame.
    #[serde(skip)]
    pub narrow: Narrow,
    /// The metric of the list's bars.
    #[serde(skip)]
    pub list_metric: ListMetric,
}

impl Default for PageState {
    fn default() -> Self {
        Self {
            page: Page::Table,
            list: true,
            strip: true,
            inspector: true,
            drawer: None,
            narrow: Narrow::default(),
            list_metric: ListMetric::default(),
        }
    }
}

/// A panel that a narrow window shows over the centre instead of beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drawer {
    /// The layer list.
    List,
    /// The inspector.
    Inspector,
}

/// Which panels the window is too narrow for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Narrow {
    /// The layer list is a drawer.
    pub list: bool,
    /// The inspector is a drawer.
    pub inspector: bool,
}

impl Narrow {
    /// Below this width, in points, the inspector is a drawer.
    pub const INSPECTOR_BELOW: f32 = 1100.0;
    /// Below this width the list is one too.
    pub const LIST_BELOW: f32 = 900.0;

    /// What a window of this width, in points, has no room for.
    pub fn at(width: f32) -> Self {
        Self { list: width < Self::LIST_BELOW, inspector: width < Self::INSPECTOR_BELOW }
    }

    /// Whether the panel is a drawer now.
    pub fn is_drawer(self, panel: PanelId) -> bool {
        match panel {
            PanelId::List => self.list,
            PanelId::Inspector => self.inspector,
            PanelId::Strip => false,
        }
    }
}

/// The metric of the list's bars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListMetric(pub Column);

impl Default for ListMetric {
    fn default() -> Self {
        Self(Column::Accumulated)
    }
}

/// Which theme to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ThemeChoice {
    /// What the desktop says.
    #[default]
    System,
    /// Dark.
    Dark,
    /// Light.
    Light,
}

/// What the user prefers, kept between runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The language of the window's texts.
    pub language: Language,
    /// Dark, light or the desktop's choice.
    pub theme: ThemeChoice,
    /// At most this many samples are used; `None` for all.
    pub samples: Option<usize>,
    /// Memory for cached tensors, in MiB; `None` is a quarter of the machine's.
    pub memory_budget_mib: Option<u64>,
    /// How figures are exported and copied.
    pub figure: FigureChoice,
}
