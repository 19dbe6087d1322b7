//! One layer's values as text, and how a row of them is painted. The table, the list and the inspector share this, so
//! that the same value reads the same everywhere.
//!
//! Rows paint text instead of adding labels: a thousand labels a frame cost more than the frame has, and a screen
//! reader is served by one sentence for each row ([`row_label`]) rather than by a dozen bare numbers.

use egui::{Theme, Ui};
use quantlens_analysis::{
    metrics::Measure,
    quant::Bits,
    report::{LayerInfo, LayerRow, Report},
    t, text,
};

use crate::{
    command::Part,
    format::{self, sentence},
    rows::Column,
};

mod delta;
mod paint;

pub use delta::{Delta, Turn, Unit, change_of, delta, delta_of, paint_delta};
pub use paint::{Ink, paint_bits, paint_cell, paint_differs, paint_name, paint_notes, paint_text, put_name, put_text};

/// What stands in a cell and how.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cell {
    /// The text.
    pub text: String,
    /// What to say on hover; `None` where the text says it all.
    pub why: Option<String>,
    /// An error in dB that tints the cell; `None` without.
    pub tint_db: Option<f64>,
    /// Drawn in the weak colour: unknown, not applicable, not editable.
    pub weak: bool,
}

/// The theme in which `ui` is drawn.
pub fn theme_of(ui: &Ui) -> Theme {
    if ui.visuals().dark_mode { Theme::Dark } else { Theme::Light }
}

/// How many of the samples asked for the numbers come from, "1/32"; `None` once they are all in.
pub fn stamp(report: &Report) -> Option<String> {
    (report.samples < report.samples_total).then(|| format!("{}/{}", report.samples, report.samples_total))
}

/// The measure that a column shows, where it shows one.
pub fn measure_of(column: Column, row: &LayerRow) -> Option<Measure> {
    match column {
        Column::Local => Some(row.local.sqnr_db),
        Column::Accumulated => Some(row.accumulated.sqnr_db),
        Column::Cosine => Some(row.accumulated.cosine),
        Column::MaxAbs => Some(row.accumulated.max_abs),
        Column::Clipped => Some(row.clipped_fraction),
        _ => None,
    }
}

/// What stands in `column` for a layer; `row` is `None` until it was evaluated.
pub fn cell(column: Column, info: &LayerInfo, row: Option<&LayerRow>) -> Cell {
    match column {
        Column::Index => Cell { text: info.index.to_string(), weak: true, ..Cell::default() },
        Column::Name => Cell { text: info.name.clone(), ..Cell::default() },
        Column::Op => Cell { text: info.op.clone(), ..Cell::default() },
        Column::WeightBits => format_cell(Part::Weights, info, row),
        Column::ActivationBits => format_cell(Part::Activations, info, row),
        Column::Granularity => Cell {
            text: row.and_then(|r| r.granularity).map_or_else(String::new, |g| format::granularity(g).to_owned()),
            weak: true,
            ..Cell::default()
        },
        Column::Flow => row.map_or_else(unknown, flow_cell),
        Column::Size => row.map_or_else(unknown, size_cell),
        Column::Note => note_cell(row),
        _ => match row.and_then(|row| measure_of(column, row)) {
            Some(measure) => measure_cell(column, measure),
            None => unknown(),
        },
    }
}

fn unknown() -> Cell {
    Cell { text: format::UNKNOWN.into(), why: Some(t!("Not known yet").into()), weak: true, tint_db: None }
}

fn measure_cell(column: Column, measure: Measure) -> Cell {
    let is_db = matches!(column, Column::Local | Column::Accumulated);
    let text = match column {
        Column::Cosine => format::ratio(measure),
        Column::MaxAbs => format::size_free(measure),
        Column::Clipped => format::percent_measure(measure),
        _ => format::db(measure),
    };
    let tint_db = if let (true, Measure::Value(db)) = (is_db, measure) { Some(db) } else { None };
    Cell { text, why: format::why(measure).map(sentence), tint_db, weak: !matches!(measure, Measure::Value(_)) }
}

/// "+1.2", "−2.1", "mixes"; the levels on hover.
fn flow_cell(row: &LayerRow) -> Cell {
    match &row.flow {
        Ok(flow) => Cell { text: format::flow(flow), why: Some(format::flow_words(flow)), ..Cell::default() },
        Err(why) => {
            Cell { text: format::UNKNOWN.into(), why: Some(sentence(text::text(why))), weak: true, tint_db: None }
        }
    }
}

