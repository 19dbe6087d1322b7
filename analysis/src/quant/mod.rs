//! Number formats and the arithmetic of fake quantization.
