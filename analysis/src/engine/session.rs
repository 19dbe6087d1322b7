//! onnxruntime behind one door: everything this program runs goes through [`Session`], so that one place decides on
//! optimization, prepacking, threads and how a run is stopped.
//!
//! The exactness rules live in [`SessionKind`]: without graph optimization a cut graph computes the same bits as the
//! whole; a weight that reaches its operator through DequantizeLinear is not prepacked in the export, so it must not be
//! prepacked here either (MatMul and Gemm differ otherwise, Conv does not).

use std::{
    collections::BTreeMap,
    ffi::{CStr, CString},
    path::Path,
    ptr,
    sync::Arc,
};

use ort::{
    AsPointer as _,
    environment::Environment,
    session::builder::{GraphOptimizationLevel, SessionBuilder},
    value::ValueType,
};
use prost::Message as _;

use super::{
    call,
    kernel::Proofs,
    lend::{Lean, Loan},
    value::Value,
    view::View,
};
use crate::{
    buffer::{Buffer, Pool},
    error::{Error, Result},
    graph::InferredType,
    job::CancelToken,
    onnx::{
        SharedFloats,
        proto::{ModelProto, ValueInfoProto},
    },
    t,
};

/// The loaded onnxruntime: one environment with one thread pool for all sessions.
#[derive(Clone, Debug)]
pub struct Runtime {
    environment: Arc<Environment>,
    /// Memory for constants that sessions read in place.
    constants: Pool,
    /// What is known of kernels of ours.
    proofs: Arc<Proofs>,
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

/// A model ready to run, by several threads at a time.
#[derive(Debug)]
pub struct Session {
    inner: ort::session::Session,
    place: String,
    inputs: Vec<CString>,
    outputs: Vec<CString>,
    /// Constants that every run is given.
    loans: Vec<Loan>,
}

/// Memory for an output: its shape, and a buffer of as many values; `None` where onnxruntime is to allocate.
pub(super) type Room = Option<(Vec<i64>, Buffer)>;

impl Runtime {
    /// Around an environment that was built with a global thread pool.
    pub fn new(environment: Environment) -> Self {
        call::share_arena(&environment);
        Self { environment: Arc::new(environment), constants: Pool::default(), proofs: Arc::default() }
    }

    /// Values that sessions can read in place; `fill` finds anything and writes all.
    pub(super) fn constant(&self, len: usize, fill: impl FnOnce(&mut [f32])) -> SharedFloats {
        SharedFloats::filled(&self.constants, len, fill)
    }

    /// Memory for constants that are read in place.
    pub(super) fn constants(&self) -> &Pool {
        &self.constants
    }

