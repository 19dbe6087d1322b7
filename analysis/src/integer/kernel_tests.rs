//! The kernels against onnxruntime's own (`tests/golden/integer_kernels.py`), by hand, and against themselves.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::quant::{Grid, Multiplier, QuantParams, Rounding};

#[derive(serde::Deserialize)]
struct Golden {
    conv_integer: Vec<Case>,
    matmul_integer: Vec<Case>,
    qlinear_conv: Vec<Case>,
    gemm: Vec<Case>,
}

#[derive(serde::Deserialize)]
struct Case {
    attributes: BTreeMap<String, serde_json::Value>,
    x_shape: Vec<usize>,
    x: Vec<i32>,
    w_shape: Vec<usize>,
    w: Vec<i32>,
    x_zero_point: i32,
    w_zero_point: i32,
    y_shape: Vec<usize>,
    y: Vec<i64>,
    #[serde(default)]
    bias: Vec<i64>,
    #[serde(default)]
    bias_shape: Vec<usize>,
    #[serde(default)]
    x_scale: f64,
    #[serde(default)]
    w_scale: Vec<f64>,
    #[serde(default)]
    y_scale: f64,
    #[serde(default)]
    y_zero_point: i32,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../../../tests/golden/integer_kernels.json")).unwrap()
}

impl Case {
    fn list<T: TryFrom<i64>>(&self, name: &str) -> Vec<T> {
        let list = self.attributes.get(name).and_then(|v| v.as_array());
        let number = |v: &serde_json::Value| T::try_from(v.as_i64().unwrap()).ok().unwrap();
        list.into_iter().flatten().map(number).collect()
    }

    fn flag(&self, name: &str) -> bool {
        self.attributes.get(name).and_then(serde_json::Value::as_i64) == Some(1)
    }

    fn conv(&self) -> ConvGeometry {
        let auto_pad = match self.attributes.get("auto_pad").and_then(|v| v.as_str()) {
            Some("SAME_UPPER") => AutoPad::SameUpper,
            Some("SAME_LOWER") => AutoPad::SameLower,
            Some("VALID") => AutoPad::Valid,
            _ => AutoPad::NotSet,
        };
        let groups = self.attributes.get("group").and_then(serde_json::Value::as_u64).unwrap_or(1);
        let settings = ConvSettings {
            strides: self.list("strides"),
            dilations: self.list("dilations"),
            pads: self.list("pads"),
            auto_pad,
            groups: usize::try_from(groups).unwrap(),
        };
        let geometry = ConvGeometry::new(&settings, &self.x_shape, &self.w_shape).unwrap();
        assert_eq!(geometry.output_shape(), self.y_shape);
        geometry
    }

    fn input(&self) -> QuantParams {
        let reach = self.x.iter().map(|x| x.abs()).max().unwrap_or(0);
        let grid = if reach > 255 { Grid::signed(16) } else { Grid::unsigned(8) };
        QuantParams { scale: 1.0, zero_point: self.x_zero_point, grid: grid.unwrap() }
    }

    /// Every output by the kernel, in the order of the output tensor.
    fn outputs(&self, geometry: &dyn Geometry, bias: &Bias) -> Vec<i64> {
        let weights = WeightRows::new(geometry, &self.w, &[self.w_zero_point]).unwrap();
        let steps: Vec<i32> = self.x.iter().map(|x| x - self.x_zero_point).collect();
        let layer = IntegerLayer::new(geometry, &weights, bias, None, &self.input());
        let mut outputs = vec![i64::MAX; self.y.len()];
        for position in 0..geometry.positions() {
            for (channel, sum) in layer.accumulators(&steps, position).into_iter().enumerate() {
                let slot = &mut outputs[geometry.output_element(position, channel)];
                assert_eq!(*slot, i64::MAX, "an output is computed twice");
                *slot = sum;
            }
        }
        outputs
    }
}

#[test]
fn accumulators_are_those_of_conv_integer() {
    let cases = golden().conv_integer;
    assert_eq!(cases.len(), 9);
    for case in cases {
        assert_eq!(case.outputs(&case.conv(), &Bias::none()), case.y, "{:?} {:?}", case.attributes, case.x_shape);
    }
}

