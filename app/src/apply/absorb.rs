//! What jobs report, taken into the document. Events of jobs that nobody wants any more never arrive here: the queue has
//! dropped them by their tickets.

use std::sync::Arc;

use quantlens_analysis::{
    config::QuantConfig,
    job::{Progress, Warning},
    report::{ExportReport, LayerInfo, ModelInfo, Report},
    say,
    text::Text,
};

use super::{
    Effect, Effects, ask_detail, begin, companions, edit, evaluate, graph, navigate, notify::notice, open, pins, scope,
    trouble,
};
use crate::{
    document::{Companions, Document, ExportPhase, JobStatus, Level, Loaded},
    history::History,
    selection::Selection,
    worker::{DataChoice, Event, ModelSource, News, Request},
};

/// A job longer than this many seconds says when it is done.
const LONG_S: f64 = 10.0;

/// Takes in one event.
pub fn absorb(doc: &mut Document, event: Event, out: &mut Effects) {
    let is_final = event.news.is_final();
    let seconds = doc.job_started.map_or(0.0, |start| doc.now - start);
    match event.news {
        News::Runtime(info) => doc.runtime = info,
        News::Progress(progress) => advance(doc, progress),
        News::Stage(report) => report_came(doc, report, false, out),
        News::Opened(model) => opened(doc, model, out),
        News::Data(info) => {
            doc.failure = None;
            doc.recipes = Loaded::default();
            (doc.previews, doc.maps_sample) = Default::default();
            doc.sweep.forget();
            doc.data = Some(info);
            pins::forget_numbers(doc);
            doc.companions = Companions::default();
            evaluate(doc, out);
        }
        News::Recipes(trials) => doc.recipes.set(trials),
        News::Report(report) => {
            if seconds > LONG_S {
                let samples = crate::format::counted(report.samples, "sample");
                notice(doc, Level::Info, say!("Evaluated over {}", samples), "");
            }
            report_came(doc, report, true, out);
        }
        News::DetailStage(_) | News::Detail(_) | News::Arithmetic(_) | News::LayerErrors(_) | News::FeatureMaps(_) => {
            page_came(doc, event.news, out);
        }
        News::SweepStage(sweep) => doc.sweep.take(sweep),
        News::Sweep(sweep) => {
            doc.sweep.running = None;
            doc.sweep.take(sweep);
        }
        News::Baseline(report) => pins::baseline_came(doc, &report, out),
        News::BaselineDetail(detail) => pins::detail_came(doc, detail, out),
        News::Companion(detail) => companions::came(doc, detail, out),
        News::Memory(memory) => doc.memory_now = Some(memory),
        News::Exported(report) => exported(doc, report),
        News::Cancelled => trouble::settle(doc, event.slot),
        News::Previews(previews) => doc.previews.take(previews),
        News::OneSample(report) => {
            if scope::is_wanted(doc, &report) {
                show_report(doc, report);
            } else {
                doc.report.settle();
            }
        }
        News::Failed(found) => trouble::failed(doc, event.slot, found, out),
    }
    // A report of another target may have brought other layers.
    graph::ask(doc, out);
    if is_final {
        doc.job = None;
        doc.job_started = None;
    }
}

/// Values of the pages of one layer. The selection may have moved on while an equal ticket was under way.
fn page_came(doc: &mut Document, news: News, out: &mut Effects) {
    let anchor = doc.selection.anchor.as_deref();
    match news {
        News::DetailStage(detail) if anchor == Some(&detail.layer) => {
            // What is still to come of it is on its way, and not asked for twice.
            doc.detail.value = Some(detail);
            doc.weighed = None;
        }
        News::Detail(detail) if anchor == Some(&detail.layer) => {
            doc.detail.set(detail);
            doc.weighed = None;
            ask_detail(doc, out);
            pins::ask(doc, out);
            companions::ask(doc, out);
        }
        News::Arithmetic(arithmetic) if anchor == Some(&arithmetic.layer) => {
            doc.arithmetic.set(arithmetic);
            ask_detail(doc, out);
            pins::ask(doc, out);
        }
        News::LayerErrors(errors) if anchor == Some(&errors.layer) => {
            doc.errors.set(errors);
            ask_detail(doc, out);
        }
        News::FeatureMaps(maps) if anchor == Some(&maps.layer) => {
            doc.maps.set(maps);
            ask_detail(doc, out);
        }
        _ => {}
    }
}

