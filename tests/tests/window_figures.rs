//! Figures leave the program: through the dialog into files, and onto the clipboard, as they are on screen.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails by panicking")]

use std::path::Path;

use egui::{Key, Modifiers, OutputCommand, Role};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use quantlens::{
    action::Action,
    command::{Command, Dialog, FigureCommand, FigureDialog, SweepCommand},
    document::{Companions, Page, Settings},
    figure::{
        FigureChoice,
        choice::{Format, Unit},
    },
};
use quantlens_tests::window::{Window, labels, open, real, send, settle};

fn on_page(page: Page) -> Window {
    let mut window = open(1280.0, 800.0);
    send(&mut window, Command::Tour(None));
    send(&mut window, Command::SelectMany(vec!["conv1".into()]));
    send(&mut window, Command::ShowPage(page));
    window
}

fn press(window: &mut Window, modifiers: Modifiers, key: Key) {
    window.key_press_modifiers(modifiers, key);
    settle(window);
}

fn dialog(window: &Window) -> &FigureDialog {
    match &window.state().document().dialog {
        Some(Dialog::Figure(dialog)) => dialog,
        other => panic!("{other:?}"),
    }
}

/// Types the path as the user does: over what stands there.
fn to(window: &mut Window, path: &Path) {
    let dialog = FigureDialog { path: path.display().to_string(), ..dialog(window).clone() };
    send(window, Command::ShowDialog(Dialog::Figure(dialog)));
}

fn choice(window: &Window) -> FigureChoice {
    window.state().document().settings.figure
}

/// The size of what the key puts on the clipboard. Pressed within a frame of its own: a step would run into the next one
/// and forget what this one gave out.
fn copied(window: &mut Window) -> Option<[usize; 2]> {
    let modifiers = Modifiers::COMMAND | Modifiers::SHIFT;
    let key = Key::I;
    let event = egui::Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers };
    window.input_mut().events.push(event);
    for _ in 0..4 {
        window.step();
        let size = window.output().platform_output.commands.iter().find_map(|command| match command {
            OutputCommand::CopyImage(image) => Some(image.size),
            _ => None,
        });
        if size.is_some() {
            return size;
        }
    }
    None
}

#[test]
fn the_dialog_writes_what_was_chosen_and_remembers_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = on_page(Page::Drift);
    press(&mut window, Modifiers::COMMAND | Modifiers::SHIFT, Key::E);
    assert!(dialog(&window).path.ends_with(".drift.svg"), "{}", dialog(&window).path);
    assert!(labels(&window, Role::Image).iter().any(|label| label == "Preview of “Error over depth”"));
    for button in ["PNG", "mm", "3×"] {
        window.get_by_label(button).click();
        settle(&mut window);
    }
    // Also in the menu.
    window.get_all_by_label("Dark").last().unwrap().click();
    settle(&mut window);
    assert!(dialog(&window).path.ends_with(".drift.png"), "the name follows the format");
    // 960 / 96 · 25.4 = 254.
    let wanted = FigureChoice {
        format: Format::Png,
        unit: Unit::Millimetres,
        width: 254.0,
        height: 143.0,
        scale: 3,
        dark: true,
        transparent: false,
    };
    assert_eq!(choice(&window), wanted);
    let path = folder.path().join("a.png");
    to(&mut window, &path);
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert_eq!(window.state().document().dialog, None);
    let image = image::open(&path).unwrap().to_rgb8();
    // 143 / 25.4 · 96 = 540.47, 540 at 1×.
    assert_eq!(image.dimensions(), (2880, 1620));
    assert!(image.get_pixel(2, 2).0.iter().all(|shade| *shade < 60), "dark: {:?}", image.get_pixel(2, 2));
    press(&mut window, Modifiers::COMMAND | Modifiers::SHIFT, Key::E);
    assert_eq!(choice(&window), wanted);
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert_eq!(window.state().document().dialog, None);
}

