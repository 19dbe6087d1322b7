//! Running one segment's session on values: what it is fed, and memory for what comes out.

use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    Value,
    kernel::{OwnKernel, Turn, take},
    segment::Variant,
    session::Room,
};
use crate::{
    buffer::Pool,
    error::{Error, Result},
    graph::{Graph, LayerId, TensorId},
    job::CancelToken,
    plan::TensorQuantizer,
    quant::Clipping,
};

/// Shapes of a session's outputs, as far as its inputs' shapes tell them.
#[derive(Debug, Default)]
pub(super) struct Shapes(Mutex<Known>);

#[derive(Clone, Debug, Default)]
enum Known {
    /// Not run yet.
    #[default]
    Nothing,
    /// Inputs of these shapes gave outputs of these; `None` for what is not float32, or is empty.
    Once(Arc<Pairs>),
    /// They depend on the values too, as `NonZero`'s does.
    DependsOnValues,
}

#[derive(Debug)]
struct Pairs {
    inputs: Vec<Vec<i64>>,
    outputs: Vec<Option<Vec<i64>>>,
}

/// Gives the value of a tensor for the layer that reads it.
pub(super) type ValueOf<'a> = &'a dyn Fn(TensorId, Option<LayerId>) -> Option<Arc<Value>>;

/// What all runs of an engine share.
pub(super) struct Ground<'a> {
    pub(super) graph: &'a Graph,
    pub(super) pool: &'a Pool,
    pub(super) cancel: &'a CancelToken,
}

