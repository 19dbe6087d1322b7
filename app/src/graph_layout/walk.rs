//! Where one gets from a card with the keys: along its lines, over those too long to be drawn, and to what stands beside.

use egui::Pos2;

use super::{Drawing, Net};

/// Which of a card's edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Along {
    /// Up, to what the card reads.
    Inputs,
    /// Down, to what reads it.
    Readers,
    /// To the other ends of the edges that are labels instead of lines.
    Cut,
}

/// A way that was gone: of the edges of a card, one of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trail {
    /// The card it was gone from.
    pub from: usize,
    /// Along which of its edges.
    pub along: Along,
    /// The card it led to.
    pub to: usize,
}

/// A net and where its cards stand.
#[derive(Clone, Copy, Debug)]
pub struct Walk<'a> {
    /// Who reads whom.
    pub net: &'a Net,
    /// Where the cards stand.
    pub drawing: &'a Drawing,
}

impl Walk<'_> {
    /// The other ends of a card's edges: lines from left to right, then labels by number.
    pub fn ends(self, card: usize, along: Along) -> Vec<usize> {
        let above = || self.drawing.cut_above(card).iter().map(|edge| edge.from);
        let below = || self.drawing.cut_below(card).iter().map(|edge| edge.to);
        let (all, cut): (Vec<usize>, Vec<usize>) = match along {
            Along::Inputs => (self.edges().filter(|e| e.1 == card).map(|e| e.0).collect(), above().collect()),
            Along::Readers => (self.edges().filter(|e| e.0 == card).map(|e| e.1).collect(), below().collect()),
            Along::Cut => (Vec::new(), above().chain(below()).collect()),
        };
        let mut drawn: Vec<usize> = all.into_iter().filter(|end| !cut.contains(end)).collect();
        drawn.sort_by(|a, b| self.place(*a).x.total_cmp(&self.place(*b).x));
        drawn.into_iter().chain(cut).collect()
    }

    /// The first of a card's edges; back the way one has come where that is one of them.
    pub fn step(self, card: usize, along: Along, trail: Option<Trail>) -> Option<Trail> {
        let ends = self.ends(card, along);
        let back = trail.filter(|trail| trail.to == card).map(|trail| trail.from).filter(|from| ends.contains(from));
        let to = back.or_else(|| ends.first().copied())?;
        Some(Trail { from: card, along, to })
    }

    /// The next (`step` = 1) or the previous (−1) of the edges that one came along, round and round; where it was the only
    /// one: the card beside in the row. The trail is `None` then.
    pub fn beside(self, card: usize, step: isize, trail: Option<Trail>) -> Option<(usize, Option<Trail>)> {
        let trail = trail.filter(|trail| trail.to == card);
        let ends = trail.map(|trail| self.ends(trail.from, trail.along)).unwrap_or_default();
        if let Some((trail, at)) = trail.zip(ends.iter().position(|end| *end == card)).filter(|_| ends.len() > 1) {
            let count = isize::try_from(ends.len()).ok()?;
            let next = (isize::try_from(at).ok()? + step).rem_euclid(count);
            let to = *ends.get(usize::try_from(next).ok()?)?;
            return Some((to, Some(Trail { to, ..trail })));
        }
        let here = self.place(card);
        let is_beside = |other: &Pos2| (other.y - here.y).abs() < 1.0 && (other.x - here.x) * step as f32 > 0.0;
        let beside = self.drawing.centres.iter().enumerate().filter(|(_, place)| is_beside(place));
        let nearest = beside.min_by(|a, b| (a.1.x - here.x).abs().total_cmp(&(b.1.x - here.x).abs()));
        Some((nearest?.0, None))
    }

    fn edges(self) -> impl Iterator<Item = (usize, usize)> {
        self.net.edges.iter().map(|edge| (edge.from, edge.to))
    }

    fn place(self, card: usize) -> Pos2 {
        self.drawing.centres.get(card).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use egui::pos2;

    use super::*;
    use crate::graph_layout::Edge;

    /// 0 is read by 1 and 2, which stand side by side, and far below by 4 and 5; 3 reads 1 and 2.
    fn fixture() -> (Net, Drawing) {
        let edge = |(from, to)| Edge { from, to, through: false };
        let edges: Vec<Edge> = [(0, 1), (0, 2), (0, 4), (0, 5), (1, 3), (2, 3), (3, 4), (4, 5)].map(edge).into();
        let cut: Vec<Edge> = [(0, 4), (0, 5)].map(edge).into();
        let centres = [(100.0, 0.0), (150.0, 84.0), (50.0, 84.0), (100.0, 168.0), (100.0, 252.0), (100.0, 336.0)];
        let centres = centres.map(|(x, y)| pos2(x, y)).into();
        (Net { cards: 6, edges }, Drawing { centres, cut: cut.clone(), cut_by_reader: cut, ..Drawing::default() })
    }

    #[test]
    fn every_end_of_every_edge_can_be_reached() {
        let (net, drawing) = fixture();
        let walk = Walk { net: &net, drawing: &drawing };
        assert_eq!(walk.ends(0, Along::Readers), [2, 1, 4, 5], "lines from left to right, then labels");
        let mut trail = walk.step(0, Along::Readers, None).unwrap();
        let mut seen = vec![trail.to];
        for _ in 0..4 {
            let (to, next) = walk.beside(trail.to, 1, Some(trail)).unwrap();
            trail = next.unwrap();
            seen.push(to);
        }
        assert_eq!(seen, [2, 1, 4, 5, 2], "and round again");
        assert_eq!(walk.beside(2, -1, Some(Trail { to: 2, ..trail })).unwrap().0, 5);
    }

    #[test]
    fn the_other_way_leads_back() {
        let (net, drawing) = fixture();
        let walk = Walk { net: &net, drawing: &drawing };
        let down = walk.step(1, Along::Readers, None).unwrap();
        assert_eq!(down.to, 3);
        assert_eq!(walk.step(3, Along::Inputs, Some(down)).unwrap().to, 1, "where it came from");
        assert_eq!(walk.step(3, Along::Inputs, None).unwrap().to, 2, "else the left one");
        assert_eq!(walk.step(0, Along::Inputs, None), None, "it reads nothing");
    }

    #[test]
    fn labels_lead_to_their_other_ends_and_rows_to_their_neighbours() {
        let (net, drawing) = fixture();
        let walk = Walk { net: &net, drawing: &drawing };
        assert_eq!(walk.ends(0, Along::Cut), [4, 5]);
        assert_eq!(walk.step(5, Along::Cut, None).unwrap().to, 0);
        assert_eq!(walk.step(3, Along::Cut, None), None, "all its edges are lines");
        assert_eq!(walk.beside(2, 1, None), Some((1, None)));
        assert_eq!(walk.beside(1, 1, None), None, "nothing stands to its right");
        let only = Trail { from: 2, along: Along::Readers, to: 3 };
        assert_eq!(walk.beside(3, 1, Some(only)), None, "one edge, and alone in its row");
    }
}
