//! All sessions share one pool of threads: however many segments a model has, the process has no more of them.

use quantlens_analysis::config::QuantConfig;
use quantlens_tests::{
    core::{bench, evaluate},
    models::{Builder, save_array},
    seeded::Seeded,
};

const SEGMENTS: usize = 320;

/// Threads of this process; `None` where the system does not tell.
fn threads() -> Option<usize> {
    Some(std::fs::read_dir("/proc/self/task").ok()?.count())
}

#[test]
fn three_hundred_segments_share_one_pool() {
    let folder = tempfile::tempdir().unwrap();
    let mut builder = Builder::new(17);
    builder.input("x", &[16]);
    let mut last = "x".to_owned();
    for layer in 0..SEGMENTS {
        let (weight, name) = (format!("w{layer}"), format!("t{layer}"));
        builder.constant(&weight, &[16, 16], Seeded::new(layer as u64).units(256, 0.25));
        builder.node("MatMul", &[&last, &weight], &name, Vec::new());
        last = name;
    }
    builder.output(&last);
    let data = save_array(folder.path(), &[4, 16], Seeded::new(1).units(64, 1.0));
    let mut workbench = bench(&builder.save(folder.path()), &data, 4, None);
    assert!(workbench.graph().segments.len() >= 300, "{} segments", workbench.graph().segments.len());
    // Every segment has its float session then, and one for its quantized weights.
    let run = evaluate(&mut workbench, &QuantConfig::default()).timing.segments_run;
    assert!(run >= 4 * 300);
    let Some(threads) = threads() else {
        println!("skipped: three_hundred_segments_share_one_pool: /proc/self/task is not there");
        return;
    };
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    println!("{threads} threads on {cores} cores");
    assert!(threads <= cores + 8, "{threads} threads on {cores} cores");
}
