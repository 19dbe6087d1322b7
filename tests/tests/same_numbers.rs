//! The same inputs give the same numbers, to the last bit: whatever the memory budget, the number of threads and the
//! order of the samples, and whether a stage is on its way to all samples or a run of its own.

use std::{path::Path, process::Command, sync::Arc};

use quantlens_analysis::{
    calibrate::Method,
    config::QuantConfig,
    data::{DataOptions, DataSource},
    quant::Bits,
    report::{Report, SampleAnswer, SampleEnergy},
    workbench::{OpenOptions, Workbench},
};
use quantlens_tests::{
    core::{THREADS, bench, evaluate, json, numbers, open, quietly, runtime, sample, shared},
    random_config::edit,
    random_graph::{RandomGraph, random_graph},
    seeded::Seeded,
    session::{Ground, Step, play},
};

const BLOCKS: usize = 8;

fn with_method(method: Method) -> QuantConfig {
    let mut config = QuantConfig::default();
    config.defaults.method = Some(method);
    config
}

/// Some of a random network's layers set otherwise.
fn edited(workbench: &Workbench, seeded: &mut Seeded) -> QuantConfig {
    let mut config = QuantConfig::default();
    let model = workbench.model();
    let took = (0..2 * model.layers.len()).filter(|_| edit(&mut config, workbench, &model, seeded)).count();
    assert!(took > 1, "only {took} settings took");
    config
}

#[test]
fn a_memory_budget_changes_no_number() {
    for seed in 0..4 {
        let ground = Ground::new(&random_graph(seed, BLOCKS), seed);
        let mut steps = Step::session(&mut Seeded::new(seed ^ 0xB0D6), 8);
        // Cancel makes no difference between budgets, and takes its time.
        steps.retain(|s| !matches!(s, Step::CancelAfter(_)));
        steps.extend([Step::Detail(3), Step::Arithmetic(2), Step::Edit(seed), Step::Check, Step::Undo, Step::Check]);
        for budget in [0, 1, 5_000, 15_000, 40_000, 120_000, u64::MAX / 4] {
            if let Err(found) = play(&ground, &steps, Some(budget)) {
                panic!("seed {seed}, budget {budget}: {found}\nsteps {steps:?}");
            }
        }
    }
}

#[test]
fn keeping_no_samples_changes_no_number() {
    let test = "keeping_no_samples_changes_no_number";
    let model = "models/models/mobilenetv2_bn_coarse8.onnx";
    // One whose live samples are more than what is kept anyway.
    let Some(model) = shared(test, model) else { return };
    let told = |resident_samples| {
        let options = OpenOptions { resident_samples, ..OpenOptions::default() };
        let mut workbench = quietly(|job| Workbench::open(&runtime(), &model, options, job)).unwrap();
        let options = DataOptions { limit: Some(10), ..DataOptions::default() };
        workbench.set_data(&DataSource::parse("synthetic".as_ref()), &options).unwrap();
        let report = evaluate(&mut workbench, &with_method(Method::Kl));
        (json(&workbench, &report), report.memory.used_bytes)
    };
    let ((live, live_bytes), (none, none_bytes)) = (told(None), told(Some(0)));
    assert_eq!(live, none);
    assert!(none_bytes < live_bytes / 2, "{none_bytes} of {live_bytes}");
}

#[test]
fn a_budget_is_kept() {
    let ground = Ground::new(&random_graph(1, BLOCKS), 1);
    let largest = evaluate(&mut ground.open(0, None, None).unwrap(), &QuantConfig::default()).memory.used_bytes;
    assert!(largest > 20_000, "{largest} bytes are too few to be bounded");
    for budget in [largest / 2, largest / 5, 1] {
        let mut workbench = ground.open(0, None, Some(budget)).unwrap();
        let mut seeded = Seeded::new(budget);
        for _ in 0..3 {
            let config = edited(&workbench, &mut seeded);
            let memory = evaluate(&mut workbench, &config).memory;
            assert!(memory.used_bytes <= budget, "{memory:?}");
        }
    }
}

