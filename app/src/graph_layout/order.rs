//! The order of the places in each row, for few crossings: each row in turn is sorted by where its neighbours above, then
//! below, stand on average (the barycentre heuristic). A turn that makes it worse is taken back.

use super::mesh::Mesh;

/// Turns over all rows, downwards and upwards alternately.
pub(super) const TURNS: usize = 6;

/// One turn over all rows.
pub(super) fn turn(mesh: &mut Mesh, number: usize) {
    if mesh.rows.iter().all(|row| row.len() < 2) {
        return;
    }
    let before = (crossings(mesh), mesh.rows.clone());
    let mut place = vec![0.0; mesh.what.len()];
    for row in &mesh.rows {
        number_row(row, &mut place);
    }
    let downwards = number.is_multiple_of(2);
    let rows = mesh.rows.len();
    for step in 0..rows {
        let at = if downwards { step } else { rows - 1 - step };
        let neighbours = if downwards { &mesh.up } else { &mesh.down };
        let mut keyed: Vec<(f64, usize)> = mesh.rows[at]
            .iter()
            .map(|&p| {
                let around = &neighbours[p];
                let sum: f64 = around.iter().map(|n| place[*n]).sum();
                (if around.is_empty() { place[p] } else { sum / around.len() as f64 }, p)
            })
            .collect();
        // Stable: equals keep their order.
        keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
        mesh.rows[at] = keyed.into_iter().map(|(_, p)| p).collect();
        number_row(&mesh.rows[at], &mut place);
    }
    // An equal number is progress too: the order has moved towards the other side's.
    if crossings(mesh) > before.0 {
        mesh.rows = before.1;
    }
}

/// Places of a row as shares of its width, so that rows of different lengths can be compared.
fn number_row(row: &[usize], place: &mut [f64]) {
    let half = 0.5 * (row.len() as f64 - 1.0);
    for (number, &p) in row.iter().enumerate() {
        place[p] = number as f64 - half;
    }
}

/// Pairs of lines that cross, between all rows.
pub(super) fn crossings(mesh: &Mesh) -> usize {
    let mut number = vec![0; mesh.what.len()];
    for row in &mesh.rows {
        for (at, &place) in row.iter().enumerate() {
            number[place] = at;
        }
    }
    mesh.rows.iter().map(|row| crossings_below(mesh, row, &number)).sum()
}

/// Inversions among the lower ends of the lines, taken by their upper ends; counted with a tree of sums.
fn crossings_below(mesh: &Mesh, row: &[usize], number: &[usize]) -> usize {
    let mut ends = Vec::new();
    for &place in row {
        let from = ends.len();
        ends.extend(mesh.down[place].iter().map(|below| number[*below]));
        ends[from..].sort_unstable();
    }
    let Some(most) = ends.iter().max() else { return 0 };
    let mut tree = vec![0_usize; most + 2];
    let mut crossings = 0;
    for (seen, &end) in ends.iter().enumerate() {
        // Lines before this one that end at or left of it do not cross it.
        let (mut at, mut fewer) = (end + 1, 0);
        while at > 0 {
            fewer += tree[at];
            at &= at - 1;
        }
        crossings += seen - fewer;
        at = end + 1;
        while at < tree.len() {
            tree[at] += 1;
            at += at & at.wrapping_neg();
        }
    }
    crossings
}
