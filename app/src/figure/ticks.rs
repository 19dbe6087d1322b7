//! Where an axis has its ticks and what stands beside them: one rule for the screen and for files.
//!
//! Ticks are values (1, 2 or 5 times a power of ten), never fractions of the drawn stretch; on the logarithmic scales they
//! are powers of ten, thinned until they fit.

use super::spec::{Axis, Scale};

/// One tick of an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// Where, in plot coordinates ([`Scale::place`] applied).
    pub placed: f64,
    /// What stands beside it.
    pub label: String,
}

/// At most about `wanted` ticks for the stretch `low..high` of plot coordinates.
pub fn ticks(axis: &Axis, low: f64, high: f64, wanted: usize) -> Vec<Tick> {
    if !(low < high && low.is_finite() && high.is_finite()) {
        return Vec::new();
    }
    let wanted = wanted.clamp(2, 40);
    if !axis.names.is_empty() {
        return named(axis, low, high, wanted);
    }
    match axis.scale {
        Scale::Linear => linear(low, high, wanted, axis.whole),
        Scale::Log { .. } => powers(low, high, wanted),
        Scale::SignedLog { unit } => signed(low, high, wanted, unit),
    }
}

fn linear(low: f64, high: f64, wanted: usize, whole: bool) -> Vec<Tick> {
    let mut step = round_step((high - low) / wanted as f64);
    if whole {
        step = step.max(1.0);
    }
    let (first, last) = ((low / step).ceil(), (high / step).floor());
    let count = (last - first).clamp(0.0, 200.0);
    let mut out = Vec::new();
    let mut k = 0.0;
    while k <= count {
        let value = (first + k) * step;
        out.push(Tick { placed: value, label: number(value, step) });
        k += 1.0;
    }
    out
}

/// Names in place of numbers.
fn named(axis: &Axis, low: f64, high: f64, wanted: usize) -> Vec<Tick> {
    let every = axis.names.len().div_ceil(wanted).max(1);
    let ticks = axis.names.iter().enumerate().step_by(every);
    let ticks = ticks.map(|(place, name)| Tick { placed: place as f64, label: name.clone() });
    ticks.filter(|tick| tick.placed >= low && tick.placed <= high).collect()
}

/// The smallest of 1, 2, 5 times a power of ten that is at least `least`.
fn round_step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|s| *s >= least * (1.0 - 1e-9)).unwrap_or(10.0 * power)
}

fn powers(low: f64, high: f64, wanted: usize) -> Vec<Tick> {
    let stride = ((high - low) / wanted as f64).ceil().max(1.0);
    let mut exponent = (low / stride).ceil() * stride;
    let mut out = Vec::new();
    while exponent <= high + 1e-9 && out.len() < 200 {
        out.push(Tick { placed: exponent, label: power_label(10f64.powf(exponent)) });
        exponent += stride;
    }
    // Less than one decade in view: powers of ten alone would leave an axis without numbers.
    if out.len() < 2 {
        let (a, b) = (10f64.powf(low), 10f64.powf(high));
        return linear(a, b, wanted.min(4), false)
            .into_iter()
            .filter(|t| t.placed > 0.0)
            .map(|t| Tick { placed: t.placed.log10(), ..t })
            .collect();
    }
    out
}

