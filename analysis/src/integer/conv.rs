//! Convolution over any number of spatial axes, with groups, strides, dilations and padding.
//!
//! The taps of an output are added kernel position by kernel position, the input channels of one position next to each
//! other: the order of onnxruntime's `QLinearConv` (`ReorderFilter`, "MCK1..Kn to K1...KnCM"), which decides which two
//! products meet in a 16-bit pair. Padding holds the input's zero-point, so it adds nothing.

use super::Geometry;
use crate::error::{Error, Result};

/// How much is padded where the file does not say it in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AutoPad {
    /// As [`ConvSettings::pads`] says.
    #[default]
    NotSet,
    /// As much as gives `ceil(in/stride)` outputs; an odd one goes to the end.
    SameUpper,
    /// The same; an odd one goes to the beginning.
    SameLower,
    /// Nothing.
    Valid,
}

/// The attributes of a Conv node; empty lists are ONNX's defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConvSettings {
    /// Step of each spatial axis; 1 where absent.
    pub strides: Vec<usize>,
    /// Distance of the taps of each spatial axis; 1 where absent.
    pub dilations: Vec<usize>,
    /// Begins of all spatial axes, then ends; 0 where absent.
    pub pads: Vec<i64>,
    /// Padding by rule.
    pub auto_pad: AutoPad,
    /// Groups; 0 means 1.
    pub groups: usize,
}

/// One spatial axis.
#[derive(Clone, Copy, Debug)]
struct Axis {
    input: usize,
    output: usize,
    kernel: usize,
    stride: usize,
    dilation: usize,
    pad_begin: i64,
}

/// A Conv of known shapes.
#[derive(Clone, Debug)]
pub struct ConvGeometry {
    axes: Vec<Axis>,
    batch: usize,
    input_channels: usize,
    channels: usize,
    groups: usize,
}

impl ConvGeometry {
    /// For an input `[N, C, D1, …]` and a weight `[M, C/groups, K1, …]`.
    ///
    /// # Errors
    /// [`Error::Model`] where the shapes do not fit each other or the settings.
    pub fn new(settings: &ConvSettings, input: &[usize], weight: &[usize]) -> Result<Self> {
        let refuse = |why: &str| Error::model(format!("a Conv of input {input:?} and weight {weight:?}: {why}"));
        let ([batch, input_channels, spatial @ ..], [channels, group_channels, kernel @ ..]) = (input, weight) else {
            return Err(refuse("both have a batch and a channel axis"));
        };
        let groups = settings.groups.max(1);
        if spatial.len() != kernel.len()
            || group_channels.checked_mul(groups) != Some(*input_channels)
            || channels % groups != 0
        {
            return Err(refuse("axes or channels do not fit"));
        }
        let mut axes = Vec::with_capacity(kernel.len());
        for (index, (&input, &kernel)) in spatial.iter().zip(kernel).enumerate() {
            let axis = Axis::new(settings, index, spatial.len(), input, kernel);
            axes.push(axis.ok_or_else(|| refuse("the kernel is larger than the padded input, or a step is 0"))?);
        }
        Ok(Self { axes, batch: *batch, input_channels: *input_channels, channels: *channels, groups })
    }

    /// The output's shape, `[N, M, O1, …]`.
    pub fn output_shape(&self) -> Vec<usize> {
        [self.batch, self.channels].into_iter().chain(self.axes.iter().map(|a| a.output)).collect()
    }

    fn pixels(&self) -> usize {
        self.axes.iter().map(|a| a.output).product()
    }

    fn input_pixels(&self) -> usize {
        self.axes.iter().map(|a| a.input).product()
    }

    fn kernel_positions(&self) -> usize {
        self.axes.iter().map(|a| a.kernel).product()
    }

    fn group_channels(&self) -> usize {
        self.input_channels / self.groups
    }

    /// The input pixel under kernel position `kernel` of output pixel `pixel`; `None` in the padding.
    fn input_pixel(&self, mut pixel: usize, mut kernel: usize) -> Option<usize> {
        let (mut element, mut stride) = (0, 1);
        for axis in self.axes.iter().rev() {
            let (output, tap) = (pixel % axis.output, kernel % axis.kernel);
            (pixel, kernel) = (pixel / axis.output, kernel / axis.kernel);
            let shifted = i64::try_from(output * axis.stride + tap * axis.dilation).ok()? - axis.pad_begin;
            let place = usize::try_from(shifted).ok().filter(|p| *p < axis.input)?;
            element += place * stride;
            stride *= axis.input;
        }
        Some(element)
    }
}

