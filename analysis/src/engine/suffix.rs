//! The float network in about a dozen pieces with onnxruntime's full optimization, for estimates of what an error at some
//! tensor does to the outputs.
//!
//! Optimized kernels round otherwise than the engine's, so an estimate is never compared with the engine's float run:
//! the pieces' own float run is the reference, and at a checkpoint the error found so far is added to its values. What
//! the optimizer changes is then in both and cancels. Pieces are chained rather than built from each checkpoint to the
//! end, so that every weight is packed once.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use rayon::prelude::*;

use super::{
    Changed, Engine, Runtime, Session, SessionKind, Store, Value,
    segment::{Feed, segment_model},
};
use crate::{
    buffer::Pool,
    error::{Error, Result},
    graph::{Graph, Segment, TensorId},
    job::CancelToken,
    onnx::proto::{DimensionValue, ModelProto, TensorShapeDimension, TensorShapeProto, TypeProto, TypeValue},
};

/// The pieces of one model's float network.
#[derive(Debug)]
pub struct Suffix {
    graph: Arc<Graph>,
    pieces: Vec<Piece>,
    pool: Pool,
}

/// A stretch of segments in one optimized session.
#[derive(Debug)]
struct Piece {
    /// Its first segment.
    from: usize,
    session: Session,
    feeds: Vec<Feed>,
    outputs: Vec<TensorId>,
    /// Tensors made before it that it or a later piece reads.
    live: Vec<TensorId>,
}

/// What the pieces make of one sample in float: every tensor that crosses a checkpoint, and the outputs.
#[derive(Clone, Debug, Default)]
pub struct Reference(BTreeMap<TensorId, Arc<Value>>);

/// Outputs as `(reference, value)`, by tensor.
pub type Finished = BTreeMap<TensorId, (Arc<Value>, Arc<Value>)>;

impl Engine {
    /// Pieces of about equal `work` (by segment), cut where little data crosses; `None` where the network has too few
    /// segments to gain anything, or onnxruntime refuses a piece.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub fn suffix(
        &self,
        work: &[u64],
        shapes: &[Option<Vec<usize>>],
        pieces: usize,
        cancel: &CancelToken,
    ) -> Result<Option<Suffix>> {
        let starts = checkpoints(&self.graph, work, shapes, pieces);
        if starts.len() < 2 {
            return Ok(None);
        }
        let build = |(index, &from): (usize, &usize)| {
            cancel.check()?;
            let to = starts.get(index + 1).copied().unwrap_or(self.graph.segments.len());
            build(&self.runtime, &self.graph, shapes, from, to)
        };
        match starts.par_iter().enumerate().map(build).collect::<Result<Vec<_>>>() {
            Ok(pieces) => Ok(Some(Suffix { graph: Arc::clone(&self.graph), pieces, pool: self.pool.clone() })),
            Err(Error::Cancelled) => Err(Error::Cancelled),
            // The engine's own segments give the same answers, exactly and more slowly.
            Err(_) => Ok(None),
        }
    }
}

impl Suffix {
    /// The first checkpoint at or behind a segment, as the segment it stands before; `None` behind the last one.
    pub fn checkpoint(&self, segment: usize) -> Option<usize> {
        self.pieces.iter().map(|piece| piece.from).find(|&from| from >= segment)
    }

    /// The float run of a sample.
    ///
    /// # Errors
    /// [`Error::Runtime`], [`Error::Cancelled`].
    pub fn reference(&self, float: &Store, cancel: &CancelToken) -> Result<Reference> {
        let mut values: BTreeMap<TensorId, Arc<Value>> = BTreeMap::new();
        for &input in &self.graph.inputs {
            values.extend(float[input].clone().map(|value| (input, value)));
        }
        for piece in &self.pieces {
            let outputs = piece.run(&self.graph, &|t| values.get(&t), cancel)?;
            values
                .extend(piece.outputs.iter().copied().zip(outputs.into_iter().map(|v| Arc::new(v.pooled(&self.pool)))));
        }
        Ok(Reference(values))
    }