fn size_cell(row: &LayerRow) -> Cell {
    if row.float_bytes == 0 {
        return Cell { why: Some(t!("No constants").into()), weak: true, ..Cell::default() };
    }
    let why = t!("{} as float", format::bytes(row.float_bytes));
    Cell { text: format::bytes(row.quantized_bytes), why: Some(why), ..Cell::default() }
}

fn note_cell(row: Option<&LayerRow>) -> Cell {
    let notes = row.map(notes).unwrap_or_default();
    Cell { why: (!notes.is_empty()).then(|| notes.join("\n")), ..Cell::default() }
}

/// What a reader of the row should know beside its numbers, each a sentence.
pub fn notes(row: &LayerRow) -> Vec<String> {
    let mut notes = Vec::new();
    if row.edited {
        notes.push(t!("Edited: differs from the defaults").to_owned());
    }
    notes.extend(loss_note(row));
    if gain_is_off(row) {
        let gain = format::ratio(row.accumulated.gain);
        notes.push(t!("The direction is kept but the magnitude is not: gain {}", gain));
    }
    notes
}

/// What the row's SQNR does not tell of its values.
pub fn loss_note(row: &LayerRow) -> Option<String> {
    let share = row.vanished_fraction.filter(|_| row.hides_losses())?;
    let share = format::number(100.0 * share, 0);
    Some(t!("{} % of its values become 0: a few huge ones take the range, and the SQNR is theirs", share))
}

/// A cosine above 0.99 hides a gain that is off by more than 5 %: it sees direction and is blind to magnitude.
pub fn gain_is_off(row: &LayerRow) -> bool {
    let value = |measure| if let Measure::Value(v) = measure { Some(v) } else { None };
    let pair = value(row.accumulated.cosine).zip(value(row.accumulated.gain));
    pair.is_some_and(|(cosine, gain)| cosine > 0.99 && (gain - 1.0).abs() > 0.05)
}

/// What a layer's weights or output may be set to, and why not where not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Editable {
    /// The layer has no such tensor.
    Absent,
    /// It stays float, for this reason.
    Fixed(String),
    /// It can be set.
    Yes,
    /// It can be set, together with that of these other layers.
    Shared(Vec<String>),
}

/// What a layer's weights (or else its output) may be set to. `Part::Both` asks for the output.
pub fn editable(part: Part, info: &LayerInfo) -> Editable {
    let weights = part == Part::Weights;
    let (fixed, shared) = if weights {
        (&info.weight_fixed, &info.shares_weight_with)
    } else {
        (&info.activation_fixed, &info.shares_activation_with)
    };
    if weights && info.weight.is_none() {
        return Editable::Absent;
    }
    if let Some(reason) = fixed {
        return Editable::Fixed(reason.to_string());
    }
    let others: Vec<String> = shared.iter().filter(|name| **name != info.name).cloned().collect();
    if others.is_empty() { Editable::Yes } else { Editable::Shared(others) }
}

/// "Also changes 3 layers: a, b, c".
pub fn also_changes(others: &[String]) -> String {
    const SHOWN: usize = 4;
    let names: Vec<&str> = others.iter().take(SHOWN).map(String::as_str).collect();
    let more = others.len().saturating_sub(SHOWN);
    let (layers, names) = (format::plural(others.len(), "layer"), names.join(", "));
    if more > 0 {
        t!("Also changes {}: {} and {} more", layers, names, more)
    } else {
        t!("Also changes {}: {}", layers, names)
    }
}

/// The width that is in force for a part of the layer.
pub fn bits_of(part: Part, row: &LayerRow) -> Option<Bits> {
    if part == Part::Weights { row.weight_bits } else { row.activation_bits }
}

fn format_cell(part: Part, info: &LayerInfo, row: Option<&LayerRow>) -> Cell {
    let text = row.map(|row| bits_of(part, row).map_or_else(|| format::bits(Bits::Float), format::bits));
    match editable(part, info) {
        Editable::Absent => Cell { why: Some(t!("No weights").into()), weak: true, ..Cell::default() },
        Editable::Fixed(reason) => {
            Cell { text: format::bits(Bits::Float), why: Some(sentence(&reason)), weak: true, tint_db: None }
        }
        Editable::Shared(others) => Cell {
            text: text.unwrap_or_else(|| format::UNKNOWN.into()),
            why: Some(t!("One setting for several layers. {}", also_changes(&others))),
            weak: true,
            tint_db: None,
        },
        Editable::Yes => Cell { text: text.unwrap_or_else(|| format::UNKNOWN.into()), ..Cell::default() },
    }
}

