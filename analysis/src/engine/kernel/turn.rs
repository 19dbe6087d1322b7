//! Kernels at work: one on its input, or several that share what they read.

use std::ptr;

use super::{
    Operation, OwnKernel, convolution, depthwise,
    product::{Dense, Rows, blocks},
};
use crate::{buffer::Pool, engine::Value};

/// A kernel with an input, and the order that was proven for it.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Turn<'a> {
    pub(in crate::engine) kernel: &'a OwnKernel,
    pub(in crate::engine) input: &'a Value,
    pub(in crate::engine) order: usize,
}

impl Operation {
    /// Orders of additions that onnxruntime may have, the likeliest first; none where the input does not fit.
    pub(super) fn orders(&self, shape: &[usize]) -> Vec<usize> {
        match self {
            Self::Depthwise(_) => vec![0],
            // One row alone is another routine of onnxruntime's.
            Self::Dense(op) if rows(op, shape).is_some_and(|rows| rows > 1) => blocks(op.depth(), op.columns()),
            // So is one output alone.
            Self::Convolution(op) if op.outputs_of_group() > 1 => {
                let plane = op.geometry(shape).map_or(0, |geometry| geometry.output_plane());
                if plane > 1 { blocks(op.depth(), plane) } else { Vec::new() }
            }
            Self::Dense(_) | Self::Convolution(_) => Vec::new(),
        }
    }
}

/// Rows of an input of this shape.
fn rows(op: &Dense, shape: &[usize]) -> Option<usize> {
    let (depth, before) = shape.split_last()?;
    (*depth == op.depth() && !before.is_empty()).then(|| before.iter().product())
}

impl Turn<'_> {
    /// The output; `None` where the input does not fit or a value is not finite.
    pub(super) fn alone(self, pool: &Pool) -> Option<Value> {
        take(&[self], pool).pop().flatten()
    }

    /// Room for the output; `None` where the input does not fit.
    fn room(&self, pool: &Pool) -> Option<Value> {
        let shape = self.input.shape();
        let (len, shape) = match &self.kernel.operation {
            Operation::Depthwise(op) => {
                let geometry = op.geometry(&shape)?;
                (geometry.output_len(geometry.channels), geometry.output_shape(geometry.channels))
            }
            Operation::Convolution(op) => {
                let geometry = op.geometry(&shape)?;
                (geometry.output_len(op.outputs()), geometry.output_shape(op.outputs()))
            }
            Operation::Dense(op) => {
                let mut dims = self.input.dims();
                *dims.last_mut()? = i64::try_from(op.columns()).ok()?;
                (rows(op, &shape)? * op.columns(), dims)
            }
        };
        Some(Value::Float { shape, data: pool.take(len) })
    }

    /// Whether both are best computed together.
    fn shares_with(&self, other: &Self) -> bool {
        match (&self.kernel.operation, &other.kernel.operation) {
            (Operation::Dense(a), Operation::Dense(b)) => ptr::eq(a, b),
            (Operation::Convolution(a), Operation::Convolution(b)) => ptr::eq(self.input, other.input) && a.reads_as(b),
            (Operation::Depthwise(a), Operation::Depthwise(b)) => ptr::eq(self.input, other.input) && a.reads_as(b),
            _ => ptr::eq(self, other),
        }
    }
}

/// Gives every kernel its turn: products with one matrix read it once, convolutions of one input lay it out once. An output
/// is `None` where an input does not fit or a value is not finite.
pub(in crate::engine) fn take(turns: &[Turn<'_>], pool: &Pool) -> Vec<Option<Value>> {
    let mut outputs: Vec<Option<Value>> = turns.iter().map(|turn| turn.room(pool)).collect();
    for first in 0..turns.len() {
        let is_of = |turn: &Turn<'_>| turns[first].shares_with(turn);
        if turns[..first].iter().any(is_of) {
            continue;
        }
        let mut group: Vec<_> = turns.iter().zip(&mut outputs).filter(|(turn, _)| is_of(turn)).collect();
        if !run(&mut group) {
            group.into_iter().for_each(|(_, output)| *output = None);
        }
    }
    outputs
}

/// Computes turns that share what they read; false where one has no room or a value is not finite.
fn run(group: &mut [(&Turn<'_>, &mut Option<Value>)]) -> bool {
    let Some(first) = group.first().map(|(turn, _)| *turn) else { return true };
    let Some(input) = first.input.floats() else { return false };
    match &first.kernel.operation {
        Operation::Depthwise(op) => {
            let Some(geometry) = op.geometry(&first.input.shape()) else { return false };
            let works = group.iter_mut().map(|(turn, output)| {
                let Operation::Depthwise(op) = &turn.kernel.operation else { return None };
                Some(depthwise::Work { op, output: floats(output)? })
            });
            let Some(mut works) = works.collect::<Option<Vec<_>>>() else { return false };
            depthwise::convolve(&geometry, input, &mut works)
        }
        Operation::Convolution(op) => {
            let Some(geometry) = op.geometry(&first.input.shape()) else { return false };
            let works = group.iter_mut().map(|(turn, output)| {
                let Operation::Convolution(op) = &turn.kernel.operation else { return None };
                Some(convolution::Work { op, block: turn.order, output: floats(output)? })
            });
            let Some(mut works) = works.collect::<Option<Vec<_>>>() else { return false };
            convolution::convolve(&geometry, input, &mut works)
        }
        Operation::Dense(op) => {
            let works = group.iter_mut().map(|(turn, output)| {
                Some(Rows { input: turn.input.floats()?, block: turn.order, output: floats(output)? })
            });
            let Some(mut works) = works.collect::<Option<Vec<_>>>() else { return false };
            op.multiply(&mut works);
            works.iter().all(|work| is_finite(work.output))
        }
    }
}

fn floats(value: &mut Option<Value>) -> Option<&mut [f32]> {
    if let Some(Value::Float { data, .. }) = value { Some(data) } else { None }
}

fn is_finite(values: &[f32]) -> bool {
    values.iter().fold(0, |odd, value| odd | super::plane::oddness(*value)) == 0
}
