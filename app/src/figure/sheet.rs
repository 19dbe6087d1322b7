//! A graph as a file: cards and lines at the places they have on screen.
//!
//! The page builds a [`Sheet`], plain data with every word and colour in it; this draws it with the backends of the other
//! figures. An SVG has the drawing's own size; a PNG is made as sharp as its limit of pixels allows, and refused where the
//! cards could not be read any more.

use anyhow::ensure;
use egui::{Color32, Pos2, Rect, Vec2, pos2};
use plotters::{
    coord::Shift,
    drawing::DrawingArea,
    element::{PathElement, Polygon, Text},
    prelude::DrawingBackend,
    style::{
        Color as _, FontFamily, IntoFont as _, TextStyle,
        text_anchor::{HPos, Pos, VPos},
    },
};
use quantlens_analysis::t;

use super::{
    brush::{self, paint},
    file::{self, Drawing, FileOptions, Medium},
    letters,
    page::Drawn,
    spec::Stroke,
};
use crate::theme::{self, Tokens};

/// Room above the drawing for the title and a legend of one line, in points; for each line more.
const HEAD: f32 = 64.0;
const LINE: f32 = 17.0;
/// Most lines of the legend.
const MOST_LINES: usize = 4;
/// Most pixels of a PNG along a side, and in all.
const MOST_PIXELS: (f32, f32) = (16_000.0, 60e6);
/// Least width of the drawing, for its title.
const LEAST_WIDTH: f32 = 480.0;
/// A point of the drawing has at least so many pixels in a PNG, or nobody can read it.
const LEAST_SCALE: f32 = 0.6;

/// Pixels of a preview across, and down.
const PREVIEW: (f32, f32) = (1120.0, 4000.0);

/// All that stands on the page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sheet {
    /// Which model.
    pub title: String,
    /// What the tint means, and what limits the reading.
    pub legend: String,
    /// Width and height of the drawing, in points.
    pub size: Vec2,
    /// The cards.
    pub cards: Vec<SheetCard>,
    /// The lines, under the cards.
    pub lines: Vec<SheetLine>,
}

/// A card.
#[derive(Clone, Debug, PartialEq)]
pub struct SheetCard {
    /// Where.
    pub rect: Rect,
    /// Behind its text.
    pub fill: Color32,
    /// Its name.
    pub name: String,
    /// Operator and widths.
    pub note: String,
    /// The metric.
    pub value: String,
    /// What leads to cut edges above and below: "from mask".
    pub cuts: [String; 2],
}

/// A line.
#[derive(Clone, Debug, PartialEq)]
pub struct SheetLine {
    /// Its points, in order.
    pub points: Vec<Pos2>,
    /// In points.
    pub width: f32,
    /// Its colour.
    pub colour: Color32,
    /// It carries only a shape or an index.
    pub is_dashed: bool,
}

impl Drawing for Sheet {
    fn title(&self) -> &str {
        &self.title
    }

    fn size(&self, options: &FileOptions, medium: Medium) -> anyhow::Result<(u32, u32)> {
        // Where the legend breaks depends on its letters.
        file::register()?;
        let scale = self.scale(options, medium);
        ensure!(
            scale >= LEAST_SCALE,
            t!(
                "a graph of {} × {} points is too large for a PNG; save it as SVG",
                format!("{:.0}", self.size.x),
                format!("{:.0}", self.size.y)
            )
        );
        Ok(pixels(self.size, self.head(), scale))
    }

    fn draw<DB: DrawingBackend>(
        &self,
        root: &DrawingArea<DB, Shift>,
        options: &FileOptions,
        medium: Medium,
    ) -> Drawn<DB> {
        let scale = self.scale(options, medium);
        Pen::new(root, self, scale, (options, medium)).sheet(self, f32::INFINITY)
    }
}

/// As much of a sheet's top as a dialog shows, never larger than the file has it. Most graphs are long and narrow: made to
/// fit as a whole, they would be a line.
#[derive(Debug)]
pub(super) struct Top<'a> {
    sheet: &'a Sheet,
    scale: f32,
    /// Points of the drawing that it ends at.
    end: f32,
}

impl Top<'_> {
    /// Whether it is the sheet as a whole.
    pub(super) fn is_whole(&self) -> bool {
        self.end >= self.sheet.size.y
    }
}

impl Drawing for Top<'_> {
    fn title(&self) -> &str {
        &self.sheet.title
    }

    fn size(&self, _: &FileOptions, _: Medium) -> anyhow::Result<(u32, u32)> {
        file::register()?;
        let size = Vec2::new(self.sheet.size.x, self.end.min(self.sheet.size.y));
        Ok(pixels(size, self.sheet.head(), self.scale))
    }

    fn draw<DB: DrawingBackend>(
        &self,
        root: &DrawingArea<DB, Shift>,
        options: &FileOptions,
        medium: Medium,
    ) -> Drawn<DB> {
        Pen::new(root, self.sheet, self.scale, (options, medium)).sheet(self.sheet, self.end)
    }
}

