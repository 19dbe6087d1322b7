//! The queue's promises, each with the events that a thread would send.

use std::sync::Arc;

use quantlens_analysis::config::QuantConfig;

use super::*;

fn evaluate(target: &str) -> Request {
    let config = Arc::new(QuantConfig { target: target.into(), ..QuantConfig::default() });
    Request::Evaluate { config, weight_only: true }
}

fn detail(layer: &str) -> Request {
    Request::Detail { config: Arc::default(), layer: layer.into() }
}

fn news(job: &Job, news: News) -> Event {
    Event { ticket: job.ticket, slot: job.request.slot(), news }
}

fn cancelled(job: &Job) -> Event {
    news(job, News::Cancelled)
}

fn stage(job: &Job) -> Event {
    news(job, News::Stage(Arc::new(crate::testing::report(3))))
}

#[test]
fn the_newest_edit_wins_and_old_results_are_dropped() {
    let mut q = Queue::default();
    q.ask(evaluate("a"), 0.0);
    let a = q.next(0.0).unwrap();
    q.ask(evaluate("b"), 1.0);
    q.ask(evaluate("c"), 2.0);
    assert!(a.token.is_cancelled());
    assert!(q.next(2.0).is_none(), "one at a time");
    assert!(!q.admit(&stage(&a)), "a's numbers are not wanted any more");
    assert!(!q.admit(&cancelled(&a)));
    assert_eq!(q.next(2.0).unwrap().request, evaluate("c"), "b never ran");
}

#[test]
fn a_burst_of_edits_waits_for_a_pause_but_a_single_edit_does_not() {
    let mut q = Queue::default();
    q.ask(evaluate("a"), 10.0);
    let a = q.next(10.0).unwrap();
    q.ask(evaluate("b"), 10.1);
    q.ask(evaluate("c"), 10.2);
    q.admit(&cancelled(&a));
    assert!(q.next(10.3).is_none());
    assert_eq!(q.due(), Some(10.2 + QUIET_S));
    assert_eq!(q.next(10.36).unwrap().request, evaluate("c"));
}

#[test]
fn another_model_stops_everything_and_an_edit_spares_an_export() {
    let mut q = Queue::default();
    let export = Request::Export { config: Arc::default(), path: "out.onnx".into() };
    q.ask(export.clone(), 0.0);
    let running = q.next(0.0).unwrap();
    q.ask(evaluate("a"), 0.0);
    assert!(!running.token.is_cancelled());
    q.ask(detail("x"), 0.0);
    q.ask(Request::Open { source: crate::worker::ModelSource::Sample, memory_budget_bytes: None }, 0.0);
    assert!(running.token.is_cancelled());
    assert!(!q.admit(&cancelled(&running)));
    assert_eq!(q.next(0.0).unwrap().request.slot(), Slot::Open);
    assert!(q.due().is_none() && q.next(9.0).is_none(), "the evaluation and the detail are gone");
}

#[test]
fn the_baseline_stands_in_nobodys_way() {
    let baseline = || Request::Baseline { config: Arc::default(), weight_only: false };
    let mut q = Queue::default();
    q.ask(evaluate("a"), 0.0);
    let a = q.next(0.0).unwrap();
    q.ask(baseline(), 0.0);
    assert!(!a.token.is_cancelled());
    q.admit(&news(&a, News::Report(Arc::new(crate::testing::report(3)))));
    let running = q.next(0.0).unwrap();
    assert_eq!(running.request, baseline());
    // A clicked layer stops it, as does an edit; the limit of memory comes before both.
    q.ask(detail("x"), 1.0);
    assert!(running.token.is_cancelled() && !q.admit(&cancelled(&running)));
    q.ask(baseline(), 1.0);
    q.ask(evaluate("b"), 1.0);
    q.ask(Request::Memory { budget_bytes: None }, 1.0);
    assert_eq!(q.next(1.0).unwrap().request.slot(), Slot::Memory);
}

