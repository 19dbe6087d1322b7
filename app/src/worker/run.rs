//! Runs one job on a [`Bench`] and reports it: progress at most every 50 ms, then exactly one final event.
//!
//! A panic inside the core is a failure of one job, not the end of the program; the bench may be half changed then, so the
//! window offers to open the model again.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use quantlens_analysis::{
    Error,
    job::{Job as Run, Progress},
    say,
    text::Text,
};

use super::{Bench, Event, Job, News, Request, Trouble, TroubleKind};

/// Progress closer together than this is not sent.
const PROGRESS_EVERY: Duration = Duration::from_millis(50);

/// Answers of a sweep closer together than this are sent together.
const SWEEP_EVERY: Duration = Duration::from_millis(100);

/// A bench and the way its news goes.
pub struct Runner {
    bench: Box<dyn Bench>,
    told_runtime: bool,
}

impl std::fmt::Debug for Runner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runner").field("told_runtime", &self.told_runtime).finish_non_exhaustive()
    }
}

impl Runner {
    /// A runner on this bench.
    pub fn new(bench: Box<dyn Bench>) -> Self {
        Self { bench, told_runtime: false }
    }

    /// Does the job; `send` gets its news.
    pub fn run(&mut self, job: &Job, send: &dyn Fn(Event)) {
        let say = |news| send(Event { ticket: job.ticket, slot: job.request.slot(), news });
        if job.token.is_cancelled() {
            return say(News::Cancelled);
        }
        let result = catch_unwind(AssertUnwindSafe(|| self.work(job, &say)));
        if let Some(info) = self.bench.runtime().filter(|_| !self.told_runtime) {
            self.told_runtime = true;
            say(News::Runtime(info));
        }
        say(match result {
            Ok(Ok(news)) => news,
            Ok(Err(error)) => trouble(error).map_or(News::Cancelled, News::Failed),
            Err(payload) => News::Failed(Trouble {
                what: say!("A defect in this program stopped the work while {}", Text::of(job.request.stage())),
                details: panic_text(payload.as_ref()),
                kind: TroubleKind::Panic,
            }),
        });
    }

    fn work(&mut self, job: &Job, say: &dyn Fn(News)) -> anyhow::Result<News> {
        let mut throttle = Throttle::default();
        let mut progress = |progress: Progress| {
            if throttle.lets(&progress) {
                say(News::Progress(progress));
            }
        };
        let mut run = Run { cancel: job.token.clone(), progress: &mut progress };
        let bench = &mut self.bench;
        Ok(match &job.request {
            Request::Open { source, memory_budget_bytes } => {
                News::Opened(bench.open(source, *memory_budget_bytes, &mut run)?)
            }
            Request::Data { source, recipe, samples } => {
                News::Data(bench.set_data(source, recipe.as_ref(), *samples, &mut run)?)
            }
            Request::Recipes => News::Recipes(Arc::new(bench.try_recipes(&mut run)?)),
            Request::Evaluate { config, weight_only: true } => News::Report(bench.weight_only(config, &mut run)?),
            Request::Evaluate { config, weight_only: false } => {
                let mut on_stage = |report| say(News::Stage(report));
                News::Report(bench.evaluate(config, &mut run, &mut on_stage)?)
            }
            Request::Detail { config, layer } => {
                let mut on_stage = |detail| say(News::DetailStage(detail));
                News::Detail(bench.layer_detail(config, layer, &mut run, &mut on_stage)?)
            }
            Request::Arithmetic { config, layer } => News::Arithmetic(bench.layer_arithmetic(config, layer, &mut run)?),
            Request::Sweep { config, request } => {
                // Most of what the layers answer is not looked at: the last answer holds all of them.
                let (mut told, mut held) = (None::<Instant>, None);
                let result = bench.sweep(config, request, &mut run, &mut |sweep| {
                    if told.is_none_or(|at| at.elapsed() >= SWEEP_EVERY) {
                        told = Some(Instant::now());
                        held = None;
                        say(News::SweepStage(sweep));
                    } else {
                        held = Some(sweep);
                    }
                });
                // What a stopped sweep has is kept.
                if let (Err(_), Some(sweep)) = (&result, held) {
                    say(News::SweepStage(sweep));
                }
                News::Sweep(result?)
            }
            Request::LayerErrors { config, layer } => News::LayerErrors(bench.layer_errors(config, layer, &mut run)?),
            Request::FeatureMaps { config, layer, sample } => {
                News::FeatureMaps(bench.feature_maps(config, layer, *sample, &mut run)?)
            }
            Request::Previews { samples } => News::Previews(bench.previews(samples, &mut run)?),
            Request::OneSample { config, index } => News::OneSample(bench.one_sample(config, *index, &mut run)?),
            Request::Baseline { config, weight_only: true } => News::Baseline(bench.weight_only(config, &mut run)?),
            Request::Baseline { config, weight_only: false } => {
                News::Baseline(bench.evaluate(config, &mut run, &mut |_| ())?)
            }
            Request::BaselineDetail { config, layer } => {
                News::BaselineDetail(bench.layer_detail(config, layer, &mut run, &mut |_| ())?)
            }
            Request::Companion { config, layer } => {
                News::Companion(bench.layer_detail(config, layer, &mut run, &mut |_| ())?)
            }
            Request::Memory { budget_bytes } => News::Memory(bench.set_memory(*budget_bytes)?),
            Request::Export { config, path } => News::Exported(bench.export(config, path, &mut run)?),
        })
    }
}