/// Pixels of a drawing of so many points below a head of that height.
fn pixels(points: Vec2, head: f32, scale: f32) -> (u32, u32) {
    let size = (points.max(Vec2::new(LEAST_WIDTH, 1.0)) + Vec2::new(0.0, head)) * scale;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at least 1, and below the limit")]
    let pixels = (size.x.ceil().max(1.0) as u32, size.y.ceil().max(1.0) as u32);
    pixels
}

impl Sheet {
    /// What a dialog shows of it, no side longer than `most` pixels.
    pub(super) fn top(&self, most: f32) -> Top<'_> {
        let scale = (PREVIEW.0.min(most) / self.size.x.max(LEAST_WIDTH)).min(1.0);
        // A pixel less: sizes are rounded up.
        Top { sheet: self, scale, end: (PREVIEW.1.min(most) - 1.0) / scale - self.head() }
    }

    /// The legend in lines that fit over the drawing.
    fn legend_lines(&self) -> Vec<String> {
        #[expect(clippy::cast_possible_truncation, reason = "within what a picture may have")]
        let room = (self.size.x.max(LEAST_WIDTH) - 40.0) as i32;
        letters::wrap(&self.legend, 12, room, MOST_LINES, 1)
    }

    /// Height of what stands above the drawing.
    fn head(&self) -> f32 {
        HEAD + LINE * self.legend_lines().len().saturating_sub(1) as f32
    }

    /// Pixels of a point: those asked for, or as many as a PNG may have.
    fn scale(&self, options: &FileOptions, medium: Medium) -> f32 {
        let size = self.size + Vec2::new(0.0, self.head());
        match medium {
            Medium::Vector => 1.0,
            Medium::Pixels => (MOST_PIXELS.0 / size.max_elem())
                .min((MOST_PIXELS.1 / (size.x * size.y)).sqrt())
                .min(options.scale as f32),
        }
    }
}

struct Pen<'a, DB: DrawingBackend> {
    root: &'a DrawingArea<DB, Shift>,
    scale: f32,
    /// Height of what stands above the drawing.
    head: f32,
    text_drop: f32,
    tokens: &'static Tokens,
}

impl<'a, DB: DrawingBackend> Pen<'a, DB> {
    fn new(
        root: &'a DrawingArea<DB, Shift>,
        sheet: &Sheet,
        scale: f32,
        (options, medium): (&FileOptions, Medium),
    ) -> Self {
        let (text_drop, tokens) = (medium.text_drop() as f32, theme::of(options.theme));
        Self { root, scale, head: sheet.head(), text_drop, tokens }
    }

    /// What of a sheet begins above `end`.
    fn sheet(&self, sheet: &Sheet, end: f32) -> Drawn<DB> {
        let text = self.tokens.text;
        self.text(&sheet.title, pos2(20.0, 20.0 - self.head), HPos::Left, (16.0, text))?;
        for (row, line) in (0u8..).zip(sheet.legend_lines()) {
            let at = pos2(20.0, 44.0 + LINE * f32::from(row) - self.head);
            self.text(&line, at, HPos::Left, (12.0, self.tokens.weak))?;
        }
        let begins = |line: &&SheetLine| line.points.iter().any(|at| at.y < end);
        for line in sheet.lines.iter().filter(begins) {
            self.line(line)?;
        }
        for card in sheet.cards.iter().filter(|card| card.rect.top() < end) {
            self.card(card)?;
        }
        Ok(())
    }

    #[expect(clippy::cast_possible_truncation, reason = "a pixel of a picture whose size was checked")]
    fn pixel(&self, at: Pos2) -> (i32, i32) {
        ((at.x * self.scale).round() as i32, ((at.y + self.head) * self.scale).round() as i32)
    }

    fn line(&self, line: &SheetLine) -> Drawn<DB> {
        let points: Vec<(i32, i32)> = line.points.iter().map(|at| self.pixel(*at)).collect();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few pixels")]
        let width = (line.width * self.scale).round().max(1.0) as u32;
        let style = paint(line.colour, 1.0).stroke_width(width);
        let stroke = if line.is_dashed { Stroke::Dashed } else { Stroke::Solid };
        for piece in brush::pieces(&points, stroke, 1) {
            self.root.draw(&PathElement::new(piece, style))?;
        }
        Ok(())
    }