impl Ground<'_> {
    /// Feeds a session and runs it; `value_of` gives the value of a tensor for the layer that reads it. float32 outputs
    /// come in memory of the pool.
    pub(super) fn run(&self, variant: &Variant, value_of: ValueOf<'_>) -> Result<Vec<Arc<Value>>> {
        let held = self.held(variant, value_of)?;
        if let (Some(kernel), [input]) = (&variant.kernel, held.as_slice()) {
            self.cancel.check()?;
            if let Some(order) = self.order_for(variant, kernel, input)?
                && let Some(value) = take(&[Turn { kernel, input, order }], self.pool).pop().flatten()
            {
                return Ok(vec![Arc::new(value)]);
            }
        }
        self.theirs(variant, &held)
    }

    /// As [`Ground::run`] for several, by kernels of ours, which then share what they read; `None` where any of them needs
    /// onnxruntime.
    pub(super) fn run_together(&self, runs: &[(&Variant, ValueOf<'_>)]) -> Result<Option<Vec<Vec<Arc<Value>>>>> {
        if runs.iter().any(|(variant, _)| variant.kernel.is_none() || variant.feeds.len() != 1) {
            return Ok(None);
        }
        self.cancel.check()?;
        let held = runs.iter().map(|(variant, value_of)| self.held(variant, *value_of)).collect::<Result<Vec<_>>>()?;
        let mut turns = Vec::with_capacity(runs.len());
        for ((variant, _), held) in runs.iter().zip(&held) {
            let (Some(kernel), [input]) = (&variant.kernel, held.as_slice()) else { return Ok(None) };
            let Some(order) = self.order_for(variant, kernel, input)? else { return Ok(None) };
            turns.push(Turn { kernel, input, order });
        }
        let values: Option<Vec<_>> = take(&turns, self.pool).into_iter().collect();
        Ok(values.map(|values| values.into_iter().map(|value| vec![Arc::new(value)]).collect()))
    }

    fn held(&self, variant: &Variant, value_of: ValueOf<'_>) -> Result<Vec<Arc<Value>>> {
        let held = variant.feeds.iter().map(|feed| {
            value_of(feed.tensor, feed.reader).ok_or_else(|| {
                Error::model(format!("tensor `{}` was not computed before it is read", self.graph.name(feed.tensor)))
            })
        });
        held.collect()
    }

    /// Finds out whether a kernel gives onnxruntime's bits, where the shape of its input is known ahead: all at the same
    /// time instead of one after the other in a sample's run. A batch whose length the file leaves open is one sample's.
    pub(super) fn prove(&self, variant: &Variant) -> Result<()> {
        let (Some(kernel), [feed]) = (&variant.kernel, variant.feeds.as_slice()) else { return Ok(()) };
        let tensor = &self.graph.tensors[feed.tensor];
        let Some((first, rest)) = tensor.dims.as_ref().and_then(|dims| dims.split_first()) else { return Ok(()) };
        let lengths = [Some(first.unwrap_or(1))].into_iter().chain(rest.iter().copied());
        match lengths.map(|length| i64::try_from(length?).ok()).collect::<Option<Vec<i64>>>() {
            Some(dims) if tensor.is_float32() => self.order(variant, kernel, &dims).map(drop),
            _ => Ok(()),
        }
    }

    fn order_for(&self, variant: &Variant, kernel: &OwnKernel, input: &Value) -> Result<Option<usize>> {
        if input.floats().is_some() { self.order(variant, kernel, &input.dims()) } else { Ok(None) }
    }

    /// The order in which a kernel gives onnxruntime's bits on inputs of this shape.
    fn order(&self, variant: &Variant, kernel: &OwnKernel, dims: &[i64]) -> Result<Option<usize>> {
        kernel.order(dims, self.pool, || {
            let (kernel, session) = variant.session.stand_in(self.cancel)?;
            let theirs = move |probe: Arc<Value>| {
                let feeds: Vec<_> = variant.feeds.iter().map(|feed| (feed.name.as_str(), probe.as_ref())).collect();
                let made = session.run(&feeds, self.cancel)?.pop();
                let made = made.ok_or_else(|| Error::model("a segment has no output"))?;
                Ok(Arc::new(made.pooled(self.pool)))
            };
            Ok((kernel, theirs))
        })
    }

    /// What onnxruntime makes of it.
    fn theirs(&self, variant: &Variant, held: &[Arc<Value>]) -> Result<Vec<Arc<Value>>> {
        let feeds: Vec<(&str, &Value)> =
            variant.feeds.iter().zip(held).map(|(feed, value)| (feed.name.as_str(), value.as_ref())).collect();
        let inputs = || held.iter().map(|value| value.dims()).collect::<Vec<_>>();
        let known = variant.shapes.known();
        if let Known::Once(pairs) = &known
            && pairs.inputs == inputs()
        {
            let rooms = pairs.outputs.iter().map(|shape| self.room(shape.as_deref())).collect();
            match variant.session.get(self.cancel)?.run_into(&feeds, rooms, self.cancel) {
                Ok(values) => return Ok(values.into_iter().map(Arc::new).collect()),
                Err(error) if self.cancel.is_cancelled() => return Err(error),
                // Perhaps an output has another shape this time; if it is anything else, it will be so again.
                Err(_) => {}
            }
            let values = self.run_freely(variant, &feeds)?;
            variant.shapes.set(Known::DependsOnValues);
            return Ok(values);
        }
        let values = self.run_freely(variant, &feeds)?;
        if !matches!(known, Known::DependsOnValues) {
            let shape =
                |value: &Arc<Value>| value.floats().is_some_and(|values| !values.is_empty()).then(|| value.dims());
            let outputs = values.iter().map(shape).collect();
            variant.shapes.set(Known::Once(Arc::new(Pairs { inputs: inputs(), outputs })));
        }
        Ok(values)
    }

    fn room(&self, shape: Option<&[i64]>) -> Room {
        let shape = shape?;
        let len = shape.iter().map(|&d| usize::try_from(d).unwrap_or(0)).product();
        Some((shape.to_vec(), self.pool.take(len)))
    }

    /// A run whose outputs onnxruntime allocates; float32 is copied out of its arena, which lives as long as its session.
    fn run_freely(&self, variant: &Variant, feeds: &[(&str, &Value)]) -> Result<Vec<Arc<Value>>> {
        let values = variant.session.get(self.cancel)?.run(feeds, self.cancel)?;
        Ok(values.into_iter().map(|value| Arc::new(value.pooled(self.pool))).collect())
    }

    /// A float32 value through a quantizer; other values pass.
    pub(super) fn quantized(
        &self,
        value: &Arc<Value>,
        quantizer: Option<&TensorQuantizer>,
    ) -> (Arc<Value>, Option<Clipping>) {
        match (value.floats(), quantizer) {
            (Some(data), Some(quantizer)) => {
                let mut out = self.pool.take(data.len());
                let clipping = quantizer.quantizer.fake_quantize(data, &mut out);
                (Arc::new(Value::Float { shape: value.dims(), data: out }), Some(clipping))
            }
            _ => (Arc::clone(value), None),
        }
    }
}

impl Shapes {
    fn known(&self) -> Known {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, known: Known) {
        // The old one is dropped outside the lock.
        let _ = mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), known);
    }
}
