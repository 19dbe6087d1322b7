//! How figures leave the program: what the figure dialog offers, kept between runs.

use egui::Theme;
use serde::{Deserialize, Serialize};

use super::file::FileOptions;

/// Pixels of an inch at 1×, as in CSS and SVG.
const PER_INCH: f32 = 96.0;
/// Millimetres of an inch.
const INCH_MM: f32 = 25.4;
/// Least and most pixels of a side at 1×: letters have a size of their own, and a PNG at 3× has to fit into memory.
const WIDTHS: (f32, f32) = (300.0, 2400.0);
const HEIGHTS: (f32, f32) = (225.0, 2400.0);

/// How a figure is exported and copied.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FigureChoice {
    /// The kind of file; the clipboard gets pixels in any case.
    pub format: Format,
    /// What width and height are given in.
    pub unit: Unit,
    /// Width, in `unit`.
    pub width: f32,
    /// Height, in `unit`.
    pub height: f32,
    /// Pixels of a PNG along one pixel at 1×: 1, 2 or 3.
    pub scale: u32,
    /// In the colours of the dark theme.
    pub dark: bool,
    /// Without a background.
    pub transparent: bool,
}

/// A kind of file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    /// Lines and letters, sharp at every size.
    #[default]
    Svg,
    /// Pixels.
    Png,
    /// The numbers as a table.
    Csv,
    /// The numbers with all that belongs to them.
    Json,
}

/// A unit of length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    /// Pixels at 1×.
    #[default]
    Pixels,
    /// Millimetres on paper.
    Millimetres,
}

impl Default for FigureChoice {
    fn default() -> Self {
        Self {
            format: Format::Svg,
            unit: Unit::Pixels,
            width: 960.0,
            height: 540.0,
            scale: 2,
            dark: false,
            transparent: false,
        }
    }
}

impl Format {
    /// Pictures, then numbers.
    pub const ALL: [Self; 4] = [Self::Svg, Self::Png, Self::Csv, Self::Json];

    /// Whether it holds numbers and no picture.
    pub fn is_data(self) -> bool {
        matches!(self, Self::Csv | Self::Json)
    }

    /// The end of a file's name, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Png => "png",
            Self::Csv => "csv",
            Self::Json => "json",
        }
    }

    /// The format that a file's name asks for.
    pub fn of(path: &std::path::Path) -> Option<Self> {
        let extension = path.extension()?;
        Self::ALL.into_iter().find(|format| extension.eq_ignore_ascii_case(format.extension()))
    }
}

impl Unit {
    /// Pixels at 1× of one of it.
    fn pixels(self) -> f32 {
        match self {
            Self::Pixels => 1.0,
            Self::Millimetres => PER_INCH / INCH_MM,
        }
    }
}

impl FigureChoice {
    /// Least and most width and height, in the chosen unit and whole.
    pub fn limits(&self) -> [(f32, f32); 2] {
        let each = self.unit.pixels();
        [WIDTHS, HEIGHTS].map(|(least, most)| ((least / each).ceil(), (most / each).floor()))
    }

    /// The same size in another unit, whole.
    #[must_use]
    pub fn in_unit(self, unit: Unit) -> Self {
        let factor = self.unit.pixels() / unit.pixels();
        let [width, height] = [self.width, self.height].map(|length| (length * factor).round());
        if unit == self.unit { self } else { Self { unit, width, height, ..self } }
    }

    /// Whose colours.
    pub fn theme(&self) -> Theme {
        if self.dark { Theme::Dark } else { Theme::Light }
    }

    /// For a file of the chosen format. A drawing of lines has no pixels to have more of.
    pub fn options(&self, format: Format) -> FileOptions {
        let [widths, heights] = self.limits();
        let length = |value: f32, (least, most): (f32, f32), default: f32| {
            // Stored by another version, or by hand: never a reason to fail.
            let value = if value.is_finite() { value.clamp(least, most) } else { default };
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the limits")]
            let pixels = (value * self.unit.pixels()).round() as u32;
            pixels
        };
        FileOptions {
            width: length(self.width, widths, widths.1),
            height: length(self.height, heights, heights.1),
            scale: if format == Format::Svg { 1 } else { self.scale.clamp(1, 3) },
            theme: self.theme(),
            transparent: self.transparent,
            unit: self.unit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_of_a_journal_has_its_width_on_paper() {
        let choice = FigureChoice { unit: Unit::Millimetres, width: 89.0, height: 60.0, ..FigureChoice::default() };
        // 89 / 25.4 · 96 = 336.4; 60 / 25.4 · 96 = 226.8.
        let options = choice.options(Format::Png);
        assert_eq!((options.width, options.height, options.scale), (336, 227, 2));
        assert_eq!(choice.options(Format::Svg).scale, 1);
        let pixels = choice.in_unit(Unit::Pixels);
        assert_eq!((pixels.width, pixels.height), (336.0, 227.0));
        assert_eq!(pixels.in_unit(Unit::Millimetres), choice);
    }

    #[test]
    fn a_damaged_choice_still_makes_a_figure() {
        let text = r#"{"width":-3,"height":1e30,"scale":90}"#;
        let choice: FigureChoice = serde_json::from_str(text).unwrap();
        let options = choice.options(Format::Png);
        assert_eq!((options.width, options.height, options.scale), (300, 2400, 3));
    }

    #[test]
    fn a_name_says_its_format() {
        assert_eq!(Format::of("a/b.PNG".as_ref()), Some(Format::Png));
        assert_eq!(Format::of("a.svg".as_ref()), Some(Format::Svg));
        assert_eq!(Format::of("a.Json".as_ref()), Some(Format::Json));
        assert_eq!(Format::of("histogram".as_ref()), None);
    }
}
