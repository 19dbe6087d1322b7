//! Preprocessing: how a picture becomes the numbers a model was trained on.
//!
//! `value = (pixel · scale − mean) / std`, pixels 0…255, computed in f64 and rounded to float32 once. `mean` and `std` stand
//! in the order of the *tensor's* channels: a BGR recipe starts with blue. A recipe is intent (fields left out are the
//! model's own); [`Recipe::fitted`] makes it total for one input, or says which field contradicts the model.

use serde::{Deserialize, Serialize};

use super::picture::{Layout, PictureShape, describe};
use crate::{
    error::{Error, Result},
    say,
    tensor::ModelInput,
    text::Text,
};

/// The order of the colours along the channel axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Channels {
    /// Red, green, blue.
    #[serde(rename = "RGB")]
    Rgb,
    /// Blue, green, red (`OpenCV`, Caffe).
    #[serde(rename = "BGR")]
    Bgr,
    /// One channel: ITU-R 601 luma, as Pillow's mode `L`.
    #[serde(rename = "gray")]
    Gray,
}

impl Channels {
    /// How many channels there are.
    pub fn count(self) -> usize {
        if self == Self::Gray { 1 } else { 3 }
    }

    /// How users write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rgb => "RGB",
            Self::Bgr => "BGR",
            Self::Gray => "gray",
        }
    }
}

/// How a picture is brought to the input's size, bilinear with antialiasing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resize {
    /// Both sides to the input's, whatever the aspect ratio.
    Stretch,
    /// The shorter side to this many pixels, then the centre is cropped. Without [`Recipe::size`] it counts for an input of
    /// 224 and scales with the input's shorter side.
    ShorterSide(usize),
    /// The whole picture fits in, the rest has this pixel value.
    Letterbox {
        /// Value of all channels of the border, 0…255.
        fill: u8,
    },
}

/// How pictures, or uint8 picture arrays, become a model's input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// The preset's name, or `custom`.
    pub name: String,
    /// Width and height in pixels; `None`: the model's own (224 × 224 where it declares none).
    pub size: Option<(usize, usize)>,
    /// How that size is reached. Has no part in arrays, which have their size.
    pub resize: Resize,
    /// The axes of the model's input; `None`: read off its shape.
    pub layout: Option<Layout>,
    /// The axes of picture *arrays* where they differ from the model's; `None`: the same. Has no part in picture files.
    pub array_layout: Option<Layout>,
    /// The input's channel order; `None`: RGB, or gray for one channel. Arrays are taken to be RGB.
    pub channels: Option<Channels>,
    /// Factor on the pixels 0…255.
    pub scale: f64,
    /// Subtracted after scaling; empty (0), one for all, or one a channel.
    pub mean: Vec<f64>,
    /// Divided by at last; empty (1), one for all, or one a channel. Never 0.
    pub std: Vec<f64>,
}

