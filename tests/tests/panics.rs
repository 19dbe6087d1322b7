//! A panic in the core is a failure of one job: the window is told so in words, lives on, and works after the model is
//! opened again.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use quantlens::{
    document::RuntimeInfo,
    engine::Engine,
    worker::{Bench, DataChoice, Happening, ModelSource, News, Request, Runner, TroubleKind, Worker},
};
use quantlens_analysis::{
    config::QuantConfig,
    data::{
        Recipe, RecipeTrial,
        info::{DataInfo, Preview},
    },
    job::{Job, Progress},
    quant::Bits,
    report::{ExportReport, FeatureMaps, LayerArithmetic, LayerDetail, LayerErrors, Memory, ModelInfo, Report, Sweep},
    sensitivity::SweepRequest,
};
use quantlens_tests::core::{numbers, runtime};
use rayon::prelude::*;

/// Where the next evaluation breaks.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Trap {
    None,
    /// While it reports progress for this time, in the middle of the core's work.
    Progress(usize),
    /// When the first stage is done.
    Stage,
    /// On another thread of the pool.
    Pool,
}

/// The real bench with traps in it.
struct Trapped {
    engine: Engine,
    trap: Arc<Mutex<Trap>>,
}

impl Bench for Trapped {
    fn open(&mut self, source: &ModelSource, budget: Option<u64>, job: &mut Job<'_>) -> anyhow::Result<Arc<ModelInfo>> {
        self.engine.open(source, budget, job)
    }

    fn runtime(&self) -> Option<RuntimeInfo> {
        self.engine.runtime()
    }

    fn set_data(
        &mut self,
        source: &DataChoice,
        recipe: Option<&Recipe>,
        samples: Option<usize>,
        job: &mut Job<'_>,
    ) -> anyhow::Result<Arc<DataInfo>> {
        self.engine.set_data(source, recipe, samples, job)
    }

    fn try_recipes(&mut self, job: &mut Job<'_>) -> anyhow::Result<Vec<RecipeTrial>> {
        self.engine.try_recipes(job)
    }

    fn weight_only(&mut self, config: &Arc<QuantConfig>, job: &mut Job<'_>) -> anyhow::Result<Arc<Report>> {
        self.engine.weight_only(config, job)
    }

    fn evaluate(
        &mut self,
        config: &Arc<QuantConfig>,
        job: &mut Job<'_>,
        on_stage: &mut dyn FnMut(Arc<Report>),
    ) -> anyhow::Result<Arc<Report>> {
        let trap = std::mem::replace(&mut *self.trap.lock().expect("it works in a test"), Trap::None);
        if trap == Trap::Pool {
            // More parts than threads: some run elsewhere than here.
            (0..64).into_par_iter().for_each(|i| assert!(i != 41, "the trap on the pool"));
        }
        let mut reports = 0;
        let progress = &mut *job.progress;
        let mut counted = |p: Progress| {
            reports += 1;
            assert!(trap != Trap::Progress(reports), "the trap in the middle");
            progress(p);
        };
        let mut job = Job { cancel: job.cancel.clone(), progress: &mut counted };
        let mut staged = |report| {
            assert!(trap != Trap::Stage, "the trap at a stage");
            on_stage(report);
        };
        self.engine.evaluate(config, &mut job, &mut staged)
    }

    fn layer_detail(
        &mut self,
        config: &Arc<QuantConfig>,
        layer: &str,
        job: &mut Job<'_>,
        on_stage: &mut dyn FnMut(Arc<LayerDetail>),
    ) -> anyhow::Result<Arc<LayerDetail>> {
        self.engine.layer_detail(config, layer, job, on_stage)
    }

    fn set_memory(&mut self, bytes: Option<u64>) -> anyhow::Result<Memory> {
        self.engine.set_memory(bytes)
    }

    fn sweep(
        &mut self,
        config: &Arc<QuantConfig>,
        request: &SweepRequest,
        job: &mut Job<'_>,
        on_layers: &mut dyn FnMut(Arc<Sweep>),
    ) -> anyhow::Result<Arc<Sweep>> {
        self.engine.sweep(config, request, job, on_layers)
    }

    fn layer_errors(
        &mut self,
        config: &Arc<QuantConfig>,
        layer: &str,
        job: &mut Job<'_>,
    ) -> anyhow::Result<Arc<LayerErrors>> {
        self.engine.layer_errors(config, layer, job)
    }

