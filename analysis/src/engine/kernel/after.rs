//! What follows a convolution, in one look at its output.
//!
//! onnxruntime's unoptimized `BatchNormalization` reads the convolution's output, writes a tensor of the same size, and its
//! Relu does the same again: a sixth of the time of a network whose batch norms are not folded, as every float run's are.
//! The session computes the convolution alone; a small one of the rest tells whether these loops give its bits.

use std::sync::Arc;

use rayon::prelude::*;

use super::{Proven, plane::oddness, recognize, tail::Tail};
use crate::{
    buffer::Pool,
    engine::{Runtime, Session, SessionKind, Value},
    error::{Error, Result},
    job::CancelToken,
    onnx::proto::ModelProto,
    parallel::grain,
    quant::wide::wide,
};

/// Floats that one task works on at least, planes being as small as one value.
const LEAST: usize = 1 << 14;

/// Batch norm and bound behind a convolution.
#[derive(Debug)]
pub(in crate::engine) struct After {
    tails: Vec<Tail>,
    /// The same by onnxruntime.
    session: Session,
    /// The name of its input.
    input: String,
    proof: Arc<Proven>,
}

impl After {
    /// The model of the convolution alone and what follows it, where the segment's model is just that.
    ///
    /// # Errors
    /// [`Error::Runtime`] where onnxruntime refuses what follows, [`Error::Cancelled`].
    pub(in crate::engine) fn split(
        runtime: &Runtime,
        model: &ModelProto,
        place: &str,
        cancel: &CancelToken,
    ) -> Result<Option<(ModelProto, Self)>> {
        let Some((head, tail, tails)) = recognize::conv_and_tail(model) else { return Ok(None) };
        let input = tail.graph.as_ref().and_then(|g| g.input.first()?.name.clone()).unwrap_or_default();
        let session = runtime.session_until(&tail, SessionKind::Float, place, cancel)?;
        Ok(Some((head, Self { tails, session, input, proof: Arc::default() })))
    }

    /// What the segment makes of the convolution's output.
    ///
    /// # Errors
    /// [`Error::Runtime`] that names the segment, [`Error::Cancelled`].
    pub(in crate::engine) fn run(&self, conv: &Arc<Value>, pool: &Pool, cancel: &CancelToken) -> Result<Arc<Value>> {
        let theirs = |conv: Arc<Value>| -> Result<Arc<Value>> {
            let found = self.session.run(&[(&self.input, conv.as_ref())], cancel)?.pop();
            let found = found.ok_or_else(|| Error::model("what follows a convolution has no output"))?;
            Ok(Arc::new(found.pooled(pool)))
        };
        let own = |probe: &Value, _order| self.compute(probe, pool);
        if conv.floats().is_some()
            && self.proof.order_for(&conv.dims(), pool, &[0], own, theirs)?.is_some()
            && let Some(value) = self.compute(conv, pool)
        {
            return Ok(Arc::new(value));
        }
        theirs(Arc::clone(conv))
    }

    /// What is known of the agreement with onnxruntime.
    pub(in crate::engine) fn proof(&self) -> &Arc<Proven> {
        &self.proof
    }

    /// By these loops; `None` where a value is not finite.
    fn compute(&self, conv: &Value, pool: &Pool) -> Option<Value> {
        let (values, lengths) = (conv.floats()?, conv.shape());
        if lengths.get(1) != Some(&self.tails.len()) {
            return None;
        }
        let plane = lengths[2..].iter().product::<usize>().max(1);
        let mut out = pool.take(values.len());
        let is_finite = (out.par_chunks_mut(plane).zip(values.par_chunks(plane)))
            .enumerate()
            .with_min_len(grain().max(LEAST.div_ceil(plane)))
            .map(|(index, (out, values))| finish(values, &self.tails[index % self.tails.len()], out))
            .reduce(|| true, |a, b| a && b);
        is_finite.then(|| Value::Float { shape: conv.dims(), data: out })
    }
}

wide! {
    /// One channel; false where a value is not finite.
    fn finish(values: &[f32], tail: &Tail, out: &mut [f32]) -> bool = finish_body;
}

#[inline(always)]
fn finish_body(values: &[f32], tail: &Tail, out: &mut [f32]) -> bool {
    let mut odd = 0;
    for (value, out) in values.iter().zip(out) {
        let affine = tail.affine(*value);
        odd |= oddness(affine);
        *out = tail.bounded(affine);
    }
    odd == 0
}
