//! Questions about what a layer computes: 10, 11, 13, 14, 15.

use quantlens_analysis::{quant::Multiplier, t};

use super::{Ground, Here, Line, Linear, text};
use crate::{
    document::Page,
    format::{self, bits_words, significant},
};

const DIGITS: usize = 4;

fn real(value: impl Into<f64>) -> String {
    significant(value.into(), DIGITS)
}

/// What stands where no layer computes in integers.
fn nothing() -> Here {
    Here::text(t!("No layer here has integer weights between integer activations under this configuration."))
}

impl Linear<'_> {
    /// Whose first scale of the weights is meant.
    fn of_which(&self) -> &'static str {
        if self.weight.granularity.is_fine() { t!(" (channel 0)") } else { "" }
    }

    fn product(&self) -> f64 {
        f64::from(self.input.scale) * f64::from(self.weight.first.scale)
    }

    fn multiplier(&self) -> f64 {
        self.product() / f64::from(self.output.scale)
    }

    fn page(&self, lines: impl IntoIterator<Item = Line>) -> Here {
        Here::of(lines).at(Some(&self.row.info.name), Page::Arithmetic)
    }
}

pub(super) fn roles(ground: &Ground<'_>) -> Here {
    let Some(linear) = ground.linear() else { return nothing() };
    let row = linear.row;
    let bits = |bits: Option<_>| bits.map_or_else(|| t!("no format of its own").into(), bits_words);
    let input = ground.report.rows.iter().find(|r| r.info.name == linear.from).and_then(|r| r.activation_bits);
    let fused = if row.info.fused.is_empty() { String::new() } else { t!(", after {}", row.info.fused.join(", ")) };
    linear.page([text(t!(
        "{} ({}) reads {} at {}, holds its weights at {} and writes its output at {}{}.",
        row.info.name,
        row.info.op,
        linear.from,
        bits(input),
        bits(row.weight_bits),
        bits(row.activation_bits),
        fused,
    ))])
}

pub(super) fn bias(ground: &Ground<'_>) -> Here {
    let Some(linear) = ground.linear() else { return nothing() };
    let (x, w) = (linear.input.scale, linear.weight.first.scale);
    linear.page([
        text(t!("In {}{}, which reads {}:", linear.row.info.name, linear.of_which(), linear.from)),
        Line::Formula(format!("S_b = S_x·S_w = {} · {} = {}", real(x), real(w), real(linear.product()))),
        text(t!("int32 then holds a bias up to ±{}.", real(linear.product() * f64::from(i32::MAX)))),
    ])
}

pub(super) fn requantization(ground: &Ground<'_>) -> Here {
    let Some(linear) = ground.linear() else { return nothing() };
    let (x, w, y) = (linear.input.scale, linear.weight.first.scale, linear.output.scale);
    linear.page([
        text(t!("In {}{}:", linear.row.info.name, linear.of_which())),
        Line::Formula(format!(
            "M = S_x·S_w / S_y = {} · {} / {} = {}",
            real(x),
            real(w),
            real(y),
            real(linear.multiplier())
        )),
        Line::Formula(format!(
            "q_y = clamp(round({} · a) + {})",
            real(linear.multiplier()),
            format::number(f64::from(linear.output.zero_point), 0)
        )),
    ])
}

pub(super) fn multiplier(ground: &Ground<'_>) -> Here {
    let Some(linear) = ground.linear() else { return nothing() };
    let real_m = linear.multiplier();
    let Some(multiplier) = Multiplier::from_real(real_m) else {
        return linear.page([text(t!("In {} the scales give no multiplier above 0.", linear.row.info.name))]);
    };
    let shift = format::number(f64::from(multiplier.shift), 0);
    linear.page([
        text(t!("In {}{}:", linear.row.info.name, linear.of_which())),
        Line::Formula(format!(
            "M = {} = {} · 2^(−{shift}), M0 = {} / 2^31",
            real(real_m),
            real(multiplier.fraction()),
            multiplier.m0
        )),
        text(t!(
            "That is {} of M off. A pure shift would take 2^(−{}).",
            real(multiplier.relative_error(real_m)),
            format::number(f64::from(multiplier.nearest_shift()), 0)
        )),
    ])
}

pub(super) fn operators(ground: &Ground<'_>) -> Here {
    let rows = &ground.report.rows;
    let fused = rows.iter().filter(|row| !row.info.fused.is_empty());
    let sharing = rows.iter().filter(|row| !row.info.shares_activation_with.is_empty());
    let fixed = rows.iter().filter(|row| row.info.range_fixed.is_some());
    let float = rows.iter().filter(|row| row.info.activation_fixed.is_some());
    let mut lines = Vec::new();
    let mut say = |count: usize, sentence: fn(String, String) -> String, example: Option<String>| {
        if count > 0 {
            let example = example.map_or_else(String::new, |example| t!(" ({})", example));
            lines.push(text(sentence(format::plural(count, "layer"), example)));
        }
    };
    let example = |mut rows: Box<dyn Iterator<Item = &quantlens_analysis::report::LayerRow> + '_>| {
        rows.next().map(|row| row.info.name.clone())
    };
    say(
        fused.clone().count(),
        |layers, example| t!("{} carry a batch norm or an activation of their own{}.", layers, example),
        fused.clone().next().map(|row| format!("{}: {}", row.info.name, row.info.fused.join(", "))),
    );
    say(
        sharing.clone().count(),
        |layers, example| t!("{} share a scale with others{}.", layers, example),
        example(Box::new(sharing)),
    );
    say(
        fixed.clone().count(),
        |layers, example| t!("{} have a fixed range{}.", layers, example),
        example(Box::new(fixed)),
    );
    let why = float
        .clone()
        .next()
        .and_then(|row| Some(format!("{}: {}", row.info.name, row.info.activation_fixed.as_ref()?)));
    say(float.count(), |layers, example| t!("{} keep a float output{}.", layers, example), why);
    if lines.is_empty() {
        lines.push(text(t!("No layer of this model is treated specially.")));
    }
    Here::of(lines).at(None, Page::Table)
}