/// Zero, then outwards on both sides the powers of ten, with their doubles and fivefolds while few of them are in view; a
/// tick too close to the one before is left out.
fn signed(low: f64, high: f64, wanted: usize, unit: f64) -> Vec<Tick> {
    let scale = Scale::SignedLog { unit };
    let reach = scale.value(low.abs().max(high.abs())).abs();
    let decades = (reach / unit).log10().max(0.0) + 1.0;
    let multiples: &[f64] = if 4.0 * decades <= wanted as f64 { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let gap = 0.7 * (high - low) / wanted as f64;
    let mut out = vec![Tick { placed: 0.0, label: "0".into() }];
    let mut last = 0.0;
    let mut power = 10f64.powf(unit.log10().floor() - 1.0);
    while power <= reach && out.len() < 200 {
        for value in multiples.iter().map(|m| m * power) {
            let placed = scale.place(value);
            if placed - last >= gap {
                last = placed;
                out.extend([value, -value].map(|v| Tick { placed: scale.place(v), label: power_label(v) }));
            }
        }
        power *= 10.0;
    }
    out.retain(|t| t.placed >= low && t.placed <= high);
    out.sort_by(|a, b| a.placed.total_cmp(&b.placed));
    out
}

/// A power of ten as short as it can be said: plain from 0.01 to 10 000, else with an exponent.
fn power_label(value: f64) -> String {
    let size = value.abs();
    if (0.009..10_001.0).contains(&size) {
        number(value, 10f64.powf((size.min(1.0).log10() + 1e-9).floor()))
    } else {
        minus(&format!("{value:.0e}"))
    }
}

/// `value` with as many decimals as a step of `step` needs, and a true minus.
pub fn number(value: f64, step: f64) -> String {
    let size = value.abs().max(step.abs());
    if size >= 1e6 || (size > 0.0 && size < 1e-4) {
        return minus(&format!("{value:.1e}"));
    }
    // A step between 1e-5 and 1e6 has at most 5 decimals, so the cast is exact.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=6")]
    let decimals = (-(step.log10() + 1e-9).floor()).clamp(0.0, 6.0) as usize;
    minus(&format!("{value:.decimals$}"))
}

/// Replaces the hyphen by the minus sign, and says 0 for −0.
fn minus(text: &str) -> String {
    let text = text.replace('-', "\u{2212}");
    match text.strip_prefix('\u{2212}') {
        Some(rest) if rest.chars().all(|c| c == '0' || c == '.') => rest.to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis, wanted: usize) -> Vec<String> {
        let (low, high) = axis.placed_bounds();
        ticks(axis, low, high, wanted).into_iter().map(|t| t.label).collect()
    }

    #[test]
    fn linear_ticks_are_round_numbers_with_a_true_minus() {
        // 8.1 over 8 ticks: at least 1.01, so 2; multiples of 2 from −2 to 6.
        assert_eq!(labels(&Axis::linear("", -2.1, 6.0), 8), ["−2", "0", "2", "4", "6"]);
        assert_eq!(labels(&Axis::linear("", 0.0, 0.1), 5), ["0.00", "0.02", "0.04", "0.06", "0.08", "0.10"]);
    }

    #[test]
    fn channels_have_whole_ticks() {
        let axis = Axis { whole: true, ..Axis::linear("channel", -0.5, 3.5) };
        assert_eq!(labels(&axis, 12), ["0", "1", "2", "3"]);
    }

    #[test]
    fn logarithmic_ticks_are_powers_of_ten() {
        let counts = Axis::linear("", 0.5, 20_000.0).on(Scale::Log { floor: 0.5 });
        assert_eq!(labels(&counts, 10), ["1", "10", "100", "1000", "10000"]);
        // 0.01 stands at log10(1.1) = 0.04: closer to 0 than 0.7·(2.3 + 3.2)/14 = 0.27, and left out.
        let tails = Axis::linear("", -20.0, 150.0).on(Scale::SignedLog { unit: 0.1 });
        assert_eq!(labels(&tails, 14), ["−10", "−1", "−0.1", "0", "0.1", "1", "10", "100"]);
        // Hardly more than a decade: doubles and fivefolds fill it.
        let few = Axis::linear("", -2.0, 6.0).on(Scale::SignedLog { unit: 0.4 });
        assert_eq!(
            labels(&few, 14),
            ["−2.0", "−1.0", "−0.5", "−0.2", "0", "0.2", "0.5", "1.0", "2.0", "5.0"].map(|l| l.replace(".0", ""))
        );
    }

    #[test]
    fn an_empty_stretch_has_no_ticks() {
        assert!(ticks(&Axis::linear("", 0.0, 1.0), 1.0, 1.0, 5).is_empty());
        assert!(ticks(&Axis::linear("", 0.0, 1.0), f64::NAN, 1.0, 5).is_empty());
    }
}