impl Recipe {
    /// The names that [`Recipe::preset`] knows.
    pub const PRESETS: [&'static str; 5] = ["imagenet", "imagenet-caffe", "0-1", "-1-1", "raw"];

    /// A preset by name.
    pub fn preset(name: &str) -> Option<Self> {
        let base = Self {
            name: name.to_owned(),
            size: None,
            resize: Resize::ShorterSide(256),
            layout: None,
            array_layout: None,
            channels: None,
            scale: 1.0,
            mean: Vec::new(),
            std: Vec::new(),
        };
        Some(match name {
            // torchvision's and Gluon's constants.
            "imagenet" => {
                Self { scale: 1.0 / 255.0, mean: vec![0.485, 0.456, 0.406], std: vec![0.229, 0.224, 0.225], ..base }
            }
            // Caffe's and Keras' "caffe" mode: mean colour of ImageNet, blue first, no scaling.
            "imagenet-caffe" => Self { channels: Some(Channels::Bgr), mean: vec![103.939, 116.779, 123.68], ..base },
            "0-1" => Self { resize: Resize::Stretch, scale: 1.0 / 255.0, ..base },
            "-1-1" => Self { resize: Resize::Stretch, scale: 1.0 / 127.5, mean: vec![1.0], ..base },
            "raw" => Self { resize: Resize::Stretch, ..base },
            _ => return None,
        })
    }

    /// This recipe with every field set for `input`.
    ///
    /// # Errors
    /// [`Error::Config`] naming the field that contradicts the input's declared shape, or an input that takes no pictures.
    pub fn fitted(&self, input: &ModelInput) -> Result<Self> {
        let refuse = |reason: Text| Error::config(say!("recipe {}", self.name), reason);
        let Some(shape) = PictureShape::of(input, self.layout) else {
            let asked = self.layout.map_or(Text::default(), |l| say!(" in layout {}", l.name()));
            return Err(refuse(say!("the input {} takes no pictures{}", describe(input), asked)));
        };
        let own = (shape.width, shape.height);
        let (width, height) = self.size.unwrap_or((own.0.unwrap_or(224), own.1.unwrap_or(224)));
        if own.0.is_some_and(|w| w != width) || own.1.is_some_and(|h| h != height) {
            return Err(refuse(say!("size {}×{} does not fit the input {}", width, height, describe(input))));
        }
        let channels = self.channels.unwrap_or(if shape.channels == Some(1) { Channels::Gray } else { Channels::Rgb });
        if shape.channels.is_some_and(|n| n != channels.count()) {
            return Err(refuse(say!("channels {} do not fit the input {}", channels.name(), describe(input))));
        }
        let resize = match self.resize {
            // 256 for 224: the margin that is cropped keeps its share at other sizes.
            Resize::ShorterSide(n) if self.size.is_none() => Resize::ShorterSide((n * width.min(height) + 112) / 224),
            other => other,
        };
        let fitted = Self {
            size: Some((width, height)),
            resize,
            layout: Some(shape.layout),
            channels: Some(channels),
            ..self.clone()
        };
        fitted.check().map_err(|(field, reason)| refuse(Text::joined(" ", [field.into(), reason])))?;
        Ok(fitted)
    }

    /// What is wrong with a field by itself: its key in the TOML file, and the reason.
    pub(super) fn check(&self) -> std::result::Result<(), (&'static str, Text)> {
        // Beyond this side a float32 input takes 3 GB: a slip of the pen, not a model.
        const MAX_SIDE: usize = 16_384;
        if let Some((w, h)) = self.size {
            if !(1..=MAX_SIDE).contains(&w) || !(1..=MAX_SIDE).contains(&h) {
                return Err(("size", say!("must have sides of 1 to {} pixels, not {}×{}", MAX_SIDE, w, h)));
            }
            if let Resize::ShorterSide(n) = self.resize
                && (n < w.min(h) || n > MAX_SIDE)
            {
                return Err(("shorter_side", say!("{} is outside {}…{}", n, w.min(h), MAX_SIDE)));
            }
        }
        if !self.scale.is_finite() || self.scale == 0.0 {
            return Err(("scale", say!("must be a number other than 0, not {}", self.scale)));
        }
        for (key, values) in [("mean", &self.mean), ("std", &self.std)] {
            let channels = self.channels.map(Channels::count);
            if values.len() > 1 && channels.map_or(values.len() != 3, |n| values.len() != n) {
                let wanted = channels.map_or(say!("1 or 3"), |n| if n == 1 { "1".into() } else { say!("1 or {}", n) });
                return Err((key, say!("has {} values, {} are needed", values.len(), wanted)));
            }
            if let Some(bad) = values.iter().find(|v| !v.is_finite()) {
                return Err((key, say!("holds {}", bad)));
            }
        }
        if self.std.contains(&0.0) {
            return Err(("std", say!("holds 0, which would divide by zero")));
        }
        Ok(())
    }

    /// Each channel's `value = pixel · factor + offset`, as (scale, mean, std); `channels` of them.
    pub(super) fn constants(&self, channels: usize) -> Vec<Normalize> {
        let pick = |values: &[f64], k: usize, or: f64| values.get(k).or(values.first()).copied().unwrap_or(or);
        (0..channels)
            .map(|k| Normalize { scale: self.scale, mean: pick(&self.mean, k, 0.0), std: pick(&self.std, k, 1.0) })
            .collect()
    }

    /// Smallest and largest value that a picture can get, over all channels.
    pub fn range(&self) -> (f64, f64) {
        let ends = self.constants(self.mean.len().max(self.std.len()).max(1)).into_iter();
        let ends = ends.flat_map(|n| [n.apply(0.0), n.apply(255.0)]);
        ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
    }

    /// The same recipe with another channel order; `mean` and `std` follow their colours.
    #[must_use]
    pub fn with_channels(mut self, channels: Channels) -> Self {
        let flips = matches!(
            (self.channels.unwrap_or(Channels::Rgb), channels),
            (Channels::Rgb, Channels::Bgr) | (Channels::Bgr, Channels::Rgb)
        );
        if flips {
            self.mean.reverse();
            self.std.reverse();
        }
        self.channels = Some(channels);
        self
    }
}

/// One channel's `(pixel · scale − mean) / std`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Normalize {
    scale: f64,
    mean: f64,
    std: f64,
}

