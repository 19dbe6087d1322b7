//! A dozen pictures of the window on fixtures, drawn in software: what a change of layout, colours or wording would move
//! unseen. `UPDATE_SNAPSHOTS=true cargo test --test snapshots` renews them; look at each before it goes in.

use egui_kittest::{SnapshotOptions, SnapshotResults};
use quantlens::{
    action::Action,
    command::Command,
    document::{Page, Settings, ThemeChoice},
};
use quantlens_analysis::text::{Language, set_language};
use quantlens_tests::window::{Window, fixture, send, settle};

/// A picture.
struct Scene {
    name: &'static str,
    size: [f32; 2],
    /// Pixels of a point.
    scale: f32,
    theme: ThemeChoice,
    language: Language,
    page: Page,
}

const SMALL: [f32; 2] = [800.0, 600.0];
const USUAL: [f32; 2] = [1280.0, 800.0];
const LARGE: [f32; 2] = [2560.0, 1440.0];

const fn scene(name: &'static str, size: [f32; 2], theme: ThemeChoice, language: Language, page: Page) -> Scene {
    Scene { name, size, scale: 1.0, theme, language, page }
}

const SCENES: [Scene; 11] = {
    use Language::{Chinese, English};
    use ThemeChoice::{Dark, Light};
    [
        scene("table", USUAL, Dark, English, Page::Table),
        scene("histogram", USUAL, Light, English, Page::Histogram),
        scene("threshold-small", SMALL, Dark, English, Page::Threshold),
        scene("channels-large", LARGE, Light, English, Page::Channels),
        scene("graph", USUAL, Dark, English, Page::Graph),
        scene("answers-small", SMALL, Light, English, Page::Answers),
        scene("sensitivity-chinese", USUAL, Dark, Chinese, Page::Sensitivity),
        scene("errors-chinese-small", SMALL, Light, Chinese, Page::Errors),
        scene("help-chinese", USUAL, Dark, Chinese, Page::Help),
        scene("table-chinese-large", LARGE, Light, Chinese, Page::Table),
        Scene { scale: 2.0, ..scene("data-twice", USUAL, Light, English, Page::Data) },
    ]
};

fn options() -> SnapshotOptions {
    // Another version of the software renderer rounds some pixels otherwise.
    SnapshotOptions::new().threshold(0.6).max_failed_pixels(200)
}

fn window(size: [f32; 2], scale: f32, theme: ThemeChoice, language: Language) -> Window {
    let mut window = fixture(size[0], size[1]);
    window.set_pixels_per_point(scale);
    window.set_size(egui::vec2(size[0], size[1]));
    let ctx = window.ctx.clone();
    ctx.set_theme(if theme == ThemeChoice::Light { egui::Theme::Light } else { egui::Theme::Dark });
    send(&mut window, Command::SetSettings(Settings { theme, language, ..Settings::default() }));
    window
}

#[test]
fn the_window_looks_as_it_did() {
    let mut results = SnapshotResults::new();
    let mut welcome = window(SMALL, 1.0, ThemeChoice::Light, Language::English);
    results.add(welcome.try_snapshot_options("welcome-small", &options()));
    for scene in &SCENES {
        let mut window = window(scene.size, scene.scale, scene.theme, scene.language);
        send(&mut window, Command::OpenSample);
        send(&mut window, Command::Tour(None));
        send(&mut window, Command::Run(Action::NextSuspect));
        send(&mut window, Command::ShowPage(scene.page));
        // A graph is laid out on a thread.
        for _ in 0..20 {
            std::thread::sleep(std::time::Duration::from_millis(10));
            settle(&mut window);
        }
        window.remove_cursor();
        settle(&mut window);
        results.add(window.try_snapshot_options(scene.name, &options()));
    }
    set_language(Language::English);
}
