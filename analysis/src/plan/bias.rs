//! A bias on the accumulator's scale (QUANTIZATION.md Q15), as onnxruntime's quantizer makes it.

use super::operand::{Operand, OperandValue};
use crate::{
    job::Warning,
    quant::{self, QuantParams},
    say,
    target::{Bias, BiasOverflow, Target},
};

/// What a bias is added to.
#[derive(Clone, Copy)]
pub(super) struct Accumulator<'a> {
    /// Scale of the tensor on input 0; `None` where it is float.
    pub(super) input_scale: Option<f32>,
    /// Gemm's factor of the bias; 1 elsewhere.
    pub(super) beta: f32,
    /// For messages.
    pub(super) layer: &'a str,
    /// How the hardware treats biases.
    pub(super) target: &'a Target,
}

/// The bias on the scale of input times weight; float where the input is float, where the weight has no one scale for
/// each output channel, and where a code does not fit int32. Before that, weight scales that are too small for their bias
/// are raised where the target says so, as onnxruntime's `_adjust_weight_scale_for_int32_bias` does.
pub(super) fn quantize_bias(
    bias: &[f32],
    accumulator: Accumulator<'_>,
    operands: &mut [Operand],
    warnings: &mut Vec<Warning>,
) -> OperandValue {
    let Accumulator { input_scale, beta, layer, target } = accumulator;
    let Bias::Int32 { overflow } = target.bias else { return OperandValue::Float };
    let weight = operands.iter_mut().find(|o| o.position == 1);
    let (Some(input_scale), Some(weight)) = (input_scale, weight) else { return OperandValue::Float };
    if bias.iter().any(|b| !b.is_finite()) {
        warnings.push(Warning::new("bias-float", say!("the bias of `{}` is not finite and stays float", layer)));
        return OperandValue::Float;
    }
    let OperandValue::Integer { params, .. } = &mut weight.value else { return OperandValue::Float };
    if params.len() > 1 && params.len() != bias.len() {
        return OperandValue::Float;
    }
    let mut wanted = params.clone();
    let raised = match overflow {
        BiasOverflow::RaiseWeightScale => raise_scales(&mut wanted, bias, input_scale, target.weights.power_of_two),
        BiasOverflow::Float => 0,
    };
    // In float32, as NumPy multiplies two float32 arrays.
    let scales: Vec<f32> = wanted.iter().map(|p| input_scale * p.scale * beta).collect();
    if scales.iter().any(|s| !s.is_normal()) {
        warnings.push(Warning::new(
            "bias-float",
            say!("the bias scale of `{}` is no normal number; it stays float", layer),
        ));
        return OperandValue::Float;
    }
    let Some(codes) = codes(bias, &scales) else {
        warnings.push(Warning::new(
            "bias-overflow",
            say!("the bias of `{}` does not fit int32 on the scale of its products and stays float", layer),
        ));
        return OperandValue::Float;
    };
    if raised > 0 {
        warnings.push(Warning::new(
            "bias-overflow",
            say!("{} weight scale(s) of `{}` were raised so that its bias fits int32", raised, layer),
        ));
        *params = wanted;
    }
    OperandValue::Bias { codes, scales }
}

/// The bias in steps of its one scale, or of one a channel; `None` where a code does not fit int32.
fn codes(bias: &[f32], scales: &[f32]) -> Option<Vec<i32>> {
    let code = |(channel, &b): (usize, &f32)| {
        let scale = scales[if scales.len() > 1 { channel } else { 0 }];
        let code = (f64::from(b) / f64::from(scale)).round_ties_even();
        let fits = (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&code);
        #[expect(clippy::cast_possible_truncation, reason = "a whole number that fits")]
        fits.then_some(code as i32)
    };
    bias.iter().enumerate().map(code).collect()
}

