//! A stretch of layers brushed on the drift strip, as a term of the filter: `at:4..12`, layers 4 to 12 in graph order. So
//! everything that the filter narrows follows the brush, and the filter box shows and clears it like any other term.

use std::ops::RangeInclusive;

/// What the term begins with.
const KEY: &str = "at:";

/// The filter with this stretch in place of any other; `None` takes it out.
pub fn brushed(filter: &str, stretch: Option<&RangeInclusive<usize>>) -> String {
    let others = filter.split_whitespace().filter(|term| !term.to_lowercase().starts_with(KEY));
    // A quoted name may hold white space, several in a row too: such a text is only added to.
    let mut text = if filter.contains('"') && !filter.to_lowercase().contains(KEY) {
        filter.trim().to_owned()
    } else {
        others.collect::<Vec<_>>().join(" ")
    };
    if let Some(stretch) = stretch {
        if !text.is_empty() {
            text.push(' ');
        }
        text += &format!("{KEY}{}..{}", stretch.start(), stretch.end());
    }
    text
}

/// Reads `4..12` or `7`; `None` where it is neither.
pub fn parse(value: &str) -> Option<RangeInclusive<usize>> {
    let Some((first, last)) = value.split_once("..") else {
        let only = value.parse().ok()?;
        return Some(only..=only);
    };
    let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last).then_some(first..=last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_brush_replaces_the_one_before_and_leaves_the_rest() {
        assert_eq!(brushed("", Some(&(4..=12))), "at:4..12");
        assert_eq!(brushed("op:Conv AT:1..2 sqnr<20", Some(&(4..=12))), "op:Conv sqnr<20 at:4..12");
        assert_eq!(brushed("op:Conv at:1..2", None), "op:Conv");
        assert_eq!(brushed("\"two  words\"", Some(&(0..=1))), "\"two  words\" at:0..1");
    }

    #[test]
    fn a_stretch_is_read_back() {
        assert_eq!(parse("4..12"), Some(4..=12));
        assert_eq!(parse("7"), Some(7..=7));
        for wrong in ["", "..", "4..", "12..4", "x", "-1..3"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
