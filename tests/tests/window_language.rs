//! A switch of language reaches what was said before it: errors, notices, steps of the history, warnings, notes. A process
//! of its own, since the language is the program's.

use std::path::Path;

use egui::Role;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use quantlens::{
    action::Action,
    command::{Command, Dialog, PinCommand},
    document::{Page, Settings},
};
use quantlens_analysis::{
    calibrate::{Flavour, Method},
    config::{Granularity, LayerSettings},
    data::DataSource,
    quant::{Bits, Range},
    say, t,
    text::{Language, Text, set_language},
};
use quantlens_tests::window::{Window, real, send, settle};

const LAYER: &str = "block3/depthwise";

/// All that a screen reader could say of the window.
fn said(window: &Window) -> Vec<String> {
    let roles = [
        Role::Label,
        Role::Button,
        Role::RadioButton,
        Role::Image,
        Role::CheckBox,
        Role::Row,
        Role::Link,
        Role::ProgressIndicator,
        Role::Meter,
        Role::Window,
    ];
    let of = |role| {
        window.query_all_by_role(role).filter_map(|node| {
            let node = node.accesskit_node();
            node.label().or_else(|| node.value())
        })
    };
    roles.into_iter().flat_map(|role| of(role).collect::<Vec<_>>()).collect()
}

fn has_chinese(text: &str) -> bool {
    // The language's own name for itself is always written so.
    text != Language::Chinese.title() && text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c))
}

/// Three words in small letters after each other, but for what the system and libraries say.
fn has_english(text: &str) -> bool {
    if text.contains("os error") || text.contains("EOF while parsing") {
        return false;
    }
    let is_word = |word: &&str| word.len() > 1 && word.chars().all(|c| c.is_ascii_lowercase());
    text.split_whitespace().collect::<Vec<_>>().windows(3).any(|three| three.iter().all(is_word))
}

fn speak(window: &mut Window, language: Language) {
    send(window, Command::SetSettings(Settings { language, ..Settings::default() }));
}

/// Everything that keeps texts: edits and one undone, one refused, an error, a filter that cannot be read, samples with a
/// broken picture among them, a range that falls back.
fn make_trouble(window: &mut Window, folder: &Path) {
    let layers = || vec![LAYER.to_owned()];
    send(window, Command::SetBits { layers: layers(), part: quantlens::command::Part::Both, bits: Bits::Int(4) });
    send(window, Command::SetGranularity { layers: layers(), granularity: Granularity::PerTensor });
    send(window, Command::SetMethod { layers: layers(), method: Method::Flavour(Flavour::PpqKl) });
    send(window, Command::SetRange { layer: LAYER.into(), range: Range { low: -1.0, high: 2.0 }, done: true });
    send(window, Command::SetFold { layers: layers(), fold: false });
    send(window, Command::SetDefaults(LayerSettings { activation_bits: Some(Bits::Int(16)), ..Default::default() }));
    send(window, Command::SetTarget("tflite".into()));
    send(window, Command::Run(Action::Undo));
    send(window, Command::Run(Action::SelectAll));
    send(window, Command::Run(Action::Bits(4)));
    send(window, Command::Pin(PinCommand::Add("mine".into())));
    send(window, Command::ResetLayers(layers()));
    send(window, Command::Run(Action::CopyFromPin));
    send(window, Command::Run(Action::FollowLong));
    send(window, Command::OpenAny(folder.join("odd.xyz")));
    send(window, Command::OpenConfig(folder.join("broken.json")));
    send(window, Command::OpenSession(folder.join("broken.qlsession")));
    send(window, Command::SaveConfig(folder.join("no/such/folder.json")));
    send(window, Command::SetFilter("\"conv".into()));
    send(window, Command::Export { path: folder.join("no/such/a.onnx") });
    send(window, Command::CloseExport);
    send(window, Command::OpenModel(folder.join("page.onnx")));
}

/// Every page and list of the window, each with what is said on it.
fn walk(window: &mut Window) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let keep = |place: &str, window: &Window, all: &mut Vec<(String, String)>| {
        all.extend(said(window).into_iter().map(|text| (place.to_owned(), text)));
    };
    for page in Page::MODEL.into_iter().chain(Page::LAYER) {
        send(window, Command::ShowPage(page));
        keep(&format!("{page:?}"), window, &mut all);
    }
    for action in [Action::Notices, Action::History, Action::About] {
        send(window, Command::Run(action));
        keep(&format!("{action:?}"), window, &mut all);
        send(window, Command::CloseDialog);
    }
    let failure = window.state().document().failure.clone();
    if let Some(failure) = failure {
        send(window, Command::ShowDialog(Dialog::Details { what: failure.what, details: failure.details }));
        keep("details", window, &mut all);
        send(window, Command::CloseDialog);
    }
    send(window, Command::Run(Action::Export));
    keep("export", window, &mut all);
    send(window, Command::CloseExport);
    all
}

