//! What the Data page shows of the samples in use: gathered once when they are opened, so that the window never decodes a
//! picture or runs a model to draw.
//!
//! A preview shows what the *model* receives: the tensor's values spread from its smallest to its largest over 0…255, its
//! channels 0, 1, 2 as red, green, blue. A BGR tensor therefore looks blue where the picture is red, which is the point.

use std::sync::Arc;

use image::{GrayImage, Luma, Rgb, RgbImage, imageops};

use super::{
    DataCheck, Dataset, Feed, Layout, Sanity, UsedRecipe,
    elements::numbers,
    picture::PictureShape,
    source::{DataKind, DataSource},
};
use crate::{
    error::Result,
    job::Warning,
    t,
    tensor::{ModelInput, Tensor},
};

/// Samples that have a preview.
const PREVIEWS: usize = 8;
/// Longest side of a preview in pixels.
const PREVIEW_SIDE: u32 = 128;
/// First values of an input that is no picture.
const FIRST_VALUES: usize = 8;

/// The samples in use, in words, numbers and pictures.
#[derive(Clone, Debug)]
pub struct DataInfo {
    /// Where they come from.
    pub source: DataSource,
    /// What the source is ("folder of pictures").
    pub kind: String,
    /// Whether values come from arrays, whose axes may differ from the model's.
    pub is_array: bool,
    /// Samples in use.
    pub samples: usize,
    /// Samples the source has; at least `samples`.
    pub available: usize,
    /// Whether every sample has a label.
    pub labels: bool,
    /// Names of the classes; empty when none came with the data.
    pub class_names: Arc<Vec<String>>,
    /// Preprocessing; `None` when the data are used as they are.
    pub recipe: Option<UsedRecipe>,
    /// The model inputs, in order.
    pub inputs: Vec<ModelInput>,
    /// What feeds each of them, same order.
    pub feeds: Vec<Feed>,
    /// Ranges, means and deviations of what the model receives.
    pub check: DataCheck,
    /// The float model's answers; `None` where its output is no class scores, or it has not been run.
    pub sanity: Option<Sanity>,
    /// The first samples.
    pub previews: Vec<Preview>,
    /// Whether the program made them up.
    pub synthetic: bool,
    /// What was noticed while opening.
    pub warnings: Vec<Warning>,
}

/// One sample as the model receives it.
#[derive(Clone, Debug)]
pub struct Preview {
    /// File name or number.
    pub name: String,
    /// True class, where known.
    pub label: Option<usize>,
    /// The picture before preprocessing, at most 96 pixels a side; `None` where there is none.
    pub source: Option<RgbImage>,
    /// One entry a model input.
    pub inputs: Vec<PreviewInput>,
}

/// One input of one sample.
#[derive(Clone, Debug)]
pub struct PreviewInput {
    /// Its name.
    pub input: String,
    /// Shape of the tensor.
    pub shape: Vec<usize>,
    /// Smallest value; NaN is left out.
    pub low: f64,
    /// Largest value.
    pub high: f64,
    /// The tensor as a picture, `low` black and `high` white; `None` where it is none.
    pub picture: Option<RgbImage>,
    /// The first few values.
    pub first: Vec<f64>,
}

impl DataInfo {
    /// Gathers everything about `dataset`. `available` is how many samples the source has before any limit.
    ///
    /// # Errors
    /// Those of [`Dataset::sample`], for the previews.
    pub fn gather(
        source: &DataSource,
        dataset: &Dataset,
        available: usize,
        check: DataCheck,
        sanity: Option<Sanity>,
    ) -> Result<Self> {
        let previews = (0..dataset.len().min(PREVIEWS)).map(|i| preview(dataset, i)).collect::<Result<_>>()?;
        Ok(Self {
            source: source.clone(),
            kind: kind_words(dataset.kind()).to_owned(),
            is_array: matches!(dataset.kind(), DataKind::Arrays | DataKind::NpyFiles | DataKind::TestSets),
            samples: dataset.len(),
            available: available.max(dataset.len()),
            labels: dataset.labels().is_some(),
            class_names: Arc::new(dataset.class_names().map(|names| names.names.clone()).unwrap_or_default()),
            recipe: dataset.recipe().cloned(),
            inputs: dataset.inputs().to_vec(),
            feeds: dataset.feeds().to_vec(),
            check,
            sanity,
            previews,
            synthetic: dataset.kind() == DataKind::Synthetic,
            warnings: dataset.warnings().to_vec(),
        })
    }

    /// The class's name, or its number where there is no name.
    pub fn class_name(&self, class: usize) -> String {
        self.class_names.get(class).cloned().unwrap_or_else(|| t!("class {}", class))
    }
}

fn kind_words(kind: DataKind) -> &'static str {
    match kind {
        DataKind::Pictures => t!("pictures"),
        DataKind::Arrays => t!("array file"),
        DataKind::NpyFiles => t!("folder of array files"),
        DataKind::TestSets => t!("ONNX test data"),
        DataKind::Synthetic => t!("synthetic samples"),
    }
}

fn preview(dataset: &Dataset, index: usize) -> Result<Preview> {
    let sample = dataset.sample(index)?;
    let layout = dataset.recipe().and_then(|used| used.recipe.layout);
    let inputs = dataset.inputs().iter().zip(&sample.tensors).map(|(input, t)| preview_input(input, t, layout));
    Ok(Preview { inputs: inputs.collect(), source: dataset.thumbnail(index), name: sample.name, label: sample.label })
}