    fn card(&self, card: &SheetCard) -> Drawn<DB> {
        let rect = card.rect;
        // With its corners cut: plotters' rectangles have no round ones.
        let cut = 4.0;
        let corners = [
            pos2(rect.left() + cut, rect.top()),
            pos2(rect.right() - cut, rect.top()),
            pos2(rect.right(), rect.top() + cut),
            pos2(rect.right(), rect.bottom() - cut),
            pos2(rect.right() - cut, rect.bottom()),
            pos2(rect.left() + cut, rect.bottom()),
            pos2(rect.left(), rect.bottom() - cut),
            pos2(rect.left(), rect.top() + cut),
        ];
        let mut outline: Vec<(i32, i32)> = corners.iter().map(|at| self.pixel(*at)).collect();
        self.root.draw(&Polygon::new(outline.clone(), paint(card.fill, 1.0).filled()))?;
        outline.extend(outline.first().copied());
        self.root.draw(&PathElement::new(outline, paint(self.tokens.weak, 1.0).stroke_width(1)))?;
        let ink = theme::text_on(card.fill);
        let (left, right) = (rect.left() + 8.0, rect.right() - 8.0);
        let room = right - left;
        self.text(&tail(&card.name, room, 12.0), pos2(left, rect.top() + 13.0), HPos::Left, (12.0, ink))?;
        let below = rect.bottom() - 13.0;
        let note_room = room - 7.0 * (card.value.chars().count() as f32 + 1.0);
        self.text(&tail(&card.note, note_room, 11.0), pos2(left, below), HPos::Left, (11.0, ink))?;
        self.text(&card.value, pos2(right, below), HPos::Right, (11.0, ink))?;
        let places = [pos2(rect.left() + 4.0, rect.top() - 9.0), pos2(rect.center().x + 8.0, rect.bottom() + 9.0)];
        for (text, at) in card.cuts.iter().zip(places) {
            self.text(&tail(text, 0.5 * rect.width() - 4.0, 11.0), at, HPos::Left, (11.0, self.tokens.weak))?;
        }
        Ok(())
    }

    /// One line of text whose middle is at the height of `at`.
    fn text(&self, text: &str, at: Pos2, side: HPos, (points, colour): (f32, Color32)) -> Drawn<DB> {
        if text.is_empty() {
            return Ok(());
        }
        // plotters takes the line height for the size.
        let font = (FontFamily::Name(file::family()), f64::from(points * self.scale) * 1.24).into_font();
        let mut style = TextStyle::from(font).pos(Pos::new(side, VPos::Center));
        style.color = paint(colour, 1.0).to_backend_color();
        let (x, y) = self.pixel(at + Vec2::new(0.0, self.text_drop));
        self.root.draw(&Text::new(text.to_owned(), (x, y), style))
    }
}

/// The end of a text that does not fit into so many points; names differ at their end.
fn tail(text: &str, room: f32, points: f32) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some characters")]
    let fits = (room / (0.54 * points)).max(1.0) as usize;
    let all = text.chars().count();
    if all <= fits {
        return text.to_owned();
    }
    format!("…{}", text.chars().skip(all + 1 - fits).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(size: Vec2) -> Sheet {
        let card = SheetCard {
            rect: Rect::from_min_size(pos2(36.0, 36.0), Vec2::new(160.0, 44.0)),
            fill: Color32::YELLOW,
            name: "encoder/layer.11/a<b/a_very_long_name".into(),
            note: "Conv  W4 A8".into(),
            value: "−0.2".into(),
            cuts: ["from mask".into(), String::new()],
        };
        let line = SheetLine {
            points: vec![pos2(116.0, 80.0), pos2(116.0, 128.0)],
            width: 4.0,
            colour: Color32::BLACK,
            is_dashed: true,
        };
        Sheet { title: "net.onnx".into(), legend: "Acc. SQNR".into(), size, cards: vec![card], lines: vec![line] }
    }

    #[test]
    fn svg_holds_every_word() {
        let text = file::svg(&sheet(Vec2::new(300.0, 400.0)), &FileOptions::default()).unwrap();
        for word in ["net.onnx", "Acc. SQNR", "Conv  W4 A8", "−0.2", "from mask", "a_very_long_name", "…"] {
            assert!(text.contains(word), "{word} is missing:\n{text}");
        }
        assert!(!text.contains("NaN") && text.trim_end().ends_with("</svg>"));
    }

    #[test]
    fn a_preview_is_the_top_and_never_larger_than_the_file() {
        let options = FileOptions { scale: 1, ..FileOptions::default() };
        let short = sheet(Vec2::new(300.0, 400.0));
        assert!(short.top(8192.0).is_whole());
        assert_eq!(file::image(&short.top(8192.0), &options).unwrap(), file::image(&short, &options).unwrap());
        let long = sheet(Vec2::new(4480.0, 460_000.0));
        assert!(!long.top(8192.0).is_whole());
        let size = |most: f32| file::image(&long.top(most), &options).unwrap().dimensions();
        assert_eq!((size(8192.0), size(1000.0)), ((1120, 3999), (1000, 999)));
    }

    #[test]
    fn a_png_that_nobody_could_read_is_refused() {
        let options = FileOptions::default();
        let image = file::image(&sheet(Vec2::new(300.0, 400.0)), &options).unwrap();
        // At least 480 wide, twice as sharp.
        assert_eq!(image.dimensions(), (960, 928));
        let long = sheet(Vec2::new(232.0, 460_000.0));
        assert!(file::svg(&long, &options).is_ok());
        let error = file::image(&long, &options).unwrap_err().to_string();
        assert!(error.contains("save it as SVG"), "{error}");
    }
}
