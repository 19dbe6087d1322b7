//! The section `[operators]`.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    FixedOutput, NumberFormat, OperatorClass, Operators,
    document::{Entry, Section},
    names::{ONNX_OPERATORS, suggestion},
    operators::{LINEAR, NORMALIZATIONS},
};
use crate::{
    error::Result,
    quant::{Codes, Grid, Scheme, Sign},
    say,
};

/// Reads the section; `activations` are the formats that fixed outputs must fit.
pub(super) fn operators(root: &Section<'_>, activations: &NumberFormat) -> Result<Operators> {
    let mut known: Vec<&str> = OperatorClass::KEYS.iter().map(|(key, _)| *key).collect();
    known.extend(["since_opset", "quantize_outputs", "join", "fixed"]);
    let section = root.need("operators", say!("which operators are quantized"))?.section(&known)?;
    let classes = classes(&section)?;
    let since_opset = since_opset(&section, &classes)?;
    let join = join(&section, &classes)?;
    let fixed = fixed(&section, &classes, &join, activations)?;
    let quantize_outputs = section.find("quantize_outputs").map_or(Ok(true), |entry| entry.flag())?;
    Ok(Operators { classes, since_opset, join, fixed, quantize_outputs })
}

/// An operator of ONNX's own domain.
fn operator<'a>(name: &'a str, entry: &Entry<'a>) -> Result<&'a str> {
    if ONNX_OPERATORS.contains(&name) {
        return Ok(name);
    }
    let hint = suggestion(name, ONNX_OPERATORS.iter().copied());
    Err(entry.refuse(say!("`{}` is no ONNX operator{}", name, hint)))
}

fn classes(section: &Section<'_>) -> Result<BTreeMap<String, OperatorClass>> {
    let mut classes = BTreeMap::new();
    for (key, class) in OperatorClass::KEYS {
        let Some(list) = section.find(key) else { continue };
        for entry in list.list()? {
            let name = operator(entry.text()?, &entry)?;
            let can = match class {
                OperatorClass::Linear => &LINEAR[..],
                OperatorClass::Normalization => &NORMALIZATIONS[..],
                _ => &[name],
            };
            if !can.contains(&name) {
                return Err(entry.refuse(say!("`{}` cannot stand here; this list is for {}", name, can.join(", "))));
            }
            if let Some(other) = classes.insert(name.to_owned(), class) {
                let other = OperatorClass::KEYS.iter().find(|(_, c)| *c == other).map_or("", |(key, _)| key);
                return Err(entry.refuse(say!("`{}` is in `{}` already; an operator stands in one list", name, other)));
            }
        }
    }
    Ok(classes)
}

fn since_opset(section: &Section<'_>, classes: &BTreeMap<String, OperatorClass>) -> Result<BTreeMap<String, i64>> {
    let Some(table) = section.find("since_opset") else { return Ok(BTreeMap::new()) };
    let mut since = BTreeMap::new();
    for (name, entry) in table.open_section()?.entries() {
        let opset = entry.integer()?;
        if opset < 1 {
            return Err(entry.refuse(say!("{} is no opset; the first is 1", opset)));
        }
        if matches!(classes.get(operator(name, &entry)?), None | Some(OperatorClass::Float)) {
            return Err(entry.refuse(say!("has no effect: `{}` is in no list of quantized operators", name)));
        }
        since.insert(name.to_owned(), opset);
    }
    Ok(since)
}

fn join(section: &Section<'_>, classes: &BTreeMap<String, OperatorClass>) -> Result<BTreeSet<String>> {
    let Some(list) = section.find("join") else { return Ok(BTreeSet::new()) };
    let mut join = BTreeSet::new();
    for entry in list.list()? {
        let name = operator(entry.text()?, &entry)?;
        if classes.get(name) != Some(&OperatorClass::AllTensors) {
            return Err(entry.refuse(say!("`{}` must be in `all_tensors` for its tensors to share a scale", name)));
        }
        if !join.insert(name.to_owned()) {
            return Err(entry.refuse(say!("`{}` stands there twice", name)));
        }
    }
    Ok(join)
}

