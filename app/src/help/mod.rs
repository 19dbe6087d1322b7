//! The twenty questions of quantization (QUANTIZATION.md Q1–Q20), each with an answer that holds anywhere, what it comes
//! to in the open model, and the place in the window where that can be seen.
//!
//! Every number is one of the report, or follows from such by the formula that stands beside it.

mod arithmetic;
mod errors;
mod formats;
mod questions;
#[cfg(test)]
mod tests;

use quantlens_analysis::{
    report::{ActivationSummary, LayerRow, Report, WeightSummary},
    t,
};

use crate::{
    command::Command,
    document::{Document, Page},
    selection::SelectMode,
};

pub use questions::{GROUPS, Group, Question};

/// What a question comes to in the open model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Here {
    /// Sentences, and formulas with the model's own numbers; empty where nothing can be said yet.
    pub lines: Vec<Line>,
    /// Where it can be seen.
    pub place: Option<Place>,
}

/// A line of [`Here`].
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// Words.
    Text(String),
    /// A formula, in digits of one width.
    Formula(String),
}

/// A place in the window.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// The layer to select, where it is about one.
    pub layer: Option<String>,
    /// The page to show.
    pub page: Page,
}

impl Place {
    /// What a button calls it: "Show Arithmetic of conv1".
    pub fn title(&self) -> String {
        match &self.layer {
            Some(layer) => t!("Show {} of {}", self.page.title(), layer),
            None => t!("Show {}", self.page.title()),
        }
    }

    /// What going there sends.
    pub fn commands(&self) -> Vec<Command> {
        let select = |layer: &String| Command::Select { layer: layer.clone(), mode: SelectMode::Replace, reveal: true };
        self.layer.iter().map(select).chain([Command::ShowPage(self.page)]).collect()
    }
}

/// What question `number` (1 to 20) comes to in the open model.
pub fn here(doc: &Document, number: u8) -> Here {
    let Some(report) = doc.report.value.as_deref() else { return Here::default() };
    let ground = Ground { doc, report };
    match number {
        1 => formats::symmetric(&ground),
        2 => formats::affine(&ground),
        3 => errors::causes(&ground),
        4 => errors::good_enough(&ground),
        5 => errors::where_it_lives(&ground),
        6 => errors::flow(&ground),
        7 => errors::post_training(&ground),
        8 => formats::granularity(&ground),
        9 => formats::fake(&ground),
        10 => arithmetic::roles(&ground),
        11 => arithmetic::requantization(&ground),
        12 => errors::mixed(&ground),
        13 => arithmetic::operators(&ground),
        14 => arithmetic::multiplier(&ground),
        15 => arithmetic::bias(&ground),
        16 => formats::zero(&ground),
        17 => errors::ranges(&ground),
        18 => formats::narrow(&ground),
        19 => errors::falls(&ground),
        20 => errors::cosine(&ground),
        _ => Here::default(),
    }
}

/// What answers are made of.
struct Ground<'a> {
    doc: &'a Document,
    report: &'a Report,
}

/// A layer with integer weights between integer activations, and the quantizers around it.
struct Linear<'a> {
    row: &'a LayerRow,
    weight: &'a WeightSummary,
    /// Of what it reads.
    input: &'a ActivationSummary,
    /// The layer that makes what it reads.
    from: &'a str,
    output: &'a ActivationSummary,
}

impl<'a> Ground<'a> {
    /// The row of the selected layer where `fits`, else the first row that does.
    fn row(&self, fits: impl Fn(&LayerRow) -> bool) -> Option<&'a LayerRow> {
        let selected =
            self.doc.selection.anchor.as_deref().and_then(|name| self.report.rows.iter().find(|r| r.info.name == name));
        selected.filter(|row| fits(row)).or_else(|| self.report.rows.iter().find(|row| fits(row)))
    }

    /// A row with integer weights.
    fn weighted(&self) -> Option<(&'a LayerRow, &'a WeightSummary)> {
        let row = self.row(|row| row.weight.as_ref().is_some_and(|w| w.number.integer().is_some()))?;
        Some((row, row.weight.as_ref()?))
    }

    /// A row with an integer output.
    fn active(&self, fits: impl Fn(&ActivationSummary) -> bool) -> Option<(&'a LayerRow, &'a ActivationSummary)> {
        let is = |row: &LayerRow| row.activation.as_ref().is_some_and(|a| a.grid.is_some() && fits(a));
        let row = self.row(is)?;
        Some((row, row.activation.as_ref()?))
    }

    /// A layer of integers throughout.
    fn linear(&self) -> Option<Linear<'a>> {
        let row = self.row(|row| self.linear_of(row).is_some())?;
        self.linear_of(row)
    }

    fn linear_of<'b>(&self, row: &'b LayerRow) -> Option<Linear<'b>>
    where
        'a: 'b,
    {
        let integer = |a: &&ActivationSummary| a.grid.is_some();
        let weight = row.weight.as_ref().filter(|w| w.number.integer().is_some())?;
        let (_, from) = row.info.inputs.first()?;
        let maker = self.report.rows.iter().find(|r| r.info.name == *from)?;
        let input = maker.activation.as_ref().filter(integer)?;
        Some(Linear { row, weight, input, from, output: row.activation.as_ref().filter(integer)? })
    }
}

impl Here {
    fn of(lines: impl IntoIterator<Item = Line>) -> Self {
        Self { lines: lines.into_iter().collect(), place: None }
    }

    fn text(text: impl Into<String>) -> Self {
        Self::of([Line::Text(text.into())])
    }

    /// With the place where it can be seen.
    fn at(mut self, layer: Option<&str>, page: Page) -> Self {
        self.place = Some(Place { layer: layer.map(str::to_owned), page });
        self
    }
}

fn text(text: impl Into<String>) -> Line {
    Line::Text(text.into())
}

fn formulas(lines: Vec<String>) -> impl Iterator<Item = Line> {
    lines.into_iter().map(Line::Formula)
}
