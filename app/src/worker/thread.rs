//! The thread "analysis", and the same work without a thread for tests.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use super::{Event, Job, Queue, Request, Runner};

/// How long a closing window waits for the running job to notice.
const GRACE: Duration = Duration::from_secs(2);

/// Something the window has to know.
#[derive(Clone, Debug)]
pub enum Happening {
    /// This job was handed to the thread.
    Started(Request),
    /// A job says something.
    News(Event),
}

/// The window's end of the background work.
#[derive(Debug)]
pub struct Worker {
    queue: Queue,
    link: Link,
}

#[derive(Debug)]
enum Link {
    Thread {
        jobs: Option<Sender<Job>>,
        events: Receiver<Event>,
        thread: Option<JoinHandle<()>>,
    },
    Inline {
        runner: Box<Runner>,
        events: VecDeque<Event>,
    },
    /// Nobody works: tests feed events themselves.
    Idle,
}

impl Worker {
    /// Starts the thread. `wake` is called after every event, so that the window looks.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        make: impl FnOnce() -> Runner + Send + 'static,
        wake: Arc<dyn Fn() + Send + Sync>,
    ) -> std::io::Result<Self> {
        let (jobs, inbox) = channel::<Job>();
        let (outbox, events) = channel::<Event>();
        let thread = std::thread::Builder::new().name("analysis".into()).spawn(move || {
            let mut runner = make();
            while let Ok(job) = inbox.recv() {
                runner.run(&job, &|event| {
                    // The window may be gone already; then nobody needs the news.
                    let _ = outbox.send(event);
                    wake();
                });
            }
        })?;
        let link = Link::Thread { jobs: Some(jobs), events, thread: Some(thread) };
        Ok(Self { queue: Queue::default(), link })
    }

    /// Works on the calling thread, inside [`Worker::poll`]: flow tests are deterministic so.
    pub fn inline(runner: Runner) -> Self {
        Self { queue: Queue::default(), link: Link::Inline { runner: Box::new(runner), events: VecDeque::new() } }
    }

    /// Takes requests and does nothing: tests feed the events.
    pub fn idle() -> Self {
        Self { queue: Queue::default(), link: Link::Idle }
    }

    /// Asks for a job; see [`Queue::ask`].
    pub fn ask(&mut self, request: Request, now: f64) {
        self.queue.ask(request, now);
    }

    /// Starts what is due and gives the next thing that has happened and is still of interest.
    pub fn poll(&mut self, now: f64) -> Option<Happening> {
        if let Some(request) = self.dispatch(now) {
            return Some(Happening::Started(request));
        }
        loop {
            let event = match &mut self.link {
                Link::Thread { events, .. } => events.try_recv().ok(),
                Link::Inline { events, .. } => events.pop_front(),
                Link::Idle => None,
            }?;
            if self.queue.admit(&event) {
                return Some(Happening::News(event));
            }
            // A dropped event may have been the last of its job: the next one can start.
            if let Some(request) = self.dispatch(now) {
                return Some(Happening::Started(request));
            }
        }
    }

    /// Stops what runs and forgets what waits.
    pub fn cancel(&mut self) {
        self.queue.cancel_all();
    }

    /// The queue, for the status bar.
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    fn dispatch(&mut self, now: f64) -> Option<Request> {
        if matches!(self.link, Link::Idle) {
            return None;
        }
        let job = self.queue.next(now)?;
        let request = job.request.clone();
        match &mut self.link {
            Link::Thread { jobs: Some(jobs), .. } => {
                // The thread ends only after `jobs` is dropped, so there is a receiver.
                let _ = jobs.send(job);
            }
            Link::Inline { runner, events } => {
                let sent = std::cell::RefCell::new(Vec::new());
                runner.run(&job, &|event| sent.borrow_mut().push(event));
                events.extend(sent.into_inner());
            }
            Link::Thread { jobs: None, .. } | Link::Idle => {}
        }
        Some(request)
    }
}

impl Drop for Worker {
    /// Asks the running job to stop and waits for it a moment: onnxruntime must not be torn down under it.
    fn drop(&mut self) {
        self.queue.cancel_all();
        let Link::Thread { jobs, thread, .. } = &mut self.link else { return };
        drop(jobs.take());
        let Some(thread) = thread.take() else { return };
        let start = Instant::now();
        while !thread.is_finished() && start.elapsed() < GRACE {
            std::thread::sleep(Duration::from_millis(5));
        }
        if thread.is_finished() {
            // A panic outside a job leaves nothing to do; the window is closing.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use quantlens_analysis::config::QuantConfig;

    use super::*;
    use crate::{testing::FakeBench, worker::News};

    fn evaluate() -> Request {
        Request::Evaluate { config: Arc::new(QuantConfig::default()), weight_only: false }
    }

    /// Everything that happens until the worker rests, as short words.
    fn listen(worker: &mut Worker) -> Vec<&'static str> {
        let start = Instant::now();
        let mut heard = Vec::new();
        while !worker.queue().is_idle() && start.elapsed() < Duration::from_secs(20) {
            match worker.poll(0.0) {
                Some(Happening::Started(_)) => heard.push("started"),
                Some(Happening::News(event)) => heard.push(match event.news {
                    News::Stage(_) => "stage",
                    News::Report(_) => "report",
                    News::Progress(_) | News::Runtime(_) => continue,
                    News::Cancelled => "cancelled",
                    _ => "other",
                }),
                None => std::thread::sleep(Duration::from_millis(1)),
            }
        }
        heard
    }

    #[test]
    fn the_thread_and_the_inline_worker_say_the_same() {
        let runner = || Runner::new(Box::new(FakeBench { layers: 4 }));
        let mut thread = Worker::start(runner, Arc::new(|| {})).unwrap();
        thread.ask(evaluate(), 0.0);
        assert_eq!(listen(&mut thread), ["started", "stage", "report"]);
        let mut inline = Worker::inline(runner());
        inline.ask(evaluate(), 0.0);
        assert_eq!(listen(&mut inline), ["started", "stage", "report"]);
    }

    #[test]
    fn a_job_cancelled_before_it_runs_says_so_and_a_dropped_worker_ends_its_thread() {
        let (woken, wakes) = channel();
        let wake = Arc::new(move || {
            let _ = woken.send(());
        });
        let mut worker = Worker::start(|| Runner::new(Box::new(FakeBench { layers: 4 })), wake).unwrap();
        let token = quantlens_analysis::job::CancelToken::new();
        token.cancel();
        let job = Job { ticket: crate::worker::Ticket(7), request: evaluate(), token };
        let heard = std::cell::RefCell::new(Vec::new());
        Runner::new(Box::new(FakeBench { layers: 4 })).run(&job, &|event| heard.borrow_mut().push(event));
        assert!(matches!(heard.into_inner().as_slice(), [Event { news: News::Cancelled, .. }]));
        worker.ask(evaluate(), 0.0);
        assert_eq!(listen(&mut worker).last(), Some(&"report"));
        drop(worker);
        // The thread held the only sender: once it has ended the channel is closed.
        while let Ok(()) = wakes.recv_timeout(Duration::from_secs(5)) {}
        assert_eq!(wakes.try_recv(), Err(std::sync::mpsc::TryRecvError::Disconnected));
    }
}
