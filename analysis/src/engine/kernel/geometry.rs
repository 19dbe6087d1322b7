//! Where the taps of a convolution lie. One over a single axis is one over height and width of height 1.
//!
//! A channel's padded input is laid out in phases: with steps of two, even and odd rows and columns apart. Then the
//! values under one tap, for neighbouring outputs, are neighbours whatever the step is.

/// Padding, as a Conv node says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Padding {
    /// Begins of both axes, then ends.
    Explicit([usize; 4]),
    /// As much as gives `ceil(in/stride)` outputs; an odd one goes to the end.
    SameUpper,
    /// The same; an odd one goes to the beginning.
    SameLower,
}

/// What a Conv node's attributes say of height and width.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// How many axes the tensors have behind batch and channels: two, or the width alone.
    pub(super) axes: usize,
    pub(super) kernel: [usize; 2],
    pub(super) strides: [usize; 2],
    pub(super) dilations: [usize; 2],
    pub(super) padding: Padding,
}

/// One axis of known lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Axis {
    pub(super) input: usize,
    pub(super) output: usize,
    pub(super) stride: usize,
    pub(super) pad_begin: usize,
    /// Length of one phase of the padded axis.
    pub(super) phase: usize,
}

/// A window over inputs of known shape.
#[derive(Clone, Debug)]
pub(super) struct Geometry {
    pub(super) batch: usize,
    pub(super) channels: usize,
    pub(super) rows: Axis,
    pub(super) columns: Axis,
    /// Where each tap's value for the first output lies in the phases, kernel position by kernel position.
    pub(super) taps: Vec<usize>,
    /// Floats of the phases of one channel.
    pub(super) phases_len: usize,
    axes: usize,
}

/// Values behind the last phase that a full register of lanes may read.
const SLACK: usize = super::plane::LANES;

impl Axis {
    fn new(window: &Window, axis: usize, input: usize) -> Option<Self> {
        let (stride, kernel) = (window.strides[axis], window.kernel[axis]);
        let reach = window.dilations[axis].checked_mul(kernel.checked_sub(1)?)?.checked_add(1)?;
        if stride == 0 || input == 0 || window.dilations[axis] == 0 {
            return None;
        }
        let (pad_begin, pad_end) = match window.padding {
            Padding::Explicit(pads) => (pads[axis], pads[axis + 2]),
            same => {
                let needed = (input.div_ceil(stride) - 1).checked_mul(stride)?.checked_add(reach)?;
                let total = needed.saturating_sub(input);
                if same == Padding::SameLower { (total - total / 2, total / 2) } else { (total / 2, total - total / 2) }
            }
        };
        let padded = input.checked_add(pad_begin)?.checked_add(pad_end)?;
        let output = padded.checked_sub(reach)? / stride + 1;
        Some(Self { input, output, stride, pad_begin, phase: padded.div_ceil(stride) })
    }

    /// Phase and place in it of a position of the padded axis.
    fn split(self, position: usize) -> (usize, usize) {
        (position % self.stride, position / self.stride)
    }

    /// Input positions of one phase: the first, and its place in the phase.
    pub(super) fn first_of(self, phase: usize) -> (usize, usize) {
        // The first padded position of the phase that is not before the input.
        let behind = (phase + self.stride - self.pad_begin % self.stride) % self.stride;
        (behind, (behind + self.pad_begin) / self.stride)
    }
}

impl Geometry {
    /// For an input `[N, C, H, W]` or `[N, C, W]`; `None` for other ranks and where the window does not fit.
    pub(super) fn new(window: &Window, channels: usize, shape: &[usize]) -> Option<Self> {
        let (batch, found, [height, width]) = match *shape {
            [batch, found, height, width] if window.axes == 2 => (batch, found, [height, width]),
            [batch, found, width] if window.axes == 1 => (batch, found, [1, width]),
            _ => return None,
        };
        if found != channels {
            return None;
        }
        let (rows, columns) = (Axis::new(window, 0, height)?, Axis::new(window, 1, width)?);
        let plane = rows.phase.checked_mul(columns.phase)?;
        let taps = (0..window.kernel[0]).flat_map(|y| (0..window.kernel[1]).map(move |x| (y, x)));
        let taps = taps.map(|(y, x)| {
            let (row_phase, row) = rows.split(y * window.dilations[0]);
            let (column_phase, column) = columns.split(x * window.dilations[1]);
            (row_phase * columns.stride + column_phase) * plane + row * columns.phase + column
        });
        let taps: Vec<usize> = taps.collect();
        let phases_len = plane.checked_mul(rows.stride)?.checked_mul(columns.stride)?.checked_add(SLACK)?;
        Some(Self { batch, channels, rows, columns, taps, phases_len, axes: window.axes })
    }

    pub(super) fn input_plane(&self) -> usize {
        self.rows.input * self.columns.input
    }

    pub(super) fn output_plane(&self) -> usize {
        self.rows.output * self.columns.output
    }

    /// Whether the phases are the input itself: no padding, and steps of one.
    pub(super) fn is_plain(&self) -> bool {
        [self.rows, self.columns].iter().all(|axis| axis.stride == 1 && axis.phase == axis.input)
    }

    /// Values of an output with so many channels.
    pub(super) fn output_len(&self, channels: usize) -> usize {
        self.batch * channels * self.output_plane()
    }

    #[expect(clippy::cast_possible_wrap, reason = "lengths of tensors in memory")]
    pub(super) fn output_shape(&self, channels: usize) -> Vec<i64> {
        let lengths = [self.rows.output, self.columns.output];
        let lengths = [self.batch, channels].into_iter().chain(lengths[2 - self.axes..].iter().copied());
        lengths.map(|length| length as i64).collect()
    }
}
