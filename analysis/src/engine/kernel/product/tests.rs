use super::{Convolution, Dense, Rows, Work, blocks, convolve};
use crate::{
    buffer::Pool,
    engine::kernel::{
        geometry::{Padding, Window},
        tail::Tail,
    },
    parallel,
    quant::wide::with_each,
};

/// Numbers of many sizes and both signs.
fn values(count: usize, seed: u32) -> Vec<f32> {
    (0..count).map(|i| ((i as f32 + 1.0) * (0.37 + seed as f32 * 0.011)).sin() * (1 + i % 7) as f32).collect()
}

/// The documented order: fused from the first product of a block on, then block by block.
fn sum(block: usize, products: impl Iterator<Item = (f32, f32)>) -> f32 {
    let products: Vec<_> = products.collect();
    let parts = products.chunks(block).map(|part| part.iter().fold(0.0_f32, |sum, (a, b)| a.mul_add(*b, sum)));
    parts.reduce(|total, part| total + part).unwrap()
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|v| v.to_bits()).collect()
}

/// Output by output, from the definition of a convolution.
fn by_definition(
    (op, weights): &(Convolution, Vec<f32>),
    block: usize,
    [height, width]: [usize; 2],
    image: &[f32],
) -> Vec<f32> {
    let Padding::Explicit(pads) = op.window.padding else { panic!("explicit pads here") };
    let Window { kernel, strides, dilations, .. } = op.window;
    let out = |axis: usize, input: usize| {
        (input + pads[axis] + pads[axis + 2] - (dilations[axis] * (kernel[axis] - 1) + 1)) / strides[axis] + 1
    };
    let mut result = Vec::new();
    for (weights, tail) in weights.chunks(op.depth()).zip(&op.tails) {
        for y in 0..out(0, height) {
            for x in 0..out(1, width) {
                let seen = (0..op.depth()).map(|k| {
                    let (channel, tap) = (k / (kernel[0] * kernel[1]), k % (kernel[0] * kernel[1]));
                    let row = (y * strides[0] + tap / kernel[1] * dilations[0]).checked_sub(pads[0]);
                    let column = (x * strides[1] + tap % kernel[1] * dilations[1]).checked_sub(pads[1]);
                    let place = row.filter(|r| *r < height).zip(column.filter(|c| *c < width));
                    (weights[k], place.map_or(0.0, |(r, c)| image[(channel * height + r) * width + c]))
                });
                result.push(tail.bounded(tail.affine(sum(block, seen))));
            }
        }
    }
    result
}

fn equals_definition(window: Window, [channels, outputs]: [usize; 2], size: [usize; 2], block: usize) {
    let depth = channels * window.kernel[0] * window.kernel[1];
    let tail = Tail { bias: 0.3, high: 60.0, ..Tail::default() };
    let op = |seed: u32| {
        let tails = (0..outputs).map(|c| tail.with_norm(0.5 + c as f32, -0.2, 0.1, 2.0, 1e-5)).collect();
        let weights = values(outputs * depth, seed);
        (Convolution::new(window.clone(), channels, &weights, tails, &Pool::default()).unwrap(), weights)
    };
    let (one, other) = (op(1), op(3));
    let shape = [2, channels, size[0], size[1]];
    let input = values(shape.iter().product(), 2);
    let geometry = one.0.geometry(&shape).unwrap();
    let expected = |op: &(Convolution, Vec<f32>)| {
        let images = input.chunks(channels * size[0] * size[1]);
        bits(&images.flat_map(|image| by_definition(op, block, size, image)).collect::<Vec<_>>())
    };
    let expected = [expected(&one), expected(&other)];
    let pool = Pool::default();
    let run = || {
        // Rows are packed as this extension likes them.
        let (one, other) = (op(1), op(3));
        let len = 2 * outputs * geometry.output_plane();
        let (mut first, mut second) = (vec![f32::NAN; len], vec![f32::NAN; len]);
        let mut work = [
            Work { convolution: &one.0, block, output: &mut first },
            Work { convolution: &other.0, block, output: &mut second },
        ];
        assert!(convolve(&geometry, &input, &mut work, &pool));
        [bits(&first), bits(&second)]
    };
    for (extension, found) in with_each(run) {
        assert_eq!(found, expected, "{:?} {size:?} {extension:?}", one.0.window);
    }
    // As in a pass over several samples, where nothing is spread over the cores.
    let mut beside = Vec::new();
    let tell = |found| {
        beside.push(found);
        Ok(())
    };
    parallel::for_each(0..2, |_| Ok(run()), tell).unwrap();
    assert!(beside.iter().all(|found| *found == expected), "{:?} {size:?}", one.0.window);
}

