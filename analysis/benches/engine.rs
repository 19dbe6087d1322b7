//! What the engine's parts cost on the built-in sample, or on `QUANTLENS_MODEL` with `QUANTLENS_DATA`, beside plain
//! onnxruntime in the same run: `ORT_DYLIB_PATH=… cargo bench -p quantlens-analysis --bench engine`. Medians of nine.

use std::{path::PathBuf, sync::Arc, time::Instant};

use ort::environment::GlobalThreadPoolOptions;
use quantlens_analysis::{
    config::QuantConfig,
    data::{DataOptions, DataSource},
    engine::Runtime,
    job::{CancelToken, Job},
    quant::Bits,
    workbench::{OpenOptions, Plain, Workbench},
};

const RUNS: usize = 9;
const SAMPLES: usize = 32;

fn main() {
    let Some(library) = std::env::var_os("ORT_DYLIB_PATH") else {
        println!("skipped: ORT_DYLIB_PATH names no onnxruntime library");
        return;
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let pool = GlobalThreadPoolOptions::default().with_intra_threads(1).expect("a number of threads");
    let pool = pool.with_spin_control(false).expect("spinning can be turned off");
    let builder = ort::init_from(library).expect("onnxruntime loads").with_global_thread_pool(pool);
    let runtime = Runtime::new(builder.build().expect("onnxruntime can be set up"));
    let sample = |file: &str| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../assets/sample").join(file);
    let chosen = |name: &str, file: &str| std::env::var_os(name).map_or_else(|| sample(file), PathBuf::from);
    let (model, data) = (chosen("QUANTLENS_MODEL", "sample.onnx"), chosen("QUANTLENS_DATA", "sample.npz"));
    let open = || {
        let mut bench =
            quietly(|job| Workbench::open(&runtime, &model, OpenOptions::default(), job)).expect("the model opens");
        let options = DataOptions { limit: Some(SAMPLES), ..DataOptions::default() };
        bench.set_data(&DataSource::Path(data.clone()), &options).expect("the data fit");
        bench
    };
    let mut bench = open();
    println!("{}, {SAMPLES} samples at most, {threads} threads", model.display());
    for kind in [Plain::Optimized, Plain::Unoptimized, Plain::AllIntermediates] {
        let plain = bench.plain_model(kind).expect("onnxruntime runs the model");
        plain.run_all().expect("onnxruntime runs the model");
        print(&format!("onnxruntime, {kind:?}"), || plain.run_all().expect("onnxruntime runs the model"));
    }
    let plain = Arc::new(QuantConfig::default());
    print("open, first evaluation", || drop(evaluate(&mut open(), &plain)));
    let report = evaluate(&mut bench, &plain);
    let weighted: Vec<String> =
        report.rows.iter().filter(|row| row.weight.is_some()).map(|row| row.info.name.clone()).collect();
    let places = [("first", weighted.first()), ("middle", weighted.get(weighted.len() / 2)), ("last", weighted.last())];
    for (place, layer) in places {
        let Some(layer) = layer else { continue };
        let mut widths = [4, 5, 6, 7, 3, 2].iter().cycle();
        print(&format!("weights of the {place} layer"), || {
            let mut config = QuantConfig::clone(&plain);
            config.edit_layer(layer, |settings| settings.weight_bits = widths.next().map(|&bits| Bits::Int(bits)));
            drop(evaluate(&mut bench, &Arc::new(config)));
        });
    }
    print("a layer's pages", || {
        let Some(layer) = weighted.first() else { return };
        quietly(|job| bench.layer_detail(&plain, layer, job)).expect("the layer is there");
    });
}

fn quietly<T>(work: impl FnOnce(&mut Job<'_>) -> T) -> T {
    work(&mut Job { cancel: CancelToken::new(), progress: &mut |_| () })
}

fn evaluate(bench: &mut Workbench, config: &Arc<QuantConfig>) -> Arc<quantlens_analysis::report::Report> {
    quietly(|job| bench.evaluate(config, job, &mut |_| ())).expect("it evaluates")
}

fn print(what: &str, mut work: impl FnMut()) {
    let mut seconds: Vec<f64> = (0..RUNS)
        .map(|_| {
            let started = Instant::now();
            work();
            started.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    println!("{what:34} {:9.2} ms", 1e3 * seconds[RUNS / 2]);
}
