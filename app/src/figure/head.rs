//! What stands above a figure on its page: title, stamp and legend, in as many lines as the width asks for.

use plotters::{
    element::{Circle, PathElement, Rectangle},
    prelude::DrawingBackend,
    style::Color as _,
};

use super::{
    brush::{Anchor, paint},
    letters::Letters,
    page::{Drawn, Page, Pixel},
    spec::{FigureSpec, LegendKey},
};

/// Space at the sides, in pixels at 1×.
const MARGIN: i32 = 20;
/// Top of the title.
const TOP: i32 = 12;
/// Heights of a line of the title, of the stamp, of the legend.
const TITLE: i32 = 22;
const STAMP: i32 = 17;
const LEGEND: i32 = 18;
/// A legend entry's width beside its name.
const KEY: i32 = 40;
/// Most lines of the title.
const MOST_TITLE: usize = 2;

/// The lines above a chart; all in pixels.
#[derive(Clone, Debug, Default)]
pub(super) struct Head {
    title: Vec<String>,
    /// Where the stamp stands: at the right of the title, or below it.
    stamp: (Pixel, Option<Anchor>),
    /// Where each entry of the legend begins, and its name as far as there is room.
    legend: Vec<(Pixel, String)>,
    /// Where the chart may begin.
    pub(super) bottom: i32,
}

impl Head {
    /// For a page of this width whose chart begins at `left`.
    pub(super) fn new<DB: DrawingBackend>(
        letters: &Letters<'_, DB>,
        spec: &FigureSpec,
        (width, left): (i32, i32),
        unit: i32,
    ) -> Self {
        let room = width - 2 * MARGIN * unit;
        let title = letters.wrap(&spec.title, 16, room, MOST_TITLE);
        let mut y = TOP + TITLE * i32::try_from(title.len()).unwrap_or(1);
        let beside = title.len() <= 1
            && letters.width(&spec.title, 16) + letters.width(&spec.stamp, 12) + 2 * MARGIN * unit <= room;
        let stamp = match (spec.stamp.is_empty(), beside) {
            (true, _) => ((0, 0), None),
            (false, true) => ((width - MARGIN * unit, (TOP + 3) * unit), Some(Anchor::TopRight)),
            (false, false) => {
                y += STAMP;
                ((MARGIN * unit, (y - STAMP) * unit), Some(Anchor::TopLeft))
            }
        };
        let (mut legend, mut x, mut row) = (Vec::new(), left, 0);
        let right = width - MARGIN * unit;
        for (name, ..) in spec.legend() {
            let name = letters.fit(name, 12, right - left - KEY * unit);
            let wide = KEY * unit + letters.width(&name, 12);
            if x > left && x + wide - (KEY - 23) * unit > right {
                (x, row) = (left, row + 1);
            }
            legend.push(((x, (y + 12 + LEGEND * row) * unit), name));
            x += wide;
        }
        let rows = if legend.is_empty() { 0 } else { row + 1 };
        Self { title, stamp, legend, bottom: (y + 10 + LEGEND * rows) * unit }
    }
}

impl<DB: DrawingBackend> Page<'_, DB> {
    /// Draws what stands above the chart.
    pub(super) fn head(&self) -> Drawn<DB> {
        let unit = self.unit;
        for (row, line) in (0..).zip(&self.head.title) {
            let at = (MARGIN * unit, (TOP + TITLE * row) * unit);
            self.letters.text(line, at, 16, Anchor::TopLeft, self.tokens.text)?;
        }
        if let (at, Some(anchor)) = self.head.stamp {
            self.letters.text(&self.spec.stamp, at, 12, anchor, self.tokens.weak)?;
        }
        for ((_, ink, key), (at, name)) in self.spec.legend().into_iter().zip(&self.head.legend) {
            let color = super::colour(self.tokens, ink);
            let corners = [(at.0 + 2 * unit, at.1 - 5 * unit), (at.0 + 16 * unit, at.1 + 5 * unit)];
            match key {
                LegendKey::Box => self.root.draw(&Rectangle::new(corners, paint(color, 0.7).filled()))?,
                LegendKey::Outline => self.root.draw(&Rectangle::new(corners, self.line(color, 1)))?,
                LegendKey::Line(stroke) => self.path(&[*at, (at.0 + 18 * unit, at.1)], stroke, self.line(color, 2))?,
                LegendKey::Whisker => {
                    let (x, top, bottom) = (at.0 + 9 * unit, at.1 - 5 * unit, at.1 + 5 * unit);
                    let [left, right] = [x - 3 * unit, x + 3 * unit];
                    for ends in
                        [[(x, top), (x, bottom)], [(left, top), (right, top)], [(left, bottom), (right, bottom)]]
                    {
                        self.root.draw(&PathElement::new(ends, self.line(color, 1)))?;
                    }
                }
                LegendKey::Dot => {
                    let dot = Circle::new((at.0 + 9 * unit, at.1), 3 * unit, paint(color, 1.0).filled());
                    self.root.draw(&dot)?;
                }
            }
            self.letters.text(name, (at.0 + 23 * unit, at.1), 12, Anchor::Left, self.tokens.text)?;
        }
        Ok(())
    }
}
