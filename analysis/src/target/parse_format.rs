//! The sections `[activations]` and `[weights]`.

use super::{
    Choice, Granularity, NumberFormat, ScaleRules,
    document::{Entry, Section},
};
use crate::{
    error::Result,
    quant::{Bits, Codes, FloatFormat, Scheme, Sign, SymmetricRule},
    say,
};

/// Which of the two sections.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tensors {
    Activations,
    Weights,
}

const KEYS: [&str; 8] = ["bits", "scheme", "sign", "codes", "granularity", "group_sizes", "power_of_two", "scale_rule"];

const RULES: [(&str, SymmetricRule); 3] =
    [("max-code", SymmetricRule::MaxCode), ("span", SymmetricRule::Span), ("positive", SymmetricRule::Positive)];

/// Reads the section that `tensors` names.
pub(super) fn number_format(root: &Section<'_>, tensors: Tensors) -> Result<NumberFormat> {
    let (key, what) = match tensors {
        Tensors::Activations => ("activations", say!("the formats of activations")),
        Tensors::Weights => ("weights", say!("the formats of weights")),
    };
    let section = root.need(key, what)?.section(&KEYS)?;
    let bits = section.need("bits", say!("widths, the default first"))?.choice(width)?;
    let schemes = [("symmetric", Scheme::Symmetric), ("affine", Scheme::Affine)];
    let scheme = section.need("scheme", say!("`symmetric` or `affine`"))?.choice(|entry| entry.word(&schemes))?;
    let sign = match section.find("sign") {
        Some(entry) => entry.choice(|e| e.word(&[("signed", Sign::Signed), ("unsigned", Sign::Unsigned)]))?,
        None => Choice::only(Sign::Signed),
    };
    let codes = codes(&section, &sign)?;
    let granularity = granularity(&section, tensors)?;
    let group_sizes = group_sizes(&section, &granularity)?;
    let power_of_two = section.find("power_of_two").map_or(Ok(false), |entry| entry.flag())?;
    let mut format = NumberFormat {
        bits,
        scheme,
        sign,
        codes,
        granularity,
        group_sizes,
        power_of_two,
        scale_rule: ScaleRules::default(),
    };
    if let Some(entry) = section.find("scale_rule") {
        format.scale_rule = scale_rules(&entry, &format)?;
    }
    Ok(format)
}

/// The formats that are no integers, by the names that files use.
const FLOATS: [(&str, Bits); 5] = [
    ("float", Bits::Float),
    ("float16", Bits::Small(FloatFormat::Float16)),
    ("bfloat16", Bits::Small(FloatFormat::BFloat16)),
    ("float8e4m3", Bits::Small(FloatFormat::Float8E4M3)),
    ("float8e5m2", Bits::Small(FloatFormat::Float8E5M2)),
];

/// A width: a number of bits, or the name of a float.
fn width(entry: &Entry<'_>) -> Result<Bits> {
    if entry.text().is_ok() {
        return entry.word(&FLOATS);
    }
    let bits = entry.integer()?;
    let known = u8::try_from(bits).ok().filter(|&bits| Bits::int(bits).is_ok());
    known.map(Bits::Int).ok_or_else(|| entry.refuse(say!("{} is not a width; use 2 to 8 or 16", bits)))
}

fn codes(section: &Section<'_>, sign: &Choice<Sign>) -> Result<Choice<Codes>> {
    let Some(entry) = section.find("codes") else { return Ok(Choice::only(Codes::Full)) };
    let codes = entry.choice(|e| e.word(&[("full", Codes::Full), ("narrow", Codes::Narrow)]))?;
    if codes.allows(&Codes::Narrow) && !sign.allows(&Sign::Signed) {
        return Err(entry.refuse(say!("unsigned codes are never narrow: they have no code without a counterpart")));
    }
    Ok(codes)
}

fn granularity(section: &Section<'_>, tensors: Tensors) -> Result<Choice<Granularity>> {
    let Some(entry) = section.find("granularity") else { return Ok(Choice::only(Granularity::PerTensor)) };
    let words = [
        ("per-tensor", Granularity::PerTensor),
        ("per-channel", Granularity::PerChannel),
        ("per-group", Granularity::PerGroup),
    ];
    entry.choice(|e| {
        let granularity = e.word(&words)?;
        if tensors == Tensors::Activations && granularity != Granularity::PerTensor {
            return Err(e.refuse(say!("{} is for weights; an activation has one scale", e.shown())));
        }
        Ok(granularity)
    })
}

fn group_sizes(section: &Section<'_>, granularity: &Choice<Granularity>) -> Result<Option<Choice<u32>>> {
    let is_grouped = granularity.allows(&Granularity::PerGroup);
    match section.find("group_sizes") {
        None if is_grouped => section.need("group_sizes", say!("elements of a block, for `per-group`")).map(|_| None),
        None => Ok(None),
        Some(entry) if !is_grouped => Err(entry.refuse(say!("has no effect: granularity does not allow `per-group`"))),
        Some(entry) => entry.choice(group_size).map(Some),
    }
}

fn group_size(entry: &Entry<'_>) -> Result<u32> {
    let size = entry.integer()?;
    let known = u32::try_from(size).ok().filter(|&size| size >= 2);
    known.ok_or_else(|| entry.refuse(say!("{} is no block size; it must be at least 2", size)))
}

/// One rule, or a table of rules by sign and signed width.
fn scale_rules(entry: &Entry<'_>, format: &NumberFormat) -> Result<ScaleRules> {
    if !format.scheme.allows(&Scheme::Symmetric) {
        return Err(entry.refuse(say!("has no effect: the scheme is never symmetric")));
    }
    let mut rules = ScaleRules::default();
    if !entry.is_table() {
        match entry.word(&RULES)? {
            SymmetricRule::Span => (rules.signed, rules.unsigned) = (SymmetricRule::Span, SymmetricRule::Span),
            SymmetricRule::MaxCode => rules.signed = rule_for(entry, Sign::Signed, format)?,
            SymmetricRule::Positive => rules.unsigned = rule_for(entry, Sign::Unsigned, format)?,
        }
        return Ok(rules);
    }
    for (key, entry) in entry.open_section()?.entries() {
        match key {
            "signed" => rules.signed = rule_for(&entry, Sign::Signed, format)?,
            "unsigned" => rules.unsigned = rule_for(&entry, Sign::Unsigned, format)?,
            _ => {
                let bits = key.parse::<u8>().ok().filter(|&bits| format.bits.allows(&Bits::Int(bits)));
                let bits = bits.ok_or_else(|| {
                    entry.refuse(say!("`{}` is neither `signed`, `unsigned` nor a width that bits allows", key))
                })?;
                rules.by_bits.insert(bits, rule_for(&entry, Sign::Signed, format)?);
            }
        }
    }
    Ok(rules)
}

/// The rule in `entry`, if grids of this sign can have it.
fn rule_for(entry: &Entry<'_>, sign: Sign, format: &NumberFormat) -> Result<SymmetricRule> {
    let rule = entry.word(&RULES)?;
    let word = entry.shown();
    let reason = match (sign, rule) {
        (Sign::Signed, SymmetricRule::Positive) => say!("{} is for unsigned codes", word),
        (Sign::Unsigned, SymmetricRule::MaxCode) => say!("{} is for signed codes", word),
        _ if !format.sign.allows(&sign) => say!("has no effect: `sign` does not allow such codes"),
        _ => return Ok(rule),
    };
    Err(entry.refuse(reason))
}
