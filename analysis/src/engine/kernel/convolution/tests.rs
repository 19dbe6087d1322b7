use super::{
    super::geometry::{Padding, Window},
    *,
};
use crate::{parallel, quant::wide::with_each};

/// Numbers of many sizes and both signs.
fn values(count: usize, seed: u32) -> Vec<f32> {
    (0..count).map(|i| ((i as f32 + 1.0) * (0.37 + seed as f32 * 0.011)).sin() * (1 + i % 7) as f32).collect()
}

fn window(kernel: [usize; 2], strides: [usize; 2], dilations: [usize; 2], pads: [usize; 4]) -> Window {
    Window { axes: 2, kernel, strides, dilations, padding: Padding::Explicit(pads) }
}

/// What a test convolves: a window, groups, input channels and outputs of a group, and the input's lengths.
struct Case {
    window: Window,
    groups: usize,
    channels: usize,
    outputs: usize,
    lengths: [usize; 2],
    block: usize,
}

impl Case {
    fn op(&self, seed: u32, pool: &Pool) -> (Convolution, Vec<f32>) {
        let (outputs, depth) =
            (self.groups * self.outputs, self.channels * self.window.kernel.iter().product::<usize>());
        let tail = Tail { bias: 0.3, high: 60.0, ..Tail::default() };
        let tails = (0..outputs).map(|c| tail.with_norm(0.5 + c as f32, -0.2, 0.1, 2.0, 1e-5)).collect();
        let weights = values(outputs * depth, seed);
        let channels = self.groups * self.channels;
        let op = Convolution::new(self.window.clone(), channels, self.groups, &weights, tails, pool).unwrap();
        (op, weights)
    }

    /// Output by output, from the definition of a convolution, in the documented order of additions.
    fn by_definition(&self, op: &Convolution, weights: &[f32], images: &[f32]) -> Vec<u32> {
        let Padding::Explicit(pads) = self.window.padding else { panic!("explicit pads here") };
        let (Window { kernel, strides, dilations, .. }, [height, width]) = (&self.window, self.lengths);
        let out = |axis: usize| {
            let padded = self.lengths[axis] + pads[axis] + pads[axis + 2];
            (padded - (dilations[axis] * (kernel[axis] - 1) + 1)) / strides[axis] + 1
        };
        let taps = kernel[0] * kernel[1];
        let mut result = Vec::new();
        for image in images.chunks(self.groups * self.channels * height * width) {
            for output in 0..self.groups * self.outputs {
                let first = output / self.outputs * self.channels;
                for (y, x) in (0..out(0)).flat_map(|y| (0..out(1)).map(move |x| (y, x))) {
                    let product = |k: usize| {
                        let (channel, tap) = (first + k / taps, k % taps);
                        let row = (y * strides[0] + tap / kernel[1] * dilations[0]).checked_sub(pads[0]);
                        let column = (x * strides[1] + tap % kernel[1] * dilations[1]).checked_sub(pads[1]);
                        let place = row.filter(|r| *r < height).zip(column.filter(|c| *c < width));
                        let value = place.map_or(0.0, |(r, c)| image[(channel * height + r) * width + c]);
                        (weights[output * op.depth() + k], value)
                    };
                    let products: Vec<_> = (0..op.depth()).map(product).collect();
                    let parts = products.chunks(self.block);
                    let parts = parts.map(|part| part.iter().fold(0.0_f32, |sum, (w, v)| w.mul_add(*v, sum)));
                    let tail = &op.tails[output];
                    result.push(tail.bounded(tail.affine(parts.reduce(|total, part| total + part).unwrap())).to_bits());
                }
            }
        }
        result
    }

    /// Two convolutions of the same two images, on each extension, alone and as one of several samples.
    fn equals_definition(&self) {
        let pool = Pool::default();
        let (ops, weights): (Vec<_>, Vec<_>) = [1, 2].map(|seed| self.op(seed, &pool)).into_iter().unzip();
        let images = values(2 * self.groups * self.channels * self.lengths[0] * self.lengths[1], 3);
        let shape = [2, self.groups * self.channels, self.lengths[0], self.lengths[1]];
        let geometry = ops[0].geometry(&shape).unwrap();
        let expected: Vec<_> =
            ops.iter().zip(&weights).map(|(op, weights)| self.by_definition(op, weights, &images)).collect();
        let run = || {
            let mut outputs = [(); 2].map(|()| vec![f32::NAN; geometry.output_len(ops[0].outputs())]);
            let works = ops.iter().zip(&mut outputs).map(|(op, output)| Work { op, block: self.block, output });
            assert!(convolve(&geometry, &images, &mut works.collect::<Vec<_>>()));
            outputs.map(|output| output.iter().map(|v| v.to_bits()).collect::<Vec<_>>())
        };
        for (extension, found) in with_each(run) {
            assert!(found[..] == expected[..], "{:?} {:?} {extension:?}", self.window, self.lengths);
        }
        let tell = |found: [Vec<u32>; 2]| {
            assert!(found[..] == expected[..], "{:?} {:?} beside another", self.window, self.lengths);
            Ok(())
        };
        parallel::for_each(0..2, |_| Ok(run()), tell).unwrap();
    }
}

