//! Previews of the samples on screen.

use super::{Effects, begin};
use crate::{document::Document, worker::Request};

/// Previews read by one job: few, so that it is over when an edit comes.
const BATCH: usize = 24;

/// Asks for previews of these samples, of as many as one job reads; the view asks again for the rest.
pub(super) fn ask(doc: &mut Document, mut samples: Vec<usize>, out: &mut Effects) {
    let count = doc.data.as_ref().map_or(0, |data| data.samples);
    samples.retain(|&sample| sample < count && doc.previews.get(sample).is_none());
    samples.truncate(BATCH);
    if samples.is_empty() || !doc.previews.is_free() {
        return;
    }
    doc.previews.asked.clone_from(&samples);
    begin(doc, Request::Previews { samples }, out);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        apply::{Effect, absorb, evaluate},
        command::Command,
        testing::{apply, document, preview},
        worker::{Event, News, Slot, Ticket, Trouble, TroubleKind},
    };

    fn hear(doc: &mut Document, news: News) {
        absorb(doc, Event { ticket: Ticket(1), slot: Slot::Previews, news }, &mut Effects::new());
    }

    #[test]
    fn they_are_asked_for_in_batches_and_once() {
        let mut doc = document(4);
        let asked = apply(&mut doc, Command::Preview((0..40).collect()));
        assert_eq!(asked, [Effect::Start(Request::Previews { samples: (0..24).collect() })]);
        assert!(apply(&mut doc, Command::Preview(vec![30])).is_empty(), "one batch at a time");
        hear(&mut doc, News::Previews((0..24).map(|i| (i, Arc::new(preview(i)))).collect()));
        // The data have 32 samples.
        let asked = apply(&mut doc, Command::Preview((20..40).collect()));
        assert_eq!(asked, [Effect::Start(Request::Previews { samples: (24..32).collect() })]);
        // An edit drops the job, so that its previews can be asked for again.
        evaluate(&mut doc, &mut Effects::new());
        assert!(doc.previews.is_free());
    }

    #[test]
    fn what_cannot_be_read_is_not_asked_for_for_ever() {
        let mut doc = document(4);
        apply(&mut doc, Command::Preview(vec![0]));
        let trouble = Trouble { what: "a.png is gone".into(), details: "".into(), kind: TroubleKind::Other };
        hear(&mut doc, News::Failed(trouble));
        assert!(apply(&mut doc, Command::Preview(vec![0])).is_empty());
    }
}
