//! The line that says what the configuration means for the task: accuracy, agreement, output error, size, and how far
//! that is from the pinned baseline. The first of accuracy, agreement and output error that exists is the headline.

use egui::{Label, RichText, TextFormat, Ui, text::LayoutJob, vec2};
use quantlens_analysis::{
    compare::ScoreChange,
    mark,
    metrics::Measure,
    report::{Answers, FlipKind, Report, Score, Share},
    t,
    text::filled,
};

use super::cells::{self, Turn, Unit, delta_of};
use crate::{
    action::Action,
    command::{Command, Commands},
    document::{Document, Page},
    format,
    interval::{SHOWN_BELOW, wilson},
    theme,
    widgets::striped_badge,
};

/// What this view remembers between frames: nothing.
#[derive(Clone, Debug, Default)]
pub struct ScoreboardState {}

/// One entry of the line, as text.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Entry {
    /// What it is.
    pub(super) name: String,
    /// The float model's value; empty where there is none to compare.
    pub(super) before: String,
    /// This configuration's value.
    pub(super) now: String,
    /// Counts and interval, after the value.
    pub(super) after: String,
    /// The whole in words.
    hover: String,
    /// Differences to the pinned baseline after that, each with its own colour.
    deltas: Vec<(String, Turn)>,
}

/// Draws the line; it wraps where the window is narrow.
pub fn scoreboard_ui(ui: &mut Ui, doc: &Document, _state: &mut ScoreboardState, send: &mut Commands) {
    if doc.report.is_dimmed(doc.now) {
        ui.multiply_opacity(theme::DIM);
    }
    let tokens = theme::tokens(ui);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(6.0 * theme::GRID, theme::GRID);
        if doc.data.as_ref().is_some_and(|data| data.synthetic) {
            let why = t!("The samples are made up: ranges and errors may be far from those of real data");
            striped_badge(ui, t!("SYNTHETIC RANGES"), why);
        }
        float_ui(ui, doc, send);
        let Some(report) = &doc.report.value else {
            let text = if doc.model.is_some() { t!("No numbers yet") } else { t!("No model is open") };
            ui.label(RichText::new(text).color(tokens.weak));
            return;
        };
        let stamp = cells::stamp(report);
        for (i, entry) in entries(report).iter().enumerate() {
            let size = if i == 0 { egui::TextStyle::Heading } else { egui::TextStyle::Body };
            let job = job_of(ui, entry, &size, stamp.is_some());
            ui.add(Label::new(job).extend()).on_hover_text(&entry.hover);
        }
        if let Some(scope) = &report.scope {
            let why = t!("Table, strip and this line show the numbers of this one sample");
            striped_badge(ui, &format::scope(scope), why);
            if ui.button(t!("All samples")).on_hover_text(t!("Escape")).clicked() {
                send.push(Command::ScopeSample(None));
            }
        }
        pinned_ui(ui, doc, stamp.is_some(), send);
        if let Some(stamp) = stamp {
            ui.label(RichText::new(t!("{} samples", stamp)).italics().color(tokens.weak))
                .on_hover_text(t!("The numbers refine until all samples have run"));
        }
    });
}

/// While the float model is shown: that it is, and the way back.
fn float_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    if !doc.float_view.is_shown() {
        return;
    }
    striped_badge(ui, t!("FLOAT MODEL"), t!("Every page and this line show the float model"));
    if doc.float_view.held {
        ui.label(RichText::new(t!("until Q is released")).color(theme::tokens(ui).weak));
    } else if ui.button(t!("Back to quantized")).on_hover_text(t!("Escape")).clicked() {
        send.run(Action::ShowFloat);
    }
}

