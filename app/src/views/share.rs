//! What the picture to share says: the words of the scoreboard, the drift curve, the configuration. No number is made here.

use quantlens_analysis::{
    report::{LayerRow, Report},
    t,
};

use super::{
    drift::shape::{self, Scale},
    scoreboard,
};
use crate::{
    document::Document,
    figure::{
        Axis, Bar, FigureSpec, FileOptions, Ink, Series, Shape, Stroke,
        share::{ShareScore, ShareSpec},
    },
    format,
};

/// Size of the picture: fits a slide.
pub const SIZE: FileOptions = FileOptions {
    width: 1200,
    height: 760,
    scale: 2,
    theme: egui::Theme::Light,
    transparent: false,
    unit: crate::figure::choice::Unit::Pixels,
};

/// Points across the chart, of which a deep model has no more.
const COLUMNS: usize = 1100;
/// Layers that are named with their own settings.
const NAMED: usize = 12;

/// The picture of the configuration of now; `None` while there are no numbers.
pub fn share_spec(doc: &Document) -> Option<ShareSpec> {
    let report = doc.report.value.as_ref()?;
    let pinned = doc.baseline().filter(|pinned| !std::sync::Arc::ptr_eq(pinned, report));
    let pin = doc.pins.baseline().map(|pin| pin.name.clone()).unwrap_or_default();
    let synthetic = doc.data.as_ref().is_some_and(|data| data.synthetic);
    Some(ShareSpec {
        title: doc.title.clone(),
        facts: facts(doc, report),
        badge: synthetic.then(|| t!("SYNTHETIC RANGES").to_owned()),
        scores: scores(report),
        chart: drift_spec(report, pinned.map(|pinned| (pin.as_str(), pinned.as_ref()))),
        configuration: configuration(doc, report),
    })
}

fn facts(doc: &Document, report: &Report) -> String {
    let mut facts = Vec::new();
    if let Some(data) = &doc.data {
        facts.push(match &data.source {
            quantlens_analysis::data::DataSource::Path(path) => {
                path.file_name().map_or_else(|| data.kind.to_string(), |name| name.to_string_lossy().into_owned())
            }
            quantlens_analysis::data::DataSource::Synthetic { .. } => t!("made-up samples").to_owned(),
        });
    }
    facts.push(match (&report.scope, super::cells::stamp(report)) {
        (Some(scope), _) => format::scope(scope),
        (None, Some(stamp)) => t!("{} samples", stamp),
        (None, None) => format::plural(report.samples, "sample"),
    });
    facts.push(format::plural(report.rows.len(), "layer"));
    facts.push(t!("target {}", report.target.title));
    if !doc.runtime.version.is_empty() {
        facts.push(format!("onnxruntime {}", doc.runtime.version));
    }
    facts.push(format!("Quantlens {}", env!("CARGO_PKG_VERSION")));
    facts.join(" · ")
}

fn scores(report: &Report) -> Vec<ShareScore> {
    let score = |entry: scoreboard::Entry| {
        let before = if entry.before.is_empty() { String::new() } else { t!("float {}", entry.before) };
        let detail: Vec<String> = [before, entry.after].into_iter().filter(|text| !text.is_empty()).collect();
        let detail = if detail.is_empty() { explained(&entry.name, report) } else { detail.join(" ") };
        ShareScore { name: entry.name, value: entry.now, detail }
    };
    scoreboard::entries(report).into_iter().map(score).collect()
}

/// What stands under a number that needs no more on screen, where its hover text says it.
fn explained(name: &str, report: &Report) -> String {
    match report.score.agreement {
        Some(share) if name == t!("Agrees") => t!("with float ({} of {})", share.count, share.of),
        _ if name == t!("Output") && !report.score.output.is_empty() => t!("SQNR of {}", report.score.output),
        _ => String::new(),
    }
}

/// The drift strip as a figure: the accumulated error over depth, each layer's own hanging from the top, the baseline dashed.
pub fn drift_spec(report: &Report, pinned: Option<(&str, &Report)>) -> FigureSpec {
    let shown: Vec<&Report> = std::iter::once(report).chain(pinned.map(|(_, pinned)| pinned)).collect();
    let scale = Scale::of(&shown);
    let line = |report: &Report, stroke| {
        let gap = [f64::NAN, f64::NAN];
        let runs = shape::curve(report, scale, COLUMNS).runs;
        Shape::Line { points: runs.join(&gap), stroke }
    };
    let bars = shape::bars(report, scale, COLUMNS);
    // Narrower than the strip's: the curve is what is read first.
    let width = 0.5 * bars.first().map_or(0.7, |bar| bar.width);
    let name = |x: f64| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in the rows")]
        report.rows.get(x.max(0.0) as usize).map_or_else(String::new, |row| row.info.name.clone())
    };
    let bars = bars.iter().map(|bar| Bar { name: name(bar.x), x: bar.x, low: bar.db, high: scale.high }).collect();
    let mut series = vec![
        Series {
            name: t!("local error (from the top)").into(),
            ink: Ink::Quiet,
            shape: Shape::Bars { bars, width, filled: true },
        },
        Series { name: t!("accumulated error").into(), ink: Ink::Quantized, shape: line(report, Stroke::Solid) },
    ];
    if let Some((name, pinned)) = pinned {
        let name = t!("accumulated error, {}", name);
        series.push(Series { name, ink: Ink::Alternative, shape: line(pinned, Stroke::Dashed) });
    }
    FigureSpec {
        kind: "drift",
        title: t!("Error over depth").into(),
        stamp: String::new(),
        x: Axis { whole: true, ..Axis::linear(t!("layer, in graph order"), -0.6, report.rows.len() as f64 - 0.4) },
        y: Axis::linear("SQNR, dB", scale.low, scale.high),
        series,
        marks: Vec::new(),
        spans: Vec::new(),
        handles: Vec::new(),
        summary: shape::summary(report),
    }
}

