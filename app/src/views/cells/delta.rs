//! Differences to the pinned baseline as they read: sign, number, and a mark for the better or the worse.
//!
//! Which way is better depends on the number: decibels and cosines are better when larger, errors, clipped shares and
//! sizes when smaller. A difference that other samples of the kind might well turn around is grey and has no mark.

use egui::{Align, Color32, Rect, Ui};
use quantlens_analysis::{
    compare::{Change, RowChange},
    t,
};

use super::{Ink, paint_text};
use crate::{
    format,
    rows::Column,
    theme::{self, Tokens},
};

/// For the better, for the worse, or neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Turn {
    /// No difference, or one within chance.
    #[default]
    None,
    /// For the better.
    Better,
    /// For the worse.
    Worse,
}

impl Turn {
    /// Its mark; empty for none. Colour is never the only sign.
    pub fn mark(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Better => "▲",
            Self::Worse => "▼",
        }
    }

    /// Its colour.
    pub fn colour(self, tokens: &Tokens) -> Color32 {
        match self {
            Self::None => tokens.weak,
            Self::Better => tokens.better,
            Self::Worse => tokens.worse,
        }
    }
}

/// What a number measures, and so how its difference is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Decibels; more is better.
    Decibels,
    /// A cosine; more is better.
    Cosine,
    /// A magnitude ratio; neither way is better.
    Gain,
    /// The unit of the tensor; less is better.
    Error,
    /// A share, shown in per cent; less is better.
    Share,
    /// Bytes; less is better.
    Bytes,
}

/// A difference, ready to be drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Delta {
    /// "+3.1", "exact".
    pub text: String,
    /// Which way.
    pub turn: Turn,
    /// Where the number comes from, for hover.
    pub why: String,
}

impl Delta {
    /// "▲ +3.1".
    pub fn marked(&self) -> String {
        let mark = self.turn.mark();
        if mark.is_empty() { self.text.clone() } else { format!("{mark}{}", self.text) }
    }
}

/// What a column of the table shows of a layer's difference; `None` for columns without numbers.
pub fn change_of(column: Column, change: &RowChange) -> Option<(&Change, Unit)> {
    Some(match column {
        Column::Local => (&change.local.sqnr_db, Unit::Decibels),
        Column::Accumulated => (&change.accumulated.sqnr_db, Unit::Decibels),
        Column::Cosine => (&change.accumulated.cosine, Unit::Cosine),
        Column::MaxAbs => (&change.accumulated.max_abs, Unit::Error),
        Column::Clipped => (&change.clipped_fraction, Unit::Share),
        Column::Size => (&change.quantized_bytes, Unit::Bytes),
        _ => return None,
    })
}

/// The difference of a column's number; `None` where there is none.
pub fn delta(column: Column, change: &RowChange) -> Option<Delta> {
    let (change, unit) = change_of(column, change)?;
    delta_of(change, unit)
}

/// A difference as it is drawn; `None` where one of the two numbers does not apply.
pub fn delta_of(change: &Change, unit: Unit) -> Option<Delta> {
    let difference = change.delta?;
    let text = match unit {
        _ if difference == f64::INFINITY => t!("now exact").to_owned(),
        _ if difference == f64::NEG_INFINITY => t!("was exact").to_owned(),
        Unit::Decibels => format::signed(difference, 1),
        Unit::Cosine | Unit::Gain => format::signed(difference, 4),
        Unit::Error => plus(difference, format::significant(difference, 2)),
        Unit::Share => format::signed(100.0 * difference, 2),
        Unit::Bytes => format::signed_bytes(difference),
    };
    let is_nothing = text.chars().all(|c| !c.is_ascii_digit() || c == '0') && difference.is_finite();
    let is_up = difference > 0.0;
    let turn = match unit {
        _ if is_nothing || change.is_within_chance() => Turn::None,
        Unit::Gain => Turn::None,
        Unit::Decibels | Unit::Cosine if is_up => Turn::Better,
        Unit::Error | Unit::Share | Unit::Bytes if !is_up => Turn::Better,
        _ => Turn::Worse,
    };
    Some(Delta { text, turn, why: why(change, unit) })
}

