//! The colours of all cards and lines for one set of numbers, worked out once and kept.

use egui::{Color32, Theme};
use quantlens_analysis::{compare::Comparison, report::Report, t};

use crate::{
    heat::{Scale, SignedScale},
    memo::Same,
    rows::Column,
    theme,
};

/// What colours depend on.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Key {
    /// The numbers.
    pub(super) report: Option<Same<Report>>,
    /// The differences to show instead.
    pub(super) comparison: Option<Same<Comparison>>,
    /// The metric.
    pub(super) column: Column,
    /// The ends of the colours are the best and the worst layer's.
    pub(super) fitted: bool,
    /// Whose colours.
    pub(super) theme: Theme,
}

/// Which scale the cards are tinted on.
#[derive(Clone, Copy, Debug)]
pub(super) enum Legend {
    /// Values.
    Values(Scale),
    /// Differences to the pinned baseline.
    Changes(SignedScale),
}

impl Legend {
    /// What is measured, and the values at the two ends of the colours.
    pub(super) fn words(&self) -> (String, String, String) {
        match self {
            Self::Values(scale) => {
                let (good, bad) = scale.ends();
                (scale.column.title().to_owned(), good, bad)
            }
            Self::Changes(scale) => {
                let end = scale.end();
                (format!("Δ {}", scale.column.title()), t!("▼ {} worse", end), t!("{} better ▲", end))
            }
        }
    }
}

/// A card's colours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tint {
    /// Behind its text.
    pub(super) fill: Color32,
    /// Where it is a bar without text: stands out from the canvas also when there is nothing to tell.
    pub(super) bar: Color32,
    /// Lines that carry its output.
    pub(super) line: Color32,
    /// How bad the error of that output is, 0 to 1: the lines' width.
    pub(super) flow: f32,
}

/// All of them.
#[derive(Clone, Debug)]
pub(super) struct Tints {
    /// By layer.
    pub(super) cards: Vec<Tint>,
    /// For layers without numbers.
    pub(super) unknown: Tint,
    /// The scale of the cards.
    pub(super) legend: Legend,
}

impl Tints {
    /// The colours for these numbers.
    pub(super) fn of(key: &Key) -> Self {
        let Key { report, comparison, column, fitted, theme } = key;
        let report = report.as_ref().map(|report| &*report.0);
        let values = Scale::of(*column, report, *fitted);
        let flows = Scale::of(Column::Accumulated, report, false);
        let changes = comparison.as_ref().map(|c| (&*c.0, SignedScale::of(*column, &c.0, *fitted)));
        let tokens = theme::of(*theme);
        let unknown = Tint { fill: tokens.panel, bar: tokens.local, line: tokens.local, flow: 0.0 };
        let cards = report.into_iter().flat_map(|report| &report.rows).map(|row| {
            let flow = flows.share(row);
            let line = flow.map_or(unknown.line, |share| theme::flow_colour(*theme, share));
            let flow = flow.unwrap_or(0.0);
            let (fill, bar) = match changes {
                Some((comparison, scale)) => {
                    let share = comparison.row(&row.info.name).and_then(|change| scale.share(change)).unwrap_or(0.0);
                    let fill = theme::change_colour(*theme, share);
                    (fill, if share == 0.0 { unknown.bar } else { fill })
                }
                None => values.share(row).map_or((unknown.fill, unknown.bar), |share| {
                    (theme::heat_colour(*theme, share), theme::flow_colour(*theme, share))
                }),
            };
            Tint { fill, bar, line, flow }
        });
        let legend = changes.map_or(Legend::Values(values), |(_, scale)| Legend::Changes(scale));
        Self { cards: cards.collect(), unknown, legend }
    }

    /// A card's colours.
    pub(super) fn card(&self, card: usize) -> Tint {
        self.cards.get(card).copied().unwrap_or(self.unknown)
    }
}
