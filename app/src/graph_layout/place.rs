//! The x of every place: each row in turn is drawn towards the median of its neighbours above, then below, as far as the
//! order and the room between two places allow.
//!
//! For a row that is a least-squares problem with a lower bound for each distance. With the distances subtracted it asks
//! for the nearest sequence that does not descend, which the pool-adjacent-violators algorithm finds in one walk: places
//! that push each other move as one block. So no two cards can overlap, whatever the wishes are.

use super::mesh::{Mesh, What};

/// Turns over all rows: down, up, and at last with both sides.
pub(super) const TURNS: usize = 7;

/// One turn over all rows.
pub(super) fn turn(mesh: &mut Mesh, number: usize) {
    if number == 0 {
        side_by_side(mesh);
    }
    let rows = mesh.rows.len();
    let side = if number + 1 == TURNS {
        Side::Both
    } else if number.is_multiple_of(2) {
        Side::Above
    } else {
        Side::Below
    };
    for step in 0..rows {
        let at = if side == Side::Below { rows - 1 - step } else { step };
        set_row(mesh, at, side);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Above,
    Below,
    Both,
}

/// Rows packed and centred, to begin with.
fn side_by_side(mesh: &mut Mesh) {
    for row in &mesh.rows {
        let mut at = 0.0;
        for (number, &place) in row.iter().enumerate() {
            if let Some(&left) = number.checked_sub(1).and_then(|left| row.get(left)) {
                at += mesh.apart(left, place);
            }
            mesh.x[place] = at;
        }
        for &place in row {
            mesh.x[place] -= 0.5 * at;
        }
    }
}

/// Places that move as one.
struct Block {
    /// Σ weight × wish.
    wishes: f64,
    /// Σ weight.
    weight: f64,
    /// How many places.
    places: usize,
}

impl Block {
    fn x(&self) -> f64 {
        self.wishes / self.weight
    }
}

fn set_row(mesh: &mut Mesh, at: usize, side: Side) {
    let row = &mesh.rows[at];
    let mut blocks: Vec<Block> = Vec::with_capacity(row.len());
    let mut offsets = Vec::with_capacity(row.len());
    let mut offset = 0.0;
    for (number, &place) in row.iter().enumerate() {
        if let Some(&left) = number.checked_sub(1).and_then(|left| row.get(left)) {
            offset += mesh.apart(left, place);
        }
        offsets.push(offset);
        let (wish, weight) = wish(mesh, place, side);
        blocks.push(Block { wishes: weight * (wish - offset), weight, places: 1 });
        while let [.., before, last] = blocks.as_mut_slice() {
            if before.x() <= last.x() {
                break;
            }
            before.wishes += last.wishes;
            before.weight += last.weight;
            before.places += last.places;
            blocks.pop();
        }
    }
    let moved = blocks.iter().flat_map(|block| std::iter::repeat_n(block.x(), block.places));
    let x: Vec<f64> = moved.zip(&offsets).map(|(x, offset)| x + offset).collect();
    for (&place, x) in mesh.rows[at].iter().zip(x) {
        mesh.x[place] = x;
    }
}

/// Where a place would like to be, and how much.
fn wish(mesh: &Mesh, place: usize, side: Side) -> (f64, f64) {
    // Bends give way to cards. If they shared a push, every skip would move the network a little to one side, and after
    // a thousand blocks it would have wandered off by a hundred screens.
    let weight = if matches!(mesh.what[place], What::Card(_)) { 1e4 } else { 1.0 };
    // What has nothing on this side stays, but is easily pushed.
    const STAYS: f64 = 0.05;
    let (up, down) = (middle(mesh, &mesh.up[place]), middle(mesh, &mesh.down[place]));
    let wish = match side {
        Side::Above => up,
        Side::Below => down,
        Side::Both => up.zip(down).map(|(up, down)| 0.5 * (up + down)).or(up).or(down),
    };
    wish.map_or((mesh.x[place], STAYS), |wish| (wish, weight))
}

/// The median of the cards among the neighbours, of the bends where there is no card; between the middle two where their
/// number is even.
fn middle(mesh: &Mesh, places: &[usize]) -> Option<f64> {
    let is_card = |place: &&usize| matches!(mesh.what[**place], What::Card(_));
    let mut x: Vec<f64> = places.iter().filter(is_card).map(|place| mesh.x[*place]).collect();
    if x.is_empty() {
        x = places.iter().map(|place| mesh.x[*place]).collect();
    }
    x.sort_by(f64::total_cmp);
    let last = x.len().checked_sub(1)?;
    Some(0.5 * (x.get(last / 2)? + x.get(x.len() / 2)?))
}