#[test]
fn a_folder_that_is_not_there_is_said_in_the_dialog() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = on_page(Page::Drift);
    press(&mut window, Modifiers::COMMAND | Modifiers::SHIFT, Key::E);
    to(&mut window, &folder.path().join("no/such/a.svg"));
    window.get_by_label("Export").click();
    settle(&mut window);
    let error = dialog(&window).error.clone().unwrap();
    assert!(error.contains("a.svg"), "{error}");
    assert!(window.query_by_label(&format!("✗ {error}")).is_some());
}

#[test]
fn a_name_without_an_ending_gets_the_chosen_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = on_page(Page::Histogram);
    send(&mut window, Command::Figure(FigureCommand::Save(folder.path().join("curve"))));
    let text = std::fs::read_to_string(folder.path().join("curve.svg")).unwrap();
    assert!(text.contains("Output of conv1"), "{text}");
}

#[test]
fn the_key_copies_the_figure_as_pixels() {
    let mut window = on_page(Page::Histogram);
    assert_eq!(copied(&mut window), Some([1920, 1080]));
    let figure = FigureChoice { width: 400.0, height: 300.0, scale: 1, ..FigureChoice::default() };
    let settings = Settings { figure, ..window.state().document().settings.clone() };
    send(&mut window, Command::SetSettings(settings));
    assert_eq!(copied(&mut window), Some([400, 300]));
    let notice = &window.state().document().notices.last().unwrap().text;
    assert_eq!(notice, "Copied the figure, 400 × 300 pixels");
}

#[test]
fn every_figure_of_a_page_can_be_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = on_page(Page::Channels);
    send(&mut window, Command::Figure(FigureCommand::Open(1)));
    let path = folder.path().join("errors.svg");
    to(&mut window, &path);
    press(&mut window, Modifiers::NONE, Key::Enter);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("error by channel"), "{text}");
}

#[test]
fn a_figures_own_menu_speaks_of_that_figure() {
    let mut window = on_page(Page::Channels);
    let figures: Vec<String> =
        labels(&window, Role::Image).into_iter().filter(|label| label.contains(" against channel")).collect();
    assert_eq!(figures.len(), 2, "{figures:?}");
    window.get_by_role_and_label(Role::Image, &figures[1]).click_secondary();
    settle(&mut window);
    window.get_all_by_label("Export figure…").last().unwrap().click();
    settle(&mut window);
    assert_eq!(dialog(&window).place, 1);
}

#[test]
fn a_channel_far_out_does_not_squeeze_the_scatter_on_screen_or_in_the_file() {
    let name = "a_channel_far_out_does_not_squeeze_the_scatter_on_screen_or_in_the_file";
    let Some(mut window) = real(name, 1280.0, 800.0) else { return };
    for command in [
        Command::OpenSample,
        Command::Tour(None),
        Command::SelectMany(vec!["block3/depthwise".into()]),
        Command::ShowPage(Page::Scatter),
    ] {
        send(&mut window, command);
    }
    window.get_all_by_label("Weights").last().unwrap().click();
    settle(&mut window);
    // The ninth value of channel 17 is an ordinary one.
    assert!(window.query_all_by_label_contains("Not shown: 8 of them (1.85 %)").next().is_some());
    let folder = tempfile::tempdir().unwrap();
    let mut saved = |file: &str| {
        let path = folder.path().join(file);
        send(&mut window, Command::Figure(FigureCommand::Save(path.clone())));
        let text = std::fs::read_to_string(path).unwrap();
        window.get_by_label("Log values").click();
        settle(&mut window);
        text
    };
    assert!(saved("most.svg").contains("Not shown: 8 of them"));
    let log = saved("log.svg");
    assert!(!log.contains("Not shown") && log.contains("−100\n"), "powers of ten beside the axis: {log}");
}

