//! Numbers as text, the same everywhere: true minus, digits that fit what the number means, and three different
//! texts for "not yet known", "no error at all" and "there is no such number".

mod counts;

pub use counts::{bytes, count, counted, plural, share_percent, share_with_counts, signed_bytes, whole_bytes};
use quantlens_analysis::{
    calibrate::{Flavour, Method},
    config::Granularity,
    mark,
    metrics::Measure,
    quant::{Bits, Range},
    report::{Flow, FlowKind, SampleScope},
    t,
    text::text,
};

/// What stands in a cell whose value is not known yet.
pub const UNKNOWN: &str = "–";
/// What stands in a cell whose value does not exist; the reason belongs on hover.
pub const NOT_APPLICABLE: &str = mark!("n/a");
/// What stands for a ratio to an error of zero.
pub const EXACT: &str = mark!("exact");

/// `value` with `decimals` digits and a true minus; never "−0.0".
pub fn number(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let is_zero = text.bytes().all(|b| b == b'0' || b == b'.');
    if value < 0.0 && !is_zero { format!("−{text}") } else { text }
}

/// As [`number`], with a plus where it is positive: for differences.
pub fn signed(value: f64, decimals: usize) -> String {
    let text = number(value, decimals);
    let is_zero = text.bytes().all(|b| b == b'0' || b == b'.');
    if value > 0.0 && !is_zero { format!("+{text}") } else { text }
}

/// Decibels without their unit: one decimal ("24.8"); "exact", "n/a".
pub fn db(value: Measure) -> String {
    measure(value, |v| number(v, 1))
}

/// Decibels with their unit where they are a number: "24.8 dB".
pub fn db_unit(value: Measure) -> String {
    measure(value, |v| format!("{} dB", number(v, 1)))
}

/// What an SQNR says of the error's size: "8.1 dB: the error is 39 % of the signal"; `None` where there is no number.
pub fn noise_words(value: Measure) -> Option<String> {
    let db = value.value()?;
    let percent = significant(100.0 * 10f64.powf(-db / 20.0), 2);
    Some(t!("{} dB: the error is {} % of the signal", number(db, 1), percent))
}

/// A gain: three decimals, finer than the 5 % from which one is worth a look.
pub fn gain(value: Measure) -> String {
    measure(value, |v| number(v, 3))
}

/// A cosine: four decimals.
pub fn ratio(value: Measure) -> String {
    measure(value, |v| number(v, 4))
}

/// A value of no fixed size: see [`significant`].
pub fn size_free(value: Measure) -> String {
    measure(value, |v| significant(v, 3))
}

/// A share in 0..=1 as a percentage without its sign of percent: "0.31".
pub fn percent_measure(value: Measure) -> String {
    measure(value, |v| number(100.0 * v, 2))
}

/// "sample 17 of 32, cat.png", counted from 1.
pub fn scope(scope: &SampleScope) -> String {
    let name = if scope.name.is_empty() { String::new() } else { format!(", {}", scope.name) };
    t!("sample {} of {}{}", count(scope.index as u64 + 1), count(scope.of as u64), name)
}

/// By how much a layer amplifies, without the unit: "+1.2", "−2.1", "0.0"; in words where it has no number of dB.
pub fn flow(flow: &Flow) -> String {
    match (flow.kind, flow.change_db()) {
        (_, Some(db)) => signed(db, 1),
        (FlowKind::Amplifies, None) => t!("from exact").into(),
        (FlowKind::Attenuates, None) => t!("to exact").into(),
        (FlowKind::Mixes, None) => t!("mixes").into(),
    }
}

/// What a layer makes of the error it reads, with the levels as SQNR.
pub fn flow_words(flow: &Flow) -> String {
    let level = |nmse: f64| match nmse {
        0.0 => text(EXACT).to_owned(),
        f64::INFINITY => t!("no signal").to_owned(),
        nmse => format!("{} dB", number(-10.0 * nmse.log10(), 1)),
    };
    let (best, worst) = (level(flow.smallest_input_nmse), level(flow.largest_input_nmse));
    let (name, passed) = (sentence(flow.kind.name()), level(flow.inherited_nmse));
    if best == worst {
        t!("{}: it reads errors at {} and would pass them on at {}", name, best, passed)
    } else {
        t!("{}: it reads errors between {} and {} and would pass them on at {}", name, worst, best, passed)
    }
}

