//! Text on a page: its size, its width, and where its lines break.

use plotters::{
    coord::Shift,
    drawing::DrawingArea,
    element::Text,
    prelude::DrawingBackend,
    style::{Color as _, FontFamily, IntoFont as _, TextStyle},
};

use super::{
    brush::{Anchor, paint},
    file::family,
    page::{Drawn, Pixel},
};

/// Writes on one drawing area.
pub(super) struct Letters<'a, DB: DrawingBackend> {
    root: &'a DrawingArea<DB, Shift>,
    /// Pixels of one pixel at 1×.
    unit: i32,
    /// Added to the height of every text, in pixels.
    pub(super) drop: i32,
}

impl<'a, DB: DrawingBackend> Letters<'a, DB> {
    /// `drop` is in pixels at 1×.
    pub(super) fn new(root: &'a DrawingArea<DB, Shift>, unit: i32, drop: i32) -> Self {
        Self { root, unit, drop: drop * unit }
    }

    /// Letters of this size at 1×.
    pub(super) fn style(&self, points: i32, color: egui::Color32) -> TextStyle<'static> {
        // plotters takes the line height for the size: 1.24 times the letters' nominal size.
        let size = f64::from(points * self.unit) * 1.24;
        let mut style = TextStyle::from((FontFamily::Name(family()), size).into_font());
        style.color = paint(color, 1.0).to_backend_color();
        style
    }

    /// Writes one line.
    pub(super) fn text(&self, text: &str, at: Pixel, points: i32, anchor: Anchor, color: egui::Color32) -> Drawn<DB> {
        if text.is_empty() {
            return Ok(());
        }
        let style = self.style(points, color).pos(anchor.pos());
        self.root.draw(&Text::new(text.to_owned(), (at.0, at.1 + self.drop), style))
    }

    /// Width of a line in pixels.
    pub(super) fn width(&self, text: &str, points: i32) -> i32 {
        width(text, points, self.unit)
    }

    /// [`fit`] at this page's scale.
    pub(super) fn fit(&self, text: &str, points: i32, width: i32) -> String {
        fit(text, points, width, self.unit)
    }

    /// The text, or as much of its end as fits: names of layers differ there.
    pub(super) fn fit_end(&self, text: &str, points: i32, width: i32) -> String {
        let mut shown = text.to_owned();
        while self.width(&shown, points) > width && shown.chars().count() > 1 {
            shown = std::iter::once('…').chain(shown.chars().skip(2)).collect();
        }
        shown
    }

    /// [`wrap`] at this page's scale.
    pub(super) fn wrap(&self, text: &str, points: i32, width: i32, most: usize) -> Vec<String> {
        wrap(text, points, width, most, self.unit)
    }
}

/// Width of a line in pixels; `unit` is the pixels of one at 1×.
pub(super) fn width(text: &str, points: i32, unit: i32) -> i32 {
    // plotters takes the line height for the size: 1.24 times the letters' nominal size.
    let font = (FontFamily::Name(family()), f64::from(points * unit) * 1.24).into_font();
    font.box_size(text).map_or(0, |(width, _)| i32::try_from(width).unwrap_or(0))
}

/// The text, or as much of it as fits into so many pixels and an ellipsis.
pub(super) fn fit(text: &str, points: i32, room: i32, unit: i32) -> String {
    let mut shown = text.to_owned();
    while width(&shown, points, unit) > room && shown.chars().count() > 1 {
        let keep = shown.chars().count() - 2;
        shown = shown.chars().take(keep).chain(['…']).collect();
    }
    shown
}

/// At most `most` lines that are no wider than `room` pixels; the last one ends in an ellipsis where there would be more.
pub(super) fn wrap(text: &str, points: i32, room: i32, most: usize, unit: i32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for (space, piece) in pieces(text) {
        let longer = lines.last().map(|line| format!("{line}{}{piece}", if space { " " } else { "" }));
        match (lines.last_mut(), longer) {
            (Some(line), Some(longer)) if width(&longer, points, unit) <= room => *line = longer,
            _ => lines.push(piece),
        }
    }
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            last.push('…');
        }
    }
    // A name without a place to break at may be wider than the page.
    lines.into_iter().map(|line| fit(&line, points, room, unit)).collect()
}

/// What a text may be broken between, each with whether a space stands before it: words, the parts of a layer's path, and
/// the single characters of Chinese, which has no spaces; punctuation stays where it belongs.
fn pieces(text: &str) -> Vec<(bool, String)> {
    let is_chinese = |c: char| matches!(c, '\u{2E80}'..='\u{9FFF}' | '\u{FF00}'..='\u{FFEF}');
    let mut pieces: Vec<(bool, String)> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let mut before = None;
        for c in word.chars() {
            let is_break = before.is_none_or(|before| {
                let is_path = before == '/' && c.is_alphanumeric();
                let is_between = (is_chinese(before) || is_chinese(c)) && !"（“".contains(before);
                is_path || (is_between && !"，。：；、）”！？".contains(c))
            });
            match pieces.last_mut() {
                Some((_, piece)) if !is_break => piece.push(c),
                _ => pieces.push((before.is_none(), c.to_string())),
            }
            before = Some(c);
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(text: &str) -> String {
        pieces(text).iter().map(|(space, piece)| format!("{}{piece}", if *space { " " } else { "|" })).collect()
    }

    #[test]
    fn words_are_broken_at_spaces_and_chinese_anywhere_but_before_punctuation() {
        assert_eq!(joined("Weights 8 bits,  per channel"), " Weights 8 bits, per channel");
        assert_eq!(joined("Output of /block1/conv.2/Conv"), " Output of /|block1/|conv.2/|Conv");
        assert_eq!(joined("权重 8 位，逐（通道）"), " 权|重 8 位，|逐|（通|道）");
    }
}
