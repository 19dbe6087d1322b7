//! Questions about ranges, errors and the way through: 3–7, 12, 17, 19, 20.

use std::collections::BTreeMap;

use quantlens_analysis::{metrics::Measure, report::LayerRow, t};

use super::{Ground, Here, Line, text};
use crate::{
    document::Page,
    format::{self, bits_words, db_unit, significant},
};

/// Layers that a list names.
const NAMED: usize = 3;

/// The row with the lowest number under `value`.
fn lowest(rows: &[LayerRow], value: impl Fn(&LayerRow) -> Measure) -> Option<&LayerRow> {
    let known = rows.iter().filter_map(|row| Some((row, value(row).value()?)));
    known.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(row, _)| row)
}

pub(super) fn causes(ground: &Ground<'_>) -> Here {
    let Some(row) = lowest(&ground.report.rows, |row| row.local.sqnr_db) else {
        return Here::text(t!("Nothing is quantized here, or nothing has been measured yet."));
    };
    let name = &row.info.name;
    let mut lines = vec![text(t!("Worst by itself is {}: {} on float inputs.", name, db_unit(row.local.sqnr_db)))];
    if let Some(weight) = &row.weight {
        lines.push(text(t!("Its weights alone are at {}.", db_unit(weight.sqnr_db))));
    }
    if let Some(share) = row.clipped_fraction.value() {
        lines.push(text(t!("{} % of its output is clipped.", format::number(100.0 * share, 2))));
    }
    Here::of(lines).at(Some(name), Page::Errors)
}

pub(super) fn good_enough(ground: &Ground<'_>) -> Here {
    let score = &ground.report.score;
    let mut lines = Vec::new();
    if let (Some(float), Some(now)) = (score.float_accuracy, score.accuracy) {
        let (float, now) = (format::share_with_counts(float), format::share_with_counts(now));
        lines.push(text(t!("Accuracy: {} in float, {} now.", float, now)));
    }
    if let Some(agreement) = score.agreement {
        lines.push(text(t!("The best class is float's for {}.", format::share_with_counts(agreement))));
    }
    if let Some(db) = score.output_sqnr_db.value() {
        lines.push(text(t!("{} arrives at {} dB.", score.output, format::number(db, 1))));
    }
    Here::of(lines).at(None, Page::Table)
}

pub(super) fn where_it_lives(ground: &Ground<'_>) -> Here {
    let rows = &ground.report.rows;
    let outputs = rows.iter().filter(|row| row.activation.is_some()).count();
    let weights = rows.iter().filter(|row| row.weight.is_some()).count();
    let opsets: Vec<String> = ground
        .report
        .needs
        .iter()
        .map(|(domain, version)| {
            let domain = if domain.is_empty() { "ONNX" } else { domain };
            format!("{domain} {version}")
        })
        .collect();
    let cost = &ground.report.cost;
    let lines = [
        text(t!(
            "The export of this configuration has pairs on {} and on the weights of {}.",
            format::plural(outputs, "output"),
            format::plural(weights, "layer")
        )),
        text(t!(
            "Its constants take {} in place of {}; a runtime must know {}.",
            format::bytes(cost.quantized_bytes),
            format::bytes(cost.float_bytes),
            opsets.join(", ")
        )),
    ];
    Here::of(lines).at(None, Page::Model)
}

pub(super) fn flow(ground: &Ground<'_>) -> Here {
    let report = ground.report;
    let quantized = report.rows.iter().filter(|row| row.weight.is_some() || row.activation.is_some()).count();
    let samples = format::plural(report.samples_total, "sample");
    let lines = [text(t!(
        "{} → {} → ranges for {} → {} quantized → compared on {}.",
        ground.doc.title,
        samples,
        format::plural(report.rows.iter().filter(|row| row.activation.is_some()).count(), "output"),
        format::plural(quantized, "layer"),
        if report.samples < report.samples_total {
            format::count(report.samples as u64)
        } else {
            t!("all of them").into()
        },
    ))];
    Here::of(lines).at(None, Page::Data)
}

