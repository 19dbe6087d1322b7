//! What of a layer no sample changes: weights and bias in the order of the sums, multipliers, clamp, worst cases.

use super::parts::{BiasSource, Kind, Parts};
use crate::{
    engine::Value,
    error::{Error, Result},
    integer::{
        Bias, ChannelTally, Expected, Extent, FloatScale, Geometry, IntegerLayer, PairCheck, Requantizer, WeightRows,
        worst_cases,
    },
    quant::{Multiplier, QuantParams, quantize_to_int},
    report::BiasForm,
    say,
};

/// What of a layer no sample changes.
#[derive(Debug)]
pub(super) struct Fixed {
    pub(super) channels: usize,
    pub(super) taps: usize,
    pub(super) weights: WeightRows,
    pub(super) bias: Bias,
    pub(super) bias_form: BiasForm,
    pub(super) pairs: Option<PairCheck>,
    pub(super) clamp: (i32, i32),
    /// By channel; empty for a float output.
    pub(super) requantizers: Vec<Requantizer>,
    pub(super) scales: Vec<FloatScale>,
    pub(super) worst: Vec<Extent>,
}

impl Fixed {
    /// For a geometry of the first sample's; weights and bias are the same in all.
    pub(super) fn of(parts: &Parts, geometry: &dyn Geometry) -> Result<Self> {
        let zero_points: Vec<i32> = parts.weight_params.iter().map(|p| p.zero_point).collect();
        let weights = WeightRows::new(geometry, &parts.weight_codes, &zero_points)
            .ok_or_else(|| Error::model(say!("constant `{}` is smaller than its shape", parts.weight_name)))?;
        let (bias, bias_form) = bias(parts, geometry);
        let grid = parts.weight_params(0).map(|p| p.grid);
        let pairs =
            grid.filter(|_| !parts.is_depthwise()).and_then(|grid| PairCheck::new(&weights, grid, &parts.input_params));
        let worst = worst_cases(geometry, &weights, &bias, &parts.input_params);
        let channels = geometry.channels();
        let clamp = parts.output_params.map_or((0, 0), |output| clamp(parts.bounds, &output));
        Ok(Self {
            channels,
            taps: geometry.taps(),
            requantizers: requantizers(parts, channels, clamp)?,
            scales: (0..channels).map(|channel| float_scale(parts, channel, bias_form)).collect(),
            weights,
            bias,
            bias_form,
            pairs,
            clamp,
            worst,
        })
    }

    /// The outputs at `chosen` of one sample; `None` where a tensor is not float32.
    pub(super) fn run(
        &self,
        parts: &Parts,
        geometry: &dyn Geometry,
        input: &Value,
        output: &Value,
        chosen: &[usize],
    ) -> Option<Vec<ChannelTally>> {
        let mut steps = codes(input, &parts.input_params)?;
        steps.iter_mut().for_each(|code| *code -= parts.input_params.zero_point);
        let layer = IntegerLayer::new(geometry, &self.weights, &self.bias, self.pairs.as_ref(), &parts.input_params);
        Some(match &parts.output_params {
            Some(params) => {
                let codes = codes(output, params)?;
                layer.run(&steps, Expected::Codes { codes: &codes, requantizers: &self.requantizers }, chosen)
            }
            None => layer.run(&steps, Expected::Floats { values: output.floats()?, scales: &self.scales }, chosen),
        })
    }
}

/// The bias in steps of the accumulator.
fn bias(parts: &Parts, geometry: &dyn Geometry) -> (Bias, BiasForm) {
    let rounded = |value: f64, channel: usize| bias_code(f64::from(parts.beta) * value, parts.step(channel));
    let is_plain = parts.alpha.to_bits() == 1.0_f32.to_bits() && parts.beta.to_bits() == 1.0_f32.to_bits();
    let channels = geometry.channels();
    match &parts.bias {
        BiasSource::None => (Bias::none(), BiasForm::None),
        BiasSource::Codes { codes, .. } if is_plain => {
            (Bias::by_channel(codes.iter().map(|&code| i64::from(code)).collect()), BiasForm::Integer)
        }
        BiasSource::Codes { codes, scales } => {
            let scale = |i: usize| scales.get(if scales.len() > 1 { i } else { 0 }).map_or(0.0, |s| f64::from(*s));
            let value =
                |i: usize| f64::from(codes.get(if codes.len() > 1 { i } else { 0 }).copied().unwrap_or(0)) * scale(i);
            (Bias::by_channel((0..channels).map(|c| rounded(value(c), c)).collect()), BiasForm::Rounded)
        }
        BiasSource::Float { values, shape } => {
            (float_bias(parts, geometry, values, shape, &rounded), BiasForm::Rounded)
        }
    }
}

/// The step nearest to a bias, or ±2^52 where it is further: beyond any int32, while an accumulator added to it is still
/// an exact float64 and no i64 overflows. A channel whose weights are all but 0 has steps so small.
fn bias_code(value: f64, step: f64) -> i64 {
    const FURTHEST: f64 = (1_u64 << 52) as f64;
    #[expect(clippy::cast_possible_truncation, reason = "at most 2^52, and NaN becomes 0")]
    let code = (value / step).round_ties_even().clamp(-FURTHEST, FURTHEST) as i64;
    code
}

