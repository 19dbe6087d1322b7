//! What the clicked layer's pages show: histograms, channels and the threshold curve, from the live samples. Those whose
//! tensors the memory budget does not hold are run again: a small budget costs time, and shows the same.

use std::sync::Arc;

use super::{LIVE_SAMPLES, Workbench, report::ends, samples::no_data};
use crate::{
    calibrate::{DisplayHistogram, MinMax},
    config::QuantConfig,
    engine::Value,
    error::Result,
    graph::{LayerId, TensorId},
    job::Job,
    metrics::{ErrorSums, Errors, Measure},
    plan::{Operand, OperandValue, QuantPlan},
    quant::{ChannelLayout, QuantParams, Range},
    report::{ActivationChannel, Densities, Distribution, LayerDetail, WeightChannel},
    say,
};

/// Both runs' values of a tensor, sample by sample.
type Pairs = Vec<(Arc<Value>, Arc<Value>)>;

impl Workbench {
    /// The detail of one layer under `config`, from at most [`LIVE_SAMPLES`] samples.
    ///
    /// # Errors
    /// [`crate::Error::Config`] for an unknown layer; as [`Workbench::evaluate`].
    pub fn layer_detail(
        &mut self,
        config: &Arc<QuantConfig>,
        layer: &str,
        job: &mut Job<'_>,
    ) -> Result<Arc<LayerDetail>> {
        self.layer_detail_in_stages(config, layer, job, &mut |_| ())
    }

    /// As [`Workbench::layer_detail`]; where the choices of the range need another look at all samples, `on_stage` is told
    /// everything else first.
    ///
    /// # Errors
    /// As there.
    pub fn layer_detail_in_stages(
        &mut self,
        config: &Arc<QuantConfig>,
        layer: &str,
        job: &mut Job<'_>,
        on_stage: &mut dyn FnMut(Arc<LayerDetail>),
    ) -> Result<Arc<LayerDetail>> {
        // The plan first: it may bring another graph, and ids are those of one graph.
        let plan = self.plan_of(config, job)?;
        let id = self.layer_id(layer)?;
        let output = self.graph.layers[id].outputs.first().copied();
        let pairs = self.pairs(output, &plan, job)?;
        let operand = plan.weights[id].main().cloned().map_or_else(|| self.float_operand(id), Some);
        let (activation, density) = output.and_then(|t| self.activation(t, &pairs, &plan)).unzip();
        let (weights, weight_density) = operand.as_ref().and_then(|o| self.weights(o)).unzip();
        let seen = LayerDetail {
            layer: layer.to_owned(),
            samples: pairs.len(),
            activation,
            weights,
            density: density.flatten().map(Arc::new),
            weight_density: weight_density.flatten().map(Arc::new),
            weight_channels: operand.as_ref().map(|o| self.weight_channels(id, o)).unwrap_or_default(),
            activation_channels: activation_channels(&pairs),
            threshold: None,
            threshold_note: Some(say!("its values are being counted over all samples")),
            is_whole: false,
        };
        if self.has_uncounted(output, &plan) {
            on_stage(Arc::new(seen.clone()));
        }
        let threshold = self.threshold(output, &plan, job)?;
        let threshold_note = threshold.as_ref().err().cloned();
        Ok(Arc::new(LayerDetail { threshold: threshold.ok(), threshold_note, is_whole: true, ..seen }))
    }

    /// Both runs' values of `output` for the live samples, brought to `plan`.
    fn pairs(&mut self, output: Option<TensorId>, plan: &Arc<QuantPlan>, job: &mut Job<'_>) -> Result<Pairs> {
        let Some(output) = output else { return Ok(Vec::new()) };
        let count = self.data.as_ref().ok_or_else(no_data)?.samples.len().min(LIVE_SAMPLES);
        let mut pairs = Vec::with_capacity(count);
        for index in 0..count {
            let (mut float, mut quantized) = self.tensors_of(index, plan, job)?;
            pairs.extend(float[output].take().zip(quantized[output].take()));
        }
        Ok(pairs)
    }

    /// The largest weight of a layer whose weights stay float.
    fn float_operand(&self, layer: LayerId) -> Option<Operand> {
        let row = &self.graph.layers[layer];
        let read = |t: TensorId| self.graph.constants.float_values(t);
        let main = row
            .weights()
            .max_by_key(|o| self.graph.constants.dims(o.tensor).map_or(0, |d| crate::tensor::elements(&d)))?;
        Some(Operand {
            source: Some(main.tensor),
            position: main.position,
            shape: self.graph.constants.dims(main.tensor)?,
            float: read(main.tensor)?,
            value: OperandValue::Float,
        })
    }

