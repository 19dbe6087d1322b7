//! Where the cards of a network stand: layers of cards from top to bottom, as Netron draws them. Pure data in, positions
//! out; it knows neither the window nor the numbers.
//!
//! The steps are those of Sugiyama, Tagawa and Toda (1981), each in a file: `ranks` says in which row a card stands and
//! cuts edges that would run past too many rows, `mesh` puts a bend where an edge passes a row, `order` arranges each
//! row for few crossings, `place` gives every place its x, `pack` sets the unconnected parts side by side. What makes
//! 5,000 cards quick is that an edge is never longer than `ranks::LONGEST` rows and that all readers of a tensor share
//! its bends: a mask that every block reads would need a million of them otherwise.
//!
//! The same net always gives the same drawing.

mod mesh;
mod order;
mod pack;
mod place;
mod ranks;
#[cfg(test)]
mod tests;
pub mod walk;

use egui::{Pos2, Rect, Vec2, pos2, vec2};
use quantlens_analysis::{job::CancelToken, report::LayerInfo};

use mesh::Mesh;

/// A card's size, in points at a zoom of 1.
pub const CARD: Vec2 = vec2(160.0, 44.0);
/// From the top of a row to the top of the next.
pub const PITCH: f32 = 84.0;
/// Room between two cards side by side, at least.
pub const GAP: f32 = 24.0;

/// What is drawn: cards by number, and who reads whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Net {
    /// How many cards.
    pub cards: usize,
    /// Sorted, each pair once.
    pub edges: Vec<Edge>,
}

/// That one card reads another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// Who is read.
    pub from: usize,
    /// Who reads.
    pub to: usize,
    /// Only a shape or an index is read, by way of nodes that have no card.
    pub through: bool,
}

impl Net {
    /// The net of a model's layers.
    pub fn of(layers: &[LayerInfo]) -> Self {
        let places: std::collections::BTreeMap<&str, usize> =
            layers.iter().enumerate().map(|(place, layer)| (layer.name.as_str(), place)).collect();
        let mut edges = Vec::new();
        for (to, layer) in layers.iter().enumerate() {
            let direct = layer.inputs.iter().map(|(_, from)| (from, false));
            for (name, through) in direct.chain(layer.through.iter().map(|from| (from, true))) {
                edges.extend(places.get(name.as_str()).map(|&from| Edge { from, to, through }));
            }
        }
        edges.sort_unstable();
        // A tensor and its shape between the same two cards are one line, that of the tensor, which sorts first.
        edges.dedup_by_key(|edge| (edge.from, edge.to));
        Self { cards: layers.len(), edges }
    }
}

/// A line from one row to the next, or past a row in between.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Link {
    /// Its upper end.
    pub from: Pos2,
    /// Its lower end.
    pub to: Pos2,
    /// How far it goes straight down from there, past the row.
    pub tail: f32,
    /// The card whose output it carries.
    pub source: usize,
    /// The card it ends at; `None` where it goes on.
    pub target: Option<usize>,
    /// It carries a shape or an index.
    pub through: bool,
}

/// A finished drawing. Positions are in points at a zoom of 1, from the upper left corner.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drawing {
    /// The middle of each card.
    pub centres: Vec<Pos2>,
    /// Cards from top to bottom, so that those on screen are found by bisection.
    pub by_height: Vec<usize>,
    /// Lines, by their upper ends from top to bottom.
    pub links: Vec<Link>,
    /// Edges too long to be drawn as lines: each end has a label that leads to the other. By who is read.
    pub cut: Vec<Edge>,
    /// The same by who reads.
    pub cut_by_reader: Vec<Edge>,
    /// Width and height.
    pub size: Vec2,
}

impl Drawing {
    /// Where a card stands.
    pub fn card(&self, card: usize) -> Option<Rect> {
        self.centres.get(card).map(|centre| Rect::from_center_size(*centre, CARD))
    }

    /// All of it.
    pub fn bounds(&self) -> Rect {
        Rect::from_min_size(Pos2::ZERO, self.size)
    }

