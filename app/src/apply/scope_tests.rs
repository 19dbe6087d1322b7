use std::sync::Arc;

use quantlens_analysis::report::{Report, SampleScope};

use super::super::{Effect, test_steps::hear};
use crate::{
    action::Action,
    command::Command,
    document::Document,
    testing::apply as send,
    worker::{News, Request, Slot},
};

fn asks_for(effects: &[Effect], wanted: usize) -> bool {
    effects.iter().any(|e| matches!(e, Effect::Start(Request::OneSample { index, .. }) if *index == wanted))
}

/// The numbers of one sample, told apart from the whole by their layers' accumulated error.
fn single(doc: &Document, index: usize) -> Arc<Report> {
    let whole = doc.whole_report().unwrap();
    let scope = Some(SampleScope { index, of: whole.samples, name: "cat.png".into() });
    Arc::new(Report { samples: 1, samples_total: 1, scope, ..Report::clone(whole) })
}

fn shown(doc: &Document) -> Option<usize> {
    doc.report.value.as_ref().unwrap().scope.as_ref().map(|scope| scope.index)
}

#[test]
fn one_sample_is_shown_until_escape() {
    let mut doc = crate::testing::document(4);
    let whole = doc.report.value.clone().unwrap();
    assert!(asks_for(&send(&mut doc, Command::ScopeSample(Some(17))), 17));
    assert_eq!(shown(&doc), None, "the whole stays until the sample's numbers are there");
    let one = single(&doc, 17);
    hear(&mut doc, Slot::OneSample, News::OneSample(one));
    assert_eq!(shown(&doc), Some(17));
    // Another sample, while one is shown: counted from the whole.
    assert!(asks_for(&send(&mut doc, Command::ScopeSample(Some(3))), 3));
    let stale = single(&doc, 17);
    hear(&mut doc, Slot::OneSample, News::OneSample(stale));
    let one = single(&doc, 3);
    hear(&mut doc, Slot::OneSample, News::OneSample(one));
    assert_eq!(shown(&doc), Some(3));
    // A baseline of all samples says nothing about one.
    doc.pinned = Some(Arc::clone(&whole));
    assert!(doc.baseline().is_none());
    doc.job = None;
    send(&mut doc, Command::Run(Action::Escape));
    assert!(Arc::ptr_eq(doc.report.value.as_ref().unwrap(), &whole) && doc.scope.is_none() && doc.whole.is_none());
    assert!(doc.baseline().is_some());
}

#[test]
fn after_an_edit_the_same_sample_is_asked_for_again() {
    let mut doc = crate::testing::document(4);
    send(&mut doc, Command::ScopeSample(Some(5)));
    let one = single(&doc, 5);
    hear(&mut doc, Slot::OneSample, News::OneSample(one));
    let edited = Arc::new(crate::testing::report_of(4, &Arc::new(doc.config.as_ref().clone())));
    let stage = Arc::new(Report { samples: 1, ..Report::clone(&edited) });
    assert!(!asks_for(&hear(&mut doc, Slot::Evaluate, News::Stage(stage)), 5), "not before it has run");
    assert_eq!(shown(&doc), Some(5));
    assert!(asks_for(&hear(&mut doc, Slot::Evaluate, News::Report(edited)), 5));
    // Fewer samples than that: all of them.
    let few = crate::testing::report_of(4, &doc.config);
    let few = Arc::new(Report { samples: 4, samples_total: 4, ..few });
    hear(&mut doc, Slot::Evaluate, News::Report(few));
    assert_eq!((shown(&doc), doc.scope), (None, None));
}

#[test]
fn a_sample_that_is_not_there_is_refused_with_words() {
    let mut doc = crate::testing::document(4);
    assert!(send(&mut doc, Command::ScopeSample(Some(32))).is_empty());
    assert_eq!(doc.notices.last().unwrap().text, "That sample has not run yet");
    assert_eq!(doc.scope, None);
}