impl Axis {
    fn new(settings: &ConvSettings, index: usize, rank: usize, input: usize, kernel: usize) -> Option<Self> {
        let stride = settings.strides.get(index).copied().unwrap_or(1);
        let dilation = settings.dilations.get(index).copied().unwrap_or(1);
        let reach = dilation.checked_mul(kernel.checked_sub(1)?)?.checked_add(1)?;
        if stride == 0 || dilation == 0 {
            return None;
        }
        let signed = |v: usize| i64::try_from(v).ok();
        let (pad_begin, pad_end) = match settings.auto_pad {
            AutoPad::Valid => (0, 0),
            AutoPad::NotSet => {
                let pad = |i: usize| settings.pads.get(i).copied().unwrap_or(0);
                (pad(index), pad(index + rank))
            }
            AutoPad::SameUpper | AutoPad::SameLower => {
                let last = input.div_ceil(stride).checked_sub(1)?.checked_mul(stride)?;
                let total = (signed(last.checked_add(reach)?)? - signed(input)?).max(0);
                let half = total / 2;
                if settings.auto_pad == AutoPad::SameUpper { (half, total - half) } else { (total - half, half) }
            }
        };
        let room = signed(input)?.checked_add(pad_begin)?.checked_add(pad_end)?.checked_sub(signed(reach)?)?;
        let output = usize::try_from(room).ok()? / stride + 1;
        Some(Self { input, output, kernel, stride, dilation, pad_begin })
    }
}

impl Geometry for ConvGeometry {
    fn channels(&self) -> usize {
        self.channels
    }

    fn positions(&self) -> usize {
        self.batch * self.pixels()
    }

    fn groups(&self) -> usize {
        self.groups
    }

    fn taps(&self) -> usize {
        self.kernel_positions() * self.group_channels()
    }

    fn row(&self, _: usize, channel: usize) -> usize {
        channel
    }

    fn weight_element(&self, row: usize, tap: usize) -> usize {
        let (kernel, channel) = (tap / self.group_channels(), tap % self.group_channels());
        (row * self.group_channels() + channel) * self.kernel_positions() + kernel
    }

    fn output_element(&self, position: usize, channel: usize) -> usize {
        let (batch, pixel) = (position / self.pixels(), position % self.pixels());
        (batch * self.channels + channel) * self.pixels() + pixel
    }

