//! Draws graphs on a short thread of their own, beside the analysis: a model that takes a second to draw must not wait for
//! one that takes a minute to evaluate, nor the other way round.
//!
//! At most one drawing is wanted; a new one stops the last, and what that still sends is dropped by its ticket.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    time::{Duration, Instant},
};

use quantlens_analysis::job::CancelToken;

use crate::graph_layout::{Drawing, Net, Work, lay_out};

/// Nets of up to so many cards are drawn at once: that takes less than a frame, and the page does not flicker.
const AT_ONCE: usize = 250;
/// Progress is told so seldom.
const TELL_EVERY: Duration = Duration::from_millis(50);

/// What a drawing on its way tells.
#[derive(Clone, Debug)]
pub enum News {
    /// So much is done of so much.
    Progress(usize, usize),
    /// It is there.
    Done(Arc<Drawing>),
}

/// Wakes the window.
pub type Wake = Box<dyn Fn() + Send>;

/// The thread of one window.
#[derive(Debug)]
pub struct LayoutThread {
    sender: Sender<(u64, News)>,
    news: Receiver<(u64, News)>,
    ticket: u64,
    cancel: CancelToken,
}

impl Default for LayoutThread {
    fn default() -> Self {
        let (sender, news) = channel();
        Self { sender, news, ticket: 0, cancel: CancelToken::new() }
    }
}

impl LayoutThread {
    /// Draws this net instead of what is being drawn.
    pub fn start(&mut self, net: Arc<Net>, quick: bool, wake: Wake) {
        self.stop();
        self.cancel = CancelToken::new();
        let job =
            Job { net, quick, ticket: self.ticket, sender: self.sender.clone(), cancel: self.cancel.clone(), wake };
        if job.net.cards <= AT_ONCE {
            return job.run();
        }
        let spare = job.net.clone();
        let thread = std::thread::Builder::new().name("layout".into()).spawn(move || job.run());
        if thread.is_err() {
            // Better a window that waits than none.
            let (sender, cancel) = (self.sender.clone(), self.cancel.clone());
            Job { net: spare, quick: true, ticket: self.ticket, sender, cancel, wake: Box::new(|| ()) }.run();
        }
    }

    /// Stops what is being drawn; nothing more is heard of it.
    pub fn stop(&mut self) {
        self.cancel.cancel();
        self.ticket += 1;
    }

    /// What has come of the drawing that is wanted.
    pub fn poll(&self) -> Option<News> {
        std::iter::from_fn(|| self.news.try_recv().ok())
            .find(|(ticket, _)| *ticket == self.ticket)
            .map(|(_, news)| news)
    }
}

impl Drop for LayoutThread {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

struct Job {
    net: Arc<Net>,
    quick: bool,
    ticket: u64,
    sender: Sender<(u64, News)>,
    cancel: CancelToken,
    wake: Wake,
}

impl Job {
    fn run(self) {
        let tell = |news| {
            // The window may be gone already.
            let _ = self.sender.send((self.ticket, news));
            (self.wake)();
        };
        let mut told = Instant::now();
        let mut progress = |done, all| {
            if told.elapsed() >= TELL_EVERY {
                told = Instant::now();
                tell(News::Progress(done, all));
            }
        };
        let mut work = Work { cancel: self.cancel.clone(), progress: &mut progress, quick: self.quick };
        if let Some(drawing) = lay_out(&self.net, &mut work) {
            tell(News::Done(Arc::new(drawing)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_drawing_is_heard_of() {
        let mut thread = LayoutThread::default();
        let net = |cards| Arc::new(Net { cards, edges: Vec::new() });
        thread.start(net(3), false, Box::new(|| ()));
        thread.start(net(4), false, Box::new(|| ()));
        let Some(News::Done(drawing)) = thread.poll() else { panic!("small nets are drawn at once") };
        assert_eq!(drawing.centres.len(), 4);
        assert!(thread.poll().is_none());
        thread.start(net(5), false, Box::new(|| ()));
        thread.stop();
        assert!(thread.poll().is_none());
    }

    #[test]
    fn a_large_drawing_comes_from_the_thread() {
        let (sender, woken) = channel();
        let mut thread = LayoutThread::default();
        let net = Arc::new(Net { cards: AT_ONCE + 1, edges: Vec::new() });
        thread.start(net, true, Box::new(move || _ = sender.send(())));
        loop {
            woken.recv_timeout(Duration::from_secs(60)).expect("it wakes the window");
            if let Some(News::Done(drawing)) = thread.poll() {
                assert_eq!(drawing.centres.len(), AT_ONCE + 1);
                break;
            }
        }
    }
}
