//! Opening a model: load, refuse what cannot be analyzed in words, let onnxruntime infer types and compute constants,
//! build the graph.

use std::{collections::VecDeque, path::Path, sync::Arc};

use bytes::Bytes;

use super::{LIVE_SAMPLES, Workbench, info};
use crate::{
    engine::{Engine, Runtime, SessionKind, Value, expose},
    error::{Error, Result},
    graph::{Constants, Graph, Node, TensorId},
    job::{CancelToken, Job, Warning},
    onnx::{self, Loaded, already_quantized, proto::ModelProto, tensor_proto},
    plan::WeightCache,
    say,
};

/// How a model is opened.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenOptions {
    /// Most bytes that cached tensors may take; `None`: a quarter of the machine's memory.
    pub memory_budget_bytes: Option<u64>,
    /// Samples whose tensors are kept for the next change, however large; `None`: the live ones. A program that evaluates
    /// once needs none: memory that the system has yet to give costs more than running a sample again. With none an
    /// evaluation has no stages either.
    pub resident_samples: Option<usize>,
}

impl Workbench {
    /// Opens a model file.
    ///
    /// # Errors
    /// Names the file and says what it is instead, for everything that is no float ONNX model onnxruntime can run.
    pub fn open(runtime: &Runtime, path: &Path, options: OpenOptions, job: &mut Job<'_>) -> Result<Self> {
        job.step("reading the model", "steps", 0, 3)?;
        Self::open_loaded(runtime, onnx::load(path)?, options, job)
    }

    /// Opens a model that is embedded in the program; `name` stands for its path.
    ///
    /// # Errors
    /// As [`Workbench::open`].
    pub fn open_bytes(
        runtime: &Runtime,
        name: &str,
        bytes: Bytes,
        options: OpenOptions,
        job: &mut Job<'_>,
    ) -> Result<Self> {
        job.step("reading the model", "steps", 0, 3)?;
        Self::open_loaded(runtime, onnx::load_bytes(Path::new(name), bytes)?, options, job)
    }

    fn open_loaded(runtime: &Runtime, loaded: Loaded, options: OpenOptions, job: &mut Job<'_>) -> Result<Self> {
        if let Some(kind) = already_quantized(&loaded.model) {
            return Err(Error::format(
                &loaded.path,
                say!(
                    "is already quantized: {}. Open the float model it was made from; comparing the two \
                     (`quantlens compare`) comes in a later version",
                    kind
                ),
            ));
        }
        let model = Arc::new(onnx::with_inline_data(&loaded.model));
        let in_file = |error: Error| match error {
            Error::Model { reason } => Error::format(&loaded.path, reason),
            Error::Runtime { reason, .. } => {
                Error::format(&loaded.path, say!("onnxruntime cannot run this model: {}", reason))
            }
            other => other,
        };
        job.step("checking the model with onnxruntime", "steps", 1, 3)?;
        let skeleton = Graph::skeleton(Arc::clone(&model))
            .and_then(refuse_containers)
            .and_then(refuse_crashes)
            .map_err(in_file)?;
        let wanted: Vec<String> = skeleton
            .nodes
            .iter()
            .filter(|node| !node.is_constant)
            .flat_map(|node| node.outputs.iter().flatten())
            .map(|&tensor| skeleton.name(tensor).to_owned())
            .collect();
        let types = runtime.infer_types(&model, &wanted, &job.cancel).map_err(in_file)?;
        job.step("preparing layers", "steps", 2, 3)?;
        let constants = constants(runtime, &skeleton, &model, &job.cancel).map_err(in_file)?;
        let graph = Arc::new(skeleton.finish(&types, constants).map_err(in_file)?);
        let mut warnings = loaded.warnings.clone();
        warnings.extend(non_finite_constants(&graph));
        let info = Arc::new(info::describe(&loaded, &graph, warnings));
        let memory_budget_bytes = options.memory_budget_bytes.unwrap_or_else(default_budget_bytes);
        job.step("preparing layers", "steps", 3, 3)?;
        Ok(Self {
            runtime: runtime.clone(),
            engine: Engine::new(runtime.clone(), Arc::clone(&graph)),
            info,
            graph,
            weight_cache: WeightCache::new(),
            memory_budget_bytes,
            resident_samples: options.resident_samples.unwrap_or(LIVE_SAMPLES),
            data: None,
            finished: VecDeque::new(),
            kept_sweeps: VecDeque::new(),
        })
    }
}