#[test]
fn two_selected_layers_stand_in_one_histogram_and_in_its_file() {
    let Some(mut window) = real("two_selected_layers_stand_in_one_histogram_and_in_its_file", 1280.0, 800.0) else {
        return;
    };
    let names = ["block3/depthwise", "stem"].map(str::to_owned).to_vec();
    for command in [
        Command::OpenSample,
        Command::Tour(None),
        Command::SelectMany(names.clone()),
        Command::ShowPage(Page::Histogram),
    ] {
        send(&mut window, command);
    }
    let title = "Outputs of stem, block3/depthwise";
    assert!(
        labels(&window, Role::Image).iter().any(|label| label.starts_with(title)),
        "{:?}",
        labels(&window, Role::Image)
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("both.svg");
    send(&mut window, Command::Figure(FigureCommand::Save(path.clone())));
    let text = std::fs::read_to_string(&path).unwrap();
    for name in ["\nstem\n", "\nblock3/depthwise\n", title] {
        assert!(text.contains(name), "{name} is missing");
    }
    // An edit measures both again.
    let before = window.state().document().companions.clone();
    send(&mut window, Command::Run(Action::Bits(4)));
    let after = &window.state().document().companions;
    assert!(after.has("stem", &window.state().document().config));
    let counts = |companions: &Companions| {
        companions.details["stem"].1.activation.as_ref().map(|data| data.quantized_counts.clone())
    };
    assert_ne!(counts(&before), counts(after));
    window.get_by_label("Overlay 2 layers").click();
    settle(&mut window);
    assert!(labels(&window, Role::Image).iter().any(|label| label.starts_with("Output of block3/depthwise")));
}

#[test]
fn a_row_of_the_sensitivity_page_offers_the_figure_of_all() {
    let mut window = on_page(Page::Sensitivity);
    assert_eq!(copied(&mut window), None);
    assert_eq!(window.state().document().notices.last().unwrap().text, "Copy image: nothing is measured yet");
    send(&mut window, Command::Sweep(SweepCommand::Start));
    window.get_by_label_contains("conv7, Conv: SQNR at the output").click_secondary();
    settle(&mut window);
    window.query_all_by_label_contains("Export figure…").last().unwrap().click();
    settle(&mut window);
    let title = "Error with one layer quantized: weights and output";
    window.get_by_role_and_label(Role::Image, &format!("Preview of “{title}”"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sensitivity.svg");
    to(&mut window, &path);
    press(&mut window, Modifiers::NONE, Key::Enter);
    let text = std::fs::read_to_string(&path).unwrap();
    for word in [title, "\nconv7\n", "\n4 bits, estimated\n", "\n95 % interval\n", "Longer bars are worse"] {
        assert!(text.contains(word), "{word} is missing: {text}");
    }
    assert_eq!(copied(&mut window), Some([1920, 1080]));
}

#[test]
fn the_dialog_shows_the_graph_as_its_file_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = on_page(Page::Graph);
    press(&mut window, Modifiers::COMMAND | Modifiers::SHIFT, Key::E);
    let preview = window.get_by_role_and_label(Role::Image, "Preview of “fixture.onnx”").rect();
    assert!(preview.width() > 400.0 && preview.height() > 300.0, "as large as in the file, and scrolled: {preview:?}");
    let path = folder.path().join("graph.png");
    to(&mut window, &path);
    press(&mut window, Modifiers::NONE, Key::Enter);
    let size = image::open(&path).unwrap().to_rgb8().dimensions();
    // The file is twice as sharp.
    assert!((2.0 * preview.height() - size.1 as f32).abs() < 4.0, "{preview:?} of {size:?}");
    send(&mut window, Command::ShowPage(Page::Drift));
    let figure = FigureChoice { width: 2400.0, height: 600.0, ..choice(&window) };
    let settings = Settings { figure, ..window.state().document().settings.clone() };
    send(&mut window, Command::SetSettings(settings));
    press(&mut window, Modifiers::COMMAND | Modifiers::SHIFT, Key::E);
    window.get_by_label("Preview of “Error over depth”");
}

/// What a right click on this picture offers.
fn menu_of(window: &mut Window, role: Role, label: &str) -> Vec<String> {
    window
        .query_all_by_role(role)
        .find(|node| node.accesskit_node().label().is_some_and(|own| own.contains(label)))
        .unwrap()
        .click_secondary();
    settle(window);
    labels(window, Role::Button)
        .into_iter()
        .filter(|entry| ["Copy image", "Copy data", "Export figure…"].iter().any(|text| entry.starts_with(text)))
        .collect()
}

/// The text that the menu's entry puts on the clipboard.
fn copied_text(window: &mut Window, entry: &str) -> Option<String> {
    window.query_all_by_label_contains(entry).last()?.click();
    for _ in 0..6 {
        window.step();
        let text = window.output().platform_output.commands.iter().find_map(|command| match command {
            OutputCommand::CopyText(text) => Some(text.clone()),
            _ => None,
        });
        if text.is_some() {
            return text;
        }
    }
    None
}

/// The sample with this layer's maps.
fn maps_of(layer: &str, test: &str) -> Option<Window> {
    let mut window = real(test, 1280.0, 800.0)?;
    for command in [
        Command::OpenSample,
        Command::Tour(None),
        Command::SelectMany(vec![layer.into()]),
        Command::ShowPage(Page::Maps),
    ] {
        send(&mut window, command);
    }
    Some(window)
}

#[test]
fn maps_and_answers_give_pictures_and_numbers_away_as_charts_do() {
    let layer = "block3/depthwise";
    let Some(mut window) = maps_of(layer, "maps_and_answers_give_pictures_and_numbers_away_as_charts_do") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let saved = |window: &mut Window, file: &str| -> serde_json::Value {
        let path = folder.path().join(file);
        send(window, Command::Figure(FigureCommand::Save(path.clone())));
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    };
    // And the button of the page.
    assert_eq!(menu_of(&mut window, Role::Image, ": float, quantized, error").len(), 4);
    let text = copied_text(&mut window, "Copy data").unwrap();
    assert!(text.starts_with("name\tplace\tsqnr_db\t") && text.lines().count() == 49, "{text}");
    let maps = saved(&mut window, "maps.json");
    assert_eq!((maps["layer"].as_str(), maps["rows"].as_array().unwrap().len()), (Some(layer), 48));
    let values = |of: &str| maps["rows"][0][of].as_array().unwrap().len() as u64;
    assert_eq!(
        (values("float"), Some(values("quantized"))),
        (values("float"), maps["width"].as_u64().zip(maps["height"].as_u64()).map(|(w, h)| w * h))
    );

    send(&mut window, Command::ShowPage(Page::Answers));
    // And the button of the page.
    assert_eq!(menu_of(&mut window, Role::Button, "float: ").len(), 4);
    let text = copied_text(&mut window, "Copy data").unwrap();
    let answers = saved(&mut window, "answers.json");
    let rows = answers["rows"].as_array().unwrap();
    assert_eq!(text.lines().count(), 1 + rows.len());
    assert!(rows.len() > 100 && rows.iter().all(|row| row["float_class"] != row["quantized_class"]), "{}", rows.len());
    assert_eq!(rows[0]["flip"], "broken");

    for (page, kind) in [(Page::Drift, "drift"), (Page::Channels, "channels"), (Page::Graph, "graph")] {
        send(&mut window, Command::ShowPage(page));
        let value = saved(&mut window, "any.json");
        assert_eq!(value["schema"], "quantlens-figure/1", "{kind}");
        assert!(value["rows"].as_array().is_some_and(|rows| !rows.is_empty()), "{kind}");
    }
}

#[test]
fn the_dialog_offers_numbers_where_it_offers_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = on_page(Page::Drift);
    press(&mut window, Modifiers::COMMAND | Modifiers::SHIFT, Key::E);
    window.get_by_label("CSV").click();
    settle(&mut window);
    assert!(dialog(&window).path.ends_with(".drift.csv"), "{}", dialog(&window).path);
    assert!(window.query_by_label("Transparent background").is_none(), "numbers have no colours");
    window.get_by_label_contains("rows: series, shape, name");
    let path = folder.path().join("drift.csv");
    to(&mut window, &path);
    press(&mut window, Modifiers::NONE, Key::Enter);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("\nseries,shape,name,x,x_end,y,y_end,strength\n"), "{text}");
    assert!(text.contains("\naccumulated error,line,,1,,"), "{text}");
    window.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::D);
    settle(&mut window);
    let notice = &window.state().document().notices.last().unwrap().text;
    assert!(notice.starts_with("Copied the figure's numbers, "), "{notice}");
}