/// A plus where `text` lacks its sign.
fn plus(difference: f64, text: String) -> String {
    if difference > 0.0 && !text.starts_with('+') { format!("+{text}") } else { text }
}

/// "Was 24.8, is 27.9; 95 % interval over samples +2.6 … +3.5".
fn why(change: &Change, unit: Unit) -> String {
    let value = |measure| match unit {
        Unit::Decibels => format::db_unit(measure),
        Unit::Cosine => format::ratio(measure),
        Unit::Gain => format::gain(measure),
        Unit::Error => format::size_free(measure),
        Unit::Share => format!("{} %", format::percent_measure(measure)),
        Unit::Bytes => measure.value().map_or_else(|| format::UNKNOWN.to_owned(), format::whole_bytes),
    };
    let mut text = t!("Pinned: {}; now: {}", value(change.was), value(change.now));
    if let Some((low, high)) = change.interval {
        let end = |end: f64| if end.is_finite() { format::signed(end, 1) } else { format::significant(end, 1) };
        text.push_str(&t!("; 95 % interval of the difference over samples: {} … {} dB", end(low), end(high)));
        if change.is_significant() == Some(false) {
            text.push_str(t!(", which has 0 in it"));
        }
    }
    text
}

/// Paints a difference at the right of `rect`; slanted while the numbers refine.
pub fn paint_delta(ui: &Ui, rect: Rect, delta: &Delta, italic: bool) {
    let ink = Ink { colour: delta.turn.colour(theme::tokens(ui)), italic, align: Align::Max };
    let font = egui::FontId::new(theme::number_font(ui).size - 1.0, theme::number_font(ui).family);
    paint_text(ui, rect, &delta.marked(), font, ink);
}

#[cfg(test)]
mod tests {
    use quantlens_analysis::metrics::Measure;

    use super::*;

    fn change(was: f64, now: f64, interval: Option<(f64, f64)>) -> Change {
        Change { interval, ..Change::between(Measure::Value(was), Measure::Value(now)) }
    }

    fn drawn(was: f64, now: f64, unit: Unit) -> String {
        delta_of(&change(was, now, None), unit).unwrap().marked()
    }

    #[test]
    fn the_mark_says_better_or_worse_the_sign_says_more_or_less() {
        assert_eq!(drawn(24.8, 27.9, Unit::Decibels), "▲+3.1");
        assert_eq!(drawn(27.9, 24.8, Unit::Decibels), "▼−3.1");
        assert_eq!(drawn(0.02, 0.005, Unit::Share), "▲−1.50");
        assert_eq!(drawn(1.5, 2.0, Unit::Error), "▼+0.50");
        assert_eq!(drawn(2048.0, 1024.0, Unit::Bytes), "▲−1.0 KiB");
        assert_eq!(drawn(0.99, 1.01, Unit::Gain), "+0.0200");
        // Below the last digit shown there is no difference to speak of.
        assert_eq!(drawn(20.0, 20.04, Unit::Decibels), "0.0");
    }

    #[test]
    fn what_is_within_chance_has_no_mark_and_says_why() {
        let delta = delta_of(&change(20.0, 20.6, Some((-0.2, 1.4))), Unit::Decibels).unwrap();
        assert_eq!((delta.marked().as_str(), delta.turn), ("+0.6", Turn::None));
        assert_eq!(
            delta.why,
            "Pinned: 20.0 dB; now: 20.6 dB; 95 % interval of the difference over samples: −0.2 … +1.4 dB, which has 0 in it"
        );
        assert_eq!(delta_of(&change(20.0, 20.6, Some((0.2, 1.4))), Unit::Decibels).unwrap().turn, Turn::Better);
    }

    #[test]
    fn exact_is_beyond_every_number() {
        let now = Change::between(Measure::Value(20.0), Measure::Exact);
        assert_eq!(delta_of(&now, Unit::Decibels).unwrap().marked(), "▲now exact");
        let none = Change::between(Measure::NotApplicable("float"), Measure::Value(1.0));
        assert_eq!(delta_of(&none, Unit::Decibels), None);
    }
}
