//! The four errors of a layer side by side: what it does itself, what it inherits, what it adds, what arrives.

use egui::{Align, Grid, Layout, RichText, Ui, vec2};
use quantlens_analysis::{
    compare::{Change, ErrorsChange, RowChange},
    mark,
    metrics::{Errors, Measure},
    report::LayerRow,
    t, text,
};

use crate::{
    format, theme,
    views::cells::{Unit, delta_of},
};

/// One kind of error: its name, what it means, where it stands in a row.
struct Kind {
    name: &'static str,
    meaning: &'static str,
    of: fn(&LayerRow) -> &Errors,
    change: fn(&RowChange) -> &ErrorsChange,
}

const KINDS: [Kind; 4] = [
    Kind {
        name: mark!("Local"),
        meaning: mark!("Only this layer is quantized, its inputs are the float ones: what it does to itself"),
        of: |row| &row.local,
        change: |change| &change.local,
    },
    Kind {
        name: mark!("Inherited"),
        meaning: mark!(
            "Everything before is quantized, this layer computes in float: what it makes of the error it receives"
        ),
        of: |row| &row.inherited,
        change: |change| &change.inherited,
    },
    Kind {
        name: mark!("Introduced"),
        meaning: mark!("What its own quantizers add on top of the inherited error"),
        of: |row| &row.introduced,
        change: |change| &change.introduced,
    },
    Kind {
        name: mark!("Accumulated"),
        meaning: mark!("Everything is quantized: what arrives here, and what the next layer reads"),
        of: |row| &row.accumulated,
        change: |change| &change.accumulated,
    },
];

/// One metric: its name with unit, what it means, how it is written.
struct Metric {
    name: &'static str,
    meaning: &'static str,
    text: fn(&Errors) -> (String, Measure),
    change: fn(&ErrorsChange) -> (&Change, Unit),
}

const METRICS: [Metric; 4] = [
    Metric {
        name: "SQNR dB",
        meaning: mark!(
            "Signal-to-quantization-noise ratio, 10·log10(Σf²/Σe²): 20 dB is an error of a tenth of the signal"
        ),
        text: |e| (format::db(e.sqnr_db), e.sqnr_db),
        change: |e| (&e.sqnr_db, Unit::Decibels),
    },
    Metric {
        name: mark!("Cosine"),
        meaning: mark!("Direction against the float output: 1 is the same; blind to magnitude"),
        text: |e| (format::ratio(e.cosine), e.cosine),
        change: |e| (&e.cosine, Unit::Cosine),
    },
    Metric {
        name: mark!("Gain"),
        meaning: mark!("Magnitude against the float output, ‖q‖/‖f‖: 1 is the same; blind to direction"),
        text: |e| (format::gain(e.gain), e.gain),
        change: |e| (&e.gain, Unit::Gain),
    },
    Metric {
        name: mark!("Max |e|"),
        meaning: mark!("The largest difference of any single value"),
        text: |e| (format::size_free(e.max_abs), e.max_abs),
        change: |e| (&e.max_abs, Unit::Error),
    },
];

/// Draws the table, errors down and metrics across; slanted with `stamp` while numbers refine. Below each number stands
/// its difference to the pinned baseline, where there is one.
pub(in crate::views) fn errors_ui(ui: &mut Ui, row: &LayerRow, change: Option<&RowChange>, stamp: Option<&str>) {
    let weak = theme::tokens(ui).weak;
    ui.spacing_mut().interact_size.y = 18.0;
    Grid::new("inspector errors").num_columns(5).spacing(vec2(8.0, 4.0)).show(ui, |ui| {
        ui.label("");
        for metric in &METRICS {
            right(ui, |ui| {
                ui.label(RichText::new(text::text(metric.name)).color(weak).small())
                    .on_hover_text(text::text(metric.meaning));
            });
        }
        ui.end_row();
        for kind in &KINDS {
            ui.label(text::text(kind.name)).on_hover_text(text::text(kind.meaning));
            for metric in &METRICS {
                let (text, measure) = (metric.text)((kind.of)(row));
                right(ui, |ui| {
                    let response = number_ui(ui, text, measure, stamp.is_some());
                    response.on_hover_text(explained(kind, metric, (kind.of)(row), measure));
                });
            }
            ui.end_row();
            if let Some(change) = change.map(kind.change) {
                deltas_ui(ui, change, stamp.is_some());
            }
        }
    });
    if let Some(stamp) = stamp {
        ui.label(RichText::new(t!("From {} samples so far", stamp)).italics().color(weak));
    }
}

/// What the layer makes of the error it reads, how its own stands to that, and why the curve falls here.
pub(in crate::views) fn notes(row: &LayerRow) -> Vec<String> {
    let flow = row.flow.as_ref().ok().map(format::flow_words);
    let correlation = row.correlation.value().map(|rho| {
        let rho = format::number(rho, 2);
        t!("Correlation of inherited and introduced error: {}", rho)
    });
    let fall = row.why_falls.as_ref().map(quantlens_analysis::report::DriftNote::sentence);
    flow.into_iter().chain(correlation).chain(fall).collect()
}

/// A line of differences under a line of numbers.
fn deltas_ui(ui: &mut Ui, change: &ErrorsChange, italic: bool) {
    let tokens = theme::tokens(ui);
    ui.label(RichText::new("Δ").color(tokens.weak).small());
    for metric in &METRICS {
        let (change, unit) = (metric.change)(change);
        right(ui, |ui| {
            let Some(delta) = delta_of(change, unit) else {
                ui.label("");
                return;
            };
            let mut text = RichText::new(delta.marked()).monospace().size(10.5).color(delta.turn.colour(tokens));
            if italic {
                text = text.italics();
            }
            ui.label(text).on_hover_text(delta.why);
        });
    }
    ui.end_row();
}

fn right(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    ui.with_layout(Layout::right_to_left(Align::Center), add);
}

/// What a number of the table is: its error, its metric, and what the value says.
fn explained(kind: &Kind, metric: &Metric, errors: &Errors, measure: Measure) -> String {
    let is_ratio = measure == errors.sqnr_db && metric.name == METRICS[0].name;
    let value = match format::why(measure) {
        Some(why) => Some(format::sentence(why)),
        None if is_ratio => format::noise_words(measure),
        None => None,
    };
    let head = format!("{}, {}", text::text(kind.name), text::text(metric.name));
    let lines = [Some(head), value, Some(text::text(kind.meaning).into()), Some(text::text(metric.meaning).into())];
    lines.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

fn number_ui(ui: &mut Ui, text: String, measure: Measure, italic: bool) -> egui::Response {
    let mut text = RichText::new(text).monospace();
    if italic {
        text = text.italics();
    }
    if !matches!(measure, Measure::Value(_)) {
        text = text.color(theme::tokens(ui).weak);
    }
    ui.label(text)
}
