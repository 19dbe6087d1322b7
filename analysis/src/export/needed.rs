//! What a runtime must support to run an export, told without writing it.

use super::{
    opset::{FLOAT_BIAS, LOWEST},
    qdq::MICROSOFT,
};
use crate::{
    config::Granularity,
    onnx::raise,
    quant::Bits,
    report::{LayerRow, ModelInfo, Report},
    target::{Bias, Target},
};

/// What an export of `report` needs: the opset, raised where it must be, and
/// onnxruntime's own domain where ONNX's Q/DQ of that opset lack a type or an axis.
pub fn needed_opsets(model: &ModelInfo, report: &Report) -> Vec<(String, i64)> {
    let is_integer = |bits: Option<Bits>| bits.is_some_and(|b| !b.is_float());
    let quantized = |row: &LayerRow| is_integer(row.weight_bits) || is_integer(row.activation_bits);
    if !report.rows.iter().any(quantized) {
        return model.opsets.clone();
    }
    let is_wide = |row: &LayerRow| {
        matches!(row.weight_bits, Some(Bits::Int(0..=4 | 16))) || row.activation_bits == Some(Bits::Int(16))
    };
    let is_float8 = |bits: Option<Bits>| matches!(bits, Some(Bits::Small(format)) if format.has_scale());
    let float8 = report.rows.iter().any(|row| is_float8(row.weight_bits) || is_float8(row.activation_bits));
    let float_bias = Target::load(&report.config.target).is_ok_and(|target| target.bias == Bias::Float);
    let has_integers = report.rows.iter().any(|row| matches!(row.weight_bits, Some(Bits::Int(_))));
    let seen_at_least = if float_bias && has_integers { FLOAT_BIAS } else { LOWEST };
    let lowest = if float8 { raise::FLOAT8 } else { seen_at_least };
    let along_axis = |row: &LayerRow| row.granularity.is_some_and(Granularity::is_fine);
    let (wide, axis) = (report.rows.iter().any(is_wide), report.rows.iter().any(along_axis));
    let mut opsets = model.opsets.clone();
    let mut own = true;
    for (domain, version) in &mut opsets {
        if domain.is_empty() || domain == "ai.onnx" {
            // Whether Q/DQ lack a type is decided by the opset that the writer sees, before float8 raises it.
            let seen = seen_at_least.max(*version);
            *version = lowest.max(*version);
            own = match seen {
                21.. => true,
                13..=20 => !wide,
                _ => !wide && !axis,
            };
        }
    }
    if !own && !opsets.iter().any(|(domain, _)| domain == MICROSOFT) {
        opsets.push((MICROSOFT.to_owned(), 1));
    }
    opsets
}