/// What is kept in the document besides what is on screen.
fn kept(window: &Window) -> Vec<(String, String)> {
    let doc = window.state().document();
    let notices = doc.notices.iter().flat_map(|n| [n.text.to_string(), n.details.to_string()]);
    let steps = doc.history.undo_labels().into_iter().chain(doc.history.redo_labels()).map(str::to_owned);
    let warnings = doc.report.value.iter().flat_map(|report| report.warnings.iter().map(|w| w.message.to_string()));
    let data = doc.data.iter().flat_map(|data| {
        let notes = data.feeds.iter().map(|feed| feed.note.to_string());
        data.warnings.iter().map(|w| w.message.to_string()).chain(notes).collect::<Vec<_>>()
    });
    let detail = doc.detail.value.iter().flat_map(|detail| {
        let notes = detail.threshold.iter().flat_map(|t| &t.choices).filter_map(|mark| mark.note.clone());
        notes.chain(detail.threshold_note.clone()).map(|note| note.to_string()).collect::<Vec<_>>()
    });
    let rows = doc.layers().iter().flat_map(|layer| {
        [&layer.weight_fixed, &layer.activation_fixed, &layer.range_fixed].into_iter().flatten().map(|t| t.to_string())
    });
    let of = |place: &str, texts: &mut dyn Iterator<Item = String>| -> Vec<(String, String)> {
        texts.map(|text| (place.to_owned(), text)).collect()
    };
    let mut all = of("notice", &mut notices.into_iter());
    all.extend(of("history", &mut steps.into_iter()));
    all.extend(of("warning", &mut warnings.into_iter()));
    all.extend(of("data", &mut data.into_iter()));
    all.extend(of("detail", &mut detail.into_iter()));
    all.extend(of("layer", &mut rows.into_iter()));
    all.extend(of("filter", &mut doc.filter.error.iter().map(ToString::to_string)));
    all.extend(of("failure", &mut doc.failure.iter().flat_map(|f| [f.what.to_string(), f.details.to_string()])));
    all
}

fn prepare(folder: &Path) {
    std::fs::write(folder.join("page.onnx"), "<!doctype html><title>404</title>").expect("a file");
    std::fs::write(folder.join("broken.json"), "{\"schema\": 3").expect("a file");
    std::fs::write(folder.join("broken.qlsession"), "{}").expect("a file");
    std::fs::write(folder.join("odd.xyz"), "x").expect("a file");
    let pictures = folder.join("pictures");
    std::fs::create_dir(&pictures).expect("a folder");
    for name in ["a.png", "b.png", "c.png"] {
        image::RgbImage::from_fn(32, 32, |x, y| {
            image::Rgb(if (x + y) % 5 < 2 { [200, 90, 10] } else { [20, 60, 130] })
        })
        .save(pictures.join(name))
        .expect("a picture");
    }
    std::fs::write(pictures.join("d.png"), "no picture").expect("a file");
}

fn both_ways(window: &mut Window, folder: &Path) {
    prepare(folder);
    for (first, second) in [(Language::Chinese, Language::English), (Language::English, Language::Chinese)] {
        speak(window, first);
        send(window, Command::OpenSample);
        send(window, Command::Tour(None));
        send(window, Command::SelectMany(vec![LAYER.into()]));
        send(window, Command::OpenData(DataSource::Path(folder.join("pictures"))));
        make_trouble(window, folder);
        // What is made only once it is looked at.
        let before = walk(window);
        let is_old = |text: &str| if first == Language::Chinese { has_chinese(text) } else { has_english(text) };
        assert!(before.iter().any(|(_, text)| is_old(text)), "{before:#?}");
        let stored = kept(window);
        for place in ["notice", "history", "warning", "data", "detail", "layer", "filter", "failure"] {
            let has_some = stored.iter().any(|(kind, text)| kind == place && is_old(text));
            assert!(has_some, "nothing is kept as {place}: {stored:#?}");
        }
        speak(window, second);
        settle(window);
        let left: Vec<(String, String)> =
            kept(window).into_iter().chain(walk(window)).filter(|(_, text)| is_old(text)).collect();
        assert!(left.is_empty(), "still {first:?}: {left:#?}");
    }
    set_language(Language::English);
}

fn a_kept_text_is_read_in_the_language_of_now() {
    let inner = say!("weights of {}", "conv1");
    let outer = say!("set {} to {}", inner, Text::made(|| t!("{} bits", 4)));
    let lines = Text::joined("\n", [outer.clone(), say!("cancelled")]);
    assert_eq!(lines, "set weights of conv1 to 4 bits\ncancelled");
    set_language(Language::Chinese);
    let chinese = lines.to_string();
    assert!(chinese.lines().count() == 2 && has_chinese(&chinese) && chinese.contains("conv1"), "{chinese}");
    set_language(Language::English);
    assert_eq!((outer.as_str(), lines.len()), ("set weights of conv1 to 4 bits", 40));
    assert_eq!(serde_json::to_string(&outer).ok().as_deref(), Some("\"set weights of conv1 to 4 bits\""));
}

#[test]
fn what_was_said_before_a_switch_is_said_again() {
    // One after the other: the language is the process's.
    a_kept_text_is_read_in_the_language_of_now();
    let folder = tempfile::tempdir().expect("a folder");
    let Some(mut window) = real("what_was_said_before_a_switch_is_said_again", 1440.0, 900.0) else { return };
    both_ways(&mut window, folder.path());
}