/// The configuration in words: what holds for all layers, then the layers that are set otherwise.
pub fn configuration(doc: &Document, report: &Report) -> Vec<String> {
    let mut held = report.target.defaults.clone();
    held.overlay(&report.config.defaults);
    let mut words = Vec::new();
    let unless_unknown = |text: Option<String>| text.unwrap_or_else(|| format::UNKNOWN.to_owned());
    words.push(t!(
        "Weights {} {}, activations {}, ranges {}",
        unless_unknown(held.weight_bits.map(format::bits_words)),
        unless_unknown(held.granularity.map(format::granularity)),
        unless_unknown(held.activation_bits.map(format::bits_words)),
        unless_unknown(held.method.map(|method| format::method(method).to_owned())),
    ));
    if !report.config.rules.is_empty() {
        words.push(t!("{} for some layers", format::plural(report.config.rules.len(), "rule")));
    }
    let edited: Vec<&LayerRow> = report.rows.iter().filter(|row| row.edited).collect();
    if edited.is_empty() {
        words.push(t!("No layer is set otherwise").into());
    } else {
        let mut named: Vec<String> = edited.iter().take(NAMED).map(|row| settings(row)).collect();
        if edited.len() > NAMED {
            named.push(t!("and {} more", edited.len() - NAMED));
        }
        let (layers, named) = (format::plural(edited.len(), "layer"), named.join(t!("; ")));
        words.push(if edited.len() == 1 {
            t!("{} is set otherwise: {}", layers, named)
        } else {
            t!("{} are set otherwise: {}", layers, named)
        });
    }
    if doc.data.as_ref().is_some_and(|data| data.synthetic) {
        words.push(t!("The samples are made up: ranges and errors may be far from those of real data").into());
    }
    words
}

/// "block3/depthwise W 4 bits per channel, A 8 bits KL".
fn settings(row: &LayerRow) -> String {
    let mut parts = Vec::new();
    if let Some(bits) = row.weight_bits {
        let granularity = row.granularity.map_or_else(String::new, |g| format!(" {}", format::granularity(g)));
        parts.push(format!("W {}{granularity}", format::bits_words(bits)));
    }
    if let Some(bits) = row.activation_bits {
        let method = row.activation.as_ref().map_or_else(String::new, |a| format!(" {}", format::method(a.method)));
        parts.push(format!("A {}{method}", format::bits_words(bits)));
    }
    format!("{} {}", row.info.name, parts.join(t!(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::fixtures;

    #[test]
    fn the_picture_says_whose_numbers_these_are_and_under_which_settings() {
        let mut doc = fixtures::document(fixtures::report());
        doc.data = Some(std::sync::Arc::new(crate::testing::data(&crate::worker::DataChoice::Sample)));
        let spec = share_spec(&doc).unwrap();
        assert_eq!((spec.title.as_str(), spec.badge.as_deref()), ("sample.onnx", None));
        assert!(spec.facts.starts_with("sample.npz · 360 samples · 20 layers · target "), "{}", spec.facts);
        let scores: Vec<&str> = spec.scores.iter().map(|score| score.value.as_str()).collect();
        assert_eq!(scores, ["32.2 %", "31.9 %", "−0.2 dB", "15.9 KiB"]);
        assert_eq!(spec.scores[0].detail, "float 99.2 % (116 of 360)");
        let words = spec.configuration.join("\n");
        assert!(words.contains("1 layer is set otherwise: block3/depthwise W 4 bits per tensor, A 8 bits min–max"));
        assert!(spec.chart.summary.starts_with("Worst: head/fc"));
    }

    #[test]
    fn made_up_samples_are_marked() {
        let mut doc = fixtures::document(fixtures::report());
        let mut data = crate::testing::data(&crate::worker::DataChoice::Sample);
        data.synthetic = true;
        doc.data = Some(std::sync::Arc::new(data));
        assert_eq!(share_spec(&doc).unwrap().badge.as_deref(), Some("SYNTHETIC RANGES"));
        assert_eq!(share_spec(&Document::new()), None);
    }
}
