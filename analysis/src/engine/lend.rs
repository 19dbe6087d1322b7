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

/// A model without the constants that are lent, and these.
pub(super) struct Lean {
    pub(super) model: ModelProto,
    lent: Vec<(CString, TensorProto, SharedFloats)>,
}

impl Lean {
    /// Takes the constants out that a session of this kind can read in place.
    pub(super) fn of(model: &ModelProto, kind: SessionKind) -> Self {
        // Values of constants are shared, so this copies names and nodes alone.
        let mut lean = model.clone();
        let mut lent = Vec::new();
        if let Some(graph) = lean.graph.as_mut().filter(|_| kind != SessionKind::Optimized) {
            let kept = kept(graph, kind);
            let mut constants = Vec::with_capacity(graph.initializer.len());
            for constant in std::mem::take(&mut graph.initializer) {
                match values(&constant).filter(|_| !kept.contains(constant.name())) {
                    Some((name, values)) => {
                        graph.input.retain(|input| input.name.as_deref() != Some(constant.name()));
                        graph.input.push(input(&constant));
                        lent.push((name, constant, values));
                    }
                    None => constants.push(constant),
                }
            }
            graph.initializer = constants;
        }
        Self { model: lean, lent }
    }

    /// Whether nothing could be lent.
    pub(super) fn is_whole(&self) -> bool {
        self.lent.is_empty()
    }

    /// The constants as onnxruntime takes them.
    ///
    /// # Errors
    /// onnxruntime's own.
    pub(super) fn loans(self) -> ort::Result<Vec<Loan>> {
        let loan = |(name, constant, values): (CString, TensorProto, SharedFloats)| {
            Ok(Loan { name, value: Bound::new(&constant.dims, values)? })
        };
        self.lent.into_iter().map(loan).collect()
    }
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
pub(super) fn reads_in_place(op: &str, domain: &str) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::{
        proto::{AttributeProto, NodeProto},
        tensor_proto,
    };
    use crate::tensor::{Tensor, TensorData};

    fn node(op: &str, input: &[&str], output: &str) -> NodeProto {
        NodeProto {
            op_type: Some(op.into()),
            input: input.iter().map(|&name| name.into()).collect(),
            output: vec![output.into()],
            ..NodeProto::default()
        }
    }

    fn floats(name: &str, count: usize) -> TensorProto {
        tensor_proto(name, &Tensor::float32(vec![count / 4, 4], vec![0.5; count]))
    }

    fn model(node: Vec<NodeProto>, initializer: Vec<TensorProto>) -> ModelProto {
        let info = |name: &str| ValueInfoProto { name: Some(name.into()), ..ValueInfoProto::default() };
        let graph = GraphProto {
            node,
            initializer,
            // As files of version 3 list every constant.
            input: vec![info("x"), info("w")],
            output: vec![info("y"), info("told")],
            ..GraphProto::default()
        };
        ModelProto { graph: Some(graph), ..ModelProto::default() }
    }

    /// Names that are lent; they are inputs then, once each, with their lengths, and no constants.
    fn lent(model: &ModelProto, kind: SessionKind) -> Vec<String> {
        let lean = Lean::of(model, kind);
        let graph = lean.model.graph.clone().unwrap();
        let names: Vec<String> = lean.lent.iter().map(|(name, ..)| name.to_str().unwrap().to_owned()).collect();
        assert_eq!(lean.is_whole(), names.is_empty());
        for name in &names {
            let inputs = graph.input.iter().filter(|input| input.name() == name).collect::<Vec<_>>();
            assert!(matches!(inputs[..], [one] if one.r#type.is_some()), "{name}");
            assert!(graph.initializer.iter().all(|constant| constant.name() != name), "{name}");
        }
        let before = model.graph.as_ref().map_or(0, |graph| graph.initializer.len());
        assert_eq!(graph.initializer.len() + names.len(), before);
        names
    }

    #[test]
    fn what_is_packed_ahead_is_lent_only_where_nothing_is() {
        let product = model(vec![node("MatMul", &["x", "w"], "y")], vec![floats("w", 1024)]);
        assert_eq!(lent(&product, SessionKind::Dequantized), ["w"]);
        assert!(lent(&product, SessionKind::Float).is_empty() && lent(&product, SessionKind::Optimized).is_empty());
        let table = model(vec![node("Gather", &["w", "x"], "y")], vec![floats("w", 1024)]);
        assert_eq!(lent(&table, SessionKind::Float), ["w"]);
        // One operator that packs it is enough.
        let both = vec![node("Gather", &["w", "x"], "z"), node("MatMul", &["z", "w"], "y")];
        assert!(lent(&model(both, vec![floats("w", 1024)]), SessionKind::Float).is_empty());
        let foreign = NodeProto { domain: Some("com.example".into()), ..node("Gather", &["w", "x"], "y") };
        assert!(lent(&model(vec![foreign], vec![floats("w", 1024)]), SessionKind::Float).is_empty());
    }

    #[test]
    fn constants_that_are_small_or_no_floats_or_read_elsewhere_stay() {
        let kind = SessionKind::Dequantized;
        let of = |constant| lent(&model(vec![node("Add", &["x", "w"], "y")], vec![constant]), kind);
        assert_eq!(of(floats("w", 1024)), ["w"]);
        assert!(of(floats("w", 1020)).is_empty(), "4080 bytes");
        let integers = Tensor { shape: vec![1024], data: TensorData::Int64(vec![1; 1024]) };
        assert!(of(tensor_proto("w", &integers)).is_empty());
        assert!(of(TensorProto { dims: vec![7], ..floats("w", 1024) }).is_empty(), "lengths of other values");
        // An output, and what a body captures.
        assert!(lent(&model(vec![node("Add", &["x", "told"], "y")], vec![floats("told", 1024)]), kind).is_empty());
        let body = GraphProto { node: vec![node("Neg", &["w"], "inside")], ..GraphProto::default() };
        let captures = AttributeProto { g: Some(Box::new(body)), ..AttributeProto::default() };
        let branch = NodeProto { attribute: vec![captures], ..node("If", &["x"], "y") };
        assert!(lent(&model(vec![branch], vec![floats("w", 1024)]), kind).is_empty());
    }
}
