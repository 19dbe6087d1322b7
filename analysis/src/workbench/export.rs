//! Export: write what was evaluated, read it back, run it, and only then say that it is good.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    LIVE_SAMPLES, Workbench,
    departure::Departure,
    samples::{input_values, no_data},
    tally::{Optimized, Tally},
};
use crate::{
    config::QuantConfig,
    data::DataKind,
    engine::{SessionKind, Store, Value},
    error::{Error, Result},
    export::{Qdq, qdq, verify},
    job::{Job, Warning},
    mark,
    metrics::Measure,
    onnx::{self, ExternalPolicy, SaveOptions},
    plan::QuantPlan,
    report::{ExportReport, Verification},
    say,
    text::{self, Text},
};

/// How an export is written.
#[derive(Clone, Copy, Debug)]
pub struct ExportOptions {
    /// Samples that verification runs; all of the first ones up to this many.
    pub verified_samples: usize,
}

impl Default for ExportOptions {
    fn default() -> Self {
        Self { verified_samples: LIVE_SAMPLES }
    }
}

/// A sample's inputs, its tensors in both runs, and its label.
type Stores = (Vec<Arc<Value>>, Store, Store, Option<usize>);

impl Workbench {
    /// Writes the configuration as a QDQ model to `path`, verified; a file that does not hold is left as
    /// `NAME.unverified.onnx`, and the report says why.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::Format`] for the file, [`Error::Config`] for the configuration, [`Error::Cancelled`].
    pub fn export(
        &mut self,
        config: &Arc<QuantConfig>,
        path: &Path,
        options: &ExportOptions,
        job: &mut Job<'_>,
    ) -> Result<Arc<ExportReport>> {
        self.refuse_overwriting_the_model(path)?;
        let plan = self.plan_of(config, job)?;
        job.step("writing the model", "steps", 0, 2)?;
        let written = qdq(&self.graph, &plan, &self.metadata(config)?)?;
        let unverified = unverified_path(path);
        let save_options = SaveOptions { external: ExternalPolicy::Inline, ..SaveOptions::default() };
        onnx::save(&written.model, &unverified, &save_options)?;
        let (verification, departs) = match self.verify(&unverified, &written, &plan, options, job) {
            Ok(verified) => verified,
            Err(Error::Cancelled) => {
                // A cancelled export leaves nothing behind; that the removal may fail changes nothing for the user.
                let _ = std::fs::remove_file(&unverified);
                return Err(Error::Cancelled);
            }
            Err(error) => (failed(text::Value::value(&error)), None),
        };
        let path = if verification.failure.is_none() {
            std::fs::rename(&unverified, path).map_err(|e| {
                // What cannot stand under its name is not left under another one.
                let _ = std::fs::remove_file(&unverified);
                Error::io(path, e)
            })?;
            path.to_owned()
        } else {
            unverified
        };
        let is_quantized = |l: usize| {
            !plan.weights[l].operands.is_empty()
                || self.graph.layers[l].outputs.iter().any(|&t| plan.tensors[t].is_some())
        };
        let rows = (0..self.graph.layers.len()).filter(|&l| !self.graph.layers[l].is_input());
        let (quantized, float): (Vec<usize>, Vec<usize>) = rows.partition(|&l| is_quantized(l));
        Ok(Arc::new(ExportReport {
            file_bytes: std::fs::metadata(&path).map_err(|e| Error::io(&path, e))?.len(),
            opsets: written
                .model
                .opset_import
                .iter()
                .map(|o| (o.domain.clone().unwrap_or_default(), o.version.unwrap_or(0)))
                .collect(),
            path,
            quantized_layers: quantized.len(),
            float_layers: float.len(),
            verification,
            warnings: self.export_warnings(&plan)?.into_iter().chain(departs).collect(),
        }))
    }

    /// Neither the file nor what it is called until it is verified may be the model's.
    fn refuse_overwriting_the_model(&self, path: &Path) -> Result<()> {
        if path.is_dir() {
            return Err(Error::format(path, say!("is a folder; name a file")));
        }
        // The model would take the place of a device.
        if std::fs::metadata(path).is_ok_and(|there| !there.is_file()) {
            return Err(Error::format(path, say!("is a device or a pipe; name a file")));
        }
        let Ok(model) = std::fs::canonicalize(&self.info.path) else { return Ok(()) };
        for written in [path.to_owned(), unverified_path(path)] {
            if std::fs::canonicalize(&written).is_ok_and(|written| written == model) {
                return Err(Error::format(written, say!("is the float model itself; choose another name")));
            }
        }
        Ok(())
    }

