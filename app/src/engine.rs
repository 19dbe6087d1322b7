//! What the analysis thread works with: onnxruntime, found or fetched when first needed, and one workbench.

use std::{path::Path, sync::Arc};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use quantlens_analysis::{
    config::QuantConfig,
    data::{
        DataOptions, DataSource, Recipe, RecipeTrial,
        info::{DataInfo, Preview},
    },
    engine::Runtime,
    job::Job,
    report::{ExportReport, FeatureMaps, LayerArithmetic, LayerDetail, LayerErrors, Memory, ModelInfo, Report, Sweep},
    say,
    sensitivity::SweepRequest,
    text::Text,
    workbench::{ExportOptions, OpenOptions, Workbench},
};

use crate::{
    document::RuntimeInfo,
    runtime,
    worker::{Bench, DataChoice, ModelSource},
};

/// The built-in sample's network.
const SAMPLE_MODEL: &[u8] = include_bytes!("../../assets/sample/sample.onnx");
/// Its labelled pictures.
const SAMPLE_DATA: &[u8] = include_bytes!("../../assets/sample/sample.npz");
/// The name the sample goes by, in place of a path.
pub const SAMPLE_NAME: &str = "sample.onnx";

/// Models with fewer parameters are verified on every sample: it takes a moment, and the file's accuracy can then be
/// compared with the window's, count by count.
const SMALL_PARAMETERS: u64 = 1_000_000;

/// The real [`Bench`].
#[derive(Debug, Default)]
pub struct Engine {
    /// A library the user names; `None` looks for one.
    library: Option<std::path::PathBuf>,
    threads: Option<usize>,
    runtime: Option<(Runtime, RuntimeInfo)>,
    workbench: Option<Workbench>,
    /// Where the sample's pictures lie while the program runs: the data room reads files.
    sample_folder: Option<tempfile::TempDir>,
}

impl Engine {
    /// With the library at `library`, or whichever is found; on `threads` threads, or all cores.
    pub fn new(library: Option<std::path::PathBuf>, threads: Option<usize>) -> Self {
        Self { library, threads, ..Self::default() }
    }

    fn load_runtime(&mut self, job: &mut Job<'_>) -> Result<Runtime> {
        if let Some((runtime, _)) = &self.runtime {
            return Ok(runtime.clone());
        }
        let located = match runtime::locate(self.library.as_deref()) {
            Ok(located) => located,
            Err(missing) if self.library.is_some() => return Err(missing.into()),
            Err(missing) => runtime::fetch(&job.cancel, job.progress).context(missing)?,
        };
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        let runtime = Runtime::new(runtime::load(&located, self.threads.unwrap_or(cores))?);
        let info = RuntimeInfo { version: located.version, how: Text::of(located.how) };
        self.runtime = Some((runtime.clone(), info));
        Ok(runtime)
    }

    fn workbench(&mut self) -> Result<&mut Workbench> {
        self.workbench.as_mut().context(say!("no model is open"))
    }

    fn data_source(&mut self, choice: &DataChoice) -> Result<DataSource> {
        match choice {
            DataChoice::Source(source) => Ok(source.clone()),
            DataChoice::Sample => {
                if self.sample_folder.is_none() {
                    self.sample_folder =
                        Some(tempfile::tempdir().context(say!("cannot unpack the sample's pictures"))?);
                }
                let folder = self.sample_folder.as_ref().context(say!("cannot unpack the sample's pictures"))?;
                let path = folder.path().join("sample.npz");
                if !path.exists() {
                    std::fs::write(&path, SAMPLE_DATA).with_context(|| say!("cannot write {}", path.display()))?;
                }
                Ok(DataSource::Path(path))
            }
        }
    }
}

impl Bench for Engine {
    fn open(&mut self, source: &ModelSource, budget: Option<u64>, job: &mut Job<'_>) -> Result<Arc<ModelInfo>> {
        let runtime = self.load_runtime(job)?;
        let options = OpenOptions { memory_budget_bytes: budget, ..OpenOptions::default() };
        let workbench = match source {
            ModelSource::Path(path) => Workbench::open(&runtime, path, options, job)?,
            ModelSource::Sample => {
                Workbench::open_bytes(&runtime, SAMPLE_NAME, Bytes::from_static(SAMPLE_MODEL), options, job)?
            }
        };
        let model = workbench.model();
        // Only now: a model that does not open leaves the one before it open.
        self.workbench = Some(workbench);
        Ok(model)
    }

