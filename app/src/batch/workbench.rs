//! A workbench as the options describe it.

use std::path::Path;

use anyhow::{Result, anyhow};
use quantlens_analysis::{
    data::{DataOptions, DataSource, LabelOptions},
    engine::Runtime,
    job::{CancelToken, Job},
    workbench::{OpenOptions, Workbench},
};

use super::{options::EvaluationArgs, progress::Reporter};
use crate::runtime;

/// Finds onnxruntime, fetching it where none is installed, and loads it.
pub(super) fn load_runtime(explicit: Option<&Path>, threads: Option<usize>) -> Result<Runtime> {
    let located = match runtime::locate(explicit) {
        Ok(located) => located,
        Err(missing) if explicit.is_some() => return Err(anyhow!("{missing}")),
        Err(missing) => {
            eprintln!("no onnxruntime found; fetching it once");
            let mut reporter = Reporter::new();
            runtime::fetch(&CancelToken::new(), &mut |p| reporter.show(&p)).map_err(|e| anyhow!("{e:#}\n{missing}"))?
        }
    };
    Ok(Runtime::new(runtime::load(&located, threads.unwrap_or_else(cores))?))
}

/// Threads where none are asked for.
pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get)
}

/// Opens the model and gives it its data; `resident_samples` as in [`OpenOptions`].
pub(super) fn prepare(
    args: &EvaluationArgs,
    resident_samples: Option<usize>,
    reporter: &mut Reporter,
) -> Result<Workbench> {
    // Read first: a typing error in the options should not cost a minute of loading.
    if let Some(warning) = args.quant_config_told()?.1 {
        eprintln!("warning: {}", warning.message);
    }
    let recipe = args.recipe()?;
    let runtime = load_runtime(args.onnxruntime.as_deref(), args.threads)?;
    let mut show = |p| reporter.show(&p);
    let mut job = Job { cancel: CancelToken::new(), progress: &mut show };
    let options = OpenOptions { memory_budget_bytes: args.memory, resident_samples };
    let mut workbench = Workbench::open(&runtime, &args.model, options, &mut job)?;
    let options = DataOptions {
        recipe,
        limit: args.samples.map(|n| n as usize),
        labels: LabelOptions {
            column: args.label_column.clone(),
            classes: (!args.classes.is_empty()).then(|| args.classes.clone()),
        },
        model_name: args.model.file_name().map(|n| n.to_string_lossy().into_owned()),
        ..DataOptions::default()
    };
    workbench.set_data(&DataSource::parse(args.data.as_os_str()), &options)?;
    if let Some(calibration) = &args.calibration {
        workbench.set_calibration(&DataSource::parse(calibration.as_os_str()), &options)?;
    } else {
        eprintln!("ranges are taken from the evaluated samples (--calibration chooses others)");
    }
    Ok(workbench)
}
