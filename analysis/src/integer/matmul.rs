//! Matrix products: Gemm, and MatMul with batches that broadcast, the constant on either side.
//!
//! With the constant on the right (the usual case) a channel is one of its columns and a position a row of the input;
//! with the constant on the left a channel is one of its rows and a position a column of the input.

use super::Geometry;
use crate::error::{Error, Result};

/// Which side of a product is the constant, and what is transposed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MatrixSettings {
    /// The constant is the left matrix.
    pub constant_is_left: bool,
    /// The left matrix is stored transposed (Gemm's `transA`).
    pub transposed_left: bool,
    /// The right matrix is stored transposed (Gemm's `transB`).
    pub transposed_right: bool,
}

/// Where one matrix of a batch lies: first elements of input and output, index of the constant's matrix.
#[derive(Clone, Copy, Debug)]
struct Batch {
    input: usize,
    constant: usize,
    output: usize,
}

/// A matrix product of known shapes.
#[derive(Clone, Debug)]
pub struct MatrixGeometry {
    batches: Vec<Batch>,
    constant_matrices: usize,
    taps: usize,
    channels: usize,
    lines: usize,
    input_line_stride: usize,
    input_tap_stride: usize,
    weight_channel_stride: usize,
    weight_tap_stride: usize,
    output_line_stride: usize,
    output_channel_stride: usize,
}

/// Where an operand stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

/// One operand as a stack of matrices.
struct Matrices {
    batch: Vec<usize>,
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl Matrices {
    /// A vector is a row on the left and a column on the right, as NumPy's `matmul` has it.
    fn of(shape: &[usize], side: Side, is_transposed: bool) -> Option<Self> {
        let (batch, rows, columns) = match shape {
            [] => return None,
            [length] if side == Side::Left => (Vec::new(), 1, *length),
            [length] => (Vec::new(), *length, 1),
            [batch @ .., rows, columns] => (batch.to_vec(), *rows, *columns),
        };
        Some(if is_transposed {
            Self { batch, rows: columns, columns: rows, row_stride: 1, column_stride: columns }
        } else {
            Self { batch, rows, columns, row_stride: columns, column_stride: 1 }
        })
    }
}

impl MatrixGeometry {
    /// For operands of these shapes.
    ///
    /// # Errors
    /// [`Error::Model`] where they cannot be multiplied.
    pub fn new(settings: MatrixSettings, left: &[usize], right: &[usize]) -> Result<Self> {
        let refuse = || Error::model(format!("matrices of shapes {left:?} and {right:?} cannot be multiplied"));
        let a = Matrices::of(left, Side::Left, settings.transposed_left).ok_or_else(refuse)?;
        let b = Matrices::of(right, Side::Right, settings.transposed_right).ok_or_else(refuse)?;
        if a.columns != b.rows {
            return Err(refuse());
        }
        let (input, constant) = if settings.constant_is_left { (&b, &a) } else { (&a, &b) };
        let batches = broadcast(input, constant, a.rows * b.columns).ok_or_else(refuse)?;
        let constant_matrices = constant.batch.iter().product();
        let (taps, columns) = (a.columns, b.columns);
        let shared = Self {
            batches,
            constant_matrices,
            taps,
            channels: columns,
            lines: a.rows,
            input_line_stride: a.row_stride,
            input_tap_stride: a.column_stride,
            weight_channel_stride: b.column_stride,
            weight_tap_stride: b.row_stride,
            output_line_stride: columns,
            output_channel_stride: 1,
        };
        Ok(if settings.constant_is_left {
            Self {
                channels: a.rows,
                lines: columns,
                input_line_stride: b.column_stride,
                input_tap_stride: b.row_stride,
                weight_channel_stride: a.row_stride,
                weight_tap_stride: a.column_stride,
                output_line_stride: 1,
                output_channel_stride: columns,
                ..shared
            }
        } else {
            shared
        })
    }

    /// Rows of the input where the constant is on the right, else its columns: positions of one matrix.
    pub fn lines(&self) -> usize {
        self.lines
    }
}

/// The batches of the product by NumPy's rules; `None` where two lengths do not fit.
fn broadcast(input: &Matrices, constant: &Matrices, output_matrix: usize) -> Option<Vec<Batch>> {
    let rank = input.batch.len().max(constant.batch.len());
    let padded = |batch: &[usize]| [vec![1; rank - batch.len()], batch.to_vec()].concat();
    let (x, w) = (padded(&input.batch), padded(&constant.batch));
    let mut lengths = Vec::with_capacity(rank);
    for (&x, &w) in x.iter().zip(&w) {
        lengths.push(match (x, w) {
            (x, w) if x == w => x,
            (1, w) => w,
            (x, 1) => x,
            _ => return None,
        });
    }
    let index = |mut flat: usize, own: &[usize]| {
        let (mut index, mut stride) = (0, 1);
        for (&length, &own) in lengths.iter().zip(own).rev() {
            index += if own == 1 { 0 } else { flat % length * stride };
            (flat, stride) = (flat / length, stride * own);
        }
        index
    };
    let batch = |flat| Batch {
        input: index(flat, &x) * input.rows * input.columns,
        constant: index(flat, &w),
        output: flat * output_matrix,
    };
    Some((0..lengths.iter().product()).map(batch).collect())
}

impl Geometry for MatrixGeometry {
    fn channels(&self) -> usize {
        self.channels
    }

