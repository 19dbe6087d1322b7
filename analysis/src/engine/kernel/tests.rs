use std::{collections::BTreeMap, sync::Arc};

use super::{
    Operation, OwnKernel, Proof, Turn,
    depthwise::{Depthwise, Work, convolve},
    geometry::{Geometry, Padding, Window},
    recognize,
    tail::Tail,
};
use crate::{
    buffer::Pool,
    engine::Value,
    error::Result,
    onnx::{
        proto::{AttributeProto, GraphProto, ModelProto, NodeProto, ValueInfoProto},
        tensor_proto,
    },
    parallel,
    quant::wide::with_each,
    tensor::Tensor,
};

fn window(kernel: [usize; 2], strides: [usize; 2], dilations: [usize; 2], pads: [usize; 4]) -> Window {
    Window { axes: 2, kernel, strides, dilations, padding: Padding::Explicit(pads) }
}

/// Numbers of many sizes and both signs.
fn values(count: usize, seed: u32) -> Vec<f32> {
    (0..count).map(|i| ((i as f32 + 1.0) * (0.37 + seed as f32 * 0.011)).sin() * (1 + i % 7) as f32).collect()
}

/// The product in the documented order, output by output, from the definition of a convolution.
fn by_definition(op: &Depthwise, [height, width]: [usize; 2], input: &[f32]) -> Vec<f32> {
    let Padding::Explicit(pads) = op.window.padding else { panic!("explicit pads here") };
    let Window { kernel, strides, dilations, .. } = op.window;
    let out = |axis: usize, input: usize| {
        (input + pads[axis] + pads[axis + 2] - (dilations[axis] * (kernel[axis] - 1) + 1)) / strides[axis] + 1
    };
    let mut result = Vec::new();
    for (channel, plane) in input.chunks(height * width).enumerate() {
        let weights = &op.weights[channel * kernel[0] * kernel[1]..];
        for y in 0..out(0, height) {
            for x in 0..out(1, width) {
                let product = |tap: usize| {
                    let row = (y * strides[0] + tap / kernel[1] * dilations[0]).checked_sub(pads[0]);
                    let column = (x * strides[1] + tap % kernel[1] * dilations[1]).checked_sub(pads[1]);
                    let place = row.filter(|r| *r < height).zip(column.filter(|c| *c < width));
                    weights[tap] * place.map_or(0.0, |(r, c)| plane[r * width + c])
                };
                let (count, mut tap, mut total) = (kernel[0] * kernel[1], 0, 0.0_f32);
                for size in [4, 2, 1] {
                    while count - tap >= size && (size == 4 || count - tap < 2 * size) {
                        let part = (tap + 1..tap + size).fold(product(tap), |part, next| part + product(next));
                        total += part;
                        tap += size;
                    }
                }
                let tail = &op.tails[channel];
                result.push(((total + tail.bias) * tail.scale + tail.shift).max(tail.low).min(tail.high));
            }
        }
    }
    result
}

fn run_alone(op: &Depthwise, geometry: &Geometry, input: &[f32], output: &mut [f32]) -> bool {
    convolve(geometry, input, &mut [Work { op, output }])
}

fn equals_definition(window: Window, channels: usize, [height, width]: [usize; 2]) {
    let taps = window.kernel[0] * window.kernel[1];
    let tail = Tail { bias: 0.3, high: 6.0, ..Tail::default() };
    let tails: Vec<_> = (0..channels).map(|c| tail.with_norm(0.5 + c as f32, -0.2, 0.1, 2.0, 1e-5)).collect();
    let ops = [1, 7].map(|seed| Depthwise {
        window: window.clone(),
        weights: values(channels * taps, seed),
        tails: tails.clone(),
    });
    let input = values(channels * height * width, 2);
    let geometry = ops[0].geometry(&[1, channels, height, width]).unwrap();
    let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    let expected = ops.each_ref().map(|op| bits(&by_definition(op, [height, width], &input)));
    let run = || {
        let mut outputs = [(); 2].map(|()| vec![f32::NAN; geometry.output_len(channels)]);
        let works = ops.iter().zip(&mut outputs).map(|(op, output)| Work { op, output });
        assert!(convolve(&geometry, &input, &mut works.collect::<Vec<_>>()));
        outputs.map(|output| bits(&output))
    };
    for (extension, found) in with_each(run) {
        assert_eq!(found, expected, "{window:?} {height}×{width} {extension:?}");
    }
    // As in a pass over several samples, where both kernels go over a channel together.
    let together = || with_each(run).into_iter().map(|(_, found)| found).collect::<Vec<_>>();
    let tell = |found: Vec<[Vec<u32>; 2]>| {
        assert!(found.iter().all(|found| *found == expected), "{window:?} {height}×{width} together");
        Ok(())
    };
    parallel::for_each(0..2, |_| Ok(together()), tell).unwrap();
}