/// Data are tensors: a model that wants anything else cannot be fed.
fn refuse_containers(graph: Graph) -> Result<Graph> {
    match graph.inputs.iter().find(|&&t| graph.tensors[t].element_type.is_none()) {
        Some(&input) => Err(Error::model(say!(
            "input `{}` is a sequence, an optional or of a type that no data can be given for; export the model so that it \
             reads tensors of numbers",
            graph.name(input)
        ))),
        None => Ok(graph),
    }
}

/// onnxruntime 1.32 does not refuse a Split that leaves out an output; it reads where nothing is, and ends the program.
fn refuse_crashes(graph: Graph) -> Result<Graph> {
    let leaves_out = |node: &&Node| node.op == "Split" && node.domain.is_empty() && node.outputs.contains(&None);
    match graph.nodes.iter().find(leaves_out) {
        Some(node) => Err(Error::model(say!(
            "node `{}` (Split) leaves out an output, which onnxruntime cannot run; give every output a name",
            node.outputs.iter().flatten().next().map_or("", |&t| graph.name(t))
        ))),
        None => Ok(graph),
    }
}

/// Stored constants, and what onnxruntime makes of nodes that read constants alone.
fn constants(runtime: &Runtime, graph: &Graph, model: &ModelProto, cancel: &CancelToken) -> Result<Constants> {
    let mut constants = Constants::stored(graph)?;
    let missing = constants.missing(graph);
    if missing.is_empty() {
        return Ok(constants);
    }
    let computed = evaluate_constants(runtime, graph, model, &missing, cancel)?;
    for (tensor, value) in missing.into_iter().zip(computed) {
        // A sequence or a type that is not computed with: whoever reads it keeps its nodes in one piece.
        if let Some(values) = value.to_tensor() {
            constants.insert(tensor, tensor_proto(graph.name(tensor), &values));
        }
    }
    Ok(constants)
}

/// Runs the constant nodes alone.
fn evaluate_constants(
    runtime: &Runtime,
    graph: &Graph,
    model: &ModelProto,
    wanted: &[TensorId],
    cancel: &CancelToken,
) -> Result<Vec<Value>> {
    let mut alone = model.clone();
    if let Some(proto) = &mut alone.graph {
        let mut positions: Vec<usize> = graph.nodes.iter().filter(|n| n.is_constant).map(|n| n.position).collect();
        positions.sort_unstable();
        proto.node = positions.iter().filter_map(|&p| proto.node.get(p).cloned()).collect();
        proto.input = Vec::new();
        proto.output = Vec::new();
    }
    // Before version 4 every initializer had to be listed among the inputs, which are gone here.
    alone.ir_version = alone.ir_version.map(|v| v.max(4));
    let names: Vec<String> = wanted.iter().map(|&t| graph.name(t).to_owned()).collect();
    let exposed = expose(&alone, &names);
    let session = runtime.session_until(&exposed, SessionKind::Float, "the model's constants", cancel)?;
    session.run(&[], cancel)
}

/// Broken weights do not stop the work, but every number downstream of them means nothing.
fn non_finite_constants(graph: &Graph) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for layer in &graph.layers {
        for operand in &layer.operands {
            let values = graph.constants.float_values(operand.tensor).unwrap_or_default();
            let broken = values.iter().filter(|v| !v.is_finite()).count();
            if broken > 0 {
                warnings.push(Warning::new(
                    "weight-not-finite",
                    say!(
                        "{} of {} values of `{}` (layer `{}`) are NaN or infinite; the layer cannot be quantized",
                        broken,
                        values.len(),
                        graph.name(operand.tensor),
                        layer.name
                    ),
                ));
            }
        }
    }
    warnings
}

/// A quarter of the machine's memory, or 2 GiB where it does not tell.
pub(super) fn default_budget_bytes() -> u64 {
    const FALLBACK: u64 = 2 << 30;
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = text.lines().find_map(|line| {
        let kilobytes = line.strip_prefix("MemTotal:")?.trim().strip_suffix("kB")?.trim();
        kilobytes.parse::<u64>().ok()
    });
    total.map_or(FALLBACK, |kilobytes| kilobytes * 1024 / 4)
}
