//! Where the clicked layer's error comes from: the layer run alone with one source of error at a time, its output
//! quantizer before against after, and its activation before against after.
//!
//! These are runs of their own, of one layer on the live samples, so they are made when the page is looked at and are
//! no part of the table.

use std::sync::Arc;

use super::{LIVE_SAMPLES, Workbench, samples::no_data};
use crate::{
    config::QuantConfig,
    engine::{Alone, Constants, Engine, Store, Value},
    error::Result,
    graph::{Graph, LayerId, NodeId, TensorId},
    job::{CancelToken, Job},
    metrics::{ErrorSums, Errors, Measure},
    plan::{OperandValue, QuantPlan},
    quant::{ChannelLayout, Clipping, Quantizer},
    report::{CutErrors, ErrorPart, ErrorSource, LayerErrors, QuantizerErrors},
};

/// Activations after which nothing is left of what they cut.
const CUTS: [&str; 3] = ["Relu", "Clip", "ThresholdedRelu"];

impl Workbench {
    /// The error of one layer under `config` by source, from at most [`LIVE_SAMPLES`] samples.
    ///
    /// # Errors
    /// [`crate::Error::Config`] for an unknown layer; as [`Workbench::evaluate`].
    pub fn layer_errors(
        &mut self,
        config: &Arc<QuantConfig>,
        layer: &str,
        job: &mut Job<'_>,
    ) -> Result<Arc<LayerErrors>> {
        // The plan first: it may bring another graph, and ids are those of one graph.
        let plan = self.plan_of(config, job)?;
        let id = self.layer_id(layer)?;
        let count = self.data.as_ref().ok_or_else(no_data)?.samples.len().min(LIVE_SAMPLES);
        // The local sums are read below, also those of a sample whose tensors are not kept.
        self.bring(0..count, &plan, job)?;
        let mut sources = Sources::of(self, &plan, id, &job.cancel)?;
        for index in 0..count {
            job.step("errors by source", "samples", index, count)?;
            let (float, quantized) = self.tensors_of(index, &plan, job)?;
            let local =
                self.data.as_ref().ok_or_else(no_data)?.samples[index].layers.get(id).and_then(|sums| sums.local);
            sources.observe(&self.engine, &plan, (&float, &quantized), local, job)?;
        }
        job.step("errors by source", "samples", count, count)?;
        Ok(Arc::new(sources.finish(layer)))
    }
}

/// One source at work, and what it did to the samples so far.
struct Part {
    source: ErrorSource,
    /// `None` where the float run has computed all but the output quantizer.
    alone: Option<Alone>,
    /// Whether the layer's own read formats and output quantizer act.
    quantizes: bool,
    sums: Vec<ErrorSums>,
    channels: Vec<Vec<ErrorSums>>,
}

/// Everything that is measured of one layer, under way.
struct Sources {
    output: Option<TensorId>,
    quantizer: Option<Quantizer>,
    parts: Vec<Part>,
    local: Vec<ErrorSums>,
    /// The layer in the quantized run up to its output quantizer; `None` for an input, whose data are that.
    planned: Option<Alone>,
    clipping: Vec<Clipping>,
    channel_clipping: Vec<Vec<Clipping>>,
    values: u64,
    cut: Option<Cut>,
}

/// An activation that cuts, with what stands before it.
struct Cut {
    op: String,
    before: TensorId,
    /// The float layer with `before` and its output; `None` where `before` is kept between runs.
    float: Option<Alone>,
    sums_before: Vec<ErrorSums>,
    sums_after: Vec<ErrorSums>,
    sums_cut: Vec<ErrorSums>,
}

