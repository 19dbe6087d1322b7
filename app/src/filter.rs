//! The filter language of the layer list: `conv op:Conv bits:4 sqnr<20 clip>1% -name is:edited`.
//!
//! Terms are joined by *and*; a leading `-` negates one term. The tricky part is what a user sees while typing: an
//! unfinished term (`op:`, `sqnr<`) is an error with a message, and the last query that could be read stays in force,
//! so that the table does not jump. A value that is not applicable fits no comparison, neither `<` nor `>`.

use std::{
    ops::{Range, RangeInclusive},
    str::FromStr as _,
};

use quantlens_analysis::{
    compare::RowChange,
    metrics::Measure,
    quant::Bits,
    report::{LayerInfo, LayerRow},
    t,
};

/// A parsed filter; the empty text matches everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    terms: Vec<Term>,
}

/// Why a filter cannot be read, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    /// The offending bytes of the text; they begin and end between characters.
    pub range: Range<usize>,
    /// One sentence for the user.
    pub message: String,
}

/// One condition on a row.
#[derive(Clone, Debug, PartialEq)]
struct Term {
    negated: bool,
    test: Test,
}

#[derive(Clone, Debug, PartialEq)]
enum Test {
    /// Part of the name or of the operator, lower case.
    Word(String),
    /// The operator, lower case, or a prefix of it ending in `*`.
    Op(String),
    Bits(Part, Bits),
    Compare(Quantity, Comparison, f64),
    Is(Property),
    /// Layers of this stretch of the graph.
    At(RangeInclusive<usize>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Either,
    Weights,
    Activation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quantity {
    Accumulated,
    Local,
    Cosine,
    MaxAbs,
    Clipped,
    Size,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Property {
    Edited,
    Float,
    Fixed,
    Shared,
    Differs,
}

impl Query {
    /// Parses a filter.
    ///
    /// # Errors
    /// A sentence that names the part that is not understood; [`Query::parse_at`] also says where it stands.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::parse_at(text).map_err(|error| error.message)
    }

    /// Parses a filter.
    ///
    /// # Errors
    /// The first term that is not understood.
    pub fn parse_at(text: &str) -> Result<Self, FilterError> {
        parse(text).map(|terms| Self { terms })
    }

    /// The stretch of layers that is asked for, where one is.
    pub fn stretch(&self) -> Option<RangeInclusive<usize>> {
        self.terms.iter().find_map(|term| match &term.test {
            Test::At(stretch) if !term.negated => Some(stretch.clone()),
            _ => None,
        })
    }

    /// Whether everything matches.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether a layer fits; `row` is `None` until it was evaluated, and then only what the model says can fit.
    pub fn matches(&self, info: &LayerInfo, row: Option<&LayerRow>) -> bool {
        self.matches_beside(info, row, None)
    }

    /// [`Query::matches`] with the layer's difference to the pinned baseline, where there is one.
    pub fn matches_beside(&self, info: &LayerInfo, row: Option<&LayerRow>, change: Option<&RowChange>) -> bool {
        self.terms.iter().all(|term| term.test.holds(info, row, change) != term.negated)
    }
}

impl Test {
    fn holds(&self, info: &LayerInfo, row: Option<&LayerRow>, change: Option<&RowChange>) -> bool {
        match self {
            Self::Word(word) => info.name.to_lowercase().contains(word) || info.op.to_lowercase().contains(word),
            Self::Op(op) => {
                let found = info.op.to_lowercase();
                op.strip_suffix('*').map_or(found == *op, |stem| found.starts_with(stem))
            }
            Self::Bits(part, bits) => row.is_some_and(|row| match part {
                Part::Either => row.weight_bits == Some(*bits) || row.activation_bits == Some(*bits),
                Part::Weights => row.weight_bits == Some(*bits),
                Part::Activation => row.activation_bits == Some(*bits),
            }),
            Self::Compare(quantity, comparison, limit) => {
                row.and_then(|row| quantity.of(row)).is_some_and(|value| comparison.holds(value, *limit))
            }
            Self::At(stretch) => stretch.contains(&info.index),
            Self::Is(Property::Differs) => change.is_some_and(|change| change.differs),
            Self::Is(property) => property.holds(info, row),
        }
    }
}

impl Quantity {
    /// The row's value; `None` where it does not apply. An exact match has an infinite SQNR.
    fn of(self, row: &LayerRow) -> Option<f64> {
        let or_infinite = |measure| match measure {
            Measure::Value(value) => Some(value),
            Measure::Exact => Some(f64::INFINITY),
            Measure::NotApplicable(_) => None,
        };
        let plain = |measure| if let Measure::Value(value) = measure { Some(value) } else { None };
        match self {
            Self::Accumulated => or_infinite(row.accumulated.sqnr_db),
            Self::Local => or_infinite(row.local.sqnr_db),
            Self::Cosine => plain(row.accumulated.cosine),
            Self::MaxAbs => plain(row.accumulated.max_abs),
            Self::Clipped => plain(row.clipped_fraction),
            // A file beyond 2^53 bytes does not exist.
            Self::Size => Some(row.quantized_bytes as f64),
        }
    }
}

impl Comparison {
    fn holds(self, value: f64, limit: f64) -> bool {
        match self {
            Self::Less => value < limit,
            Self::LessEqual => value <= limit,
            Self::Greater => value > limit,
            Self::GreaterEqual => value >= limit,
            Self::Equal => value == limit,
        }
    }
}

impl Property {
    fn holds(self, info: &LayerInfo, row: Option<&LayerRow>) -> bool {
        let is_float = |bits: Option<Bits>| bits.is_none_or(Bits::is_float);
        match self {
            Self::Edited => row.is_some_and(|row| row.edited),
            Self::Float => row.is_some_and(|row| is_float(row.weight_bits) && is_float(row.activation_bits)),
            Self::Fixed => info.weight_fixed.is_some() || info.activation_fixed.is_some(),
            Self::Shared => !info.shares_activation_with.is_empty() || !info.shares_weight_with.is_empty(),
            // Nothing of the row says so; see `Test::holds`.
            Self::Differs => false,
        }
    }
}

/// Reads a whole filter.
fn parse(text: &str) -> Result<Vec<Term>, FilterError> {
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
        let message = t!("The quotation mark is not closed").to_owned();
        return Err(FilterError { range: from..text.len(), message });
    }
    tokens.extend(start.map(|from| from..text.len()));
    Ok(tokens)
}

/// Reads one term without its `-`; the error is a sentence for the user.
fn parse_test(body: &str) -> Result<Test, String> {
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

fn parse_key(key: &str, value: &str) -> Result<Test, String> {
    let value = value.replace('"', "");
    let bits = |part| match Bits::from_str(&value.to_lowercase()) {
        Ok(bits) => Ok(Test::Bits(part, bits)),
        Err(_) => Err(t!("`{}:` needs a width: 2 to 8, 16 or float", key)),
    };
    match key {
        "op" if value.is_empty() => Err(t!("`op:` needs an operator, as in op:Conv").to_owned()),
        "op" => Ok(Test::Op(value.to_lowercase())),
        "at" => crate::brush::parse(&value)
            .map(Test::At)
            .ok_or_else(|| t!("`at:` needs a stretch of layers, as in at:4..12").to_owned()),
        "bits" => bits(Part::Either),
        "w" => bits(Part::Weights),
        "a" => bits(Part::Activation),
        "is" => match value.to_lowercase().as_str() {
            "edited" => Ok(Test::Is(Property::Edited)),
            "float" => Ok(Test::Is(Property::Float)),
            "fixed" => Ok(Test::Is(Property::Fixed)),
            "shared" => Ok(Test::Is(Property::Shared)),
            "differs" => Ok(Test::Is(Property::Differs)),
            _ => Err(t!("`is:` takes edited, float, fixed, shared or differs (from the pinned baseline)").to_owned()),
        },
        _ => Err(t!(
            "Unknown key `{}:`; known are op, bits, w, a, is, at. Put \"…\" around a name that holds a colon",
            key
        )),
    }
}

fn parse_comparison(key: &str, rest: &str) -> Result<Test, String> {
    let quantity = match key {
        "sqnr" | "acc" | "accumulated" => Quantity::Accumulated,
        "local" => Quantity::Local,
        "cos" | "cosine" => Quantity::Cosine,
        "max" => Quantity::MaxAbs,
        "clip" | "clipped" => Quantity::Clipped,
        "size" => Quantity::Size,
        _ => return Err(t!("Unknown quantity `{}`; known are sqnr, local, cosine, max, clip, size", key)),
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
        .ok_or_else(|| t!("`{}` needs a number, as in {}", key, quantity.example()))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::fixtures;

    /// Names of the fixture's rows that fit `text`.
    fn fits(text: &str) -> Vec<String> {
        let query = Query::parse(text).unwrap();
        let report = fixtures::report();
        let fitting = report.rows.iter().filter(|row| query.matches(&row.info, Some(row)));
        fitting.map(|row| row.info.name.clone()).collect()
    }

    #[test]
    fn words_match_name_or_operator_in_any_case_and_all_must_hold() {
        assert_eq!(fits("STEM conv"), ["stem/conv"]);
        assert_eq!(fits("gemm"), ["head/fc"]);
        assert_eq!(fits("").len(), fixtures::report().rows.len());
        assert!(fits("nothing-like-this").is_empty());
    }

    #[test]
    fn an_operator_is_matched_whole_and_by_prefix_with_a_star() {
        // A word would also find `stem/conv` by its name; the operator of `block1/add` is Add.
        assert_eq!(fits("op:add"), ["block2/add", "block4/add"]);
        assert!(fits("op:Con").is_empty());
        assert_eq!(fits("op:con*"), fits("op:Conv"));
    }

    #[test]
    fn a_minus_excludes() {
        let (all, conv, rest) = (fits("").len(), fits("op:conv").len(), fits("-op:conv").len());
        assert!(conv > 0 && rest > 0);
        assert_eq!(conv + rest, all);
        assert_eq!(fits("-"), fits(""));
    }

    #[test]
    fn comparisons_know_units_infinity_and_what_does_not_apply() {
        let report = fixtures::report();
        let below = |limit: f64| {
            let value =
                |row: &LayerRow| if let Measure::Value(v) = row.accumulated.sqnr_db { v } else { f64::INFINITY };
            report.rows.iter().filter(|row| value(row) < limit).count()
        };
        assert_eq!(fits("sqnr<20").len(), below(20.0));
        assert_eq!(fits("sqnr<20dB"), fits("sqnr<20"));
        // The pooled reshape is exact: infinite, so it is above every limit.
        assert!(fits("local>1000").contains(&"head/flatten".to_owned()));
        // Its clipped share does not apply, so neither side holds it, though a negation does.
        assert!(!fits("clip>=0%").contains(&"head/flatten".to_owned()));
        assert!(!fits("clip<100%").contains(&"head/flatten".to_owned()));
        assert!(fits("-clip<100%").contains(&"head/flatten".to_owned()));
        assert_eq!(fits("clip>1%"), fits("clip>1"));
        // 1.5 KiB are 1536 bytes.
        assert_eq!(fits("size>1.5k"), fits("size>1536"));
    }

    #[test]
    fn bits_and_properties() {
        assert_eq!(fits("w:4"), ["block3/depthwise"]);
        assert_eq!(fits("is:edited"), ["block3/depthwise"]);
        assert!(fits("is:float").contains(&"head/softmax".to_owned()));
        assert!(fits("is:fixed").contains(&"head/softmax".to_owned()));
        assert!(fits("is:shared").contains(&"head/flatten".to_owned()));
        assert!(fits("bits:8").len() > 10);
        assert_eq!(fits("w:FLOAT"), fits("w:float"));
    }

    #[test]
    fn quotation_marks_hold_spaces_and_colons() {
        assert_eq!(fits("\"stem/conv\""), ["stem/conv"]);
        assert!(fits("\"a: b\"").is_empty());
        assert_eq!(fits("-\"stem/conv\"").len() + 1, fits("").len());
    }

    #[test]
    fn an_unfinished_term_is_refused_with_its_place_and_what_is_missing() {
        for (text, range, part) in [
            ("op:add sqnr<", 7..12, "sqnr<20"),
            ("op:", 0..3, "op:Conv"),
            ("bits:9", 0..6, "2 to 8"),
            ("is:nice", 0..7, "edited"),
            ("colour:red", 0..10, "colour"),
            ("weight<3", 0..8, "weight"),
            ("\"open", 0..5, "closed"),
            ("sqnr<nan", 0..8, "number"),
            ("é size>ü", 3..10, "size>10k"),
        ] {
            let error = Query::parse_at(text).unwrap_err();
            assert_eq!(error.range, range, "{text}");
            assert!(text.get(error.range).is_some(), "{text}: not between characters");
            assert!(error.message.contains(part), "{text}: {}", error.message);
        }
        assert!(Query::parse("").unwrap().is_empty());
    }

    #[test]
    fn before_the_first_evaluation_only_the_model_can_fit() {
        let report = fixtures::report();
        let fits = |text: &str| {
            let query = Query::parse(text).unwrap();
            report.rows.iter().filter(|row| query.matches(&row.info, None)).count()
        };
        assert_eq!(fits("op:add"), 2);
        assert_eq!(fits("sqnr<1000 bits:8 is:edited"), 0);
    }
}
