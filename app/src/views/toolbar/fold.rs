//! Which parts of the row have room. What a part takes is worked out from its words: to measure it, it would have to be
//! drawn, and a part that comes and goes from frame to frame flickers.

use egui::{Color32, TextStyle, Ui};
use quantlens_analysis::t;

use super::defaults::Defaults;

/// What a part of the row consists of.
pub(super) enum Part<'a> {
    /// Words.
    Label(&'a str),
    /// A button with these words.
    Button(&'a str),
    /// A choice that shows these words.
    Choice(&'a str),
    /// A line between parts.
    Line,
}

/// A part that may stand in the menu at the row's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tool {
    /// The method of all ranges.
    Ranges,
    /// What shares a scale in all weights.
    Weights,
    /// The codes of all outputs and weights.
    Codes,
    /// Which part the width keys set.
    Keys,
}

impl Tool {
    /// What goes into the menu first: what is changed least.
    const ORDER: [Self; 4] = [Self::Codes, Self::Keys, Self::Weights, Self::Ranges];
}

/// The tools that have no room beside `fixed` and the widths, in the order of the row.
pub(super) fn folded(ui: &Ui, fixed: &[Part<'_>], defaults: &Defaults) -> Vec<Tool> {
    let width = |parts: &[Part<'_>]| parts.iter().map(|part| part_width(ui, part)).sum::<f32>();
    let tools = Tool::ORDER.map(|tool| (tool, width(&defaults.parts(tool))));
    let mut left = ui.available_width() - width(fixed) - width(&defaults.widths());
    left -= tools.iter().map(|(_, width)| width).sum::<f32>();
    if left >= 0.0 {
        return Vec::new();
    }
    left -= part_width(ui, &Part::Button(t!("More")));
    let mut folded = Vec::new();
    for (tool, width) in tools {
        if left < 0.0 {
            left += width;
            folded.push(tool);
        }
    }
    folded
}

/// A part with the gap behind it.
fn part_width(ui: &Ui, part: &Part<'_>) -> f32 {
    let spacing = ui.spacing();
    let words = |text: &str, style: TextStyle| {
        ui.painter().layout_no_wrap(text.to_owned(), style.resolve(ui.style()), Color32::PLACEHOLDER).size().x
    };
    let padding = 2.0 * spacing.button_padding.x;
    let width = match part {
        Part::Label(text) => words(text, TextStyle::Body),
        Part::Button(text) => words(text, TextStyle::Button) + padding,
        Part::Choice(text) => words(text, TextStyle::Button) + padding + spacing.icon_spacing + spacing.icon_width,
        // As egui draws it.
        Part::Line => 6.0,
    };
    let is_control = matches!(part, Part::Button(_) | Part::Choice(_));
    width.max(if is_control { spacing.interact_size.x } else { 0.0 }) + spacing.item_spacing.x
}
