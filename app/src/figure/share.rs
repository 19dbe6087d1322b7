//! One picture for a colleague: whose numbers these are, the scoreboard, a chart, and the configuration in words.

use anyhow::{Context as _, anyhow};
use plotters::{
    backend::BitMapBackend,
    coord::Shift,
    drawing::{DrawingArea, IntoDrawingArea as _},
    element::{PathElement, Rectangle},
    prelude::DrawingBackend,
    style::{Color as _, RGBColor},
};
use quantlens_analysis::t;

use super::{
    brush::{Anchor, paint},
    file::{self, FileOptions, Medium},
    letters::Letters,
    page::{Drawn, Page},
    spec::FigureSpec,
};
use crate::theme::{self, Tokens};

/// Space at the sides, in pixels at 1×.
const MARGIN: i32 = 20;
/// Where the scoreboard begins.
const SCORES_TOP: i32 = 76;
/// Where the chart begins.
const CHART_TOP: i32 = 152;
/// Height of a line of the configuration.
const LINE: i32 = 18;
/// Most lines of the configuration.
const MOST_LINES: usize = 8;

/// Everything in the picture.
#[derive(Clone, Debug, PartialEq)]
pub struct ShareSpec {
    /// The model.
    pub title: String,
    /// Data, samples and target.
    pub facts: String,
    /// What makes every number doubtful; stands out.
    pub badge: Option<String>,
    /// The scoreboard.
    pub scores: Vec<ShareScore>,
    /// The chart.
    pub chart: FigureSpec,
    /// The configuration, a sentence each.
    pub configuration: Vec<String>,
}

/// One number of the scoreboard.
#[derive(Clone, Debug, PartialEq)]
pub struct ShareScore {
    /// What it is.
    pub name: String,
    /// It.
    pub value: String,
    /// Counts, interval, the float model's.
    pub detail: String,
}

/// The bytes of the PNG file.
///
/// # Errors
/// For an impossible size, or when plotters or the encoder fails.
pub fn share_png(spec: &ShareSpec, options: FileOptions) -> anyhow::Result<Vec<u8>> {
    file::register()?;
    let (width, height) = options.pixels()?;
    let mut pixels = vec![0; width as usize * height as usize * 3];
    let root = BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area();
    draw(&root, spec, &options).map_err(|e| anyhow!(t!("drawing the picture of “{}”: {}", spec.title, e)))?;
    drop(root);
    let image = image::RgbaImage::from_raw(width, height, file::opaque(&pixels));
    file::encode(&image.context("the picture has the wrong size")?, options.scale)
}

fn draw<DB: DrawingBackend>(root: &DrawingArea<DB, Shift>, spec: &ShareSpec, options: &FileOptions) -> Drawn<DB> {
    let tokens = theme::of(options.theme);
    let unit = i32::try_from(options.scale).unwrap_or(1).max(1);
    let back = tokens.canvas;
    root.fill(&RGBColor(back.r(), back.g(), back.b()))?;
    let (width, height) = root.dim_in_pixel();
    let (width, height) = (i32::try_from(width).unwrap_or(i32::MAX), i32::try_from(height).unwrap_or(i32::MAX));
    let sheet = Sheet { root, tokens, unit, width, letters: Letters::new(root, unit, Medium::Pixels.text_drop()) };
    let right = sheet.badge(spec.badge.as_deref())?;
    sheet.line(&spec.title, (MARGIN * unit, 14 * unit), 20, right, tokens.text)?;
    sheet.line(&spec.facts, (MARGIN * unit, 44 * unit), 12, width - MARGIN * unit, tokens.weak)?;
    sheet.scores(&spec.scores)?;
    let room = width - 2 * MARGIN * unit;
    let lines = spec.configuration.iter().flat_map(|text| sheet.letters.wrap(text, 12, room, 3)).take(MOST_LINES);
    let lines: Vec<String> = lines.collect();
    let below = (34 + LINE * i32::try_from(lines.len()).unwrap_or(0)) * unit;
    let chart = root.clone().shrink((0, CHART_TOP * unit), (width, height - CHART_TOP * unit - below));
    Page::new(&chart, &spec.chart, tokens, options.scale, Medium::Pixels.text_drop()).draw()?;
    let mut y = height - below + 8 * unit;
    sheet.rule(y)?;
    y += 8 * unit;
    for line in &lines {
        sheet.line(line, (MARGIN * unit, y), 12, width - MARGIN * unit, tokens.text)?;
        y += LINE * unit;
    }
    root.present()
}