impl Normalize {
    /// The value of a pixel 0…255.
    pub(super) fn apply(self, pixel: f64) -> f64 {
        (pixel * self.scale - self.mean) / self.std
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::testing::input;
    use crate::tensor::ElementType;

    #[test]
    fn presets_fit_the_model() {
        let x = input("x", ElementType::Float32, &[-1, 3, 299, 299]);
        let fitted = Recipe::preset("imagenet").unwrap().fitted(&x).unwrap();
        // 256·299/224 = 341.7
        assert_eq!(fitted.resize, Resize::ShorterSide(342));
        assert_eq!(
            (fitted.size, fitted.layout, fitted.channels),
            (Some((299, 299)), Some(Layout::Nchw), Some(Channels::Rgb))
        );
        // Fitting twice changes nothing.
        assert_eq!(fitted.fitted(&x).unwrap(), fitted);
    }

    #[test]
    fn contradictions_are_named() {
        let x = input("x", ElementType::Float32, &[-1, 1, 28, 28]);
        let says = |recipe: Recipe, words: &str| {
            let error = recipe.fitted(&x).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        };
        let raw = Recipe::preset("raw").unwrap();
        says(Recipe { size: Some((32, 28)), ..raw.clone() }, "size 32×28");
        says(Recipe { channels: Some(Channels::Rgb), ..raw.clone() }, "channels RGB");
        says(Recipe { layout: Some(Layout::Nhwc), ..raw.clone() }, "takes no pictures in layout NHWC");
        says(Recipe::preset("imagenet").unwrap(), "mean has 3 values, 1 are needed");
        says(Recipe { std: vec![0.0], ..raw.clone() }, "divide by zero");
        says(Recipe { scale: f64::NAN, ..raw }, "scale must be");
    }

    #[test]
    fn ranges_are_those_of_black_and_white() {
        let (low, high) = Recipe::preset("-1-1").unwrap().range();
        assert!((low + 1.0).abs() < 1e-12 && (high - 1.0).abs() < 1e-12);
        // Lowest red (0 − 0.485)/0.229 = −2.1179, highest blue (1 − 0.406)/0.225 = 2.64.
        let (low, high) = Recipe::preset("imagenet").unwrap().range();
        assert!((low + 2.117_903_9).abs() < 1e-6 && (high - 2.64).abs() < 1e-12, "{low} {high}");
    }

    #[test]
    fn colours_keep_their_constants() {
        let caffe = Recipe::preset("imagenet-caffe").unwrap();
        assert_eq!(caffe.clone().with_channels(Channels::Rgb).mean, [123.68, 116.779, 103.939]);
        assert_eq!(caffe.clone().with_channels(Channels::Bgr), caffe);
    }
}