    fn runtime(&self) -> Option<RuntimeInfo> {
        self.runtime.as_ref().map(|(_, info)| info.clone())
    }

    fn set_memory(&mut self, budget_bytes: Option<u64>) -> Result<Memory> {
        Ok(self.workbench()?.set_memory_budget(budget_bytes))
    }

    fn set_data(
        &mut self,
        source: &DataChoice,
        recipe: Option<&Recipe>,
        samples: Option<usize>,
        job: &mut Job<'_>,
    ) -> Result<Arc<DataInfo>> {
        let is_sample = *source == DataChoice::Sample;
        let source = self.data_source(source)?;
        let workbench = self.workbench()?;
        let model_name = workbench.model().path.file_name().map(|n| n.to_string_lossy().into_owned());
        let model_folder = workbench.model().path.parent().map(Path::to_path_buf);
        let options =
            DataOptions { recipe: recipe.cloned(), limit: samples, model_name, model_folder, ..DataOptions::default() };
        let mut info = workbench.set_data_checked(&source, &options, None, job)?;
        if is_sample {
            // Where they were unpacked to is nobody's business.
            Arc::make_mut(&mut info).source = DataSource::Path("built-in sample".into());
        }
        Ok(info)
    }

    fn try_recipes(&mut self, job: &mut Job<'_>) -> Result<Vec<RecipeTrial>> {
        Ok(self.workbench()?.try_recipes(job)?.trials)
    }

    fn weight_only(&mut self, config: &Arc<QuantConfig>, _: &mut Job<'_>) -> Result<Arc<Report>> {
        Ok(self.workbench()?.weight_only(config)?)
    }

    fn evaluate(
        &mut self,
        config: &Arc<QuantConfig>,
        job: &mut Job<'_>,
        on_stage: &mut dyn FnMut(Arc<Report>),
    ) -> Result<Arc<Report>> {
        Ok(self.workbench()?.evaluate(config, job, on_stage)?)
    }

    fn layer_detail(
        &mut self,
        config: &Arc<QuantConfig>,
        layer: &str,
        job: &mut Job<'_>,
        on_stage: &mut dyn FnMut(Arc<LayerDetail>),
    ) -> Result<Arc<LayerDetail>> {
        Ok(self.workbench()?.layer_detail_in_stages(config, layer, job, on_stage)?)
    }

    fn layer_arithmetic(
        &mut self,
        config: &Arc<QuantConfig>,
        layer: &str,
        job: &mut Job<'_>,
    ) -> Result<Arc<LayerArithmetic>> {
        Ok(self.workbench()?.layer_arithmetic(config, layer, job)?)
    }

    fn sweep(
        &mut self,
        config: &Arc<QuantConfig>,
        request: &SweepRequest,
        job: &mut Job<'_>,
        on_layers: &mut dyn FnMut(Arc<Sweep>),
    ) -> Result<Arc<Sweep>> {
        Ok(self.workbench()?.sweep(config, request, job, on_layers)?)
    }

    fn layer_errors(&mut self, config: &Arc<QuantConfig>, layer: &str, job: &mut Job<'_>) -> Result<Arc<LayerErrors>> {
        Ok(self.workbench()?.layer_errors(config, layer, job)?)
    }

    fn feature_maps(
        &mut self,
        config: &Arc<QuantConfig>,
        layer: &str,
        sample: usize,
        job: &mut Job<'_>,
    ) -> Result<Arc<FeatureMaps>> {
        Ok(self.workbench()?.feature_maps(config, layer, sample, job)?)
    }

    fn previews(&mut self, samples: &[usize], job: &mut Job<'_>) -> Result<Vec<(usize, Arc<Preview>)>> {
        let previews = self.workbench()?.previews(samples, job)?;
        Ok(previews.into_iter().map(|(index, preview)| (index, Arc::new(preview))).collect())
    }

    fn one_sample(&mut self, config: &Arc<QuantConfig>, index: usize, job: &mut Job<'_>) -> Result<Arc<Report>> {
        Ok(self.workbench()?.report_of_sample(config, index, job)?)
    }

    fn export(&mut self, config: &Arc<QuantConfig>, path: &Path, job: &mut Job<'_>) -> Result<Arc<ExportReport>> {
        let workbench = self.workbench()?;
        let is_small = workbench.model().parameters < SMALL_PARAMETERS;
        let options = if is_small { ExportOptions { verified_samples: usize::MAX } } else { ExportOptions::default() };
        Ok(workbench.export(config, path, &options, job)?)
    }
}