/// The picture about to be drawn.
struct Sheet<'a, DB: DrawingBackend> {
    root: &'a DrawingArea<DB, Shift>,
    tokens: &'a Tokens,
    /// Pixels of one pixel at 1×.
    unit: i32,
    width: i32,
    letters: Letters<'a, DB>,
}

impl<DB: DrawingBackend> Sheet<'_, DB> {
    /// A line that ends in an ellipsis where it would go beyond `right`.
    fn line(&self, text: &str, at: (i32, i32), points: i32, right: i32, color: egui::Color32) -> Drawn<DB> {
        self.letters.text(&self.letters.fit(text, points, right - at.0), at, points, Anchor::TopLeft, color)
    }

    fn rule(&self, y: i32) -> Drawn<DB> {
        let line = paint(self.tokens.line, 1.0).stroke_width(u32::try_from(self.unit).unwrap_or(1));
        self.root.draw(&PathElement::new([(MARGIN * self.unit, y), (self.width - MARGIN * self.unit, y)], line))
    }

    /// Draws the badge in the corner; gives where it begins.
    fn badge(&self, badge: Option<&str>) -> Result<i32, DrawError<DB>> {
        let right = self.width - MARGIN * self.unit;
        let Some(text) = badge else { return Ok(right) };
        let (top, bottom) = (14 * self.unit, 40 * self.unit);
        let left = right - self.letters.width(text, 12) - 24 * self.unit;
        self.root
            .draw(&Rectangle::new([(left, top), (right, bottom)], paint(self.tokens.warning_back, 1.0).filled()))?;
        let edge = paint(self.tokens.warning, 1.0).stroke_width(u32::try_from(self.unit).unwrap_or(1));
        // Stripes at both ends, as on screen: what tells it from a label without any colour.
        for end in [left, right - 10 * self.unit] {
            for i in 0..3 {
                let x = end + (4 * i) * self.unit;
                self.root.draw(&PathElement::new([(x, bottom), (x + 2 * self.unit, top)], edge))?;
            }
        }
        self.root.draw(&Rectangle::new([(left, top), (right, bottom)], edge))?;
        let at = (left + 14 * self.unit, (top + bottom) / 2);
        self.letters.text(text, at, 12, Anchor::Left, self.tokens.text)?;
        Ok(left - 12 * self.unit)
    }

    fn scores(&self, scores: &[ShareScore]) -> Drawn<DB> {
        let count = i32::try_from(scores.len()).unwrap_or(1).max(1);
        let each = (self.width - 2 * MARGIN * self.unit) / count;
        for (i, score) in (0..).zip(scores) {
            let left = MARGIN * self.unit + i * each;
            let right = left + each - 10 * self.unit;
            let top = SCORES_TOP * self.unit;
            self.line(&score.name, (left, top), 12, right, self.tokens.weak)?;
            self.line(&score.value, (left, top + 18 * self.unit), 22, right, self.tokens.text)?;
            self.line(&score.detail, (left, top + 49 * self.unit), 12, right, self.tokens.weak)?;
        }
        Ok(())
    }
}

type DrawError<DB> = plotters::drawing::DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::spec::Axis;

    fn spec(badge: Option<&str>) -> ShareSpec {
        let chart = FigureSpec {
            kind: "drift",
            title: "Error over depth".into(),
            stamp: String::new(),
            x: Axis::linear("layer", 0.0, 10.0),
            y: Axis::linear("dB", 0.0, 40.0),
            series: Vec::new(),
            marks: Vec::new(),
            spans: Vec::new(),
            handles: Vec::new(),
            summary: "Worst: fc".into(),
        };
        let score = ShareScore { name: "Accuracy".into(), value: "99.2 %".into(), detail: "357 of 360".into() };
        ShareSpec {
            title: "a name that is longer than the picture is wide ".repeat(6),
            facts: "digits · 360 samples".into(),
            badge: badge.map(str::to_owned),
            scores: vec![score; 4],
            chart,
            configuration: vec!["Weights 8 bits".into(), "word ".repeat(200)],
        }
    }

    #[test]
    fn the_badge_is_drawn_only_where_it_is_due() {
        let options = FileOptions { width: 600, height: 500, scale: 1, ..FileOptions::default() };
        let yellow = theme::of(options.theme).warning_back;
        let count = |badge| {
            let image = image::load_from_memory(&share_png(&spec(badge), options).unwrap()).unwrap().to_rgb8();
            assert_eq!(image.dimensions(), (600, 500));
            image.pixels().filter(|p| p.0 == [yellow.r(), yellow.g(), yellow.b()]).count()
        };
        assert_eq!(count(None), 0);
        assert!(count(Some("SYNTHETIC RANGES")) > 1000);
    }
}
