//! The core of Quantlens: knows files, tensors and onnxruntime, and nothing of windows.

mod buffer;
pub mod calibrate;
pub mod compare;
pub mod config;
pub mod data;
pub mod diagnose;
pub mod drift;
pub mod engine;
pub mod error;
pub mod export;
pub mod graph;
pub mod integer;
pub mod job;
pub mod metrics;
pub mod onnx;
mod parallel;
pub mod plan;
pub mod quant;
pub mod report;
pub mod sensitivity;
pub mod target;
pub mod tensor;
pub mod text;
pub mod workbench;

pub use error::{Error, Result};
pub use parallel::set_threads;
