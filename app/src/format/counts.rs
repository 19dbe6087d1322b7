//! How many and how large: counts with their nouns, shares, bytes.

use quantlens_analysis::{
    mark,
    report::Share,
    t,
    text::{Language, Text, filled, language},
};

use super::{UNKNOWN, number};

/// A share as a percentage with its counts: "32.2 % (116 of 360)".
pub fn share_with_counts(share: Share) -> String {
    t!("{} ({} of {})", share_percent(share), count(share.count as u64), count(share.of as u64))
}

/// A share as a percentage: "32.2 %"; "–" of nothing.
pub fn share_percent(share: Share) -> String {
    if share.of == 0 { UNKNOWN.into() } else { format!("{} %", number(100.0 * share.fraction(), 1)) }
}

/// Bytes in binary units: "812 B", "74.0 KiB", "5.8 GiB".
pub fn bytes(value: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut scaled = value as f64;
    let mut unit = 0;
    while scaled >= 1023.95 && unit + 1 < UNITS.len() {
        scaled /= 1024.0;
        unit += 1;
    }
    let decimals = usize::from(unit > 0);
    format!("{} {}", number(scaled, decimals), UNITS.get(unit).copied().unwrap_or_default())
}

/// Whole bytes that came as a number.
pub fn whole_bytes(value: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a size, not negative")]
    let value = value.max(0.0) as u64;
    bytes(value)
}

/// A difference of sizes: "+12 B", "−3.2 KiB".
pub fn signed_bytes(difference: f64) -> String {
    let text = whole_bytes(difference.abs());
    match difference {
        d if d > 0.0 => format!("+{text}"),
        d if d < 0.0 => format!("−{text}"),
        _ => text,
    }
}

/// A count with thin spaces between thousands: "3 504 872".
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + 6);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push('\u{202F}');
        }
        text.push(digit);
    }
    text
}

/// "1 layer", "12 layers".
pub fn plural(n: usize, one: &str) -> String {
    let number = count(n as u64);
    match pattern(one) {
        Some(pattern) if language() != Language::English => filled(pattern, &[&number]),
        _ => format!("{number} {one}{}", if n == 1 { "" } else { "s" }),
    }
}

/// [`plural`] as a text that is kept.
pub fn counted(n: usize, one: &'static str) -> Text {
    Text::made(move || plural(n, one))
}

/// How a number of these is said in other languages than English: a noun there may want a measure word beside it.
fn pattern(one: &str) -> Option<&'static str> {
    Some(match one {
        "bit" => mark!("{} bits"),
        "channel" => mark!("{} channels"),
        "edit" => mark!("{} edits"),
        "layer" => mark!("{} layers"),
        "more sample" => mark!("{} more samples"),
        "output" => mark!("{} outputs"),
        "pair" => mark!("{} pairs"),
        "product" => mark!("{} products"),
        "quantizer" => mark!("{} quantizers"),
        "quantizing node" => mark!("{} quantizing nodes"),
        "range" => mark!("{} ranges"),
        "row" => mark!("{} rows"),
        "sample" => mark!("{} samples"),
        "selected layer" => mark!("{} selected layers"),
        "tensor" => mark!("{} tensors"),
        "value" => mark!("{} values"),
        "warning" => mark!("{} warnings"),
        "worst layer" => mark!("{} worst layers"),
        _ => return None,
    })
}