#[test]
fn accumulators_are_those_of_matmul_integer() {
    let cases = golden().matmul_integer;
    assert_eq!(cases.len(), 5);
    for case in cases {
        let geometry = MatrixGeometry::new(MatrixSettings::default(), &case.x_shape, &case.w_shape).unwrap();
        assert_eq!(case.outputs(&geometry, &Bias::none()), case.y, "{:?}·{:?}", case.x_shape, case.w_shape);
    }
}

#[test]
fn a_gemm_equals_numpy_on_either_side() {
    let cases = golden().gemm;
    assert_eq!(cases.len(), 5);
    for mut case in cases {
        let constant_is_left = case.flag("constant_left");
        let settings = MatrixSettings {
            constant_is_left,
            transposed_left: case.flag("transA"),
            transposed_right: case.flag("transB"),
        };
        let geometry = MatrixGeometry::new(settings, &case.x_shape, &case.w_shape).unwrap();
        if constant_is_left {
            (case.x, case.w) = (case.w, case.x);
        }
        let (rows, columns) = match case.bias_shape.as_slice() {
            [rows, columns] => (*rows, *columns),
            [columns] => (1, *columns),
            _ => (1, 1),
        };
        let bias = Bias::by_matrix(case.bias.clone(), rows, columns, geometry.lines(), constant_is_left);
        assert_eq!(case.outputs(&geometry, &bias), case.y, "{:?}", case.attributes);
    }
}

/// onnxruntime requantizes in float32, half to even; one rounding of the 64-bit product differs from it only where the
/// product is within float32's error of a tie, which none of these is.
#[test]
fn codes_are_those_of_qlinear_conv() {
    let (mut total, mut equal) = (0, 0);
    for case in golden().qlinear_conv {
        let geometry = case.conv();
        let bias = Bias::by_channel(case.bias.clone());
        let sums = case.outputs(&geometry, &bias);
        let mut differences = LsbDifferences::default();
        for position in 0..geometry.positions() {
            for channel in 0..geometry.channels() {
                let element = geometry.output_element(position, channel);
                let multiplier = Multiplier::from_real(case.x_scale * case.w_scale[channel] / case.y_scale).unwrap();
                let zero_point = case.y_zero_point;
                let requantizer = Requantizer { multiplier, zero_point, low: -128, high: 127 };
                let code = requantizer.apply(sums[element], Rounding::Single);
                differences.observe(code, i32::try_from(case.y[element]).unwrap());
            }
        }
        total += differences.outputs();
        equal += differences.equal;
    }
    assert_eq!((total, equal), (1508, 1508));
}

/// A 1-D convolution by hand, with everything that a report counts.
#[test]
fn a_small_convolution_by_hand() {
    // Codes 10 20 30 with zero-point 10: steps 0 10 20. Kernel 3 −2, one pad at each side, bias 5.
    // Padded steps 0 | 0 10 20 | 0: sums 0·3 − 0·2, 0·3 − 10·2, 10·3 − 20·2, 20·3 − 0·2 plus 5: 5, −15, −5, 65.
    let settings = ConvSettings { pads: vec![1, 1], ..ConvSettings::default() };
    let geometry = ConvGeometry::new(&settings, &[1, 1, 3], &[1, 1, 2]).unwrap();
    let weights = WeightRows::new(&geometry, &[3, -2], &[0]).unwrap();
    let bias = Bias::by_channel(vec![5]);
    let input = QuantParams { scale: 0.5, zero_point: 10, grid: Grid::signed(8).unwrap() };
    let layer = IntegerLayer::new(&geometry, &weights, &bias, None, &input);
    let steps = [0, 10, 20];
    let sums: Vec<i64> = (0..4).map(|position| layer.accumulators(&steps, position)[0]).collect();
    assert_eq!(sums, [5, -15, -5, 65]);
    // M = 0.1 = 0.8·2^(−3); 0.8·2^31 = 1717986918.4, so M0 is a little below: 0.5 − ε, −1.5 + ε, −0.5 + ε, 6.5 − ε round
    // to 0, −1, 0, 6.
    let multiplier = Multiplier::from_real(0.1).unwrap();
    let requantizers = [Requantizer { multiplier, zero_point: 0, low: -128, high: 127 }];
    // Fake quantization rounds the ties themselves, to even: 0, −2, 0, 6.
    let expected = Expected::Codes { codes: &[0, -2, 0, 6], requantizers: &requantizers };
    let tally = layer.run(&steps, expected, &[0, 1, 2, 3])[0];
    assert_eq!((tally.outputs, tally.accumulators), (4, Extent { low: -15, high: 65 }));
    assert_eq!((tally.beyond_int32, tally.saturated_pairs), (0, 0));
    assert_eq!(multiplier.m0, 1_717_986_918);
    assert_eq!(tally.differences[1].counts(), [0, 0, 3, 1, 0]);
}

