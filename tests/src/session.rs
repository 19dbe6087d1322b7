//! What a person does with an open model, as values, and a bench that does it: edits, undo, other targets and data,
//! clicks, and Cancel at any moment. After each check the long-lived workbench must tell what a fresh one tells.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use quantlens_analysis::{
    Error, Result,
    config::QuantConfig,
    data::{DataOptions, DataSource},
    engine::{Session, SessionKind, Value},
    job::{CancelToken, Job, Progress},
    metrics::{ErrorSums, Errors},
    quant::Bits,
    report::Report,
    target::Target,
    workbench::{ExportOptions, Workbench},
};

use crate::{
    core::{json, numbers, open, quietly, runtime},
    random_config::{GRANULARITIES, METHODS, edit, takes},
    random_graph::RandomGraph,
    seeded::Seeded,
};

/// One thing a person does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Settings on a layer, all drawn from this number.
    Edit(u64),
    /// Widths, granularity or method of the whole model, drawn from this number.
    Defaults(u64),
    /// Back to the configuration before.
    Undo,
    /// Another target.
    Target(usize),
    /// Starts an evaluation and cancels it when it reports progress for this time.
    CancelAt(usize),
    /// Starts an evaluation and cancels it from another thread after so many microseconds.
    CancelAfter(u64),
    /// Other samples.
    Data(usize),
    /// Ranges from other samples.
    Calibration(usize),
    /// The pages of a layer.
    Detail(usize),
    /// The integer arithmetic of a layer.
    Arithmetic(usize),
    /// The export, which must hold.
    Export,
    /// The whole evaluation.
    Check,
}

impl Step {
    /// A random session that ends with a check.
    pub fn session(seeded: &mut Seeded, length: usize) -> Vec<Self> {
        let mut steps = vec![Self::Check];
        while steps.len() < length {
            let what = match seeded.below(28) {
                0..=11 => Self::Edit(seeded.bits()),
                12..=14 => Self::Defaults(seeded.bits()),
                15..=16 => Self::Undo,
                17 => Self::Target(seeded.below(5)),
                18..=19 => Self::CancelAt(seeded.below(60)),
                20..=21 => Self::CancelAfter(seeded.bits() % 40_000),
                22 => Self::Data(seeded.below(SETS.len())),
                23 => Self::Calibration(seeded.below(SETS.len())),
                24..=25 => Self::Detail(seeded.below(64)),
                26 => Self::Arithmetic(seeded.below(64)),
                _ => Self::Export,
            };
            steps.push(what);
            // Most edits are seen alone: what two change together hides what one of them leaves.
            let is_cancel = matches!(what, Self::CancelAt(_) | Self::CancelAfter(_));
            if !is_cancel && seeded.chance(3, 4) {
                steps.push(Self::Check);
            }
        }
        steps.push(Self::Check);
        steps
    }
}

/// The sets of samples: more than are live, fewer with one of the first, one alone, others.
const SETS: [&[usize]; 4] = [&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], &[30, 3, 31], &[32], &[0, 33, 34, 35]];

/// A model with its sets of samples on disk.
#[derive(Debug)]
pub struct Ground {
    folder: tempfile::TempDir,
    model: PathBuf,
    sets: Vec<PathBuf>,
}

impl Ground {
    /// Writes the files.
    ///
    /// # Panics
    /// Where there is no room for them.
    pub fn new(graph: &RandomGraph, seed: u64) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let model = graph.builder.save(folder.path());
        let set = |(index, which): (usize, &&[usize])| {
            graph.save_samples(&folder.path().join(format!("{index}.npz")), seed, which)
        };
        let sets = SETS.iter().enumerate().map(set).collect();
        Self { folder, model, sets }
    }

    /// The folder of the files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A workbench on the model and one of the sets; ranges from another where `calibration` says so.
    ///
    /// # Errors
    /// What opening or the data give.
    pub fn open(&self, data: usize, calibration: Option<usize>, budget: Option<u64>) -> Result<Workbench> {
        let mut workbench = open(&self.model, budget)?;
        workbench.set_data(&self.source(data), &DataOptions::default())?;
        if let Some(set) = calibration {
            workbench.set_calibration(&self.source(set), &DataOptions::default())?;
        }
        Ok(workbench)
    }

    /// One of the sets.
    pub fn source(&self, set: usize) -> DataSource {
        DataSource::Path(self.sets[set].clone())
    }
}

