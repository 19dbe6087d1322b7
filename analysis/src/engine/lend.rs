//! Constants that a session reads where they lie, instead of a copy of its own.
//!
//! A model handed over as bytes has its constants copied on the way: into the message, out of it, into the session's own
//! tensors. With 235 sessions for one text model that was a fifth of the time of a whole analysis, nearly all of it the
//! first touch of memory. Large constants are therefore left out of the message, which names them as inputs instead, and
//! given to every run by pointer: the float run, the quantized one and the tables all read the same memory.
//!
//! It is the same computation wherever an operator does not prepare its constants ahead. Where it does (`MatMul` packs
//! them, and the bits differ) a constant stays one, unless the session is told to prepare nothing: then it only reads
//! what it is given, as an export does that computes its weights by `DequantizeLinear`.

use std::{collections::BTreeSet, ffi::CString};

use prost::Message as _;

use super::{session::SessionKind, view::Bound};
use crate::onnx::{
    SharedFloats, outer_references,
    proto::{
        DataType, DimensionValue, GraphProto, ModelProto, TensorProto, TensorShapeDimension, TensorShapeProto,
        TensorType, TypeProto, TypeValue, ValueInfoProto,
    },
};

/// Constants from this size on are lent. Smaller ones may be what onnxruntime reads at once, to know a shape, and a copy of
/// them costs nothing.
const SMALLEST_BYTES: usize = 4096;

/// Operators that read a float32 constant in place even where a session prepares constants ahead.
const NEVER_PREPARED: [&str; 7] = ["Add", "Div", "Gather", "Mul", "Pow", "Sub", "Where"];

/// A constant that a session reads in memory of others: an input of its message.
#[derive(Debug)]
pub(super) struct Loan {
    pub(super) name: CString,
    pub(super) value: Bound,
}

/// The model as a message without the constants that are lent, and these.
///
/// # Errors
/// onnxruntime's own.
pub(super) fn lend(model: &ModelProto, kind: SessionKind) -> ort::Result<(Vec<u8>, Vec<Loan>)> {
    // Values of constants are shared, so this copies names and nodes alone.
    let mut lean = model.clone();
    let mut loans = Vec::new();
    if let Some(graph) = lean.graph.as_mut().filter(|_| kind != SessionKind::Optimized) {
        let kept = kept(graph, kind);
        let mut constants = Vec::with_capacity(graph.initializer.len());
        for constant in std::mem::take(&mut graph.initializer) {
            match values(&constant).filter(|_| !kept.contains(constant.name())) {
                Some((name, values)) => {
                    loans.push(Loan { name, value: Bound::new(&constant.dims, values)? });
                    graph.input.retain(|input| input.name.as_deref() != Some(constant.name()));
                    graph.input.push(input(&constant));
                }
                None => constants.push(constant),
            }
        }
        graph.initializer = constants;
    }
    Ok((lean.encode_to_vec(), loans))
}

/// Constants that must stay what they are: those that some operator may prepare ahead, that a subgraph reads, or that are
/// outputs themselves.
fn kept(graph: &GraphProto, kind: SessionKind) -> BTreeSet<String> {
    let mut kept: BTreeSet<String> = graph.output.iter().filter_map(|output| output.name.clone()).collect();
    for node in &graph.node {
        kept.extend(outer_references(node));
        if kind == SessionKind::Float && !reads_in_place(node.op_type(), node.domain()) {
            kept.extend(node.input.iter().cloned());
        }
    }
    kept
}

/// Whether no session prepares this operator's float32 constants. A convolution's are packed ahead on other processors.
fn reads_in_place(op: &str, domain: &str) -> bool {
    domain.is_empty() && (NEVER_PREPARED.contains(&op) || (op == "Conv" && cfg!(target_arch = "x86_64")))
}

/// A constant's name and values, if it can be lent.
fn values(constant: &TensorProto) -> Option<(CString, SharedFloats)> {
    let raw = constant.raw_data.as_ref().filter(|raw| raw.len() >= SMALLEST_BYTES)?;
    if constant.data_type != Some(DataType::Float as i32) {
        return None;
    }
    // Where shape and values disagree the message goes as it is, and onnxruntime says so.
    let count = constant.dims.iter().try_fold(1_usize, |count, &dim| count.checked_mul(usize::try_from(dim).ok()?))?;
    let values = SharedFloats::from_raw(raw).filter(|values| values.len() == count)?;
    Some((CString::new(constant.name()).ok()?, values))
}

/// The input that stands for a constant, with its shape, from which onnxruntime infers others.
fn input(constant: &TensorProto) -> ValueInfoProto {
    let dim = |&dim: &i64| TensorShapeDimension { value: Some(DimensionValue::DimValue(dim)), denotation: None };
    let shape = TensorShapeProto { dim: constant.dims.iter().map(dim).collect() };
    let tensor_type = TensorType { elem_type: constant.data_type, shape: Some(shape) };
    let value_type = TypeProto { value: Some(TypeValue::TensorType(tensor_type)), denotation: None };
    ValueInfoProto { name: constant.name.clone(), r#type: Some(value_type), ..ValueInfoProto::default() }
}