#[test]
fn an_accumulator_beyond_int32_is_reported_and_wraps() {
    // 70 000 taps of 255·127 = 2 266 950 000 > 2^31 − 1 = 2 147 483 647; it wraps to −2 028 017 296.
    let taps = 70_000;
    let geometry = MatrixGeometry::new(MatrixSettings::default(), &[1, taps], &[taps, 1]).unwrap();
    let weights = WeightRows::new(&geometry, &vec![127; taps], &[0]).unwrap();
    let input = QuantParams { scale: 1.0, zero_point: 0, grid: Grid::unsigned(8).unwrap() };
    let bias = Bias::none();
    let layer = IntegerLayer::new(&geometry, &weights, &bias, None, &input);
    let multiplier = Multiplier::from_real(1e-8).unwrap();
    let requantizers = [Requantizer { multiplier, zero_point: 0, low: -128, high: 127 }];
    let expected = Expected::Codes { codes: &[23], requantizers: &requantizers };
    let tally = layer.run(&vec![255; taps], expected, &[0])[0];
    assert_eq!((tally.accumulators.high, tally.beyond_int32), (2_266_950_000, 1));
    // −20.3 → −20 instead of 23.
    assert_eq!(tally.differences[1].largest, 43);
    assert_eq!(worst_cases(&geometry, &weights, &bias, &input)[0].bits(), 33);
}

#[test]
fn a_float_output_is_held_against_the_accumulator() {
    let geometry = MatrixGeometry::new(MatrixSettings::default(), &[1, 2], &[2, 1]).unwrap();
    let weights = WeightRows::new(&geometry, &[3, -2], &[0]).unwrap();
    let bias = Bias::by_channel(vec![7]);
    let input = QuantParams { scale: 0.5, zero_point: 0, grid: Grid::signed(8).unwrap() };
    let layer = IntegerLayer::new(&geometry, &weights, &bias, None, &input);
    // 10·3 − 4·2 + 7 = 29 steps of 0.25: 7.25. Magnitudes 30 + 8 + 7 = 45, γ(8) = 8·2^(−24): 2.1e−5 steps are allowed.
    let scale = FloatScale { scale: 0.25, low: f64::NEG_INFINITY, high: f64::INFINITY, bias_rounding: 0.0 };
    let check = |value: f32, scale: FloatScale| {
        let tally = layer.run(&[10, 4], Expected::Floats { values: &[value], scales: &[scale] }, &[0])[0];
        (tally.float_difference, tally.float_share)
    };
    assert_eq!(check(7.25, scale), (0.0, 0.0));
    let (difference, share) = check(7.5, scale);
    assert!((difference, share > 40_000.0) == (1.0, true), "{share}");
    // A ReLU6 between the two.
    assert_eq!(check(6.0, FloatScale { low: 0.0, high: 6.0, ..scale }), (0.0, 0.0));
}

