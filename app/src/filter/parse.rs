//! From the text of a filter to its terms; an error says in a sentence what is missing, and where.

use std::{ops::Range, str::FromStr as _};

use quantlens_analysis::{quant::Bits, say, text::Text};

use super::{Comparison, FilterError, Part, Property, Quantity, Term, Test};

/// Reads a whole filter.
pub(super) fn parse(text: &str) -> Result<Vec<Term>, FilterError> {
    let mut terms = Vec::new();
    for range in split(text)? {
        let token = &text[range.clone()];
        let (negated, body) = token.strip_prefix('-').map_or((false, token), |rest| (true, rest));
        // A lone `-` is the beginning of a negation, not yet a condition.
        if body.is_empty() {
            continue;
        }
        let test = parse_test(body).map_err(|message| FilterError { range, message })?;
        terms.push(Term { negated, test });
    }
    Ok(terms)
}

/// Byte ranges of the tokens: runs without white space, in which `"…"` may hold white space.
fn split(text: &str) -> Result<Vec<Range<usize>>, FilterError> {
    let mut tokens = Vec::new();
    let mut start = None;
    let mut quote: Option<usize> = None;
    for (at, c) in text.char_indices() {
        if c == '"' {
            quote = if quote.is_some() { None } else { Some(at) };
            start.get_or_insert(at);
        } else if c.is_whitespace() && quote.is_none() {
            tokens.extend(start.take().map(|from| from..at));
        } else {
            start.get_or_insert(at);
        }
    }
    if let Some(from) = quote {
        let message = say!("The quotation mark is not closed");
        return Err(FilterError { range: from..text.len(), message });
    }
    tokens.extend(start.map(|from| from..text.len()));
    Ok(tokens)
}

/// Reads one term without its `-`; the error is a sentence for the user.
fn parse_test(body: &str) -> Result<Test, Text> {
    if body.starts_with('"') {
        return Ok(Test::Word(body.replace('"', "").to_lowercase()));
    }
    // `find` with a closure stops at the first of the three kinds of sign, so `a:b<c` is the key `a`.
    let Some(at) = body.find([':', '<', '>', '=']) else {
        return Ok(Test::Word(body.to_lowercase()));
    };
    let (key, rest) = body.split_at(at);
    let key = key.to_lowercase();
    if let Some(value) = rest.strip_prefix(':') { parse_key(&key, value) } else { parse_comparison(&key, rest) }
}

fn parse_key(key: &str, value: &str) -> Result<Test, Text> {
    let value = value.replace('"', "");
    let bits = |part| match Bits::from_str(&value.to_lowercase()) {
        Ok(bits) => Ok(Test::Bits(part, bits)),
        Err(_) => Err(say!("`{}:` needs a width: 2 to 8, 16 or float", key)),
    };
    match key {
        "op" if value.is_empty() => Err(say!("`op:` needs an operator, as in op:Conv")),
        "op" => Ok(Test::Op(value.to_lowercase())),
        "at" => crate::brush::parse(&value)
            .map(Test::At)
            .ok_or_else(|| say!("`at:` needs a stretch of layers, as in at:4..12")),
        "bits" => bits(Part::Either),
        "w" => bits(Part::Weights),
        "a" => bits(Part::Activation),
        "is" => match value.to_lowercase().as_str() {
            "edited" => Ok(Test::Is(Property::Edited)),
            "float" => Ok(Test::Is(Property::Float)),
            "fixed" => Ok(Test::Is(Property::Fixed)),
            "shared" => Ok(Test::Is(Property::Shared)),
            "differs" => Ok(Test::Is(Property::Differs)),
            _ => Err(say!("`is:` takes edited, float, fixed, shared or differs (from the pinned baseline)")),
        },
        _ => Err(say!(
            "Unknown key `{}:`; known are op, bits, w, a, is, at. Put \"…\" around a name that holds a colon",
            key
        )),
    }
}

fn parse_comparison(key: &str, rest: &str) -> Result<Test, Text> {
    let quantity = match key {
        "sqnr" | "acc" | "accumulated" => Quantity::Accumulated,
        "local" => Quantity::Local,
        "cos" | "cosine" => Quantity::Cosine,
        "max" => Quantity::MaxAbs,
        "clip" | "clipped" => Quantity::Clipped,
        "size" => Quantity::Size,
        _ => return Err(say!("Unknown quantity `{}`; known are sqnr, local, cosine, max, clip, size", key)),
    };
    let signs = [
        ("<=", Comparison::LessEqual),
        (">=", Comparison::GreaterEqual),
        ("<", Comparison::Less),
        (">", Comparison::Greater),
        ("=", Comparison::Equal),
    ];
    // The caller split at one of these signs, so one of them fits; an empty number is refused below.
    let (comparison, number) = signs
        .iter()
        .find_map(|(sign, comparison)| rest.strip_prefix(sign).map(|number| (*comparison, number)))
        .unwrap_or((Comparison::Equal, ""));
    parse_number(quantity, number)
        .map(|limit| Test::Compare(quantity, comparison, limit))
        .ok_or_else(|| say!("`{}` needs a number, as in {}", key, quantity.example()))
}

/// A number with the units of its quantity: `1%` (a bare number is a percentage too), `10k`, `2.5M`, `20dB`.
fn parse_number(quantity: Quantity, text: &str) -> Option<f64> {
    let text = text.to_lowercase().replace('\u{2212}', "-");
    let scaled = |suffixes: &[(&str, f64)], unit: f64| {
        let (digits, factor) = suffixes
            .iter()
            .find_map(|(suffix, factor)| text.strip_suffix(suffix).map(|digits| (digits, *factor)))
            .unwrap_or((&text, unit));
        f64::from_str(digits).ok().filter(|value| value.is_finite()).map(|value| value * factor)
    };
    match quantity {
        Quantity::Clipped => scaled(&[("%", 0.01)], 0.01),
        Quantity::Size => {
            scaled(&[("kib", 1024.0), ("mib", 1_048_576.0), ("k", 1024.0), ("m", 1_048_576.0), ("b", 1.0)], 1.0)
        }
        Quantity::Accumulated | Quantity::Local => scaled(&[("db", 1.0)], 1.0),
        Quantity::Cosine | Quantity::MaxAbs => scaled(&[], 1.0),
    }
}

impl Quantity {
    fn example(self) -> &'static str {
        match self {
            Self::Accumulated => "sqnr<20",
            Self::Local => "local<20",
            Self::Cosine => "cosine<0.99",
            Self::MaxAbs => "max>1",
            Self::Clipped => "clip>1%",
            Self::Size => "size>10k",
        }
    }
}