/// The line as text, the headline first.
pub(super) fn entries(report: &Report) -> Vec<Entry> {
    let score = &report.score;
    let mut entries = Vec::new();
    if let (Some(now), float) = (score.accuracy, score.float_accuracy) {
        entries.push(accuracy_entry(now, float));
    }
    if let Some(agreement) = score.agreement {
        entries.push(agreement_entry(report, agreement, entries.is_empty()));
    }
    if score.output.is_empty() && matches!(score.output_sqnr_db, Measure::NotApplicable(_)) {
        entries.push(Entry {
            name: t!("Output").into(),
            now: format::UNKNOWN.into(),
            hover: t!("Accuracy, agreement and output error need samples").into(),
            ..Entry::default()
        });
    } else {
        entries.push(output_entry(score));
    }
    entries.push(size_entry(report));
    entries
}

/// How far that is from the pinned baseline; a click shows all pins. "Pin" as long as there is none.
fn pinned_ui(ui: &mut Ui, doc: &Document, italic: bool, send: &mut Commands) {
    let Some(pin) = doc.pins.baseline() else {
        if !doc.pins.list.is_empty()
            && ui.link(t!("Compare…")).on_hover_text(t!("Choose a pinned configuration")).clicked()
        {
            send.run(Action::Pins);
        }
        return;
    };
    let entry = match &doc.pins.comparison {
        Some(comparison) => pinned_entry(&pin.name, &comparison.score),
        None => Entry {
            name: t!("vs {}", pin.name),
            now: format::UNKNOWN.into(),
            hover: t!("{} is evaluated when nothing else is on its way", pin.name),
            ..Entry::default()
        },
    };
    let job = job_of(ui, &entry, &egui::TextStyle::Body, italic);
    let label = ui.add(Label::new(job).extend().sense(egui::Sense::click()));
    let label = label.on_hover_cursor(egui::CursorIcon::PointingHand);
    let words = format!("{} {}", entry.name, words(&entry));
    label.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &words));
    if label.on_hover_text(&entry.hover).clicked() {
        send.run(Action::Pins);
    }
}

/// The differences as one text.
fn words(entry: &Entry) -> String {
    let deltas: Vec<&str> = entry.deltas.iter().map(|(text, _)| text.as_str()).collect();
    if deltas.is_empty() { entry.now.clone() } else { deltas.join(" · ") }
}

fn accuracy_entry(now: Share, float: Option<Share>) -> Entry {
    let before = float.map(format::share_percent).unwrap_or_default();
    let shown = format::share_with_counts(now);
    let hover = match float.map(format::share_with_counts) {
        Some(float) => {
            t!("Accuracy on the labelled samples: float {} → this configuration {}", float, shown)
        }
        None => t!("Accuracy on the labelled samples: this configuration {}", shown),
    };
    Entry {
        name: t!("Accuracy").into(),
        before,
        now: format::share_percent(now),
        after: counts(now),
        hover,
        deltas: Vec::new(),
    }
}

fn agreement_entry(report: &Report, agreement: Share, is_headline: bool) -> Entry {
    Entry {
        name: if is_headline { t!("Agrees with float") } else { t!("Agrees") }.into(),
        now: format::share_percent(agreement),
        after: if is_headline { counts(agreement) } else { String::new() },
        hover: t!(
            "Samples whose best class is the float model's: {}{}",
            format::share_with_counts(agreement),
            flips(&report.answers)
        ),
        ..Entry::default()
    }
}

/// "\n8 broken, 1 mended, 3 changed: see Answers"; nothing where none flips.
fn flips(answers: &Answers) -> String {
    let named: Vec<String> = [FlipKind::Broken, FlipKind::Mended, FlipKind::Changed]
        .into_iter()
        .map(|kind| (kind, answers.count(kind)))
        .filter(|(_, n)| *n > 0)
        .map(|(kind, n)| counted(kind, n))
        .collect();
    if named.is_empty() {
        return String::new();
    }
    format!("\n{}", t!("{}: see {}", named.join(t!(", ")), Page::Answers.title()))
}