    fn positions(&self) -> usize {
        self.batches.len() * self.lines
    }

    fn taps(&self) -> usize {
        self.taps
    }

    fn rows(&self) -> usize {
        self.constant_matrices * self.channels
    }

    fn row(&self, position: usize, channel: usize) -> usize {
        self.batches[position / self.lines].constant * self.channels + channel
    }

    fn weight_element(&self, row: usize, tap: usize) -> usize {
        let (matrix, channel) = (row / self.channels, row % self.channels);
        matrix * self.channels * self.taps + channel * self.weight_channel_stride + tap * self.weight_tap_stride
    }

    fn output_element(&self, position: usize, channel: usize) -> usize {
        let (batch, line) = (self.batches[position / self.lines], position % self.lines);
        batch.output + line * self.output_line_stride + channel * self.output_channel_stride
    }

    fn gather(&self, steps: &[i32], position: usize, _: usize, patch: &mut [i32]) {
        let (batch, line) = (self.batches[position / self.lines], position % self.lines);
        let first = batch.input + line * self.input_line_stride;
        for (tap, slot) in patch.iter_mut().enumerate() {
            *slot = steps.get(first + tap * self.input_tap_stride).copied().unwrap_or(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(geometry: &MatrixGeometry, position: usize) -> Vec<i32> {
        let steps: Vec<i32> = (0..100).collect();
        let mut patch = vec![0; geometry.taps()];
        geometry.gather(&steps, position, 0, &mut patch);
        patch
    }

    fn row(geometry: &MatrixGeometry, row: usize) -> Vec<usize> {
        (0..geometry.taps()).map(|tap| geometry.weight_element(row, tap)).collect()
    }

    #[test]
    fn a_gemm_reads_either_side_transposed() {
        // [2, 3]·[3, 4]: row 1 is 3 4 5, column 2 is elements 2 6 10.
        let plain = MatrixGeometry::new(MatrixSettings::default(), &[2, 3], &[3, 4]).unwrap();
        assert_eq!((patch(&plain, 1), row(&plain, 2)), (vec![3, 4, 5], vec![2, 6, 10]));
        assert_eq!(plain.output_element(1, 2), 6);
        // Stored as [3, 2] and [4, 3]: row 1 is 1 3 5, column 2 is elements 6 7 8.
        let settings = MatrixSettings { transposed_left: true, transposed_right: true, ..MatrixSettings::default() };
        let both = MatrixGeometry::new(settings, &[3, 2], &[4, 3]).unwrap();
        assert_eq!((patch(&both, 1), row(&both, 2)), (vec![1, 3, 5], vec![6, 7, 8]));
    }

    #[test]
    fn a_constant_on_the_left_has_a_channel_a_row() {
        // Constant [2, 3] times input [3, 4]: channel 1 is elements 3 4 5, position 2 the input's column 2 6 10.
        let settings = MatrixSettings { constant_is_left: true, ..MatrixSettings::default() };
        let geometry = MatrixGeometry::new(settings, &[2, 3], &[3, 4]).unwrap();
        assert_eq!((geometry.channels(), geometry.positions()), (2, 4));
        assert_eq!((patch(&geometry, 2), row(&geometry, 1)), (vec![2, 6, 10], vec![3, 4, 5]));
        assert_eq!(geometry.output_element(2, 1), 6);
    }

    #[test]
    fn batches_broadcast_as_in_numpy() {
        // [2, 1, 2, 3]·[4, 3, 1] gives [2, 4, 2, 1]; batch (1, 2) reads input matrix 1 and constant matrix 2.
        let geometry = MatrixGeometry::new(MatrixSettings::default(), &[2, 1, 2, 3], &[4, 3, 1]).unwrap();
        assert_eq!((geometry.positions(), geometry.rows()), (16, 4));
        let position = (4 + 2) * 2 + 1;
        assert_eq!((patch(&geometry, position), geometry.row(position, 0)), (vec![9, 10, 11], 2));
        assert_eq!(geometry.output_element(position, 0), 13);
        // Vectors: [3]·[3] is one number.
        let dot = MatrixGeometry::new(MatrixSettings::default(), &[3], &[3]).unwrap();
        assert_eq!((dot.positions(), dot.channels(), dot.taps()), (1, 1, 3));
    }

    #[test]
    fn shapes_that_do_not_fit_are_refused() {
        for (left, right) in [(&[2, 3][..], &[4, 2][..]), (&[], &[3]), (&[2, 2, 3], &[3, 3, 2])] {
            assert!(MatrixGeometry::new(MatrixSettings::default(), left, right).is_err(), "{left:?} {right:?}");
        }
    }
}
