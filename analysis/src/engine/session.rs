//! onnxruntime behind one door: everything this program runs goes through [`Session`], so that one place decides on
//! optimization, prepacking, threads and how a run is stopped.
//!
//! The exactness rules live in [`SessionKind`]: without graph optimization a cut graph computes the same bits as the
//! whole; a weight that reaches its operator through DequantizeLinear is not prepacked in the export, so it must not be
//! prepacked here either (MatMul and Gemm differ otherwise, Conv does not).

use std::{collections::BTreeMap, path::Path, sync::Arc};

use ort::{
    environment::Environment,
    session::{
        RunOptions, SessionInputValue,
        builder::{GraphOptimizationLevel, SessionBuilder},
    },
    value::{DynValue, TensorRef, ValueType},
};
use prost::Message as _;

use super::value::Value;
use crate::{
    error::{Error, Result},
    graph::InferredType,
    job::CancelToken,
    onnx::proto::{ModelProto, ValueInfoProto},
    tensor::ElementType,
};

/// The loaded onnxruntime: one environment with one thread pool for all sessions.
#[derive(Clone, Debug)]
pub struct Runtime {
    environment: Arc<Environment>,
}

/// What a session is for, which decides how onnxruntime may treat its graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionKind {
    /// As stock onnxruntime runs a float model without graph optimization.
    Float,
    /// As it runs weights that come out of DequantizeLinear: no prepacking.
    Dequantized,
    /// With full optimization, as a user's program would: for verification and timing, never for what is shown.
    Optimized,
}

/// A model ready to run. One run at a time.
#[derive(Debug)]
pub struct Session {
    inner: ort::session::Session,
    place: String,
}

impl Runtime {
    /// Around an environment that was built with a global thread pool.
    pub fn new(environment: Environment) -> Self {
        Self { environment: Arc::new(environment) }
    }

    /// Builds a session of `model`; `place` names it in errors.
    ///
    /// # Errors
    /// [`Error::Runtime`] with onnxruntime's words when it refuses the model.
    pub fn session(&self, model: &ModelProto, kind: SessionKind, place: &str) -> Result<Session> {
        self.session_until(model, kind, place, &CancelToken::new())
    }

    /// As [`Runtime::session`], for a model so large that its user may not want to wait.
    ///
    /// # Errors
    /// As [`Runtime::session`], or [`Error::Cancelled`].
    pub fn session_until(
        &self,
        model: &ModelProto,
        kind: SessionKind,
        place: &str,
        cancel: &CancelToken,
    ) -> Result<Session> {
        cancel.check()?;
        let bytes = model.encode_to_vec();
        self.commit(kind, place, cancel, |builder| builder.commit_from_memory(&bytes))
    }

    /// Builds a session of a model file, as a user's program would.
    ///
    /// # Errors
    /// [`Error::Runtime`] with onnxruntime's words when it refuses the model; [`Error::Cancelled`].
    pub fn session_from_file(&self, path: &Path, kind: SessionKind, cancel: &CancelToken) -> Result<Session> {
        self.commit(kind, &path.display().to_string(), cancel, |builder| builder.commit_from_file(path))
    }

    fn commit(
        &self,
        kind: SessionKind,
        place: &str,
        cancel: &CancelToken,
        load: impl FnOnce(&mut SessionBuilder) -> ort::Result<ort::session::Session>,
    ) -> Result<Session> {
        cancel.check()?;
        let mut builder = self.builder(kind, place)?;
        let canceler = builder.canceler();
        let _hook = cancel.on_cancel(move || {
            // A load that has already ended cannot be stopped any more, and need not be.
            let _ = canceler.cancel();
        });
        match load(&mut builder) {
            Ok(inner) => Ok(Session { inner, place: place.to_owned() }),
            Err(_) if cancel.is_cancelled() => Err(Error::Cancelled),
            Err(error) => Err(Error::runtime(place, plain(&error.to_string()))),
        }
    }