/// Why a measure is no number, for hover; `None` where it is one.
pub fn why(value: Measure) -> Option<&'static str> {
    match value {
        Measure::Value(_) => None,
        Measure::Exact => Some(t!("every value equals the float model's")),
        Measure::NotApplicable(reason) => Some(text(reason)),
    }
}

fn measure(value: Measure, show: impl FnOnce(f64) -> String) -> String {
    match value {
        Measure::Value(v) => show(v),
        Measure::Exact => text(EXACT).into(),
        Measure::NotApplicable(_) => text(NOT_APPLICABLE).into(),
    }
}

/// Orders measures from worst to best as decibels go: not applicable last, exact above every number.
pub fn db_rank(value: Measure) -> (u8, f64) {
    match value {
        Measure::Value(v) => (0, v),
        Measure::Exact => (1, f64::INFINITY),
        Measure::NotApplicable(_) => (2, f64::INFINITY),
    }
}

/// `digits` significant digits; powers of ten as `1.23e−6` outside 1e−3..1e6.
pub fn significant(value: f64, digits: usize) -> String {
    if value == 0.0 {
        return "0".into();
    }
    if !value.is_finite() {
        return if value.is_nan() {
            "NaN".into()
        } else if value > 0.0 {
            "∞".into()
        } else {
            "−∞".into()
        };
    }
    // The magnitude after rounding: 0.01 in float32 is a little less, and still two zeros and not three.
    let text = format!("{:.*e}", digits.saturating_sub(1), value);
    let magnitude = text.rsplit_once('e').and_then(|(_, exponent)| exponent.parse::<i32>().ok()).unwrap_or(0);
    if !(-3..6).contains(&magnitude) {
        return text.replace('-', "−");
    }
    let decimals = (i32::try_from(digits).unwrap_or(3) - 1 - magnitude).max(0);
    number(value, usize::try_from(decimals).unwrap_or(0))
}

/// A width as a table cell shows it: "8", "float".
pub fn bits(value: Bits) -> String {
    if value == Bits::Float { t!("float").into() } else { value.to_string() }
}

/// A width in a sentence: "8 bits", "float".
pub fn bits_words(value: Bits) -> String {
    match value {
        Bits::Float => t!("float").into(),
        Bits::Small(format) => format.name().into(),
        Bits::Int(n) => t!("{} bits", n),
    }
}

/// How a range is chosen: "min–max", "KL".
pub fn method(value: Method) -> &'static str {
    match value {
        Method::MinMax => t!("min–max"),
        Method::Percentile => t!("percentile"),
        Method::Kl => "KL",
        Method::Entropy => t!("entropy"),
        Method::Mse => "MSE",
        Method::Manual => t!("manual"),
        Method::Flavour(flavour) => flavour.title(),
    }
}

/// As [`method`], where space is short: other tools by their initials.
pub fn method_short(value: Method) -> &'static str {
    match value {
        Method::Flavour(Flavour::OrtMinMax) => "ORT MinMax",
        Method::Flavour(Flavour::OrtEntropy) => t!("ORT entropy"),
        Method::Flavour(Flavour::OrtEntropy2048) => t!("ORT entropy 2048"),
        Method::Flavour(Flavour::OrtPercentile) => t!("ORT percentile"),
        Method::Flavour(Flavour::TensorRt) => "TensorRT",
        own_or_ppq => method(own_or_ppq),
    }
}

/// A range as people read it: "−2.10 … 6.00".
pub fn range(value: Range) -> String {
    format!("{} … {}", significant(f64::from(value.low), 3), significant(f64::from(value.high), 3))
}

/// A number beside others of up to this magnitude, all with the same decimals: four digits of the largest.
pub fn aligned(value: f32, most: f32) -> String {
    let most = f64::from(most.abs());
    let value = f64::from(value);
    if !value.is_finite() || !(1e-3..1e6).contains(&most) {
        return significant(value, 4);
    }
    // Between −3 and 5.
    #[expect(clippy::cast_possible_truncation, reason = "a whole number of one digit")]
    let magnitude = most.log10().floor() as i32;
    number(value, usize::try_from(3 - magnitude).unwrap_or(0))
}

/// All digits that tell this float32 from its neighbours; [`parse_real`] gives it back bit for bit.
pub fn exact(value: f32) -> String {
    let size = value.abs();
    let text = if size != 0.0 && !(1e-5..1e7).contains(&size) { format!("{value:e}") } else { value.to_string() };
    text.replace('-', "−")
}

/// A typed number; both minus signs are understood.
pub fn parse_real(text: &str) -> Option<f32> {
    text.trim().replace('−', "-").parse::<f32>().ok().filter(|value| value.is_finite())
}