fn preview_input(input: &ModelInput, tensor: &Tensor, layout: Option<Layout>) -> PreviewInput {
    let values: Vec<f64> = numbers(&tensor.data).map(|n| n.as_f64()).collect();
    let finite = || values.iter().copied().filter(|v| v.is_finite());
    let (low, high) = finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
    let layout = PictureShape::of(input, layout).map(|shape| shape.layout);
    PreviewInput {
        input: input.name.clone(),
        shape: tensor.shape.clone(),
        low,
        high,
        picture: layout.and_then(|layout| picture(&values, &tensor.shape, layout, (low, high))),
        first: values.iter().copied().take(FIRST_VALUES).collect(),
    }
}

/// The first picture in a tensor of three or four axes, scaled down to the preview's size.
fn picture(values: &[f64], shape: &[usize], layout: Layout, range: (f64, f64)) -> Option<RgbImage> {
    let last_three = shape.get(shape.len().checked_sub(3)?..)?;
    let &[a, b, c] = last_three else { return None };
    let (channels, height, width) = if layout == Layout::Nchw { (a, b, c) } else { (c, a, b) };
    if channels == 0 || values.len() < a * b * c {
        return None;
    }
    let (w, h) = (u32::try_from(width).ok()?, u32::try_from(height).ok()?);
    let at = |channel: usize, x: u32, y: u32| {
        let place = y as usize * width + x as usize;
        let index = if layout == Layout::Nchw { channel * width * height + place } else { place * channels + channel };
        shade(values.get(index).copied().unwrap_or(range.0), range)
    };
    let full = if channels >= 3 {
        RgbImage::from_fn(w, h, |x, y| Rgb([at(0, x, y), at(1, x, y), at(2, x, y)]))
    } else {
        let gray = GrayImage::from_fn(w, h, |x, y| Luma([at(0, x, y)]));
        RgbImage::from_fn(w, h, |x, y| Rgb([gray.get_pixel(x, y)[0]; 3]))
    };
    let longest = w.max(h);
    if longest <= PREVIEW_SIDE {
        return Some(full);
    }
    let scaled = |side: u32| (u64::from(side) * u64::from(PREVIEW_SIDE)).div_ceil(u64::from(longest)).max(1);
    let (w, h) = (u32::try_from(scaled(w)).ok()?, u32::try_from(scaled(h)).ok()?);
    Some(imageops::thumbnail(&full, w, h))
}

/// 0 at the range's low end, 255 at its high end; NaN and a range of no width are black.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=255")]
fn shade(value: f64, (low, high): (f64, f64)) -> u8 {
    let share = (value - low) / (high - low);
    if share.is_finite() { (255.0 * share).round().clamp(0.0, 255.0) as u8 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{data::testing::input, tensor::ElementType};

    /// Channel `c` of pixel `(x, y)` of a 4×4 picture holds `c·100 + y·10 + x`.
    fn planes() -> Vec<f32> {
        (0..48u8).map(|i| f32::from(i / 16) * 100.0 + f32::from(i % 16 / 4) * 10.0 + f32::from(i % 4)).collect()
    }

    #[test]
    fn channels_are_drawn_in_tensor_order() {
        let x = input("x", ElementType::Float32, &[-1, 3, 4, 4]);
        let shown = preview_input(&x, &Tensor::float32(vec![1, 3, 4, 4], planes()), None);
        assert_eq!((shown.low, shown.high), (0.0, 233.0));
        // Pixel (3, 2): 23, 123, 223 of 233 → 255·23/233 = 25.2, 134.6, 244.1.
        assert_eq!(shown.picture.unwrap().get_pixel(3, 2).0, [25, 135, 244]);
        assert_eq!(shown.first, [0.0, 1.0, 2.0, 3.0, 10.0, 11.0, 12.0, 13.0]);
    }

    #[test]
    fn channels_last_is_read_as_such() {
        let x = input("x", ElementType::Float32, &[-1, 4, 4, 3]);
        let values: Vec<f32> = (0..48u8).map(f32::from).collect();
        let shown = preview_input(&x, &Tensor::float32(vec![1, 4, 4, 3], values), None);
        // Pixel (1, 0) holds 3, 4, 5 of 47 → 16.3, 21.7, 27.1.
        assert_eq!(shown.picture.unwrap().get_pixel(1, 0).0, [16, 22, 27]);
    }

    #[test]
    fn what_is_no_picture_shows_its_first_values() {
        let x = input("ids", ElementType::Float32, &[-1, 5]);
        let shown = preview_input(&x, &Tensor::float32(vec![1, 5], vec![1.0, f32::NAN, 3.0, 4.0, 5.0]), None);
        assert!(shown.picture.is_none());
        assert_eq!((shown.low, shown.high, shown.first.len()), (1.0, 5.0, 5));
    }

    #[test]
    fn large_pictures_are_scaled_down_and_constant_ones_are_black() {
        let x = input("x", ElementType::Float32, &[-1, 1, 512, 256]);
        let shown = preview_input(&x, &Tensor::float32(vec![1, 1, 512, 256], vec![7.0; 512 * 256]), None);
        let picture = shown.picture.unwrap();
        assert_eq!(picture.dimensions(), (64, 128));
        assert!(picture.pixels().all(|p| p.0 == [0, 0, 0]));
    }
}
