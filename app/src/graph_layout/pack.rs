//! The unconnected parts of a net, and how they are set beside each other.

use egui::{Pos2, Rect, Vec2, pos2, vec2};

use super::{
    CARD, Drawing, Link, Net, PITCH,
    mesh::{Mesh, What},
    ranks::Ranked,
    row_middle,
};

/// Room around and between parts, in points.
const MARGIN: f32 = 36.0;

/// The cards of each part, ascending; the part of the first card first. Cut edges hold together, too.
pub(super) fn parts(net: &Net) -> Vec<Vec<usize>> {
    let mut parent: Vec<usize> = (0..net.cards).collect();
    for edge in net.edges.iter().filter(|edge| edge.from < net.cards && edge.to < net.cards) {
        let (a, b) = (root(&mut parent, edge.from), root(&mut parent, edge.to));
        // The smaller number stays root, so that parts come in the order of their first cards.
        parent[a.max(b)] = a.min(b);
    }
    let mut parts: std::collections::BTreeMap<usize, Vec<usize>> = std::collections::BTreeMap::new();
    for card in 0..net.cards {
        parts.entry(root(&mut parent, card)).or_default().push(card);
    }
    parts.into_values().collect()
}

fn root(parent: &mut [usize], mut card: usize) -> usize {
    while parent[card] != card {
        parent[card] = parent[parent[card]];
        card = parent[card];
    }
    card
}

/// Sets the parts in shelves, left to right, about as wide as the widest part or the whole is high.
pub(super) fn drawing(net: &Net, ranked: &Ranked, parts: Vec<Mesh>) -> Drawing {
    let boxes: Vec<Rect> = parts.iter().map(bounds).collect();
    let widest = boxes.iter().map(Rect::width).fold(0.0, f32::max);
    let area: f32 = boxes.iter().map(|b| (b.width() + MARGIN) * (b.height() + MARGIN)).sum();
    let shelf = widest.max(1.2 * area.sqrt());
    let mut drawing = Drawing { centres: vec![Pos2::ZERO; net.cards], cut: ranked.cut.clone(), ..Drawing::default() };
    let (mut at, mut height) = (pos2(MARGIN, MARGIN), 0.0_f32);
    for (mesh, bounds) in parts.iter().zip(boxes) {
        if at.x > MARGIN && at.x + bounds.width() > shelf + MARGIN {
            at = pos2(MARGIN, at.y + height + MARGIN);
            height = 0.0;
        }
        put(&mut drawing, mesh, at - bounds.min);
        drawing.size = drawing.size.max((at + bounds.size()).to_vec2() + Vec2::splat(MARGIN));
        at.x += bounds.width() + MARGIN;
        height = height.max(bounds.height());
    }
    let y = |card: &usize| drawing.centres[*card].y;
    let mut by_height: Vec<usize> = (0..net.cards).collect();
    by_height.sort_by(|a, b| y(a).total_cmp(&y(b)));
    drawing.by_height = by_height;
    drawing.cut_by_reader = drawing.cut.clone();
    drawing.cut_by_reader.sort_by_key(|edge| (edge.to, edge.from));
    drawing.links.sort_by(|a, b| a.from.y.total_cmp(&b.from.y));
    drawing
}

fn bounds(mesh: &Mesh) -> Rect {
    let mut bounds = Rect::NOTHING;
    for place in 0..mesh.what.len() {
        #[expect(clippy::cast_possible_truncation, reason = "points on a plane")]
        let size = vec2(mesh.width(place) as f32, CARD.y);
        bounds |= Rect::from_center_size(row_middle(mesh.x[place], mesh.row_of[place]), size);
    }
    if mesh.what.is_empty() { Rect::ZERO } else { bounds }
}

/// Writes a part's cards and lines into the drawing, moved by `by`.
fn put(drawing: &mut Drawing, mesh: &Mesh, by: Vec2) {
    let middle = |place: usize| row_middle(mesh.x[place], mesh.row_of[place]) + by;
    for (place, what) in mesh.what.iter().enumerate() {
        if let What::Card(card) = what {
            drawing.centres[*card] = middle(place);
        }
    }
    let half = vec2(0.0, 0.5 * CARD.y);
    for line in &mesh.lines {
        let (What::Card(source) | What::Bend(source)) = mesh.what[line.above];
        let target = match mesh.what[line.below] {
            What::Card(card) => Some(card),
            What::Bend(_) => None,
        };
        drawing.links.push(Link {
            from: middle(line.above) + half,
            to: middle(line.below) - half,
            tail: if target.is_none() { CARD.y } else { 0.0 },
            source,
            target,
            through: line.through,
        });
    }
    debug_assert!(mesh.lines.iter().all(|line| mesh.row_of[line.above] + 1 == mesh.row_of[line.below]), "{PITCH}");
}