/// "8 broken".
pub(super) fn counted(kind: FlipKind, n: usize) -> String {
    let words = match kind {
        FlipKind::Broken => mark!("{} broken"),
        FlipKind::Mended => mark!("{} mended"),
        FlipKind::Changed => mark!("{} changed"),
    };
    filled(words, &[&format::count(n as u64)])
}

fn output_entry(score: &Score) -> Entry {
    let hover = match format::why(score.output_sqnr_db) {
        Some(why) => t!("SQNR of the output {} against the float model: {}", score.output, why),
        None => t!("SQNR of the output {} against the float model", score.output),
    };
    Entry { name: t!("Output").into(), now: format::db_unit(score.output_sqnr_db), hover, ..Entry::default() }
}

fn size_entry(report: &Report) -> Entry {
    let (float, now) = (report.cost.float_bytes, report.cost.quantized_bytes);
    Entry {
        name: t!("Size").into(),
        before: format::bytes(float),
        now: format::bytes(now),
        hover: t!(
            "Constants of the model: {} bytes as float → {} bytes in this configuration",
            format::count(float),
            format::count(now)
        ),
        ..Entry::default()
    }
}

/// "(116 of 360)", and below a hundred samples how sure that is.
fn counts(share: Share) -> String {
    let counts = t!("({} of {})", format::count(share.count as u64), format::count(share.of as u64));
    match wilson(share).filter(|_| share.of < SHOWN_BELOW) {
        Some((low, high)) => {
            let (low, high) = (format::number(100.0 * low, 0), format::number(100.0 * high, 0));
            t!("{}, 95 % interval {}–{} %", counts, low, high)
        }
        None => counts,
    }
}

/// The differences of accuracy or else agreement, of the output's error and of the size.
fn pinned_entry(name: &str, change: &ScoreChange) -> Entry {
    let points = [
        (mark!("Accuracy: {} percentage points"), change.accuracy_points),
        (mark!("Agreement: {} percentage points"), change.agreement_points),
    ];
    let mut deltas = Vec::new();
    let mut hover = vec![t!("Differences to {}; click for all pinned configurations", name)];
    for (what, points) in points.into_iter().filter_map(|(what, points)| Some((what, points?))) {
        let text = format::signed(points, 1);
        let turn = match text.chars().next() {
            Some('+') => Turn::Better,
            Some('−') => Turn::Worse,
            _ => Turn::None,
        };
        hover.push(filled(what, &[&text]));
        if deltas.is_empty() {
            deltas.push((marked(turn, &text, t!(" pt")), turn));
        }
    }
    for (change, unit, suffix) in
        [(&change.output_sqnr_db, Unit::Decibels, " dB"), (&change.quantized_bytes, Unit::Bytes, "")]
    {
        if let Some(delta) = delta_of(change, unit) {
            let suffix = if change.delta.is_some_and(f64::is_finite) { suffix } else { "" };
            deltas.push((marked(delta.turn, &delta.text, suffix), delta.turn));
            hover.push(delta.why);
        }
    }
    Entry { name: t!("vs {}", name), hover: hover.join("\n"), deltas, ..Entry::default() }
}

/// "▲ +66.4 pt".
fn marked(turn: Turn, text: &str, suffix: &str) -> String {
    let mark = turn.mark();
    let space = if mark.is_empty() { "" } else { " " };
    format!("{mark}{space}{text}{suffix}")
}