    /// What the tensors that `changed` from the `float` run before the checkpoint `from` make of the model's outputs:
    /// those that differ.
    ///
    /// # Errors
    /// [`Error::Runtime`], [`Error::Cancelled`].
    pub fn finish(
        &self,
        reference: &Reference,
        from: usize,
        changed: &Changed,
        float: &Store,
        cancel: &CancelToken,
    ) -> Result<Finished> {
        let graph = Arc::clone(&self.graph);
        let mut values = Changed::new();
        let Some(first) = self.pieces.iter().position(|piece| piece.from == from) else { return Ok(BTreeMap::new()) };
        for &tensor in &self.pieces[first].live {
            if let Some(value) = changed.get(&tensor) {
                let moved = moved(reference.0.get(&tensor), float[tensor].as_ref(), value, &self.pool);
                values.insert(tensor, moved.map_or_else(|| Arc::clone(value), Arc::new));
            }
        }
        for piece in &self.pieces[first..] {
            cancel.check()?;
            if !piece.feeds.iter().any(|feed| values.contains_key(&feed.tensor)) {
                continue;
            }
            let outputs = piece.run(&graph, &|t| values.get(&t).or_else(|| reference.0.get(&t)), cancel)?;
            values.extend(piece.outputs.iter().copied().zip(outputs.into_iter().map(Arc::new)));
        }
        let made_later = |tensor: &TensorId| self.pieces[first..].iter().any(|p| p.outputs.contains(tensor));
        let outputs = graph.outputs.iter().filter(|t| made_later(t));
        let pairs = outputs.filter_map(|&t| Some((t, (Arc::clone(reference.0.get(&t)?), values.remove(&t)?))));
        Ok(pairs.collect())
    }
}

impl Piece {
    fn run<'a>(
        &self,
        graph: &Graph,
        value_of: &dyn Fn(TensorId) -> Option<&'a Arc<Value>>,
        cancel: &CancelToken,
    ) -> Result<Vec<Value>> {
        let mut feeds: Vec<(&str, &Value)> = Vec::with_capacity(self.feeds.len());
        for feed in &self.feeds {
            let value = value_of(feed.tensor).ok_or_else(|| {
                Error::model(format!("tensor `{}` was not computed before it is read", graph.name(feed.tensor)))
            })?;
            feeds.push((feed.name.as_str(), value.as_ref()));
        }
        self.session.run(&feeds, cancel)
    }
}

/// The reference's value with the error `value − float` on it; `None` where the three are no float32 of one shape.
fn moved(reference: Option<&Arc<Value>>, float: Option<&Arc<Value>>, value: &Value, pool: &Pool) -> Option<Value> {
    let (reference, float) = (reference?, float?);
    if reference.dims() != value.dims() || float.dims() != value.dims() {
        return None;
    }
    let (r, f, v) = (reference.floats()?, float.floats()?, value.floats()?);
    // Where the reference has the float run's bits, so that an exact value stays exact.
    let sum = |((r, f), v): ((&f32, &f32), &f32)| if r.to_bits() == f.to_bits() { *v } else { r + (v - f) };
    let mut data = pool.take(v.len());
    data.iter_mut().zip(r.iter().zip(f).zip(v)).for_each(|(out, values)| *out = sum(values));
    Some(Value::Float { shape: value.dims(), data })
}

/// Where pieces start: 0 first, then near each equal share of the work the place where the fewest elements cross.
fn checkpoints(graph: &Graph, work: &[u64], shapes: &[Option<Vec<usize>>], pieces: usize) -> Vec<usize> {
    let count = graph.segments.len();
    let total: u64 = work.iter().sum();
    if count < 2 || pieces < 2 || work.len() != count {
        return Vec::new();
    }
    let crossing = crossing(graph, shapes);
    if crossing[0].is_none() {
        return Vec::new();
    }
    let before: Vec<u64> = work
        .iter()
        .scan(0, |sum, w| {
            let so_far = *sum;
            *sum += w;
            Some(so_far)
        })
        .collect();
    let mut starts = vec![0];
    for share in 1..pieces as u64 {
        // Between half a piece before the share and half a piece behind it.
        let low = total * (2 * share - 1) / (2 * pieces as u64);
        let high = total * (2 * share + 1) / (2 * pieces as u64);
        let last = starts.last().copied().unwrap_or(0);
        let place = (last + 1..count)
            .filter(|&at| before[at] >= low && before[at] < high)
            .filter_map(|at| Some((crossing[at]?, before[at].abs_diff((low + high) / 2), at)))
            .min();
        starts.extend(place.map(|(_, _, at)| at));
    }
    starts
}

