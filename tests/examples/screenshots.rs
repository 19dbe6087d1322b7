//! Makes the pictures of `screenshots/` anew, from real runs: `cargo run --release -p quantlens-tests --example screenshots`.
//!
//! The built-in sample needs nothing else. MobileNetV2 is shown where the shared models are (`QUANTLENS_SHARED`, or
//! `../shared` beside the project), on photographs that may be shown and have no people in them.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for ourselves: it says what it makes, or stops")]

use std::{
    fs::File,
    io::BufWriter,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use egui::{Theme, vec2};
use egui_kittest::Harness;
use image::{Delay, Frame, RgbaImage, codecs::gif::GifEncoder, imageops::FilterType};
use quantlens::{
    action::Action,
    app::App,
    command::{Command, PinCommand},
    dialogs::{Ask, Dialogs, Reply, Suggestion},
    document::{Page, Settings, ThemeChoice},
    engine::Engine,
    theme,
    worker::{Runner, Worker},
};
use quantlens_analysis::{data::DataSource, quant::Bits, text::Language};

/// Photographs that must not be shown: people can be known on them.
const PEOPLE: [&str; 8] = ["astronaut", "bike_race", "faces", "fish_bike", "kimono", "people", "soccer", "street"];
/// Longer than this nothing here takes.
const PATIENCE: Duration = Duration::from_secs(300);
/// Size of the window, in points.
const SIZE: [f32; 2] = [1440.0, 900.0];
/// Width of the animation, in pixels.
const ANIMATION_WIDTH: u32 = 960;

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../screenshots");
    sample(&folder);
    animation(&folder);
    match shared() {
        Some(shared) => mobilenet(&folder, &shared),
        None => println!("no shared models: the pictures of MobileNetV2 stay as they are"),
    }
}

fn shared() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let root = std::env::var_os("QUANTLENS_SHARED").map_or(beside, PathBuf::from);
    root.join("models/models").is_dir().then_some(root)
}

/// A window with the real engine on a thread of its own.
struct Studio {
    window: Harness<'static, App>,
}

fn silent(_: Ask, _: &Suggestion, _: Reply) {}

impl Studio {
    fn new(size: [f32; 2], choice: ThemeChoice, language: Language) -> Self {
        let make = || Runner::new(Box::new(Engine::new(None, None)));
        let worker = Worker::start(make, Arc::new(|| {})).unwrap();
        let app = App::new(worker, Dialogs::new(silent, Arc::new(|| {})));
        let builder = Harness::builder().with_size(vec2(size[0], size[1])).with_context_setup(theme::install).wgpu();
        let mut studio = Self { window: builder.build_eframe(|_| app) };
        studio.window.ctx.set_theme(if choice == ThemeChoice::Light { Theme::Light } else { Theme::Dark });
        studio.send(Command::SetSettings(Settings { theme: choice, language, ..Settings::default() }));
        studio
    }

    fn send(&mut self, command: Command) {
        let ctx = self.window.ctx.clone();
        self.window.state_mut().apply(&ctx, command);
        self.rest();
    }

    fn run(&mut self, action: Action) {
        self.send(Command::Run(action));
    }

    fn select(&mut self, layer: &str) {
        self.send(Command::SelectMany(vec![layer.into()]));
    }

    fn page(&mut self, page: Page) {
        self.send(Command::ShowPage(page));
    }

    /// Until nothing runs any more.
    fn rest(&mut self) {
        let started = Instant::now();
        loop {
            self.window.step();
            if self.window.state().is_idle() {
                break;
            }
            assert!(started.elapsed() < PATIENCE, "it does not come to rest");
            std::thread::sleep(Duration::from_millis(5));
        }
        // Layouts that need a second look, pictures on their way to the screen.
        for _ in 0..6 {
            self.window.step();
            std::thread::sleep(Duration::from_millis(10));
        }
        let failure = &self.window.state().document().failure;
        assert!(failure.is_none(), "{failure:?}");
    }

    fn picture(&mut self) -> RgbaImage {
        self.rest();
        self.window.render().unwrap()
    }

    fn save(&mut self, folder: &Path, name: &str) {
        let path = folder.join(format!("{name}.png"));
        self.picture().save(&path).unwrap();
        println!("{name}.png");
    }
}

