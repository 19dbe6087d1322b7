//! Pictures in rows, each with a few words: feature maps and samples as a file has them. What does not fit on the page is
//! left out from the end, and the page says how many are shown.
//!
//! Pixels are laid on after everything else: as an image of the SVG, or as squares of the PNG, never smoothed.

use egui::Color32;
use plotters::{coord::Shift, drawing::DrawingArea, element::Rectangle, prelude::DrawingBackend, style::Color as _};
use quantlens_analysis::t;

use super::{
    brush::{Anchor, paint},
    file::{Drawing, FileOptions, Medium},
    letters::{self, Letters},
    page::{Drawn, Pixel},
};
use crate::{format::count, theme};

/// Space at the sides, in pixels at 1×.
const MARGIN: i32 = 20;
/// Between tiles, and between the pictures of one.
const GAP: (i32, i32) = (16, 4);
/// Height of a line of words.
const LINE: i32 = 17;
/// Where the key begins, and the tiles below it, or without it.
const KEY_TOP: i32 = 58;
const TILES_TOP: i32 = 84;
const TILES_TOP_ALONE: i32 = 62;
/// Pictures are made smaller down to this many hundredths where one more row fits then.
const LEAST_SHARE: i32 = 60;
/// Size of a bar of the key.
const BAR: (i32, i32) = (72, 11);

/// A page of pictures.
#[derive(Clone, Debug, PartialEq)]
pub struct Tiles {
    /// What is shown.
    pub title: String,
    /// What limits the reading.
    pub stamp: String,
    /// What colours mean, from left to right.
    pub key: Vec<KeyPart>,
    /// The tiles, the most telling first.
    pub tiles: Vec<Tile>,
    /// Least width of a tile and most height of its pictures, in pixels at 1×.
    pub tile_size: (i32, i32),
    /// A sentence below.
    pub summary: String,
}

/// A piece of what colours mean.
#[derive(Clone, Debug, PartialEq)]
pub enum KeyPart {
    /// Words.
    Words(String),
    /// A scale.
    Bar(Raster),
}

/// Pictures side by side over their words.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tile {
    /// The pictures.
    pub pictures: Vec<Raster>,
    /// What stands there without one.
    pub text: String,
    /// Words, and whether they only explain.
    pub lines: Vec<(String, bool)>,
}

/// Pixels, row by row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Raster {
    /// Width and height.
    pub size: [usize; 2],
    /// The pixels.
    pub pixels: Vec<Color32>,
    /// Fills its place instead of keeping its proportions.
    pub is_stretched: bool,
}

impl Raster {
    /// A scale from 0 to 1.
    pub fn bar(colour: impl Fn(f32) -> Color32) -> Self {
        const STEPS: u8 = 24;
        let at = |step: u8| colour(f32::from(step) / f32::from(STEPS - 1));
        Self { size: [usize::from(STEPS), 1], pixels: (0..STEPS).map(at).collect(), is_stretched: true }
    }
}

/// Pixels and the rectangle on the page that they fill: left, top, right, bottom.
pub(super) struct Inset<'a> {
    pub(super) at: [i32; 4],
    pub(super) raster: &'a Raster,
}

/// Everything with its place.
#[derive(Default)]
struct Layout<'a> {
    words: Vec<Words>,
    frames: Vec<[i32; 4]>,
    insets: Vec<Inset<'a>>,
}

/// A line of words.
struct Words {
    text: String,
    at: Pixel,
    points: i32,
    is_weak: bool,
}

impl Drawing for Tiles {
    fn title(&self) -> &str {
        &self.title
    }

    fn draw<DB: DrawingBackend>(
        &self,
        root: &DrawingArea<DB, Shift>,
        options: &FileOptions,
        medium: Medium,
    ) -> Drawn<DB> {
        let (unit, tokens) = (unit(options), theme::of(options.theme));
        let letters = Letters::new(root, unit, medium.text_drop());
        let layout = self.layout(options);
        for frame in &layout.frames {
            let edge = paint(tokens.line, 1.0).stroke_width(u32::try_from(unit).unwrap_or(1));
            root.draw(&Rectangle::new([(frame[0], frame[1]), (frame[2], frame[3])], edge))?;
        }
        for Words { text, at, points, is_weak } in &layout.words {
            let colour = if *is_weak { tokens.weak } else { tokens.text };
            letters.text(text, *at, *points, Anchor::TopLeft, colour)?;
        }
        Ok(())
    }

    fn insets(&self, options: &FileOptions) -> Vec<Inset<'_>> {
        self.layout(options).insets
    }
}

fn in_rows(columns: i32, rows: i32) -> usize {
    usize::try_from(columns * rows).unwrap_or(1)
}