    fn builder(&self, kind: SessionKind, place: &str) -> Result<SessionBuilder> {
        let level = match kind {
            SessionKind::Float | SessionKind::Dequantized => GraphOptimizationLevel::Disable,
            SessionKind::Optimized => GraphOptimizationLevel::All,
        };
        let refuse = |message: String| Error::runtime(place, plain(&message));
        let builder = ort::session::Session::builder(&self.environment).map_err(|e| refuse(e.to_string()))?;
        let builder = builder.with_optimization_level(level).map_err(|e| refuse(e.to_string()))?;
        let builder = builder.with_prepacking(kind != SessionKind::Dequantized).map_err(|e| refuse(e.to_string()))?;
        builder.with_log_level(ort::logging::LogLevel::Fatal).map_err(|e| refuse(e.to_string()))
    }

    /// Element types and shapes of the tensors named in `wanted`, by onnxruntime's own inference; building the session
    /// also tells whether onnxruntime can run the model at all.
    ///
    /// # Errors
    /// [`Error::Runtime`] when onnxruntime refuses the model; [`Error::Cancelled`].
    pub fn infer_types(
        &self,
        model: &ModelProto,
        wanted: &[String],
        cancel: &CancelToken,
    ) -> Result<BTreeMap<String, InferredType>> {
        let exposed = expose(model, wanted);
        let session = self.session_until(&exposed, SessionKind::Float, "the model", cancel)?;
        Ok(session
            .inner
            .inputs()
            .iter()
            .chain(session.inner.outputs())
            .map(|outlet| (outlet.name().to_owned(), inferred(outlet.dtype())))
            .collect())
    }
}

/// `model` with these tensors added to its outputs, so that a run returns them.
pub fn expose(model: &ModelProto, tensors: &[String]) -> ModelProto {
    let mut model = model.clone();
    if let Some(graph) = &mut model.graph {
        let known: std::collections::BTreeSet<String> = graph.output.iter().filter_map(|o| o.name.clone()).collect();
        let added = tensors.iter().filter(|name| !known.contains(*name));
        graph.output.extend(added.map(|name| ValueInfoProto { name: Some(name.clone()), ..ValueInfoProto::default() }));
    }
    model
}

fn inferred(value: &ValueType) -> InferredType {
    InferredType {
        element_type: value.tensor_type().and_then(super::value::element_type),
        dims: value.tensor_shape().map(|shape| shape.iter().map(|&d| usize::try_from(d).ok()).collect()),
    }
}

impl Session {
    /// Names of the outputs, in order.
    pub fn output_names(&self) -> Vec<String> {
        self.inner.outputs().iter().map(|o| o.name().to_owned()).collect()
    }

    /// Runs once. `inputs` pairs names with values; the outputs come in the session's order, still in its arena.
    ///
    /// # Errors
    /// [`Error::Runtime`] that names the piece being run, or [`Error::Cancelled`] when `cancel` was used meanwhile.
    pub fn run(&mut self, inputs: &[(&str, &Value)], cancel: &CancelToken) -> Result<Vec<Value>> {
        cancel.check()?;
        let place = self.place.clone();
        let refuse = |error: ort::Error| {
            if cancel.is_cancelled() { Error::Cancelled } else { Error::runtime(&place, plain(&error.to_string())) }
        };
        let mut feeds: Vec<(&str, SessionInputValue<'_>)> = Vec::with_capacity(inputs.len());
        for (name, value) in inputs {
            let feed = match value {
                Value::Float { shape, data } => {
                    TensorRef::from_array_view((shape.clone(), data.as_slice())).map_err(refuse)?.into()
                }
                Value::Other(value) => SessionInputValue::from(value.as_ref()),
            };
            feeds.push((name, feed));
        }
        let options = Arc::new(RunOptions::new().map_err(refuse)?);
        let _hook = cancel.on_cancel({
            let options = Arc::clone(&options);
            move || {
                // A run that has already ended cannot be stopped any more, and need not be.
                let _ = options.terminate();
            }
        });
        let outputs = self.inner.run_with_options(feeds, &*options).map_err(refuse)?;
        Ok(outputs.into_iter().map(|(_, value)| Value::from_runtime(value)).collect())
    }
}

/// onnxruntime's message without its source-file prefix, on one line.
fn plain(message: &str) -> String {
    let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    line.split_once("Status Message: ").map_or(line.as_str(), |(_, rest)| rest).to_owned()
}

/// Keeps the borrow checker honest about what may be sent between threads.
const _: fn() = || {
    fn is_send<T: Send>() {}
    is_send::<Session>();
    is_send::<DynValue>();
    let _ = ElementType::Float32;
};
