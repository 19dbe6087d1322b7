//! From a key press to the frame that shows the new curve: the window's own code, its worker and its thread, without a
//! window system. What it leaves out is the drawing of the triangles.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, channel},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use egui::{Context, Event, Key, Modifiers, RawInput, Rect, Vec2};
use quantlens_analysis::{data::DataSource, report::Report, workbench::LIVE_SAMPLES};
use serde_json::{Value, json};

use super::{EvaluationArgs, median_of};
use crate::{
    app::{App, Start},
    command::{Command, Part},
    dialogs::{self, Dialogs},
    document::{Document, Settings},
    engine::Engine,
    selection::SelectMode,
    theme,
    worker::{Runner, Worker},
};

/// Keys of widths that no layer has by default.
const WIDTHS: [Key; 6] = [Key::Num4, Key::Num7, Key::Num5, Key::Num6, Key::Num3, Key::Num2];
/// The window's own size at the first start.
const WINDOW: Vec2 = Vec2::new(1440.0, 900.0);
/// Longer than this the window never waits for news.
const PATIENCE: Duration = Duration::from_secs(600);

/// Milliseconds from a changed width of a layer's weights to the frames that show one sample, the live ones and all:
/// for the first, the middle and the last layer with weights. `null` where no layer has any.
pub(super) fn times(args: &EvaluationArgs, runs: usize) -> Result<Value> {
    let mut window = Window::open(args)?;
    let weighted: Vec<String> = window.report()?.rows.iter().filter(|r| r.weight.is_some()).map(name_of).collect();
    let (Some(first), Some(last)) = (weighted.first(), weighted.last()) else { return Ok(Value::Null) };
    let places = [("first", first), ("middle", &weighted[weighted.len() / 2]), ("last", last)];
    let mut found = serde_json::Map::new();
    for (place, layer) in places {
        found.insert(place.into(), window.place(layer, runs)?);
    }
    Ok(Value::Object(found))
}

fn name_of(row: &quantlens_analysis::report::LayerRow) -> String {
    row.info.name.clone()
}

/// What one key press took, in milliseconds.
struct Press {
    /// To the frame with one sample, with the live ones, with all.
    stages: [f64; 3],
    /// Of the first of these frames alone: layout and tessellation.
    frame: f64,
}

/// The window without a window system.
struct Window {
    ctx: Context,
    app: App,
    woken: Receiver<()>,
    opened: Instant,
    /// The configuration's file, where the options describe one.
    _config: Option<tempfile::TempDir>,
}

impl Window {
    /// Opens the model with its data and waits for the numbers.
    fn open(args: &EvaluationArgs) -> Result<Self> {
        let ctx = Context::default();
        theme::install(&ctx);
        let (wake, woken) = channel();
        let wake: Arc<dyn Fn() + Send + Sync> = Arc::new(move || {
            // Nobody listens any more once the measurement is over.
            let _ = wake.send(());
        });
        let (library, threads) = (args.onnxruntime.clone(), args.threads);
        let make = move || Runner::new(Box::new(Engine::new(library, threads)));
        let worker = Worker::start(make, Arc::clone(&wake)).context("cannot start the analysis thread")?;
        let app = App::new(worker, Dialogs::new(dialogs::native, wake));
        let (folder, config) = config_file(args)?;
        let mut window = Self { ctx, app, woken, opened: Instant::now(), _config: folder };
        let samples = args.samples.map(|n| n as usize);
        window.app.apply(&window.ctx, Command::SetSettings(Settings { samples, ..Settings::default() }));
        let start = Start {
            model: Some(args.model.clone()),
            data: Some(DataSource::parse(args.data.as_os_str())),
            config,
            memory: args.memory,
            ..Start::default()
        };
        window.app.start(&window.ctx, start, None);
        window.wait_for(Vec::new(), &|doc| whole(doc).is_some())?;
        window.rest()?;
        Ok(window)
    }

    fn report(&self) -> Result<Arc<Report>> {
        whole(self.app.document()).cloned().context("the model was not evaluated")
    }

    /// Medians for one layer; the first press, which also takes the samples away from the layer before, does not count.
    fn place(&mut self, layer: &str, runs: usize) -> Result<Value> {
        let select = Command::Select { layer: layer.to_owned(), mode: SelectMode::Replace, reveal: true };
        self.app.apply(&self.ctx, select);
        self.app.apply(&self.ctx, Command::Target(Part::Weights));
        self.rest()?;
        let mut presses = Vec::with_capacity(runs);
        for (round, key) in WIDTHS.iter().cycle().take(runs + 1).enumerate() {
            let press = self.press(*key)?;
            if round > 0 {
                presses.push(press);
            }
            self.rest()?;
        }
        // The next layer starts from the configuration that was given.
        for _ in 0..=runs {
            self.app.apply(&self.ctx, Command::Run(crate::action::Action::Undo));
            self.rest()?;
        }
        let median = |value: &dyn Fn(&Press) -> f64| median_of(presses.iter().map(value).collect());
        Ok(json!({
            "layer": layer,
            "first_curve_ms": median(&|press| press.stages[0]),
            "live_ms": median(&|press| press.stages[1]),
            "all_ms": median(&|press| press.stages[2]),
            "frame_ms": median(&|press| press.frame),
        }))
    }