#[test]
fn sums_are_those_of_the_definition() {
    for lengths in [[1, 2], [3, 3], [7, 7], [5, 16], [9, 40]] {
        let windows = [
            window([1, 1], [1, 1], [1, 1], [0; 4]),
            window([1, 1], [2, 2], [1, 1], [0; 4]),
            window([3, 3], [1, 1], [1, 1], [1; 4]),
            window([3, 3], [2, 2], [1, 1], [1; 4]),
            window([3, 3], [1, 2], [2, 1], [2, 1, 2, 1]),
            window([1, 2], [1, 1], [1, 1], [0; 4]),
            window([5, 3], [3, 2], [1, 2], [3, 4, 1, 2]),
        ];
        for window in windows {
            Case { window, groups: 1, channels: 3, outputs: 15, lengths, block: 7 }.equals_definition();
        }
    }
    let grouped = |channels, outputs| Case {
        window: window([3, 3], [1, 1], [1, 1], [1; 4]),
        groups: 2,
        channels,
        outputs,
        lengths: [6, 11],
        block: 128,
    };
    grouped(2, 3).equals_definition();
    grouped(1, 2).equals_definition();
}

#[test]
fn a_row_of_outputs_longer_than_the_panels_that_are_made_at_a_time() {
    let window = window([1, 3], [1, 1], [1, 1], [0, 1, 0, 1]);
    Case { window, groups: 1, channels: 9, outputs: 2, lengths: [2, 700], block: 16 }.equals_definition();
}

#[test]
fn one_output_worked_by_hand() {
    // Channels [1 2 3] and [10 20 30] under the taps [1 2] and [0.5 0]: 1 + 4 + 5, 2 + 6 + 10; the bias is 0.5.
    let pool = Pool::default();
    let window = Window { axes: 1, ..window([1, 2], [1, 1], [1, 1], [0; 4]) };
    let tails = vec![Tail { bias: 0.5, high: 18.0, ..Tail::default() }];
    let op = Convolution::new(window, 2, 1, &[1.0, 2.0, 0.5, 0.0], tails, &pool).unwrap();
    let geometry = op.geometry(&[1, 2, 3]).unwrap();
    assert_eq!((op.depth(), geometry.output_shape(op.outputs())), (4, vec![1, 1, 2]));
    let mut output = [0.0; 2];
    let work = Work { op: &op, block: 4, output: &mut output };
    assert!(convolve(&geometry, &[1.0, 2.0, 3.0, 10.0, 20.0, 30.0], &mut [work]));
    assert_eq!(output, [10.5, 18.0]);
}

#[test]
fn what_is_not_finite_is_reported_and_what_is_padding_is_not() {
    let pool = Pool::default();
    let case = Case {
        window: window([3, 3], [1, 1], [1, 1], [1; 4]),
        groups: 1,
        channels: 1,
        outputs: 2,
        lengths: [5, 7],
        block: 9,
    };
    let (op, _) = case.op(1, &pool);
    let geometry = op.geometry(&[1, 1, 5, 7]).unwrap();
    let is_finite = |input: &[f32]| {
        let mut output = vec![0.0; 70];
        convolve(&geometry, input, &mut [Work { op: &op, block: 9, output: &mut output }])
    };
    // What the pool gives out next was this.
    let mut used = pool.take(geometry.phases_len);
    used.fill(f32::NAN);
    drop(used);
    assert!(is_finite(&[1.0; 35]));
    for odd in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for at in [0, 17, 34] {
            let mut input = [1.0; 35];
            input[at] = odd;
            assert!(!is_finite(&input), "{odd} at {at}");
        }
    }
}

#[test]
fn weights_of_another_number_are_no_convolution() {
    let pool = Pool::default();
    let new = |channels, groups, weights: usize, outputs: usize| {
        let window = window([1, 2], [1, 1], [1, 1], [0; 4]);
        Convolution::new(window, channels, groups, &vec![1.0; weights], vec![Tail::default(); outputs], &pool).is_some()
    };
    assert!(new(4, 2, 8, 2));
    assert!(!new(4, 2, 7, 2) && !new(3, 2, 8, 2) && !new(4, 0, 8, 2) && !new(4, 2, 0, 0) && !new(4, 2, 12, 3));
}
