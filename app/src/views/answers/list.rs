//! Which samples the page lists, worked out once for a report and its comparison with the baseline.

use quantlens_analysis::{
    compare::Comparison,
    report::{Answers, FlipKind, Report},
    t,
};

use super::super::scoreboard::counted;
use crate::{format, memo::Same};

/// What a listing is made of: the report, and how it differs from the pinned baseline's.
pub(super) type Key = (Same<Report>, Option<Same<Comparison>>);

/// Which samples are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Show {
    /// All that flip.
    #[default]
    All,
    /// Those that flip in this way.
    Kind(FlipKind),
    /// Those that do not flip in the baseline.
    New,
    /// Those that flip in the baseline only.
    Gone,
}

/// How a sample compares with the baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// No differently, or there is no baseline.
    Same,
    /// It flips now.
    New,
    /// It flips no more.
    Gone,
}

/// A listed sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its place in the answers.
    pub(super) place: usize,
    /// How it compares with the baseline.
    pub(super) mark: Mark,
    kind: Option<FlipKind>,
}

/// The listed samples: those that tell most, then those that flip in the baseline only.
#[derive(Clone, Debug, Default)]
pub(super) struct Listing {
    entries: Vec<Entry>,
}

impl Show {
    const ALL: [Self; 6] = [
        Self::All,
        Self::Kind(FlipKind::Broken),
        Self::Kind(FlipKind::Mended),
        Self::Kind(FlipKind::Changed),
        Self::New,
        Self::Gone,
    ];

    /// What its button says.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::All => t!("All"),
            Self::Kind(kind) => kind_name(kind),
            Self::New => t!("New"),
            Self::Gone => t!("Gone"),
        }
    }

    /// What it means; `pin` names the baseline.
    pub(super) fn hint(self, pin: &str) -> String {
        match self {
            Self::All => t!("Every sample that is answered differently").into(),
            Self::Kind(FlipKind::Broken) => t!("Float was right, the quantized model is not").into(),
            Self::Kind(FlipKind::Mended) => t!("Float was wrong, the quantized model is right").into(),
            Self::Kind(FlipKind::Changed) => t!("Another answer, neither of them known to be right").into(),
            Self::New => t!("Answered as float does under {}, differently now", pin),
            Self::Gone => t!("Answered differently under {}, as float does now", pin),
        }
    }

    fn holds(self, entry: &Entry) -> bool {
        match self {
            Self::All => entry.mark != Mark::Gone,
            Self::Kind(kind) => entry.kind == Some(kind),
            Self::New => entry.mark == Mark::New,
            Self::Gone => entry.mark == Mark::Gone,
        }
    }
}

/// What a flip is called.
pub(super) fn kind_name(kind: FlipKind) -> &'static str {
    match kind {
        FlipKind::Broken => t!("Broken"),
        FlipKind::Mended => t!("Mended"),
        FlipKind::Changed => t!("Changed"),
    }
}

impl Listing {
    pub(super) fn of((report, comparison): &Key) -> Self {
        let answers = &report.0.answers;
        let flips = comparison.as_ref().and_then(|comparison| comparison.0.flips.as_ref());
        let is_new = |index: &usize| flips.is_some_and(|flips| flips.new.binary_search(index).is_ok());
        let now = answers.ranked().into_iter().filter_map(|place| {
            let sample = answers.samples.get(place)?;
            let mark = if is_new(&sample.index) { Mark::New } else { Mark::Same };
            Some(Entry { place, mark, kind: sample.flip() })
        });
        let gone = flips.into_iter().flat_map(|flips| &flips.gone);
        let gone = gone.filter_map(|index| answers.samples.binary_search_by_key(index, |sample| sample.index).ok());
        let gone = gone.map(|place| Entry { place, mark: Mark::Gone, kind: None });
        Self { entries: now.chain(gone).collect() }
    }

    /// The samples to show.
    pub(super) fn entries(&self, show: Show) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| show.holds(entry))
    }

    /// Whether there is any to show.
    pub(super) fn has(&self, show: Show) -> bool {
        self.entries(show).next().is_some()
    }

    /// What can be shown, and how many each.
    pub(super) fn kinds(&self) -> impl Iterator<Item = (Show, usize)> {
        let count = |show| (show, self.entries(show).count());
        Show::ALL.into_iter().map(count).filter(|(_, count)| *count > 0)
    }

    /// "12 of 360 samples are answered differently: 8 broken, 1 mended, 3 changed".
    pub(super) fn sentence(&self, answers: &Answers) -> String {
        let count = |n: usize| format::count(n as u64);
        let of = format::plural(answers.samples.len(), "sample");
        let listed = self.entries(Show::All).count();
        if !answers.has_classes {
            return t!("Output {}: {} of {} have an error", answers.output, count(listed), of);
        }
        let has_truth = answers.samples.iter().any(|sample| sample.label.is_some());
        let kinds = [FlipKind::Broken, FlipKind::Mended, FlipKind::Changed].map(|kind| (kind, answers.count(kind)));
        let named = kinds.iter().filter(|(_, n)| *n > 0 && has_truth);
        let named: Vec<String> = named.map(|(kind, n)| counted(*kind, *n)).collect();
        let sentence = if listed == 1 {
            t!("{} of {} is answered differently", count(listed), of)
        } else {
            t!("{} of {} are answered differently", count(listed), of)
        };
        if named.is_empty() { sentence } else { t!("{}: {}", sentence, named.join(t!(", "))) }
    }
}