impl Sources {
    fn of(bench: &Workbench, plan: &QuantPlan, id: LayerId, cancel: &CancelToken) -> Result<Self> {
        let (runtime, graph) = (&bench.runtime, &bench.graph);
        let row = &graph.layers[id];
        let output = row.outputs.first().copied();
        let outputs: Vec<TensorId> = output.into_iter().collect();
        let quantizer = output.and_then(|t| plan.tensors[t]).map(|q| q.quantizer);
        let reads = plan.reads.keys().any(|(layer, _)| *layer == id);
        let has = |wanted: fn(&OperandValue) -> bool| plan.weights[id].operands.iter().any(|o| wanted(&o.value));
        let alone = |constants, outputs: &[TensorId]| Alone::new(runtime, graph, plan, id, constants, outputs, cancel);
        let part = |source, alone, quantizes| Part { source, alone, quantizes, sums: vec![], channels: vec![] };
        let mut parts = Vec::new();
        if has(|v| v.is_quantized() && !matches!(v, OperandValue::Bias { .. })) {
            parts.push(part(ErrorSource::Weights, Some(alone(Constants::Weights, &outputs)?), false));
        }
        if quantizer.is_some() || reads {
            let run = if reads { Some(alone(Constants::Float, &outputs)?) } else { None };
            parts.push(part(ErrorSource::Activation, run, true));
        }
        if has(|v| matches!(v, OperandValue::Bias { .. })) {
            parts.push(part(ErrorSource::Bias, Some(alone(Constants::Bias, &outputs)?), false));
        }
        let cut = match cutting_node(graph, id) {
            None => None,
            Some((node, before)) => {
                let is_kept = row.nodes.first() == Some(&node);
                let both: Vec<TensorId> = std::iter::once(before).chain(output).collect();
                Some(Cut {
                    op: graph.nodes[node].op.clone(),
                    before,
                    float: if is_kept { None } else { Some(alone(Constants::Float, &both)?) },
                    sums_before: vec![],
                    sums_after: vec![],
                    sums_cut: vec![],
                })
            }
        };
        let planned = match &cut {
            _ if row.is_input() => None,
            Some(cut) if cut.float.is_some() => {
                let both: Vec<TensorId> = output.into_iter().chain([cut.before]).collect();
                Some(alone(Constants::Planned, &both)?)
            }
            _ => Some(alone(Constants::Planned, &outputs)?),
        };
        Ok(Self {
            output,
            quantizer,
            parts,
            local: vec![],
            planned,
            clipping: vec![],
            channel_clipping: vec![],
            values: 0,
            cut,
        })
    }

    /// Takes in one sample, `(float, quantized)` being its tensors of both runs.
    fn observe(
        &mut self,
        engine: &Engine,
        plan: &QuantPlan,
        (float, quantized): (&Store, &Store),
        local: Option<ErrorSums>,
        job: &Job<'_>,
    ) -> Result<()> {
        let Some(output) = self.output else { return Ok(()) };
        let (Some(reference), Some(local)) = (float[output].clone(), local) else { return Ok(()) };
        self.local.push(local);
        let layout = channels(&reference.shape());
        for part in &mut self.parts {
            let own = part.quantizes.then_some(plan);
            let raw = match &part.alone {
                Some(alone) => first(alone.run(engine, float, own, &job.cancel)?),
                None => Some(Arc::clone(&reference)),
            };
            let quantizer = self.quantizer.filter(|_| part.quantizes);
            let (Some(raw), Some(f)) = (raw, reference.widened()) else { continue };
            let Some(q) = through(&raw, quantizer).filter(|q| q.len() == f.len()) else { continue };
            part.sums.push(ErrorSums::of(&f, &q));
            if let Some(layout) = layout {
                append(&mut part.channels, ErrorSums::of_channels(&f, &q, layout));
            }
        }
        let mut raw = match &self.planned {
            Some(planned) => planned.run(engine, quantized, Some(plan), &job.cancel)?,
            None => vec![Arc::clone(&reference)],
        };
        if let (Some(quantizer), Some(values)) = (self.quantizer, raw.first().and_then(|v| v.floats())) {
            let mut out = vec![0.0; values.len()];
            self.clipping.push(quantizer.fake_quantize(values, &mut out));
            self.values += values.len() as u64;
            let layout = channels(&raw[0].shape()).filter(|layout| layout.len() == values.len());
            if let Some(layout) = layout {
                append(&mut self.channel_clipping, channel_clipping(values, quantizer, layout));
            }
        }
        if let Some(cut) = &mut self.cut {
            let after = raw.swap_remove(0);
            cut.observe(engine, (float, quantized), &reference, &after, raw.first(), job)?;
        }
        Ok(())
    }

    fn finish(self, layer: &str) -> LayerErrors {
        let local = ErrorSums::merge_samples(&self.local);
        let part = |part: Part| {
            let sums = ErrorSums::merge_samples(&part.sums);
            ErrorPart {
                source: part.source,
                errors: Errors::from(&sums),
                share: (local.sum_e2 > 0.0).then(|| sums.sum_e2 / local.sum_e2),
                channels: part.channels.iter().map(|c| sqnr(&ErrorSums::merge_samples(c))).collect(),
            }
        };
        LayerErrors {
            layer: layer.to_owned(),
            samples: self.local.len(),
            local: Errors::from(&local),
            parts: self.parts.into_iter().map(part).collect(),
            quantizer: (!self.clipping.is_empty()).then(|| QuantizerErrors {
                total: Clipping::merge_samples(&self.clipping),
                values: self.values,
                channels: self.channel_clipping.iter().map(|c| Clipping::merge_samples(c)).collect(),
            }),
            cut: self.cut.and_then(Cut::finish),
        }
    }
}