    fn activation(
        &self,
        tensor: TensorId,
        pairs: &Pairs,
        plan: &QuantPlan,
    ) -> Option<(Distribution, Option<Densities>)> {
        let widened = pairs.iter().map(|(f, q)| Some((f.widened()?, q.widened()?))).collect::<Option<Vec<_>>>()?;
        let mut seen = MinMax::new();
        for (float, quantized) in &widened {
            seen.observe(float);
            seen.observe(quantized);
        }
        let range = seen.range()?;
        let (mut float_counts, mut quantized_counts) = (DisplayHistogram::new(range), DisplayHistogram::new(range));
        for (float, quantized) in &widened {
            float_counts.observe(float);
            quantized_counts.observe(quantized);
        }
        let params = plan.tensors[tensor].and_then(|q| q.quantizer.integer().copied());
        let name = self.graph.name(tensor);
        // Shapes that depend on the values leave nothing to set against each other.
        let is_paired = widened.iter().all(|(float, quantized)| float.len() == quantized.len());
        let both: Vec<(&[f32], &[f32])> = widened.iter().map(|(f, q)| (f.as_ref(), q.as_ref())).collect();
        let density = is_paired.then(|| Densities::of(name, range, params, &both)).flatten();
        Some((distribution(name, range, &float_counts, &quantized_counts, params), density))
    }

    fn weights(&self, operand: &Operand) -> Option<(Distribution, Option<Densities>)> {
        let dequantized = operand.dequantized();
        let mut seen = MinMax::of(&operand.float);
        seen.observe(&dequantized);
        let range = seen.range()?;
        let (mut float_counts, mut quantized_counts) = (DisplayHistogram::new(range), DisplayHistogram::new(range));
        float_counts.observe(&operand.float);
        quantized_counts.observe(&dequantized);
        let params = match &operand.value {
            OperandValue::Integer { params, axis: None, .. } => params.first().copied(),
            _ => None,
        };
        let name = operand.source.map_or("", |t| self.graph.name(t));
        let density = Densities::of(name, range, params, &[(&operand.float, &dequantized)]);
        Some((distribution(name, range, &float_counts, &quantized_counts, params), density))
    }

    /// One entry an output channel, also where one scale serves them all: that is what shows why it should not.
    fn weight_channels(&self, layer: LayerId, operand: &Operand) -> Vec<WeightChannel> {
        let row = &self.graph.layers[layer];
        let axis = row.operands.iter().find(|o| o.position == operand.position).and_then(|o| match o.role {
            crate::graph::OperandRole::Weight { axis } => axis,
            _ => None,
        });
        let Some(layout) = axis.and_then(|axis| ChannelLayout::of(&operand.shape, axis)) else { return Vec::new() };
        if operand.float.is_empty() {
            return Vec::new();
        }
        let mut seen = vec![MinMax::new(); layout.channels];
        MinMax::observe_channels(&mut seen, &operand.float, layout);
        let sums = ErrorSums::of_channels(&operand.float, &operand.dequantized(), layout);
        let scale = |channel: usize| match &operand.value {
            OperandValue::Integer { params, axis, .. } => {
                params.get(if axis.is_some() { channel } else { 0 }).map(|p: &QuantParams| p.scale)
            }
            OperandValue::Small { scales, axis, .. } => scales.get(if axis.is_some() { channel } else { 0 }).copied(),
            _ => None,
        };
        seen.iter()
            .zip(&sums)
            .enumerate()
            .map(|(index, (seen, sums))| {
                let (low, high) = ends(seen);
                WeightChannel { index, low, high, scale: scale(index), sqnr_db: Errors::from(sums).sqnr_db }
            })
            .collect()
    }
}

fn distribution(
    tensor: &str,
    range: Range,
    float_counts: &DisplayHistogram,
    quantized_counts: &DisplayHistogram,
    params: Option<QuantParams>,
) -> Distribution {
    Distribution {
        tensor: tensor.to_owned(),
        low: range.low,
        high: range.high,
        float_counts: float_counts.counts().to_vec(),
        quantized_counts: quantized_counts.counts().to_vec(),
        thresholds: params.map(|p| (p.representable().low, p.representable().high)),
        step: params.map(|p| (p.scale, p.zero_point)),
    }
}

/// Channels of an output: axis 1 of pictures and vectors, the last axis of sequences of tokens.
fn activation_channels(pairs: &Pairs) -> Vec<ActivationChannel> {
    let mut seen: Vec<MinMax> = Vec::new();
    let mut sums: Vec<Vec<ErrorSums>> = Vec::new();
    for (float, quantized) in pairs {
        let shape = float.shape();
        let axis = if shape.len() == 3 { 2 } else { 1 };
        let (Some(layout), Some(f), Some(q)) = (ChannelLayout::of(&shape, axis), float.widened(), quantized.widened())
        else {
            return Vec::new();
        };
        if f.is_empty() || f.len() != q.len() {
            return Vec::new();
        }
        if seen.is_empty() {
            seen = vec![MinMax::new(); layout.channels];
            sums = vec![Vec::new(); layout.channels];
        }
        if seen.len() != layout.channels {
            return Vec::new();
        }
        MinMax::observe_channels(&mut seen, &f, layout);
        for (all, one) in sums.iter_mut().zip(ErrorSums::of_channels(&f, &q, layout)) {
            all.push(one);
        }
    }
    let channel = |(index, (seen, sums)): (usize, (&MinMax, &Vec<ErrorSums>))| {
        let (low, high) = ends(seen);
        let sqnr_db: Measure = Errors::from(&ErrorSums::merge_samples(sums)).sqnr_db;
        ActivationChannel { index, low, high, sqnr_db }
    };
    seen.iter().zip(&sums).enumerate().map(channel).collect()
}
