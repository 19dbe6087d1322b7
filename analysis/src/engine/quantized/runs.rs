//! The runs of a segment that the quantized pass over a sample needs.

use std::sync::Arc;

use super::{Pass, Raw};
use crate::{
    engine::{
        Value,
        run::ValueOf,
        segment::{SegmentSessions, Variant},
    },
    error::Result,
    graph::{LayerId, Segment, TensorId},
    parallel,
};

/// What is wanted beside the runs on the quantized run's tensors.
#[derive(Clone, Copy)]
struct Wanted {
    /// The plan's on the float run's tensors.
    local: bool,
    /// The float one on the same.
    float: bool,
}

/// A segment's runs by kernels that share what they read.
struct Together {
    raw: Raw,
    reference: Raw,
    local: Option<Raw>,
    float: Option<Raw>,
}

impl Pass<'_> {
    /// The float run's outputs, where the sample does not hold them.
    pub(super) fn float_outputs(&mut self, segment: &Segment, sessions: &SegmentSessions) -> Result<()> {
        if segment.outputs.iter().all(|&t| self.sample.float[t].is_some()) {
            return Ok(());
        }
        let float = &self.sample.float;
        let outputs = self.ground.run(sessions.float()?, &|tensor, _| float[tensor].clone())?;
        for (&tensor, value) in segment.outputs.iter().zip(outputs) {
            self.sample.float[tensor] = Some(value);
        }
        Ok(())
    }

    /// What a segment makes of the quantized run's tensors, by the plan and in float, and by the plan of the float run's
    /// where `with_local`. The float run's outputs are there then, too.
    pub(super) fn run_all(
        &mut self,
        segment: &Segment,
        sessions: &SegmentSessions,
        planned: &Variant,
        with_local: bool,
    ) -> Result<(Raw, Raw, Option<Raw>)> {
        let float = sessions.float()?;
        let lacks_float = segment.outputs.iter().any(|&t| self.sample.float[t].is_none());
        if let Some(made) = self.run_together(planned, float, Wanted { local: with_local, float: lacks_float })? {
            for (&tensor, value) in segment.outputs.iter().zip(made.float.into_iter().flatten()) {
                self.sample.float[tensor] = Some(value);
            }
            return Ok((made.raw, made.reference, made.local));
        }
        self.float_outputs(segment, sessions)?;
        let quantized = |variant, with_reads: bool| {
            self.ground.run(variant, &|tensor, reader| self.quantized_read(tensor, reader.filter(|_| with_reads)))
        };
        let local = || self.ground.run(planned, &|tensor, reader| self.local_read(tensor, reader));
        let (raw, (reference, local)) = parallel::join(
            || quantized(planned, true),
            || parallel::join(|| quantized(float, false), || with_local.then(local).transpose()),
        );
        Ok((raw?, reference?, local?))
    }

    /// The same by kernels of ours, if they compute it all, and what the segment makes of the float run's tensors.
    fn run_together(&self, planned: &Variant, float: &Variant, wanted: Wanted) -> Result<Option<Together>> {
        let (planned_reads, float_reads) = (|t, r| self.quantized_read(t, r), |t, _| self.quantized_read(t, None));
        let (local_reads, plain_reads) = (|t, r| self.local_read(t, r), |t: TensorId, _| self.sample.float[t].clone());
        let mut runs: Vec<(&Variant, ValueOf<'_>)> = vec![(planned, &planned_reads), (float, &float_reads)];
        runs.extend(wanted.local.then_some((planned, &local_reads as ValueOf<'_>)));
        runs.extend(wanted.float.then_some((float, &plain_reads as ValueOf<'_>)));
        let Some(made) = self.ground.run_together(&runs)? else { return Ok(None) };
        let mut made = made.into_iter();
        let (Some(raw), Some(reference)) = (made.next(), made.next()) else { return Ok(None) };
        let local = wanted.local.then(|| made.next()).flatten();
        Ok(Some(Together { raw, reference, local, float: made.next() }))
    }

    /// Runs a session on the quantized run's tensors, through the readers' own formats.
    pub(super) fn run_quantized(&self, variant: &Variant) -> Result<Raw> {
        self.ground.run(variant, &|tensor, reader| self.quantized_read(tensor, reader))
    }

    /// A tensor of the quantized run, as a layer with a format of its own reads it.
    fn quantized_read(&self, tensor: TensorId, reader: Option<LayerId>) -> Option<Arc<Value>> {
        let value = self.sample.quantized[tensor].as_ref()?;
        let own = reader.and_then(|l| self.plan.reads.get(&(l, tensor)));
        Some(self.ground.quantized(value, own).0)
    }

    /// A tensor of the float run, as a layer with a format of its own reads it.
    fn local_read(&self, tensor: TensorId, reader: Option<LayerId>) -> Option<Arc<Value>> {
        let value = self.sample.float[tensor].as_ref()?;
        let own = reader.and_then(|l| self.plan.reads.get(&(l, tensor)));
        Some(self.ground.quantized(value, own).0)
    }
}