proptest! {
    #[test]
    fn a_convolution_equals_its_definition(
        (groups, per_group_in, per_group_out) in (1_usize..3, 1_usize..3, 1_usize..3),
        (height, width) in (3_usize..7, 3_usize..7),
        (kernel, stride, dilation, pad) in (1_usize..4, 1_usize..3, 1_usize..3, 0_usize..3),
        seed in any::<u64>(),
    ) {
        let reach = dilation * (kernel - 1) + 1;
        prop_assume!(height + 2 * pad >= reach && width + 2 * pad >= reach);
        let (inputs, outputs) = (groups * per_group_in, groups * per_group_out);
        let pads = i64::try_from(pad).unwrap();
        let settings = ConvSettings {
            strides: vec![stride; 2], dilations: vec![dilation; 2], pads: vec![pads; 4], groups, ..ConvSettings::default()
        };
        let geometry = ConvGeometry::new(&settings, &[1, inputs, height, width], &[outputs, per_group_in, kernel, kernel]).unwrap();
        let random = |salt: u64, n: usize| -> Vec<i32> {
            (0..n as u64).map(|i| {
                let mixed = (seed ^ salt).wrapping_add(i).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                i32::try_from(mixed >> 56).unwrap() - 128
            }).collect()
        };
        let (steps, codes) = (random(1, inputs * height * width), random(2, outputs * per_group_in * kernel * kernel));
        let weights = WeightRows::new(&geometry, &codes, &[0]).unwrap();
        let input = QuantParams { scale: 1.0, zero_point: 0, grid: Grid::signed(8).unwrap() };
        let bias = Bias::none();
        let layer = IntegerLayer::new(&geometry, &weights, &bias, None, &input);
        let worst = worst_cases(&geometry, &weights, &bias, &input);
        let (rows, columns) = ((height + 2 * pad - reach) / stride + 1, (width + 2 * pad - reach) / stride + 1);
        prop_assert_eq!(geometry.positions(), rows * columns);
        for position in 0..geometry.positions() {
            let (y, x) = (position / columns, position % columns);
            for (channel, &sum) in layer.accumulators(&steps, position).iter().enumerate() {
                let mut definition = 0_i64;
                for c in 0..per_group_in {
                    for (i, j) in (0..kernel).flat_map(|i| (0..kernel).map(move |j| (i, j))) {
                        let (row, column) = (y * stride + i * dilation, x * stride + j * dilation);
                        if (pad..height + pad).contains(&row) && (pad..width + pad).contains(&column) {
                            let c_in = channel / per_group_out * per_group_in + c;
                            let step = steps[(c_in * height + row - pad) * width + column - pad];
                            definition += i64::from(step * codes[((channel * per_group_in + c) * kernel + i) * kernel + j]);
                        }
                    }
                }
                prop_assert_eq!(sum, definition);
                prop_assert!(worst[channel].low <= sum && sum <= worst[channel].high);
            }
        }
    }

    #[test]
    fn tallies_do_not_depend_on_order(split in 0_usize..36, seed in 0_i32..1000) {
        let geometry = ConvGeometry::new(&ConvSettings::default(), &[1, 2, 8, 8], &[3, 2, 3, 3]).unwrap();
        let value = |i: i32| (i * 7919 + seed * 31) % 251 - 125;
        let codes: Vec<i32> = (0..54).map(value).collect();
        let steps: Vec<i32> = (100..228).map(value).collect();
        let weights = WeightRows::new(&geometry, &codes, &[0]).unwrap();
        let bias = Bias::none();
        let input = QuantParams { scale: 1.0, zero_point: 0, grid: Grid::signed(8).unwrap() };
        let pairs = PairCheck::new(&weights, Grid::signed(8).unwrap(), &input).unwrap();
        let layer = IntegerLayer::new(&geometry, &weights, &bias, Some(&pairs), &input);
        let multiplier = Multiplier::from_real(0.0013).unwrap();
        let requantizers = [Requantizer { multiplier, zero_point: 3, low: -128, high: 127 }; 3];
        let expected = Expected::Codes { codes: &(0..108).map(value).collect::<Vec<_>>(), requantizers: &requantizers };
        let all: Vec<usize> = (0..36).collect();
        let whole = layer.run(&steps, expected, &all);
        let mut parts = layer.run(&steps, expected, &all[split..]);
        for (part, first) in parts.iter_mut().zip(layer.run(&steps, expected, &all[..split])) {
            part.merge(&first);
        }
        prop_assert_eq!(parts, whole);
    }
}
