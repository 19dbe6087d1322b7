//! What is on screen, and what the user prefers; kept between runs.

use quantlens_analysis::{
    mark,
    text::{self, Language},
};
use serde::{Deserialize, Serialize};

use super::ColumnWidths;
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

    /// The page that is worth seeing beside it at first.
    fn partner(self) -> Self {
        match self {
            Self::Histogram => Self::Channels,
            page if page.follows_layer() => Self::Table,
            _ => Self::Histogram,
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

/// The second page of the centre, while it shows two.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Beside {
    /// Which.
    pub page: Page,
    /// It stands at the left of the page in use.
    pub is_left: bool,
    /// Width of the left page, as a share of both.
    pub share: f32,
}

impl Beside {
    /// The shares that a page may have.
    pub const SHARES: std::ops::RangeInclusive<f32> = 0.2..=0.8;
    /// Both pages are at least so wide, in points.
    pub const LEAST: f32 = 320.0;
}

/// What is on screen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PageState {
    /// The centre's page; of two, the one in use, which tabs and keys change.
    pub page: Page,
    /// The other page, where the centre shows two.
    pub beside: Option<Beside>,
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
            beside: None,
            list: true,
            strip: true,
            inspector: true,
            drawer: None,
            narrow: Narrow::default(),
            list_metric: ListMetric::default(),
        }
    }
}

impl PageState {
    /// The pages on screen, the one in use first.
    pub fn shown(&self) -> impl Iterator<Item = Page> {
        [Some(self.page), self.beside.map(|beside| beside.page)].into_iter().flatten()
    }

    /// Whether the page is on screen.
    pub fn shows(&self, page: Page) -> bool {
        self.shown().any(|shown| shown == page)
    }

    /// Puts a page in use: the other one where it is that, else in the place of the one in use.
    pub fn show(&mut self, page: Page) {
        match &mut self.beside {
            Some(beside) if beside.page == page => {
                beside.is_left = !beside.is_left;
                std::mem::swap(&mut beside.page, &mut self.page);
            }
            _ => self.page = page,
        }
    }

    /// Puts a page in use, and another beside it or none, as they were kept.
    pub fn show_as(&mut self, page: Page, beside: Option<Beside>) {
        let (least, most) = Beside::SHARES.into_inner();
        let share = |share: f32| if share.is_finite() { share.clamp(least, most) } else { 0.5 };
        // Nothing keeps a file's two pages from being the same one.
        let beside = beside.filter(|beside| beside.page != page);
        self.beside = beside.map(|beside| Beside { share: share(beside.share), ..beside });
        self.page = page;
    }

    /// Shows a second page at the right, or the page in use alone.
    pub fn split(&mut self) {
        self.beside = match self.beside {
            Some(_) => None,
            None => Some(Beside { page: self.page.partner(), is_left: false, share: 0.5 }),
        };
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
    /// Two pages have no room beside each other.
    pub split: bool,
}

impl Narrow {
    /// Below this width, in points, the inspector is a drawer.
    pub const INSPECTOR_BELOW: f32 = 1100.0;
    /// Below this width the list is one too.
    pub const LIST_BELOW: f32 = 900.0;

    /// What a window of this width, in points, has no room for.
    pub fn at(width: f32) -> Self {
        Self { list: width < Self::LIST_BELOW, inspector: width < Self::INSPECTOR_BELOW, split: false }
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
    /// How wide the table's columns are.
    pub column_widths: ColumnWidths,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_never_shown_twice_and_keeps_its_place() {
        let mut pages = PageState::default();
        pages.split();
        let beside = pages.beside.unwrap();
        assert_eq!((pages.page, beside.page, beside.is_left), (Page::Table, Page::Histogram, false));
        // The page at the right comes into use and stays at the right.
        pages.show(Page::Histogram);
        assert_eq!(
            (pages.page, pages.beside.unwrap().page, pages.beside.unwrap().is_left),
            (Page::Histogram, Page::Table, true)
        );
        pages.show(Page::Graph);
        assert_eq!(pages.shown().collect::<Vec<_>>(), [Page::Graph, Page::Table]);
        pages.split();
        assert_eq!((pages.page, pages.beside), (Page::Graph, None));
        let odd = Beside { page: Page::Graph, is_left: true, share: f32::INFINITY };
        pages.show_as(Page::Table, Some(odd));
        assert_eq!((pages.page, pages.beside), (Page::Table, Some(Beside { share: 0.5, ..odd })));
        pages.show_as(Page::Graph, Some(Beside { share: 7.0, ..odd }));
        assert_eq!((pages.page, pages.beside), (Page::Graph, None), "never twice");
        for page in Page::MODEL.into_iter().chain(Page::LAYER) {
            assert_ne!(page, page.partner());
        }
    }
}