/// A job has been handed to the thread.
pub fn started(doc: &mut Document, request: &Request) {
    doc.job_started = Some(doc.now);
    doc.stage_started = Some(doc.now);
    doc.stage_from = 0;
    doc.job = Some(JobStatus {
        stage: Text::of(request.stage()),
        done: 0,
        total: None,
        unit: Text::default(),
        seconds_left: None,
        cancellable: true,
    });
}

fn advance(doc: &mut Document, progress: Progress) {
    let Some(job) = &mut doc.job else { return };
    let stage = Text::of(progress.stage);
    if job.stage != stage {
        doc.stage_started = Some(doc.now);
        doc.stage_from = progress.done;
        job.stage = stage;
    }
    (job.done, job.total) = (progress.done, progress.total);
    job.unit = Text::of(progress.unit);
    let elapsed = doc.stage_started.map_or(0.0, |start| doc.now - start);
    let done = progress.done.saturating_sub(doc.stage_from);
    let left = progress.total.map(|total| total.saturating_sub(progress.done));
    job.seconds_left = seconds_left(elapsed, done, left);
}

/// What `left` units take at the pace of the `done` ones; `None` before half a second or without a total, where it would be
/// a guess.
fn seconds_left(elapsed: f64, done: usize, left: Option<usize>) -> Option<f64> {
    let left = left?;
    (elapsed >= 0.5 && done > 0).then(|| elapsed / done as f64 * left as f64)
}

fn opened(doc: &mut Document, model: Arc<ModelInfo>, out: &mut Effects) {
    let source = doc.opening.take();
    doc.is_sample = source == Some(ModelSource::Sample);
    if let Some(ModelSource::Path(path)) = &source {
        open::remember(doc, path);
    }
    doc.title = model.path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    doc.config = Arc::default();
    doc.saved_config = Arc::default();
    doc.config_path = None;
    doc.history = History::default();
    doc.selection = Selection::default();
    doc.before_float.clear();
    super::forget_asked(doc);
    doc.sweep.forget();
    (doc.report, doc.detail, doc.recipes) = (Loaded::default(), Loaded::default(), Loaded::default());
    (doc.arithmetic, doc.errors, doc.maps) = Default::default();
    (doc.previews, doc.maps_sample, doc.float_view) = Default::default();
    (doc.scope, doc.whole) = (None, None);
    (doc.data, doc.data_choice, doc.recipe_given) = (None, None, None);
    pins::model_opened(doc, &model.path);
    doc.companions = Companions::default();
    (doc.export, doc.failure, doc.tour) = (None, None, None);
    (doc.cancelled, doc.memory_now) = (false, None);
    doc.filter = crate::document::Filter::default();
    for warning in &model.warnings {
        notice(doc, Level::Warning, warning.message.clone(), warning.code.clone());
    }
    doc.model = Some(model);
    graph::forget(doc, out);
    graph::ask(doc, out);
    navigate::refresh(doc);
    let session = doc.wanted_session.take();
    if let Some(session) = &session {
        super::session_file::prepare(doc, session);
    }
    let wanted = doc.wanted_data.take().or(doc.is_sample.then_some(DataChoice::Sample));
    if let Some(config) = doc.wanted_config.take() {
        doc.config = Arc::new(config);
        doc.saved_config = Arc::clone(&doc.config);
    }
    match wanted {
        Some(source) => {
            doc.data_choice = Some(source.clone());
            let (recipe, samples) = (doc.recipe_given.clone(), doc.settings.samples);
            begin(doc, Request::Data { source, recipe, samples }, out);
        }
        None => evaluate(doc, out),
    }
    if let Some(session) = &session {
        super::session_file::finish(doc, session, out);
    }
}

fn report_came(doc: &mut Document, report: Arc<Report>, complete: bool, out: &mut Effects) {
    doc.failure = None;
    // An evaluation that made way for a layer's detail begins again; what it showed before stays until it shows more.
    let is_repeat = |shown: &Arc<Report>| shown.config == report.config && shown.samples >= report.samples;
    if !complete && doc.report.pending_since.is_none() && doc.report.value.as_ref().is_some_and(is_repeat) {
        return;
    }
    let has_live_samples = report.samples > 1;
    doc.memory_now = None;
    if complete {
        doc.cancelled = false;
        open::remember_curve(doc, &report);
    }
    if scope::keeps_aside(doc, &report, complete, out) {
        pins::report_came(doc, &report);
    } else {
        show_report(doc, report);
    }
    if complete || has_live_samples {
        ask_detail(doc, out);
    }
    if complete {
        pins::ask(doc, out);
        companions::ask(doc, out);
    }
    if complete && doc.is_sample && doc.tour.is_none() && !doc.tour_seen {
        doc.tour_seen = true;
        doc.tour = Some(crate::tour::TourStep::Cliff);
    }
}