/// `None` for a cancellation, which is no trouble.
fn trouble(error: anyhow::Error) -> Option<Trouble> {
    let core = error.chain().find_map(|cause| cause.downcast_ref::<Error>());
    let kind = match core {
        Some(Error::Cancelled) => return None,
        Some(Error::Config { .. }) => TroubleKind::Refused,
        _ => TroubleKind::Other,
    };
    // The chain itself is kept: each of its errors finds its words when they are read.
    let error = Arc::new(error);
    let outer = Arc::clone(&error);
    let details = Text::made(move || error.chain().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    Some(Trouble { what: Text::made(move || outer.to_string()), details, kind })
}

fn panic_text(payload: &(dyn std::any::Any + Send)) -> Text {
    let text = payload.downcast_ref::<&str>().map(|s| (*s).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    text.map_or_else(|| say!("no message"), Text::from)
}

/// Lets through a new stage, the end of one, and else one progress every [`PROGRESS_EVERY`].
#[derive(Default)]
struct Throttle {
    last: Option<(Instant, &'static str)>,
}

impl Throttle {
    fn lets(&mut self, progress: &Progress) -> bool {
        let now = Instant::now();
        let is_end = progress.total == Some(progress.done);
        let is_new = self.last.is_none_or(|(at, stage)| stage != progress.stage || now - at >= PROGRESS_EVERY);
        if is_new || is_end {
            self.last = Some((now, progress.stage));
        }
        is_new || is_end
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, sync::Arc};

    use quantlens_analysis::job::CancelToken;

    use super::*;
    use crate::{document::SweepState, testing::FakeBench, worker::Ticket};

    #[test]
    fn a_stopped_sweep_sends_what_it_has_before_it_says_so() {
        let token = CancelToken::new();
        let request = Request::Sweep { config: Arc::default(), request: SweepState::default().request() };
        let job = Job { ticket: Ticket(1), request, token: token.clone() };
        let heard = RefCell::new(Vec::new());
        Runner::new(Box::new(FakeBench { layers: 9 })).run(&job, &|event| {
            match event.news {
                // Stopped as soon as it has shown something.
                News::SweepStage(sweep) => heard.borrow_mut().push(format!("{} layers", sweep.layers_done)),
                News::Sweep(_) => heard.borrow_mut().push("all".into()),
                News::Cancelled => heard.borrow_mut().push("stopped".into()),
                _ => return,
            }
            token.cancel();
        });
        assert_eq!(heard.into_inner(), ["1 layers", "stopped"]);
    }
}
