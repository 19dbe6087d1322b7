//! The whole process stays within budget + 3 × weights + 250 MB, measured where the system tells: a process of its own
//! for each budget, since the peak of one never falls.

use std::{collections::BTreeMap, process::Command};

use quantlens_analysis::{
    config::QuantConfig,
    data::{DataOptions, DataSource},
};
use quantlens_tests::core::{evaluate, open, shared};

/// Model and data under `shared`, and where [`the_peak_of_this_process`] finds what it is asked.
const MODEL: &str = "QUANTLENS_TEST_MODEL";
const DATA: &str = "QUANTLENS_TEST_DATA";
const BUDGET: &str = "QUANTLENS_TEST_BUDGET";
const OUT: &str = "QUANTLENS_TEST_OUT";
/// What the process may take beside its budget and its weights.
const REST_BYTES: u64 = 250_000_000;
const SAMPLES: usize = 32;

/// The most memory that this process has held; `None` where the system does not tell.
fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(1024 * line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?)
}

#[test]
#[ignore = "run by the_process_keeps_to_its_budget, in processes of its own"]
fn the_peak_of_this_process() {
    let given = |name| std::env::var(name).expect("the other test says it");
    let budget = given(BUDGET).parse().unwrap();
    let mut workbench = open(given(MODEL).as_ref(), Some(budget)).unwrap();
    let options = DataOptions { limit: Some(SAMPLES), ..DataOptions::default() };
    workbench.set_data(&DataSource::parse(given(DATA).as_ref()), &options).unwrap();
    let report = evaluate(&mut workbench, &QuantConfig::default());
    assert_eq!(report.samples, SAMPLES);
    let mut edited = QuantConfig::default();
    let first = report.rows.iter().find(|row| row.weight.is_some()).expect("it has weights");
    edited
        .edit_layer(&first.info.name, |settings| settings.weight_bits = Some(quantlens_analysis::quant::Bits::Int(4)));
    evaluate(&mut workbench, &edited);
    std::fs::write(given(OUT), peak_bytes().unwrap_or_default().to_string()).unwrap();
}

#[test]
fn the_process_keeps_to_its_budget() {
    if peak_bytes().is_none() {
        println!("skipped: the_process_keeps_to_its_budget: /proc/self/status does not tell");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut peaks = BTreeMap::new();
    for (model, data) in [
        ("models/models/mobilenetv2_bn_coarse8.onnx", "models/images/imagenet"),
        ("models/models/all-MiniLM-L6-v2-vocab1489.onnx", "models/data/minilm_dev.npz"),
    ] {
        let found = |path| shared("the_process_keeps_to_its_budget", path);
        let (Some(path), Some(data)) = (found(model), found(data)) else { return };
        for budget in [256_000_000_u64, 512_000_000] {
            let out = folder.path().join("peak.txt");
            let output = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "the_peak_of_this_process", "--ignored", "--nocapture"])
                .env(MODEL, &path)
                .env(DATA, &data)
                .env(BUDGET, budget.to_string())
                .env(OUT, &out)
                .output()
                .unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
            let peak: u64 = std::fs::read_to_string(&out).unwrap().parse().unwrap();
            let weights = std::fs::metadata(&path).unwrap().len();
            println!("{model}, budget {budget}: the process held {peak} bytes at most, its weights are {weights}");
            assert!(peak <= budget + 3 * weights + REST_BYTES, "{model} at {budget}: {peak}");
            peaks.insert((model, budget), peak);
        }
        // A test that cannot fail would measure nothing: the tensors of this model are larger than the small budget.
        if model.contains("mobilenet") {
            assert!(peaks[&(model, 256_000_000)] < peaks[&(model, 512_000_000)], "{peaks:?}");
        }
    }
}
