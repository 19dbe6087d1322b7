use super::{Dense, Rows, blocks};
use crate::{buffer::Pool, parallel, quant::wide::with_each};

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
        let run = || {
            let mut outputs = inputs.each_ref().map(|input| vec![f32::NAN; input.len() / depth * columns]);
            let work = inputs.iter().zip(&mut outputs);
            let mut work: Vec<_> = work.map(|(input, output)| Rows { input, block, output }).collect();
            dense.multiply(&mut work);
            outputs.map(|output| bits(&output))
        };
        for (extension, found) in with_each(run) {
            assert_eq!(found, expected, "{rows}×{depth}×{columns} {extension:?}");
        }
        // As in a pass over several samples, where nothing is spread over the cores.
        let tell = |found| {
            assert_eq!(found, expected, "{rows}×{depth}×{columns} beside another");
            Ok(())
        };
        parallel::for_each(0..2, |_| Ok(run()), tell).unwrap();
    }
    assert!(Dense::new(2, 3, &[0.0; 5], &pool).is_none() && Dense::new(0, 3, &[], &pool).is_none());
}

#[test]
fn one_sum_worked_by_hand() {
    let pool = Pool::default();
    let product = |row: [f32; 4], weights: [f32; 4], block| {
        let dense = Dense::new(4, 1, &weights, &pool).unwrap();
        let mut output = [0.0];
        dense.multiply(&mut [Rows { input: &row, block, output: &mut output }]);
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