    fn press(&mut self, key: Key) -> Result<Press> {
        let before = self.report()?;
        let all = before.samples;
        let started = Instant::now();
        let event =
            |pressed| Event::Key { key, physical_key: None, pressed, repeat: false, modifiers: Modifiers::NONE };
        let mut events = vec![event(true), event(false)];
        let mut stages = [0.0; 3];
        let mut frame = 0.0;
        for (index, wanted) in [1, LIVE_SAMPLES.min(all), all].into_iter().enumerate() {
            let shows = |doc: &Document| {
                let report = doc.report.value.as_ref();
                report.is_some_and(|r| r.config == doc.config && r.config != before.config && r.samples >= wanted)
            };
            let took = self.wait_for(std::mem::take(&mut events), &shows)?;
            stages[index] = super::milliseconds(started);
            if index == 0 {
                frame = took;
            }
        }
        Ok(Press { stages, frame })
    }

    /// Draws until nothing runs any more.
    fn rest(&mut self) -> Result<()> {
        while !self.app.is_idle() {
            self.wait_for(Vec::new(), &|_| true)?;
            self.sleep(Duration::from_millis(20))?;
        }
        self.wait_for(Vec::new(), &|_| true)?;
        Ok(())
    }

    /// Draws frames as the system would until one shows what is wanted; how long that one took, in milliseconds.
    fn wait_for(&mut self, events: Vec<Event>, is_shown: &dyn Fn(&Document) -> bool) -> Result<f64> {
        let started = Instant::now();
        let mut events = Some(events);
        loop {
            self.app.take_in(&self.ctx);
            // What is drawn now is the document as it stands before the frame.
            let shown = is_shown(self.app.document());
            let frame_started = Instant::now();
            let wait = self.frame(events.take().unwrap_or_default());
            if shown {
                return Ok(super::milliseconds(frame_started));
            }
            if let Some(failure) = &self.app.document().failure {
                bail!("{}", failure.what);
            }
            if started.elapsed() > PATIENCE {
                bail!("the window showed no new numbers within {} s", PATIENCE.as_secs());
            }
            self.sleep(wait)?;
        }
    }

    /// Layout and tessellation of one frame; how long the next one can wait.
    fn frame(&mut self, events: Vec<Event>) -> Duration {
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(egui::Pos2::ZERO, WINDOW)),
            time: Some(self.opened.elapsed().as_secs_f64()),
            focused: true,
            events,
            ..RawInput::default()
        };
        let mut output = self.ctx.run_ui(input, |ui| self.app.draw(ui));
        let wait = output.viewport_output.get(&egui::ViewportId::ROOT).map_or(PATIENCE, |root| root.repaint_delay);
        let _ = self.ctx.tessellate(std::mem::take(&mut output.shapes), output.pixels_per_point);
        output.textures_delta.clear();
        wait
    }

    /// Until the worker says something, or the time is over.
    fn sleep(&self, wait: Duration) -> Result<()> {
        match self.woken.recv_timeout(wait.min(PATIENCE)) {
            Ok(()) => {
                while self.woken.try_recv().is_ok() {}
                Ok(())
            }
            Err(RecvTimeoutError::Timeout) => Ok(()),
            Err(RecvTimeoutError::Disconnected) => bail!("the analysis thread has ended"),
        }
    }
}

/// The report of all samples under the configuration of now.
fn whole(doc: &Document) -> Option<&Arc<Report>> {
    doc.report.value.as_ref().filter(|r| r.samples > 0 && r.samples == r.samples_total && r.config == doc.config)
}

/// The configuration of the options as a file that a window can open; none where they say nothing.
fn config_file(args: &EvaluationArgs) -> Result<(Option<tempfile::TempDir>, Option<PathBuf>)> {
    let config = args.quant_config()?;
    if config == quantlens_analysis::config::QuantConfig::default() {
        return Ok((None, None));
    }
    let folder = tempfile::tempdir().context("cannot write the configuration for the window")?;
    let path = folder.path().join("bench.quantlens.json");
    super::write(&path, &serde_json::to_string(&config)?)?;
    Ok((Some(folder), Some(path)))
}