    fn gather(&self, steps: &[i32], position: usize, group: usize, patch: &mut [i32]) {
        let (batch, pixel) = (position / self.pixels(), position % self.pixels());
        let first = batch * self.input_channels + group * self.group_channels();
        let channels = self.group_channels();
        for (kernel, patch) in patch.chunks_exact_mut(channels.max(1)).enumerate() {
            match self.input_pixel(pixel, kernel) {
                None => patch.fill(0),
                Some(place) => {
                    for (channel, slot) in patch.iter_mut().enumerate() {
                        *slot = steps.get((first + channel) * self.input_pixels() + place).copied().unwrap_or(0);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_shapes_by_hand() {
        let shape = |settings: &ConvSettings, input: &[usize], weight: &[usize]| {
            ConvGeometry::new(settings, input, weight).unwrap().output_shape()
        };
        // (5 + 1 + 1 − 3)/2 + 1 = 3 and (6 + 0 + 1 − 3)/2 + 1 = 3.
        let strided = ConvSettings { strides: vec![2, 2], pads: vec![1, 0, 1, 1], ..ConvSettings::default() };
        assert_eq!(shape(&strided, &[1, 4, 5, 6], &[8, 4, 3, 3]), [1, 8, 3, 3]);
        // Dilation 3 makes a kernel of 2 reach over 4: 7 − 4 + 1 = 4.
        let dilated = ConvSettings { dilations: vec![3], ..ConvSettings::default() };
        assert_eq!(shape(&dilated, &[2, 1, 7], &[1, 1, 2]), [2, 1, 4]);
        // ceil(7/2) = 4.
        let same = |auto_pad| ConvSettings { strides: vec![2], auto_pad, ..ConvSettings::default() };
        for auto_pad in [AutoPad::SameUpper, AutoPad::SameLower] {
            assert_eq!(shape(&same(auto_pad), &[1, 1, 7], &[1, 1, 4]), [1, 1, 4]);
        }
        assert_eq!(shape(&same(AutoPad::Valid), &[1, 1, 7], &[1, 1, 4]), [1, 1, 2]);
        assert_eq!(shape(&ConvSettings::default(), &[1, 2, 3, 4, 5], &[6, 2, 1, 2, 3]), [1, 6, 3, 3, 3]);
    }

    #[test]
    fn an_odd_pad_goes_where_the_rule_says() {
        // 4 inputs, kernel 2, stride 1: 4 outputs need one pad. Upper: at the end; lower: at the beginning.
        let patch_at = |auto_pad, position| {
            let settings = ConvSettings { auto_pad, ..ConvSettings::default() };
            let geometry = ConvGeometry::new(&settings, &[1, 1, 4], &[1, 1, 2]).unwrap();
            let mut patch = [7, 7];
            geometry.gather(&[1, 2, 3, 4], position, 0, &mut patch);
            patch
        };
        assert_eq!((patch_at(AutoPad::SameUpper, 0), patch_at(AutoPad::SameUpper, 3)), ([1, 2], [4, 0]));
        assert_eq!((patch_at(AutoPad::SameLower, 0), patch_at(AutoPad::SameLower, 3)), ([0, 1], [3, 4]));
    }

    #[test]
    fn channels_of_one_kernel_position_are_neighbours() {
        // Two input channels [1 2 3] and [4 5 6], kernel 2: position 1 reads 2, 5 and then 3, 6.
        let geometry = ConvGeometry::new(&ConvSettings::default(), &[1, 2, 3], &[1, 2, 2]).unwrap();
        let mut patch = [0; 4];
        geometry.gather(&[1, 2, 3, 4, 5, 6], 1, 0, &mut patch);
        assert_eq!(patch, [2, 5, 3, 6]);
        // Weight [1, 2, 2]: tap 1 is channel 1 at kernel 0, element 2.
        assert_eq!((0..4).map(|tap| geometry.weight_element(0, tap)).collect::<Vec<_>>(), [0, 2, 1, 3]);
    }

    #[test]
    fn shapes_that_do_not_fit_are_refused() {
        let plain = ConvSettings::default();
        for (input, weight) in [
            (&[1, 3, 5, 5][..], &[4, 2, 3, 3][..]),
            (&[1, 3, 5], &[4, 3, 3, 3]),
            (&[1], &[4, 3]),
            (&[1, 3, 2, 2], &[4, 3, 3, 3]),
            (&[1, 3, 5], &[4, 3, 0]),
        ] {
            assert!(ConvGeometry::new(&plain, input, weight).is_err(), "{input:?} {weight:?}");
        }
        let no_stride = ConvSettings { strides: vec![0], ..plain };
        assert!(ConvGeometry::new(&no_stride, &[1, 1, 4], &[1, 1, 2]).is_err());
    }

    #[test]
    fn settings_that_no_number_holds_are_refused() {
        let huge = usize::MAX;
        let new = |settings: ConvSettings| ConvGeometry::new(&settings, &[1, 2, 5], &[2, 2, 3]);
        let plain = ConvSettings { groups: 1, ..ConvSettings::default() };
        assert_eq!(new(plain.clone()).unwrap().output_shape(), [1, 2, 3]);
        for settings in [
            ConvSettings { groups: huge, ..plain.clone() },
            ConvSettings { strides: vec![0], ..plain.clone() },
            ConvSettings { dilations: vec![huge], ..plain.clone() },
            ConvSettings { pads: vec![i64::MAX, i64::MAX], ..plain.clone() },
            ConvSettings { pads: vec![i64::MIN, -1], ..plain.clone() },
            ConvSettings { dilations: vec![huge / 2 - 1], auto_pad: AutoPad::SameUpper, ..plain },
        ] {
            assert!(new(settings.clone()).is_err(), "{settings:?}");
        }
    }
}
