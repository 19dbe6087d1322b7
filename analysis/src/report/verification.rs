//! What an export wrote, and what running it again found.

use std::path::PathBuf;

use super::Share;
use crate::{job::Warning, metrics::Measure, text::Text};

/// What an export wrote and what running it showed.
#[derive(Clone, Debug)]
pub struct ExportReport {
    /// The file written; `NAME.unverified.onnx` where verification failed.
    pub path: PathBuf,
    /// Its size in bytes, external data included.
    pub file_bytes: u64,
    /// Opsets the runtime must support.
    pub opsets: Vec<(String, i64)>,
    /// Layers with quantized weights or output.
    pub quantized_layers: usize,
    /// Layers that stay float.
    pub float_layers: usize,
    /// What was checked.
    pub verification: Verification,
    /// E.g. widths that stock onnxruntime only simulates.
    pub warnings: Vec<Warning>,
}

/// What running the written file showed.
#[derive(Clone, Debug)]
pub struct Verification {
    /// Samples run through the file.
    pub samples: usize,
    /// Quantizers whose scale, zero-point and type were read back from the file and equal the plan.
    pub quantizers_checked: usize,
    /// Tensors compared with the engine's, element by element.
    pub tensors_compared: usize,
    /// Elements that differed, optimization off. 0 means bit-equal.
    pub elements_different: u64,
    /// Output error of the file, optimization off, against the float model.
    pub output_sqnr_db: Measure,
    /// The same with onnxruntime's full optimization: what a user's program sees.
    pub optimized_output_sqnr_db: Measure,
    /// Largest absolute difference of the outputs between full optimization and none.
    pub optimized_max_abs: f64,
    /// Accuracy of the file, full optimization, on the samples run; `None` without labels.
    pub optimized_accuracy: Option<Share>,
    /// Agreement of the file, full optimization, with the float model.
    pub optimized_agreement: Option<Share>,
    /// The first difference found, in words; `None` when the file holds.
    pub failure: Option<Text>,
}
