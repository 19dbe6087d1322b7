//! The places of a connected part: its cards, and a bend in every row that a line passes. Lines then lead from a row to
//! the next, which is all that ordering and placing need to know.

use super::{CARD, GAP, ranks::Ranked};

/// A line's width of room, in points.
const BEND: f64 = 8.0;

/// A card or a bend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// This card.
    Card(usize),
    /// A line of this card's output passes.
    Bend(usize),
}

/// A line from a place to one in the next row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    /// The place above.
    pub(super) above: usize,
    /// The place below.
    pub(super) below: usize,
    /// It carries a shape or an index.
    pub(super) through: bool,
}

/// A connected part, row by row.
#[derive(Debug, Default)]
pub(super) struct Mesh {
    /// What stands at each place.
    pub(super) what: Vec<What>,
    /// The row of each place, counted from the part's first.
    pub(super) row_of: Vec<usize>,
    /// Places from left to right, for each row.
    pub(super) rows: Vec<Vec<usize>>,
    /// Lines up from each place.
    pub(super) up: Vec<Vec<usize>>,
    /// Lines down from each place.
    pub(super) down: Vec<Vec<usize>>,
    /// All lines.
    pub(super) lines: Vec<Line>,
    /// The middle of each place.
    pub(super) x: Vec<f64>,
}

impl Mesh {
    /// The mesh of these cards, ascending; `ranked` tells their rows and lines.
    pub(super) fn of(ranked: &Ranked, cards: &[usize]) -> Self {
        let top = cards.iter().map(|&card| ranked.rank[card]).min().unwrap_or(0);
        let mut mesh = Self::default();
        let mut place_of = std::collections::BTreeMap::new();
        for &card in cards {
            place_of.insert(card, mesh.add(What::Card(card), ranked.rank[card] - top));
        }
        for &card in cards {
            let first = ranked.kept.partition_point(|edge| edge.from < card);
            let edges = ranked.kept.get(first..).unwrap_or_default().iter().take_while(|edge| edge.from == card);
            // Readers of the tensor share one chain of bends, readers of its shape another.
            for through in [false, true] {
                let mut readers: Vec<usize> = edges
                    .clone()
                    .filter(|e| e.through == through)
                    .filter_map(|e| place_of.get(&e.to).copied())
                    .collect();
                readers.sort_by_key(|place| (mesh.row_of[*place], *place));
                mesh.lead(card, place_of[&card], &readers, through);
            }
        }
        mesh.arrange();
        mesh.x = vec![0.0; mesh.what.len()];
        mesh
    }

    fn add(&mut self, what: What, row: usize) -> usize {
        self.what.push(what);
        self.row_of.push(row);
        self.up.push(Vec::new());
        self.down.push(Vec::new());
        if self.rows.len() <= row {
            self.rows.resize(row + 1, Vec::new());
        }
        self.what.len() - 1
    }

    /// Lines from a card to its readers, nearest first, over shared bends.
    fn lead(&mut self, card: usize, from: usize, readers: &[usize], through: bool) {
        let mut end = from;
        for &reader in readers {
            while self.row_of[end] + 1 < self.row_of[reader] {
                let bend = self.add(What::Bend(card), self.row_of[end] + 1);
                self.join(end, bend, through);
                end = bend;
            }
            self.join(end, reader, through);
        }
    }

    fn join(&mut self, above: usize, below: usize, through: bool) {
        self.down[above].push(below);
        self.up[below].push(above);
        self.lines.push(Line { above, below, through });
    }

    /// A first order of the rows: as a walk from the top comes by, so that what belongs together stands together. A tree
    /// has no crossings then.
    fn arrange(&mut self) {
        let mut seen = vec![false; self.what.len()];
        for root in 0..self.what.len() {
            let mut open = vec![root];
            while let Some(place) = open.pop() {
                if std::mem::replace(&mut seen[place], true) {
                    continue;
                }
                self.rows[self.row_of[place]].push(place);
                open.extend(self.down[place].iter().rev().filter(|below| !seen[**below]));
            }
        }
    }

    /// How far apart the middles of two neighbours are, at least.
    pub(super) fn apart(&self, left: usize, right: usize) -> f64 {
        let (a, b) = (self.width(left), self.width(right));
        let both = matches!((self.what[left], self.what[right]), (What::Card(_), What::Card(_)));
        0.5 * (a + b) + if both { f64::from(GAP) } else { 0.5 * f64::from(GAP) }
    }

    /// Room that the place takes.
    pub(super) fn width(&self, place: usize) -> f64 {
        if matches!(self.what[place], What::Card(_)) { f64::from(CARD.x) } else { BEND }
    }
}