/// Puts a report on screen.
fn show_report(doc: &mut Document, report: Arc<Report>) {
    let first = doc.report.value.is_none() | follow_target(doc, &report);
    // A stage belongs to the configuration of now: it is marked by its count of samples, not dimmed.
    doc.report.set(Arc::clone(&report));
    // The filter and the order that follow look at the differences too.
    if report.scope.is_none() {
        pins::report_came(doc, &report);
    } else {
        pins::refresh(doc);
    }
    if first {
        navigate::refresh(doc);
    } else {
        navigate::new_values(doc);
    }
}

/// Takes the report's target, and its rows for the model's where they are others; whether they were.
fn follow_target(doc: &mut Document, report: &Report) -> bool {
    let Some(model) = &doc.model else { return false };
    let same = model.layers.iter().eq(report.rows.iter().map(|row| row.info.as_ref()));
    if same && model.target == report.target {
        return false;
    }
    let target = Arc::clone(&report.target);
    if same {
        doc.model = Some(Arc::new(ModelInfo { target, ..ModelInfo::clone(model) }));
        return false;
    }
    let layers: Vec<LayerInfo> = report.rows.iter().map(|row| LayerInfo::clone(&row.info)).collect();
    doc.selection.retain(|name| layers.iter().any(|layer| layer.name == name));
    doc.model = Some(Arc::new(ModelInfo { target, layers, ..ModelInfo::clone(model) }));
    true
}

fn exported(doc: &mut Document, report: Arc<ExportReport>) {
    let name = report.path.display().to_string();
    match &report.verification.failure {
        None => notice(doc, Level::Info, say!("Exported and verified: {}", name), ""),
        Some(failure) => {
            notice(doc, Level::Failure, say!("The export does not hold: {}", name), failure.clone());
        }
    }
    if let Some(export) = &mut doc.export {
        export.phase = ExportPhase::Done(report);
    }
}

/// A configuration was read from `path`, with what there is to know of it, or could not be.
pub fn config_read(
    doc: &mut Document,
    path: &std::path::Path,
    result: Result<(QuantConfig, Option<Warning>), Text>,
    out: &mut Effects,
) {
    if let Ok((_, Some(warning))) = &result {
        notice(doc, Level::Warning, warning.message.clone(), warning.code.clone());
    }
    match result.map(|(config, _)| config) {
        Ok(config) if doc.model.is_none() => doc.wanted_config = Some(config),
        Ok(config) => {
            let unknown: Vec<&str> =
                config.layers.keys().map(String::as_str).filter(|n| doc.layer(n).is_none()).collect();
            if !unknown.is_empty() {
                let text = say!(
                    "{} of the configuration are not in this model",
                    crate::format::counted(unknown.len(), "layer")
                );
                notice(doc, Level::Warning, text, unknown.join("\n"));
            }
            let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
            edit::commit(doc, config, say!("open {}", name), out);
            doc.saved_config = Arc::clone(&doc.config);
            doc.config_path = Some(path.to_path_buf());
        }
        Err(error) => notice(doc, Level::Failure, say!("The configuration was not opened: {}", error), ""),
    }
}

/// The configuration was written to `path`, or could not be.
pub fn config_saved(
    doc: &mut Document,
    path: &std::path::Path,
    config: &Arc<QuantConfig>,
    result: Result<(), Text>,
    out: &mut Effects,
    then_close: bool,
) {
    match result {
        Ok(()) => {
            doc.saved_config = Arc::clone(config);
            doc.config_path = Some(path.to_path_buf());
            notice(doc, Level::Info, say!("Saved {}", path.display()), "");
            if then_close {
                out.push(Effect::Close);
            }
        }
        Err(error) => notice(doc, Level::Failure, say!("Not saved: {}", error), ""),
    }
}
