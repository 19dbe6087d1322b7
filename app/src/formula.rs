//! The formula of a quantizer with the layer's own numbers in it, as the inspector shows it.
//!
//! Numbers are rounded for reading, so a reader with a calculator gets the last digit to within one; every number is that
//! of the quantizer itself, none is worked out from the rounded ones.

use quantlens_analysis::{
    quant::{FloatFormat, IntegerFormat, NumberFormat, Range, Scheme, SymmetricRule},
    report::{ActivationSummary, WeightSummary},
    t,
};

use crate::format::{bits_words, number, significant};

/// What a formula is about.
struct Quantizer {
    /// What the values are called: `r`, `w`.
    variable: char,
    number: NumberFormat,
    range: Range,
    scale: f32,
    zero_point: i32,
    /// Why the scale is not the one that the range asks for, where it is another.
    other_scale: &'static str,
}

/// The formula of an output, a line each for code, scale and zero-point.
pub fn of_output(output: &ActivationSummary) -> Vec<String> {
    lines(&Quantizer {
        variable: 'r',
        number: output.number,
        range: Range::new(output.low, output.high),
        scale: output.scale,
        zero_point: output.zero_point,
        other_scale: t!("fixed by the operator or by a scale it shares"),
    })
}

/// The formula of a weight: of its first channel or group where it has several scales, with a line that says so.
pub fn of_weight(weight: &WeightSummary) -> Vec<String> {
    let first = weight.first;
    let mut lines = lines(&Quantizer {
        variable: 'w',
        number: weight.number,
        range: first.range,
        scale: first.scale,
        zero_point: first.zero_point,
        other_scale: t!("raised so that the bias fits int32"),
    });
    let (low, high) = weight.scale_range;
    if weight.granularity.is_fine() && low.to_bits() != high.to_bits() {
        let what = match weight.granularity {
            quantlens_analysis::config::Granularity::PerGroup(_) => t!("This is the first group"),
            _ => t!("This is channel 0"),
        };
        lines.push(t!("{}; S runs from {} to {}", what, real(low), real(high)));
    }
    lines
}

fn lines(quantizer: &Quantizer) -> Vec<String> {
    match quantizer.number {
        NumberFormat::Integer(format) => integer_lines(quantizer, format),
        NumberFormat::Float(format) => float_lines(quantizer, format),
    }
}

fn integer_lines(quantizer: &Quantizer, format: IntegerFormat) -> Vec<String> {
    let Quantizer { variable, range, scale, zero_point, .. } = *quantizer;
    let (q_min, q_max) = (format.grid.q_min(), format.grid.q_max());
    let shift = match zero_point {
        0 => String::new(),
        z if z > 0 => format!(" + {z}"),
        z => format!(" − {}", z.unsigned_abs()),
    };
    let clamp = format!("{}, {}", whole(q_min), whole(q_max));
    let mut lines = vec![format!("q = clamp(round({variable} / {}){shift}, {clamp})", real(scale))];
    let (asked, reason) = format.params(range);
    if let Some(reason) = reason {
        lines.push(t!("S = 1, Z = {}: the range {}", whole(zero_point), reason.reason()));
        return lines;
    }
    let is_other = is_other(asked.scale, scale);
    let asked_as = scale_formula(quantizer, format);
    lines.push(match (is_other, format.power_of_two) {
        (true, _) => t!("S = {}, {}", real(scale), quantizer.other_scale),
        (false, true) => t!("S = {}: the next power of two above {}", power(scale), asked_as),
        (false, false) => format!("S = {asked_as} = {}", real(scale)),
    });
    if format.scheme == Scheme::Affine && !is_other {
        let low = real(range.with_zero().low);
        let minus = if low.starts_with('−') { format!("({low})") } else { low };
        let z = whole(zero_point);
        lines.push(format!("Z = round({} − {minus} / {}) = {z}", whole(q_min), real(scale)));
    } else if zero_point != 0 && !is_other {
        lines.push(t!("Z = {}, the middle of the codes", whole(zero_point)));
    }
    lines
}