    /// Cards that touch `area`, from top to bottom.
    pub fn cards_in(&self, area: Rect) -> impl Iterator<Item = usize> + '_ {
        let area = area.expand2(0.5 * CARD);
        let y = |card: &usize| self.centres.get(*card).map_or(0.0, |centre| centre.y);
        let first = self.by_height.partition_point(|card| y(card) < area.top());
        let cards = self.by_height.get(first..).unwrap_or_default().iter().copied();
        let cards = cards.take_while(move |card| y(card) <= area.bottom());
        cards.filter(move |card| self.centres.get(*card).is_some_and(|centre| area.x_range().contains(centre.x)))
    }

    /// Lines that touch `area`.
    pub fn links_in(&self, area: Rect) -> impl Iterator<Item = &Link> + '_ {
        // None is longer than a row and the room below it.
        let first = self.links.partition_point(|link| link.from.y < area.top() - PITCH - CARD.y);
        let links = self.links.get(first..).unwrap_or_default().iter();
        let links = links.take_while(move |link| link.from.y <= area.bottom());
        links.filter(move |link| {
            let (left, right) = (link.from.x.min(link.to.x), link.from.x.max(link.to.x));
            left <= area.right() && right >= area.left() && link.to.y + link.tail >= area.top()
        })
    }

    /// Cut edges that begin at this card.
    pub fn cut_below(&self, card: usize) -> &[Edge] {
        run(&self.cut, card, |edge| edge.from)
    }

    /// Cut edges that end at this card.
    pub fn cut_above(&self, card: usize) -> &[Edge] {
        run(&self.cut_by_reader, card, |edge| edge.to)
    }

    /// The card at this place.
    pub fn at(&self, place: Pos2) -> Option<usize> {
        self.cards_in(Rect::from_min_max(place, place)).find(|card| self.card(*card).is_some_and(|r| r.contains(place)))
    }
}

/// How a drawing is made.
pub struct Work<'a> {
    /// Stops it.
    pub cancel: CancelToken,
    /// Told how much is done of how much.
    pub progress: &'a mut dyn FnMut(usize, usize),
    /// Without the search for few crossings.
    pub quick: bool,
}

impl std::fmt::Debug for Work<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Work").field("quick", &self.quick).finish_non_exhaustive()
    }
}

/// Draws the net; `None` once cancelled.
pub fn lay_out(net: &Net, work: &mut Work<'_>) -> Option<Drawing> {
    let ranked = ranks::Ranked::of(net);
    let parts = pack::parts(net);
    let all: usize = net.cards.max(1);
    let mut done = 0;
    let mut pieces = Vec::with_capacity(parts.len());
    for cards in &parts {
        let mut mesh = Mesh::of(&ranked, cards);
        let turns = if work.quick { 0 } else { order::TURNS };
        let steps = turns + place::TURNS;
        for turn in 0..steps {
            (work.progress)(steps * done + turn * cards.len(), steps * all);
            if work.cancel.is_cancelled() {
                return None;
            }
            if turn < turns { order::turn(&mut mesh, turn) } else { place::turn(&mut mesh, turn - turns) }
        }
        done += cards.len();
        pieces.push(mesh);
    }
    Some(pack::drawing(net, &ranked, pieces))
}

/// The stretch of `edges` whose key is `card`; they are sorted by it.
fn run(edges: &[Edge], card: usize, key: impl Fn(&Edge) -> usize) -> &[Edge] {
    let first = edges.partition_point(|edge| key(edge) < card);
    let end = edges.partition_point(|edge| key(edge) <= card);
    edges.get(first..end).unwrap_or_default()
}

/// A point in the rows of a piece as it is drawn.
fn row_top(rank: usize) -> f32 {
    rank as f32 * PITCH
}

/// Where the middle of a place in this row is.
fn row_middle(x: f64, rank: usize) -> Pos2 {
    #[expect(clippy::cast_possible_truncation, reason = "points on a plane")]
    pos2(x as f32, row_top(rank) + 0.5 * CARD.y)
}