/// One entry, its value in the size of `size` and slanted while it refines.
fn job_of(ui: &Ui, entry: &Entry, size: &egui::TextStyle, italic: bool) -> LayoutJob {
    let tokens = theme::tokens(ui);
    let body = egui::TextStyle::Body.resolve(ui.style());
    let number = egui::FontId::new(size.resolve(ui.style()).size, body.family.clone());
    let mut job = LayoutJob::default();
    let mut put = |text: &str, font: &egui::FontId, colour, italics| {
        let format = TextFormat {
            font_id: font.clone(),
            color: colour,
            italics,
            valign: egui::Align::Center,
            ..Default::default()
        };
        job.append(text, 0.0, format);
    };
    put(&format!("{} ", entry.name), &body, tokens.weak, false);
    if !entry.before.is_empty() {
        put(&format!("{} → ", entry.before), &body, tokens.text, false);
    }
    put(&entry.now, &number, tokens.text, italic);
    for (i, (text, turn)) in entry.deltas.iter().enumerate() {
        put(if i > 0 { " · " } else { "" }, &body, tokens.weak, false);
        put(text, &number, turn.colour(tokens), italic);
    }
    if !entry.after.is_empty() {
        put(&format!(" {}", entry.after), &body, tokens.weak, false);
    }
    job
}

#[cfg(test)]
mod tests {
    use quantlens_analysis::compare::Comparison;

    use super::*;
    use crate::views::fixtures;

    fn line(report: &Report, pinned: Option<&Report>) -> String {
        let text = |e: Entry| {
            let before = if e.before.is_empty() { String::new() } else { format!("{} → ", e.before) };
            format!("{} {before}{} {}", e.name, words(&e), e.after).trim().to_owned()
        };
        let compared = pinned.map(|pinned| pinned_entry("pinned", &Comparison::of(pinned, report).score));
        entries(report).into_iter().chain(compared).map(text).collect::<Vec<_>>().join(" · ")
    }

    #[test]
    fn with_labels_the_accuracy_leads() {
        let report = fixtures::report();
        // 16,416 weights: 65,664 bytes as float; 108 fewer with 216 of them at 4 bits.
        assert_eq!(
            line(&report, None),
            "Accuracy 99.2 % → 32.2 % (116 of 360) · Agrees 31.9 % · Output −0.2 dB · Size 64.1 KiB → 15.9 KiB"
        );
    }

    #[test]
    fn the_difference_to_the_baseline_is_signed_and_in_points() {
        let (broken, repaired) = (fixtures::report(), fixtures::repaired());
        // 355 of 360 against 116 of 360: 98.611 − 32.222 = 66.389 points.
        assert!(line(&repaired, Some(&broken)).contains("vs pinned ▲ +66.4 pt · ▲ +"));
        assert!(line(&broken, Some(&repaired)).contains("vs pinned ▼ −66.4 pt · ▼ −"));
        assert!(line(&broken, Some(&broken)).ends_with("vs pinned 0.0 pt · 0.0 dB · 0 B"));
    }

    #[test]
    fn without_labels_agreement_leads_and_without_classes_the_output() {
        let mut report = fixtures::report();
        report.score.accuracy = None;
        report.score.float_accuracy = None;
        assert!(line(&report, None).starts_with("Agrees with float 31.9 % (115 of 360) · Output"));
        report.score.agreement = None;
        assert!(line(&report, None).starts_with("Output −0.2 dB · Size"));
        let mut pinned = report.clone();
        pinned.score.output_sqnr_db = Measure::Value(-10.0);
        assert!(line(&report, Some(&pinned)).ends_with("vs pinned ▲ +9.8 dB · 0 B"));
    }

    #[test]
    fn few_samples_show_how_sure_the_share_is() {
        let mut report = fixtures::report();
        report.score.accuracy = Some(Share { count: 9, of: 10 });
        assert!(line(&report, None).contains("90.0 % (9 of 10), 95 % interval 60–98 %"), "{}", line(&report, None));
    }

    #[test]
    fn before_there_are_samples_the_line_says_what_it_needs() {
        let mut report = fixtures::report();
        report.score = Score {
            float_accuracy: None,
            accuracy: None,
            agreement: None,
            output_sqnr_db: Measure::NotApplicable("no samples"),
            output: String::new(),
        };
        let first = entries(&report).into_iter().next().unwrap();
        assert_eq!((first.now.as_str(), first.hover.contains("need samples")), ("–", true));
    }
}
