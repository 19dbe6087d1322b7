//! The page's sentences and formulas: formatting of the layer's numbers and nothing else.

use quantlens_analysis::{
    report::{BiasForm, IntegerArithmetic, MultiplierFacts, PairSaturation, Reach, Remark, TensorGrid},
    t,
    text::text,
};

use crate::format::{count, plural, significant};

/// How large the accumulator was and can become.
pub(super) fn reach(found: &IntegerArithmetic) -> String {
    let words = |reach: &Reach| format!("{} ({})", count(reach.magnitude), bits(reach.bits));
    let room = if found.worst.bits <= 32 { t!("an int32 holds both") } else { t!("more than an int32 holds") };
    let worst = words(&found.worst);
    match &found.seen {
        Some(seen) if found.worst.bits > 32 && seen.bits <= 32 => {
            t!("Accumulators reach {} on the samples, and {} with the worst input: {}.", words(seen), worst, room)
        }
        Some(seen) => {
            t!("Accumulators reach {} on the samples, {} with the worst input: {}.", words(seen), worst, room)
        }
        None => {
            t!("With the worst input accumulators reach {}. No sample is in memory to see what they do reach.", worst)
        }
    }
}

fn bits(bits: u32) -> String {
    plural(usize::try_from(bits).unwrap_or(0), "bit")
}

/// What was found and what helps.
pub(super) fn remark(remark: &Remark) -> String {
    if remark.advice.is_empty() { remark.text.to_string() } else { format!("{} {}", remark.text, remark.advice) }
}

/// What the comparison was made on, or why there is none.
pub(super) fn coverage(found: &IntegerArithmetic) -> String {
    let coverage = &found.coverage;
    if coverage.outputs == 0 {
        return t!("No sample's tensors are in memory: raise the memory budget in Settings to compare.").into();
    }
    let samples = plural(coverage.samples, "sample");
    let outputs = if coverage.outputs == coverage.of {
        t!("All {} outputs of {} were computed in integers.", count(coverage.outputs), samples)
    } else {
        let (outputs, of) = (count(coverage.outputs), count(coverage.of));
        t!("{} of the {} outputs of {}, evenly spread, were computed in integers.", outputs, of, samples)
    };
    match &found.float_check {
        None => outputs,
        Some(check) => t!(
            "{} The output is float, so nothing is requantized; the float computation is off by at most {} steps of \
             the accumulator, {} % of what float32 sums may be off by.",
            outputs,
            significant(check.largest_difference, 3),
            significant(100.0 * check.largest_share, 3)
        ),
    }
}

/// `(general, with numbers)` for each line of the formula.
pub(super) fn formula(found: &IntegerArithmetic, channel: usize) -> Vec<(String, String)> {
    let Some(own) = found.channels.get(channel) else { return Vec::new() };
    let alpha = if found.alpha.to_bits() == 1.0_f32.to_bits() { "" } else { "alpha·" };
    let bias = if found.bias == BiasForm::None { "" } else { " + q_b" };
    let products = plural(found.taps, "product");
    let mut lines = vec![
        (
            format!("a = Σ (q_x − Z_x)·(q_w − Z_w){bias}"),
            format!("{products}, Z_x = {}, Z_w = {}", minus(found.input.zero_point), minus(own.weight_zero_point)),
        ),
        (
            format!("S_b = {alpha}S_x·S_w"),
            format!(
                "= {}{}·{} = {}",
                if alpha.is_empty() { String::new() } else { format!("{}·", significant(f64::from(found.alpha), 4)) },
                scale(found.input.scale),
                scale(own.weight_scale),
                significant(own.bias_scale, 6)
            ),
        ),
    ];
    match (&found.output, &own.multiplier) {
        (Some(output), Some(multiplier)) => lines.extend(requantization(found, output, multiplier)),
        _ => lines.push(("y = S_b·a".into(), format!("= {}·a", significant(own.bias_scale, 6)))),
    }
    lines.extend(pairs(found));
    lines
}

fn requantization(
    found: &IntegerArithmetic,
    output: &TensorGrid,
    multiplier: &MultiplierFacts,
) -> [(String, String); 3] {
    let real = significant(multiplier.real, 6);
    let fused = found.fused.as_ref().map_or(String::new(), |op| t!("; the clamp is {}'s", op));
    [
        ("M = S_b/S_y".into(), format!("= S_b/{} = {real}", scale(output.scale))),
        (
            format!("M ≈ M0·2^{}", minus(-multiplier.shift)),
            t!(
                "M0 = {} ({}), n = {}, off by {}",
                significant(multiplier.fraction, 8),
                hexadecimal(multiplier.m0),
                minus(multiplier.shift),
                significant(multiplier.relative_error, 2)
            ),
        ),
        (
            "q_y = clamp(round(M·a) + Z_y)".into(),
            format!(
                "= clamp(round({real}·a) {}, {}, {}){fused}",
                if output.zero_point < 0 {
                    format!("− {}", output.zero_point.unsigned_abs())
                } else {
                    format!("+ {}", output.zero_point)
                },
                minus(found.clamp.0),
                minus(found.clamp.1)
            ),
        ),
    ]
}

/// The 16-bit pairs where they exist; what endangers is a remark of its own.
fn pairs(found: &IntegerArithmetic) -> Option<(String, String)> {
    let words = match found.pairs {
        PairSaturation::Counted { pairs, can_saturate: 0, .. } => {
            t!("none of {} can saturate", plural(pairs, "pair"))
        }
        PairSaturation::Counted { .. } => return None,
        PairSaturation::NotApplicable(why) => t!("not here: {}", text(why)),
    };
    Some((t!("16-bit pairs of products:").into(), words))
}

/// `0x51EB851F`.
pub(super) fn hexadecimal(m0: i32) -> String {
    format!("0x{m0:08X}")
}

/// An integer with a minus sign that is one.
pub(super) fn minus(value: i32) -> String {
    value.to_string().replace('-', "−")
}

/// A scale, to the digits that float32 has.
pub(super) fn scale(value: f32) -> String {
    significant(f64::from(value), 6)
}