#[test]
fn sums_are_those_of_the_definition() {
    let pads = [1; 4];
    for size in [[1, 1], [3, 3], [7, 7], [5, 16], [9, 17], [20, 33]] {
        equals_definition(window([3, 3], [1, 1], [1, 1], pads), 3, size);
        equals_definition(window([3, 3], [2, 2], [1, 1], pads), 3, size);
        equals_definition(window([3, 3], [2, 2], [1, 1], [0, 0, 1, 1]), 2, [size[0] + 2, size[1] + 2]);
        equals_definition(window([3, 3], [1, 2], [2, 1], [2, 1, 2, 1]), 2, size);
        equals_definition(window([5, 3], [3, 2], [1, 2], [3, 4, 1, 2]), 2, [size[0] + 1, size[1]]);
        equals_definition(window([1, 1], [1, 1], [1, 1], [0; 4]), 2, size);
        equals_definition(window([1, 2], [1, 3], [1, 1], [0, 1, 0, 0]), 2, size);
        equals_definition(window([2, 3], [1, 1], [1, 1], [1, 1, 0, 1]), 2, size);
    }
}

#[test]
fn one_output_worked_by_hand() {
    // Row 1 of [1 2; 3 4] under a 1×2 kernel [10, 0.5]: 10·3 + 0.5·4 = 32, + 1 = 33, cut to 6.
    let tails = vec![Tail { bias: 1.0, ..Tail::default() }];
    let mut op = Depthwise { window: window([1, 2], [1, 1], [1, 1], [0; 4]), weights: vec![10.0, 0.5], tails };
    let geometry = op.geometry(&[1, 1, 2, 2]).unwrap();
    let mut out = [0.0; 2];
    assert!(run_alone(&op, &geometry, &[1.0, 2.0, 3.0, 4.0], &mut out));
    assert_eq!(out, [12.0, 33.0]);
    op.tails[0].high = 6.0;
    assert!(run_alone(&op, &geometry, &[1.0, 2.0, 3.0, 4.0], &mut out));
    assert_eq!(out, [6.0, 6.0]);
}

#[test]
fn what_is_not_finite_is_reported() {
    let op = Depthwise {
        window: window([3, 3], [1, 1], [1, 1], [1; 4]),
        weights: vec![0.0; 9],
        tails: vec![Tail::default()],
    };
    let geometry = op.geometry(&[1, 1, 5, 5]).unwrap();
    let mut out = vec![0.0; 25];
    for odd in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for at in [0, 12, 24] {
            let mut input = vec![1.0; 25];
            input[at] = odd;
            assert!(!run_alone(&op, &geometry, &input, &mut out), "{odd} at {at}");
        }
    }
    assert!(run_alone(&op, &geometry, &[1.0; 25], &mut out));
}

#[test]
fn padding_by_rule_is_onnx_s() {
    // 5 → 3 with steps of two needs 2·2 + 3 − 5 = 2; 6 → 3 needs 1, which goes to one end.
    let begin = |padding, input| {
        let window = Window { padding, ..window([3, 3], [2, 2], [1, 1], [0; 4]) };
        let op = Depthwise { window, weights: vec![0.0; 9], tails: vec![Tail::default()] };
        let geometry = op.geometry(&[1, 1, input, input]).unwrap();
        (geometry.rows.pad_begin, geometry.rows.output)
    };
    assert_eq!([begin(Padding::SameUpper, 5), begin(Padding::SameLower, 5)], [(1, 3), (1, 3)]);
    assert_eq!([begin(Padding::SameUpper, 6), begin(Padding::SameLower, 6)], [(0, 3), (1, 3)]);
}

fn node(op: &str, input: &[&str], output: &str, attribute: Vec<AttributeProto>) -> NodeProto {
    NodeProto {
        op_type: Some(op.into()),
        input: input.iter().map(|&name| name.into()).collect(),
        output: vec![output.into()],
        attribute,
        ..NodeProto::default()
    }
}

fn ints(name: &str, ints: &[i64]) -> AttributeProto {
    AttributeProto { name: Some(name.into()), ints: ints.to_vec(), ..AttributeProto::default() }
}

fn group(count: i64) -> AttributeProto {
    AttributeProto { name: Some("group".into()), i: Some(count), ..AttributeProto::default() }
}