    /// What is known of kernels of ours in the place of this runtime's.
    pub(super) fn proofs(&self) -> &Proofs {
        &self.proofs
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

    /// As [`Runtime::session_until`], for a session of the engine's own: it reads large constants where they lie, where
    /// onnxruntime agrees to that.
    ///
    /// # Errors
    /// As [`Runtime::session_until`].
    pub(super) fn lending_session(
        &self,
        model: &ModelProto,
        kind: SessionKind,
        place: &str,
        cancel: &CancelToken,
    ) -> Result<Session> {
        let lean = Lean::of(model, kind);
        if lean.is_whole() {
            return self.session_until(model, kind, place, cancel);
        }
        match self.session_until(&lean.model, kind, place, cancel) {
            Ok(session) => {
                let loans = lean.loans().map_err(|error| Error::runtime(place, plain(&error.to_string())))?;
                Ok(Session { loans, ..session })
            }
            Err(Error::Cancelled) => Err(Error::Cancelled),
            // Perhaps an operator wants its constant as one; if it is anything else, stock onnxruntime says it, too.
            Err(_) => self.session_until(model, kind, place, cancel),
        }
    }

    /// Builds a session of a model file, as a user's program would.
    ///
    /// # Errors
    /// [`Error::Runtime`] with onnxruntime's words when it refuses the model; [`Error::Cancelled`].
    pub fn session_from_file(&self, path: &Path, kind: SessionKind, cancel: &CancelToken) -> Result<Session> {
        self.commit(kind, &path.display().to_string(), cancel, |builder| builder.commit_from_file(path))
    }

    /// Builds a session as another program would: with threads of its own, as many as this program uses.
    ///
    /// # Errors
    /// [`Error::Runtime`] with onnxruntime's words when it refuses the model.
    pub fn stock_session(&self, model: &ModelProto, kind: SessionKind, place: &str) -> Result<Session> {
        let refuse = |message: String| Error::runtime(place, plain(&message));
        let builder = self.builder(kind, place)?.with_independent_thread_pool().map_err(|e| refuse(e.to_string()))?;
        let threads = rayon::current_num_threads();
        let mut builder = builder.with_intra_threads(threads).map_err(|e| refuse(e.to_string()))?;
        let inner = builder.commit_from_memory(&model.encode_to_vec());
        Session::new(inner.map_err(|e| refuse(e.to_string()))?, place)
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
            Ok(inner) => Session::new(inner, place),
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
        let builder = builder.with_env_allocators().map_err(|e| refuse(e.to_string()))?;
        builder.with_log_level(ort::logging::LogLevel::Fatal).map_err(|e| refuse(e.to_string()))
    }

    /// Element types and shapes of the tensors named in `wanted`, by onnxruntime's own inference; building the session
    /// also tells whether onnxruntime can run the model at all. It is never run, so nothing is prepacked.
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
        let session = self.lending_session(&exposed, SessionKind::Dequantized, "the model", cancel)?;
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
    fn new(inner: ort::session::Session, place: &str) -> Result<Self> {
        let inputs = inner.inputs().iter().map(|input| c_name(input.name(), place)).collect::<Result<_>>()?;
        let outputs = inner.outputs().iter().map(|output| c_name(output.name(), place)).collect::<Result<_>>()?;
        Ok(Self { inner, place: place.to_owned(), inputs, outputs, loans: Vec::new() })
    }

    /// Names of the outputs, in order.
    pub fn output_names(&self) -> Vec<String> {
        self.inner.outputs().iter().map(|o| o.name().to_owned()).collect()
    }

    fn input(&self, name: &str) -> Result<&CStr> {
        let found = self.inputs.iter().find(|input| input.to_bytes() == name.as_bytes());
        found.map(CString::as_c_str).ok_or_else(|| Error::runtime(&self.place, t!("it has no input `{}`", name)))
    }

    /// Runs once. `inputs` pairs names with values; the outputs come in the session's order, still in its arena.
    ///
    /// # Errors
    /// [`Error::Runtime`] that names the piece being run, or [`Error::Cancelled`] when `cancel` was used meanwhile.
    pub fn run(&self, inputs: &[(&str, &Value)], cancel: &CancelToken) -> Result<Vec<Value>> {
        self.run_into(inputs, self.outputs.iter().map(|_| None).collect(), cancel)
    }

    /// Runs once and writes each output to the room given for it, where there is one.
    ///
    /// # Errors
    /// As [`Session::run`]; where an output has another shape than its room, too.
    pub(super) fn run_into(
        &self,
        inputs: &[(&str, &Value)],
        mut rooms: Vec<Room>,
        cancel: &CancelToken,
    ) -> Result<Vec<Value>> {
        cancel.check()?;
        let refuse = |error: ort::Error| {
            if cancel.is_cancelled() {
                Error::Cancelled
            } else {
                Error::runtime(&self.place, plain(&error.to_string()))
            }
        };
        let mut views = Vec::with_capacity(inputs.len());
        for (_, value) in inputs {
            views.push(match value {
                Value::Other(_) => None,
                ours => {
                    let data = ours.floats().unwrap_or_default();
                    Some(View::of(&ours.dims(), data).map_err(refuse)?)
                }
            });
        }
        let mut feeds = Vec::with_capacity(inputs.len() + self.loans.len());
        feeds.extend(self.loans.iter().map(|loan| (loan.name.as_c_str(), loan.value.ptr())));
        for ((name, value), view) in inputs.iter().zip(&views) {
            let pointer = match (value, view) {
                (Value::Other(value), _) => value.ptr(),
                (_, Some(view)) => view.ptr().cast_const(),
                (_, None) => ptr::null(),
            };
            feeds.push((self.input(name)?, pointer));
        }
        let mut targets = Vec::with_capacity(rooms.len());
        for room in &mut rooms {
            targets.push(match room {
                Some((shape, data)) => Some(View::of_mut(shape, data).map_err(refuse)?),
                None => None,
            });
        }
        let mut outputs: Vec<_> =
            targets.iter().map(|target| target.as_ref().map_or(ptr::null_mut(), View::ptr)).collect();
        call::run(&self.inner, &feeds, &self.outputs, &mut outputs, cancel).map_err(refuse)?;
        drop(targets);
        let values = rooms.into_iter().zip(outputs).map(|(room, output)| match room {
            Some((shape, data)) => Ok(Value::Float { shape, data }),
            None => call::owned(&self.inner, output)
                .map(Value::from_runtime)
                .ok_or_else(|| Error::runtime(&self.place, "an output is missing")),
        });
        values.collect()
    }
}

/// A name as the C interface takes it.
fn c_name(name: &str, place: &str) -> Result<CString> {
    CString::new(name).map_err(|error| Error::runtime(place, format!("the name `{name}` holds a zero byte: {error}")))
}

/// onnxruntime's message without its source-file prefix, on one line.
fn plain(message: &str) -> String {
    let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    line.split_once("Status Message: ").map_or(line.as_str(), |(_, rest)| rest).to_owned()
}

/// Samples run side by side, each on a thread of its own.
const _: fn() = || {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<Session>();
};
