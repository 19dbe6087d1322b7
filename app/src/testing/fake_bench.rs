//! A bench that computes nothing.

use std::{path::Path, sync::Arc};

use super::*;

/// A bench with the fixture's answers.
#[derive(Clone, Debug)]
pub struct FakeBench {
    /// Layers of every model it opens.
    pub layers: usize,
}

impl FakeBench {
    fn report(&self, config: &Arc<QuantConfig>) -> anyhow::Result<Arc<Report>> {
        if config.target != "onnxruntime" {
            let place = "target";
            return Err(quantlens_analysis::Error::config(place, format!("`{}` is unknown", config.target)).into());
        }
        Ok(Arc::new(report_of(self.layers, config)))
    }
}

impl Bench for FakeBench {
    fn open(&mut self, source: &ModelSource, _: Option<u64>, job: &mut Run<'_>) -> anyhow::Result<Arc<ModelInfo>> {
        (job.progress)(Progress { stage: "reading the file", done: 1, total: Some(1), unit: "files" });
        let mut model = model(self.layers);
        if let ModelSource::Path(path) = source {
            anyhow::ensure!(!path.to_string_lossy().contains("missing"), "{}: no such file", path.display());
            assert!(!path.to_string_lossy().contains("panic"), "the bench was asked to panic");
            model.path.clone_from(path);
        }
        Ok(Arc::new(model))
    }

    fn runtime(&self) -> Option<RuntimeInfo> {
        Some(RuntimeInfo { version: "1.32.0".into(), how: "made by a test".into() })
    }

    fn set_memory(&mut self, budget_bytes: Option<u64>) -> anyhow::Result<Memory> {
        Ok(Memory { budget_bytes: budget_bytes.unwrap_or(1 << 30), ..Memory::default() })
    }

    fn set_data(
        &mut self,
        source: &DataChoice,
        _: Option<&Recipe>,
        _: Option<usize>,
        _: &mut Run<'_>,
    ) -> anyhow::Result<Arc<DataInfo>> {
        Ok(Arc::new(data(source)))
    }

    fn try_recipes(&mut self, _: &mut Run<'_>) -> anyhow::Result<Vec<RecipeTrial>> {
        Ok(Vec::new())
    }

    fn weight_only(&mut self, config: &Arc<QuantConfig>, _: &mut Run<'_>) -> anyhow::Result<Arc<Report>> {
        self.report(config)
    }

    fn evaluate(
        &mut self,
        config: &Arc<QuantConfig>,
        job: &mut Run<'_>,
        on_stage: &mut dyn FnMut(Arc<Report>),
    ) -> anyhow::Result<Arc<Report>> {
        let all = self.report(config)?;
        (job.progress)(Progress { stage: "quantized run", done: 1, total: Some(32), unit: "samples" });
        on_stage(Arc::new(Report { samples: 1, ..Report::clone(&all) }));
        job.cancel.check()?;
        Ok(all)
    }

    fn layer_detail(
        &mut self,
        _: &Arc<QuantConfig>,
        layer: &str,
        _: &mut Run<'_>,
        on_stage: &mut dyn FnMut(Arc<LayerDetail>),
    ) -> anyhow::Result<Arc<LayerDetail>> {
        on_stage(Arc::new(LayerDetail { threshold: None, is_whole: false, ..detail(layer) }));
        Ok(Arc::new(detail(layer)))
    }

    fn layer_arithmetic(
        &mut self,
        _: &Arc<QuantConfig>,
        layer: &str,
        _: &mut Run<'_>,
    ) -> anyhow::Result<Arc<LayerArithmetic>> {
        let content = ArithmeticContent::NotApplicable("The test's model has no arithmetic.".into());
        Ok(Arc::new(LayerArithmetic { layer: layer.into(), content }))
    }

    fn sweep(
        &mut self,
        config: &Arc<QuantConfig>,
        request: &SweepRequest,
        job: &mut Run<'_>,
        on_layers: &mut dyn FnMut(Arc<Sweep>),
    ) -> anyhow::Result<Arc<Sweep>> {
        for done in 1..self.layers {
            job.cancel.check()?;
            on_layers(Arc::new(sweep(self.layers, config, request, done)));
        }
        Ok(Arc::new(sweep(self.layers, config, request, self.layers)))
    }

    fn layer_errors(&mut self, _: &Arc<QuantConfig>, layer: &str, _: &mut Run<'_>) -> anyhow::Result<Arc<LayerErrors>> {
        Ok(Arc::new(LayerErrors {
            layer: layer.into(),
            samples: 8,
            local: errors(30.0),
            parts: Vec::new(),
            quantizer: None,
            cut: None,
        }))
    }

    fn feature_maps(
        &mut self,
        _: &Arc<QuantConfig>,
        layer: &str,
        sample: usize,
        _: &mut Run<'_>,
    ) -> anyhow::Result<Arc<FeatureMaps>> {
        Ok(Arc::new(maps(layer, sample)))
    }

    fn previews(&mut self, samples: &[usize], _: &mut Run<'_>) -> anyhow::Result<Vec<(usize, Arc<Preview>)>> {
        Ok(samples.iter().map(|&index| (index, Arc::new(preview(index)))).collect())
    }

    fn one_sample(&mut self, config: &Arc<QuantConfig>, index: usize, _: &mut Run<'_>) -> anyhow::Result<Arc<Report>> {
        let all = self.report(config)?;
        let of = all.samples;
        let scope = Some(SampleScope { index, of, name: format!("sample {index}").into() });
        Ok(Arc::new(Report { samples: 1, samples_total: 1, scope, ..Report::clone(&all) }))
    }

    fn export(&mut self, _: &Arc<QuantConfig>, path: &Path, _: &mut Run<'_>) -> anyhow::Result<Arc<ExportReport>> {
        Ok(Arc::new(export(path)))
    }
}