/// A run to the end: what its stages and its last report say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// By stage, without the last.
    pub stages: Vec<String>,
    /// The last, as the command line writes it and as it is.
    pub last: (String, String),
}

/// Evaluates to the end.
///
/// # Errors
/// As [`Workbench::evaluate`].
pub fn tell(workbench: &mut Workbench, config: &QuantConfig) -> Result<Told> {
    let mut stages = Vec::new();
    let mut on_stage = |report: Arc<Report>| stages.push(numbers(&report));
    let report = quietly(|job| workbench.evaluate(&Arc::new(config.clone()), job, &mut on_stage))?;
    Ok(Told { stages, last: (json(workbench, &report), numbers(&report)) })
}

/// A person at work.
struct Worker<'a> {
    ground: &'a Ground,
    kept: Workbench,
    config: QuantConfig,
    history: Vec<QuantConfig>,
    data: usize,
    calibration: Option<usize>,
    /// What a fresh run told before, by data and configuration.
    known: BTreeMap<String, Told>,
}

/// Does what `steps` say in one workbench with this memory budget.
///
/// # Errors
/// Where it told other than a fresh one, or failed: the step and both texts, as far as they differ.
pub fn play(ground: &Ground, steps: &[Step], budget: Option<u64>) -> std::result::Result<(), String> {
    let kept = ground.open(0, None, budget).map_err(|e| e.to_string())?;
    let config = QuantConfig::default();
    let history = vec![config.clone()];
    let mut worker = Worker { ground, kept, config, history, data: 0, calibration: None, known: BTreeMap::new() };
    for (index, step) in steps.iter().enumerate() {
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| worker.step(*step)));
        if let Err(found) = done.unwrap_or_else(|_| Err("it panicked".into())) {
            return Err(format!("step {index}, {step:?}: {found}\nunder {}", worker.config.to_json()));
        }
    }
    Ok(())
}

