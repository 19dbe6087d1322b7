//! Where the samples come from, and what of them feeds which input.

use egui::{DragValue, Grid, Ui};
use quantlens_analysis::{
    data::{DataSource, InputCheck, ValueStats, info::DataInfo},
    t,
};

use super::super::model_summary::{declared_shape, shape_meaning};
use crate::{
    action::Action,
    command::{Command, Commands},
    document::Document,
    format, theme,
    widgets::{fact, fact_grid, number_label, section},
};

/// The source with the buttons that choose another.
pub(super) fn source_ui(ui: &mut Ui, doc: &Document, data: &DataInfo, send: &mut Commands) {
    section(ui, t!("Samples"));
    let origin = match &data.source {
        DataSource::Path(path) => path.display().to_string(),
        DataSource::Synthetic { seed, .. } => t!("generated, seed {}", seed),
    };
    let count = if data.samples < data.available {
        t!("{} of {}", format::count(data.samples as u64), format::count(data.available as u64))
    } else {
        format::count(data.samples as u64)
    };
    let labels = match (data.labels, data.class_names.len()) {
        (true, names) if let Some(classes) = data.misfit() => t!(
            "found; names given: {}, classes of the model: {}, so numbers stand for names",
            format::count(names as u64),
            format::count(classes as u64)
        ),
        (true, 0) => t!("found, without class names").to_owned(),
        (true, 1) => t!("found, 1 class with names").to_owned(),
        (true, n) => t!("found, {} classes with names", format::count(n as u64)),
        (false, _) => t!("none: agreement with the float model is shown instead of accuracy").to_owned(),
    };
    let vocabulary = data.vocabulary.as_ref().map(|(path, tokens)| {
        let value = t!("{}, {} tokens", path.display(), format::count(*tokens as u64));
        fact(t!("Vocabulary"), value, t!("What token ids are shown as text with"))
    });
    fact_grid(
        ui,
        "data-source",
        [
            fact(t!("From"), origin, t!("Where the samples are read from")),
            fact(t!("Kind"), data.kind.to_string(), t!("What was found there")),
            fact(t!("In use"), count, t!("Samples that are run, of those that there are")),
            fact(t!("Labels"), labels, t!("The samples' true classes; accuracy is counted against them")),
        ]
        .into_iter()
        .chain(vocabulary),
    );
    ui.horizontal_wrapped(|ui| {
        for action in [Action::OpenImages, Action::OpenArrays, Action::UseSynthetic] {
            if ui.button(action.title()).clicked() {
                send.run(action);
            }
        }
    });
    limit_ui(ui, doc, data, send);
}

fn limit_ui(ui: &mut Ui, doc: &Document, data: &DataInfo, send: &mut Commands) {
    ui.horizontal(|ui| {
        let limit = doc.settings.samples;
        let mut limited = limit.is_some();
        if ui.checkbox(&mut limited, t!("Use at most")).changed() {
            send.push(Command::SetSamples(limited.then_some(data.samples.max(1))));
        }
        let mut samples = limit.unwrap_or(data.samples);
        let field = DragValue::new(&mut samples).range(1..=data.available.max(1)).suffix(t!(" samples"));
        let response = ui.add_enabled(limited, field.update_while_editing(false));
        // A drag passes many values on its way; only the one it ends on is worth measuring.
        let settled = response.drag_stopped() || response.lost_focus();
        if response.changed() && (settled || !response.dragged()) {
            send.push(Command::SetSamples(Some(samples)));
        }
    });
}

/// One row an input: its shape, what feeds it, and the values it receives.
pub(super) fn inputs_ui(ui: &mut Ui, data: &DataInfo) {
    section(ui, t!("What the model receives"));
    let weak = theme::tokens(ui).weak;
    for (place, input) in data.inputs.iter().enumerate() {
        let feed = data.feeds.get(place);
        let shape = feed.map_or(String::new(), |feed| shape_words(&feed.shape));
        ui.horizontal_wrapped(|ui| {
            ui.strong(&input.name);
            let given = format!("{} {shape}", input.element_type.name());
            number_label(ui, given.trim_end()).on_hover_text(t!("Type and shape of what this input is given"));
            ui.colored_label(weak, t!("declared {}", declared_shape(input))).on_hover_text(shape_meaning());
        });
        if let Some(feed) = feed {
            let words = if feed.note.is_empty() {
                t!("fed by {}", feed.array)
            } else {
                t!("fed by {}; {}", feed.array, feed.note)
            };
            ui.add(egui::Label::new(words).wrap());
        }
        if let Some(check) = data.check.inputs.iter().find(|check| check.name == input.name) {
            ui.scope(|ui| values_ui(ui, place, check, data.check.samples));
        }
        ui.add_space(theme::GRID);
    }
}

/// A table of what the values are: over everything, and for each channel where the input takes pictures.
fn values_ui(ui: &mut Ui, place: usize, check: &InputCheck, samples: usize) {
    // More channels than a picture has would be a wall of numbers that nobody checks.
    const SHOWN: usize = 4;
    let Some(all) = check.values else {
        ui.weak(t!("Texts: they have no range"));
        return;
    };
    let weak = theme::tokens(ui).weak;
    let columns = std::iter::once((t!("all").to_owned(), all))
        .chain(check.channels.iter().take(SHOWN).enumerate().map(|(c, stats)| (t!("channel {}", c), *stats)));
    let columns: Vec<(String, ValueStats)> = columns.collect();
    let row = |ui: &mut Ui, what: &str, value: &dyn Fn(&ValueStats) -> f64| {
        ui.colored_label(weak, what);
        for (name, stats) in &columns {
            let why = t!("{}, {}: over what the model receives from {}", what, name, format::plural(samples, "sample"));
            number_cell(ui, &format::significant(value(stats), 3)).on_hover_text(why);
        }
        ui.end_row();
    };
    ui.spacing_mut().interact_size.y = 18.0;
    Grid::new(("input-values", place)).num_columns(1 + columns.len()).spacing([12.0, 2.0]).min_col_width(68.0).show(
        ui,
        |ui| {
            ui.colored_label(weak, t!("Of {}", format::plural(samples, "sample")))
                .on_hover_text(t!("So many samples were read to check them"));
            for (name, _) in &columns {
                right(ui, |ui| ui.colored_label(weak, name))
                    .on_hover_text(t!("Statistics over all values, and over each channel of the pictures"));
            }
            ui.end_row();
            row(ui, t!("Smallest"), &|s| s.min);
            row(ui, t!("Largest"), &|s| s.max);
            row(ui, t!("Mean"), &|s| s.mean);
            row(ui, t!("Deviation"), &|s| s.deviation);
        },
    );
    if check.non_finite > 0 {
        ui.label(t!("{} are NaN or infinite", format::plural(check.non_finite, "value")));
    }
}

fn number_cell(ui: &mut Ui, text: &str) -> egui::Response {
    right(ui, |ui| number_label(ui, text))
}

/// Right-aligned in its column.
fn right<R>(ui: &mut Ui, add: impl FnOnce(&mut Ui) -> R) -> R {
    ui.allocate_ui_with_layout(egui::vec2(68.0, 18.0), egui::Layout::right_to_left(egui::Align::Center), add).inner
}

fn shape_words(shape: &[usize]) -> String {
    let sides: Vec<String> = shape.iter().map(usize::to_string).collect();
    format!("[{}]", sides.join(", "))
}