#[test]
fn convolutions_are_those_of_the_definition() {
    let window =
        |kernel, strides, dilations, pads| Window { kernel, strides, dilations, padding: Padding::Explicit(pads) };
    for size in [[1, 1], [4, 4], [7, 7], [5, 16], [9, 37]] {
        equals_definition(window([1, 1], [1, 1], [1, 1], [0; 4]), [5, 13], size, 128);
        equals_definition(window([1, 1], [2, 2], [1, 1], [0; 4]), [3, 2], size, 2);
        equals_definition(window([1, 1], [1, 1], [1, 1], [1; 4]), [3, 2], size, 128);
        equals_definition(window([3, 3], [1, 1], [1, 1], [1; 4]), [3, 25], size, 16);
        equals_definition(window([3, 3], [2, 2], [1, 1], [1; 4]), [3, 4], size, 27);
        equals_definition(window([3, 3], [2, 1], [1, 2], [1, 2, 1, 2]), [2, 1], size, 128);
        equals_definition(window([5, 3], [3, 2], [1, 2], [4, 4, 1, 2]), [2, 3], size, 7);
        equals_definition(window([1, 2], [1, 3], [1, 1], [0, 1, 0, 1]), [2, 3], size, 128);
    }
    // So deep that a strip is one panel, and so wide that there are several strips.
    equals_definition(window([1, 1], [1, 1], [1, 1], [0; 4]), [4500, 2], [6, 6], 128);
    equals_definition(window([1, 1], [1, 1], [1, 1], [0; 4]), [600, 3], [30, 60], 256);
}

#[test]
fn products_with_a_matrix_are_those_of_the_definition() {
    let pool = Pool::default();
    for (rows, depth, columns, block) in [(2, 3, 1, 128), (15, 40, 33, 16), (26, 300, 70, 128), (61, 7, 32, 7)] {
        let weights = values(depth * columns, 4);
        let dense = Dense::new(depth, columns, &weights, &pool).unwrap();
        let inputs = [values(rows * depth, 5), values(2 * depth, 6)];
        let expected = inputs.each_ref().map(|input| {
            let cell = |row: &[f32], column: usize| {
                sum(block, row.iter().enumerate().map(|(k, v)| (*v, weights[k * columns + column])))
            };
            let cells = input.chunks(depth).flat_map(|row| (0..columns).map(move |column| (row, column)));
            bits(&cells.map(|(row, column)| cell(row, column)).collect::<Vec<_>>())
        });
        for (extension, found) in with_each(|| {
            let mut outputs = inputs.each_ref().map(|input| vec![f32::NAN; input.len() / depth * columns]);
            let work = inputs.iter().zip(&mut outputs);
            let mut work: Vec<_> = work.map(|(input, output)| Rows { input, block, output }).collect();
            dense.multiply(&mut work, &pool);
            outputs.map(|output| bits(&output))
        }) {
            assert_eq!(found, expected, "{rows}×{depth}×{columns} {extension:?}");
        }
    }
    assert!(Dense::new(2, 3, &[0.0; 5], &pool).is_none() && Dense::new(0, 3, &[], &pool).is_none());
}

#[test]
fn one_sum_worked_by_hand() {
    let pool = Pool::default();
    let product = |row: [f32; 4], weights: [f32; 4], block| {
        let dense = Dense::new(4, 1, &weights, &pool).unwrap();
        let mut output = [0.0];
        dense.multiply(&mut [Rows { input: &row, block, output: &mut output }], &pool);
        output[0]
    };
    assert_eq!(product([1.0, 2.0, 3.0, 4.0], [1.0, 10.0, 100.0, 1000.0], 2), 4321.0);
    // 2²⁴ + 1 rounds to 2²⁴, so that in one block the 1 is lost; in two the sums are 2²⁴ and 1 − 2²⁴.
    let row = [16_777_216.0, 0.0, 1.0, -16_777_216.0];
    assert_eq!([4, 2].map(|block| product(row, [1.0; 4], block)), [0.0, 1.0]);
    // 4097² is 2²⁴ + 2¹³ + 1, which only a fused product keeps the 1 of: rounded it would be 2²⁴ + 2¹³.
    assert_eq!(product([-16_785_408.0, 4097.0, 0.0, 0.0], [1.0, 4097.0, 0.0, 0.0], 4), 1.0);
}

#[test]
fn blocks_are_those_of_onnxruntime_s_matrix_products() {
    assert_eq!(blocks(64, 3136), [64]);
    assert_eq!(blocks(384, 1536), [128, 256, 384]);
    // 49 columns: blocks of 64 columns, twice as deep; one column: 16 wide, 1024 deep.
    assert_eq!(blocks(960, 49), [256, 128, 512, 960]);
    assert_eq!(blocks(4608, 1), [1024, 128, 256, 512, 4608]);
}
