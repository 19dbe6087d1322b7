//! Random sessions on random small networks: whatever was edited, undone, cancelled, clicked or exchanged before, a
//! long-lived workbench tells what a fresh one tells, byte for byte.
//!
//! `QUANTLENS_SEED=17` plays that one session; `QUANTLENS_SESSIONS=500` plays more of them, from that seed on.

use quantlens_tests::{
    random_graph::random_graph,
    seeded::Seeded,
    session::{Ground, Step, play, shrunk},
};

const SESSIONS: u64 = 24;
const STEPS: usize = 20;
const BLOCKS: usize = 6;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// From nothing kept to everything.
fn budget(seeded: &mut Seeded) -> Option<u64> {
    *seeded.one(&[None, None, None, Some(1), Some(20_000), Some(60_000)])
}

#[test]
fn a_long_lived_workbench_tells_what_a_fresh_one_does() {
    let first = number("QUANTLENS_SEED");
    let count = number("QUANTLENS_SESSIONS").unwrap_or(if first.is_some() { 1 } else { SESSIONS });
    let first = first.unwrap_or(0);
    let mut played = 0;
    for seed in first..first + count {
        let graph = random_graph(seed, BLOCKS);
        let ground = Ground::new(&graph, seed);
        let mut seeded = Seeded::new(seed);
        let steps = Step::session(&mut seeded, STEPS);
        let budget = budget(&mut seeded);
        if let Err(found) = play(&ground, &steps, budget) {
            let fewer = shrunk(&ground, &steps, budget);
            let of_fewer = play(&ground, &fewer, budget).err().unwrap_or_else(|| "it did not fail again".into());
            panic!(
                "seed {seed} (QUANTLENS_SEED={seed} repeats it), budget {budget:?}\n{found}\n\nsteps: {steps:?}\n\n\
                 shrunk to {fewer:?}\n{of_fewer}\n\nmodel:\n{}",
                graph.builder.text()
            );
        }
        played += steps.len();
    }
    println!("{count} sessions, {played} steps");
}
