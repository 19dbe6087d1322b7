//! Which job runs next. Lives on the window's thread and is told the time, so that tests need neither threads nor clocks.
//!
//! Newest wins: of each kind one job may wait, a newer request replaces it. A request cancels what it makes meaningless,
//! running or waiting. A burst of edits is one evaluation: the first starts at once, an edit that follows another within
//! [`QUIET_S`] waits until the edits have paused that long.

use std::collections::BTreeMap;

use quantlens_analysis::job::CancelToken;

use super::{Event, Job, News, Request, Slot, Ticket};

/// Edits closer together than this many seconds are one burst.
const QUIET_S: f64 = 0.15;

/// The running job and the waiting ones.
#[derive(Debug, Default)]
pub struct Queue {
    last_ticket: u64,
    current: BTreeMap<Slot, Ticket>,
    running: Option<Running>,
    waiting: BTreeMap<Slot, Waiting>,
    last_edit: Option<f64>,
}

#[derive(Debug)]
struct Running {
    job: Job,
    /// It was stopped so that a layer's detail comes first, and runs again after it.
    paused: bool,
    /// It has shown a first result, so that a detail may pause it.
    has_shown: bool,
}

#[derive(Debug)]
struct Waiting {
    job: Job,
    not_before: f64,
}

impl Queue {
    /// Asks for a job. What it makes meaningless is cancelled. An equal job that runs or waits already is left alone.
    pub fn ask(&mut self, request: Request, now: f64) {
        let slot = request.slot();
        if self.has(&request) {
            return;
        }
        for other in Slot::ALL.into_iter().filter(|other| slot.invalidates(*other)) {
            self.drop_slot(other);
        }
        self.last_ticket += 1;
        let ticket = Ticket(self.last_ticket);
        self.current.insert(slot, ticket);
        let not_before = if slot == Slot::Evaluate { self.after_burst(now) } else { now };
        let job = Job { ticket, request, token: CancelToken::new() };
        self.waiting.insert(slot, Waiting { job, not_before });
        self.pause_for_detail();
        self.pause_sweep();
    }

    /// The next job to hand to the thread at `now`, if the thread is free and one is due.
    pub fn next(&mut self, now: f64) -> Option<Job> {
        if self.running.is_some() {
            return None;
        }
        let detail_first =
            self.looked_at_waits() && self.waiting.get(&Slot::Evaluate).is_some_and(|w| w.job.token.is_cancelled());
        let due = |slot: &Slot| self.waiting.get(slot).is_some_and(|w| w.not_before <= now);
        // Nor is a sweep taken up again while the edits of a burst wait for their pause.
        let yields = |slot: Slot| detail_first && slot == Slot::Evaluate || slot == Slot::Sweep && self.is_urgent();
        let slot = Slot::ALL.into_iter().find(|slot| due(slot) && !yields(*slot))?;
        let mut job = self.waiting.remove(&slot)?.job;
        // A paused job is started anew: its old flag stays set for good.
        if job.token.is_cancelled() {
            job.token = CancelToken::new();
        }
        self.running = Some(Running { job: job.clone(), paused: false, has_shown: false });
        Some(job)
    }

    /// When the next waiting job falls due, if it waits for time and not for the thread.
    pub fn due(&self) -> Option<f64> {
        if self.running.is_some() {
            return None;
        }
        self.waiting.values().map(|w| w.not_before).min_by(f64::total_cmp)
    }

    /// Takes note of an event. `true` if it is to be shown; `false` if nobody wants it any more.
    pub fn admit(&mut self, event: &Event) -> bool {
        let is_running = self.running.as_ref().is_some_and(|r| r.job.ticket == event.ticket);
        let is_current = self.current.get(&event.slot) == Some(&event.ticket);
        if is_running && matches!(event.news, News::Stage(_)) {
            if let Some(running) = &mut self.running {
                running.has_shown = true;
            }
            self.pause_for_detail();
        }
        if is_running && event.news.is_final() {
            let paused = self.running.take().filter(|r| r.paused && matches!(event.news, News::Cancelled));
            if let Some(running) = paused.filter(|_| is_current) {
                // Its place in the queue is its own again; its cancelled flag says that it was paused.
                self.waiting.insert(event.slot, Waiting { job: running.job, not_before: 0.0 });
                return false;
            }
        }
        is_current
    }

    /// Stops what runs and forgets what waits.
    pub fn cancel_all(&mut self) {
        self.waiting.clear();
        if let Some(running) = &mut self.running {
            running.paused = false;
            running.job.token.cancel();
        }
    }

    /// The job that runs now.
    pub fn running(&self) -> Option<&Request> {
        self.running.as_ref().map(|r| &r.job.request)
    }

    /// Whether nothing runs and nothing waits.
    pub fn is_idle(&self) -> bool {
        self.running.is_none() && self.waiting.is_empty()
    }

    /// Whether this very job runs (and is not being stopped) or waits.
    fn has(&self, request: &Request) -> bool {
        let runs = |r: &Running| r.job.request == *request && (r.paused || !r.job.token.is_cancelled());
        let slot = request.slot();
        self.waiting.get(&slot).is_some_and(|w| w.job.request == *request)
            || (self.running.as_ref().is_some_and(runs) && !self.waiting.contains_key(&slot))
    }

    fn drop_slot(&mut self, slot: Slot) {
        self.waiting.remove(&slot);
        self.current.remove(&slot);
        if let Some(running) = self.running.as_mut().filter(|r| r.job.request.slot() == slot) {
            running.paused = false;
            running.job.token.cancel();
        }
    }

    /// Whether something waits that the user is looking at.
    fn looked_at_waits(&self) -> bool {
        [Slot::Detail, Slot::Previews, Slot::Companion].iter().any(|slot| self.waiting.contains_key(slot))
    }

    /// A clicked layer, or the pictures of what is on screen, must not wait until an evaluation has refined over all
    /// samples: once something was shown, the evaluation makes way and is taken up again.
    fn pause_for_detail(&mut self) {
        if !self.looked_at_waits() {
            return;
        }
        let pausable =
            |r: &&mut Running| r.job.request.slot() == Slot::Evaluate && r.has_shown && !r.job.token.is_cancelled();
        if let Some(running) = self.running.as_mut().filter(pausable) {
            running.paused = true;
            running.job.token.cancel();
        }
    }

    /// Whether something waits that a sweep makes way for: all but another sweep.
    fn is_urgent(&self) -> bool {
        self.waiting.keys().any(|slot| *slot != Slot::Sweep)
    }

    /// A sweep lasts seconds to minutes: it makes way for whatever is asked meanwhile and is taken up again; the workbench
    /// goes on where it stopped.
    fn pause_sweep(&mut self) {
        if !self.is_urgent() {
            return;
        }
        let is_sweep = |r: &&mut Running| r.job.request.slot() == Slot::Sweep && !r.job.token.is_cancelled();
        if let Some(running) = self.running.as_mut().filter(is_sweep) {
            running.paused = true;
            running.job.token.cancel();
        }
    }

    fn after_burst(&mut self, now: f64) -> f64 {
        let in_burst = self.last_edit.is_some_and(|last| now - last < QUIET_S);
        self.last_edit = Some(now);
        if in_burst { now + QUIET_S } else { now }
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
