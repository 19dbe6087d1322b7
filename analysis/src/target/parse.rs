//! From a target file to a [`Target`]. Whatever the file says takes effect or is refused; nothing is ignored.

use serde::{
    Deserialize as _,
    de::{IntoDeserializer as _, value::StrDeserializer},
};

use super::{
    Bias, BiasOverflow, Combination, NumberFormat, Requantize, TARGET_SCHEMA, Target,
    document::{Document, Entry, Section},
    parse_format::{Tensors, number_format},
    parse_operators::operators,
};
use crate::{calibrate::Method, error::Result, quant::Bits, say};

const KEYS: [&str; 11] = [
    "schema",
    "name",
    "title",
    "description",
    "combinations",
    "operators",
    "activations",
    "weights",
    "bias",
    "ranges",
    "arithmetic",
];

/// Reads a target; `taken` are names it may not have.
pub(super) fn target(text: &str, place: &str, taken: &[&str]) -> Result<Target> {
    let document = Document::new(text, place);
    let parsed = document.parse()?;
    let root = Section::root(document, &parsed);
    // First of all: a file of another version may have keys that this one does not know.
    check_schema(&root.need("schema", say!("write `schema = \"{}\"`", TARGET_SCHEMA))?)?;
    root.refuse_unknown(&KEYS)?;
    let name = name(&root, taken)?;
    let title = root.need("title", say!("the name as the user reads it"))?.text()?.trim().to_owned();
    let description = match root.find("description") {
        Some(entry) => entry.text()?.trim().to_owned(),
        None => String::new(),
    };
    let activations = number_format(&root, Tensors::Activations)?;
    let weights = number_format(&root, Tensors::Weights)?;
    let combinations = combinations(&root, &activations, &weights)?;
    let bias = bias(&root)?;
    let operators = operators(&root, &activations)?;
    let requantize = arithmetic(&root, &activations, &weights)?;
    let (method, minimum_real_range) = ranges(&root)?;
    Ok(Target {
        name,
        title,
        description,
        operators,
        activations,
        weights,
        combinations,
        bias,
        requantize,
        method,
        minimum_real_range,
    })
}

fn check_schema(schema: &Entry<'_>) -> Result<()> {
    let found = schema.text()?;
    if found == TARGET_SCHEMA {
        return Ok(());
    }
    Err(schema.refuse(say!("`{}` is not what this program reads, which is `{}`", found, TARGET_SCHEMA)))
}

fn name(root: &Section<'_>, taken: &[&str]) -> Result<String> {
    let entry = root.need("name", say!("what configurations call this target"))?;
    let name = entry.text()?;
    let is_kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || !name.chars().all(is_kebab) {
        return Err(entry.refuse(say!("`{}` is no name; use lower-case letters, digits and dashes", name)));
    }
    if taken.contains(&name) {
        return Err(entry.refuse(say!("`{}` is built in; give your own target another name", name)));
    }
    Ok(name.to_owned())
}

fn combinations(root: &Section<'_>, activations: &NumberFormat, weights: &NumberFormat) -> Result<Vec<Combination>> {
    let Some(entry) = root.find("combinations") else { return Ok(Vec::new()) };
    let mut combinations = Vec::new();
    for item in entry.list()? {
        let text = item.text()?;
        let bits = text.strip_prefix('A').and_then(|rest| rest.split_once('W'));
        let parsed = bits.and_then(|(a, w)| Some((a.parse::<u8>().ok()?, w.parse::<u8>().ok()?)));
        let Some((activation_bits, weight_bits)) = parsed else {
            return Err(item.refuse(say!("`{}` is no pair of widths; write `A16W8`", text)));
        };
        for (bits, format, key) in [(activation_bits, activations, "activations"), (weight_bits, weights, "weights")] {
            if !format.bits.allows(&Bits::Int(bits)) {
                return Err(item.refuse(say!("`{}`: {}.bits does not allow {}", text, key, bits)));
            }
        }
        let combination = Combination { activation_bits, weight_bits };
        if combinations.contains(&combination) {
            return Err(item.refuse(say!("`{}` stands there twice", text)));
        }
        combinations.push(combination);
    }
    if combinations.is_empty() {
        return Err(entry.refuse(say!("the list is empty; leave the key out to allow every pair")));
    }
    if let (Bits::Int(activation_bits), Bits::Int(weight_bits)) = (activations.bits.default, weights.bits.default) {
        let default = Combination { activation_bits, weight_bits };
        if !combinations.contains(&default) {
            return Err(entry.refuse(say!("`{}`, the default widths, is missing", default)));
        }
    }
    Ok(combinations)
}

fn bias(root: &Section<'_>) -> Result<Bias> {
    let bias = root.need("bias", say!("what becomes of a bias"))?.section(&["format", "overflow"])?;
    let format = bias.need("format", say!("`int32` or `float`"))?;
    let is_integer = format.word(&[("int32", true), ("float", false)])?;
    match (is_integer, bias.find("overflow")) {
        (false, None) => Ok(Bias::Float),
        (false, Some(overflow)) => Err(overflow.refuse(say!("a float bias does not overflow; leave the key out"))),
        (true, None) => bias.need("overflow", say!("`raise-weight-scale` or `float`")).map(|_| Bias::Float),
        (true, Some(overflow)) => {
            let words = [("raise-weight-scale", BiasOverflow::RaiseWeightScale), ("float", BiasOverflow::Float)];
            overflow.word(&words).map(|overflow| Bias::Int32 { overflow })
        }
    }
}

fn arithmetic(root: &Section<'_>, activations: &NumberFormat, weights: &NumberFormat) -> Result<Requantize> {
    let section =
        root.need("arithmetic", say!("how accumulators become output codes"))?.section(&["requantize", "rounding"])?;
    let entry = section.need("requantize", say!("`gemmlowp`, `single` or `shift`"))?;
    let words = [("gemmlowp", Requantize::Gemmlowp), ("single", Requantize::Single), ("shift", Requantize::Shift)];
    let requantize = entry.word(&words)?;
    if requantize == Requantize::Shift && !(activations.power_of_two && weights.power_of_two) {
        return Err(
            entry.refuse(say!("`shift` needs scales that are powers of two: set `power_of_two = true` for both"))
        );
    }
    if let Some(rounding) = section.find("rounding") {
        match rounding.text()? {
            "half-even" => {}
            "half-away" => {
                return Err(rounding.refuse(say!(
                    "`half-away` cannot be computed here: quantizers round half to even, as QuantizeLinear does"
                )));
            }
            _ => rounding.word(&[("half-even", ())])?,
        }
    }
    Ok(requantize)
}

fn ranges(root: &Section<'_>) -> Result<(Method, Option<f64>)> {
    let section = root.need("ranges", say!("how ranges are chosen"))?.section(&["method", "minimum_real_range"])?;
    let entry = section.need("method", say!("`minmax`, for one"))?;
    let text = entry.text()?;
    if text == "manual" {
        return Err(
            entry.refuse(say!("`manual` has no value before the user gives one; name a method that works by itself"))
        );
    }
    let deserializer: StrDeserializer<'_, serde::de::value::Error> = text.into_deserializer();
    let method = Method::deserialize(deserializer)
        .map_err(|error| entry.refuse(say!("`{}` is no method of this program: {}", text, error)))?;
    let minimum = match section.find("minimum_real_range") {
        None => None,
        Some(entry) => {
            let minimum = entry.number()?;
            if minimum <= 0.0 {
                return Err(entry.refuse(say!("{} is no width; it must be above 0", entry.shown())));
            }
            Some(minimum)
        }
    };
    Ok((method, minimum))
}