    fn feature_maps(
        &mut self,
        config: &Arc<QuantConfig>,
        layer: &str,
        sample: usize,
        job: &mut Job<'_>,
    ) -> anyhow::Result<Arc<FeatureMaps>> {
        self.engine.feature_maps(config, layer, sample, job)
    }

    fn previews(&mut self, samples: &[usize], job: &mut Job<'_>) -> anyhow::Result<Vec<(usize, Arc<Preview>)>> {
        self.engine.previews(samples, job)
    }

    fn one_sample(
        &mut self,
        config: &Arc<QuantConfig>,
        index: usize,
        job: &mut Job<'_>,
    ) -> anyhow::Result<Arc<Report>> {
        self.engine.one_sample(config, index, job)
    }

    fn layer_arithmetic(
        &mut self,
        config: &Arc<QuantConfig>,
        layer: &str,
        job: &mut Job<'_>,
    ) -> anyhow::Result<Arc<LayerArithmetic>> {
        self.engine.layer_arithmetic(config, layer, job)
    }

    fn export(
        &mut self,
        config: &Arc<QuantConfig>,
        path: &std::path::Path,
        job: &mut Job<'_>,
    ) -> anyhow::Result<Arc<ExportReport>> {
        self.engine.export(config, path, job)
    }
}

/// The last thing that a request gives.
fn last(worker: &mut Worker, request: Request) -> News {
    worker.ask(request, 0.0);
    let (started, mut last) = (Instant::now(), None);
    while !worker.queue().is_idle() {
        assert!(started.elapsed() < Duration::from_secs(60), "the worker died");
        match worker.poll(1e9) {
            Some(Happening::News(event)) => last = Some(event.news),
            Some(Happening::Started(_)) => {}
            None => std::thread::sleep(Duration::from_millis(1)),
        }
    }
    last.expect("every request gives an answer")
}

fn open(worker: &mut Worker) {
    let news = last(worker, Request::Open { source: ModelSource::Sample, memory_budget_bytes: None });
    assert!(matches!(news, News::Opened(_)), "{news:?}");
    let news = last(worker, Request::Data { source: DataChoice::Sample, recipe: None, samples: Some(10) });
    assert!(matches!(news, News::Data(_)), "{news:?}");
}

fn evaluate(worker: &mut Worker, config: &QuantConfig) -> News {
    last(worker, Request::Evaluate { config: Arc::new(config.clone()), weight_only: false })
}

fn told(news: News) -> String {
    let News::Report(report) = news else { panic!("{news:?}") };
    numbers(&report)
}

#[test]
fn a_panic_is_told_and_the_next_job_works() {
    runtime();
    let trap = Arc::new(Mutex::new(Trap::None));
    let woken = Arc::new(AtomicUsize::new(0));
    let wake: Arc<dyn Fn() + Send + Sync> = {
        let woken = Arc::clone(&woken);
        Arc::new(move || {
            woken.fetch_add(1, Ordering::Relaxed);
        })
    };
    let make = {
        let trap = Arc::clone(&trap);
        move || Runner::new(Box::new(Trapped { engine: Engine::new(None, Some(2)), trap }))
    };
    let mut worker = Worker::start(make, wake).unwrap();
    open(&mut worker);
    let mut config = QuantConfig::default();
    config.defaults.weight_bits = Some(Bits::Int(4));
    let expected = told(evaluate(&mut worker, &config));
    // In the float pass, between two samples, and later; at a stage; on the pool.
    let traps = [Trap::Progress(3), Trap::Progress(14), Trap::Progress(20), Trap::Stage, Trap::Pool];
    for next in traps {
        open(&mut worker);
        *trap.lock().unwrap() = next;
        match evaluate(&mut worker, &config) {
            News::Failed(trouble) => {
                assert_eq!(trouble.kind, TroubleKind::Panic, "{trouble:?}");
                assert!(trouble.what.contains("evaluating") && trouble.details.contains("the trap"), "{trouble:?}");
            }
            other => panic!("{next:?}: {other:?}"),
        }
        assert_eq!(*trap.lock().unwrap(), Trap::None, "it was sprung");
        // The bench may be half changed. What it tells without being opened again is told right all the same.
        assert_eq!(told(evaluate(&mut worker, &config)), expected, "{next:?}, not opened again");
        open(&mut worker);
        assert_eq!(told(evaluate(&mut worker, &config)), expected, "{next:?}, opened again");
    }
    assert!(woken.load(Ordering::Relaxed) > 10);
}