fn fixed(
    section: &Section<'_>,
    classes: &BTreeMap<String, OperatorClass>,
    join: &BTreeSet<String>,
    activations: &NumberFormat,
) -> Result<BTreeMap<String, FixedOutput>> {
    use OperatorClass as C;
    let Some(table) = section.find("fixed") else { return Ok(BTreeMap::new()) };
    let mut fixed = BTreeMap::new();
    for (name, entry) in table.open_section()?.entries() {
        let class = classes.get(operator(name, &entry)?);
        if matches!(class, Some(C::PassThrough | C::PassThroughAlways)) || join.contains(name) {
            return Err(entry.refuse(say!("`{}` has the scale of its input; it cannot have a fixed one too", name)));
        }
        fixed.insert(name.to_owned(), fixed_output(&entry, activations)?);
    }
    Ok(fixed)
}

fn fixed_output(entry: &Entry<'_>, activations: &NumberFormat) -> Result<FixedOutput> {
    let section = entry.section(&["range", "scale", "zero_point"])?;
    match (section.find("range"), section.find("scale"), section.find("zero_point")) {
        (Some(range), None, None) => fixed_range(&range),
        (None, Some(scale), Some(zero_point)) => fixed_params(&scale, &zero_point, activations),
        _ => Err(entry.refuse(say!("give either `range = [low, high]` or `scale` and `zero_point`"))),
    }
}

fn fixed_range(entry: &Entry<'_>) -> Result<FixedOutput> {
    let ends = entry.list()?;
    let [low, high] = ends.as_slice() else { return Err(entry.refuse(say!("a range has two ends: `[low, high]`"))) };
    let (low, high) = (single(low)?, single(high)?);
    if low >= high {
        return Err(entry.refuse(say!("{} is not below {}", low, high)));
    }
    Ok(FixedOutput::Range { low, high })
}

fn fixed_params(scale: &Entry<'_>, zero_point: &Entry<'_>, activations: &NumberFormat) -> Result<FixedOutput> {
    let widths: Vec<u8> = activations.integer_bits().collect();
    let (&[bits], []) = (widths.as_slice(), activations.sign.others.as_slice()) else {
        return Err(scale.refuse(say!(
            "a scale fits one integer width and one sign, and `activations` allows several (or none); give a `range`"
        )));
    };
    let value = single(scale)?;
    if !(value > 0.0 && value.is_normal()) {
        return Err(scale.refuse(say!("{} is no scale; it must be above 0", scale.shown())));
    }
    let is_power_of_two = value.to_bits().trailing_zeros() >= f32::MANTISSA_DIGITS - 1;
    if activations.power_of_two && !is_power_of_two {
        return Err(scale.refuse(say!("{} is no power of two, as `activations.power_of_two` asks", scale.shown())));
    }
    let grid = match activations.sign.default {
        // A configuration may choose any codes that are allowed; the zero-point is one of all of them.
        Sign::Signed if activations.codes.allows(&Codes::Narrow) => Grid::signed_narrow(bits)?,
        Sign::Signed => Grid::signed(bits)?,
        Sign::Unsigned => Grid::unsigned(bits)?,
    };
    let code = zero_point.integer()?;
    let inside = i32::try_from(code).ok().filter(|code| (grid.q_min()..=grid.q_max()).contains(code));
    let Some(code) = inside else {
        let (low, high) = (grid.q_min(), grid.q_max());
        return Err(zero_point.refuse(say!("{} is outside the {}-bit codes {} to {}", code, bits, low, high)));
    };
    if code != 0 && !activations.scheme.allows(&Scheme::Affine) {
        return Err(zero_point.refuse(say!("{}: symmetric activations have zero-point 0", code)));
    }
    Ok(FixedOutput::Params { scale: value, zero_point: code })
}

/// A number as float32, in which scales and ranges are held.
fn single(entry: &Entry<'_>) -> Result<f32> {
    #[expect(clippy::cast_possible_truncation, reason = "rounding to float32 is the point")]
    let value = entry.number()? as f32;
    if value.is_finite() { Ok(value) } else { Err(entry.refuse(say!("{} is beyond float32", entry.shown()))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_program_knows_is_onnx() {
        assert!(LINEAR.iter().chain(&NORMALIZATIONS).all(|name| ONNX_OPERATORS.contains(name)));
    }
}
