//! How far a quantized tensor is from the float one.
