//! How fast the hot loops are on one thread, beside NumPy on the same machine: `cargo bench -p quantlens-analysis`.
//!
//! With `QUANTLENS_PYTHON` naming a Python that has NumPy (else `python3` is tried), `numpy_kernels.py` times the same
//! work. Times are the best of many runs, because what disturbs a run only ever makes it longer. Not criterion: its
//! statistics are of no use without a quiet machine, and a table beside NumPy's is what is asked for.

use std::{collections::BTreeMap, hint::black_box, process::Command, time::Instant};

use quantlens_analysis::{
    calibrate::{AbsHistogram, DisplayHistogram, MinMax, SidedBins, SignedHistogram},
    metrics::ErrorSums,
    quant::{Grid, Range, SymmetricRule, fake_quantize, fake_quantize_in_place, fake_quantize_values, symmetric},
};

const ELEMENTS: usize = 4_000_000;
const RUNS: usize = 30;

fn main() {
    let numpy = numpy();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool of one thread");
    println!("{ELEMENTS} float32 elements, one thread, million elements a second");
    println!("{:44} {:>9} {:>9} {:>7}", "", "Quantlens", "NumPy", "ratio");
    pool.install(|| {
        for (name, twin, mut work) in cases() {
            let rate = rate(&mut *work);
            match numpy.get(twin) {
                Some(other) => println!("{name:44} {rate:9.0} {other:9.0} {:6.1}×", rate / other),
                None => println!("{name:44} {rate:9.0} {:>9} {:>7}", "–", ""),
            }
        }
    });
}

/// What is measured, the name of NumPy's measurement of the same, and the work.
type Case = (&'static str, &'static str, Box<dyn FnMut() + Send>);

/// Each kernel on values that are about normal with σ = 1.
fn cases() -> Vec<Case> {
    let values = normal(ELEMENTS);
    let rectified: Vec<f32> = values.iter().map(|value| value.max(0.0)).collect();
    let range = MinMax::of(&values).range().expect("finite values");
    let grid = Grid::signed(8).expect("int8 exists");
    let at = |amax| symmetric(amax, grid, SymmetricRule::MaxCode).0;
    let (whole, percentile) = (at(range.amax()), at(2.8));
    let mut quantized = vec![0.0; values.len()];
    fake_quantize(&values, &mut quantized, &whole);
    let out = || vec![0.0_f32; ELEMENTS];
    // Every case owns its tensors.
    let (v, q) = (|| values.clone(), || quantized.clone());
    let mut cases: Vec<Case> = Vec::new();
    let mut add = |name, twin, work| cases.push((name, twin, work));
    let (a, mut b) = (v(), out());
    add("memory copy", "copy", Box::new(move || b.copy_from_slice(black_box(&a))));
    let (a, mut b) = (v(), out());
    add("fake quantization", "fake", Box::new(move || fake_quantize_values(black_box(&a), &mut b, &whole)));
    let (a, mut b) = (v(), out());
    add(
        "… with clipping and rounding error",
        "fake",
        Box::new(move || drop(black_box(fake_quantize(&a, &mut b, &whole)))),
    );
    let (a, mut b) = (v(), out());
    add(
        "… of which 0.5 % are clipped",
        "fake",
        Box::new(move || drop(black_box(fake_quantize(&a, &mut b, &percentile)))),
    );
    let mut a = v();
    add("… in place", "fake in place", Box::new(move || drop(black_box(fake_quantize_in_place(&mut a, &whole)))));
    let (a, b) = (v(), q());
    add("error sums, all nine", "sums", Box::new(move || drop(black_box(ErrorSums::of(&a, &b)))));
    let a = v();
    add("minimum, maximum, NaNs, infinities", "minmax", Box::new(move || drop(black_box(MinMax::of(&a)))));
    let (a, mut h) = (v(), SignedHistogram::new(range));
    add("histogram, 2048 bins", "histogram", Box::new(move || h.observe(black_box(&a))));
    let (a, mut h) = (v(), AbsHistogram::new(range));
    add("histogram of |r|, 2048 bins", "histogram", Box::new(move || h.observe(black_box(&a))));
    let (a, mut h) = (rectified.clone(), AbsHistogram::new(range));
    add("… after ReLU", "histogram", Box::new(move || h.observe(black_box(&a))));
    let (a, mut h) = (v(), SidedBins::new(range.amax()));
    add("histogram of both sides, 2 · 4096 bins", "histogram", Box::new(move || h.observe(black_box(&a))));
    let (a, mut h) = (rectified, SidedBins::new(range.amax()));
    add("… after ReLU", "histogram", Box::new(move || h.observe(black_box(&a))));
    let (a, mut h) = (v(), DisplayHistogram::new(Range::new(range.low, range.high)));
    add("histogram, 256 bins", "histogram 256", Box::new(move || h.observe(black_box(&a))));
    cases
}

/// Millions of elements a second in the best of many runs.
fn rate(work: &mut dyn FnMut()) -> f64 {
    work();
    let seconds = (0..RUNS).map(|_| {
        let started = Instant::now();
        work();
        started.elapsed().as_secs_f64()
    });
    ELEMENTS as f64 / seconds.fold(f64::INFINITY, f64::min) / 1e6
}

/// Sums of four uniform numbers, scaled to σ = 1.
fn normal(len: usize) -> Vec<f32> {
    let mut state = 1_u64;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32
    };
    (0..len).map(|_| (uniform() + uniform() + uniform() + uniform() - 2.0) * 3.0_f32.sqrt()).collect()
}

/// NumPy's rates by name; none without a Python that has it.
fn numpy() -> BTreeMap<String, f64> {
    let python = std::env::var("QUANTLENS_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/numpy_kernels.py");
    let output = Command::new(python).args([script, &ELEMENTS.to_string(), &RUNS.to_string()]).output();
    let text = match output {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).into_owned(),
        _ => {
            eprintln!("no NumPy beside it: set QUANTLENS_PYTHON to a Python that has it");
            return BTreeMap::new();
        }
    };
    let line = |line: &str| line.split_once('\t').and_then(|(name, rate)| Some((name.to_owned(), rate.parse().ok()?)));
    text.lines().filter_map(line).collect()
}
