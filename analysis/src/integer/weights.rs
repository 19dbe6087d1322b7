//! Weights and bias of a layer in the order in which its outputs add them up.

use super::Geometry;

/// Weights as steps (codes minus zero-point), one row an output channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeightRows {
    steps: Vec<i32>,
    zero_points: Vec<i32>,
    taps: usize,
}

impl WeightRows {
    /// From the constant's row-major `codes` and its zero-points: one, or one an output channel. `None` where there are
    /// fewer codes than `geometry` reads.
    pub fn new(geometry: &dyn Geometry, codes: &[i32], zero_points: &[i32]) -> Option<Self> {
        let (rows, taps) = (geometry.rows(), geometry.taps());
        let mut steps = Vec::with_capacity(rows * taps);
        let mut row_zero_points = Vec::with_capacity(rows);
        for row in 0..rows {
            let channel = row % geometry.channels().max(1);
            let zero_point = *zero_points.get(if zero_points.len() > 1 { channel } else { 0 })?;
            for tap in 0..taps {
                steps.push(codes.get(geometry.weight_element(row, tap))? - zero_point);
            }
            row_zero_points.push(zero_point);
        }
        Some(Self { steps, zero_points: row_zero_points, taps })
    }

    /// The steps of one row.
    pub fn row(&self, row: usize) -> &[i32] {
        self.steps.get(row * self.taps..(row + 1) * self.taps).unwrap_or_default()
    }

    /// The steps of `row` and all rows after it.
    pub(super) fn rows_after(&self, row: usize) -> &[i32] {
        self.steps.get(row * self.taps..).unwrap_or_default()
    }

    /// The zero-point of `row`.
    pub fn zero_point(&self, row: usize) -> i32 {
        self.zero_points.get(row).copied().unwrap_or(0)
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.zero_points.len()
    }
}

/// What is added onto the accumulator, in steps of its scale. Wider than int32 where the bias overflows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bias {
    codes: Vec<i64>,
    channel_stride: usize,
    line_stride: usize,
    lines: usize,
}

impl Bias {
    /// No bias.
    pub fn none() -> Self {
        Self::default()
    }

    /// One code a channel; or one for all.
    pub fn by_channel(codes: Vec<i64>) -> Self {
        Self { channel_stride: usize::from(codes.len() > 1), line_stride: 0, lines: 1, codes }
    }

    /// A matrix `[rows, columns]` that broadcasts to the output of a Gemm, whose positions are `lines` rows (columns where
    /// `channels_are_rows`).
    pub fn by_matrix(codes: Vec<i64>, rows: usize, columns: usize, lines: usize, channels_are_rows: bool) -> Self {
        let row_stride = if rows > 1 { columns } else { 0 };
        let column_stride = usize::from(columns > 1);
        let (channel_stride, line_stride) =
            if channels_are_rows { (row_stride, column_stride) } else { (column_stride, row_stride) };
        Self { codes, channel_stride, line_stride, lines }
    }

    /// The code for an output.
    pub fn at(&self, position: usize, channel: usize) -> i64 {
        let line = position % self.lines.max(1);
        self.codes.get(channel * self.channel_stride + line * self.line_stride).copied().unwrap_or(0)
    }

    /// The smallest and largest code of a channel.
    pub fn ends(&self, channel: usize) -> (i64, i64) {
        let lines = if self.line_stride == 0 { 1 } else { self.lines.max(1) };
        let codes = (0..lines).map(|line| self.at(line, channel));
        codes.fold((i64::MAX, i64::MIN), |(low, high), code| (low.min(code), high.max(code)))
    }

    /// How many codes an int32 cannot hold.
    pub fn overflows(&self) -> usize {
        self.codes.iter().filter(|&&code| i32::try_from(code).is_err()).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::integer::{MatrixGeometry, MatrixSettings};

    #[test]
    fn rows_are_columns_of_the_right_matrix() {
        // [[1, 2], [3, 4]] with zero-points 1 and −1: columns 1 3 and 2 4 become 0 2 and 3 5.
        let geometry = MatrixGeometry::new(MatrixSettings::default(), &[1, 2], &[2, 2]).unwrap();
        let rows = WeightRows::new(&geometry, &[1, 2, 3, 4], &[1, -1]).unwrap();
        assert_eq!((rows.row(0), rows.row(1)), (&[0, 2][..], &[3, 5][..]));
        assert_eq!((rows.zero_point(1), rows.rows()), (-1, 2));
        assert_eq!(WeightRows::new(&geometry, &[1, 2, 3], &[0]), None);
    }

    #[test]
    fn a_bias_broadcasts_along_either_axis() {
        let codes = vec![1, 2, 3, 4, 5, 6];
        // [2, 3], channels are columns: row 1 column 2 is 6.
        let whole = Bias::by_matrix(codes.clone(), 2, 3, 2, false);
        assert_eq!((whole.at(1, 2), whole.at(3, 0), whole.ends(1)), (6, 4, (2, 5)));
        // Channels are rows: channel 1, position 2.
        assert_eq!(Bias::by_matrix(codes, 2, 3, 3, true).at(2, 1), 6);
        // [2, 1] is one value a row, whatever the column.
        let column = Bias::by_matrix(vec![7, 8], 2, 1, 2, false);
        assert_eq!((column.at(1, 0), column.at(1, 5)), (8, 8));
        assert_eq!(Bias::by_channel(vec![9]).at(4, 3), 9);
        assert_eq!((Bias::none().at(4, 3), Bias::none().ends(0)), (0, (0, 0)));
        assert_eq!(Bias::by_channel(vec![i64::from(i32::MAX) + 1, 3]).overflows(), 1);
    }
}