impl Cut {
    /// Takes in one sample; `after` is the layer's tensor before its output quantizer, `inside` what stands before the
    /// activation in the quantized run where that is made inside the layer.
    fn observe(
        &mut self,
        engine: &Engine,
        (float, quantized): (&Store, &Store),
        reference: &Arc<Value>,
        after: &Arc<Value>,
        inside: Option<&Arc<Value>>,
        job: &Job<'_>,
    ) -> Result<()> {
        let (float_before, before) = match &self.float {
            Some(alone) => (first(alone.run(engine, float, None, &job.cancel)?), inside.cloned()),
            None => (float[self.before].clone(), quantized[self.before].clone()),
        };
        let (Some(float_before), Some(before)) = (float_before, before) else { return Ok(()) };
        let values = [&float_before, &before, reference, after].map(|v| v.floats());
        let [Some(f), Some(q), Some(cut_f), Some(cut_q)] = values else { return Ok(()) };
        if [q.len(), cut_f.len(), cut_q.len()].iter().any(|len| *len != f.len()) {
            return Ok(());
        }
        self.sums_before.push(ErrorSums::of(f, q));
        self.sums_after.push(ErrorSums::of(cut_f, cut_q));
        // Cut is what the activation does not hand on as it is.
        let is_cut = |i: &usize| f[*i].to_bits() != cut_f[*i].to_bits() && f[*i] != cut_f[*i];
        let cut: Vec<usize> = (0..f.len()).filter(is_cut).collect();
        let pick = |from: &[f32]| cut.iter().map(|&i| from[i]).collect::<Vec<f32>>();
        self.sums_cut.push(ErrorSums::of(&pick(f), &pick(q)));
        Ok(())
    }

    fn finish(self) -> Option<CutErrors> {
        let [before, after, cut] =
            [&self.sums_before, &self.sums_after, &self.sums_cut].map(|s| ErrorSums::merge_samples(s));
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
        (before.n > 0).then(|| CutErrors {
            op: self.op,
            values_share: cut.n as f64 / before.n as f64,
            error_share: (before.sum_e2 > 0.0).then(|| cut.sum_e2 / before.sum_e2),
            before_db: sqnr(&before),
            after_db: sqnr(&after),
        })
    }
}

/// The node of the layer that cuts values off, and the tensor that it cuts.
fn cutting_node(graph: &Graph, id: LayerId) -> Option<(NodeId, TensorId)> {
    let row = &graph.layers[id];
    let own = row.nodes.first().copied().filter(|&node| CUTS.contains(&graph.nodes[node].op.as_str()));
    let fused = row.activation.filter(|&node| CUTS.contains(&graph.nodes[node].op.as_str()));
    let node = fused.or(own)?;
    let before = graph.nodes[node].inputs.first().copied().flatten()?;
    (!graph.tensors[before].is_constant).then_some((node, before))
}

fn first(values: Vec<Arc<Value>>) -> Option<Arc<Value>> {
    values.into_iter().next()
}

/// The values behind the quantizer, where there is one.
fn through(raw: &Value, quantizer: Option<Quantizer>) -> Option<Vec<f32>> {
    let Some((quantizer, values)) = quantizer.zip(raw.floats()) else { return raw.widened().map(|v| v.into_owned()) };
    let mut out = vec![0.0; values.len()];
    quantizer.fake_quantize(values, &mut out);
    Some(out)
}

/// As on the Channels page: axis 1 of pictures and vectors, the last of sequences of tokens.
fn channels(shape: &[usize]) -> Option<ChannelLayout> {
    ChannelLayout::of(shape, if shape.len() == 3 { 2 } else { 1 }).filter(|layout| !layout.is_empty())
}

fn channel_clipping(values: &[f32], quantizer: Quantizer, layout: ChannelLayout) -> Vec<Clipping> {
    let (mut channel, mut out) = (Vec::new(), Vec::new());
    let of = |index| {
        layout.gather(values, index, &mut channel);
        out.resize(channel.len(), 0.0);
        quantizer.fake_quantize(&channel, &mut out)
    };
    (0..layout.channels).map(of).collect()
}

/// Adds one sample's entry to each channel; a sample with another number of channels is left out.
fn append<T>(channels: &mut Vec<Vec<T>>, sample: Vec<T>) {
    if channels.is_empty() {
        channels.resize_with(sample.len(), Vec::new);
    }
    if channels.len() == sample.len() {
        channels.iter_mut().zip(sample).for_each(|(all, one)| all.push(one));
    }
}

fn sqnr(sums: &ErrorSums) -> Measure {
    Errors::from(sums).sqnr_db
}