/// The right side of S before its value.
fn scale_formula(quantizer: &Quantizer, format: IntegerFormat) -> String {
    let range = quantizer.range.with_zero();
    let (q_min, q_max) = (format.grid.q_min(), format.grid.q_max());
    if format.scheme == Scheme::Affine {
        let low = real(range.low);
        let low = if low.starts_with('−') { format!("({low})") } else { low };
        return format!("({} − {low}) / {}", real(range.high), q_max - q_min);
    }
    let most = real(quantizer.range.amax());
    let size = format!("max|{}|", quantizer.variable);
    match format.rule {
        SymmetricRule::MaxCode => {
            let last = (1_i32 << (format.grid.bits() - 1)) - 1;
            format!("{size} / {last} = {most} / {last}")
        }
        SymmetricRule::Span => {
            let span = q_max - q_min;
            format!("2·{size} / {span} = 2·{most} / {span}")
        }
        SymmetricRule::Positive => format!("{size} / {q_max} = {most} / {q_max}"),
    }
}

fn float_lines(quantizer: &Quantizer, format: FloatFormat) -> Vec<String> {
    let Quantizer { variable, scale, range, .. } = *quantizer;
    let name = bits_words(quantlens_analysis::quant::Bits::Small(format));
    if !format.has_scale() {
        return vec![t!("q = {}({}), rounded to the nearest, half to even", name, variable)];
    }
    let (most, largest) = (real(range.amax()), real(format.largest_finite()));
    let (asked, reason) = format.scale(range.amax());
    let line = match reason {
        Some(reason) => t!("S = 1: the range {}", reason.reason()),
        None if is_other(asked, scale) => t!("S = {}, {}", real(scale), quantizer.other_scale),
        None => format!("S = max|{variable}| / {largest} = {most} / {largest} = {}", real(scale)),
    };
    vec![t!("q = {}({} / {}), rounded to the nearest, half to even", name, variable, real(scale)), line]
}

/// Whether a scale is another than the one that the range asks for.
fn is_other(asked: f32, scale: f32) -> bool {
    (asked - scale).abs() > 1e-6 * scale.abs()
}

fn real(value: f32) -> String {
    significant(f64::from(value), 4)
}

fn whole(value: i32) -> String {
    number(f64::from(value), 0)
}

/// A power of two with its exponent.
fn power(scale: f32) -> String {
    let exponent = f64::from(scale).log2();
    format!("{} = 2^{}", real(scale), number(exponent, 0))
}

#[cfg(test)]
mod tests {
    use quantlens_analysis::{
        calibrate::Method,
        config::Granularity,
        metrics::Measure,
        plan::GridRule,
        quant::{Bits, Codes, Sign},
        report::WeightScale,
    };

    use super::*;

    fn format(bits: u8, scheme: Scheme, sign: Sign) -> IntegerFormat {
        IntegerFormat::onnxruntime(bits, scheme, sign, Codes::Full).unwrap()
    }

    fn output(number: NumberFormat, low: f32, high: f32) -> ActivationSummary {
        let quantizer = number.quantizer(Range::new(low, high)).0;
        ActivationSummary {
            scale: quantizer.scale(),
            zero_point: quantizer.zero_point(),
            low,
            high,
            method: Method::MinMax,
            grid: quantizer.grid().map(|grid| (grid.q_min(), grid.q_max())),
            number,
            rule: GridRule { scheme: Scheme::Affine, sign: Sign::Signed, codes: Codes::Full },
            percentile: 99.99,
        }
    }

    fn of(format: IntegerFormat, low: f32, high: f32) -> Vec<String> {
        of_output(&output(NumberFormat::Integer(format), low, high))
    }

    #[test]
    fn the_affine_formula_has_the_layers_numbers() {
        // (3.861 + 2.106) / 255 = 0.0234; −128 + 2.106/0.0234 = −128 + 90 = −38.
        assert_eq!(
            of(format(8, Scheme::Affine, Sign::Signed), -2.106, 3.861),
            [
                "q = clamp(round(r / 0.02340) − 38, −128, 127)",
                "S = (3.861 − (−2.106)) / 255 = 0.02340",
                "Z = round(−128 − (−2.106) / 0.02340) = −38",
            ]
        );
        // A range that 0 is not in is widened: 0 … 6 of uint8.
        assert_eq!(
            of(format(8, Scheme::Affine, Sign::Unsigned), 1.0, 6.0),
            [
                "q = clamp(round(r / 0.02353), 0, 255)",
                "S = (6.000 − 0) / 255 = 0.02353",
                "Z = round(0 − 0 / 0.02353) = 0"
            ]
        );
    }