fn writes(graph: &RandomGraph, folder: &Path, name: &str, which: &[usize]) -> DataSource {
    DataSource::Path(graph.save_samples(&folder.join(name), 9, which))
}

/// What a report says sample by sample, in the order of the data: the energies of every row, the answers.
struct BySample {
    energies: Vec<Vec<SampleEnergy>>,
    answers: Vec<SampleAnswer>,
}

/// That, and the report without it.
fn without_samples(report: &Report) -> (BySample, Report) {
    let mut report = report.clone();
    let energies = report.rows.iter().map(|row| row.by_sample.to_vec()).collect();
    report.rows.iter_mut().for_each(|row| row.by_sample = Arc::default());
    let answers = std::mem::take(&mut report.answers).samples.clone();
    (BySample { energies, answers }, report)
}

#[test]
fn the_order_of_samples_changes_no_number() {
    let orders: [[usize; 10]; 3] =
        [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [9, 8, 7, 6, 5, 4, 3, 2, 1, 0], [5, 0, 9, 2, 7, 4, 1, 8, 3, 6]];
    for seed in 0..3 {
        let graph = random_graph(seed as u64, BLOCKS);
        let ground = Ground::new(&graph, seed as u64);
        let mut config = edited(&ground.open(0, None, None).unwrap(), &mut Seeded::new(seed as u64));
        // Every method once, spread over the networks.
        let methods = Method::all().filter(|m| *m != Method::Manual).enumerate();
        for (_, method) in methods.filter(|(index, _)| index % 3 == seed) {
            config.defaults.method = Some(method);
            let run = |order: &[usize], calibrates: bool| {
                let mut workbench = ground.open(0, None, None).unwrap();
                let data = writes(&graph, ground.folder(), "ordered.npz", order);
                let options = DataOptions::default();
                if calibrates {
                    workbench.set_calibration(&data, &options).unwrap();
                } else {
                    workbench.set_data(&data, &options).unwrap();
                }
                evaluate(&mut workbench, &config)
            };
            let told = || format!("seed {seed}, {method:?}, {}", config.to_json());
            let (by_sample, expected) = without_samples(&run(&orders[0], false));
            for order in &orders[1..] {
                let (found, report) = without_samples(&run(order, false));
                assert_eq!(numbers(&report), numbers(&expected), "{}", told());
                let rows = found.energies.iter().zip(&by_sample.energies);
                for (row, expected) in rows.filter(|(row, _)| !row.is_empty()) {
                    let reordered: Vec<_> = order.iter().map(|&sample| expected[sample]).collect();
                    assert_eq!(*row, reordered, "{}", told());
                }
                for (answer, &sample) in found.answers.iter().zip(order) {
                    let expected = SampleAnswer { index: answer.index, ..by_sample.answers[sample].clone() };
                    assert_eq!(*answer, expected, "{}", told());
                }
            }
            let [forth, back] = [&orders[0], &orders[1]].map(|order| numbers(&run(order, true)));
            assert_eq!(forth, back, "ranges from samples in another order; {}", told());
        }
    }
}

/// Every stage of an evaluation.
fn stages(workbench: &mut Workbench, config: &QuantConfig) -> Vec<Arc<Report>> {
    let mut stages = Vec::new();
    let config = Arc::new(config.clone());
    let last =
        quietly(|job| workbench.evaluate(&config, job, &mut |report| stages.push(report))).expect("it works in a test");
    stages.push(last);
    stages
}

#[test]
fn a_stage_is_a_run_of_its_own_on_its_samples() {
    for seed in 0..4 {
        let ground = Ground::new(&random_graph(seed, BLOCKS), seed);
        let mut kept = ground.open(0, None, None).unwrap();
        let mut seeded = Seeded::new(seed);
        for step in 0..3 {
            let config = if step == 0 { with_method(Method::Kl) } else { edited(&kept, &mut seeded) };
            let found = stages(&mut kept, &config);
            let samples: Vec<usize> = found.iter().map(|report| report.samples).collect();
            assert_eq!(samples, [1, 8, 10]);
            for stage in found {
                // Ranges come from all samples at every stage, so a run on fewer takes them from all of them too.
                let mut alone = open(&kept.model().path, None).unwrap();
                let options = DataOptions { limit: Some(stage.samples), ..DataOptions::default() };
                alone.set_data(&ground.source(0), &options).unwrap();
                alone.set_calibration(&ground.source(0), &DataOptions::default()).unwrap();
                let expected = evaluate(&mut alone, &config);
                let stage_of_all = Report { samples_total: stage.samples, ..Report::clone(&stage) };
                let told = format!("seed {seed}, {} samples, {}", stage.samples, config.to_json());
                assert_eq!(numbers(&stage_of_all), numbers(&expected), "{told}");
                assert_eq!(json(&kept, &stage), json(&alone, &expected), "{told}");
            }
        }
    }
}

