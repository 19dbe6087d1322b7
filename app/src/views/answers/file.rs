//! The samples as a file has them: the cards of the page, in its order, as far as their previews were read.

use quantlens_analysis::{
    data::info::Preview,
    report::Report,
    t,
    text::{Language, language},
};

use super::{
    AnswersState,
    card::{Card, text_of},
    list::{Key, Listing, Show},
    pictures::image_of,
};
use crate::{
    document::Document,
    figure::tiles::{Raster, Tile, Tiles},
    memo::Same,
    views::cells,
};

/// Least width of a card, and most height of its picture.
const CARD: (i32, i32) = (164, 110);

/// The page's report, its listing, and which of that are shown; `None` while there are no answers.
pub(super) fn listed<'a>(doc: &'a Document, state: &AnswersState) -> Option<(&'a Report, Listing, Show)> {
    let report = doc.whole_report().filter(|report| !report.answers.samples.is_empty())?;
    let comparison = doc.pins.comparison.as_ref().filter(|_| doc.scope.is_none());
    let key: Key = (Same(std::sync::Arc::clone(report)), comparison.map(|c| Same(std::sync::Arc::clone(c))));
    let listing = Listing::of(&key);
    let show = if listing.has(state.show) { state.show } else { Show::All };
    Some((report, listing, show))
}

/// The cards of the page; `None` while there are none.
pub fn answers_tiles(doc: &Document, state: &AnswersState) -> Option<Tiles> {
    let (report, listing, show) = listed(doc, state)?;
    let answers = &report.answers;
    let tile = |entry: &super::Entry| {
        let answer = answers.samples.get(entry.place)?;
        let preview = doc.previews.get(answer.index);
        let card = Card { doc, answer, classes: answers.classes, mark: entry.mark, preview, picture: None };
        let lines = card.lines().into_iter().map(|line| (without_signs(line.text), line.is_weak)).collect();
        let (pictures, text) = preview.map(|preview| content(preview)).unwrap_or_default();
        Some(Tile { pictures, text, lines })
    };
    let tiles: Vec<Tile> = listing.entries(show).filter_map(tile).collect();
    let order = if answers.has_classes { t!("float surest first") } else { t!("largest output error first") };
    let limits = cells::stamp(report).map(|stamp| t!("{} samples", stamp));
    let synthetic = doc.data.as_ref().filter(|data| data.synthetic).map(|_| t!("synthetic ranges").to_owned());
    let shown = (show != Show::All).then(|| show.title().to_owned());
    let stamp: Vec<String> =
        [Some(doc.title.clone()), shown, Some(order.to_owned()), limits, synthetic].into_iter().flatten().collect();
    (!tiles.is_empty()).then(|| Tiles {
        title: listing.sentence(answers),
        stamp: stamp.join(" · "),
        key: Vec::new(),
        tiles,
        tile_size: CARD,
        summary: String::new(),
    })
}

/// The file's Chinese font has no ticks and crosses; the word behind says the same.
fn without_signs(text: String) -> String {
    match language() {
        Language::English => text,
        Language::Chinese => text.trim_start_matches(['✗', '✓', '≠', ' ']).to_owned(),
    }
}

/// The picture of a sample, or its text.
fn content(preview: &Preview) -> (Vec<Raster>, String) {
    match image_of(preview) {
        Some(image) => (vec![Raster { size: image.size, pixels: image.pixels, is_stretched: false }], String::new()),
        None => match preview.inputs.iter().find_map(|input| input.shading.as_ref()) {
            Some(row) => (vec![Raster { is_stretched: true, ..strip(row) }], String::new()),
            None => (Vec::new(), text_of(preview)),
        },
    }
}

/// One row of values, as shades of grey.
fn strip(shading: &quantlens_analysis::data::info::Shading) -> Raster {
    let image = super::pictures::grid(shading);
    Raster { size: image.size, pixels: image.pixels, is_stretched: true }
}
