//! The filter language of the layer list: `conv op:Conv bits:4 sqnr<20 clip>1% -name is:edited`.
//!
//! Terms are joined by *and*; a leading `-` negates one term. The tricky part is what a user sees while typing: an
//! unfinished term (`op:`, `sqnr<`) is an error with a message, and the last query that could be read stays in force,
//! so that the table does not jump. A value that is not applicable fits no comparison, neither `<` nor `>`.

mod parse;

use std::ops::{Range, RangeInclusive};

use parse::parse;

use quantlens_analysis::{
    compare::RowChange,
    metrics::Measure,
    quant::Bits,
    report::{LayerInfo, LayerRow},
    text::Text,
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
    pub message: Text,
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
    pub fn parse(text: &str) -> Result<Self, Text> {
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

#[cfg(test)]
mod tests;