/// A float bias, broadcast to the output first: one value can stand for channels of different scales.
fn float_bias(
    parts: &Parts,
    geometry: &dyn Geometry,
    values: &[f32],
    shape: &[usize],
    rounded: &dyn Fn(f64, usize) -> i64,
) -> Bias {
    let channels = geometry.channels();
    let at = |index: usize| values.get(index).map_or(0.0, |v| f64::from(*v));
    let (rows, columns) = match shape {
        [rows, columns] => (*rows, *columns),
        _ => (1, values.len()),
    };
    let channels_are_rows = matches!(&parts.kind, Kind::Matrix(settings) if settings.constant_is_left);
    let (own, lines) = if channels_are_rows { (rows, columns) } else { (columns, rows) };
    // Lines outermost, all channels of each.
    let place = |line: usize, channel: usize| {
        let channel = if own > 1 { channel } else { 0 };
        if channels_are_rows { channel * columns + line } else { line * columns + channel }
    };
    let codes = (0..lines).flat_map(|line| (0..channels).map(move |channel| (line, channel)));
    let codes = codes.map(|(line, channel)| rounded(at(place(line, channel)), channel)).collect();
    Bias::by_matrix(codes, lines, channels, lines, false)
}

/// The codes of a float32 tensor on a grid.
fn codes(value: &Value, params: &QuantParams) -> Option<Vec<i32>> {
    let values = value.floats()?;
    let mut codes = vec![0; values.len()];
    quantize_to_int(values, params, &mut codes);
    Some(codes)
}

/// The codes that a fused activation leaves: quantization is monotonic, so its bounds are codes too.
fn clamp(bounds: (f32, f32), output: &QuantParams) -> (i32, i32) {
    let mut ends = [output.grid.q_min(), output.grid.q_max()];
    for (end, bound) in ends.iter_mut().zip([bounds.0, bounds.1]) {
        if bound.is_finite() {
            quantize_to_int(&[bound], output, std::slice::from_mut(end));
        }
    }
    (ends[0], ends[1])
}

/// `M` of a channel.
pub(super) fn real(parts: &Parts, channel: usize) -> f64 {
    parts.step(channel) / parts.output_params.map_or(1.0, |p| f64::from(p.scale))
}

fn requantizers(parts: &Parts, channels: usize, clamp: (i32, i32)) -> Result<Vec<Requantizer>> {
    let Some(output) = parts.output_params else { return Ok(Vec::new()) };
    let of_channel = |channel: usize| {
        let multiplier = Multiplier::from_real(real(parts, channel))?;
        Some(Requantizer { multiplier, zero_point: output.zero_point, low: clamp.0, high: clamp.1 })
    };
    let made: Option<Vec<Requantizer>> = (0..channels).map(of_channel).collect();
    made.ok_or_else(|| Error::model(say!("a scale of `{}` gives no multiplier above 0", parts.weight_name)))
}

fn float_scale(parts: &Parts, channel: usize, bias: BiasForm) -> FloatScale {
    FloatScale {
        scale: parts.step(channel),
        low: f64::from(parts.bounds.0),
        high: f64::from(parts.bounds.1),
        bias_rounding: if bias == BiasForm::Rounded { 0.5 } else { 0.0 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        integer::{MatrixGeometry, MatrixSettings},
        quant::Grid,
    };

    #[test]
    fn a_bias_beyond_all_integers_leaves_room_for_the_accumulator() {
        assert_eq!([bias_code(1.0, 0.4), bias_code(-1.25, 0.5), bias_code(f64::NAN, 1.0)], [2, -2, 0]);
        let furthest = 1_i64 << 52;
        assert_eq!([bias_code(0.5, 1e-40), bias_code(-0.5, 1e-40)], [furthest, -furthest]);
        let geometry = MatrixGeometry::new(MatrixSettings::default(), &[1, 2], &[2, 2]).unwrap();
        let weights = WeightRows::new(&geometry, &[127, -127, 127, -127], &[0]).unwrap();
        let bias = Bias::by_channel(vec![bias_code(0.5, 1e-40), bias_code(-0.5, 1e-40)]);
        let input = QuantParams { scale: 1.0, zero_point: 0, grid: Grid::signed(8).unwrap() };
        // 127·127·2 above and 127·128·2 below, and as much the other way round.
        let worst = worst_cases(&geometry, &weights, &bias, &input);
        assert_eq!((worst[0].low, worst[0].high), (-32_512, furthest + 32_258));
        assert_eq!((worst[1].low, worst[1].high), (-furthest - 32_258, 32_512));
        let layer = IntegerLayer::new(&geometry, &weights, &bias, None, &input);
        assert_eq!(layer.accumulators(&[127, 127], 0), [furthest + 32_258, -furthest - 32_258]);
        assert_eq!((worst[0].bits(), bias.overflows()), (54, 2));
    }
}