/// A model of these nodes, of 2 channels and a 3×3 kernel.
fn model(node: Vec<NodeProto>) -> ModelProto {
    let output = node.last().unwrap().output[0].clone();
    let info = |name: &str| ValueInfoProto { name: Some(name.into()), ..ValueInfoProto::default() };
    let constant =
        |name: &str, shape: Vec<usize>, values: Vec<f32>| tensor_proto(name, &Tensor::float32(shape, values));
    let graph = GraphProto {
        node,
        input: vec![info("x")],
        output: vec![info(&output)],
        initializer: vec![
            constant("w", vec![2, 1, 3, 3], values(18, 3)),
            constant("two", vec![2], vec![1.0, 2.0]),
            constant("six", vec![], vec![6.0]),
            constant("zero", vec![], vec![0.0]),
        ],
        ..GraphProto::default()
    };
    ModelProto { graph: Some(graph), ..ModelProto::default() }
}

#[test]
fn a_depthwise_layer_is_recognized_with_its_batch_norm_and_clip() {
    let conv =
        node("Conv", &["x", "w", "two"], "c", vec![group(2), ints("strides", &[2, 1]), ints("pads", &[1, 0, 1, 0])]);
    let norm = node("BatchNormalization", &["c", "two", "two", "two", "two"], "n", vec![]);
    let clip = node("Clip", &["n", "zero", "six"], "y", vec![]);
    let found = recognize::depthwise(&model(vec![conv, norm, clip])).unwrap();
    assert_eq!(found.window, window([3, 3], [2, 1], [1, 1], [1, 0, 1, 0]));
    // scale = 2/√(2 + ε), shift = 2 − 2·scale for channel 1.
    let scale = 1.0 / (2.0_f32 + 1e-5).sqrt() * 2.0;
    assert_eq!(found.tails[1], Tail { bias: 2.0, scale, shift: 2.0 - 2.0 * scale, low: 0.0, high: 6.0 });
}

#[test]
fn anything_else_is_left_to_onnxruntime() {
    let conv = |attributes| node("Conv", &["x", "w"], "c", attributes);
    let is_known = |nodes: Vec<NodeProto>| recognize::depthwise(&model(nodes)).is_some();
    assert!(is_known(vec![conv(vec![group(2)])]));
    assert!(is_known(vec![conv(vec![group(2)]), node("Relu", &["c"], "y", vec![])]));
    assert!(!is_known(vec![conv(vec![group(1)])]), "not depthwise");
    assert!(!is_known(vec![conv(vec![group(2), ints("kernel_shape", &[3, 5])])]), "another kernel than its weight");
    assert!(!is_known(vec![conv(vec![group(2), ints("pads", &[0, -1, 0, 0])])]), "cropped");
    assert!(!is_known(vec![conv(vec![group(2)]), node("Sigmoid", &["c"], "y", vec![])]));
    assert!(!is_known(vec![conv(vec![group(2)]), node("Relu", &["x"], "y", vec![])]), "no chain");
    assert!(!is_known(vec![conv(vec![group(2)]), node("Clip", &["c", "six", "zero"], "y", vec![])]), "crossed bounds");
    let mut odd = model(vec![conv(vec![group(2)])]);
    odd.graph.as_mut().unwrap().initializer[0] =
        tensor_proto("w", &Tensor::float32(vec![2, 1, 3, 3], vec![f32::INFINITY; 18]));
    assert!(recognize::depthwise(&odd).is_none(), "weights that are not finite");
}

#[test]
fn a_convolution_is_recognized_with_its_groups_and_axes() {
    let is_known = |attributes: Vec<AttributeProto>| {
        let conv = node("Conv", &["x", "w", "two"], "c", attributes);
        recognize::convolution(&model(vec![conv, node("Relu", &["c"], "y", vec![])]), &Pool::default())
    };
    let plain = is_known(vec![]).expect("one channel, two outputs");
    assert_eq!((plain.depth(), plain.outputs(), plain.outputs_of_group()), (9, 2, 2));
    assert_eq!(plain.geometry(&[1, 1, 3, 3]).map(|geometry| geometry.output_shape(2)), Some(vec![1, 2, 1, 1]));
    assert!(plain.geometry(&[1, 2, 3, 3]).is_none() && plain.geometry(&[1, 1, 9]).is_none());
    assert!(is_known(vec![group(0)]).is_none() && is_known(vec![group(3)]).is_none());
    // One axis: what is said of another is no Conv.
    let mut line = model(vec![node("Conv", &["x", "w"], "c", vec![ints("strides", &[3]), ints("pads", &[1, 0])])]);
    line.graph.as_mut().unwrap().initializer[0] = tensor_proto("w", &Tensor::float32(vec![2, 1, 9], values(18, 3)));
    let line = recognize::convolution(&line, &Pool::default()).unwrap();
    assert_eq!(line.window.padding, Padding::Explicit([0, 1, 0, 0]));
    assert_eq!(line.geometry(&[1, 1, 14]).map(|geometry| geometry.output_shape(2)), Some(vec![1, 2, 3]));
}

