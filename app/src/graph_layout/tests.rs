use std::time::Instant;

use super::*;

fn net(cards: usize, edges: impl IntoIterator<Item = (usize, usize)>) -> Net {
    let mut edges: Vec<Edge> = edges.into_iter().map(|(from, to)| Edge { from, to, through: false }).collect();
    edges.sort_unstable();
    edges.dedup();
    Net { cards, edges }
}

fn chain(n: usize) -> Net {
    net(n, (1..n).map(|i| (i - 1, i)))
}

/// A chain with a skip over every three cards.
fn residual(n: usize) -> Net {
    net(n, (1..n).map(|i| (i - 1, i)).chain((0..n.saturating_sub(3)).step_by(3).map(|i| (i, i + 3))))
}

/// Every card reads the twelve before it.
fn dense(n: usize) -> Net {
    net(n, (1..n).flat_map(|i| (i.saturating_sub(12)..i).map(move |j| (j, i))))
}

/// A residual net and an input that every eighth card reads.
fn masked(n: usize) -> Net {
    let shifted = residual(n - 1).edges.into_iter().map(|e| (if e.from == 0 { 0 } else { e.from + 1 }, e.to + 1));
    net(n, shifted.chain((9..n).step_by(8).map(|i| (1, i))))
}

/// Trees that part and meet again.
fn diamonds(n: usize) -> Net {
    let mut edges = Vec::new();
    for at in (0..n.saturating_sub(8)).step_by(8) {
        for i in 1..=3 {
            edges.extend([(at, at + i), (at + i, at + 3 + i), (at + 3 + i, at + 7)]);
        }
        edges.push((at + 7, at + 8));
    }
    net(n, edges)
}

/// Chains of five without anything between them, and loose cards.
fn scattered(n: usize) -> Net {
    net(n, (1..n).filter(|i| !i.is_multiple_of(5) && i % 7 != 3).map(|i| (i - 1, i)))
}

/// One card that all others read, and one that reads all others.
fn star(n: usize) -> Net {
    net(n, (1..n).map(|i| (0, i)).chain((1..n - 1).map(|i| (i, n - 1))))
}

fn drawn(net: &Net, quick: bool) -> Drawing {
    let work = &mut Work { cancel: CancelToken::new(), progress: &mut |_, _| (), quick };
    lay_out(net, work).unwrap()
}

/// A net of so many cards.
type Make = fn(usize) -> Net;

const TOPOLOGIES: [(&str, Make); 7] = [
    ("chain", chain),
    ("residual", residual),
    ("dense", dense),
    ("masked", masked),
    ("diamonds", diamonds),
    ("scattered", scattered),
    ("star", star),
];

/// Cards side by side keep their distance; pairs in question are those of about the same height.
fn assert_apart(name: &str, drawing: &Drawing) {
    let cards = &drawing.by_height;
    for (number, a) in cards.iter().enumerate() {
        let (a, rect) = (*a, drawing.card(*a).unwrap().expand(1.0));
        for b in &cards[number + 1..] {
            let other = drawing.card(*b).unwrap();
            if other.top() > rect.bottom() {
                break;
            }
            assert!(!rect.intersects(other), "{name}: {a} at {rect:?} and {b} at {other:?}");
        }
        assert!(drawing.bounds().contains_rect(rect), "{name}: {a} at {rect:?} outside {:?}", drawing.size);
    }
}

#[test]
fn no_two_cards_overlap() {
    for (name, make) in TOPOLOGIES {
        for n in [9, 60, 400] {
            for quick in [false, true] {
                assert_apart(name, &drawn(&make(n), quick));
            }
        }
    }
    for n in 0..3 {
        assert_apart("tiny", &drawn(&chain(n), false));
    }
}

#[test]
fn the_same_net_gives_the_same_drawing() {
    for (name, make) in TOPOLOGIES {
        assert_eq!(drawn(&make(120), false), drawn(&make(120), false), "{name}");
    }
}

#[test]
fn every_edge_is_a_line_or_two_labels() {
    for (name, make) in TOPOLOGIES {
        let net = make(200);
        let drawing = drawn(&net, false);
        for edge in &net.edges {
            let is_drawn = drawing.links.iter().any(|l| l.source == edge.from && l.target == Some(edge.to));
            assert!(is_drawn != drawing.cut.contains(edge), "{name}: {edge:?}");
        }
        for link in &drawing.links {
            assert!((link.to.y - link.from.y - (PITCH - CARD.y)).abs() < 0.1, "{name}: {link:?}");
        }
    }
}