#[test]
fn where_no_range_is_observed_a_stage_needs_no_other_samples() {
    for seed in 0..3 {
        let ground = Ground::new(&random_graph(seed, BLOCKS), seed);
        let mut config = QuantConfig::default();
        config.defaults.weight_bits = Some(Bits::Int(4));
        config.defaults.activation_bits = Some(Bits::Float);
        for stage in stages(&mut ground.open(0, None, None).unwrap(), &config) {
            let mut alone = ground.open(0, None, None).unwrap();
            let options = DataOptions { limit: Some(stage.samples), ..DataOptions::default() };
            alone.set_data(&ground.source(0), &options).unwrap();
            let stage_of_all = Report { samples_total: stage.samples, ..Report::clone(&stage) };
            assert_eq!(numbers(&stage_of_all), numbers(&evaluate(&mut alone, &config)), "seed {seed}");
        }
    }
}

/// The file that [`the_numbers_of_this_process`] writes.
const OUT: &str = "QUANTLENS_TEST_OUT";

/// Numbers of networks with small and with large tensors.
fn all_numbers() -> String {
    let mut all = String::new();
    let mut add = |mut workbench: Workbench| {
        for config in [QuantConfig::default(), with_method(Method::Mse)] {
            all += &numbers(&evaluate(&mut workbench, &config));
            let edited = edited(&workbench, &mut Seeded::new(5));
            all += &numbers(&evaluate(&mut workbench, &edited));
        }
    };
    add(bench(&sample("sample.onnx"), &sample("sample.npz"), 12, None));
    for (model, data) in [
        ("models/models/tiny_resnet8_cifar10.onnx", "synthetic"),
        ("models/models/squeezenet1.1.onnx", "synthetic"),
        ("models/models/byte_sb_bidi_lstm.onnx", "synthetic"),
    ] {
        if let Some(path) = shared("threads_change_no_number", model) {
            let mut workbench = open(&path, None).expect("it works in a test");
            let options = DataOptions { limit: Some(2), ..DataOptions::default() };
            workbench.set_data(&DataSource::parse(data.as_ref()), &options).expect("it works in a test");
            add(workbench);
        }
    }
    all
}

#[test]
#[ignore = "run by threads_change_no_number, in processes of its own"]
fn the_numbers_of_this_process() {
    let out = std::env::var_os(OUT).expect("the other test says where to");
    std::fs::write(out, all_numbers()).unwrap();
}

#[test]
fn threads_change_no_number() {
    let folder = tempfile::tempdir().unwrap();
    // The pools are a process's own. With three threads and more onnxruntime's Conv would give other bits, see
    // `quantlens::runtime::load`; SqueezeNet shows it.
    let told = [1, 3, 4].map(|threads| {
        let out = folder.path().join(format!("{threads}.txt"));
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_numbers_of_this_process", "--ignored", "--nocapture"])
            .env(THREADS, threads.to_string())
            .env(OUT, &out)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&status.stdout);
        assert!(status.status.success(), "{said}");
        // A model that was not there is a failure where all must be.
        said.lines().filter(|line| line.starts_with("skipped: ")).for_each(|line| println!("{line}"));
        std::fs::read_to_string(&out).unwrap()
    });
    assert!(told[0].len() > 10_000);
    for other in &told[1..] {
        let differing = told[0].lines().zip(other.lines()).find(|(a, b)| a != b);
        assert!(told[0] == *other, "first difference {differing:?}");
    }
}