fn open_sample(choice: ThemeChoice, language: Language) -> Studio {
    let mut studio = Studio::new(SIZE, choice, language);
    studio.send(Command::OpenSample);
    studio.send(Command::Tour(None));
    studio
}

fn sample(folder: &Path) {
    let mut studio = open_sample(ThemeChoice::Dark, Language::English);
    studio.select("block3/depthwise");
    studio.page(Page::Table);
    studio.save(folder, "sample-dark");
    for (page, name) in [
        (Page::Histogram, "histogram"),
        (Page::Channels, "channels"),
        (Page::Scatter, "scatter"),
        (Page::Errors, "errors"),
        (Page::Arithmetic, "arithmetic"),
        (Page::Graph, "graph"),
        (Page::Drift, "drift"),
        (Page::Answers, "answers"),
        (Page::Maps, "maps"),
    ] {
        studio.page(page);
        studio.save(folder, name);
    }
    studio.select("block5/depthwise");
    studio.page(Page::Threshold);
    studio.save(folder, "threshold");
    studio.send(Command::Pin(PinCommand::Add("8 bits".into())));
    studio.select("block3/depthwise");
    studio.run(Action::PerChannel);
    studio.page(Page::Table);
    studio.save(folder, "sample-mended");
    let mut light = open_sample(ThemeChoice::Light, Language::English);
    light.select("block3/depthwise");
    light.page(Page::Channels);
    light.save(folder, "sample-light");
    let mut chinese = open_sample(ThemeChoice::Dark, Language::Chinese);
    chinese.select("block3/depthwise");
    chinese.save(folder, "sample-chinese");
    chinese.page(Page::Errors);
    chinese.save(folder, "errors-chinese");
}

/// The two mends of the sample: the curve moves.
fn animation(folder: &Path) {
    let mut studio = open_sample(ThemeChoice::Dark, Language::English);
    let mut frames = vec![(studio.picture(), 1500)];
    studio.select("block3/depthwise");
    frames.push((studio.picture(), 1500));
    studio.run(Action::PerChannel);
    frames.push((studio.picture(), 2000));
    studio.select("block5/depthwise");
    frames.push((studio.picture(), 1500));
    studio.send(Command::SetBits {
        layers: vec!["block5/depthwise".into()],
        part: quantlens::command::Part::Both,
        bits: Bits::Int(16),
    });
    frames.push((studio.picture(), 3000));
    let file = BufWriter::new(File::create(folder.join("mend.gif")).unwrap());
    let mut encoder = GifEncoder::new_with_speed(file, 10);
    encoder.set_repeat(image::codecs::gif::Repeat::Infinite).unwrap();
    for (picture, ms) in frames {
        let height = picture.height() * ANIMATION_WIDTH / picture.width();
        let small = image::imageops::resize(&picture, ANIMATION_WIDTH, height, FilterType::Lanczos3);
        let delay = Delay::from_saturating_duration(Duration::from_millis(ms));
        encoder.encode_frame(Frame::from_parts(small, 0, 0, delay)).unwrap();
    }
    println!("mend.gif");
}

fn mobilenet(folder: &Path, shared: &Path) {
    let photos = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(shared.join("models/images/open")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let is_picture = ["jpg", "jpeg", "png"].iter().any(|end| name.ends_with(end));
        if is_picture && PEOPLE.iter().all(|word| !name.contains(word)) {
            std::fs::copy(&path, photos.path().join(&name)).unwrap();
        }
    }
    let mut studio = Studio::new(SIZE, ThemeChoice::Dark, Language::English);
    studio.send(Command::OpenModel(shared.join("models/models/mobilenetv2_bn_coarse8.onnx")));
    studio.send(Command::OpenData(DataSource::Path(photos.path().to_owned())));
    studio.page(Page::Graph);
    studio.save(folder, "mobilenet-graph");
    studio.page(Page::Answers);
    studio.save(folder, "mobilenet-answers");
    let mut light = Studio::new(SIZE, ThemeChoice::Light, Language::English);
    light.send(Command::OpenModel(shared.join("models/models/mobilenetv2_bn_coarse8.onnx")));
    light.send(Command::OpenData(DataSource::Path(photos.path().to_owned())));
    light.page(Page::Table);
    light.save(folder, "mobilenet-light");
}
