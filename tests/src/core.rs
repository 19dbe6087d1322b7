//! A workbench for tests: onnxruntime as the program finds it, loaded once, and models by name.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use quantlens_analysis::{
    Result,
    config::QuantConfig,
    data::{DataOptions, DataSource},
    engine::Runtime,
    job::{CancelToken, Job},
    report::{Memory, Report, Timing},
    target::Target,
    workbench::{OpenOptions, Workbench},
};

/// Threads that onnxruntime gets, where a test starts another process to have others.
pub const THREADS: &str = "QUANTLENS_TEST_THREADS";

/// onnxruntime on two threads, or [`THREADS`]; a process has one environment, so all tests share it.
///
/// # Panics
/// Where none can be found or fetched: no test of the engine means anything then.
pub fn runtime() -> Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let load = || {
        let threads = std::env::var(THREADS).ok().and_then(|n| n.parse().ok()).unwrap_or(2);
        let located = quantlens::runtime::locate(None)
            .or_else(|_| quantlens::runtime::fetch(&CancelToken::new(), &mut |_| ()))
            .expect("onnxruntime can be found or fetched");
        Runtime::new(quantlens::runtime::load(&located, threads).expect("onnxruntime loads"))
    };
    RUNTIME.get_or_init(load).clone()
}

/// A file of the built-in sample.
pub fn sample(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/sample").join(file)
}

/// A file or folder of the shared models; `None` says by name that the test is skipped.
pub fn shared(test: &str, path: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let root = std::env::var_os("QUANTLENS_SHARED").map_or(beside, PathBuf::from);
    let found = root.join(path);
    if found.exists() {
        return Some(found);
    }
    println!("skipped: {test}: {} is not there", found.display());
    None
}

/// Writes a target that is onnxruntime's but for its biases, which stay float, into `folder`; returns its path.
///
/// # Panics
/// Where the folder cannot be written.
pub fn float_bias_target(folder: &Path) -> String {
    let text = Target::builtin_toml("onnxruntime").expect("it is built in");
    let (before, bias) = text.split_once("[bias]").expect("it has biases");
    let (_, after) = bias.split_once("\n[").expect("more follows");
    let text = format!("{before}[bias]\nformat = \"float\"\n\n[{after}");
    let path = folder.join("float-bias.toml");
    std::fs::write(&path, text.replace("name = \"onnxruntime\"", "name = \"float-bias\"")).expect("it can be written");
    path.to_string_lossy().into_owned()
}

/// Runs `work` with a job that nobody watches.
pub fn quietly<T>(work: impl FnOnce(&mut Job<'_>) -> T) -> T {
    work(&mut Job { cancel: CancelToken::new(), progress: &mut |_| () })
}

/// Opens a model.
///
/// # Errors
/// As [`Workbench::open`].
pub fn open(path: &Path, budget: Option<u64>) -> Result<Workbench> {
    let options = OpenOptions { memory_budget_bytes: budget, ..OpenOptions::default() };
    quietly(|job| Workbench::open(&runtime(), path, options, job))
}

/// Opens a model with data.
///
/// # Panics
/// Where either does not open.
pub fn bench(model: &Path, data: &Path, samples: usize, budget: Option<u64>) -> Workbench {
    let mut workbench = open(model, budget).expect("the model opens");
    let options = DataOptions { limit: Some(samples), ..DataOptions::default() };
    workbench.set_data(&DataSource::Path(data.to_owned()), &options).expect("the data fit");
    workbench
}

/// Evaluates to the end.
///
/// # Panics
/// Where the configuration is refused or a run fails.
pub fn evaluate(workbench: &mut Workbench, config: &QuantConfig) -> Arc<Report> {
    quietly(|job| workbench.evaluate(&Arc::new(config.clone()), job, &mut |_| ())).expect("it evaluates")
}

/// Everything a report says that is no time and no memory.
pub fn numbers(report: &Report) -> String {
    let timeless = Report { timing: Timing::default(), memory: Memory::default(), ..report.clone() };
    format!("{timeless:#?}")
}

/// The analysis as the command line writes it, without time and memory.
///
/// # Panics
/// Where a report has no JSON.
pub fn json(workbench: &Workbench, report: &Report) -> String {
    let timeless = Report { timing: Timing::default(), memory: Memory::default(), ..report.clone() };
    quantlens::batch::analysis_json(&workbench.model(), &timeless, None).expect("a report has JSON")
}