/// The row as a screen reader says it: "conv1, Conv, weights 8 bits, output 8 bits, 24.8 dB accumulated".
pub fn row_label(info: &LayerInfo, row: Option<&LayerRow>) -> String {
    let mut parts = vec![info.name.clone(), info.op.clone()];
    let Some(row) = row else {
        parts.push(t!("not evaluated yet").into());
        return parts.join(t!(", "));
    };
    parts.extend(row.weight_bits.map(|bits| t!("weights {}", format::bits_words(bits))));
    parts.extend(row.activation_bits.map(|bits| t!("output {}", format::bits_words(bits))));
    parts.push(t!("{} accumulated", format::db_unit(row.accumulated.sqnr_db)));
    parts.join(t!(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::fixtures;

    fn of<'a>(report: &'a Report, name: &str) -> &'a LayerRow {
        report.rows.iter().find(|row| row.info.name == name).unwrap()
    }

    #[test]
    fn cells_tell_apart_unknown_exact_and_not_applicable() {
        let report = fixtures::report();
        let text = |name: &str, column| {
            let row = of(&report, name);
            cell(column, &row.info, Some(row)).text
        };
        assert_eq!(text("stem/conv", Column::Accumulated), "37.1");
        assert_eq!(text("head/fc", Column::Accumulated), "−0.2");
        assert_eq!(text("pool", Column::Local), "exact");
        assert_eq!(text("head/softmax", Column::Local), "n/a");
        assert_eq!(text("block3/depthwise", Column::Clipped), "2.10");
        let row = of(&report, "stem/conv");
        let before = cell(Column::Accumulated, &row.info, None);
        assert_eq!((before.text.as_str(), before.weak), ("–", true));
        let why = cell(Column::Local, &of(&report, "head/softmax").info, Some(of(&report, "head/softmax"))).why;
        assert_eq!(why.as_deref(), Some("The output is float"));
    }

    #[test]
    fn a_format_says_whether_and_what_an_edit_would_change() {
        let report = fixtures::report();
        let editable = |name: &str, part| editable(part, &of(&report, name).info);
        assert_eq!(editable("stem/conv", Part::Weights), Editable::Yes);
        assert_eq!(editable("block2/add", Part::Weights), Editable::Absent);
        assert!(matches!(editable("head/softmax", Part::Activations), Editable::Fixed(r) if r.contains("Softmax")));
        assert_eq!(editable("head/flatten", Part::Activations), Editable::Shared(vec!["head/pool".to_owned()]));
        let names: Vec<String> = (1..=6).map(|i| format!("c{i}")).collect();
        assert_eq!(also_changes(&names), "Also changes 6 layers: c1, c2, c3, c4 and 2 more");
    }

    #[test]
    fn a_row_is_one_sentence_for_a_screen_reader() {
        let report = fixtures::report();
        let row = of(&report, "block3/depthwise");
        let spoken = row_label(&row.info, Some(row));
        assert_eq!(spoken, "block3/depthwise, Conv, weights 4 bits, output 8 bits, 9.6 dB accumulated");
        assert_eq!(row_label(&row.info, None), "block3/depthwise, Conv, not evaluated yet");
    }

    #[test]
    fn a_gain_is_flagged_only_where_the_cosine_hides_it() {
        let mut report = fixtures::report();
        let row = &mut report.rows[1];
        assert!(!gain_is_off(row));
        row.accumulated.cosine = Measure::Value(0.995);
        row.accumulated.gain = Measure::Value(0.9);
        assert!(gain_is_off(row) && notes(row).iter().any(|note| note.contains("0.9000")));
        row.accumulated.cosine = Measure::Value(0.9);
        assert!(!gain_is_off(row), "a low cosine is already visible");
        row.vanished_fraction = Some(0.731);
        assert!(notes(row).iter().any(|note| note.starts_with("73 % of its values become 0")));
        row.vanished_fraction = Some(0.01);
        assert!(notes(row).is_empty());
    }
}
