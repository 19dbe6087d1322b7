//! Suffixes of what an export adds: onnxruntime's own, so that its debugging tools recognise the pairs.

/// Suffix of a quantizer's output.
pub(super) const QUANTIZED: &str = "_QuantizeLinear_Output";
/// Suffix of what a quantizer reads, where the tensor's own name must stay with the dequantized value.
pub(super) const QUANTIZER_INPUT: &str = "_QuantizeLinear_Input";
/// Suffix of a dequantizer's output.
pub(super) const DEQUANTIZED: &str = "_DequantizeLinear_Output";