    /// What a reader of the file should know about where it came from.
    fn metadata(&self, config: &QuantConfig) -> Result<Vec<(String, String)>> {
        let data = self.data.as_ref().ok_or_else(no_data)?;
        let mut entries = vec![
            ("quantlens.version".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
            ("quantlens.float_model_sha256".to_owned(), self.info.sha256.clone()),
            ("quantlens.config".to_owned(), config.to_json()),
        ];
        if data.calibration.as_ref().unwrap_or(&data.dataset).kind() == DataKind::Synthetic {
            entries.push(("quantlens.ranges".to_owned(), "synthetic samples: ranges mislead".to_owned()));
        }
        Ok(entries)
    }

    fn export_warnings(&self, plan: &QuantPlan) -> Result<Vec<Warning>> {
        let data = self.data.as_ref().ok_or_else(no_data)?;
        let mut warnings = plan.warnings.clone();
        let widths = plan.tensors.iter().flatten().filter_map(|q| q.quantizer.grid()).map(|grid| grid.bits());
        let weights = plan.formats.layers.iter().filter_map(|l| match l.weight_bits {
            Some(crate::quant::Bits::Int(bits)) => Some(bits),
            _ => None,
        });
        let mut simulated: Vec<u8> = widths.chain(weights).filter(|b| matches!(b, 2 | 3 | 5 | 6 | 7)).collect();
        simulated.sort_unstable();
        simulated.dedup();
        if !simulated.is_empty() {
            let list: Vec<String> = simulated.iter().map(u8::to_string).collect();
            warnings.push(Warning::new(
                "width-simulated",
                say!(
                    "widths of {} bits are stored in wider integers: stock onnxruntime gains no speed from them",
                    list.join(", ")
                ),
            ));
        }
        if data.dataset.kind() == DataKind::Synthetic {
            warnings.push(Warning::new("synthetic", say!("the ranges come from synthetic samples and mislead")));
        }
        Ok(warnings)
    }

    fn verify(
        &mut self,
        file: &Path,
        written: &Qdq,
        plan: &Arc<QuantPlan>,
        options: &ExportOptions,
        job: &mut Job<'_>,
    ) -> Result<(Verification, Option<Warning>)> {
        let read_back = onnx::load(file)?;
        let quantizers_checked = verify::quantizers(&read_back.model, &written.quantizers)?;
        let graph = Arc::clone(&self.graph);
        let mut plain = verify::Comparison::new(&self.runtime, &graph, &read_back.model, written, &job.cancel)?;
        let mut optimized = Optimized::new(self.runtime.session_from_file(file, SessionKind::Optimized, &job.cancel))?;
        let count = self.data.as_ref().ok_or_else(no_data)?.samples.len().min(options.verified_samples.max(1));
        let mut tally = Tally::default();
        for index in 0..count {
            job.step("verifying the export", "samples", index, count)?;
            let (inputs, float, quantized, label) = self.stores_of(index, plan, job)?;
            let outputs = plain.sample(&graph, &inputs, &quantized, &job.cancel)?;
            tally.add_plain(&graph, &float, &outputs);
            if let Some(fast) = optimized.run(&graph, &inputs, job)? {
                tally.add_optimized(&graph, &float, &outputs, &fast, label);
            }
        }
        let verification = Verification {
            samples: count,
            quantizers_checked,
            tensors_compared: plain.tensors_compared,
            elements_different: plain.elements_different,
            output_sqnr_db: tally.sqnr(&tally.plain),
            optimized_output_sqnr_db: tally.sqnr(&tally.optimized),
            optimized_max_abs: tally.max_abs,
            optimized_accuracy: tally.optimized_decisions.accuracy(),
            optimized_agreement: tally.optimized_decisions.agreement(),
            failure: plain.failure.or(optimized.failure),
        };
        let departs = Departure::of(&tally, &verification);
        Ok((verification, departs.map(|departure| departure.warning())))
    }

    /// A sample's inputs and both runs' tensors at `plan`, whether it is resident or not.
    pub(super) fn stores_of(&mut self, index: usize, plan: &Arc<QuantPlan>, job: &mut Job<'_>) -> Result<Stores> {
        let data = self.data.as_ref().ok_or_else(no_data)?;
        let inputs = input_values(&data.dataset, index)?;
        let label = data.dataset.labels().and_then(|l| l.get(index).copied());
        let (float, quantized) = self.tensors_of(index, plan, job)?;
        Ok((inputs, float, quantized, label))
    }
}

/// `NAME.onnx` → `NAME.unverified.onnx`.
fn unverified_path(path: &Path) -> PathBuf {
    let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    path.with_file_name(format!("{stem}.unverified.onnx"))
}

fn failed(reason: Text) -> Verification {
    let none = Measure::NotApplicable(mark!("the file did not run"));
    Verification {
        samples: 0,
        quantizers_checked: 0,
        tensors_compared: 0,
        elements_different: 0,
        output_sqnr_db: none,
        optimized_output_sqnr_db: none,
        optimized_max_abs: 0.0,
        optimized_accuracy: None,
        optimized_agreement: None,
        failure: Some(reason),
    }
}