/// Raises each scale of symmetric 8- or 16-bit weights that is too small for its bias; returns how many were. onnxruntime
/// leaves the others alone.
fn raise_scales(params: &mut [QuantParams], bias: &[f32], input_scale: f32, power_of_two: bool) -> usize {
    const SAFETY: f64 = 1.0001;
    const INT32_SPAN: f64 = 2.0 * i32::MAX as f64;
    let per_channel = params.len() > 1;
    let whole = bias.iter().fold(0.0_f64, |a, &b| a.max(f64::from(b).abs()));
    let mut raised = 0;
    for (channel, params) in params.iter_mut().enumerate() {
        if params.zero_point != 0 || params.grid.bits() != 8 && params.grid.bits() != 16 {
            continue;
        }
        let largest = if per_channel { f64::from(bias[channel]).abs() } else { whole };
        let smallest_valid = SAFETY * (2.0 * largest) / INT32_SPAN;
        let candidate = f64::from(input_scale) * f64::from(params.scale);
        if candidate < smallest_valid && candidate > 0.0 {
            #[expect(clippy::cast_possible_truncation, reason = "the rounding onnxruntime does")]
            let scale = (f64::from(params.scale) * (smallest_valid / candidate)) as f32;
            params.scale = if power_of_two { quant::power_of_two::power_of_two(scale) } else { scale };
            raised += 1;
        }
    }
    raised
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quant::Grid;

    const INPUT_SCALE: f32 = 1e-3;

    /// What becomes of a bias of 1000 over one weight of ±1e-6 steps: 1e12 steps of the accumulator.
    fn quantized(params: QuantParams, target: &Target, beta: f32) -> (OperandValue, f32, Vec<String>) {
        let float = vec![params.scale; 2];
        let value = OperandValue::Integer { axis: None, params: vec![params] };
        let mut operands = vec![Operand { source: None, position: 1, shape: vec![2, 1], float: float.into(), value }];
        let accumulator = Accumulator { input_scale: Some(INPUT_SCALE), beta, layer: "conv", target };
        let mut warnings = Vec::new();
        let bias = quantize_bias(&[1000.0, -0.5], accumulator, &mut operands, &mut warnings);
        let OperandValue::Integer { params, .. } = &operands[0].value else { panic!("the weight is an integer") };
        (bias, params[0].scale, warnings.into_iter().map(|w| format!("{}: {}", w.code, w.message)).collect())
    }

    fn params(grid: Grid, zero_point: i32) -> QuantParams {
        QuantParams { scale: 1e-6, zero_point, grid }
    }

    const STAYS: &str =
        "bias-overflow: the bias of `conv` does not fit int32 on the scale of its products and stays float";

    #[test]
    fn a_bias_that_raising_cannot_help_stays_float() {
        let target = Target::builtin("onnxruntime").unwrap();
        let symmetric = params(Grid::signed(8).unwrap(), 0);
        let (bias, scale, warnings) = quantized(symmetric, &target, 1.0);
        let OperandValue::Bias { codes, .. } = bias else { panic!("8 symmetric bits are raised") };
        assert!(scale > 4e-4 && codes[0] > 2_000_000_000 && codes[1] < 0, "{scale} {codes:?}");
        assert!(warnings.len() == 1 && warnings[0].contains("were raised"), "{warnings:?}");
        // onnxruntime raises neither narrow nor affine weights, and beta does not enter its rule.
        for (params, beta) in
            [(params(Grid::signed(4).unwrap(), 0), 1.0), (params(Grid::signed(8).unwrap(), 3), 1.0), (symmetric, 0.5)]
        {
            let (bias, scale, warnings) = quantized(params, &target, beta);
            assert_eq!((bias, scale.to_bits()), (OperandValue::Float, 1e-6_f32.to_bits()), "{params:?}");
            assert_eq!(warnings, [STAYS]);
        }
        let float = Target { bias: Bias::Int32 { overflow: BiasOverflow::Float }, ..Target::clone(&target) };
        assert_eq!(quantized(symmetric, &float, 1.0), (OperandValue::Float, 1e-6, vec![STAYS.to_owned()]));
    }
}