#[test]
fn a_clicked_layer_interrupts_a_refining_evaluation_which_then_goes_on() {
    let mut q = Queue::default();
    q.ask(evaluate("a"), 0.0);
    let first = q.next(0.0).unwrap();
    q.ask(detail("x"), 0.0);
    assert!(!first.token.is_cancelled(), "nothing shown yet: the curve comes first");
    assert!(q.admit(&stage(&first)));
    assert!(first.token.is_cancelled());
    assert!(!q.admit(&cancelled(&first)), "a pause is no cancellation");
    let d = q.next(0.0).unwrap();
    assert_eq!(d.request, detail("x"));
    assert!(q.admit(&news(&d, News::Detail(Arc::new(crate::testing::detail("x"))))));
    let again = q.next(0.0).unwrap();
    assert_eq!((again.request.clone(), again.ticket), (evaluate("a"), first.ticket));
    assert!(!again.token.is_cancelled());
    assert!(q.admit(&news(&again, News::Report(Arc::new(crate::testing::report(3))))));
    assert!(q.is_idle());
}

#[test]
fn previews_of_what_is_on_screen_interrupt_a_refining_evaluation_and_an_edit_drops_them() {
    let previews = || Request::Previews { samples: vec![1, 2] };
    let mut q = Queue::default();
    q.ask(evaluate("a"), 0.0);
    let first = q.next(0.0).unwrap();
    q.ask(previews(), 0.0);
    assert!(!first.token.is_cancelled(), "nothing shown yet: the curve comes first");
    assert!(q.admit(&stage(&first)) && first.token.is_cancelled());
    q.admit(&cancelled(&first));
    let reading = q.next(0.0).unwrap();
    assert_eq!(reading.request, previews());
    q.ask(evaluate("b"), 1.0);
    assert!(reading.token.is_cancelled() && !q.admit(&news(&reading, News::Previews(Vec::new()))));
    assert_eq!(q.next(1.0).unwrap().request, evaluate("b"));
}

#[test]
fn a_sweep_makes_way_and_is_taken_up_again() {
    let mut q = Queue::default();
    let request = crate::document::SweepState::default().request();
    let sweep = Request::Sweep { config: Arc::default(), request };
    q.ask(sweep.clone(), 0.0);
    let first = q.next(0.0).unwrap();
    q.ask(evaluate("a"), 1.0);
    assert!(first.token.is_cancelled());
    assert!(!q.admit(&cancelled(&first)), "a pause is no cancellation");
    let a = q.next(1.0).unwrap();
    assert_eq!(a.request, evaluate("a"));
    // A second edit of the burst waits for its pause, and the sweep with it.
    q.ask(evaluate("b"), 1.1);
    assert!(!q.admit(&cancelled(&a)));
    assert!(q.next(1.15).is_none());
    let b = q.next(1.3).unwrap();
    assert!(q.admit(&news(&b, News::Report(Arc::new(crate::testing::report(3))))));
    let again = q.next(1.4).unwrap();
    assert_eq!((again.request.clone(), again.ticket), (sweep, first.ticket));
    assert!(!again.token.is_cancelled());
    q.ask(Request::Data { source: crate::worker::DataChoice::Sample, recipe: None, samples: None }, 2.0);
    assert!(again.token.is_cancelled());
    assert!(!q.admit(&cancelled(&again)));
    assert_eq!(q.next(2.0).unwrap().request.slot(), Slot::Data);
    assert!(q.next(9.0).is_none(), "other samples end it");
}

#[test]
fn asking_for_what_already_runs_changes_nothing() {
    let mut q = Queue::default();
    q.ask(evaluate("a"), 0.0);
    let a = q.next(0.0).unwrap();
    q.ask(evaluate("a"), 1.0);
    assert!(!a.token.is_cancelled() && q.due().is_none() && q.next(1.0).is_none());
    q.ask(evaluate("b"), 2.0);
    q.ask(evaluate("a"), 3.0);
    q.admit(&cancelled(&a));
    let back = q.next(3.5).unwrap();
    assert_eq!(back.request, evaluate("a"), "a was stopped for b, so it has to run again");
    assert!(back.ticket > a.ticket);
}

#[test]
fn cancel_stops_what_runs_and_forgets_what_waits() {
    let mut q = Queue::default();
    q.ask(evaluate("a"), 0.0);
    let a = q.next(0.0).unwrap();
    q.ask(detail("x"), 0.0);
    q.cancel_all();
    assert!(a.token.is_cancelled());
    assert!(q.admit(&cancelled(&a)), "the window hears that it stopped");
    assert!(q.is_idle());
}