#[test]
fn the_channels_of_two_selected_layers_are_sorted_curves_in_one_figure() {
    let name = "the_channels_of_two_selected_layers_are_sorted_curves_in_one_figure";
    let Some(mut window) = real(name, 1280.0, 800.0) else { return };
    for command in [
        Command::OpenSample,
        Command::Tour(None),
        Command::SelectMany(["block3/depthwise", "stem"].map(str::to_owned).to_vec()),
        Command::ShowPage(Page::Channels),
    ] {
        send(&mut window, command);
    }
    let title = "Weights of stem, block3/depthwise by channel";
    let figures = || move |label: &String| label.starts_with(title);
    assert!(labels(&window, Role::Image).iter().any(figures()), "{:?}", labels(&window, Role::Image));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("both.svg");
    send(&mut window, Command::Figure(FigureCommand::Save(path.clone())));
    let text = std::fs::read_to_string(&path).unwrap();
    for word in [title, "\nstem\n", "\nblock3/depthwise\n", "largest error first", "block3/depthwise: 48 channels"] {
        assert!(text.contains(word), "{word} is missing: {text}");
    }
    window.get_by_label("Overlay 2 layers").click();
    settle(&mut window);
    assert!(!labels(&window, Role::Image).iter().any(figures()));
    assert_eq!(labels(&window, Role::Image).iter().filter(|label| label.contains(" against channel")).count(), 2);
}

