//! Reads a written model back and compares it with what was shown: every quantizer's numbers, every tensor's bits, and
//! how far full optimization departs from both.

use std::{collections::BTreeMap, sync::Arc};

use super::qdq::{Qdq, WrittenQuantizer};
use crate::{
    engine::{Look, Runtime, Session, SessionKind, Store, Value, watched},
    error::{Error, Result},
    graph::{Graph, TensorId},
    job::CancelToken,
    onnx::{float_values, integer_values, proto::ModelProto},
    say,
    text::Text,
};

/// Checks that every quantizer of `written` stands in `file` with its scale, zero-point and type.
///
/// # Errors
/// [`Error::Verify`] that names the first that does not.
pub fn quantizers(file: &ModelProto, written: &[WrittenQuantizer]) -> Result<usize> {
    let graph = file.graph.as_ref().ok_or_else(|| Error::Verify { reason: say!("the file has no graph") })?;
    let constants: BTreeMap<&str, _> = graph.initializer.iter().filter_map(|t| Some((t.name.as_deref()?, t))).collect();
    let dequantizers: BTreeMap<&str, _> = graph
        .node
        .iter()
        .filter(|n| n.op_type.as_deref() == Some("DequantizeLinear"))
        .filter_map(|n| Some((n.output.first()?.as_str(), n)))
        .collect();
    for wanted in written {
        let differs =
            |what: &str| Error::Verify { reason: say!("the {} of `{}` reads back otherwise", what, wanted.output) };
        let node = dequantizers.get(wanted.output.as_str()).ok_or_else(|| differs("DequantizeLinear"))?;
        let constant = |position: usize| node.input.get(position).and_then(|n| constants.get(n.as_str())).copied();
        let scale = constant(1).ok_or_else(|| differs("scale"))?;
        let zero_point = constant(2).ok_or_else(|| differs("zero-point"))?;
        let same_bits =
            |a: &[f32], b: &[f32]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits());
        if !same_bits(&float_values(scale)?, &wanted.scales) {
            return Err(differs("scale"));
        }
        if zero_point.data_type != Some(wanted.kind as i32) {
            return Err(differs("type"));
        }
        // The zero-point of small floats is 0 always.
        if !wanted.zero_points.is_empty() && integer_values(zero_point)? != wanted.zero_points {
            return Err(differs("zero-point"));
        }
    }
    Ok(written.len())
}

/// Runs a written file beside the engine.
#[derive(Debug)]
pub struct Comparison {
    session: Session,
    /// For each output of the session: the tensor it must equal.
    tensors: Vec<Option<TensorId>>,
    /// Elements that differed so far.
    pub elements_different: u64,
    /// Tensors compared a sample.
    pub tensors_compared: usize,
    /// The first difference, in words.
    pub failure: Option<Text>,
}

impl Comparison {
    /// Of `file`, which was written from `qdq` of `graph`, without graph optimization.
    ///
    /// # Errors
    /// [`Error::Runtime`] when onnxruntime refuses the file; [`Error::Cancelled`].
    pub fn new(runtime: &Runtime, graph: &Graph, file: &ModelProto, qdq: &Qdq, cancel: &CancelToken) -> Result<Self> {
        let made: std::collections::BTreeSet<&String> =
            file.graph.iter().flat_map(|g| &g.node).flat_map(|n| &n.output).collect();
        let mut by_name: BTreeMap<String, TensorId> = BTreeMap::new();
        for segment in &graph.segments {
            for &tensor in &segment.outputs {
                let name = qdq.read_names.get(&tensor).cloned().unwrap_or_else(|| graph.name(tensor).to_owned());
                if made.contains(&name) {
                    by_name.insert(name, tensor);
                }
            }
        }
        for &tensor in &graph.inputs {
            if let Some(name) = qdq.read_names.get(&tensor) {
                by_name.insert(name.clone(), tensor);
            }
        }
        // The model's own outputs first, as they are called in the file.
        let own = file.graph.iter().flat_map(|g| &g.output).filter_map(|o| o.name.clone());
        let mut watches: Vec<(String, Option<TensorId>)> =
            own.map(|name| (name.clone(), by_name.remove(&name))).collect();
        watches.extend(by_name.into_iter().map(|(name, tensor)| (name, Some(tensor))));
        let looks = watches.iter().map(|(name, tensor)| {
            let is_quantized = |t: TensorId| qdq.read_names.contains_key(&t);
            let output_name = |t: TensorId| (!is_quantized(t)).then(|| graph.name(t).to_owned());
            let raw = tensor.filter(|&t| !is_quantized(t));
            let look = raw.map_or(Look::Plain, |t| Look::at(graph, t, &|_| true, &output_name));
            (name.clone(), look)
        });
        let session = runtime.session_until(&watched(file, looks), SessionKind::Float, "the exported file", cancel)?;
        let tensors: Vec<_> = watches.iter().map(|(_, tensor)| *tensor).collect();
        Ok(Self {
            tensors_compared: tensors.iter().flatten().count(),
            session,
            tensors,
            elements_different: 0,
            failure: None,
        })
    }

    /// Runs one sample and compares it with the engine's quantized tensors; returns the outputs of the model.
    ///
    /// # Errors
    /// [`Error::Runtime`], [`Error::Cancelled`].
    pub fn sample(
        &mut self,
        graph: &Graph,
        inputs: &[Arc<Value>],
        engine: &Store,
        cancel: &CancelToken,
    ) -> Result<Vec<Arc<Value>>> {
        let names: Vec<&str> = graph.inputs.iter().map(|&t| graph.name(t)).collect();
        let feeds: Vec<(&str, &Value)> = names.into_iter().zip(inputs.iter().map(AsRef::as_ref)).collect();
        let values = self.session.run(&feeds, cancel)?;
        for (value, tensor) in values.iter().zip(&self.tensors) {
            let (Some(tensor), Some(expected)) = (tensor, tensor.and_then(|t| engine[t].as_ref())) else { continue };
            let different = differing_elements(expected, value);
            if different > 0 && self.failure.is_none() {
                self.failure = Some(say!(
                    "{} elements of `{}` differ between the file and what was shown",
                    different,
                    graph.name(*tensor)
                ));
            }
            self.elements_different += different;
        }
        // The model's own outputs come first.
        Ok(values.into_iter().take(graph.outputs.len()).map(Arc::new).collect())
    }
}

/// Elements whose bits differ; all of them where shapes do.
fn differing_elements(a: &Value, b: &Value) -> u64 {
    match (a.floats(), b.floats()) {
        (Some(x), Some(y)) if a.shape() == b.shape() => {
            x.iter().zip(y).filter(|(x, y)| x.to_bits() != y.to_bits()).count() as u64
        }
        _ if a.same_bits(b) => 0,
        _ => a.shape().iter().product::<usize>().max(1) as u64,
    }
}
