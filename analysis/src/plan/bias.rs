//! A bias on the accumulator's scale (QUANTIZATION.md Q15), as onnxruntime's quantizer makes it.

use super::operand::{Operand, OperandValue};
use crate::{
    job::Warning,
    quant::{self, QuantParams},
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

/// The bias on the scale of input times weight; float where the input is float, or where the weight has no one scale for
/// each output channel. Raises weight scales that would let an
/// int32 overflow, as onnxruntime's `_adjust_weight_scale_for_int32_bias` does.
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
        warnings.push(Warning::new("bias-float", format!("the bias of `{layer}` is not finite and stays float")));
        return OperandValue::Float;
    }
    let OperandValue::Integer { params, .. } = &mut weight.value else { return OperandValue::Float };
    if params.len() > 1 && params.len() != bias.len() {
        return OperandValue::Float;
    }
    let raised = match overflow {
        BiasOverflow::RaiseWeightScale => raise_scales(params, bias, input_scale, target.weights.power_of_two),
        BiasOverflow::Float if raise_scales(&mut params.clone(), bias, input_scale, false) > 0 => {
            warnings.push(Warning::new(
                "bias-overflow",
                format!("the bias of `{layer}` does not fit int32 on the scale of its products and stays float"),
            ));
            return OperandValue::Float;
        }
        BiasOverflow::Float => 0,
    };
    if raised > 0 {
        warnings.push(Warning::new(
            "bias-overflow",
            format!("{raised} weight scale(s) of `{layer}` were raised so that its bias fits int32"),
        ));
        weight.requantize();
    }
    let OperandValue::Integer { params, .. } = &weight.value else { return OperandValue::Float };
    // In float32, as NumPy multiplies two float32 arrays.
    let scales: Vec<f32> = params.iter().map(|p| input_scale * p.scale * beta).collect();
    if scales.iter().any(|s| !s.is_normal()) {
        warnings.push(Warning::new(
            "bias-float",
            format!("the bias scale of `{layer}` is no normal number; it stays float"),
        ));
        return OperandValue::Float;
    }
    let code = |(c, &b): (usize, &f32)| {
        let scale = scales[if scales.len() > 1 { c } else { 0 }];
        let code = (f64::from(b) / f64::from(scale)).round_ties_even();
        #[expect(clippy::cast_possible_truncation, reason = "clamped to int32")]
        let code = code.clamp(f64::from(i32::MIN), f64::from(i32::MAX)) as i32;
        code
    };
    OperandValue::Bias { codes: bias.iter().enumerate().map(code).collect(), scales }
}

/// Raises each scale that is too small for its bias; returns how many were.
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