#[test]
fn data_flow_downwards_and_a_mask_stands_at_its_first_reader() {
    let drawing = drawn(&masked(200), false);
    let rank = |card: usize| (drawing.centres[card].y / PITCH).round();
    // Card 1 is the mask, first read by card 9.
    assert_eq!(rank(1), rank(9) - 1.0);
    assert!(!drawing.cut.is_empty(), "its later readers have labels");
    for link in &drawing.links {
        assert!(link.to.y > link.from.y);
    }
}

#[test]
fn a_chain_is_straight_and_a_tree_has_no_crossings() {
    let drawing = drawn(&chain(30), false);
    assert!(drawing.centres.iter().all(|c| (c.x - drawing.centres[0].x).abs() < 0.01));
    let tree = net(31, (1..31).map(|i| ((i - 1) / 2, i)));
    let ranked = ranks::Ranked::of(&tree);
    let mut mesh = Mesh::of(&ranked, &(0..31).collect::<Vec<_>>());
    assert_eq!(order::crossings(&mesh), 0);
    // Two rows, 2 × 2 lines, all crossed: one crossing, and one turn mends it.
    let crossed = net(4, [(0, 3), (1, 2)]);
    let ranked = ranks::Ranked::of(&crossed);
    mesh = Mesh::of(&ranked, &[0, 1, 2, 3]);
    mesh.rows = vec![vec![0, 1], vec![2, 3]];
    assert_eq!(order::crossings(&mesh), 1);
    order::turn(&mut mesh, 0);
    assert_eq!((order::crossings(&mesh), &mesh.rows[1]), (0, &vec![3, 2]));
}

#[test]
fn skips_do_not_push_the_network_aside() {
    for net in [residual(1000), masked(1000), dense(300)] {
        let drawing = drawn(&net, false);
        // A card, the lines beside it on either side, and the margins.
        assert!(drawing.size.x < 1200.0, "{}", drawing.size.x);
    }
}

#[test]
fn what_is_on_screen_is_found() {
    let drawing = drawn(&diamonds(300), false);
    let area = Rect::from_min_size(pos2(100.0, 900.0), vec2(300.0, 500.0));
    let mut found: Vec<usize> = drawing.cards_in(area).collect();
    found.sort_unstable();
    let all: Vec<usize> = (0..300).filter(|c| drawing.card(*c).unwrap().intersects(area)).collect();
    assert!(!all.is_empty());
    assert_eq!(found, all);
    let links = drawing.links_in(area).count();
    let touching =
        drawing.links.iter().filter(|l| Rect::from_two_pos(l.from, l.to + vec2(0.0, l.tail)).intersects(area));
    assert_eq!(links, touching.count());
    let centre = drawing.centres[17];
    assert_eq!(drawing.at(centre), Some(17));
    assert_eq!(drawing.at(centre + vec2(0.0, 0.5 * PITCH)), None);
}

#[test]
fn an_edge_that_leads_nowhere_or_back_harms_nothing() {
    let edges = [(0, 1), (2, 1), (1, 1), (0, 9)].map(|(from, to)| Edge { from, to, through: false });
    let drawing = drawn(&Net { cards: 3, edges: edges.to_vec() }, false);
    assert_apart("odd", &drawing);
    assert_eq!(drawing.cut, [Edge { from: 2, to: 1, through: false }]);
}

#[test]
fn a_cancelled_layout_gives_nothing() {
    let cancel = CancelToken::new();
    let stop = cancel.clone();
    let mut calls = 0;
    let mut progress = |_, _| {
        calls += 1;
        stop.cancel();
    };
    assert!(lay_out(&residual(500), &mut Work { cancel, progress: &mut progress, quick: false }).is_none());
    assert_eq!(calls, 1);
}

#[test]
fn five_thousand_cards() {
    for (name, make) in TOPOLOGIES {
        let net = make(5000);
        let start = Instant::now();
        let drawing = drawn(&net, false);
        println!(
            "{name}: {} edges, {} lines, {} cut, {:.0} × {:.0}, {} ms",
            net.edges.len(),
            drawing.links.len(),
            drawing.cut.len(),
            drawing.size.x,
            drawing.size.y,
            start.elapsed().as_millis()
        );
        assert_apart(name, &drawing);
    }
}