    #[test]
    fn the_symmetric_formula_follows_its_rule() {
        let signed = format(8, Scheme::Symmetric, Sign::Signed);
        assert_eq!(
            of(signed, -2.106, 3.861),
            ["q = clamp(round(r / 0.03040), −128, 127)", "S = max|r| / 127 = 3.861 / 127 = 0.03040"]
        );
        let unsigned = format(8, Scheme::Symmetric, Sign::Unsigned);
        assert_eq!(
            of(unsigned, -1.0, 2.55),
            [
                "q = clamp(round(r / 0.02000) + 128, 0, 255)",
                "S = 2·max|r| / 255 = 2·2.550 / 255 = 0.02000",
                "Z = 128, the middle of the codes",
            ]
        );
        let positive = IntegerFormat { rule: SymmetricRule::Positive, ..unsigned };
        assert_eq!(of(positive, 0.0, 2.55)[1], "S = max|r| / 255 = 2.550 / 255 = 0.01000");
        // 3.861/127 = 0.0304; the next power of two is 1/32.
        let power = IntegerFormat { power_of_two: true, ..signed };
        assert_eq!(
            of(power, -2.106, 3.861)[1],
            "S = 0.03125 = 2^−5: the next power of two above max|r| / 127 = 3.861 / 127"
        );
    }

    #[test]
    fn what_has_no_range_or_another_scale_says_so() {
        let signed = format(8, Scheme::Symmetric, Sign::Signed);
        assert_eq!(of(signed, 0.0, 0.0)[1], "S = 1, Z = 0: the range has no width: every value is 0");
        let fixed = ActivationSummary { scale: 0.5, ..output(NumberFormat::Integer(signed), -1.0, 1.0) };
        assert_eq!(of_output(&fixed)[1], "S = 0.5000, fixed by the operator or by a scale it shares");
    }

    #[test]
    fn a_small_float_has_a_scale_or_none() {
        let eight = of_output(&output(NumberFormat::Float(FloatFormat::Float8E4M3), -448.0, 224.0));
        assert_eq!(eight[1], "S = max|r| / 448.0 = 448.0 / 448.0 = 1.000");
        let nothing = of_output(&output(NumberFormat::Float(FloatFormat::Float8E4M3), 0.0, 0.0));
        assert_eq!(nothing[1], "S = 1: the range has no width: every value is 0");
        let joined =
            ActivationSummary { scale: 2.0, ..output(NumberFormat::Float(FloatFormat::Float8E4M3), -448.0, 224.0) };
        assert_eq!(of_output(&joined)[1], "S = 2.000, fixed by the operator or by a scale it shares");
        let half = of_output(&output(NumberFormat::Float(FloatFormat::Float16), -1.0, 1.0));
        assert_eq!(half.len(), 1);
        assert!(half[0].starts_with("q = float16(r)"), "{half:?}");
    }

    #[test]
    fn a_weight_with_many_scales_shows_the_first_and_how_far_they_run() {
        let signed = format(4, Scheme::Symmetric, Sign::Signed);
        let weight = WeightSummary {
            tensor: "w".into(),
            bits: Bits::Int(4),
            granularity: Granularity::PerChannel,
            scale_range: (0.1, 0.4),
            sqnr_db: Measure::Value(20.0),
            folded: false,
            number: NumberFormat::Integer(signed),
            rule: None,
            first: WeightScale { range: Range::new(-1.5, 0.75), scale: 0.2, zero_point: 0 },
        };
        // int4: 2·1.5 / 15 = 0.2.
        assert_eq!(
            of_weight(&weight),
            [
                "q = clamp(round(w / 0.2000), −8, 7)",
                "S = 2·max|w| / 15 = 2·1.500 / 15 = 0.2000",
                "This is channel 0; S runs from 0.1000 to 0.4000",
            ]
        );
        let raised = WeightSummary { first: WeightScale { scale: 0.3, ..weight.first }, ..weight };
        assert_eq!(of_weight(&raised)[1], "S = 0.3000, raised so that the bias fits int32");
    }
}
