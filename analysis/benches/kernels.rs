//! How fast the hot loops are on one thread, beside NumPy on the same machine: `cargo bench -p quantlens-analysis`.
//!
//! With `QUANTLENS_PYTHON` naming a Python that has NumPy (else `python3` is tried), `numpy_kernels.py` times the same
//! work. Times are the best of many runs, because what disturbs a run only ever makes it longer. Not criterion: its
//! statistics are of no use without a quiet machine, and a table beside NumPy's is what is asked for.

use std::{collections::BTreeMap, hint::black_box, process::Command, sync::Arc, time::Instant};

use quantlens_analysis::{
    calibrate::{DisplayHistogram, MinMax, TensorHistogram},
    metrics::ErrorSums,
    quant::{Grid, SymmetricRule, fake_quantize, fake_quantize_in_place, fake_quantize_values, symmetric},
};

const ELEMENTS: usize = 4_000_000;
/// Turns that everything is measured in, so that a busy moment of the machine spoils no single line.
const ROUNDS: usize = 3;
/// Runs in a turn.
const RUNS: usize = 10;

fn main() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool of one thread");
    let mut cases = cases();
    let (mut rates, mut numpy) = (vec![0.0_f64; cases.len()], BTreeMap::new());
    for _ in 0..ROUNDS {
        for (name, rate) in numpy_rates() {
            let best = numpy.entry(name).or_insert(rate);
            *best = rate.max(*best);
        }
        pool.install(|| {
            for (best, case) in rates.iter_mut().zip(&mut cases) {
                *best = best.max(rate(&mut *case.work));
            }
        });
    }
    println!("{ELEMENTS} float32 elements, one thread, million elements a second");
    println!("{:40} {:>9} {:>9} {:>7} {:>12}", "", "Quantlens", "NumPy", "ratio", "memory copy");
    let copy = rates[0];
    for (case, rate) in cases.iter().zip(&rates) {
        let other = numpy.get(case.twin);
        let beside = other.map_or_else(|| format!("{:>9} {:>7}", "–", ""), |n| format!("{n:9.0} {:6.1}×", rate / n));
        println!("{:40} {rate:9.0} {beside} {:10.0} %", case.name, 100.0 * rate / copy);
    }
}

/// One line of the table.
struct Case {
    name: &'static str,
    /// NumPy's measurement of the same work.
    twin: &'static str,
    work: Box<dyn FnMut() + Send>,
}

/// A case whose result is looked at, so that the work is not optimised away.
fn case<T>(name: &'static str, twin: &'static str, mut work: impl FnMut() -> T + Send + 'static) -> Case {
    let work = Box::new(move || {
        black_box(work());
    });
    Case { name, twin, work }
}

/// Each kernel on values that are about normal with σ = 1.
fn cases() -> Vec<Case> {
    let values: Arc<[f32]> = normal(ELEMENTS).into();
    let rectified: Arc<[f32]> = values.iter().map(|value| value.max(0.0)).collect();
    let range = MinMax::of(&values).range().expect("finite values");
    let grid = Grid::signed(8).expect("int8 exists");
    let at = |amax| symmetric(amax, grid, SymmetricRule::MaxCode).0;
    // The second is a threshold that cuts off half a percent.
    let (whole, percentile) = (at(range.amax()), at(2.7));
    let mut quantized = vec![0.0; values.len()];
    fake_quantize(&values, &mut quantized, &whole);
    let mut cases = Vec::new();
    let (a, mut out) = (values.clone(), quantized.clone());
    cases.push(case("memory copy", "copy", move || out.copy_from_slice(black_box(&a))));
    let (a, mut out) = (values.clone(), quantized.clone());
    cases.push(case("fake quantization", "fake", move || fake_quantize_values(black_box(&a), &mut out, &whole)));
    let (a, mut out) = (values.clone(), quantized.clone());
    cases.push(case("… with clipping and its errors", "fake", move || fake_quantize(&a, &mut out, &whole)));
    let (a, mut out) = (values.clone(), quantized.clone());
    cases.push(case("… where 0.5 % are clipped", "fake", move || fake_quantize(&a, &mut out, &percentile)));
    let mut out = quantized.clone();
    cases.push(case("… in place", "fake in place", move || fake_quantize_in_place(&mut out, &whole)));
    let a = values.clone();
    cases.push(case("error sums, all nine", "sums", move || ErrorSums::of(&a, &quantized)));
    let a = values.clone();
    cases.push(case("minimum, maximum, NaNs, infinities", "minmax", move || MinMax::of(&a)));
    for (name, twin, a) in [
        ("histogram of both sides, 2 · 4096 bins", "histogram 8192", &values),
        ("… after ReLU", "histogram 8192 after ReLU", &rectified),
    ] {
        let (a, mut histogram) = (a.clone(), TensorHistogram::new(range));
        cases.push(case(name, twin, move || histogram.observe(black_box(&a))));
    }
    let (a, mut histogram) = (values, DisplayHistogram::new(range));
    cases.push(case("histogram, 256 bins", "histogram 256", move || histogram.observe(black_box(&a))));
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
fn numpy_rates() -> BTreeMap<String, f64> {
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