impl Worker<'_> {
    fn step(&mut self, step: Step) -> std::result::Result<(), String> {
        match step {
            Step::Edit(bits) => {
                let (model, mut seeded) = (self.kept.model(), Seeded::new(bits));
                // One that takes; many are refused.
                for _ in 0..8 {
                    if edit(&mut self.config, &self.kept, &model, &mut seeded) {
                        break;
                    }
                }
                self.history.push(self.config.clone());
            }
            Step::Defaults(bits) => self.defaults(&mut Seeded::new(bits)),
            Step::Undo => {
                self.history.pop();
                self.config = self.history.last().cloned().unwrap_or_default();
            }
            Step::Target(index) => self.target(&Target::builtins()[index % Target::builtins().len()].name),
            Step::CancelAt(at) => self.cancel(Some(at), Duration::ZERO)?,
            Step::CancelAfter(micros) => self.cancel(None, Duration::from_micros(micros))?,
            Step::Data(set) => {
                (self.data, self.calibration) = (set, None);
                let source = self.ground.source(set);
                self.kept.set_data(&source, &DataOptions::default()).map_err(|e| e.to_string())?;
            }
            Step::Calibration(set) => {
                self.calibration = Some(set);
                let source = self.ground.source(set);
                self.kept.set_calibration(&source, &DataOptions::default()).map_err(|e| e.to_string())?;
            }
            Step::Detail(index) => self.compare(index, |workbench, config, layer| {
                quietly(|job| workbench.layer_detail(config, layer, job)).map(|found| format!("{found:#?}"))
            })?,
            Step::Arithmetic(index) => self.compare(index, |workbench, config, layer| {
                quietly(|job| workbench.layer_arithmetic(config, layer, job)).map(|found| format!("{found:#?}"))
            })?,
            Step::Export => self.export()?,
            Step::Check => self.check()?,
        }
        Ok(())
    }

    fn defaults(&mut self, seeded: &mut Seeded) {
        let mut edited = self.config.clone();
        match seeded.below(6) {
            0 => edited.defaults.weight_bits = Some(*seeded.one(&Bits::ALL)),
            1 => edited.defaults.activation_bits = Some(*seeded.one(&Bits::ALL)),
            2 => edited.defaults.granularity = Some(*seeded.one(&GRANULARITIES)),
            3 => edited.defaults.fold_batch_norm = Some(seeded.chance(1, 2)),
            _ => edited.defaults.method = Some(*seeded.one(&METHODS)),
        }
        takes(&mut self.config, edited, &self.kept);
        self.history.push(self.config.clone());
    }

    /// Another target, with what was set as far as it can have it.
    fn target(&mut self, name: &str) {
        let moved = QuantConfig { target: name.to_owned(), ..self.config.clone() };
        let bare = QuantConfig { target: name.to_owned(), ..QuantConfig::default() };
        if !takes(&mut self.config, moved, &self.kept) {
            takes(&mut self.config, bare, &self.kept);
        }
        self.history.push(self.config.clone());
    }

    /// An evaluation that is cancelled when it reports for the `at`th time, or from another thread after `delay`. It may
    /// be done before.
    fn cancel(&mut self, at: Option<usize>, delay: Duration) -> std::result::Result<(), String> {
        let cancel = CancelToken::new();
        let token = cancel.clone();
        let mut reports = 0;
        let mut progress = |_: Progress| {
            if at == Some(reports) {
                token.cancel();
            }
            reports += 1;
        };
        let thread = at.is_none().then(|| {
            let token = cancel.clone();
            std::thread::Builder::new().name("cancel".into()).spawn(move || {
                std::thread::sleep(delay);
                token.cancel();
            })
        });
        let mut job = Job { cancel, progress: &mut progress };
        let result = self.kept.evaluate(&Arc::new(self.config.clone()), &mut job, &mut |_| ());
        if let Some(thread) = thread {
            thread
                .map_err(|e| e.to_string())?
                .join()
                .map_err(|panic| format!("the cancelling thread panicked: {panic:?}"))?;
        }
        match result {
            Ok(_) | Err(Error::Cancelled) => Ok(()),
            Err(other) => Err(other.to_string()),
        }
    }

    fn fresh(&self) -> std::result::Result<Workbench, String> {
        self.ground.open(self.data, self.calibration, None).map_err(|e| e.to_string())
    }

    fn check(&mut self) -> std::result::Result<(), String> {
        let kept = tell(&mut self.kept, &self.config).map_err(|e| e.to_string())?;
        let key = format!("{} {:?} {}", self.data, self.calibration, self.config.to_json());
        if !self.known.contains_key(&key) {
            let told = tell(&mut self.fresh()?, &self.config).map_err(|e| e.to_string())?;
            self.known.insert(key.clone(), told);
        }
        let fresh = &self.known[&key];
        same("the JSON", &kept.last.0, &fresh.last.0)?;
        same("the report", &kept.last.1, &fresh.last.1)?;
        // A configuration evaluated before has no stages.
        for (index, (kept, fresh)) in kept.stages.iter().zip(&fresh.stages).enumerate() {
            same(&format!("stage {index}"), kept, fresh)?;
        }
        Ok(())
    }

    /// What is asked of a layer, here and of a fresh workbench: the same answer, or the same refusal.
    fn compare<E: Debug + ToString>(
        &mut self,
        index: usize,
        ask: impl Fn(&mut Workbench, &Arc<QuantConfig>, &str) -> std::result::Result<String, E>,
    ) -> std::result::Result<(), String> {
        let model = self.kept.model();
        let layer = &model.layers[index % model.layers.len()].name;
        let config = Arc::new(self.config.clone());
        let answer = |workbench: &mut Workbench| ask(workbench, &config, layer).unwrap_or_else(|e| e.to_string());
        same(layer, &answer(&mut self.kept), &answer(&mut self.fresh()?))
    }

    /// The export holds, and the file alone, with no tensor looked at but its outputs, errs as the report says.
    fn export(&mut self) -> std::result::Result<(), String> {
        let path = self.ground.folder().join("export.onnx");
        let config = Arc::new(self.config.clone());
        let text = |e: Error| e.to_string();
        let report = quietly(|job| self.kept.export(&config, &path, &ExportOptions { verified_samples: 2 }, job));
        let v = report.map_err(text)?.verification.clone();
        if !matches!((&v.failure, v.elements_different, v.tensors_compared), (None, 0, 1..)) {
            return Err(format!("the export does not hold: {v:?}"));
        }
        let shown = quietly(|job| self.kept.evaluate(&config, job, &mut |_| ())).map_err(text)?;
        errs_as_shown(&self.kept, &path, &shown)
    }
}