pub(super) fn post_training(ground: &Ground<'_>) -> Here {
    let Some(model) = &ground.doc.model else { return Here::default() };
    let is_pair = |op: &str| op.ends_with("QuantizeLinear") || op.ends_with("DequantizeLinear");
    let pairs: usize = model.operators.iter().filter(|(op, _)| is_pair(op)).map(|(_, count)| count).sum();
    let said = if pairs == 0 {
        t!("This file has no QuantizeLinear in it: a float model, quantized here after training.").to_owned()
    } else {
        t!("This file has {} in it already.", format::plural(pairs, "quantizing node"))
    };
    Here::text(said).at(None, Page::Model)
}

pub(super) fn mixed(ground: &Ground<'_>) -> Here {
    let mut widths: BTreeMap<String, usize> = BTreeMap::new();
    for bits in ground.report.rows.iter().filter_map(|row| row.weight_bits) {
        *widths.entry(bits_words(bits)).or_default() += 1;
    }
    let edited = ground.report.rows.iter().filter(|row| row.edited).count();
    let widths: Vec<String> = widths.into_iter().map(|(bits, count)| format!("{bits}: {count}")).collect();
    let mut lines = Vec::new();
    if !widths.is_empty() {
        lines.push(text(t!("Layers by width of their weights: {}.", widths.join(", "))));
    }
    lines.push(text(match edited {
        0 => t!("No layer differs from the defaults. Sensitivity shows which ones would be worth it.").to_owned(),
        n => t!("{} differ from the defaults.", format::plural(n, "layer")),
    }));
    Here::of(lines).at(None, Page::Sensitivity)
}

pub(super) fn ranges(ground: &Ground<'_>) -> Here {
    let Some((row, output)) = ground.active(|_| true) else {
        return Here::text(t!("No output has a range under this configuration."));
    };
    let name = &row.info.name;
    let clipped = row
        .clipped_fraction
        .value()
        .map_or_else(String::new, |share| t!(" {} % of its values are clipped.", format::number(100.0 * share, 2)));
    let said = t!(
        "The range of {}, {} … {}, was chosen by {}.{}",
        name,
        significant(f64::from(output.low), 4),
        significant(f64::from(output.high), 4),
        format::method(output.method),
        clipped
    );
    Here::text(said).at(Some(name), Page::Threshold)
}

pub(super) fn falls(ground: &Ground<'_>) -> Here {
    let falls = || ground.report.rows.iter().filter_map(|row| Some((row, row.why_falls.as_ref()?)));
    let count = falls().count();
    if count == 0 {
        return Here::text(t!("The error of this model never falls by more than half a decibel."))
            .at(None, Page::Table);
    }
    let mut lines = vec![text(t!("It falls at {}:", format::plural(count, "layer")))];
    let mut sorted: Vec<_> = falls().collect();
    sorted.sort_by(|a, b| b.1.rise_db.total_cmp(&a.1.rise_db));
    lines.extend(sorted.iter().take(NAMED).map(|(row, note)| Line::Text(t!("{}: {}", row.info.name, note.sentence()))));
    let first = sorted.first().map(|(row, _)| row.info.name.as_str());
    Here::of(lines).at(first, Page::Errors)
}

pub(super) fn cosine(ground: &Ground<'_>) -> Here {
    let hidden: Vec<&LayerRow> = ground.report.rows.iter().filter(|row| row.accumulated.hides_a_gain_error()).collect();
    let shown = hidden.first().copied().or_else(|| lowest(&ground.report.rows, |row| row.accumulated.sqnr_db));
    let Some(row) = shown else { return Here::text(t!("Nothing has been measured yet.")) };
    let errors = &row.accumulated;
    let mut lines = vec![text(t!(
        "{}: cosine {}, gain {}, SQNR {}.",
        row.info.name,
        format::ratio(errors.cosine),
        format::gain(errors.gain),
        db_unit(errors.sqnr_db)
    ))];
    lines.push(text(match hidden.len() {
        0 => t!("No layer here has a cosine above 0.99 with a gain more than 5 % off.").to_owned(),
        n => t!("{} have a cosine above 0.99 and a gain more than 5 % off.", format::plural(n, "layer")),
    }));
    Here::of(lines).at(Some(&row.info.name), Page::Errors)
}