/// A picture of 2 channels.
fn picture(side: usize, values: Vec<f32>) -> Value {
    let length = i64::try_from(side).unwrap_or(0);
    Value::from_floats(vec![1, 2, length, length], values)
}

fn small_kernel() -> OwnKernel {
    let conv = node("Conv", &["x", "w"], "c", vec![group(2), ints("pads", &[1; 4])]);
    let operation = Operation::of(&model(vec![conv]), &Pool::default()).expect("it is depthwise");
    OwnKernel { operation, proof: Arc::default() }
}

/// What a depthwise kernel computes.
fn computed(kernel: &OwnKernel, input: &Value, pool: &Pool) -> Value {
    Turn { kernel, input, order: 0 }.alone(pool).unwrap()
}

/// The same, where it is proven to be what `theirs` makes.
fn proven(
    kernel: &OwnKernel,
    input: &Value,
    pool: &Pool,
    theirs: impl FnOnce(Arc<Value>) -> Result<Arc<Value>>,
) -> Option<Value> {
    let order = kernel.order(&input.dims(), pool, || Ok((small_kernel(), theirs))).unwrap()?;
    Turn { kernel, input, order }.alone(pool)
}

#[test]
fn a_kernel_is_proven_once_for_each_shape() {
    let (pool, kernel) = (Pool::default(), small_kernel());
    let asked = std::cell::Cell::new(0);
    let theirs = |probe: Arc<Value>| {
        asked.set(asked.get() + 1);
        Ok(Arc::new(computed(&kernel, &probe, &pool)))
    };
    for (side, times) in [(4, 1), (4, 1), (5, 2), (4, 2), (5, 2)] {
        let input = picture(side, values(2 * side * side, 5));
        let found = proven(&kernel, &input, &pool, theirs).unwrap();
        assert!(found.same_bits(&computed(&kernel, &input, &pool)));
        assert_eq!(asked.get(), times, "side {side}");
    }
    let shapes = BTreeMap::from([(vec![1, 2, 4, 4], 0), (vec![1, 2, 5, 5], 0)]);
    assert_eq!(*kernel.proof().state(), Proof::Equal(shapes));
}

#[test]
fn a_kernel_is_never_used_after_a_difference_even_if_the_data_show_none() {
    let (pool, kernel) = (Pool::default(), small_kernel());
    // As another order of additions: the last bit of one sum, and none where all sums are 0.
    let theirs = |probe: Arc<Value>| {
        let mut off = computed(&kernel, &probe, &pool).floats().unwrap().to_vec();
        off[7] = if off[7] == 0.0 { 0.0 } else { f32::from_bits(off[7].to_bits() + 1) };
        Ok(Arc::new(picture(4, off)))
    };
    for data in [vec![0.0; 32], values(32, 5)] {
        assert!(proven(&kernel, &picture(4, data), &pool, theirs).is_none());
    }
    assert_eq!(*kernel.proof().state(), Proof::Refused);
    // Nor for another shape, nor when it would agree now.
    let agrees = |probe: Arc<Value>| Ok(Arc::new(computed(&kernel, &probe, &pool)));
    assert!(proven(&kernel, &picture(5, values(50, 5)), &pool, agrees).is_none());
}

#[test]
fn nobody_waits_for_another_s_comparison() {
    // One thread compares while all of the pool do so too, and waits for them, as its own loops would.
    let (pool, kernel) = (Pool::default(), small_kernel());
    let input = picture(4, values(32, 5));
    let agrees = |probe: Arc<Value>| Ok(Arc::new(computed(&kernel, &probe, &pool)));
    let slow = |probe: Arc<Value>| {
        rayon::broadcast(|_| assert!(proven(&kernel, &input, &pool, agrees).is_some()));
        agrees(probe)
    };
    assert!(proven(&kernel, &input, &pool, slow).is_some());
}

#[test]
fn values_that_are_not_finite_are_left_to_onnxruntime_and_prove_nothing() {
    let (pool, kernel) = (Pool::default(), small_kernel());
    let agrees = |probe: Arc<Value>| Ok(Arc::new(computed(&kernel, &probe, &pool)));
    assert!(proven(&kernel, &picture(4, vec![f32::NAN; 32]), &pool, agrees).is_none());
    assert!(proven(&kernel, &picture(4, values(32, 5)), &pool, agrees).is_some());
}
