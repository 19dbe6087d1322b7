//! The samples of the page as numbers: what both runs answer, how sure, and whether that is right.

use quantlens_analysis::report::{Choice, FlipKind, SampleAnswer};

use super::{AnswersState, Entry, file::listed, list::Mark};
use crate::{
    document::Document,
    figure::data::{Cell, FigureData},
};

const COLUMNS: [&str; 16] = [
    "sample",
    "name",
    "label",
    "label_name",
    "flip",
    "against_baseline",
    "float_class",
    "float_class_name",
    "float_confidence",
    "float_margin",
    "quantized_class",
    "quantized_class_name",
    "quantized_confidence",
    "quantized_margin",
    "flipped_decisions",
    "output_sqnr_db",
];

/// The numbers of the cards, in their order; `None` while there are no answers.
pub fn answers_data(doc: &Document, state: &AnswersState) -> Option<FigureData> {
    let (report, listing, show) = listed(doc, state)?;
    let answers = &report.answers;
    let about = vec![
        ("figure", Cell::text("answers")),
        ("model", Cell::text(&doc.title)),
        ("output", Cell::text(&answers.output)),
        ("classes", Cell::Count(answers.classes)),
        ("samples", Cell::Count(answers.samples.len())),
        ("synthetic", Cell::Flag(doc.data.as_ref().is_some_and(|data| data.synthetic))),
    ];
    // Names of other classes than the output's would lie.
    let names = doc.data.as_ref().map(|data| data.class_names.as_slice());
    let names = names.filter(|names| names.len() == answers.classes).unwrap_or_default();
    let row = |entry: &Entry| {
        let answer = answers.samples.get(entry.place)?;
        let name = report.sample_names.get(answer.index).map(|name| name.to_string());
        Some(cells(answer, entry.mark, name, names))
    };
    let rows = listing.entries(show).filter_map(row).collect();
    Some(FigureData { about, columns: COLUMNS.to_vec(), rows, lists: Vec::new() })
}

fn cells(answer: &SampleAnswer, mark: Mark, name: Option<String>, names: &[String]) -> Vec<Cell> {
    let flip = answer.flip().map(|kind| match kind {
        FlipKind::Broken => "broken",
        FlipKind::Mended => "mended",
        FlipKind::Changed => "changed",
    });
    let against = match mark {
        Mark::Same => Cell::Empty,
        Mark::New => Cell::text("new"),
        Mark::Gone => Cell::text("gone"),
    };
    let class = |class: Option<usize>| {
        let name = class.and_then(|class| names.get(class));
        [Cell::maybe(class, Cell::Count), Cell::maybe(name, Cell::text)]
    };
    let choice = |choice: Option<Choice>| {
        let share = |of: fn(&Choice) -> f64| Cell::maybe(choice.as_ref().map(of), Cell::Number);
        let [class, name] = class(choice.and_then(|choice| choice.class));
        [class, name, share(|c| c.confidence), share(|c| c.margin)]
    };
    let decision = answer.decision;
    let begin = [Cell::Count(answer.index), Cell::maybe(name, Cell::Text)];
    let end = [
        Cell::maybe(decision, |decision| Cell::Count(decision.flipped)),
        Cell::maybe(answer.error, |error| Cell::Measure(error.sqnr_db())),
    ];
    let cells = begin.into_iter().chain(class(answer.label)).chain([Cell::maybe(flip, Cell::text), against]);
    let cells = cells.chain(choice(decision.map(|d| d.float))).chain(choice(decision.map(|d| d.quantized)));
    cells.chain(end).collect()
}