/// With a capital letter, as a sentence begins.
pub fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// "per tensor", "per channel".
pub fn granularity(value: Granularity) -> String {
    match value {
        Granularity::PerTensor => t!("per tensor").into(),
        Granularity::PerChannel => t!("per channel").into(),
        Granularity::PerGroup(group) => t!("per group of {}", group),
    }
}

/// The same as configurations spell it: "per-channel", "per-group-32".
pub fn granularity_name(value: Granularity) -> String {
    match value {
        Granularity::PerTensor => t!("per-tensor").into(),
        Granularity::PerChannel => t!("per-channel").into(),
        Granularity::PerGroup(group) => t!("per-group-{}", group),
    }
}

/// A waiting time as people say it: "under 1 s", "12 s", "3 min", "2 h".
pub fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 1.0 => t!("under 1 s").into(),
        s if s < 90.0 => t!("{} s", number(s, 0)),
        s if s < 5400.0 => t!("{} min", number(s / 60.0, 0)),
        s => t!("{} h", number(s / 3600.0, 0)),
    }
}

#[cfg(test)]
mod tests {
    use quantlens_analysis::report::Share;

    use super::*;

    #[test]
    fn a_minus_is_true_and_zero_has_none() {
        assert_eq!(number(-0.24, 1), "−0.2");
        assert_eq!(number(-0.04, 1), "0.0");
        assert_eq!(signed(66.94, 1), "+66.9");
        assert_eq!(signed(0.01, 1), "0.0");
    }

    #[test]
    fn the_three_kinds_of_no_number_differ() {
        assert_eq!(db(Measure::Exact), "exact");
        assert_eq!(db(Measure::NotApplicable("weights are float")), "n/a");
        assert_eq!(why(Measure::NotApplicable("weights are float")), Some("weights are float"));
        assert_eq!(db_unit(Measure::Value(-0.2)), "−0.2 dB");
    }

    #[test]
    fn significant_digits_follow_the_magnitude() {
        assert_eq!(significant(312.46, 3), "312");
        assert_eq!(significant(-2.1449, 3), "−2.14");
        assert_eq!(significant(0.02344, 3), "0.0234");
        assert_eq!(significant(0.000_012_3, 3), "1.23e−5");
        assert_eq!((significant(f64::from(0.01_f32), 4), significant(9.996, 3)), ("0.01000".into(), "10.0".into()));
        assert_eq!(significant(-3.4e38, 3), "−3.40e38");
        assert_eq!(significant(f64::NEG_INFINITY, 3), "−∞");
    }

    #[test]
    fn a_typed_range_end_comes_back_bit_for_bit() {
        let odd = [0.1, -3.861_234, 1e-42, -6.2e-9, f32::MAX, 16_777_216.0, 1.0 / 3.0, -0.0];
        for value in odd {
            assert_eq!(parse_real(&exact(value)).unwrap().to_bits(), value.to_bits(), "{}", exact(value));
        }
        assert_eq!(exact(-3.5), "−3.5");
        assert_eq!(
            (parse_real(" -2.5"), parse_real("2,5"), parse_real("inf"), parse_real("")),
            (Some(-2.5), None, None, None)
        );
    }

    #[test]
    fn numbers_in_a_column_have_the_same_decimals() {
        assert_eq!([6.0, -0.28, 3.1].map(|v| aligned(v, 6.0)), ["6.000", "−0.280", "3.100"]);
        assert_eq!((aligned(312.46, 312.46), aligned(0.02, 0.05)), ("312.5".into(), "0.02000".into()));
        assert_eq!((aligned(1e-7, 1e-7), aligned(f32::INFINITY, 2.0)), ("1.000e−7".into(), "∞".into()));
    }

    #[test]
    fn sizes_counts_and_shares() {
        assert_eq!(bytes(812), "812 B");
        assert_eq!(bytes(75_776), "74.0 KiB"); // 75776 / 1024 = 74
        assert_eq!(bytes(1_048_575), "1.0 MiB", "never 1024.0 KiB");
        assert_eq!(count(3_504_872), "3\u{202F}504\u{202F}872");
        assert_eq!(share_with_counts(Share { count: 116, of: 360 }), "32.2 % (116 of 360)");
        assert_eq!(plural(1, "layer"), "1 layer");
        assert_eq!(duration(0.2), "under 1 s");
        assert_eq!(duration(89.6), "90 s");
        assert_eq!(duration(150.0), "2 min"); // 2.5 rounds to even
    }
}