fn unit(options: &FileOptions) -> i32 {
    i32::try_from(options.scale).unwrap_or(1).max(1)
}

impl Tiles {
    fn layout(&self, options: &FileOptions) -> Layout<'_> {
        let unit = unit(options);
        let side = |length: u32| i32::try_from(length).unwrap_or(i32::MAX / 8) * unit;
        let (width, height) = (side(options.width), side(options.height));
        let room = width - 2 * MARGIN * unit;
        let mut layout = Layout::default();
        let mut say = |text: String, top: i32, points: i32, is_weak: bool| {
            layout.words.push(Words { text, at: (MARGIN * unit, top), points, is_weak });
        };
        say(letters::fit(&self.title, 16, room, unit), 12 * unit, 16, false);
        say(letters::fit(&self.stamp, 12, room, unit), 36 * unit, 12, true);
        self.key(&mut layout, room, unit);
        let (least, tallest) = self.tile_size;
        let gap = GAP.0 * unit;
        let columns =
            ((room + gap) / (least * unit + gap)).clamp(1, i32::try_from(self.tiles.len()).unwrap_or(1).max(1));
        // A few tiles are no banners.
        let wide = ((room + gap) / columns - gap).min(least * unit * 3 / 2);
        let lines = self.tiles.iter().map(|tile| tile.lines.len()).max().unwrap_or(0);
        let words = LINE * unit * i32::try_from(lines).unwrap_or(0);
        let tall = self.tiles.iter().map(|tile| tile.height(wide, tallest * unit, unit)).max().unwrap_or(0);
        let summary = letters::wrap(&self.summary, 12, room, 2, unit);
        let below = (MARGIN + 18 * (1 + i32::try_from(summary.len()).unwrap_or(0))) * unit;
        let begin = if self.key.is_empty() { TILES_TOP_ALONE } else { TILES_TOP } * unit;
        // A little more room than between lines before what stands below.
        let free = height - below - begin + gap - 8 * unit;
        let beside = 4 * unit + words + gap;
        let rows = (free / (tall + beside)).max(1);
        // Rather one row more of smaller pictures than a blank stretch.
        let smaller = free / (rows + 1) - beside;
        let is_worth_it = 100 * smaller >= LEAST_SHARE * tall && self.tiles.len() > in_rows(columns, rows);
        let (rows, tall) = if is_worth_it { (rows + 1, smaller) } else { (rows, tall) };
        let shown = in_rows(columns, rows).min(self.tiles.len());
        let step = tall + beside;
        for (place, tile) in (0..).zip(&self.tiles[..shown]) {
            let at = (MARGIN * unit + place % columns * (wide + gap), begin + place / columns * step);
            tile.lay(&mut layout, at, (wide, tall), unit);
        }
        let mut top = height - below + 18 * unit;
        if shown < self.tiles.len() {
            let text = t!("{} of {} shown", count(shown as u64), count(self.tiles.len() as u64));
            layout.words.push(Words { text, at: (MARGIN * unit, top - 18 * unit), points: 12, is_weak: true });
        }
        for text in summary {
            layout.words.push(Words { text, at: (MARGIN * unit, top), points: 12, is_weak: false });
            top += 18 * unit;
        }
        layout
    }

    /// What colours mean, as far as there is room.
    fn key<'a>(&'a self, layout: &mut Layout<'a>, room: i32, unit: i32) {
        let (mut x, right, top) = (MARGIN * unit, MARGIN * unit + room, KEY_TOP * unit);
        for part in &self.key {
            match part {
                KeyPart::Words(text) => {
                    let text = letters::fit(text, 12, right - x, unit);
                    let wide = letters::width(&text, 12, unit);
                    layout.words.push(Words { text, at: (x, top - 2 * unit), points: 12, is_weak: true });
                    x += wide + 8 * unit;
                }
                KeyPart::Bar(raster) if x + BAR.0 * unit <= right => {
                    let at = [x, top, x + BAR.0 * unit, top + BAR.1 * unit];
                    layout.frames.push(at);
                    layout.insets.push(Inset { at, raster });
                    x += (BAR.0 + 8) * unit;
                }
                KeyPart::Bar(_) => {}
            }
        }
    }
}

impl Tile {
    /// Width of one of its pictures.
    fn each(&self, wide: i32, unit: i32) -> i32 {
        let several = i32::try_from(self.pictures.len()).unwrap_or(1).max(1);
        (wide - (several - 1) * GAP.1 * unit) / several
    }

