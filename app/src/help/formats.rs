//! Questions about number formats: 1, 2, 8, 9, 16, 18.

use quantlens_analysis::{
    config::Granularity,
    quant::{Codes, QuantParams, Quantizer, Scheme},
    report::ActivationSummary,
    t,
};

use super::{Ground, Here, Line, formulas, text};
use crate::{
    document::Page,
    format::{self, bits_words, significant},
    formula,
};

/// Digits of numbers in sentences.
const DIGITS: usize = 4;

fn real(value: f32) -> String {
    significant(f64::from(value), DIGITS)
}

fn whole(value: i32) -> String {
    format::number(f64::from(value), 0)
}

pub(super) fn symmetric(ground: &Ground<'_>) -> Here {
    let Some((row, weight)) = ground.weighted() else {
        return Here::text(t!("No layer here has integer weights under this configuration."));
    };
    let name = &row.info.name;
    let is_symmetric = weight.number.integer().is_some_and(|n| n.scheme == Scheme::Symmetric);
    let scheme = if is_symmetric { t!("symmetric") } else { t!("affine, as you set them") };
    let said = text(t!("The weights of {} have {} and are {}:", name, bits_words(weight.bits), scheme));
    Here::of([said].into_iter().chain(formulas(formula::of_weight(weight)))).at(Some(name), Page::Histogram)
}

pub(super) fn affine(ground: &Ground<'_>) -> Here {
    let is_affine = |a: &ActivationSummary| a.number.integer().is_some_and(|n| n.scheme == Scheme::Affine);
    let Some((row, output)) = ground.active(is_affine) else {
        return Here::text(t!("No output is affine under this configuration; {} decides.", ground.report.target.title));
    };
    let name = &row.info.name;
    let range = format!("{} … {}", real(output.low), real(output.high));
    let said = text(t!("The output of {} was seen over {}:", name, range));
    Here::of([said].into_iter().chain(formulas(formula::of_output(output)))).at(Some(name), Page::Histogram)
}

pub(super) fn zero(ground: &Ground<'_>) -> Here {
    let Some((row, output)) = ground.active(|_| true) else {
        return Here::text(t!("No output has integer codes under this configuration."));
    };
    let name = &row.info.name;
    let mut lines = vec![text(t!("Real 0 in the output of {} is code {}, exactly.", name, whole(output.zero_point)))];
    // A range on one side of zero is where the rule is seen.
    let widened = ground.report.rows.iter().filter(|row| row.activation.as_ref().is_some_and(is_widened));
    if let Some(other) = widened.clone().next()
        && let Some(range) = &other.activation
    {
        let (low, high) = (real(range.low), real(range.high));
        let count = format::plural(widened.count(), "range");
        lines.push(text(t!(
            "{} had to be widened to contain 0; the first is that of {}, seen over {} … {}.",
            count,
            other.info.name,
            low,
            high
        )));
    }
    Here::of(lines).at(Some(name), Page::Histogram)
}

fn is_widened(output: &ActivationSummary) -> bool {
    output.low > 0.0 || output.high < 0.0
}

pub(super) fn narrow(ground: &Ground<'_>) -> Here {
    let Some((row, weight)) = ground.weighted() else {
        return Here::text(t!("No layer here has integer weights under this configuration."));
    };
    let name = &row.info.name;
    let Some(number) = weight.number.integer() else { return Here::default() };
    let (low, high) = (whole(number.grid.q_min()), whole(number.grid.q_max()));
    let kind = match weight.rule.map(|rule| rule.codes) {
        Some(Codes::Narrow) => t!("the narrow range"),
        _ => t!("the full range"),
    };
    let lines = [
        text(t!("The weights of {} use codes {} … {}: {}.", name, low, high, kind)),
        text(t!("Codes in the inspector's weight settings switches it.")),
    ];
    Here::of(lines).at(Some(name), Page::Channels)
}

pub(super) fn granularity(ground: &Ground<'_>) -> Here {
    // The widest spread of scales shows what finer scales gain.
    let with_weights = ground.report.rows.iter().filter_map(|row| Some((row, row.weight.as_ref()?)));
    let spread =
        |w: &quantlens_analysis::report::WeightSummary| f64::from(w.scale_range.1) / f64::from(w.scale_range.0);
    let fine = with_weights.clone().filter(|(_, w)| w.granularity.is_fine());
    if let Some((row, weight)) = fine.max_by(|a, b| spread(a.1).total_cmp(&spread(b.1))) {
        let name = &row.info.name;
        let (low, high) = weight.scale_range;
        let kind = format::granularity(weight.granularity).to_lowercase();
        let factor = significant(spread(weight), 3);
        let said = t!(
            "The weights of {0} have scales {1}, from {2} to {3}: a factor of {4}. One scale for all would be \
             the largest, and the channel with the smallest would use 1/{4} of its codes.",
            name,
            kind,
            real(low),
            real(high),
            factor,
        );
        return Here::text(said).at(Some(name), Page::Channels);
    }
    let Some((row, weight)) = ground.weighted() else {
        return Here::text(t!("No layer here has integer weights under this configuration."));
    };
    let name = &row.info.name;
    let channels = row.info.weight.as_ref().map_or_else(String::new, |(_, shape)| {
        let shape: Vec<String> = shape.iter().map(ToString::to_string).collect();
        t!(", of shape {},", shape.join(" × "))
    });
    let said = t!("The weights of {}{} share one scale, S = {}.", name, channels, real(weight.first.scale));
    let can = row.info.weight_axes.refusal(Granularity::PerChannel).is_none();
    let more = if can {
        t!("Channels shows the range of each channel beside it; C gives each a scale of its own.")
    } else {
        ""
    };
    let lines = [said, more.to_owned()].into_iter().filter(|line| !line.is_empty()).map(Line::Text);
    Here::of(lines).at(Some(name), Page::Channels)
}

pub(super) fn fake(ground: &Ground<'_>) -> Here {
    let Some((row, output)) = ground.active(|_| true) else {
        return Here::text(t!("No output has integer codes under this configuration."));
    };
    let (name, Some((q_min, q_max))) = (&row.info.name, output.grid) else { return Here::default() };
    let Some(number) = output.number.integer() else { return Here::default() };
    let params = QuantParams { scale: output.scale, zero_point: output.zero_point, grid: number.grid };
    // Some value inside the range that is no multiple of the step.
    let value = output.low + 0.7 * (output.high - output.low);
    let mut back = [0.0];
    let _ = Quantizer::Integer(params).fake_quantize(&[value], &mut back);
    #[expect(clippy::cast_possible_truncation, reason = "a code of at most 16 bits")]
    let code = (f64::from(back[0]) / f64::from(output.scale)).round() as i32 + output.zero_point;
    let lines = [
        text(t!("Take {} in the output of {}:", real(value), name)),
        Line::Formula(format!(
            "q = clamp(round({} / {}) + {}, {}, {}) = {}",
            real(value),
            real(output.scale),
            whole(output.zero_point),
            whole(q_min),
            whole(q_max),
            whole(code)
        )),
        Line::Formula(format!(
            "r′ = {} · ({} − {}) = {}",
            real(output.scale),
            whole(code),
            whole(output.zero_point),
            real(back[0])
        )),
        text(t!(
            "Off by {}; inside the range never by more than S / 2 = {}.",
            real((back[0] - value).abs()),
            real(0.5 * output.scale)
        )),
    ];
    Here::of(lines).at(Some(name), Page::Histogram)
}
