//! In which row each card stands, and which edges are cut.
//!
//! A card stands one row below the lowest card it reads (longest path), so that every card has a reader's line of one row
//! and data flow downwards. What nothing stands above, an input or a chain that begins with one, is then pulled down to
//! its first reader: a mask that block 40 reads belongs there, not at the top.

use super::{Edge, Net};

/// An edge past more rows than this is cut: two labels read better than a line across four screens.
pub(super) const LONGEST: usize = 16;
/// The longest edge where the net is so dense that lines of [`LONGEST`] rows would bury the cards.
const SHORTER: [usize; 5] = [12, 8, 6, 4, 2];
/// Bends that a drawing may have for each card, and how many it may have anyway.
const BENDS: (usize, usize) = (6, 20_000);

/// Rows and edges.
#[derive(Debug)]
pub(super) struct Ranked {
    /// The row of each card.
    pub(super) rank: Vec<usize>,
    /// Edges that are drawn as lines, sorted; they lead downwards.
    pub(super) kept: Vec<Edge>,
    /// Edges that are cut.
    pub(super) cut: Vec<Edge>,
}

impl Ranked {
    /// Ranks the cards of a net.
    pub(super) fn of(net: &Net) -> Self {
        // The cards are in topological order. An edge that is not as it should be is cut instead of trusted.
        let (edges, mut cut): (Vec<Edge>, Vec<Edge>) =
            net.edges.iter().partition(|edge| edge.from < edge.to && edge.to < net.cards);
        cut.retain(|edge| edge.from < net.cards && edge.to < net.cards && edge.from != edge.to);
        let rank = pulled_down(net.cards, &edges, longest_paths(net.cards, &edges));
        let limit = limit(net.cards, &edges, &rank);
        let mut nearest: Vec<usize> = vec![usize::MAX; net.cards];
        for edge in &edges {
            let span = rank[edge.to] - rank[edge.from];
            nearest[edge.to] = nearest[edge.to].min(span);
        }
        let (kept, long): (Vec<Edge>, Vec<Edge>) = edges.into_iter().partition(|edge| {
            let span = rank[edge.to] - rank[edge.from];
            // Whatever has something above it keeps a line to it, unless that would be absurd.
            span <= limit || (span == nearest[edge.to] && span <= 4 * LONGEST && !edge.through)
        });
        cut.extend(long);
        cut.sort_unstable();
        Self { rank, kept, cut }
    }
}

fn longest_paths(cards: usize, edges: &[Edge]) -> Vec<usize> {
    let mut rank = vec![0; cards];
    // Sorted by source, and sources come before their readers: each rank is final when it is read.
    for edge in edges {
        rank[edge.to] = rank[edge.to].max(rank[edge.from] + 1);
    }
    rank
}

/// Moves cards down to their first reader where that makes the lines shorter in all.
fn pulled_down(cards: usize, edges: &[Edge], mut rank: Vec<usize>) -> Vec<usize> {
    let (mut reads, mut read) = (vec![0_usize; cards], vec![0_usize; cards]);
    for edge in edges {
        reads[edge.to] += 1;
        read[edge.from] += 1;
    }
    // A chain that begins at an input: nothing holds it at the top.
    let mut is_loose: Vec<bool> = reads.iter().map(|n| *n == 0).collect();
    for edge in edges {
        if reads[edge.to] == 1 && is_loose[edge.from] && read[edge.from] == 1 {
            is_loose[edge.to] = true;
        }
    }
    // From the last card up, so that a reader has moved before what it reads.
    let mut upwards = edges.iter().rev().peekable();
    for card in (0..cards).rev() {
        let mut first_reader = usize::MAX;
        while let Some(edge) = upwards.next_if(|edge| edge.from == card) {
            first_reader = first_reader.min(rank[edge.to]);
        }
        let gains = read[card] > reads[card] || (is_loose[card] && read[card] == reads[card]);
        if gains && first_reader != usize::MAX {
            rank[card] = rank[card].max(first_reader.saturating_sub(1));
        }
    }
    rank
}

/// The longest line: [`LONGEST`] rows, fewer where that takes too many bends.
fn limit(cards: usize, edges: &[Edge], rank: &[usize]) -> usize {
    let most = BENDS.0 * cards + BENDS.1;
    let bends = |limit: usize| {
        // All readers of a card share its bends, so the furthest one within the limit counts.
        let mut furthest = vec![0_usize; cards];
        for edge in edges {
            let span = rank[edge.to] - rank[edge.from];
            if span <= limit {
                furthest[edge.from] = furthest[edge.from].max(span);
            }
        }
        furthest.iter().map(|span| span.saturating_sub(1)).sum::<usize>()
    };
    let choices = std::iter::once(LONGEST).chain(SHORTER);
    choices.into_iter().find(|limit| bends(*limit) <= most).unwrap_or(1)
}