    /// Height of its pictures in a tile of this width.
    fn height(&self, wide: i32, tallest: i32, unit: i32) -> i32 {
        let each = self.each(wide, unit);
        let own = |raster: &Raster| match raster.size {
            _ if raster.is_stretched => tallest,
            [0, _] => tallest,
            [across, down] => {
                let side = |length: usize| i64::try_from(length).unwrap_or(1);
                i32::try_from(i64::from(each) * side(down) / side(across)).unwrap_or(tallest)
            }
        };
        self.pictures.iter().map(own).max().unwrap_or(tallest).clamp(1, tallest)
    }

    /// Puts pictures and words in their places.
    fn lay<'a>(&'a self, layout: &mut Layout<'a>, (left, top): Pixel, (wide, tall): (i32, i32), unit: i32) {
        let each = self.each(wide, unit);
        let mut x = left;
        for raster in &self.pictures {
            let at = fitted([x, top, x + each, top + tall], raster);
            layout.insets.push(Inset { at, raster });
            layout.frames.push(at);
            x = at[2] + GAP.1 * unit;
        }
        if self.pictures.is_empty() {
            layout.frames.push([left, top, left + wide, top + tall]);
            let most = usize::try_from((tall / unit - 6) / LINE).unwrap_or(0);
            let lines = letters::wrap(&self.text, 12, wide - 12 * unit, most, unit);
            for (row, text) in (0..).zip(lines) {
                let at = (left + 6 * unit, top + (5 + LINE * row) * unit);
                layout.words.push(Words { text, at, points: 12, is_weak: false });
            }
        }
        for (row, (text, is_weak)) in (0..).zip(&self.lines) {
            let at = (left, top + tall + (4 + LINE * row) * unit);
            let text = letters::fit(text, 12, wide, unit);
            layout.words.push(Words { text, at, points: 12, is_weak: *is_weak });
        }
    }
}

/// The largest place for the picture at the left of this one, in the middle of its height.
fn fitted(place: [i32; 4], raster: &Raster) -> [i32; 4] {
    let [left, top, right, bottom] = place;
    let [across, down] = raster.size.map(|side| i64::try_from(side).unwrap_or(1).max(1));
    let (wide, tall) = (i64::from(right - left), i64::from(bottom - top));
    if raster.is_stretched {
        return place;
    }
    let (wide, tall) =
        if wide * down <= tall * across { (wide, wide * down / across) } else { (tall * across / down, tall) };
    let side = |length: i64| i32::try_from(length).unwrap_or(i32::MAX).max(1);
    let y = top + (bottom - top - side(tall)) / 2;
    [left, y, left + side(wide), y + side(tall)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::file;

    fn tiles(count: usize) -> Tiles {
        let picture = Raster { size: [2, 1], pixels: vec![Color32::RED, Color32::BLUE], is_stretched: false };
        let tile = |i: usize| Tile {
            pictures: vec![picture.clone(); 3],
            text: String::new(),
            lines: vec![(format!("channel {i}"), false)],
        };
        Tiles {
            title: "Output of conv1".into(),
            stamp: "sample 3".into(),
            key: vec![KeyPart::Words("Float".into()), KeyPart::Bar(Raster::bar(theme::value_colour))],
            tiles: (0..count).map(tile).collect(),
            tile_size: (260, 84),
            summary: "12.0 dB".into(),
        }
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let options = FileOptions { width: 640, height: 400, scale: 1, ..FileOptions::default() };
        let text = file::svg(&tiles(100), &options).unwrap();
        let shown = (0..100).filter(|i| text.contains(&format!("\nchannel {i}\n"))).count();
        assert!((4..40).contains(&shown), "{shown}");
        assert!(text.contains(&format!("{shown} of 100 shown")), "{text}");
        // Three pictures each, and the bar of the key.
        assert_eq!(text.matches("<image ").count(), 3 * shown + 1);
        assert!(text.trim_end().ends_with("</svg>"));
        assert!(!file::svg(&tiles(2), &options).unwrap().contains("shown"));
    }

    #[test]
    fn pixels_are_whole_squares_of_their_colour() {
        let options = FileOptions { width: 640, height: 400, scale: 2, transparent: true, ..FileOptions::default() };
        let image = file::image(&tiles(1), &options).unwrap();
        let count = |colour: [u8; 4]| image.pixels().filter(|pixel| pixel.0 == colour).count();
        let (red, blue) = (count([255, 0, 0, 255]), count([0, 0, 255, 255]));
        assert!(red > 10_000 && red == blue, "{red} and {blue}");
    }

    #[test]
    fn a_picture_keeps_its_proportions() {
        let wide = Raster { size: [4, 1], pixels: Vec::new(), is_stretched: false };
        assert_eq!(fitted([0, 0, 100, 100], &wide), [0, 37, 100, 62]);
        assert_eq!(fitted([0, 0, 100, 100], &Raster { is_stretched: true, ..wide }), [0, 0, 100, 100]);
    }
}
