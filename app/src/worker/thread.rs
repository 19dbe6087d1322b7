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