/// Whether the file at `path` and the model, run by onnxruntime alone without optimization and with no tensor looked at
/// but their outputs, differ as `shown` says, to the last bit.
///
/// # Errors
/// Where they do not, or either does not run.
pub fn errs_as_shown(workbench: &Workbench, path: &Path, shown: &Report) -> std::result::Result<(), String> {
    let found = stock_errors(workbench, path).map_err(|e| e.to_string())?;
    for (output, found) in shown.outputs.iter().zip(found) {
        if let Some(found) = found {
            same(&format!("the error of `{}`", output.name), &format!("{:#?}", output.errors), &format!("{found:#?}"))?;
        }
    }
    Ok(())
}

/// What the outputs of the file at `path` err, both it and the model run by onnxruntime alone, without optimization.
/// `None` for an output that holds no floating-point values, or not as many in both.
fn stock_errors(workbench: &Workbench, path: &Path) -> Result<Vec<Option<Errors>>> {
    let model = workbench.model();
    let [mut float, mut quantized] =
        [&model.path, path].map(|file| runtime().session_from_file(file, SessionKind::Float, &CancelToken::new()));
    let data = workbench.dataset()?;
    let mut sums: Vec<Vec<ErrorSums>> = vec![Vec::new(); model.outputs.len()];
    for index in 0..data.len() {
        let values = data.sample(index)?.tensors.iter().map(Value::from_tensor).collect::<Result<Vec<_>>>()?;
        let feeds: Vec<(&str, &Value)> = model.inputs.iter().map(|i| i.name.as_str()).zip(&values).collect();
        let run = |session: &mut Result<Session>| match session {
            Ok(session) => session.run(&feeds, &CancelToken::new()),
            Err(error) => Err(Error::model(error.to_string())),
        };
        let (float, quantized) = (run(&mut float)?, run(&mut quantized)?);
        for ((f, q), sums) in float.iter().zip(&quantized).zip(&mut sums) {
            match (f.widened(), q.widened()) {
                (Some(f), Some(q)) if f.len() == q.len() => sums.push(ErrorSums::of(&f, &q)),
                _ => {}
            }
        }
    }
    let errors =
        |each: &Vec<ErrorSums>| (each.len() == data.len()).then(|| Errors::from(&ErrorSums::merge_samples(each)));
    Ok(sums.iter().map(errors).collect())
}

/// `Err` with the first lines that differ.
fn same(what: &str, kept: &str, fresh: &str) -> std::result::Result<(), String> {
    if kept == fresh {
        return Ok(());
    }
    let differing = kept.lines().zip(fresh.lines()).enumerate().filter(|(_, (a, b))| a != b).take(5);
    let lines: Vec<String> =
        differing.map(|(n, (a, b))| format!("  line {n}: kept  {a}\n  line {n}: fresh {b}")).collect();
    Err(format!(
        "{what} differs ({} lines kept, {} fresh):\n{}",
        kept.lines().count(),
        fresh.lines().count(),
        lines.join("\n")
    ))
}

/// The shortest part of `steps` that still fails, by leaving out one after the other.
pub fn shrunk(ground: &Ground, steps: &[Step], budget: Option<u64>) -> Vec<Step> {
    let mut left = steps.to_vec();
    let mut index = left.len();
    while index > 0 {
        index -= 1;
        let mut fewer = left.clone();
        fewer.remove(index);
        if play(ground, &fewer, budget).is_err() {
            left = fewer;
        }
    }
    left
}
