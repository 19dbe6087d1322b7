//! Which model inputs take pictures, and where their channels, height and width are.
//!
//! A shape alone is ambiguous: `[N,30,1,40]` has four axes and is a spectrogram. So an axis counts as channels only with
//! the fixed length 1 or 3, or when nothing fixed speaks against it; `[N,1,1,16000]` (a waveform) is no picture either.

use serde::{Deserialize, Serialize};

use crate::tensor::{Dim, ElementType, ModelInput};

/// The order of a picture tensor's axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Layout {
    /// Batch, channels, height, width (`PyTorch`, most ONNX files).
    #[serde(rename = "NCHW")]
    Nchw,
    /// Batch, height, width, channels (`TensorFlow`, picture files).
    #[serde(rename = "NHWC")]
    Nhwc,
}

impl Layout {
    /// How users write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nchw => "NCHW",
            Self::Nhwc => "NHWC",
        }
    }

    /// Places of channels, height and width among the last three axes.
    fn axes(self) -> [usize; 3] {
        match self {
            Self::Nchw => [0, 1, 2],
            Self::Nhwc => [2, 0, 1],
        }
    }

    /// The axis of the channels in a tensor of `rank` 3 or 4.
    pub(super) fn channel_axis(self, rank: usize) -> usize {
        rank.saturating_sub(3) + self.axes()[0]
    }
}

/// A model input read as pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PictureShape {
    /// Order of the axes.
    pub(super) layout: Layout,
    /// Pictures a call; 1 where the batch is symbolic or there is no batch axis.
    pub(super) block: usize,
    /// Whether there is a batch axis.
    pub(super) batched: bool,
    /// Channels, where fixed.
    pub(super) channels: Option<usize>,
    /// Height in pixels, where fixed.
    pub(super) height: Option<usize>,
    /// Width in pixels, where fixed.
    pub(super) width: Option<usize>,
}

impl PictureShape {
    /// How `input` takes pictures, in `layout` if one is asked for; `None` when it cannot.
    pub(super) fn of(input: &ModelInput, layout: Option<Layout>) -> Option<Self> {
        if matches!(input.element_type, ElementType::Bool | ElementType::String) {
            return None;
        }
        let unknown = [Dim::Unknown, Dim::Unknown, Dim::Unknown, Dim::Unknown];
        let dims = input.dims.as_deref().unwrap_or(&unknown);
        let layouts = layout.map_or(vec![Layout::Nchw, Layout::Nhwc], |l| vec![l]);
        let read = |strong: bool| layouts.iter().find_map(|&l| Self::read(dims, l, strong));
        read(true).or_else(|| read(false))
    }

    /// `strong`: the channel axis is fixed to 1 or 3. Three axes are a picture only if all are fixed: `[batch,seq,3]` is not.
    fn read(dims: &[Dim], layout: Layout, strong: bool) -> Option<Self> {
        let (batch, rest) = match dims {
            [batch, rest @ ..] if rest.len() == 3 => (Some(batch), rest),
            rest if rest.len() == 3 && strong && rest.iter().all(|d| fixed(d).is_some()) => (None, rest),
            _ => return None,
        };
        let [channels, height, width] = layout.axes().map(|k| rest.get(k).and_then(fixed));
        let channels_fit = match channels {
            Some(n) => n == 1 || n == 3,
            None => !strong,
        };
        // Below 4 pixels it is a signal with a spare axis.
        let is_side = |n: Option<usize>| n.is_none_or(|n| n >= 4);
        let block = batch.and_then(fixed).unwrap_or(1);
        (channels_fit && is_side(height) && is_side(width) && block > 0).then_some(Self {
            layout,
            block,
            batched: batch.is_some(),
            channels,
            height,
            width,
        })
    }

    /// The tensor's shape for one call with pictures of `width` × `height`.
    pub(super) fn tensor_shape(&self, channels: usize, width: usize, height: usize) -> Vec<usize> {
        let picture = match self.layout {
            Layout::Nchw => [channels, height, width],
            Layout::Nhwc => [height, width, channels],
        };
        self.batched.then_some(self.block).into_iter().chain(picture).collect()
    }
}

/// The length of a fixed axis.
pub(super) fn fixed(dim: &Dim) -> Option<usize> {
    if let Dim::Fixed(n) = dim { Some(*n) } else { None }
}

/// `data: float32 [N,3,224,224]`, as messages show an input.
pub(super) fn describe(input: &ModelInput) -> String {
    let dims = match &input.dims {
        None => "of undeclared rank".to_owned(),
        Some(dims) => {
            let dims: Vec<String> = dims
                .iter()
                .map(|d| match d {
                    Dim::Fixed(n) => n.to_string(),
                    Dim::Symbolic(name) => name.clone(),
                    Dim::Unknown => "?".to_owned(),
                })
                .collect();
            format!("[{}]", dims.join(","))
        }
    };
    format!("{}: {} {dims}", input.name, input.element_type.name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::testing::input;

    #[test]
    fn finds_the_channel_axis() {
        let of = |dims: &[i64]| {
            PictureShape::of(&input("x", ElementType::Float32, dims), None)
                .map(|p| (p.layout, p.channels, p.height, p.width))
        };
        assert_eq!(of(&[-1, 3, 224, 200]), Some((Layout::Nchw, Some(3), Some(224), Some(200))));
        assert_eq!(of(&[-1, 32, 30, 3]), Some((Layout::Nhwc, Some(3), Some(32), Some(30))));
        assert_eq!(of(&[1, 28, 28]), Some((Layout::Nchw, Some(1), Some(28), Some(28))));
        assert_eq!(of(&[-1, -1, -1, -1]), Some((Layout::Nchw, None, None, None)));
        // A spectrogram, a waveform, a token sequence, features.
        assert_eq!(of(&[-1, 30, 1, 40]), None);
        assert_eq!(of(&[-1, 1, 1, 16000]), None);
        assert_eq!(of(&[-1, -1, 3]), None);
        assert_eq!(of(&[-1, 10]), None);
    }

    #[test]
    fn an_asked_layout_must_be_possible() {
        let x = input("x", ElementType::Float32, &[2, 3, 64, 48]);
        assert_eq!(PictureShape::of(&x, Some(Layout::Nhwc)), None);
        let shape = PictureShape::of(&x, Some(Layout::Nchw)).unwrap();
        assert_eq!((shape.block, shape.tensor_shape(3, 48, 64)), (2, vec![2, 3, 64, 48]));
    }
}