#[test]
fn a_page_without_a_figure_says_so() {
    let mut window = on_page(Page::Table);
    assert_eq!(copied(&mut window), None);
    let notice = &window.state().document().notices.last().unwrap().text;
    assert_eq!(notice, "Copy image: this page has no figure");
}

#[test]
fn feature_maps_and_samples_leave_as_pictures_with_their_words() {
    let layer = "block3/depthwise";
    let Some(mut window) = maps_of(layer, "feature_maps_and_samples_leave_as_pictures_with_their_words") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let saved = |window: &mut Window, file: &str| {
        let path = folder.path().join(file);
        send(window, Command::Figure(FigureCommand::Save(path.clone())));
        std::fs::read(path).unwrap()
    };
    let text = String::from_utf8(saved(&mut window, "maps.svg")).unwrap();
    assert!(text.contains(&format!("Output of {layer}")), "{text}");
    // Float, quantized and error of every channel shown, and two scales.
    let channels = text.matches("\nchannel ").count();
    assert_eq!(text.matches("<image ").count(), 3 * channels + 2);
    assert!(text.contains(&format!("{channels} of 48 shown")), "{channels}");
    send(&mut window, Command::ShowPage(Page::Answers));
    let text = String::from_utf8(saved(&mut window, "answers.svg")).unwrap();
    assert!(text.contains("of 300 samples are answered differently"), "{text}");
    assert!(text.matches("<image ").count() > 3 && text.contains("Broken"), "{text}");
    assert!(saved(&mut window, "answers.png").starts_with(b"\x89PNG"));
}
