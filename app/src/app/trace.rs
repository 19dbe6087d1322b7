//! Times of the start, for people who measure and for smoke tests: when the first frame stood, when the numbers stood.
//! Printed on standard error; never part of a result.

use std::{
    sync::{Arc, OnceLock},
    time::Instant,
};

use crate::document::Document;

/// When the program ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ExitAfter {
    /// After the first frame.
    Frame,
    /// When the analysis is shown.
    Analyzed,
}

/// Why the program ended by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// What was waited for has come.
    Reached,
    /// It cannot come any more.
    Failed(String),
}

/// What is reported and waited for.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// When the program started; `None` reports nothing.
    pub since: Option<Instant>,
    /// End the program then.
    pub exit_after: Option<ExitAfter>,
    /// How it ended, for the exit code.
    pub outcome: Arc<OnceLock<Outcome>>,
    /// Something is opened at start, so that there will be numbers.
    pub expects_analysis: bool,
    first_frame: bool,
    analyzed: bool,
}

impl Trace {
    /// Reports times since `since`, if given, and ends the program at `exit_after`, if given.
    pub fn new(since: Option<Instant>, exit_after: Option<ExitAfter>) -> Self {
        Self { since, exit_after, ..Self::default() }
    }

    /// A frame was drawn; `true` when the window is to close.
    pub fn frame_drawn(&mut self, doc: &Document, is_idle: bool) -> bool {
        if !self.first_frame {
            self.first_frame = true;
            self.say("first frame");
            if self.exit_after == Some(ExitAfter::Frame) {
                return self.end(Outcome::Reached);
            }
        }
        if self.exit_after == Some(ExitAfter::Analyzed)
            && let Some(failure) = &doc.failure
        {
            return self.end(Outcome::Failed(failure.what.to_string()));
        }
        let is_there = doc.report.value.as_ref().is_some_and(|report| report.samples >= report.samples_total);
        // The numbers are on screen in the frame after they came: `is_idle` holds from that frame on.
        if !self.analyzed && is_there && is_idle && doc.report.pending_since.is_none() {
            self.analyzed = true;
            self.say("analyzed");
            if self.exit_after == Some(ExitAfter::Analyzed) {
                return self.end(Outcome::Reached);
            }
        }
        if self.exit_after == Some(ExitAfter::Analyzed) && !self.expects_analysis {
            return self.end(Outcome::Failed("nothing was opened, so nothing will be analyzed".into()));
        }
        false
    }

    fn say(&self, what: &str) {
        if let Some(since) = self.since {
            eprintln!("{what} {} ms", since.elapsed().as_millis());
        }
    }

    fn end(&self, outcome: Outcome) -> bool {
        // Only the first outcome counts.
        let _ = self.outcome.set(outcome);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_when_the_numbers_stand_or_cannot_come() {
        let waiting = || Trace { exit_after: Some(ExitAfter::Analyzed), expects_analysis: true, ..Trace::default() };
        let mut trace = waiting();
        assert!(!trace.frame_drawn(&Document::new(), true), "nothing is there yet");
        let doc = crate::testing::document(3);
        assert!(!trace.frame_drawn(&doc, false), "still refining");
        assert!(trace.frame_drawn(&doc, true));
        assert_eq!(trace.outcome.get(), Some(&Outcome::Reached));
        let mut trace = waiting();
        let mut doc = Document::new();
        doc.failure = Some(crate::document::Failure { what: "no".into(), details: "".into(), retry: None });
        assert!(trace.frame_drawn(&doc, true));
        assert_eq!(trace.outcome.get(), Some(&Outcome::Failed("no".into())));
    }
}
