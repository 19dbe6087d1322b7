//! The core of Quantlens: knows files, tensors and onnxruntime, and nothing of windows.

pub mod calibrate;
pub mod config;
pub mod data;
pub mod diagnose;
pub mod error;
pub mod job;
pub mod metrics;
pub mod onnx;
pub mod quant;
pub mod report;
pub mod tensor;

pub use error::{Error, Result};