/// By segment, how many elements are made before it and read by it or later; `None` where one of these tensors is none
/// that a session can be fed.
fn crossing(graph: &Graph, shapes: &[Option<Vec<usize>>]) -> Vec<Option<usize>> {
    let count = graph.segments.len();
    let mut last_read: Vec<Option<usize>> = vec![None; graph.tensors.len()];
    for (index, segment) in graph.segments.iter().enumerate() {
        segment.inputs.iter().for_each(|&t| last_read[t] = Some(index));
    }
    // What begins and what ends to cross before each segment: elements, tensors that cannot be fed.
    let (mut begin, mut end) = (vec![(0, 0); count + 1], vec![(0, 0); count + 1]);
    let mut add = |tensor: TensorId, from: usize| {
        let Some(last) = last_read[tensor].filter(|&last| last >= from) else { return };
        let elements = shapes.get(tensor).cloned().flatten().map_or(1, |d| d.iter().product::<usize>());
        let blocks = usize::from(graph.tensors[tensor].element_type.is_none());
        begin[from] = (begin[from].0 + elements, begin[from].1 + blocks);
        end[last + 1] = (end[last + 1].0 + elements, end[last + 1].1 + blocks);
    };
    graph.inputs.iter().for_each(|&t| add(t, 0));
    for (index, segment) in graph.segments.iter().enumerate() {
        segment.outputs.iter().for_each(|&t| add(t, index + 1));
    }
    let (mut elements, mut blocks) = (0, 0);
    (0..count)
        .map(|at| {
            elements = elements + begin[at].0 - end[at].0;
            blocks = blocks + begin[at].1 - end[at].1;
            (blocks == 0).then_some(elements)
        })
        .collect()
}

/// Tensors made before the segment `at` that it or a later one reads.
fn live(graph: &Graph, at: usize) -> Vec<TensorId> {
    let made: BTreeSet<TensorId> =
        graph.inputs.iter().chain(graph.segments[..at].iter().flat_map(|s| &s.outputs)).copied().collect();
    let read: BTreeSet<TensorId> = graph.segments[at..].iter().flat_map(|s| &s.inputs).copied().collect();
    made.intersection(&read).copied().collect()
}

fn build(runtime: &Runtime, graph: &Graph, shapes: &[Option<Vec<usize>>], from: usize, to: usize) -> Result<Piece> {
    let parts = &graph.segments[from..to];
    let made: BTreeSet<TensorId> = parts.iter().flat_map(|s| &s.outputs).copied().collect();
    let read: BTreeSet<TensorId> = parts.iter().flat_map(|s| &s.inputs).copied().collect();
    let later: BTreeSet<TensorId> = graph.segments[to..].iter().flat_map(|s| &s.inputs).copied().collect();
    let outputs: Vec<TensorId> =
        made.iter().copied().filter(|t| later.contains(t) || graph.tensors[*t].is_output).collect();
    let merged = Segment {
        nodes: parts.iter().flat_map(|s| s.nodes.iter().copied()).collect(),
        layers: Vec::new(),
        weighted: None,
        inputs: read.difference(&made).copied().collect(),
        outputs: outputs.clone(),
    };
    let (mut model, feeds) = segment_model(runtime, graph, &merged, None, &BTreeSet::new())?;
    declare_shapes(&mut model, &feeds, shapes);
    let session = runtime.session(&model, SessionKind::Optimized, "a piece of the float network")?;
    Ok(Piece { from, session, feeds, outputs, live: live(graph, from) })
}

/// Declares the lengths that the inputs have in the first sample: onnxruntime adds blocked tensors (`NCHWc`) only where it
/// knows that their shapes are equal, and plans memory only for known ones. A sample with other lengths is refused when it
/// is run, and then answered by the engine's own segments.
fn declare_shapes(model: &mut ModelProto, feeds: &[Feed], shapes: &[Option<Vec<usize>>]) {
    let Some(graph) = &mut model.graph else { return };
    for (input, feed) in graph.input.iter_mut().zip(feeds) {
        let Some(lengths) = shapes.get(feed.tensor).and_then(Option::as_ref) else { continue };
        let Some(TypeProto { value: Some(TypeValue::TensorType(tensor)), .. }) = &mut input.r#type else { continue };
        let dim = |length: &usize| TensorShapeDimension {
            value: i64::try_from(*length).ok().map(DimensionValue::DimValue),
            denotation: None,
        };
        tensor.shape = Some(TensorShapeProto { dim: lengths.iter().map(dim).collect() });
    }
}
